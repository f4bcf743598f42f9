import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PLAYOUT_DEFAULTS } from '../../src/audio/config.js';
import { DelayEstimator } from '../../src/audio/delay-estimator.js';
import { seeded } from './support.js';

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

  test('steady arrivals reach the minimum within five seconds, whatever the transit', () => {
    for (const transitMs of [3, 250, -100_000]) {
      assert.equal(targets(5, () => transitMs).at(-1), PLAYOUT_DEFAULTS.minDelayMs);
    }
  });

  test('covers the jitter of 95 % of the intervals and no more', () => {
    const random = seeded(1);
    const last = targets(120, () => 50 + 60 * random()).at(-1) ?? 0;
    assert.ok(last >= 60 && last <= 65, `${last} ms for jitter of up to 60 ms`);
  });

  test('one straggler in a minute moves nothing, one a second is waited for', () => {
    const once = targets(120, (mediaMs) => (mediaMs === 90_000 ? 250 : 50));
    assert.equal(once.at(-20), PLAYOUT_DEFAULTS.minDelayMs);
    const often = targets(120, (mediaMs) => (mediaMs % 1000 === 0 ? 130 : 50)).at(-1) ?? 0;
    assert.ok(often >= 80 && often <= 90, `${often} ms`);
  });

  test('one stall soon after the start is not waited for, a second one a second later is', () => {
    const stall = (atMs: number) => (mediaMs: number) =>
      mediaMs >= atMs && mediaMs < atMs + 300 ? 350 - (mediaMs - atMs) : 50;
    const once = targets(20, stall(6000));
    assert.ok(
      once.slice(7).every((target) => target <= 20),
      `${once.join(' ')}`,
    );
    const twice = targets(10, (mediaMs) => Math.max(stall(6000)(mediaMs), stall(7200)(mediaMs)));
    assert.ok((twice[8] ?? 0) >= 300, `${twice.join(' ')}`);
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
    assert.equal(estimator.targetMs, PLAYOUT_DEFAULTS.minDelayMs);
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
