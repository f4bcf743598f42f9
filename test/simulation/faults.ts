/** What goes wrong on the simulated internet by itself: losses in runs, and networks that will not let each other in. */

/** Losses in runs: a link is well or in a bad stretch, each for an exponentially distributed time (Gilbert 1960, Elliott 1963). */
export interface Bursts {
  /** Mean time between two bad stretches, ms. */
  readonly everyMs: number;
  /** Mean length of one, ms. */
  readonly lengthMs: number;
  /** Share of messages lost within it. */
  readonly loss: number;
}

/** The state of one direction of one link under `Bursts`; moved on when looked at, so idle links cost nothing. */
export class BurstyLink {
  #bad = false;
  #untilMs: number;

  constructor(
    readonly bursts: Bursts,
    readonly random: () => number,
    nowMs: number,
  ) {
    this.#untilMs = nowMs + this.#stretch(bursts.everyMs);
  }

  /** Whether a message sent now is lost. Times must not run backwards. */
  loses(nowMs: number): boolean {
    while (nowMs >= this.#untilMs) {
      this.#bad = !this.#bad;
      this.#untilMs += this.#stretch(this.#bad ? this.bursts.lengthMs : this.bursts.everyMs);
    }
    return this.#bad && this.random() < this.bursts.loss;
  }

  #stretch(meanMs: number): number {
    return -Math.log(1 - this.random()) * meanMs;
  }
}

/**
 * What stands between a member and the internet, by how it maps and filters (RFC 4787). Before the last two a peer
 * must come from exactly the address and port that were written to.
 */
export const NATS = ['open', 'address-filtered', 'port-filtered', 'symmetric'] as const;
export type Nat = (typeof NATS)[number];
export type NatShares = Readonly<Partial<Record<Nat, number>>>;

/**
 * Whether hole punching through STUN alone joins two members: a symmetric NAT shows every peer another port, which
 * only an end that does not look at ports lets in.
 */
export function natsLetThrough(a: Nat, b: Nat): boolean {
  const looksAtPorts = (nat: Nat): boolean => nat === 'port-filtered' || nat === 'symmetric';
  return !((a === 'symmetric' && looksAtPorts(b)) || (b === 'symmetric' && looksAtPorts(a)));
}

/** A NAT by its share in the room. */
export function drawNat(shares: NatShares, random: () => number): Nat {
  let left = random();
  return NATS.find((nat) => (left -= shares[nat] ?? 0) < 0) ?? 'open';
}

/** A clock that began at another time and runs at another speed. */
export interface Clock {
  /** What it shows when the simulation begins, ms; the wall clock is wrong by as much. */
  readonly offsetMs: number;
  /** How much too fast, parts per million. */
  readonly driftPpm: number;
}

/** What a clock shows at a time of the simulation, ms. */
export function shownBy(clock: Clock, atMs: number): number {
  return clock.offsetMs + atMs * (1 + clock.driftPpm / 1e6);
}

/** First whole millisecond of the simulation at which a clock shows at least `shownMs`. */
export function whenShown(clock: Clock, shownMs: number): number {
  let atMs = Math.ceil((shownMs - clock.offsetMs) / (1 + clock.driftPpm / 1e6));
  while (shownBy(clock, atMs) < shownMs) atMs++;
  return atMs;
}
