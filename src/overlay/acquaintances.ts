/**
 * Round trips that other members measured, as their link records tell: with each acquaintance in common the triangle
 * gives a least and a most for the round trip to a member never linked to (as in IDMaps, Francis et al., INFOCOM 1999).
 *
 * Bound: `MAX_MEMBERS` members with `MAX_EACH` round trips each, those that came first first out: 1024 × 64 pairs of
 * 4 bytes, 262 kB; some 60 kB for 200 members.
 */

import { handleOf, type Handle, type MemberId } from '../units.js';
import type { ToldLink } from '../wire/link-records.js';
import { roomFor } from './slots.js';

const MAX_MEMBERS = 1024;
const MAX_EACH = 64;

/** Below this two members count as this far apart, ms: what a relay in one machine room takes. */
const LEAST_MS = 0.5;

export interface Bounds {
  readonly leastMs: number;
  readonly mostMs: number;
}

/**
 * The estimate, ms: four fifths of the way to the lower bound, on a logarithmic scale. The nearest are underestimated by
 * it as often as overestimated (PlanetLab delays, 80 members after 40 s; half way, by a third too long in the median).
 */
export function estimateWithin({ leastMs, mostMs }: Bounds): number {
  return Math.max(LEAST_MS, leastMs) ** 0.8 * Math.max(LEAST_MS, mostMs) ** 0.2;
}

/** Round trips are kept in steps of so much, ms, up to two seconds. */
const STEP_MS = 1 / 32;
/** Numbers in the row of one member. */
const ROW = 2 * MAX_EACH;

export class Acquaintances {
  /** Rows of members, those that told first first. */
  readonly #rows = new Map<Handle, number>();
  // Rows of hop tags and round trips in steps, `MAX_EACH` of each: as maps those of 200 members took 700 kB.
  #pairs = new Uint16Array(0);
  /** Of each row how many there are, and which one gives way next. */
  #counts = new Uint8Array(0);
  #oldest = new Uint8Array(0);

  /** A member tells whom it is linked to, or measured. */
  note(handle: Handle, links: readonly ToldLink[]): void {
    const row = this.#rows.get(handle) ?? this.#takeRow(handle);
    for (const { tag, delayMs } of links) this.#set(row, tag, 2 * delayMs);
  }

  #takeRow(handle: Handle): number {
    let row = this.#rows.size;
    if (row >= MAX_MEMBERS)
      for (const [first, its] of this.#rows) {
        this.#rows.delete(first);
        row = its;
        break;
      }
    if (row >= this.#counts.length) this.#grow(Math.min(MAX_MEMBERS, roomFor(this.#counts.length, row)));
    this.#counts[row] = 0;
    this.#oldest[row] = 0;
    this.#rows.set(handle, row);
    return row;
  }

  #grow(rows: number): void {
    const [pairs, counts, oldest] = [this.#pairs, this.#counts, this.#oldest];
    this.#pairs = new Uint16Array(rows * ROW);
    this.#counts = new Uint8Array(rows);
    this.#oldest = new Uint8Array(rows);
    this.#pairs.set(pairs);
    this.#counts.set(counts);
    this.#oldest.set(oldest);
  }

  #set(row: number, tag: number, rttMs: number): void {
    const pairs = this.#pairs;
    const start = row * ROW;
    const count = this.#counts[row] as number;
    let at = 0;
    while (at < count && pairs[start + 2 * at] !== tag) at++;
    if (at === MAX_EACH) {
      at = this.#oldest[row] as number;
      this.#oldest[row] = (at + 1) % MAX_EACH;
    } else if (at === count) this.#counts[row] = count + 1;
    pairs[start + 2 * at] = tag;
    pairs[start + 2 * at + 1] = Math.min(0xffff, Math.round(rttMs / STEP_MS));
  }

  /**
   * @param ownRttMs the round trip from here to whoever has this hop tag, if it was ever measured
   * @returns undefined without any acquaintance in common
   */
  bounds(member: MemberId, ownRttMs: (tag: number) => number | undefined): Bounds | undefined {
    const row = this.#rows.get(handleOf(member));
    if (row === undefined) return undefined;
    const start = row * ROW;
    const end = start + 2 * (this.#counts[row] as number);
    let leastMs = 0;
    let mostMs = Infinity;
    for (let at = start; at < end; at += 2) {
      const own = ownRttMs(this.#pairs[at] as number);
      if (own === undefined) continue;
      const theirs = (this.#pairs[at + 1] as number) * STEP_MS;
      leastMs = Math.max(leastMs, Math.abs(own - theirs));
      mostMs = Math.min(mostMs, own + theirs);
    }
    return mostMs === Infinity ? undefined : { leastMs: Math.min(leastMs, mostMs), mostMs };
  }
}
