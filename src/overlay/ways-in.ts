/**
 * Whom to link to for voices that have no way here: because those around block them, because all who have them are full, or
 * because their sources sit on another island.
 */

import type { MemberId } from '../units.js';
import type { Core } from './core.js';
import { deservesSplice } from './links.js';
import type { LinkRequests } from './link-requests.js';
import type { Neighbours } from './neighbours.js';
import type { Occupancy } from './occupancy.js';
import { isOlder, type Roster } from './roster.js';
import type { Tree } from './tree.js';
import type { Trees } from './trees.js';

const NOBODY: readonly MemberId[] = [];

/** Who is missed. */
export interface Missed {
  /** Sources out of reach, those that nobody around has among them. */
  readonly unreachable: ReadonlySet<MemberId>;
  /** Those that nobody around has, while they are so few that it is for blocks. */
  readonly blockedOff: ReadonlySet<MemberId>;
}

export class WaysIn {
  constructor(
    readonly core: Core,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
    readonly trees: Trees,
    readonly requests: LinkRequests,
    readonly occupancy: Occupancy,
    /** The one that seems nearest of these. */
    readonly nearest: (peers: readonly MemberId[]) => MemberId | undefined,
  ) {}

  /** How long a member may be without any route before it counts as out of reach, ms: what leads there is told the later the larger the room. */
  get unreachableMs(): number {
    return this.core.config.unreachableMs * this.roster.pacing;
  }

  /** Who is missed now. */
  missed(): Missed {
    const { core, trees } = this;
    const unreachable = new Set(trees.unserved(this.unreachableMs).map(({ memberId }) => memberId));
    // Many at once are an island, whose turn comes later; a few were blocked by those around us.
    const cutOff = trees.cutOff();
    const isBlockedOff = cutOff.length > 0 && cutOff.length <= core.config.maxPendingLinks;
    const blockedOff = new Set(isBlockedOff ? cutOff.map(({ memberId }) => memberId) : []);
    for (const source of blockedOff) unreachable.add(source);
    return { unreachable, blockedOff };
  }

  /** A voice that every neighbour is too full to pass on: those they point to have room, or make some, and are linked to for it. */
  followHints(): void {
    const { core, roster, neighbours } = this;
    const cutOff = this.trees.cutOff();
    for (const source of this.trees.unserved(core.config.cutOffMs)) {
      const { tree } = source;
      if (!tree) continue;
      if (this.requests.pending.size >= core.config.maxPendingLinks) return;
      if (cutOff.includes(source)) {
        this.#askPointedTo(tree);
        continue;
      }
      const missedMs = core.nowMs - (source.unservedSinceMs ?? 0);
      if (missedMs < core.config.hintMs || !this.trees.isOffered(source)) continue;
      if (neighbours.linkCount + this.requests.pending.size >= core.limits.maxLinks) {
        // The last slots may be where none of its links leads: one goes for another.
        if (missedMs >= this.unreachableMs) this.#askPointedTo(tree);
        continue;
      }
      const hint = tree.hints.find((peer) => {
        const entry = roster.get(peer);
        if (!entry || peer === core.selfId || neighbours.link(peer) || !this.requests.mayAsk(peer))
          return false;
        const { linkCount } = neighbours;
        return (
          !this.occupancy.isFull(entry) ||
          deservesSplice(linkCount, core.limits.maxLinks, entry.maxLinks, core.config)
        );
      });
      if (hint !== undefined) this.requests.open(hint);
    }
  }

  /** A voice that nobody around has or has room for: those that were named have it or will, and make room, at the price of a link too many. */
  #askPointedTo(tree: Tree): void {
    const { core, roster, neighbours } = this;
    // The source itself and one of them: what opens first serves.
    if (this.requests.bridging > 1) return;
    const asked = tree.hints.filter(
      (hint) =>
        hint !== core.selfId && roster.get(hint) && !neighbours.link(hint) && this.requests.mayAsk(hint),
    );
    tree.hints = NOBODY;
    const peer = this.nearest(asked);
    if (peer === undefined) return;
    this.requests.bridges.add(peer);
    this.requests.open(peer);
  }

  /**
   * Whether it is this member's turn to join two islands at the price of a link too many. One bridge at a time: two
   * would each give up a link that the other counts on, until the first has been paid for. The island without the
   * oldest member builds, its oldest member first, the others only when that came to nothing.
   */
  mayBridge(unreachable: ReadonlySet<MemberId>): boolean {
    const { core, roster } = this;
    const own = roster.self;
    const isBuilding = this.neighbours
      .links()
      .some(
        ({ peer, linkedAtMs }) =>
          this.requests.bridges.has(peer) && linkedAtMs + core.config.overrunMs > core.nowMs,
      );
    if (!own || isBuilding) return false;
    let rank = 0;
    let oldest = own;
    for (const entry of roster.entries.values()) {
      if (isOlder(entry, own) && !unreachable.has(entry.memberId)) rank++;
      if (isOlder(entry, oldest)) oldest = entry;
    }
    const theirsIsOlder = unreachable.has(oldest.memberId);
    // A single one out of reach is more likely cut off by blocks around us than an island; where maps lag behind, than either.
    const isSingle = unreachable.size === 1 && this.roster.pacing === 1;
    const turn = isSingle ? 0 : rank + (theirsIsOlder ? 0 : 2);
    let since = Infinity;
    for (const member of unreachable)
      since = Math.min(since, this.trees.of(member)?.unservedSinceMs ?? Infinity);
    return core.nowMs - since >= this.unreachableMs * (1 + turn);
  }
}
