import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { friendlyName } from '../../src/elements/friendly-name.js';
import {
  chooseName,
  generatedName,
  parseRemembered,
  rememberName,
  rememberedName,
  type RememberedName,
} from '../../src/elements/remembered-name.js';
import { hueOf, initials, shortFingerprint } from '../../src/elements/visuals.js';

describe('the name to start with', () => {
  const bobForAda: RememberedName = { name: 'Bob', replaced: 'Ada' };
  const bobForNothing: RememberedName = { name: 'Bob', replaced: null };
  const rows: readonly [
    suggested: string | undefined,
    remembered: RememberedName | undefined,
    name: string | undefined,
  ][] = [
    [undefined, undefined, undefined],
    ['Ada', undefined, 'Ada'],
    ['Ada', bobForAda, 'Bob'],
    ['Carl', bobForAda, 'Carl'],
    [undefined, bobForAda, undefined],
    [undefined, bobForNothing, 'Bob'],
    ['Ada', bobForNothing, 'Ada'],
  ];
  for (const [suggested, remembered, name] of rows)
    test(`page says ${suggested}, typed ${remembered?.name} over ${remembered?.replaced}: ${name}`, () => {
      assert.equal(chooseName(suggested, remembered), name);
    });
});

describe('what an earlier visit stored', () => {
  test('comes back as it went', () => {
    const record = { name: 'Zoë', replaced: null };
    assert.deepEqual(parseRemembered(JSON.stringify(record)), record);
  });

  test('counts as nothing when it is anything else', () => {
    for (const stored of [
      null,
      '',
      '{',
      '"Bob"',
      '[]',
      'null',
      '{"name":5,"replaced":null}',
      '{"name":"Bob"}',
    ])
      assert.equal(parseRemembered(stored), undefined);
    assert.equal(parseRemembered(JSON.stringify({ name: 'x'.repeat(65), replaced: null })), undefined);
    assert.equal(parseRemembered(JSON.stringify({ name: '  ', replaced: null })), undefined);
  });

  test('never throws', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (stored) => void parseRemembered(stored)));
  });
});

test('where nothing can be stored, a name lasts for the visit', () => {
  // Node has no storage: the same case as a browser that refuses it.
  assert.equal(rememberName({ name: 'Bob', replaced: null }), false);
  assert.deepEqual(rememberedName(), { name: 'Bob', replaced: null });
  assert.equal(generatedName(), generatedName());
});

test('a generated name has two words and follows the random source', () => {
  assert.equal(
    friendlyName(() => 0),
    'Amber Badger',
  );
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (x) => {
      assert.match(
        friendlyName(() => x),
        /^[A-Z][a-z]+ [A-Z][a-z]+$/,
      );
    }),
  );
});

describe('avatars', () => {
  const rows: readonly [name: string, letters: string][] = [
    ['Ada', 'A'],
    ['ada lovelace', 'AL'],
    ['Jean-Luc Picard', 'JP'],
    ['李小龍', '李'],
    ['Mary Ann of York', 'MY'],
    ['<img src=x>', 'IS'],
    ['  ', '?'],
    ['!!!', '?'],
    ['7 of 9', '79'],
  ];
  for (const [name, letters] of rows)
    test(`${JSON.stringify(name)} gets ${letters}`, () => assert.equal(initials(name), letters));

  test('one person has one hue everywhere, a multiple of 15 below 360', () => {
    fc.assert(
      fc.property(fc.string(), (seed) => {
        assert.equal(hueOf(seed), hueOf(seed));
        assert.ok(hueOf(seed) >= 0 && hueOf(seed) < 360 && hueOf(seed) % 15 === 0);
      }),
    );
  });

  test('a key is shown in three groups of four', () => {
    assert.equal(shortFingerprint('0123456789abcdef0123456789abcdef'), '0123 4567 89ab');
  });
});
