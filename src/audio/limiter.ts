/**
 * The last thing before the loudspeaker: turns everything down for as long as it would be too loud, so that no sample
 * ever exceeds the ceiling. Both ears alike, or a loud voice would wander.
 *
 * Without looking ahead, because that would delay every voice: the gain falls in the very sample that needs it, stays
 * for a period of the lowest voice, then returns slowly. Only the first rise to a new peak is bent; a curve such as
 * tanh would bend every period. Pure; allocates nothing.
 */

import { SAMPLE_RATE_HZ } from '../units.js';

/** −1 dBFS: room for what resampling and the device's converter make of peaks between samples (EBU R 128's −1 dBTP). */
export const LIMITER_CEILING = 10 ** (-1 / 20);

/** Longer than half a period of 70 Hz, the lowest of men's voices: the gain rests between its peaks. */
const HOLD_SECONDS = 0.008;

/** Time constant of the way back: quick enough not to leave a hole after a shout, slow enough not to pump. */
const RELEASE_SECONDS = 0.15;

/** Once this near to 1 it is 1: ordinary sound passes bit by bit as it is. */
const NEARLY_ONE = 0.9999;

export class Limiter {
  readonly #holdSamples: number;
  readonly #release: number;
  #gain = 1;
  #held = 0;

  /** @param rateHz of the samples it will see; those of the destination. */
  constructor(rateHz: number = SAMPLE_RATE_HZ) {
    this.#holdSamples = Math.round(HOLD_SECONDS * rateHz);
    this.#release = 1 - Math.exp(-1 / (RELEASE_SECONDS * rateHz));
  }

  /** Gain of the last sample, 0–1. */
  get gain(): number {
    return this.#gain;
  }

  /** Limits `count` samples of both channels in place. What is not a number becomes silence. */
  process(left: Float32Array, right: Float32Array, count: number): void {
    let gain = this.#gain;
    let held = this.#held;
    for (let i = 0; i < count; i++) {
      const l = left[i] as number;
      const r = right[i] as number;
      const peak = Math.max(Math.abs(l), Math.abs(r));
      // False for NaN as well: one broken sample must not silence the room for ever.
      if (!(peak < Number.POSITIVE_INFINITY)) {
        left[i] = 0;
        right[i] = 0;
        continue;
      }
      if (peak * gain > LIMITER_CEILING) {
        gain = LIMITER_CEILING / peak;
        held = this.#holdSamples;
      } else if (held > 0) held -= 1;
      else if (gain < 1) {
        gain += (1 - gain) * this.#release;
        if (gain > NEARLY_ONE) gain = 1;
        if (peak * gain > LIMITER_CEILING) gain = LIMITER_CEILING / peak;
      }
      left[i] = l * gain;
      right[i] = r * gain;
    }
    this.#gain = gain;
    this.#held = held;
  }
}
