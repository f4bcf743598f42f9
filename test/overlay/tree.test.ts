import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Source } from '../../src/overlay/source.js';
import { Tree } from '../../src/overlay/tree.js';
import type { MemberId } from '../../src/units.js';

const [SOURCE, OLD, NEW] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [MemberId, MemberId, MemberId];

/** In the middle of a hand-over from one parent to another. */
function handingOver(isContinued: boolean): Tree {
  const tree = new Tree(new Source(SOURCE, false, 0, 0), 0, 0);
  tree.parent = NEW;
  tree.isContinued = isContinued;
  tree.feeds.set(OLD, 1000);
  return tree;
}

describe('a hand-over is over', () => {
  test('with the first packet of a parent that begins where the old one stood', () => {
    assert.equal(handingOver(true).noteHandOver(NEW, 7, true), true);
  });

  test('with the second packet of a parent that lags behind the old one', () => {
    const tree = handingOver(false);
    assert.equal(tree.noteHandOver(OLD, 8, true), false);
    assert.equal(tree.noteHandOver(NEW, 7, false), false);
    assert.equal(tree.noteHandOver(NEW, 8, false), true);
  });

  test('not with a straggler that a new parent passes on while it is ahead', () => {
    const tree = handingOver(false);
    assert.equal(tree.noteHandOver(OLD, 7, true), false);
    assert.equal(tree.noteHandOver(NEW, 7, false), false);
    assert.equal(tree.noteHandOver(NEW, 12, true), false);
  });

  test('when the old parent has come to where one that is ahead of it began', () => {
    const tree = handingOver(false);
    assert.equal(tree.noteHandOver(OLD, 6, true), false);
    assert.equal(tree.noteHandOver(NEW, 9, true), false);
    assert.equal(tree.noteHandOver(OLD, 7, true), false);
    assert.equal(tree.noteHandOver(OLD, 8, true), false);
    assert.equal(tree.noteHandOver(OLD, 9, false), true);
  });

  test('across the wrap of sequence numbers', () => {
    const tree = handingOver(false);
    assert.equal(tree.noteHandOver(NEW, 0, true), false);
    assert.equal(tree.noteHandOver(OLD, 0xffffffff, true), false);
    assert.equal(tree.noteHandOver(OLD, 0, false), true);
  });

  test('not with a packet that the network doubled', () => {
    const tree = handingOver(false);
    tree.noteHandOver(NEW, 9, true);
    assert.equal(tree.noteHandOver(NEW, 9, false), false);
  });
});

describe('whether a member has a voice from nowhere', () => {
  for (const [sentence, stalled, parent, beganAt, expected] of [
    ['words are missing and there is no parent', true, undefined, undefined, true],
    ['words are missing and the parent never sent any', true, NEW, undefined, true],
    ['words are missing that the parent sent until now', true, NEW, 7, false],
    ['no words are missing yet', false, undefined, undefined, false],
  ] as const)
    test(`${sentence}: ${expected}`, () => {
      const tree = new Tree(new Source(SOURCE, false, 0, 0), 0, 0);
      Object.assign(tree, { stalled, parent, beganAt });
      assert.equal(tree.isStarving, expected);
    });
});
