/**
 * Three-band tone of one voice: low shelf, peak and high shelf in series (Bristow-Johnson, "Cookbook formulae for
 * audio EQ biquad filter coefficients"). Pure; `process` allocates nothing. Flat bands cost nothing: a filter runs
 * only while its band is not at 0 dB or still on its way there.
 */

import { SAMPLE_RATE_HZ } from '../units.js';

/** dB, each −12…12; 0 = as sent. */
export interface Tone {
  readonly lowDb: number;
  readonly midDb: number;
  readonly highDb: number;
}

export const FLAT_TONE: Tone = Object.freeze({ lowDb: 0, midDb: 0, highDb: 0 });

/** Four times the pressure either way: enough to mend a bad microphone, not enough to make a voice unrecognizable. */
export const MAX_TONE_DB = 12;

/**
 * Corners for speech, Hz: the shelf below 200 holds boom and hum, that above 3500 consonants and hiss; the peak
 * between them at the geometric middle of the vowels' second formants (Peterson & Barney 1952: 840–2290).
 */
const CORNERS_HZ = [200, 1400, 3500] as const;

/** About two octaves wide: the three bands meet without a hole. */
const PEAK_Q = 0.7;

/** dB a band moves per block of 128 samples: the whole range in 32 ms, each step too small to click. */
const STEP_DB = 2;

/** Below −120 dBFS a filter's memory is nothing anybody hears. */
const SPENT = 1e-6;

class Band {
  targetDb = 0;
  #db = 0;
  /** b0, b1, b2, a1, a2, divided by a0. In arrays, because numbers that change would be boxed in fields. */
  readonly #coefficients = Float64Array.of(1, 0, 0, 0, 0);
  readonly #state = new Float64Array(2);

  constructor(private readonly index: 0 | 1 | 2) {}

  get isFlat(): boolean {
    return this.targetDb === 0 && this.#db === 0 && this.#state[0] === 0 && this.#state[1] === 0;
  }

  /** Transposed direct form II, in place. */
  process(samples: Float32Array, count: number): void {
    if (this.#db !== this.targetDb) {
      const missing = this.targetDb - this.#db;
      this.#db = Math.abs(missing) <= STEP_DB ? this.targetDb : this.#db + Math.sign(missing) * STEP_DB;
      this.#design();
    }
    const coefficients = this.#coefficients;
    const b0 = coefficients[0] as number;
    const b1 = coefficients[1] as number;
    const b2 = coefficients[2] as number;
    const a1 = coefficients[3] as number;
    const a2 = coefficients[4] as number;
    const state = this.#state as unknown as [number, number];
    for (let i = 0; i < count; i++) {
      const x = samples[i] as number;
      const y = b0 * x + state[0];
      state[0] = b1 * x - a1 * y + state[1];
      state[1] = b2 * x - a2 * y;
      samples[i] = y;
    }
    if (Math.abs(state[0]) < SPENT && Math.abs(state[1]) < SPENT) this.#state.fill(0);
  }

  #design(): void {
    const a = 10 ** (this.#db / 40);
    const w = (2 * Math.PI * CORNERS_HZ[this.index]) / SAMPLE_RATE_HZ;
    const cos = Math.cos(w);
    if (this.index === 1) {
      const alpha = Math.sin(w) / (2 * PEAK_Q);
      this.#set(1 + alpha * a, -2 * cos, 1 - alpha * a, 1 + alpha / a, -2 * cos, 1 - alpha / a);
      return;
    }
    // Shelf slope 1: as steep as it gets without a bump. The high shelf is the low one with cos mirrored.
    const beta = Math.SQRT2 * Math.sqrt(a) * Math.sin(w);
    const side = this.index === 0 ? 1 : -1;
    const c = side * cos;
    this.#set(
      a * (a + 1 - (a - 1) * c + beta),
      side * 2 * a * (a - 1 - (a + 1) * c),
      a * (a + 1 - (a - 1) * c - beta),
      a + 1 + (a - 1) * c + beta,
      side * -2 * (a - 1 + (a + 1) * c),
      a + 1 + (a - 1) * c - beta,
    );
  }

  #set(b0: number, b1: number, b2: number, a0: number, a1: number, a2: number): void {
    const coefficients = this.#coefficients;
    coefficients[0] = b0 / a0;
    coefficients[1] = b1 / a0;
    coefficients[2] = b2 / a0;
    coefficients[3] = a1 / a0;
    coefficients[4] = a2 / a0;
  }
}

export class ToneFilter {
  readonly #low = new Band(0);
  readonly #mid = new Band(1);
  readonly #high = new Band(2);

  /** Taken over within 32 ms. Values beyond ±12 dB are held there. */
  setTone(tone: Tone): void {
    this.#low.targetDb = bounded(tone.lowDb);
    this.#mid.targetDb = bounded(tone.midDb);
    this.#high.targetDb = bounded(tone.highDb);
  }

  /** Filters `count` samples at 48 kHz in place. */
  process(samples: Float32Array, count: number): void {
    if (!this.#low.isFlat) this.#low.process(samples, count);
    if (!this.#mid.isFlat) this.#mid.process(samples, count);
    if (!this.#high.isFlat) this.#high.process(samples, count);
  }
}

function bounded(db: number): number {
  return Number.isFinite(db) ? Math.min(MAX_TONE_DB, Math.max(-MAX_TONE_DB, db)) : 0;
}
