/**
 * How news of members travels. Entries go whole and at once along a tree that grows by itself (Plumtree: Leitão,
 * Pereira, Rodrigues, SRDS 2007): whoever sends what was already there is asked to say only, a little later, what it
 * has; whoever turns out to have more becomes a branch again. A digest now and then finds what was missed all the same.
 */

import { handleOf, type Handle, type MemberId } from '../units.js';
import { MAX_ENTRIES_PER_MESSAGE, MAX_VERSIONS_PER_MESSAGE, type ControlMessage } from '../wire/control.js';
import { chunks, type Core } from './core.js';
import { draw } from './draw.js';
import type { LinkMap } from './link-map.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import type { Roster } from './roster.js';
import type { Suspicions } from './suspicions.js';
import type { RosterEntry } from '../wire/roster-entry.js';

/** Entries asked of one neighbour at once: a newcomer spreads the cost of its roster over those it meets. */
const MIN_SHARE = 40;
/** … or this share of what is missing, where that is more. */
const MAX_SHARES = 5;
/** An entry asked for and not received is asked for elsewhere after this, ms. */
const WANT_PATIENCE_MS = 800;
/** Between two shares of a roster that is still incomplete, ms. */
const CATCH_UP_MS = 200;
/** Links over which news of members comes whole: one would do, the second bridges a link that ends. */
const BRANCHES = 2;
/** Those that are not sent news whole are told of it by so many each: it has mostly come another way, and digests find the rest. */
const TOLD_LINKS = 2;
/** Entries that a branch may bring too often beyond those that were news. */
const MAX_STALE = 2;
/** While news has been coming within so long, rosters differ by a few entries for that alone, ms … */
const CALM_MS = 1000;
/** … and are compared all the same so often, ms. */
const COMPARE_MS = 10_000;
/** Entries a neighbour is sent unasked when its list shows that it lacks them. */
const FEW_ENTRIES = 8;
/** In a very large room so many are on their way at any time, as a share of the members. */
const FEW_SHARE = 0.04;

export interface GossipEvents {
  /** Whether a member's voice is being heard now: its entry is wanted first. */
  isSpeaking(member: MemberId): boolean;
}

export class Gossip {
  /** Entries to pass on at `#spreadAtMs`; bounded by the roster and the tombstones. */
  readonly #news = new Map<MemberId, RosterEntry>();
  #spreadAtMs = Infinity;
  #newsAtMs = -Infinity;
  #comparedAtMs = -Infinity;
  /** Entries whose versions are told to those who are not sent them whole, at `#tellAtMs`; same bound. */
  readonly #headlines = new Map<MemberId, RosterEntry>();
  #tellAtMs = Infinity;
  #nextDigestMs = Infinity;
  /** Handles asked for, with the end of the patience; bounded by `maxMembers`. */
  readonly #wanted = new Map<Handle, number>();
  /** Handles missing here that were no news when asked for: a newcomer's roster. At most `maxMembers`. */
  readonly #old = new Set<Handle>();
  #isOldUntilMs = -Infinity;

  constructor(
    readonly core: Core,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
    readonly map: LinkMap,
    readonly suspicions: Suspicions,
    readonly events: GossipEvents,
  ) {}

