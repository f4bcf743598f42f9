/**
 * What must hold in every room at every moment, and what may be broken for a while only. Cheap checks after every
 * event of a member, those that look at everybody every 250 ms of simulated time. Each invariant has a name; a breach
 * names the members by their order of joining. What must hold at rest is in `invariants.ts`.
 */

import { DEFAULT_OVERLAY_CONFIG } from '../../src/overlay/config.js';
import type { OverlayView } from '../../src/overlay/interface.js';
import type { Handle, MemberId } from '../../src/units.js';
import type { ControlMessage } from '../../src/wire/control.js';
import type { VoiceHeader } from '../../src/wire/voice-packet.js';
import { copiesAllowed } from './invariants.js';
import type { SimulatedMember } from './member.js';
import { FRAME_MS, type Simulation } from './simulation.js';

const LOOK_MS = 250;
/** A route that runs in a circle costs a round trip of news and the next decision. */
const CIRCLE_MS = 1500;
/** News of a path waits `advertDelayMs` at each of up to ten relays of a silent tree before it reaches who hangs above. */
const BACKUP_MS = 10 * DEFAULT_OVERLAY_CONFIG.advertDelayMs;
/** A place more than allowed is given up within `overrunMs`, and what that opens elsewhere once more. */
const OVERRUN_MS = 2 * DEFAULT_OVERLAY_CONFIG.overrunMs + 1000;
/**
 * Copies of one frame in the whole room, a member: one to hear it, and the replays of two rounds of repair with
 * `stallAsks` parents each. Without dedupe a single loop would cost thirty-one.
 */
const COPIES_PER_MEMBER = 1 + 2 * DEFAULT_OVERLAY_CONFIG.stallAsks;
/** A second transmission on the reliable path, beyond its round trip, ms. */
const RETRANSMISSION_MS = 50;
const FULL_HOP_LIMIT = 31;

export type InvariantName =
  | 'each frame is played once'
  | 'no frame of a blocked voice later than one round trip'
  | 'no blocker relays'
  | 'no blocker advertises or subscribes'
  | 'slots are exceeded by one hand-over copy only'
  | 'a hand-over lasts a round trip'
  | 'hop limit bounds the way'
  | 'traffic of a frame is bounded'
  | 'no lasting circle'
  | 'a backup is no descendant'
  | 'links are exceeded for a hand-over only'
  | 'state stays within its bound';

export interface Breach {
  readonly name: InvariantName;
  readonly atMs: number;
  readonly what: string;
}

interface Batch {
  sequence: number;
  atMs: number;
  copies: number;
  /** Since when each frame went to one child too many; undefined while within the slots. */
  overSinceMs: number | undefined;
}

export class Watch {
  readonly breaches: Breach[] = [];
  /** Changes of parents seen from one look to the next, all trees. */
  reparentings = 0;
  #partitionedMs = -Infinity;
  /** Blocked arrivals already judged, by member. */
  readonly #judged = new Map<SimulatedMember, number>();
  /** Copies of the newest frame a member sent of a source. */
  readonly #batches = new Map<SimulatedMember, Map<Handle, Batch>>();
  /** Copies in the whole room of the newest 64 frames of each source, by sequence. */
  readonly #copies = new Map<Handle, Map<number, number>>();
  /** Since when a condition that may hold for a moment holds. */
  #lasting = new Map<string, number>();
  #parents = new Map<string, MemberId | undefined>();

  constructor(readonly simulation: Simulation) {
    const { afterEvent, onVoiceSent, onControlSent } = simulation;
    simulation.afterEvent = (member) => {
      afterEvent?.(member);
      this.#afterEvent(member);
    };
    simulation.onVoiceSent = (from, to, header, departMs, arriveMs, hopLimit) => {
      onVoiceSent?.(from, to, header, departMs, arriveMs, hopLimit);
      if (!from.liar) this.#onVoice(from, to, header, hopLimit);
    };
    simulation.onControlSent = (from, to, message) => {
      onControlSent?.(from, to, message);
      if (!from.liar) this.#onControl(from, to, message);
    };
    simulation.after(LOOK_MS, () => this.#look());
  }

  #breach(name: InvariantName, what: string): void {
    // One of each kind tells enough; a broken invariant tends to stay broken.
    if (this.breaches.some((breach) => breach.name === name)) return;
    this.breaches.push({ name, what, atMs: Math.round(this.simulation.nowMs) });
  }

