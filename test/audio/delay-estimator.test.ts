import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PLAYOUT_DEFAULTS } from '../../src/audio/config.js';
import { DelayEstimator } from '../../src/audio/delay-estimator.js';
import { seeded } from './support.js';

/** A perfectly steady path may still have a late frame: one bucket more than the least. */
const STEADY_MS = PLAYOUT_DEFAULTS.minDelayMs + PLAYOUT_DEFAULTS.bucketMs;

/** Feeds `seconds` of 20 ms frames whose transit in ms is `transitOf(mediaMs)`, and returns the target per second. */
function targets(
  seconds: number,
  transitOf: (mediaMs: number) => number,
  estimator = new DelayEstimator(PLAYOUT_DEFAULTS),
) {
  const series: number[] = [];
  for (let mediaMs = 0; mediaMs < seconds * 1000; mediaMs += 20) {
    estimator.observe(mediaMs + transitOf(mediaMs), mediaMs);
    if (mediaMs % 1000 === 980) series.push(estimator.targetMs);
  }
  return series;
}

describe('delay estimator', () => {
  test('begins at 40 ms', () => {
    const estimator = new DelayEstimator(PLAYOUT_DEFAULTS);
    assert.equal(estimator.targetMs, 40);
    assert.ok(Number.isNaN(estimator.referenceMs));
  });

  test('steady arrivals come within a bucket of the minimum in five seconds, whatever the transit', () => {
    for (const transitMs of [3, 250, -100_000]) {
      assert.ok((targets(5, () => transitMs).at(-1) ?? 99) <= STEADY_MS);
    }
  });

  test('the guess only ever shrinks where nothing is later than it', () => {
    const series = targets(20, (mediaMs) => (mediaMs % 500 === 0 ? 65 : 50));
    assert.ok((series[0] ?? 99) <= PLAYOUT_DEFAULTS.startDelayMs);
    assert.deepEqual(
      series,
      series.toSorted((a, b) => b - a),
    );
  });

  test('covers the jitter of nearly all intervals and little more', () => {
    const random = seeded(1);
    const last = targets(120, () => 50 + 60 * random()).at(-1) ?? 0;
    assert.ok(last >= 60 && last <= 67.5, `${last} ms for jitter of up to 60 ms`);
  });

  test('small lateness is waited for even when rare, great lateness only when frequent', () => {
    const once = (everyMs: number, lateMs: number) => (mediaMs: number) =>
      50 + (mediaMs % 500 === 0 ? 15 : 0) + (mediaMs % everyMs === 0 ? lateMs - 15 : 0);
    for (const [lateMs, everyMs, isWaitedFor] of [
      [24, 15_000, true],
      [60, 15_000, false],
      [60, 5000, true],
      [300, 10_000, false],
      [300, 1500, true],
    ] as const) {
      const last = targets(149, once(everyMs, lateMs)).at(-1) ?? 0;
      assert.equal(last >= lateMs, isWaitedFor, `${last} ms for ${lateMs} ms every ${everyMs}`);
    }
  });

  test('one straggler in a minute moves nothing, one a second is waited for', () => {
    const once = targets(120, (mediaMs) => (mediaMs === 90_000 ? 250 : 50));
    assert.ok((once.at(-20) ?? 99) <= STEADY_MS);
    const often = targets(120, (mediaMs) => (mediaMs % 1000 === 0 ? 130 : 50)).at(-1) ?? 0;
    assert.ok(often >= 80 && often <= 90, `${often} ms`);
  });

  test('one stall soon after the start is not waited for, one a second is', () => {
    const stall = (atMs: number) => (mediaMs: number) =>
      mediaMs >= atMs && mediaMs < atMs + 300 ? 350 - (mediaMs - atMs) : 50;
    const once = targets(20, stall(6000));
    assert.ok(
      once.slice(7).every((target) => target <= 20),
      `${once.join(' ')}`,
    );
    const often = targets(20, (mediaMs) => (mediaMs > 6000 ? stall(6000)(6000 + (mediaMs % 1000)) : 50));
    assert.ok((often[12] ?? 0) >= 300, `${often.join(' ')}`);
  });

  test('a queue that fills slowly is seen as a whole', () => {
    const last = targets(30, (mediaMs) => 50 + (mediaMs % 1000) * 0.1).at(-1) ?? 0;
    assert.ok(last >= 95, `${last} ms for a sawtooth of 98 ms`);
  });

  test('another path, slower or faster, is not taken for jitter', () => {
    for (const [before, after] of [
      [50, 130],
      [130, 50],
    ] as const) {
      const series = targets(40, (mediaMs) => (mediaMs < 30_250 ? before : after));
      assert.ok(
        series.slice(31).every((target) => target <= 15),
        `${before} → ${after}: ${series.slice(29).join(' ')}`,
      );
    }
  });

  test('follows clocks 200 ppm apart', () => {
    for (const drift of [0.0002, -0.0002]) {
      const estimator = new DelayEstimator(PLAYOUT_DEFAULTS);
      assert.ok((targets(600, (mediaMs) => 50 + mediaMs * drift, estimator).at(-1) ?? 99) <= 15);
      assert.ok(Math.abs(estimator.referenceMs - (50 + 600_000 * drift)) < 1);
    }
  });

  test('a pause keeps what was learnt, a long one forgets where the fastest frame was', () => {
    const estimator = new DelayEstimator(PLAYOUT_DEFAULTS);
    targets(60, () => 50, estimator);
    estimator.observe(90_055, 90_000);
    assert.equal(estimator.referenceMs, 50);
    estimator.observe(190_062, 190_000);
    assert.equal(estimator.referenceMs, 62);
    assert.ok(estimator.targetMs <= STEADY_MS + PLAYOUT_DEFAULTS.bucketMs);
  });

  test('any arrivals: the target stays within its bounds and the reference is a transit seen', () => {
    const arrival = fc.tuple(
      fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
      fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
    );
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 100 }), (arrivals) => {
        const estimator = new DelayEstimator(PLAYOUT_DEFAULTS);
        for (const [arrivalMs, mediaMs] of arrivals) {
          estimator.observe(arrivalMs, mediaMs);
          assert.ok(estimator.targetMs >= PLAYOUT_DEFAULTS.minDelayMs);
          assert.ok(estimator.targetMs <= PLAYOUT_DEFAULTS.maxDelayMs);
          assert.ok(estimator.referenceMs <= arrivalMs - mediaMs);
        }
      }),
    );
  });
});
