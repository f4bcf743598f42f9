/**
 * Makes the link graph of a larger room better, link by link. Each member now and then weighs links with a few others,
 * some at random and some near: what one would save either end, by the map of all links. The two that promise most are
 * asked whether they offer that, and what they would give up. Where the gain exceeds what both would give up, the links are
 * opened, measured and weighed once more, and each end that then has too many gives up its least useful one. Rounds slow
 * down while nothing improves and start over when the room changes. A little over 400 lines: question, bargain, trial and
 * payment all turn on who was agreed with and which links are fresh.
 */

import { handleOf, type MemberId } from '../units.js';
import type { ControlMessage } from '../wire/control.js';
import { Backoffs } from './backoffs.js';
import type { Core } from './core.js';
import type { Distances } from './distances.js';
import { doubting, shareWrong } from './doubt.js';
import { draw } from './draw.js';
import type { Linkage } from './linkage.js';
import type { LinkMap, Ways } from './link-map.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import { remember } from './remember.js';
import type { Roster } from './roster.js';
import { ownWays, savingsOf, type Savings } from './savings.js';
import type { Trees } from './trees.js';
import type { Trials } from './trials.js';
import { bestExchanges, gainOfLink, netGainMs, UNSERVED_MS, type Offer } from './worth.js';

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
/** So many times as many are asked while a voice is missed: the map does not show who blocks it. */
const MISSING_CANDIDATES = 2;
/** Between two times that a lost voice starts the rounds over, ms. */
const LOST_PAUSE_MS = 10_000;
/** Members remembered, of whom to ask and whom to leave alone. */
const MAX_REMEMBERED = 512;
/** A change of worth below this is not told, ms a source. */
const TELL_MS = 0.25;

interface Round {
  readonly nonce: number;
  endsMs: number;
  readonly asked: Map<MemberId, Savings>;
  readonly offers: (Offer<MemberId> & Bargain)[];
}

/** What the far end answered. */
interface Bargain {
  /** Share of the promised savings that it does offer. */
  readonly keptShare: number;
  /** What it would give up, ms a source. */
  readonly theirPriceMs: number;
  /** It has a voice that is missed here. */
  readonly hasMissed: boolean;
}

interface Agreement {
  readonly untilMs: number;
  /** Undefined at the end that was asked. */
  readonly bargain: Bargain | undefined;
}

