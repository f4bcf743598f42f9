import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { SimulatedMember } from '../simulation/member.js';
import { atRest } from '../simulation/invariants.js';
import { syntheticLatencies, uniformLatencies } from '../simulation/network.js';
import { seededRandom } from '../simulation/random.js';
import { Simulation } from '../simulation/simulation.js';
import { Watch } from '../simulation/watch.js';
import { assertHeardAll, busiestRelay, childrenOf, fill, parentOf, settle, settledRoom } from './rooms.js';

const SEEDS = [1, 2, 3, 4, 5, 6];

describe('blocking', () => {
  // s ─► r ─► a      r blocks s: nothing of s reaches r later than one round trip, a hears on
  test('a relay that blocks the speaker is out of the tree at once; whoever heard through it hears on', () => {
    for (const seed of SEEDS) {
      const room = settledRoom({ seed, members: 8, limits: { uploadSlots: 2 } });
      const { simulation, members } = room;
      const source = members[0]!;
      simulation.run(1000);
      source.speak(6000);
      simulation.run(2000);
      const relay = busiestRelay(room, source);
      const parent = members.find((member) => member.id === parentOf(relay, source))!;
      const roundTripMs = 2 * simulation.oneWayMs(relay, parent);
      relay.block(source);
      simulation.run(6000);
      const others = members.filter((member) => member !== source && member !== relay);
      assertHeardAll(source, others);
      for (const other of others) assert.ok(other.heardOf(source).worstGapMs < 400);
      for (const { afterMs } of relay.blockedArrivals)
        assert.ok(afterMs <= roundTripMs + 2, `${afterMs} > ${roundTripMs}`);
      assert.deepEqual(childrenOf(relay, source), []);
      settle(room, 3000);
    }
  });

  test('unblocking restores the voice', () => {
    const room = settledRoom({ seed: 4, members: 6 });
    const [source, blocker] = [room.members[0]!, room.members[1]!];
    blocker.block(source);
    settle(room, 3000);
    assert.equal(parentOf(blocker, source), undefined);
    blocker.unblock(source);
    room.simulation.run(1000);
    source.speak(1000);
    room.simulation.run(2000);
    assertHeardAll(source, [blocker]);
    settle(room, 3000);
  });

  test('everybody blocks one: nobody hears it, all else goes on', () => {
    const room = settledRoom({ seed: 5, members: 7, limits: { uploadSlots: 2 } });
    const source = room.members[0]!;
    for (const member of room.members.slice(1)) member.block(source);
    room.simulation.run(1500);
    source.speak(2000);
    room.simulation.run(3000);
    for (const member of room.members.slice(1)) assert.equal(member.heardOf(source).frames, 0);
    assert.deepEqual(atRest(room.simulation), []);
  });

  test('two halves block each other: each half hears itself', () => {
    const room = settledRoom({ seed: 6, members: 8 });
    const [left, right] = [room.members.slice(0, 4), room.members.slice(4)];
    for (const a of left) {
      for (const b of right) {
        a.block(b);
        b.block(a);
      }
    }
    settle(room, 5000);
  });

  test("a block holds for every member of one identity, and one's own other tab cannot be blocked", () => {
    const room = settledRoom({ seed: 7, members: 5 });
    const { simulation, members } = room;
    const [a, b] = [members[0]!, members[1]!];
    b.block(a);
    const tab = simulation.join({ identity: a.identity });
    settle(room, 8000);
    assert.equal(parentOf(b, tab), undefined);
    a.input({ type: 'block', identity: a.identity });
    simulation.run(1000);
    assert.notEqual(parentOf(a, tab), undefined);
  });

  // whoever relays blocks, all in one instant: what is left must find a way by itself
  test('the strong members all block: the weak ones go on without them', () => {
    for (const seed of [1, 2, 3]) {
      const simulation = new Simulation({ seed, latencies: syntheticLatencies(12, seededRandom(seed)) });
      const watch = new Watch(simulation);
      const strong = Array.from({ length: 3 }, () => simulation.join({ limits: { uploadSlots: 8 } }));
      const weak = Array.from({ length: 6 }, () => simulation.join({ limits: { uploadSlots: 1 } }));
      const members = [...strong, ...weak];
      settle({ simulation, members });
      const source = weak[0]!;
      source.speak(8000);
      simulation.run(1000);
      for (const member of strong) member.block(source);
      simulation.run(3000);
      for (const member of weak.slice(1)) {
        const heard = member.heardOf(source);
        assert.ok(simulation.nowMs - heard.lastMs < 200, 'served again within three seconds');
      }
      settle({ simulation, members }, 5000);
      assert.deepEqual(watch.breaches, []);
    }
  });

  // s │ b b b b b b      every link of s leads to somebody who blocks it; two that do not are linked to others
  test('one whom nearly all block makes room for those who want to hear it', () => {
    for (const seed of [1, 2, 3]) {
      const room = settledRoom({ seed, members: 16, limits: { maxLinks: 5 } });
      const { simulation, members } = room;
      simulation.run(4000);
      const source = members[2]!;
      const faithful = members
        .filter((member) => member !== source && !member.links.has(source.id))
        .slice(0, 2);
      source.speak(12_000);
      simulation.run(1000);
      for (const member of members) if (member !== source && !faithful.includes(member)) member.block(source);
      simulation.run(6000);
      for (const member of faithful) {
        const heard = member.heardOf(source);
        assert.ok(simulation.nowMs - heard.lastMs < 300, 'it hears the source again');
      }
    }
  });

  // s │ b b b b b b      all links of s lead to members that block it, and so do half of the others, at one moment
  test('one whom all neighbours block is heard again by the others within two seconds', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { simulation, members } = fill({ seed, members: 40, limits: { maxLinks: 8 }, everyMs: 50 });
      simulation.run(12_000);
      const source = members[2]!;
      const strangers = members.filter((member) => member !== source && !member.links.has(source.id));
      const listeners = strangers.filter((_, i) => i % 2 === 0);
      source.speak(6000);
      simulation.run(1000);
      for (const member of members)
        if (member !== source && !listeners.includes(member)) member.block(source);
      const blockedMs = simulation.nowMs;
      const servedMs = new Map<SimulatedMember, number>();
      simulation.onPlay = (listener, _source, _from, _sequence, _hopLimit, sentMs) => {
        if (sentMs > blockedMs && !servedMs.has(listener)) servedMs.set(listener, simulation.nowMs);
      };
      simulation.run(2000);
      for (const member of listeners)
        assert.ok(servedMs.has(member), `seed ${seed}: ${member.facts.index} hears nothing`);
      for (const member of members)
        assert.ok(member.engine.view().links.length <= 12, 'links are exceeded for a hand-over only');
    }
  });

  // s ─► b ─► c ─► d     one copy each; b blocks s, and c and d look for a place at the same moment
  test('those below a blocker find their places without waiting for each other, however messages cross', () => {
    for (let seed = 60; seed < 100; seed++) {
      const simulation = new Simulation({
        seed,
        latencies: uniformLatencies(4, 2),
        conditions: { jitterMs: 30 },
      });
      const members = Array.from({ length: 4 }, () => {
        simulation.run(150);
        return simulation.join({ limits: { uploadSlots: 1 } });
      });
      simulation.run(6000 + seed * 37);
      for (const source of members) {
        const blocker = members.find((member) => member !== source && childrenOf(member, source).length > 0);
        if (!blocker) continue;
        source.speak(6000);
        simulation.run(2000);
        for (const member of members) member.clearHeard();
        blocker.block(source);
        simulation.run(3000);
        for (const listener of members) {
          if (listener === source || listener === blocker) continue;
          const { worstGapMs, lastMs } = listener.heardOf(source);
          const gapMs = Math.max(worstGapMs, simulation.nowMs - lastMs);
          assert.ok(gapMs <= 500, `seed ${seed}: ${gapMs} ms without a word`);
        }
        blocker.unblock(source);
        simulation.run(4000);
      }
    }
  });

  test('a storm of blocks and unblocks settles', () => {
    const room = settledRoom({ seed: 8, members: 7, limits: { uploadSlots: 2 } });
    const { simulation, members } = room;
    for (let i = 0; i < 60; i++) {
      const a = members[Math.floor(simulation.random() * members.length)]!;
      const b = members[Math.floor(simulation.random() * members.length)]!;
      if (a === b) continue;
      if (a.blockedSince.has(b.identity)) a.unblock(b);
      else a.block(b);
      simulation.run(50);
    }
    for (const a of members) for (const b of members) if (a.blockedSince.has(b.identity)) a.unblock(b);
    settle(room, 8000);
  });
});
