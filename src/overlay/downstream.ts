/**
 * The lower half of a tree: children that come, go and are moved, and what neighbours are told about the tree. Above 400
 * lines: every child that comes, goes or is sold its place changes what is told, and whom to take is in `routes.ts`.
 */

import { handleOf, type MemberId } from '../units.js';
import { MAX_PATH_HOPS, type RouteOffer, type Stake, type SubscribeRequest } from '../wire/control.js';
import type { Core } from './core.js';
import { TOLD_ANCESTOR, TOLD_OFFER, type Neighbour, type Neighbours } from './neighbours.js';
import { childBurdenMs, decideChild, placePriceMs, type ChildState } from './routes.js';
import type { Told, Tree } from './tree.js';
import type { Plan } from './plan.js';
import { stayingWeakestFirst, type UploadBudget } from './upload-budget.js';

/** Who was sent away and comes back within so long without a parent found no other, ms. */
const RETURNING_MS = 10_000;
/** Changes of what burden is taken that neighbours are told, ms. */
const YIELD_CHANGE_MS = 12;

/** A tree that was left alone for so many times its last pause begins with the first one again. */
const YIELD_CALM = 4;
/** Each pause is so many times the one before. */
const YIELD_SLOWING = 1.6;
/** A price is told anew when it is so many times what was told, or told to be so many times it … */
const PRICE_CHANGE = 2;
/** … after about so long, ms: it changes whenever any child's other ways do. */
const PRICE_DELAY_MS = 600;
/** In place of none, ms · members. */
const MOST_PRICE_MS = 0xffff;

/** A copy that a child gets. */
interface Place {
  readonly tree: Tree;
  readonly child: MemberId;
  readonly lossMs: number;
}

export class Downstream {
  constructor(
    readonly core: Core,
    readonly neighbours: Neighbours,
    readonly budget: UploadBudget,
    readonly plan: Pick<Plan, 'hasOneSlot' | 'spreadMs' | 'isScarce' | 'relayMs'>,
  ) {}

  /** Copies of this source the member may send now. */
  capacity(tree: Tree): number {
    return this.budget.capacity(tree);
  }

  /** How strong a parent this member is beside others. */
  rank(tree: Tree): number {
    return this.budget.planned(tree);
  }

  /** What burden a member may be at most to take the place of a child when no slot is free, ms. */
  #yieldsBelowMs(tree: Tree): number | undefined {
    if (!this.#mayYield(tree) || this.freeSlots(tree) > 0 || this.capacity(tree) === 0) return undefined;
    let greatestMs = -Infinity;
    for (const [peer, child] of tree.children) {
      // One hand-over at a time.
      if (child.leavingAtMs !== Infinity) return undefined;
      if (child.isSpared) continue;
      greatestMs = Math.max(greatestMs, this.#burdenMs(tree, peer, child.capacity));
    }
    return Number.isFinite(greatestMs) ? greatestMs - this.core.config.burdenMarginMs : undefined;
  }

  /** Whether a child may be sent away for a lesser burden. */
  #mayYield(tree: Tree): boolean {
    return !tree.speaking && this.core.nowMs >= tree.yieldsAtMs;
  }

