/** Which parent, which backups, which child: the decisions of a tree as pure functions of what is known. */

import type { MemberId } from '../units.js';
import type { OverlayConfig } from './config.js';

export type RelayCosts = Pick<
  OverlayConfig,
  'relayMs' | 'deepMembers' | 'deepRelayMs' | 'deepestHops' | 'deepestMs'
>;

/** A neighbour that offers a source, as its possible child sees it. */
export interface Candidate {
  readonly peer: MemberId;
  /** One-way delay from the source to here through it, ms. */
  readonly totalMs: number;
  /** How far that may be off by chance, as far as the own link goes, ms. */
  readonly noiseMs: number;
  /** The cost it reported itself, ms. */
  readonly reportedMs: number;
  /** It knows a newer route epoch than the chooser. */
  readonly newerEpoch: boolean;
  /** Its route epoch is older than the chooser's. */
  readonly olderEpoch: boolean;
  readonly freeSlots: number;
  /** It would take the chooser: on a free slot, or in the place of a child that is a greater burden. */
  readonly takes: boolean;
  /** When it last refused a member that is still without a parent, ms; −Infinity if it did not. */
  readonly refusedMs: number;
  /** Its ancestors, source first. */
  readonly path: readonly number[];
}

/** What a relay one link above the deepest counts, as a share of those: where they are few, fewer are left without any other way. */
const DEEP_SHARE = 1 / 8;

/**
 * What a relay adds to the way of a voice when ways are chosen, ms: what it takes, and in a very large room more, and much
 * more where the tree is deep already. A chain of many short links is as soon as a few long ones, and broken more often; in
 * smaller rooms only those without copies to spare have deep trees, and need them.
 *
 * @param hops links from the source to the relay
 */
export function relayCostMs(hops: number, members: number, costs: RelayCosts): number {
  const { relayMs, deepMembers, deepRelayMs, deepestHops, deepestMs } = costs;
  if (members < deepMembers) return relayMs;
  const deepMs = hops < deepestHops - 1 ? 0 : hops < deepestHops ? DEEP_SHARE * deepestMs : deepestMs;
  return relayMs + deepRelayMs + deepMs;
}

/**
 * Loop-free without trusting that paths are fresh: a parent whose own cost was below anything this member ever had in
 * this route epoch cannot be its descendant (the feasibility condition of EIGRP and Babel, RFC 8966 § 3.5.1).
 */
export function isFeasible(candidate: Candidate, feasibleMs: number): boolean {
  return candidate.newerEpoch || (!candidate.olderEpoch && candidate.reportedMs < feasibleMs);
}

/**
 * The parent to ask when there is none: the soonest with a free slot; failing that one a refusal pointed to, or the soonest
 * at all, which may make room or knows where room is; whoever refused is asked again after all the others. Paths are
 * trusted here, because silence is worse than a loop that lasts one round trip.
 */
export function chooseFirstParent(
  candidates: readonly Candidate[],
  hints: readonly MemberId[],
): Candidate | undefined {
  const free = nextToAsk(candidates.filter((candidate) => candidate.freeSlots > 0));
  if (free) return free;
  for (const hint of hints) {
    const hinted = candidates.find((candidate) => candidate.peer === hint);
    if (hinted) return hinted;
  }
  return nextToAsk(candidates);
}

function nextToAsk(candidates: readonly Candidate[]): Candidate | undefined {
  const longestAgoMs = Math.min(...candidates.map(({ refusedMs }) => refusedMs));
  return soonest(candidates.filter(({ refusedMs }) => refusedMs === longestAgoMs));
}

/**
 * The parent to move to, or undefined when none is feasible, free and clearly better than the present cost: by more
 * than the margin and by more than jitter of either link explains, or trees would never come to rest on a noisy network.
 */
export function chooseBetterParent(
  candidates: readonly Candidate[],
  present: {
    readonly parent: MemberId;
    readonly costMs: number;
    readonly noiseMs: number;
    readonly feasibleMs: number;
  },
  config: Pick<OverlayConfig, 'switchGain' | 'switchGainMs'>,
): Candidate | undefined {
  const wanted =
    present.costMs - present.noiseMs - Math.max(config.switchGainMs, config.switchGain * present.costMs);
  const better = candidates.filter(
    (candidate) =>
      candidate.peer !== present.parent &&
      candidate.takes &&
      candidate.totalMs + candidate.noiseMs <= wanted &&
      isFeasible(candidate, present.feasibleMs),
  );
  return soonest(better);
}

/**
 * Whom to turn to when the parent fails: those that share the fewest ancestors (beyond the source) with the present
 * path, then those with room, then the soonest. A candidate behind the present parent comes last, for it will fail too.
 */
export function chooseBackups(
  candidates: readonly Candidate[],
  present: {
    readonly parent: MemberId | undefined;
    readonly parentTag: number;
    readonly path: readonly number[];
  },
  count: number,
): MemberId[] {
  const ancestors = new Set(present.path.slice(1));
  const ranked = candidates
    .filter((candidate) => candidate.peer !== present.parent)
    .map((candidate) => {
      let shared = 0;
      for (let i = 1; i < candidate.path.length; i++)
        if (ancestors.has(candidate.path[i] as number)) shared++;
      const behindParent = present.path.length > 1 && candidate.path.includes(present.parentTag) ? 1 : 0;
      return { candidate, rank: behindParent * 1000 + shared * 10 + (candidate.freeSlots > 0 ? 0 : 5) };
    });
  ranked.sort((a, b) => a.rank - b.rank || a.candidate.totalMs - b.candidate.totalMs);
  return ranked.slice(0, count).map(({ candidate }) => candidate.peer);
}

