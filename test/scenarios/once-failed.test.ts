/** Scripts that once broke an invariant, as the property tests found and shrank them, with what they taught. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { play, type Script } from './script.js';

const SCRIPTS: readonly (readonly [string, Script])[] = [
  [
    // s ─► b ─► c     b told c of a shorter way that it had for a moment, and not that it was gone
    'what a new neighbour is told the others are told at once, so that all hear when it is over',
    {
      seed: 233748,
      equipment: ['laptop'],
      network: 'calm',
      members: 5,
      joinEveryMs: 400,
      steps: [],
    },
  ],
  [
    // s ─► 3 children     a newcomer linked to s and to one that blocks s; those with s have no link left either
    'one that is turned away by a full source asks those it is pointed to, who pass a link on for it',
    {
      seed: 468506,
      equipment: undefined,
      network: 'bursty',
      members: 7,
      joinEveryMs: 10,
      steps: [
        { waitMs: 281, action: { does: 'freeze', who: 3, ms: 3568 } },
        { waitMs: 2341, action: { does: 'join' } },
        { waitMs: 465, action: { does: 'block', who: 1, whom: 0 } },
        { waitMs: 1595, action: { does: 'unblock', who: 0, whom: 0 } },
        { waitMs: 1966, action: { does: 'join' } },
      ],
    },
  ],
  [
    // s ─► a, b     both make room for one newcomer and send it a child each; it counted one free slot twice
    'a newcomer that asked two parents takes no more children than it has slots',
    {
      seed: 14,
      equipment: ['phone', 'laptop', 'laptop', 'desktop'],
      network: 'doubling',
      members: 9,
      joinEveryMs: 10,
      steps: [{ waitMs: 481, action: { does: 'speak', who: 10, ms: 1956 } }],
    },
  ],
  [
    // s ─► a ─► b ─► c     c went by an older offer of b and told a that it had a way around it
    'a child hears at once where its new parent hangs, and never backs up who hangs above it',
    {
      seed: 999991,
      equipment: ['laptop'],
      network: 'calm',
      members: 9,
      joinEveryMs: 400,
      steps: [{ waitMs: 178, action: { does: 'crash', who: 6 } }],
    },
  ],
  [
    // s ─► a, b, c     all slots taken; the newcomer is linked to s alone, a and b to each other
    'a full source sends one child to another one when the newcomer is linked to none of them',
    {
      seed: 575377,
      equipment: undefined,
      network: 'doubling',
      members: 6,
      joinEveryMs: 400,
      steps: [
        { waitMs: 702, action: { does: 'leave', who: 6 } },
        { waitMs: 980, action: { does: 'block', who: 2, whom: 1 } },
        { waitMs: 2087, action: { does: 'join' } },
      ],
    },
  ],
  [
    // two copies each of two members, six that want one     the source did not know that its child was full
    'where there are too few copies the same ones go on hearing',
    {
      seed: 999990,
      equipment: ['phone', 'phone', 'laptop', 'phone'],
      network: 'calm',
      members: 9,
      joinEveryMs: 400,
      steps: [
        { waitMs: 1429, action: { does: 'split', groups: 2 } },
        { waitMs: 1255, action: { does: 'unblock', who: 8, whom: 11 } },
        { waitMs: 328, action: { does: 'crash', who: 8 } },
        { waitMs: 1935, action: { does: 'vanish', who: 3 } },
        { waitMs: 2269, action: { does: 'join' } },
        { waitMs: 4238, action: { does: 'heal' } },
      ],
    },
  ],
  [
    // p ═► a, moved to q and sent back to p     the end of the first hand-over cancelled what a had just asked of p
    'a child sent back to its old parent in the middle of a hand-over is served there',
    {
      seed: 999995,
      equipment: ['phone', 'laptop', 'desktop'],
      network: 'lossy',
      members: 8,
      joinEveryMs: 10,
      steps: [{ waitMs: 433, action: { does: 'join' } }],
    },
  ],
  [
    // round trips that vary by more than trees differ
    'on a jittery network trees come to rest',
    {
      seed: 390954,
      equipment: ['laptop', 'laptop', 'desktop'],
      network: 'doubling',
      members: 8,
      joinEveryMs: 400,
      steps: [],
    },
  ],
  [
    // a   b     no link between them, and the only one both were linked to is gone
    'two that cannot link and have nobody else learn at the doorbell who is gone',
    {
      seed: 681907,
      equipment: undefined,
      network: 'behind NATs',
      members: 3,
      joinEveryMs: 400,
      steps: [{ waitMs: 0, action: { does: 'crash', who: 0 } }],
    },
  ],
  [
    // s ─► a     gives way to b in silence; before it is gone the word begins, and the end of the hand-over waited for company
    'a hand-over that began in silence ends in time when speech begins',
    {
      seed: 555965,
      equipment: ['desktop', 'laptop'],
      network: 'jittery',
      members: 6,
      joinEveryMs: 400,
      steps: [{ waitMs: 534, action: { does: 'speak', who: 5, ms: 640 } }],
    },
  ],
  [
    // s ─► a     moves to b in silence; the word begins and b delivers it, yet a went back to s, which sent it away again
    'a hand-over that began in silence ends at the new parent, if that delivers',
    {
      seed: 206229,
      equipment: ['laptop', 'desktop'],
      network: 'calm',
      members: 5,
      joinEveryMs: 400,
      steps: [
        { waitMs: 0, action: { does: 'speak', who: 0, ms: 640 } },
        { waitMs: 2, action: { does: 'join' } },
      ],
    },
  ],
  [
    // s = o = o = b ─► a, a     all ways of two with room lead over one that blocks s, and everybody else is full
    'a full member makes room for one with half as many links that cannot hear it otherwise',
    {
      seed: 34555,
      equipment: undefined,
      network: 'calm',
      members: 8,
      joinEveryMs: 400,
      steps: [{ waitMs: 0, action: { does: 'block', who: 5, whom: 0 } }],
    },
  ],
  [
    // a │ b     neighbours went by offers that were too good, came, learnt the truth, and went to where the next one was
    'neighbours are told of a way that got longer, though it hardly matters to them, or a room never comes to rest',
    {
      seed: 990564,
      equipment: undefined,
      network: 'calm',
      members: 9,
      joinEveryMs: 400,
      steps: [
        { waitMs: 0, action: { does: 'block', who: 0, whom: 8 } },
        { waitMs: 642, action: { does: 'split', groups: 2 } },
        { waitMs: 1275, action: { does: 'block', who: 0, whom: 0 } },
        { waitMs: 1144, action: { does: 'join' } },
        { waitMs: 50, action: { does: 'block', who: 0, whom: 0 } },
      ],
    },
  ],
  [
    // s ─► a ⇄ b     b took the place of a, who had no other parent and came back to take the place of b
    'who was sent away and found nobody else keeps its place from then on',
    {
      seed: 195685,
      equipment: undefined,
      network: 'bursty',
      members: 9,
      joinEveryMs: 400,
      steps: [
        { waitMs: 2494, action: { does: 'freeze', who: 0, ms: 50 } },
        { waitMs: 1234, action: { does: 'leave', who: 1 } },
        { waitMs: 1870, action: { does: 'block', who: 0, whom: 1 } },
        { waitMs: 211, action: { does: 'freeze', who: 3, ms: 3129 } },
      ],
    },
  ],
  [
    // s ─► a ─► b     b linked to a while a was about to change its parent back, and was not told when it had
    'a new neighbour that was told of a change before the others hears when it is undone',
    {
      seed: 883603,
      equipment: undefined,
      network: 'lossy',
      members: 6,
      joinEveryMs: 400,
      steps: [
        { waitMs: 1722, action: { does: 'speak', who: 0, ms: 2300 } },
        { waitMs: 1535, action: { does: 'join' } },
        { waitMs: 1299, action: { does: 'crash', who: 8 } },
        { waitMs: 1549, action: { does: 'block', who: 11, whom: 11 } },
        { waitMs: 1506, action: { does: 'speak', who: 2, ms: 1020 } },
        { waitMs: 621, action: { does: 'block', who: 9, whom: 0 } },
        { waitMs: 1472, action: { does: 'split', groups: 3 } },
        { waitMs: 1694, action: { does: 'freeze', who: 0, ms: 1658 } },
        { waitMs: 593, action: { does: 'block', who: 0, whom: 0 } },
        { waitMs: 2216, action: { does: 'join' } },
      ],
    },
  ],
  [
    // s │ m     s slept and was taken for gone; when it was back, m was sent once more what it had played before
    'whoever comes back after being taken for gone is heard once, whatever is sent again',
    {
      seed: 211541,
      equipment: undefined,
      network: 'calm',
      members: 5,
      joinEveryMs: 400,
      steps: [
        { waitMs: 948, action: { does: 'speak', who: 3, ms: 260 } },
        { waitMs: 65, action: { does: 'freeze', who: 1, ms: 2113 } },
        { waitMs: 0, action: { does: 'vanish', who: 0 } },
        { waitMs: 104, action: { does: 'heal' } },
        { waitMs: 143, action: { does: 'freeze', who: 7, ms: 1936 } },
      ],
    },
  ],
];

describe('what once failed', () => {
  for (const [sentence, script] of SCRIPTS)
    test(sentence, () => {
      assert.deepEqual(play(script).problems, []);
    });
});
