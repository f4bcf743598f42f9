/**
 * Makes the link graph of a larger room better, link by link. Each member now and then asks a few others, some at
 * random and some near, what a link between them would save either end; when that exceeds what both would give up, the
 * link is opened, and each end that then has too many gives up its least useful one. Rounds slow down while nothing
 * improves and start over when the room changes.
 */

import type { Handle, MemberId } from '../units.js';
import type { ControlMessage } from '../wire/control.js';
import type { Coordinate } from '../wire/roster-entry.js';
import { Acquaintances, estimateWithin } from './acquaintances.js';
import { Backoffs } from './backoffs.js';
import { estimateRttMs } from './coordinates.js';
import type { Core } from './core.js';
import { draw } from './draw.js';
import type { Linkage } from './linkage.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import { remember } from './remember.js';
import type { Roster } from './roster.js';
import type { Trees } from './trees.js';
import { bestExchange, gainOfLink, UNSERVED_MS, worthOfLinks, type Offer } from './worth.js';

type CostsRequest = ControlMessage & { type: 'costs-request' };
type Costs = ControlMessage & { type: 'costs' };

/** Answers come within two round trips of a wide room, ms. */
const ANSWER_MS = 700;
/** Offers over a new link, and what it is worth to the far end, need this long before another is given up, ms. */
const SETTLE_MS = 500;
/** Between two looks at what the links are worth while offers change, ms. */
const APPRAISE_MS = 400;
/** How long an agreement to link waits for the link, ms. */
const AGREEMENT_MS = 8000;
/** Who was asked is not asked again for so long, ms: others may promise more. */
const ASK_AGAIN_MS = 10_000;
/** A link given up sooner than this had promised more than it kept, ms. */
const DISAPPOINTING_MS = 20_000;
/** Between two times that a lost voice starts the rounds over, ms. */
const LOST_PAUSE_MS = 10_000;
/** Round trips and places remembered. */
const MAX_REMEMBERED = 512;
/** A change of worth below this is not told, ms a source. */
const TELL_MS = 0.25;

interface Round {
  readonly nonce: number;
  readonly endsMs: number;
  /** One candidate is left, whose promise is looked at closely. */
  readonly isFinal: boolean;
  readonly ownCosts: readonly number[];
  readonly asked: Set<MemberId>;
  readonly offers: Offer<MemberId>[];
}

