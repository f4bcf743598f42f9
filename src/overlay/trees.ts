/**
 * The trees of all sources: the table, whom each event concerns, and the way of a packet through. Events only record
 * what happened and mark a tree; every decision is taken in `#service`, which runs at the end of the call for marked
 * trees and at deadlines for the others. So a decision sees all the news of a call at once. The two halves of one tree,
 * towards its source and away from it, are in `upstream.ts` and `downstream.ts`. Above 400 lines: one short method for each
 * event, all on the one table.
 */

import { handleOf, type Handle, type Identity, type MemberId } from '../units.js';
import {
  type Acceptance,
  type Rejection,
  type RouteOffer,
  type Stake,
  type SubscribeRequest,
} from '../wire/control.js';
import type { VoiceHeader } from '../wire/voice-packet.js';
import type { Core } from './core.js';
import { Downstream } from './downstream.js';
import { Dormancy, FIRST_WORDS_KEPT_MS } from './dormancy.js';
import type { SequenceWindow } from './dedupe.js';
import { DueQueue } from './due-queue.js';
import type { PacketVerdict, TreeView } from './interface.js';
import type { Plan } from './plan.js';
import { lossMs, type Prospect } from './worth.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import { remember } from './remember.js';
import type { Roster } from './roster.js';
import { serialNewer } from './serial.js';
import { Shunning } from './shunning.js';
import { Slots } from './slots.js';
import { Source } from './source.js';
import type { Tree } from './tree.js';
import { stayingWeakestFirst, UploadBudget } from './upload-budget.js';
import { Upstream } from './upstream.js';

/** Deadlines of silent trees further ahead than this are rounded up to its multiples, ms. */
const TICK_MS = 100;
/** How often link costs are taken into the trees anew, ms … */
const REVIEW_MS = 1000;
/** … where they changed by more than this share … */
const REVIEW_SHARE = 0.03;
/** … and this many ms. */
const REVIEW_CHANGE_MS = 0.5;
/** Least time between two reminders to somebody who sends unasked, ms. */
const UNSOLICITED_MS = 300;
/** Sources unknown so far whose offers are kept. */
const MAX_EARLY_SOURCES = 256;
/** By so many frames one parent may be ahead of another: 400 ms. What is missing among them the old one may still bring. */
const HAND_OVER_FRAMES = 20;
/** Of so many of them, the last to go. */
const MAX_PLAYED = 64;
/** Children of the own voice below which a member takes in who wants a link, even for another one. */
const DESERTED = 3;
const NO_PATH: readonly number[] = [];
/** What a source is taken to offer. */
const OWN_VOICE = {
  costMs: 0,
  freeSlots: 1,
  yieldsBelowMs: undefined,
  priceMs: undefined,
  capacity: 1,
  path: NO_PATH,
  isSpeaking: true,
};
/** So long whoever missed a voice takes in others that do, ms: links to them open in a second or two. */
const REMEMBERED_MS = 5000;
const NOBODY: readonly MemberId[] = [];

export class Trees {
  readonly byHandle = new Map<Handle, Source>();
  /** The trees of those whose tree does not lie dormant. */
  readonly awake = new Set<Tree>();
  readonly budget: UploadBudget;
  readonly downstream: Downstream;
  readonly dormancy: Dormancy;
  readonly upstream: Upstream;
  /** A voice that was being heard has no parent any more; or nobody around is left who may have it. */
  onLostVoice: ((source: Source, isCutOff: boolean) => void) | undefined = undefined;
  readonly #due = new DueQueue<Tree>();
  #added = 0;
  readonly #marked = new Set<Tree>();
  /** Sources that spoke lately: whether frames of theirs are missing is looked at for all at once, at `#stallCheckMs`. */
  readonly #watched = new Set<Tree>();
  #stallCheckMs = Infinity;
  /** When a voice last had no way here, ms. */
  #cutOffMs = -Infinity;
  readonly #blocked = new Set<Identity>();
  /** Rows of the neighbours' columns: of trees, and of sources without one whose offers are kept. */
  readonly #slots = new Slots<Handle>();
  /** The latter, oldest first; at most `MAX_EARLY_SOURCES`. */
  readonly #early = new Set<Handle>();
  /** What was played of those who are gone: one that only seemed so is heard again, and sent what it said last. */
  readonly #played = new Map<MemberId, SequenceWindow>();
  #nextReviewMs = 0;
  readonly #shunning = new Shunning();
  readonly #verdict: PacketVerdict = { deliver: false, forwardTo: NOBODY, keep: false };

