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

/** Lower-case hex of any bytes. */
export function toHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Bytes of an even-length hex text. @throws RangeError when the text is not hex. */
export function fromHex(text: string): Uint8Array<ArrayBuffer> {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw new RangeError('not hex');
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
