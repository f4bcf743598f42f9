/**
 * How many links others have, as far as is known here: in a larger room by the map of links, which is newer than a member's
 * entry; in a small one the map is out of date.
 */

import { handleOf } from '../units.js';
import type { RosterEntry } from '../wire/roster-entry.js';
import type { LinkMap } from './link-map.js';
import type { Roster } from './roster.js';

export class Occupancy {
  constructor(
    readonly roster: Roster,
    readonly map: LinkMap,
  ) {}

  /** Undefined where the map does not know or does not count. */
  mappedLinksOf({ memberId }: Pick<RosterEntry, 'memberId'>): number | undefined {
    return this.roster.isLarge ? this.map.linksOf(handleOf(memberId)) : undefined;
  }

  linksOf(entry: RosterEntry): number {
    return this.mappedLinksOf(entry) ?? entry.links;
  }

  isFull(entry: RosterEntry | undefined): boolean {
    if (!entry) return false;
    const links = this.mappedLinksOf(entry);
    return links === undefined ? entry.full : links >= entry.maxLinks;
  }
}
