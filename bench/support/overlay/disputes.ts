/** Scenarios in which members do not get on: they block each other, or lie. */

import type { SimulatedMember } from '../../../test/simulation/member.js';
import { shuffled } from '../../../test/simulation/random.js';
import { aftermath, AFTER_MANY_MS, midSentence, type Room } from './measured-room.js';

/** Who blocks whom, all in one instant. Only the speakers' blocks are measured, so each is listed with its blockers. */
export type Quarrel = (room: Room) => Map<SimulatedMember, Set<SimulatedMember>>;

/** A share of the others blocks each speaker, and everybody blocks a few more. */
export function byChance(share: number): Quarrel {
  return (room) => {
    const everybody = room.simulation.alive();
    const quarrel = new Map(
      room.speakers.map((speaker) => [
        speaker,
        new Set(shuffled(room.others(speaker), room.random).slice(0, Math.round(share * everybody.length))),
      ]),
    );
    for (const member of everybody)
      for (const other of shuffled(everybody, room.random).slice(0, 3))
        if (other !== member && !room.speakers.includes(other)) member.block(other);
    return quarrel;
  };
}

/** Each half of the room blocks the other, both ways. */
export const halves: Quarrel = (room) => {
  const everybody = shuffled(room.simulation.alive(), room.random);
  const left = new Set(everybody.slice(0, everybody.length >> 1));
  const opponents = (member: SimulatedMember): SimulatedMember[] =>
    everybody.filter((other) => left.has(other) !== left.has(member));
  for (const member of everybody)
    if (!room.speakers.includes(member)) for (const other of opponents(member)) other.block(member);
  return new Map(room.speakers.map((speaker) => [speaker, new Set(opponents(speaker))]));
};

/** Nine in ten block the first speaker. */
export const nearlyAllBlockOne: Quarrel = (room) => {
  const [speaker] = room.speakers;
  if (!speaker) return new Map();
  const others = shuffled(room.others(speaker), room.random);
  return new Map([[speaker, new Set(others.slice(0, Math.round(0.9 * others.length)))]]);
};

/** Whoever relays a speaker now blocks it, all at once. */
export const theStrongBlock: Quarrel = (room) => {
  const relays = room.relays();
  return new Map(
    room.speakers.map((speaker) => {
      const passed = new Set(
        room.others(speaker).flatMap((listener) => room.recorder.path(speaker, listener)),
      );
      return [speaker, new Set(relays.filter((relay) => passed.has(relay)))];
    }),
  );
};

export function blocks(room: Room, quarrel: Quarrel): void {
  midSentence(room, AFTER_MANY_MS);
  const { simulation } = room;
  const everybody = simulation.alive();
  const roundTrips = new Map(
    everybody.map((member) => [
      member,
      Math.max(
        0,
        ...[...member.links.keys()].map((id) => {
          const peer = simulation.members.get(id);
          return peer ? 2 * simulation.oneWayMs(member, peer) : 0;
        }),
      ),
    ]),
  );
  room.open(AFTER_MANY_MS);
  const blockers = quarrel(room);
  for (const [speaker, those] of blockers) for (const blocker of those) blocker.block(speaker);
  const listenersOf = (source: SimulatedMember): SimulatedMember[] =>
    room.others(source).filter((listener) => !blockers.get(source)?.has(listener));
  simulation.run(AFTER_MANY_MS);
  room.countTraffic();
  room.count(room.speakers, listenersOf, { speech: true, served: true });
  for (const member of everybody)
    for (const { afterMs } of member.blockedArrivals)
      if (afterMs > roundTrips.get(member)! + 2) room.tally.lateBlocked++;
  aftermath(room, listenersOf);
}

/**
 * A share of those who relay turn liars mid-sentence: all claim to sit beside every source, half of them drop what
 * they should pass on and half pass on frames of their own making. The honest ones are listened to.
 */
export function liars(room: Room, share: number): void {
  midSentence(room, AFTER_MANY_MS);
  const { simulation } = room;
  const relays = shuffled(room.relays(), room.random);
  const those = new Set(relays.slice(0, Math.max(1, Math.round(share * relays.length))));
  const affected = room.pairsThrough(those);
  room.open(AFTER_MANY_MS);
  [...those].forEach((liar, i) =>
    liar.lie({ claimsNearness: true, ...(i % 2 === 0 ? { dropsVoice: true } : { forgesVoice: true }) }),
  );
  const honest = (source: SimulatedMember): SimulatedMember[] =>
    room.others(source).filter((listener) => !those.has(listener));
  simulation.run(AFTER_MANY_MS);
  room.countTraffic();
  room.count(room.speakers, honest, { speech: true, served: true, gapsOf: affected });
  aftermath(room, honest);
  for (const member of simulation.alive()) room.tally.forged += member.forgedHeard;
}
