/**
 * Who is linked to whom in the whole room, as every member tells of itself, and the ways between any two that follow. A
 * link counts when both its ends tell of it, and the longer of the two delays counts: nobody lies itself near to others.
 *
 * Bound: one record for each of at most `maxMembers` members of the roster, each of at most `MAX_NEIGHBOURS` links.
 */

import type { Handle } from '../units.js';
import { type LinkRecord } from '../wire/control.js';
import { digestPart } from './digest.js';
import { DueQueue, type Due } from './due-queue.js';
import { serialNewer } from './serial.js';

interface Link {
  readonly to: Node;
  readonly delayMs: number;
}

/** A member, and while ways are looked for, what the soonest one to it takes (`dueMs`). */
interface Node extends Due {
  readonly record: LinkRecord;
  readonly tag: number;
  links: Link[];
}

/** Delays from one member to all others along the soonest ways. */
export interface Ways {
  /** Of a member, ms; Infinity where no way is known. */
  toMs(handle: Handle): number;
}

export class LinkMap {
  readonly #nodes = new Map<Handle, Node>();
  #hash = 0;
  #isLinked = true;

  constructor(
    /** Added for each member that passes a voice on, ms. */
    readonly relayMs: number,
  ) {}

  /** Order-independent digest of whose records are held, and which. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  *records(): IterableIterator<LinkRecord> {
    for (const { record } of this.#nodes.values()) yield record;
  }

  get(handle: Handle): LinkRecord | undefined {
    return this.#nodes.get(handle)?.record;
  }

  /** @returns false when this or a newer record was there. */
  note(record: LinkRecord, tag: number): boolean {
    const { handle, sequence } = record;
    const present = this.#nodes.get(handle);
    if (present && !serialNewer(sequence, present.record.sequence)) return false;
    this.forget(handle);
    this.#isLinked = false;
    this.#nodes.set(handle, { record, tag, links: [], dueMs: Infinity, duePlace: -1 });
    this.#hash ^= digestPart(handle, sequence);
    return true;
  }

  forget(handle: Handle): void {
    const present = this.#nodes.get(handle);
    if (!present) return;
    this.#nodes.delete(handle);
    this.#hash ^= digestPart(handle, present.record.sequence);
    this.#isLinked = false;
  }

  /** Dijkstra, in O(links · log members). */
  waysFrom(handle: Handle): Ways {
    if (!this.#isLinked) this.#link();
    const costsMs = new Map<Handle, number>();
    const queue = new DueQueue<Node>();
    const start = this.#nodes.get(handle);
    if (start) queue.schedule(start, 0);
    while (queue.nextMs !== Infinity) {
      const nextMs = queue.nextMs;
      const reached = queue.takeDue(nextMs);
      for (const { record } of reached) costsMs.set(record.handle, nextMs);
      for (const node of reached) {
        // Whoever relays nothing is an end of every way.
        if (node !== start && !node.record.relays) continue;
        const costMs = nextMs + (node === start ? 0 : this.relayMs);
        for (const { to, delayMs } of node.links) {
          const isFarther = to.duePlace >= 0 && to.dueMs <= costMs + delayMs;
          if (!isFarther && !costsMs.has(to.record.handle)) queue.schedule(to, costMs + delayMs);
        }
      }
    }
    return { toMs: (to) => costsMs.get(to) ?? Infinity };
  }

  /** Joins the records to links. */
  #link(): void {
    this.#isLinked = true;
    const byTag = new Map<number, Node[]>();
    for (const node of this.#nodes.values()) {
      node.links = [];
      byTag.set(node.tag, [...(byTag.get(node.tag) ?? []), node]);
    }
    for (const node of this.#nodes.values()) {
      for (const link of node.record.links) {
        for (const to of byTag.get(link.tag) ?? []) {
          const back = to.record.links.find(({ tag }) => tag === node.tag);
          if (back && to !== node) node.links.push({ to, delayMs: Math.max(link.delayMs, back.delayMs) });
        }
      }
    }
  }
}