  constructor(
    readonly core: Core,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
    readonly plan: Plan,
  ) {
    this.budget = new UploadBudget(core);
    this.downstream = new Downstream(core, neighbours, this.budget, plan);
    this.upstream = new Upstream(core, neighbours, this.downstream);
    this.dormancy = new Dormancy(core, roster, neighbours, plan, this.upstream, this.downstream, {
      byHandle: this.byHandle,
      awake: this.awake,
      slots: this.#slots,
      mark: (tree) => this.#mark(tree),
      schedule: (tree, atMs) => this.#schedule(tree, atMs),
      setAside: (tree) => this.#setAside(tree),
      speaks: (tree) => this.#speaks(tree),
      lacks: (source) => this.onLostVoice?.(source, false),
    });
  }

  /** When `settle` has something to decide next, ms. */
  get nextMs(): number {
    return Math.min(this.#nextReviewMs, this.#due.nextMs, this.#stallCheckMs, this.dormancy.nextMs);
  }

  of(member: MemberId): Source | undefined {
    const source = this.byHandle.get(handleOf(member));
    return source?.memberId === member ? source : undefined;
  }

  /** The tree of a source, where it is awake. */
  #awake(handle: Handle): Tree | undefined {
    return this.byHandle.get(handle)?.tree;
  }

