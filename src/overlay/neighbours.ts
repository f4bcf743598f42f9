/** What is known of each neighbour (own link) and each far end of a doorbell pipe. Bounded by links + pipes. */

import { handleOf, type Handle, type MemberId } from '../units.js';
import { hopTag } from './core.js';
import { OfferTable } from './offer-table.js';
import { SlotColumn } from './slots.js';

/** Assumed until a heartbeat came back: an ordinary continental round trip. */
const UNKNOWN_RTT_MS = 80;
/**
 * So long copies of several voices may wait for each other on a line that carries them all, ms: a frame. Counted as part of the
 * way, it made costs, and trees of those who say nothing, go up and down with every word.
 */
const ORDINARY_QUEUE_MS = 20;
/** Weight of a new RTT sample when it is longer (slow, so that queueing spikes fade) … */
const RTT_GAIN_UP = 0.1;
/** … and when it is shorter: propagation shows in the minimum. */
const RTT_GAIN_DOWN = 0.4;
/** Weight of a new deviation: about the last ten round trips, 13 s. */
const DEVIATION_GAIN = 0.1;

/** It knows that this member is there, but being an ancestor learnt no route back to itself. */
export const TOLD_ANCESTOR = 1;
/** It holds an offer. */
export const TOLD_OFFER = 2;
const NOTHING: ReadonlySet<Handle> = new Set();

export class Neighbour {
  readonly tag: number;
  readonly handle: Handle;
  /** An own link is open. */
  linked = false;
  /** Reachable over the doorbell. */
  piped = false;
  linkedAtMs = 0;
  rttMs = UNKNOWN_RTT_MS;
  /** Mean distance of a sample from `rttMs`: how much of a difference may be chance. */
  deviationMs = 0;
  measured = false;
  /** It took voices and did not pass them on: not asked until then, if anybody else can be. */
  distrustedUntilMs = -Infinity;
  /** How often that happened in a row. */
  failures = 0;
  /** Cost of the link as the trees last took it into account, ms. */
  reviewedCostMs = UNKNOWN_RTT_MS / 2;
  /** Bytes waiting in the channel, as delay. */
  queueMs = 0;
  lastHeardMs = 0;
  nextHeartbeatMs = 0;
  /** Silent for too long: routes around it are in use. */
  silent = false;
  /** Goodbye was said: it still delivers for one hand-over, but nothing new is asked of it and it counts no more. */
  retiring = false;
  retireAtMs = Infinity;
  /** Its far end gave the link up, and tells so: others know without being told here. */
  endsElsewhere = false;
  /** Heartbeats sent to it since the link opened, or since it asked for clocks. */
  beats = 0;
  /** Last clock of theirs, to echo. */
  theirSentMs: number | undefined = undefined;
  theirSentHeardMs = 0;
  /** Whom it is linked to, by its own word: their hop tags. */
  adjacent: ReadonlyMap<Handle, number> = new Map();
  adjacencyKnown = false;
  /** What the link is worth to the other end, ms a source. */
  worthToPeerMs = 0;
  /** What it was told that the link is worth here, ms a source. */
  toldWorthMs: number | undefined = undefined;
  /** Entry versions it surely has, by roster slot and one higher: what it sent or was sent. */
  readonly known = new SlotColumn(32);
  /** Link records it surely has, by roster slot: their sequence and one more. */
  readonly records = new SlotColumn(32);
  /** What it offers, by tree slot. */
  readonly offers: OfferTable;
  /** What it was told of each tree, by tree slot: 0 or `TOLD_*`. */
  readonly told = new SlotColumn(8);
  /** Sources whose first words it is not sent unless it asked; at most `MAX_SOURCES_PER_MESSAGE`. */
  unwanted: ReadonlySet<Handle> = NOTHING;
  /** It is sent news of members whole and at once; otherwise it is told what is new a little later, and may ask. */
  eagerNews = true;
  /** Entries it sent that were there already, less those that were news. */
  staleNews = 0;

  constructor(
    readonly peer: MemberId,
    selfTag: number,
  ) {
    this.tag = hopTag(peer);
    this.handle = handleOf(peer);
    this.offers = new OfferTable(selfTag);
  }

  /** Its link is open, not silent and meant to last. */
  get lively(): boolean {
    return this.linked && !this.silent && !this.retiring;
  }

