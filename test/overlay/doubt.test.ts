import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { doubting, shareWrong } from '../../src/overlay/doubt.js';

describe('doubt', () => {
  const shares: [string, number[], number][] = [
    ['nothing to go by', [], 0],
    ['all right', [1, 0.9, 1.2, 0.6], 0],
    ['just within twice', [2, 0.5], 0],
    ['too long as well as too short', [2.1, 0.4, 1, 1], 0.5],
    ['all wrong', [5, 0.1], 1],
  ];
  for (const [name, surprises, share] of shares)
    test(`share that is wrong: ${name}`, () => assert.equal(shareWrong(surprises), share));

  test('without surprises estimates stand, and nothing is drawn', () => {
    const ratio = doubting([], () => assert.fail('drew'));
    assert.equal(ratio(), 1);
  });

  test('each estimate is doubted by a surprise of its own', () => {
    const draws = [0, 0.99, 0.4];
    const ratio = doubting([0.5, 1, 3], () => draws.shift() as number);
    assert.deepEqual([ratio(), ratio(), ratio()], [0.5, 3, 1]);
  });
});
