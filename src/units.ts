/**
 * The few quantities worth a brand: mixing them up compiles silently and hurts.
 * Everything else carries its unit in its name (`gapMs`, `frameSamples`).
 */

declare const brand: unique symbol;
type Brand<Base, Name extends string> = Base & { readonly [brand]: Name };

/** 16 random bytes per join, as 32 lower-case hex digits. Two tabs of one person are two members. */
export type MemberId = Brand<string, 'MemberId'>;

/** A person: the first 16 bytes of SHA-256 over their Ed25519 public key, as 32 lower-case hex digits. */
export type Identity = Brand<string, 'Identity'>;

/** The first four bytes of a member id, big endian, as an unsigned integer: names a source inside packets. */
export type Handle = Brand<number, 'Handle'>;

/** Sample rate of every clock on the wire and of every audio graph, in Hz. */
export const SAMPLE_RATE_HZ = 48_000;

/** The handle under which packets name a member. */
export function handleOf(memberId: MemberId): Handle {
  return Number.parseInt(memberId.slice(0, 8), 16) as Handle;
}

/** Lower-case hex of a few bytes (ids, keys); a flat string, for it will be a key. */
export function toHex(bytes: Uint8Array): string {
  const codes: number[] = [];
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    codes.push(digitCode(byte >> 4), digitCode(byte & 15));
  }
  return String.fromCharCode(...codes);
}

/** Bytes of an even-length hex text. @throws RangeError when the text is not hex. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length >> 1);
  let valid = text.length % 2 === 0;
  for (let i = 0; i < bytes.length; i++) {
    const high = digitValue(text.charCodeAt(2 * i));
    const low = digitValue(text.charCodeAt(2 * i + 1));
    valid &&= high < 16 && low < 16;
    bytes[i] = (high << 4) | low;
  }
  if (!valid) throw new RangeError('not hex');
  return bytes;
}

function digitCode(nibble: number): number {
  return nibble + (nibble < 10 ? 48 : 87);
}

/** 16 or more for what is no hex digit. */
function digitValue(code: number): number {
  if (code < 58) return code < 48 ? 16 : code - 48;
  const letter = (code | 32) - 97;
  return letter < 0 || code > 127 ? 16 : letter + 10;
}
