/**
 * The trees of all sources: the table, and the upper half of each tree (finding, keeping, improving and replacing the
 * parent). Events only record what happened and mark a tree; every decision is taken in `#service`, which runs at the
 * end of the call for marked trees and at deadlines for the others. So a decision sees all the news of a call at once.
 *
 * A little over 400 lines: the states of one parent search belong together.
 */

import { handleOf, type Handle, type Identity, type MemberId } from '../units.js';
import {
  MAX_PATH_HOPS,
  type Acceptance,
  type Rejection,
  type RouteOffer,
  type SubscribeRequest,
} from '../wire/control.js';
import type { VoiceHeader } from '../wire/voice-packet.js';
import type { Core } from './core.js';
import { Downstream } from './downstream.js';
import type { PacketVerdict, TreeView } from './interface.js';
import type { Prospect } from './worth.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import type { Roster } from './roster.js';
import { chooseBackups, chooseBetterParent, chooseFirstParent, type Candidate } from './routes.js';
import { epochNewer, Tree } from './tree.js';

/** First pause between rounds of asking when nobody takes us, ms; doubles up to the second. */
const RETRY_MS = 120;
const RETRY_MAX_MS = 2000;
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
const NOBODY: readonly MemberId[] = [];

export class Trees {
  readonly byHandle = new Map<Handle, Tree>();
  readonly downstream: Downstream;
  nextMs = Infinity;
  readonly #marked = new Set<Tree>();
  readonly #blocked = new Set<Identity>();
  /** Offers for sources without a tree; at most `MAX_EARLY_SOURCES`, each with one offer per link. */
  readonly #earlyOffers = new Map<Handle, Map<MemberId, RouteOffer>>();
  #nextReviewMs = 0;
  readonly #verdict: PacketVerdict = { deliver: false, forwardTo: NOBODY, keep: false };

  constructor(
    readonly core: Core,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
  ) {
    this.downstream = new Downstream(core, neighbours, false);
  }

  of(member: MemberId): Tree | undefined {
    const tree = this.byHandle.get(handleOf(member));
    return tree?.source === member ? tree : undefined;
  }

  /** Plans a tree for a member. Of two members with one handle the lower id keeps it. */
  add(member: MemberId): void {
    const handle = handleOf(member);
    const holder = this.byHandle.get(handle);
    if (holder && holder.source <= member) return;
    if (holder) this.remove(holder.source);
    const tree = new Tree(member, member === this.core.selfId);
    tree.blocked = this.#isBlockedMember(member);
    this.byHandle.set(handle, tree);
    for (const [peer, offer] of this.#earlyOffers.get(handle) ?? []) {
      if (!tree.own && this.neighbours.link(peer)) tree.offers.set(peer, offer);
    }
    this.#earlyOffers.delete(handle);
    if (tree.own)
      for (const link of this.neighbours.links()) this.downstream.introduce(tree, link.peer, link.tag);
    else if (this.neighbours.lively(member)) tree.retryAtMs = this.core.nowMs;
    this.#mark(tree);
    this.core.viewChanged = true;
  }

  /**
   * Forgets a member's tree. What neighbours offered is kept for a while: a member declared gone by mistake comes
   * back, and neighbours that never lost it will not offer again.
   *
   * @param lost it did not say goodbye itself: others may go on with the tree and must hear that we do not
   */
  remove(member: MemberId, lost = false): void {
    const tree = this.of(member);
    if (!tree) return;
    if (lost) this.#abandon(tree);
    if (lost) this.downstream.advertise(tree);
    this.byHandle.delete(tree.handle);
    this.#marked.delete(tree);
    if (tree.offers.size > 0) this.#keepEarly(tree.handle, tree.offers);
    this.core.viewChanged = true;
  }

