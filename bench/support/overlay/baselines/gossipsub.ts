/**
 * GossipSub as libp2p specifies it (pubsub/gossipsub v1.0, with v1.1's flood publishing and prune backoff): one topic,
 * a mesh of D links per member within its random connections, frames flooded over it, and what was missed asked for by
 * IHAVE and IWANT. Scoring is left out: nobody misbehaves here. IWANT answers skip the upload queue, to its favour.
 */

import type { Handle, MemberId } from '../../../../src/units.js';
import type { VoiceHeader } from '../../../../src/wire/voice-packet.js';
import { shuffled } from '../../../../test/simulation/random.js';
import { Baseline, SMALL_MESSAGE_BYTES } from './baseline.js';

/** The specification's parameters: mesh degree wanted, least and most, and peers gossiped to. */
const D = 6;
const D_LOW = 4;
const D_HIGH = 12;
const D_LAZY = 6;
/** Heartbeats whose messages are gossiped, and kept for IWANT. */
const GOSSIP_WINDOW_MS = 3000;
const CACHE_MS = 5000;
const PRUNE_BACKOFF_MS = 60_000;
/** Handle and sequence number of a frame; real message ids are rather longer. */
const ID_BYTES = 8;
const IDS_PER_MESSAGE = 5000;

interface Cached {
  readonly header: VoiceHeader;
  readonly hopLimit: number;
  readonly sentMs: number;
  readonly atMs: number;
}

export class GossipSub extends Baseline {
  readonly mesh = new Set<MemberId>();
  readonly #backoff = new Map<MemberId, number>();
  readonly #pending = new Set<MemberId>();
  /** Frames of the last `CACHE_MS`, oldest first. */
  #cache: Cached[] = [];
  #meshList: readonly MemberId[] = [];

