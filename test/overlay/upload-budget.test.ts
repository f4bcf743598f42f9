import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DEFAULT_OVERLAY_CONFIG } from '../../src/overlay/config.js';
import { Core } from '../../src/overlay/core.js';
import { Source } from '../../src/overlay/source.js';
import { Tree } from '../../src/overlay/tree.js';
import { UploadBudget } from '../../src/overlay/upload-budget.js';
import type { MemberId } from '../../src/units.js';

const { copyKbps, plannedSpeakers, speakerHoldMs } = DEFAULT_OVERLAY_CONFIG;
const id = (n: number): MemberId => (n * 7919).toString(16).padStart(8, '0').repeat(4) as MemberId;
const SELF = id(1);

function budgetOf(copies: number, uploadSlots = 32): UploadBudget {
  const limits = { maxLinks: 32, uploadSlots, uploadKbps: copies * copyKbps };
  return new UploadBudget(new Core(SELF, DEFAULT_OVERLAY_CONFIG, () => 0.5, limits));
}

/** A tree with so many children, the first the weakest. */
function tree(n: number, children = 0): Tree {
  const made = new Tree(new Source(id(n), n === 1, n, n), 0, 0);
  for (let i = 0; i < children; i++)
    made.addChild(id(1000 * n + i), {
      capacity: i,
      freeSlots: 0,
      isSpared: false,
      members: 1,
      lossMs: Infinity,
      leavingAtMs: Infinity,
    });
  return made;
}

const total = (trees: readonly Tree[]): number => trees.reduce((sum, each) => sum + each.stayingChildren, 0);

describe('the upload', () => {
  test('without a bound, slots alone count; the own voice always has one', () => {
    assert.equal(budgetOf(Infinity, 8).capacity(tree(2)), 8);
    assert.equal(budgetOf(Infinity, 0).capacity(tree(2)), 0);
    assert.equal(budgetOf(Infinity, 0).capacity(tree(1)), 1);
    assert.equal(budgetOf(0).capacity(tree(1)), 1);
  });

  test('a silent tree is planned with a share; what nobody else uses is there for who speaks', () => {
    const budget = budgetOf(12);
    const silent = tree(2);
    const speaking = tree(3);
    budget.note(speaking);
    assert.equal(budget.capacity(silent), 12 / plannedSpeakers);
    assert.equal(budget.capacity(speaking), 12);
    budget.note(tree(4, 5));
    assert.equal(budget.capacity(speaking), 7);
  });

  test('a silent tree keeps its share however many speak, and they share all there is', () => {
    const budget = budgetOf(12);
    const speaking = Array.from({ length: plannedSpeakers + 2 }, (_, i) => tree(3 + i, 2));
    for (const each of speaking) budget.note(each);
    assert.equal(budget.capacity(tree(2)), 12 / plannedSpeakers);
    for (const each of speaking) assert.equal(budget.capacity(each), 2);
  });

  test('a hidden page relays nothing and still speaks', () => {
    const budget = budgetOf(12);
    budget.shed = true;
    assert.equal(budget.capacity(tree(2)), 0);
    assert.ok(budget.capacity(tree(1)) > 0);
  });

  test('who fell silent counts no more after a while', () => {
    const budget = budgetOf(12);
    budget.note(tree(2, 5));
    const speaking = tree(3);
    budget.core.nowMs = speakerHoldMs + 1;
    assert.equal(budget.note(speaking), true);
    assert.equal(budget.note(speaking), false);
    assert.equal(budget.capacity(speaking), 7);
    assert.equal(budget.expire(), true);
    assert.equal(budget.expire(), false);
    assert.equal(budget.capacity(speaking), 12);
  });

  test('too many copies: the trees furthest above their share give up their weakest children, and no more than needed', () => {
    const budget = budgetOf(8);
    const [large, small] = [tree(2, 9), tree(3, 2)];
    budget.note(large);
    budget.note(small);
    const surplus = budget.surplus();
    assert.deepEqual(
      surplus.map(({ tree: from, child }) => [from, child]),
      [0, 1, 2].map((i) => [large, id(2000 + i)]),
    );
  });

  test('property: whatever is sent, what stays fits, and nobody falls below an equal share', () => {
    fc.assert(
      fc.property(fc.nat(40), fc.array(fc.nat(12), { minLength: 1, maxLength: 8 }), (copies, counts) => {
        const budget = budgetOf(copies);
        const trees = counts.map((count, i) => tree(i + 2, count));
        for (const each of trees) budget.note(each);
        const before = trees.map((each) => each.stayingChildren);
        const excess = Math.max(0, total(trees) - copies);
        const surplus = budget.surplus();
        for (const { tree: from, child } of surplus)
          assert.ok(from.removeChild(child), 'nobody is named twice');
        assert.ok(surplus.length <= excess, 'no more than needed');
        assert.ok(total(trees) <= copies);
        trees.forEach((each, i) => {
          const least = Math.min(before[i] as number, Math.floor(copies / trees.length));
          assert.ok(each.stayingChildren >= least);
        });
      }),
    );
  });
});
