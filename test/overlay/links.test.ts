import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_OVERLAY_CONFIG } from '../../src/overlay/config.js';
import { chooseLinks, deservesSplice, type LinkCandidate } from '../../src/overlay/links.js';
import type { MemberId } from '../../src/units.js';

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

describe('whom to ask for a link', () => {
  const [ROOMY, DOOR, ACROSS] = ['1', '2', '3'].map((digit) => digit.repeat(32)) as [
    MemberId,
    MemberId,
    MemberId,
  ];
  const candidate = (peer: MemberId, what: Partial<LinkCandidate> = {}): LinkCandidate => ({
    peer,
    full: false,
    links: 4,
    piped: false,
    unreachable: false,
    ...what,
  });
  const full = { links: 8, pending: 0, bridging: 0, maxLinks: 8, members: 80 };
  const choose = (
    situation: Partial<Parameters<typeof chooseLinks>[0]>,
    candidates: readonly LinkCandidate[],
  ): MemberId[] =>
    chooseLinks(
      { ...full, asksAtDoor: false, mayBridge: false, ...situation },
      candidates,
      DEFAULT_OVERLAY_CONFIG,
      () => 0,
    );
  const across = candidate(ACROSS, { unreachable: true });

  test('a full member reaches across a gap for one link at a time, whatever else it asks for', () => {
    assert.deepEqual(choose({ mayBridge: true }, [across]), [ACROSS]);
    assert.deepEqual(choose({ mayBridge: true, pending: 1 }, [across]), [ACROSS]);
    assert.deepEqual(choose({ mayBridge: true, pending: 1, bridging: 1 }, [across]), []);
    assert.deepEqual(choose({}, [across]), []);
  });

  test('who lost its links asks whoever answers at the doorbell too, though it says that it is full', () => {
    const others = [candidate(ROOMY), candidate(DOOR, { full: true, piped: true })];
    assert.deepEqual(choose({ links: 0 }, others), [ROOMY]);
    assert.deepEqual(choose({ links: 0, asksAtDoor: true }, others), [DOOR, ROOMY]);
  });
});
