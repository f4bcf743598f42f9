/**
 * A seeded discrete-event network around the very engine objects the browser runs. Control messages are really
 * encoded and decoded; links open by real signalling through the engines. Wall clock, timers and randomness are the
 * simulation's own, so the same seed gives the same trace.
 */

import { createOverlayEngine, type OverlayEngineOptions } from '../../src/overlay/engine.js';
import {
  DEFAULT_OVERLAY_CONFIG,
  validateOverlayConfig,
  type OverlayConfig,
} from '../../src/overlay/config.js';
import { draw } from '../../src/overlay/draw.js';
import type { Limits, OverlayEngine } from '../../src/overlay/interface.js';
import type { Handle, Identity, MemberId } from '../../src/units.js';
import type { ControlMessage } from '../../src/wire/control.js';
import type { VoiceHeader } from '../../src/wire/voice-packet.js';
import { EventHeap } from './event-heap.js';
import { BurstyLink, drawNat, natsLetThrough, type Clock, type Nat } from './faults.js';
import { SimulatedMember } from './member.js';
import { CALM, type Latencies, type NetworkConditions } from './network.js';
import { seededRandom } from './random.js';

export interface SimulationOptions {
  readonly seed: number;
  readonly latencies: Latencies;
  readonly conditions?: Partial<NetworkConditions>;
  readonly config?: Partial<OverlayConfig>;
  /** Another engine in place of ours: the baselines of the benchmark run on the same network. */
  readonly createEngine?: (options: OverlayEngineOptions, simulation: Simulation) => OverlayEngine;
}

export interface MemberOptions {
  readonly place?: number;
  /** Drawn when not given. */
  readonly id?: MemberId;
  readonly limits?: Partial<Limits>;
  /** Shared by members that are tabs of one person. */
  readonly identity?: Identity;
  /** Real upload of the access line, kbit/s; voice queues behind it. */
  readonly uplinkKbps?: number;
  readonly clock?: Clock;
  /** Drawn by the shares of the conditions when not given. */
  readonly nat?: Nat;
}

export const DEFAULT_LIMITS: Limits = { maxLinks: 16, uploadSlots: 8, uploadKbps: Infinity };

/** Links with which nobody is taken for cast away without a closer look, which costs. */
const WELL_LINKED = 6;
/** How often the lonely ring, ms, and which share of rounds a member on duty rings actively. */
const DOORBELL_MS = 2000;
const DUTY_RING_SHARE = 0.25;

/** How long a frame lasts, ms. */
export const FRAME_MS = 20;

export class Simulation {
  nowMs = 0;
  readonly random: () => number;
  readonly members = new Map<MemberId, SimulatedMember>();
  readonly conditions: NetworkConditions;
  readonly handles = new Map<Handle, SimulatedMember>();
  /** Groups that cannot reach each other while a partition lasts: group of a member, by place. */
  partition: ((place: number) => number) | undefined = undefined;
  /** Bytes of control messages sent, all members, reliable and not. */
  controlBytes = 0;
  /** Voice copies sent over links. */
  voiceCopies = 0;
  eventsRun = 0;
  /** Called after every event of a member, for invariants. */
  afterEvent: ((member: SimulatedMember) => void) | undefined = undefined;
  /** Called for every frame that is played, with the neighbour it came from and the relays it had left. */
  onPlay:
    | ((
        listener: SimulatedMember,
        source: SimulatedMember,
        from: SimulatedMember,
        sequence: number,
        hopLimit: number,
        sentMs: number,
      ) => void)
    | undefined = undefined;
  /** Called for every voice copy that is sent, lost ones too, with its times on the way: for drawing them there. */
  onVoiceSent:
    | ((
        from: SimulatedMember,
        to: SimulatedMember,
        header: VoiceHeader,
        departMs: number,
        arriveMs: number,
        hopLimit: number,
      ) => void)
    | undefined = undefined;
  readonly #heap = new EventHeap<() => void>();
  /** Called for every control message that is sent, before it may be lost. */
  onControlSent: ((from: SimulatedMember, to: SimulatedMember, message: ControlMessage) => void) | undefined =
    undefined;
  readonly #barred = new Map<number, boolean>();
  /** Directions of links under bursts, by the indices of sender and receiver. */
  readonly #bursty = new Map<number, BurstyLink>();
  readonly #config: OverlayConfig;
  #joined = 0;

