/**
 * How news of members travels: entries as differences to whoever does not have them yet, a digest now and then to
 * find what was missed, and suspicions with refutation (SWIM: Das, Gupta, Motivala, DSN 2002).
 */

import { handleOf, type Handle, type MemberId } from '../units.js';
import { MAX_ENTRIES_PER_MESSAGE, MAX_VERSIONS_PER_MESSAGE, type ControlMessage } from '../wire/control.js';
import { chunks, type Core } from './core.js';
import type { Neighbour, Neighbours } from './neighbours.js';
import type { Roster } from './roster.js';
import type { RosterEntry } from '../wire/roster-entry.js';

export interface GossipEvents {
  /** A member is gone: refused to refute in time, or somebody knows. */
  memberGone(member: MemberId): void;
  /** Others take this member for dead: publish a version above `version`. */
  refute(version: number): void;
}

export class Gossip {
  /** Entries to pass on at `#spreadAtMs`; bounded by the roster and the tombstones. */
  readonly #news = new Map<MemberId, RosterEntry>();
  #spreadAtMs = Infinity;
  #nextDigestMs = Infinity;
  /** Members under suspicion, by the version suspected; bounded by the roster. */
  readonly #suspicions = new Map<MemberId, { version: number; deadlineMs: number }>();

  constructor(
    readonly core: Core,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
    readonly events: GossipEvents,
  ) {}

  get deadlineMs(): number {
    let deadline = Math.min(this.#spreadAtMs, this.#nextDigestMs);
    for (const { deadlineMs } of this.#suspicions.values()) deadline = Math.min(deadline, deadlineMs);
    return deadline;
  }

  /** Passes an entry on to everybody who is not known to have it. */
  spread(entry: RosterEntry, delayMs: number): void {
    this.#news.set(entry.memberId, entry);
    this.#spreadAtMs = Math.min(this.#spreadAtMs, this.core.nowMs + delayMs);
    const suspicion = this.#suspicions.get(entry.memberId);
    if (suspicion && entry.version > suspicion.version) this.#suspicions.delete(entry.memberId);
  }

  /** First words to a new link or pipe: the little rooms say everything, the big ones compare first. */
  greet(neighbour: Neighbour): void {
    if (this.#nextDigestMs === Infinity)
      this.#nextDigestMs = this.core.nowMs + this.core.jittered(this.core.config.digestMs);
    const { roster, core } = this;
    if (roster.entries.size <= core.config.fullMeshMembers) {
      this.#sendEntries(neighbour, roster.entries.values());
    } else {
      if (roster.self) this.#sendEntries(neighbour, [roster.self]);
      core.send(neighbour.peer, { type: 'digest', members: roster.entries.size, hash: roster.hash });
    }
  }

  onDigest(from: Neighbour, message: ControlMessage & { type: 'digest' }): void {
    if (message.hash !== this.roster.hash) this.#sendVersions(from, true);
  }

  onVersions(from: Neighbour, message: ControlMessage & { type: 'versions' }): void {
    const theirs = new Map<Handle, number>();
    for (const { handle, version } of message.versions) theirs.set(handle, version);
    const wanted: RosterEntry[] = [];
    let behind = false;
    let matched = 0;
    for (const entry of this.roster.entries.values()) {
      const version = theirs.get(handleOf(entry.memberId));
      if (version === undefined || version < entry.version) wanted.push(entry);
      else if (version > entry.version) behind = true;
      if (version !== undefined) {
        matched++;
        from.known.set(entry.memberId, version);
      }
    }
    for (const [member, tombstone] of this.roster.tombstones) {
      const version = theirs.get(handleOf(member));
      if (version === undefined) continue;
      if (version > tombstone.version) behind = true;
      else if (tombstone.goodbye) wanted.push(tombstone.goodbye);
      else this.core.send(from.peer, { type: 'suspect', member, version: tombstone.version, gone: false });
      matched++;
    }
    this.#sendEntries(from, wanted);
    if (message.answerExpected && (behind || matched < theirs.size)) this.#sendVersions(from, false);
  }

  /** A neighbour fell silent or its link vanished without goodbye. */
  suspect(member: MemberId): void {
    const entry = this.roster.get(member);
    if (entry) this.onSuspect(undefined, member, entry.version, false);
  }

  onSuspect(from: MemberId | undefined, member: MemberId, version: number, gone: boolean): void {
    const { core, roster } = this;
    if (member === core.selfId) {
      if (version >= roster.ownVersion) this.events.refute(version);
      else if (roster.self && from !== undefined)
        core.send(from, { type: 'entries', entries: [roster.self.bytes] });
      return;
    }
    const entry = roster.get(member);
    if (!entry) return;
    if (entry.version > version) {
      if (from !== undefined) core.send(from, { type: 'entries', entries: [entry.bytes] });
      return;
    }
    const known = this.#suspicions.get(member);
    if (known && known.version >= version) return;
    this.#suspicions.set(member, { version, deadlineMs: core.nowMs + core.config.suspicionMs });
    for (const neighbour of this.neighbours.all.values()) {
      if (neighbour.peer !== from) core.send(neighbour.peer, { type: 'suspect', member, version, gone });
    }
  }

  isSuspected(member: MemberId): boolean {
    return this.#suspicions.has(member);
  }

  forget(member: MemberId): void {
    this.#suspicions.delete(member);
  }

  tick(): void {
    const { core, roster } = this;
    if (core.nowMs >= this.#spreadAtMs) this.#flushNews();
    for (const [member, { version, deadlineMs }] of this.#suspicions) {
      if (core.nowMs < deadlineMs) continue;
      this.#suspicions.delete(member);
      const entry = roster.get(member);
      if (entry && entry.version <= version && roster.declareGone(member, version, core.nowMs)) {
        this.events.memberGone(member);
      }
    }
    if (core.nowMs >= this.#nextDigestMs) {
      this.#nextDigestMs = core.nowMs + core.jittered(core.config.digestMs);
      roster.expire(core.nowMs);
      const ends = [...this.neighbours.all.values()];
      const chosen = ends[Math.floor(core.random() * ends.length)];
      if (chosen) core.send(chosen.peer, { type: 'digest', members: roster.entries.size, hash: roster.hash });
    }
  }

  #flushNews(): void {
    this.#spreadAtMs = Infinity;
    for (const neighbour of this.neighbours.all.values()) this.#sendEntries(neighbour, this.#news.values());
    this.#news.clear();
  }

  #sendEntries(to: Neighbour, entries: Iterable<RosterEntry>): void {
    const unknown: Uint8Array[] = [];
    for (const entry of entries) {
      if ((to.known.get(entry.memberId) ?? -1) >= entry.version || entry.memberId === to.peer) continue;
      to.known.set(entry.memberId, entry.version);
      unknown.push(entry.bytes);
    }
    for (const part of chunks(unknown, MAX_ENTRIES_PER_MESSAGE)) {
      this.core.send(to.peer, { type: 'entries', entries: part });
    }
  }

  #sendVersions(to: Neighbour, answerExpected: boolean): void {
    const versions = this.roster.versions().slice(0, MAX_VERSIONS_PER_MESSAGE);
    this.core.send(to.peer, { type: 'versions', answerExpected, versions });
  }
}
