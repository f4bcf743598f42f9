import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { LinkMap, type FirstLink, type Scarcity, type TreePlace } from '../../src/overlay/link-map.js';
import type { RelayCosts } from '../../src/overlay/routes.js';
import type { Handle } from '../../src/units.js';
import {
  MAX_MEASURED,
  MAX_NEIGHBOURS,
  quantiseLinkDelay as told,
  type LinkRecord,
} from '../../src/wire/link-records.js';

const RELAY_MS = 1;
/** A relay costs the same wherever it stands, but in the test of deep trees. */
const RELAY = { relayMs: RELAY_MS, deepMembers: Infinity, deepRelayMs: 0, deepestHops: 8, deepestMs: 0 };
const handle = (n: number) => n as Handle;

/** Of members whose hop tags are their numbers. */
function record(
  n: number,
  links: Readonly<Record<number, number>>,
  more: Partial<LinkRecord> = {},
): LinkRecord {
  const list = Object.entries(links).map(([tag, delayMs]) => ({ tag: Number(tag), delayMs: told(delayMs) }));
  return { handle: handle(n), sequence: 1, slots: 32, links: list, measured: [], ...more };
}

function mapOf(...records: LinkRecord[]): LinkMap {
  const map = new LinkMap(RELAY);
  for (const each of records) map.note(each, each.handle);
  return map;
}

/** The links a member tells of, as it knows them itself. */
const firstLinks = (links: Readonly<Record<number, number>>): FirstLink[] =>
  Object.entries(links).map(([n, delayMs]) => ({ handle: handle(Number(n)), delayMs: told(delayMs) }));

/** Equal but for the order in which sums were made. */
function assertNear(actualMs: number, expectedMs: number, withinMs = 1e-9): void {
  const isNear = actualMs === expectedMs || Math.abs(actualMs - expectedMs) < withinMs;
  assert.ok(isNear, `${actualMs} instead of ${expectedMs}`);
}

interface Told {
  readonly record: LinkRecord;
  readonly tag: number;
}

/** Of the room of records, by trying everything. */
class Brute {
  constructor(
    readonly all: readonly Told[],
    /** How delays are summed. */
    readonly round: (ms: number) => number = (ms) => ms,
  ) {}

  linkMs(from: Told, to: Told): number {
    const least = ({ record: { links } }: Told, { tag }: Told) =>
      Math.min(...links.filter((link) => link.tag === tag).map(({ delayMs }) => delayMs));
    return from === to ? Infinity : this.round(Math.max(least(from, to), least(to, from)));
  }

  /** What it costs to go on from a member to another. */
  stepMs(start: Told, from: Told, to: Told): number {
    return from === start || from.record.slots > 0 ? this.linkMs(from, to) : Infinity;
  }

  /** Bellman and Ford: costs from a member, of all ways or of those that begin with one link and come not back. */
  costsMs(start: Told, first?: { hop: Told; delayMs: number }): Map<Told, number> {
    const costs = first ? new Map([[first.hop, first.delayMs]]) : new Map([[start, 0]]);
    for (let round = 0; round < this.all.length; round++)
      for (const [from, fromMs] of costs)
        for (const to of this.all) {
          const costMs = fromMs + (from === start ? 0 : RELAY_MS) + this.stepMs(start, from, to);
          if (to !== start && costMs < (costs.get(to) ?? Infinity)) costs.set(to, costMs);
        }
    return costs;
  }
}

/** Few enough that ways are often equally soon, or any. */
const anyDelays = [
  fc.constantFrom(7, 12, 30).map(told),
  fc.double({ min: 0.25, max: 460, noNaN: true }).map(told),
] as const;

