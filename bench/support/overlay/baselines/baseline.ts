/**
 * What all baselines share. They run in the same simulated members as ours: links open by the same signalling and round
 * trips, voice takes the same delays, losses and upload queues. To their favour they have a perfect rendezvous: whoever
 * joins is known to all at once and at no cost, and their signalling takes the direct way.
 */

import type {
  OverlayEffect,
  OverlayEngine,
  OverlayInput,
  OverlayView,
  PacketVerdict,
} from '../../../../src/overlay/interface.js';
import type { OverlayEngineOptions } from '../../../../src/overlay/engine.js';
import type { Handle, MemberId } from '../../../../src/units.js';
import type { VoiceHeader } from '../../../../src/wire/voice-packet.js';
import type { SimulatedMember } from '../../../../test/simulation/member.js';
import type { Simulation } from '../../../../test/simulation/simulation.js';

/** Between two heartbeats on a link, ms; after three that did not come the far end counts as gone. */
export const HEARTBEAT_MS = 1000;
export const SILENCE_MS = 3 * HEARTBEAT_MS;
/** A heartbeat as a real one would be sent: type, sequence number, time. */
const HEARTBEAT_BYTES = 12;
/** What names a member and a tree in a control message. */
export const SMALL_MESSAGE_BYTES = 24;
/** Sequence numbers remembered per source: ten seconds and more. */
const SEEN_FRAMES = 1024;

/** Everybody in one simulated room that runs a baseline. */
export class Rendezvous {
  readonly engines = new Map<MemberId, Baseline>();

  constructor(readonly simulation: Simulation) {}

  alive(): Baseline[] {
    return [...this.engines.values()].filter((engine) => engine.member.alive);
  }

  /** A control message: bytes are counted, delay and loss are the network's, the dead hear nothing. */
  tell(from: Baseline, to: Baseline, bytes: number, arrive: () => void, reliable = true): void {
    const { simulation } = this;
    const { member } = to;
    from.member.controlBytes += bytes;
    simulation.controlBytes += bytes;
    let delayMs = simulation.oneWayMs(from.member, member) + simulation.jitterMs();
    if (simulation.loses(from.member, member)) {
      if (!reliable) return;
      delayMs += 2 * simulation.oneWayMs(from.member, member) + 50;
    }
    simulation.after(delayMs, () => {
      if (!member.alive || !simulation.connected(from.member.place, member.place)) return;
      arrive();
      member.input({ type: 'tick' });
    });
  }
}

export abstract class Baseline implements OverlayEngine {
  readonly selfId: MemberId;
  readonly links = new Set<MemberId>();
  protected readonly verdict: { -readonly [K in keyof PacketVerdict]: PacketVerdict[K] } = {
    deliver: false,
    forwardTo: [],
    keep: false,
  };
  readonly #effects: OverlayEffect[] = [];
  readonly #blocked = new Set<string>();
  readonly #seen = new Map<Handle, { newest: number; frames: Set<number> }>();
  readonly #heardMs = new Map<MemberId, number>();
  #nextBeatMs = Infinity;
  #started = false;

  constructor(
    readonly options: OverlayEngineOptions,
    readonly rendezvous: Rendezvous,
  ) {
    this.selfId = options.selfId;
  }

  get nowMs(): number {
    return this.rendezvous.simulation.nowMs;
  }

  /** The member around this engine; there from its first input on. */
  get member(): SimulatedMember {
    return this.rendezvous.simulation.members.get(this.selfId)!;
  }

