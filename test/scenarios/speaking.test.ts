import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_OVERLAY_CONFIG } from '../../src/overlay/config.js';
import { handleOf, type MemberId } from '../../src/units.js';
import { everybodyKnowsEverybody } from '../simulation/invariants.js';
import { syntheticLatencies, uniformLatencies } from '../simulation/network.js';
import { seededRandom } from '../simulation/random.js';
import { Simulation } from '../simulation/simulation.js';
import { Watch } from '../simulation/watch.js';
import { assertHeardAll, childrenOf, parentOf, settle, settledRoom } from './rooms.js';

/** What one copy takes of an upload given in kbit/s, and really of the line, with all headers. */
const COPY_KBPS = DEFAULT_OVERLAY_CONFIG.copyKbps;
const LINE_KBPS_A_COPY = 84;

describe('speaking', () => {
  // s ─► r ─► a      nobody has said anything yet; the tree is there and carries nothing
  test('first words are heard from the first frame on, by everybody, and silence costs no copy', () => {
    for (const seed of [1, 2, 3]) {
      const room = settledRoom({ seed, members: 9, limits: { uploadSlots: 2 } });
      const { simulation, members } = room;
      // Children that gave way to nearer ones look for better places every second and a half.
      simulation.run(8000);
      assert.equal(simulation.voiceCopies, 0);
      const source = members[4]!;
      source.speak(400);
      simulation.run(2000);
      assertHeardAll(
        source,
        members.filter((member) => member !== source),
      );
      assert.equal(
        simulation.voiceCopies,
        source.frames.length * (members.length - 1),
        'one copy a listener',
      );
    }
  });

  // s s s s      four speak at once over lines that carry 0, 4, 12 and 40 copies of a voice, all voices together
  test('where uploads are short nobody sends more than its line carries, and all hear all four in time', () => {
    const lines = [0, 4, 0, 12, 4, 0, 12, 4, 0, 40];
    for (const seed of [1, 2]) {
      const simulation = new Simulation({ seed, latencies: syntheticLatencies(30, seededRandom(seed)) });
      const members = Array.from({ length: 30 }, (_, i) => {
        const copies = lines[i % lines.length]!;
        const limits = { maxLinks: 32, uploadSlots: Math.min(32, copies), uploadKbps: copies * COPY_KBPS };
        simulation.run(100);
        return simulation.join({ limits, uplinkKbps: Math.max(1000, copies * LINE_KBPS_A_COPY) });
      });
      simulation.run(30_000);
      const speakers = [members[0]!, members[7]!, members[13]!, members[22]!];
      for (const speaker of speakers) speaker.speak(8000);
      simulation.run(4000);
      for (const member of members) member.clearHeard();
      simulation.run(3000);
      for (const member of members) {
        const { uploadKbps } = member.facts.limits;
        const copies = speakers.reduce((sum, speaker) => sum + childrenOf(member, speaker).length, 0);
        const carries = Math.max(speakers.includes(member) ? 1 : 0, uploadKbps / COPY_KBPS);
        assert.ok(
          copies <= carries,
          `${member.facts.index} sends ${copies} copies, its line carries ${carries}`,
        );
        for (const speaker of speakers) {
          if (member === speaker) continue;
          const heard = member.heardOf(speaker);
          const sentence = `${member.facts.index} heard of ${speaker.facts.index}`;
          // 150 frames in three seconds; the last ones may still be on their way.
          assert.ok(heard.frames >= 135, `${heard.frames} frames ${sentence}`);
          const delayMs = heard.delaySumMs / heard.frames;
          assert.ok(delayMs < 400, `after ${delayMs} ms ${sentence}`);
        }
      }
    }
  });

  // d ─► p      d ─► d ─► p      phones hear and pass nothing on
  test('a phone among desktops hears all, speaks to all and relays nobody', () => {
    for (const seed of [1, 2, 3]) {
      const simulation = new Simulation({ seed, latencies: syntheticLatencies(8, seededRandom(seed)) });
      const phone = simulation.join({ limits: { maxLinks: 6, uploadSlots: 0 } });
      const desktops = Array.from({ length: 6 }, () => simulation.join({ limits: { uploadSlots: 3 } }));
      const members = [phone, ...desktops];
      settle({ simulation, members });
      for (const member of members) member.speak(500);
      simulation.run(2500);
      for (const source of members)
        assertHeardAll(
          source,
          members.filter((member) => member !== source),
        );
      for (const source of desktops) assert.deepEqual(childrenOf(phone, source), []);
      assert.equal(childrenOf(phone, phone).length, 1, 'its own voice has one copy');
    }
  });

  // s ─► r ─► a        r is gone: a has only b's word for a way, and b only a's
  //      └──► b
  test('two that turn to each other at the same moment do not wait for each other', () => {
    let happened = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const simulation = new Simulation({ seed, latencies: uniformLatencies(8, 30) });
      const watch = new Watch(simulation);
      const source = simulation.join({ limits: { uploadSlots: 1 } });
      simulation.run(300);
      const relay = simulation.join({ limits: { uploadSlots: 2 } });
      simulation.run(1000);
      const pair = [0, 1].map(() => simulation.join({ limits: { uploadSlots: 1 } }));
      settle({ simulation, members: [source, relay, ...pair] });
      if (pair.some((member) => parentOf(member, source) !== relay.id)) continue;
      happened++;
      source.speak(6000);
      simulation.run(1000);
      relay.crash();
      simulation.run(7000);
      assert.deepEqual(watch.breaches, []);
      for (const member of pair) {
        const { worstGapMs } = member.heardOf(source);
        assert.ok(
          worstGapMs < 2500,
          `seed ${seed}: ${worstGapMs} ms of silence although the source had a slot`,
        );
      }
      settle({ simulation, members: [source, ...pair] });
    }
    assert.ok(happened >= 2, 'both must have hung on the relay');
  });

  // two members, four bytes of id alike: on the wire they are one name
  test('of two members with one handle the lower id is heard, and the room stays whole', () => {
    const simulation = new Simulation({ seed: 5, latencies: syntheticLatencies(8, seededRandom(5)) });
    const watch = new Watch(simulation);
    const others = Array.from({ length: 4 }, () => simulation.join());
    const [lower, higher] = ['aabbccdd00', 'aabbccdd11'].map((start) =>
      simulation.join({ id: start.padEnd(32, '0') as MemberId }),
    ) as [(typeof others)[0], (typeof others)[0]];
    assert.equal(lower.handle, handleOf(higher.id));
    simulation.run(6000);
    assert.deepEqual(everybodyKnowsEverybody(simulation), []);
    for (const member of [...others, lower]) member.speak(500);
    simulation.run(2000);
    for (const source of [...others, lower]) {
      const listeners = [...others, lower].filter((member) => member !== source);
      assertHeardAll(source, listeners);
    }
    assert.deepEqual(watch.breaches, []);
    for (const source of others) assertHeardAll(source, [higher]);
  });
});
