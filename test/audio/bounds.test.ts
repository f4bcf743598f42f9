/** Bounds, errors and settings of the voice path. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CaptureFramer } from '../../src/audio/capture-framer.js';
import {
  ACTIVITY_DEFAULTS,
  MAX_SPEAKERS,
  PLAYOUT_DEFAULTS,
  validateActivityConfig,
  validatePlayoutConfig,
} from '../../src/audio/config.js';
import type { FromPlayout } from '../../src/audio/messages.js';
import { microphoneError } from '../../src/audio/microphone.js';
import { PlayoutHub } from '../../src/audio/playout-hub.js';
import type { Handle } from '../../src/units.js';
import { FRAME, frameOf, shareAt, sine } from './support.js';

describe('playout hub', () => {
  const frame = (source: number, index: number) => ({
    type: 'frame' as const,
    source: source as Handle,
    ...frameOf(index),
  });

  test('keeps a bounded number of speakers; those with a node stay, the idlest of the others goes', () => {
    const reports: FromPlayout[] = [];
    const hub = new PlayoutHub((stats) => reports.push(stats));
    const kept = hub.attach(0 as Handle, 0);
    for (let source = 1; source <= MAX_SPEAKERS + 10; source++) hub.receive(frame(source, 0), source * FRAME);
    assert.equal(hub.attach(0 as Handle, 0), kept);
    assert.equal(hub.framesRefused, 0);
    for (let source = 1; source <= MAX_SPEAKERS + 10; source++) hub.attach(source as Handle, 0);
    assert.ok(hub.framesRefused >= 10, 'when every place has a node, further voices are refused');
  });

  test('a speaker without a node is forgotten after ten seconds of silence', () => {
    const reports: FromPlayout[] = [];
    const hub = new PlayoutHub((stats) => reports.push(stats));
    hub.receive(frame(1, 0), 0);
    hub.receive(frame(2, 0), 5 * 48_000);
    hub.receive(frame(2, 1), 11 * 48_000);
    assert.deepEqual(
      reports.map(({ sources }) => sources.map(({ source }) => source)),
      [[1], [1, 2], [2]],
    );
    const before = hub.attach(1 as Handle, 11 * 48_000);
    assert.equal(before?.buffer.counters.framesPlayed, 0);
    assert.ok(before?.buffer.isIdle, 'a new one');
  });
});

describe('capture framer', () => {
  test('drops frames instead of taking memory when none come back, and says so', () => {
    let frames = 0;
    const times: number[] = [];
    const framer = new CaptureFramer(FRAME, 48_000, (_samples, sampleTime) => {
      frames += 1;
      times.push(sampleTime);
    });
    for (let q = 0; q < 1000; q++) framer.push([new Float32Array(128)], 128);
    assert.equal(frames, 32);
    assert.equal(framer.framesDropped, Math.floor(128_000 / FRAME) - 32);
    framer.recycle(new Float32Array(FRAME));
    framer.recycle(new Float32Array(5));
    framer.recycle('no' as unknown as Float32Array<ArrayBuffer>);
    for (let q = 0; q < 15; q++) framer.push([new Float32Array(128)], 128);
    assert.equal(frames, 33);
    assert.equal((times.at(-1) ?? 0) % FRAME, 0, 'the clock went on');
  });

  test('from 44.1 kHz it makes 48 kHz, at the rate of the clock', () => {
    const sound = sine(1000, 44_100 * 2, 0, 0.3, 44_100);
    const made: Float32Array[] = [];
    const framer: CaptureFramer = new CaptureFramer(FRAME, 44_100, (samples) => {
      made.push(samples.slice());
      framer.recycle(samples);
    });
    for (let at = 0; at + 128 <= sound.length; at += 128) framer.push([sound.subarray(at, at + 128)], 128);
    assert.ok(Math.abs(made.length - 100) <= 1);
    assert.ok(made.slice(5).every((frame) => shareAt(frame, 1000) > 0.999));
  });
});

describe('settings', () => {
  test('the defaults hold their own relations, broken ones are named', () => {
    assert.equal(validatePlayoutConfig(PLAYOUT_DEFAULTS), PLAYOUT_DEFAULTS);
    assert.equal(validateActivityConfig(ACTIVITY_DEFAULTS), ACTIVITY_DEFAULTS);
    assert.throws(
      () => validatePlayoutConfig({ ...PLAYOUT_DEFAULTS, minDelayMs: 50 }),
      /minDelayMs ≤ startDelayMs/,
    );
    assert.throws(
      () => validatePlayoutConfig({ ...PLAYOUT_DEFAULTS, compressAboveMs: 2 }),
      /compressAboveMs/,
    );
    assert.throws(
      () => validateActivityConfig({ ...ACTIVITY_DEFAULTS, floorWindowMs: 100 }),
      /floorWindowMs/,
    );
  });
});

describe('microphone errors', () => {
  const cases = [
    ['NotAllowedError', 'microphone-denied'],
    ['SecurityError', 'microphone-denied'],
    ['NotFoundError', 'microphone-missing'],
    ['OverconstrainedError', 'microphone-missing'],
    ['NotReadableError', 'microphone-missing'],
    ['AbortError', 'microphone-missing'],
  ] as const;
  for (const [name, reason] of cases) {
    test(`${name} means ${reason}, and one can listen`, () => {
      const error = microphoneError(new DOMException('', name));
      assert.equal(error.reason, reason);
      assert.ok(error.recoverable && /listen/.test(error.message));
    });
  }
});