  constructor(readonly options: SimulationOptions) {
    this.#config = validateOverlayConfig({ ...DEFAULT_OVERLAY_CONFIG, ...options.config });
    this.random = seededRandom(options.seed);
    this.conditions = { ...CALM, ...options.conditions };
    this.after(DOORBELL_MS, () => this.#doorbell());
  }

  /** What the doorbell does by itself: the lonely ring for somebody, those on duty look for each other now and then. */
  #doorbell(): void {
    this.after(DOORBELL_MS, () => this.#doorbell());
    const alive = this.alive();
    const duty = alive.filter((member) => member.onDuty);
    for (const member of alive) {
      const mayBeLonely = member.links.size < WELL_LINKED && this.nowMs - member.joinedAtMs > DOORBELL_MS;
      const lonely = mayBeLonely && (member.links.size === 0 || member.engine.isCastaway());
      if (!lonely && !(member.onDuty && this.random() < DUTY_RING_SHARE)) continue;
      const others = duty.filter((other) => other !== member && this.connected(member.place, other.place));
      // Whoever rings as if alone meets everybody who listens.
      const met = lonely ? others : draw(others, 1, this.random);
      for (const other of met) if (!member.links.has(other.id)) this.pipe(member, other);
    }
  }

  at(atMs: number, run: () => void): void {
    this.#heap.push(Math.max(atMs, this.nowMs), run);
  }

  after(ms: number, run: () => void): void {
    this.at(this.nowMs + ms, run);
  }

  /** Runs all events up to `untilMs` and sets the clock there. */
  runUntil(untilMs: number): void {
    while (this.#heap.nextMs <= untilMs) {
      this.nowMs = this.#heap.nextMs;
      this.#heap.pop()();
      this.eventsRun++;
    }
    this.nowMs = untilMs;
  }

  run(ms: number): void {
    this.runUntil(this.nowMs + ms);
  }

  /** Runs until `condition` holds, looking every `stepMs`. False when it did not hold within `limitMs`. */
  runUntilTrue(condition: () => boolean, limitMs: number, stepMs = 50): boolean {
    const end = this.nowMs + limitMs;
    while (this.nowMs < end) {
      if (condition()) return true;
      this.run(stepMs);
    }
    return condition();
  }

  /** A new member enters, known to nobody yet: give it a pipe, or use `ring`. */
  add(options: MemberOptions = {}): SimulatedMember {
    const index = this.#joined++;
    const drawn = randomHex(16, this.random) as MemberId;
    const id = options.id ?? drawn;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    const seed = Math.floor(this.random() * 0xffffffff);
    const engineOptions = {
      selfId: id,
      limits,
      random: seededRandom(seed),
      config: this.#config,
    };
    const engine = this.options.createEngine?.(engineOptions, this) ?? createOverlayEngine(engineOptions);
    const member = new SimulatedMember(this, engine, {
      id,
      index,
      identity: options.identity ?? (randomHex(16, this.random) as Identity),
      limits,
      place: options.place ?? index % this.options.latencies.places,
      uplinkKbps: options.uplinkKbps ?? Infinity,
      clock: options.clock,
      nat: options.nat ?? (this.conditions.nats ? drawNat(this.conditions.nats, this.random) : 'open'),
    });
    this.members.set(id, member);
    // Of two members with one handle the lower id keeps it, as in the engine.
    const holder = this.handles.get(member.handle);
    if (!holder?.alive || member.id < holder.id) this.handles.set(member.handle, member);
    member.start();
    return member;
  }

  /** A new member that rings the doorbell: pipes to the members on duty. */
  join(options: MemberOptions = {}): SimulatedMember {
    const member = this.add(options);
    this.ring(member);
    return member;
  }

  /** The doorbell: pipes to the longest-lived others; they end some time after the member has links. */
  ring(member: SimulatedMember): void {
    const others = this.alive().filter(
      (other) => other !== member && this.connected(member.place, other.place),
    );
    others.sort((a, b) => a.joinedAtMs - b.joinedAtMs || (a.id < b.id ? -1 : 1));
    for (const other of others.slice(0, 3)) this.pipe(member, other);
  }

  /** Opens a doorbell pipe between two members; it closes when both have links, or after ten seconds. */
  pipe(a: SimulatedMember, b: SimulatedMember, lifeMs = 10_000): void {
    const delay = 2 * this.oneWayMs(a, b);
    this.after(delay, () => {
      a.pipeUp(b);
      b.pipeUp(a);
    });
    this.after(delay + lifeMs, () => {
      a.pipeDown(b);
      b.pipeDown(a);
    });
  }

  alive(): SimulatedMember[] {
    return [...this.members.values()].filter((member) => member.alive);
  }

  oneWayMs(from: SimulatedMember, to: SimulatedMember): number {
    return this.options.latencies.oneWayMs(from.place, to.place);
  }

  /** Whether packets pass between two places now. */
  connected(placeA: number, placeB: number): boolean {
    return !this.partition || this.partition(placeA) === this.partition(placeB);
  }

  /** Whether two members could ever link: decided once per pair. */
  connectable(a: SimulatedMember, b: SimulatedMember): boolean {
    if (!this.connected(a.place, b.place) || !natsLetThrough(a.facts.nat, b.facts.nat)) return false;
    if (this.conditions.unconnectable === 0) return true;
    const [first, second] = [a.facts.index, b.facts.index].sort((x, y) => x - y) as [number, number];
    const key = first * 0x1_0000 + second;
    let barred = this.#barred.get(key);
    if (barred === undefined) {
      // Not from the common stream: looking must not change the run.
      barred = seededRandom(this.options.seed * 7919 + key)() < this.conditions.unconnectable;
      this.#barred.set(key, barred);
    }
    return !barred;
  }

  /** Exponential extra delay, ms. */
  jitterMs(): number {
    return this.conditions.jitterMs === 0 ? 0 : -Math.log(1 - this.random()) * this.conditions.jitterMs;
  }

  /** Whether what one member sends another now is lost. */
  loses(from: SimulatedMember, to: SimulatedMember): boolean {
    const { loss, bursts } = this.conditions;
    if (loss > 0 && this.random() < loss) return true;
    if (!bursts) return false;
    const key = from.facts.index * 0x1_0000 + to.facts.index;
    let link = this.#bursty.get(key);
    if (!link) {
      link = new BurstyLink(bursts, this.random, this.nowMs);
      this.#bursty.set(key, link);
    }
    return link.loses(this.nowMs);
  }

  /** Whether a voice message arrives twice. */
  duplicates(): boolean {
    return this.conditions.duplication > 0 && this.random() < this.conditions.duplication;
  }
}

function randomHex(bytes: number, random: () => number): string {
  let text = '';
  for (let i = 0; i < bytes; i++)
    text += Math.floor(random() * 256)
      .toString(16)
      .padStart(2, '0');
  return text;
}
