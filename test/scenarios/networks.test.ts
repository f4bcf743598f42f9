import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { reachable } from '../simulation/invariants.js';
import { syntheticLatencies } from '../simulation/network.js';
import { seededRandom } from '../simulation/random.js';
import { Simulation } from '../simulation/simulation.js';
import { Watch } from '../simulation/watch.js';
import { assertHeardAll, settle, settledRoom } from './rooms.js';

describe('networks', () => {
  // one open, the others behind symmetric NATs: only the open one can be linked to
  test('who sits behind a symmetric NAT hears the others through whoever is open', () => {
    const simulation = new Simulation({ seed: 3, latencies: syntheticLatencies(8, seededRandom(3)) });
    const open = simulation.join({ nat: 'open' });
    const hidden = Array.from({ length: 5 }, () => simulation.join({ nat: 'symmetric' }));
    const members = [open, ...hidden];
    settle({ simulation, members }, 30_000);
    for (const member of hidden) assert.deepEqual([...member.links.keys()], [open.id]);
    for (const member of members) member.speak(400);
    simulation.run(2000);
    for (const source of members)
      assertHeardAll(
        source,
        members.filter((member) => member !== source),
      );
    hidden[0]!.block(open);
    open.block(hidden[1]!);
    assert.equal(reachable(simulation, hidden[1]!, members).size, 1, 'its only relay blocks it');
    settle({ simulation, members }, 5000);
  });

  // losses in runs of a tenth of a second, each link for itself
  test('bursts of loss cost frames, not the tree', () => {
    const bursts = { everyMs: 4000, lengthMs: 100, loss: 0.8 };
    const room = settledRoom({ seed: 5, members: 8, limits: { uploadSlots: 2 }, conditions: { bursts } });
    const { simulation, members } = room;
    const watch = new Watch(simulation);
    const source = members[0]!;
    source.speak(20_000);
    simulation.run(22_000);
    for (const listener of members.slice(1)) {
      const { frames, duplicates, worstGapMs } = listener.heardOf(source);
      assert.equal(duplicates, 0);
      assert.ok(frames > 0.95 * source.frames.length, `${frames} of ${source.frames.length}`);
      assert.ok(worstGapMs < 800, `a gap of ${worstGapMs} ms`);
    }
    assert.deepEqual(watch.breaches, []);
  });

  // clocks that began anywhere and run too fast or too slow by a thousandth
  test('clocks that disagree change nothing', () => {
    const simulation = new Simulation({ seed: 8, latencies: syntheticLatencies(8, seededRandom(8)) });
    const watch = new Watch(simulation);
    const members = Array.from({ length: 7 }, (_, i) =>
      simulation.join({
        limits: { uploadSlots: 2 },
        clock: { offsetMs: (i - 3) * 3_600_000 + 10_800_000, driftPpm: (i - 3) * 300 },
      }),
    );
    settle({ simulation, members });
    const source = members[2]!;
    source.speak(4000);
    simulation.run(2000);
    members[5]!.crash();
    simulation.run(4000);
    const others = members.filter((member) => member !== source && member.alive);
    assertHeardAll(source, others);
    for (const listener of others) assert.ok(listener.heardOf(source).worstGapMs < 400);
    settle({ simulation, members }, 5000);
    assert.deepEqual(watch.breaches, []);
  });

  // every fifth message comes twice, and none in order
  test('messages that come twice and out of order are played once', () => {
    const room = settledRoom({
      seed: 4,
      members: 8,
      limits: { uploadSlots: 2 },
      conditions: { jitterMs: 25, duplication: 0.2 },
    });
    const { simulation, members } = room;
    const watch = new Watch(simulation);
    members[0]!.startSequenceAt(0xffff_ffff - 40);
    members[0]!.speak(4000);
    simulation.run(6000);
    assertHeardAll(members[0]!, members.slice(1));
    assert.deepEqual(watch.breaches, []);
  });
});
