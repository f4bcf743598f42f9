/**
 * A receiver by the published rules of WebRTC's NetEq (`modules/audio_coding/neteq`: delay_manager, underrun_optimizer,
 * reorder_optimizer, buffer_level_filter, decision_logic), for comparison. The rules decide; decoding, concealment and
 * overlap-add are the same as in our receiver, so that only the decisions differ. Comfort noise, DTMF and nack are left
 * out. Its names are kept.
 */

import type { OpusDecoder } from '../../../src/audio/codec.js';
import type { ArrivedFrame } from '../../../src/audio/jitter-buffer.js';
import { hasFec } from '../../../src/audio/opus-packet.js';
import { compress, expand } from '../../../src/audio/time-stretch.js';
import { BLOCK_SAMPLES, type Player } from './player.js';

const MS = 48;
const OUTPUT_SAMPLES = 10 * MS;
const PACKET_SAMPLES = 20 * MS;
/** Speech that accelerate and pre-emptive expand work on. */
const STRETCH_WINDOW_SAMPLES = 30 * MS;

const BUCKET_MS = 20;
const BUCKETS = 100;
const QUANTILE = 0.95;
const FORGET = 0.983;
const REORDER_FORGET = 0.9993;
const START_FORGET_WEIGHT = 2;
const RESAMPLE_INTERVAL_MS = 500;
const START_DELAY_MS = 80;
const MAX_HISTORY_MS = 2000;
const MS_PER_LOSS_PERCENT = 20;
const DECELERATION_OFFSET_MS = 85;
const MIN_TIMESCALE_TICKS = 6;
const MAX_WAIT_TICKS = 10;
const POSTPONE_DECODING_SHARE = 0.5;
/** Expands after which a packet from further on is simply played. */
const REINIT_AFTER_EXPANDS = 100;

/** neteq/histogram: forgets faster while it knows little. */
class Histogram {
  readonly buckets = new Float64Array(BUCKETS);
  #added = 0;

  constructor(private readonly forget: number) {}

