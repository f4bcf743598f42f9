/**
 * The room of the laboratory: the simulated network of the tests and benchmarks around the very engines the browser
 * runs, with one speaker, and everything a visitor may do to it. Same seed and same commands at the same room times:
 * same room.
 */

import { friendlyName } from '../../src/elements/friendly-name.js';
import { pickPlaces, syntheticInternet } from '../../test/simulation/latency.js';
import type { SimulatedMember } from '../../test/simulation/member.js';
import { seededRandom, shuffled } from '../../test/simulation/random.js';
import { Simulation, type MemberOptions } from '../../test/simulation/simulation.js';
import { figuresOf, type Traffic } from './figures.js';
import { layOut, type Layout } from './layout.js';
import {
  FEWEST_MEMBERS,
  MOST_MEMBERS,
  type Hearing,
  type MemberPicture,
  type Note,
  type Picture,
  type Repair,
} from './protocol.js';
import { VoiceWatch } from './voice-watch.js';

/** Some more than members, so that who comes after a crash does not sit on the fresh grave. */
const PLACES = MOST_MEMBERS + 20;
/** Members join this far apart, ms. */
const JOIN_STEP_MS = 40;
/** What one relay adds, ms; as in the benchmark. */
const RELAY_MS = 1;
/** Links and copies a desktop allows itself, as in the benchmark; a phone only listens and speaks. */
const DESKTOP: MemberOptions = { limits: { maxLinks: 8, uploadSlots: 8, uploadKbps: Infinity } };
const PHONE: MemberOptions = { limits: { maxLinks: 6, uploadSlots: 0, uploadKbps: 80 }, uplinkKbps: 160 };
/** The speaker speaks on as long as somebody watches: renewed this often, for a little longer, ms. */
const BREATH_MS = 100;
/** Traffic is averaged over this, ms. */
const TRAFFIC_MS = 2000;
/** What members remember of frames is thrown away this often, and the gone after a while, ms. */
const TIDY_MS = 5000;
const FORGET_GONE_MS = 60_000;
/** Most flights and notes kept until the next picture. */
const MOST_FLIGHTS = 20_000;
const MOST_NOTES = 50;

export class Laboratory {
  readonly layout: Layout;
  readonly #simulation: Simulation;
  readonly #random: () => number;
  readonly #names = new Map<SimulatedMember, string>();
  readonly #phones = new Set<SimulatedMember>();
  readonly #goneMs = new Map<SimulatedMember, number>();
  #speaker: SimulatedMember;
  #watch: VoiceWatch;
  #cutX: number | undefined;
  #flights: number[] = [];
  #notes: Note[] = [];
  /** Of the last `TRAFFIC_MS`. */
  readonly #traffic: Traffic[] = [];
  #plays = 0;
  #troubled = false;
  #repair: Repair | undefined;
  #keepsFlights = true;

