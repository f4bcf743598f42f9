/**
 * Which sequence numbers of one source were seen: a ring of bits behind the newest one. Correct across the 32-bit
 * wrap, constant memory (128 B, from the first frame on), no allocation after that.
 */

import { serialDelta } from '../wire/voice-packet.js';

/** 1024 frames of 20 ms: 20 s, far beyond any replay (500 ms) or detour. */
const WINDOW_BITS = 1024;

/** Of all who were not heard yet; never written to. */
const NOTHING = new Uint32Array(0);

export class SequenceWindow {
  #bits = NOTHING;
  #newest = 0;
  /** Of the frames of this stream that came at all. */
  #oldest = 0;
  #streamEpoch = 0;
  #empty = true;

  get empty(): boolean {
    return this.#empty;
  }

  /** Newest sequence number seen; meaningless while `empty`. */
  get newest(): number {
    return this.#newest;
  }

  /** The sequence number a replay should start from. */
  get nextNeeded(): number {
    return (this.#newest + 1) >>> 0;
  }

  /** Takes note of a frame. True when it is new; false when seen, older than the window or of an older stream epoch. */
  note(streamEpoch: number, sequence: number): boolean {
    if (this.#empty || streamEpoch !== this.#streamEpoch) {
      if (!this.#empty && (streamEpoch - this.#streamEpoch) << 16 < 0) return false;
      if (this.#empty) this.#bits = new Uint32Array(WINDOW_BITS / 32);
      else this.#bits.fill(0);
      this.#empty = false;
      this.#streamEpoch = streamEpoch;
      this.#newest = this.#oldest = sequence >>> 0;
      this.#set(sequence);
      return true;
    }
    const ahead = serialDelta(sequence, this.#newest);
    if (ahead <= -WINDOW_BITS) return false;
    if (ahead > 0) {
      if (ahead >= WINDOW_BITS) this.#bits.fill(0);
      else for (let step = 1; step < ahead; step++) this.#clear(this.#newest + step);
      this.#newest = sequence >>> 0;
      this.#set(sequence);
      return true;
    }
    if (this.#has(sequence)) return false;
    if (serialDelta(sequence, this.#oldest) < 0) this.#oldest = sequence >>> 0;
    this.#set(sequence);
    return true;
  }

  /** Whether none is missing between the oldest and the newest, as far as the last so many before the newest go. */
  isWhole(last: number): boolean {
    const back = Math.min(last, serialDelta(this.#newest, this.#oldest));
    for (let step = 1; step < back; step++) if (!this.#has(this.#newest - step)) return false;
    return true;
  }

  #has(sequence: number): boolean {
    const bit = sequence & (WINDOW_BITS - 1);
    return ((this.#bits[bit >> 5] as number) & (1 << (bit & 31))) !== 0;
  }

  #set(sequence: number): void {
    const bit = sequence & (WINDOW_BITS - 1);
    this.#bits[bit >> 5] = (this.#bits[bit >> 5] as number) | (1 << (bit & 31));
  }

  #clear(sequence: number): void {
    const bit = sequence & (WINDOW_BITS - 1);
    this.#bits[bit >> 5] = (this.#bits[bit >> 5] as number) & ~(1 << (bit & 31));
  }
}