  add(delayMs: number): void {
    const keep = Math.min(this.forget, Math.max(0, 1 - START_FORGET_WEIGHT / (this.#added + 1)));
    this.#added += 1;
    for (let i = 0; i < BUCKETS; i++) this.buckets[i] = (this.buckets[i] as number) * keep;
    const bucket = Math.min(BUCKETS - 1, Math.floor(delayMs / BUCKET_MS));
    this.buckets[bucket] = (this.buckets[bucket] as number) + 1 - keep;
  }

  quantile(share: number): number {
    let weight = 0;
    for (let i = 0; i < BUCKETS; i++) {
      weight += this.buckets[i] as number;
      if (weight >= share) return i;
    }
    return BUCKETS - 1;
  }
}

class DelayManager {
  targetMs = START_DELAY_MS;
  readonly #underrun = new Histogram(FORGET);
  readonly #reorder = new Histogram(REORDER_FORGET);
  readonly #history: { readonly atMs: number; readonly transitMs: number }[] = [];
  #newest = -1;
  #intervalStartMs = Number.NaN;
  #intervalMaxMs = 0;
  #underrunMs: number | undefined;
  #hasReordered = false;

  update(sequence: number, mediaMs: number, nowMs: number): void {
    const transitMs = nowMs - mediaMs;
    const isReordered = sequence < this.#newest;
    if (!isReordered) {
      this.#newest = sequence;
      this.#history.push({ atMs: nowMs, transitMs });
    }
    while ((this.#history[0]?.atMs ?? nowMs) < nowMs - MAX_HISTORY_MS) this.#history.shift();
    const fastest = Math.min(transitMs, ...this.#history.map((past) => past.transitMs));
    const relativeMs = transitMs - fastest;
    if (!isReordered) this.#updateUnderrun(relativeMs, nowMs);
    this.#reorder.add(isReordered ? Math.max(0, relativeMs - (this.#underrunMs ?? 0)) : 0);
    if (this.#underrunMs === undefined) return;
    this.targetMs = Math.max(this.#underrunMs, isReordered || this.#hasReordered ? this.#reorderMs() : 0);
    this.#hasReordered ||= isReordered;
  }

  #updateUnderrun(relativeMs: number, nowMs: number): void {
    if (Number.isNaN(this.#intervalStartMs)) this.#intervalStartMs = nowMs;
    this.#intervalMaxMs = Math.max(this.#intervalMaxMs, relativeMs);
    if (nowMs - this.#intervalStartMs < RESAMPLE_INTERVAL_MS) return;
    this.#underrun.add(this.#intervalMaxMs);
    this.#intervalStartMs = nowMs;
    this.#intervalMaxMs = 0;
    this.#underrunMs = (1 + this.#underrun.quantile(QUANTILE)) * BUCKET_MS;
  }

  /** The delay at which waiting longer costs more than the loss it avoids. */
  #reorderMs(): number {
    let lossShare = 1;
    let best = 0;
    let bestCost = Infinity;
    for (let i = 0; i < BUCKETS; i++) {
      lossShare -= this.#reorder.buckets[i] as number;
      const delayMs = Math.max(0, i * BUCKET_MS - (this.#underrunMs ?? 0));
      const cost = delayMs + 100 * MS_PER_LOSS_PERCENT * lossShare;
      if (cost >= bestCost) continue;
      bestCost = cost;
      best = i;
    }
    return (1 + best) * BUCKET_MS;
  }
}

export class NetEqLike implements Player {
  stretchedSamples = 0;
  readonly #manager = new DelayManager();
  readonly #packets = new Map<number, { readonly frame: Uint8Array; readonly isFec: boolean }>();
  readonly #sync = new Float32Array(2 * BLOCK_SAMPLES);
  readonly #decoded = new Float32Array(BLOCK_SAMPLES);
  readonly #output = new Float32Array(OUTPUT_SAMPLES);
  #syncLength = 0;
  #outputRead = OUTPUT_SAMPLES;
  #next = -1;
  #filteredLevel = 0;
  #lastStretch = 0;
  #ticksToTimescale = 0;
  #expands = 0;

  constructor(private readonly decoder: OpusDecoder) {}

  push({ sequence, frame }: ArrivedFrame, nowSamples: number): void {
    this.#manager.update(sequence, (sequence * PACKET_SAMPLES) / MS, nowSamples / MS);
    if (this.#next < 0) this.#next = sequence;
    if (sequence >= this.#next) this.#packets.set(sequence, { frame, isFec: false });
    if (sequence - 1 >= this.#next && !this.#packets.has(sequence - 1) && hasFec(frame))
      this.#packets.set(sequence - 1, { frame, isFec: true });
  }

  pull(out: Float32Array, count: number): boolean {
    if (this.#next < 0) {
      out.fill(0, 0, count);
      return false;
    }
    for (let i = 0; i < count; i++) {
      if (this.#outputRead >= OUTPUT_SAMPLES) {
        this.#getAudio();
        this.#outputRead = 0;
      }
      out[i] = this.#output[this.#outputRead++] as number;
    }
    return true;
  }

  #getAudio(): void {
    const target = this.#manager.targetMs * MS;
    this.#filterLevel(target);
    if (this.#ticksToTimescale > 0) this.#ticksToTimescale -= 1;
    const wasExpanding = this.#expands > 0;
    const isHere = this.#syncLength >= OUTPUT_SAMPLES || this.#packets.has(this.#next);
    if (isHere) {
      const waits =
        wasExpanding && this.#level < target * POSTPONE_DECODING_SHARE && this.#expands < MAX_WAIT_TICKS;
      if (waits) this.#expand();
      else this.#play(target, wasExpanding);
      return;
    }
    const future = this.#earliest();
    if (future === undefined || !wasExpanding) {
      this.#expand();
      return;
    }
    const leap = (future - this.#next) * PACKET_SAMPLES;
    const isTooEarly = leap > this.#expands * OUTPUT_SAMPLES && this.#expands < REINIT_AFTER_EXPANDS;
    if (this.#expands < MAX_WAIT_TICKS && isTooEarly && this.#filteredLevel < target) this.#expand();
    else {
      this.#next = future;
      this.#normal();
    }
  }

  get #level(): number {
    return this.#packets.size * PACKET_SAMPLES + this.#syncLength;
  }

  #filterLevel(target: number): void {
    const targetMs = target / MS;
    const factor = (targetMs <= 20 ? 251 : targetMs <= 60 ? 252 : targetMs <= 140 ? 253 : 254) / 256;
    this.#filteredLevel = factor * this.#filteredLevel + (1 - factor) * this.#level + this.#lastStretch;
    this.#filteredLevel = Math.max(0, this.#filteredLevel);
    this.#lastStretch = 0;
  }

  #play(target: number, wasExpanding: boolean): void {
    const low = Math.max(0.75 * target, target - DECELERATION_OFFSET_MS * MS);
    const high = Math.max(target, low + 20 * MS);
    if (!wasExpanding) {
      if (this.#filteredLevel >= 4 * high) return this.#stretch(-1, true);
      if (this.#ticksToTimescale === 0) {
        if (this.#filteredLevel >= high) return this.#stretch(-1, false);
        if (this.#filteredLevel < low) return this.#stretch(1, false);
      }
    }
    this.#normal();
  }

  #normal(): void {
    this.#expands = 0;
    if (this.#syncLength < OUTPUT_SAMPLES) this.#decodeNext();
    this.#emit();
  }

  /** Accelerate or pre-emptive expand on 30 ms, where as much waits. */
  #stretch(direction: -1 | 1, isFast: boolean): void {
    while (this.#syncLength < STRETCH_WINDOW_SAMPLES && this.#packets.has(this.#next)) this.#decodeNext();
    if (this.#syncLength >= STRETCH_WINDOW_SAMPLES) {
      const before = this.#syncLength;
      const change = direction < 0 ? compress : expand;
      this.#syncLength = change(this.#sync, before, STRETCH_WINDOW_SAMPLES, isFast ? 'urgent' : 'voice');
      const changed = this.#syncLength - before;
      this.stretchedSamples += Math.abs(changed);
      this.#lastStretch = changed;
      if (changed !== 0) this.#ticksToTimescale = MIN_TIMESCALE_TICKS;
    }
    this.#normal();
  }

  #expand(): void {
    this.#expands += 1;
    const written = this.decoder.conceal(this.#decoded, OUTPUT_SAMPLES);
    this.#append(this.#decoded, Math.max(0, written));
    this.#emit();
  }

  #decodeNext(): void {
    const packet = this.#packets.get(this.#next);
    this.#packets.delete(this.#next);
    this.#next += 1;
    if (!packet) return;
    const written = packet.isFec
      ? this.decoder.decodeFec(packet.frame, this.#decoded, PACKET_SAMPLES)
      : this.decoder.decode(packet.frame, this.#decoded);
    this.#append(this.#decoded, Math.max(0, written));
  }

  #append(samples: Float32Array, count: number): void {
    this.#sync.set(samples.subarray(0, count), this.#syncLength);
    this.#syncLength += count;
  }

  #emit(): void {
    this.#output.fill(0);
    const count = Math.min(OUTPUT_SAMPLES, this.#syncLength);
    this.#output.set(this.#sync.subarray(0, count));
    this.#sync.copyWithin(0, count, this.#syncLength);
    this.#syncLength -= count;
  }

  #earliest(): number | undefined {
    let earliest: number | undefined;
    for (const sequence of this.#packets.keys()) {
      if (sequence < this.#next) this.#packets.delete(sequence);
      else if (earliest === undefined || sequence < earliest) earliest = sequence;
    }
    return earliest;
  }
}
