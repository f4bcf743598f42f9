/** A room whose members are listened to: how it forms, who speaks, and what is counted. Scenarios are in `run-seed.ts`. */

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
export const WARM_MS = 5000;
/** A frame spoken less than this before the end of a window may still be under way: it is not owed. */
export const UNDER_WAY_MS = 1500;
export const AFTER_MANY_MS = 8000;
/** Calm speech at the end, in which delays are measured. */
export const AFTERMATH_MS = UNDER_WAY_MS + 2000;
/** Shares of members and the total copies each may send at once. */
const TIERS = [
  { share: 0.4, copies: 0 },
  { share: 0.3, copies: 4 },
  { share: 0.2, copies: 12 },
  { share: 0.1, copies: 40 },
] as const;
/** The slowest line there is, kbit/s: who relays nothing chose so; it does not take 18 ms to send one packet. */
const LEAST_LINE_KBPS = 1000;

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
  /** Frames played that their source never spoke. */
  readonly forgedHeard: number;
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
  forged: number;
}

/** A room on the simulated network, its speakers, and the tally of what was measured. */
export class Room {
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
    forged: 0,
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
      // Voice is not signed yet; who forges it is found out here as it will be.
      conditions: { loss, jitterMs, relayMs: RELAY_MS, voiceSigned: true },
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
    const { links, slots, lineKbps, nodes } = this.options;
    const limits = { maxLinks: links, uploadSlots: 32, uploadKbps: Infinity };
    const place = index % nodes;
    if (slots === 'ample') return { place, limits };
    // Tiers by a low-discrepancy walk: every stretch of joins holds its share of each.
    let left = (index * 0.618033988749895 + 0.5) % 1;
    const copies = TIERS.find(({ share }) => (left -= share) < 0)?.copies ?? 0;
    return {
      place,
      limits: { maxLinks: links, uploadSlots: Math.min(32, copies), uploadKbps: copies * COPY_KBPS },
      uplinkKbps: Math.max(LEAST_LINE_KBPS, copies * lineKbps),
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
      forgedHeard: tally.forged,
      wallMs,
    };
  }
}

const pairKey = (source: SimulatedMember, listener: SimulatedMember): string =>
  `${source.facts.index} ${listener.facts.index}`;

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
/** The room is there and its speakers have been heard for a while; they go on for `ms`. */
export function midSentence(room: Room, ms: number): void {
  room.form(room.options.settleS * 1000);
  room.speak(WARM_MS + ms + AFTERMATH_MS);
  room.recorder.open({ fromMs: room.nowMs, toMs: Infinity });
  room.simulation.run(WARM_MS);
}

/** Delays and who is served once things have calmed down. */
export function aftermath(
  room: Room,
  listenersOf: (source: SimulatedMember) => SimulatedMember[] = room.others,
): void {
  room.open(AFTERMATH_MS);
  room.simulation.run(AFTERMATH_MS);
  room.count(room.speakers, listenersOf, { delays: true });
}
