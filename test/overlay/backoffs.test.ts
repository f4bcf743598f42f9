import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Backoffs } from '../../src/overlay/backoffs.js';
import type { MemberId } from '../../src/units.js';

const [A, B, C] = ['a', 'b', 'c'] as unknown as [MemberId, MemberId, MemberId];

describe('who is left alone', () => {
  test('for twice as long each time, up to the longest pause', () => {
    const backoffs = new Backoffs(8, 250);
    for (const pauseMs of [100, 200, 250, 250]) {
      backoffs.backOff(A, 100, 1000);
      assert.equal(backoffs.isBarred(A, 1000 + pauseMs - 1), true);
      assert.equal(backoffs.isBarred(A, 1000 + pauseMs), false);
    }
    assert.equal(backoffs.isBarred(B, 1000), false);
  });

  test('no longer once forgiven, and then begins anew', () => {
    const backoffs = new Backoffs(8, 250);
    backoffs.backOff(A, 100, 0);
    backoffs.forgive(A);
    assert.equal(backoffs.isBarred(A, 0), false);
    backoffs.backOff(A, 100, 0);
    assert.equal(backoffs.isBarred(A, 100), false);
  });

  test('and the one barred longest ago is forgotten for a new one', () => {
    const backoffs = new Backoffs(2, 250);
    for (const member of [A, B, C]) backoffs.backOff(member, 100, 0);
    assert.deepEqual(
      [A, B, C].map((member) => backoffs.isBarred(member, 0)),
      [false, true, true],
    );
  });
});
