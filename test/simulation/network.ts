/** The simulated internet: how long bytes take, and which are lost. */

import type { Bursts, NatShares } from './faults.js';

/** One-way delays between places, ms. Place = index. */
export interface Latencies {
  readonly places: number;
  oneWayMs(from: number, to: number): number;
}

/** Places on a plane, with an access delay each: roughly how internet delays spread (Dabek et al. 2004). */
export function syntheticLatencies(places: number, random: () => number, sizeMs = 80): Latencies {
  const points = Array.from({ length: places }, () => ({
    x: random() * sizeMs,
    y: random() * sizeMs,
    accessMs: 1 + random() * 9,
  }));
  return {
    places,
    oneWayMs(from, to) {
      const a = points[from];
      const b = points[to];
      if (!a || !b || from === to) return 0.1;
      return Math.hypot(a.x - b.x, a.y - b.y) + a.accessMs + b.accessMs;
    },
  };
}

/** Everybody equally far from everybody. */
export function uniformLatencies(places: number, oneWayMs: number): Latencies {
  return { places, oneWayMs: (from, to) => (from === to ? 0.1 : oneWayMs) };
}

/** A table of one-way delays, ms. */
export function tableLatencies(table: readonly (readonly number[])[]): Latencies {
  return { places: table.length, oneWayMs: (from, to) => (from === to ? 0.1 : (table[from]?.[to] ?? 0.1)) };
}

export interface NetworkConditions {
  /** Extra delay per message, exponential with this mean, ms. */
  readonly jitterMs: number;
  /** Share of messages lost on the unreliable path; on the reliable one they cost a retransmission. */
  readonly loss: number;
  /** Round trips from the last signalling message to both channels open (ICE, DTLS, SCTP). */
  readonly openRoundTrips: number;
  /** Losses in runs, on each link by itself, on top of `loss`; undefined = none. */
  readonly bursts: Bursts | undefined;
  /** Share of voice messages that arrive twice. */
  readonly duplication: number;
  /** Share of pairs that cannot connect at all, whatever stands before them. */
  readonly unconnectable: number;
  /** What members sit behind, as shares of the room; the rest is reachable by anybody. No TURN. */
  readonly nats: NatShares | undefined;
  /** Whether drivers find out who made a frame, as they will once voice is signed; today's do not. */
  readonly voiceSigned: boolean;
  /** What one relay adds to the way of a voice packet, ms. */
  readonly relayMs: number;
}

export const CALM: NetworkConditions = {
  jitterMs: 0,
  loss: 0,
  bursts: undefined,
  duplication: 0,
  openRoundTrips: 3,
  unconnectable: 0,
  nats: undefined,
  voiceSigned: false,
  relayMs: 0,
};
