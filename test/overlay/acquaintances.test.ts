import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Acquaintances, estimateWithin } from '../../src/overlay/acquaintances.js';
import { handleOf, type MemberId } from '../../src/units.js';

const idOf = (n: number) => n.toString(16).padStart(8, '0').padEnd(32, '0') as MemberId;
/** Links by hop tag, as a member tells of them; round trips in ms. */
const told = (links: readonly (readonly [number, number])[]) =>
  links.map(([tag, rttMs]) => ({ tag, delayMs: rttMs / 2 }));
const them = handleOf(idOf(9));

describe('acquaintances', () => {
  test('nothing in common says nothing', () => {
    const acquaintances = new Acquaintances();
    assert.equal(
      acquaintances.bounds(idOf(9), () => 20),
      undefined,
    );
    acquaintances.note(them, told([[1, 30]]));
    assert.equal(
      acquaintances.bounds(idOf(9), () => undefined),
      undefined,
    );
  });

  test('each one in common narrows the bounds', () => {
    const acquaintances = new Acquaintances();
    const own = new Map([
      [1, 20],
      [2, 100],
    ]);
    const bounds = () => acquaintances.bounds(idOf(9), (tag) => own.get(tag));
    acquaintances.note(them, told([[1, 30]]));
    assert.deepEqual(bounds(), { leastMs: 10, mostMs: 50 });
    acquaintances.note(them, told([[2, 60]]));
    assert.deepEqual(bounds(), { leastMs: 40, mostMs: 50 });
    acquaintances.note(them, told([[2, 95]]));
    assert.deepEqual(bounds(), { leastMs: 10, mostMs: 50 }, 'the newest word counts');
  });

  test('contradicting measurements leave the most, never a least above it', () => {
    const acquaintances = new Acquaintances();
    acquaintances.note(
      them,
      told([
        [1, 5],
        [2, 300],
      ]),
    );
    assert.deepEqual(
      acquaintances.bounds(idOf(9), () => 6),
      { leastMs: 11, mostMs: 11 },
    );
  });

  test('the oldest are forgotten beyond the bound', () => {
    const acquaintances = new Acquaintances();
    for (let n = 1; n <= 1025; n++)
      acquaintances.note(
        handleOf(idOf(n)),
        told(
          n === 1
            ? [
                [1, 10],
                [2, 10],
              ]
            : [[1, 10]],
        ),
      );
    assert.equal(
      acquaintances.bounds(idOf(1), () => 10),
      undefined,
    );
    assert.ok(acquaintances.bounds(idOf(1025), () => 10));
    assert.ok(
      acquaintances.bounds(idOf(2), () => 10),
      'those of others stay what they are',
    );
    assert.equal(
      acquaintances.bounds(idOf(1025), (tag) => (tag === 2 ? 10 : undefined)),
      undefined,
      'nothing is left of whoever had the place',
    );
    const others = Array.from({ length: 64 }, (_, n) => [2000 + n, 10] as const);
    acquaintances.note(handleOf(idOf(1025)), told(others));
    assert.equal(
      acquaintances.bounds(idOf(1025), (tag) => (tag === 1 ? 10 : undefined)),
      undefined,
    );
  });

  test('an estimate stays within the bounds', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 500, noNaN: true }),
        fc.double({ min: 0, max: 500, noNaN: true }),
        (leastMs, widthMs) => {
          const mostMs = leastMs + widthMs;
          const estimateMs = estimateWithin({ leastMs, mostMs });
          assert.ok(estimateMs >= leastMs - 1e-9 && estimateMs <= mostMs + 1e-9);
        },
      ),
    );
  });
});
