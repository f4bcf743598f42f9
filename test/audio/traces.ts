/** Arrival traces, and a listener that plays them through the jitter buffer without sound. */

import type { PlayoutConfig } from '../../src/audio/config.js';
import { PLAYOUT_DEFAULTS } from '../../src/audio/config.js';
import { JitterBuffer, type ArrivedFrame, type PlayoutKind } from '../../src/audio/jitter-buffer.js';
import { FRAME, frameOf, seeded } from './support.js';

export const MS = 48;
const QUANTUM = 128;

export interface Arrival {
  /** ms on the listener's clock. */
  readonly atMs: number;
  readonly frame: ArrivedFrame;
}

export interface Played {
  readonly kind: PlayoutKind;
  readonly atMs: number;
  readonly samples: number;
  /** Index of the frame, for kinds that play one. */
  readonly index: number | undefined;
  readonly stretch: number;
}

/** Samples one period of stretching is taken to move, 5 ms. */
const STRETCH_SAMPLES = 240;

/** Plays a trace for `forMs`; silence is not recorded. */
export function playTrace(
  arrivals: readonly Arrival[],
  forMs: number,
  config: PlayoutConfig = PLAYOUT_DEFAULTS,
): {
  played: Played[];
  buffer: JitterBuffer;
  gapsMs: number[];
  delaysMs: { atMs: number; delayMs: number }[];
} {
  const buffer = new JitterBuffer(config);
  const sorted = [...arrivals].sort((a, b) => a.atMs - b.atMs);
  const played: Played[] = [];
  const delaysMs: { atMs: number; delayMs: number }[] = [];
  let arrived = 0;
  let left = 0;
  for (let now = 0; now < forMs * MS; now += QUANTUM) {
    for (; arrived < sorted.length && (sorted[arrived] as Arrival).atMs * MS <= now; arrived++) {
      buffer.push((sorted[arrived] as Arrival).frame, now);
    }
    let at = 0;
    while (at < QUANTUM) {
      if (left === 0) {
        const action = buffer.next(now + at);
        if (action.kind === 'silence') break;
        const [low, high] = action.frame ?? [];
        const index = low === undefined ? undefined : low + 256 * (high ?? 0);
        const atMs = (now + at) / MS;
        played.push({ kind: action.kind, atMs, samples: action.samples, index, stretch: action.stretch });
        if (action.kind === 'play') delaysMs.push({ atMs, delayMs: buffer.playoutDelayMs });
        // As if it were all voice: only what is worth being heard changes its length.
        left = action.samples + (action.stretchWhere === 'quiet' ? 0 : action.stretch * STRETCH_SAMPLES);
      }
      const portion = Math.min(left, QUANTUM - at);
      left -= portion;
      at += portion;
    }
  }
  const gapsMs: number[] = [];
  buffer.takeGaps((gapMs) => gapsMs.push(gapMs));
  return { played, buffer, gapsMs, delaysMs };
}

/** Frame `index` leaves the speaker when its last sample was captured. */
export const sentAtMs = (index: number): number => ((index + 1) * FRAME) / MS;

/** An endless spurt of `count` frames whose network delay in ms is `delayOf`; undefined = lost. */
export function spurt(
  count: number,
  delayOf: (index: number, random: () => number) => number | undefined,
  seed = 1,
): Arrival[] {
  const random = seeded(seed);
  const arrivals: Arrival[] = [];
  for (let index = 0; index < count; index++) {
    const delay = delayOf(index, random);
    if (delay !== undefined) arrivals.push({ atMs: sentAtMs(index) + delay, frame: frameOf(index) });
  }
  return arrivals;
}

/** Long-tailed jitter like Wi-Fi's: mostly a few ms, now and then tens. */
export const wifiDelay = (_index: number, random: () => number): number =>
  20 + 3 * -Math.log(1 - random()) + (random() < 0.02 ? 25 * random() : 0);