  /** Offers for a source whose roster entry has not arrived yet: news of trees may overtake news of members. */
  #keepEarly(handle: Handle, offers: ReadonlyMap<MemberId, RouteOffer>): void {
    const kept = this.#earlyOffers.get(handle) ?? new Map<MemberId, RouteOffer>();
    for (const [peer, offer] of offers) kept.set(peer, offer);
    this.#earlyOffers.delete(handle);
    this.#earlyOffers.set(handle, kept);
    for (const oldest of this.#earlyOffers.keys()) {
      if (this.#earlyOffers.size <= MAX_EARLY_SOURCES) break;
      this.#earlyOffers.delete(oldest);
    }
  }

  linkUp(neighbour: Neighbour): void {
    for (const tree of this.byHandle.values()) this.downstream.introduce(tree, neighbour.peer, neighbour.tag);
  }

  linkDown(peer: MemberId): void {
    this.core.discard(peer);
    for (const kept of this.#earlyOffers.values()) kept.delete(peer);
    for (const tree of this.byHandle.values()) {
      tree.dropNeighbour(peer);
      this.#mark(tree);
    }
  }

  /** A neighbour fell silent or leaves: the trees it serves look for another parent now. */
  neighbourFailing(peer: MemberId): void {
    for (const tree of this.byHandle.values()) if (tree.expects(peer)) this.#mark(tree);
  }

  setBlocked(identity: Identity, blocked: boolean): void {
    if (blocked) this.#blocked.add(identity);
    else this.#blocked.delete(identity);
    for (const tree of this.byHandle.values()) {
      const now = this.#isBlockedMember(tree.source);
      if (now === tree.blocked) continue;
      tree.blocked = now;
      if (now) this.#abandon(tree);
      tree.retryAtMs = 0;
      this.#mark(tree);
      this.core.viewChanged = true;
    }
  }

  setShed(shed: boolean): void {
    this.downstream.shed = shed;
    this.limitsChanged();
  }

  limitsChanged(): void {
    for (const tree of this.byHandle.values()) {
      const surplus = tree.stayingChildren - this.downstream.capacity(tree);
      const staying = [...tree.children].filter(([, child]) => child.leavingAtMs === Infinity);
      for (const [peer] of staying.slice(0, Math.max(0, surplus))) this.downstream.move(tree, peer, []);
      tree.advertAtMs = this.core.nowMs;
      this.#mark(tree);
    }
  }

  /** Goodbye: children are sent to their next-best, and served until they found it. */
  leave(): void {
    for (const tree of this.byHandle.values()) {
      for (const child of tree.forwardTo) {
        this.downstream.move(tree, child, !tree.own && tree.parent !== undefined ? [tree.parent] : []);
      }
    }
  }

  onOffers(from: MemberId, offers: readonly RouteOffer[]): void {
    for (const offer of offers) {
      const tree = this.byHandle.get(offer.source);
      if (!tree) {
        if (Number.isFinite(offer.costMs)) this.#keepEarly(offer.source, new Map([[from, offer]]));
        else this.#earlyOffers.get(offer.source)?.delete(from);
        continue;
      }
      if (tree.own) {
        this.#noteRoomBelow(tree, from, offer);
        continue;
      }
      this.#noteRoomBelow(tree, from, offer);
      if (Number.isFinite(offer.costMs)) {
        if (tree.parent === undefined && (offer.freeSlots > 0 || !tree.offers.has(from))) {
          tree.retryAtMs = this.core.nowMs;
          tree.retryDelayMs = 0;
        }
        tree.offers.set(from, offer);
        if (offer.freeSlots > 0) tree.refusedUntilMs.delete(from);
      } else tree.offers.delete(from);
      this.#mark(tree);
    }
  }

  #noteRoomBelow(tree: Tree, from: MemberId, offer: RouteOffer): void {
    const child = tree.children.get(from);
    if (child) {
      child.freeSlots = offer.freeSlots;
      child.capacity = offer.capacity;
    }
  }

