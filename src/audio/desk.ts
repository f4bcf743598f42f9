/**
 * The listener's desk inside the audio thread: every speaker's strip, mixed to stereo, master volume and limiter.
 * One node for all, because then a silent voice costs nothing at all and its next spurt needs no word from the page,
 * which may be frozen: a chain of nodes a speaker would be run in every quantum, sound or not.
 *
 * Bound: one strip a speaker the page named; those beyond the hub's `MAX_SPEAKERS` wait without sound for a place.
 * `process` allocates nothing.
 */

import { SAMPLE_RATE_HZ, type Handle } from '../units.js';
import { Limiter } from './limiter.js';
import type { PlayoutHub } from './playout-hub.js';
import { Resampler } from './resampler.js';
import type { SpeakerPlayout } from './speaker-playout.js';
import { MAX_GAIN, VoiceStrip, newRamp, planRamp, within, type SpeakerDesk } from './voice-strip.js';

/** Longest render quantum; browsers use 128. */
const MAX_QUANTUM = 1024;

interface Channel {
  readonly source: Handle;
  readonly strip: VoiceStrip;
  /** Undefined while there is no place for it in the hub. */
  playout: SpeakerPlayout | undefined;
  isAudible: boolean;
  isClosing: boolean;
  isSounding: boolean;
}

export class Desk {
  /** Strips that were run in the last quantum: those that sounded. */
  stripsRun = 0;

  readonly #hub: PlayoutHub;
  readonly #channels: Channel[] = [];
  readonly #limiter: Limiter;
  readonly #resamplers: readonly [Resampler, Resampler] | undefined;
  readonly #voice: Float32Array;
  readonly #left: Float32Array;
  readonly #right: Float32Array;
  readonly #volume = newRamp(1);
  #isLevelling = false;

  /** @param rateHz the context's. */
  constructor(hub: PlayoutHub, rateHz: number) {
    this.#hub = hub;
    this.#limiter = new Limiter(rateHz);
    const size = Math.ceil((MAX_QUANTUM * SAMPLE_RATE_HZ) / rateHz) + 64;
    this.#voice = new Float32Array(size);
    this.#left = new Float32Array(size);
    this.#right = new Float32Array(size);
    if (rateHz !== SAMPLE_RATE_HZ) {
      this.#resamplers = [
        new Resampler(SAMPLE_RATE_HZ, rateHz, size),
        new Resampler(SAMPLE_RATE_HZ, rateHz, size),
      ];
    }
  }

  /** Adds a speaker or changes what was set for it. @param nowSamples audio clock at 48 kHz. */
  setSpeaker(source: Handle, desk: SpeakerDesk, nowSamples: number): void {
    let channel = this.#channels.find((one) => one.source === source && !one.isClosing);
    if (!channel) {
      const playout = this.#hub.attach(source, nowSamples);
      channel = {
        source,
        strip: new VoiceStrip(),
        playout,
        isAudible: true,
        isClosing: false,
        isSounding: false,
      };
      channel.strip.setLevelling(this.#isLevelling);
      this.#channels.push(channel);
    }
    channel.strip.set(desk);
    channel.isAudible = desk.audible && desk.gain > 0;
    this.#hub.setAudible(source, channel.isAudible);
  }

  /** Fades the speaker out within a quantum and forgets it. */
  removeSpeaker(source: Handle): void {
    for (const channel of this.#channels) {
      if (channel.source !== source || channel.isClosing) continue;
      channel.isClosing = true;
      channel.playout?.stop();
    }
  }

  /** @param volume of everybody, linear, 0–4. */
  setMaster(volume: number, levelling: boolean): void {
    this.#volume[2] = within(volume, 0, MAX_GAIN, 1);
    this.#isLevelling = levelling;
    for (const { strip } of this.#channels) strip.setLevelling(levelling);
  }

  /** Every speaker goes at once. */
  close(): void {
    for (const { source, playout } of this.#channels.splice(0)) if (playout) this.#hub.detach(source);
  }

  /** Fills one quantum of both channels at the context's rate. @param nowSamples audio clock at 48 kHz. */
  process(left: Float32Array, right: Float32Array, nowSamples: number): void {
    const count = left.length;
    if (this.#resamplers) {
      const [toLeft, toRight] = this.#resamplers;
      const needed = Math.min(toLeft.inputNeeded(count), this.#left.length);
      this.#mix(this.#left, this.#right, needed, nowSamples);
      toLeft.process(this.#left, needed, left, count);
      toRight.process(this.#right, needed, right, count);
    } else this.#mix(left, right, count, nowSamples);
    const volume = this.#volume;
    if (volume[0] !== 1 || volume[2] !== 1) {
      planRamp(volume);
      const step = (volume[1] - volume[0]) / count;
      for (let i = 0; i < count; i++) {
        const now = volume[0] + step * (i + 1);
        left[i] = (left[i] as number) * now;
        right[i] = (right[i] as number) * now;
      }
      volume[0] = volume[1];
    }
    this.#limiter.process(left, right, count);
  }

  #mix(left: Float32Array, right: Float32Array, count: number, nowSamples: number): void {
    left.fill(0, 0, count);
    right.fill(0, 0, count);
    this.stripsRun = 0;
    for (let n = this.#channels.length - 1; n >= 0; n--) {
      const channel = this.#channels[n] as Channel;
      const { playout, strip } = channel;
      const isSounding =
        playout !== undefined && !playout.isIdle && playout.pull(this.#voice, count, nowSamples);
      if (isSounding) {
        strip.mix(this.#voice, count, left, right);
        this.stripsRun += 1;
      } else {
        if (channel.isSounding) strip.rest();
        if (channel.isClosing) this.#drop(n, nowSamples);
      }
      channel.isSounding = isSounding;
    }
  }

  #drop(index: number, nowSamples: number): void {
    const [gone] = this.#channels.splice(index, 1);
    if (!gone?.playout) return;
    this.#hub.detach(gone.source);
    const waiting = this.#channels.find(({ playout, isClosing }) => !playout && !isClosing);
    if (!waiting) return;
    waiting.playout = this.#hub.attach(waiting.source, nowSamples);
    this.#hub.setAudible(waiting.source, waiting.isAudible);
  }
}