/** A child as its parent sees it. */
export interface ChildState {
  readonly peer: MemberId;
  /** `childBurdenMs`. */
  readonly burdenMs: number;
  /** Children it could take now. */
  readonly freeSlots: number;
  /** It was asked to go elsewhere and is served until it has. */
  readonly leaving: boolean;
  /** It came back from being sent away: it has no other way. */
  readonly isSpared: boolean;
  /** It and the one that asks are linked. */
  readonly linkedToAsker: boolean;
  /** Another child with a free slot that it is linked to. */
  readonly roomAt: MemberId | undefined;
  /** Those who hear the voice through it, itself included. */
  readonly members: number;
  /** How much later all of them would hear it by its next best way, ms · members; Infinity where that is not known. */
  readonly lossMs: number;
}

export interface Asker {
  readonly peer: MemberId;
  /** `childBurdenMs`, were it a child. */
  readonly burdenMs: number;
  /** Children it could take now: where a displaced child would go. */
  readonly freeSlots: number;
  readonly urgent: boolean;
  readonly unserved: boolean;
}

/** The parent that is asked. */
export interface Host {
  /** Children it may have. */
  readonly capacity: number;
  /** Of these, slots kept for children in need; they yield to urgent askers. */
  readonly reserved: number;
  /** Slots held for children on their way. */
  readonly promised: number;
  /** Nothing is being said: a child may go by a longer way from now on, or be without a parent for a moment. */
  readonly isSilent: boolean;
  /** By how much a lesser burden must be less, or two that are alike take turns, ms. */
  readonly marginMs: number;
}

export type ChildDecision =
  /** `into`: where the displaced child goes: to the newcomer, or to another child with room. */
  | { readonly accept: true; readonly displace: MemberId | undefined; readonly into: MemberId | undefined }
  | { readonly accept: false; readonly redirects: readonly MemberId[] };

/**
 * What it costs those below that a child has its place, ms: the way to it, less what its capacity is worth. A slot is
 * best given to who is near and serves many: each doubling saves the others a part of a hop.
 */
export function childBurdenMs(
  wayMs: number,
  capacity: number,
  config: Pick<OverlayConfig, 'capacityWorthMs'>,
): number {
  return wayMs - config.capacityWorthMs * Math.log2(1 + capacity);
}

/** Orders children by what is lost without their place, least first: of those with no other way that are the fewest. */
export function compareLosses(
  a: Pick<ChildState, 'members' | 'lossMs'>,
  b: Pick<ChildState, 'members' | 'lossMs'>,
): number {
  return a.lossMs === b.lossMs ? a.members - b.members : a.lossMs - b.lossMs;
}

/** What a member must gain to take a place whose owner would lose so much, ms · members: more than chance explains. */
export function placePriceMs(
  lossMs: number,
  { priceShare, priceMarginMs }: Pick<OverlayConfig, 'priceShare' | 'priceMarginMs'>,
): number {
  return Math.max(0, lossMs) * (1 + priceShare) + priceMarginMs;
}

/**
 * Whether to take another child. With room, yes. Without, one that has no parent takes the place of anybody; and while
 * nothing is being said, one that is a lesser burden that of a greater one. The displaced child goes one step down, to the
 * newcomer, so nobody is left out; or, where the newcomer has no link to any of them, to another child; or, in silence,
 * wherever it finds room. In silence the greatest burden goes first, while words are said whoever loses least by it. One
 * displacement at a time: the hand-over costs one extra copy, never more.
 */
export function decideChild(asker: Asker, children: readonly ChildState[], host: Host): ChildDecision {
  const { capacity, reserved, promised, isSilent, marginMs } = host;
  const staying = children.filter((child) => !child.leaving);
  const limit = asker.urgent || asker.unserved ? capacity : capacity - reserved;
  // Whoever was promised a place is served elsewhere so far, or went away; one that misses words is not kept waiting for it.
  const kept = asker.urgent && asker.unserved ? 0 : promised;
  if (staying.length + kept < limit) return { accept: true, displace: undefined, into: undefined };
  const handoverRunning = staying.length !== children.length;
  if (capacity > 0 && !handoverRunning) {
    const yielding = staying
      .filter(
        (child) =>
          asker.unserved || (isSilent && !child.isSpared && asker.burdenMs < child.burdenMs - marginMs),
      )
      .sort(
        (a, b) =>
          (isSilent ? 0 : compareLosses(a, b)) || b.burdenMs - a.burdenMs || b.freeSlots - a.freeSlots,
      );
    const below = asker.freeSlots > 0 ? yielding.find((child) => child.linkedToAsker) : undefined;
    if (below) return { accept: true, displace: below.peer, into: asker.peer };
    const aside = yielding.find((child) => child.roomAt !== undefined);
    if (aside) return { accept: true, displace: aside.peer, into: aside.roomAt };
    const anywhere = !asker.unserved && asker.freeSlots > 0 ? yielding[0] : undefined;
    if (anywhere) return { accept: true, displace: anywhere.peer, into: undefined };
  }
  const redirects = [...staying].sort((a, b) => b.freeSlots - a.freeSlots || a.burdenMs - b.burdenMs);
  return { accept: false, redirects: redirects.slice(0, 4).map((child) => child.peer) };
}

function soonest(candidates: readonly Candidate[]): Candidate | undefined {
  let best: Candidate | undefined;
  for (const candidate of candidates) if (!best || candidate.totalMs < best.totalMs) best = candidate;
  return best;
}
