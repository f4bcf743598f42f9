/**
 * Opens, admits and drops links. A member keeps at most `maxLinks`; one more only for the length of a hand-over: to take in a
 * newcomer when everybody is full (`splices.ts`), or to join two islands (`ways-in.ts`); `trialsAtOnce` more while they are
 * tried and paid for. What can be decided without state is in `links.ts`.
 */

import { handleOf, type MemberId } from '../units.js';
import type { DropReason } from '../wire/control.js';
import type { Core } from './core.js';
import { draw } from './draw.js';
import { targetFirst, chooseLinks, targetLinks, deservesSplice, type LinkCandidate } from './links.js';
import type { LinkMap } from './link-map.js';
import { LinkRequests } from './link-requests.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import { Occupancy } from './occupancy.js';
import type { Rewiring } from './rewiring.js';
import type { Roster } from './roster.js';
import type { Source } from './source.js';
import { Splices } from './splices.js';
import type { Trees } from './trees.js';
import { WaysIn } from './ways-in.js';

/** How soon a full member tells a newcomer which neighbour will call it, ms: a round trip and some. */
const SPLICE_NOTICE_MS = 500;
/** Who links to a speaker to hear it has asked for the voice by then, ms: two long round trips. */
const ASKS_WITHIN_MS = 1000;
/** Members that one who finds no place is pointed to. */
const POINTED_TO = 3;

export class Linkage {
  nextMs = 0;
  readonly requests: LinkRequests;
  readonly #occupancy: Occupancy;
  readonly splices: Splices;
  readonly #waysIn: WaysIn;
  #wasLarge = false;
  leaving = false;
  /** Exchanges of links under way. */
  exchanges: Pick<Rewiring, 'agreedWith' | 'isFresh' | 'tried' | 'sendRouted' | 'nearest'> | undefined =
    undefined;

