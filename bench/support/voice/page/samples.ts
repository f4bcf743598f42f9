/** Samples as text, to cross between Node and a page: base64 of little-endian 16-bit integers. Both ends use it. */

/** Bytes turned to text at once: what a call may have as arguments. */
const PORTION = 0x8000;

export function samplesToText(samples: Float32Array): string {
  const integers = Int16Array.from(samples, (sample) =>
    Math.round(32_767 * Math.max(-1, Math.min(1, sample))),
  );
  const bytes = new Uint8Array(integers.buffer);
  let text = '';
  for (let from = 0; from < bytes.length; from += PORTION)
    text += String.fromCharCode(...bytes.subarray(from, from + PORTION));
  return btoa(text);
}

export function textToSamples(text: string): Float32Array<ArrayBuffer> {
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return Float32Array.from(new Int16Array(bytes.buffer), (sample) => sample / 32_767);
}