  onSubscribe(from: MemberId, requests: readonly SubscribeRequest[]): void {
    for (const request of requests) {
      const tree = this.byHandle.get(request.source);
      if (tree) {
        this.downstream.onSubscribe(tree, from, request);
        this.#mark(tree);
      } else this.core.reject(from, { source: request.source, reason: 'leaf', redirects: [] });
    }
  }

  onUnsubscribe(from: MemberId, sources: readonly Handle[]): void {
    for (const source of sources) {
      const tree = this.byHandle.get(source);
      if (!tree) continue;
      this.downstream.onUnsubscribe(tree, from);
      this.#mark(tree);
    }
  }

  onAccept(from: MemberId, acceptances: readonly Acceptance[]): void {
    const { core } = this;
    for (const { source, adopt } of acceptances) {
      const tree = this.byHandle.get(source);
      const ask = tree?.asked.get(from);
      if (!tree || !ask || tree.blocked) {
        if (!tree || !tree.expects(from)) core.unsubscribe(from, source);
        continue;
      }
      tree.asked.delete(from);
      if (adopt !== undefined && adopt !== core.selfId)
        tree.adopting.set(adopt, core.nowMs + core.config.handoverMs);
      if (tree.parent === undefined) this.#setParent(tree, from);
      else if (ask.improving) {
        const old = tree.parent;
        this.#setParent(tree, from);
        if (tree.speaking && this.neighbours.lively(old))
          tree.feeds.set(old, core.nowMs + core.config.handoverMs);
        else core.unsubscribe(old, source);
      } else if (tree.stalled) tree.feeds.set(from, core.nowMs + core.config.stallGiveUpMs);
      else if (from !== tree.parent) core.unsubscribe(from, source);
      this.#mark(tree);
    }
  }

  onReject(from: MemberId, rejections: readonly Rejection[]): void {
    const { core } = this;
    for (const { source, reason, redirects } of rejections) {
      const tree = this.byHandle.get(source);
      if (!tree) continue;
      this.#mark(tree);
      if (reason === 'moved') {
        if (from !== tree.parent) continue;
        const target = redirects.find((peer) => this.neighbours.lively(peer) && peer !== core.selfId);
        tree.hints = redirects;
        if (target !== undefined && !tree.asked.has(target)) this.#ask(tree, target, true);
        else tree.improveAtMs = core.nowMs;
        tree.refusedUntilMs.set(from, core.nowMs + core.config.handoverMs);
        continue;
      }
      const ask = tree.asked.get(from);
      tree.asked.delete(from);
      tree.feeds.delete(from);
      // Being sent down by a parent that makes room, or meeting a loop, deserves a quick second question.
      const pauseMs = core.jittered(ask?.improving ? RETRY_MS : core.config.refusalMs);
      tree.refusedUntilMs.set(from, core.nowMs + pauseMs);
      if (redirects.length > 0) tree.hints = redirects;
      if (from === tree.parent) tree.parent = undefined;
    }
  }

  onEpochRequest(from: MemberId, source: Handle, epoch: number): void {
    const tree = this.byHandle.get(source);
    if (!tree) return;
    const { core } = this;
    if (!tree.own) {
      if (tree.epoch === epoch && tree.parent !== undefined && tree.parent !== from) this.#requestEpoch(tree);
      return;
    }
    if (epochNewer(tree.epoch, epoch) || core.nowMs - tree.epochAdvancedMs < core.config.epochIntervalMs)
      return;
    tree.epoch = (tree.epoch + 1) & 0xffff;
    tree.epochAdvancedMs = core.nowMs;
    tree.advertAtMs = core.nowMs;
    this.#mark(tree);
  }

