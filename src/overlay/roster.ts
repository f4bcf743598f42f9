/**
 * Who is in the room. Up to `maxMembers` everybody knows everybody. An entry replaces another of the same member only
 * with a higher version, so that gossip may arrive in any order; the departed leave a tombstone (at most
 * `maxTombstones`, for `tombstoneMs`) that keeps old news from reviving them.
 */

import { handleOf, type Handle, type MemberId } from '../units.js';
import type { RosterEntry } from '../wire/roster-entry.js';
import type { OverlayConfig } from './config.js';
import { digestPart } from './digest.js';
import { Slots } from './slots.js';

export type EntryOutcome = 'new' | 'changed' | 'left' | 'stale';

interface Tombstone {
  readonly version: number;
  readonly atMs: number;
  /** The owner's own goodbye, to pass on; undefined when it was declared gone by others. */
  readonly goodbye: RosterEntry | undefined;
}

export class Roster {
  readonly entries = new Map<MemberId, RosterEntry>();
  /** The same by handle; of two with one handle the later one. */
  readonly byHandle = new Map<Handle, RosterEntry>();
  /** Rows of the neighbours' columns, for the present members. */
  readonly slots = new Slots<MemberId>();
  readonly tombstones = new Map<MemberId, Tombstone>();
  /** Highest version of the own entry seen anywhere: a refutation must exceed it. */
  ownVersion = 0;
  #self: RosterEntry | undefined = undefined;
  #hash = 0;
  #duty: readonly MemberId[] = [];
  #dutyStale = true;
  #toldLargeMs = -Infinity;
  #unreachable: ReadonlySet<MemberId> = new Set();

  constructor(
    readonly selfId: MemberId,
    readonly config: OverlayConfig,
  ) {}

  /** The own entry, while it stands. */
  get self(): RosterEntry | undefined {
    return this.#self;
  }

  /** More members than link to everybody. */
  get isLarge(): boolean {
    return this.entries.size > this.config.fullMeshMembers;
  }

  /** Somebody tells how many members it knows. */
  noteTold(members: number, nowMs: number): void {
    if (members > this.config.fullMeshMembers) this.#toldLargeMs = nowMs;
  }

  /** Large, or about to turn out so: a newcomer hears of a large room before it knows everybody there. */
  seemsLarge(nowMs: number): boolean {
    return this.isLarge || nowMs - this.#toldLargeMs < this.config.newcomerMs;
  }

  /** How many times as rarely what concerns all is done and told as in a room that is not very large. */
  get pacing(): number {
    return Math.max(1, this.entries.size / this.config.pacedMembers);
  }

  get(member: MemberId): RosterEntry | undefined {
    return this.entries.get(member);
  }

  /** Order-independent digest of ids and versions of the present members. */
  get hash(): number {
    return this.#hash >>> 0;
  }

  apply(entry: RosterEntry, nowMs: number): EntryOutcome {
    const { memberId, version } = entry;
    if (memberId === this.selfId) this.ownVersion = Math.max(this.ownVersion, version);
    const present = this.entries.get(memberId);
    if (present && present.version >= version) return 'stale';
    const tombstone = this.tombstones.get(memberId);
    // A goodbye also replaces a mere declaration of the same version: it is the owner's own word.
    if (tombstone && (tombstone.version > version || (tombstone.version === version && !entry.left)))
      return 'stale';
    if (tombstone?.goodbye && entry.left) return 'stale';
    if (entry.left) {
      this.#remove(memberId);
      this.#bury(memberId, { version, atMs: nowMs, goodbye: entry });
      return present || !tombstone ? 'left' : 'stale';
    }
    if (!present && this.entries.size >= this.config.maxMembers) return 'stale';
    this.tombstones.delete(memberId);
    this.#remove(memberId);
    this.entries.set(memberId, entry);
    if (memberId === this.selfId) this.#self = entry;
    this.slots.take(memberId);
    this.byHandle.set(handleOf(memberId), entry);
    this.#hash ^= digestPart(handleOf(memberId), version);
    if (!present || present.joinedAtMs !== entry.joinedAtMs) this.#dutyStale ||= this.#couldServe(entry);
    return present ? 'changed' : 'new';
  }

  /** Removes a member that others declared gone. False when it was not there. */
  declareGone(member: MemberId, version: number, nowMs: number): boolean {
    const present = this.entries.get(member);
    if (!present || present.version > version || member === this.selfId) return false;
    this.#remove(member);
    this.#bury(member, { version: present.version, atMs: nowMs, goodbye: undefined });
    return true;
  }

  /**
   * The longest-lived members by join time, then id, oldest first: the same list everywhere. Members that no tree
   * reaches are left out, so that an island that broke off puts some of its own on duty.
   */
  onDuty(): readonly MemberId[] {
    if (this.#dutyStale) {
      const oldest: RosterEntry[] = [];
      for (const entry of this.entries.values()) {
        if (this.#unreachable.has(entry.memberId)) continue;
        const place = oldest.findIndex((other) => isOlder(entry, other));
        if (place < 0 && oldest.length >= this.config.dutyMembers) continue;
        oldest.splice(place < 0 ? oldest.length : place, 0, entry);
        oldest.length = Math.min(oldest.length, this.config.dutyMembers);
      }
      this.#duty = oldest.map(({ memberId }) => memberId);
      this.#dutyStale = false;
    }
    return this.#duty;
  }

  /** Takes note of who has been out of every tree's reach for long. */
  setUnreachable(members: readonly MemberId[]): void {
    if (members.length === this.#unreachable.size && members.every((member) => this.#unreachable.has(member)))
      return;
    this.#unreachable = new Set(members);
    this.#dutyStale = true;
  }

  /** Forgets old tombstones. */
  expire(nowMs: number): void {
    for (const [member, { atMs }] of this.tombstones) {
      if (nowMs - atMs < this.config.tombstoneMs) break;
      this.tombstones.delete(member);
    }
  }

  #remove(member: MemberId): void {
    const present = this.entries.get(member);
    if (!present) return;
    this.entries.delete(member);
    if (present === this.#self) this.#self = undefined;
    const handle = handleOf(member);
    if (this.byHandle.get(handle) === present) this.byHandle.delete(handle);
    this.#hash ^= digestPart(handle, present.version);
    if (this.#duty.includes(member)) this.#dutyStale = true;
  }

  /** Whether a newcomer may belong on duty. */
  #couldServe(entry: RosterEntry): boolean {
    const last = this.entries.get(this.#duty[this.config.dutyMembers - 1] ?? this.selfId);
    return this.#duty.length < this.config.dutyMembers || !last || isOlder(entry, last);
  }

  #bury(member: MemberId, tombstone: Tombstone): void {
    this.tombstones.delete(member);
    this.tombstones.set(member, tombstone);
    if (this.tombstones.size > this.config.maxTombstones) {
      for (const oldest of this.tombstones.keys()) {
        this.tombstones.delete(oldest);
        break;
      }
    }
  }
}

/** Whether one came before another; of two at a time the lower id. */
export function isOlder(a: RosterEntry, b: RosterEntry): boolean {
  return a.joinedAtMs < b.joinedAtMs || (a.joinedAtMs === b.joinedAtMs && a.memberId < b.memberId);
}
