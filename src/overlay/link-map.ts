/**
 * Who is linked to whom in the whole room, as every member tells of itself, and the ways between any two that follow. A
 * link counts when both its ends tell of it, and the longer of the two delays counts: nobody lies itself near to others.
 * Delays are kept as they travel, in steps of 3 %.
 *
 * Bound: one record for each of at most `maxMembers` members of the roster, each of at most `MAX_NEIGHBOURS` links and
 * `MAX_MEASURED` members measured. A record takes 31 bytes, and 3 for each of these; a link that counts, 3 at either end;
 * all with room for half as many more. 106 kB were measured for 1000 members of 8 links. Links to members of one hop tag count with
 * each of them that tells of them: at most all pairs.
 */

import type { Handle } from '../units.js';
import type { LinkRecord, ToldLink } from '../wire/link-records.js';
import { digestPart } from './digest.js';
import { relayCostMs, type RelayCosts } from './routes.js';
import { serialNewer } from './serial.js';
import { roomFor } from './slots.js';
import * as ways from './ways.js';
import type { FirstLink, Graph, Scarcity, TreePlace, TwoWays, Ways } from './ways.js';

export type { FirstLink, Scarcity, TreePlace, TwoWays, Ways } from './ways.js';

/** Number of no member. */
const NONE = 0xffff;

/** Used by one `#join` at a time: members by hop tag, in chains, and the last one each was joined to. */
let firstOfTag = /* @__PURE__ */ new Uint16Array(0);
let nextOfTag = /* @__PURE__ */ new Uint16Array(0);
let joinedTo = /* @__PURE__ */ new Uint16Array(0);

