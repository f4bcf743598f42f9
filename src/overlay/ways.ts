/**
 * Soonest ways through a graph of members, by Dijkstra in O(links · log members).
 *
 * Bound: 14 bytes a label in buffers that all searches share, two labels a member; 8 bytes a member in each `Ways` and 20
 * in each `TwoWays`, beside the `Members` they share, 8 bytes a member; trees take 4 bytes more a label.
 *
 * Above 400 lines: three searches over the same buffers, in the same order of labels.
 */

import type { Handle } from '../units.js';
import { quantiseLinkDelay } from '../wire/link-records.js';
import { relayCostMs, type RelayCosts } from './routes.js';
import { WaysHeap } from './ways-heap.js';

/** Delays from one member to all others along the soonest ways, as the map had them when it was asked. */
export interface Ways {
  /** Of a member, ms; Infinity where no way is known. */
  toMs(handle: Handle): number;
}

export interface TwoWays extends Ways {
  /** The neighbour the soonest way begins with; of equally soon ones that of the lowest handle. */
  firstHop(to: Handle): Handle | undefined;
  /** By the soonest way that begins with another neighbour, ms; Infinity for none. */
  alternativeMs(to: Handle): number;
  /** That neighbour. */
  alternativeHop(to: Handle): Handle | undefined;
  /** How much later all members together would be reached without each neighbour, ms; at most so much later each. */
  lossesMs(mostMs: number): Map<Handle, number>;
}

/** Where a member stands in the tree that is grown from a source. */
export interface TreePlace {
  /** Undefined at the source, and where no way leads. */
  readonly parent: Handle | undefined;
  /** Links from the source; 0 at the source, and where no way leads. */
  readonly hops: number;
  /** In ascending order. */
  readonly children: readonly Handle[];
  /**
   * Those it would reach hardly later than their parents do, and which lie further away than itself: by a map a moment older
   * or newer they may be children.
   */
  readonly nearlyChildren: readonly Handle[];
}

const NOWHERE: TreePlace = { parent: undefined, hops: 0, children: [], nearlyChildren: [] };
/** Hardly later is by this share of the whole way … */
const NEARLY_SHARE = 0.1;
/** … and this, ms. */
const NEARLY_MS = 10;

/** Uploads are short. */
export interface Scarcity {
  /** By how much sooner the turn of a member comes for each doubling of its slots, ms. */
  readonly worthMs: number;
  /** Voices at once among which members share their uploads: the slots that they tell are for one of these. */
  readonly voices: number;
}

/** A link of whoever asks, known first-hand. */
export interface FirstLink {
  readonly handle: Handle;
  /** One-way, ms. */
  readonly delayMs: number;
}

/** Each link is there once in either direction. */
export interface Graph {
  members: Members;
  /** Of each member where its links begin, and at last where all end. */
  offsets: Uint32Array;
  /** Of each link the far end, and its delay as a place in `DELAYS_MS`. */
  neighbours: Uint16Array;
  steps: Uint8Array;
  /** Of each member the copies it passes on; 0: an end of every way, or its beginning. */
  slots: Uint8Array;
}

/** What a record can tell of a link, ms, ascending. */
export const DELAYS_MS = /* @__PURE__ */ Float64Array.from({ length: 256 }, (_, step) =>
  quantiseLinkDelay(0.25 * 1.03 ** step),
);

/** Where members must agree, delays are multiples of a power of two: sums are exact, in whatever order they are made. */
const TICKS_PER_MS = 1024;
const inTicks = (ms: number): number => Math.round(ms * TICKS_PER_MS) / TICKS_PER_MS;
const AGREED_DELAYS_MS = /* @__PURE__ */ DELAYS_MS.map(inTicks);

/** Number of no member. */
const NONE = 0xffff;

/** Used by one search at a time; the next one reads nothing of it. */
const heap = /* @__PURE__ */ new WaysHeap();
/** Of each label the member before it, or the neighbour its way begins with. */
let origins = /* @__PURE__ */ new Uint16Array(0);

