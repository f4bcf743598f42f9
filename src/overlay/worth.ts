/**
 * What a link is worth, and what another one would be: pure arithmetic over costs. All values are ms a source, that is
 * the mean over the sources looked at, so that samples of different size compare.
 */

import type { MemberId } from '../units.js';

/** What it counts to hear a source at all, ms: far above any detour. */
export const UNSERVED_MS = 400;

/**
 * What a link to a candidate would save: `Σ max(0, own(s) − (link + candidate(s)))` over a sample of sources.
 *
 * @param linkMs one-way delay of the link that would be opened
 * @param relayMs what the candidate adds when it relays
 */
export function gainOfLink(
  ownCosts: readonly number[],
  candidateCosts: readonly number[],
  linkMs: number,
  relayMs: number,
): number {
  const count = Math.min(ownCosts.length, candidateCosts.length);
  if (count === 0) return 0;
  let saved = 0;
  for (let i = 0; i < count; i++) {
    const own = Math.min(UNSERVED_MS, ownCosts[i] as number);
    const theirs = candidateCosts[i] as number;
    saved += Math.max(0, own - (linkMs + theirs + (theirs > 0 ? relayMs : 0)));
  }
  return saved / count;
}

/** One source, as the worth of links sees it. */
export interface Prospect {
  /** The neighbour through which it is heard soonest; undefined when none offers it. */
  readonly peer: MemberId | undefined;
  readonly costMs: number;
  /** Best cost by way of any other neighbour whose path avoids this member; Infinity for none. */
  readonly alternativeMs: number;
}

/** By how much later it would be heard without that neighbour, ms. */
export function lossMs({ peer, costMs, alternativeMs }: Prospect): number {
  return peer === undefined ? 0 : Math.min(UNSERVED_MS, Math.max(0, alternativeMs - costMs));
}

export interface Offer<Peer> {
  readonly peer: Peer;
  /** What the link would save both ends together. */
  readonly gainMs: number;
  /** What both ends together would give up for it. */
  readonly priceMs: number;
}

/** What an exchange gains beyond its price and the margin by which it must exceed it, a share of the price; ms a source. */
export function netGainMs({ gainMs, priceMs }: Omit<Offer<unknown>, 'peer'>, margin: number): number {
  return gainMs - (1 + margin) * priceMs;
}

/** The exchanges that pay best, at most so many, best first; each must exceed its price by `margin` (a share) and `leastMs`. */
export function bestExchanges<Exchange extends Offer<unknown>>(
  offers: readonly Exchange[],
  margin: number,
  leastMs: number,
  most: number,
): Exchange[] {
  return offers
    .map((offer) => ({ offer, netMs: netGainMs(offer, margin) }))
    .filter(({ netMs }) => netMs > leastMs)
    .sort((a, b) => b.netMs - a.netMs)
    .slice(0, Math.max(0, most))
    .map(({ offer }) => offer);
}
