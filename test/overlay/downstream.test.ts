import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_OVERLAY_CONFIG } from '../../src/overlay/config.js';
import { Core } from '../../src/overlay/core.js';
import { Downstream } from '../../src/overlay/downstream.js';
import { Neighbours } from '../../src/overlay/neighbours.js';
import { Roster } from '../../src/overlay/roster.js';
import { Tree } from '../../src/overlay/tree.js';
import { UploadBudget } from '../../src/overlay/upload-budget.js';
import type { MemberId } from '../../src/units.js';

const [SELF, SOURCE, CHILD] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [
  MemberId,
  MemberId,
  MemberId,
];

describe('children', () => {
  test('who asks again while there is nothing to serve is refused, and served no more', () => {
    const limits = { maxLinks: 8, uploadSlots: 4, uploadKbps: Infinity };
    const core = new Core(SELF, DEFAULT_OVERLAY_CONFIG, () => 0.5, limits);
    const neighbours = new Neighbours(core.selfTag);
    neighbours.up(CHILD, 'link', 0);
    const downstream = new Downstream(
      core,
      new Roster(SELF, core.config),
      neighbours,
      new UploadBudget(core),
    );
    const tree = new Tree(SOURCE, false, 0, 0);
    tree.dormant = false;
    tree.parent = SOURCE;
    tree.costMs = 20;
    const request = {
      source: tree.handle,
      urgent: false,
      unserved: true,
      capacity: 4,
      freeSlots: 4,
      fromSequence: undefined,
    };
    downstream.onSubscribe(tree, CHILD, request);
    assert.deepEqual(tree.forwardTo, [CHILD]);
    // The source left; the child, told so, asks whoever it knows.
    tree.parent = undefined;
    core.flush();
    core.effects = [];
    downstream.onSubscribe(tree, CHILD, request);
    core.flush();
    assert.deepEqual(
      core.effects.map((effect) => effect.type === 'send' && effect.message.type),
      ['reject'],
    );
    assert.deepEqual(tree.forwardTo, [], 'or it would get every frame twice once it found another parent');
  });
});
