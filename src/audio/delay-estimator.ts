/**
 * How long to hold a voice back: where delay and what would be invented for late frames cost least together.
 *
 * Delay is measured against the fastest frame of the last two seconds, never frame to frame: a queue that fills by
 * 2 ms a frame is a hundred small steps there and a climb to 200 ms here. One observation per 500 ms, the latest
 * frame's, enters a forgetting histogram (NetEq's delay manager; moq's `doc/concept/audio-jitter.md`). Unlike there,
 * frames out of order count too (they are what the channel retransmitted, worth waiting for), silent intervals leave
 * the estimate alone, and a path that is slower as a whole becomes the new reference instead of being taken for jitter.
 *
 * Clocks: `arrival` is the listener's audio clock, `media` the speaker's sample clock, both in ms; only differences
 * matter. Cost: about 80 additions per interval. Memory: fixed, about 1.5 kB.
 */

import type { PlayoutConfig } from './config.js';

/** A frame may claim any time: one further from the newest than this starts the measurement anew. */
const MAX_JUMP_MS = 60_000;

/** ms of silence after which the reference is stale: clocks 200 ppm apart have drifted by 12 ms. */
const MAX_PAUSE_MS = 60_000;

/** Frames an interval needs to say that the whole path became slower: 100 ms of speech. */
const MIN_SHIFT_FRAMES = 5;

/** How many times an interval's own spread must fit into a shift for it to count as another path. */
const MAX_SHIFT_SPREAD = 3;

/** Below 1, so that one interval far later than all expected does not decide alone, even while little is known. */
const LONE_SHARE = 0.9;

/** ms invented at least for a late frame, however little it is late: one step of concealment. */
const LEAST_LATE_MS = 10;

export class DelayEstimator {
  readonly #config: PlayoutConfig;
  readonly #histogram: Float64Array;
  /** The histogram before its latest observation. */
  readonly #previous: Float64Array;
  /** Per bucket, how much to expect later than it on the strength of what was seen up to it. */
  readonly #beyond: Float64Array;
  /** Fastest transit (arrival − media) of each recent interval, newest at `#newest`; NaN where none. */
  readonly #fastest: Float64Array;
  #newest = 0;
  #intervalIndex = Number.NaN;
  #folds = 0;
  #peakTransit = Number.NEGATIVE_INFINITY;
  #frames = 0;
  /** Slowest minus fastest frame of the interval before. */
  #spread = 0;
  #reference = Number.NaN;
  #lastTransit = Number.NaN;
  #wantedMs: number;

  constructor(config: PlayoutConfig) {
    this.#config = config;
    this.#histogram = new Float64Array(Math.ceil(config.maxDelayMs / config.bucketMs));
    this.#previous = new Float64Array(this.#histogram.length);
    this.#beyond = new Float64Array(this.#histogram.length);
    this.#fastest = new Float64Array(Math.round(config.windowMs / config.intervalMs)).fill(Number.NaN);
    this.#wantedMs = config.startDelayMs;
    this.#seed();
  }

  /** Transit of the fastest recent frame, ms on mixed clocks: when sound would play with no delay. NaN before any. */
  get referenceMs(): number {
    return this.#reference;
  }