export class Rewiring {
  nextMs = Infinity;
  #intervalMs: number;
  #round: Round | undefined = undefined;
  /** Members with whom an exchange of links was agreed; bounded by candidates of a round and askers in `AGREEMENT_MS`. */
  readonly #agreed = new Map<MemberId, Agreement>();
  /** Links that came by an exchange and may cost an old one, with the time to look. At most one per link. */
  readonly #fresh = new Map<MemberId, number>();
  /** When members were last asked; oldest first, at most `MAX_REMEMBERED`. */
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
    readonly map: LinkMap,
    readonly distances: Distances,
    readonly trials: Trials,
    /** Sends to a member that may be several links away; false when no route is known. */
    readonly sendRouted: (to: MemberId, message: ControlMessage) => boolean,
    /** An exchange has brought its link, and cost another one or found room: both are told together. */
    readonly onPaid: () => void,
  ) {
    this.#intervalMs = core.config.rewireMs;
    this.#regretted = new Backoffs(MAX_REMEMBERED, core.config.regretMaxMs);
  }

  /** Whether a member may come although there is no room: a link will be given up for it. */
  agreedWith(peer: MemberId): boolean {
    return (this.#agreed.get(peer)?.untilMs ?? -Infinity) > this.core.nowMs;
  }

  /** The one that seems nearest of these. */
  nearest(peers: readonly MemberId[]): MemberId | undefined {
    const linksMs = this.distances.linksMs(peers);
    const distanceMs = (at: number): number => linksMs[at] ?? Infinity;
    let best = 0;
    for (let at = 1; at < peers.length; at++) if (distanceMs(at) < distanceMs(best)) best = at;
    return peers[best];
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

  /** @param ageMs how long the link was there */
  linkDown(peer: MemberId, rttMs: number | undefined, ageMs: number): void {
    if (ageMs < DISAPPOINTING_MS) this.#regretted.backOff(peer, this.core.config.regretMs, this.core.nowMs);
    if (rttMs !== undefined) this.distances.note(peer, rttMs);
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
    if (members > this.#membersSeen) this.#grewAtMs = this.core.nowMs;
    this.#membersSeen = members;
    this.#startOver();
  }

  /** A voice has no way here any more: somebody left or blocks it, and other links are the best now; or nobody around has it. */
  voiceLost(isCutOff: boolean): void {
    if (this.core.nowMs - this.#changedMs >= LOST_PAUSE_MS) this.#startOver();
    if (!isCutOff) return;
    this.#nextRoundMs = this.core.nowMs;
    this.#wakeAt(this.#nextRoundMs);
  }

  #startOver(): void {
    this.#regretted.clear();
    this.#changedMs = this.core.nowMs;
    this.#intervalMs = this.#paceMs;
    this.#wake(this.core.jittered(this.#intervalMs));
  }

  tick(): void {
    const { core } = this;
    if (core.nowMs < this.nextMs) return;
    this.nextMs = Infinity;
    for (const [peer, { untilMs }] of this.#agreed) if (core.nowMs >= untilMs) this.#agreed.delete(peer);
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
  /** When the room last grew or shrank noticeably … */
  #changedMs = 0;
  /** … and when it last grew. */
  #grewAtMs = -Infinity;

  /** Pause between the first rounds. */
  get #paceMs(): number {
    const { rewireMs, rewirePacing } = this.core.config;
    return rewireMs * this.roster.pacing ** rewirePacing;
  }

  /** Members are still coming, and there are links enough until they are here. */
  get #isGrowing(): boolean {
    const { nowMs, config } = this.core;
    return nowMs - this.#grewAtMs < config.rewireGrowthMs && this.neighbours.linkCount >= config.firstLinks;
  }

  /** Shortest pause between rounds: the longer the room has been what it is, the less is left to gain by haste. */
  get #leastIntervalMs(): number {
    const agingMs = this.core.config.rewireAging * (this.core.nowMs - this.#changedMs);
    const paceMs = this.#paceMs * Math.max(1, this.#settledShare) ** 2;
    return Math.min(this.#mostIntervalMs, Math.max(paceMs, agingMs));
  }

  /** How long the room has been what it is, as a share of the time after which it counts as settled. */
  get #settledShare(): number {
    const { rewireSettledMs, settledPacing } = this.core.config;
    return ((this.core.nowMs - this.#changedMs) * this.roster.pacing ** settledPacing) / rewireSettledMs;
  }

  get #mostIntervalMs(): number {
    return this.core.config.rewireMaxMs * this.roster.pacing;
  }

  /** Larger than rooms in which all can hear of everything at once. */
  get #isVeryLarge(): boolean {
    return this.roster.pacing > 1;
  }

  /** Neighbours offer something else than before: the links may be worth more or less. */
  offersChanged(): void {
    if (this.#appraiseAtMs !== Infinity || !this.roster.isLarge) return;
    this.#appraiseAtMs = this.core.nowMs + this.core.jittered(APPRAISE_MS * this.roster.pacing);
    this.#wakeAt(this.#appraiseAtMs);
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

  #ask(): void {
    const { core, neighbours } = this;
    // One more round at the pace of the last would be told to all of a very large room.
    if (this.#isVeryLarge) this.#intervalMs = Math.max(this.#intervalMs, this.#leastIntervalMs);
    this.#nextRoundMs = core.nowMs + core.jittered(this.#intervalMs);
    if (this.roster.isLarge && this.#isGrowing && !this.#isMissing) return;
    const pauseMs = Math.max(this.#intervalMs * core.config.rewireSlowing, this.#leastIntervalMs);
    this.#intervalMs = Math.min(this.#mostIntervalMs, pauseMs);
    if (!this.roster.isLarge) return;
    if (neighbours.linkCount < core.config.poorLinks || this.#isBusy) return;
    const own = ownWays(this);
    const isMissing = this.#isMissing;
    const doubt = isMissing ? undefined : this.#doubt();
    const promises: Savings[] = [];
    for (const peer of this.#candidates()) {
      const promised = this.#weigh(peer, own, doubt);
      if (promised) promises.push(promised);
    }
    promises.sort((a, b) => b.hereMs + b.thereMs - a.hereMs - a.thereMs);
    // The map knows nothing of blocks: who is cut off asks around.
    const asked = isMissing
      ? promises
      : promises.slice(0, 2).filter((promised) => this.#pays(promised, 1, 0));
    if (asked.length > 0) this.#openRound(asked);
  }

  /** Whether a link saves more than both ends give up for it, as far as is known. */
  #pays({ hereMs, thereMs }: Savings, keptShare: number, theirPriceMs: number): boolean {
    const exchange = { gainMs: hereMs * keptShare + thereMs, priceMs: this.#priceMs + theirPriceMs };
    return netGainMs(exchange, this.core.config.rewireMargin) > this.#leastMs;
  }

  /** By how much an exchange must pay, ms a source. */
  get #leastMs(): number {
    const { rewireLeastMs, settledLeast, settledLeastMost } = this.core.config;
    const share = settledLeast * this.#settledShare;
    const dearer = this.#isVeryLarge ? Math.min(settledLeastMost, Math.max(1, share)) : 1;
    return dearer * rewireLeastMs * this.roster.entries.size;
  }

  /** What another link costs, ms a source; where links are still to be paid for, the least useful ones go for those. */
  get #priceMs(): number {
    const surplus = this.neighbours.linkCount - this.#target;
    if (surplus < 0) return 0;
    return this.#forSale()[Math.min(surplus, this.#fresh.size)]?.priceMs ?? UNSERVED_MS;
  }

  /** By what to multiply estimates in a round: the more often they have been wrong here, the more often they are doubted. */
  #doubt(): (() => number) | undefined {
    const { core, roster, distances } = this;
    const surprises = distances.surprises(roster.entries.keys());
    const isDoubtful = core.random() < core.config.rewireDoubt * shareWrong(surprises);
    return isDoubtful ? doubting(surprises, core.random) : undefined;
  }

  #weigh(peer: MemberId, own: Ways, doubt?: () => number): Savings | undefined {
    const [linkMs] = this.distances.linksMs([peer], doubt);
    return linkMs === undefined ? undefined : savingsOf(peer, linkMs, own, this);
  }

  /** Asks members whether they offer what the map promises, and what another link costs them. */
  #openRound(promises: readonly Savings[]): void {
    const { core } = this;
    const nonce = Math.floor(core.random() * 0x10000);
    const round: Round = { nonce, endsMs: core.nowMs + ANSWER_MS, asked: new Map(), offers: [] };
    for (const promised of promises) {
      const sources = promised.sample.map(({ source }) => source);
      if (this.sendRouted(promised.peer, { type: 'costs-request', nonce, sources }))
        round.asked.set(promised.peer, promised);
    }
    if (round.asked.size > 0) this.#round = round;
    this.#wakeAt(round.endsMs);
  }

  onRequest(from: MemberId, request: CostsRequest): void {
    const { core } = this;
    const busy =
      this.#isBusy ||
      this.linkage.leaving ||
      // Places are for those who want to hear this member.
      this.trees.isShunned ||
      this.neighbours.linkCount > core.limits.maxLinks;
    const willing = !busy && !this.neighbours.link(from);
    if (willing) this.#agreed.set(from, { untilMs: core.nowMs + AGREEMENT_MS, bargain: undefined });
    this.sendRouted(from, {
      type: 'costs',
      nonce: request.nonce,
      willing,
      priceMs: this.#priceMs,
      costs: willing ? request.sources.map((source) => this.trees.offeredMs(source)) : [],
    });
  }

  onCosts(from: MemberId, answer: Costs): void {
    const round = this.#round;
    if (!round || answer.nonce !== round.nonce) return;
    const promised = round.asked.get(from);
    if (!promised || !round.asked.delete(from) || !answer.willing) return;
    const { sample, sampleMs, hereMs, thereMs, linkMs } = promised;
    const ownCosts = sample.map(({ costMs }) => costMs);
    const keptMs = sample.length * gainOfLink(ownCosts, answer.costs, linkMs, this.map.relayMs);
    const keptShare = sampleMs > 0 ? Math.min(1, keptMs / sampleMs) : 0;
    const gainMs = hereMs * keptShare + thereMs;
    const priceMs = this.#priceMs + answer.priceMs;
    const hasMissed = sample.some(
      ({ costMs }, i) => costMs === UNSERVED_MS && (answer.costs[i] ?? Infinity) < Infinity,
    );
    round.offers.push({ peer: from, gainMs, priceMs, keptShare, theirPriceMs: answer.priceMs, hasMissed });
    // Who has what is missed is not kept waiting for others.
    if (round.asked.size === 0 || (hasMissed && this.#isMissing)) {
      round.endsMs = this.core.nowMs;
      this.#wakeAt(round.endsMs);
    }
  }

  #decide(round: Round): void {
    const { core } = this;
    this.#round = undefined;
    if (this.#isBusy) return;
    for (const bargain of this.#chosen(round)) {
      if (this.neighbours.link(bargain.peer)) continue;
      this.#agreed.set(bargain.peer, { untilMs: core.nowMs + AGREEMENT_MS, bargain });
      this.linkage.requests.open(bargain.peer);
    }
  }

  /** Who has a voice that is missed here is linked to even where others lose more by it than this member gains. */
  #chosen({ offers }: Round): (Offer<MemberId> & Bargain)[] {
    const { rewireMargin } = this.core.config;
    const places = this.linkage.trialsAtOnce - this.trials.size;
    if (!this.#isMissing) return bestExchanges(offers, rewireMargin, this.#leastMs, places);
    const found = offers.filter(({ hasMissed }) => hasMissed);
    const best = bestExchanges(found, rewireMargin, -Infinity, 1);
    return best.length > 0 ? best : bestExchanges(offers, rewireMargin, this.#leastMs, 1);
  }

  /** No further link can be tried, or one is being paid for. */
  get #isBusy(): boolean {
    return this.#fresh.size > 0 || this.trials.size >= this.linkage.trialsAtOnce;
  }

  /** Whether others are still told how far those are that were tried in vain: it sharpens their estimates. */
  get tellsMeasured(): boolean {
    return !this.#isVeryLarge || this.core.nowMs - this.#changedMs < this.core.config.measuredToldMs;
  }

  /** Links being tried. */
  get tried(): number {
    return this.trials.size;
  }

  /** A link opened. @returns whether it is tried first */
  tries(peer: MemberId): boolean {
    // A voice that is missed does not wait for what a link may be worth otherwise.
    if (!this.agreedWith(peer) || this.#isMissing) return false;
    this.linkage.trialBegins(peer);
    this.trials.begin(peer, this.#agreed.get(peer)?.bargain !== undefined);
    return true;
  }

  /** A link on trial was measured: whether it is worth what it costs. */
  judge(peer: MemberId, rttMs: number): boolean {
    const bargain = this.#agreed.get(peer)?.bargain;
    this.distances.note(peer, rttMs);
    const promised = this.#weigh(peer, ownWays(this));
    if (!bargain || !promised) return false;
    const stays = this.#pays(promised, bargain.keptShare, bargain.theirPriceMs);
    if (stays) this.#intervalMs = this.#leastIntervalMs;
    else
      this.#nextRoundMs = Math.min(
        this.#nextRoundMs,
        this.core.nowMs + this.core.jittered(this.#leastIntervalMs),
      );
    this.#wakeAt(this.#nextRoundMs);
    return stays;
  }

  /** After an exchange: gives up the least useful link where there are more than aimed at. */
  #payForFresh(): void {
    const { core, neighbours } = this;
    for (const [peer, atMs] of this.#fresh) {
      if (core.nowMs < atMs) continue;
      this.#fresh.delete(peer);
      // In smaller rooms the next change tells of it: the sooner all know, the sooner they rest, .006 of the delay further up.
      if (this.#isVeryLarge) this.onPaid();
      if (neighbours.linkCount <= this.#target) continue;
      const [least] = this.#forSale();
      if (least) this.linkage.drop(least.peer, 'surplus');
    }
  }

  /** Links by how much both ends would miss them, least first. One to a member with hardly any other link is not for sale. */
  #forSale(): { peer: MemberId; priceMs: number }[] {
    const worth = this.trees.worthOfLinks();
    const links: { peer: MemberId; priceMs: number }[] = [];
    for (const link of this.neighbours.links()) {
      if (link.adjacencyKnown && link.adjacent.size <= this.core.config.poorLinks) continue;
      // What carries speech is left alone: moving a voice to another path is heard.
      if (this.#fresh.has(link.peer) || this.trees.carriesSpeech(link.peer)) continue;
      links.push({ peer: link.peer, priceMs: (worth.get(link.peer) ?? 0) + link.worthToPeerMs });
    }
    return links.sort((a, b) => a.priceMs - b.priceMs);
  }

  /** Tells the neighbours what their links are worth here. */
  #appraise(): void {
    this.#appraiseAtMs = Infinity;
    const worth = this.trees.worthOfLinks();
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

  /**
   * Some at random, against blind spots; the others the nearest as far as is known. Not those to whom the present
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
        this.map.has(handleOf(peer)) &&
        this.linkage.requests.mayAsk(peer) &&
        (isMissing || !this.#regretted.isBarred(peer, nowMs)) &&
        (this.#askedMs.get(peer) ?? -Infinity) + ASK_AGAIN_MS <= nowMs,
    );
    const { rewireRandom } = core.config;
    const count = core.config.rewireCandidates * (isMissing ? MISSING_CANDIDATES : 1);
    const random = draw(others, rewireRandom, core.random);
    const rest = others.filter((peer) => !random.includes(peer));
    const linksMs = this.distances.linksMs(rest);
    const near = rest
      .map((peer, i) => ({ peer, linkMs: linksMs[i] ?? Infinity }))
      .sort((a, b) => a.linkMs - b.linkMs)
      .slice(0, count - random.length);
    const candidates = [...random, ...near.map(({ peer }) => peer)];
    for (const peer of candidates) remember(this.#askedMs, peer, nowMs, MAX_REMEMBERED);
    return candidates;
  }
}
