/**
 * One speaker's frames between arrival and playout: puts them in order, holds them back for as long as the estimator
 * says, and decides each time the decoder runs dry what it makes next. It never touches sound and has no clock:
 * `nowSamples` is the listener's audio clock in samples at 48 kHz, at the instant the next sample will be heard.
 *
 * Timeline: a frame of media time m is due at m + (fastest recent transit) + (wanted delay). While a spurt plays, one
 * frame follows the other, so the delay is what it was at the start until something changes it:
 * - nothing arrived in time and nothing later either: conceal without moving on, so the delay **grows at once** by
 *   just what the late frame needs (a slower parent, a stall);
 * - a later frame is there: the missing one is lost; rebuilt from its successor or concealed, the delay stays;
 * - more delay than wanted: the caller compresses, or, far above, frames are dropped (**catching up** after a stall);
 * - between spurts the next one simply starts where it is due, so the delay **shrinks in silence**.
 *
 * Bound: 64 slots, each holding the two arrays (≤ 500 B each) of one packet: at most 64 kB a speaker. No call
 * allocates; `next` reuses its result. No input throws; what does not fit is counted and dropped.
 *
 * Above 400 lines because taking in and playing out share one timeline of a dozen numbers; the estimate of the delay
 * and everything that touches samples live elsewhere.
 */

import { SAMPLE_RATE_HZ } from '../units.js';
import { serialDelta } from '../wire/voice-packet.js';
import { validatePlayoutConfig, type PlayoutConfig } from './config.js';
import { DelayEstimator } from './delay-estimator.js';
import { hasFec } from './opus-packet.js';
import type { StretchWhere } from './time-stretch.js';

const SAMPLES_PER_MS = SAMPLE_RATE_HZ / 1000;

/** Slots; 1.28 s of 20 ms frames, 640 ms of 10 ms ones. A power of two, so that sequence numbers may wrap. */
export const JITTER_SLOTS = 64;

/** Concealment step, 10 ms: the shortest that libopus' speech modes conceal without losing their place. */
export const CONCEAL_SAMPLES = 480;

/** Consecutive packets from nowhere near the stream after which they are the stream (the sender started anew). */
const MAX_STRAYS = 3;

/** First packet in may be the second one sent: until something played, this many earlier ones are still taken. */
const MAX_START_REORDER = 16;

/** Share by which one frame moves the loss estimate: remembers some 200 frames, 4 s of speech. */
const LOSS_MEMORY = 0.005;

/** Below this, ms, stretching need not be accepted at any quality. */
const URGENT_MS = 30;

/** Gaps kept until they are taken; more in one reporting interval are only counted as lost frames. */
const MAX_GAPS = 16;

/** What the playout makes next. */
export type PlayoutKind =
  /** Nothing is due: silence until asked again. */
  | 'silence'
  /** Decode `frame`. */
  | 'play'
  /** Decode `frame`, a carried-along copy of the lost one. */
  | 'play-copy'
  /** Rebuild the lost frame from the redundancy in its successor `frame`. */
  | 'play-fec'
  /** Invent `samples` samples. */
  | 'conceal';

/** Reused by every `next`: read it before the next call. */
export interface PlayoutAction {
  kind: PlayoutKind;
  /** Opus bytes, for the three kinds that play. */
  frame: Uint8Array | undefined;
  /** Duration at 48 kHz. */
  samples: number;
  /** −1 shorten this frame, +1 lengthen it, 0 leave it. */
  stretch: -1 | 0 | 1;
  /** Samples by which the length should change; a voice can only change by its pitch. */
  stretchSamples: number;
  /** `quiet`: only where nothing is heard; `voice`: where it fits well; `urgent`: where it fits somehow. */
  stretchWhere: StretchWhere;
  /** Frames were dropped before this one: blend into it. */
  discontinuity: boolean;
  /** Silence follows: fade out. */
  endOfSpurt: boolean;
  /** Share of the concealment allowance used up after this action, 0–1. */
  concealed: number;
}

/** A packet as it enters. Numbers as on the wire. */
export interface ArrivedFrame {
  readonly streamEpoch: number;
  readonly sequence: number;
  readonly sampleTime: number;
  readonly frameSamples: number;
  readonly endOfSpurt: boolean;
  readonly frame: Uint8Array;
  readonly previousFrame: Uint8Array | undefined;
}

