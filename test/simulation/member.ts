/** One simulated member: the driver around an engine, as the room's worker is in the browser. */

import type {
  OverlayEffect,
  OverlayEngine,
  OverlayInput,
  Limits,
  OwnEntryChanges,
} from '../../src/overlay/interface.js';
import { handleOf, type Handle, type Identity, type MemberId } from '../../src/units.js';
import { decodeControl, encodeControl, type ControlMessage } from '../../src/wire/control.js';
import {
  decodeRosterEntry,
  encodeRosterFields,
  type RosterEntry,
  type RosterFields,
} from '../../src/wire/roster-entry.js';
import { serialDelta, type VoiceHeader } from '../../src/wire/voice-packet.js';
import { shownBy, whenShown, type Clock, type Nat } from './faults.js';
import { Liar, SIGNATURE_BYTES, type Lies } from './lies.js';
import { HeardSequences } from './heard-sequences.js';
import { FRAME_MS, type Simulation } from './simulation.js';

const REQUEST = 1;
const OFFER = 2;
const ANSWER = 3;
const REFUSE = 4;
/** A signal's head of 10 B, its summary of 45 B, and two candidates of 15 and 27 B, each in a signal of its own: with 51 B around it. */
const SESSION_DESCRIPTION_BYTES = 200;
const REQUEST_BYTES = 10;
/** The signed entry, which comes with a request, offer or answer … */
const ENTRY_BYTES = 190;
/** … unless both ends have been here so long, ms. */
const ACQUAINTED_MS = 5000;
/** Who did not have it gets it with the repeat, ms. */
const SIGNAL_REPEAT_MS = 500;
/** Signalling that gets no answer counts as failed after this, ms. */
const SIGNALLING_TIMEOUT_MS = 5000;
/** IP, UDP, DTLS, SCTP, envelope, packet header and 80 B of Opus. */
const VOICE_BYTES = 190;
const REPLAY_MS = 500;
/** How long a voice packet may wait for the line, ms: the lifetime that links give it. */
const VOICE_LIFETIME_MS = 60;
/** Changes of a queue that are reported, ms. */
const QUEUE_STEP_MS = 10;
/** How often what a partition holds up is tried again, ms: a retransmission timeout. */
const RETRANSMIT_MS = 200;

export interface MemberFacts {
  readonly id: MemberId;
  readonly index: number;
  readonly identity: Identity;
  readonly limits: Limits;
  readonly place: number;
  readonly uplinkKbps: number;
  readonly clock: Clock | undefined;
  readonly nat: Nat;
}

/** What one listener heard of one source. */
export interface Heard {
  frames: number;
  duplicates: number;
  /** Newest sequence heard and when a new frame last came. */
  newest: number;
  lastMs: number;
  /** Longest time between new frames within a spurt, ms. */
  worstGapMs: number;
  /** Sum of (arrival − sent), ms. */
  delaySumMs: number;
  readonly seen: HeardSequences;
}

interface Link {
  open: boolean;
  openedAtMs: number;
  /** When the last reliable message sent over it arrives: order is kept. */
  orderMs: number;
  /** Reliable messages that a partition holds up on their way here. */
  readonly held: Uint8Array[];
}

interface StoredPacket {
  readonly header: VoiceHeader;
  readonly hopLimit: number;
  readonly sentMs: number;
  readonly atMs: number;
}

