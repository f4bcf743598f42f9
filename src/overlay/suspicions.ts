/**
 * Who is taken for gone. A suspicion goes to everybody over every link, and the member has a moment to refute it by a later
 * entry, which goes the same way: SWIM's rule (Das, Gupta, Motivala, DSN 2002).
 */

import type { MemberId } from '../units.js';
import type { RosterEntry } from '../wire/roster-entry.js';
import type { Core } from './core.js';
import type { Neighbours } from './neighbours.js';
import type { Roster } from './roster.js';

export interface SuspicionEvents {
  /** A member is gone: refused to refute in time, or somebody knows. */
  memberGone(member: MemberId): void;
  /** Others take this member for dead: publish a version above `version`. */
  refute(version: number): void;
}

export class Suspicions {
  /** Members under suspicion, by the version suspected; bounded by the roster. */
  readonly #suspicions = new Map<MemberId, { version: number; deadlineMs: number }>();
  /** Own version that others suspect, until a later one is told. */
  #suspectedVersion: number | undefined = undefined;

  constructor(
    readonly core: Core,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
    readonly events: SuspicionEvents,
  ) {}

  get deadlineMs(): number {
    let deadline = Infinity;
    for (const { deadlineMs } of this.#suspicions.values()) deadline = Math.min(deadline, deadlineMs);
    return deadline;
  }

  /** Whether an entry ends a suspicion: it is to go as fast as that went. */
  refutedBy({ memberId, version }: RosterEntry): boolean {
    const isSelf = memberId === this.core.selfId;
    const suspected = isSelf ? this.#suspectedVersion : this.#suspicions.get(memberId)?.version;
    if (suspected === undefined || version <= suspected) return false;
    if (isSelf) this.#suspectedVersion = undefined;
    else this.#suspicions.delete(memberId);
    return true;
  }

  /** A neighbour fell silent or its link vanished without goodbye. */
  suspect(member: MemberId): void {
    const entry = this.roster.get(member);
    if (entry) this.onSuspect(undefined, member, entry.version, false);
  }

  onSuspect(from: MemberId | undefined, member: MemberId, version: number, gone: boolean): void {
    const { core, roster } = this;
    if (member === core.selfId) {
      if (version >= roster.ownVersion) {
        this.#suspectedVersion = version;
        this.events.refute(version);
      } else if (roster.self && from !== undefined)
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

  forget(member: MemberId): void {
    this.#suspicions.delete(member);
  }

  tick(): void {
    const { core, roster } = this;
    for (const [member, { version, deadlineMs }] of this.#suspicions) {
      if (core.nowMs < deadlineMs) continue;
      this.#suspicions.delete(member);
      const entry = roster.get(member);
      if (entry && entry.version <= version && roster.declareGone(member, version, core.nowMs)) {
        this.events.memberGone(member);
      }
    }
  }
}
