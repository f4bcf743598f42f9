/**
 * Makes the link graph of a larger room better, link by link. Each member now and then asks a few others, some at
 * random and some near, what a link between them would save either end; when that exceeds what both would give up, the
 * link is opened, and each end that then has too many gives up its least useful one. Rounds slow down while nothing
 * improves and start over when the room changes.
 */

import type { Handle, MemberId } from '../units.js';
import type { ControlMessage } from '../wire/control.js';
import type { Coordinate } from '../wire/roster-entry.js';
import { estimateRttMs, shift } from './coordinates.js';
import type { Core } from './core.js';
import type { Linkage } from './linkage.js';
import { targetLinks } from './links.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import type { Roster } from './roster.js';
import type { Trees } from './trees.js';
import { bestExchange, gainOfLink, UNSERVED_MS, worthOfLinks, type Offer, type WorthInput } from './worth.js';

type CostsRequest = ControlMessage & { type: 'costs-request' };
type Costs = ControlMessage & { type: 'costs' };

/** Answers come within two round trips of a wide room, ms. */
const ANSWER_MS = 1500;
/** Trees need this long to show what a new link is worth before another is given up, ms. */
const SETTLE_MS = 1000;
/** How long an agreement to link waits for the link, ms. */
const AGREEMENT_MS = 8000;
/** Members looked at to find near ones. */
const NEAR_POOL = 24;
/** Round trips remembered. */
const MAX_MEASURED = 512;
/** A change of worth or place below this is not told, ms. */
const TELL_MS = 1;

interface Round {
  readonly nonce: number;
  readonly endsMs: number;
  readonly sources: readonly Handle[];
  readonly ownCosts: readonly number[];
  readonly asked: Set<MemberId>;
  readonly offers: Offer<MemberId>[];
}

export class Rewiring {
  nextMs = Infinity;
  #intervalMs: number;
  #round: Round | undefined = undefined;
  /** Members with whom an exchange of links was agreed; bounded by candidates of a round and askers in `AGREEMENT_MS`. */
  readonly #agreed = new Map<MemberId, number>();
  /** Links that came by an exchange and may cost an old one, with the time to look. At most one per link. */
  readonly #fresh = new Map<MemberId, number>();
  /** Round trips of former links, ms: measured once beats any estimate. Oldest first, at most `MAX_MEASURED`. */
  readonly #measured = new Map<MemberId, number>();
  #membersSeen = 0;

  constructor(
    readonly core: Core,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
    readonly trees: Trees,
    readonly linkage: Linkage,
    /** Sends to a member that may be several links away; false when no route is known. */
    readonly sendRouted: (to: MemberId, message: ControlMessage) => boolean,
    readonly coordinate: () => Coordinate,
  ) {
    this.#intervalMs = core.config.rewireMs;
  }

