/**
 * Carries signalling between members that have no link yet: straight where there is a link or pipe, else against the
 * target's own tree (its parent here is the way to it), else back the way its signals came, else by a small flood.
 * Duplicates are suppressed and return routes registered before anything is passed on.
 */

import { handleOf, type Handle, type MemberId } from '../units.js';
import { MAX_ROUTED_BYTES, type ControlMessage } from '../wire/control.js';
import type { Core } from './core.js';
import type { Neighbours } from './neighbours.js';
import { remember } from './remember.js';

type Signal = ControlMessage & { type: 'signal' };
type Routed = ControlMessage & { type: 'routed' };

export class Signalling {
  /** Signals seen, oldest first; at most `maxSignalsRemembered`. */
  readonly #seen = new Map<string, true>();
  /** Origin → neighbour its entry or last signal came through, oldest first; same bound. */
  readonly #returnRoutes = new Map<MemberId, MemberId>();

  constructor(
    readonly core: Core,
    readonly neighbours: Neighbours,
    /** Neighbours on the way to a member, best first. */
    readonly routesTo: (member: MemberId) => readonly MemberId[],
    /** Whose handle it is; undefined for somebody unknown. */
    readonly memberOf: (handle: Handle) => MemberId | undefined,
    /** Whether a member has been here for some time, as this one has: everybody will know either. */
    readonly isAcquainted: (member: MemberId) => boolean,
    /** A message for this member's own overlay came. */
    readonly onRoutedHere: (from: MemberId, payload: Uint8Array) => void,
  ) {}

  /** For the target's own overlay, along known routes only. False when there is none. */
  sendRouted(target: MemberId, payload: Uint8Array, isSignal = false): boolean {
    const { core } = this;
    const hop = this.neighbours.lively(target) ? target : this.#nextHop(target, undefined);
    if (hop === undefined) return false;
    const id = Math.floor(core.random() * 0x1_0000);
    const origin = core.selfHandle;
    const hopLimit = core.config.signalHops;
    core.send(hop, { type: 'routed', origin, target: handleOf(target), id, hopLimit, isSignal, payload });
    return true;
  }

  originate(target: MemberId, payload: Uint8Array): void {
    const { core } = this;
    const isShort = payload.byteLength <= MAX_ROUTED_BYTES && this.isAcquainted(target);
    if (isShort && this.sendRouted(target, payload, true)) return;
    const id = Math.floor(core.random() * 0x1_0000_0000) >>> 0;
    this.#remember(core.selfId, id);
    this.#forward(
      {
        type: 'signal',
        origin: core.selfId,
        target,
        id,
        hopLimit: core.config.signalHops,
        flood: false,
        payload,
      },
      undefined,
    );
  }

  onSignal(from: MemberId, signal: Signal): void {
    const { core } = this;
    if (signal.origin === core.selfId || !this.#remember(signal.origin, signal.id)) return;
    this.noteReturnRoute(signal.origin, from);
    if (signal.target === core.selfId)
      core.effects.push({ type: 'signal', from: signal.origin, payload: signal.payload });
    else if (signal.hopLimit > 0) this.#forward({ ...signal, hopLimit: signal.hopLimit - 1 }, from);
  }

  /** What overlays say to each other may get lost: without a route it is dropped, and only signals are flooded. */
  onRouted(from: MemberId, message: Routed): void {
    const { core } = this;
    const origin = this.memberOf(message.origin);
    const target = this.memberOf(message.target);
    if (origin === undefined || target === undefined || origin === core.selfId) return;
    if (!this.#remember(origin, message.id)) return;
    this.noteReturnRoute(origin, from);
    const { id, payload, isSignal } = message;
    if (target === core.selfId && isSignal) core.effects.push({ type: 'signal', from: origin, payload });
    else if (target === core.selfId) this.onRoutedHere(origin, payload);
    if (target === core.selfId || message.hopLimit === 0) return;
    const hopLimit = message.hopLimit - 1;
    const hop = this.#isDirect(target, from) ? target : this.#nextHop(target, from);
    if (hop !== undefined) core.send(hop, { ...message, hopLimit });
    else if (isSignal)
      this.#forward({ type: 'signal', origin, target, id, hopLimit, flood: false, payload }, from);
  }

  /** Something that a member made came through a neighbour: it is the way back, for want of a better one. */
  noteReturnRoute(origin: MemberId, from: MemberId): void {
    remember(this.#returnRoutes, origin, from, this.core.config.maxSignalsRemembered);
  }

  #forward(signal: Signal, from: MemberId | undefined): void {
    const { core, neighbours } = this;
    if (this.#isDirect(signal.target, from)) {
      core.send(signal.target, { ...signal, flood: false });
      return;
    }
    // A flood ends wherever somebody knows the way.
    const hop = this.#nextHop(signal.target, from);
    if (hop !== undefined) {
      core.send(hop, { ...signal, flood: false });
      return;
    }
    const hopLimit = Math.min(signal.hopLimit, core.config.floodHops);
    for (const neighbour of neighbours.all.values()) {
      if (neighbour.peer === from || neighbour.peer === signal.origin) continue;
      // Along the branches that news takes: they reach everybody, with a fourth of the copies.
      if (neighbour.linked && !neighbour.eagerNews) continue;
      core.send(neighbour.peer, { ...signal, hopLimit, flood: true });
    }
  }

  /** Whether a member is at the far end of a link or pipe, and not where the message came from. */
  #isDirect(target: MemberId, from: MemberId | undefined): boolean {
    return target !== from && this.neighbours.get(target)?.silent === false;
  }

  #nextHop(target: MemberId, from: MemberId | undefined): MemberId | undefined {
    for (const hop of this.routesTo(target)) {
      if (hop !== from && this.neighbours.lively(hop)) return hop;
    }
    const back = this.#returnRoutes.get(target);
    return back !== undefined && back !== from && this.neighbours.get(back) ? back : undefined;
  }

  /** False when this signal passed before. */
  #remember(origin: MemberId, id: number): boolean {
    const key = `${origin}${id}`;
    if (this.#seen.has(key)) return false;
    remember(this.#seen, key, true, this.core.config.maxSignalsRemembered);
    return true;
  }
}