  /** Takes note of a member as a source. Of two members with one handle the lower id keeps it. */
  add(member: MemberId): void {
    const handle = handleOf(member);
    const holder = this.byHandle.get(handle);
    if (holder && holder.memberId <= member) return;
    if (holder) this.remove(holder.memberId);
    const { nowMs, selfId } = this.core;
    const source = new Source(member, member === selfId, this.#added++, nowMs, this.#played.get(member));
    this.#played.delete(member);
    source.blocked = this.#isBlockedMember(member);
    this.byHandle.set(handle, source);
    if (this.#early.delete(handle)) this.dormancy.wake(source);
    if (source.blocked) this.dormancy.tellUnwanted(this.neighbours.linked);
    this.core.viewChanged = true;
  }

  /**
   * Forgets a member's tree. What neighbours offered is kept for a while: a member declared gone by mistake comes
   * back, and neighbours that never lost it will not offer again.
   *
   * @param lost it did not say goodbye itself: others may go on with the tree and must hear that we do not
   */
  remove(member: MemberId, lost = false): void {
    const source = this.of(member);
    if (!source) return;
    const { tree, played } = source;
    this.byHandle.delete(source.handle);
    this.plan.forget(source.handle);
    if (played?.empty === false) remember(this.#played, member, played, MAX_PLAYED);
    this.core.viewChanged = true;
    if (!tree) return this.dormancy.forget(source);
    if (lost) this.#abandon(tree);
    if (lost) this.downstream.advertise(tree);
    this.awake.delete(tree);
    this.#setAside(tree);
    for (const neighbour of this.neighbours.linked) neighbour.told.set(tree.slot, 0);
    if (this.neighbours.isOffered(tree.slot)) this.#keepEarly(tree.handle);
    else this.#slots.release(tree.handle);
  }

  /** Keeps the row of a source whose roster entry has not arrived yet: news of trees may overtake news of members. */
  #keepEarly(handle: Handle): number {
    const slot = this.#slots.take(handle);
    this.#early.delete(handle);
    this.#early.add(handle);
    for (const oldest of this.#early) {
      if (this.#early.size <= MAX_EARLY_SOURCES) break;
      this.#early.delete(oldest);
      for (const neighbour of this.neighbours.linked) neighbour.offers.delete(this.#slots.of(oldest));
      this.#slots.release(oldest);
    }
    return slot;
  }

  linkUp(neighbour: Neighbour): void {
    this.plan.linksChanged();
    for (const tree of this.awake) {
      this.downstream.introduce(tree, neighbour);
      if (tree.advertAtMs <= this.core.nowMs) this.#mark(tree);
    }
    const voice = this.of(neighbour.peer)?.tree;
    if (voice?.root.unservedSinceMs !== undefined && !voice.blocked) {
      // Whoever speaks has its own voice: it is asked for it a latency before it can say so.
      neighbour.offers.set(voice.slot, { ...OWN_VOICE, source: voice.handle, epoch: voice.root.epoch });
      voice.retryAtMs = voice.nextRaceMs = this.core.nowMs;
      this.#mark(voice);
    }
    for (const source of this.byHandle.values())
      if (source.blocked) {
        this.dormancy.tellUnwanted([neighbour]);
        break;
      }
  }

  linkDown(peer: MemberId): void {
    this.plan.linksChanged();
    this.core.discard(peer);
    for (const tree of this.awake) {
      const concerned = tree.expects(peer) || tree.children.has(peer) || tree.adopting.has(peer);
      tree.dropNeighbour(peer);
      if (concerned) this.#mark(tree);
    }
  }

  /** A neighbour fell silent or leaves: the trees it serves look for another parent now. */
  neighbourFailing(peer: MemberId): void {
    this.plan.linksChanged();
    for (const tree of this.awake) if (tree.expects(peer)) this.#mark(tree);
  }

  setBlocked(identity: Identity, blocked: boolean): void {
    if (blocked) this.#blocked.add(identity);
    else this.#blocked.delete(identity);
    let isOther = false;
    for (const source of this.byHandle.values()) {
      const now = this.#isBlockedMember(source.memberId);
      if (now === source.blocked) continue;
      source.blocked = now;
      isOther = true;
      this.core.viewChanged = true;
      const { tree } = source;
      if (!tree) continue;
      if (now) this.#abandon(tree);
      tree.retryAtMs = 0;
      this.#mark(tree);
    }
    if (isOther) this.dormancy.tellUnwanted(this.neighbours.linked);
  }

  setShed(shed: boolean): void {
    this.budget.shed = shed;
    this.limitsChanged();
  }

  limitsChanged(): void {
    for (const tree of this.awake) {
      const surplus = Math.max(0, tree.stayingChildren - this.budget.most(tree));
      for (const peer of stayingWeakestFirst(tree).slice(0, surplus)) this.downstream.move(tree, peer, []);
      tree.advertAtMs = this.core.nowMs;
      this.#mark(tree);
    }
  }

  /** Goodbye: children are sent to their next-best, and served until they found it. */
  leave(): void {
    for (const tree of this.awake) {
      for (const child of tree.forwardTo) {
        this.downstream.move(tree, child, !tree.own && tree.parent !== undefined ? [tree.parent] : []);
      }
    }
  }

  onOffers(from: Neighbour, offers: readonly RouteOffer[]): void {
    for (const offer of offers) {
      const isOffer = Number.isFinite(offer.costMs);
      const source = this.byHandle.get(offer.source);
      if (!source) {
        if (isOffer) from.offers.set(this.#keepEarly(offer.source), offer);
        else from.offers.delete(this.#slots.of(offer.source));
        continue;
      }
      const tree = source.tree ?? this.dormancy.wakeBy(source, from, offer);
      if (!tree) continue;
      this.#noteRoomBelow(tree, from.peer, offer);
      if (tree.own) continue;
      tree.isSpokenOf ||= offer.isSpeaking;
      if (isOffer) {
        const isNew = !from.offers.has(tree.slot);
        if (tree.parent === undefined && (offer.freeSlots > 0 || isNew)) {
          tree.retryAtMs = this.core.nowMs;
          tree.retryDelayMs = 0;
        }
        if (tree.stalled && isNew) {
          tree.raceTried.delete(from.peer);
          tree.nextRaceMs = this.core.nowMs;
        }
        from.offers.set(tree.slot, offer);
        if (offer.freeSlots > 0) tree.refusedUntilMs.delete(from.peer);
      } else from.offers.delete(tree.slot);
      this.#mark(tree);
    }
  }

  #noteRoomBelow(tree: Tree, from: MemberId, offer: RouteOffer): void {
    const child = tree.children.get(from);
    if (child) {
      child.freeSlots = offer.freeSlots;
      if (child.capacity === offer.capacity) return;
      child.capacity = offer.capacity;
      tree.orderChildren();
    }
  }

  onSubscribe(from: MemberId, requests: readonly SubscribeRequest[]): void {
    for (const request of requests) {
      const source = this.byHandle.get(request.source);
      const tree = source?.tree;
      if (source && !tree) this.core.dormant(from, source.handle);
      else if (tree) {
        const robbed = this.downstream.onSubscribe(tree, from, request);
        if (robbed) this.#mark(robbed);
        this.dormancy.sendFirstWords(tree, from, request);
        this.#mark(tree);
      } else this.core.reject(from, { source: request.source, reason: 'leaf', redirects: [] });
    }
  }

  onStakes(from: MemberId, stakes: readonly Stake[]): void {
    for (const stake of stakes) {
      const tree = this.#awake(stake.source);
      if (!tree) continue;
      this.downstream.onStake(tree, from, stake);
      this.#mark(tree);
    }
  }

  onUnsubscribe(from: MemberId, sources: readonly Handle[]): void {
    for (const source of sources) {
      const tree = this.#awake(source);
      if (!tree) continue;
      const isTurnedAway = tree.own && tree.speaking && tree.children.has(from);
      this.downstream.onUnsubscribe(tree, from);
      if (isTurnedAway)
        this.#shunning.turnedAway(this.core.nowMs, tree.children.size, this.neighbours.linkCount);
      this.#mark(tree);
    }
  }

  onAccept(from: MemberId, acceptances: readonly Acceptance[]): void {
    for (const { source, adopt } of acceptances) {
      const tree = this.#awake(source);
      if (!tree) this.core.unsubscribe(from, source);
      else if (this.upstream.onAccept(tree, from, adopt)) this.#mark(tree);
    }
  }

  onReject(from: MemberId, rejections: readonly Rejection[]): void {
    for (const { source, reason, redirects } of rejections) {
      const tree = this.#awake(source);
      if (!tree) continue;
      this.upstream.onReject(tree, from, reason, redirects);
      this.#mark(tree);
    }
  }

  onEpochRequest(from: MemberId, source: Handle, epoch: number): void {
    const tree = this.#awake(source);
    if (!tree) return;
    const { core } = this;
    const { root } = tree;
    if (!tree.own) {
      if (root.epoch === epoch && tree.parent !== undefined && tree.parent !== from)
        this.upstream.requestEpoch(tree);
      return;
    }
    if (serialNewer(root.epoch, epoch) || core.nowMs - tree.epochAdvancedMs < core.config.epochIntervalMs)
      return;
    root.epoch = (root.epoch + 1) & 0xffff;
    tree.epochAdvancedMs = core.nowMs;
    tree.advertAtMs = core.nowMs;
    this.#mark(tree);
  }

  /** Whom a voice comes through, or would. */
  parentOf({ tree, own, blocked, handle }: Source): MemberId | undefined {
    if (tree) return tree.parent;
    return own || blocked ? undefined : this.plan.parentOf(handle);
  }

  /** Neighbours on the way to a member: its own tree, walked upwards. */
  routesTo(member: MemberId): MemberId[] {
    const source = this.of(member);
    if (!source) return [];
    const { tree } = source;
    const planned = this.plan.parentOf(source.handle);
    if (!tree) return planned === undefined ? [] : [planned];
    const routes = this.upstream.candidates(tree, true).sort((a, b) => a.totalMs - b.totalMs);
    const hops = routes.map((candidate) => candidate.peer);
    if (tree.parent !== undefined) hops.unshift(tree.parent);
    return hops;
  }

  /**
   * What each neighbour's link is worth: the delay that would be lost without it, ms a source. Judged by the soonest ways
   * that there are, not by the present parents, which follow a little later.
   */
  worthOfLinks(): Map<MemberId, number> {
    const prospects: Prospect[] = [];
    const unplanned: Handle[] = [];
    let sources = 0;
    for (const { tree, own, blocked, handle } of this.byHandle.values()) {
      const isHeard = !own && !blocked;
      if (isHeard) sources++;
      if (isHeard && !tree) continue;
      unplanned.push(handle);
      if (isHeard && tree) prospects.push(this.#prospect(tree));
    }
    const worth = this.plan.lossesMs(unplanned);
    for (const prospect of prospects) {
      const { peer } = prospect;
      if (peer !== undefined) worth.set(peer, (worth.get(peer) ?? 0) + lossMs(prospect));
    }
    for (const [peer, totalMs] of worth) worth.set(peer, totalMs / sources);
    return worth;
  }

  /** One-way delay from a source by the soonest way on offer, ms; 0 for the own voice, Infinity without any. */
  soonestMs(handle: Handle): number {
    const source = this.byHandle.get(handle);
    if (!source || source.blocked) return Infinity;
    if (source.own) return 0;
    return source.tree ? this.#prospect(source.tree).costMs : this.plan.costMs(handle);
  }

  /** The same for somebody who would hear it from here: Infinity where no slot is left. */
  offeredMs(handle: Handle): number {
    const source = this.byHandle.get(handle);
    if (!source) return Infinity;
    const slots = source.tree ? this.downstream.freeSlots(source.tree) : this.budget.plannedEach;
    return source.own || slots > 0 ? this.soonestMs(handle) : Infinity;
  }

  #prospect(tree: Tree): Prospect {
    let peer: MemberId | undefined;
    let costMs = Infinity;
    let alternativeMs = Infinity;
    const rank = this.downstream.rank(tree);
    for (const link of this.neighbours.linked) {
      let totalMs = link.lively ? link.offers.usableCostMs(tree.slot) + link.costMs : Infinity;
      if (totalMs < alternativeMs && link.peer !== tree.parent && !this.upstream.takes(tree, link, rank))
        totalMs = Infinity;
      if (totalMs < costMs) {
        alternativeMs = costMs;
        costMs = totalMs;
        peer = link.peer;
      } else if (totalMs < alternativeMs) alternativeMs = totalMs;
    }
    return { peer, costMs, alternativeMs };
  }

  /** Hot path: a packet came from a neighbour. */
  receive(from: MemberId, header: VoiceHeader, hopLimit: number): PacketVerdict {
    const verdict = this.#verdict;
    verdict.deliver = false;
    verdict.forwardTo = NOBODY;
    verdict.keep = false;
    const source = this.byHandle.get(header.source);
    if (!source || source.own) return verdict;
    const { nowMs } = this.core;
    let { tree } = source;
    if (!tree) tree = this.dormancy.wakeWith(source, from);
    else if (!tree.hasPassedWords && nowMs - tree.wokeAtMs < FIRST_WORDS_KEPT_MS)
      this.dormancy.firstWords(tree, from);
    if (!tree.expects(from) && nowMs - (tree.remindedMs.get(from) ?? -Infinity) > UNSOLICITED_MS) {
      tree.remindedMs.set(from, nowMs);
      this.core.unsubscribe(from, tree.handle);
      this.#schedule(tree, nowMs);
    }
    if (tree.blocked) return verdict;
    const fresh = tree.played.note(header.streamEpoch, header.sequence);
    // A replay may overtake the acceptance it comes with.
    const isRacing = tree.feeds.size > 0 || (tree.stalled && tree.asked.has(from));
    const isOver = tree.noteHandOver(from, header.sequence, fresh);
    if (
      isRacing &&
      tree.winner === undefined &&
      (tree.stalled ? fresh : isOver && tree.played.isWhole(HAND_OVER_FRAMES))
    ) {
      tree.winner = tree.stalled ? from : tree.parent;
      this.#schedule(tree, nowMs);
    }
    if (!fresh) return verdict;
    tree.lastFrameMs = nowMs;
    tree.stalled = false;
    if (tree.owesOffers || source.unservedSinceMs !== undefined) this.#schedule(tree, nowMs);
    if (tree.played.newest === header.sequence >>> 0)
      tree.noteSpeech(header.sequence, header.endOfSpurt, nowMs);
    if (tree.speaking) {
      this.#speaks(tree);
      this.#watched.add(tree);
      this.#stallCheckMs = Math.min(this.#stallCheckMs, nowMs + this.core.config.stallMs);
    }
    verdict.deliver = true;
    verdict.keep = true;
    if (hopLimit > 0 && tree.forwardTo.length > 0) {
      verdict.forwardTo = tree.children.has(from)
        ? tree.forwardTo.filter((peer) => peer !== from)
        : tree.forwardTo;
    }
    return verdict;
  }

  isHeard(): boolean {
    const own = this.of(this.core.selfId);
    if (own && !own.tree)
      return this.neighbours.linked.some(({ lively, unwanted }) => lively && !unwanted.has(own.handle));
    return (own?.tree?.forwardTo.length ?? 0) > 0;
  }

  /** Hot path: a packet of the own voice. */
  sendOwn(sequence: number, endOfSpurt: boolean): PacketVerdict {
    const verdict = this.#verdict;
    const own = this.of(this.core.selfId);
    const wakes = own && !own.tree;
    const tree = wakes ? this.dormancy.wake(own) : own?.tree;
    if (tree) {
      tree.noteSpeech(sequence, endOfSpurt, this.core.nowMs);
      tree.lastFrameMs = this.core.nowMs;
      this.#speaks(tree);
      if (wakes) this.dormancy.firstWords(tree, tree.source);
    }
    verdict.deliver = false;
    verdict.keep = tree !== undefined;
    verdict.forwardTo = tree ? tree.forwardTo : NOBODY;
    return verdict;
  }

  /** Decides for every tree that something happened to, then for those whose time has come. */
  settle(): void {
    const { nowMs } = this.core;
    if (nowMs >= this.#nextReviewMs) {
      this.#nextReviewMs = nowMs + REVIEW_MS;
      this.#reviewLinks();
      this.dormancy.review();
      if (this.budget.expire()) this.#speakersChanged();
    }
    this.dormancy.tick();
    if (nowMs >= this.#stallCheckMs) this.#checkStalls();
    const due = this.#due.takeDue(nowMs);
    if (due.length > 1) due.sort((a, b) => a.root.order - b.root.order);
    for (const tree of due) this.#mark(tree);
    for (const tree of this.#marked) {
      this.#service(tree);
      // What can wait waits for company: one tick serves many silent trees.
      const canWait = tree.dueMs - nowMs > TICK_MS && !tree.speaking;
      this.#due.schedule(tree, canWait ? Math.ceil(tree.dueMs / TICK_MS) * TICK_MS : tree.dueMs);
    }
    if (this.budget.copies !== Infinity && this.#marked.size > 0) this.#relieve();
    this.#marked.clear();
  }

  #speechBegins(tree: Tree): void {
    this.#speakersChanged();
    // What could wait while nothing was said, such as the end of a hand-over, is due when it is due.
    this.#schedule(tree, this.core.nowMs);
  }

  /** One more speaks, or one fewer: what each may count on of this upload is another. */
  #speakersChanged(): void {
    if (this.budget.copies === Infinity) return;
    for (const tree of this.budget.heard) this.#schedule(tree, this.core.nowMs);
  }

  /** Sends children elsewhere that the upload does not carry. */
  #relieve(): void {
    for (const { tree, child } of this.budget.surplus()) {
      this.downstream.move(tree, child, []);
      this.#schedule(tree, this.core.nowMs + this.core.config.handoverMs);
    }
  }

  /** Marks the trees that should have had a frame by now. */
  #checkStalls(): void {
    const { nowMs, config } = this.core;
    this.#stallCheckMs = Infinity;
    for (const tree of this.#watched) {
      const atMs = tree.lastFrameMs + config.stallMs;
      if (tree.speaking && !tree.stalled && nowMs < atMs) {
        this.#stallCheckMs = Math.min(this.#stallCheckMs, atMs);
        continue;
      }
      this.#watched.delete(tree);
      if (tree.speaking && this.awake.has(tree)) this.#mark(tree);
    }
  }

  /** Marks the trees that a link whose cost changed could serve. */
  #reviewLinks(): void {
    const moved: Neighbour[] = [];
    for (const link of this.neighbours.linked) {
      const shiftMs = Math.abs(link.costMs - link.reviewedCostMs);
      if (shiftMs <= Math.max(REVIEW_CHANGE_MS, REVIEW_SHARE * link.reviewedCostMs)) continue;
      link.reviewedCostMs = link.costMs;
      moved.push(link);
    }
    if (moved.length === 0) return;
    this.plan.linksChanged();
    this.#markServable(moved);
  }

  /** How long a new link takes is known now: until then only those without any parent turn to it. */
  linkMeasured(link: Neighbour): void {
    this.plan.linksChanged();
    link.reviewedCostMs = link.costMs;
    this.#markServable([link]);
  }

  #markServable(links: readonly Neighbour[]): void {
    for (const tree of this.awake) {
      if (tree.own) continue;
      for (const link of links) {
        if (tree.parent === link.peer || link.offers.costMs(tree.slot) + link.costMs < tree.costMs) {
          this.#mark(tree);
          break;
        }
      }
    }
  }

  /** @param mostLookups trees of silent sources that are looked up in a map that changed */
  views(mostLookups: number): TreeView[] {
    const dormant = [...this.byHandle.values()].filter(({ tree }) => !tree);
    this.plan.lookUp(
      dormant.map(({ handle }) => handle),
      mostLookups,
    );
    return [...this.byHandle.values()].map((source) =>
      source.tree ? this.#view(source.tree) : this.dormancy.view(source),
    );
  }

  #view(tree: Tree): TreeView {
    return {
      sourceId: tree.source,
      planned: false,
      parentId: tree.parent,
      childIds: [...tree.forwardTo],
      backupIds: tree.own ? [] : this.upstream.backups(tree),
      hops: tree.own ? 0 : tree.connected ? tree.path.length : undefined,
      costMs: tree.connected ? tree.costMs : undefined,
    };
  }

