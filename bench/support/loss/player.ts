/** What every receiver of the bench looks like, and the decoder they share, which keeps count of what it was asked. */

import type { OpusDecoder } from '../../../src/audio/codec.js';
import type { ArrivedFrame } from '../../../src/audio/jitter-buffer.js';

/** Longest block any receiver makes at once: a 60 ms frame and room to stretch it. */
export const BLOCK_SAMPLES = 2880 + 480;

export interface Player {
  push(frame: ArrivedFrame, nowSamples: number): void;
  /** Writes `count` samples; @returns false when all of them are silence. */
  pull(out: Float32Array, count: number, nowSamples: number): boolean;
  /** Samples added to or taken from speech so far. */
  readonly stretchedSamples: number;
}

export interface Played {
  readonly frame: Uint8Array;
  readonly atSamples: number;
}

/** Counts samples invented and notes when each frame is decoded, at the receiver's clock. */
export class CountingDecoder implements OpusDecoder {
  nowSamples = 0;
  concealedSamples = 0;
  recoveredSamples = 0;
  readonly played: Played[] = [];

  constructor(private readonly decoder: OpusDecoder) {}

  decode(frame: Uint8Array, out: Float32Array): number {
    this.played.push({ frame, atSamples: this.nowSamples });
    return this.decoder.decode(frame, out);
  }

  decodeFec(nextFrame: Uint8Array, out: Float32Array, samples?: number): number {
    const written = this.decoder.decodeFec(nextFrame, out, samples);
    this.recoveredSamples += Math.max(0, written);
    return written;
  }

  conceal(out: Float32Array, samples?: number): number {
    const written = this.decoder.conceal(out, samples);
    // Our own receiver also blends over seams, in a buffer of its own: that replaces nothing.
    if (out.length >= BLOCK_SAMPLES) this.concealedSamples += Math.max(0, written);
    return written;
  }

  free(): void {
    this.decoder.free();
  }
}