  #afterEvent(member: SimulatedMember): void {
    if (this.simulation.partition) this.#partitionedMs = this.simulation.nowMs;
    if (member.playedTwice > 0) this.#breach('each frame is played once', named(member));
    const judged = this.#judged.get(member) ?? 0;
    if (member.blockedArrivals.length > judged) this.#judgeBlocked(member, judged);
  }

  #judgeBlocked(member: SimulatedMember, judged: number): void {
    const { simulation } = this;
    for (const { from, afterMs, source } of member.blockedArrivals.slice(judged)) {
      const blockedMs = simulation.nowMs - afterMs;
      const slept = Math.max(from.frozenUntilMs, member.frozenUntilMs, this.#partitionedMs) >= blockedMs;
      if (from.liar || slept || afterMs <= this.#roundTripMs(member, from)) continue;
      this.#breach(
        'no frame of a blocked voice later than one round trip',
        `${named(member)} got ${this.#source(source)} from ${named(from)} after ${Math.round(afterMs)} ms`,
      );
    }
    this.#judged.set(member, member.blockedArrivals.length);
  }

  /** There and back at worst: with jitter, and a second transmission where something can be lost. */
  #roundTripMs(a: SimulatedMember, b: SimulatedMember): number {
    const { jitterMs, loss, bursts, duplication } = this.simulation.conditions;
    const roundTripMs = 2 * this.simulation.oneWayMs(a, b) + 2 + 20 * jitterMs;
    const lossy = loss > 0 || bursts !== undefined || duplication > 0;
    return lossy ? 2 * roundTripMs + RETRANSMISSION_MS : roundTripMs;
  }

  #source(handle: Handle): string {
    const source = this.simulation.handles.get(handle);
    return source ? named(source) : 'somebody unknown';
  }

  #onVoice(from: SimulatedMember, to: SimulatedMember, header: VoiceHeader, hopLimit: number): void {
    const source = this.simulation.handles.get(header.source);
    if (!source) return;
    if (source !== from && from.blockedSince.has(source.identity))
      this.#breach('no blocker relays', `${named(from)} sends ${named(source)} to ${named(to)}`);
    if (hopLimit < 0 || hopLimit > FULL_HOP_LIMIT)
      this.#breach('hop limit bounds the way', `${named(from)} sends with ${hopLimit} relays left`);
    this.#countCopy(header);
    // Nobody can know yet that a child just crashed; its place is taken as soon as it is noticed.
    if (to.alive) this.#countSlots(from, source, header);
  }

  #countCopy({ source, sequence }: VoiceHeader): void {
    let frames = this.#copies.get(source);
    if (!frames) this.#copies.set(source, (frames = new Map()));
    const copies = (frames.get(sequence) ?? 0) + 1;
    frames.set(sequence, copies);
    if (frames.size > 64) for (const oldest of [...frames.keys()].slice(0, 1)) frames.delete(oldest);
    if (copies > COPIES_PER_MEMBER * this.simulation.members.size)
      this.#breach('traffic of a frame is bounded', `${copies} copies of a frame of ${this.#source(source)}`);
  }

  /** Copies sent of one frame at one moment; replays, which are of older frames, count for themselves. */
  #countSlots(from: SimulatedMember, source: SimulatedMember, { sequence }: VoiceHeader): void {
    const { nowMs } = this.simulation;
    // Whoever wakes answers at one moment what came while it slept: requests since withdrawn, the withdrawals after them.
    if (nowMs - from.frozenUntilMs < 1) return;
    let batches = this.#batches.get(from);
    if (!batches) this.#batches.set(from, (batches = new Map()));
    const batch = batches.get(source.handle);
    if (!batch || ((sequence - batch.sequence) | 0) > 0) {
      const over = batch && batch.copies > this.#slots(from, source) ? batch.overSinceMs : undefined;
      batches.set(source.handle, { sequence, atMs: nowMs, copies: 1, overSinceMs: over });
      return;
    }
    if (sequence !== batch.sequence || nowMs !== batch.atMs) return;
    batch.copies++;
    const slots = this.#slots(from, source);
    if (batch.copies <= slots) return;
    batch.overSinceMs ??= nowMs;
    if (batch.copies > slots + 1)
      this.#breach(
        'slots are exceeded by one hand-over copy only',
        `${named(from)} sends ${batch.copies} copies of ${named(source)}, allowed ${slots}`,
      );
    const overMs = nowMs - batch.overSinceMs;
    if (overMs > this.#handoverMs(from))
      this.#breach(
        'a hand-over lasts a round trip',
        `${named(from)} sends a copy of ${named(source)} too many for ${Math.round(overMs)} ms`,
      );
  }

  #slots(from: SimulatedMember, source: SimulatedMember): number {
    return from === source ? Math.max(1, copiesAllowed(from)) : copiesAllowed(from);
  }

  /** The displaced child hears of it, asks the newcomer, once more if that is not served yet, hears a frame and lets go. */
  #handoverMs(from: SimulatedMember): number {
    const { simulation } = this;
    const undisturbed =
      simulation.conditions.loss === 0 &&
      simulation.conditions.bursts === undefined &&
      this.#partitionedMs < simulation.nowMs - 5000 &&
      simulation.alive().every((member) => member.frozenUntilMs < simulation.nowMs - 5000);
    if (!undisturbed) return DEFAULT_OVERLAY_CONFIG.handoverMs + FRAME_MS;
    let farthestMs = 0;
    for (const a of simulation.alive())
      for (const b of simulation.alive()) farthestMs = Math.max(farthestMs, simulation.oneWayMs(a, b));
    return Math.min(
      DEFAULT_OVERLAY_CONFIG.handoverMs + FRAME_MS,
      6 * farthestMs + 3 * FRAME_MS + 40 * simulation.conditions.jitterMs + this.#roundTripMs(from, from),
    );
  }

  #onControl(from: SimulatedMember, to: SimulatedMember, message: ControlMessage): void {
    if (from.blockedSince.size === 0) return;
    const about =
      message.type === 'advertise'
        ? message.offers.filter((offer) => Number.isFinite(offer.costMs))
        : message.type === 'subscribe'
          ? message.requests
          : [];
    for (const { source: handle } of about) {
      const source = this.simulation.handles.get(handle);
      if (source && from.blockedSince.has(source.identity) && source.identity !== from.identity)
        this.#breach(
          'no blocker advertises or subscribes',
          `${named(from)} sends ${message.type} of ${named(source)} to ${named(to)}`,
        );
    }
  }

  #look(): void {
    const { simulation } = this;
    simulation.after(LOOK_MS, () => this.#look());
    const views = new Map(simulation.alive().map((member) => [member.id, member.engine.view()]));
    const lasting = new Map<string, number>();
    const lasts = (what: string, limitMs: number, name: InvariantName): void => {
      const sinceMs = this.#lasting.get(what) ?? simulation.nowMs;
      lasting.set(what, sinceMs);
      // Held-up messages and sleepers excuse what they could not know of.
      const slept = simulation.alive().some((member) => member.frozenUntilMs > simulation.nowMs - limitMs);
      if (slept || this.#partitionedMs > simulation.nowMs - limitMs) return;
      if (simulation.nowMs - sinceMs >= limitMs) this.#breach(name, what);
    };
    const parents = new Map<string, MemberId | undefined>();
    for (const [id, view] of views) {
      const member = simulation.members.get(id)!;
      this.#lookAtBounds(member, view);
      if (view.links.length > member.facts.limits.maxLinks)
        lasts(`${named(member)} has too many links`, OVERRUN_MS, 'links are exceeded for a hand-over only');
      for (const tree of view.trees) {
        const key = `${id} ${tree.sourceId}`;
        parents.set(key, tree.parentId);
        if (this.#parents.has(key) && this.#parents.get(key) !== tree.parentId) this.reparentings++;
        const upwards = this.#upwards(id, tree.sourceId, views);
        // What is planned alone carries nothing, and goes by maps that differ for moments.
        if (upwards.circle && !tree.planned && tree.parentId !== undefined)
          lasts(
            `${named(member)} hears ${this.#name(tree.sourceId)} in a circle`,
            CIRCLE_MS,
            'no lasting circle',
          );
        for (const backup of tree.backupIds) {
          if (this.#upwards(backup, tree.sourceId, views).way.has(id))
            lasts(
              `${this.#name(backup)} backs up ${named(member)} for ${this.#name(tree.sourceId)} and hangs below it`,
              BACKUP_MS,
              'a backup is no descendant',
            );
        }
      }
    }
    this.#lasting = lasting;
    this.#parents = parents;
  }

  #lookAtBounds(member: SimulatedMember, view: OverlayView): void {
    const { backups, maxMembers, maxPendingLinks } = DEFAULT_OVERLAY_CONFIG;
    const { maxLinks } = member.facts.limits;
    // Links that others asked for while own requests were under way; what is too much is given up again.
    if (view.links.length > maxLinks + maxPendingLinks)
      this.#breach(
        'links are exceeded for a hand-over only',
        `${named(member)} has ${view.links.length} links`,
      );
    if (
      view.members.length > maxMembers ||
      // Who is leaving has no entry any more and still its own tree.
      view.trees.length > view.members.length + 1 ||
      view.trees.some((tree) => tree.backupIds.length > backups || tree.childIds.length > 32)
    )
      this.#breach('state stays within its bound', named(member));
  }

  /** Everybody above a member in one tree, as their own parents have it. */
  #upwards(
    from: MemberId,
    source: MemberId,
    views: ReadonlyMap<MemberId, OverlayView>,
  ): { way: Set<MemberId>; circle: boolean } {
    const way = new Set<MemberId>();
    let at: MemberId | undefined = from;
    while (at !== undefined && at !== source) {
      at = views.get(at)?.trees.find((tree) => tree.sourceId === source)?.parentId;
      if (at === undefined) break;
      if (way.has(at) || at === from) return { way: way.add(at), circle: true };
      way.add(at);
    }
    return { way, circle: false };
  }

  #name(id: MemberId): string {
    const member = this.simulation.members.get(id);
    return member ? named(member) : 'somebody unknown';
  }
}

/** Members by their order of joining. */
export function named(member: SimulatedMember): string {
  return `m${member.facts.index}`;
}