  /** Sources without any parent for longer than `ms`: somebody should open a link for them. */
  unserved(ms: number): Source[] {
    const since = this.core.nowMs - ms;
    const unserved: Source[] = [];
    for (const source of this.byHandle.values())
      if ((source.unservedSinceMs ?? Infinity) <= since && !source.blocked) unserved.push(source);
    return unserved;
  }

  /**
   * Sources that were being heard until nobody offered them any more, and those that neighbours say are awake and do not
   * offer: who could relay them blocks them.
   */
  cutOff(): Source[] {
    const { cutOffMs, stallGiveUpMs } = this.core.config;
    return this.unserved(cutOffMs).filter(({ tree, unservedSinceMs = 0 }) => {
      if (!tree || this.#isPromised(tree)) return false;
      return tree.lastFrameMs + stallGiveUpMs > unservedSinceMs || this.dormancy.isWithheld(tree);
    });
  }

  /** Whether a neighbour may have the voice that a tree without one misses. */
  #isPromised(tree: Tree): boolean {
    const unproven = tree.isStarving ? tree.parent : undefined;
    return this.neighbours.linked.some(
      ({ peer, offers }) => peer !== unproven && offers.usableCostMs(tree.slot) < Infinity,
    );
  }

  /** Whether a voice had no way here within the last seconds. */
  get wasCutOff(): boolean {
    return this.core.nowMs - this.#cutOffMs < REMEMBERED_MS;
  }

