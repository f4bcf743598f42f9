/** Whom to link to and which link to give up: pure decisions. */

import type { MemberId } from '../units.js';
import type { OverlayConfig } from './config.js';

/** A member this one could link to. */
export interface LinkCandidate {
  readonly peer: MemberId;
  /** It says it has no room. */
  readonly full: boolean;
  readonly links: number;
  /** A doorbell pipe leads straight to it: signalling takes one step. */
  readonly piped: boolean;
  /** No tree reaches it: it may sit on another island. */
  readonly unreachable: boolean;
}

export interface LinkSituation {
  readonly links: number;
  /** It lost its links, all or nearly all at once. */
  readonly asksAtDoor: boolean;
  readonly pending: number;
  readonly maxLinks: number;
  /** Present members, this one included. */
  readonly members: number;
  /** Of those pending, links across a gap. */
  readonly bridging: number;
  /** It is this member's turn to reach across a gap even if that takes one link too many. */
  readonly mayBridge: boolean;
}

/** How many links a member aims at: everybody in a small room, a bounded number in a large one, or what it needs. */
export function targetLinks(
  maxLinks: number,
  members: number,
  needed: number,
  config: Pick<OverlayConfig, 'fullMeshMembers' | 'linksInLargeRooms'>,
): number {
  const wanted = members <= config.fullMeshMembers ? members - 1 : Math.max(needed, config.linksInLargeRooms);
  return Math.max(0, Math.min(maxLinks, wanted, members - 1));
}

/** Of these, how many are opened as they come; in a large room the others are chosen by what they save. */
export function targetFirst(
  maxLinks: number,
  members: number,
  config: Pick<OverlayConfig, 'fullMeshMembers' | 'linksInLargeRooms' | 'firstLinks'>,
): number {
  return members <= config.fullMeshMembers
    ? targetLinks(maxLinks, members, 0, config)
    : Math.min(maxLinks, config.firstLinks);
}

/**
 * Whom to ask for a link now, best first. Order: across a gap before anything else, then members with room and few
 * links (so that graphs fill evenly and nobody hangs by one thread), near ones first among equals. A member with too
 * few links may also ask a full one, which then makes room by splicing it into one of its own links; that takes two
 * places at the asker. `shuffle` breaks ties so that a crowd does not run to one door.
 */
export function chooseLinks(
  situation: LinkSituation,
  candidates: readonly LinkCandidate[],
  config: Pick<
    OverlayConfig,
    'fullMeshMembers' | 'linksInLargeRooms' | 'poorLinks' | 'maxPendingLinks' | 'firstLinks'
  >,
  shuffle: () => number,
): MemberId[] {
  const free = situation.maxLinks - situation.links - situation.pending;
  const target = targetFirst(situation.maxLinks, situation.members, config);
  const budget = Math.min(config.maxPendingLinks - situation.pending, free);
  const ranked = candidates
    .map((candidate) => ({
      candidate,
      rank:
        (candidate.unreachable && situation.links > 0 ? 0 : 1000) +
        (situation.links === 0 && !candidate.piped ? 500 : 0) +
        Math.min(candidate.links, 32) * 10 +
        shuffle() * 8,
    }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ candidate }) => candidate);
  const roomy = ranked.filter((candidate) => !candidate.full);

  if (free <= 0) {
    // Full, yet somebody is out of reach: one link too many for the length of a hand-over may join two islands.
    if (situation.bridging > 0 || !situation.mayBridge) return [];
    const across =
      roomy.find((candidate) => candidate.unreachable) ?? ranked.find((c) => c.unreachable && c.piped);
    return across ? [across.peer] : [];
  }
  // The first link of a member with few places is asked for alone: two doors that both make room undo each other.
  if (situation.links === 0 && situation.pending > 0 && situation.maxLinks <= 4) return [];
  const missing =
    situation.links === 0 && situation.maxLinks <= 4 ? 1 : target - situation.links - situation.pending;
  const chosen = roomy.slice(0, Math.max(0, Math.min(budget, missing))).map((candidate) => candidate.peer);
  // Many that are known may have gone with the own neighbours; who answers at the doorbell is there, and makes room.
  const door = situation.asksAtDoor ? ranked.find((candidate) => candidate.piped) : undefined;
  if (door && budget > 0 && !chosen.includes(door.peer))
    chosen.splice(0, Math.max(0, chosen.length + 1 - budget), door.peer);
  const across = ranked.find((candidate) => candidate.unreachable);
  if (across && situation.mayBridge && situation.links > 0 && chosen.length === 0 && budget > 0)
    chosen.push(across.peer);
  const poor = situation.links < config.poorLinks && situation.pending === 0;
  if (chosen.length === 0 && poor && situation.maxLinks - situation.links >= 2 && ranked[0])
    chosen.push(ranked[0].peer);
  return chosen;
}

/**
 * Whether a full member takes in one that asks and passes one of its own links on to it: the other has room for both,
 * and hardly any links or half as many at most, so that the graph evens out. Else all ways of a member with room could
 * lead over somebody who blocks what it wants to hear.
 * @param links the other's, without the one asked for
 */
export function deservesSplice(
  links: number,
  maxLinks: number,
  ownMaxLinks: number,
  { poorLinks }: Pick<OverlayConfig, 'poorLinks'>,
): boolean {
  return maxLinks - links >= 2 && (links < poorLinks || 2 * links <= ownMaxLinks);
}

/** A link this member could give up. */
export interface LinkToSpare {
  readonly peer: MemberId;
  /** Another way to it is known, so that dropping the link separates nobody. */
  readonly redundant: boolean;
  /** Trees that run over it, in either direction. */
  readonly treesServed: number;
  readonly ageMs: number;
}

/** The link whose loss hurts least among those that may go; undefined when each is somebody's only way. */
export function chooseLinkToDrop(links: readonly LinkToSpare[]): MemberId | undefined {
  const spare = links.filter((link) => link.redundant);
  spare.sort((a, b) => a.treesServed - b.treesServed || a.ageMs - b.ageMs);
  return spare[0]?.peer;
}

/**
 * Which neighbours stay connected to each other without this member: components over what adjacency lists and paths
 * of offers tell. Nodes are numbers (hop tags); `self` and its edges are left out.
 */
export function componentsWithout(
  self: number,
  edges: readonly (readonly [number, number])[],
): (node: number) => number {
  const parent = new Map<number, number>();
  const find = (node: number): number => {
    let root = node;
    for (let next = parent.get(root); next !== undefined && next !== root; next = parent.get(root))
      root = next;
    parent.set(node, root);
    return root;
  };
  for (const [a, b] of edges) if (a !== self && b !== self) parent.set(find(a), find(b));
  return find;
}
