import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { toHex, type MemberId } from '../../src/units.js';
import { atRest, everybodyKnowsEverybody, linksAreKept } from '../simulation/invariants.js';
import { syntheticLatencies, uniformLatencies } from '../simulation/network.js';
import { seededRandom } from '../simulation/random.js';
import { Simulation } from '../simulation/simulation.js';
import { assertHeardAll, busiestRelay, fill, settle, settledRoom, type Room } from './rooms.js';

const SEEDS = [1, 2, 3, 4, 5];

function everybodySpeaks(room: Room): void {
  for (const member of room.members) member.speak(1000);
  room.simulation.run(2500);
  for (const source of room.members)
    assertHeardAll(
      source,
      room.members.filter((member) => member !== source),
    );
}

/** Whether these are the bytes of a member's entry: its id follows the version. */
const isOf = (entry: Uint8Array, member: MemberId): boolean => toHex(entry.subarray(1, 17)) === member;

describe('joining', () => {
  // 1 ── 2      each newcomer knows only who answers the doorbell,
  //  \  /       and ends with a link to everybody
  //   3
  test('a small room becomes a full mesh in which all hear all, joined one by one or at once', () => {
    for (const everyMs of [500, 5]) {
      const room = settledRoom({ seed: 7, members: 8, everyMs });
      room.simulation.run(3000);
      for (const member of room.members) assert.equal(member.links.size, 7);
      everybodySpeaks(room);
    }
  });

  // a ═══ b     each answers the other's first heartbeat at once
  test('both ends of a new link know how long it is within a round trip', () => {
    const simulation = new Simulation({ seed: 3, latencies: uniformLatencies(2, 150) });
    const members = [simulation.join(), simulation.join()];
    assert.ok(simulation.runUntilTrue(() => members.every(({ links }) => links.size === 1), 5000, 1));
    simulation.run(302);
    for (const { engine } of members)
      assert.deepEqual(
        engine.view().links.map(({ rttMs }) => Math.round(rttMs)),
        [300],
      );
  });

  // s ─► a ─► b ─► c ─► d     one copy each: every voice travels along a chain
  test('five members that send one copy each form chains, and all hear all', () => {
    for (const seed of SEEDS) {
      for (const everyMs of [500, 10]) {
        const room = settledRoom({ seed, members: 5, limits: { uploadSlots: 1 }, everyMs });
        busiestRelay(room, room.members[0]!);
        everybodySpeaks(room);
      }
    }
  });

  // six dots, three lines at each
  test('six members with three links each: the sixth is spliced in although five are full', () => {
    for (const seed of SEEDS) {
      for (const everyMs of [500, 10]) {
        const room = settledRoom({ seed, members: 6, limits: { maxLinks: 3 }, everyMs });
        everybodySpeaks(room);
      }
    }
  });

  // o─o─o─o      two links each: the only connected graph without ends
  // └─o─o─o┘     is one ring
  test('eight members with two links each end in one ring', () => {
    for (const seed of SEEDS) {
      const room = settledRoom({ seed, members: 8, limits: { maxLinks: 2 }, everyMs: 400 });
      room.simulation.run(5000);
      for (const member of room.members) assert.equal(member.links.size, 2);
      everybodySpeaks(room);
      assert.deepEqual(linksAreKept(room.simulation), []);
    }
  });

  test('a room never holds more links than allowed but for the length of a hand-over', () => {
    const room = fill({ seed: 3, members: 7, limits: { maxLinks: 3 } });
    for (let i = 0; i < 100; i++) {
      room.simulation.run(100);
      // One extra for a newcomer, and the old ones that still deliver after their goodbye.
      assert.deepEqual(linksAreKept(room.simulation, 3), []);
    }
    assert.deepEqual(linksAreKept(room.simulation), []);
  });

  // o o o        o o o
  //  \|/   ═══    \|/     two groups that never met, then one doorbell pipe
  test('two groups that meet over one pipe become one room', () => {
    for (const maxLinks of [16, 3]) {
      const simulation = new Simulation({ seed: 11, latencies: syntheticLatencies(10, seededRandom(11)) });
      simulation.partition = (place) => (place < 5 ? 0 : 1);
      const members = Array.from({ length: 10 }, () => simulation.join({ limits: { maxLinks } }));
      simulation.run(8000);
      for (const half of [members.slice(0, 5), members.slice(5)])
        assert.deepEqual(everybodyKnowsEverybody(simulation, half), []);
      simulation.partition = undefined;
      simulation.pipe(members[0]!, members[5]!);
      settle({ simulation, members }, 25_000);
    }
  });

  // twenty with eight links each, then six: what the large room told of their links is out of date
  test('those who stay behind when a large room empties become a full mesh', () => {
    for (const seed of [3, 5, 6]) {
      const { simulation, members } = fill({ seed, members: 20, limits: { maxLinks: 8 } });
      simulation.run(20_000);
      const stayed = members.slice(0, 6);
      for (const member of members.slice(6)) member.leave();
      simulation.run(15_000);
      const links = stayed.map((member) => member.engine.view().links.length);
      assert.deepEqual(links, [5, 5, 5, 5, 5, 5], `seed ${seed}`);
    }
  });

  // ∴∵∴ ◄── n     what it is told is no news to anybody
  test('a newcomer learns of everybody, and passes on no entry but its own', () => {
    for (const seed of SEEDS) {
      const { simulation } = fill({ seed, members: 24, limits: { maxLinks: 8 }, everyMs: 50 });
      simulation.run(10_000);
      const newcomer = simulation.join({ limits: { maxLinks: 8 } });
      let others = 0;
      simulation.onControlSent = (from, _to, message) => {
        if (from !== newcomer || message.type !== 'entries') return;
        others += message.entries.filter((entry) => !isOf(entry, newcomer.id)).length;
      };
      const knows = (): boolean => newcomer.engine.view().members.length === 25;
      assert.ok(simulation.runUntilTrue(knows, 5000, 50), 'it knows everybody');
      simulation.run(2000);
      // Who joined last may have told new versions of itself meanwhile, which are news.
      assert.ok(others <= 6, `${others} entries of others`);
    }
  });

  test('pairs whose networks cannot connect hear each other through others', () => {
    const room = settledRoom({ seed: 5, members: 8, conditions: { unconnectable: 0.3 } });
    everybodySpeaks(room);
  });

  test('jitter and loss delay the room, nothing more', () => {
    const room = settledRoom({ seed: 9, members: 7, conditions: { jitterMs: 15, loss: 0.05 } });
    assert.deepEqual(atRest(room.simulation), []);
  });

  test('one seed, one run', () => {
    const trace = (): unknown => {
      const { simulation, members } = fill({ seed: 21, members: 6, conditions: { jitterMs: 5, loss: 0.02 } });
      members[0]!.speak(2000);
      simulation.run(4000);
      return [
        simulation.eventsRun,
        simulation.controlBytes,
        simulation.voiceCopies,
        members.map((m) => m.heardOf(members[0]!).delaySumMs),
      ];
    };
    assert.deepEqual(trace(), trace());
  });
});
