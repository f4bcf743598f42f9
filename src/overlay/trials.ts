/**
 * Links on trial. Between members that never talked distances are guesses, and of many guesses the best is mostly too
 * good. So a link that another one would be given up for is measured first: nothing passes over it but a few pings, and
 * whoever asked for it then says whether it stays. One that does not costs a handful of bytes beyond its signalling, and
 * the round trip is known from then on.
 *
 * Bound: one trial for each link that `Linkage` admitted.
 */

import type { MemberId } from '../units.js';
import type { ControlMessage } from '../wire/control.js';
import type { Core } from './core.js';

type TrialMessage = ControlMessage & { type: 'trial' };

/** Round trips measured, the shortest of which counts: the first ones wait for the far end to get ready. */
const PINGS = 2;
/** A trial without a verdict ends after this, ms. */
const PATIENCE_MS = 3000;

interface Trial {
  readonly untilMs: number;
  /** This member asked for the link, measures it and decides. */
  readonly isJudge: boolean;
  pings: number;
  pingedAtMs: number;
  rttMs: number;
}

export interface TrialEvents {
  /** Whether a member is linked to, without or after a trial. */
  isLink(peer: MemberId): boolean;
  /** The link is measured: whether it stays. */
  judge(peer: MemberId, rttMs: number): boolean;
  /** From now on it is a link like others. */
  kept(peer: MemberId, rttMs: number): void;
  /** It is to be closed. @param rttMs undefined when it was never measured */
  dropped(peer: MemberId, rttMs: number | undefined): void;
  /** The far end closes a link that was kept here. */
  declined(peer: MemberId): void;
}

export class Trials {
  nextMs = Infinity;
  readonly #trials = new Map<MemberId, Trial>();

  constructor(
    readonly core: Core,
    readonly events: TrialEvents,
  ) {}

  get size(): number {
    return this.#trials.size;
  }

  begin(peer: MemberId, isJudge: boolean): void {
    const untilMs = this.core.nowMs + PATIENCE_MS;
    this.#trials.set(peer, { untilMs, isJudge, pings: 0, pingedAtMs: 0, rttMs: Infinity });
    this.nextMs = Math.min(this.nextMs, untilMs);
    if (isJudge) this.#ping(peer);
  }

  /** The link ended by itself. */
  forget(peer: MemberId): void {
    this.#trials.delete(peer);
  }

  /** The far end takes the link for one like others, so it is. */
  keep(peer: MemberId, rttMs = Infinity): void {
    const trial = this.#trials.get(peer);
    if (!trial) return;
    this.#trials.delete(peer);
    this.events.kept(peer, Math.min(trial.rttMs, rttMs));
  }

  onMessage(from: MemberId, message: TrialMessage): void {
    const trial = this.#trials.get(from);
    if (!trial) {
      if (!this.events.isLink(from)) return;
      if (message.step === 'ping') this.#say(from, 'keep', Infinity);
      // Both had asked for the link, and judge it differently.
      if (message.step === 'drop') this.events.declined(from);
      return;
    }
    switch (message.step) {
      case 'ping':
        return this.#say(from, 'pong', Infinity);
      case 'pong':
        return this.#measured(from, trial);
      case 'keep':
        return this.keep(from, message.rttMs);
      case 'drop':
        this.#trials.delete(from);
        this.events.dropped(from, Number.isFinite(message.rttMs) ? message.rttMs : undefined);
    }
  }

  tick(): void {
    const { nowMs } = this.core;
    if (nowMs < this.nextMs) return;
    this.nextMs = Infinity;
    for (const [peer, { untilMs, rttMs }] of this.#trials) {
      if (nowMs >= untilMs) {
        this.#trials.delete(peer);
        this.events.dropped(peer, Number.isFinite(rttMs) ? rttMs : undefined);
      } else this.nextMs = Math.min(this.nextMs, untilMs);
    }
  }

  #ping(peer: MemberId): void {
    const trial = this.#trials.get(peer);
    if (!trial) return;
    trial.pings++;
    trial.pingedAtMs = this.core.nowMs;
    this.#say(peer, 'ping', Infinity);
  }

  #measured(peer: MemberId, trial: Trial): void {
    if (!trial.isJudge) return;
    trial.rttMs = Math.max(0.5, Math.min(trial.rttMs, this.core.nowMs - trial.pingedAtMs));
    if (trial.pings < PINGS) return this.#ping(peer);
    const { rttMs } = trial;
    const stays = this.events.judge(peer, rttMs);
    this.#say(peer, stays ? 'keep' : 'drop', rttMs);
    if (stays) return this.keep(peer);
    this.#trials.delete(peer);
    this.events.dropped(peer, rttMs);
  }

  #say(to: MemberId, step: TrialMessage['step'], rttMs: number): void {
    this.core.send(to, { type: 'trial', step, rttMs });
  }
}
