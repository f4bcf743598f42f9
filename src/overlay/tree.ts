/** One source's tree as this member sees it while it is awake: where the voice comes from, where it goes, what was asked. */

import type { Handle, MemberId } from '../units.js';
import { serialDelta } from '../wire/voice-packet.js';
import { SequenceWindow } from './dedupe.js';
import type { Due } from './due-queue.js';
import { PeerMap } from './peer-map.js';
import type { Source } from './source.js';

export interface Child {
  capacity: number;
  freeSlots: number;
  /** It came back from being sent away, without another parent: nobody nearer takes its place. */
  isSpared: boolean;
  /** Those that hear the source through it, itself included, as far as it told … */
  members: number;
  /** … and what they would lose were it sent away, ms · members; Infinity where it has no other way, or told of none. */
  lossMs: number;
  /** When a child that was asked to go is no longer served; Infinity for one that stays. */
  leavingAtMs: number;
}

export interface Ask {
  readonly atMs: number;
  /** The present parent works; this is a move to a better one, or one that it was asked to make. */
  readonly improving: boolean;
  /** It was asked to begin with the frame that is needed next. */
  readonly replays: boolean;
}

/** What neighbours were last told. */
export interface Told {
  epoch: number;
  costMs: number;
  path: readonly number[];
  free: boolean;
  yieldsBelowMs: number | undefined;
  priceMs: number | undefined;
}

const NOBODY: readonly MemberId[] = [];
const NO_PATH: readonly number[] = [];

/** Each map of it is bounded by the number of links. */
export class Tree implements Due {
  /** The member whose voice it is. */
  readonly source: MemberId;
  readonly handle: Handle;
  readonly own: boolean;
  /** What of the voice was played. */
  readonly played: SequenceWindow;

  /** Accepted parents besides the present one (old ones in a hand-over, racers in a stall), with their end. */
  readonly feeds = new PeerMap<number>();
  readonly asked = new PeerMap<Ask>();
  readonly refusedUntilMs = new PeerMap<number>();
  /** When neighbours refused since there was a parent, ms: in the end all of them have been asked. */
  readonly refusedMs = new PeerMap<number>();
  readonly children = new PeerMap<Child>();
  /** When children were sent away, or those who asked for the one place of a source to look below, ms. */
  readonly sentAwayMs = new PeerMap<number>();
  /** Children promised to us by a parent that displaced them, with the end of the promise. */
  readonly adopting = new PeerMap<number>();
  /** Who was asked for what is missing in this stall. */
  readonly raceTried = new PeerMap<true>();
  /** When those who send although they were not asked to were told so, ms. */
  readonly remindedMs = new PeerMap<number>();

  /** Since it woke somebody said that its source speaks. */
  isSpokenOf = false;
  /** Since it woke a first packet was passed on to those the plan has below here. */
  hasPassedWords = false;
  /** When those who were offered nothing are told that it is awake, ms: others around them may have more. */
  hintAtMs = Infinity;
  hinted = false;
  parent: MemberId | undefined = undefined;
  /** Until when a parent that has not told its cost yet counts as connected, ms. */
  provisionalUntilMs = 0;
  costMs = Infinity;
  /** Ancestors, source first, parent last. */
  path: readonly number[] = NO_PATH;
  /** Lowest cost told in this route epoch: the feasibility bound. */
  feasibleMs = Infinity;

  /** Where refusals pointed to, best first; at most 8. */
  hints: readonly MemberId[] = NOBODY;
  /** The parent began where the old one stood: from its first frame on the old one has nothing left that is missing. */
  isContinued = true;
  /** Sequence number of the first packet that the present parent sent; undefined = none yet. */
  beganAt: number | undefined = undefined;
  /** No neighbour is left that may have the voice which is missed. */
  isCutOff = false;
  /** Neighbours were told that there is nothing to pass on: they are offered it again once there is. */
  owesOffers = false;
  retryAtMs = 0;
  retryDelayMs = 0;
  improveAtMs = 0;
  /** The parent asked this member to find another, and serves it until then; in the past, it did not, or no longer does. */
  sentAwayUntilMs = -Infinity;

  /** What the parent was told that the place is worth, and when it is told again, ms; undefined = nothing. */
  stake: { readonly to: MemberId; readonly members: number; readonly lossMs: number } | undefined = undefined;
  stakeAtMs = 0;

  /** From when on a child may give way to a lesser burden again, ms, and how long the last pause was. */
  yieldsAtMs = -Infinity;
  yieldPauseMs = 0;

  /** Keys of `children`, as the hot path wants them. */
  forwardTo: readonly MemberId[] = NOBODY;

