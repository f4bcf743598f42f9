/**
 * Where each voice stands when voices are spread: people are told apart far better when they come from different
 * places (Cherry 1953, "the cocktail party effect"). Pure.
 */

import type { Identity } from '../units.js';

/**
 * Places from left to right, as pans. Nine, because neighbours of about 0.2 are what listeners keep apart on
 * headphones; within ±0.8, because a voice in one ear only is unpleasant.
 */
export const SPREAD_PANS: readonly number[] = [-0.8, -0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8];

/**
 * Gives everybody a place. Whoever had one keeps it; a newcomer gets the place their identity always asks for, or the
 * nearest of those that the fewest others hold. So the same person is found in the same place in the next meeting too,
 * unless somebody else was there first.
 *
 * @param present identities of the people in the room, in any order, doubles allowed.
 * @param before what this function returned last.
 */
export function spreadPans(
  present: readonly Identity[],
  before: ReadonlyMap<Identity, number> = new Map(),
): Map<Identity, number> {
  const pans = new Map<Identity, number>();
  const held = SPREAD_PANS.map(() => 0);
  const seat = (identity: Identity, place: number): void => {
    pans.set(identity, SPREAD_PANS[place] as number);
    held[place] = (held[place] as number) + 1;
  };
  // In the order of identities, so that everybody who spreads the same people spreads them alike.
  const people = [...new Set(present)].sort();
  for (const identity of people) {
    const place = SPREAD_PANS.indexOf(before.get(identity) ?? Number.NaN);
    if (place >= 0) seat(identity, place);
  }
  for (const identity of people) {
    if (pans.has(identity)) continue;
    const wish = Number.parseInt(identity.slice(0, 8), 16) % SPREAD_PANS.length || 0;
    const fewest = Math.min(...held);
    const free = held.flatMap((count, place) => (count === fewest ? [place] : []));
    free.sort((a, b) => Math.abs(a - wish) - Math.abs(b - wish) || a - b);
    seat(identity, free[0] as number);
  }
  return pans;
}
