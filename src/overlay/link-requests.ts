/** Links this member asked for, places it promised, and whom it leaves alone for now. */

import type { MemberId } from '../units.js';
import { Backoffs } from './backoffs.js';
import type { Core } from './core.js';
import type { Neighbours } from './neighbours.js';
import type { Roster } from './roster.js';

export class LinkRequests {
  /** Links asked for, and until when an answer is waited for; at most `maxPendingLinks` and a few splices. */
  readonly pending = new Map<MemberId, number>();
  /** Places promised to who asked, and until when; bounded by the link limit plus one. */
  readonly promised = new Map<MemberId, number>();
  /** Links that led to members no tree reached before, asked for or open. At most one per neighbour or link asked for. */
  readonly bridges = new Set<MemberId>();
  /** Members not to be asked yet; bounded by the roster (entries of the departed are dropped). */
  readonly backoffs: Backoffs;
  /** Links it had are gone: who answers at the doorbell is asked first. */
  asksAtDoor = false;
  /** Until when a place is kept because the first link's far end may announce a splice. */
  holdUntilMs = 0;

  constructor(
    readonly core: Core,
    readonly roster: Roster,
    readonly neighbours: Neighbours,
  ) {
    this.backoffs = new Backoffs(core.config.maxMembers, core.config.backoffMaxMs);
  }

  /** Links asked for because a voice has no way here. */
  get bridging(): number {
    let bridging = 0;
    for (const peer of this.pending.keys()) if (this.bridges.has(peer)) bridging++;
    return bridging;
  }

  /** What was asked for so far went nowhere, and would keep this member from asking those that it meets at the doorbell. */
  askAnew(): void {
    for (const peer of this.pending.keys()) {
      this.core.effects.push({ type: 'close-link', peer });
      this.bridges.delete(peer);
    }
    this.pending.clear();
    this.asksAtDoor ||= this.roster.entries.size > 1;
  }

  /** Opens a link, unless it is there or asked for. */
  open(peer: MemberId): void {
    if (!this.pending.has(peer) && !this.neighbours.link(peer)) this.ask(peer);
  }

  /** Whether this member may be asked for a link now. */
  mayAsk(peer: MemberId): boolean {
    return !this.pending.has(peer) && !this.backoffs.isBarred(peer, this.core.nowMs);
  }

  /** Opens a link that is neither there nor asked for. */
  ask(peer: MemberId): void {
    this.pending.set(peer, this.core.nowMs + this.core.config.openLinkTimeoutMs);
    this.core.effects.push({ type: 'open-link', peer });
  }

  /** Leaves a member alone for so long at first, and twice as long each time. */
  backOff(peer: MemberId, firstMs: number): void {
    const { core } = this;
    this.backoffs.backOff(peer, firstMs, core.nowMs, (pauseMs) => core.jittered(pauseMs));
  }

  expire(nowMs: number): void {
    for (const [peer, untilMs] of this.pending) {
      if (nowMs < untilMs) continue;
      this.pending.delete(peer);
      this.bridges.delete(peer);
    }
    for (const [peer, untilMs] of this.promised) if (nowMs >= untilMs) this.promised.delete(peer);
  }
}
