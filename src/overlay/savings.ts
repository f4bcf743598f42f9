/** What a link would save, by the map of all links. */

import { handleOf, type Handle, type MemberId } from '../units.js';
import type { Core } from './core.js';
import type { LinkMap, Ways } from './link-map.js';
import type { Trees } from './trees.js';
import { UNSERVED_MS } from './worth.js';

/** What a link to a member would save, as the map has it. */
export interface Savings {
  readonly peer: MemberId;
  /** What it would save here, and at the other end, ms a source. */
  readonly hereMs: number;
  readonly thereMs: number;
  /** The sources of which it would save most here: what they cost now, ms. */
  readonly sample: readonly { readonly source: Handle; readonly costMs: number }[];
  /** What would be saved of these together, ms. */
  readonly sampleMs: number;
  readonly linkMs: number;
}

/** What there is to go by. */
interface Known {
  readonly map: LinkMap;
  readonly trees: Trees;
  readonly core: Core;
}

/**
 * Ways to here by the map, which knows nothing of blocks and slots: of what is being heard, or missed, more is known.
 */
export function ownWays({ trees }: Pick<Known, 'trees'>): Ways {
  const ways = trees.plan.latestWays;
  const knownMs = new Map<Handle, number>();
  for (const tree of trees.budget.heard)
    if (!tree.blocked)
      knownMs.set(tree.handle, Math.max(ways.toMs(tree.handle), trees.soonestMs(tree.handle)));
  for (const { handle } of trees.cutOff()) knownMs.set(handle, UNSERVED_MS);
  return { toMs: (handle) => knownMs.get(handle) ?? ways.toMs(handle) };
}

/**
 * What a link between here and a member would save either end, over all sources: `Σ max(0, own(s) − (link + theirs(s)))`.
 *
 * @param linkMs one-way delay of the link
 * @param own `ownWays`, once for all that are weighed together
 * @returns undefined while the map lacks either
 */
export function savingsOf(
  peer: MemberId,
  linkMs: number,
  own: Ways,
  { map, trees, core }: Known,
): Savings | undefined {
  const slotsThere = map.slotsOf(handleOf(peer));
  const slotsHere = map.slotsOf(core.selfHandle);
  if (slotsThere === undefined || slotsHere === undefined) return undefined;
  const theirs = map.waysFrom(handleOf(peer));
  const relayThereMs = slotsThere > 0 ? map.relayMs : Infinity;
  const relayHereMs = slotsHere > 0 ? map.relayMs : Infinity;
  const savings: { source: Handle; costMs: number; savedMs: number }[] = [];
  let hereMs = 0;
  let thereMs = 0;
  let sources = 0;
  for (const { handle, memberId, own: isOwn, blocked } of trees.byHandle.values()) {
    const ownMs = Math.min(UNSERVED_MS, own.toMs(handle));
    const theirMs = Math.min(UNSERVED_MS, theirs.toMs(handle));
    sources++;
    if (!isOwn && !blocked) {
      const relayMs = memberId === peer ? 0 : relayThereMs;
      const savedMs = ownMs - (linkMs + theirMs + relayMs);
      if (savedMs > 0) {
        hereMs += savedMs;
        savings.push({ source: handle, costMs: ownMs, savedMs });
      }
    }
    if (memberId !== peer) {
      const relayMs = isOwn ? 0 : relayHereMs;
      thereMs += Math.max(0, theirMs - (linkMs + ownMs + relayMs));
    }
  }
  savings.sort((a, b) => b.savedMs - a.savedMs);
  const sample = savings.slice(0, core.config.rewireSample);
  return {
    peer,
    hereMs: hereMs / sources,
    thereMs: thereMs / sources,
    sample,
    sampleMs: sample.reduce((sum, { savedMs }) => sum + savedMs, 0),
    linkMs,
  };
}
