/**
 * One seed of one scenario with one system: a room forms on the simulated network, something happens to it, and what
 * its members hear is measured. Places, speakers, victims and blocks are drawn from a generator of their own, so every
 * system meets the same ones (relays to crash or leave are those of its own tree).
 */

import { pickPlaces } from '../../../test/simulation/latency.js';
import type { SimulatedMember } from '../../../test/simulation/member.js';
import { seededRandom, shuffled } from '../../../test/simulation/random.js';
import { Simulation, type MemberOptions } from '../../../test/simulation/simulation.js';
import { delayTable, type BenchOptions, type ScenarioName, type SystemName } from './options.js';
import { Recorder } from './recorder.js';
import { COPY_KBPS, engineFactory } from './systems.js';

/** What one relay adds, ms. */
export const RELAY_MS = 1;
/** Speech before anything happens: trees are warm, listeners have heard every speaker. */
const WARM_MS = 5000;
/** Of continuous speech in `steady`. */
const STEADY_MS = 10_000;
/** A frame spoken less than this before the end of a window may still be under way: it is not owed. */
const UNDER_WAY_MS = 1500;
/** Where everybody speaks in turn, so many at a time for so long. */
const TURN_SPEAKERS = 4;
const TURN_MS = 240;
const TURN_PAUSE_MS = 60;
/** In larger rooms only so many take turns. */
const MOST_TURNS = 240;
/** Relays crashed or leaving one after the other, and the time for each, ms. */
const RELAYS_PER_SEED = 5;
const AFTER_RELAY_MS = 5000;
const AFTER_MANY_MS = 8000;
/** Calm speech at the end, in which delays are measured. */
const AFTERMATH_MS = UNDER_WAY_MS + 2000;
const FLASH_MS = 10_000;
const CHURN_MS = 60_000;
/** A newcomer is owed frames from this long after its first link on, ms. */
const JOIN_GRACE_MS = 1000;
/** Shares of members and the total copies each may send at once. */
const TIERS = [
  { share: 0.4, copies: 0 },
  { share: 0.3, copies: 4 },
  { share: 0.2, copies: 12 },
  { share: 0.1, copies: 40 },
] as const;
/** What one copy really takes of the line, with all headers, kbit/s, and some room for hand-overs. */
const REAL_COPY_KBPS = 84;
/** Share of members that block each speaker in `blocks`. */
const BLOCKING = 0.3;

export interface SeedResult {
  readonly seed: number;
  /** Mean one-way delays of all pairs that are served: through the overlay, and straight. */
  readonly overlayMeanMs: number;
  readonly directMeanMs: number;
  readonly overlayMs: Float64Array;
  readonly directMs: Float64Array;
  readonly pairs: number;
  readonly unservedPairs: number;
  readonly voiceCopies: number;
  readonly plays: number;
  readonly controlKbps: number;
  readonly maxDepth: number;
  readonly linksMean: number;
  readonly linksMax: number;
  readonly gapsMs: Float64Array;
  readonly due: number;
  readonly playable: number;
  /** Time from the event to the first playable frame, per pair; Infinity = never. */
  readonly servedMs: Float64Array;
  /** Frames of a blocked speaker that came later than one round trip after the block. */
  readonly lateBlocked: number;
  readonly wallMs: number;
}

interface Tally {
  overlayMs: number[];
  directMs: number[];
  pairs: number;
  unserved: number;
  maxDepth: number;
  gapsMs: number[];
  due: number;
  playable: number;
  servedMs: number[];
  copies: number;
  plays: number;
  controlBytes: number;
  controlSeconds: number;
  lateBlocked: number;
}

class Room {
  readonly random: () => number;
  readonly simulation: Simulation;
  readonly recorder: Recorder;
  readonly speakers: SimulatedMember[] = [];
  readonly tally: Tally = {
    overlayMs: [],
    directMs: [],
    pairs: 0,
    unserved: 0,
    maxDepth: 0,
    gapsMs: [],
    due: 0,
    playable: 0,
    servedMs: [],
    copies: 0,
    plays: 0,
    controlBytes: 0,
    controlSeconds: 0,
    lateBlocked: 0,
  };
  #copies = 0;
  #controlBytes = 0;
  #openedMs = 0;
  readonly #speakerIndexes: ReadonlySet<number>;

