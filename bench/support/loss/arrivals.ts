/**
 * What a network does to a voice of 20 ms frames: when each arrives, if at all. Everything is generated from a seed.
 * Times in ms on the speaker's clock; frame n leaves at (n + 1) · 20.
 */

import { seeded } from '../../../test/audio/support.js';

export const FRAME_MS = 20;

/** How a link repairs its losses. */
export type Repair =
  | { readonly kind: 'none' }
  /** Every message carries the packets of so many messages before it again. */
  | { readonly kind: 'repeat'; readonly depth: number }
  /** The receiver asks for what a gap in the numbers shows to be missing; asked once, answered once. */
  | { readonly kind: 'request'; readonly repeat: number };

export interface Fate {
  readonly delayMs: number;
  readonly isLost: boolean;
}

export interface Trace {
  readonly name: string;
  readonly frames: number;
  /** Fate of the message that leaves with frame `index`; called once per index, in order. */
  readonly fates: readonly Fate[];
  /** Talk spurts and pauses instead of an endless stream. */
  readonly hasPauses: boolean;
}

export interface Arrival {
  readonly index: number;
  readonly atMs: number;
}

/** ms each way that every trace has at least. */
export const BASE_DELAY_MS = 30;

/** A wired path's jitter: exponential, 1 ms on average. */
const wired = (random: () => number): number => BASE_DELAY_MS - Math.log(1 - random());

/**
 * Wi-Fi in a busy building: 3 ms of contention on average and, every 2 s or so, 40–120 ms in which the station scans
 * or sleeps and everything queues up behind.
 */
function wifi(frames: number, random: () => number): Fate[] {
  const fates: Fate[] = [];
  let blockedUntilMs = 0;
  for (let index = 0; index < frames; index++) {
    const sentMs = (index + 1) * FRAME_MS;
    if (sentMs > blockedUntilMs && random() < FRAME_MS / 2000) blockedUntilMs = sentMs + 40 + 80 * random();
    const waitMs = Math.max(0, blockedUntilMs - sentMs);
    fates.push({ delayMs: BASE_DELAY_MS + waitMs - 3 * Math.log(1 - random()), isLost: random() < 0.002 });
  }
  return fates;
}

const each = (frames: number, fate: (index: number) => Fate): Fate[] =>
  Array.from({ length: frames }, (_, index) => fate(index));

/** Independent losses. */
const uniform = (frames: number, share: number, random: () => number): Fate[] =>
  each(frames, () => ({ delayMs: wired(random), isLost: random() < share }));

/** Gilbert's two states: all is well, or all is lost, for `meanBurst` messages on average. */
function bursts(frames: number, share: number, meanBurst: number, random: () => number): Fate[] {
  const leave = 1 / meanBurst;
  const enter = (leave * share) / (1 - share);
  let isBad = false;
  return each(frames, () => {
    isBad = random() < (isBad ? 1 - leave : enter);
    return { delayMs: wired(random), isLost: isBad };
  });
}

/** Every trace of one seed, of `seconds` each. */
export function allTraces(seed: number, seconds: number): Trace[] {
  const frames = (seconds * 1000) / FRAME_MS;
  const random = seeded(seed);
  const every = (ms: number, index: number): number => (index * FRAME_MS) % ms;
  const trace = (name: string, fates: readonly Fate[], hasPauses = false): Trace => ({
    name,
    frames,
    fates,
    hasPauses,
  });
  return [
    trace('clean', uniform(frames, 0, random)),
    trace('uniform 1 %', uniform(frames, 0.01, random)),
    trace('uniform 3 %', uniform(frames, 0.03, random)),
    trace('uniform 5 %', uniform(frames, 0.05, random)),
    trace('bursts 3 %', bursts(frames, 0.03, 2.5, random)),
    trace('Wi-Fi', wifi(frames, random)),
    trace('Wi-Fi, with pauses', wifi(frames, random), true),
    trace(
      'parent switch',
      each(frames, (index) => ({
        delayMs: wired(random) + (every(10_000, index) < 5000 ? 0 : 60),
        isLost: false,
      })),
    ),
    trace(
      'stall',
      each(frames, (index) => {
        const intoMs = every(20_000, index) - 15_000;
        const stalledMs = intoMs >= 0 && intoMs < 300 ? 300 - intoMs : 0;
        return { delayMs: wired(random) + stalledMs, isLost: false };
      }),
    ),
  ];
}

/** When frames arrive; each at most once, in order of arrival. */
export function arrivalsOf({ fates }: Trace, repair: Repair, seed: number): Arrival[] {
  const random = seeded(seed);
  const reaches = (message: number): number => {
    const fate = fates[message];
    return !fate || fate.isLost ? Infinity : (message + 1) * FRAME_MS + fate.delayMs;
  };
  const depth = repair.kind === 'repeat' ? repair.depth : repair.kind === 'request' ? repair.repeat : 0;
  const lossShare = fates.filter(({ isLost }) => isLost).length / fates.length;
  const arrivals: Arrival[] = [];
  for (let index = 0; index < fates.length; index++) {
    let atMs = Infinity;
    for (let later = 0; later <= depth; later++) atMs = Math.min(atMs, reaches(index + later));
    if (repair.kind === 'request' && reaches(index) === Infinity) {
      // The gap shows with the next message to come; request and answer may be lost like anything else.
      let shown = index + 1;
      while (shown < fates.length && reaches(shown) === Infinity) shown += 1;
      const isAnswered = random() >= lossShare && random() >= lossShare;
      if (isAnswered) atMs = Math.min(atMs, reaches(shown) + 2 * BASE_DELAY_MS);
    }
    if (atMs < Infinity) arrivals.push({ index, atMs });
  }
  return arrivals.sort((a, b) => a.atMs - b.atMs);
}
