/**
 * When trees lie dormant and when they wake. In a large room nobody keeps the tree of who has said nothing for long: the
 * plan does (`plan.ts`), without a message or a byte. Its source decides that it lies down, and the word goes down the
 * tree. It wakes with the first packet, which takes the way planned, and by offers, which reach whom the plan passed by;
 * even who blocks a voice says that its tree is awake, for the sake of those who hear of it from nobody else. Whoever offers
 * trees that nothing is said in wakes its neighbours at most, which costs what all trees would cost were they kept.
 */

import type { Handle, MemberId } from '../units.js';
import { MAX_SOURCES_PER_MESSAGE, type RouteOffer, type SubscribeRequest } from '../wire/control.js';
import type { Core } from './core.js';
import type { Downstream } from './downstream.js';
import type { TreeView } from './interface.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import type { TwoWays } from './link-map.js';
import type { Plan } from './plan.js';
import type { Roster } from './roster.js';
import type { Slots } from './slots.js';
import type { Source } from './source.js';
import { Tree } from './tree.js';
import type { Upstream } from './upstream.js';

/** How long a tree that woke by no offer of its own waits for the voice itself before it looks for a parent, ms: offers follow behind. */
const FIRST_WORD_MS = 30;
/** What was said is sent again, as far as it is kept, to those who ask so soon after the source spoke up, ms. */
export const FIRST_WORDS_KEPT_MS = 2000;
/** Offers that come so soon after a tree lay down were on their way, ms. */
const DEAF_MS = 800;
/** How long a room must seem small to a newcomer, ms: the first who answers tells how many there are. */
const SMALL_MS = 500;
/** How long a room must be large until the trees of those who never spoke lie down, ms: the map is there by then. */
const UNUSED_MS = 4000;
/** How long nobody may offer a tree in which nothing is heard until it lies down, ms: above `unreachableMs`, to look elsewhere first … */
const FORLORN_MS = 5000;
/** … or so long, where nothing was ever heard or said to be spoken and the plan has a way: it woke by an offer out of date. */
const MISTAKEN_MS = 1500;
/** … and when a neighbour that lay down while this tree stands is told again that it does, ms. */
const HINT_AGAIN_MS = 5000;
/** How long a member may be without any way by a map that lacks records before it counts as out of reach, ms: they are on their way, in a very large room for longer. */
const UNMAPPED_MS = 10_000;
/** Dormant trees are reviewed so often even if no way changed, ms: members come and are unblocked. */
const REVIEW_AGAIN_MS = 5000;
const NOBODY: readonly MemberId[] = [];

/** What trees are kept in. */
export interface TreeTable {
  readonly byHandle: ReadonlyMap<Handle, Source>;
  /** Those that are not dormant. */
  readonly awake: Set<Tree>;
  /** Rows of the neighbours' columns. */
  readonly slots: Slots<Handle>;
  /** The tree is looked at before this call ends … */
  mark(tree: Tree): void;
  /** … or at this time at the latest, ms. */
  schedule(tree: Tree, atMs: number): void;
  /** Nothing is due in it any more, nor expected of its source. */
  setAside(tree: Tree): void;
  /** Its source speaks. */
  speaks(tree: Tree): void;
  /** A voice is said to be there that nobody around passes on. */
  lacks(source: Source): void;
}

export class Dormancy {
  /** When it is clear that the room is small; Infinity while it is not. */
  #smallAtMs = Infinity;
  #largeSinceMs = Infinity;
  /** Ways by which trees were last reviewed: the same ones lead to the same members. */
  #reviewedWays: TwoWays | undefined = undefined;
  #reviewedAtMs = 0;
  /** Sources whose trees lay down so lately that offers do not wake them, with the end of that, ms, soonest first. */
  readonly #deafUntilMs = new Map<Source, number>();

  constructor(
    readonly core: Core,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
    readonly plan: Plan,
    readonly upstream: Upstream,
    readonly downstream: Downstream,
    readonly table: TreeTable,
  ) {}

