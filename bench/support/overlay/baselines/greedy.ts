/**
 * The source-computed greedy degree-bounded tree on the true matrix: each source knows every delay of the network
 * exactly (which no real member does) and attaches, again and again, the member that is then reached soonest through one
 * with a place left: the compact-tree heuristic of Shi, Turner and Waldvogel (2001). No claim of optimality. Each tree
 * keeps the degree bound; the links of all trees together are as many as it takes.
 */

import type { MemberId } from '../../../../src/units.js';
import type { PlannedTree, Planner, TreeMember } from './planned.js';

/** After members came or went trees are laid anew from nothing once the room was quiet for so long, ms. */
const REPLAN_MS = 5000;

interface Tree {
  readonly source: TreeMember;
  readonly parents: Map<MemberId, MemberId | undefined>;
  readonly delays: Map<MemberId, number>;
  readonly children: Map<MemberId, number>;
  dirty: boolean;
}

export class GreedyPlanner implements Planner {
  readonly shared = false;
  readonly #members = new Map<MemberId, TreeMember>();
  readonly #trees = new Map<MemberId, Tree>();
  #changedMs = Infinity;

  /**
   * @param fanOutOf copies of one source a member may send
   * @param delayMs one-way delay between two members
   * @param speaks whether a tree is needed for this member
   */
  constructor(
    readonly fanOutOf: (member: TreeMember) => number,
    readonly delayMs: (from: TreeMember, to: TreeMember) => number,
    readonly relayMs: number,
    readonly speaks: (member: TreeMember) => boolean,
  ) {}

  join(member: TreeMember): void {
    this.#members.set(member.selfId, member);
    for (const tree of this.#trees.values()) this.#attach(tree, member);
    if (this.speaks(member)) this.#trees.set(member.selfId, this.#lay(member));
    this.#changedMs = member.nowMs;
  }

  remove(id: MemberId): void {
    if (!this.#members.delete(id)) return;
    this.#trees.delete(id);
    for (const tree of this.#trees.values()) {
      const parent = tree.parents.get(id);
      if (parent !== undefined) tree.children.set(parent, (tree.children.get(parent) ?? 1) - 1);
      tree.parents.delete(id);
      tree.delays.delete(id);
      tree.children.delete(id);
      const orphans = [...tree.parents].filter(([, at]) => at === id).map(([orphan]) => orphan);
      for (const orphan of orphans) tree.parents.set(orphan, undefined);
      // Those below a member that waits must not become its parent: lay the tree anew where that could happen.
      if (orphans.length > 0) this.#trees.set(tree.source.selfId, this.#lay(tree.source));
      else tree.dirty = true;
    }
    this.#changedMs = [...this.#members.values()][0]?.nowMs ?? Infinity;
  }

  improve(): void {
    const first = this.#members.values().next().value;
    if (!first || first.nowMs - this.#changedMs < REPLAN_MS) return;
    this.#changedMs = Infinity;
    for (const { source } of [...this.#trees.values()]) this.#trees.set(source.selfId, this.#lay(source));
  }

  changed(): readonly PlannedTree[] {
    const changed: PlannedTree[] = [];
    for (const tree of this.#trees.values()) {
      if (!tree.dirty) continue;
      tree.dirty = false;
      changed.push({ root: tree.source.selfId, parents: tree.parents });
    }
    return changed;
  }

  #fanOut(tree: Tree, member: TreeMember): number {
    const fanOut = this.fanOutOf(member);
    return tree.source === member ? Math.max(1, fanOut) : fanOut;
  }

  /** A newcomer goes where it is reached soonest; where no place is free it waits for the next plan. */
  #attach(tree: Tree, member: TreeMember): void {
    let best: { id: MemberId; delayMs: number } | undefined;
    for (const [id, delayMs] of tree.delays) {
      const parent = this.#members.get(id);
      if (!parent || (tree.children.get(id) ?? 0) >= this.#fanOut(tree, parent)) continue;
      const through = delayMs + (parent === tree.source ? 0 : this.relayMs) + this.delayMs(parent, member);
      if (!best || through < best.delayMs) best = { id, delayMs: through };
    }
    tree.parents.set(member.selfId, best?.id);
    tree.dirty = true;
    if (!best) return;
    tree.delays.set(member.selfId, best.delayMs);
    tree.children.set(best.id, (tree.children.get(best.id) ?? 0) + 1);
  }

  #lay(source: TreeMember): Tree {
    const tree: Tree = {
      source,
      parents: new Map([[source.selfId, undefined]]),
      delays: new Map([[source.selfId, 0]]),
      children: new Map(),
      dirty: true,
    };
    const left = new Map<TreeMember, { parent: TreeMember; delayMs: number }>();
    const inside: TreeMember[] = [source];
    const places = (member: TreeMember): number =>
      this.#fanOut(tree, member) - (tree.children.get(member.selfId) ?? 0);
    const through = (parent: TreeMember, member: TreeMember): number =>
      tree.delays.get(parent.selfId)! + (parent === source ? 0 : this.relayMs) + this.delayMs(parent, member);
    for (const member of this.#members.values())
      if (member !== source) left.set(member, { parent: source, delayMs: through(source, member) });
    let free = places(source);
    while (left.size > 0 && free > 0) {
      let next: TreeMember | undefined;
      let nextMs = Infinity;
      for (const [member, { delayMs }] of left) {
        // The last free place goes to somebody who brings places along, while others wait.
        if (delayMs >= nextMs || (free === 1 && left.size > 1 && this.#fanOut(tree, member) === 0)) continue;
        next = member;
        nextMs = delayMs;
      }
      if (!next) break;
      const { parent } = left.get(next)!;
      left.delete(next);
      tree.parents.set(next.selfId, parent.selfId);
      tree.delays.set(next.selfId, nextMs);
      tree.children.set(parent.selfId, (tree.children.get(parent.selfId) ?? 0) + 1);
      inside.push(next);
      const full = places(parent) <= 0;
      free += places(next) - 1;
      for (const [member, best] of left) {
        if (full && best.parent === parent) {
          best.delayMs = Infinity;
          for (const candidate of inside) this.#offer(best, candidate, member, places, through);
        } else this.#offer(best, next, member, places, through);
      }
    }
    for (const member of left.keys()) tree.parents.set(member.selfId, undefined);
    return tree;
  }

  #offer(
    best: { parent: TreeMember; delayMs: number },
    candidate: TreeMember,
    member: TreeMember,
    places: (member: TreeMember) => number,
    through: (parent: TreeMember, member: TreeMember) => number,
  ): void {
    if (places(candidate) <= 0) return;
    const delayMs = through(candidate, member);
    if (delayMs >= best.delayMs) return;
    best.delayMs = delayMs;
    best.parent = candidate;
  }
}