  handle(input: OverlayInput, nowMs: number): OverlayEffect[] {
    switch (input.type) {
      case 'self':
        if (this.#started) break;
        this.#started = true;
        // Not everybody beats in the same instant.
        this.#nextBeatMs = nowMs + HEARTBEAT_MS * this.options.random();
        this.rendezvous.engines.set(this.selfId, this);
        this.joined();
        break;
      case 'signal': {
        const { payload } = input;
        const peer = this.rendezvous.engines.get(input.to);
        if (peer)
          this.rendezvous.tell(this, peer, payload.byteLength, () =>
            peer.#effects.push({ type: 'signal', from: this.selfId, payload }),
          );
        break;
      }
      case 'link-up':
        this.links.add(input.peer);
        this.#heardMs.set(input.peer, nowMs);
        this.linkUp(input.peer);
        break;
      case 'link-down':
        this.#lost(input.peer);
        break;
      case 'block':
        this.#blocked.add(input.identity);
        break;
      case 'unblock':
        this.#blocked.delete(input.identity);
        break;
      case 'leave':
        this.left();
        break;
      case 'tick':
        if (nowMs >= this.#nextBeatMs) this.#beat();
        break;
      default:
        break;
    }
    return this.#effects.splice(0);
  }

  receivePacket(from: MemberId, header: VoiceHeader, hopLimit: number, nowMs: number): PacketVerdict {
    this.#heardMs.set(from, nowMs);
    const fresh = this.#isNew(header);
    const source = this.rendezvous.simulation.handles.get(header.source);
    this.verdict.deliver = fresh && source !== undefined && !this.#blocked.has(source.identity);
    this.verdict.forwardTo =
      fresh && hopLimit > 1 ? this.targets(header, from).filter((peer) => peer !== from) : [];
    return this.verdict;
  }

  isHeard(): boolean {
    return this.links.size > 0;
  }

  sendPacket(header: VoiceHeader): PacketVerdict {
    this.#isNew(header);
    this.verdict.deliver = false;
    this.verdict.forwardTo = this.targets(header, undefined);
    return this.verdict;
  }

  admits(peer: MemberId): boolean {
    return peer !== this.selfId;
  }

  nextDeadlineMs(): number {
    return this.#nextBeatMs;
  }

  isCastaway(): boolean {
    return false;
  }

  view(): OverlayView {
    return {
      members: [],
      links: [...this.links].map((peerId) => ({ peerId, rttMs: 0 })),
      trees: [],
      onDuty: [],
    };
  }

  /** Whom to pass a new frame to; `from` is undefined for one's own. */
  protected abstract targets(header: VoiceHeader, from: MemberId | undefined): readonly MemberId[];
  protected abstract joined(): void;
  protected linkUp(_peer: MemberId): void {}
  /** A neighbour is gone, or a link did not open. */
  protected linkLost(_peer: MemberId): void {}
  protected left(): void {}
  /** Once per heartbeat. */
  protected beat(): void {}

  protected seen(source: Handle, sequence: number): boolean {
    return this.#seen.get(source)?.frames.has(sequence) === true;
  }

  open(peer: MemberId): void {
    this.#effects.push({ type: 'open-link', peer });
  }

  close(peer: MemberId): void {
    this.links.delete(peer);
    this.#heardMs.delete(peer);
    this.#effects.push({ type: 'close-link', peer });
  }

  #lost(peer: MemberId): void {
    this.links.delete(peer);
    this.#heardMs.delete(peer);
    this.linkLost(peer);
  }

  #beat(): void {
    this.#nextBeatMs = this.nowMs + HEARTBEAT_MS;
    for (const id of [...this.links]) {
      if (this.nowMs - (this.#heardMs.get(id) ?? this.nowMs) > SILENCE_MS) {
        this.close(id);
        this.linkLost(id);
        continue;
      }
      const peer = this.rendezvous.engines.get(id);
      if (peer)
        this.rendezvous.tell(
          this,
          peer,
          HEARTBEAT_BYTES,
          () =>
            peer.links.has(this.selfId) && peer.#heardMs.set(this.selfId, peer.rendezvous.simulation.nowMs),
          false,
        );
    }
    this.beat();
  }

  #isNew({ source, sequence }: VoiceHeader): boolean {
    let seen = this.#seen.get(source);
    if (!seen) this.#seen.set(source, (seen = { newest: sequence, frames: new Set() }));
    if (seen.frames.has(sequence)) return false;
    seen.frames.add(sequence);
    seen.newest = Math.max(seen.newest, sequence);
    if (seen.frames.size > 2 * SEEN_FRAMES)
      for (const old of seen.frames) if (old < seen.newest - SEEN_FRAMES) seen.frames.delete(old);
    return true;
  }
}
