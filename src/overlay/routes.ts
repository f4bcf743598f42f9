/** Which parent, which backups, which child: the decisions of a tree as pure functions of what is known. */

import type { MemberId } from '../units.js';
import type { OverlayConfig } from './config.js';

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
  /** Its ancestors, source first. */
  readonly path: readonly number[];
}

/**
 * Loop-free without trusting that paths are fresh: a parent whose own cost was below anything this member ever had in
 * this route epoch cannot be its descendant (the feasibility condition of EIGRP and Babel, RFC 8966 § 3.5.1).
 */
export function isFeasible(candidate: Candidate, feasibleMs: number): boolean {
  return candidate.newerEpoch || (!candidate.olderEpoch && candidate.reportedMs < feasibleMs);
}

/**
 * The parent to ask when there is none: the soonest with a free slot; failing that the soonest at all, which may make
 * room or knows where room is. Paths are trusted here, because silence is worse than a loop that lasts one round trip.
 */
export function chooseFirstParent(
  candidates: readonly Candidate[],
  hints: readonly MemberId[],
): Candidate | undefined {
  const free = soonest(candidates.filter((candidate) => candidate.freeSlots > 0));
  if (free) return free;
  for (const hint of hints) {
    const hinted = candidates.find((candidate) => candidate.peer === hint);
    if (hinted) return hinted;
  }
  return soonest(candidates);
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
      candidate.freeSlots > 0 &&
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
  /** Children it could serve itself. */
  readonly capacity: number;
  /** Of these, how many are free. */
  readonly freeSlots: number;
  /** It was asked to go elsewhere and is served until it has. */
  readonly leaving: boolean;
  /** It and the one that asks are linked. */
  readonly linkedToAsker: boolean;
  /** Another child with a free slot that it is linked to. */
  readonly roomAt: MemberId | undefined;
}

export interface Asker {
  readonly peer: MemberId;
  readonly capacity: number;
  /** Children it could take now: where a displaced child would go. */
  readonly freeSlots: number;
  readonly urgent: boolean;
  readonly unserved: boolean;
}

export type ChildDecision =
  /** `into`: where the displaced child goes: to the newcomer, or to another child with room. */
  | { readonly accept: true; readonly displace: MemberId | undefined; readonly into: MemberId | undefined }
  | { readonly accept: false; readonly redirects: readonly MemberId[] };

/**
 * Whether to take another child. With room, yes. Without, a stronger member may take the place of a weaker one, and
 * one without any parent the place of anybody it could serve in turn: the displaced child goes one step down, to the
 * newcomer, so nobody is left out; or, where the newcomer has no link to any of them, to another child. One displacement
 * at a time: the hand-over costs one extra copy, never more.
 *
 * @param reserved slots kept for children in need; they yield to urgent askers
 * @param promised slots held for children on their way
 */
export function decideChild(
  asker: Asker,
  children: readonly ChildState[],
  capacity: number,
  reserved: number,
  promised: number,
): ChildDecision {
  const staying = children.filter((child) => !child.leaving);
  const limit = asker.urgent || asker.unserved ? capacity : capacity - reserved;
  if (staying.length + promised < limit) return { accept: true, displace: undefined, into: undefined };
  const handoverRunning = staying.length !== children.length;
  if (capacity > 0 && asker.freeSlots > 0 && !handoverRunning) {
    const movable = staying.filter(
      (child) => child.linkedToAsker && (asker.unserved || child.capacity < asker.capacity),
    );
    movable.sort((a, b) => a.capacity - b.capacity || b.freeSlots - a.freeSlots);
    const weakest = movable[0];
    if (weakest) return { accept: true, displace: weakest.peer, into: asker.peer };
  }
  if (capacity > 0 && asker.unserved && !handoverRunning) {
    const movable = staying.filter((child) => child.roomAt !== undefined);
    movable.sort((a, b) => a.capacity - b.capacity);
    const weakest = movable[0];
    if (weakest) return { accept: true, displace: weakest.peer, into: weakest.roomAt };
  }
  const redirects = [...staying].sort((a, b) => b.freeSlots - a.freeSlots || b.capacity - a.capacity);
  return { accept: false, redirects: redirects.slice(0, 4).map((child) => child.peer) };
}

function soonest(candidates: readonly Candidate[]): Candidate | undefined {
  let best: Candidate | undefined;
  for (const candidate of candidates) if (!best || candidate.totalMs < best.totalMs) best = candidate;
  return best;
}