/** Of each member of the tree its links from the source; no tree is deeper than it has members. */
let depths = /* @__PURE__ */ new Uint16Array(0);
/** Of each member of the tree the children it may still have; `OUTSIDE` for those that are not in it yet. */
let slotsLeft = /* @__PURE__ */ new Int16Array(0);
const OUTSIDE = -1;
/** Children that are tried for a source with one slot, each for a tree. */
const MOST_ONLY_CHILDREN = 8;
/** What it counts there that a member is left out, ms: more than any way is long. */
const LEFT_OUT_MS = 1000;

/** The place in `DELAYS_MS` of a delay, or of the nearest one by ratio. */
export function delayStep(delayMs: number): number {
  let step = 0;
  for (let half = 128; half > 0; half >>= 1) if ((DELAYS_MS[step + half] as number) <= delayMs) step += half;
  const isNearerNext = delayMs * delayMs > (DELAYS_MS[step] as number) * (DELAYS_MS[step + 1] ?? Infinity);
  return isNearerNext ? step + 1 : step;
}

/** How many ascending handles are lower, by those between two places. */
export function placeOf(handles: Uint32Array, first: number, end: number, handle: Handle): number {
  let from = first;
  let to = end;
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((handles[middle] as number) < handle) from = middle + 1;
    else to = middle;
  }
  return from;
}

/**
 * Members are numbered by ascending handle. The first bits of one, which is drawn by lot, mostly lead straight to it; those
 * with the same first bits are halved, so that nobody makes it slow by choosing. Never changed: found ways keep it.
 */
export class Members {
  readonly #shift: number;
  /** Of each beginning of a handle the first number, and at last their count. */
  readonly #starts: Uint16Array;