  constructor(
    readonly options: BenchOptions,
    readonly scenario: ScenarioName,
    system: SystemName,
    seed: number,
  ) {
    this.random = seededRandom(seed * 7919 + 17);
    const { nodes, speakers, links, loss, jitterMs } = options;
    const latencies = pickPlaces(delayTable(options), nodes, this.random);
    const inTurn = scenario === 'steady' && speakers === 1;
    this.#speakerIndexes = new Set(
      scenario === 'flash'
        ? Array.from({ length: speakers }, (_, index) => index)
        : shuffled([...Array(nodes).keys()], this.random).slice(0, speakers),
    );
    const createEngine = engineFactory(system, {
      links,
      speakers: inTurn ? 1 : speakers,
      speaks: (index) => inTurn || this.#speakerIndexes.has(index),
      relayMs: RELAY_MS,
    });
    this.simulation = new Simulation({
      seed,
      latencies,
      conditions: { loss, jitterMs, relayMs: RELAY_MS },
      ...(createEngine ? { createEngine } : {}),
    });
    this.recorder = new Recorder(this.simulation);
  }

  get nowMs(): number {
    return this.simulation.nowMs;
  }

  join(): SimulatedMember {
    const index = this.simulation.members.size;
    const member = this.simulation.join(this.#memberOptions(index));
    if (this.#speakerIndexes.has(index)) this.speakers.push(member);
    return member;
  }

  #memberOptions(index: number): MemberOptions {
    const { links, slots, nodes } = this.options;
    const limits = { maxLinks: links, uploadSlots: 32, uploadKbps: Infinity };
    const place = index % nodes;
    if (slots === 'ample') return { place, limits };
    // Tiers by a low-discrepancy walk: every stretch of joins holds its share of each.
    let left = (index * 0.618033988749895 + 0.5) % 1;
    const copies = TIERS.find(({ share }) => (left -= share) < 0)?.copies ?? 0;
    return {
      place,
      limits: { maxLinks: links, uploadSlots: Math.min(32, copies), uploadKbps: copies * COPY_KBPS },
      uplinkKbps: Math.max(1, copies) * REAL_COPY_KBPS,
    };
  }

  /** Everybody joins within ten seconds at most, then the room settles. */
  form(settleMs: number): void {
    const { nodes } = this.options;
    const stepMs = Math.min(50, 10_000 / nodes);
    for (let index = 0; index < nodes; index++) this.simulation.at(index * stepMs, () => this.join());
    this.simulation.runUntil(nodes * stepMs + settleMs);
  }

  speak(ms: number, members: readonly SimulatedMember[] = this.speakers): void {
    for (const member of members) member.speak(ms);
  }

  /** Starts measuring: frames spoken until `UNDER_WAY_MS` before the end of `ms` are owed. */
  open(ms: number): void {
    this.recorder.open({ fromMs: this.nowMs, toMs: this.nowMs + ms - UNDER_WAY_MS });
    this.#openedMs = this.nowMs;
    this.#copies = this.simulation.voiceCopies;
    this.#controlBytes = this.simulation.controlBytes;
  }

  /** Adds what was sent since `open`. */
  countTraffic(): void {
    const { tally, simulation } = this;
    const alive = simulation.alive().length;
    tally.plays += this.recorder.plays;
    tally.copies += simulation.voiceCopies - this.#copies;
    tally.controlBytes += simulation.controlBytes - this.#controlBytes;
    tally.controlSeconds += ((this.nowMs - this.#openedMs) / 1000) * alive;
  }

  /**
   * Adds what pairs of these sources heard in the window.
   * @param what `speech`: frames due and played, and gaps (of the pairs in `gapsOf`, where it names any); `served`: time
   * to the first playable frame; `delays`: of the overlay and straight, depth, and who heard nothing
   */
  count(
    sources: readonly SimulatedMember[],
    listenersOf: (source: SimulatedMember) => readonly SimulatedMember[],
    what: { delays?: boolean; speech?: boolean; served?: boolean; gapsOf?: ReadonlySet<string> },
  ): void {
    const { tally, recorder, simulation } = this;
    const openedMs = recorder.window.fromMs;
    const affected = what.gapsOf && what.gapsOf.size > 0 ? what.gapsOf : undefined;
    for (const source of sources) {
      for (const listener of listenersOf(source)) {
        const pair = recorder.pair(source, listener);
        if (what.served) tally.servedMs.push((pair?.servedMs ?? Infinity) - openedMs);
        if (what.speech) {
          tally.due += recorder.due(source, listener);
          tally.playable += pair?.playable ?? 0;
          if (!affected || affected.has(pairKey(source, listener)))
            tally.gapsMs.push(pair ? recorder.gapMs(pair) : this.nowMs - openedMs);
        }
        if (!what.delays) continue;
        tally.pairs++;
        if (!pair || pair.heard === 0) {
          tally.unserved++;
          continue;
        }
        tally.maxDepth = Math.max(tally.maxDepth, pair.depth);
        tally.overlayMs.push(pair.delaySumMs / pair.heard);
        tally.directMs.push(simulation.oneWayMs(source, listener));
      }
    }
  }

  readonly others = (source: SimulatedMember): SimulatedMember[] =>
    this.simulation.alive().filter((member) => member !== source);

  listeners(): SimulatedMember[] {
    return this.simulation.alive().filter((member) => !this.speakers.includes(member));
  }

  /** Members that pass a speaker's voice on to at least one listener, speakers left out. */
  relays(): SimulatedMember[] {
    const relays = new Set<SimulatedMember>();
    for (const source of this.speakers)
      for (const listener of this.others(source))
        for (const relay of this.recorder.path(source, listener)) relays.add(relay);
    return [...relays].filter((relay) => relay.alive && !this.speakers.includes(relay));
  }

  /** Pairs whose last frame passed one of these members on its way. */
  pairsThrough(members: ReadonlySet<SimulatedMember>): Set<string> {
    const through = new Set<string>();
    for (const source of this.speakers)
      for (const listener of this.others(source))
        if (this.recorder.path(source, listener).some((relay) => members.has(relay)))
          through.add(pairKey(source, listener));
    return through;
  }

  result(seed: number, wallMs: number): SeedResult {
    const { tally } = this;
    const links = this.simulation.alive().map((member) => member.links.size);
    return {
      seed,
      overlayMeanMs: mean(tally.overlayMs),
      directMeanMs: mean(tally.directMs),
      overlayMs: Float64Array.from(tally.overlayMs),
      directMs: Float64Array.from(tally.directMs),
      pairs: tally.pairs,
      unservedPairs: tally.unserved,
      voiceCopies: tally.copies,
      plays: tally.plays,
      controlKbps: (tally.controlBytes * 8) / 1000 / tally.controlSeconds,
      maxDepth: tally.maxDepth,
      linksMean: mean(links),
      linksMax: Math.max(0, ...links),
      gapsMs: Float64Array.from(tally.gapsMs),
      due: tally.due,
      playable: tally.playable,
      servedMs: Float64Array.from(tally.servedMs),
      lateBlocked: tally.lateBlocked,
      wallMs,
    };
  }
}

const pairKey = (source: SimulatedMember, listener: SimulatedMember): string =>
  `${source.facts.index} ${listener.facts.index}`;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

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

/** The room is there and its speakers have been heard for a while; they go on for `ms`. */
function midSentence(room: Room, ms: number): void {
  room.form(room.options.settleS * 1000);
  room.speak(WARM_MS + ms + AFTERMATH_MS);
  room.recorder.open({ fromMs: room.nowMs, toMs: Infinity });
  room.simulation.run(WARM_MS);
}

/** Delays and who is served once things have calmed down. */
function aftermath(
  room: Room,
  listenersOf: (source: SimulatedMember) => SimulatedMember[] = room.others,
): void {
  room.open(AFTERMATH_MS);
  room.simulation.run(AFTERMATH_MS);
  room.count(room.speakers, listenersOf, { delays: true });
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
      const linkedMs = firstLinks.get(listener);
      if (linkedMs !== undefined && linkedMs >= startMs && (listener.alive || due > 0))
        tally.servedMs.push((pair?.servedMs ?? Infinity) - linkedMs);
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

/** Three in ten block each speaker, all in one instant, and everybody blocks a few more. */
function blocks(room: Room): void {
  midSentence(room, AFTER_MANY_MS);
  const { simulation, random } = room;
  const everybody = simulation.alive();
  const blockers = new Map(
    room.speakers.map((speaker) => [
      speaker,
      new Set(shuffled(room.others(speaker), random).slice(0, Math.round(BLOCKING * everybody.length))),
    ]),
  );
  const listenersOf = (source: SimulatedMember): SimulatedMember[] =>
    room.others(source).filter((listener) => !blockers.get(source)?.has(listener));
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
  for (const [speaker, those] of blockers) for (const blocker of those) blocker.block(speaker);
  for (const member of everybody)
    for (const other of shuffled(everybody, random).slice(0, 3))
      if (other !== member && !room.speakers.includes(other)) member.block(other);
  simulation.run(AFTER_MANY_MS);
  room.countTraffic();
  room.count(room.speakers, listenersOf, { speech: true, served: true });
  for (const member of everybody)
    for (const { afterMs } of member.blockedArrivals)
      if (afterMs > roundTrips.get(member)! + 2) room.tally.lateBlocked++;
  aftermath(room, listenersOf);
}

const SCENARIO_RUNS: Readonly<Record<ScenarioName, (room: Room) => void>> = {
  steady,
  'crash-one': (room) => oneByOne(room, (relay) => relay.crash()),
  leave: (room) => oneByOne(room, (relay) => relay.leave()),
  'crash-20': (room) => crashMany(room, 0.2),
  'crash-50': (room) => crashMany(room, 0.5),
  flash,
  churn,
  blocks,
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
