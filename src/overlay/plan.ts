/**
 * The trees of those who have said nothing for long, in a large room: nobody subscribes or offers, all go by the map of
 * links, as routers do that share one (MOSPF, RFC 1584). Whoever speaks up sends the first packet down this plan, and the
 * tree wakes along the way (`dormancy.ts`). Maps differ for moments: whom the plan passes by hears of it from its neighbours.
 */

import type { Handle, MemberId } from '../units.js';
import type { Core } from './core.js';
import type { TreeView } from './interface.js';
import type { FirstLink, LinkMap, TreePlace, TwoWays } from './link-map.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import type { Roster } from './roster.js';
import { relayCostMs } from './routes.js';
import { lossMs, UNSERVED_MS } from './worth.js';

/**
 * Ways are looked for anew at most so often, ms for each member: while a room forms, news of links comes all the time. In a very
 * large room more rarely still, for so does the news.
 */
const REFRESH_MS = 2.5;
/** Own links that became longer or shorter by this share, as fine as the map has them … */
const MOVED_SHARE = 0.03;
/** … or by less than this leave ways as they are, ms. */
const MOVED_MS = 0.25;
/** Copies a member in the mean below which uploads are short: a tree takes one, and needs some choice. */
const SCARCE_FAN_OUT = 3;
/** Members whose mean way to all others is remembered: the links of one that has so many, and itself. */
const MAX_SPREADS = 33;
/** Mean ways change little: they are looked for so many times as rarely as ways. */
const SPREAD_SHARE = 10;
/** After no news of links for so long maps are alike, ms: it takes a second or two to everybody. */
const CALM_MS = 3000;

/** As `TreeView` has it. */
export type ShownPlace = Pick<TreeView, 'parentId' | 'childIds' | 'hops'>;

export class Plan {
  #ways: TwoWays | undefined = undefined;
  /** Links that these ways begin with. */
  #firstLinks: readonly FirstLink[] = [];
  #mayBeginElsewhere = false;
  #version = -1;
  #lookedAtMs = -Infinity;
  #changedMs = -Infinity;
  /** By source, those looked up longest ago first, with the version of the map; bounded by the roster. */
  readonly #places = new Map<Handle, { readonly place: TreePlace; readonly version: number }>();
  #fanOut = Infinity;
  #fanOutVersion = -1;
  /** Of the child of a source with one slot, and of who would take its place, the latest last; at most `MAX_SPREADS`. */
  readonly #spreads = new Map<Handle, { readonly ms: number; readonly untilMs: number }>();

  constructor(
    readonly core: Core,
    readonly map: LinkMap,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
  ) {}

  get ways(): TwoWays {
    const { nowMs, selfHandle } = this.core;
    const refreshMs = REFRESH_MS * this.map.size * Math.sqrt(this.roster.pacing);
    const isOld = this.map.version !== this.#version && nowMs - this.#lookedAtMs >= refreshMs;
    if (!this.#ways || isOld || this.#beginsElsewhere()) {
      const links = this.neighbours.linked.filter(({ lively, measured }) => lively && measured);
      this.#firstLinks = links.map(({ handle, costMs }) => ({ handle, delayMs: costMs }));
      this.#mayBeginElsewhere = false;
      this.#ways = this.map.twoWaysFrom(selfHandle, this.#firstLinks);
      this.#version = this.map.version;
      this.#lookedAtMs = nowMs;
    }
    return this.#ways;
  }

  /** By all news of links that came: for what is to be decided once and for all. */
  get latestWays(): TwoWays {
    if (this.map.version !== this.#version) this.#ways = undefined;
    return this.ways;
  }

  /** The own links changed, or how long they are. */
  linksChanged(): void {
    this.#mayBeginElsewhere = true;
  }

  /** Whether ways begin with other links than when they were looked for, or noticeably longer or shorter ones: one that is not measured yet, or was given up some time ago, changes nothing. */
  #beginsElsewhere(): boolean {
    if (!this.#mayBeginElsewhere) return false;
    this.#mayBeginElsewhere = false;
    let links = 0;
    for (const { handle, costMs, lively, measured } of this.neighbours.linked) {
      if (!lively || !measured) continue;
      links++;
      const before = this.#firstLinks.find((link) => link.handle === handle);
      if (!before || Math.abs(before.delayMs - costMs) > Math.max(MOVED_MS, MOVED_SHARE * costMs))
        return true;
    }
    return links !== this.#firstLinks.length;
  }

  /** Copies of a voice that members plan to pass on in the mean. */
  get #meanFanOut(): number {
    const { version } = this.map;
    if (version !== this.#fanOutVersion) {
      this.#fanOutVersion = version;
      this.#fanOut = this.map.meanFanOut(this.core.config.linksInLargeRooms);
    }
    return this.#fanOut;
  }

  /** Uploads are short: who serves many is to stand near each source, and a copy goes to whom it saves most. */
  get isScarce(): boolean {
    return this.#meanFanOut < SCARCE_FAN_OUT;
  }

  /**
   * Uploads are so short that a tree grown greedily from the map leaves members out, and one finds itself in silence, by talk.
   * In a larger room such talk takes more than the voices.
   */
  get isNegotiated(): boolean {
    const { negotiatedFanOut, negotiatedMembers } = this.core.config;
    return this.#meanFanOut < negotiatedFanOut && this.roster.entries.size <= negotiatedMembers;
  }

  /** What this member adds to the way of a voice when it stands so many links below its source, ms. */
  relayMs(hops: number): number {
    return relayCostMs(hops, this.roster.entries.size, this.core.config);
  }

