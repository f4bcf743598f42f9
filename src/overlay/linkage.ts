/**
 * Opens, admits, splices and drops links. A member keeps at most `maxLinks`; one more only for the length of a
 * hand-over: to take in a newcomer when everybody is full (it is spliced into an existing link: newcomer and far end
 * link first, then the old link goes), or to join two islands; `trialsAtOnce` more while they are tried and paid for. A
 * little over 600 lines: each of these spends from the same few places, and what can be decided without them is in `links.ts`.
 */

import { handleOf, type MemberId } from '../units.js';
import type { DropReason } from '../wire/control.js';
import type { RosterEntry } from '../wire/roster-entry.js';
import { Backoffs } from './backoffs.js';
import { hopTag, type Core } from './core.js';
import { draw } from './draw.js';
import {
  targetFirst,
  chooseLinks,
  targetLinks,
  chooseLinkToDrop,
  deservesSplice,
  componentsWithout,
  type LinkCandidate,
} from './links.js';
import type { LinkMap } from './link-map.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import type { Rewiring } from './rewiring.js';
import type { Roster } from './roster.js';
import type { Source } from './source.js';
import type { Tree } from './tree.js';
import type { Trees } from './trees.js';

/** How soon a full member tells a newcomer which neighbour will call it, ms: a round trip and some. */
const SPLICE_NOTICE_MS = 500;
/** Who links to a speaker to hear it has asked for the voice by then, ms: two long round trips. */
const ASKS_WITHIN_MS = 1000;
/** Members that one who finds no place is pointed to. */
const POINTED_TO = 3;
const NOBODY: readonly MemberId[] = [];

export class Linkage {
  nextMs = 0;
  /** Links asked for; at most `maxPendingLinks` and a few splices. */
  readonly #pending = new Map<MemberId, number>();
  /** Places promised by `admits`; bounded by the link limit plus one. */
  readonly #promised = new Map<MemberId, number>();
  /** Members not to be asked yet; bounded by the roster (entries of the departed are dropped). */
  readonly #backoff: Backoffs;
  /** Told to link to the key in place of the value. At most one per neighbour. */
  readonly #splices = new Map<MemberId, { instead: MemberId; untilMs: number }>();
  /** Told the key (a neighbour) to link to the value in our place. At most one per neighbour. */
  readonly #ordered = new Map<MemberId, { peer: MemberId; untilMs: number }>();
  /** Links that led to members no tree reached before, asked for or open. At most one per neighbour or link asked for. */
  readonly #bridges = new Set<MemberId>();
  #wasLarge = false;
  /** Links it had are gone: who answers at the doorbell is asked first. */
  #asksAtDoor = false;
  #overrunSinceMs: number | undefined = undefined;
  /** Until when a place is kept because the first link's far end may announce a splice. */
  #holdUntilMs = 0;
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
    this.#backoff = new Backoffs(core.config.maxMembers, core.config.backoffMaxMs);
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