/** Records of a small room: some pass nothing on, some tags belong to two, some links are told of by one end or twice. */
const anyRoom: fc.Arbitrary<Told[]> = fc
  .uniqueArray(fc.oneof(fc.nat(9), fc.nat(0xffffffff)), { minLength: 1, maxLength: 8, size: 'max' })
  .chain((handles) => {
    const member = fc.nat(handles.length - 1);
    const tag = fc.oneof(
      { weight: 4, arbitrary: fc.constant(undefined) },
      { weight: 1, arbitrary: fc.nat(2) },
    );
    const edges = (delay: fc.Arbitrary<number>) => {
      const toldBy = fc.constantFrom('both', 'both', 'both', 'a');
      const edge = fc.record({ a: member, b: member, aMs: delay, bMs: delay, toldBy });
      return fc.array(edge, { maxLength: 28, size: 'max' });
    };
    return fc.record({
      handles: fc.constant(handles),
      tags: fc.tuple(...handles.map(() => tag)),
      relays: fc.tuple(...handles.map(() => fc.constantFrom(32, 32, 32, 0))),
      edges: fc.oneof(...anyDelays.map(edges)),
    });
  })
  .map(({ handles, tags, relays, edges }) => {
    const tagOf = (n: number) => tags[n] ?? 100 + n;
    return handles.map((number, n) => {
      const links = edges.flatMap(({ a, b, aMs, bMs, toldBy }) => [
        ...(a === n ? [{ tag: tagOf(b), delayMs: aMs }] : []),
        ...(b === n && toldBy === 'both' ? [{ tag: tagOf(a), delayMs: bMs }] : []),
      ]);
      const record = { handle: handle(number), sequence: 1, slots: relays[n] ?? 32, links, measured: [] };
      return { record, tag: tagOf(n) };
    });
  });

/** A room, some of whom are forgotten, and its map after a history of its own. */
const anyMap = anyRoom
  .chain((room) =>
    fc.record({
      room: fc.constant(room),
      order: fc.shuffledSubarray(room, { minLength: room.length }),
      other: fc.shuffledSubarray(room, { minLength: room.length }),
      forgotten: fc.oneof(fc.constant<Told[]>([]), fc.subarray(room)),
    }),
  )
  .map(({ room, order, other, forgotten }) => {
    const map = new LinkMap(RELAY);
    for (const { record, tag } of order) map.note(record, tag);
    for (const { record } of forgotten) map.forget(record.handle);
    const left = room.filter((each) => !forgotten.includes(each));
    // Asked in between, with links that are gone since.
    const otherMap = new LinkMap(RELAY);
    for (const { record, tag } of room) {
      otherMap.note({ ...record, sequence: 0, links: record.links.slice(1) }, tag);
      otherMap.waysFrom(record.handle);
    }
    for (const { record, tag } of other) otherMap.note(record, tag);
    for (const { record } of forgotten) otherMap.forget(record.handle);
    return { left, map, otherMap };
  });