  constructor(seed: number, size: number) {
    this.#random = seededRandom(seed * 2 + 1);
    const latencies = pickPlaces(syntheticInternet(PLACES, this.#random), PLACES, this.#random);
    this.layout = layOut(PLACES, (a, b) => latencies.oneWayMs(a, b));
    this.#simulation = new Simulation({ seed, latencies, conditions: { relayMs: RELAY_MS } });
    this.#simulation.onVoiceSent = (from, to, header, departMs, arriveMs) => {
      if (header.source !== this.#speaker.handle) return;
      this.#watch.touchedMs.set(from, departMs).set(to, departMs);
      if (this.#keepsFlights && this.#flights.length < MOST_FLIGHTS)
        this.#flights.push(from.facts.index, to.facts.index, departMs, arriveMs, header.sequence);
    };
    this.#speaker = this.#join(DESKTOP);
    this.#watch = new VoiceWatch(this.#simulation, this.#speaker);
    this.setSize(size);
    this.#breathe();
    this.#tidy();
  }

  get nowMs(): number {
    return this.#simulation.nowMs;
  }

  /** @param keepsFlights whether copies sent meanwhile are to be drawn */
  advance(ms: number, keepsFlights = true): void {
    this.#keepsFlights = keepsFlights;
    this.#simulation.run(ms);
  }

  setSize(size: number): void {
    const wanted = Math.min(MOST_MEMBERS, Math.max(FEWEST_MEMBERS, Math.round(size)));
    const alive = this.#simulation.alive();
    for (let missing = 0; missing < wanted - alive.length; missing++)
      this.#simulation.after(missing * JOIN_STEP_MS, () => {
        if (this.#simulation.alive().length < MOST_MEMBERS) this.#join(DESKTOP);
      });
    const going = alive.filter((member) => member !== this.#speaker).slice(wanted - 1);
    for (const member of going) this.#depart(member, () => member.leave());
    if (going.length > 0) this.#note('change', `${count(going.length)} said goodbye and left.`);
  }

  addPhone(): void {
    if (this.#simulation.alive().length >= MOST_MEMBERS) return;
    const member = this.#join(PHONE, true);
    this.#note('change', `${this.#name(member)} joined on a phone: it listens and passes nothing on.`);
  }

  speakFrom(index: number): void {
    const member = this.#find(index);
    if (!member || member === this.#speaker) return;
    this.#speaker.speak(1);
    this.#plays += this.#watch.plays;
    this.#speaker = member;
    this.#watch = new VoiceWatch(this.#simulation, member);
    member.speak(2 * BREATH_MS);
    this.#note('change', `${this.#name(member)} speaks.`);
  }

  crash(index: number): void {
    const member = this.#find(index);
    if (member && member !== this.#speaker) this.#crash([member]);
  }

  /** The member most others hear the voice through. */
  crashBusiestRelay(): void {
    const below = this.#belowEach(this.#simulation.alive());
    const [busiest] = [...below].sort(([, a], [, b]) => b.below - a.below);
    if (busiest) this.#crash([busiest[0]]);
  }

  crashShare(share: number): void {
    const others = this.#others();
    this.#crash(shuffled(others, this.#random).slice(0, Math.round(share * others.length)));
  }

  block(index: number, blocked: boolean): void {
    const member = this.#find(index);
    if (!member || member === this.#speaker || this.#blocks(member) === blocked) return;
    if (blocked) this.#trouble((other) => other === member);
    this.#setBlock(member, blocked);
    this.#note('change', `${this.#name(member)} ${blocked ? 'blocks' : 'no longer blocks'} the speaker.`);
  }

  blockShare(share: number): void {
    const others = this.#others().filter((member) => !this.#blocks(member));
    const blockers = shuffled(others, this.#random).slice(0, Math.round(share * others.length));
    const those = new Set(blockers);
    this.#trouble((member) => those.has(member));
    for (const member of blockers) this.#setBlock(member, true);
    this.#note('change', `${count(blockers.length)} block the speaker, all at once.`);
  }

  unblockAll(): void {
    const blockers = this.#others().filter((member) => this.#blocks(member));
    for (const member of blockers) this.#setBlock(member, false);
    if (blockers.length > 0) this.#note('change', `${count(blockers.length)} no longer block the speaker.`);
  }

  /** Cuts the network in two between the left and the right half of the map, or joins it again. */
  setPartition(parted: boolean): void {
    if (parted === (this.#cutX !== undefined)) return;
    if (!parted) {
      for (const member of this.#others()) if (this.#hearing(member) === 'apart') this.#watch.pardon(member);
      this.#cutX = undefined;
      this.#simulation.partition = undefined;
      this.#trouble(() => false);
      this.#note('change', 'The network is whole again; the halves look for each other at the doorbell.');
      return;
    }
    const across = this.#simulation
      .alive()
      .map((member) => this.layout.x[member.place]!)
      .sort((a, b) => a - b);
    const middle = across.length >> 1;
    const cutX = ((across[middle - 1] ?? 0) + (across[middle] ?? 0)) / 2;
    this.#cutX = cutX;
    const half = (place: number): number => (this.layout.x[place]! < cutX ? 0 : 1);
    this.#trouble((member) => half(member.place) !== half(this.#speaker.place));
    this.#simulation.partition = half;
    this.#note('trouble', 'The network is cut in two: nothing passes between the halves.');
  }

  /** What there is to see now. Flights and notes are given once. */
  picture(skipLeftMs: number): Picture {
    const alive = this.#simulation.alive();
    const below = this.#belowEach(alive);
    const members = alive.map((member) => this.#draw(member, below.get(member)));
    const flights = Float64Array.from(this.#flights);
    const notes = this.#notes;
    this.#flights = [];
    this.#notes = [];
    return {
      nowMs: this.nowMs,
      members,
      links: this.#links(alive),
      flights,
      figures: figuresOf(members, {
        links: alive.reduce((total, member) => total + member.links.size, 0),
        traffic: this.#traffic,
        repair: this.#repair,
      }),
      notes,
      speaker: this.#speaker.facts.index,
      cutX: this.#cutX,
      skipLeftMs,
    };
  }

  #join(options: MemberOptions, phone = false): SimulatedMember {
    const taken = new Set([...this.#simulation.members.values()].map((member) => member.place));
    for (const member of this.#simulation.members.values())
      if (!member.alive && taken.size >= PLACES) taken.delete(member.place);
    const free = Array.from({ length: PLACES }, (_, place) => place).filter((place) => !taken.has(place));
    const place = free[Math.floor(this.#random() * free.length)] ?? 0;
    const member = this.#simulation.join({ ...options, place });
    this.#names.set(member, this.#newName());
    if (phone) this.#phones.add(member);
    return member;
  }

  #newName(): string {
    const used = new Set(this.#names.values());
    for (;;) {
      const name = friendlyName(this.#random);
      if (!used.has(name)) return name;
    }
  }

  #depart(member: SimulatedMember, go: () => void): void {
    this.#goneMs.set(member, this.nowMs);
    go();
  }

  #crash(members: readonly SimulatedMember[]): void {
    if (members.length === 0) return;
    const gone = new Set(members);
    const orphans = this.#trouble((member) => gone.has(member));
    for (const member of members) this.#depart(member, () => member.crash());
    const who = members.length === 1 ? this.#name(members[0]!) : count(members.length);
    this.#note(
      'trouble',
      `${who} crashed without a word. ${count(orphans)} heard the voice through ${members.length === 1 ? 'it' : 'them'}.`,
    );
  }

  /**
   * Something happens to some members at once: from now on it is told how long those wait that hear through them.
   * @returns how many those are
   */
  #trouble(hits: (member: SimulatedMember) => boolean): number {
    const orphans = this.#others().filter(
      (member) => !hits(member) && [...this.#watch.relaysOf(member)].some(hits),
    );
    this.#watch.expectSilence(orphans);
    this.#troubled = true;
    return orphans.length;
  }

  #setBlock(member: SimulatedMember, blocked: boolean): void {
    this.#watch.forget(member);
    if (blocked) member.block(this.#speaker);
    else member.unblock(this.#speaker);
  }

  #blocks(member: SimulatedMember): boolean {
    return member.blockedSince.has(this.#speaker.identity);
  }

  /** Keeps the speaker speaking and looks after repairs and traffic. */
  #breathe(): void {
    this.#simulation.after(BREATH_MS / 5, () => this.#breathe());
    this.#speaker.speak(2 * BREATH_MS);
    const silent = this.#others().filter((member) => this.#hearing(member) === 'silent').length;
    const repair = this.#watch.settle(silent);
    // Single members also miss frames as the voice moves to another path; what is told follows a visitor's doing.
    if (repair && this.#troubled) {
      this.#troubled = false;
      this.#repair = repair;
      this.#note(
        'repair',
        `All hear. ${count(repair.members)} lost the voice: half of them for at most ` +
          `${Math.round(repair.medianMs)} ms, the last for ${Math.round(repair.longestMs)} ms.`,
      );
    }
    this.#traffic.push({
      atMs: this.nowMs,
      copies: this.#simulation.voiceCopies,
      plays: this.#plays + this.#watch.plays,
    });
    while (this.#traffic[0]!.atMs < this.nowMs - TRAFFIC_MS) this.#traffic.shift();
  }

  /** The tests keep every frame heard to look at it afterwards; here a room may run for hours. */
  #tidy(): void {
    const simulation = this.#simulation;
    simulation.after(TIDY_MS, () => this.#tidy());
    for (const member of simulation.members.values()) {
      member.clearHeard();
      member.frames.length = 0;
      member.blockedArrivals.length = 0;
    }
    for (const [member, goneMs] of this.#goneMs) {
      if (this.nowMs - goneMs < FORGET_GONE_MS) continue;
      this.#goneMs.delete(member);
      this.#names.delete(member);
      this.#phones.delete(member);
      this.#watch.forget(member);
      this.#watch.touchedMs.delete(member);
      simulation.members.delete(member.id);
      simulation.handles.delete(member.handle);
    }
  }

  #others(): SimulatedMember[] {
    return this.#simulation.alive().filter((member) => member !== this.#speaker);
  }

  #find(index: number): SimulatedMember | undefined {
    return this.#simulation.alive().find((member) => member.facts.index === index);
  }

  #name(member: SimulatedMember): string {
    return this.#names.get(member) ?? '';
  }

  #note(kind: Note['kind'], text: string): void {
    if (this.#notes.length < MOST_NOTES) this.#notes.push({ atMs: this.nowMs, kind, text });
  }

  #hearing(member: SimulatedMember): Hearing {
    if (member === this.#speaker) return 'speaks';
    if (this.#blocks(member)) return 'blocks';
    if (!this.#simulation.connected(member.place, this.#speaker.place)) return 'apart';
    if (this.#watch.lost(member)) return 'silent';
    return this.#watch.ears.has(member) ? 'hears' : 'joins';
  }

  #belowEach(alive: readonly SimulatedMember[]): Map<SimulatedMember, { children: number; below: number }> {
    const each = new Map<SimulatedMember, { children: number; below: number }>();
    for (const member of alive) {
      if (this.#hearing(member) !== 'hears') continue;
      let children = 1;
      for (const relay of new Set(this.#watch.relaysOf(member))) {
        if (!relay.alive) continue;
        const entry = each.get(relay) ?? { children: 0, below: 0 };
        entry.children += children;
        entry.below++;
        each.set(relay, entry);
        children = 0;
      }
    }
    return each;
  }

  #draw(member: SimulatedMember, relays: { children: number; below: number } | undefined): MemberPicture {
    const ear = this.#watch.ears.get(member);
    const hearing = this.#hearing(member);
    const touchedMs = this.#watch.touchedMs.get(member);
    return {
      index: member.facts.index,
      place: member.place,
      name: this.#name(member),
      phone: this.#phones.has(member),
      hearing,
      parent: ear && (hearing === 'hears' || hearing === 'silent') ? ear.from.facts.index : -1,
      delayMs: ear && hearing === 'hears' ? ear.delayMs : NaN,
      directMs: this.#simulation.oneWayMs(this.#speaker, member),
      hops: ear?.hops ?? 0,
      children: relays?.children ?? 0,
      below: relays?.below ?? 0,
      untouchedMs: touchedMs === undefined ? Infinity : Math.max(0, this.nowMs - touchedMs),
    };
  }

  #links(alive: readonly SimulatedMember[]): Int32Array {
    const pairs: number[] = [];
    for (const member of alive)
      for (const id of member.links.keys()) {
        const peer = this.#simulation.members.get(id);
        if (peer?.alive && member.facts.index < peer.facts.index)
          pairs.push(member.facts.index, peer.facts.index);
      }
    return Int32Array.from(pairs);
  }
}

const count = (members: number): string => (members === 1 ? 'One member' : `${members} members`);