  /** Whether a source passes its voice to one member only: all others hear it through that one. */
  hasOneSlot(source: Handle): boolean {
    return (this.map.slotsOf(source) ?? Infinity) <= 1;
  }

  /** Mean of the ways from a member to all others, ms; 0 where none is known. Kept for as long as ways are. */
  spreadMs(member: Handle): number {
    const { nowMs } = this.core;
    const known = this.#spreads.get(member);
    if (known && nowMs < known.untilMs) return known.ms;
    const ways = this.map.waysFrom(member);
    let sumMs = 0;
    let reached = 0;
    for (const handle of this.roster.byHandle.keys()) {
      const wayMs = ways.toMs(handle);
      if (wayMs === Infinity || handle === member) continue;
      sumMs += wayMs;
      reached++;
    }
    const ms = reached === 0 ? 0 : sumMs / reached;
    this.#spreads.delete(member);
    for (const oldest of this.#spreads.keys()) {
      if (this.#spreads.size < MAX_SPREADS) break;
      this.#spreads.delete(oldest);
    }
    this.#spreads.set(member, { ms, untilMs: nowMs + SPREAD_SHARE * REFRESH_MS * this.map.size });
    return ms;
  }

  /** Whether all who are here told of their links. */
  get isComplete(): boolean {
    return this.map.size >= this.roster.entries.size;
  }

  /** One-way delay from a source to here, ms; Infinity where no way is known. */
  costMs(source: Handle): number {
    return this.ways.toMs(source);
  }

  /** The neighbour its voice would come through. */
  parentOf(source: Handle): MemberId | undefined {
    return this.#lively(this.ways.firstHop(source)) ?? this.#lively(this.ways.alternativeHop(source));
  }

  #lively(handle: Handle | undefined): MemberId | undefined {
    const peer = handle === undefined ? undefined : this.roster.byHandle.get(handle)?.memberId;
    return peer !== undefined && this.neighbours.lively(peer) ? peer : undefined;
  }

  /** By how much later all sources but some would be heard without each neighbour, ms. */
  lossesMs(except: readonly Handle[]): Map<MemberId, number> {
    const { ways } = this;
    const losses = ways.lossesMs(UNSERVED_MS);
    for (const source of except) {
      const hop = ways.firstHop(source);
      if (hop === undefined) continue;
      const prospect = { costMs: ways.toMs(source), alternativeMs: ways.alternativeMs(source) };
      const laterMs = lossMs({ peer: this.#lively(hop), ...prospect });
      losses.set(hop, Math.max(0, (losses.get(hop) ?? 0) - laterMs));
    }
    const byPeer = new Map<MemberId, number>();
    for (const [hop, laterMs] of losses) {
      const peer = this.#lively(hop);
      if (peer !== undefined) byPeer.set(peer, laterMs);
    }
    return byPeer;
  }

  /** Where this member stands in the tree that all who have the same map see. */
  #place(source: Handle): TreePlace {
    const { version } = this.map;
    const known = this.#places.get(source);
    if (known?.version === version) return known.place;
    const { selfHandle, config } = this.core;
    const scarcity = { worthMs: config.plannedWorthMs, voices: config.plannedSpeakers };
    const place = this.map.treeAt(source, selfHandle, this.isScarce ? scarcity : undefined);
    this.#places.delete(source);
    this.#places.set(source, { place, version });
    return place;
  }

  /**
   * Looks up where this member stands in the trees of these sources: at most so many that were never looked up or that
   * changed since with the map, those looked up longest ago first; O(links · log members) each.
   */
  lookUp(sources: readonly Handle[], most: number): void {
    const wanted = new Set(sources);
    const unknown = sources.filter((source) => !this.#places.has(source));
    const outdated = [...this.#places.keys()].filter((source) => wanted.has(source));
    for (const source of [...unknown, ...outdated]) {
      if (this.#places.get(source)?.version === this.map.version) continue;
      if (most-- <= 0) return;
      this.#place(source);
    }
  }

  /** Where it stood when that was last looked up, or by its own links where it never was or that parent is not there. */
  shown(source: Handle): ShownPlace {
    const place = this.#places.get(source)?.place;
    const parentId = this.#lively(place?.parent) ?? this.parentOf(source);
    return {
      parentId,
      childIds: this.#willing(source, place?.children ?? []).map(({ peer }) => peer),
      hops: place?.hops,
    };
  }

  forget(source: Handle): void {
    this.#places.delete(source);
  }

  /**
   * Neighbours that a source's first words are passed to. While the map is changing, more than hang here: two whose maps
   * differ would each leave a child to the other. Who gets them twice says so.
   */
  firstListeners(source: Handle): { readonly peer: MemberId; readonly isChild: boolean }[] {
    const { children, nearlyChildren } = this.#place(source);
    const isCalm = this.core.nowMs - this.#changedMs > CALM_MS;
    const willing = this.#willing(source, isCalm ? children : [...children, ...nearlyChildren]);
    return willing.map(({ peer, handle }) => ({ peer, isChild: children.includes(handle) }));
  }

  #willing(source: Handle, handles: readonly Handle[]): Neighbour[] {
    const self = this.core.selfHandle;
    // Whoever is so new that the map does not have it yet reaches its neighbours, and they the others.
    const isUnknown = source === self && !this.map.has(self);
    return this.neighbours.linked
      .filter(({ lively, unwanted }) => lively && !unwanted.has(source))
      .filter(({ handle }) => isUnknown || handles.includes(handle));
  }

  /** A member told of other links than before. */
  mapChanged(): void {
    this.#changedMs = this.core.nowMs;
  }
}