  get deadlineMs(): number {
    return Math.min(this.#spreadAtMs, this.#tellAtMs, this.#nextDigestMs);
  }

  /** Passes an entry on to everybody who is not known to have it. */
  spread(entry: RosterEntry, delayMs: number): void {
    const handle = handleOf(entry.memberId);
    this.#wanted.delete(handle);
    if (!this.#takeOld(handle)) {
      this.#news.set(entry.memberId, entry);
      this.#newsAtMs = this.core.nowMs;
      this.#spreadAtMs = Math.min(this.#spreadAtMs, this.core.nowMs + delayMs);
    }
    // The suspicion went everywhere at once, and its time is running there.
    if (this.suspicions.refutedBy(entry))
      for (const neighbour of this.neighbours.all.values()) this.#sendEntries(neighbour, [entry]);
  }

  /**
   * Whether an entry is one of those a newcomer caught up with, which those around it have; when it was the last, all
   * are compared with, in case they are newcomers too.
   */
  #takeOld(handle: Handle): boolean {
    const wasCatchingUp = this.isCatchingUp;
    if (!this.#old.delete(handle) || !wasCatchingUp) return false;
    if (this.#old.size === 0)
      for (const neighbour of this.neighbours.all.values()) this.#sendDigest(neighbour);
    return true;
  }

  /** A newcomer's roster is still coming in. */
  get isCatchingUp(): boolean {
    return this.#old.size > 0 && this.core.nowMs < this.#isOldUntilMs;
  }

  /** First words to a new link or pipe: the little rooms say everything, the big ones compare first. */
  greet(neighbour: Neighbour): void {
    if (this.#nextDigestMs === Infinity)
      this.#nextDigestMs = this.core.nowMs + this.core.jittered(this.core.config.digestMs);
    const { roster } = this;
    if (!this.roster.isLarge) {
      this.#sendEntries(neighbour, roster.entries.values());
    } else {
      // Over a new link the far end has it: it came with the offer or the answer.
      if (roster.self && !neighbour.linked) this.#sendEntries(neighbour, [roster.self]);
      // What is missing is known while it is asked for, and a list of all members is long.
      if (!this.isCatchingUp) this.#sendDigest(neighbour);
      if (neighbour.linked) this.#branch(neighbour);
      // Its news comes over links; only ours is news to who has just come.
      else if (this.#branches() >= BRANCHES)
        this.core.send(neighbour.peer, { type: 'news-mode', eager: false });
    }
  }

  /** Whether news goes there whole. At the doorbell of a large room one tells it all, the others what is new. */
  #isBranch({ eagerNews, linked }: Neighbour): boolean {
    return eagerNews && (linked || !this.roster.isLarge || this.roster.onDuty()[0] === this.core.selfId);
  }

  #branches(): number {
    let branches = 0;
    for (const other of this.neighbours.linked) if (other.eagerNews && other.lively) branches++;
    return branches;
  }

  /** Two branches bring all news; the others, and those at the doorbell, tell only what is new. */
  #branch(neighbour: Neighbour): void {
    neighbour.eagerNews = false;
    const branches = this.#branches();
    if (branches < BRANCHES) this.#setEager(neighbour, true);
    if (branches + 1 < BRANCHES) return;
    for (const other of this.neighbours.all.values()) if (!other.linked) this.#setEager(other, false);
  }

  /** A link ended, and perhaps a branch with it: others take its place. */
  linkDown(neighbour: Neighbour): void {
    if (!neighbour.eagerNews || !this.roster.isLarge) return;
    const lazy = this.neighbours.linked.filter((other) => !other.eagerNews && other.lively);
    for (const other of draw(lazy, Math.max(0, BRANCHES - this.#branches()), this.core.random))
      this.#setEager(other, true);
  }

  onDigest(from: Neighbour, message: ControlMessage & { type: 'digest' }): void {
    this.roster.noteTold(message.members, this.core.nowMs);
    // While the roster comes in shares, everybody's differs.
    if (message.hash === this.roster.hash || this.isCatchingUp) return;
    const { nowMs } = this.core;
    const isOnItsWay =
      this.roster.isLarge &&
      Math.abs(message.members - this.roster.entries.size) <=
        Math.max(FEW_ENTRIES, FEW_SHARE * this.roster.entries.size) &&
      nowMs - this.#newsAtMs < CALM_MS &&
      nowMs - this.#comparedAtMs < COMPARE_MS;
    if (isOnItsWay) return;
    this.#comparedAtMs = nowMs;
    this.#sendVersions(from, true);
  }

  /**
   * A neighbour sent entries. A branch that mostly brings what is there already is cut.
   *
   * @param fresh how many of them were news
   * @param stale how many were there
   */
  received(from: Neighbour, fresh: number, stale: number): void {
    from.staleNews += stale - fresh;
    if (fresh === 0 || from.staleNews > MAX_STALE) {
      if (this.roster.isLarge) this.#setEager(from, false);
      from.staleNews = 0;
    } else from.staleNews = Math.max(-MAX_STALE, from.staleNews);
  }

  onMode(from: Neighbour, message: ControlMessage & { type: 'news-mode' }): void {
    from.eagerNews = message.eager;
  }

  onWant(from: Neighbour, message: ControlMessage & { type: 'want' }): void {
    const entries: RosterEntry[] = [];
    for (const handle of message.handles) {
      const entry = this.roster.byHandle.get(handle);
      if (!entry) continue;
      from.known.set(this.roster.slots.of(entry.memberId), 0);
      entries.push(entry);
    }
    this.#sendEntries(from, entries);
  }

  onVersions(from: Neighbour, message: ControlMessage & { type: 'versions' }): void {
    const theirs = new Map<Handle, number>();
    const missing: Handle[] = [];
    for (const { handle, version } of message.versions) {
      theirs.set(handle, version);
      const entry = this.roster.byHandle.get(handle);
      if (entry) this.noteKnown(from, entry.memberId, version);
      if (!entry || entry.version < version) missing.push(handle);
    }
    // More is missing than is here: this member is new to a room that knows all this.
    if (!message.partial && missing.length > Math.max(FEW_ENTRIES, this.roster.entries.size)) {
      this.#old.clear();
      for (const handle of missing.slice(0, this.core.config.maxMembers)) this.#old.add(handle);
      this.#isOldUntilMs = this.core.nowMs + this.core.config.newcomerMs;
    }
    const buried = this.#answerTombstones(from, theirs);
    // News that comes sooner as a headline than whole: this link becomes a branch.
    if (message.partial && missing.length > 0) this.#setEager(from, true);
    this.#want(
      from,
      missing.filter((handle) => !buried.has(handle)),
    );
    if (message.partial) return;
    const lacking = [...this.roster.entries.values()].filter(
      (entry) => (theirs.get(handleOf(entry.memberId)) ?? -1) < entry.version,
    );
    if (lacking.length <= FEW_ENTRIES || !this.roster.isLarge) this.#sendEntries(from, lacking);
    else if (message.answerExpected) this.#sendVersions(from, false);
  }

  /** Tells a neighbour that lists the departed what became of them. @returns their handles */
  #answerTombstones(from: Neighbour, theirs: ReadonlyMap<Handle, number>): Set<Handle> {
    const buried = new Set<Handle>();
    for (const [member, tombstone] of this.roster.tombstones) {
      const handle = handleOf(member);
      const version = theirs.get(handle);
      if (version === undefined || version > tombstone.version) continue;
      buried.add(handle);
      if (tombstone.goodbye) this.#sendEntries(from, [tombstone.goodbye]);
      else this.core.send(from.peer, { type: 'suspect', member, version: tombstone.version, gone: false });
    }
    return buried;
  }

  /** Asks for a share of what is missing; the rest is left for other neighbours. */
  #want(from: Neighbour, missing: readonly Handle[]): void {
    const { nowMs, config } = this.core;
    const open = missing.filter((handle) => (this.#wanted.get(handle) ?? 0) <= nowMs);
    if (open.length === 0) {
      if (missing.length > 0) this.#nextDigestMs = Math.min(this.#nextDigestMs, nowMs + CATCH_UP_MS);
      return;
    }
    const share = open.slice(0, Math.max(MIN_SHARE, Math.ceil(open.length / MAX_SHARES)));
    for (const handle of share) {
      if (this.#wanted.size >= config.maxMembers) this.#wanted.clear();
      this.#wanted.set(handle, nowMs + WANT_PATIENCE_MS);
    }
    this.core.send(from.peer, { type: 'want', handles: share });
    // A share that does not come, and those not asked for yet, are asked for elsewhere.
    const nextMs = nowMs + (share.length < open.length ? CATCH_UP_MS : WANT_PATIENCE_MS + CATCH_UP_MS);
    this.#nextDigestMs = Math.min(this.#nextDigestMs, nextMs);
  }

  #setEager(neighbour: Neighbour, eager: boolean): void {
    if (neighbour.eagerNews === eager) return;
    neighbour.eagerNews = eager;
    this.core.send(neighbour.peer, { type: 'news-mode', eager });
  }

  /** A neighbour surely has this version of an entry, or a later one. Of the departed nothing is noted. */
  noteKnown(neighbour: Neighbour, member: MemberId, version: number): void {
    const slot = this.roster.slots.of(member);
    if (slot >= 0 && version >= neighbour.known.get(slot)) neighbour.known.set(slot, version + 1);
  }

  #knows(neighbour: Neighbour, member: MemberId, version: number): boolean {
    return neighbour.known.get(this.roster.slots.of(member)) > version;
  }

  tick(): void {
    const { core, roster } = this;
    if (core.nowMs >= this.#spreadAtMs) this.#flushNews();
    if (core.nowMs >= this.#tellAtMs) this.#flushHeadlines();
    if (core.nowMs >= this.#nextDigestMs) {
      this.#nextDigestMs = core.nowMs + core.jittered(core.config.digestMs);
      roster.expire(core.nowMs);
      const ends = [...this.neighbours.all.values()];
      const chosen = ends[Math.floor(core.random() * ends.length)];
      if (chosen && this.isCatchingUp) this.#want(chosen, [...this.#old]);
      else if (chosen) this.#sendDigest(chosen);
    }
  }

  #sendDigest(to: Neighbour): void {
    const { roster } = this;
    const linksHash = this.map.hash;
    this.core.send(to.peer, { type: 'digest', members: roster.entries.size, hash: roster.hash, linksHash });
  }

  #flushNews(): void {
    this.#spreadAtMs = Infinity;
    let lazy = false;
    for (const neighbour of this.neighbours.all.values()) {
      if (this.#isBranch(neighbour)) this.#sendEntries(neighbour, this.#news.values());
      else lazy = true;
    }
    if (lazy) {
      for (const [member, entry] of this.#news) this.#headlines.set(member, entry);
      this.#tellAtMs = Math.min(
        this.#tellAtMs,
        this.core.nowMs + this.core.jittered(this.core.config.headlineMs),
      );
    }
    this.#news.clear();
  }

  /** What is still unknown to those who were not sent it whole. */
  #flushHeadlines(): void {
    this.#tellAtMs = Infinity;
    const lazy = [...this.neighbours.all.values()].filter((neighbour) => !this.#isBranch(neighbour));
    for (const neighbour of draw(lazy, TOLD_LINKS, this.core.random)) {
      const versions: { handle: Handle; version: number }[] = [];
      for (const [memberId, { version }] of this.#headlines) {
        if (memberId === neighbour.peer || this.#knows(neighbour, memberId, version)) continue;
        versions.push({ handle: handleOf(memberId), version });
      }
      for (const part of chunks(versions, MAX_VERSIONS_PER_MESSAGE))
        this.core.send(neighbour.peer, {
          type: 'versions',
          answerExpected: false,
          partial: true,
          versions: part,
        });
    }
    this.#headlines.clear();
  }

  #sendEntries(to: Neighbour, entries: Iterable<RosterEntry>): void {
    const unknown: Uint8Array[] = [];
    for (const entry of entries) {
      if (entry.memberId === to.peer || this.#knows(to, entry.memberId, entry.version)) continue;
      this.noteKnown(to, entry.memberId, entry.version);
      unknown.push(entry.bytes);
    }
    for (const part of chunks(unknown, MAX_ENTRIES_PER_MESSAGE)) {
      this.core.send(to.peer, { type: 'entries', entries: part });
    }
  }

  /** All that is known, those being heard first: they are wanted first. */
  #sendVersions(to: Neighbour, answerExpected: boolean): void {
    const speaking: { handle: Handle; version: number }[] = [];
    const silent: { handle: Handle; version: number }[] = [];
    for (const { memberId, version } of this.roster.entries.values()) {
      const list = this.events.isSpeaking(memberId) ? speaking : silent;
      list.push({ handle: handleOf(memberId), version });
    }
    const versions = [...speaking, ...silent].slice(0, MAX_VERSIONS_PER_MESSAGE);
    this.core.send(to.peer, { type: 'versions', answerExpected, partial: false, versions });
  }
}
