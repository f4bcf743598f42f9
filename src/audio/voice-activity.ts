/**
 * Is somebody speaking? By loudness alone: a frame counts as voice when it stands out of the noise floor, which is
 * the quietest frame of the last two seconds (minimum statistics, Martin 2001; the window is longer than a spoken
 * phrase without a gap). Holds on for 300 ms, so that the stops inside words do not chop them.
 *
 * Pure: time is counted in frames. Memory: a dozen numbers.
 */

import { ACTIVITY_DEFAULTS, validateActivityConfig, type ActivityConfig } from './config.js';

/** `auto`, `off` (always active) or a threshold in dBFS. */
export type VoiceActivation = 'auto' | 'off' | number;

/** What a frame without any sound measures, dBFS. */
export const SILENCE_DBFS = -127;

/** Parts of the floor's window; the oldest is forgotten as a whole. */
const FLOOR_PARTS = 8;

/** The floor assumed until the first part is full. */
const FIRST_FLOOR_DBFS = -65;

export interface Activity {
  /** Send this frame. */
  active: boolean;
  /** The last frame of a spurt: active, and the next is not unless somebody speaks in it. */
  last: boolean;
  /** Root mean square, −127…0 (a full-scale sine is −3). */
  levelDbfs: number;
}

export class VoiceActivityDetector {
  mode: VoiceActivation = 'auto';

  readonly #config: ActivityConfig;
  readonly #hangoverFrames: number;
  readonly #partFrames: number;
  readonly #minima = new Float64Array(FLOOR_PARTS).fill(FIRST_FLOOR_DBFS);
  readonly #result: Activity = { active: false, last: false, levelDbfs: SILENCE_DBFS };
  #part = 0;
  #partFill = 0;
  #hangover = 0;

  /** @param frameMs duration of every frame that will be judged. @throws RangeError for contradicting settings. */
  constructor(frameMs: number, config: ActivityConfig = ACTIVITY_DEFAULTS) {
    this.#config = validateActivityConfig(config);
    this.#hangoverFrames = Math.ceil(config.hangoverMs / frameMs);
    this.#partFrames = Math.max(1, Math.round(config.floorWindowMs / frameMs / FLOOR_PARTS));
  }

  /** Loudness of the room without voices, dBFS. */
  get floorDbfs(): number {
    let floor = 0;
    for (let i = 0; i < FLOOR_PARTS; i++) floor = Math.min(floor, this.#minima[i] as number);
    return floor;
  }

  /** Level a frame must exceed to count as voice, dBFS. */
  get thresholdDbfs(): number {
    const { aboveFloorDb, quietestVoiceDbfs, loudestFloorDbfs } = this.#config;
    if (this.mode === 'off') return SILENCE_DBFS - 1;
    if (this.mode !== 'auto') return this.mode;
    return Math.max(quietestVoiceDbfs, Math.min(this.floorDbfs, loudestFloorDbfs) + aboveFloorDb);
  }

  /** Judges the next frame. The result is reused by the next call. */
  judge(samples: Float32Array): Activity {
    const result = this.#result;
    const levelDbfs = levelOf(samples);
    const isLoud = levelDbfs > this.thresholdDbfs;
    this.#learn(levelDbfs);
    result.levelDbfs = levelDbfs;
    if (isLoud) {
      this.#hangover = this.mode === 'off' ? 0 : this.#hangoverFrames;
      result.active = true;
      result.last = false;
      return result;
    }
    result.active = this.#hangover > 0;
    result.last = this.#hangover === 1;
    if (this.#hangover > 0) this.#hangover -= 1;
    return result;
  }

  #learn(levelDbfs: number): void {
    if (this.#partFill === 0) {
      this.#part = (this.#part + 1) % FLOOR_PARTS;
      this.#minima[this.#part] = levelDbfs;
    } else this.#minima[this.#part] = Math.min(this.#minima[this.#part] as number, levelDbfs);
    this.#partFill = (this.#partFill + 1) % this.#partFrames;
  }
}

/** Root mean square of a frame in dBFS, at least `SILENCE_DBFS`; not-a-number counts as silence. */
export function levelOf(samples: Float32Array): number {
  let power = 0;
  for (let i = 0; i < samples.length; i++) power += (samples[i] as number) ** 2;
  const level = 10 * Math.log10(power / samples.length);
  return level > SILENCE_DBFS ? Math.min(0, level) : SILENCE_DBFS;
}