export class SimulatedMember {
  readonly id: MemberId;
  readonly handle: Handle;
  readonly place: number;
  readonly joinedAtMs: number;
  alive = true;
  frozenUntilMs = 0;
  /** What it does against the protocol. */
  liar: Liar | undefined = undefined;
  /** Frames played that the source never spoke, and ones that arrived and were found out. */
  forgedHeard = 0;
  forgedRefused = 0;
  /** Frames played a second time, all sources together. */
  playedTwice = 0;
  controlBytes = 0;
  controlBytesByType = new Map<string, number>();
  voiceCopies = 0;
  signalled = 0;
  readonly links = new Map<MemberId, Link>();
  readonly heard = new Map<Handle, Heard>();
  readonly frames: { sequence: number; atMs: number }[] = [];
  /** Voice that reached a member although it had blocked the source, from whom, with the time since the block, ms. */
  blockedArrivals: { source: Handle; from: SimulatedMember; afterMs: number }[] = [];
  readonly blockedSince = new Map<Identity, number>();
  linkUps = 0;
  readonly #pipes = new Map<MemberId, number>();
  readonly #opening = new Map<MemberId, number>();
  /** The far end's attempt that each present or former link came from. */
  readonly #linkedBy = new Map<MemberId, number>();
  /** Whose entries ever came. */
  readonly #entriesSeen = new Set<MemberId>();
  /** What the engine was last told of each neighbour's queue, ms. */
  readonly #queueMs = new Map<MemberId, number>();
  readonly #stored = new Map<Handle, StoredPacket[]>();
  readonly #clock: Clock | undefined;
  #fields: RosterFields;
  #tickAtMs = Infinity;
  #idleTicks = 0;
  #attempts = 0;
  #uplinkFreeMs = 0;
  #sequence = 0;
  #speakingUntilMs = -1;

