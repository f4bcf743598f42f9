import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { bestExchanges, gainOfLink, UNSERVED_MS, lossMs, type Prospect } from '../../src/overlay/worth.js';
import type { MemberId } from '../../src/units.js';

const id = (name: string): MemberId => name as MemberId;
const prospect = (peer: string | undefined, costMs: number, alternativeMs: number): Prospect => ({
  peer: peer === undefined ? undefined : id(peer),
  costMs,
  alternativeMs,
});
const cost = fc.oneof(fc.double({ min: 0, max: 500, noNaN: true }), fc.constant(Infinity));

describe('what a link would save', () => {
  test('the mean over the sources of what becomes sooner, the relay’s own time included', () => {
    // 100 → 20 + 30 + 1; 40 stays; the candidate itself is the third source: no relay on the way.
    assert.equal(gainOfLink([100, 40, 60], [30, 30, 0], 20, 1), (49 + 0 + 40) / 3);
  });

  test('a source not heard at all counts as far away, not as infinitely far', () => {
    assert.equal(gainOfLink([Infinity], [30], 20, 1), UNSERVED_MS - 51);
    assert.equal(gainOfLink([Infinity], [Infinity], 20, 1), 0);
    assert.equal(gainOfLink([], [], 20, 1), 0);
  });

  test('is never negative, and never grows with a longer link', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(cost, cost), { maxLength: 20 }),
        fc.double({ min: 0, max: 300, noNaN: true }),
        (pairs, linkMs) => {
          const own = pairs.map(([a]) => a);
          const theirs = pairs.map(([, b]) => b);
          const gain = gainOfLink(own, theirs, linkMs, 1);
          assert.ok(gain >= 0 && gain <= UNSERVED_MS);
          assert.ok(gainOfLink(own, theirs, linkMs + 10, 1) <= gain);
        },
      ),
    );
  });
});

describe('what is lost without a neighbour', () => {
  test('the delay that the next best way adds; at most what it counts not to hear a source', () => {
    assert.equal(lossMs(prospect('a', 30, 50)), 20);
    assert.equal(lossMs(prospect('a', 30, 30)), 0);
    assert.equal(lossMs(prospect('a', 10, Infinity)), UNSERVED_MS);
    assert.equal(lossMs(prospect(undefined, Infinity, Infinity)), 0);
  });
});

describe('which exchange', () => {
  test('those that leave most after their price, by share and by milliseconds', () => {
    const offers = [
      { peer: id('dear'), gainMs: 10, priceMs: 9.5 },
      { peer: id('fair'), gainMs: 8, priceMs: 6 },
      { peer: id('good'), gainMs: 4, priceMs: 1 },
      { peer: id('small'), gainMs: 0.1, priceMs: 0 },
    ];
    const best = (most: number, among = offers): string[] =>
      bestExchanges(among, 0.1, 0.15, most).map(({ peer }) => peer);
    assert.deepEqual(best(1), ['good']);
    assert.deepEqual(best(4), ['good', 'fair']);
    assert.deepEqual(best(0), []);
    assert.deepEqual(best(-1), []);
    assert.deepEqual(best(4, []), []);
  });
});
