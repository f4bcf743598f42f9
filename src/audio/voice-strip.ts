/**
 * One voice's channel of the desk: tone, levelling, gain and pan, from mono to its share of the stereo mix. Every change
 * is ramped, so nothing clicks. Pure; `mix` allocates nothing. Memory: about 600 bytes.
 */

import { Leveller } from './leveller.js';
import { FLAT_TONE, ToneFilter, type Tone } from './tone-filter.js';

/** What a listener set for one speaker. */
export interface SpeakerDesk {
  /** Linear, 0–4; 1 = as sent. */
  readonly gain: number;
  /** −1 left … 1 right. */
  readonly pan: number;
  readonly tone: Tone;
  /** False while somebody else is heard solo: nothing of this voice is decoded or mixed. */
  readonly audible: boolean;
}

export const DEFAULT_DESK: SpeakerDesk = Object.freeze({ gain: 1, pan: 0, tone: FLAT_TONE, audible: true });

/** 400 %, +12 dB. */
export const MAX_GAIN = 4;

/** Share of the way to a new gain that one block of 128 samples (2.7 ms) makes: 98 % in 24 ms. */
const RAMP = 0.35;

/** Nearer than −100 dB a ramp has arrived. */
const ARRIVED = 1e-5;

export class VoiceStrip {
  readonly #tone = new ToneFilter();
  readonly #leveller = new Leveller();
  #gain = 1;
  #pan = 0;
  #isLevelling = false;
  readonly #left = newRamp(1);
  readonly #right = newRamp(1);
  #isFresh = true;

  /** dB the levelling changes this voice by now. */
  get levellingDb(): number {
    return this.#isLevelling ? this.#leveller.changeDb : 0;
  }

  /** Values out of range are held at its ends. */
  set(desk: Omit<SpeakerDesk, 'audible'>): void {
    this.#gain = within(desk.gain, 0, MAX_GAIN, 1);
    this.#pan = within(desk.pan, -1, 1, 0);
    this.#tone.setTone(desk.tone);
  }

  setLevelling(on: boolean): void {
    this.#isLevelling = on;
  }

  /**
   * Adds `count` samples of this voice at 48 kHz to the mix; `voice` is spent by it.
   *
   * Equal-power pan (a sine's and a cosine's squares add up to one) whose centre leaves both ears as sent, so hard left
   * is √2 in one of them.
   */
  mix(voice: Float32Array, count: number, left: Float32Array, right: Float32Array): void {
    if (this.#isLevelling) this.#leveller.listen(voice, count);
    this.#tone.process(voice, count);
    const gain = this.#gain * Math.SQRT2 * 10 ** (this.levellingDb / 20);
    const angle = ((this.#pan + 1) * Math.PI) / 4;
    const toLeft = this.#left;
    const toRight = this.#right;
    toLeft[2] = gain * Math.cos(angle);
    toRight[2] = gain * Math.sin(angle);
    if (this.#isFresh) {
      // Nothing was heard of it yet that could click.
      toLeft[0] = toLeft[2];
      toRight[0] = toRight[2];
      this.#isFresh = false;
    }
    planRamp(toLeft);
    planRamp(toRight);
    const stepLeft = (toLeft[1] - toLeft[0]) / count;
    const stepRight = (toRight[1] - toRight[0]) / count;
    for (let i = 0; i < count; i++) {
      const sample = voice[i] as number;
      left[i] = (left[i] as number) + sample * (toLeft[0] + stepLeft * (i + 1));
      right[i] = (right[i] as number) + sample * (toRight[0] + stepRight * (i + 1));
    }
    toLeft[0] = toLeft[1];
    toRight[0] = toRight[1];
  }

  /** The voice has paused: what changes now need not be ramped. */
  rest(): void {
    this.#isFresh = true;
  }
}

/**
 * A gain on its way: where it is, where it will be after this block, where it is going. In an array, and changed in place,
 * because the engine boxes numbers that change in fields or that functions hand to each other.
 */
export type Ramp = [now: number, next: number, target: number];

export const newRamp = (value: number): Ramp => Float64Array.of(value, value, value) as unknown as Ramp;

/** Works out where the ramp will be after this block. */
export function planRamp(ramp: Ramp): void {
  const missing = ramp[2] - ramp[0];
  ramp[1] = Math.abs(missing) < ARRIVED ? ramp[2] : ramp[0] + missing * RAMP;
}

export function within(value: number, low: number, high: number, fallback: number): number {
  return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : fallback;
}
