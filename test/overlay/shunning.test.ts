import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Shunning } from '../../src/overlay/shunning.js';

describe('shunning', () => {
  test('three children that turn away at once, with hardly any left, are a block; for 20 s', () => {
    const shunning = new Shunning();
    shunning.turnedAway(1000, 4, 4);
    shunning.turnedAway(1100, 3, 4);
    assert.equal(shunning.isOn(1100), false);
    shunning.turnedAway(1200, 2, 4);
    assert.equal(shunning.isOn(1200), true);
    assert.equal(shunning.isOn(21_199), true);
    assert.equal(shunning.isOn(21_200), false);
  });

  test('children that move one by one, or while enough are left, are none', () => {
    const slow = new Shunning();
    for (let i = 0; i < 10; i++) slow.turnedAway(i * 250, 0, 8);
    assert.equal(slow.isOn(2250), false);
    const many = new Shunning();
    for (let i = 0; i < 4; i++) many.turnedAway(i, 9 - i, 10);
    assert.equal(many.isOn(4), false);
    many.turnedAway(5, 5, 10);
    assert.equal(many.isOn(5), true, 'half of the links are left');
  });
});