  /** A child was sent away: the next one later and later, or members that turn each other out never come to rest. */
  #yielded(tree: Tree): void {
    const { nowMs, config } = this.core;
    const isCalm = nowMs - tree.yieldsAtMs > YIELD_CALM * tree.yieldPauseMs;
    tree.yieldPauseMs = isCalm
      ? config.yieldPauseMs
      : Math.min(config.yieldPauseMaxMs, YIELD_SLOWING * tree.yieldPauseMs);
    tree.yieldsAtMs = nowMs + tree.yieldPauseMs;
  }

  /** What burden a neighbour is as a child here, ms. */
  #burdenMs(tree: Tree, child: MemberId, capacity: number): number {
    const linkMs = this.neighbours.link(child)?.costMs ?? 0;
    return this.burdenMs(tree, linkMs, tree.own, child, capacity);
  }

  /**
   * What burden a child is to a parent, ms, over a link of so many ms. All hear a source with one slot through its one
   * child: how far away it is from them counts as well.
   */
  burdenMs(tree: Tree, linkMs: number, isSourceParent: boolean, child: MemberId, capacity: number): number {
    const { plan } = this;
    const spreadMs = isSourceParent && plan.hasOneSlot(tree.handle) ? plan.spreadMs(handleOf(child)) : 0;
    return childBurdenMs(linkMs + spreadMs, capacity, this.core.config);
  }

  #reserved(capacity: number): number {
    // A bounded upload has no copy to spare: who is in need takes the place of another.
    if (this.budget.copies !== Infinity) return 0;
    return capacity >= this.core.config.reserveFromSlots ? 1 : 0;
  }

  freeSlots(tree: Tree): number {
    const capacity = this.capacity(tree);
    const free = capacity - this.#reserved(capacity) - tree.stayingChildren - tree.adopting.size;
    return Math.max(0, this.isMarket(tree) ? Math.min(free, this.budget.left) : free);
  }

  /**
   * Whether places here go to whoever gains most by them: the upload is bounded, words are sent over it, and what is
   * free in the room is little.
   */
  isMarket(tree: Tree): boolean {
    return tree.speaking && this.budget.copies !== Infinity && this.plan.isScarce;
  }

  /** The place whose owner loses least without it, in the trees of all voices being said; undefined where nobody can go. */
  #cheapestPlace(): Place | undefined {
    const { nowMs } = this.core;
    let cheapest: Place | undefined;
    for (const tree of this.budget.heard) {
      // The own voice always has one way out, and in each tree there is one hand-over at a time.
      if ((tree.own && tree.children.size === 1) || tree.stayingChildren < tree.children.size) continue;
      for (const [child, { lossMs }] of tree.children) {
        if (lossMs >= (cheapest?.lossMs ?? Infinity)) continue;
        if (nowMs - (tree.sentAwayMs.get(child) ?? -Infinity) >= RETURNING_MS)
          cheapest = { tree, child, lossMs };
      }
    }
    return cheapest;
  }

  /** The gain above which a member takes the place of a child while words are said, ms · members; undefined where none does. */
  #priceMs(tree: Tree): number | undefined {
    if (!this.isMarket(tree) || this.freeSlots(tree) > 0 || this.capacity(tree) === 0) return undefined;
    const cheapest = this.#cheapestPlace();
    return cheapest && placePriceMs(cheapest.lossMs, this.core.config);
  }

  /** Children this member could take, were it served. */
  roomBelow(tree: Tree): number {
    return Math.max(0, this.capacity(tree) - tree.stayingChildren - tree.adopting.size);
  }

  /**
   * Children this member could take, were it served by a member: for the one place of a source it would send a child of its
   * own away, as long as nothing is said.
   */
  roomUnder(tree: Tree, parent: MemberId): number {
    const room = this.roomBelow(tree);
    const isWorthIt = this.#mayYield(tree) && parent === tree.source && this.plan.hasOneSlot(tree.handle);
    return room === 0 && isWorthIt && this.capacity(tree) > 1 && tree.stayingChildren > 0 ? 1 : room;
  }

  /** A parent sends a child of its own here: a place is kept for it, if there is one or may be. */
  adopt(tree: Tree, child: MemberId, parent: MemberId): void {
    const { nowMs, config } = this.core;
    if (this.roomUnder(tree, parent) === 0) return;
    const [weakest] = this.roomBelow(tree) === 0 ? stayingWeakestFirst(tree) : [];
    if (weakest !== undefined) {
      this.move(tree, weakest, []);
      this.#yielded(tree);
    }
    tree.adopting.set(child, nowMs + config.handoverMs);
  }

  /** Another member takes a place for which it gains more than whoever has it would lose. @returns the tree it was in. */
  #sell(gainMs: number): Tree | undefined {
    const cheapest = this.#cheapestPlace();
    if (!cheapest || gainMs <= placePriceMs(cheapest.lossMs, this.core.config)) return undefined;
    this.move(cheapest.tree, cheapest.child, []);
    return cheapest.tree;
  }

  onStake(tree: Tree, from: MemberId, { members, lossMs }: Stake): void {
    const child = tree.children.get(from);
    if (!child) return;
    child.members = Math.max(1, members);
    child.lossMs = lossMs;
    tree.orderChildren();
  }

  /** @returns another tree in which a child had to make room */
  onSubscribe(tree: Tree, from: MemberId, request: SubscribeRequest): Tree | undefined {
    const { core } = this;
    const asker = this.neighbours.link(from);
    if (!asker) return undefined;
    const capacity = this.capacity(tree);
    if (tree.blocked || capacity === 0) return void this.#refuse(tree, from, 'leaf');
    if (from === tree.source || from === tree.parent || tree.path.includes(asker.tag))
      return void this.#refuse(tree, from, 'loop');
    if (tree.asked.has(from)) {
      // Both want to hang on the other: the lower id goes first.
      if (core.selfId < from) return void this.#refuse(tree, from, 'loop');
      tree.asked.delete(from);
      core.unsubscribe(from, tree.handle);
    }
    if (!tree.connected || tree.stalled) {
      // Whoever lost its way must not hang on others that lost theirs: they would send each other round for seconds.
      asker.told.set(tree.slot, 0);
      tree.owesOffers = true;
      return void this.#refuse(tree, from, 'leaf');
    }
    if (tree.path.length >= MAX_PATH_HOPS) return void this.#refuse(tree, from, 'full');
    const isMarket = this.isMarket(tree) && !request.urgent && !request.unserved;
    let robbed: Tree | undefined;
    const present = tree.children.get(from);
    if (present) {
      const staying = tree.stayingChildren - (present.leavingAtMs === Infinity ? 1 : 0);
      if (staying >= capacity) return void this.#refuse(tree, from, 'full');
      present.leavingAtMs = Infinity;
      present.capacity = request.capacity;
      tree.orderChildren();
    } else {
      const promised = tree.adopting.delete(from) && tree.stayingChildren < capacity;
      const room = isMarket
        ? Math.min(capacity, tree.stayingChildren + Math.max(0, this.budget.left))
        : capacity;
      if (isMarket && !promised && this.freeSlots(tree) === 0) robbed = this.#sell(request.gainMs);
      const isPlaced = promised || robbed !== undefined;
      const isSentBelow = request.unserved && this.#isSentBelow(tree, from);
      const states = isPlaced ? [] : this.#childStates(tree, from);
      const decision = isPlaced
        ? ({ accept: true, displace: undefined, into: undefined } as const)
        : decideChild(
            {
              peer: from,
              burdenMs: this.#burdenMs(tree, from, request.capacity),
              freeSlots: request.freeSlots,
              urgent: request.urgent,
              unserved: request.unserved && !isSentBelow,
            },
            states,
            {
              capacity: room,
              reserved: this.#reserved(capacity),
              promised: tree.adopting.size,
              isSilent: this.#mayYield(tree),
              marginMs: core.config.burdenMarginMs,
            },
          );
      if (!decision.accept) {
        if (isSentBelow) tree.sentAwayMs.set(from, core.nowMs);
        return void this.#refuse(tree, from, 'full', decision.redirects);
      }
      tree.addChild(from, {
        capacity: request.capacity,
        freeSlots: request.freeSlots,
        isSpared: request.unserved && core.nowMs - (tree.sentAwayMs.get(from) ?? -Infinity) < RETURNING_MS,
      });
      core.viewChanged = true;
      const { displace, into } = decision;
      if (displace !== undefined) {
        this.move(tree, displace, into === undefined ? [] : [into]);
        if (!request.unserved) this.#yielded(tree);
      }
      const host = into === undefined ? undefined : tree.children.get(into);
      if (host && host.freeSlots > 0) host.freeSlots--;
      core.accept(from, { source: tree.handle, adopt: into === from ? displace : undefined });
      this.#advertiseWithin(tree, core.config.advertUrgentMs);
    }
    if (present) core.accept(from, { source: tree.handle, adopt: undefined });
    if (request.fromSequence !== undefined) {
      core.effects.push({
        type: 'replay',
        to: from,
        source: tree.handle,
        fromSequence: request.fromSequence,
      });
    }
    return robbed;
  }

  /**
   * Whether one that is not served yet is to look for a place below first: all hear a source with one slot through its one
   * child, and would hear it through the asker from now on. Who comes back found none.
   */
  #isSentBelow(tree: Tree, asker: MemberId): boolean {
    const [only] = tree.children.values();
    if (!tree.own || !tree.speaking || this.capacity(tree) > 1 || !only || only.capacity === 0) return false;
    return this.core.nowMs - (tree.sentAwayMs.get(asker) ?? -Infinity) >= RETURNING_MS;
  }

  #refuse(
    tree: Tree,
    from: MemberId,
    reason: 'full' | 'leaf' | 'loop',
    redirects: readonly MemberId[] = [],
  ): void {
    // Who asks is not served as far as it knows; refused, it goes elsewhere.
    if (tree.removeChild(from)) this.core.viewChanged = true;
    this.core.reject(from, { source: tree.handle, reason, redirects });
  }

  #linked(a: MemberId, b: MemberId): boolean {
    return this.neighbours.link(a)?.isLinkedTo(b) === true || this.neighbours.link(b)?.isLinkedTo(a) === true;
  }

  #childStates(tree: Tree, asker: MemberId): ChildState[] {
    const roomy = [...tree.children].filter(
      ([, child]) => child.freeSlots > 0 && child.leavingAtMs === Infinity,
    );
    return [...tree.children].map(([peer, child]) => ({
      peer,
      burdenMs: this.#burdenMs(tree, peer, child.capacity),
      freeSlots: child.freeSlots,
      isSpared: child.isSpared,
      members: child.members,
      lossMs: child.lossMs,
      leaving: child.leavingAtMs !== Infinity,
      linkedToAsker: this.#linked(asker, peer),
      roomAt: roomy.find(([other]) => other !== peer && this.#linked(peer, other))?.[0],
    }));
  }

  /** Asks a child to go to one of `redirects`; it is served until it has, or the hand-over is over. */
  move(tree: Tree, child: MemberId, redirects: readonly MemberId[]): void {
    const state = tree.children.get(child);
    if (!state) return;
    tree.sentAwayMs.set(child, this.core.nowMs);
    state.leavingAtMs = this.core.nowMs + this.core.config.handoverMs;
    this.core.reject(child, { source: tree.handle, reason: 'moved', redirects });
  }

  /** Cuts all children off at once: the tree may not pass through here any more. */
  expel(tree: Tree): void {
    for (const child of tree.forwardTo) {
      this.core.reject(child, { source: tree.handle, reason: 'leaf', redirects: [] });
      tree.removeChild(child);
    }
    tree.adopting.clear();
  }

  onUnsubscribe(tree: Tree, from: MemberId): void {
    tree.adopting.delete(from);
    if (!tree.removeChild(from)) return;
    this.core.viewChanged = true;
    this.#advertiseWithin(tree, this.core.config.advertUrgentMs);
  }

  /** Ends hand-overs and promises that are over. Returns when the next one ends. */
  expire(tree: Tree): number {
    const { nowMs } = this.core;
    let next = tree.yieldsAtMs > nowMs ? tree.yieldsAtMs : Infinity;
    if (tree.children.size === 0 && tree.adopting.size === 0) return next;
    for (const [peer, child] of tree.children) {
      if (child.leavingAtMs <= nowMs && tree.connected && tree.stayingChildren < this.capacity(tree)) {
        // It found nowhere to go, and there is room again: whom it was to make room for went elsewhere.
        child.leavingAtMs = Infinity;
      } else if (child.leavingAtMs <= nowMs) {
        tree.removeChild(peer);
        this.core.reject(peer, { source: tree.handle, reason: 'full', redirects: [] });
        this.core.viewChanged = true;
      } else next = Math.min(next, child.leavingAtMs);
    }
    for (const [peer, untilMs] of tree.adopting) {
      if (untilMs <= nowMs) {
        tree.adopting.delete(peer);
        tree.advertAtMs = Math.min(tree.advertAtMs, nowMs);
      } else next = Math.min(next, untilMs);
    }
    return next;
  }

  /**
   * Notes when the neighbours must hear of a change: soon when it matters to somebody now, later when it can wait. A
   * lost parent is not told while another is being asked: an instant repair then costs the subtree nothing.
   */
  noteChange(tree: Tree): void {
    const told = tree.told;
    const offers = this.#offers(tree);
    const { core } = this;
    if (!told && !offers) return;
    let delayMs = Infinity;
    if (this.#isOffering(tree)) delayMs = core.config.advertUrgentMs;
    else if (!offers && !tree.blocked && tree.asked.size > 0) delayMs = core.config.advertDelayMs;
    else if (!told || !offers || told.epoch !== tree.root.epoch) delayMs = core.config.advertUrgentMs;
    else if (this.#differs(tree, told))
      delayMs = tree.speaking ? core.config.advertUrgentMs : core.config.advertDelayMs;
    else if (this.#isRepriced(tree, told)) delayMs = PRICE_DELAY_MS;
    if (delayMs !== Infinity) this.#advertiseWithin(tree, delayMs);
  }

  /**
   * In a half to one and a half times `delayMs`, at the next of the times so far apart at which this member tells: what
   * changes meanwhile in other trees goes in the same messages.
   */
  #advertiseWithin(tree: Tree, delayMs: number): void {
    const { nowMs, selfTag } = this.core;
    const phaseMs = (selfTag / 0x1_0000) * delayMs;
    const slot = Math.ceil((nowMs - phaseMs) / delayMs + 0.5);
    tree.advertAtMs = Math.min(tree.advertAtMs, slot * delayMs + phaseMs);
  }

  /** Tells every neighbour what changed for it. */
  advertise(tree: Tree): void {
    tree.advertAtMs = Infinity;
    if (this.#isOffering(tree)) {
      // Those below hear of it later, or not at all: a way found at once costs them nothing.
      for (const neighbour of this.neighbours.linked)
        if (!tree.children.has(neighbour.peer)) this.#tell(tree, neighbour, false, true);
      tree.owesOffers = true;
      if (!tree.connected) return this.noteChange(tree);
    }
    const offers = this.#offers(tree);
    const { told } = tree;
    const changed =
      offers &&
      (!told || told.epoch !== tree.root.epoch || this.#differs(tree, told) || this.#isRepriced(tree, told));
    for (const neighbour of this.neighbours.linked)
      this.#tell(tree, neighbour, offers && !this.#isWithheld(tree, neighbour), changed);
    if (changed || !offers) tree.told = offers ? this.#snapshot(tree) : undefined;
    if (offers && !tree.own) tree.feasibleMs = Math.min(tree.feasibleMs, tree.costMs);
  }

  /** Whoever has the voice from nowhere offers it to nobody but those below: others that miss it would hang on it in vain. */
  #isWithheld(tree: Tree, { peer }: Neighbour): boolean {
    return tree.isStarving && !tree.children.has(peer);
  }

  /** Whether neighbours still count on what this member has not any more. */
  #isOffering(tree: Tree): boolean {
    return (
      tree.isStarving &&
      this.neighbours.linked.some(
        (link) => link.told.get(tree.slot) === TOLD_OFFER && this.#isWithheld(tree, link),
      )
    );
  }

  /**
   * Tells those who were told nothing so far that the tree is awake. Nobody who blocks it or has it from nowhere offers
   * it, and whoever is surrounded by such members must hear of it too, to look elsewhere.
   */
  hint(tree: Tree): void {
    tree.hintAtMs = Infinity;
    tree.hinted = true;
    for (const neighbour of this.neighbours.linked) this.#hint(tree, neighbour);
  }

  #hint(tree: Tree, { peer, told, offers }: Neighbour): void {
    if (told.get(tree.slot) !== 0 || offers.has(tree.slot) || peer === tree.source) return;
    told.set(tree.slot, TOLD_ANCESTOR);
    // Who does not hear it itself passes on what it was told, or that neighbour would think that it was woken by mistake.
    const isSpeaking = tree.speaking || tree.isSpokenOf;
    this.core.offer(peer, { ...this.#offer(tree, Infinity, []), isSpeaking });
  }

  /** Tells a new neighbour. */
  introduce(tree: Tree, neighbour: Neighbour): void {
    if (!this.#offers(tree) || this.#isWithheld(tree, neighbour)) {
      if (tree.hinted) this.#hint(tree, neighbour);
      return;
    }
    this.#tell(tree, neighbour, true, true);
    // The others hear of it too: should it pass before they do, this one would not be told of that.
    if (tree.told && this.#differs(tree, tree.told)) tree.advertAtMs = this.core.nowMs;
    else tree.told = this.#snapshot(tree);
  }

  #tell(tree: Tree, neighbour: Neighbour, offers: boolean, changed: boolean): void {
    const { peer, tag, told } = neighbour;
    // The source needs no offer of itself, but as a parent it must know where there is room.
    if (peer === tree.source && peer !== tree.parent) return;
    const state = told.get(tree.slot);
    if (!offers || peer === tree.parent || tree.path.includes(tag)) {
      // An ancestor learns no route back to itself; the parent learns how much room there is below it.
      const toParent = offers && peer === tree.parent && (changed || state !== TOLD_ANCESTOR);
      if (state === TOLD_OFFER || toParent) {
        this.core.offer(peer, this.#offer(tree, Infinity, []));
        told.set(tree.slot, offers ? TOLD_ANCESTOR : 0);
      }
      return;
    }
    if (state === TOLD_OFFER && !changed) return;
    told.set(tree.slot, TOLD_OFFER);
    this.core.offer(peer, this.#offer(tree, this.#costMs(tree), tree.path));
  }

  #offer(tree: Tree, costMs: number, path: readonly number[]): RouteOffer {
    const capacity = this.rank(tree);
    return {
      source: tree.handle,
      epoch: tree.root.epoch,
      costMs,
      freeSlots: this.freeSlots(tree),
      yieldsBelowMs: this.#yieldsBelowMs(tree),
      priceMs: this.#priceMs(tree),
      capacity,
      path,
      isSpeaking: tree.speaking,
    };
  }

  /** Whether there is anything to offer; a member that does not relay has nothing, which is how a blocker looks too. */
  #offers(tree: Tree): boolean {
    return (
      tree.connected &&
      !tree.blocked &&
      Number.isFinite(tree.costMs) &&
      tree.path.length < MAX_PATH_HOPS &&
      this.capacity(tree) > 0
    );
  }

  /** What a child pays from the source to here, ms. */
  #costMs(tree: Tree): number {
    if (tree.own) return 0;
    return tree.costMs + this.plan.relayMs(tree.path.length);
  }

  #snapshot(tree: Tree): Told {
    return {
      epoch: tree.root.epoch,
      costMs: this.#costMs(tree),
      path: tree.path,
      free: this.freeSlots(tree) > 0,
      yieldsBelowMs: this.#yieldsBelowMs(tree),
      priceMs: this.#priceMs(tree),
    };
  }

  /** Whether a place costs noticeably more or less than was told. */
  #isRepriced(tree: Tree, told: Told): boolean {
    if (!tree.speaking) return false;
    const priceMs = this.#priceMs(tree) ?? MOST_PRICE_MS;
    const toldMs = told.priceMs ?? MOST_PRICE_MS;
    return priceMs > PRICE_CHANGE * toldMs || toldMs > PRICE_CHANGE * priceMs;
  }

  /** Whether what is offered differs noticeably from what was told. */
  #differs(tree: Tree, told: Told): boolean {
    const { advertChange, advertChangeMs } = this.core.config;
    const movedMs = Math.abs(told.costMs - this.#costMs(tree));
    return (
      movedMs > Math.max(advertChangeMs, advertChange * told.costMs) ||
      told.free !== this.freeSlots(tree) > 0 ||
      Math.abs((told.yieldsBelowMs ?? -1000) - (this.#yieldsBelowMs(tree) ?? -1000)) > YIELD_CHANGE_MS ||
      !samePath(told.path, tree.path)
    );
  }
}

function samePath(a: readonly number[], b: readonly number[]): boolean {
  return a === b || (a.length === b.length && a.every((tag, i) => tag === b[i]));
}
