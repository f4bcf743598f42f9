/** Rooms for scenarios: how they fill, and when they count as settled. */

import assert from 'node:assert/strict';
import type { OverlayConfig } from '../../src/overlay/config.js';
import type { SimulatedMember } from '../simulation/member.js';
import { atRest } from '../simulation/invariants.js';
import { syntheticLatencies, type NetworkConditions } from '../simulation/network.js';
import { seededRandom } from '../simulation/random.js';
import { Simulation, type MemberOptions } from '../simulation/simulation.js';

export interface RoomOptions {
  readonly seed: number;
  readonly members: number;
  readonly limits?: MemberOptions['limits'];
  /** Between two joins, ms. */
  readonly everyMs?: number;
  readonly conditions?: Partial<NetworkConditions>;
  readonly config?: Partial<OverlayConfig>;
}

export interface Room {
  readonly simulation: Simulation;
  readonly members: readonly SimulatedMember[];
}

/** A room that members entered one after the other; not yet settled. */
export function fill({ seed, members, limits, everyMs = 200, conditions, config }: RoomOptions): Room {
  const simulation = new Simulation({
    seed,
    latencies: syntheticLatencies(members + 8, seededRandom(seed)),
    ...(conditions ? { conditions } : {}),
    ...(config ? { config } : {}),
  });
  const joined: SimulatedMember[] = [];
  for (let i = 0; i < members; i++) {
    simulation.at(i * everyMs, () => joined.push(simulation.join(limits ? { limits } : {})));
  }
  simulation.run(members * everyMs);
  return { simulation, members: joined };
}

/** Runs until all invariants of a room at rest hold. @throws when that takes longer than `limitMs`. */
export function settle({ simulation }: Room, limitMs = 15_000): void {
  const settled = simulation.runUntilTrue(() => atRest(simulation).length === 0, limitMs, 100);
  if (!settled) assert.deepEqual(atRest(simulation), [], `not at rest after ${limitMs} ms`);
}

export function settledRoom(options: RoomOptions): Room {
  const room = fill(options);
  // Larger rooms exchange links for half a minute, and what is planned by the map follows.
  settle(room, 40_000);
  return room;
}

/** The parent through which a member hears a source. */
export function parentOf(member: SimulatedMember, source: SimulatedMember): string | undefined {
  return member.engine.view().trees.find((tree) => tree.sourceId === source.id)?.parentId;
}

export function childrenOf(member: SimulatedMember, source: SimulatedMember): readonly string[] {
  return member.engine.view().trees.find((tree) => tree.sourceId === source.id)?.childIds ?? [];
}

/** A member other than the source that passes the source on; the one with the most children. */
export function busiestRelay(room: Room, source: SimulatedMember): SimulatedMember {
  const relays = room.members.filter((member) => member.alive && member !== source);
  relays.sort((a, b) => childrenOf(b, source).length - childrenOf(a, source).length);
  const relay = relays[0];
  assert.ok(relay && childrenOf(relay, source).length > 0, 'nobody relays');
  return relay;
}

/** Everything said was played, once, by each of these. */
export function assertHeardAll(source: SimulatedMember, listeners: readonly SimulatedMember[]): void {
  for (const listener of listeners) {
    const heard = listener.heardOf(source);
    assert.equal(heard.duplicates, 0, 'a frame was played twice');
    assert.equal(heard.frames, source.frames.length, `frames heard by member ${listener.facts.index}`);
  }
}
