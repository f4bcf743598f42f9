/**
 * Bounds-checked big-endian reading and writing: the only way bytes enter or leave in `src/wire/`.
 * A reader never throws: past the end it answers zeros and `ok` turns false for good, so that a decoder reads
 * straight through and checks once at the end.
 */

import { fromHex, toHex } from '../units.js';

// Marked pure: the audio worklet imports a neighbour of this module, and its scope has neither of the two.
const textEncoder = /* @__PURE__ */ new TextEncoder();
const textDecoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: false });

export class ByteReader {
  #offset = 0;
  #ok = true;

  constructor(readonly bytes: Uint8Array) {}

  /** False once anything was read past the end or failed a check. */
  get ok(): boolean {
    return this.#ok;
  }

  get offset(): number {
    return this.#offset;
  }

  get remaining(): number {
    return this.bytes.byteLength - this.#offset;
  }

  /** Marks the input as malformed unless `condition` holds. */
  check(condition: boolean): void {
    if (!condition) this.#ok = false;
  }

  u8(): number {
    return this.#take(1) ? (this.bytes[this.#offset - 1] as number) : 0;
  }

  u16(): number {
    if (!this.#take(2)) return 0;
    const { bytes } = this;
    const end = this.#offset;
    return ((bytes[end - 2] as number) << 8) | (bytes[end - 1] as number);
  }

  u32(): number {
    if (!this.#take(4)) return 0;
    const { bytes } = this;
    const end = this.#offset;
    const high = ((bytes[end - 4] as number) << 8) | (bytes[end - 3] as number);
    return high * 0x1_0000 + (((bytes[end - 2] as number) << 8) | (bytes[end - 1] as number));
  }

  f32(): number {
    return this.#take(4) ? this.#view(4).getFloat32(0) : 0;
  }

  f64(): number {
    return this.#take(8) ? this.#view(8).getFloat64(0) : 0;
  }

  /** A view into the input, not a copy. Empty when too short. */
  take(length: number): Uint8Array {
    return this.#take(length) ? this.bytes.subarray(this.#offset - length, this.#offset) : new Uint8Array(0);
  }

  hex(byteLength: number): string {
    return toHex(this.take(byteLength));
  }

  /** UTF-8 text behind an 8-bit byte length of at most `maxBytes`. */
  text8(maxBytes: number): string {
    const length = this.u8();
    this.check(length <= maxBytes);
    return this.#ok ? textDecoder.decode(this.take(length)) : '';
  }

  /** Bytes behind a 16-bit length of at most `maxBytes`; a view, not a copy. */
  bytes16(maxBytes: number): Uint8Array {
    const length = this.u16();
    this.check(length <= maxBytes);
    return this.#ok ? this.take(length) : new Uint8Array(0);
  }

  /** The bytes just taken. */
  #view(length: number): DataView {
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + this.#offset - length, length);
  }

  #take(length: number): boolean {
    if (!this.#ok || this.bytes.byteLength - this.#offset < length) {
      this.#ok = false;
      return false;
    }
    this.#offset += length;
    return true;
  }
}

/** Grows by doubling; bounded by what its callers write (all of `src/wire/` stays below 64 KiB a message). */
export class ByteWriter {
  #bytes: Uint8Array<ArrayBuffer>;
  #length = 0;

  constructor(initialBytes = 256) {
    this.#bytes = new Uint8Array(initialBytes);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
    return this;
  }

  u16(value: number): this {
    this.#reserve(2);
    this.#bytes[this.#length++] = value >>> 8;
    this.#bytes[this.#length++] = value;
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#bytes[this.#length++] = value >>> 24;
    this.#bytes[this.#length++] = value >>> 16;
    this.#bytes[this.#length++] = value >>> 8;
    this.#bytes[this.#length++] = value;
    return this;
  }

  f32(value: number): this {
    this.#reserve(4);
    this.#view(4).setFloat32(0, value);
    return this;
  }

  f64(value: number): this {
    this.#reserve(8);
    this.#view(8).setFloat64(0, value);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#reserve(bytes.byteLength);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.byteLength;
    return this;
  }

  hex(text: string): this {
    return this.raw(fromHex(text));
  }

  /** @throws RangeError when the text needs more than `maxBytes` bytes of UTF-8. */
  text8(text: string, maxBytes: number): this {
    const bytes = textEncoder.encode(text);
    if (bytes.byteLength > maxBytes) throw new RangeError(`text longer than ${maxBytes} bytes`);
    return this.u8(bytes.byteLength).raw(bytes);
  }

  /** @throws RangeError when there are more than `maxBytes` bytes. */
  bytes16(bytes: Uint8Array, maxBytes: number): this {
    if (bytes.byteLength > maxBytes) throw new RangeError(`more than ${maxBytes} bytes`);
    return this.u16(bytes.byteLength).raw(bytes);
  }

  /** Forgets what was written, to be used again. */
  reset(): this {
    this.#length = 0;
    return this;
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  /** Room for the next so many bytes, which count as written. */
  #view(length: number): DataView {
    this.#length += length;
    return new DataView(this.#bytes.buffer, this.#length - length, length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.byteLength) return;
    const grown = new Uint8Array(Math.max(this.#bytes.byteLength * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** So many items, each read by the same function; malformed when there are more than a bound. */
export function list<T>(
  reader: ByteReader,
  count: number,
  max: number,
  read: (reader: ByteReader) => T,
): T[] {
  reader.check(count <= max);
  const items: T[] = [];
  for (let i = 0; reader.ok && i < count; i++) items.push(read(reader));
  return items;
}

/** @throws RangeError for more items than fit: a bug of the caller. */
export function bounded(length: number, max: number): void {
  if (length > max) throw new RangeError(`${length} items where at most ${max} fit`);
}

/** As a number of one byte has it. */
export const byte = (value: number): number => Math.max(0, Math.min(255, Math.floor(value)));
