/** Life and round trips of the links: small unreliable messages, and anything else that arrives. */

import type { ControlMessage } from '../wire/control.js';
import type { Core } from './core.js';
import type { Neighbour, Neighbours } from './neighbours.js';

/** A sleep of this member longer than this is its own fault, not the neighbours' silence, ms. */
const OVERSLEPT_MS = 250;
/** Silence of one link, though its member is well elsewhere, after which the link is given up, ms. */
const DEAD_LINK_MS = 6000;
/** Share of the time between heartbeats by which one may come early. */
const TOGETHER_SHARE = 0.12;
/** So many heartbeats of a new link carry clocks, so that more than one sample tells its round trip soon … */
const FIRST_TIMED = 4;
/** … and one in so many from then on, some 1.3 s apart: the others say that the link lives, in one byte instead of seven. */
const TIMED_EVERY = 4;
/** Longest credible round trip, ms. */
const MAX_RTT_MS = 10_000;

export interface HeartbeatEvents {
  /** Nothing was heard for `linkSilenceMs`. */
  fellSilent(neighbour: Neighbour): void;
  /** A round trip was measured, perhaps the first one over this link. */
  measured(neighbour: Neighbour, isFirst: boolean): void;
  /** A retiring link's time is over, or a link is dead although its member is not. */
  finished(neighbour: Neighbour): void;
}

export class Heartbeats {
  constructor(
    readonly core: Core,
    readonly neighbours: Neighbours,
    readonly events: HeartbeatEvents,
  ) {}

  /** When `tick` has something to do next, ms; it may come to nothing, for whoever is heard is silent later. */
  get deadlineMs(): number {
    return this.neighbours.nextMs;
  }

  #nextMs(): number {
    let deadline = Infinity;
    for (const neighbour of this.neighbours.linked) {
      deadline = Math.min(deadline, neighbour.nextHeartbeatMs, neighbour.retireAtMs);
      if (!neighbour.silent)
        deadline = Math.min(deadline, neighbour.lastHeardMs + this.core.config.linkSilenceMs);
    }
    return deadline;
  }

  /** The driver called later than asked: time during which nobody could be heard does not count as silence. */
  overslept(lateMs: number): void {
    if (lateMs <= OVERSLEPT_MS) return;
    for (const neighbour of this.neighbours.all.values()) {
      neighbour.lastHeardMs = Math.min(this.core.nowMs, neighbour.lastHeardMs + lateMs);
    }
  }

  heard(neighbour: Neighbour, nowMs: number): void {
    neighbour.lastHeardMs = nowMs;
    neighbour.silent = false;
  }

  onHeartbeat(neighbour: Neighbour, message: ControlMessage & { type: 'heartbeat' }): void {
    const { nowMs } = this.core;
    neighbour.theirSentMs = message.sentMs;
    neighbour.theirSentHeardMs = nowMs;
    if (message.echoMs === undefined) {
      // It has not heard the clock here yet, or not for long.
      neighbour.beats = 0;
      if (!neighbour.measured) this.#answerFirst(neighbour);
      return;
    }
    const rttMs = ((Math.floor(nowMs) - message.echoMs) & 0xffff) - message.heldMs;
    if (rttMs >= 0 && rttMs < MAX_RTT_MS) {
      const isFirst = !neighbour.measured;
      neighbour.noteRtt(Math.max(0.5, rttMs));
      this.events.measured(neighbour, isFirst);
    }
  }

  /** A link that is new to both is measured within a round trip: until then nothing better is known than a guess. */
  #answerFirst(neighbour: Neighbour): void {
    neighbour.nextHeartbeatMs = this.core.nowMs;
    this.neighbours.wake(this.core.nowMs);
  }

  tick(): void {
    const { nowMs, config } = this.core;
    if (nowMs < this.neighbours.nextMs) return;
    // Links that beat at nearly the same time do so together from then on: one tick serves them all.
    const dueMs = nowMs + TOGETHER_SHARE * config.heartbeatMs;
    const nextMs = nowMs + config.heartbeatMs * (0.9 + 0.2 * this.core.random());
    for (const neighbour of this.neighbours.linked) {
      if (nowMs >= neighbour.retireAtMs) {
        this.events.finished(neighbour);
        continue;
      }
      if (dueMs >= neighbour.nextHeartbeatMs) this.#beat(neighbour, nextMs);
      // Sums, not differences: the deadlines are sums, and the two may round apart.
      if (!neighbour.silent && nowMs >= neighbour.lastHeardMs + config.linkSilenceMs) {
        neighbour.silent = true;
        this.events.fellSilent(neighbour);
      } else if (neighbour.silent && nowMs >= neighbour.lastHeardMs + DEAD_LINK_MS)
        this.events.finished(neighbour);
    }
    this.neighbours.nextMs = this.#nextMs();
  }

  #beat(neighbour: Neighbour, nextMs: number): void {
    const { core } = this;
    const { nowMs } = core;
    neighbour.nextHeartbeatMs = nextMs;
    const isTimed = neighbour.beats < FIRST_TIMED || neighbour.beats % TIMED_EVERY === 0;
    neighbour.beats++;
    if (!isTimed) {
      core.send(neighbour.peer, { type: 'alive' }, false);
      return;
    }
    const heldMs = Math.round(nowMs - neighbour.theirSentHeardMs);
    const clocks = { sentMs: Math.floor(nowMs) & 0xffff, echoMs: neighbour.theirSentMs, heldMs };
    core.send(neighbour.peer, { type: 'heartbeat', ...clocks }, false);
    // An answer to a heartbeat that is long past measures the past.
    if (nowMs - neighbour.theirSentHeardMs > 2 * core.config.linkSilenceMs) neighbour.theirSentMs = undefined;
  }
}
