/**
 * Round trips that other members measured, as they tell their neighbours: with each acquaintance in common the triangle
 * gives a least and a most for the round trip to a member never linked to (as in IDMaps, Francis et al., INFOCOM 1999).
 * Coordinates alone take members in one building for strangers; here they show as each other's double.
 *
 * Bound: `MAX_MEMBERS` members with `MAX_EACH` round trips each, oldest first out: 64 × 64 numbers.
 */

import { handleOf, type Handle, type MemberId } from '../units.js';
import type { LinkedMember } from '../wire/control.js';
import { remember } from './remember.js';

const MAX_MEMBERS = 64;
const MAX_EACH = 64;

/** Below this two members count as this far apart, ms: what a relay in one machine room takes. */
const LEAST_MS = 0.5;

export interface Bounds {
  readonly leastMs: number;
  readonly mostMs: number;
}

/**
 * The estimate, ms: what coordinates say, within the bounds, and drawn half way to their geometric mean. On PlanetLab delays,
 * with 24 round trips known to each, a member so finds 50 % more of its nearest five among 200 than by coordinates alone.
 */
export function estimateWithin({ leastMs, mostMs }: Bounds, coordinatesMs: number | undefined): number {
  const meanMs = Math.sqrt(Math.max(LEAST_MS, leastMs) * mostMs);
  if (coordinatesMs === undefined) return meanMs;
  return Math.sqrt(Math.max(leastMs, LEAST_MS, Math.min(mostMs, coordinatesMs)) * meanMs);
}

export class Acquaintances {
  readonly #told = new Map<MemberId, Map<Handle, number>>();

  /** A neighbour tells whom it is linked to. */
  note(from: MemberId, members: readonly LinkedMember[]): void {
    const known = this.#told.get(from) ?? new Map<Handle, number>();
    remember(this.#told, from, known, MAX_MEMBERS);
    for (const { handle, rttMs } of members) {
      if (rttMs !== Infinity) remember(known, handle, rttMs, MAX_EACH);
    }
  }

  /**
   * @param ownRttMs the round trip from here to an acquaintance, if it was ever measured
   * @returns undefined without any acquaintance in common
   */
  bounds(member: MemberId, ownRttMs: (acquaintance: MemberId) => number | undefined): Bounds | undefined {
    const handle = handleOf(member);
    let leastMs = 0;
    let mostMs = Infinity;
    for (const [acquaintance, known] of this.#told) {
      const theirs = known.get(handle);
      const own = theirs === undefined ? undefined : ownRttMs(acquaintance);
      if (own === undefined || theirs === undefined) continue;
      leastMs = Math.max(leastMs, Math.abs(own - theirs));
      mostMs = Math.min(mostMs, own + theirs);
    }
    return mostMs === Infinity ? undefined : { leastMs: Math.min(leastMs, mostMs), mostMs };
  }
}
