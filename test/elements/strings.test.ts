import assert from 'node:assert/strict';
import { test } from 'node:test';
import { panelStringsFor, type PanelStrings } from '../../src/elements/panel-strings.js';
import { stringsFor } from '../../src/elements/strings.js';

test('German for German, English for everything else', () => {
  for (const lang of ['de', 'DE', 'de-AT', 'de-x-formal']) assert.equal(stringsFor(lang).join, 'Beitreten');
  for (const lang of ['', 'en', 'en-GB', 'fr', 'den', 'nds-DE']) assert.equal(stringsFor(lang).join, 'Join');
});

test('both languages say something everywhere, and say it differently', () => {
  const [english, german] = ['en', 'de'].map((lang) => panelStringsFor(lang, stringsFor(lang))) as [
    PanelStrings,
    PanelStrings,
  ];
  const said = (value: unknown): string =>
    typeof value === 'function'
      ? String((value as (...values: unknown[]) => unknown)(7, 'Ada'))
      : String(value);
  for (const key of Object.keys(english) as (keyof typeof english)[]) {
    if (key === 'error') continue;
    assert.notEqual(said(english[key]).trim(), '', key);
    assert.notEqual(said(german[key]).trim(), '', key);
  }
  const same = (Object.keys(english) as (keyof typeof english)[]).filter(
    (key) => typeof english[key] !== 'object' && said(english[key]) === said(german[key]),
  );
  // Formats in which only a name or number appears.
  assert.deepEqual(same, []);
});

test('one and many are told apart', () => {
  assert.match(stringsFor('en').others(1), /^One other person is/);
  assert.match(stringsFor('en').others(2), /^2 other people are/);
  assert.match(stringsFor('de').others(1), /^Eine weitere Person ist/);
});
