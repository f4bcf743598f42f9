import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  MIN_BITRATE,
  planEncoding,
  type EncoderPlan,
  type LinkCondition,
} from '../../src/audio/encoder-plan.js';

const WANTED = 32_000;
const fresh: EncoderPlan = { bitrate: WANTED, lossPercent: 0 };
const good: LinkCondition = { residualLoss: 0, queueMs: 0 };

const after = (steps: number, links: readonly LinkCondition[], from = fresh): EncoderPlan => {
  let plan = from;
  for (let n = 0; n < steps; n++) plan = planEncoding(plan, WANTED, links);
  return plan;
};

describe('encoder plan', () => {
  test('good links, or none, leave what the person chose', () => {
    assert.deepEqual(after(20, [good, good]), fresh);
    assert.deepEqual(after(20, []), fresh);
  });

  test('the worst link that queues lowers the bitrate within a second, down to the least', () => {
    const queueing = { residualLoss: 0, queueMs: 100 };
    assert.ok(after(5, [good, queueing]).bitrate < WANTED / 2);
    assert.equal(after(50, [good, queueing]).bitrate, MIN_BITRATE);
  });

  test('bits come back within 4 s once the queue is gone, and stay while it is being worked off', () => {
    const low = { bitrate: MIN_BITRATE, lossPercent: 0 };
    assert.equal(after(10, [{ residualLoss: 0, queueMs: 40 }], low).bitrate, MIN_BITRATE);
    assert.equal(after(20, [good], low).bitrate, WANTED);
  });

  test('redundancy is for what repeats leave lost, and does not flicker', () => {
    assert.equal(after(1, [{ residualLoss: 0.005, queueMs: 0 }]).lossPercent, 0);
    const on = after(1, [good, { residualLoss: 0.03, queueMs: 0 }]);
    assert.equal(on.lossPercent, 3);
    assert.equal(after(1, [{ residualLoss: 0.005, queueMs: 0 }], on).lossPercent, 1);
    assert.equal(after(1, [good], on).lossPercent, 0);
  });

  test('a lower wish is followed at once', () => {
    assert.equal(planEncoding(fresh, 16_000, [good]).bitrate, 16_000);
  });

  test('any links: within what libopus takes', () => {
    const link = fc.record({
      residualLoss: fc.double({ min: 0, max: 1, noNaN: true }),
      queueMs: fc.double({ min: 0, max: 1e6, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(link), fc.integer({ min: 12_000, max: 96_000 }), (links, wanted) => {
        let plan: EncoderPlan = { bitrate: wanted, lossPercent: 0 };
        for (let n = 0; n < 30; n++) plan = planEncoding(plan, wanted, links);
        assert.ok(plan.bitrate >= MIN_BITRATE && plan.bitrate <= wanted);
        assert.ok(plan.lossPercent >= 0 && plan.lossPercent <= 20);
      }),
    );
  });
});