  /** The source of a tree tells where it is heard, for it cannot take this member itself. */
  onPointed(from: MemberId, rejections: readonly Rejection[]): void {
    const voice = this.of(from);
    const pointed = rejections.find(({ source }) => source === voice?.handle);
    if (voice?.tree && voice.unservedSinceMs !== undefined && pointed) voice.tree.hints = pointed.redirects;
  }

  /** Whether the own voice is on its way to others. */
  get isSpeaking(): boolean {
    return this.of(this.core.selfId)?.tree?.speaking === true;
  }

  /** Whether several children turned away from the own voice at once, lately: they block it. */
  get isShunned(): boolean {
    return this.#shunning.isOn(this.core.nowMs);
  }

  /** Whether most neighbours leave this member's own voice to others, or to nobody: somebody else may want it. */
  get isDeserted(): boolean {
    if (this.isShunned) return true;
    const own = this.of(this.core.selfId);
    if (!own) return false;
    if (!own.tree) {
      const willing = this.neighbours.linked.filter(
        ({ lively, unwanted }) => lively && !unwanted.has(own.handle),
      );
      return willing.length < Math.min(DESERTED, this.neighbours.linkCount);
    }
    return own.tree.children.size < Math.min(DESERTED, this.downstream.capacity(own.tree));
  }