  #requestEpoch(tree: Tree): void {
    const { core } = this;
    if (tree.parent === undefined || core.nowMs - tree.epochRequestedMs < 2 * core.config.epochIntervalMs)
      return;
    tree.epochRequestedMs = core.nowMs;
    core.send(tree.parent, { type: 'epoch-request', source: tree.handle, epoch: tree.epoch });
  }

  /** Neighbours on the way to a member: its own tree, walked upwards. */
  routesTo(member: MemberId): MemberId[] {
    const tree = this.of(member);
    if (!tree) return [];
    const routes = this.#candidates(tree, true).sort((a, b) => a.totalMs - b.totalMs);
    const hops = routes.map((candidate) => candidate.peer);
    if (tree.parent !== undefined) hops.unshift(tree.parent);
    return hops;
  }

  /**
   * The soonest way to hear each source that the neighbours' offers hold, and the next best through another neighbour:
   * what the links are judged by. Not the present parents, which follow a little later.
   */
  prospects(): Prospect[] {
    const prospects: Prospect[] = [];
    for (const tree of this.byHandle.values()) {
      if (tree.own || tree.blocked) continue;
      let peer: MemberId | undefined;
      let costMs = Infinity;
      let alternativeMs = Infinity;
      for (const [candidate, offer] of tree.offers) {
        const link = this.neighbours.lively(candidate);
        if (!link || offer.path.includes(this.core.selfTag)) continue;
        const totalMs = offer.costMs + link.costMs;
        if (totalMs < costMs) {
          alternativeMs = costMs;
          costMs = totalMs;
          peer = candidate;
        } else if (totalMs < alternativeMs) alternativeMs = totalMs;
      }
      prospects.push({ source: tree.handle, peer, costMs, alternativeMs });
    }
    return prospects;
  }

  /** Hot path: a packet came from a neighbour. */
  receive(from: MemberId, header: VoiceHeader, hopLimit: number): PacketVerdict {
    const verdict = this.#verdict;
    verdict.deliver = false;
    verdict.forwardTo = NOBODY;
    verdict.keep = false;
    const tree = this.byHandle.get(header.source);
    if (!tree || tree.own) return verdict;
    const { nowMs } = this.core;
    if (!tree.expects(from) && nowMs - tree.unsolicitedAtMs > UNSOLICITED_MS) {
      tree.unsolicited = from;
      tree.unsolicitedAtMs = nowMs;
      this.#schedule(tree, nowMs);
    }
    if (tree.blocked) return verdict;
    const fresh = tree.window.note(header.streamEpoch, header.sequence);
    if (tree.feeds.size > 0 && tree.winner === undefined && (tree.stalled ? fresh : from === tree.parent)) {
      tree.winner = from;
      this.#schedule(tree, nowMs);
    }
    if (!fresh) return verdict;
    tree.lastFrameMs = nowMs;
    tree.stalled = false;
    if (tree.window.newest === header.sequence >>> 0) tree.speaking = !header.endOfSpurt;
    if (tree.speaking) this.#schedule(tree, nowMs + this.core.config.stallMs);
    verdict.deliver = true;
    verdict.keep = true;
    if (hopLimit > 0 && tree.forwardTo.length > 0) {
      verdict.forwardTo = tree.children.has(from)
        ? tree.forwardTo.filter((peer) => peer !== from)
        : tree.forwardTo;
    }
    return verdict;
  }

  /** Hot path: a packet of the own voice. */
  sendOwn(endOfSpurt: boolean): PacketVerdict {
    const verdict = this.#verdict;
    const tree = this.of(this.core.selfId);
    if (tree) tree.speaking = !endOfSpurt;
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
    }
    const due = nowMs >= this.nextMs;
    if (due) {
      for (const tree of this.byHandle.values()) if (nowMs >= tree.dueMs) this.#mark(tree);
    }
    if (this.#marked.size === 0 && !due) return;
    for (const tree of this.#marked) this.#service(tree);
    this.#marked.clear();
    let next = this.#nextReviewMs;
    for (const tree of this.byHandle.values()) {
      // What can wait waits for company: one tick serves many silent trees.
      if (tree.dueMs - nowMs > TICK_MS && !tree.speaking)
        tree.dueMs = Math.ceil(tree.dueMs / TICK_MS) * TICK_MS;
      if (tree.dueMs < next) next = tree.dueMs;
    }
    this.nextMs = next;
  }

  /** Marks the trees that a link whose cost changed could serve. */
  #reviewLinks(): void {
    const moved: MemberId[] = [];
    for (const link of this.neighbours.all.values()) {
      const shiftMs = Math.abs(link.costMs - link.reviewedCostMs);
      if (!link.linked || shiftMs <= Math.max(REVIEW_CHANGE_MS, REVIEW_SHARE * link.reviewedCostMs)) continue;
      link.reviewedCostMs = link.costMs;
      moved.push(link.peer);
    }
    if (moved.length === 0) return;
    for (const tree of this.byHandle.values())
      if (!tree.own && moved.some((peer) => tree.offers.has(peer))) this.#mark(tree);
  }

  views(): TreeView[] {
    return [...this.byHandle.values()].map((tree) => ({
      sourceId: tree.source,
      parentId: tree.parent,
      childIds: [...tree.forwardTo],
      backupIds: tree.own ? [] : this.#backups(tree),
      hops: tree.own ? 0 : tree.connected ? tree.path.length : undefined,
      costMs: tree.connected ? tree.costMs : undefined,
    }));
  }

  /** Sources without any parent for longer than `ms`: somebody should open a link for them. */
  unserved(ms: number): Tree[] {
    const since = this.core.nowMs - ms;
    return [...this.byHandle.values()].filter(
      (tree) => tree.unservedSinceMs !== undefined && tree.unservedSinceMs <= since && !tree.blocked,
    );
  }

  /** One-way delay from a source to here, ms; Infinity when it is not heard. */
  costOf(source: Handle): number {
    const tree = this.byHandle.get(source);
    return tree?.connected ? tree.costMs : Infinity;
  }

  /** Whether words pass over the link to a neighbour at this moment, in either direction. */
  carriesSpeech(peer: MemberId): boolean {
    for (const tree of this.byHandle.values())
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

  #schedule(tree: Tree, atMs: number): void {
    if (atMs < tree.dueMs) tree.dueMs = atMs;
    if (tree.dueMs < this.nextMs) this.nextMs = tree.dueMs;
  }

  #service(tree: Tree): void {
    const { core, downstream } = this;
    tree.dueMs = downstream.expire(tree);
    if (!tree.own) this.#serviceUpstream(tree);
    downstream.noteChange(tree);
    if (core.nowMs >= tree.advertAtMs) downstream.advertise(tree);
    if (core.nowMs >= tree.lagAtMs) downstream.catchUp(tree);
    tree.dueMs = Math.min(tree.dueMs, tree.advertAtMs, tree.lagAtMs);
  }

  #serviceUpstream(tree: Tree): void {
    const { core, neighbours } = this;
    const { nowMs, config } = core;
    if (tree.unsolicited !== undefined) {
      if (!tree.expects(tree.unsolicited)) core.unsubscribe(tree.unsolicited, tree.handle);
      tree.unsolicited = undefined;
    }
    if (tree.blocked) return;
    this.#settleRace(tree);
    this.#expireUpstream(tree);

    if (tree.parent !== undefined && !neighbours.lively(tree.parent)) {
      // One that said goodbye still delivers while another is found.
      if (neighbours.link(tree.parent)?.retiring) tree.feeds.set(tree.parent, nowMs + config.retireMs);
      else core.unsubscribe(tree.parent, tree.handle);
      tree.parent = undefined;
      tree.retryAtMs = nowMs;
    }
    if (tree.parent !== undefined) this.#followParent(tree, tree.parent);
    if (tree.parent === undefined) this.#promoteFeed(tree);

    if (tree.speaking && nowMs >= tree.lastFrameMs + config.stallGiveUpMs) this.#endStall(tree);
    const stalledNow = tree.speaking && nowMs >= tree.lastFrameMs + config.stallMs;
    if (stalledNow && !tree.stalled) {
      tree.stalled = true;
      tree.nextRaceMs = nowMs;
      tree.raceTried.clear();
    }
    if (tree.parent === undefined) {
      tree.unservedSinceMs ??= nowMs;
      if (nowMs >= tree.retryAtMs) this.#findParent(tree);
      tree.dueMs = Math.min(tree.dueMs, Math.max(tree.retryAtMs, nowMs + 1));
    } else if (tree.stalled) {
      if (nowMs >= tree.nextRaceMs) this.#race(tree);
      tree.dueMs = Math.min(tree.dueMs, tree.nextRaceMs);
    } else this.#improve(tree, tree.parent);
    if (tree.speaking)
      tree.dueMs = Math.min(tree.dueMs, tree.lastFrameMs + config.stallMs + (tree.stalled ? 1e9 : 0));
    if (tree.speaking) tree.dueMs = Math.min(tree.dueMs, tree.lastFrameMs + config.stallGiveUpMs);
  }

  /** Whoever delivered first after a stall, or proved to deliver after a hand-over, is the parent; the rest may stop. */
  #settleRace(tree: Tree): void {
    const { winner } = tree;
    if (winner === undefined) return;
    tree.winner = undefined;
    if (winner !== tree.parent) {
      if (!tree.feeds.has(winner)) return;
      if (tree.parent !== undefined) this.core.unsubscribe(tree.parent, tree.handle);
      this.#setParent(tree, winner);
    }
    for (const peer of tree.feeds.keys()) this.core.unsubscribe(peer, tree.handle);
    tree.feeds.clear();
    for (const [peer, ask] of tree.asked) {
      if (ask.improving) continue;
      tree.asked.delete(peer);
      this.core.unsubscribe(peer, tree.handle);
    }
  }

  #expireUpstream(tree: Tree): void {
    const { nowMs, config } = this.core;
    for (const [peer, untilMs] of tree.feeds) {
      if (nowMs >= untilMs) {
        tree.feeds.delete(peer);
        this.core.unsubscribe(peer, tree.handle);
      } else tree.dueMs = Math.min(tree.dueMs, untilMs);
    }
    for (const [peer, ask] of tree.asked) {
      const untilMs = ask.atMs + config.answerTimeoutMs;
      if (nowMs >= untilMs || !this.neighbours.lively(peer)) {
        tree.asked.delete(peer);
        this.core.unsubscribe(peer, tree.handle);
        tree.refusedUntilMs.set(peer, nowMs + config.refusalMs);
      } else tree.dueMs = Math.min(tree.dueMs, untilMs);
    }
    for (const [peer, untilMs] of tree.refusedUntilMs) if (nowMs >= untilMs) tree.refusedUntilMs.delete(peer);
  }

  /** Takes over the parent's present cost and path; lets go of a parent that lost its own route or runs through here. */
  #followParent(tree: Tree, parent: MemberId): void {
    const { core } = this;
    const offer = tree.offers.get(parent);
    const link = this.neighbours.link(parent);
    if (!offer || !link) {
      if (core.nowMs >= tree.provisionalUntilMs) {
        core.unsubscribe(parent, tree.handle);
        tree.parent = undefined;
      } else tree.dueMs = Math.min(tree.dueMs, tree.provisionalUntilMs);
      return;
    }
    if (offer.path.includes(core.selfTag) || offer.path.length >= MAX_PATH_HOPS) {
      core.unsubscribe(parent, tree.handle);
      tree.refusedUntilMs.set(parent, core.nowMs + core.jittered(core.config.refusalMs));
      tree.parent = undefined;
      return;
    }
    tree.costMs = offer.costMs + link.costMs;
    if (
      tree.path.length !== offer.path.length + 1 ||
      tree.path.at(-1) !== link.tag ||
      offer.path.some((tag, i) => tag !== tree.path[i])
    ) {
      tree.path = [...offer.path, link.tag];
    }
    if (epochNewer(offer.epoch, tree.epoch)) {
      tree.epoch = offer.epoch;
      tree.feasibleMs = tree.costMs;
    }
  }

  /** A second parent that is still sending becomes the parent at once. */
  #promoteFeed(tree: Tree): void {
    for (const peer of tree.feeds.keys()) {
      const offer = tree.offers.get(peer);
      if (!offer || !this.neighbours.lively(peer) || offer.path.includes(this.core.selfTag)) continue;
      tree.feeds.delete(peer);
      this.#setParent(tree, peer);
      return;
    }
  }

  #setParent(tree: Tree, peer: MemberId): void {
    const { core } = this;
    tree.parent = peer;
    tree.feeds.delete(peer);
    tree.unservedSinceMs = undefined;
    tree.retryDelayMs = 0;
    tree.hints = [];
    tree.improveAtMs = core.nowMs + core.jittered(core.config.advertDelayMs);
    core.viewChanged = true;
    if (tree.offers.has(peer)) this.#followParent(tree, peer);
    else {
      // A parent that was only just told to take us offers in a moment; until then guess one hop below the old place.
      tree.provisionalUntilMs = core.nowMs + core.config.handoverMs;
      const link = this.neighbours.link(peer);
      tree.path = [...tree.path.slice(0, MAX_PATH_HOPS - 1), link?.tag ?? 0];
      tree.costMs = (Number.isFinite(tree.costMs) ? tree.costMs : 0) + (link?.costMs ?? 0);
    }
  }

  #candidates(tree: Tree, refusedToo = false): Candidate[] {
    const { core, neighbours } = this;
    const candidates: Candidate[] = [];
    for (const [peer, offer] of tree.offers) {
      const link = neighbours.lively(peer);
      if (!link || offer.path.length >= MAX_PATH_HOPS || offer.path.includes(core.selfTag)) continue;
      if (!refusedToo && (tree.refusedUntilMs.has(peer) || tree.children.has(peer))) continue;
      candidates.push({
        peer,
        totalMs: offer.costMs + link.costMs,
        reportedMs: offer.costMs,
        newerEpoch: epochNewer(offer.epoch, tree.epoch),
        olderEpoch: epochNewer(tree.epoch, offer.epoch),
        freeSlots: offer.freeSlots,
        path: offer.path,
      });
    }
    return candidates;
  }

  #backups(tree: Tree): MemberId[] {
    const candidates = this.#candidates(tree).filter((candidate) => !tree.asked.has(candidate.peer));
    const parentTag = tree.path.at(-1) ?? 0;
    return chooseBackups(
      candidates,
      { parent: tree.parent, parentTag, path: tree.path },
      this.core.config.backups,
    );
  }

  #ask(tree: Tree, peer: MemberId, improving: boolean): void {
    const { core } = this;
    tree.asked.set(peer, { atMs: core.nowMs, improving });
    core.subscribe(peer, {
      source: tree.handle,
      urgent: tree.speaking && !improving,
      unserved: tree.parent === undefined,
      capacity: this.downstream.capacity(tree),
      freeSlots: this.downstream.roomBelow(tree),
      fromSequence: tree.replayFrom,
    });
    tree.dueMs = Math.min(tree.dueMs, core.nowMs + core.config.answerTimeoutMs);
  }

  #findParent(tree: Tree): void {
    const { core } = this;
    const wanted = tree.speaking ? core.config.stallAsks : 1;
    if (tree.asked.size >= wanted) {
      tree.retryAtMs = core.nowMs + RETRY_MS;
      return;
    }
    const candidates = this.#candidates(tree).filter((candidate) => !tree.asked.has(candidate.peer));
    const chosen = chooseFirstParent(candidates, tree.hints);
    if (chosen) {
      this.#ask(tree, chosen.peer, false);
      // While speech is being missed a second one is asked along: the first to deliver wins.
      const second = tree.speaking && candidates.filter((candidate) => candidate !== chosen);
      if (second && second.length > 0 && tree.asked.size < wanted) {
        const backup = chooseFirstParent(second, []);
        if (backup && backup.freeSlots > 0) this.#ask(tree, backup.peer, false);
      }
    }
    tree.hints = tree.hints.filter((hint) => hint !== chosen?.peer);
    tree.retryDelayMs = Math.min(RETRY_MAX_MS, Math.max(RETRY_MS, tree.retryDelayMs * 2));
    tree.retryAtMs = core.nowMs + (tree.speaking ? RETRY_MS : core.jittered(tree.retryDelayMs));
  }

  /** Speech is due and missing: backups are asked for it, the parent is kept in case it only hiccups. */
  #race(tree: Tree): void {
    const { core } = this;
    tree.nextRaceMs = core.nowMs + core.config.stallRetryMs;
    const parentTag = tree.path.at(-1) ?? 0;
    const candidates = this.#candidates(tree).filter(
      ({ peer }) => !tree.raceTried.has(peer) && !tree.asked.has(peer) && !tree.feeds.has(peer),
    );
    for (const peer of chooseBackups(
      candidates,
      { parent: tree.parent, parentTag, path: tree.path },
      core.config.stallAsks,
    )) {
      tree.raceTried.add(peer);
      this.#ask(tree, peer, false);
    }
  }

  /** Nobody has more: the source itself fell silent without saying so. */
  #endStall(tree: Tree): void {
    tree.speaking = false;
    tree.stalled = false;
    for (const peer of [...tree.feeds.keys(), ...tree.asked.keys()]) {
      if (peer !== tree.parent) this.core.unsubscribe(peer, tree.handle);
    }
    tree.feeds.clear();
    tree.asked.clear();
  }

  #improve(tree: Tree, parent: MemberId): void {
    const { core } = this;
    if (tree.asked.size > 0 || tree.feeds.size > 0) return;
    if (core.nowMs < tree.improveAtMs) {
      tree.dueMs = Math.min(tree.dueMs, tree.improveAtMs);
      return;
    }
    const candidates = this.#candidates(tree);
    const { config } = core;
    // A silent tree may risk a loop for a round trip: paths end it, and nothing is carried meanwhile.
    const feasibleMs = tree.speaking ? tree.feasibleMs : Infinity;
    const present = { parent, costMs: tree.costMs, feasibleMs };
    const least = tree.speaking
      ? { switchGain: config.speakingSwitchGain, switchGainMs: config.speakingSwitchGainMs }
      : config;
    const better = chooseBetterParent(candidates, present, least);
    if (better) {
      this.#ask(tree, better.peer, true);
      tree.improveAtMs = core.nowMs + core.jittered(core.config.improveIntervalMs);
      return;
    }
    const barred =
      tree.speaking && chooseBetterParent(candidates, { ...present, feasibleMs: Infinity }, least);
    if (barred) {
      this.#requestEpoch(tree);
      tree.improveAtMs = core.nowMs + core.jittered(core.config.improveIntervalMs);
    }
  }

  /** Blocked: not a packet more in or out, no offer, no child. */
  #abandon(tree: Tree): void {
    const { core } = this;
    for (const peer of [tree.parent, ...tree.feeds.keys(), ...tree.asked.keys()]) {
      if (peer !== undefined) core.unsubscribe(peer, tree.handle);
    }
    tree.parent = undefined;
    tree.feeds.clear();
    tree.asked.clear();
    tree.speaking = tree.stalled = false;
    tree.winner = undefined;
    tree.unservedSinceMs = undefined;
    this.downstream.expel(tree);
    tree.advertAtMs = core.nowMs;
  }
}
