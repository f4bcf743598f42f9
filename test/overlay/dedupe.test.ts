import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SequenceWindow } from '../../src/overlay/dedupe.js';

describe('holes in what was played', () => {
  const played = (...sequences: number[]) => {
    const window = new SequenceWindow();
    for (const sequence of sequences) window.note(0, sequence >>> 0);
    return window;
  };

  test('lie between the oldest and the newest', () => {
    assert.ok(played(5).isWhole(20));
    assert.ok(played(5, 6, 7).isWhole(20));
    assert.ok(!played(5, 7).isWhole(20));
    assert.ok(played(5, 7, 6).isWhole(20));
    assert.ok(!played(7, 5).isWhole(20), 'the oldest may come later');
    assert.ok(!played(-1, 1).isWhole(20), 'across the wrap');
    assert.ok(played(-1, 0, 1).isWhole(20));
  });

  test('are looked for as far back as asked', () => {
    const window = played(1, ...Array.from({ length: 10 }, (_, i) => 3 + i));
    assert.ok(window.isWhole(10));
    assert.ok(!window.isWhole(11));
  });

  test('a new stream begins anew', () => {
    const window = played(5, 7);
    window.note(1, 100);
    assert.ok(window.isWhole(20));
  });

  test('whole is what came in any order without one missing', () => {
    const order = fc.shuffledSubarray(
      Array.from({ length: 30 }, (_, i) => 0xfffffff0 + i),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(order, (sequences) => {
        const span = Math.max(...sequences) - Math.min(...sequences) + 1;
        assert.equal(played(...sequences).isWhole(100), span === sequences.length);
      }),
    );
  });
});
