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
  readonly #view: DataView;
  #offset = 0;
  #ok = true;

  constructor(readonly bytes: Uint8Array) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

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
    return this.#take(1) ? this.#view.getUint8(this.#offset - 1) : 0;
  }

  u16(): number {
    return this.#take(2) ? this.#view.getUint16(this.#offset - 2) : 0;
  }

  u32(): number {
    return this.#take(4) ? this.#view.getUint32(this.#offset - 4) : 0;
  }

  f32(): number {
    return this.#take(4) ? this.#view.getFloat32(this.#offset - 4) : 0;
  }

  f64(): number {
    return this.#take(8) ? this.#view.getFloat64(this.#offset - 8) : 0;
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

  #take(length: number): boolean {
    if (!this.#ok || this.remaining < length) {
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
  #view: DataView;
  #length = 0;

  constructor(initialBytes = 256) {
    this.#bytes = new Uint8Array(initialBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#length;
  }

  u8(value: number): this {
    this.#reserve(1);
    this.#view.setUint8(this.#length, value);
    this.#length += 1;
    return this;
  }

  u16(value: number): this {
    this.#reserve(2);
    this.#view.setUint16(this.#length, value);
    this.#length += 2;
    return this;
  }

  u32(value: number): this {
    this.#reserve(4);
    this.#view.setUint32(this.#length, value);
    this.#length += 4;
    return this;
  }

  f32(value: number): this {
    this.#reserve(4);
    this.#view.setFloat32(this.#length, value);
    this.#length += 4;
    return this;
  }

  f64(value: number): this {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
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

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.byteLength) return;
    const grown = new Uint8Array(Math.max(this.#bytes.byteLength * 2, this.#length + more));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }
}
