/** Where voices stand when they are spread. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { SPREAD_PANS, spreadPans } from '../../src/room/spread.js';
import type { Identity } from '../../src/units.js';

/** Asks for the n-th place. */
const wishing = (place: number, name = 0): Identity =>
  (place.toString(16).padStart(8, '0') + name.toString(16).padStart(24, '0')) as Identity;

describe('spread', () => {
  for (const { people, pans } of [
    { people: [], pans: [] },
    { people: [wishing(4)], pans: [0] },
    { people: [wishing(0), wishing(8)], pans: [-0.8, 0.8] },
    // Two who ask for the middle: the second gets the nearest free place.
    { people: [wishing(4, 1), wishing(4, 2)], pans: [0, -0.2] },
    { people: [wishing(4, 1), wishing(4, 2), wishing(4, 3)], pans: [0, -0.2, 0.2] },
    // Two tabs of one person stand in one place.
    { people: [wishing(6), wishing(6)], pans: [0.4, 0.4] },
  ]) {
    test(`${people.length} people stand at ${pans.join(' ')}`, () => {
      const places = spreadPans(people);
      assert.deepEqual(
        people.map((identity) => places.get(identity)),
        pans,
      );
    });
  }

  const identities = fc.uniqueArray(
    fc
      .uint8Array({ minLength: 16, maxLength: 16 })
      .map((bytes) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('') as Identity),
    { maxLength: 30 },
  );

  test('up to nine people have a place of their own; more share evenly; order does not matter', () => {
    fc.assert(
      fc.property(identities, (people) => {
        const places = spreadPans(people);
        const held = SPREAD_PANS.map((pan) => [...places.values()].filter((one) => one === pan).length);
        assert.equal(places.size, people.length);
        assert.ok(Math.max(...held) - Math.min(...held) <= 1);
        for (const identity of people)
          assert.equal(spreadPans([...people].reverse()).get(identity), places.get(identity));
      }),
    );
  });

  test('whoever is here stays where they are, whoever comes or goes', () => {
    fc.assert(
      fc.property(identities, identities, (first, second) => {
        const before = spreadPans(first);
        const after = spreadPans([...first.slice(2), ...second], before);
        for (const identity of first.slice(2)) assert.equal(after.get(identity), before.get(identity));
      }),
    );
  });
});