  /** Frames are due: the last one seen was not the end of a spurt. */
  speaking = false;
  /** When the source last began to speak, ms, and with which sequence number: for those who come to the tree just then. */
  spokeUpAtMs = -Infinity;
  spokeUpWith = 0;
  lastFrameMs = -Infinity;
  /** Frames are due and missing. */
  stalled = false;
  nextRaceMs = 0;
  /** Who delivered first after a stall, or the present parent when a hand-over is complete; handled at the next tick. */
  winner: MemberId | undefined = undefined;

  advertAtMs = Infinity;
  told: Told | undefined = undefined;
  epochAdvancedMs = -Infinity;
  epochRequestedMs = -Infinity;
  dueMs = Infinity;
  duePlace = -1;

  constructor(
    readonly root: Source,
    /** Its row in the neighbours' columns. */
    readonly slot: number,
    readonly wokeAtMs: number,
  ) {
    this.source = root.memberId;
    this.handle = root.handle;
    this.own = root.own;
    this.played = root.played ??= new SequenceWindow();
    if (this.own) {
      this.costMs = 0;
      this.feasibleMs = 0;
    }
  }

  get blocked(): boolean {
    return this.root.blocked;
  }

  get connected(): boolean {
    return this.own || (this.parent !== undefined && !this.blocked);
  }

  /** Words are missing, and there is no parent, or one that has sent none so far: it may have them from nowhere itself. */
  get isStarving(): boolean {
    return this.stalled && (this.parent === undefined || this.beganAt === undefined);
  }

  /** Children that stay. */
  get stayingChildren(): number {
    let staying = 0;
    for (const child of this.children.values()) if (child.leavingAtMs === Infinity) staying++;
    return staying;
  }

  /** Those that hear the source through here, this member included. */
  get members(): number {
    let members = 1;
    for (const child of this.children.values()) members += child.members;
    return members;
  }

  /** One that stays and has told of nobody below it, unless it is said otherwise. */
  addChild(peer: MemberId, child: Pick<Child, 'capacity' | 'freeSlots' | 'isSpared'> & Partial<Child>): void {
    this.children.set(peer, { members: 1, lossMs: Infinity, leavingAtMs: Infinity, ...child });
    this.orderChildren();
  }

  removeChild(peer: MemberId): boolean {
    if (!this.children.delete(peer)) return false;
    this.orderChildren();
    return true;
  }

  /** Whoever serves most is sent to first: where the line is slow, those behind it need not wait for the others. */
  orderChildren(): void {
    this.forwardTo = [...this.children]
      .sort(([, a], [, b]) => b.members - a.members || b.capacity - a.capacity)
      .map(([peer]) => peer);
  }

  /** Whether frames from this neighbour are expected. */
  expects(peer: MemberId): boolean {
    return peer === this.parent || this.feeds.has(peer) || this.asked.has(peer);
  }

  /** First frame a new parent should send, while speech is going on. */
  get replayFrom(): number | undefined {
    return this.speaking && !this.played.empty ? this.played.nextNeeded : undefined;
  }

  /**
   * Takes note of where a new parent begins. True when the packet shows that the old one of a hand-over has nothing left
   * that is missing here, unless there are holes: the first of a new parent that continues; the second of one that lags
   * behind, for the first may be a straggler of a hand-over of its own; or the old one's, when it has come to where the new
   * one began.
   */
  noteHandOver(from: MemberId, sequence: number, fresh: boolean): boolean {
    const { beganAt } = this;
    if (from !== this.parent)
      return beganAt !== undefined && this.feeds.has(from) && serialDelta(sequence, beganAt) >= 0;
    this.beganAt ??= sequence;
    if (this.isContinued) return true;
    return beganAt !== undefined && !fresh && serialDelta(sequence, beganAt) === 1;
  }

  /** A frame of its voice came or was made: it speaks until a spurt ends. */
  noteSpeech(sequence: number, endOfSpurt: boolean, nowMs: number): void {
    if (!this.speaking) {
      this.spokeUpAtMs = nowMs;
      this.spokeUpWith = sequence;
    }
    this.speaking = !endOfSpurt;
  }

  /** Forgets a neighbour that is no longer linked. True when it was the parent. */
  dropNeighbour(peer: MemberId): boolean {
    this.feeds.delete(peer);
    this.asked.delete(peer);
    this.refusedUntilMs.delete(peer);
    this.refusedMs.delete(peer);
    this.sentAwayMs.delete(peer);
    this.adopting.delete(peer);
    this.raceTried.delete(peer);
    this.remindedMs.delete(peer);
    this.removeChild(peer);
    if (this.winner === peer) this.winner = undefined;
    if (this.parent !== peer) return false;
    this.parent = undefined;
    return true;
  }
}
