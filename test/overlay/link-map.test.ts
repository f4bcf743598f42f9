import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LinkMap } from '../../src/overlay/link-map.js';
import type { Handle } from '../../src/units.js';
import type { LinkRecord } from '../../src/wire/control.js';

const RELAY_MS = 1;
const handle = (n: number) => n as Handle;

/** Of members whose hop tags are their numbers. */
function record(
  n: number,
  links: Readonly<Record<number, number>>,
  more: Partial<LinkRecord> = {},
): LinkRecord {
  const told = Object.entries(links).map(([tag, delayMs]) => ({ tag: Number(tag), delayMs }));
  return { handle: handle(n), sequence: 1, relays: true, links: told, measured: [], ...more };
}

function mapOf(...records: LinkRecord[]): LinkMap {
  const map = new LinkMap(RELAY_MS);
  for (const each of records) map.note(each, each.handle);
  return map;
}

describe('the map of links', () => {
  test('a way costs its links and a relay for each member between', () => {
    const map = mapOf(record(1, { 2: 10 }), record(2, { 1: 10, 3: 20 }), record(3, { 2: 20 }));
    const ways = map.waysFrom(handle(1));
    assert.equal(ways.toMs(handle(1)), 0);
    assert.equal(ways.toMs(handle(2)), 10);
    assert.equal(ways.toMs(handle(3)), 10 + RELAY_MS + 20);
    assert.equal(ways.toMs(handle(4)), Infinity);
    assert.equal(map.waysFrom(handle(4)).toMs(handle(1)), Infinity);
  });

  test('a link that only one end tells of does not count, and of two delays the longer does', () => {
    assert.equal(
      mapOf(record(1, { 2: 10 }), record(2, {}))
        .waysFrom(handle(1))
        .toMs(handle(2)),
      Infinity,
    );
    const liar = mapOf(record(1, { 2: 50 }), record(2, { 1: 0.25 }));
    assert.equal(liar.waysFrom(handle(1)).toMs(handle(2)), 50);
  });

  test('who passes nothing on is an end of every way, or its beginning', () => {
    const map = mapOf(
      record(1, { 2: 10 }),
      record(2, { 1: 10, 3: 10 }, { relays: false }),
      record(3, { 2: 10 }),
    );
    assert.equal(map.waysFrom(handle(1)).toMs(handle(2)), 10);
    assert.equal(map.waysFrom(handle(1)).toMs(handle(3)), Infinity);
    assert.equal(map.waysFrom(handle(2)).toMs(handle(3)), 10);
  });

  test('only a newer record replaces one, across the wrap of its number', () => {
    const map = mapOf(record(1, { 2: 10 }, { sequence: 0xffff }), record(2, { 1: 10 }));
    assert.equal(map.note(record(1, {}, { sequence: 0xffff }), 1), false);
    assert.equal(map.note(record(1, {}, { sequence: 0xfffe }), 1), false);
    assert.equal(map.note(record(1, { 2: 30 }, { sequence: 0 }), 1), true);
    assert.equal(map.waysFrom(handle(1)).toMs(handle(2)), 30);
    map.forget(handle(2));
    assert.equal(map.waysFrom(handle(1)).toMs(handle(2)), Infinity);
  });

  test('the digest is the same whatever the order, and that of an empty map when all are forgotten', () => {
    const records = [record(1, {}), record(2, {}, { sequence: 7 }), record(3, {}, { sequence: 9 })];
    fc.assert(
      fc.property(fc.shuffledSubarray(records, { minLength: 3 }), (shuffled) => {
        const map = mapOf(...shuffled);
        assert.equal(map.hash, mapOf(...records).hash);
        for (const { handle: member } of shuffled) map.forget(member);
        assert.equal(map.hash, new LinkMap(RELAY_MS).hash);
      }),
    );
  });

  test('of two that are equally far and linked, neither is reached through the other', () => {
    const map = mapOf(record(1, { 2: 50, 3: 50 }), record(2, { 1: 50, 3: 1 }), record(3, { 1: 50, 2: 1 }));
    assert.deepEqual(
      [2, 3].map((n) => map.waysFrom(handle(1)).toMs(handle(n))),
      [50, 50],
    );
  });

  test('ways are as short as all pairs by Floyd and Warshall', () => {
    const size = 9;
    const edge = fc.record({
      a: fc.nat(size - 1),
      b: fc.nat(size - 1),
      delayMs: fc.integer({ min: 1, max: 200 }),
    });
    fc.assert(
      fc.property(fc.array(edge, { maxLength: 24 }), fc.nat(size - 1), (edges, start) => {
        const direct = Array.from({ length: size }, () => new Map<number, number>());
        for (const { a, b, delayMs } of edges) {
          if (a === b) continue;
          direct[a]?.set(b, delayMs);
          direct[b]?.set(a, delayMs);
        }
        const map = mapOf(...direct.map((links, n) => record(n, Object.fromEntries(links))));
        const costs = direct.map((links, n) =>
          direct.map((_, m) => (n === m ? 0 : (links.get(m) ?? Infinity))),
        );
        const cost = (n: number, m: number) => costs[n]?.[m] ?? Infinity;
        for (let k = 0; k < size; k++)
          for (let n = 0; n < size; n++)
            for (let m = 0; m < size; m++) {
              const relayMs = k === n || k === m ? 0 : RELAY_MS;
              costs[n]![m] = Math.min(cost(n, m), cost(n, k) + relayMs + cost(k, m));
            }
        const ways = map.waysFrom(handle(start));
        for (let m = 0; m < size; m++) assert.equal(ways.toMs(handle(m)), cost(start, m));
      }),
    );
  });
});