  get #maxLinks(): number {
    return this.options.limits.maxLinks;
  }

  override admits(peer: MemberId): boolean {
    return super.admits(peer) && (this.links.size < this.#maxLinks || this.#pending.has(peer));
  }

  override receivePacket(
    from: MemberId,
    header: VoiceHeader,
    hopLimit: number,
    nowMs: number,
  ): ReturnType<Baseline['receivePacket']> {
    if (!this.seen(header.source, header.sequence)) this.#keep(header, hopLimit - 1, nowMs);
    return super.receivePacket(from, header, hopLimit, nowMs);
  }

  protected targets(header: VoiceHeader, from: MemberId | undefined): readonly MemberId[] {
    if (from !== undefined) return this.#meshList;
    this.#keep(header, 31, this.nowMs);
    return [...this.links];
  }

  #keep(header: VoiceHeader, hopLimit: number, atMs: number): void {
    this.#cache.push({ header, hopLimit, sentMs: header.sampleTime / 48, atMs });
  }

  protected joined(): void {
    this.#connect();
  }

  /** Random connections up to the limit, from all who are here. */
  #connect(): void {
    const wanted = this.#maxLinks - this.links.size - this.#pending.size;
    if (wanted <= 0) return;
    const others = this.rendezvous
      .alive()
      .filter((other) => other !== this && !this.links.has(other.selfId) && !this.#pending.has(other.selfId));
    for (const { selfId } of shuffled(others, this.options.random).slice(0, wanted)) {
      this.#pending.add(selfId);
      this.open(selfId);
    }
  }

  protected override linkUp(peer: MemberId): void {
    this.#pending.delete(peer);
    // Two that asked at once may be one too many.
    if (this.links.size > this.#maxLinks) {
      this.close(peer);
      return;
    }
    if (this.mesh.size < D_LOW) this.#graft(peer);
  }

  protected override linkLost(peer: MemberId): void {
    this.#pending.delete(peer);
    this.#leaveMesh(peer);
  }

  protected override left(): void {
    for (const peer of this.mesh) this.#prune(peer);
  }

  protected override beat(): void {
    this.#connect();
    const random = this.options.random;
    if (this.mesh.size < D_LOW) {
      const candidates = [...this.links].filter(
        (peer) => !this.mesh.has(peer) && (this.#backoff.get(peer) ?? 0) <= this.nowMs,
      );
      for (const peer of shuffled(candidates, random).slice(0, D - this.mesh.size)) this.#graft(peer);
    }
    if (this.mesh.size > D_HIGH)
      for (const peer of shuffled([...this.mesh], random).slice(D)) this.#prune(peer);
    while (this.#cache[0] && this.nowMs - this.#cache[0].atMs > CACHE_MS) this.#cache.shift();
    this.#gossip();
  }

  #joinMesh(peer: MemberId): void {
    this.mesh.add(peer);
    this.#meshList = [...this.mesh];
  }

  #leaveMesh(peer: MemberId): void {
    if (this.mesh.delete(peer)) this.#meshList = [...this.mesh];
  }

  #graft(peerId: MemberId): void {
    const peer = this.#peer(peerId);
    if (!peer || this.mesh.has(peerId)) return;
    this.#joinMesh(peerId);
    this.rendezvous.tell(this, peer, SMALL_MESSAGE_BYTES, () => {
      if (!peer.links.has(this.selfId)) return;
      const refused = (peer.#backoff.get(this.selfId) ?? 0) > peer.nowMs || peer.mesh.size >= D_HIGH;
      if (refused) peer.#prune(this.selfId);
      else peer.#joinMesh(this.selfId);
    });
  }

  #prune(peerId: MemberId): void {
    const peer = this.#peer(peerId);
    this.#leaveMesh(peerId);
    this.#backoff.set(peerId, this.nowMs + PRUNE_BACKOFF_MS);
    if (!peer) return;
    this.rendezvous.tell(this, peer, SMALL_MESSAGE_BYTES, () => {
      peer.#leaveMesh(this.selfId);
      peer.#backoff.set(this.selfId, peer.nowMs + PRUNE_BACKOFF_MS);
    });
  }

  #gossip(): void {
    const recent = this.#cache
      .filter(({ atMs }) => this.nowMs - atMs <= GOSSIP_WINDOW_MS)
      .slice(-IDS_PER_MESSAGE);
    if (recent.length === 0) return;
    const outside = [...this.links].filter((peer) => !this.mesh.has(peer));
    for (const peerId of shuffled(outside, this.options.random).slice(0, D_LAZY)) {
      const peer = this.#peer(peerId);
      if (!peer) continue;
      this.rendezvous.tell(this, peer, SMALL_MESSAGE_BYTES + recent.length * ID_BYTES, () => {
        const wanted = recent.filter(
          ({ header }) =>
            header.source !== (peer.member.handle as Handle) && !peer.seen(header.source, header.sequence),
        );
        if (wanted.length === 0) return;
        this.rendezvous.tell(peer, this, SMALL_MESSAGE_BYTES + wanted.length * ID_BYTES, () =>
          this.#answer(peer, wanted),
        );
      });
    }
  }

  /** IWANT: the frames themselves, straight to the peer that asked. */
  #answer(peer: GossipSub, wanted: readonly Cached[]): void {
    const { simulation } = this.rendezvous;
    for (const { header, hopLimit, sentMs } of wanted) {
      const openedAtMs = this.member.links.get(peer.selfId)?.openedAtMs;
      if (openedAtMs === undefined) return;
      simulation.voiceCopies++;
      if (simulation.loses(this.member, peer.member)) continue;
      simulation.after(simulation.oneWayMs(this.member, peer.member) + simulation.jitterMs(), () =>
        peer.member.receiveVoice(this.member, header, hopLimit, sentMs, openedAtMs),
      );
    }
  }

  #peer(id: MemberId): GossipSub | undefined {
    const peer = this.rendezvous.engines.get(id);
    return peer instanceof GossipSub ? peer : undefined;
  }
}
