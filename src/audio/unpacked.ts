/**
 * The bytes of a text that holds them deflated, six bits a character: what a script can hold of WebAssembly with least
 * weight once it is compressed on its way. Neither `atob` nor `DecompressionStream` exists in every worklet.
 */

import { inflateSync } from 'fflate';

/** @param packed base64 (RFC 4648, section 4) of raw deflate (RFC 1951) */
export function unpacked(packed: string): Uint8Array {
  const digits = packed.replace(/=+$/, '');
  const bytes = new Uint8Array((digits.length * 3) >> 2);
  let bits = 0;
  for (let i = 0, end = 0; i < digits.length; i++) {
    bits = (bits << 6) | digitOf(digits.charCodeAt(i));
    // Of four characters all but the first complete a byte.
    if ((i & 3) > 0) bytes[end++] = bits >> (6 - 2 * (i & 3));
  }
  return inflateSync(bytes);
}

function digitOf(code: number): number {
  if (code >= 97) return code - 71;
  if (code >= 65) return code - 65;
  if (code >= 48) return code + 4;
  return code === 43 ? 62 : 63;
}