export class LinkMap {
  #size = 0;
  // Of each member, by ascending handle.
  #handles = new Uint32Array(0);
  /** Version of the map its record came with. */
  #versions = new Uint32Array(0);
  #sequences = new Uint16Array(0);
  #tags = new Uint16Array(0);
  /** Copies passed on; 0 where a way ends. */
  #slots = new Uint8Array(0);
  /** Where in `#toldTags` and `#toldSteps` its links begin, how many there are, and how many measured members follow. */
  #starts = new Uint32Array(0);
  #links = new Uint8Array(0);
  #measured = new Uint8Array(0);
  // What was told of links and measured members: runs, some of which nobody has any more.
  #toldTags = new Uint16Array(0);
  #toldSteps = new Uint8Array(0);
  #toldEnd = 0;
  #hash = 0;
  #version = 0;
  /** Joined of what was told when it is needed. */
  readonly #graph: Graph = {
    members: new ways.Members(new Uint32Array(0)),
    offsets: new Uint32Array(1),
    neighbours: new Uint16Array(0),
    steps: new Uint8Array(0),
    slots: this.#slots,
  };
  #joinedVersion = 0;
  #membersChanged = false;

  constructor(
    /** Added for each member that passes a voice on. */
    readonly relay: RelayCosts,
  ) {}

  /** Order-independent digest of whose records are held, and which. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  /** Grows whenever ways may have changed. */
  get version(): number {
    return this.#version;
  }

  /** Copies that members plan to pass on, at most so many each, in the mean; Infinity for an empty map. */
  meanFanOut(most: number): number {
    let copies = 0;
    for (let number = 0; number < this.#size; number++)
      copies += Math.min(this.#slots[number] as number, most);
    return this.#size === 0 ? Infinity : copies / this.#size;
  }

  /** How many records are held. */
  get size(): number {
    return this.#size;
  }

  /** Whose records are held, the longest unchanged ones first; O(members · log members). */
  handles(): Handle[] {
    // Numbers behind versions, for an array of bare numbers is sorted several times as fast.
    const keys = new Float64Array(this.#size);
    for (let i = 0; i < keys.length; i++) keys[i] = (this.#versions[i] as number) * 0x1_0000 + i;
    return Array.from(keys.sort(), (key) => this.#handles[key % 0x1_0000] as Handle);
  }

  /** Each is made anew: `handles` and what is asked of one cost less. */
  *records(): IterableIterator<LinkRecord> {
    for (const handle of this.handles()) {
      const record = this.get(handle);
      if (record) yield record;
    }
  }

  /** Made anew. */
  get(handle: Handle): LinkRecord | undefined {
    const number = this.#numberOf(handle);
    if (number < 0) return undefined;
    const start = this.#starts[number] as number;
    const links = this.#links[number] as number;
    return {
      handle,
      sequence: this.#sequences[number] as number,
      slots: this.#slots[number] as number,
      links: this.#told(start, links),
      measured: this.#told(start + links, this.#measured[number] as number),
    };
  }

  has(handle: Handle): boolean {
    return this.#numberOf(handle) >= 0;
  }

  /** Copies of a voice that a member plans to pass on. */
  slotsOf(handle: Handle): number | undefined {
    return this.#slots[this.#numberOf(handle)];
  }

  sequenceOf(handle: Handle): number | undefined {
    return this.#sequences[this.#numberOf(handle)];
  }

  /** How many links a member tells of. */
  linksOf(handle: Handle): number | undefined {
    return this.#links[this.#numberOf(handle)];
  }

  /** @returns false when this or a newer record was there. */
  note(record: LinkRecord, tag: number): boolean {
    const { handle, sequence } = record;
    let number = this.#numberOf(handle);
    if (number < 0) number = this.#insert(handle);
    else {
      const present = this.#sequences[number] as number;
      if (!serialNewer(sequence, present)) return false;
      this.#hash ^= digestPart(handle, present);
    }
    this.#hash ^= digestPart(handle, sequence);
    this.#version++;
    this.#versions[number] = this.#version;
    this.#sequences[number] = sequence;
    this.#tags[number] = tag;
    this.#slots[number] = record.slots;
    this.#tell(number, record.links, record.measured);
    return true;
  }

  forget(handle: Handle): void {
    const number = this.#numberOf(handle);
    if (number < 0) return;
    this.#hash ^= digestPart(handle, this.#sequences[number] as number);
    this.#version++;
    this.#membersChanged = true;
    for (const column of this.#columns()) column.copyWithin(number, number + 1, this.#size);
    this.#size--;
  }

  /** What each member that passes a voice on adds to a way, ms: in a very large room more than it takes, so that short ways have few links too. */
  get relayMs(): number {
    return relayCostMs(0, this.#size, this.relay);
  }

  /** O(links · log members), as are the others. */
  waysFrom(handle: Handle): Ways {
    return ways.waysFrom(this.#joined(), handle, this.relayMs);
  }

  /** To all from a member, known or not, beginning with these links, whatever was told of them; two to three times the work. */
  twoWaysFrom(handle: Handle, firstLinks: readonly FirstLink[]): TwoWays {
    return ways.twoWaysFrom(this.#joined(), handle, firstLinks, this.relayMs);
  }

  /**
   * Where a member stands in the tree that is grown from a source: whoever can be reached soonest by somebody with a slot
   * left is next. Whoever has the same records gets the same tree: delays are summed in 1/1024 ms, and of those by which a
   * member is reached equally soon it hangs on that of the lowest handle.
   *
   * @param scarcity where uploads are short
   */
  treeAt(source: Handle, member: Handle, scarcity?: Scarcity): TreePlace {
    return ways.treeAt(this.#joined(), source, member, this.relay, scarcity);
  }

  #numberOf(handle: Handle): number {
    const place = ways.placeOf(this.#handles, 0, this.#size, handle);
    return place < this.#size && this.#handles[place] === handle ? place : -1;
  }

  /** @returns the number of a new member that told nothing yet. */
  #insert(handle: Handle): number {
    const number = ways.placeOf(this.#handles, 0, this.#size, handle);
    if (this.#size === this.#handles.length) this.#grow(roomFor(this.#size, this.#size));
    for (const column of this.#columns()) column.copyWithin(number + 1, number, this.#size);
    this.#size++;
    this.#membersChanged = true;
    this.#handles[number] = handle;
    this.#links[number] = 0;
    this.#measured[number] = 0;
    return number;
  }

  #columns(): Column[] {
    return [
      this.#handles,
      this.#versions,
      this.#sequences,
      this.#tags,
      this.#slots,
      this.#starts,
      this.#links,
      this.#measured,
    ];
  }

  #grow(room: number): void {
    this.#handles = grown(this.#handles, room);
    this.#versions = grown(this.#versions, room);
    this.#sequences = grown(this.#sequences, room);
    this.#tags = grown(this.#tags, room);
    this.#slots = grown(this.#slots, room);
    this.#starts = grown(this.#starts, room);
    this.#links = grown(this.#links, room);
    this.#measured = grown(this.#measured, room);
  }

  #told(start: number, count: number): ToldLink[] {
    const told: ToldLink[] = [];
    for (let i = start; i < start + count; i++) {
      const delayMs = ways.DELAYS_MS[this.#toldSteps[i] as number] as number;
      told.push({ tag: this.#toldTags[i] as number, delayMs });
    }
    return told;
  }

  #tell(number: number, links: readonly ToldLink[], measured: readonly ToldLink[]): void {
    const present = (this.#links[number] as number) + (this.#measured[number] as number);
    const count = links.length + measured.length;
    // What is being replaced need not be kept.
    this.#links[number] = 0;
    this.#measured[number] = 0;
    if (count > present) this.#starts[number] = this.#reserve(count);
    this.#links[number] = links.length;
    this.#measured[number] = measured.length;
    const start = this.#starts[number] as number;
    for (let i = 0; i < count; i++) {
      const { tag, delayMs } = (links[i] ?? measured[i - links.length]) as ToldLink;
      this.#toldTags[start + i] = tag;
      this.#toldSteps[start + i] = ways.delayStep(delayMs);
    }
  }

  /** @returns where a run of so many begins. When there is no room left those still needed move together. */
  #reserve(count: number): number {
    if (this.#toldEnd + count > this.#toldTags.length) this.#pack(count);
    const start = this.#toldEnd;
    this.#toldEnd += count;
    return start;
  }

  #pack(more: number): void {
    let needed = more;
    for (let i = 0; i < this.#size; i++) needed += (this.#links[i] as number) + (this.#measured[i] as number);
    const tags = new Uint16Array(roomFor(needed, needed));
    const steps = new Uint8Array(tags.length);
    let end = 0;
    for (let i = 0; i < this.#size; i++) {
      const start = this.#starts[i] as number;
      const count = (this.#links[i] as number) + (this.#measured[i] as number);
      this.#starts[i] = end;
      for (let k = start; k < start + count; k++, end++) {
        tags[end] = this.#toldTags[k] as number;
        steps[end] = this.#toldSteps[k] as number;
      }
    }
    this.#toldTags = tags;
    this.#toldSteps = steps;
    this.#toldEnd = end;
  }

  #joined(): Graph {
    if (this.#joinedVersion !== this.#version) {
      this.#joinedVersion = this.#version;
      this.#join();
    }
    return this.#graph;
  }

  /** In O(links of one member · all links), while hop tags are told apart. */
  #join(): void {
    const graph = this.#graph;
    const size = this.#size;
    if (this.#membersChanged) graph.members = new ways.Members(this.#handles.slice(0, size));
    this.#membersChanged = false;
    graph.slots = this.#slots;
    if (graph.offsets.length <= size) graph.offsets = new Uint32Array(this.#handles.length + 1);
    this.#joinLinks(graph, size, this.#chainTags());
  }

  #joinLinks(graph: Graph, size: number, mask: number): void {
    const { offsets } = graph;
    const tags = this.#tags;
    const starts = this.#starts;
    const links = this.#links;
    const toldTags = this.#toldTags;
    const toldSteps = this.#toldSteps;
    let count = 0;
    for (let from = 0; from < size; from++) {
      const tag = tags[from] as number;
      const start = starts[from] as number;
      const end = start + (links[from] as number);
      for (let i = start; i < end; i++) {
        const far = toldTags[i] as number;
        for (let to = firstOfTag[far & mask] as number; to !== NONE; to = nextOfTag[to] as number) {
          if (tags[to] !== far || to === from || joinedTo[to] === from) continue;
          joinedTo[to] = from;
          const backStart = starts[to] as number;
          const back = leastStep(toldTags, toldSteps, backStart, backStart + (links[to] as number), tag);
          if (back < 0) continue;
          if (count === graph.steps.length) {
            graph.neighbours = grown(graph.neighbours, roomFor(count, count));
            graph.steps = grown(graph.steps, roomFor(count, count));
          }
          graph.neighbours[count] = to;
          graph.steps[count++] = Math.max(leastStep(toldTags, toldSteps, i, end, far), back);
        }
      }
      offsets[from + 1] = count;
    }
  }

  /** @returns what of a tag tells its chain. */
  #chainTags(): number {
    const size = this.#size;
    let chains = 16;
    while (chains < size) chains *= 2;
    if (firstOfTag.length < chains) {
      firstOfTag = new Uint16Array(chains);
      nextOfTag = new Uint16Array(chains);
      joinedTo = new Uint16Array(chains);
    }
    firstOfTag.fill(NONE, 0, chains);
    joinedTo.fill(NONE, 0, size);
    for (let number = 0; number < size; number++) {
      const chain = (this.#tags[number] as number) & (chains - 1);
      nextOfTag[number] = firstOfTag[chain] as number;
      firstOfTag[chain] = number;
    }
    return chains - 1;
  }
}

/** The shortest delay of links to a hop tag, which two neighbours of a member may share; −1 for none. */
function leastStep(tags: Uint16Array, steps: Uint8Array, start: number, end: number, tag: number): number {
  let least = -1;
  for (let i = start; i < end; i++) {
    if (tags[i] !== tag) continue;
    const step = steps[i] as number;
    if (least < 0 || step < least) least = step;
  }
  return least;
}

type Column = Uint8Array | Uint16Array | Uint32Array;

function grown<Kind extends Column>(column: Kind, room: number): Kind {
  const next = new (column.constructor as new (length: number) => Kind)(room);
  next.set(column);
  return next;
}
