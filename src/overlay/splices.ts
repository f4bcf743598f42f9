/**
 * How a full member makes room: it holds one link more than its limit for the length of a hand-over, and passes one of its own
 * on. A newcomer is spliced into an existing link: newcomer and far end link first, then the old link goes.
 */

import type { MemberId } from '../units.js';
import type { DropReason } from '../wire/control.js';
import { hopTag, type Core } from './core.js';
import { chooseLinkToDrop, componentsWithout, deservesSplice } from './links.js';
import type { LinkMap } from './link-map.js';
import type { LinkRequests } from './link-requests.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import type { Occupancy } from './occupancy.js';
import type { Roster } from './roster.js';
import type { Trees } from './trees.js';

export interface SpliceEvents {
  /** Says goodbye on a link. */
  drop(peer: MemberId, reason: DropReason): void;
  /** Links are to be looked at again. */
  wake(delayMs: number): void;
  /** Whether a link came by an exchange that is still under way. */
  isFresh(peer: MemberId): boolean;
}

export class Splices {
  /** Told to link to the key in place of the value. At most one per neighbour. */
  readonly #splices = new Map<MemberId, { instead: MemberId; untilMs: number }>();
  /** Told the key (a neighbour) to link to the value in our place. At most one per neighbour. */
  readonly #ordered = new Map<MemberId, { peer: MemberId; untilMs: number }>();
  #overrunSinceMs: number | undefined = undefined;

  constructor(
    readonly core: Core,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
    readonly trees: Trees,
    readonly map: LinkMap,
    readonly requests: LinkRequests,
    readonly occupancy: Occupancy,
    readonly events: SpliceEvents,
  ) {}

  /** Whether this member was told to link to that one. */
  expects(peer: MemberId): boolean {
    return this.#splices.has(peer);
  }

  linkUp(peer: MemberId): void {
    const splice = this.#splices.get(peer);
    this.#splices.delete(peer);
    if (splice) this.events.drop(splice.instead, 'replaced');
  }

  linkDown(peer: MemberId): void {
    this.#ordered.delete(peer);
  }

  memberGone(peer: MemberId): void {
    this.#splices.delete(peer);
  }

  expire(nowMs: number): void {
    for (const [peer, { untilMs }] of this.#splices) if (nowMs >= untilMs) this.#splices.delete(peer);
    for (const [peer, { untilMs }] of this.#ordered) if (nowMs >= untilMs) this.#ordered.delete(peer);
  }

  /** There are no more links than the limit. */
  overrunOver(): void {
    this.#overrunSinceMs = undefined;
  }

  /** A neighbour passes a link on. */
  onSplice(from: MemberId, peer: MemberId, instead: MemberId): void {
    const { core } = this;
    if (peer === core.selfId || !this.neighbours.link(from)) return;
    if (instead === core.selfId) {
      // We are the newcomer: `peer` will call. The place is kept for it.
      this.requests.holdUntilMs = 0;
      if (!this.neighbours.link(peer)) this.requests.promised.set(peer, core.nowMs + core.config.overrunMs);
      return;
    }
    if (instead !== from) return;
    if (this.neighbours.lively(peer)) return this.events.drop(from, 'replaced');
    this.#splices.set(peer, { instead, untilMs: core.nowMs + core.config.overrunMs });
    if (!this.requests.pending.has(peer)) this.requests.ask(peer);
  }

  /** A neighbour told whom it is linked to: a splice may be complete. */
  adjacencyChanged(neighbour: Neighbour): void {
    for (const [victim, { peer }] of this.#ordered) {
      const done =
        (neighbour.peer === victim && neighbour.isLinkedTo(peer)) ||
        (neighbour.peer === peer && neighbour.isLinkedTo(victim));
      if (done) {
        this.#ordered.delete(victim);
        this.events.drop(victim, 'replaced');
      }
    }
    if (this.#overrunSinceMs !== undefined) this.events.wake(0);
  }

  /** There is a link too many: it is passed on, undone, or another one goes for it. */
  resolveOverrun(): void {
    const { core, neighbours } = this;
    this.#overrunSinceMs ??= core.nowMs;
    this.events.wake(core.config.linkCheckMs);
    const links = neighbours.links().sort((a, b) => b.linkedAtMs - a.linkedAtMs);
    const newest = links[0];
    if (!newest) return;
    const tooLate = core.nowMs - this.#overrunSinceMs >= core.config.overrunMs;
    // An exchange of links is paid for by its own rule; only if it is not, the newest goes.
    if (this.events.isFresh(newest.peer) && !tooLate) return;
    // What has come to carry a voice by the time another link could not be passed on is not what goes.
    const isWanted =
      this.requests.bridges.has(newest.peer) ||
      ((this.trees.isShunned || tooLate) && this.trees.carriesSpeech(newest.peer));
    if (!isWanted) {
      if (!newest.adjacencyKnown && !tooLate) return;
      const others = newest.adjacent.size - (newest.isLinkedTo(core.selfId) ? 1 : 0);
      const theirMax = this.roster.get(newest.peer)?.maxLinks ?? 2;
      const needed = others === 0 || deservesSplice(others, theirMax, core.limits.maxLinks, core.config);
      // It came without need, or cannot be spliced: undoing it restores what was.
      if (this.#ordered.size === 0 && !needed) return this.events.drop(newest.peer, 'surplus');
    }
    if (this.#ordered.size > 0 && !tooLate) return;
    // Where most neighbours do not want the own voice, links to them need not be passed on with care.
    const splice = tooLate || this.trees.isDeserted ? undefined : this.#planSplice(links.slice(1), newest);
    if (!splice) {
      // The link that joins two islands, or is spoken over, stays; one that is not needed any more goes in its place.
      const victim = isWanted ? chooseLinkToDrop(this.#linksToSpare(links, newest.peer)) : undefined;
      if (victim !== undefined) this.events.drop(victim, 'surplus');
      else if (tooLate) this.events.drop(newest.peer, 'surplus');
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
      if (!victim.isLinkedTo(newest.peer) && !this.occupancy.isFull(roster.get(newest.peer)))
        return { victim, peer: newest.peer };
    }
    for (const { victim } of shuffled) {
      for (const entry of roster.entries.values()) {
        const peer = entry.memberId;
        if (
          this.occupancy.isFull(entry) ||
          peer === core.selfId ||
          peer === victim.peer ||
          victim.isLinkedTo(peer)
        )
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
        .filter(({ peer }) => peer !== spared && !this.requests.bridges.has(peer))
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
}
