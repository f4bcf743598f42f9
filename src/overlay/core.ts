/**
 * What every part of the engine shares within one life: who we are, the clock reading of the present call, and the
 * outbox. Messages about trees are collected per neighbour and leave as one message of each kind at the end of a
 * call, so that a new link or a lost parent costs a handful of messages rather than one per source.
 */

import { handleOf, type Handle, type MemberId } from '../units.js';
import {
  MAX_OFFERS_PER_MESSAGE,
  MAX_SOURCES_PER_MESSAGE,
  type Acceptance,
  type ControlMessage,
  type Rejection,
  type RouteOffer,
  type Stake,
  type SubscribeRequest,
} from '../wire/control.js';
import type { OverlayConfig } from './config.js';
import type { Limits, OverlayEffect } from './interface.js';

/** Two bytes of a member id that name it inside paths. A clash (1 in 65 536) only hides one candidate parent. */
export function hopTag(memberId: MemberId): number {
  return Number.parseInt(memberId.slice(8, 12), 16);
}

/** Bounded by sources × neighbours of one call; emptied by `flush`. */
interface Outbox {
  dormant: Set<Handle> | undefined;
  upstream: Map<Handle, SubscribeRequest | 'unsubscribe'> | undefined;
  downstream: Map<Handle, Acceptance | Rejection> | undefined;
  offers: Map<Handle, RouteOffer> | undefined;
  stakes: Map<Handle, Stake> | undefined;
}

const NONE: readonly (readonly [Handle, SubscribeRequest | 'unsubscribe'])[] = [];

export class Core {
  nowMs = 0;
  effects: OverlayEffect[] = [];
  viewChanged = false;
  readonly selfTag: number;
  readonly selfHandle: Handle;
  readonly #outboxes = new Map<MemberId, Outbox>();

  constructor(
    readonly selfId: MemberId,
    readonly config: OverlayConfig,
    readonly random: () => number,
    public limits: Limits,
  ) {
    this.selfTag = hopTag(selfId);
    this.selfHandle = handleOf(selfId);
  }

  /** `ms` ± 50 %: keeps members that saw the same event from acting in step. */
  jittered(ms: number): number {
    return ms * (0.5 + this.random());
  }

  send(to: MemberId, message: ControlMessage, reliable = true): void {
    this.effects.push({ type: 'send', to, message, reliable });
  }

  subscribe(to: MemberId, request: SubscribeRequest): void {
    (this.#outbox(to).upstream ??= new Map()).set(request.source, request);
  }

  unsubscribe(to: MemberId, source: Handle): void {
    (this.#outbox(to).upstream ??= new Map()).set(source, 'unsubscribe');
  }

  accept(to: MemberId, acceptance: Acceptance): void {
    (this.#outbox(to).downstream ??= new Map()).set(acceptance.source, acceptance);
  }

  reject(to: MemberId, rejection: Rejection): void {
    (this.#outbox(to).downstream ??= new Map()).set(rejection.source, rejection);
  }

  offer(to: MemberId, offer: RouteOffer): void {
    (this.#outbox(to).offers ??= new Map()).set(offer.source, offer);
  }

  stake(to: MemberId, stake: Stake): void {
    (this.#outbox(to).stakes ??= new Map()).set(stake.source, stake);
  }

  /** A tree is kept by the map alone from now on; what was to be said of it is not said any more. */
  dormant(to: MemberId, source: Handle): void {
    const outbox = this.#outbox(to);
    outbox.upstream?.delete(source);
    outbox.downstream?.delete(source);
    outbox.offers?.delete(source);
    outbox.stakes?.delete(source);
    (outbox.dormant ??= new Set()).add(source);
  }

  /** Forgets what was about to be told to a neighbour that is gone. */
  discard(to: MemberId): void {
    this.#outboxes.delete(to);
  }

  /** Turns the outboxes into effects. Offers go last but one: an acceptance is read before the cost it stands for. */
  flush(): void {
    if (this.#outboxes.size === 0) return;
    for (const [to, { dormant, upstream, downstream, offers, stakes }] of this.#outboxes) {
      // First: what woke in the same call is offered after it.
      for (const part of chunks([...(dormant ?? [])], MAX_SOURCES_PER_MESSAGE))
        this.send(to, { type: 'dormant', sources: part });
      const requests: SubscribeRequest[] = [];
      const sources: Handle[] = [];
      for (const [source, action] of upstream ?? NONE) {
        if (action === 'unsubscribe') sources.push(source);
        else requests.push(action);
      }
      const acceptances: Acceptance[] = [];
      const rejections: Rejection[] = [];
      for (const answer of downstream?.values() ?? []) {
        if ('reason' in answer) rejections.push(answer);
        else acceptances.push(answer);
      }
      for (const part of chunks(sources, MAX_SOURCES_PER_MESSAGE))
        this.send(to, { type: 'unsubscribe', sources: part });
      for (const part of chunks(acceptances, MAX_SOURCES_PER_MESSAGE)) {
        this.send(to, { type: 'accept', acceptances: part });
      }
      if (offers) {
        for (const part of chunks([...offers.values()], MAX_OFFERS_PER_MESSAGE))
          this.send(to, { type: 'advertise', offers: part });
      }
      for (const part of chunks(rejections, MAX_SOURCES_PER_MESSAGE))
        this.send(to, { type: 'reject', rejections: part });
      for (const part of chunks(requests, MAX_SOURCES_PER_MESSAGE))
        this.send(to, { type: 'subscribe', requests: part });
      for (const part of chunks([...(stakes?.values() ?? [])], MAX_SOURCES_PER_MESSAGE))
        this.send(to, { type: 'stakes', stakes: part });
    }
    this.#outboxes.clear();
  }

  #outbox(to: MemberId): Outbox {
    let outbox = this.#outboxes.get(to);
    if (!outbox) {
      outbox = {
        dormant: undefined,
        upstream: undefined,
        downstream: undefined,
        offers: undefined,
        stakes: undefined,
      };
      this.#outboxes.set(to, outbox);
    }
    return outbox;
  }
}

/** Consecutive parts of at most `size` items. */
export function chunks<T>(items: readonly T[], size: number): (readonly T[])[] {
  if (items.length <= size) return items.length === 0 ? [] : [items];
  const parts: (readonly T[])[] = [];
  for (let i = 0; i < items.length; i += size) parts.push(items.slice(i, i + size));
  return parts;
}
