import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deservesSplice } from '../../src/overlay/links.js';

describe('whether a full member makes room', () => {
  const config = { poorLinks: 2 };
  for (const [sentence, links, maxLinks, ownMaxLinks, expected] of [
    ['for a newcomer', 0, 4, 8, true],
    ['not for one with a single place, which the link and the one passed on would exceed', 0, 1, 8, false],
    ['for one with half as many links', 4, 8, 8, true],
    ['not for one with more than half', 5, 8, 8, false],
    ['not for one with a single place left', 3, 4, 8, false],
    ['for one with two of four, where all have four', 2, 4, 4, true],
  ] as const)
    test(sentence, () => {
      assert.equal(deservesSplice(links, maxLinks, ownMaxLinks, config), expected);
    });
});
