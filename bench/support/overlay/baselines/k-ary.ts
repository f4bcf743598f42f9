/**
 * The k-ary tree with heartbeats that simple relay projects build: one tree for the whole room, filled level by level in
 * the order people come, voice running up and down it. It knows no distances. Where members differ in upload a stronger
 * newcomer takes the place of a weaker leaf, or the room would starve.
 */

import type { MemberId } from '../../../../src/units.js';
import type { PlannedTree, Planner, TreeMember } from './planned.js';

interface Node {
  readonly id: MemberId;
  readonly fanOut: number;
  parent: Node | undefined;
  readonly children: Node[];
}

export class KAryPlanner implements Planner {
  readonly shared = true;
  #root: Node | undefined = undefined;
  readonly #nodes = new Map<MemberId, Node>();
  #waiting: Node[] = [];
  #changed = false;

  /** @param fanOutOf children a member may have */
  constructor(readonly fanOutOf: (member: TreeMember) => number) {}

  join(member: TreeMember): void {
    const node: Node = { id: member.selfId, fanOut: this.fanOutOf(member), parent: undefined, children: [] };
    this.#nodes.set(node.id, node);
    this.#place(node);
    this.#placeWaiting();
    this.#changed = true;
  }

  remove(id: MemberId): void {
    const node = this.#nodes.get(id);
    if (!node) return;
    this.#nodes.delete(id);
    this.#waiting = this.#waiting.filter((each) => each !== node);
    if (node.parent) node.parent.children.splice(node.parent.children.indexOf(node), 1);
    const orphans = node.children.sort((a, b) => b.fanOut - a.fanOut);
    for (const orphan of orphans) orphan.parent = undefined;
    if (this.#root === node) this.#root = orphans.shift();
    for (const orphan of orphans) this.#place(orphan);
    this.#placeWaiting();
    this.#changed = true;
  }

  improve(): void {}

  changed(): readonly PlannedTree[] {
    if (!this.#changed || !this.#root) return [];
    this.#changed = false;
    const parents = new Map<MemberId, MemberId | undefined>();
    for (const node of this.#nodes.values()) parents.set(node.id, node.parent?.id);
    return [{ root: this.#root.id, parents }];
  }

  /** Level by level from the root: the first free place; else the place of the first leaf that can carry less. */
  #place(node: Node): void {
    if (!this.#root) {
      this.#root = node;
      return;
    }
    const levels = [this.#root];
    let weaker: Node | undefined;
    for (const at of levels) {
      if (at.children.length < at.fanOut) {
        at.children.push(node);
        node.parent = at;
        return;
      }
      if (!weaker && at.children.length === 0 && at.fanOut < node.fanOut) weaker = at;
      levels.push(...at.children);
    }
    if (!weaker || node.children.length >= node.fanOut) {
      this.#waiting.push(node);
      return;
    }
    node.parent = weaker.parent;
    if (weaker.parent) weaker.parent.children.splice(weaker.parent.children.indexOf(weaker), 1, node);
    else this.#root = node;
    weaker.parent = node;
    node.children.push(weaker);
  }

  #placeWaiting(): void {
    const waiting = this.#waiting.sort((a, b) => b.fanOut - a.fanOut);
    this.#waiting = [];
    for (const node of waiting) this.#place(node);
  }
}