  constructor(readonly handles: Uint32Array) {
    let bits = 1;
    while (1 << bits < handles.length) bits++;
    this.#shift = 32 - bits;
    const starts = new Uint16Array((1 << bits) + 1);
    for (let i = 0; i < handles.length; i++) starts[((handles[i] as number) >>> this.#shift) + 1] = i + 1;
    for (let i = 1; i < starts.length; i++)
      starts[i] = Math.max(starts[i] as number, starts[i - 1] as number);
    this.#starts = starts;
  }

  get size(): number {
    return this.handles.length;
  }

  /** −1 for strangers. */
  numberOf(handle: Handle): number {
    const { handles } = this;
    const start = handle >>> this.#shift;
    const place = placeOf(handles, this.#starts[start] as number, this.#starts[start + 1] as number, handle);
    return handles[place] === handle ? place : -1;
  }
}

class FoundWays implements Ways {
  constructor(
    readonly members: Members,
    readonly costsMs: Float64Array,
  ) {}

  toMs(handle: Handle): number {
    return this.costsMs[this.members.numberOf(handle)] ?? Infinity;
  }
}

/** Extends nothing: V8 fails over and over to optimise what makes objects of a derived class. */
class FoundTwoWays implements TwoWays {
  constructor(
    readonly members: Members,
    readonly costsMs: Float64Array,
    readonly hops: Uint16Array,
    readonly alternativesMs: Float64Array,
    readonly alternativeHops: Uint16Array,
  ) {}

  toMs(handle: Handle): number {
    return this.costsMs[this.members.numberOf(handle)] ?? Infinity;
  }

  firstHop(to: Handle): Handle | undefined {
    const hop = this.hops[this.members.numberOf(to)] ?? NONE;
    return this.members.handles[hop] as Handle | undefined;
  }

  alternativeHop(to: Handle): Handle | undefined {
    const hop = this.alternativeHops[this.members.numberOf(to)] ?? NONE;
    return this.members.handles[hop] as Handle | undefined;
  }

  alternativeMs(to: Handle): number {
    return this.alternativesMs[this.members.numberOf(to)] ?? Infinity;
  }

  lossesMs(mostMs: number): Map<Handle, number> {
    const { costsMs, hops, alternativesMs } = this;
    const losses = new Float64Array(hops.length);
    for (let node = 0; node < hops.length; node++) {
      const hop = hops[node] as number;
      const lossMs = (alternativesMs[node] as number) - (costsMs[node] as number);
      if (hop !== NONE) losses[hop] = (losses[hop] as number) + Math.min(mostMs, lossMs);
    }
    const byHandle = new Map<Handle, number>();
    losses.forEach((lossMs, hop) => {
      if (lossMs > 0) byHandle.set(this.members.handles[hop] as Handle, lossMs);
    });
    return byHandle;
  }
}

export function waysFrom(graph: Graph, start: Handle, relayMs: number): Ways {
  const { members } = graph;
  search(graph, members.numberOf(start), relayMs, DELAYS_MS);
  return new FoundWays(members, heap.costs.slice(0, members.size));
}

/** Nobody has more children than slots: those who are reached soonest come first, the others hang on who has room. */
export function treeAt(
  graph: Graph,
  source: Handle,
  member: Handle,
  relay: RelayCosts,
  scarcity: Scarcity | undefined,
): TreePlace {
  const { members, offsets, neighbours } = graph;
  const root = members.numberOf(source);
  const node = members.numberOf(member);
  if (root < 0 || node < 0) return NOWHERE;
  const only =
    scarcity && (graph.slots[root] as number) <= 1 ? onlyChild(graph, root, relay, scarcity) : NONE;
  searchTree(graph, root, relay, scarcity, only);
  const { costs } = heap;
  const children: Handle[] = [];
  const nearlyChildren: Handle[] = [];
  const costMs = costs[node] as number;
  const relayedMs =
    graph.slots[node] === 0 && node !== root ? Infinity : costMs + relayedBy(node, members.size, relay);
  const end = offsets[node + 1] as number;
  for (let link = offsets[node] as number; link < end; link++) {
    const child = neighbours[link] as number;
    const handle = members.handles[child] as Handle;
    const theirsMs = costs[child] as number;
    const viaMs = relayedMs + (DELAYS_MS[graph.steps[link] as number] as number);
    if (origins[child] === node) children.push(handle);
    else if (theirsMs > costMs && viaMs <= theirsMs * (1 + NEARLY_SHARE) + NEARLY_MS)
      nearlyChildren.push(handle);
  }
  const parent = members.handles[origins[node] as number] as Handle | undefined;
  const hops = parent === undefined ? 0 : (depths[node] as number);
  return { parent, hops, children: children.sort((a, b) => a - b), nearlyChildren };
}

/**
 * Binary logarithm of one more than the slots, with straight lines between powers of two: not a bit of it depends on whose
 * mathematics computes it.
 */
function doublings(slots: number): number {
  const whole = 31 - Math.clz32(1 + slots);
  return whole + (1 + slots) / (1 << whole) - 1;
}

/**
 * A tree grown greedily from the source: whoever can be reached soonest, by somebody with a slot left, is next; where
 * uploads are short whoever could serve more comes so much before its turn for each doubling, or those who serve nobody
 * fill the slots. Not the best tree within these bounds, but the same at everybody who has the same map.
 *
 * @param only the one child of a source with one slot: it passes on nothing but this voice; `NONE` for any children
 *
 * Leaves the costs in `heap`, the parents in `origins` and how deep they are in `depths`.
 */
function searchTree(
  graph: Graph,
  root: number,
  relay: RelayCosts,
  scarcity: Scarcity | undefined,
  only: number,
): void {
  const { members, offsets, neighbours, steps, slots } = graph;
  prepare(members.size);
  if (members.size > slotsLeft.length) {
    slotsLeft = new Int16Array(heap.costs.length);
    depths = new Uint16Array(heap.costs.length);
  }
  slotsLeft.fill(OUTSIDE, 0, members.size);
  const { costs } = heap;
  const slotsOf = (node: number): number =>
    (slots[node] as number) * (node === only ? (scarcity?.voices ?? 1) : 1);
  const aheadMs = (node: number): number =>
    !scarcity || node === root ? 0 : inTicks(scarcity.worthMs * doublings(slotsOf(node)));
  heap.lower(root, 0);
  for (let from = heap.take(); from >= 0; from = heap.take()) {
    const parent = origins[from] as number;
    if (from !== root && (slotsLeft[parent] as number) <= 0) {
      reattach(graph, from, relay, aheadMs);
      continue;
    }
    if (from !== root) slotsLeft[parent] = (slotsLeft[parent] as number) - 1;
    depths[from] = from === root ? 0 : (depths[parent] as number) + 1;
    const own = slotsOf(from);
    slotsLeft[from] = from === root ? Math.max(1, own) : own;
    if (slotsLeft[from] === 0) continue;
    const costMs = (costs[from] as number) + aheadMs(from) + relayedBy(from, members.size, relay);
    const end = offsets[from + 1] as number;
    for (let link = offsets[from] as number; link < end; link++) {
      const to = neighbours[link] as number;
      if (slotsLeft[to] !== OUTSIDE || (from === root && only !== NONE && to !== only)) continue;
      const viaMs = costMs + (AGREED_DELAYS_MS[steps[link] as number] as number) - aheadMs(to);
      const knownMs = costs[to] as number;
      if (viaMs < knownMs) {
        origins[to] = from;
        heap.lower(to, viaMs);
      } else if (viaMs === knownMs && from < (origins[to] as number)) origins[to] = from;
    }
  }
  if (scarcity) for (let node = 0; node < members.size; node++) costs[node]! += aheadMs(node);
}

/**
 * Through which neighbour all are to hear a source with one slot: the one whose tree has the soonest ways altogether, of
 * those that are near and can serve many. `NONE` where no neighbour passes anything on.
 */
function onlyChild(graph: Graph, root: number, relay: RelayCosts, scarcity: Scarcity): number {
  const { members, offsets, neighbours, steps, slots } = graph;
  const candidates: { readonly node: number; readonly turnMs: number }[] = [];
  const end = offsets[root + 1] as number;
  for (let link = offsets[root] as number; link < end; link++) {
    const node = neighbours[link] as number;
    const own = (slots[node] as number) * scarcity.voices;
    const wayMs = AGREED_DELAYS_MS[steps[link] as number] as number;
    if (own > 0) candidates.push({ node, turnMs: wayMs - inTicks(scarcity.worthMs * doublings(own)) });
  }
  candidates.sort((a, b) => a.turnMs - b.turnMs || a.node - b.node);
  let best = NONE;
  let leastMs = Infinity;
  for (const { node } of candidates.slice(0, MOST_ONLY_CHILDREN)) {
    searchTree(graph, root, relay, scarcity, node);
    let sumMs = 0;
    for (let i = 0; i < members.size; i++) sumMs += Math.min(LEFT_OUT_MS, heap.costs[i] as number);
    if (sumMs >= leastMs) continue;
    leastMs = sumMs;
    best = node;
  }
  return best;
}

/** What a member of the tree adds to the way of its children, ms; only the source has no links above it. */
function relayedBy(node: number, members: number, relay: RelayCosts): number {
  const hops = depths[node] as number;
  return hops === 0 ? 0 : inTicks(relayCostMs(hops, members, relay));
}

/** The parent it was to have is full: it hangs on the best that is not, if there is one so far, and is looked at again. */
function reattach(graph: Graph, node: number, relay: RelayCosts, aheadMs: (node: number) => number): void {
  const { offsets, neighbours, steps } = graph;
  const { costs } = heap;
  let bestMs = Infinity;
  let best = NONE;
  const end = offsets[node + 1] as number;
  for (let link = offsets[node] as number; link < end; link++) {
    const parent = neighbours[link] as number;
    if ((slotsLeft[parent] as number) <= 0) continue;
    const viaMs =
      (costs[parent] as number) +
      aheadMs(parent) +
      relayedBy(parent, graph.members.size, relay) +
      (AGREED_DELAYS_MS[steps[link] as number] as number);
    if (viaMs > bestMs || (viaMs === bestMs && parent > best)) continue;
    bestMs = viaMs;
    best = parent;
  }
  costs[node] = Infinity;
  origins[node] = best;
  if (best !== NONE) heap.lower(node, bestMs - aheadMs(node));
}

/** Leaves the costs in `heap` and the predecessors in `origins`. */
function search(graph: Graph, start: number, relayMs: number, delaysMs: Float64Array): void {
  const { members, offsets, neighbours, steps, slots } = graph;
  prepare(members.size);
  const { costs } = heap;
  const before = origins;
  if (start >= 0) heap.lower(start, 0);
  for (let from = heap.take(); from >= 0; from = heap.take()) {
    if (slots[from] === 0 && from !== start) continue;
    const costMs = (costs[from] as number) + (from === start ? 0 : relayMs);
    const end = offsets[from + 1] as number;
    for (let link = offsets[from] as number; link < end; link++) {
      const to = neighbours[link] as number;
      const viaMs = costMs + (delaysMs[steps[link] as number] as number);
      const knownMs = costs[to] as number;
      if (viaMs < knownMs) {
        before[to] = from;
        heap.lower(to, viaMs);
      } else if (viaMs === knownMs && from < (before[to] as number)) before[to] = from;
    }
  }
}

export function twoWaysFrom(
  graph: Graph,
  start: Handle,
  firstLinks: readonly FirstLink[],
  relayMs: number,
): TwoWays {
  const { members } = graph;
  const { size } = members;
  const startNumber = members.numberOf(start);
  begin(members, startNumber, firstLinks);
  searchTwo(graph, startNumber, relayMs);
  const { costs } = heap;
  const costsMs = new Float64Array(size);
  const hops = new Uint16Array(size);
  const alternativesMs = new Float64Array(size);
  const alternativeHops = new Uint16Array(size);
  for (let node = 0; node < size; node++) {
    const a = 2 * node;
    const aheadMs = (costs[a + 1] as number) - (costs[a] as number);
    const isFirst = aheadMs > 0 || (aheadMs === 0 && (origins[a] as number) < (origins[a + 1] as number));
    const first = isFirst ? a : a + 1;
    costsMs[node] = costs[first] as number;
    hops[node] = origins[first] as number;
    alternativesMs[node] = costs[first ^ 1] as number;
    alternativeHops[node] = origins[first ^ 1] as number;
  }
  return new FoundTwoWays(members, costsMs, hops, alternativesMs, alternativeHops);
}

/** The first label of the start stands for being there. */
function begin(members: Members, start: number, firstLinks: readonly FirstLink[]): void {
  prepare(2 * members.size);
  if (start >= 0) heap.costs[2 * start] = 0;
  for (const { handle, delayMs } of firstLinks) {
    const first = members.numberOf(handle);
    if (first < 0 || first === start || delayMs >= (heap.costs[2 * first] as number)) continue;
    origins[2 * first] = first;
    heap.lower(2 * first, delayMs);
  }
}

/**
 * Each member has two labels, for the soonest two ways to it that begin with different neighbours. Nothing else that
 * reaches it can be among the soonest two of those behind it.
 *
 * Leaves the costs in `heap` and the neighbours in `origins`. A loop and nothing else, as `search`: V8 compiles it while it
 * runs for the first time, and has no good code for what follows, then or later.
 */
function searchTwo(graph: Graph, start: number, relayMs: number): void {
  const { offsets, neighbours, steps, slots } = graph;
  const { costs } = heap;
  const hops = origins;
  for (let label = heap.take(); label >= 0; label = heap.take()) {
    const from = label >> 1;
    if (slots[from] === 0) continue;
    const costMs = (costs[label] as number) + relayMs;
    const hop = hops[label] as number;
    const end = offsets[from + 1] as number;
    for (let link = offsets[from] as number; link < end; link++) {
      const to = neighbours[link] as number;
      if (to === start) continue;
      const viaMs = costMs + (DELAYS_MS[steps[link] as number] as number);
      let target = 2 * to;
      const aMs = costs[target] as number;
      const bMs = costs[target + 1] as number;
      if (viaMs > aMs && viaMs > bMs) continue;
      // The label of this first hop, else the worse one.
      const aHop = hops[target] as number;
      const bHop = hops[target + 1] as number;
      if (aHop !== hop && (bHop === hop || bMs > aMs || (bMs === aMs && bHop > aHop))) target++;
      const knownMs = costs[target] as number;
      if (viaMs < knownMs || (viaMs === knownMs && hop < (hops[target] as number))) {
        hops[target] = hop;
        heap.lower(target, viaMs);
      }
    }
  }
}

function prepare(labels: number): void {
  heap.reset(labels);
  if (labels > origins.length) origins = new Uint16Array(heap.costs.length);
  origins.fill(NONE, 0, labels);
}
