/**
 * One speaker's sound: asks the jitter buffer what comes next, has the decoder make it, and hands it out in whatever
 * portions the audio thread wants. Every edge is faded (start and end of a spurt, of concealment, of a dropped
 * stretch), so nothing clicks. Lives in the playout worklet; `pull` allocates nothing.
 *
 * Memory: the jitter buffer's ≤ 64 kB, 25 kB of samples here, about 20 kB in the codec.
 */

import type { OpusDecoder } from './codec.js';
import { PLAYOUT_DEFAULTS, type PlayoutConfig } from './config.js';
import { CONCEAL_SAMPLES, JitterBuffer, type ArrivedFrame } from './jitter-buffer.js';
import { compress, expand } from './time-stretch.js';

/** Longest frame a packet may hold (60 ms) and what stretching adds. */
const BLOCK_SAMPLES = 2880 + 480;

/** 5 ms: short enough not to swallow a consonant, long enough not to click. */
const FADE_SAMPLES = 240;

/** One render quantum: how fast a blocked voice must be gone. */
const STOP_SAMPLES = 128;

/** Share of the concealment allowance before it begins to fade: one lost frame stays at full level. */
const CONCEAL_FADE_FROM = 0.2;

export class SpeakerPlayout {
  readonly buffer: JitterBuffer;
  /** Audio clock of the last frame that arrived, samples at 48 kHz. */
  lastArrival = 0;
  /** Samples added to or taken from speech by stretching. */
  stretchedSamples = 0;

  readonly #block = new Float32Array(BLOCK_SAMPLES);
  readonly #tail = new Float32Array(CONCEAL_SAMPLES);
  #decoder: OpusDecoder | undefined;
  #position = 0;
  #length = 0;
  #gain = 0;

  constructor(config: PlayoutConfig = PLAYOUT_DEFAULTS) {
    this.buffer = new JitterBuffer(config);
  }

  /** True when `pull` would only give silence: nothing waits and nothing is being played. */
  get isIdle(): boolean {
    return this.#position >= this.#length && this.buffer.isIdle;
  }

  /** Sound begins once there is one; until then frames wait and the oldest are dropped. */
  setDecoder(decoder: OpusDecoder): void {
    this.#decoder?.free();
    this.#decoder = decoder;
  }

  push(frame: ArrivedFrame, nowSamples: number): void {
    this.lastArrival = nowSamples;
    this.buffer.push(frame, nowSamples);
  }

  /** Falls silent within one render quantum and drops what waits. */
  stop(): void {
    this.buffer.clear();
    const left = this.#length - this.#position;
    const fade = Math.min(STOP_SAMPLES, left);
    for (let i = 0; i < fade; i++) {
      const index = this.#position + i;
      this.#block[index] = (this.#block[index] as number) * (1 - (i + 1) / fade);
    }
    this.#length = this.#position + fade;
    this.#gain = 0;
  }

  free(): void {
    this.#decoder?.free();
    this.#decoder = undefined;
  }

  /**
   * Writes `count` samples at 48 kHz to the front of `out`.
   * @param nowSamples audio clock of the first of them. @returns false when all of them are silence.
   */
  pull(out: Float32Array, count: number, nowSamples: number): boolean {
    let written = 0;
    let isSound = false;
    while (written < count) {
      if (this.#position >= this.#length && !this.#refill(nowSamples + written)) {
        out.fill(0, written, count);
        return isSound;
      }
      const portion = Math.min(count - written, this.#length - this.#position);
      for (let i = 0; i < portion; i++) out[written + i] = this.#block[this.#position + i] as number;
      this.#position += portion;
      written += portion;
      isSound = true;
    }
    return isSound;
  }

  /** Makes the next block. @returns false when nothing is due. */
  #refill(nowSamples: number): boolean {
    const decoder = this.#decoder;
    if (!decoder) return false;
    const action = this.buffer.next(nowSamples);
    if (action.kind === 'silence') {
      this.#gain = 0;
      return false;
    }
    this.#position = 0;
    if (action.kind === 'conceal') {
      this.#length = this.#concealInto(decoder, action.samples);
      const fading = (action.concealed - CONCEAL_FADE_FROM) / (1 - CONCEAL_FADE_FROM);
      this.#ramp(Math.min(this.#gain, 1 - Math.max(0, fading)), this.#length);
      return true;
    }
    const isBlended = action.discontinuity && this.#gain > 0;
    if (isBlended && decoder.conceal(this.#tail, CONCEAL_SAMPLES) < 0) this.#tail.fill(0);
    let length =
      action.kind === 'play-fec'
        ? decoder.decodeFec(action.frame as Uint8Array, this.#block, action.samples)
        : decoder.decode(action.frame as Uint8Array, this.#block);
    if (length < 0) {
      // libopus refused it: nothing of it is heard.
      this.buffer.counters.framesConcealed += 1;
      length = this.#concealInto(decoder, action.samples);
    }
    if (isBlended) this.#blendTail(length);
    if (action.stretch !== 0) {
      const change = action.stretch < 0 ? compress : expand;
      const stretched = change(this.#block, length, action.stretchSamples, action.stretchWhere);
      this.stretchedSamples += Math.abs(stretched - length);
      length = stretched;
    }
    this.#length = length;
    this.#ramp(1, FADE_SAMPLES);
    if (action.endOfSpurt) this.#fadeOut();
    return true;
  }

  /** libopus' continuation of what was last heard; silence of the same length should it refuse. */
  #concealInto(decoder: OpusDecoder, samples: number): number {
    const length = decoder.conceal(this.#block, samples);
    if (length > 0) return length;
    this.#block.fill(0, 0, samples);
    return samples;
  }

  #blendTail(length: number): void {
    const blend = Math.min(FADE_SAMPLES, length);
    for (let i = 0; i < blend; i++) {
      const fade = (i + 1) / (blend + 1);
      this.#block[i] = (this.#block[i] as number) * fade + (this.#tail[i] as number) * (1 - fade);
    }
  }

  /** Moves the gain to `target` over the first `over` samples of the block and keeps it for the rest. */
  #ramp(target: number, over: number): void {
    const from = this.#gain;
    this.#gain = target;
    if (from === 1 && target === 1) return;
    // Two loops: a value that is now computed, now given makes the engine box it in every turn.
    const ramp = Math.min(over, this.#length);
    const step = (target - from) / ramp;
    for (let i = 0; i < ramp; i++) {
      this.#block[i] = (this.#block[i] as number) * (from + step * (i + 1));
    }
    if (target === 1) return;
    for (let i = ramp; i < this.#length; i++) this.#block[i] = (this.#block[i] as number) * target;
  }

  #fadeOut(): void {
    const fade = Math.min(FADE_SAMPLES, this.#length);
    const start = this.#length - fade;
    for (let i = 0; i < fade; i++) {
      this.#block[start + i] = (this.#block[start + i] as number) * (1 - (i + 1) / fade);
    }
    this.#gain = 0;
  }
}