/** Counters since construction. */
export interface PlayoutCounters {
  framesPlayed: number;
  framesLost: number;
  framesRecovered: number;
  framesConcealed: number;
  /** ms of sound invented, for lost frames and for late ones. */
  concealedMs: number;
  framesDuplicate: number;
  framesLate: number;
  /** Of an earlier stream, or out of every range. */
  framesStray: number;
}

interface Slot {
  sequence: number;
  media: number;
  samples: number;
  endOfSpurt: boolean;
  frame: Uint8Array | undefined;
  previousFrame: Uint8Array | undefined;
  /** `used` remembers a sequence that was here, to tell duplicates from late frames. */
  state: 'free' | 'filled' | 'used';
}

export class JitterBuffer {
  readonly counters: PlayoutCounters = {
    framesPlayed: 0,
    framesLost: 0,
    framesRecovered: 0,
    framesConcealed: 0,
    concealedMs: 0,
    framesDuplicate: 0,
    framesLate: 0,
    framesStray: 0,
  };

  readonly #config: PlayoutConfig;
  readonly #estimator: DelayEstimator;
  readonly #slots: Slot[] = [];
  readonly #gapsMs = new Float64Array(MAX_GAPS);
  readonly #action: PlayoutAction = {
    kind: 'silence',
    frame: undefined,
    samples: 0,
    stretch: 0,
    stretchSamples: 0,
    stretchWhere: 'quiet',
    discontinuity: false,
    endOfSpurt: false,
    concealed: 0,
  };
  #gapCount = 0;
  #filled = 0;
  #epoch = -1;
  #retiredEpoch = -1;
  #strays = 0;
  #lossShare = 0;
  #redundancySeen = false;
  #playoutDelayMs = 0;

  /** Inside a spurt: frames follow each other. */
  #playing = false;
  /** Something of this stream was played, so what comes before it is late. */
  #started = false;
  #nextSequence = 0;
  /** Media time (samples, unwrapped) at which the next frame is expected. */
  #nextMedia = 0;
  /** Samples concealed since the last real frame. */
  #held = 0;
  /** When the running gap began; NaN without one. */
  #gapStart = Number.NaN;
  #newestSequence = 0;
  #newestSampleTime = 0;
  #newestMedia = 0;
  #newestSamples = 0;
  /** Arrival minus media time of the newest frame. */
  #newestTransit = 0;
  /** Media time at which the newest spurt begins. */
  #spurtMedia = 0;
  /** Audio clock when the buffer last went from empty to filled. */
  #firstArrival = 0;

  /** @throws RangeError when the settings contradict each other. */
  constructor(config: PlayoutConfig) {
    this.#config = validatePlayoutConfig(config);
    this.#estimator = new DelayEstimator(config);
    for (let i = 0; i < JITTER_SLOTS; i++) {
      this.#slots.push({
        sequence: 0,
        media: 0,
        samples: 0,
        endOfSpurt: false,
        frame: undefined,
        previousFrame: undefined,
        state: 'free',
      });
    }
  }

  /** Delay wanted after the fastest frame, ms. */
  get targetDelayMs(): number {
    const floorMs =
      this.#redundancySeen && this.#lossShare > this.#config.recoverAboveLoss
        ? this.#newestSamples / SAMPLES_PER_MS + this.#config.minDelayMs
        : 0;
    return Math.max(floorMs, this.#estimator.targetMs);
  }

  /** Delay of the last frame played after the fastest one, ms. */
  get playoutDelayMs(): number {
    return this.#playoutDelayMs;
  }

  /** True when nothing waits and nothing plays. */
  get isIdle(): boolean {
    return !this.#playing && this.#filled === 0;
  }

  /** Frames waiting. */
  get depth(): number {
    return this.#filled;
  }

  /** Drops what waits; counters and the learnt delay stay. */
  clear(): void {
    for (let i = 0; i < JITTER_SLOTS; i++) {
      const slot = this.#slots[i] as Slot;
      slot.state = 'free';
      slot.frame = undefined;
      slot.previousFrame = undefined;
    }
    this.#filled = 0;
    this.#playing = false;
    this.#started = false;
    this.#held = 0;
    this.#gapStart = Number.NaN;
  }

  /** Takes a packet that arrived at `nowSamples`. @returns false when it was dropped. */
  push(packet: ArrivedFrame, nowSamples: number): boolean {
    if (packet.streamEpoch !== this.#epoch && !this.#changeEpoch(packet, nowSamples)) {
      this.counters.framesStray += 1;
      return false;
    }
    const delta = serialDelta(packet.sequence, this.#nextSequence);
    if (!this.#started && delta < 0 && delta > -MAX_START_REORDER) this.#nextSequence = packet.sequence;
    else if (!this.#playing && delta >= JITTER_SLOTS && delta < 2 * JITTER_SLOTS) {
      this.#slideTo((packet.sequence - JITTER_SLOTS + 1) >>> 0);
    } else if (delta <= -JITTER_SLOTS || delta >= JITTER_SLOTS) {
      const isQuiet = this.#filled === 0 && !this.#playing;
      this.#strays += 1;
      if (!(isQuiet && delta > 0) && this.#strays < MAX_STRAYS) {
        this.counters.framesStray += 1;
        return false;
      }
      this.#restartAt(packet, nowSamples);
    }
    this.#strays = 0;

    const slot = this.#slots[packet.sequence & (JITTER_SLOTS - 1)] as Slot;
    if (slot.state !== 'free' && slot.sequence === packet.sequence) {
      this.counters.framesDuplicate += 1;
      return false;
    }
    const media = this.#newestMedia + serialDelta(packet.sampleTime, this.#newestSampleTime);
    this.#observe(packet, media, nowSamples);
    if (serialDelta(packet.sequence, this.#nextSequence) < 0) {
      this.counters.framesLate += 1;
      slot.sequence = packet.sequence;
      slot.state = 'used';
      return false;
    }
    if (this.#filled === 0) this.#firstArrival = nowSamples;
    if (slot.state !== 'filled') this.#filled += 1;
    slot.sequence = packet.sequence;
    slot.media = media;
    slot.samples = packet.frameSamples;
    slot.endOfSpurt = packet.endOfSpurt;
    slot.frame = packet.frame;
    slot.previousFrame = packet.previousFrame;
    slot.state = 'filled';
    return true;
  }

  /** Decides what is heard from `nowSamples` on. */
  next(nowSamples: number): PlayoutAction {
    const action = this.#action;
    action.frame = undefined;
    action.stretch = 0;
    action.discontinuity = false;
    action.endOfSpurt = false;
    action.concealed = 0;
    if (!this.#playing && !this.#startIfDue(nowSamples)) return this.#silence();

    let slot = this.#filledAt(this.#nextSequence);
    if (!slot) {
      const later = this.#earliest();
      const gap = later ? later.media - this.#nextMedia : 0;
      if (!later || gap > this.#held) {
        if (later && gap - this.#held === later.samples) return this.#recover(later, nowSamples);
        return this.#conceal(nowSamples);
      }
      // The gap is bridged: what is missing of it has been concealed.
      const missing = serialDelta(later.sequence, this.#nextSequence);
      this.#countLost(missing);
      this.counters.framesConcealed += missing;
      slot = later;
    } else if (slot.media - this.#nextMedia > Math.max(this.#held, slot.samples / 2)) {
      // The sender paused without saying so: a new spurt, due when its clock says.
      this.#playing = false;
      if (!this.#startIfDue(nowSamples)) return this.#silence();
      slot = this.#filledAt(this.#nextSequence) as Slot;
    }
    return this.#play(slot, nowSamples);
  }

  /** Hands every gap since the last call to `take`, in ms. */
  takeGaps(take: (gapMs: number) => void): void {
    for (let i = 0; i < this.#gapCount; i++) take(this.#gapsMs[i] as number);
    this.#gapCount = 0;
  }

  /** Takes up a new stream; one that was left behind never comes back, however late its packets are. */
  #changeEpoch(packet: ArrivedFrame, nowSamples: number): boolean {
    if (packet.streamEpoch === this.#retiredEpoch) return false;
    this.#retiredEpoch = this.#epoch;
    this.#epoch = packet.streamEpoch;
    this.#estimator.reset();
    this.#restartAt(packet, nowSamples);
    return true;
  }

  /** After a stall longer than the slots: gives up the oldest, which would be dropped at the start anyway. */
  #slideTo(sequence: number): void {
    const distance = serialDelta(sequence, this.#nextSequence);
    for (let i = 0; i < distance; i++) {
      const slot = this.#filledAt((this.#nextSequence + i) >>> 0);
      if (slot) this.#release(slot);
    }
    this.#countLost(distance);
    this.#nextSequence = sequence;
  }

  #restartAt(packet: ArrivedFrame, nowSamples: number): void {
    this.clear();
    this.#strays = 0;
    this.#nextSequence = packet.sequence;
    this.#newestMedia += serialDelta(packet.sampleTime, this.#newestSampleTime);
    this.#newestSequence = packet.sequence;
    this.#newestSampleTime = packet.sampleTime;
    this.#newestSamples = packet.frameSamples;
    this.#newestTransit = nowSamples - this.#newestMedia;
    this.#spurtMedia = this.#newestMedia;
  }

  #observe(packet: ArrivedFrame, media: number, nowSamples: number): void {
    const ahead = serialDelta(packet.sequence, this.#newestSequence);
    if (ahead > 0) {
      const explained = (ahead - 0.5) * packet.frameSamples + this.#newestSamples;
      if (media - this.#newestMedia > explained) this.#spurtMedia = media;
      this.#newestSequence = packet.sequence;
      this.#newestSampleTime = packet.sampleTime;
      this.#newestMedia = media;
      this.#newestSamples = packet.frameSamples;
      this.#newestTransit = nowSamples - media;
    }
    this.#redundancySeen ||= packet.previousFrame !== undefined || hasFec(packet.frame);
    if (media - this.#spurtMedia >= this.#config.spurtHeadMs * SAMPLES_PER_MS) {
      this.#estimator.observe(nowSamples / SAMPLES_PER_MS, media / SAMPLES_PER_MS);
    }
  }

  /** Begins a spurt when its first frame is due. */
  #startIfDue(nowSamples: number): boolean {
    let first = this.#earliest();
    if (!first) return false;
    const target = this.targetDelayMs * SAMPLES_PER_MS;
    const reference = this.#estimator.referenceMs * SAMPLES_PER_MS;
    const dueAt = Number.isNaN(reference) ? this.#firstArrival + target : first.media + reference + target;
    if (nowSamples < dueAt && this.#filled < JITTER_SLOTS / 2) return false;

    // After a stall: begin with what is recent. A spurt's own pre-roll stays within the allowance.
    const lateness = Math.max(this.#config.maxStartLateMs * SAMPLES_PER_MS, target) + first.samples;
    const oldest = this.#newestMedia - lateness;
    const hadStarted = this.#started;
    const gapMedia = first.media - this.#nextMedia;
    const missing = serialDelta(first.sequence, this.#nextSequence);
    let dropped = 0;
    while (first.media < oldest) {
      this.#release(first);
      this.#nextSequence = (first.sequence + 1) >>> 0;
      dropped += 1;
      const following: Slot | undefined = this.#earliest();
      if (!following) return false;
      first = following;
    }
    this.#countLost(dropped);
    if (hadStarted) {
      this.#countLost(missing);
      const isSameSpurt = gapMedia <= (missing + 0.5) * first.samples;
      if (isSameSpurt) this.#endGap(nowSamples, first.samples);
    }
    this.#gapStart = Number.NaN;
    this.#playing = true;
    this.#started = true;
    this.#held = 0;
    this.#nextSequence = first.sequence;
    this.#nextMedia = first.media;
    return true;
  }

  #silence(): PlayoutAction {
    this.#action.kind = 'silence';
    this.#action.samples = 0;
    return this.#action;
  }

  #conceal(nowSamples: number): PlayoutAction {
    const allowance = this.#config.maxConcealMs * SAMPLES_PER_MS;
    if (this.#held === 0) this.#gapStart = nowSamples;
    if (this.#held >= allowance) {
      this.#playing = false;
      return this.#silence();
    }
    this.#held += CONCEAL_SAMPLES;
    this.counters.concealedMs += CONCEAL_SAMPLES / SAMPLES_PER_MS;
    this.#action.kind = 'conceal';
    this.#action.samples = CONCEAL_SAMPLES;
    this.#action.concealed = Math.min(1, this.#held / allowance);
    return this.#action;
  }

  /** Rebuilds the frame just before `later`; frames lost before that one have been concealed. */
  #recover(later: Slot, nowSamples: number): PlayoutAction {
    const missing = serialDelta(later.sequence, this.#nextSequence);
    const { frame, previousFrame } = later;
    const canRebuild = previousFrame !== undefined || (frame !== undefined && hasFec(frame));
    this.#countLost(missing);
    this.counters.framesConcealed += canRebuild ? missing - 1 : missing;
    if (!canRebuild) this.counters.concealedMs += later.samples / SAMPLES_PER_MS;
    if (canRebuild) {
      this.counters.framesRecovered += 1;
      this.#endGap(nowSamples, later.samples);
    } else if (this.#held === 0) this.#gapStart = nowSamples;
    this.#action.kind = previousFrame ? 'play-copy' : canRebuild ? 'play-fec' : 'conceal';
    this.#action.frame = previousFrame ?? (canRebuild ? frame : undefined);
    this.#action.samples = later.samples;
    this.#held = 0;
    this.#nextSequence = later.sequence;
    this.#nextMedia = later.media;
    return this.#action;
  }

  #play(first: Slot, nowSamples: number): PlayoutAction {
    let slot = first;
    this.#endGap(nowSamples, slot.samples);
    const action = this.#action;
    const targetMs = this.targetDelayMs;
    const reference = this.#estimator.referenceMs * SAMPLES_PER_MS;
    // NaN compares as false throughout: nothing is stretched before the first measurement.
    const delayMs = (nowSamples - slot.media - reference) / SAMPLES_PER_MS;
    let excessMs = delayMs - targetMs;
    // Delay may be given up only as far as the newest frame was early too: after a change to a slower path the
    // fastest frame is history.
    const laterMs = (this.#newestTransit - reference) / SAMPLES_PER_MS;
    let spareMs = laterMs > 0 ? excessMs - laterMs : excessMs;
    const { skipAboveMs, compressAboveMs, stretchBelowMs, quietChangeMs } = this.#config;
    if (spareMs > skipAboveMs) {
      while (spareMs > compressAboveMs) {
        const following = this.#filledAt((slot.sequence + 1) >>> 0);
        if (!following) break;
        const passedMs = (following.media - slot.media) / SAMPLES_PER_MS;
        this.#release(slot);
        this.#countLost(1);
        excessMs -= passedMs;
        spareMs -= passedMs;
        slot = following;
        action.discontinuity = true;
      }
    }
    const changeMs = spareMs > quietChangeMs ? spareMs : excessMs < -quietChangeMs ? -excessMs : 0;
    if (changeMs > 0) {
      const audibleAboveMs = spareMs > 0 ? compressAboveMs : stretchBelowMs;
      action.stretch = spareMs > 0 ? -1 : 1;
      action.stretchSamples = Math.round(changeMs * SAMPLES_PER_MS);
      action.stretchWhere = changeMs > URGENT_MS ? 'urgent' : changeMs > audibleAboveMs ? 'voice' : 'quiet';
    }
    if (!Number.isNaN(delayMs)) this.#playoutDelayMs = targetMs + excessMs;

    action.kind = 'play';
    action.frame = slot.frame;
    action.samples = slot.samples;
    action.endOfSpurt = slot.endOfSpurt;
    this.#lossShare -= this.#lossShare * LOSS_MEMORY;
    this.counters.framesPlayed += 1;
    this.#held = 0;
    this.#nextSequence = (slot.sequence + 1) >>> 0;
    this.#nextMedia = slot.media + slot.samples;
    if (slot.endOfSpurt) this.#playing = false;
    this.#release(slot);
    return action;
  }

  #countLost(frames: number): void {
    if (frames <= 0) return;
    this.counters.framesLost += frames;
    this.#lossShare = 1 - (1 - this.#lossShare) * (1 - LOSS_MEMORY) ** frames;
  }

  /** Notes how long the speaker was not heard, when that was longer than a frame. */
  #endGap(nowSamples: number, frameSamples: number): void {
    const gap = nowSamples - this.#gapStart;
    if (gap > frameSamples && this.#gapCount < MAX_GAPS)
      this.#gapsMs[this.#gapCount++] = gap / SAMPLES_PER_MS;
    this.#gapStart = Number.NaN;
  }

  #filledAt(sequence: number): Slot | undefined {
    const slot = this.#slots[sequence & (JITTER_SLOTS - 1)] as Slot;
    return slot.state === 'filled' && slot.sequence === sequence ? slot : undefined;
  }

  /** The waiting frame that comes first. At most 64 looks. */
  #earliest(): Slot | undefined {
    if (this.#filled === 0) return undefined;
    for (let i = 0; i < JITTER_SLOTS; i++) {
      const slot = this.#filledAt((this.#nextSequence + i) >>> 0);
      if (slot) return slot;
    }
    return undefined;
  }

  #release(slot: Slot): void {
    slot.frame = undefined;
    slot.previousFrame = undefined;
    slot.state = 'used';
    this.#filled -= 1;
  }
}
