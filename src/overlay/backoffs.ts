/** Members to be left alone for a while, twice as long each time. */

import type { MemberId } from '../units.js';
import { remember } from './remember.js';

export class Backoffs {
  /** Oldest first; at most `bound`. */
  readonly #pauses = new Map<MemberId, { readonly untilMs: number; readonly pauseMs: number }>();

  constructor(
    readonly bound: number,
    /** Longest pause, ms. */
    readonly maxMs: number,
  ) {}

  /**
   * @param firstMs shortest pause, ms; twice the last one where that is longer
   * @param jittered what becomes of a pause before it is kept
   */
  backOff(peer: MemberId, firstMs: number, nowMs: number, jittered = (ms: number): number => ms): void {
    const lastMs = this.#pauses.get(peer)?.pauseMs ?? 0;
    const pauseMs = Math.min(this.maxMs, Math.max(firstMs, 2 * lastMs));
    remember(this.#pauses, peer, { untilMs: nowMs + jittered(pauseMs), pauseMs }, this.bound);
  }

  isBarred(peer: MemberId, nowMs: number): boolean {
    return (this.#pauses.get(peer)?.untilMs ?? -Infinity) > nowMs;
  }

  forgive(peer: MemberId): void {
    this.#pauses.delete(peer);
  }

  clear(): void {
    this.#pauses.clear();
  }
}