describe('the map of links', () => {
  test('a way costs its links and a relay for each member between', () => {
    const map = mapOf(record(1, { 2: 10 }), record(2, { 1: 10, 3: 20 }), record(3, { 2: 20 }));
    const ways = map.waysFrom(handle(1));
    assert.equal(ways.toMs(handle(1)), 0);
    assert.equal(ways.toMs(handle(2)), told(10));
    assert.equal(ways.toMs(handle(3)), told(10) + RELAY_MS + told(20));
    assert.equal(ways.toMs(handle(4)), Infinity);
    assert.equal(map.waysFrom(handle(4)).toMs(handle(1)), Infinity);
  });

  test('in a very large room a relay counts more than it takes, and short ways of few links are the best', () => {
    const map = new LinkMap({ ...RELAY, deepMembers: 3, deepRelayMs: 4 });
    const records = [record(1, { 2: 10, 3: 24 }), record(2, { 1: 10, 3: 10 }), record(3, { 1: 24, 2: 10 })];
    for (const each of records) map.note(each, each.handle);
    assert.equal(map.relayMs, RELAY_MS + 4);
    assertNear(map.waysFrom(handle(1)).toMs(handle(3)), told(24));
    assertNear(
      mapOf(...records)
        .waysFrom(handle(1))
        .toMs(handle(3)),
      2 * told(10) + RELAY_MS,
    );
  });

  test('a link that only one end tells of does not count, and of two delays the longer does', () => {
    assert.equal(
      mapOf(record(1, { 2: 10 }), record(2, {}))
        .waysFrom(handle(1))
        .toMs(handle(2)),
      Infinity,
    );
    const liar = mapOf(record(1, { 2: 50 }), record(2, { 1: 0.25 }));
    assert.equal(liar.waysFrom(handle(1)).toMs(handle(2)), told(50));
  });

  test('who passes nothing on is an end of every way, or its beginning', () => {
    const map = mapOf(record(1, { 2: 10 }), record(2, { 1: 10, 3: 10 }, { slots: 0 }), record(3, { 2: 10 }));
    assert.equal(map.waysFrom(handle(1)).toMs(handle(2)), told(10));
    assert.equal(map.waysFrom(handle(1)).toMs(handle(3)), Infinity);
    assert.equal(map.waysFrom(handle(2)).toMs(handle(3)), told(10));
  });

  test('only a newer record replaces one, across the wrap of its number', () => {
    const map = mapOf(record(1, { 2: 10 }, { sequence: 0xffff }), record(2, { 1: 10 }));
    assert.equal(map.note(record(1, {}, { sequence: 0xffff }), 1), false);
    assert.equal(map.note(record(1, {}, { sequence: 0xfffe }), 1), false);
    assert.equal(map.note(record(1, { 2: 30 }, { sequence: 0 }), 1), true);
    assert.equal(map.waysFrom(handle(1)).toMs(handle(2)), told(30));
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
        assert.equal(map.hash, new LinkMap(RELAY).hash);
      }),
    );
  });

  test('of two that are equally far and linked, neither is reached through the other', () => {
    const map = mapOf(record(1, { 2: 50, 3: 50 }), record(2, { 1: 50, 3: 1 }), record(3, { 1: 50, 2: 1 }));
    assert.deepEqual(
      [2, 3].map((n) => map.waysFrom(handle(1)).toMs(handle(n))),
      [told(50), told(50)],
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
          direct.map((_, m) => {
            const delayMs = links.get(m);
            return n === m ? 0 : delayMs === undefined ? Infinity : told(delayMs);
          }),
        );
        const cost = (n: number, m: number) => costs[n]?.[m] ?? Infinity;
        for (let k = 0; k < size; k++)
          for (let n = 0; n < size; n++)
            for (let m = 0; m < size; m++) {
              const relayMs = k === n || k === m ? 0 : RELAY_MS;
              costs[n]![m] = Math.min(cost(n, m), cost(n, k) + relayMs + cost(k, m));
            }
        const ways = map.waysFrom(handle(start));
        for (let m = 0; m < size; m++) assertNear(ways.toMs(handle(m)), cost(start, m));
      }),
    );
  });

  test('records come back as they were told, the longest unchanged first, whatever was told and forgotten', () => {
    const plain = { noNullPrototype: true };
    const list = (maxLength: number) =>
      fc.array(fc.record({ tag: fc.nat(0xffff), delayMs: fc.oneof(...anyDelays) }, plain), { maxLength });
    const fields = {
      handle: fc.constantFrom(0, 1, 2, 0x7fffffff, 0xfffffffe, 0xffffffff).map(handle),
      sequence: fc.nat(0xffff),
      slots: fc.integer({ min: 0, max: 255 }),
      links: list(MAX_NEIGHBOURS),
      measured: list(MAX_MEASURED),
    };
    const note = fc.record(fields, plain);
    const forget = note.map(({ handle: member }) => member);
    fc.assert(
      fc.property(fc.array(fc.oneof({ weight: 4, arbitrary: note }, forget), { maxLength: 60 }), (steps) => {
        const map = new LinkMap(RELAY);
        const model = new Map<Handle, LinkRecord>();
        for (const step of steps) {
          const { version } = map;
          let isNew: boolean;
          if (typeof step === 'number') {
            isNew = model.delete(step);
            map.forget(step);
          } else {
            isNew = map.note(step, 7);
            if (isNew) {
              model.delete(step.handle);
              model.set(step.handle, step);
            }
          }
          assert.equal(map.version > version, isNew);
        }
        assert.deepEqual([...map.records()], [...model.values()]);
        assert.deepEqual(map.handles(), [...model.keys()]);
        assert.equal(map.size, model.size);
        for (const member of [0, 1, 2, 3, 0x7fffffff, 0xffffffff].map(handle)) {
          const known = model.get(member);
          assert.deepEqual(map.get(member), known);
          assert.equal(map.has(member), known !== undefined);
          assert.equal(map.sequenceOf(member), known?.sequence);
          assert.equal(map.linksOf(member), known?.links.length);
        }
      }),
    );
  });

  test('every delay that travels comes back exactly', () => {
    for (let step = 0; step < 256; step++) {
      const delayMs = told(0.25 * 1.03 ** step);
      const map = mapOf(record(1, {}, { links: [{ tag: 2, delayMs }] }));
      assert.equal(map.get(handle(1))?.links[0]?.delayMs, delayMs);
    }
  });

  test('ways stay what they were when the map changes', () => {
    const map = mapOf(record(1, { 2: 10 }), record(2, { 1: 10, 3: 20 }), record(3, { 2: 20 }));
    const ways = map.waysFrom(handle(1));
    const twoWays = map.twoWaysFrom(handle(1), firstLinks({ 2: 10 }));
    const before = [1, 2, 3].map((n) => [ways.toMs(handle(n)), twoWays.firstHop(handle(n))]);
    map.forget(handle(2));
    map.note(record(0, { 1: 1 }), 0);
    map.note(record(1, { 0: 1 }, { sequence: 2 }), 1);
    assert.equal(map.waysFrom(handle(1)).toMs(handle(0)), told(1));
    assert.deepEqual(
      [1, 2, 3].map((n) => [ways.toMs(handle(n)), twoWays.firstHop(handle(n))]),
      before,
    );
    assert.equal(ways.toMs(handle(0)), Infinity);
  });

  test('another way begins with another neighbour, and comes not back', () => {
    const map = mapOf(
      record(1, { 2: 10, 3: 30 }),
      record(2, { 1: 10, 3: 5, 4: 10 }),
      record(3, { 1: 30, 2: 5 }),
      record(4, { 2: 10 }),
    );
    const ways = map.twoWaysFrom(handle(1), firstLinks({ 2: 10, 3: 30 }));
    const members = [1, 2, 3, 4, 5].map(handle);
    assert.deepEqual(
      members.map((member) => ways.firstHop(member)),
      [undefined, 2, 2, 2, undefined],
    );
    assert.deepEqual(
      members.map((member) => ways.alternativeHop(member)),
      [undefined, 3, 3, 3, undefined],
    );
    assert.equal(ways.toMs(handle(1)), 0);
    assert.equal(ways.alternativeMs(handle(1)), Infinity);
    assertNear(ways.alternativeMs(handle(2)), told(30) + RELAY_MS + told(5));
    assertNear(ways.alternativeMs(handle(3)), told(30));
    assertNear(ways.alternativeMs(handle(4)), told(30) + told(5) + told(10) + 2 * RELAY_MS);
    assert.equal(ways.alternativeMs(handle(5)), Infinity);
  });

  test('what would be lost without a neighbour is what all ways that begin with it would take longer, up to a bound', () => {
    const map = mapOf(
      record(1, { 2: 10, 3: 30 }),
      record(2, { 1: 10, 3: 5, 4: 10 }),
      record(3, { 1: 30, 2: 5, 5: 1 }),
      record(4, { 2: 10 }),
      record(5, { 3: 1 }),
    );
    const ways = map.twoWaysFrom(handle(1), firstLinks({ 2: 10, 3: 30 }));
    for (const mostMs of [12, 400]) {
      const losses = ways.lossesMs(mostMs);
      assert.deepEqual([...losses.keys()], [2]);
      const expectedMs = [2, 3, 4, 5]
        .map((n) => ways.alternativeMs(handle(n)) - ways.toMs(handle(n)))
        .reduce((sum, lossMs) => sum + Math.min(mostMs, lossMs), 0);
      assertNear(losses.get(handle(2)) ?? 0, expectedMs);
    }
  });

  test('whoever told nothing yet has ways by the links it knows of', () => {
    const map = mapOf(record(2, { 3: 10 }), record(3, { 2: 10 }));
    const ways = map.twoWaysFrom(handle(1), firstLinks({ 1: 1, 2: 5, 4: 5 }));
    assertNear(ways.toMs(handle(3)), told(5) + RELAY_MS + told(10));
    assert.equal(ways.firstHop(handle(3)), 2);
    assert.equal(ways.alternativeHop(handle(3)), undefined);
    for (const stranger of [1, 4]) assert.equal(ways.toMs(handle(stranger)), Infinity);
  });

  test('ways are as short as by trying everything', () => {
    fc.assert(
      fc.property(anyMap, ({ left, map, otherMap }) => {
        const brute = new Brute(left);
        for (const start of left) {
          const ways = [map, otherMap].map((each) => each.waysFrom(start.record.handle));
          const costs = brute.costsMs(start);
          for (const to of left)
            for (const each of ways) assert.equal(each.toMs(to.record.handle), costs.get(to) ?? Infinity);
        }
      }),
    );
  });

  test('two ways to everybody begin with different links and are the soonest two that do', () => {
    const anyLinks = fc.uniqueArray(
      fc.record({ to: fc.nat(7), delayMs: fc.oneof(fc.constant(0), ...anyDelays) }),
      { selector: ({ to }) => to, size: 'max', maxLength: 8 },
    );
    fc.assert(
      fc.property(anyMap, anyLinks, ({ left, map, otherMap }, links) => {
        const brute = new Brute(left);
        for (const start of left) {
          const from = start.record.handle;
          const firsts = links.flatMap(({ to, delayMs }) => {
            const hop = left[to];
            return hop && hop !== start ? [{ hop, delayMs, handle: hop.record.handle }] : [];
          });
          const ways = map.twoWaysFrom(from, firsts);
          const otherWays = otherMap.twoWaysFrom(from, firsts.slice().reverse());
          assert.equal(ways.toMs(from), 0);
          assert.equal(ways.firstHop(from), undefined);
          assert.equal(ways.alternativeMs(from), Infinity);
          const costs = firsts.map((first) => ({ ...first, to: brute.costsMs(start, first) }));
          for (const to of left) {
            if (to === start) continue;
            const member = to.record.handle;
            const hops = [ways.firstHop(member), ways.alternativeHop(member)];
            const soonest = (of: typeof costs) => Math.min(...of.map((each) => each.to.get(to) ?? Infinity));
            const by = (hop: Handle | undefined) => soonest(costs.filter((each) => each.handle === hop));
            const others = costs.filter((each) => each.handle !== hops[0]);
            assert.equal(ways.toMs(member), soonest(costs));
            assert.equal(by(hops[0]), soonest(costs));
            assert.equal(ways.alternativeMs(member), soonest(others));
            assert.equal(by(hops[1]), soonest(others));
            assert.ok(hops[1] === undefined || hops[0] !== hops[1]);
            assert.deepEqual([otherWays.firstHop(member), otherWays.alternativeHop(member)], hops);
            assert.equal(otherWays.toMs(member), ways.toMs(member));
            assert.equal(otherWays.alternativeMs(member), ways.alternativeMs(member));
          }
        }
      }),
    );
  });

  test('the sooner of two ways by the links that are told is the soonest of all', () => {
    fc.assert(
      fc.property(anyMap, ({ left, map }) => {
        const brute = new Brute(left);
        for (const start of left) {
          const from = start.record.handle;
          const links = left.map((to) => ({ handle: to.record.handle, delayMs: brute.linkMs(start, to) }));
          const ways = map.waysFrom(from);
          const twoWays = map.twoWaysFrom(from, links);
          for (const { record: to } of left) assert.equal(twoWays.toMs(to.handle), ways.toMs(to.handle));
        }
      }),
    );
  });

  test('of equally soon ways that by the lowest handle is taken, whoever was told of first', () => {
    const between = [2, 3, 4].map((n) => record(n, { 1: 10, 5: 10 }));
    fc.assert(
      fc.property(fc.shuffledSubarray([2, 3, 4], { minLength: 3 }), fc.boolean(), (tags, isBetweenFirst) => {
        const links = tags.map((tag) => ({ tag, delayMs: told(10) }));
        const ends = [record(1, {}, { links }), record(5, {}, { links })];
        const map = mapOf(...(isBetweenFirst ? [...between, ...ends] : [...ends, ...between]));
        const own = tags.map((tag) => ({ handle: handle(tag), delayMs: told(10) }));
        const ways = map.twoWaysFrom(handle(1), own);
        assert.equal(ways.firstHop(handle(5)), 2);
        assert.equal(ways.alternativeHop(handle(5)), 3);
        assert.equal(ways.alternativeMs(handle(5)), ways.toMs(handle(5)));
        assert.deepEqual(map.treeAt(handle(1), handle(2)).children, [5]);
        assert.deepEqual(map.treeAt(handle(1), handle(3)).children, []);
      }),
    );
  });

  test('ways of the same delays are equally soon in whatever order they come', () => {
    for (let n = 1; n < 40; n++)
      for (let m = n + 1; m < 40; m++) {
        const near = record(1, { 2: n, 3: m });
        const map = mapOf(
          near,
          record(2, { 1: n, 4: m }),
          record(3, { 1: m, 4: n }),
          record(4, { 2: m, 3: n }),
        );
        assert.ok(map.treeAt(handle(1), handle(2)).children.includes(handle(4)), `${n} and ${m} ms`);
        assert.ok(map.treeAt(handle(4), handle(2)).children.includes(handle(1)), `${n} and ${m} ms`);
      }
  });

  test('whoever is reached hangs on one member, and everybody finds the same one', () => {
    // As the map does: no sum of these is rounded, so that equally soon ways are equal.
    const inTicks = (ms: number) => Math.round(ms * 1024) / 1024;
    fc.assert(
      fc.property(anyMap, ({ left, map, otherMap }) => {
        const brute = new Brute(left, inTicks);
        for (const start of left) {
          // Who passes nothing on sends its own voice to one all the same: another tree than that of soonest ways.
          if (start.record.slots === 0) continue;
          const source = start.record.handle;
          const costs = brute.costsMs(start);
          const costMs = (of: Told) => costs.get(of) ?? Infinity;
          const parents = new Map<Handle, Handle>();
          for (const { record: parent } of left) {
            const children = map.treeAt(source, parent.handle).children;
            assert.deepEqual(otherMap.treeAt(source, parent.handle).children, children);
            for (const child of children) {
              assert.ok(!parents.has(child));
              parents.set(child, parent.handle);
            }
          }
          for (const to of left) {
            const before = left.filter((from) => {
              const onMs = costMs(from) + (from === start ? 0 : RELAY_MS) + brute.stepMs(start, from, to);
              return to !== start && costMs(to) !== Infinity && onMs === costMs(to);
            });
            const handles = before.map(({ record: each }) => each.handle);
            const expected = handles.length === 0 ? undefined : Math.min(...handles);
            assert.equal(parents.get(to.record.handle), expected);
            assert.equal(expected === undefined, to === start || costMs(to) === Infinity);
            assertNear(map.waysFrom(source).toMs(to.record.handle), costMs(to), 0.01);
          }
        }
      }),
    );
  });

  test('nobody has more children than slots, and whoever can be reached within them has a way to the source', () => {
    const fewSlots = fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 8, maxLength: 8 });
    fc.assert(
      fc.property(anyMap, fewSlots, ({ left }, slots) => {
        const records = left.map(({ record: told }, n) => ({ ...told, slots: slots[n % 8] as number }));
        const map = new LinkMap(RELAY);
        left.forEach(({ tag }, n) => map.note(records[n] as LinkRecord, tag));
        const brute = new Brute(left);
        const roomOf = (each: Told, source: Handle) => {
          const own = slots[left.indexOf(each) % 8] as number;
          return each.record.handle === source ? Math.max(1, own) : own;
        };
        for (const { handle: source } of records) {
          const places = new Map(records.map(({ handle: each }) => [each, map.treeAt(source, each)]));
          const placeOf = ({ record: { handle: each } }: Told) => places.get(each) as TreePlace;
          for (const each of left) {
            const { parent, children, hops } = placeOf(each);
            assert.ok(children.length <= roomOf(each, source));
            for (const child of children) assert.equal(places.get(child)?.parent, each.record.handle);
            if (parent === undefined) continue;
            assert.ok(places.get(parent)?.children.includes(each.record.handle));
            assert.equal(hops, (places.get(parent)?.hops ?? NaN) + 1, 'so it ends at the source');
          }
          // Whoever is left out is linked to nobody in the tree who has room.
          const isIn = (each: Told) => each.record.handle === source || placeOf(each).parent !== undefined;
          for (const out of left.filter((each) => !isIn(each))) {
            for (const other of left.filter(isIn)) {
              if (brute.linkMs(out, other) === Infinity) continue;
              assert.equal(placeOf(other).children.length, roomOf(other, source));
            }
          }
        }
      }),
    );
  });

  test('a few long links are preferred to a chain of many short ones, though not before the chain is deep', () => {
    // 1 ── 2 ── … ── 9 by links of 5 ms; 1 ── 10 ── 9 by one of 20 and one of 25 ms
    const chain = [2, 3, 4, 5, 6, 7, 8].map((n) => record(n, { [n - 1]: 5, [n + 1]: 5 }));
    const ends = [record(1, { 2: 5, 10: 20 }), record(9, { 8: 5, 10: 25 }), record(10, { 1: 20, 9: 25 })];
    const parentOf9 = (relay: RelayCosts) => {
      const map = new LinkMap(relay);
      for (const each of [...chain, ...ends]) map.note(each, each.handle);
      return map.treeAt(handle(1), handle(9)).parent;
    };
    const relay = { relayMs: 0, deepMembers: 10, deepRelayMs: 0, deepestHops: 9, deepestMs: 100 };
    assert.equal(parentOf9(relay), handle(8));
    for (const deepestHops of [8, 7]) assert.equal(parentOf9({ ...relay, deepestHops }), handle(10));
    assert.equal(parentOf9({ ...relay, deepRelayMs: 2 }), handle(10), 'six relays more than the other way');
  });

  test('where slots are short who serves many comes before who is a little nearer and serves nobody', () => {
    // 1, with one slot, is linked to 2 (serves nobody) and 3 (serves two); 2, 3 and 4 to each other
    const slots = (n: number) => [0, 1, 0, 2, 0][n] as number;
    const links = { 1: { 2: 10, 3: 20 }, 2: { 1: 10, 3: 10 }, 3: { 1: 20, 2: 10, 4: 10 }, 4: { 3: 10 } };
    const map = mapOf(
      ...Object.entries(links).map(([n, each]) => record(Number(n), each, { slots: slots(Number(n)) })),
    );
    const places = (scarcity?: Scarcity) => [2, 3, 4].map((n) => map.treeAt(handle(1), handle(n), scarcity));
    const parents = (scarcity?: Scarcity) => places(scarcity).map(({ parent }) => parent);
    assert.deepEqual(parents(), [1, undefined, undefined]);
    assert.deepEqual(parents({ worthMs: 20, voices: 1 }), [3, 1, 3]);
    assert.deepEqual(
      places({ worthMs: 20, voices: 1 }).map(({ hops }) => hops),
      [2, 1, 2],
    );
  });

  test('all hear a source with one slot through the neighbour whose tree is the soonest, which passes on nothing else', () => {
    // 1, with one slot, is 5 ms from 2 (one slot for each of four voices) and 30 ms from 3 (nine slots); both lead to 4, 5 and 6
    const slots = (n: number) => [0, 1, 1, 9, 0, 0, 0][n] as number;
    const leaf = { 2: 10, 3: 10 };
    const links = {
      1: { 2: 5, 3: 30 },
      2: { 1: 5, 4: 10, 5: 10, 6: 10 },
      3: { 1: 30, 4: 10, 5: 10, 6: 10 },
      4: leaf,
      5: leaf,
      6: leaf,
    };
    const map = mapOf(
      ...Object.entries(links).map(([n, each]) => record(Number(n), each, { slots: slots(Number(n)) })),
    );
    const parents = (voices: number) =>
      [2, 3, 4, 5, 6].map((n) => map.treeAt(handle(1), handle(n), { worthMs: 20, voices }).parent);
    assert.deepEqual(parents(4), [1, undefined, 2, 2, 2], 'four copies of this one voice');
    assert.deepEqual(
      parents(1),
      [undefined, 1, 3, 3, 3],
      'with one copy it would leave out two of the three',
    );
  });

  test('tells how many copies members plan to pass on in the mean, however many a strong one could', () => {
    assert.equal(mapOf().meanFanOut(8), Infinity);
    const links = { 1: 10, 2: 10, 3: 10 };
    const map = mapOf(
      record(1, links, { slots: 2 }),
      record(2, links, { slots: 9 }),
      record(3, links, { slots: 0 }),
    );
    assert.equal(map.meanFanOut(8), (2 + 8 + 0) / 3);
  });

  test('nobody hangs on strangers, or in the tree of one', () => {
    const map = mapOf(record(1, { 2: 10 }), record(2, { 1: 10 }));
    assert.deepEqual(map.treeAt(handle(1), handle(1)).children, [2]);
    assert.deepEqual(map.treeAt(handle(1), handle(3)).children, []);
    assert.deepEqual(map.treeAt(handle(3), handle(1)).children, []);
  });
});