  /** Wanted delay after the fastest frame, ms: upper edge of a bucket, within the configured bounds. */
  get targetMs(): number {
    const { minDelayMs, maxDelayMs } = this.#config;
    return Math.min(maxDelayMs, Math.max(minDelayMs, this.#wantedMs));
  }

  /** Forgets everything, for a new stream. */
  reset(): void {
    this.#fastest.fill(Number.NaN);
    this.#intervalIndex = Number.NaN;
    this.#folds = 0;
    this.#peakTransit = Number.NEGATIVE_INFINITY;
    this.#frames = 0;
    this.#reference = Number.NaN;
    this.#lastTransit = Number.NaN;
    this.#seed();
  }

  /** Takes one frame's arrival. Any order, duplicates excluded by the caller. */
  observe(arrivalMs: number, mediaMs: number): void {
    const transit = arrivalMs - mediaMs;
    if (Math.abs(transit - this.#lastTransit) > MAX_JUMP_MS) this.reset();
    this.#lastTransit = transit;
    const index = Math.floor(arrivalMs / this.#config.intervalMs);
    if (index !== this.#intervalIndex) {
      this.#fold();
      this.#advance(index);
    }
    this.#frames += 1;
    this.#peakTransit = Math.max(this.#peakTransit, transit);
    const fastest = this.#fastest[this.#newest] as number;
    if (!(fastest <= transit)) this.#fastest[this.#newest] = transit;
    if (!(this.#reference <= transit)) this.#reference = transit;
  }

  /** The whole guess on the bucket for which, with what may be later, the start delay is the cheapest. */
  #seed(): void {
    const { startDelayMs, bucketMs, latePrice, tailMs } = this.#config;
    const beyondMs = tailMs * Math.log((latePrice * LEAST_LATE_MS) / tailMs);
    this.#histogram.fill(0);
    this.#histogram[Math.max(0, Math.round((startDelayMs - beyondMs) / bucketMs) - 1)] = 1;
    this.#previous.set(this.#histogram);
    this.#wantedMs = startDelayMs;
  }

  /** Enters the interval's latest frame into the histogram, unless the path changed: that is no jitter. */
  #fold(): void {
    if (this.#frames === 0) return;
    const before = this.#fastest[(this.#newest + this.#fastest.length - 1) % this.#fastest.length] as number;
    const own = this.#fastest[this.#newest] as number;
    const spreadBefore = this.#spread;
    this.#spread = this.#peakTransit - own;
    if (this.#isPathShift(before - own, spreadBefore)) return;
    if (this.#frames >= MIN_SHIFT_FRAMES && this.#isPathShift(own - this.#reference, this.#spread)) {
      // The whole interval was slower: the new reference. The one before held the change and is taken back.
      this.#fastest.fill(Number.NaN);
      this.#fastest[this.#newest] = own;
      this.#reference = own;
      this.#histogram.set(this.#previous);
    } else this.#previous.set(this.#histogram);
    this.#enter(this.#peakTransit - this.#reference);
  }

  /** Another path moves all frames alike; a queue that fills or drains spreads them. False for NaN. */
  #isPathShift(shiftMs: number, spreadMs: number): boolean {
    return shiftMs > this.#config.pathShiftMs && spreadMs * MAX_SHIFT_SPREAD <= shiftMs;
  }

  #enter(delayMs: number): void {
    const { bucketMs, forget, forgetRamp, beginningIntervals, latePrice } = this.#config;
    const bucket = Math.min(this.#histogram.length - 1, Math.floor(delayMs / bucketMs));
    this.#folds += 1;
    const steps = this.#folds > beginningIntervals ? this.#folds - beginningIntervals : this.#folds;
    let keep = Math.min(forget, steps / (steps + forgetRamp));
    // One interval alone decides at most about the last few ms: a stall is over by the time it is known.
    if (edgeOf(bucket, bucketMs) > this.#wantedMs) keep = Math.max(keep, 1 - LONE_SHARE / latePrice);
    for (let i = 0; i < this.#histogram.length; i++)
      this.#histogram[i] = (this.#histogram[i] as number) * keep;
    this.#histogram[bucket] = (this.#histogram[bucket] as number) + (1 - keep);
    this.#wantedMs = this.#cheapest();
  }

  /**
   * Delay that costs least together with what would be invented for late frames; the shorter of equals. What was seen is
   * a sample: each observation also stands for later ones, ever less likely.
   */
  #cheapest(): number {
    const { bucketMs, latePrice, tailMs, maxConcealMs } = this.#config;
    const weights = this.#histogram;
    const beyond = this.#beyond;
    const fall = Math.exp(-bucketMs / tailMs);
    let tail = 0;
    for (let bucket = 0; bucket < weights.length; bucket++) {
      tail = (tail + (weights[bucket] as number)) * fall;
      beyond[bucket] = tail;
    }
    const least = Math.round(LEAST_LATE_MS / bucketMs);
    const most = Math.round(maxConcealMs / bucketMs);
    let best = weights.length;
    let bestCost = Number.POSITIVE_INFINITY;
    let lateMs = 0;
    // Weight of what is late by more than the least and less than the most: its price grows with every bucket less.
    let growing = 0;
    for (let bucket = weights.length - 1; bucket >= 0; bucket--) {
      growing += (weights[bucket + least + 1] ?? 0) - (weights[bucket + most + 1] ?? 0);
      lateMs += (weights[bucket + 1] ?? 0) * LEAST_LATE_MS + growing * bucketMs;
      const cost =
        edgeOf(bucket, bucketMs) + latePrice * (lateMs + (beyond[bucket] as number) * LEAST_LATE_MS);
      if (cost > bestCost) continue;
      best = bucket;
      bestCost = cost;
    }
    return edgeOf(best, bucketMs);
  }

  /**
   * Opens an interval. The window counts intervals with frames: after a pause the old path is still the best guess.
   */
  #advance(index: number): void {
    if ((index - this.#intervalIndex) * this.#config.intervalMs > MAX_PAUSE_MS)
      this.#fastest.fill(Number.NaN);
    this.#intervalIndex = index;
    this.#peakTransit = Number.NEGATIVE_INFINITY;
    this.#frames = 0;
    this.#newest = (this.#newest + 1) % this.#fastest.length;
    this.#fastest[this.#newest] = Number.NaN;
    this.#reference = Number.NaN;
    for (let i = 0; i < this.#fastest.length; i++) {
      const transit = this.#fastest[i] as number;
      if (!(this.#reference <= transit) && !Number.isNaN(transit)) this.#reference = transit;
    }
  }
}

/** Upper edge of a bucket, ms. */
function edgeOf(bucket: number, bucketMs: number): number {
  return (bucket + 1) * bucketMs;
}