export class Rewiring {
  nextMs = Infinity;
  readonly acquaintances = new Acquaintances();
  #intervalMs: number;
  #round: Round | undefined = undefined;
  /** Members with whom an exchange of links was agreed; bounded by candidates of a round and askers in `AGREEMENT_MS`. */
  readonly #agreed = new Map<MemberId, number>();
  /** Links that came by an exchange and may cost an old one, with the time to look. At most one per link. */
  readonly #fresh = new Map<MemberId, number>();
  /** Round trips of former links, ms: measured once beats any estimate. Oldest first, at most `MAX_REMEMBERED`. */
  readonly #measured = new Map<MemberId, number>();
  /** Where members said they were when a link was weighed: newer than their entries. Same order and bound. */
  readonly #places = new Map<MemberId, Coordinate>();
  /** When members were last asked. Same order and bound. */
  readonly #askedMs = new Map<MemberId, number>();
  /** Members whose link disappointed: of many estimates the best is mostly too good, and would be again. Same bound. */
  readonly #regretted: Backoffs;
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
    this.#regretted = new Backoffs(MAX_REMEMBERED, core.config.regretMaxMs);
  }

  /** Whether a member may come although there is no room: a link will be given up for it. */
  agreedWith(peer: MemberId): boolean {
    return (this.#agreed.get(peer) ?? -Infinity) > this.core.nowMs;
  }

  /** Whether the link came by an exchange that is still under way. */
  isFresh(peer: MemberId): boolean {
    return this.#fresh.has(peer);
  }

  /** One of the former links, drawn at random, with where its member was last known: it still tells where this one is. */
  recall(): { readonly coordinate: Coordinate; readonly rttMs: number } | undefined {
    if (this.#measured.size === 0) return undefined;
    let skip = Math.floor(this.core.random() * this.#measured.size);
    for (const [peer, rttMs] of this.#measured) {
      if (skip-- > 0) continue;
      const coordinate = this.#places.get(peer) ?? this.roster.get(peer)?.coordinate;
      return coordinate && coordinate.error < 1 ? { coordinate, rttMs } : undefined;
    }
    return undefined;
  }

  linkUp(peer: MemberId): void {
    if (this.agreedWith(peer)) {
      this.#fresh.set(peer, this.core.nowMs + SETTLE_MS);
      this.#wake(SETTLE_MS);
    }
    this.#agreed.delete(peer);
  }

  /** @param ageMs how long the link was there */
  linkDown(peer: MemberId, rttMs: number | undefined, ageMs: number): void {
    if (ageMs < DISAPPOINTING_MS) this.#regretted.backOff(peer, this.core.config.regretMs, this.core.nowMs);
    if (rttMs !== undefined) remember(this.#measured, peer, rttMs, MAX_REMEMBERED);
    this.#agreed.delete(peer);
    this.#fresh.delete(peer);
  }

  /** A voice is missed that was being heard: there is no time for second thoughts. */
  get #isMissing(): boolean {
    return this.trees.cutOff().length > 0;
  }

  /** The room changed: what did not pay may pay now. */
  roomChanged(): void {
    const members = this.roster.entries.size;
    if (Math.abs(members - this.#membersSeen) <= 0.05 * this.#membersSeen) return;
    this.#membersSeen = members;
    this.#startOver();
  }

  /** A voice has no way here any more: somebody left or blocks it, and other links are the best now. */
  voiceLost(): void {
    if (this.core.nowMs - this.#changedMs >= LOST_PAUSE_MS) this.#startOver();
  }

  #startOver(): void {
    this.#regretted.clear();
    this.#changedMs = this.core.nowMs;
    this.#intervalMs = this.core.config.rewireMs;
    this.#wake(this.core.jittered(this.#intervalMs));
  }

  tick(): void {
    const { core } = this;
    if (core.nowMs < this.nextMs) return;
    this.nextMs = Infinity;
    for (const [peer, untilMs] of this.#agreed) if (core.nowMs >= untilMs) this.#agreed.delete(peer);
    if (core.nowMs >= this.#appraiseAtMs) this.#appraise();
    this.#payForFresh();
    if (this.#round && core.nowMs >= this.#round.endsMs) this.#decide(this.#round);
    else if (!this.#round && core.nowMs >= this.#nextRoundMs) this.#ask();
    this.#wakeAt(this.#round ? this.#round.endsMs : this.#nextRoundMs);
    for (const untilMs of this.#fresh.values()) this.#wakeAt(untilMs);
    this.#wakeAt(this.#appraiseAtMs);
  }

  #nextRoundMs = 0;
  #appraiseAtMs = Infinity;
  /** When the room last grew or shrank noticeably. */
  #changedMs = 0;

  /** Shortest pause between rounds: the longer the room has been what it is, the less is left to gain by haste. */
  get #leastIntervalMs(): number {
    const { rewireMs, rewireMaxMs, rewireAging } = this.core.config;
    return Math.min(rewireMaxMs, Math.max(rewireMs, rewireAging * (this.core.nowMs - this.#changedMs)));
  }

  /** Neighbours offer something else than before: the links may be worth more or less. */
  offersChanged(): void {
    if (this.#appraiseAtMs !== Infinity || !this.#isLarge) return;
    this.#appraiseAtMs = this.core.nowMs + this.core.jittered(APPRAISE_MS);
    this.#wakeAt(this.#appraiseAtMs);
  }

  get #isLarge(): boolean {
    return this.roster.entries.size > this.core.config.fullMeshMembers;
  }

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
    return this.linkage.target;
  }

  get #full(): boolean {
    return this.neighbours.linkCount >= this.#target;
  }

  #ask(): void {
    const { core, neighbours } = this;
    this.#nextRoundMs = core.nowMs + core.jittered(this.#intervalMs);
    this.#intervalMs = Math.min(core.config.rewireMaxMs, this.#intervalMs * core.config.rewireSlowing);
    if (!this.#isLarge) return;
    if (neighbours.linkCount < core.config.poorLinks || this.#fresh.size > 0) return;
    this.#openRound(this.core.config.rewireSample, this.#candidates(), false);
  }

  /** Asks members for a comparison of costs over so many sources. */
  #openRound(sources: number, peers: readonly MemberId[], isFinal: boolean): void {
    const { core } = this;
    const sample = this.#sample(sources);
    const round: Round = {
      nonce: Math.floor(core.random() * 0x10000),
      endsMs: core.nowMs + ANSWER_MS,
      isFinal,
      ownCosts: this.#costs(sample),
      asked: new Set(),
      offers: [],
    };
    const offered = sample.map((source) => ({ source, costMs: this.trees.offeredMs(source) }));
    const coordinate = this.coordinate();
    for (const peer of peers) {
      if (this.sendRouted(peer, { type: 'costs-request', nonce: round.nonce, coordinate, sample: offered }))
        round.asked.add(peer);
    }
    if (round.asked.size > 0) this.#round = round;
    this.#wakeAt(round.endsMs);
  }

  onRequest(from: MemberId, request: CostsRequest): void {
    const { core } = this;
    remember(this.#places, from, request.coordinate, MAX_REMEMBERED);
    const sources = request.sample.map(({ source }) => source);
    const costs = this.#costs(sources);
    // What is blocked here is not missed here.
    const needs = costs.map((costMs, i) => (this.trees.isBlocked(sources[i] as Handle) ? 0 : costMs));
    const theirs = request.sample.map(({ costMs }) => costMs);
    const linkMs = this.#linkMs(from);
    const busy =
      this.#fresh.size > 0 ||
      this.linkage.leaving ||
      // Places are for those who want to hear this member.
      this.trees.isShunned ||
      this.neighbours.linkCount > core.limits.maxLinks;
    const willing = !busy && linkMs !== undefined && !this.neighbours.link(from);
    if (willing) this.#agreed.set(from, core.nowMs + AGREEMENT_MS);
    this.sendRouted(from, {
      type: 'costs',
      nonce: request.nonce,
      coordinate: this.coordinate(),
      willing,
      gainMs: linkMs === undefined ? 0 : gainOfLink(needs, theirs, linkMs, core.config.relayMs),
      priceMs: this.#full ? (this.#leastUseful()?.priceMs ?? UNSERVED_MS) : 0,
      costs: willing ? sources.map((source) => this.trees.offeredMs(source)) : [],
    });
  }

  onCosts(from: MemberId, answer: Costs): void {
    const round = this.#round;
    remember(this.#places, from, answer.coordinate, MAX_REMEMBERED);
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
    // Of a few rough estimates the best is mostly too good; a second one, over other sources, is not chosen for that. While
    // the room is young, such errors lead out of dead ends, like heat in annealing.
    const isCool = core.nowMs - this.#changedMs >= core.config.rewireCoolMs;
    if (isCool && !round.isFinal && !this.#isMissing)
      return this.#openRound(core.config.rewireFinalSample, [best.peer], true);
    this.#agreed.set(best.peer, core.nowMs + AGREEMENT_MS);
    this.#intervalMs = this.#leastIntervalMs;
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
      // What carries speech is left alone: moving a voice to another path is heard.
      if (this.#fresh.has(link.peer) || this.trees.carriesSpeech(link.peer)) continue;
      const priceMs = (worth.get(link.peer) ?? 0) + link.worthToPeerMs;
      if (!least || priceMs < least.priceMs) least = { peer: link.peer, priceMs };
    }
    return least;
  }

  #worths(): Map<MemberId, number> {
    return worthOfLinks(this.trees.prospects());
  }

  /** Costs of these sources here, ms; 0 for the own voice, Infinity where nobody offers one. */
  #costs(sources: readonly Handle[]): number[] {
    return sources.map((source) => this.trees.soonestMs(source));
  }

  /** Tells the neighbours what their links are worth here. */
  #appraise(): void {
    this.#appraiseAtMs = Infinity;
    const worth = this.#worths();
    for (const link of this.neighbours.links()) {
      const worthMs = worth.get(link.peer) ?? 0;
      const told = link.toldWorthMs ?? 0;
      if (Math.abs(told - worthMs) < Math.max(TELL_MS, 0.15 * worthMs)) continue;
      link.toldWorthMs = worthMs;
      this.core.send(link.peer, { type: 'appraisal', worthMs });
    }
  }

  onAppraisal(from: Neighbour, message: ControlMessage & { type: 'appraisal' }): void {
    from.worthToPeerMs = Math.min(UNSERVED_MS, message.worthMs);
  }

  /** Estimated one-way delay of a link to a member, ms; undefined when nothing is known of its place. */
  #linkMs(peer: MemberId): number | undefined {
    const measuredMs = this.#measured.get(peer);
    if (measuredMs !== undefined) return measuredMs / 2;
    const place = this.#places.get(peer) ?? this.roster.get(peer)?.coordinate;
    const byPlaceMs = place && estimateRttMs(this.coordinate(), place);
    const bounds = this.acquaintances.bounds(peer, (acquaintance) => this.#roundTripTo(acquaintance));
    const rttMs = bounds ? estimateWithin(bounds, byPlaceMs) : byPlaceMs;
    return rttMs === undefined ? undefined : rttMs / 2;
  }

  /** Round trip to a present or former neighbour, ms. */
  #roundTripTo(peer: MemberId): number | undefined {
    const link = this.neighbours.link(peer);
    return link?.measured ? link.rttMs : this.#measured.get(peer);
  }

  #sample(count: number): Handle[] {
    // Whom nobody near passes on is missed most.
    const missed = this.trees.cutOff().map((tree) => tree.handle);
    const handles = [...this.trees.byHandle.values()]
      .filter((tree) => !tree.own && !tree.blocked && !missed.includes(tree.handle))
      .map((tree) => tree.handle);
    const first = missed.slice(0, count);
    return [...first, ...draw(handles, count - first.length, this.core.random)];
  }

  /**
   * Some at random, against blind spots; the others the nearest as far as coordinates tell. Not those to whom the present
   * way is the longest detour: sorted by that, the members whose distance is underestimated most come first.
   */
  #candidates(): MemberId[] {
    const { core, roster, neighbours } = this;
    const { nowMs } = core;
    const isMissing = this.#isMissing;
    const others = [...roster.entries.keys()].filter(
      (peer) =>
        peer !== core.selfId &&
        !neighbours.link(peer) &&
        this.linkage.mayAsk(peer) &&
        (isMissing || !this.#regretted.isBarred(peer, nowMs)) &&
        (this.#askedMs.get(peer) ?? -Infinity) + ASK_AGAIN_MS <= nowMs,
    );
    const { rewireCandidates, rewireRandom } = core.config;
    const random = draw(others, rewireRandom, core.random);
    const near = others
      .filter((peer) => !random.includes(peer))
      .map((peer) => ({ peer, linkMs: this.#linkMs(peer) ?? Infinity }))
      .sort((a, b) => a.linkMs - b.linkMs)
      .slice(0, rewireCandidates - random.length);
    const candidates = [...random, ...near.map(({ peer }) => peer)];
    for (const peer of candidates) remember(this.#askedMs, peer, nowMs, MAX_REMEMBERED);
    return candidates;
  }
}
