/**
 * Evens out loud and quiet people: measures how loud one voice is while it speaks and says by how much to change it.
 * Loudness is that of ITU-R BS.1770 (K-weighting, its coefficients for 48 kHz), taken in blocks of 100 ms and gated
 * as EBU R 128 does, so that pauses, breath and hum do not count as a quiet voice. Pure; allocates nothing.
 *
 * Slow on purpose: within a sentence a voice keeps its dynamics; only the person as a whole moves.
 */

import { SAMPLE_RATE_HZ } from '../units.js';

export interface LevellerConfig {
  /**
   * LUFS every voice is brought to. Between the −23 of EBU R 128, which is quiet on laptops, and the −16 customary for
   * podcasts, above which peaks of raw speech (crest up to 18 dB) reach the limiter.
   */
  readonly targetLufs: number;
  /** dB at most in either direction: beyond it one would amplify a room, not a voice. */
  readonly maxChangeDb: number;
  /** LUFS below which a block is no voice. EBU has −70 for finished programmes; a live microphone hums louder. */
  readonly absoluteGateLufs: number;
  /** LU below the voice's own loudness from which a block is a pause (R 128's relative gate). */
  readonly relativeGateLu: number;
  /** s of speech the estimate remembers: R 128's short-term window. */
  readonly memorySeconds: number;
  /** s of speech before it acts at all: R 128's momentary window. */
  readonly warmUpSeconds: number;
  /** dB/s the change moves down: a shout is tamed in a word. */
  readonly fallDbPerSecond: number;
  /** dB/s the change moves up: slower, so that nobody hears it move. */
  readonly riseDbPerSecond: number;
}

export const LEVELLER_DEFAULTS: LevellerConfig = {
  targetLufs: -20,
  maxChangeDb: 12,
  absoluteGateLufs: -55,
  relativeGateLu: 10,
  memorySeconds: 3,
  warmUpSeconds: 0.4,
  fallDbPerSecond: 12,
  riseDbPerSecond: 4,
};

/** 100 ms: the step of R 128's measurements. */
const BLOCK_SAMPLES = SAMPLE_RATE_HZ / 10;

/** BS.1770-4, table 1: the head, +4 dB above 1.5 kHz. */
const SHELF = [
  1.53512485958697, -2.69169618940638, 1.19839281085285, -1.69065929318241, 0.73248077421585,
] as const;

/** BS.1770-4, table 2: low frequencies count less. */
const HIGH_PASS = [1, -2, 1, -1.99004745483398, 0.99007225036621] as const;

/** LUFS of a mono signal of mean square 1 after K-weighting. */
const OFFSET_LU = -0.691;

export class Leveller {
  readonly #config: LevellerConfig;
  /** Memory of the two weighting filters, then the sum of this block's squares. */
  readonly #state = new Float64Array(5);
  #filled = 0;
  /** Mean square of the voice, K-weighted; 0 before the first block. */
  #power = 0;
  /** Blocks the estimate rests on, up to `memorySeconds`. */
  #blocks = 0;
  /** Blocks in a row that were above the absolute and below the relative gate: they may be the voice, moved away. */
  #belowRelative = 0;
  #changeDb = 0;

  constructor(config: LevellerConfig = LEVELLER_DEFAULTS) {
    this.#config = config;
  }

  /** dB by which the voice should be changed now. */
  get changeDb(): number {
    return this.#changeDb;
  }

  /** LUFS of the voice while it speaks; −∞ before it is known. */
  get loudnessLufs(): number {
    return loudness(this.#power);
  }

  /** Listens to `count` samples at 48 kHz. */
  listen(samples: Float32Array, count: number): void {
    // Written out here: numbers that functions hand to each other for every sample are boxed.
    const state = this.#state as unknown as [number, number, number, number, number];
    for (let i = 0; i < count; i++) {
      const x = samples[i] as number;
      const shelved = SHELF[0] * x + state[0];
      state[0] = SHELF[1] * x - SHELF[3] * shelved + state[1];
      state[1] = SHELF[2] * x - SHELF[4] * shelved;
      const weighted = HIGH_PASS[0] * shelved + state[2];
      state[2] = HIGH_PASS[1] * shelved - HIGH_PASS[3] * weighted + state[3];
      state[3] = HIGH_PASS[2] * shelved - HIGH_PASS[4] * weighted;
      state[4] += weighted * weighted;
      if (++this.#filled < BLOCK_SAMPLES) continue;
      const power = state[4] / BLOCK_SAMPLES;
      state[4] = 0;
      this.#filled = 0;
      this.#takeBlock(power);
    }
  }

  #takeBlock(power: number): void {
    const { absoluteGateLufs, relativeGateLu, memorySeconds, warmUpSeconds } = this.#config;
    const lufs = loudness(power);
    if (!(lufs >= absoluteGateLufs)) return;
    const memory = Math.round(memorySeconds * 10);
    if (this.#blocks > 0 && lufs < this.loudnessLufs - relativeGateLu) {
      this.#belowRelative += 1;
      if (this.#belowRelative < memory) return;
      this.#blocks = 0;
    }
    this.#belowRelative = 0;
    // The plain mean at first, then an exponential one.
    this.#blocks = Math.min(memory, this.#blocks + 1);
    this.#power += (power - this.#power) / this.#blocks;
    if (this.#blocks >= warmUpSeconds * 10) this.#move();
  }

  /** One block's worth towards the target; only while somebody speaks, so a pause changes nothing. */
  #move(): void {
    const { targetLufs, maxChangeDb, fallDbPerSecond, riseDbPerSecond } = this.#config;
    const wanted = Math.min(maxChangeDb, Math.max(-maxChangeDb, targetLufs - this.loudnessLufs));
    const missing = wanted - this.#changeDb;
    this.#changeDb += Math.min(riseDbPerSecond / 10, Math.max(-fallDbPerSecond / 10, missing));
  }
}

function loudness(power: number): number {
  return OFFSET_LU + 10 * Math.log10(power);
}