  /** Whether it has a link to this member, by its own word. */
  isLinkedTo(member: MemberId): boolean {
    return this.adjacent.has(handleOf(member));
  }

  /** One-way delay of the link, ms, with what waits for it longer than it should. */
  get costMs(): number {
    return this.rttMs / 2 + Math.max(0, this.queueMs - ORDINARY_QUEUE_MS);
  }

  /** How far `costMs` may be off by chance, ms; Infinity before the first round trip came back. */
  get noiseMs(): number {
    return this.measured ? this.deviationMs / 2 : Infinity;
  }

  noteRtt(sampleMs: number): void {
    if (!this.measured) {
      this.measured = true;
      this.rttMs = sampleMs;
      return;
    }
    this.deviationMs += DEVIATION_GAIN * (Math.abs(sampleMs - this.rttMs) - this.deviationMs);
    const gain = sampleMs < this.rttMs ? RTT_GAIN_DOWN : RTT_GAIN_UP;
    this.rttMs += gain * (sampleMs - this.rttMs);
  }
}

export class Neighbours {
  readonly all = new Map<MemberId, Neighbour>();
  /** Those with an open link, whether meant to last or not. */
  linked: readonly Neighbour[] = [];

  /** Not before this does a heartbeat, a silence or a retirement become due; Infinity while there is no link. */
  nextMs = Infinity;

  constructor(readonly selfTag: number) {}

  /** A link has something due then. */
  wake(atMs: number): void {
    this.nextMs = Math.min(this.nextMs, atMs);
  }

  get(peer: MemberId): Neighbour | undefined {
    return this.all.get(peer);
  }

  /** The neighbour when an own link to it is open. */
  link(peer: MemberId): Neighbour | undefined {
    const neighbour = this.all.get(peer);
    return neighbour?.linked ? neighbour : undefined;
  }

  /** The neighbour when its link is open, not silent and meant to last. */
  lively(peer: MemberId): Neighbour | undefined {
    const neighbour = this.all.get(peer);
    return neighbour?.lively ? neighbour : undefined;
  }

  /** Links that count: open and meant to last. */
  links(): Neighbour[] {
    return this.linked.filter((neighbour) => !neighbour.retiring);
  }

  /** Whether any of them offers the tree of this row. */
  isOffered(slot: number): boolean {
    return slot >= 0 && this.linked.some(({ offers }) => offers.has(slot));
  }

  get linkCount(): number {
    let count = 0;
    for (const neighbour of this.linked) if (!neighbour.retiring) count++;
    return count;
  }

  up(peer: MemberId, kind: 'link' | 'pipe', nowMs: number): Neighbour {
    let neighbour = this.all.get(peer);
    if (!neighbour) {
      neighbour = new Neighbour(peer, this.selfTag);
      this.all.set(peer, neighbour);
    }
    if (kind === 'pipe') neighbour.piped = true;
    else if (!neighbour.linked) {
      neighbour.linked = true;
      neighbour.silent = false;
      neighbour.retiring = false;
      neighbour.retireAtMs = Infinity;
      neighbour.endsElsewhere = false;
      neighbour.linkedAtMs = nowMs;
      neighbour.nextHeartbeatMs = nowMs;
      neighbour.beats = 0;
      this.wake(nowMs);
      this.#relist();
    }
    neighbour.lastHeardMs = nowMs;
    return neighbour;
  }

  down(peer: MemberId, kind: 'link' | 'pipe'): void {
    const neighbour = this.all.get(peer);
    if (!neighbour) return;
    if (kind === 'pipe') neighbour.piped = false;
    else if (neighbour.linked) {
      neighbour.linked = false;
      neighbour.worthToPeerMs = 0;
      neighbour.toldWorthMs = undefined;
      neighbour.adjacent = new Map();
      neighbour.adjacencyKnown = false;
      neighbour.eagerNews = true;
      neighbour.unwanted = NOTHING;
      neighbour.offers.clear();
      neighbour.told.clear();
      this.#relist();
    }
    if (!neighbour.linked && !neighbour.piped) this.all.delete(peer);
  }

  #relist(): void {
    this.linked = [...this.all.values()].filter((neighbour) => neighbour.linked);
  }
}