  constructor(
    readonly simulation: Simulation,
    readonly engine: OverlayEngine,
    readonly facts: MemberFacts,
  ) {
    this.id = facts.id;
    this.handle = handleOf(facts.id);
    this.place = facts.place;
    this.joinedAtMs = simulation.nowMs;
    this.#clock = facts.clock;
    this.#fields = {
      memberId: facts.id,
      publicKey: facts.identity.repeat(2),
      fingerprint: '00'.repeat(32),
      version: 1,
      joinedAtMs: 1_700_000_000_000 + this.clockMs,
      left: false,
      muted: false,
      full: false,
      onDuty: false,
      uploadSlots: facts.limits.uploadSlots,
      maxLinks: facts.limits.maxLinks,
      links: 0,
      name: `member ${facts.index}`,
    };
  }

  get identity(): Identity {
    return this.facts.identity;
  }

  get onDuty(): boolean {
    return this.#fields.onDuty;
  }

  /** What its own clock shows now, ms. */
  get clockMs(): number {
    const { nowMs } = this.simulation;
    return this.#clock ? shownBy(this.#clock, nowMs) : nowMs;
  }

  lie(lies: Lies): void {
    this.liar = new Liar(lies);
  }

  start(): void {
    this.input({ type: 'self', entry: this.#sign({}) });
  }

  block(other: SimulatedMember): void {
    this.blockedSince.set(other.identity, this.simulation.nowMs);
    this.input({ type: 'block', identity: other.identity });
  }

  unblock(other: SimulatedMember): void {
    this.blockedSince.delete(other.identity);
    this.input({ type: 'unblock', identity: other.identity });
  }

  setLimits(limits: Limits): void {
    this.input({ type: 'limits', limits });
  }

  pipeUp(peer: SimulatedMember): void {
    if (!this.alive || !peer.alive) return;
    this.#pipes.set(peer.id, (this.#pipes.get(peer.id) ?? 0) + 1);
    this.input({ type: 'pipe-up', peer: peer.id });
  }

  pipeDown(peer: SimulatedMember): void {
    const count = this.#pipes.get(peer.id);
    if (!this.alive || count === undefined) return;
    if (count > 1) this.#pipes.set(peer.id, count - 1);
    else {
      this.#pipes.delete(peer.id);
      this.input({ type: 'pipe-down', peer: peer.id });
    }
  }

  /** Gone without a word: nothing is sent or answered any more. */
  crash(): void {
    this.alive = false;
  }

  /** The page closes abruptly, but its connections do: neighbours see `closed`. */
  vanish(): void {
    this.alive = false;
    for (const peer of this.links.keys()) this.#tellClosed(peer);
    this.links.clear();
  }

  /** Polite goodbye; connections close a little later. */
  leave(lingerMs = 300): void {
    this.input({ type: 'leave' });
    this.simulation.after(lingerMs, () => {
      if (this.alive) this.vanish();
    });
  }

  /** Nothing runs until then; messages wait. */
  freeze(ms: number): void {
    // Never sooner than said before: what waits would be overtaken by what comes after.
    this.frozenUntilMs = Math.max(this.frozenUntilMs, this.simulation.nowMs + ms);
  }

  /** Speaks for so long: a frame every 20 ms, the last one marked. */
  speak(ms: number): void {
    const already = this.#speakingUntilMs >= this.simulation.nowMs;
    this.#speakingUntilMs = this.simulation.nowMs + ms;
    if (!already) this.#sendFrame();
  }

  #sendFrame(): void {
    if (!this.alive) return;
    const { nowMs } = this.simulation;
    if (this.frozenUntilMs > nowMs) {
      this.simulation.at(this.frozenUntilMs, () => this.#sendFrame());
      return;
    }
    const last = nowMs + FRAME_MS > this.#speakingUntilMs;
    const header: VoiceHeader = {
      source: this.handle,
      streamEpoch: 1,
      sequence: this.#sequence,
      sampleTime: Math.round(nowMs * 48) >>> 0,
      level: 30,
      frameSamples: 960,
      endOfSpurt: last,
    };
    this.frames.push({ sequence: this.#sequence, atMs: nowMs });
    this.#sequence = (this.#sequence + 1) >>> 0;
    const verdict = this.engine.sendPacket(header, this.clockMs);
    this.#store(header, 31, nowMs);
    for (const peer of verdict.forwardTo) this.#sendVoice(peer, header, 31, nowMs);
    if (last) this.#speakingUntilMs = -1;
    else this.simulation.after(FRAME_MS, () => this.#sendFrame());
  }

  /** Starts counting at this sequence number, to test the wrap. */
  startSequenceAt(sequence: number): void {
    this.#sequence = sequence >>> 0;
  }

  heardOf(source: SimulatedMember): Heard {
    let heard = this.heard.get(source.handle);
    if (!heard) {
      heard = {
        frames: 0,
        duplicates: 0,
        newest: -1,
        lastMs: -1,
        worstGapMs: 0,
        delaySumMs: 0,
        seen: new HeardSequences(),
      };
      this.heard.set(source.handle, heard);
    }
    return heard;
  }

  /** Forgets what was heard so far: counts start anew. */
  clearHeard(): void {
    this.heard.clear();
  }

  input(input: OverlayInput): void {
    if (!this.alive) return;
    this.#carryOut(this.engine.handle(input, this.clockMs));
    this.#arm();
    this.simulation.afterEvent?.(this);
  }

  #arm(): void {
    const shownMs = this.engine.nextDeadlineMs();
    if (shownMs === Infinity) return;
    const deadline = this.#clock ? whenShown(this.#clock, shownMs) : shownMs;
    const atMs = Math.max(Math.ceil(deadline), this.simulation.nowMs);
    if (atMs >= this.#tickAtMs) return;
    // A deadline that stays in the past would hang a browser's worker: here it fails loudly.
    if (deadline > this.simulation.nowMs) this.#idleTicks = 0;
    else if (++this.#idleTicks > 100) throw new Error(`${this.id} asks for ticks without end`);
    this.#tickAtMs = atMs;
    this.simulation.at(atMs, () => this.#tick(atMs));
  }

  #tick(atMs: number): void {
    if (!this.alive || this.#tickAtMs !== atMs) return;
    if (this.frozenUntilMs > this.simulation.nowMs) {
      this.#tickAtMs = this.frozenUntilMs;
      this.simulation.at(this.frozenUntilMs, () => this.#tick(this.#tickAtMs));
      return;
    }
    this.#tickAtMs = Infinity;
    this.input({ type: 'tick' });
  }

  #carryOut(effects: readonly OverlayEffect[]): void {
    for (const effect of effects) {
      switch (effect.type) {
        case 'send':
          this.#send(effect.to, effect.message, effect.reliable);
          break;
        case 'open-link':
          this.#openLink(effect.peer);
          break;
        case 'close-link':
          this.#opening.delete(effect.peer);
          if (this.links.delete(effect.peer)) this.#tellClosed(effect.peer);
          break;
        case 'signal':
          this.#onSignal(effect.from, effect.payload);
          break;
        case 'replay':
          for (const stored of this.#stored.get(effect.source) ?? []) {
            if (serialDelta(stored.header.sequence, effect.fromSequence) >= 0) {
              this.#sendVoice(effect.to, stored.header, stored.hopLimit, stored.sentMs);
            }
          }
          break;
        case 'publish': {
          const { changes } = effect;
          this.simulation.after(0.2, () => this.input({ type: 'self', entry: this.#sign(changes) }));
          break;
        }
        case 'view-changed':
          break;
      }
    }
  }

  #sign(changes: Partial<OwnEntryChanges>): RosterEntry {
    this.#fields = { ...this.#fields, ...changes };
    return entryOf(this.#fields);
  }

  #send(to: MemberId, honest: ControlMessage, reliable: boolean): void {
    const { simulation } = this;
    const link = this.links.get(to);
    const peer = simulation.members.get(to);
    if (!peer || (!link?.open && !this.#pipes.has(to))) return;
    const message = this.liar?.instead(honest) ?? honest;
    simulation.onControlSent?.(this, peer, message);
    const bytes = encodeControl(message);
    simulation.controlBytes += bytes.byteLength;
    this.controlBytes += bytes.byteLength;
    this.controlBytesByType.set(
      message.type,
      (this.controlBytesByType.get(message.type) ?? 0) + bytes.byteLength,
    );
    let delay = simulation.oneWayMs(this, peer) + simulation.jitterMs();
    if (simulation.loses(this, peer)) {
      if (!reliable) return;
      delay += 2 * simulation.oneWayMs(this, peer) + 50;
    }
    let atMs = simulation.nowMs + delay;
    if (reliable && link) {
      atMs = Math.max(atMs, link.orderMs);
      link.orderMs = atMs;
    }
    const opened = link?.openedAtMs;
    simulation.at(atMs, () => peer.#arrive(this, bytes, opened, reliable));
  }

  /** What a partition holds up is sent again until it comes through, in order, as long as the link stands. */
  #arrive(from: SimulatedMember, bytes: Uint8Array, openedAtMs: number | undefined, reliable: boolean): void {
    const link = this.links.get(from.id);
    const held = openedAtMs !== undefined && link?.openedAtMs === openedAtMs ? link.held : undefined;
    const connected = this.simulation.connected(from.place, this.place);
    if (!reliable || !held || (held.length === 0 && connected)) {
      if (connected) this.receiveControl(from, bytes, openedAtMs);
      return;
    }
    held.push(bytes);
    if (held.length === 1) this.simulation.after(RETRANSMIT_MS, () => this.#release(from, openedAtMs));
  }

  #release(from: SimulatedMember, openedAtMs: number | undefined): void {
    const link = this.links.get(from.id);
    if (!this.alive || !from.alive || !link || link.openedAtMs !== openedAtMs) return;
    if (!this.simulation.connected(from.place, this.place)) {
      this.simulation.after(RETRANSMIT_MS, () => this.#release(from, openedAtMs));
      return;
    }
    for (const bytes of link.held.splice(0)) this.receiveControl(from, bytes, openedAtMs);
  }

  receiveControl(from: SimulatedMember, bytes: Uint8Array, openedAtMs: number | undefined): void {
    if (!this.alive) return;
    if (this.frozenUntilMs > this.simulation.nowMs) {
      this.simulation.at(this.frozenUntilMs, () => this.receiveControl(from, bytes, openedAtMs));
      return;
    }
    if (openedAtMs !== undefined && this.links.get(from.id)?.openedAtMs !== openedAtMs) return;
    const message = decodeControl(bytes);
    if (!message) throw new Error(`${from.id} sent bytes that do not decode`);
    if (message.type === 'entries') {
      const entries = message.entries.map(verifiedEntry).filter((entry) => entry !== undefined);
      for (const { memberId } of entries) this.#entriesSeen.add(memberId);
      this.input({ type: 'entries', from: from.id, entries });
    } else this.input({ type: 'message', from: from.id, message });
  }

  #sendVoice(
    to: MemberId,
    header: VoiceHeader,
    hopLimit: number,
    sentMs: number,
    afterMs = 0,
    genuine = true,
  ): void {
    const { simulation } = this;
    const peer = simulation.members.get(to);
    const link = this.links.get(to);
    if (!peer || !link?.open) return;
    let departMs = simulation.nowMs + afterMs;
    if (this.facts.uplinkKbps !== Infinity) {
      const queueMs = Math.max(0, this.#uplinkFreeMs - departMs);
      this.#reportQueue(to, queueMs);
      // A channel gives up what has waited so long.
      if (queueMs > VOICE_LIFETIME_MS) return;
      departMs += queueMs + (VOICE_BYTES * 8) / this.facts.uplinkKbps;
      this.#uplinkFreeMs = departMs;
    }
    simulation.voiceCopies++;
    this.voiceCopies++;
    const lost = simulation.loses(this, peer);
    const arriveMs = departMs + simulation.oneWayMs(this, peer) + (lost ? 0 : simulation.jitterMs());
    simulation.onVoiceSent?.(this, peer, header, departMs, arriveMs, hopLimit);
    if (lost) return;
    const opened = link.openedAtMs;
    const arrive = (): void => peer.receiveVoice(this, header, hopLimit, sentMs, opened, genuine);
    simulation.at(arriveMs, arrive);
    if (simulation.duplicates()) simulation.at(arriveMs + simulation.jitterMs(), arrive);
  }

  #reportQueue(to: MemberId, queueMs: number): void {
    if (Math.abs(queueMs - (this.#queueMs.get(to) ?? 0)) < QUEUE_STEP_MS) return;
    this.#queueMs.set(to, queueMs);
    // Not from inside the engine's own call.
    this.simulation.after(0, () => this.input({ type: 'queue', peer: to, queueMs }));
  }

  receiveVoice(
    from: SimulatedMember,
    header: VoiceHeader,
    hopLimit: number,
    sentMs: number,
    openedAtMs: number,
    genuine = true,
  ): void {
    const { simulation } = this;
    const { nowMs } = simulation;
    if (!this.alive || !simulation.connected(from.place, this.place)) return;
    if (this.frozenUntilMs > nowMs) {
      simulation.at(this.frozenUntilMs, () =>
        this.receiveVoice(from, header, hopLimit, sentMs, openedAtMs, genuine),
      );
      return;
    }
    if (this.links.get(from.id)?.openedAtMs !== openedAtMs) return;
    if (!genuine && simulation.conditions.voiceSigned) {
      this.forgedRefused++;
      return;
    }
    const verdict = this.engine.receivePacket(from.id, header, hopLimit, this.clockMs);
    const source = simulation.handles.get(header.source);
    const blockedAt = source && this.blockedSince.get(source.identity);
    if (blockedAt !== undefined)
      this.blockedArrivals.push({ source: header.source, from, afterMs: nowMs - blockedAt });
    if (verdict.keep) this.#store(header, hopLimit - 1, sentMs);
    if (verdict.deliver && source) {
      if (!genuine) this.forgedHeard++;
      this.#play(source, header, sentMs);
      simulation.onPlay?.(this, source, from, header.sequence, hopLimit, sentMs);
    }
    if (this.liar?.lies.forgesVoice) {
      const forged = { ...header, sequence: (header.sequence + 1) >>> 0 };
      for (const peer of verdict.forwardTo) this.#sendVoice(peer, forged, hopLimit - 1, sentMs, 0, false);
    } else if (!this.liar?.lies.dropsVoice) {
      // The list is the engine's: sending does not call back into the engine, so it stays put.
      const { relayMs } = simulation.conditions;
      for (const peer of verdict.forwardTo) this.#sendVoice(peer, header, hopLimit - 1, sentMs, relayMs);
    }
    this.#arm();
    simulation.afterEvent?.(this);
  }

  #play(source: SimulatedMember, header: VoiceHeader, sentMs: number): void {
    const { nowMs } = this.simulation;
    const heard = this.heardOf(source);
    if (!heard.seen.add(header.sequence)) {
      heard.duplicates++;
      this.playedTwice++;
    }
    heard.frames++;
    heard.delaySumMs += nowMs - sentMs;
    if (heard.lastMs >= 0) heard.worstGapMs = Math.max(heard.worstGapMs, nowMs - heard.lastMs);
    heard.lastMs = header.endOfSpurt ? -1 : nowMs;
    heard.newest = header.sequence;
  }

  #store(header: VoiceHeader, hopLimit: number, sentMs: number): void {
    let stored = this.#stored.get(header.source);
    if (!stored) {
      stored = [];
      this.#stored.set(header.source, stored);
    }
    const { nowMs } = this.simulation;
    stored.push({ header, hopLimit, sentMs, atMs: nowMs });
    while (stored[0] && nowMs - stored[0].atMs > REPLAY_MS) stored.shift();
  }

  #openLink(peer: MemberId): void {
    if (this.links.has(peer)) {
      this.input({ type: 'link-up', peer });
      return;
    }
    if (this.#opening.has(peer)) return;
    this.#startOpening(peer);
    this.#signal(peer, this.id < peer ? OFFER : REQUEST);
  }

  #startOpening(peer: MemberId): void {
    const attempt = ++this.#attempts;
    this.#opening.set(peer, attempt);
    this.simulation.after(SIGNALLING_TIMEOUT_MS, () => {
      if (this.#opening.get(peer) !== attempt) return;
      this.#opening.delete(peer);
      this.input({ type: 'link-down', peer, cause: 'failed' });
    });
  }

  #signal(to: MemberId, kind: number, isRepeat = false): void {
    const isLong = kind === OFFER || kind === ANSWER;
    const isBare = kind === REFUSE || (!isRepeat && this.#isAcquainted(to));
    const payload = new Uint8Array(
      (isLong ? SESSION_DESCRIPTION_BYTES : REQUEST_BYTES) + (isBare ? 0 : ENTRY_BYTES),
    );
    payload[0] = kind;
    new DataView(payload.buffer).setUint32(1, this.#opening.get(to) ?? 0);
    payload[5] = isBare ? 0 : 1;
    this.signalled++;
    // Not from inside the engine's own call.
    this.simulation.after(0, () => this.input({ type: 'signal', to, payload }));
  }

  #isAcquainted(peer: MemberId): boolean {
    const { members, nowMs } = this.simulation;
    const joinedAtMs = members.get(peer)?.joinedAtMs ?? nowMs;
    return nowMs - Math.max(this.joinedAtMs, joinedAtMs) > ACQUAINTED_MS;
  }

  #onSignal(from: MemberId, payload: Uint8Array): void {
    const { simulation } = this;
    const peer = simulation.members.get(from);
    if (!peer) return;
    if (payload[5] === 1) this.#entriesSeen.add(from);
    else if (payload[0] !== REFUSE && !this.#entriesSeen.has(from)) {
      const kind = payload[0] as number;
      simulation.after(SIGNAL_REPEAT_MS, () => {
        if (peer.alive && peer.#opening.has(this.id)) peer.#signal(this.id, kind, true);
      });
      return;
    }
    switch (payload[0]) {
      case REQUEST:
      case OFFER: {
        const attempt = u32At(payload, 1);
        // Late: of the attempt that the link came from, or of an earlier one.
        if (this.links.has(from) && attempt <= (this.#linkedBy.get(from) ?? 0)) return;
        const known = this.#opening.has(from) || this.links.has(from);
        if (!known && !this.engine.admits(from, this.clockMs)) {
          this.#signal(from, REFUSE);
          return;
        }
        if (this.links.delete(from)) this.input({ type: 'link-down', peer: from, cause: 'closed' });
        if (!this.#opening.has(from)) this.#startOpening(from);
        this.#signal(from, payload[0] === OFFER ? ANSWER : OFFER);
        break;
      }
      case ANSWER: {
        if (!this.#opening.has(from)) return;
        const setup = simulation.conditions.openRoundTrips * 2 * simulation.oneWayMs(this, peer);
        simulation.after(setup, () => this.#connect(peer));
        break;
      }
      case REFUSE:
        if (this.#opening.delete(from)) this.input({ type: 'link-down', peer: from, cause: 'refused' });
        break;
      default:
        throw new Error(`simulated signalling knows no ${payload[0]}`);
    }
  }

  #connect(peer: SimulatedMember): void {
    if (!this.alive || !peer.alive || !this.#opening.has(peer.id) || !peer.#opening.has(this.id)) return;
    if (!this.simulation.connectable(this, peer)) return;
    const { nowMs } = this.simulation;
    this.#linkedBy.set(peer.id, peer.#opening.get(this.id) ?? 0);
    peer.#linkedBy.set(this.id, this.#opening.get(peer.id) ?? 0);
    this.#opening.delete(peer.id);
    peer.#opening.delete(this.id);
    this.links.set(peer.id, { open: true, openedAtMs: nowMs, orderMs: 0, held: [] });
    peer.links.set(this.id, { open: true, openedAtMs: nowMs, orderMs: 0, held: [] });
    this.linkUps++;
    peer.linkUps++;
    this.input({ type: 'link-up', peer: peer.id });
    peer.input({ type: 'link-up', peer: this.id });
  }

  #tellClosed(peerId: MemberId): void {
    const peer = this.simulation.members.get(peerId);
    if (!peer) return;
    const opened = peer.links.get(this.id)?.openedAtMs;
    this.simulation.after(this.simulation.oneWayMs(this, peer), () => {
      if (!peer.alive || !this.simulation.connected(this.place, peer.place)) return;
      if (peer.links.get(this.id)?.openedAtMs !== opened) return;
      peer.links.delete(this.id);
      peer.input({ type: 'link-down', peer: this.id, cause: 'closed' });
    });
  }
}

/** An entry as its owner would sign it; the simulation's signature is zeros. */
function entryOf(fields: RosterFields): RosterEntry {
  const signed = encodeRosterFields(fields);
  const bytes = new Uint8Array(signed.byteLength + 64);
  bytes.set(signed);
  return { ...fields, identity: fields.publicKey.slice(0, 32) as Identity, bytes };
}

/** Entries decoded before, by the handle of the member and the version. Bounded by `MAX_DECODED`. */
const decodedEntries = new Map<number, RosterEntry>();
const MAX_DECODED = 20_000;

/** What the driver's signature check does: bytes in, entry out. The same bytes are decoded once for all members. */
function verifiedEntry(bytes: Uint8Array): RosterEntry | undefined {
  const key = bytes.byteLength < 85 ? -1 : u32At(bytes, 1) * 0x10_0000 + (u32At(bytes, 81) & 0xf_ffff);
  const known = decodedEntries.get(key);
  if (known && sameBytes(known.bytes, bytes)) return known;
  const decoded = decodeRosterEntry(bytes);
  if (!decoded || bytes[bytes.length - SIGNATURE_BYTES] !== 0) return undefined;
  const { fields } = decoded;
  const entry = { ...fields, identity: fields.publicKey.slice(0, 32) as Identity, bytes: bytes.slice() };
  if (decodedEntries.size >= MAX_DECODED) decodedEntries.clear();
  decodedEntries.set(key, entry);
  return entry;
}

function u32At(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.byteLength !== b.byteLength) return false;
  for (let i = 0; i < a.byteLength; i++) if (a[i] !== b[i]) return false;
  return true;
}