  /** When `tick` has something to do, ms. */
  get nextMs(): number {
    const smallAtMs = this.table.awake.size < this.table.byHandle.size ? this.#smallAtMs : Infinity;
    if (this.#deafUntilMs.size === 0) return smallAtMs;
    const [soonestMs = Infinity] = this.#deafUntilMs.values();
    return Math.min(smallAtMs, soonestMs);
  }

  tick(): void {
    const { nowMs } = this.core;
    for (const [source, untilMs] of this.#deafUntilMs) {
      if (nowMs < untilMs) break;
      this.#hearAgain(source);
    }
    this.#wakeInSmallRoom();
  }

  /** Looks at trees that nothing happens to: lets those lie down that nobody needs, and takes note of sources out of reach. */
  review(): void {
    this.#restOwn();
    this.#reviewPlan();
  }

  /** From now on the tree is kept by what neighbours say of it. */
  wake(source: Source): Tree {
    const { nowMs } = this.core;
    const tree = new Tree(source, this.table.slots.take(source.handle), nowMs);
    source.tree = tree;
    source.unservedSinceMs = undefined;
    this.#deafUntilMs.delete(source);
    tree.retryAtMs = this.roster.isLarge ? nowMs + FIRST_WORD_MS : nowMs;
    tree.hintAtMs = this.roster.isLarge ? nowMs + this.core.config.advertDelayMs : Infinity;
    this.table.awake.add(tree);
    if (tree.own) for (const link of this.neighbours.links()) this.downstream.introduce(tree, link);
    this.table.schedule(tree, nowMs);
    this.table.mark(tree);
    return tree;
  }

  /** The plan has these below here: they are served without being asked, and say so if they would rather not. */
  #adoptPlanned(tree: Tree, except: MemberId): void {
    const most = this.downstream.capacity(tree);
    // Those who may just as well hang elsewhere get no more than is planned: all that wake together would fill the lines.
    const mostLikely = Math.min(most, this.downstream.rank(tree));
    const planned = this.plan
      .firstListeners(tree.handle)
      .filter(({ peer }) => peer !== except && peer !== tree.source && !tree.children.has(peer))
      // Who offers it is awake already, and asks for what it lacks.
      .filter(({ peer }) => this.neighbours.link(peer)?.offers.has(tree.slot) !== true)
      .map(({ peer, isChild }) => ({ peer, isChild, capacity: this.roster.get(peer)?.uploadSlots ?? 0 }))
      // Whoever is sure to hang here comes first: all hear a source with one slot through its one child.
      .sort((a, b) => Number(b.isChild) - Number(a.isChild) || b.capacity - a.capacity);
    for (const { peer, isChild, capacity } of planned)
      if (tree.stayingChildren < (isChild ? most : mostLikely))
        tree.addChild(peer, { capacity, freeSlots: 0, isSpared: false });
  }

  /** A source of which nothing was heard for long speaks: its first packet came down the plan. */
  wakeWith(source: Source, from: MemberId): Tree {
    const tree = this.wake(source);
    if (!tree.blocked && this.neighbours.lively(from)) this.upstream.begin(tree, from);
    this.firstWords(tree, from);
    return tree;
  }

  /** Passes the first packet on to those the plan has below here, who may not have heard that the tree is awake. */
  firstWords(tree: Tree, from: MemberId): void {
    tree.hasPassedWords = true;
    if (tree.blocked || !this.roster.isLarge) return;
    this.table.speaks(tree);
    this.#adoptPlanned(tree, from);
  }

