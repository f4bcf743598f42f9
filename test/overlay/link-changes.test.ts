import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { changeOf, differenceOf, isShorter, recordAfter } from '../../src/overlay/link-changes.js';
import type { Handle } from '../../src/units.js';
import {
  MAX_NEIGHBOURS,
  quantiseLinkDelay,
  type LinkRecord,
  type ToldLink,
} from '../../src/wire/link-records.js';

const link = (tag: number, delayMs: number): ToldLink => ({ tag, delayMs: quantiseLinkDelay(delayMs) });
const recordOf = (links: readonly ToldLink[], sequence = 7): LinkRecord => ({
  handle: 9 as Handle,
  sequence,
  slots: 4,
  links,
  measured: [],
});
const links = fc.uniqueArray(
  fc.record({ tag: fc.nat(20), delayMs: fc.double({ min: 1, max: 400, noNaN: true }) }),
  { selector: ({ tag }) => tag, maxLength: 12 },
);
const quantised = (told: readonly ToldLink[]) => told.map(({ tag, delayMs }) => link(tag, delayMs));
const byTag = (a: ToldLink, b: ToldLink) => a.tag - b.tag;

describe('changes of link records', () => {
  test('links that ended, came or became noticeably longer; the others stay as they were told', () => {
    const before = recordOf([link(1, 10), link(2, 20), link(3, 30)]);
    const change = changeOf(before, [link(2, 20.5), link(3, 60), link(4, 40)], []);
    assert.deepEqual(change, {
      handle: 9,
      sequence: 8,
      gone: [1],
      set: [link(3, 60), link(4, 40)],
      measured: [],
    });
    assert.deepEqual(recordAfter(before, change!)?.links, [link(2, 20), link(3, 60), link(4, 40)]);
    assert.equal(changeOf(before, [link(2, 20.9), link(1, 10.4), link(3, 30)], []), undefined);
    assert.deepEqual(changeOf(before, before.links, [link(5, 1)])?.measured, [link(5, 1)]);
  });

  test('whoever had the record before has what was told, within what counts as unmoved', () => {
    fc.assert(
      fc.property(links, links, (a, b) => {
        const before = recordOf(quantised(a), 0xffff);
        const now = quantised(b);
        const change = changeOf(before, now, []);
        const after = change ? recordAfter(before, change)! : before;
        assert.deepEqual(
          after.links.map(({ tag }) => tag).sort((x, y) => x - y),
          now.map(({ tag }) => tag).sort((x, y) => x - y),
        );
        const sorted = [...after.links].sort(byTag);
        [...now].sort(byTag).forEach(({ delayMs }, i) => {
          const movedMs = Math.abs((sorted[i] as ToldLink).delayMs - delayMs);
          assert.ok(movedMs <= Math.max(1, 0.15 * (sorted[i] as ToldLink).delayMs));
        });
        if (change) assert.equal(after.sequence, 0);
        assert.equal(changeOf(after, now, []), undefined, 'nothing is left to tell');
      }),
    );
  });

  test('two records in a row differ by just what leads from one to the other', () => {
    fc.assert(
      fc.property(links, links, (a, b) => {
        const before = recordOf(quantised(a), 7);
        const after = recordOf(quantised(b), 8);
        const change = differenceOf(before, after);
        if (!change) return;
        const sorted = (told: readonly ToldLink[]) => [...told].sort(byTag);
        assert.deepEqual(sorted(recordAfter(before, change)!.links), sorted(after.links));
      }),
    );
    const before = recordOf([link(1, 10), link(2, 20), link(3, 30)]);
    const after = recordOf([link(1, 10.5), link(2, 20), link(3, 30)], 8);
    assert.deepEqual(differenceOf(before, after)?.set, [link(1, 10.5)]);
    assert.equal(differenceOf(before, { ...after, sequence: 9 }), undefined);
    assert.equal(differenceOf(before, { ...after, slots: 5 }), undefined);
    assert.equal(differenceOf(before, recordOf([link(4, 10)], 8)), undefined, 'the record is shorter');
  });

  test('one that does not follow, or leads to more links than a record has, leads nowhere', () => {
    const before = recordOf([link(1, 10)]);
    const change = { handle: before.handle, gone: [], set: [link(2, 5)], measured: [] };
    assert.ok(recordAfter(before, { ...change, sequence: 8 }));
    for (const sequence of [6, 7, 9]) assert.equal(recordAfter(before, { ...change, sequence }), undefined);
    const many = Array.from({ length: MAX_NEIGHBOURS }, (_, i) => link(100 + i, 5));
    assert.equal(recordAfter(recordOf(many), { ...change, sequence: 8 }), undefined);
  });

  test('is told where it is shorter than the record', () => {
    const few = recordOf([link(1, 10), link(2, 20)]);
    const change = { handle: few.handle, sequence: 8, gone: [], set: [link(1, 50)], measured: [] };
    assert.ok(isShorter(change, few));
    assert.ok(!isShorter({ ...change, gone: [3, 4] }, few));
    const many = recordOf(Array.from({ length: 60 }, (_, i) => link(i, 5)));
    assert.ok(!isShorter({ ...change, set: many.links.slice(0, 16) }, many), 'more than fit into one');
  });
});
