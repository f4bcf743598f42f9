/** How far away members are: measured, now or formerly, or bounded by what others measured (`acquaintances.ts`). */

import type { Handle, MemberId } from '../units.js';
import type { ToldLink } from '../wire/link-records.js';
import { Acquaintances, estimateWithin } from './acquaintances.js';
import { hopTag } from './core.js';
import type { Neighbours } from './neighbours.js';
import { remember } from './remember.js';

/** Members measured that are remembered, oldest first out. */
const MAX_REMEMBERED = 512;

const AS_ESTIMATED = (): number => 1;

export class Distances {
  readonly #acquaintances = new Acquaintances();
  /** Round trips of former links and trials, by hop tag, ms; at most `MAX_REMEMBERED`. */
  readonly #measured = new Map<number, number>();

  constructor(readonly neighbours: Neighbours) {}

  /** Another member told what it measured. */
  learn(handle: Handle, told: readonly ToldLink[]): void {
    this.#acquaintances.note(handle, told);
  }

  /** A link is, or was, so long. */
  note(peer: MemberId, rttMs: number): void {
    remember(this.#measured, hopTag(peer), rttMs, MAX_REMEMBERED);
  }

  /**
   * One-way delays of links to members, ms, measured or estimated; undefined where nothing is known. What was measured here is
   * looked up once for all of them.
   *
   * @param doubt by what to multiply an estimate, asked for each
   */
  linksMs(peers: readonly MemberId[], doubt: () => number = AS_ESTIMATED): (number | undefined)[] {
    const roundTrips = this.#roundTrips();
    return peers.map((peer) => {
      const measuredMs = this.#measured.get(hopTag(peer));
      if (measuredMs !== undefined) return measuredMs / 2;
      const bounds = this.#acquaintances.bounds(peer, (tag) => roundTrips.get(tag));
      return bounds && (estimateWithin(bounds) / 2) * doubt();
    });
  }

  /**
   * What was measured here over what would be estimated without: a member tells nobody how far it is from itself, so its own
   * measurement is no part of its bounds. At most one for each of these members.
   */
  surprises(peers: Iterable<MemberId>): number[] {
    const roundTrips = this.#roundTrips();
    const ratios: number[] = [];
    for (const peer of peers) {
      const rttMs = roundTrips.get(hopTag(peer));
      const bounds = rttMs && this.#acquaintances.bounds(peer, (tag) => roundTrips.get(tag));
      if (bounds) ratios.push(rttMs / estimateWithin(bounds));
    }
    return ratios;
  }

  /** Round trips of former links and trials, and of present ones, by hop tag, ms. */
  #roundTrips(): Map<number, number> {
    const roundTrips = new Map(this.#measured);
    for (const { tag, measured, rttMs } of this.neighbours.linked) if (measured) roundTrips.set(tag, rttMs);
    return roundTrips;
  }
}
