import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  median,
  nextUploadEstimate,
  noUploadEstimate,
  UPLOAD_DEFAULTS,
  type UploadEstimate,
} from '../../src/network/upload-estimate.js';

const SAMPLE_MS = 500;

/**
 * A line that carries `lineKbps`, under a member that would like to send `wantedKbps` and sends what the estimate
 * allows, in copies of 40 kbit/s. Voice waits 60 ms at most, as in SCTP; what waits longer is missing.
 */
class NarrowLine {
  estimate: UploadEstimate = noUploadEstimate(0);
  nowMs = 0;
  sentKbps = 0;

  constructor(
    public lineKbps: number,
    public wantedKbps: number,
  ) {}

  run(durationMs: number): { kbps: number[]; jammedMs: number } {
    const kbps: number[] = [];
    let jammedMs = 0;
    for (const endMs = this.nowMs + durationMs; this.nowMs < endMs;) {
      this.nowMs += SAMPLE_MS;
      const allowed = 40 * Math.max(1, Math.floor(Math.min(this.wantedKbps, this.estimate.kbps) / 40));
      this.sentKbps = Math.min(this.wantedKbps, allowed);
      const isOver = this.sentKbps > this.lineKbps;
      if (isOver) jammedMs += SAMPLE_MS;
      this.estimate = nextUploadEstimate(this.estimate, {
        nowMs: this.nowMs,
        sentBytes: (this.sentKbps * SAMPLE_MS) / 8,
        queuedBytes: isOver ? (this.lineKbps * 60) / 8 : 0,
        loss: isOver ? 1 - this.lineKbps / this.sentKbps : 0,
      });
      kbps.push(this.estimate.kbps);
    }
    return { kbps, jammedMs };
  }
}

describe('the measured upload', () => {
  test('bounds nothing while nothing backs up', () => {
    const line = new NarrowLine(5000, 2000);
    assert.ok(line.run(120_000).kbps.every((kbps) => kbps === Infinity));
  });

  test('comes down to what a narrow line carries within seconds', () => {
    const line = new NarrowLine(300, 800);
    line.run(2000);
    assert.ok(line.estimate.kbps <= 300 && line.estimate.kbps >= 200, `${line.estimate.kbps}`);
    assert.ok(line.sentKbps <= 300);
  });

  test('tries a narrow line again, more and more rarely, and never for long', () => {
    const line = new NarrowLine(300, 800);
    line.run(10_000);
    const { jammedMs } = line.run(600_000);
    assert.ok(jammedMs > 0, 'it tries');
    assert.ok(jammedMs <= 0.06 * 600_000, `jammed for ${jammedMs} ms of 600 s`);
  });

  test('forgets a jam that is over', () => {
    const line = new NarrowLine(200, 800);
    line.run(5000);
    assert.ok(line.estimate.kbps <= 200);
    line.lineKbps = 5000;
    line.run(120_000);
    assert.equal(line.estimate.kbps, Infinity);
  });

  test('one sample, or a trickle, proves nothing', () => {
    const once = nextUploadEstimate(noUploadEstimate(0), {
      nowMs: 500,
      sentBytes: 20_000,
      queuedBytes: 20_000,
      loss: 0.5,
    });
    assert.equal(once.kbps, Infinity);
    let trickle = noUploadEstimate(0);
    for (let i = 1; i < 20; i++)
      trickle = nextUploadEstimate(trickle, { nowMs: 500 * i, sentBytes: 100, queuedBytes: 100, loss: 1 });
    assert.equal(trickle.kbps, Infinity);
  });

  test('of several links the median tells: one bad path is not a full upload', () => {
    assert.equal(median([0.5, 0, 0.01]), 0.01);
    assert.equal(median([0.5, 0]), 0);
    assert.equal(median([]), 0);
  });

  test('is never below one copy, whatever is seen', () => {
    const sample = fc.record({
      afterMs: fc.integer({ min: 0, max: 5000 }),
      sentBytes: fc.nat(1_000_000),
      queuedBytes: fc.nat(1_000_000),
      loss: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 200 }), (samples) => {
        let estimate = noUploadEstimate(0);
        let nowMs = 0;
        for (const { afterMs, ...rest } of samples) {
          nowMs += afterMs;
          estimate = nextUploadEstimate(estimate, { nowMs, ...rest });
          assert.ok(estimate.kbps >= UPLOAD_DEFAULTS.floorKbps);
          assert.ok(estimate.kbps <= UPLOAD_DEFAULTS.forgetKbps || estimate.kbps === Infinity);
        }
      }),
    );
  });
});
