import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Acquaintances, estimateWithin } from '../../src/overlay/acquaintances.js';
import { handleOf, type MemberId } from '../../src/units.js';

const idOf = (n: number) => n.toString(16).padStart(8, '0').padEnd(32, '0') as MemberId;
const told = (members: readonly (readonly [number, number])[]) =>
  members.map(([n, rttMs]) => ({ handle: handleOf(idOf(n)), tag: n & 0xffff, rttMs }));

describe('acquaintances', () => {
  test('nothing in common says nothing', () => {
    const acquaintances = new Acquaintances();
    assert.equal(
      acquaintances.bounds(idOf(9), () => 20),
      undefined,
    );
    acquaintances.note(idOf(1), told([[9, 30]]));
    assert.equal(
      acquaintances.bounds(idOf(9), () => undefined),
      undefined,
    );
    acquaintances.note(idOf(2), told([[8, Infinity]]));
    assert.equal(
      acquaintances.bounds(idOf(8), () => 20),
      undefined,
    );
  });

  test('each one in common narrows the bounds', () => {
    const acquaintances = new Acquaintances();
    const own = new Map([
      [idOf(1), 20],
      [idOf(2), 100],
    ]);
    acquaintances.note(idOf(1), told([[9, 30]]));
    assert.deepEqual(
      acquaintances.bounds(idOf(9), (id) => own.get(id)),
      { leastMs: 10, mostMs: 50 },
    );
    acquaintances.note(idOf(2), told([[9, 60]]));
    assert.deepEqual(
      acquaintances.bounds(idOf(9), (id) => own.get(id)),
      { leastMs: 40, mostMs: 50 },
    );
    acquaintances.note(idOf(2), told([[9, 95]]));
    assert.deepEqual(
      acquaintances.bounds(idOf(9), (id) => own.get(id)),
      { leastMs: 10, mostMs: 50 },
      'the newest word counts',
    );
  });

  test('contradicting measurements leave the most, never a least above it', () => {
    const acquaintances = new Acquaintances();
    acquaintances.note(idOf(1), told([[9, 5]]));
    acquaintances.note(idOf(2), told([[9, 300]]));
    assert.deepEqual(
      acquaintances.bounds(idOf(9), () => 6),
      { leastMs: 11, mostMs: 11 },
    );
  });

  test('the oldest are forgotten beyond the bound', () => {
    const acquaintances = new Acquaintances();
    for (let from = 1; from <= 65; from++) acquaintances.note(idOf(from), told([[1000 + from, 10]]));
    assert.equal(
      acquaintances.bounds(idOf(1001), () => 10),
      undefined,
    );
    assert.ok(acquaintances.bounds(idOf(1065), () => 10));
    acquaintances.note(idOf(65), told(Array.from({ length: 64 }, (_, n) => [2000 + n, 10] as const)));
    assert.equal(
      acquaintances.bounds(idOf(1065), () => 10),
      undefined,
    );
  });

  test('an estimate stays within the bounds', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 500, noNaN: true }),
        fc.double({ min: 0, max: 500, noNaN: true }),
        fc.option(fc.double({ min: 0.5, max: 2000, noNaN: true }), { nil: undefined }),
        (leastMs, widthMs, placeMs) => {
          const mostMs = leastMs + widthMs;
          const estimateMs = estimateWithin({ leastMs, mostMs }, placeMs);
          assert.ok(estimateMs >= leastMs - 1e-9 && estimateMs <= mostMs + 1e-9);
        },
      ),
    );
  });
});