  /** By the map: newer than a member's entry in a larger room, out of date in one that has become small. */
  #mappedLinksOf({ memberId }: RosterEntry): number | undefined {
    return this.roster.isLarge ? this.map.linksOf(handleOf(memberId)) : undefined;
  }

  #linksOf(entry: RosterEntry): number {
    return this.#mappedLinksOf(entry) ?? entry.links;
  }

  #isFull(entry: RosterEntry | undefined): boolean {
    if (!entry) return false;
    const links = this.#mappedLinksOf(entry);
    return links === undefined ? entry.full : links >= entry.maxLinks;
  }

  admits(peer: MemberId, nowMs: number): boolean {
    if (this.leaving || peer === this.core.selfId) return false;
    this.#expire(nowMs);
    const expected = this.#pending.has(peer) || this.#promised.has(peer) || this.#splices.has(peer);
    if (expected || this.neighbours.link(peer)) return true;
    const tried = this.exchanges?.tried ?? 0;
    const taken = this.neighbours.linkCount + this.#promised.size + tried + this.#placesHeldForOwn();
    const entry = this.roster.get(peer);
    const { maxLinks } = this.core.limits;
    // All the own requests may be granted at once.
    if (taken + this.#pending.size >= maxLinks + this.core.config.maxPendingLinks) return false;
    // Links given up for others still stand for a moment: a browser keeps no more than twice as many.
    const isCrowded = this.neighbours.linked.length + this.#promised.size >= 2 * maxLinks;
    // Whoever stands at the doorbell, or has no link by the map that its far end tells of, lost those that it told of.
    const poor =
      !entry ||
      this.neighbours.get(peer)?.piped === true ||
      (this.#mappedLinksOf(entry) !== undefined && this.trees.plan.costMs(handleOf(peer)) === Infinity) ||
      deservesSplice(this.#linksOf(entry), entry.maxLinks, maxLinks, this.core.config);
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
      this.#promised.set(peer, nowMs + this.core.config.admissionMs);
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
    const coming = [...this.#promised.keys()].filter((promised) => promised !== peer);
    const redirects = [...draw(listeners, POINTED_TO, core.random), ...draw(coming, POINTED_TO, core.random)];
    if (redirects.length === 0) return;
    const rejections = [{ source: handleOf(core.selfId), reason: 'full', redirects } as const];
    this.exchanges?.sendRouted(peer, { type: 'reject', rejections });
  }

  /** Links to members that block the own voice while it is heard, or, where several do at once, that it does not pass over. */
  #deaf(): Neighbour[] {
    const { core, neighbours, trees } = this;
    if (!trees.isSpeaking) return [];
    const self = handleOf(core.selfId);
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
      if (linkCount <= core.config.poorLinks || linkCount + this.#promised.size <= core.limits.maxLinks)
        return;
      this.drop(peer, 'surplus');
    }
  }

  /**
   * Places that own requests under way will take: one for the first link, two when it is asked of a full member, which
   * will splice us into one of its links. Later requests may turn out to be one too many; that one is undone.
   */
  #placesHeldForOwn(): number {
    if (this.core.nowMs < this.#holdUntilMs) return 1;
    if (this.neighbours.linkCount > 0 || this.#pending.size === 0) return 0;
    for (const peer of this.#pending.keys()) if (this.#isFull(this.roster.get(peer))) return 2;
    return 1;
  }

  /** How long a member may be without any route before it counts as out of reach, ms: what leads there is told the later the larger the room. */
  get #unreachableMs(): number {
    return this.core.config.unreachableMs * this.roster.pacing;
  }

  /** No tree has led to this member for some time: it may live on another island. */
  #apart(peer: MemberId, nowMs: number): boolean {
    const source = this.trees.of(peer);
    const since = source?.unservedSinceMs;
    if (source === undefined || since === undefined) return false;
    return nowMs - since >= this.#unreachableMs || this.trees.cutOff().includes(source);
  }

  /** A voice has no parent any more; or nobody around has it, and its source is wanted whatever came of links to it. */
  voiceLost({ memberId, unservedSinceMs }: Source, isCutOff: boolean): void {
    const { nowMs, config } = this.core;
    if (isCutOff) this.#backoff.forgive(memberId);
    this.wake(Math.max(0, (unservedSinceMs ?? nowMs) + config.cutOffMs - nowMs));
  }

  /** Looks at the links again soon: something changed. */
  wake(delayMs = 0): void {
    this.nextMs = Math.min(this.nextMs, this.core.nowMs + delayMs);
  }

  /** A link opened that is tried first: it counts among those that are. */
  trialBegins(peer: MemberId): void {
    this.#promised.delete(peer);
  }

  linkUp(peer: MemberId): void {
    const isFull = this.neighbours.linkCount > this.core.limits.maxLinks;
    if (this.#apart(peer, this.core.nowMs) || (isFull && (this.trees.isDeserted || this.trees.wasCutOff)))
      this.#bridges.add(peer);
    this.#pending.delete(peer);
    this.#promised.delete(peer);
    this.#backoff.forgive(peer);
    const splice = this.#splices.get(peer);
    this.#splices.delete(peer);
    if (splice) this.drop(splice.instead, 'replaced');
    const entry = this.roster.get(peer);
    this.#asksAtDoor = false;
    const first = this.neighbours.linkCount === 1;
    if (first && (!entry || this.#linksOf(entry) + 1 >= entry.maxLinks))
      this.#holdUntilMs = this.core.nowMs + SPLICE_NOTICE_MS;
    this.wake();
  }

  linkDown(peer: MemberId, cause: 'closed' | 'failed' | 'refused'): void {
    const { core } = this;
    this.#pending.delete(peer);
    this.#promised.delete(peer);
    this.#ordered.delete(peer);
    this.#bridges.delete(peer);
    if (cause !== 'closed')
      this.#backOff(peer, cause === 'refused' ? core.config.backoffMs : 4 * core.config.backoffMs);
    this.wake();
  }

  #backOff(peer: MemberId, firstMs: number): void {
    const { core } = this;
    this.#backoff.backOff(peer, firstMs, core.nowMs, (pauseMs) => core.jittered(pauseMs));
  }

  memberGone(peer: MemberId): void {
    this.#backoff.forgive(peer);
    this.#promised.delete(peer);
    this.#splices.delete(peer);
    this.wake(this.core.jittered(50));
  }

  onSplice(from: MemberId, peer: MemberId, instead: MemberId): void {
    const { core } = this;
    if (peer === core.selfId || !this.neighbours.link(from)) return;
    if (instead === core.selfId) {
      // We are the newcomer: `peer` will call. The place is kept for it.
      this.#holdUntilMs = 0;
      if (!this.neighbours.link(peer)) this.#promised.set(peer, core.nowMs + core.config.overrunMs);
      return;
    }
    if (instead !== from) return;
    if (this.neighbours.lively(peer)) return this.drop(from, 'replaced');
    this.#splices.set(peer, { instead, untilMs: core.nowMs + core.config.overrunMs });
    if (!this.#pending.has(peer)) this.#open(peer);
  }

  /** A neighbour told whom it is linked to: a splice may be complete. */
  adjacencyChanged(neighbour: Neighbour): void {
    for (const [victim, { peer }] of this.#ordered) {
      const done =
        (neighbour.peer === victim && neighbour.isLinkedTo(peer)) ||
        (neighbour.peer === peer && neighbour.isLinkedTo(victim));
      if (done) {
        this.#ordered.delete(victim);
        this.drop(victim, 'replaced');
      }
    }
    if (this.#overrunSinceMs !== undefined) this.wake();
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
    this.#backOff(neighbour.peer, 4 * this.core.config.backoffMs);
    this.#bridges.delete(neighbour.peer);
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
    if (this.#wasLarge && !this.roster.isLarge) this.#backoff.clear();
    this.#wasLarge = this.roster.isLarge;
    this.#yieldToListeners();
    if (neighbours.linkCount > core.limits.maxLinks) this.#resolveOverrun();
    else {
      this.#overrunSinceMs = undefined;
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

  #openMissing(): void {
    const { core, roster, neighbours } = this;
    if (neighbours.all.size === 0) {
      // Nobody carries a request. Those on their way are lost, and would keep this member from asking at the doorbell.
      this.askAnew();
      return;
    }
    const unreachable = new Set(this.trees.unserved(this.#unreachableMs).map(({ memberId }) => memberId));
    // Many at once are an island, whose turn comes later; a few were blocked by those around us.
    const cutOff = this.trees.cutOff();
    const isBlockedOff = cutOff.length > 0 && cutOff.length <= core.config.maxPendingLinks;
    const missed = new Set(isBlockedOff ? cutOff.map(({ memberId }) => memberId) : []);
    for (const source of missed) unreachable.add(source);
    this.#followHints();
    const hasEnough = this.#hasEnough;
    if (unreachable.size === 0 && hasEnough) return;
    const candidates: LinkCandidate[] = [];
    let waiting = false;
    // Where no link is missing nobody else is looked for.
    for (const peer of hasEnough ? unreachable : roster.entries.keys()) {
      const entry = roster.get(peer);
      if (!entry || peer === core.selfId || neighbours.link(peer) || this.#pending.has(peer)) continue;
      if (this.#backoff.isBarred(peer, core.nowMs)) {
        waiting = true;
        continue;
      }
      candidates.push({
        peer,
        // Who is heard by few has room for one who wants to.
        full: this.#isFull(entry) && !missed.has(peer),
        links: this.#linksOf(entry),
        piped: neighbours.get(peer)?.piped === true,
        unreachable: unreachable.has(peer),
      });
    }
    const situation = {
      links: neighbours.linkCount,
      asksAtDoor: this.#asksAtDoor,
      pending: this.#pending.size + this.#promised.size + (core.nowMs < this.#holdUntilMs ? 1 : 0),
      maxLinks: core.limits.maxLinks,
      members: roster.entries.size,
      bridging: isBlockedOff ? this.#bridging : this.#pending.size + this.#promised.size,
      mayBridge: isBlockedOff || (unreachable.size > 0 && this.#mayBridge(unreachable)),
    };
    const chosen = chooseLinks(situation, candidates, core.config, core.random);
    for (const peer of chosen) {
      if (unreachable.has(peer)) this.#bridges.add(peer);
      this.#open(peer);
    }
    if (chosen.length > 0 || waiting || unreachable.size > 0 || this.#pending.size > 0) {
      this.wake(core.jittered(core.config.linkCheckMs));
    }
  }

  /** Links asked for because a voice has no way here. */
  get #bridging(): number {
    let bridging = 0;
    for (const peer of this.#pending.keys()) if (this.#bridges.has(peer)) bridging++;
    return bridging;
  }

  /** A voice that every neighbour is too full to pass on: those they point to have room, or make some, and are linked to for it. */
  #followHints(): void {
    const { core, roster, neighbours } = this;
    const cutOff = this.trees.cutOff();
    for (const source of this.trees.unserved(core.config.cutOffMs)) {
      const { tree } = source;
      if (!tree) continue;
      if (this.#pending.size >= core.config.maxPendingLinks) return;
      if (cutOff.includes(source)) {
        this.#askPointedTo(tree);
        continue;
      }
      if (neighbours.linkCount + this.#pending.size >= core.limits.maxLinks) continue;
      if (core.nowMs - (source.unservedSinceMs ?? 0) < core.config.hintMs) continue;
      if (!this.trees.isOffered(source)) continue;
      const hint = tree.hints.find((peer) => {
        const entry = roster.get(peer);
        if (!entry || peer === core.selfId || neighbours.link(peer) || !this.mayAsk(peer)) return false;
        const { linkCount } = neighbours;
        return (
          !this.#isFull(entry) || deservesSplice(linkCount, core.limits.maxLinks, entry.maxLinks, core.config)
        );
      });
      if (hint !== undefined) this.open(hint);
    }
  }

  /** A voice that its source could not pass on here: those it named will have it, and make room. */
  #askPointedTo(tree: Tree): void {
    const { core, roster, neighbours } = this;
    // The source itself and one of them: what opens first serves.
    if (this.#bridging > 1) return;
    const asked = tree.hints.filter(
      (hint) => hint !== core.selfId && roster.get(hint) && !neighbours.link(hint) && this.mayAsk(hint),
    );
    tree.hints = NOBODY;
    const peer = this.exchanges?.nearest(asked);
    if (peer === undefined) return;
    this.#bridges.add(peer);
    this.open(peer);
  }

  /**
   * Whether it is this member's turn to join two islands at the price of a link too many. One bridge at a time: two
   * would each give up a link that the other counts on, until the first has been paid for. The island without the
   * oldest member builds, its oldest member first, the others only when that came to nothing.
   */
  #mayBridge(unreachable: ReadonlySet<MemberId>): boolean {
    const { core, roster } = this;
    const own = roster.self;
    const isBuilding = this.neighbours
      .links()
      .some(
        ({ peer, linkedAtMs }) => this.#bridges.has(peer) && linkedAtMs + core.config.overrunMs > core.nowMs,
      );
    if (!own || isBuilding) return false;
    let rank = 0;
    let oldest = own;
    for (const entry of roster.entries.values()) {
      const older = entry.joinedAtMs - own.joinedAtMs || (entry.memberId < own.memberId ? -1 : 1);
      if (older < 0 && entry !== own && !unreachable.has(entry.memberId)) rank++;
      const first = entry.joinedAtMs - oldest.joinedAtMs || (entry.memberId < oldest.memberId ? -1 : 1);
      if (entry !== oldest && first < 0) oldest = entry;
    }
    const theirsIsOlder = unreachable.has(oldest.memberId);
    // A single one out of reach is more likely cut off by blocks around us than an island.
    const turn = unreachable.size === 1 ? 0 : rank + (theirsIsOlder ? 0 : 2);
    let since = Infinity;
    for (const member of unreachable)
      since = Math.min(since, this.trees.of(member)?.unservedSinceMs ?? Infinity);
    return core.nowMs - since >= this.#unreachableMs * (1 + turn);
  }

  /** What was asked for so far went nowhere, and would keep this member from asking those that it meets at the doorbell. */
  askAnew(): void {
    for (const peer of this.#pending.keys()) {
      this.core.effects.push({ type: 'close-link', peer });
      this.#bridges.delete(peer);
    }
    this.#pending.clear();
    this.#asksAtDoor ||= this.roster.entries.size > 1;
  }

  /** Opens a link, whatever the room left. */
  open(peer: MemberId): void {
    if (!this.#pending.has(peer) && !this.neighbours.link(peer)) this.#open(peer);
  }

  /** Whether this member may be asked for a link now. */
  mayAsk(peer: MemberId): boolean {
    return !this.#pending.has(peer) && !this.#backoff.isBarred(peer, this.core.nowMs);
  }

  #open(peer: MemberId): void {
    this.#pending.set(peer, this.core.nowMs + this.core.config.openLinkTimeoutMs);
    this.core.effects.push({ type: 'open-link', peer });
  }

  #resolveOverrun(): void {
    const { core, neighbours } = this;
    this.#overrunSinceMs ??= core.nowMs;
    this.wake(core.config.linkCheckMs);
    const links = neighbours.links().sort((a, b) => b.linkedAtMs - a.linkedAtMs);
    const newest = links[0];
    if (!newest) return;
    const tooLate = core.nowMs - this.#overrunSinceMs >= core.config.overrunMs;
    // An exchange of links is paid for by its own rule; only if it is not, the newest goes.
    if (this.exchanges?.isFresh(newest.peer) && !tooLate) return;
    // What has come to carry a voice by the time another link could not be passed on is not what goes.
    const isWanted =
      this.#bridges.has(newest.peer) ||
      ((this.trees.isShunned || tooLate) && this.trees.carriesSpeech(newest.peer));
    if (!isWanted) {
      if (!newest.adjacencyKnown && !tooLate) return;
      const others = newest.adjacent.size - (newest.isLinkedTo(core.selfId) ? 1 : 0);
      const theirMax = this.roster.get(newest.peer)?.maxLinks ?? 2;
      const needed = others === 0 || deservesSplice(others, theirMax, core.limits.maxLinks, core.config);
      // It came without need, or cannot be spliced: undoing it restores what was.
      if (this.#ordered.size === 0 && !needed) return this.drop(newest.peer, 'surplus');
    }
    if (this.#ordered.size > 0 && !tooLate) return;
    // Where most neighbours do not want the own voice, links to them need not be passed on with care.
    const splice = tooLate || this.trees.isDeserted ? undefined : this.#planSplice(links.slice(1), newest);
    if (!splice) {
      // The link that joins two islands, or is spoken over, stays; one that is not needed any more goes in its place.
      const victim = isWanted ? chooseLinkToDrop(this.#linksToSpare(links, newest.peer)) : undefined;
      if (victim !== undefined) this.drop(victim, 'surplus');
      else if (tooLate) this.drop(newest.peer, 'surplus');
      return;
    }
    const untilMs = core.nowMs + core.config.overrunMs;
    this.#ordered.set(splice.victim.peer, { peer: splice.peer, untilMs });
    core.send(splice.victim.peer, { type: 'splice', peer: splice.peer, instead: core.selfId });
    if (splice.peer === newest.peer) {
      core.send(newest.peer, { type: 'splice', peer: splice.victim.peer, instead: newest.peer });
    }
  }

  /** A neighbour that could link to somebody with room, on a side that this member reaches without it. */
  #planSplice(
    others: readonly Neighbour[],
    newest: Neighbour,
  ): { victim: Neighbour; peer: MemberId } | undefined {
    const { core, roster } = this;
    const shuffled = others.map((victim) => ({ victim, key: core.random() })).sort((a, b) => a.key - b.key);
    for (const { victim } of shuffled) {
      if (!victim.isLinkedTo(newest.peer) && !this.#isFull(roster.get(newest.peer)))
        return { victim, peer: newest.peer };
    }
    for (const { victim } of shuffled) {
      for (const entry of roster.entries.values()) {
        const peer = entry.memberId;
        if (this.#isFull(entry) || peer === core.selfId || peer === victim.peer || victim.isLinkedTo(peer))
          continue;
        const source = this.trees.of(peer);
        const parent = source && this.trees.parentOf(source);
        if (parent !== undefined && parent !== victim.peer) return { victim, peer };
      }
    }
    return undefined;
  }

  /** All links but `spared`, with what is known about ways around them. */
  #linksToSpare(links: readonly Neighbour[], spared: MemberId): Parameters<typeof chooseLinkToDrop>[0] {
    const { core, trees } = this;
    const edges: [number, number][] = [];
    for (const link of links) for (const tag of link.adjacent.values()) edges.push([link.tag, tag]);
    const served = new Map<MemberId, number>();
    if (this.roster.isLarge) edges.push(...this.#mappedLinks());
    for (const source of trees.byHandle.values()) {
      const { tree } = source;
      if (!tree) {
        const parent = trees.parentOf(source);
        if (parent !== undefined) served.set(parent, (served.get(parent) ?? 0) + 1);
        continue;
      }
      for (const { offers, tag } of this.neighbours.linked) {
        if (offers.usableCostMs(tree.slot) === Infinity) continue;
        const chain = [...offers.path(tree.slot), tag];
        for (let i = 1; i < chain.length; i++) edges.push([chain[i - 1] as number, chain[i] as number]);
      }
      for (const peer of [tree.parent, ...tree.forwardTo]) {
        if (peer !== undefined) served.set(peer, (served.get(peer) ?? 0) + 1);
      }
    }
    const component = componentsWithout(core.selfTag, edges);
    return (
      links
        .filter(({ peer }) => peer !== spared && !this.#bridges.has(peer))
        // Where few want the own voice, those who do are the last to go.
        .filter(({ peer }) => !trees.isShunned || !trees.carriesSpeech(peer))
        .map((link) => ({
          peer: link.peer,
          redundant: links.some((other) => other !== link && component(other.tag) === component(link.tag)),
          treesServed: served.get(link.peer) ?? 0,
          ageMs: core.nowMs - link.linkedAtMs,
        }))
    );
  }

  /** Links between others that both ends tell of, by hop tag. */
  #mappedLinks(): [number, number][] {
    const told = new Set<number>();
    const links: [number, number][] = [];
    for (const { handle, links: ends } of this.map.records()) {
      const member = this.roster.byHandle.get(handle)?.memberId;
      if (member === undefined || member === this.core.selfId) continue;
      const own = hopTag(member);
      for (const { tag } of ends) {
        told.add(own * 0x1_0000 + tag);
        if (told.has(tag * 0x1_0000 + own)) links.push([own, tag]);
      }
    }
    return links;
  }

  #expire(nowMs: number): void {
    for (const [peer, untilMs] of this.#pending) {
      if (nowMs < untilMs) continue;
      this.#pending.delete(peer);
      this.#bridges.delete(peer);
    }
    for (const [peer, untilMs] of this.#promised) if (nowMs >= untilMs) this.#promised.delete(peer);
    for (const [peer, { untilMs }] of this.#splices) if (nowMs >= untilMs) this.#splices.delete(peer);
    for (const [peer, { untilMs }] of this.#ordered) if (nowMs >= untilMs) this.#ordered.delete(peer);
  }
}
