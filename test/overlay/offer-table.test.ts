import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { OfferTable } from '../../src/overlay/offer-table.js';
import type { Handle } from '../../src/units.js';
import type { RouteOffer } from '../../src/wire/control.js';

const offer = (fields: Partial<RouteOffer>): RouteOffer => ({
  source: 7 as Handle,
  epoch: 0,
  costMs: 10,
  freeSlots: 0,
  yieldsBelowMs: undefined,
  priceMs: undefined,
  capacity: 3,
  path: [],
  isSpeaking: false,
  ...fields,
});

describe('what a full neighbour offers', () => {
  const cases = [
    {
      name: 'in silence a place for a lesser burden',
      fields: { yieldsBelowMs: 20 },
      givesWay: true,
      sells: false,
    },
    {
      name: 'in speech a place for a greater gain',
      fields: { isSpeaking: true, priceMs: 100 },
      givesWay: false,
      sells: true,
    },
    { name: 'nothing', fields: {}, givesWay: false, sells: false },
    { name: 'nothing in speech', fields: { isSpeaking: true }, givesWay: false, sells: false },
    {
      name: 'a free slot, which is neither',
      fields: { isSpeaking: true, freeSlots: 2 },
      givesWay: false,
      sells: false,
    },
  ];
  for (const { name, fields, givesWay, sells } of cases)
    test(name, () => {
      const table = new OfferTable(1);
      table.set(0, offer({ path: [4, 5, 6], ...fields }));
      assert.equal(table.givesWay(0, -20), givesWay);
      assert.equal(table.givesWay(0, 60), false);
      assert.equal(table.sells(0, 120), sells);
      assert.equal(table.sells(0, 90), false);
      assert.deepEqual(table.path(0), [4, 5, 6], 'and its path is what it told');
      assert.equal(table.usableCostMs(0), 10);
    });

  test('what leads back here is no way, spoken or not', () => {
    const table = new OfferTable(5);
    table.set(0, offer({ path: [4, 5], isSpeaking: true }));
    assert.equal(table.usableCostMs(0), Infinity);
    assert.equal(table.costMs(0), 10);
  });
});