  /** Whether a member may come although there is no room: a link will be given up for it. */
  agreedWith(peer: MemberId): boolean {
    return (this.#agreed.get(peer) ?? -Infinity) > this.core.nowMs;
  }

  /** Whether the link came by an exchange that is still under way. */
  isFresh(peer: MemberId): boolean {
    return this.#fresh.has(peer);
  }

  linkUp(peer: MemberId): void {
    if (this.agreedWith(peer)) {
      this.#fresh.set(peer, this.core.nowMs + SETTLE_MS);
      this.#wake(SETTLE_MS);
    }
    this.#agreed.delete(peer);
  }

  linkDown(peer: MemberId, rttMs: number | undefined): void {
    if (rttMs !== undefined) {
      this.#measured.delete(peer);
      this.#measured.set(peer, rttMs);
      for (const oldest of this.#measured.keys()) {
        if (this.#measured.size <= MAX_MEASURED) break;
        this.#measured.delete(oldest);
      }
    }
    this.#agreed.delete(peer);
    this.#fresh.delete(peer);
  }

  /** The room changed: what did not pay may pay now. */
  roomChanged(): void {
    const members = this.roster.entries.size;
    if (Math.abs(members - this.#membersSeen) <= 0.05 * this.#membersSeen) return;
    this.#membersSeen = members;
    this.#intervalMs = this.core.config.rewireMs;
    this.#wake(this.core.jittered(this.#intervalMs));
  }

  tick(): void {
    const { core } = this;
    if (core.nowMs < this.nextMs) return;
    this.nextMs = Infinity;
    for (const [peer, untilMs] of this.#agreed) if (core.nowMs >= untilMs) this.#agreed.delete(peer);
    this.#payForFresh();
    if (this.#round && core.nowMs >= this.#round.endsMs) this.#decide(this.#round);
    else if (!this.#round && core.nowMs >= this.#nextRoundMs) this.#ask();
    this.#wakeAt(this.#round ? this.#round.endsMs : this.#nextRoundMs);
    for (const untilMs of this.#fresh.values()) this.#wakeAt(untilMs);
  }

  #nextRoundMs = 0;

  #wake(delayMs: number): void {
    this.#nextRoundMs = Math.min(
      Math.max(this.#nextRoundMs, this.core.nowMs),
      this.core.nowMs + this.#intervalMs,
    );
    this.#wakeAt(this.core.nowMs + delayMs);
  }

  #wakeAt(atMs: number): void {
    this.nextMs = Math.min(this.nextMs, atMs);
  }

  get #target(): number {
    return targetLinks(this.core.limits.maxLinks, this.roster.entries.size, this.core.config);
  }

  get #full(): boolean {
    return this.neighbours.linkCount >= this.#target;
  }

  #ask(): void {
    const { core, roster, neighbours } = this;
    this.#nextRoundMs = core.nowMs + core.jittered(this.#intervalMs);
    this.#intervalMs = Math.min(core.config.rewireMaxMs, this.#intervalMs * core.config.rewireSlowing);
    if (roster.entries.size <= core.config.fullMeshMembers) return;
    this.#appraise();
    if (neighbours.linkCount < core.config.poorLinks || this.#fresh.size > 0) return;
    const sources = this.#sample();
    const ownCosts = sources.map((source) => this.trees.costOf(source));
    const round: Round = {
      nonce: Math.floor(core.random() * 0x10000),
      endsMs: core.nowMs + ANSWER_MS,
      sources,
      ownCosts,
      asked: new Set(),
      offers: [],
    };
    const sample = sources.map((source, i) => ({ source, costMs: ownCosts[i] as number }));
    for (const peer of this.#candidates()) {
      if (this.sendRouted(peer, { type: 'costs-request', nonce: round.nonce, sample })) round.asked.add(peer);
    }
    if (round.asked.size > 0) this.#round = round;
  }

  onRequest(from: MemberId, request: CostsRequest): void {
    const { core } = this;
    const costs = request.sample.map(({ source }) => this.trees.costOf(source));
    const theirs = request.sample.map(({ costMs }) => costMs);
    const linkMs = this.#linkMs(from);
    const busy =
      this.#fresh.size > 0 || this.linkage.leaving || this.neighbours.linkCount > core.limits.maxLinks;
    const willing = !busy && linkMs !== undefined && !this.neighbours.link(from);
    if (willing) this.#agreed.set(from, core.nowMs + AGREEMENT_MS);
    this.sendRouted(from, {
      type: 'costs',
      nonce: request.nonce,
      willing,
      gainMs: linkMs === undefined ? 0 : gainOfLink(costs, theirs, linkMs, core.config.relayMs),
      priceMs: this.#full ? (this.#leastUseful()?.priceMs ?? UNSERVED_MS) : 0,
      costs,
    });
  }

  onCosts(from: MemberId, answer: Costs): void {
    const round = this.#round;
    if (!round || answer.nonce !== round.nonce || !round.asked.delete(from) || !answer.willing) return;
    const linkMs = this.#linkMs(from);
    if (linkMs === undefined) return;
    const gainMs = gainOfLink(round.ownCosts, answer.costs, linkMs, this.core.config.relayMs) + answer.gainMs;
    const ownPriceMs = this.#full ? (this.#leastUseful()?.priceMs ?? UNSERVED_MS) : 0;
    round.offers.push({ peer: from, gainMs, priceMs: ownPriceMs + answer.priceMs });
    if (round.asked.size === 0) this.#wakeAt(this.core.nowMs);
  }

  #decide(round: Round): void {
    const { core } = this;
    this.#round = undefined;
    const best = bestExchange(round.offers, core.config.rewireMargin, core.config.rewireLeastMs);
    if (!best || this.#fresh.size > 0 || this.neighbours.link(best.peer)) return;
    this.#agreed.set(best.peer, core.nowMs + AGREEMENT_MS);
    this.#intervalMs = core.config.rewireMs;
    this.linkage.open(best.peer);
  }

  /** After an exchange: gives up the least useful link where there are more than aimed at. */
  #payForFresh(): void {
    const { core, neighbours } = this;
    for (const [peer, atMs] of this.#fresh) {
      if (core.nowMs < atMs) continue;
      this.#fresh.delete(peer);
      if (neighbours.linkCount <= this.#target) continue;
      const least = this.#leastUseful();
      if (least) this.linkage.drop(least.peer, 'surplus');
    }
  }

  /** The link both ends would miss least. One to a member with hardly any other link is not for sale. */
  #leastUseful(): { peer: MemberId; priceMs: number } | undefined {
    const worth = this.#worths();
    let least: { peer: MemberId; priceMs: number } | undefined;
    for (const link of this.neighbours.links()) {
      if (link.adjacencyKnown && link.adjacent.size <= this.core.config.poorLinks) continue;
      if (this.#fresh.has(link.peer)) continue;
      const priceMs = (worth.get(link.peer) ?? 0) + link.worthToPeerMs;
      if (!least || priceMs < least.priceMs) least = { peer: link.peer, priceMs };
    }
    return least;
  }

  #worths(): Map<MemberId, number> {
    const inputs: WorthInput<MemberId>[] = [];
    for (const tree of this.trees.byHandle.values()) {
      if (tree.own || tree.parent === undefined) continue;
      inputs.push({
        parent: tree.parent,
        costMs: tree.costMs,
        alternativeMs: this.trees.alternativeCost(tree),
      });
    }
    return worthOfLinks(inputs, this.trees.byHandle.size);
  }

  /** Tells the neighbours what their links are worth here, and where this member is. */
  #appraise(): void {
    const worth = this.#worths();
    const coordinate = this.coordinate();
    for (const link of this.neighbours.links()) {
      const worthMs = worth.get(link.peer) ?? 0;
      const told = link.toldAppraisal;
      const moved =
        !told ||
        shift(told.coordinate, coordinate) > 2 * TELL_MS ||
        told.coordinate.error > 2 * coordinate.error;
      if (!moved && Math.abs(told.worthMs - worthMs) < Math.max(TELL_MS / 4, 0.1 * worthMs)) continue;
      link.toldAppraisal = { worthMs, coordinate };
      this.core.send(link.peer, { type: 'appraisal', worthMs, coordinate });
    }
  }

  onAppraisal(from: Neighbour, message: ControlMessage & { type: 'appraisal' }): void {
    from.worthToPeerMs = Math.min(UNSERVED_MS, message.worthMs);
    from.coordinate = message.coordinate;
  }

  /** Estimated one-way delay of a link to a member, ms; undefined when its place is unknown. */
  #linkMs(peer: MemberId): number | undefined {
    const entry = this.roster.get(peer);
    const rttMs = this.#measured.get(peer) ?? (entry && estimateRttMs(this.coordinate(), entry.coordinate));
    return rttMs === undefined ? undefined : rttMs / 2;
  }

  #sample(): Handle[] {
    const handles = [...this.trees.byHandle.values()]
      .filter((tree) => !tree.own && !tree.blocked)
      .map((tree) => tree.handle);
    return draw(handles, this.core.config.rewireSample, this.core.random);
  }

  /** Half of them at random, half the nearest of a larger draw. */
  #candidates(): MemberId[] {
    const { core, roster, neighbours } = this;
    const others = [...roster.entries.keys()].filter(
      (peer) => peer !== core.selfId && !neighbours.link(peer) && this.linkage.mayAsk(peer),
    );
    const half = Math.ceil(core.config.rewireCandidates / 2);
    const random = draw(others, half, core.random);
    const near = draw(others, NEAR_POOL, core.random)
      .map((peer) => ({ peer, ms: this.#linkMs(peer) ?? Infinity }))
      .sort((a, b) => a.ms - b.ms)
      .slice(0, half);
    return [...new Set([...random, ...near.map(({ peer }) => peer)])].filter(
      (peer) => this.#linkMs(peer) !== undefined,
    );
  }
}

/** Up to `count` items at random, each at most once. */
function draw<T>(items: readonly T[], count: number, random: () => number): T[] {
  const pool = [...items];
  const drawn: T[] = [];
  while (drawn.length < count && pool.length > 0) {
    const at = Math.floor(random() * pool.length);
    drawn.push(pool[at] as T);
    pool[at] = pool[pool.length - 1] as T;
    pool.pop();
  }
  return drawn;
}
