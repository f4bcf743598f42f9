/**
 * One seed of one scenario with one system: a room forms on the simulated network, something happens to it, and what
 * its members hear is measured. Places, speakers, victims and blocks are drawn from a generator of their own, so every
 * system meets the same ones (relays to crash or leave are those of its own tree).
 */

import type { SimulatedMember } from '../../../test/simulation/member.js';
import { shuffled } from '../../../test/simulation/random.js';
import { blocks, byChance, halves, liars, nearlyAllBlockOne, theStrongBlock } from './disputes.js';
import {
  aftermath,
  AFTER_MANY_MS,
  AFTERMATH_MS,
  midSentence,
  Room,
  UNDER_WAY_MS,
  WARM_MS,
  type SeedResult,
} from './measured-room.js';
import type { BenchOptions, ScenarioName, SystemName } from './options.js';

/** Of continuous speech in `steady`. */
const STEADY_MS = 10_000;
/** Where everybody speaks in turn, so many at a time for so long. */
const TURN_SPEAKERS = 4;
const TURN_MS = 240;
const TURN_PAUSE_MS = 60;
/** In larger rooms only so many take turns. */
const MOST_TURNS = 240;
/** Relays crashed or leaving one after the other, and the time for each, ms. */
const RELAYS_PER_SEED = 5;
const AFTER_RELAY_MS = 5000;
const FLASH_MS = 10_000;
const CHURN_MS = 60_000;
/** A newcomer is owed frames from this long after its first link on, ms. */
const JOIN_GRACE_MS = 1000;

/** Share of the relays that begin to lie in `liars`. */
const LIARS = 0.2;

/** Speech without disturbance; then, where only one speaks at a time, everybody in turn: all ordered pairs. */
function steady(room: Room): void {
  room.form(room.options.settleS * 1000);
  const { simulation } = room;
  const inTurn = room.options.speakers === 1;
  // First words: how soon a silent tree carries.
  room.open(WARM_MS);
  room.speak(WARM_MS + STEADY_MS);
  simulation.run(WARM_MS);
  room.count(room.speakers, room.others, { served: true });
  room.open(STEADY_MS);
  simulation.run(STEADY_MS);
  room.countTraffic();
  room.count(room.speakers, room.others, { speech: true, delays: !inTurn });
  if (!inTurn) return;
  const sources = shuffled(simulation.alive(), room.random).slice(0, MOST_TURNS);
  room.recorder.open({ fromMs: room.nowMs, toMs: Infinity });
  for (let first = 0; first < sources.length; first += TURN_SPEAKERS) {
    room.speak(TURN_MS, sources.slice(first, first + TURN_SPEAKERS));
    simulation.run(TURN_MS + TURN_PAUSE_MS);
  }
  simulation.run(UNDER_WAY_MS);
  room.count(sources, room.others, { delays: true });
}
/** Relays go, one after the other, each while somebody speaks. */
function oneByOne(room: Room, go: (relay: SimulatedMember) => void): void {
  midSentence(room, RELAYS_PER_SEED * AFTER_RELAY_MS);
  for (let i = 0; i < RELAYS_PER_SEED; i++) {
    const relays = room.relays();
    const candidates = relays.length > 0 ? relays : room.listeners();
    const relay = candidates[Math.floor(room.random() * candidates.length)];
    if (!relay) break;
    const affected = room.pairsThrough(new Set([relay]));
    room.open(AFTER_RELAY_MS);
    go(relay);
    room.simulation.run(AFTER_RELAY_MS);
    room.countTraffic();
    room.count(room.speakers, room.others, { speech: true, served: true, gapsOf: affected });
  }
  aftermath(room);
}

function crashMany(room: Room, share: number): void {
  midSentence(room, AFTER_MANY_MS);
  const victims = new Set(
    shuffled(room.listeners(), room.random).slice(0, Math.round(share * room.options.nodes)),
  );
  const affected = room.pairsThrough(victims);
  room.open(AFTER_MANY_MS);
  for (const victim of victims) victim.crash();
  room.simulation.run(AFTER_MANY_MS);
  room.countTraffic();
  room.count(room.speakers, room.others, { speech: true, served: true, gapsOf: affected });
  aftermath(room);
}

/** When each member first had a link, ms. Watches from now on. */
function watchFirstLinks(room: Room): Map<SimulatedMember, number> {
  const firstLinks = new Map<SimulatedMember, number>();
  room.simulation.afterEvent = (member) => {
    if (member.links.size > 0 && !firstLinks.has(member)) firstLinks.set(member, room.nowMs);
  };
  return firstLinks;
}

