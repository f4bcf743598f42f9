/**
 * How many copies of each voice a member sends. Slots bound the copies of one voice, the upload all copies sent at once. A
 * silent tree costs nothing, so each is planned with the share that is left when `plannedSpeakers` speak together; while
 * somebody speaks, what the others leave unused is theirs; and where more speak than the upload carries, each falls back
 * to an equal share.
 */

import type { MemberId } from '../units.js';
import type { Core } from './core.js';
import { compareLosses } from './routes.js';
import type { Tree } from './tree.js';

export class UploadBudget {
  /** A hidden page relays nothing new. */
  shed = false;
  /** Trees whose source spoke lately, with when it last did, ms; bounded by the roster. */
  readonly #heard = new Map<Tree, number>();

  constructor(readonly core: Core) {}

  /** Copies of all voices together; Infinity while nothing is known to bound them. */
  get copies(): number {
    return Math.floor(this.core.limits.uploadKbps / this.core.config.copyKbps);
  }

  /** Trees whose source spoke lately. */
  get heard(): Iterable<Tree> {
    return this.#heard.keys();
  }

  /** The source speaks. @returns whether it had been silent. */
  note(tree: Tree): boolean {
    const began = !this.#heard.has(tree);
    this.#heard.set(tree, this.core.nowMs);
    return began;
  }

  forget(tree: Tree): void {
    this.#heard.delete(tree);
  }

  /** Forgets who has been silent for `speakerHoldMs`. @returns whether anybody was. */
  expire(): boolean {
    const { nowMs, config } = this.core;
    const before = this.#heard.size;
    for (const [tree, atMs] of this.#heard) if (nowMs - atMs > config.speakerHoldMs) this.#heard.delete(tree);
    return this.#heard.size < before;
  }

  /** Copies of this source that could be sent, did nobody else speak. The own voice always has one. */
  most(tree: Tree): number {
    const copies = Math.min(this.core.limits.uploadSlots, this.copies);
    return tree.own ? Math.max(1, copies) : this.shed ? 0 : Math.max(0, copies);
  }

  /** What a member is worth as a parent whatever is being said: its share among `plannedSpeakers`. */
  planned(tree: Tree): number {
    const most = this.most(tree);
    return Math.min(most, Math.max(tree.own ? 1 : 0, this.#share(tree, this.core.config.plannedSpeakers)));
  }

  /** Copies of any one voice of others that are planned. */
  get plannedEach(): number {
    return this.shed
      ? 0
      : Math.min(this.core.limits.uploadSlots, Math.floor(this.copies / this.core.config.plannedSpeakers));
  }

  /** Copies of this source that children may count on now. */
  capacity(tree: Tree): number {
    const most = this.most(tree);
    const { copies } = this;
    if (copies === Infinity || most === 0) return most;
    // Trees of those who say nothing stay as they are, however many speak: all of them would be planned anew for nothing.
    if (!this.#heard.has(tree)) return this.planned(tree);
    const share = this.#share(tree, Math.max(this.#heard.size, this.core.config.plannedSpeakers));
    const capacity = Math.max(share, copies - this.#used(tree));
    return Math.min(most, tree.own ? Math.max(1, capacity) : capacity);
  }

  /** Copies that the voices spoken now leave unused; below 0 where more are sent than the upload carries. */
  get left(): number {
    return this.copies - this.#used(undefined);
  }

  /** Children to be sent elsewhere, weakest first, because more copies are sent than the upload carries. */
  surplus(): { readonly tree: Tree; readonly child: MemberId }[] {
    const { copies } = this;
    const surplus: { readonly tree: Tree; readonly child: MemberId }[] = [];
    let excess = this.#used(undefined) - copies;
    if (!(excess > 0)) return surplus;
    const share = Math.floor(copies / this.#heard.size);
    const over = [...this.#heard.keys()].map((tree) => ({
      tree,
      above: tree.stayingChildren - (tree.own ? Math.max(1, share) : share),
      children: stayingWeakestFirst(tree),
    }));
    for (; excess > 0; excess--) {
      let most: (typeof over)[number] | undefined;
      for (const each of over) if (each.above > 0 && (!most || each.above > most.above)) most = each;
      const child = most?.children.shift();
      if (!most || child === undefined) break;
      most.above--;
      surplus.push({ tree: most.tree, child });
    }
    return surplus;
  }

  /** Copies sent of voices that speak, but for one. */
  #used(except: Tree | undefined): number {
    let used = 0;
    for (const tree of this.#heard.keys()) if (tree !== except) used += tree.stayingChildren;
    return used;
  }

  /** An equal part for each of so many; what is left over goes to trees that are others at each member. */
  #share(tree: Tree, speakers: number): number {
    const { copies } = this;
    if (copies === Infinity) return copies;
    const rest = copies % speakers;
    const place = (Math.imul(tree.handle ^ (this.core.selfTag << 16), 0x9e37_79b1) >>> 16) % speakers;
    return Math.floor(copies / speakers) + (place < rest ? 1 : 0);
  }
}

/** Those that could serve the fewest in turn are the easiest to place elsewhere. */
export function stayingWeakestFirst(tree: Tree): MemberId[] {
  return [...tree.children]
    .filter(([, child]) => child.leavingAtMs === Infinity)
    .sort(([, a], [, b]) => compareLosses(a, b) || a.capacity - b.capacity)
    .map(([peer]) => peer);
}
