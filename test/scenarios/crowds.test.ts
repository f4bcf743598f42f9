import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { hopTag } from '../../src/overlay/core.js';
import { everybodyKnowsEverybody } from '../simulation/invariants.js';
import { syntheticLatencies } from '../simulation/network.js';
import { seededRandom } from '../simulation/random.js';
import { Simulation } from '../simulation/simulation.js';
import { Watch } from '../simulation/watch.js';
import { assertHeardAll, fill, settle, settledRoom } from './rooms.js';

describe('crowds', () => {
  // ·    ∴    ⁘⁘⁘⁘      nobody, then thirty within a second and a half, and one of them is talking
  test('a flash crowd hears the speaker within a second of its first link', () => {
    const simulation = new Simulation({ seed: 17, latencies: syntheticLatencies(30, seededRandom(17)) });
    const watch = new Watch(simulation);
    const source = simulation.join({ limits: { maxLinks: 8 } });
    source.speak(12_000);
    const firstLinkMs = new Map<string, number>();
    const firstFrameMs = new Map<string, number>();
    const { afterEvent } = simulation;
    simulation.afterEvent = (member) => {
      afterEvent?.(member);
      if (member.links.size > 0 && !firstLinkMs.has(member.id)) firstLinkMs.set(member.id, simulation.nowMs);
    };
    simulation.onPlay = (listener) => {
      if (!firstFrameMs.has(listener.id)) firstFrameMs.set(listener.id, simulation.nowMs);
    };
    for (let i = 1; i < 30; i++) simulation.at(i * 50, () => simulation.join({ limits: { maxLinks: 8 } }));
    simulation.run(9000);
    const waits = simulation
      .alive()
      .filter((member) => member !== source)
      .map((member) => firstFrameMs.get(member.id)! - firstLinkMs.get(member.id)!)
      .sort((a, b) => a - b);
    assert.equal(waits.length, 29);
    assert.ok(waits[27]! <= 1000, `the slowest but one waited ${waits[27]} ms`);
    assert.deepEqual(everybodyKnowsEverybody(simulation), []);
    assert.deepEqual(watch.breaches, []);
  });

  //  o─o   o─o     everybody counts as many as are told of everything more rarely
  //   ╲│   │╱      who had room for another link tells of it, though none goes for it
  //    o···o
  test('in a very large room all hear of links that cost no other one', () => {
    const simulation = new Simulation({
      seed: 5,
      latencies: syntheticLatencies(48, seededRandom(5)),
      config: { pacedMembers: 24 },
    });
    const told = new Map<number, Set<number>>();
    simulation.onControlSent = (from, _, message) => {
      const own = told.get(from.handle) ?? new Set();
      told.set(from.handle, own);
      if (message.type === 'link-records')
        for (const { handle, links } of message.records) {
          if (handle !== from.handle) continue;
          own.clear();
          for (const { tag } of links) own.add(tag);
        }
      if (message.type !== 'link-changes') return;
      for (const { handle, gone, set } of message.changes) {
        if (handle !== from.handle) continue;
        for (const tag of gone) own.delete(tag);
        for (const { tag } of set) own.add(tag);
      }
    };
    for (let i = 0; i < 48; i++) simulation.at(i * 50, () => simulation.join({ limits: { maxLinks: 8 } }));
    simulation.run(32_000);
    const since = simulation.nowMs - 8000;
    const untold: string[] = [];
    let counted = 0;
    for (const member of simulation.alive())
      for (const { peerId } of member.engine.view().links) {
        const far = simulation.members.get(peerId)!;
        if (!(member.links.get(peerId)!.openedAtMs < since)) continue;
        counted++;
        if (!told.get(member.handle)?.has(hopTag(far.id)))
          untold.push(`${member.facts.index} of ${far.facts.index}`);
      }
    assert.ok(counted > 300, `${counted} links`);
    assert.deepEqual(untold, []);
  });

  // o o │ o o        the line between two halves is cut while somebody speaks, and mended
  // o s │ o o
  test('a room cut in two goes on as two rooms, and becomes one again', () => {
    for (const [cutMs, maxLinks] of [
      [800, 16],
      [4000, 16],
      [15_000, 16],
      [15_000, 4],
    ] as const) {
      const room = settledRoom({ seed: 23, members: 10, limits: { maxLinks } });
      const { simulation, members } = room;
      const watch = new Watch(simulation);
      const source = members[1]!;
      source.speak(cutMs + 4000);
      simulation.run(500);
      simulation.partition = (place) => place % 2;
      simulation.run(cutMs);
      const near = members.filter((member) => member.place % 2 === source.place % 2 && member !== source);
      for (const member of near) {
        const heard = member.heardOf(source);
        assert.ok(simulation.nowMs - heard.lastMs < 200, 'the own half hears on');
      }
      simulation.partition = undefined;
      settle(room, 30_000);
      assert.deepEqual(watch.breaches, []);
    }
  });

  test('a short cut, over before anybody is missed, throws nobody out', () => {
    const room = settledRoom({ seed: 29, members: 6 });
    const { simulation, members } = room;
    // All voices are served before the last links stand.
    assert.ok(simulation.runUntilTrue(() => members.every(({ links }) => links.size === 5), 3000));
    const linkUps = members.map((member) => member.linkUps);
    simulation.partition = (place) => place % 2;
    simulation.run(600);
    simulation.partition = undefined;
    simulation.run(500);
    settle(room, 1000);
    assert.deepEqual(
      members.map((member) => member.linkUps),
      linkUps,
      'no link was made anew',
    );
  });

  // ⁘⁘⁘⁘ ⟳      news of links takes as long as in a room nine times the size: maps lag behind, and everybody is there
  test('in a very large room nobody is sought across a gap that is only on the map', () => {
    let sought = 0;
    for (const seed of [1, 2, 3]) {
      const { simulation, members } = fill({
        seed,
        members: 120,
        everyMs: 20,
        limits: { maxLinks: 8 },
        config: { pacedMembers: 13 },
      });
      simulation.runUntil(15_000);
      // Where a way is known members speak by handles.
      simulation.onControlSent = (_from, _to, { type }) => {
        if (type === 'signal') sought++;
      };
      simulation.runUntil(30_000);
      const [source, ...others] = members;
      source!.speak(2000);
      simulation.run(3000);
      assertHeardAll(source!, others);
    }
    assert.ok(sought < 300, `${sought} signals`);
  });
});
