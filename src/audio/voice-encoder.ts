/**
 * A member's own voice: captured frames in, voice packets out. Silence gives none. What the listener needs to know of
 * a spurt is in the packets: the 60 ms before its onset are sent with it (a first syllable begins softly), the last
 * one says that silence follows.
 *
 * Memory: the pre-roll, at most six frames (23 kB), and the encoder. Allocates the packets it returns, nothing else.
 */

import { SAMPLE_RATE_HZ, type Handle } from '../units.js';
import type { VoicePacket } from '../wire/voice-packet.js';
import type { Opus, OpusEncoder } from './codec.js';
import { ACTIVITY_DEFAULTS, type ActivityConfig } from './config.js';
import { ADAPT_INTERVAL_MS, planEncoding, type EncoderPlan, type LinkCondition } from './encoder-plan.js';
import { SILENCE_DBFS, VoiceActivityDetector, type VoiceActivation } from './voice-activity.js';

export interface VoiceEncoderOptions {
  readonly opus: Opus;
  /** bit/s. */
  readonly bitrate: number;
  /** 960 (20 ms) or 480 (10 ms). */
  readonly frameSamples: number;
  readonly source: Handle;
  /** New per join. */
  readonly streamEpoch: number;
  readonly activity?: ActivityConfig;
}

interface KeptFrame {
  readonly samples: Float32Array;
  sampleTime: number;
  level: number;
}

const NO_PACKETS: readonly VoicePacket[] = [];

export class VoiceEncoder {
  /** Frames libopus refused to encode; none unless memory is corrupt. */
  framesFailed = 0;

  readonly #encoder: OpusEncoder;
  readonly #options: VoiceEncoderOptions;
  readonly #detector: VoiceActivityDetector;
  readonly #preroll: KeptFrame[] = [];
  readonly #silence: Float32Array;
  #keptCount = 0;
  #keptNext = 0;
  #sequence = 0;
  #isInSpurt = false;
  #isMuted = false;
  #levelDbfs = SILENCE_DBFS;
  #isVoice = false;
  #wantedBitrate: number;
  #plan: EncoderPlan;
  #framesSinceAdapted = 0;

