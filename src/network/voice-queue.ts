/**
 * Voice on its way into one link: what waits for the next message, and what the last two of each voice carried, in
 * case the link repeats. Decides what a message holds and who gives way when the link is full: the quietest voice,
 * measured over the last words rather than the last frame, so that one voice is left out and not a bit of each.
 *
 * A voice is repeated only beside new packets of its own: nothing follows a listener who has just unsubscribed.
 *
 * Pure. Bound: `MAX_WAITING_BYTES` waiting, and for each source in the room what two messages carried of it.
 */

import type { Handle } from '../units.js';
import {
  bundleBytes,
  MAX_LINK_MESSAGE_BYTES,
  MAX_PACKETS_PER_BUNDLE,
  type BundledPacket,
} from '../wire/link-bundle.js';
import type { RepeatDepth } from './link-report.js';

/** Three messages: 60 ms of the largest a link carries safely (400 kbit/s). */
const MAX_WAITING_BYTES = 3 * MAX_LINK_MESSAGE_BYTES;

/** dB by which a voice's remembered loudness falls per frame: a pause between words does not make it the quietest. */
const LOUDNESS_FALL_DB = 0.5;

/** ms after which repeating a packet helps nobody: it would be played too late. */
const REPEAT_WITHIN_MS = 100;

interface Waiting {
  readonly packet: Uint8Array;
  readonly hopLimit: number;
  readonly source: Handle;
  readonly queuedMs: number;
}

interface Sent {
  readonly packets: BundledPacket[];
  readonly atMs: number;
}

interface Voice {
  /** dB above silence, of the last words. */
  loudness: number;
  /** What the last two messages carried, newest first. */
  sent: readonly Sent[];
}

export class VoiceQueue {
  /** Packets that gave way or waited too long. */
  dropped = 0;

  readonly #waiting: Waiting[] = [];
  #waitingBytes = 0;
  readonly #voices = new Map<Handle, Voice>();

  /** @param lifetimeMs how long a packet may wait before it is dropped. */
  constructor(private readonly lifetimeMs: number) {}

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** True when the next message has no room for a packet of so many bytes. */
  wouldOverflow(bytes: number): boolean {
    return !fits(this.#waitingBytes + bytes, this.#waiting.length + 1);
  }

  /** @param level −dBFS, 0 loudest … 127 silence. */
  add(packet: Uint8Array, hopLimit: number, source: Handle, level: number, nowMs: number): void {
    const voice = this.#voice(source);
    voice.loudness = Math.max(127 - level, voice.loudness - LOUDNESS_FALL_DB);
    this.#waiting.push({ packet, hopLimit, source, queuedMs: nowMs });
    this.#waitingBytes += packet.byteLength;
    while (this.#waitingBytes > MAX_WAITING_BYTES) this.#remove(this.#quietest());
  }

  /** The next message's content, oldest first; undefined when nothing waits. */
  take(nowMs: number, repeat: RepeatDepth): readonly BundledPacket[] | undefined {
    while (this.#waiting.length > 0 && nowMs - (this.#waiting[0] as Waiting).queuedMs > this.lifetimeMs)
      this.#remove(0);
    const content: BundledPacket[] = [];
    const fresh = new Map<Handle, Sent>();
    let bytes = 0;
    while (this.#waiting.length > 0) {
      const { packet, hopLimit, source } = this.#waiting[0] as Waiting;
      if (!fits(bytes + packet.byteLength, content.length + 1)) break;
      this.#waiting.shift();
      this.#waitingBytes -= packet.byteLength;
      bytes += packet.byteLength;
      content.push({ hopLimit, packet, isRepeat: false });
      let sent = fresh.get(source);
      if (!sent) fresh.set(source, (sent = { packets: [], atMs: nowMs }));
      sent.packets.push({ hopLimit, packet, isRepeat: true });
    }
    if (content.length === 0) return undefined;
    for (const [source, sent] of fresh) {
      const voice = this.#voice(source);
      for (const { packets, atMs } of voice.sent.slice(0, repeat)) {
        if (nowMs - atMs > REPEAT_WITHIN_MS) break;
        for (const again of packets) {
          if (!fits(bytes + again.packet.byteLength, content.length + 1)) break;
          bytes += again.packet.byteLength;
          content.push(again);
        }
      }
      voice.sent = [sent, ...voice.sent.slice(0, 1)];
    }
    return content;
  }

  clear(): void {
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
    this.#voices.clear();
  }

  #voice(source: Handle): Voice {
    let voice = this.#voices.get(source);
    if (!voice) this.#voices.set(source, (voice = { loudness: 0, sent: [] }));
    return voice;
  }

  #remove(index: number): void {
    const [removed] = this.#waiting.splice(index, 1);
    this.#waitingBytes -= removed?.packet.byteLength ?? 0;
    this.dropped += 1;
  }

  /** Index of the oldest packet of the quietest voice. */
  #quietest(): number {
    let quietest = 0;
    let loudness = Number.POSITIVE_INFINITY;
    this.#waiting.forEach(({ source }, index) => {
      const own = this.#voice(source).loudness;
      if (own >= loudness) return;
      loudness = own;
      quietest = index;
    });
    return quietest;
  }
}

const fits = (bytes: number, count: number): boolean =>
  count <= MAX_PACKETS_PER_BUNDLE && bundleBytes(bytes, count) <= MAX_LINK_MESSAGE_BYTES;
