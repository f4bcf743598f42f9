/**
 * What listeners hear in a simulated run, pair by pair of source and listener, and the figures drawn from it.
 * Memory: one record per pair that was heard, so at most sources × members.
 */

import type { Simulation } from '../../../test/simulation/simulation.js';
import type { SimulatedMember } from '../../../test/simulation/member.js';

/**
 * A frame that comes this much later than the quickest of late is too late to play: twice what a jitter buffer holds
 * ready on a disturbed link, and half of the most ours ever waits.
 */
export const LATE_MS = 200;

/** How fast the memory of the quickest frame fades, ms per ms: a longer path becomes the usual one within two seconds. */
const FADING = 0.1;

/** The hop limit a source sends with. */
const FULL_HOP_LIMIT = 31;

/** What one listener hears of one source. Times are those of the simulation, ms. */
export interface Pair {
  readonly source: SimulatedMember;
  readonly listener: SimulatedMember;
  /** Frames of the window that came, and that came in time to be played. */
  heard: number;
  playable: number;
  delaySumMs: number;
  /** Most links a frame of the window passed. */
  depth: number;
  /** The neighbour the last frame came from. */
  from: SimulatedMember;
  /** Delay of the quickest frame of late. */
  quickestMs: number;
  arrivedMs: number;
  lastPlayableMs: number;
  /** Longest time between two playable frames, the last before the window included. */
  gapMs: number;
  /** When the first playable frame spoken in the window came; Infinity before. */
  servedMs: number;
}

export interface Window {
  readonly fromMs: number;
  /** Frames spoken later are not counted. */
  readonly toMs: number;
}

export class Recorder {
  #window: Window = { fromMs: Infinity, toMs: Infinity };
  readonly #pairs = new Map<SimulatedMember, Map<SimulatedMember, Pair>>();
  /** Frames played since the window opened, whenever they were spoken. */
  plays = 0;
  /** From when to when a member that comes or goes within a window is owed frames. */
  readonly presence = new Map<SimulatedMember, Window>();

  constructor(readonly simulation: Simulation) {
    simulation.onPlay = (listener, source, from, _sequence, hopLimit, sentMs) =>
      this.#play(listener, source, from, hopLimit, sentMs);
  }

  get window(): Window {
    return this.#window;
  }

  /** Starts counting anew; what pairs knew of delays and their last frame stays. */
  open(window: Window): void {
    this.#window = window;
    this.plays = 0;
    for (const pair of this.pairs()) {
      pair.heard = 0;
      pair.playable = 0;
      pair.delaySumMs = 0;
      pair.depth = 0;
      pair.gapMs = 0;
      pair.servedMs = Infinity;
    }
  }

  *pairs(): Generator<Pair> {
    for (const listeners of this.#pairs.values()) yield* listeners.values();
  }

  pair(source: SimulatedMember, listener: SimulatedMember): Pair | undefined {
    return this.#pairs.get(source)?.get(listener);
  }

  /** Whom the last frame passed on its way from the source to here, the listener's own parent first. */
  path(source: SimulatedMember, listener: SimulatedMember): SimulatedMember[] {
    const path: SimulatedMember[] = [];
    for (let at: SimulatedMember | undefined = listener; path.length <= FULL_HOP_LIMIT;) {
      at = this.pair(source, at)?.from;
      if (!at || at === source) break;
      path.push(at);
    }
    return path;
  }

  /** Frames the source spoke that the listener should have heard in the window. */
  due(source: SimulatedMember, listener: SimulatedMember): number {
    const { fromMs, toMs } = this.#owed(listener);
    let due = 0;
    for (let i = source.frames.length - 1; i >= 0; i--) {
      const atMs = source.frames[i]!.atMs;
      if (atMs < fromMs) break;
      if (atMs < toMs) due++;
    }
    return due;
  }

  /** The gap of a pair so far: silence that lasts counts. */
  gapMs(pair: Pair): number {
    const endMs = Math.min(this.simulation.nowMs, this.#window.toMs);
    return Math.max(pair.gapMs, endMs - Math.max(pair.lastPlayableMs, 0));
  }

  #owed(listener: SimulatedMember): Window {
    const presence = this.presence.get(listener);
    if (!presence) return this.#window;
    return {
      fromMs: Math.max(presence.fromMs, this.#window.fromMs),
      toMs: Math.min(presence.toMs, this.#window.toMs),
    };
  }

  #play(
    listener: SimulatedMember,
    source: SimulatedMember,
    from: SimulatedMember,
    hopLimit: number,
    sentMs: number,
  ): void {
    const { nowMs } = this.simulation;
    const delayMs = nowMs - sentMs;
    this.plays++;
    let listeners = this.#pairs.get(source);
    if (!listeners) this.#pairs.set(source, (listeners = new Map()));
    let pair = listeners.get(listener);
    if (!pair) {
      pair = {
        source,
        listener,
        heard: 0,
        playable: 0,
        delaySumMs: 0,
        depth: 0,
        from,
        quickestMs: delayMs,
        arrivedMs: nowMs,
        lastPlayableMs: nowMs,
        gapMs: 0,
        servedMs: Infinity,
      };
      listeners.set(listener, pair);
    }
    pair.from = from;
    pair.quickestMs = Math.min(delayMs, pair.quickestMs + FADING * (nowMs - pair.arrivedMs));
    pair.arrivedMs = nowMs;
    const playable = delayMs - pair.quickestMs <= LATE_MS;
    if (playable) {
      if (nowMs >= this.#window.fromMs) pair.gapMs = Math.max(pair.gapMs, nowMs - pair.lastPlayableMs);
      pair.lastPlayableMs = nowMs;
    }
    const owed = this.presence.size > 0 ? this.#owed(listener) : this.#window;
    if (sentMs < this.#window.fromMs) return;
    if (playable && nowMs < pair.servedMs) pair.servedMs = nowMs;
    if (sentMs < owed.fromMs || sentMs >= owed.toMs) return;
    pair.heard++;
    pair.delaySumMs += delayMs;
    pair.depth = Math.max(pair.depth, FULL_HOP_LIMIT - hopLimit + 1);
    if (playable) pair.playable++;
  }
}