  /** @throws Error when libopus refuses the options. */
  constructor(options: VoiceEncoderOptions) {
    const activity = options.activity ?? ACTIVITY_DEFAULTS;
    const frameMs = (options.frameSamples / SAMPLE_RATE_HZ) * 1000;
    this.#options = options;
    this.#encoder = options.opus.createEncoder({
      bitrate: options.bitrate,
      frameSamples: options.frameSamples,
      application: 'voip',
    });
    this.#encoder.setFec(true);
    this.#wantedBitrate = options.bitrate;
    this.#plan = { bitrate: options.bitrate, lossPercent: 0 };
    this.#detector = new VoiceActivityDetector(frameMs, activity);
    this.#silence = new Float32Array(options.frameSamples);
    for (let kept = 0; kept < Math.ceil(activity.prerollMs / frameMs); kept++) {
      this.#preroll.push({ samples: new Float32Array(options.frameSamples), sampleTime: 0, level: 127 });
    }
    this.#warmUp();
  }

  /** What `push` takes, at 48 kHz. */
  get frameSamples(): number {
    return this.#options.frameSamples;
  }

  /** Of the last frame, as in packets: 0 loudest … 127 silence. Silence while muted. */
  get level(): number {
    return this.#isMuted ? 127 : packetLevel(this.#levelDbfs);
  }

  /** True while there is a voice in the microphone that whoever listens hears. */
  get speaking(): boolean {
    return !this.#isMuted && this.#isVoice;
  }

  /** True when there is a voice in the microphone that nobody hears. */
  get speakingWhileMuted(): boolean {
    return this.#isMuted && this.#isVoice;
  }

  /** A running spurt ends with a silent frame: nothing said after this is sent. */
  setMuted(muted: boolean): void {
    this.#isMuted = muted;
  }

  setVoiceActivation(mode: VoiceActivation): void {
    this.#detector.mode = mode;
  }

  /** bit/s, 6000–510000, when the links allow it. */
  setBitrate(bitrate: number): void {
    this.#wantedBitrate = bitrate;
    this.#apply({ ...this.#plan, bitrate });
  }

  /** What is encoded at present: the wish, as far as the links carry it. */
  get plan(): EncoderPlan {
    return this.#plan;
  }

  /**
   * Looks at the links the voice leaves by, at most every `ADAPT_INTERVAL_MS` of sent speech.
   * @param conditions asked only when it is time.
   */
  adapt(conditions: () => readonly LinkCondition[]): void {
    const frameMs = (this.#options.frameSamples / SAMPLE_RATE_HZ) * 1000;
    if (++this.#framesSinceAdapted * frameMs < ADAPT_INTERVAL_MS) return;
    this.#framesSinceAdapted = 0;
    this.#apply(planEncoding(this.#plan, this.#wantedBitrate, conditions()));
  }

  /**
   * Takes a captured frame.
   * @param samples exactly `frameSamples`, copied where they are needed longer.
   * @param sampleTime of the first sample, 48 kHz, wraps at 2³².
   * @param heard false: nobody listens, so nothing is encoded; whoever comes hears the spurt from `prerollMs` before.
   * @returns what is to be sent, oldest first; the packets are the caller's.
   */
  push(samples: Float32Array, sampleTime: number, heard = true): readonly VoicePacket[] {
    if (samples.length !== this.#options.frameSamples) return NO_PACKETS;
    const { active, last, levelDbfs } = this.#detector.judge(samples);
    this.#levelDbfs = levelDbfs;
    this.#isVoice = active && !last;
    if (this.#isMuted) {
      this.#keptCount = 0;
      return this.#isInSpurt ? this.#finish([], this.#silence, sampleTime, 127) : NO_PACKETS;
    }
    const level = packetLevel(levelDbfs);
    if (!active || !heard) {
      // The last listener left, or the detector was switched while it held a spurt open: end that properly.
      if (this.#isInSpurt) return this.#finish([], samples, sampleTime, level);
      this.#keep(samples, sampleTime, level);
      return NO_PACKETS;
    }
    const packets: VoicePacket[] = [];
    if (!this.#isInSpurt) this.#sendPreroll(packets, sampleTime);
    this.#isInSpurt = true;
    if (last) return this.#finish(packets, samples, sampleTime, level);
    this.#send(packets, samples, sampleTime, level, false);
    return packets;
  }

  /** Frees the encoder. Nothing may be pushed after. */
  free(): void {
    this.#encoder.free();
  }

  /** WebAssembly is compiled where it is first run, 40 ms on a slow machine: not in the first word. */
  #warmUp(): void {
    const murmur = this.#silence.map((_, at) => 0.01 * Math.sin(at / 30) * Math.sin(at / 7));
    this.#encoder.encode(murmur);
  }

  #apply(plan: EncoderPlan): void {
    if (plan.bitrate !== this.#plan.bitrate) this.#encoder.setBitrate(plan.bitrate);
    if (plan.lossPercent !== this.#plan.lossPercent) this.#encoder.setPacketLossPercent(plan.lossPercent);
    this.#plan = plan;
  }

  #finish(packets: VoicePacket[], samples: Float32Array, sampleTime: number, level: number): VoicePacket[] {
    this.#isInSpurt = false;
    this.#keptCount = 0;
    this.#send(packets, samples, sampleTime, level, true);
    return packets;
  }

  #keep(samples: Float32Array, sampleTime: number, level: number): void {
    const kept = this.#preroll[this.#keptNext];
    if (!kept) return;
    kept.samples.set(samples);
    kept.sampleTime = sampleTime;
    kept.level = level;
    this.#keptNext = (this.#keptNext + 1) % this.#preroll.length;
    this.#keptCount = Math.min(this.#preroll.length, this.#keptCount + 1);
  }

  /** Sends what was kept, as far as it leads up to `sampleTime` without a hole. */
  #sendPreroll(packets: VoicePacket[], sampleTime: number): void {
    const { frameSamples } = this.#options;
    for (let back = this.#keptCount; back > 0; back--) {
      const index = (this.#keptNext - back + this.#preroll.length) % this.#preroll.length;
      const kept = this.#preroll[index] as KeptFrame;
      if ((kept.sampleTime + back * frameSamples) >>> 0 !== sampleTime) continue;
      this.#send(packets, kept.samples, kept.sampleTime, kept.level, false);
    }
    this.#keptCount = 0;
  }

  #send(
    packets: VoicePacket[],
    samples: Float32Array,
    sampleTime: number,
    level: number,
    endOfSpurt: boolean,
  ): void {
    const frame = this.#encoder.encode(samples);
    if (frame.length === 0) {
      this.framesFailed += 1;
      return;
    }
    const { source, streamEpoch, frameSamples } = this.#options;
    packets.push({
      source,
      streamEpoch,
      sequence: this.#sequence,
      sampleTime: sampleTime >>> 0,
      level,
      frameSamples,
      endOfSpurt,
      frame: frame.slice(),
    });
    this.#sequence = (this.#sequence + 1) >>> 0;
  }
}

/** dBFS as packets carry it. */
function packetLevel(levelDbfs: number): number {
  return Math.round(Math.min(127, Math.max(0, -levelDbfs)));
}
