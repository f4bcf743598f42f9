import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { everybodyKnowsEverybody } from '../simulation/invariants.js';
import type { Lies } from '../simulation/lies.js';
import type { SimulatedMember } from '../simulation/member.js';
import { busiestRelay, parentOf, settledRoom, type Room } from './rooms.js';

/** Member 0 speaks for ten seconds; one second in, its busiest relay begins to lie. */
function lyingRelay(seed: number, lies: Lies): { room: Room; honest: SimulatedMember[] } {
  const room = settledRoom({
    seed,
    members: 9,
    limits: { uploadSlots: 2 },
    conditions: { voiceSigned: true },
  });
  const source = room.members[0]!;
  room.simulation.run(1000);
  source.speak(10_000);
  room.simulation.run(1000);
  const liar = busiestRelay(room, source);
  liar.lie(lies);
  room.simulation.run(2000);
  // Its offers are the best there are: now and then it is tried, beside the old parent.
  let misled = 0;
  for (let waitedMs = 0; waitedMs < 6000; waitedMs += 100) {
    room.simulation.run(100);
    for (const member of room.members) if (parentOf(member, source) === liar.id) misled++;
  }
  assert.ok(misled <= 0.15 * 60 * 7, `hung on the liar for ${misled} of 420 looks`);
  room.simulation.run(3000);
  return { room, honest: room.members.filter((member) => member !== source && member !== liar) };
}

describe('lying', () => {
  // s ─► l ─✕─► a      l says it sits beside s, has room for all, and passes nothing on
  test('a relay that drops what it should pass on loses its children within a moment', () => {
    for (const seed of [1, 2, 3, 4]) {
      const { room, honest } = lyingRelay(seed, { dropsVoice: true, claimsNearness: true });
      const source = room.members[0]!;
      for (const member of honest) {
        const { frames, worstGapMs } = member.heardOf(source);
        assert.ok(frames >= 0.99 * source.frames.length, `${frames} of ${source.frames.length}`);
        assert.ok(worstGapMs < 600, `a gap of ${worstGapMs} ms`);
      }
    }
  });

  test('frames that a relay made up are heard by nobody, and it is avoided like one that drops', () => {
    const { room, honest } = lyingRelay(2, { forgesVoice: true, claimsNearness: true });
    const source = room.members[0]!;
    assert.ok(honest.some((member) => member.forgedRefused > 0));
    for (const member of honest) {
      assert.equal(member.forgedHeard, 0);
      assert.ok(member.heardOf(source).frames >= 0.99 * source.frames.length);
    }
  });

  test('entries that were forged or long outdated change no roster', () => {
    const room = settledRoom({ seed: 6, members: 8 });
    const { simulation, members } = room;
    members[3]!.lie({ forgesEntries: true, replaysEntries: true });
    for (let i = 0; i < 4; i++) simulation.join();
    simulation.run(6000);
    members[5]!.leave();
    simulation.run(4000);
    assert.deepEqual(everybodyKnowsEverybody(simulation), []);
    for (const member of simulation.alive())
      for (const entry of member.engine.view().members) assert.ok(entry.version < 0x7fff_0000);
  });
});
