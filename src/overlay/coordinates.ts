/**
 * Where members are, guessed from the round trips of links: Vivaldi with height (Dabek, Cox, Kaashoek, Morris,
 * SIGCOMM 2004, § 5). Two members that never talked can estimate their round trip from their coordinates.
 */

import type { Coordinate } from '../wire/roster-entry.js';

/** Share of the way to the force's equilibrium per sample; 0.25 as in the paper. */
const STEP = 0.25;
/** Weight of a new sample in the error estimate; 0.25 as in the paper. */
const ERROR_STEP = 0.25;
/** A height below this would let members sit on top of each other, ms. */
const MIN_HEIGHT_MS = 0.5;
const MAX_COORDINATE = 5e4;

export const UNKNOWN_COORDINATE: Coordinate = { x: 0, y: 0, heightMs: MIN_HEIGHT_MS, error: 1 };

/** Estimated round trip, ms; undefined while either end does not know where it is. */
export function estimateRttMs(a: Coordinate, b: Coordinate): number | undefined {
  if (a.error >= 1 || b.error >= 1) return undefined;
  return distance(a, b);
}

function distance(a: Coordinate, b: Coordinate): number {
  return Math.hypot(a.x - b.x, a.y - b.y) + a.heightMs + b.heightMs;
}

/** The own coordinate after one measured round trip. `random` gives a direction where both ends coincide. */
export function moved(own: Coordinate, other: Coordinate, rttMs: number, random: () => number): Coordinate {
  if (!(rttMs > 0) || !Number.isFinite(rttMs)) return own;
  const weight = own.error / Math.max(1e-6, own.error + other.error);
  const estimate = distance(own, other);
  const sampleError = Math.min(1, Math.abs(estimate - rttMs) / rttMs);
  const error = sampleError * ERROR_STEP * weight + own.error * (1 - ERROR_STEP * weight);
  const force = STEP * weight * (rttMs - estimate);
  let dx = own.x - other.x;
  let dy = own.y - other.y;
  let length = Math.hypot(dx, dy);
  if (length < 1e-3) {
    const angle = random() * 2 * Math.PI;
    dx = Math.cos(angle);
    dy = Math.sin(angle);
    length = 1;
  }
  const heights = own.heightMs + other.heightMs;
  return {
    x: clamp(own.x + (dx / length) * force),
    y: clamp(own.y + (dy / length) * force),
    heightMs: Math.min(
      MAX_COORDINATE,
      Math.max(MIN_HEIGHT_MS, own.heightMs + (heights / Math.max(1, estimate)) * force),
    ),
    error: Math.min(1, Math.max(0.01, error)),
  };
}

/** How far two coordinates lie apart, ms: whether a change is worth telling. */
export function shift(a: Coordinate, b: Coordinate): number {
  return Math.hypot(a.x - b.x, a.y - b.y) + Math.abs(a.heightMs - b.heightMs);
}

function clamp(value: number): number {
  return Math.max(-MAX_COORDINATE, Math.min(MAX_COORDINATE, value));
}
