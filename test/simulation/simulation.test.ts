import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EventHeap } from './event-heap.js';
import { completeTable, parseMatrix, pickPlaces, syntheticInternet } from './latency.js';
import { seededRandom } from './random.js';

describe('event heap', () => {
  test('gives events in time order, and those of one instant in the order they came', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 }), (times) => {
        const heap = new EventHeap<number>();
        times.forEach((atMs, order) => heap.push(atMs, order));
        const popped: number[] = [];
        while (heap.size > 0) popped.push(heap.pop());
        const expected = times.map((_, order) => order).sort((a, b) => times[a]! - times[b]! || a - b);
        assert.deepEqual(popped, expected);
      }),
    );
  });
});

describe('delays from a matrix', () => {
  test('one way is half the mean of the measured directions', () => {
    const table = completeTable(parseMatrix('0 100 40\n300 0 0\n40 60 0'), 'ms');
    assert.equal(table[0]![1], 100);
    assert.equal(table[0]![2], 20);
    assert.equal(table[1]![2], 30);
    assert.equal(table[2]![1], 30);
  });

  test('nodes with most unmeasured pairs go first', () => {
    const table = completeTable(
      [
        [0, 10, 10, 0],
        [10, 0, 10, 0],
        [10, 10, 0, 10],
        [0, 0, 10, 0],
      ],
      'ms',
    );
    assert.equal(table.length, 3);
    assert.ok(table.every((row, i) => row.every((ms, j) => ms === (i === j ? 0 : 5))));
  });

  test('seconds are recognised when no unit is named', () => {
    assert.equal(
      completeTable([
        [0, 0.08],
        [0.08, 0],
      ])[0]![1],
      40,
    );
    assert.equal(
      completeTable([
        [0, 80],
        [80, 0],
      ])[0]![1],
      40,
    );
  });

  test('what is not a square matrix, or measures nothing, is refused', () => {
    assert.throws(() => parseMatrix('1 2\n3'), RangeError);
    assert.throws(() => parseMatrix(''), RangeError);
    assert.throws(
      () =>
        completeTable(
          [
            [0, 0],
            [0, 0],
          ],
          'ms',
        ),
      RangeError,
    );
  });

  test('the same seed takes the same places, another one others', () => {
    const table = syntheticInternet(60, seededRandom(1));
    const delays = (seed: number): number[] => {
      const latencies = pickPlaces(table, 20, seededRandom(seed));
      return Array.from({ length: 19 }, (_, i) => latencies.oneWayMs(0, i + 1));
    };
    assert.deepEqual(delays(7), delays(7));
    assert.notDeepEqual(delays(7), delays(8));
  });
});