  constructor(
    readonly core: Core,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
    readonly trees: Trees,
    readonly map: LinkMap,
  ) {
    const requests = new LinkRequests(core, roster, neighbours);
    const occupancy = new Occupancy(roster, map);
    this.requests = requests;
    this.#occupancy = occupancy;
    this.splices = new Splices(core, roster, neighbours, trees, map, requests, occupancy, {
      drop: (peer, reason) => this.drop(peer, reason),
      wake: (delayMs) => this.wake(delayMs),
      isFresh: (peer) => this.exchanges?.isFresh(peer) === true,
    });
    this.#waysIn = new WaysIn(core, roster, neighbours, trees, requests, occupancy, (peers) =>
      this.exchanges?.nearest(peers),
    );
  }

  get full(): boolean {
    return this.neighbours.linkCount >= this.core.limits.maxLinks;
  }

  /** Links aimed at: children need some, and where uploads are short whoever could serve many is to have as many. */
  get target(): number {
    const { core, trees } = this;
    const { budget, plan } = trees;
    const copies = budget.copies === Infinity ? 0 : budget.plannedEach;
    const choice = plan.isScarce && !plan.isNegotiated ? core.config.linksPerCopy : 1;
    return targetLinks(core.limits.maxLinks, this.roster.entries.size, choice * copies + 2, core.config);
  }

  /** Links tried at the same time: where uploads are short it is places that are lacking, and two take more of them away than they find. */
  get trialsAtOnce(): number {
    return this.trees.plan.isScarce ? 1 : this.core.config.trialsAtOnce;
  }

  admits(peer: MemberId, nowMs: number): boolean {
    if (this.leaving || peer === this.core.selfId) return false;
    this.#expire(nowMs);
    const { requests } = this;
    const expected = requests.pending.has(peer) || requests.promised.has(peer) || this.splices.expects(peer);
    if (expected || this.neighbours.link(peer)) return true;
    const tried = this.exchanges?.tried ?? 0;
    const taken = this.neighbours.linkCount + requests.promised.size + tried + this.#placesHeldForOwn();
    const entry = this.roster.get(peer);
    const { maxLinks } = this.core.limits;
    // All the own requests may be granted at once.
    if (taken + requests.pending.size >= maxLinks + this.core.config.maxPendingLinks) return false;
    // Links given up for others still stand for a moment: a browser keeps no more than twice as many.
    const isCrowded = this.neighbours.linked.length + requests.promised.size >= 2 * maxLinks;
    // Whoever stands at the doorbell, or has no link by the map that its far end tells of, lost those that it told of.
    const poor =
      !entry ||
      this.neighbours.get(peer)?.piped === true ||
      (this.#occupancy.mappedLinksOf(entry) !== undefined &&
        this.trees.plan.costMs(handleOf(peer)) === Infinity) ||
      deservesSplice(this.#occupancy.linksOf(entry), entry.maxLinks, maxLinks, this.core.config);
    const room =
      (taken < maxLinks && !(isCrowded && this.trees.isShunned)) ||
      // Its voice is wanted by few of its neighbours: links that nobody would miss go for those who do want it.
      (taken <= maxLinks + 2 && !isCrowded && this.trees.isDeserted) ||
      (taken === maxLinks && this.#deaf().length > 0) ||
      // A voice was cut off here as it is there: one way in serves both.
      (taken <= maxLinks + 1 && this.trees.wasCutOff) ||
      (taken === maxLinks && (poor || this.#apart(peer, nowMs))) ||
      (taken < maxLinks + this.trialsAtOnce && this.#mayTry(peer));
    if (room) {
      requests.promised.set(peer, nowMs + this.core.config.admissionMs);
      this.wake();
    }
    if (this.trees.isSpeaking && (!room || this.trees.isShunned)) this.#pointTo(peer);
    return room;
  }

  /** Whether an exchange was agreed with a member, and no link too many is here but what exchanges pay for. */
  #mayTry(peer: MemberId): boolean {
    const { exchanges } = this;
    if (!exchanges?.agreedWith(peer)) return false;
    const settled = this.neighbours.links().filter((link) => !exchanges.isFresh(link.peer));
    return settled.length <= this.core.limits.maxLinks;
  }

  /** Perhaps it wants to hear this member: those who do will pass the voice on, and may be nearer. */
  #pointTo(peer: MemberId): void {
    const { core, trees } = this;
    const listeners = trees.of(core.selfId)?.tree?.forwardTo ?? [];
    const coming = [...this.requests.promised.keys()].filter((promised) => promised !== peer);
    const redirects = [...draw(listeners, POINTED_TO, core.random), ...draw(coming, POINTED_TO, core.random)];
    if (redirects.length === 0) return;
    const rejections = [{ source: core.selfHandle, reason: 'full', redirects } as const];
    this.exchanges?.sendRouted(peer, { type: 'reject', rejections });
  }

  /** Links to members that block the own voice while it is heard, or, where several do at once, that it does not pass over. */
  #deaf(): Neighbour[] {
    const { core, neighbours, trees } = this;
    if (!trees.isSpeaking) return [];
    const self = core.selfHandle;
    return neighbours
      .links()
      .filter(
        ({ peer, linkedAtMs, unwanted }) =>
          unwanted.has(self) ||
          (trees.isShunned && core.nowMs - linkedAtMs > ASKS_WITHIN_MS && !trees.carriesSpeech(peer)),
      );
  }

  /** Such links go at once for members that want to hear it. */
  #yieldToListeners(): void {
    const { core, neighbours } = this;
    for (const { peer } of this.#deaf()) {
      const { linkCount } = neighbours;
      if (
        linkCount <= core.config.poorLinks ||
        linkCount + this.requests.promised.size <= core.limits.maxLinks
      )
        return;
      this.drop(peer, 'surplus');
    }
  }

  /**
   * Places that own requests under way will take: one for the first link, two when it is asked of a full member, which
   * will splice us into one of its links. Later requests may turn out to be one too many; that one is undone.
   */
  #placesHeldForOwn(): number {
    if (this.core.nowMs < this.requests.holdUntilMs) return 1;
    if (this.neighbours.linkCount > 0 || this.requests.pending.size === 0) return 0;
    for (const peer of this.requests.pending.keys())
      if (this.#occupancy.isFull(this.roster.get(peer))) return 2;
    return 1;
  }

  /** No tree has led to this member for some time: it may live on another island. */
  #apart(peer: MemberId, nowMs: number): boolean {
    const source = this.trees.of(peer);
    const since = source?.unservedSinceMs;
    if (source === undefined || since === undefined) return false;
    return nowMs - since >= this.#waysIn.unreachableMs || this.trees.cutOff().includes(source);
  }

  /** A voice has no parent any more; or nobody around has it, and its source is wanted whatever came of links to it. */
  voiceLost({ memberId, unservedSinceMs }: Source, isCutOff: boolean): void {
    const { nowMs, config } = this.core;
    if (isCutOff) this.requests.backoffs.forgive(memberId);
    this.wake(Math.max(0, (unservedSinceMs ?? nowMs) + config.cutOffMs - nowMs));
  }

  /** Looks at the links again soon: something changed. */
  wake(delayMs = 0): void {
    this.nextMs = Math.min(this.nextMs, this.core.nowMs + delayMs);
  }

  /** A link opened that is tried first: it counts among those that are. */
  trialBegins(peer: MemberId): void {
    this.requests.promised.delete(peer);
  }

  linkUp(peer: MemberId): void {
    const isFull = this.neighbours.linkCount > this.core.limits.maxLinks;
    if (this.#apart(peer, this.core.nowMs) || (isFull && (this.trees.isDeserted || this.trees.wasCutOff)))
      this.requests.bridges.add(peer);
    this.requests.pending.delete(peer);
    this.requests.promised.delete(peer);
    this.requests.backoffs.forgive(peer);
    this.splices.linkUp(peer);
    const entry = this.roster.get(peer);
    this.requests.asksAtDoor = false;
    const first = this.neighbours.linkCount === 1;
    if (first && (!entry || this.#occupancy.linksOf(entry) + 1 >= entry.maxLinks))
      this.requests.holdUntilMs = this.core.nowMs + SPLICE_NOTICE_MS;
    this.wake();
  }

  linkDown(peer: MemberId, cause: 'closed' | 'failed' | 'refused'): void {
    const { core } = this;
    this.requests.pending.delete(peer);
    this.requests.promised.delete(peer);
    this.splices.linkDown(peer);
    this.requests.bridges.delete(peer);
    if (cause !== 'closed')
      this.requests.backOff(peer, cause === 'refused' ? core.config.backoffMs : 4 * core.config.backoffMs);
    this.wake();
  }

  memberGone(peer: MemberId): void {
    this.requests.backoffs.forgive(peer);
    this.requests.promised.delete(peer);
    this.splices.memberGone(peer);
    this.wake(this.core.jittered(50));
  }

  /** Says goodbye on a link, lets it deliver for one hand-over, then closes it. */
  drop(peer: MemberId, reason: DropReason): void {
    const neighbour = this.neighbours.link(peer);
    if (!neighbour || neighbour.retiring) return;
    this.core.send(peer, { type: 'link-drop', reason });
    this.retire(neighbour, this.core.config.retireMs);
  }

  /** A link that will end: trees move away from it. Only the end that dropped it closes it; the other waits longer. */
  retire(neighbour: Neighbour, afterMs: number): void {
    if (neighbour.retiring) return;
    this.requests.backOff(neighbour.peer, 4 * this.core.config.backoffMs);
    this.requests.bridges.delete(neighbour.peer);
    neighbour.retiring = true;
    neighbour.retireAtMs = this.core.nowMs + afterMs;
    this.neighbours.wake(neighbour.retireAtMs);
    this.trees.neighbourFailing(neighbour.peer);
    this.core.viewChanged = true;
    this.wake(this.core.config.linkCheckMs);
  }

  tick(): void {
    const { core, neighbours } = this;
    if (core.nowMs < this.nextMs || this.leaving) return;
    this.#expire(core.nowMs);
    this.nextMs = core.nowMs + core.jittered(core.config.linkReviewMs);
    if (!this.roster.self) return;
    // Pauses after links that were exchanged for others: in a small room everybody is wanted.
    if (this.#wasLarge && !this.roster.isLarge) this.requests.backoffs.clear();
    this.#wasLarge = this.roster.isLarge;
    this.#yieldToListeners();
    if (neighbours.linkCount > core.limits.maxLinks) this.splices.resolveOverrun();
    else {
      this.splices.overrunOver();
      this.#openMissing();
    }
  }

  /** No link is missing, so that nobody need be looked for. */
  get #hasEnough(): boolean {
    const { core, roster, neighbours } = this;
    const links = neighbours.linkCount;
    const target = targetFirst(core.limits.maxLinks, roster.entries.size, core.config);
    return links >= core.config.poorLinks && links >= target;
  }

  #expire(nowMs: number): void {
    this.requests.expire(nowMs);
    this.splices.expire(nowMs);
  }

  #openMissing(): void {
    const { core, roster, neighbours, requests } = this;
    if (neighbours.all.size === 0) {
      // Nobody carries a request. Those on their way are lost, and would keep this member from asking at the doorbell.
      requests.askAnew();
      return;
    }
    const { unreachable, blockedOff } = this.#waysIn.missed();
    const isBlockedOff = blockedOff.size > 0;
    this.#waysIn.followHints();
    const hasEnough = this.#hasEnough;
    if (unreachable.size === 0 && hasEnough) return;
    const candidates: LinkCandidate[] = [];
    let waiting = false;
    // Where no link is missing nobody else is looked for.
    for (const peer of hasEnough ? unreachable : roster.entries.keys()) {
      const entry = roster.get(peer);
      if (!entry || peer === core.selfId || neighbours.link(peer) || requests.pending.has(peer)) continue;
      if (requests.backoffs.isBarred(peer, core.nowMs)) {
        waiting = true;
        continue;
      }
      candidates.push({
        peer,
        // Who is heard by few has room for one who wants to.
        full: this.#occupancy.isFull(entry) && !blockedOff.has(peer),
        links: this.#occupancy.linksOf(entry),
        piped: neighbours.get(peer)?.piped === true,
        unreachable: unreachable.has(peer),
      });
    }
    const underWay = requests.pending.size + requests.promised.size;
    const situation = {
      links: neighbours.linkCount,
      asksAtDoor: requests.asksAtDoor,
      pending: underWay + (core.nowMs < requests.holdUntilMs ? 1 : 0),
      maxLinks: core.limits.maxLinks,
      members: roster.entries.size,
      bridging: isBlockedOff ? requests.bridging : underWay,
      mayBridge: isBlockedOff || (unreachable.size > 0 && this.#waysIn.mayBridge(unreachable)),
    };
    const chosen = chooseLinks(situation, candidates, core.config, core.random);
    for (const peer of chosen) {
      if (unreachable.has(peer)) requests.bridges.add(peer);
      requests.ask(peer);
    }
    if (chosen.length > 0 || waiting || unreachable.size > 0 || requests.pending.size > 0) {
      this.wake(core.jittered(core.config.linkCheckMs));
    }
  }
}
