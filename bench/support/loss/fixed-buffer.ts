/**
 * A fixed buffer: every frame is due 60 ms after the first one's arrival, by the speaker's clock. What is not there
 * then is concealed; after 100 ms without anything in time the next arrival sets the clock anew.
 */

import type { OpusDecoder } from '../../../src/audio/codec.js';
import type { ArrivedFrame } from '../../../src/audio/jitter-buffer.js';
import { BLOCK_SAMPLES, type Player } from './player.js';

const DELAY_SAMPLES = 60 * 48;
const RESYNC_SAMPLES = 100 * 48;

export class FixedBuffer implements Player {
  readonly stretchedSamples = 0;
  readonly #waiting = new Map<number, Uint8Array>();
  readonly #block = new Float32Array(BLOCK_SAMPLES);
  #next = 0;
  #dueAt = Number.NaN;
  #missing = 0;
  #position = 0;
  #length = 0;

  constructor(private readonly decoder: OpusDecoder) {}

  push({ sequence, frame, frameSamples }: ArrivedFrame, nowSamples: number): void {
    if (Number.isNaN(this.#dueAt) || this.#missing >= RESYNC_SAMPLES) {
      this.#next = sequence;
      this.#dueAt = nowSamples + DELAY_SAMPLES;
      this.#missing = 0;
    }
    if (sequence >= this.#next && frameSamples > 0) this.#waiting.set(sequence, frame);
  }

  pull(out: Float32Array, count: number, nowSamples: number): boolean {
    let written = 0;
    let isSound = false;
    while (written < count) {
      if (this.#position >= this.#length && !this.#refill(nowSamples + written)) {
        out.fill(0, written, count);
        return isSound;
      }
      const portion = Math.min(count - written, this.#length - this.#position);
      out.set(this.#block.subarray(this.#position, this.#position + portion), written);
      this.#position += portion;
      written += portion;
      isSound = true;
    }
    return isSound;
  }

  #refill(nowSamples: number): boolean {
    if (Number.isNaN(this.#dueAt) || nowSamples < this.#dueAt) return false;
    const frame = this.#waiting.get(this.#next);
    this.#waiting.delete(this.#next);
    this.#next += 1;
    this.#position = 0;
    if (!frame && this.#missing >= RESYNC_SAMPLES) return false;
    this.#length = frame ? this.decoder.decode(frame, this.#block) : this.decoder.conceal(this.#block, 960);
    this.#missing = frame ? 0 : this.#missing + this.#length;
    return true;
  }
}
