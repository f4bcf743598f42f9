/**
 * When to ring and how: the pure part of the doorbell.
 *
 * A member alone rings actively as soon as it comes, because those on duty answer only a ring. When nobody answers it
 * listens passively (on torrent only a passive member answers reliably, FACTS in the adapter's header) and rings
 * again at growing, randomised intervals, so that two who wait never stay passive together. A member on duty listens
 * passively and rings more and more rarely, so that groups that never met find each other.
 */

import type { NetworkConfig } from './config.js';

export type RingMode = 'alone' | 'duty' | 'off';

/** How to be at the doorbell now, and for how long. */
export interface RingStep {
  readonly stance: 'active' | 'passive' | 'away';
  /** Until the next step is asked for; Infinity = until the mode changes. */
  readonly forMs: number;
}

/**
 * @param step how many steps this mode has had
 * @param random 0 ≤ r < 1
 */
export function ringStep(mode: RingMode, step: number, random: number, config: NetworkConfig): RingStep {
  if (mode === 'off') return { stance: 'away', forMs: Number.POSITIVE_INFINITY };
  const active: RingStep = { stance: 'active', forMs: config.ringMs };
  if (mode === 'duty') {
    const pauseMs = Math.min(config.dutyRingPauseMs, config.firstDutyRingPauseMs * 4 ** (step / 2));
    const passive: RingStep = { stance: 'passive', forMs: pauseMs * (1 + random) };
    return step % 2 === 0 ? passive : active;
  }
  if (step % 2 === 0) return active;
  const pauseMs = Math.min(config.maxAlonePauseMs, config.firstAlonePauseMs * 2 ** ((step - 1) / 2));
  return { stance: 'passive', forMs: pauseMs * (1 + random) };
}