/** From nobody to everybody in ten seconds, into running speech. */
function flash(room: Room): void {
  const { simulation, recorder, tally, options } = room;
  const windowMs = FLASH_MS + AFTER_MANY_MS;
  const firstLinks = watchFirstLinks(room);
  for (let index = 0; index < options.nodes; index++)
    simulation.at(index < options.speakers ? 0 : (index * FLASH_MS) / options.nodes, () => room.join());
  room.open(windowMs);
  simulation.run(1);
  room.speak(windowMs + AFTERMATH_MS);
  simulation.run(windowMs - 1);
  room.countTraffic();
  for (const listener of simulation.alive())
    recorder.presence.set(listener, {
      fromMs: (firstLinks.get(listener) ?? room.nowMs) + JOIN_GRACE_MS,
      toMs: Infinity,
    });
  for (const source of room.speakers)
    for (const listener of room.others(source)) {
      if (room.speakers.includes(listener)) continue;
      const pair = recorder.pair(source, listener);
      const waitedMs = (pair?.servedMs ?? Infinity) - (firstLinks.get(listener) ?? 0);
      tally.servedMs.push(waitedMs);
      tally.gapsMs.push(Math.min(waitedMs, windowMs));
    }
  // Frames heard early must not stand for ones missed later: delivery is counted over those owed only.
  recorder.presence.clear();
  aftermath(room);
}

/** Members stay an exponentially distributed time and are replaced at once; half go without a word. */
function churn(room: Room): void {
  const { simulation, recorder, tally, options } = room;
  const firstLinks = watchFirstLinks(room);
  midSentence(room, CHURN_MS);
  room.open(CHURN_MS);
  const startMs = room.nowMs;
  const listeners: SimulatedMember[] = [];
  const meanStayMs = (options.sessionS * 1000) / Math.LN2;
  const stay = (member: SimulatedMember, owedFromMs: number): void => {
    const goesAtMs = room.nowMs - Math.log(1 - room.random()) * meanStayMs;
    listeners.push(member);
    recorder.presence.set(member, { fromMs: owedFromMs, toMs: goesAtMs - UNDER_WAY_MS });
    if (goesAtMs > startMs + CHURN_MS) return;
    simulation.at(goesAtMs, () => {
      if (room.random() < 0.5) member.crash();
      else member.leave();
      // Known only once it has a link: until then it is owed nothing.
      stay(room.join(), Infinity);
    });
  };
  for (const member of room.listeners()) stay(member, startMs);
  const recordLink = simulation.afterEvent;
  simulation.afterEvent = (member) => {
    recordLink?.(member);
    const presence = recorder.presence.get(member);
    const linkedMs = firstLinks.get(member);
    if (presence?.fromMs === Infinity && linkedMs !== undefined)
      recorder.presence.set(member, { ...presence, fromMs: linkedMs + JOIN_GRACE_MS });
  };
  simulation.run(CHURN_MS);
  room.countTraffic();
  for (const source of room.speakers)
    for (const listener of listeners) {
      const due = recorder.due(source, listener);
      const pair = recorder.pair(source, listener);
      tally.due += due;
      tally.playable += pair?.playable ?? 0;
      const linkedMs = firstLinks.get(listener) ?? -Infinity;
      // Who came in the last moments, or left before it was owed anything, says nothing.
      const isOwed = listener.alive ? linkedMs < startMs + CHURN_MS - JOIN_GRACE_MS : due > 0;
      if (linkedMs >= startMs && isOwed) tally.servedMs.push((pair?.servedMs ?? Infinity) - linkedMs);
      if (due > 0) tally.gapsMs.push(!pair ? CHURN_MS : listener.alive ? recorder.gapMs(pair) : pair.gapMs);
    }
  recorder.presence.clear();
  // Those who came in the last moments are still finding their place.
  aftermath(room, (source) =>
    room
      .others(source)
      .filter((member) => (firstLinks.get(member) ?? 0) < startMs + CHURN_MS - JOIN_GRACE_MS),
  );
}
const SCENARIO_RUNS: Readonly<Record<ScenarioName, (room: Room) => void>> = {
  steady,
  'crash-one': (room) => oneByOne(room, (relay) => relay.crash()),
  leave: (room) => oneByOne(room, (relay) => relay.leave()),
  'crash-20': (room) => crashMany(room, 0.2),
  'crash-50': (room) => crashMany(room, 0.5),
  flash,
  churn,
  blocks: (room) => blocks(room, byChance(0.3)),
  'blocks-10': (room) => blocks(room, byChance(0.1)),
  'blocks-50': (room) => blocks(room, byChance(0.5)),
  'blocks-halves': (room) => blocks(room, halves),
  'blocks-one': (room) => blocks(room, nearlyAllBlockOne),
  'blocks-strong': (room) => blocks(room, theStrongBlock),
  liars: (room) => liars(room, LIARS),
};

/** Deterministic but for `wallMs`. */
export function runSeed(
  options: BenchOptions,
  scenario: ScenarioName,
  system: SystemName,
  seed: number,
): SeedResult {
  const started = performance.now();
  const room = new Room(options, scenario, system, seed);
  SCENARIO_RUNS[scenario](room);
  return room.result(seed, performance.now() - started);
}