  /**
   * From now on the plan alone keeps the tree.
   *
   * @param told who said so: it needs no answer
   */
  #lieDown(tree: Tree, told: MemberId | undefined): void {
    const { core, neighbours } = this;
    for (const peer of [tree.parent, ...tree.feeds.keys(), ...tree.asked.keys()])
      if (peer !== undefined && peer !== told) core.unsubscribe(peer, tree.handle);
    for (const { peer, offers, told: state } of neighbours.linked) {
      const isAwakeThere = state.get(tree.slot) !== 0 || offers.has(tree.slot) || tree.children.has(peer);
      if (isAwakeThere && peer !== told) core.dormant(peer, tree.handle);
      offers.delete(tree.slot);
      state.set(tree.slot, 0);
    }
    this.table.slots.release(tree.handle);
    this.#reviewedWays = undefined;
    tree.root.tree = undefined;
    tree.root.unservedSinceMs = undefined;
    this.#deafUntilMs.set(tree.root, core.nowMs + DEAF_MS);
    this.table.awake.delete(tree);
    this.table.setAside(tree);
    core.viewChanged = true;
  }

  /** Whether something was said lately enough for the tree to be kept. */
  #isRecent(tree: Tree, shareOfTime: number): boolean {
    const { nowMs, config } = this.core;
    return tree.speaking || nowMs - tree.lastFrameMs < shareOfTime * config.dormantMs;
  }

  /** A neighbour keeps these trees by its plan. The word goes from each source down its tree. */
  onDormant(from: Neighbour, sources: readonly Handle[]): void {
    for (const source of sources) {
      const tree = this.table.byHandle.get(source)?.tree;
      if (!tree) {
        from.offers.delete(this.table.slots.of(source));
        continue;
      }
      from.offers.delete(tree.slot);
      from.told.set(tree.slot, 0);
      tree.feeds.delete(from.peer);
      tree.asked.delete(from.peer);
      const wasParent = tree.parent === from.peer;
      if (this.#isRecent(tree, 0.5)) {
        // It lay down while this tree woke, and forgot what it was told meanwhile.
        tree.advertAtMs = Math.min(tree.advertAtMs, this.core.nowMs);
        if (wasParent) this.upstream.lose(tree);
        this.table.mark(tree);
        continue;
      }
      tree.removeChild(from.peer);
      const isOver =
        wasParent ||
        from.peer === tree.source ||
        (tree.parent === undefined && !this.neighbours.isOffered(tree.slot));
      if (isOver && !tree.own && this.roster.isLarge) this.#lieDown(tree, from.peer);
      else {
        // It may be one that only hears from here that something is said: it is told again, if this tree still stands then.
        tree.hintAtMs = Math.min(tree.hintAtMs, this.core.nowMs + HINT_AGAIN_MS);
        this.table.mark(tree);
      }
    }
  }

  /** In a small room no tree is dormant, once it is clear that it is one. */
  #wakeInSmallRoom(): void {
    const { nowMs } = this.core;
    if (this.neighbours.all.size === 0 || this.roster.seemsLarge(nowMs)) this.#smallAtMs = Infinity;
    else if (this.#smallAtMs === Infinity) this.#smallAtMs = nowMs + SMALL_MS;
    if (nowMs < this.#smallAtMs || this.table.awake.size === this.table.byHandle.size) return;
    for (const source of this.table.byHandle.values()) if (!source.tree) this.wake(source);
  }

  /** Lets the own tree lie down when nothing was said for long, and wakes it where plans are not good enough. */
  #restOwn(): void {
    const { nowMs, config, selfHandle } = this.core;
    const own = this.table.byHandle.get(selfHandle);
    if (!this.roster.isLarge) {
      this.#largeSinceMs = Infinity;
      return;
    }
    this.#largeSinceMs = Math.min(this.#largeSinceMs, nowMs);
    if (this.plan.isNegotiated) {
      if (own && !own.tree) this.wake(own);
      return;
    }
    const tree = own?.tree;
    if (!tree) return;
    // A room that grew large has trees of those who never spoke.
    const isSilent = tree.lastFrameMs === -Infinity;
    const isSettled = nowMs - this.#largeSinceMs >= (isSilent ? UNUSED_MS : config.dormantMs);
    if (isSettled && !this.#isRecent(tree, 1)) this.#lieDown(tree, undefined);
  }

  /** Tells neighbours whose first words they need not send here. */
  tellUnwanted(links: readonly Neighbour[]): void {
    const sources: Handle[] = [];
    for (const { blocked, handle } of this.table.byHandle.values()) if (blocked) sources.push(handle);
    const message = { type: 'unwanted', sources: sources.slice(0, MAX_SOURCES_PER_MESSAGE) } as const;
    for (const { peer } of links) this.core.send(peer, message);
  }

  onUnwanted(from: Neighbour, sources: readonly Handle[]): void {
    from.unwanted = new Set(sources);
  }

  /** Wakes a dormant tree because of what a neighbour says of it, unless there is a reason not to. */
  wakeBy(source: Source, from: Neighbour, offer: RouteOffer): Tree | undefined {
    if (source.own) {
      // Nobody knows better than its source that nothing is said.
      this.core.dormant(from.peer, source.handle);
      return undefined;
    }
    if (offer.isSpeaking || !this.#deafUntilMs.has(source)) return this.wake(source);
    if (Number.isFinite(offer.costMs)) from.offers.set(this.table.slots.take(source.handle), offer);
    return undefined;
  }

  /** Somebody the voice passed by as it began, who has nothing yet to go on from. */
  sendFirstWords(tree: Tree, to: MemberId, { fromSequence }: SubscribeRequest): void {
    const { nowMs, effects } = this.core;
    const isSoon = nowMs - tree.spokeUpAtMs < FIRST_WORDS_KEPT_MS;
    if (fromSequence !== undefined || !isSoon || !tree.children.has(to)) return;
    effects.push({ type: 'replay', to, source: tree.handle, fromSequence: tree.spokeUpWith });
  }

  /** Whether a tree of a large room woke lately and still has no parent. */
  isWithheld(tree: Tree): boolean {
    const isNew = this.core.nowMs - tree.wokeAtMs < FORLORN_MS;
    return this.roster.isLarge && isNew && !tree.own && tree.root.unservedSinceMs !== undefined;
  }

  /** Whether nobody around has any use for the tree any more: it woke by mistake, or its source is out of reach. */
  #isForlorn(tree: Tree): boolean {
    const sinceMs = tree.root.unservedSinceMs ?? Infinity;
    const isMistaken = tree.played.empty && !tree.isSpokenOf && this.plan.costMs(tree.handle) < Infinity;
    return (
      this.roster.isLarge &&
      !tree.own &&
      this.core.nowMs - Math.max(sinceMs, tree.wokeAtMs) >= (isMistaken ? MISTAKEN_MS : FORLORN_MS) &&
      !this.#isRecent(tree, 1) &&
      !this.neighbours.isOffered(tree.slot)
    );
  }

  /** Notes which sources the plan has no way from. */
  #reviewPlan(): void {
    const { nowMs } = this.core;
    const isComplete = this.plan.isComplete;
    for (const tree of this.table.awake) {
      if (this.#isForlorn(tree)) this.#lieDown(tree, undefined);
      else if (this.isWithheld(tree) && !this.neighbours.isOffered(tree.slot)) this.table.lacks(tree.root);
    }
    const { ways } = this.plan;
    const unmappedMs = UNMAPPED_MS * this.roster.pacing;
    if (ways === this.#reviewedWays && nowMs - this.#reviewedAtMs < REVIEW_AGAIN_MS) return;
    this.#reviewedWays = ways;
    this.#reviewedAtMs = nowMs;
    for (const source of this.table.byHandle.values()) {
      if (source.tree || source.own) continue;
      if (ways.toMs(source.handle) < Infinity || source.blocked) source.unservedSinceMs = undefined;
      else source.unservedSinceMs ??= isComplete ? nowMs : Math.max(nowMs, source.addedAtMs + unmappedMs);
    }
  }

  /** Offers that came while it was deaf to them stand, or were taken back. */
  #hearAgain(source: Source): void {
    if (this.neighbours.isOffered(this.table.slots.of(source.handle))) this.wake(source);
    else this.forget(source);
  }

  /** Nothing is kept of a source whose tree is dormant. */
  forget(source: Source): void {
    this.#deafUntilMs.delete(source);
    for (const { offers } of this.neighbours.linked) offers.delete(this.table.slots.of(source.handle));
    this.table.slots.release(source.handle);
  }

  view(source: Source): TreeView {
    const { memberId: sourceId, handle, own, blocked } = source;
    const unserved = { sourceId, planned: true, parentId: undefined, childIds: NOBODY, backupIds: NOBODY };
    const { parentId, childIds, hops } = this.plan.shown(handle);
    if (own) return { ...unserved, childIds, hops: 0, costMs: 0 };
    if (blocked || parentId === undefined) return { ...unserved, hops: undefined, costMs: undefined };
    return { ...unserved, parentId, childIds, hops, costMs: this.plan.costMs(handle) };
  }
}
