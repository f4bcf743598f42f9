import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { deviceLimits, tidyName } from '../../src/room/options.js';
import { parsePeople } from '../../src/room/preferences.js';

describe('stored preferences', () => {
  test('whatever the storage holds is read without an exception and within range', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        for (const [, { blocked, gain, pan }] of parsePeople(text)) {
          assert.equal(typeof blocked, 'boolean');
          assert.ok(gain >= 0 && gain <= 4 && pan >= -1 && pan <= 1);
        }
      }),
    );
  });

  test('keep at most 500 people, the last ones', () => {
    const many = Array.from({ length: 600 }, (_, i) => [String(i), { blocked: true, gain: 1, pan: 0 }]);
    const people = parsePeople(JSON.stringify(many));
    assert.equal(people.length, 500);
    assert.equal(people[0]?.[0], '100');
  });

  test('out-of-range values fall back to the default', () => {
    const stored = JSON.stringify([['x', { blocked: 'yes', gain: 9, pan: '1' }]]);
    assert.deepEqual(parsePeople(stored), [
      ['x', { blocked: false, gain: 1, pan: 0, tone: { lowDb: 0, midDb: 0, highDb: 0 } }],
    ]);
  });
});

describe('tidyName', () => {
  test('always fits the field of a roster entry', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        const tidy = tidyName(name);
        assert.ok([...tidy].length <= 64);
        assert.ok(new TextEncoder().encode(tidy).byteLength <= 255);
        assert.equal(tidy, tidyName(tidy));
      }),
    );
  });

  test('takes out control and direction characters', () => {
    assert.equal(tidyName('  Ada\u202e\nLovelace '), 'Ada  Lovelace');
  });
});

test('weaker devices keep fewer links and copies', () => {
  const [phone, small, strong] = [deviceLimits(8, true), deviceLimits(2, false), deviceLimits(16, false)];
  assert.ok(phone.maxLinks <= small.maxLinks && small.maxLinks <= strong.maxLinks);
  assert.ok(phone.uploadSlots <= small.uploadSlots && small.uploadSlots <= strong.uploadSlots);
});