  /** Whether any neighbour offers a source. */
  isOffered({ tree }: Source): boolean {
    return tree !== undefined && this.neighbours.isOffered(tree.slot);
  }

  /** Whether words pass over the link to a neighbour at this moment, in either direction. */
  carriesSpeech(peer: MemberId): boolean {
    for (const tree of this.awake)
      if (tree.speaking && (tree.parent === peer || tree.children.has(peer))) return true;
    return false;
  }

  /** Whether the person behind this source is blocked here. */
  isBlocked(source: Handle): boolean {
    return this.byHandle.get(source)?.blocked === true;
  }

  #isBlockedMember(member: MemberId): boolean {
    const entry = this.roster.get(member);
    return entry !== undefined && member !== this.core.selfId && this.#blocked.has(entry.identity);
  }

  #mark(tree: Tree): void {
    this.#marked.add(tree);
  }

  #setAside(tree: Tree): void {
    this.#due.schedule(tree, Infinity);
    this.#marked.delete(tree);
    this.#watched.delete(tree);
    this.budget.forget(tree);
  }

  #speaks(tree: Tree): void {
    if (this.budget.note(tree)) this.#speechBegins(tree);
  }

  #schedule(tree: Tree, atMs: number): void {
    if (atMs < tree.dueMs) this.#due.schedule(tree, atMs);
  }

  #service(tree: Tree): void {
    const { core, downstream } = this;
    tree.dueMs = downstream.expire(tree);
    if (!tree.own) this.upstream.service(tree);
    const isLost = tree.speaking && tree.root.unservedSinceMs !== undefined;
    const isCutOff = isLost && !this.#isPromised(tree);
    if (isCutOff) this.#cutOffMs = core.nowMs;
    if ((isLost && tree.root.unservedSinceMs === core.nowMs) || (isCutOff && !tree.isCutOff))
      this.onLostVoice?.(tree.root, isCutOff);
    tree.isCutOff = isCutOff;
    if (tree.owesOffers && tree.connected && !tree.stalled) {
      tree.owesOffers = false;
      tree.advertAtMs = core.nowMs;
    }
    downstream.noteChange(tree);
    if (core.nowMs >= tree.advertAtMs) downstream.advertise(tree);
    if (core.nowMs >= tree.hintAtMs) downstream.hint(tree);
    tree.dueMs = Math.min(tree.dueMs, tree.advertAtMs, tree.hintAtMs);
  }

  /** Blocked: not a packet more in or out, no offer, no child. */
  #abandon(tree: Tree): void {
    this.upstream.abandon(tree);
    this.downstream.expel(tree);
    tree.advertAtMs = this.core.nowMs;
  }
}
