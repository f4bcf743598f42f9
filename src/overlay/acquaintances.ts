/**
 * Round trips that other members measured, as their link records tell: with each acquaintance in common the triangle
 * gives a least and a most for the round trip to a member never linked to (as in IDMaps, Francis et al., INFOCOM 1999).
 *
 * Bound: `MAX_MEMBERS` members with `MAX_EACH` round trips each, those that came first first out: 512 × 64 pairs of 4 bytes, 130 kB.
 */

import { handleOf, type Handle, type MemberId } from '../units.js';
import type { ToldLink } from '../wire/link-records.js';
import { remember } from './remember.js';

const MAX_MEMBERS = 512;
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

/** Round trips of one member, a hop tag and a number of steps each, in one flat array: as maps those of 200 members took 700 kB. */
class Told {
  #pairs = new Uint16Array(16);
  #count = 0;
  /** Which one gives way next. */
  #oldest = 0;

  set(tag: number, rttMs: number): void {
    let at = 0;
    while (at < this.#count && this.#pairs[2 * at] !== tag) at++;
    if (at === MAX_EACH) {
      at = this.#oldest;
      this.#oldest = (at + 1) % MAX_EACH;
    } else if (at === this.#count) this.#count++;
    if (2 * at >= this.#pairs.length) {
      const pairs = new Uint16Array(4 * at);
      pairs.set(this.#pairs);
      this.#pairs = pairs;
    }
    this.#pairs[2 * at] = tag;
    this.#pairs[2 * at + 1] = Math.min(0xffff, Math.round(rttMs / STEP_MS));
  }

  /** @param ownRttMs as in `Acquaintances.bounds` */
  bounds(ownRttMs: (tag: number) => number | undefined): Bounds | undefined {
    let leastMs = 0;
    let mostMs = Infinity;
    for (let at = 0; at < this.#count; at++) {
      const own = ownRttMs(this.#pairs[2 * at] as number);
      if (own === undefined) continue;
      const theirs = (this.#pairs[2 * at + 1] as number) * STEP_MS;
      leastMs = Math.max(leastMs, Math.abs(own - theirs));
      mostMs = Math.min(mostMs, own + theirs);
    }
    return mostMs === Infinity ? undefined : { leastMs: Math.min(leastMs, mostMs), mostMs };
  }
}

export class Acquaintances {
  readonly #told = new Map<Handle, Told>();

  /** A member tells whom it is linked to, or measured. */
  note(handle: Handle, links: readonly ToldLink[]): void {
    let told = this.#told.get(handle);
    if (!told) {
      told = new Told();
      remember(this.#told, handle, told, MAX_MEMBERS);
    }
    for (const { tag, delayMs } of links) told.set(tag, 2 * delayMs);
  }

  /**
   * @param ownRttMs the round trip from here to whoever has this hop tag, if it was ever measured
   * @returns undefined without any acquaintance in common
   */
  bounds(member: MemberId, ownRttMs: (tag: number) => number | undefined): Bounds | undefined {
    return this.#told.get(handleOf(member))?.bounds(ownRttMs);
  }
}
