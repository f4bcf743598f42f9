/**
 * One open link, seen from the core: two data channels, the envelope around voice packets, counters.
 * Control is reliable and ordered; voice is unordered with a short lifetime, bundled per tick.
 *
 * Memory: at most one bundle of voice (1100 B) waits here; SCTP's own buffer is bounded by `maxVoiceBufferedBytes`,
 * the control channel's by the rate its callers are bounded to.
 */

import type { Handle } from '../units.js';
import {
  bundleBytes,
  decodeLinkMessage,
  encodeLinkMessage,
  MAX_LINK_MESSAGE_BYTES,
  MAX_PACKETS_PER_BUNDLE,
  type BundledPacket,
} from '../wire/link-bundle.js';
import type { NetworkConfig } from './config.js';

export interface LinkHandlers {
  /** Both channels are open. */
  onOpen(): void;
  /** A control message; `reliable` tells over which channel. */
  onControl(bytes: Uint8Array, reliable: boolean): void;
  onVoice(packet: Uint8Array, hopLimit: number): void;
  /** A channel closed or the neighbour misbehaved. Called once. */
  onClosed(cause: 'closed' | 'abuse'): void;
}

/** Largest control message accepted; SCTP delivers up to 64 KiB everywhere. */
const MAX_CONTROL_BYTES = 60_000;

/** Messages kept that arrive on one channel before the other has opened: a few milliseconds' worth. */
const MAX_EARLY_MESSAGES = 64;

/** Width of the acknowledgement window in link messages. */
const ACK_WINDOW = 32;

export class Link {
  bytesSent = 0;
  /** Of these, over the voice channel. */
  voiceBytesSent = 0;
  bytesReceived = 0;
  malformed = 0;
  dropped = 0;
  /** Voice packets sent, by source. Bounded by the sources in the room. */
  readonly framesSentBySource = new Map<Handle, number>();

  #linkSequence = 0;
  #newestReceived = 0;
  #receivedBits = 0;
  #receivedAny = false;
  #lossEstimate = 0;
  #pending: BundledPacket[] = [];
  #pendingBytes = 0;
  #closed = false;
  #opened = false;
  readonly #early: { readonly data: unknown; readonly reliable: boolean }[] = [];
  #secondStartedMs = 0;
  #messagesThisSecond = 0;

  constructor(
    readonly control: RTCDataChannel,
    readonly voice: RTCDataChannel,
    private readonly handlers: LinkHandlers,
    private readonly config: NetworkConfig,
    private readonly nowMs: () => number,
  ) {
    for (const channel of [control, voice]) {
      channel.binaryType = 'arraybuffer';
      channel.onopen = () => this.#openIfBoth();
      channel.onclose = () => this.#end('closed');
    }
    control.onmessage = (event) => this.#receive(event.data, true);
    voice.onmessage = (event) => this.#receive(event.data, false);
    this.#openIfBoth();
  }

  get isOpen(): boolean {
    return this.#opened && !this.#closed;
  }

  /** Share of this end's voice messages the neighbour reported missing lately, 0–1. */
  get loss(): number {
    return this.#lossEstimate;
  }

  /** Bytes waiting in the voice channel. */
  get voiceBufferedBytes(): number {
    return this.#closed ? 0 : this.voice.bufferedAmount;
  }

  get controlBufferedBytes(): number {
    return this.#closed ? 0 : this.control.bufferedAmount;
  }

  sendControl(bytes: Uint8Array<ArrayBuffer>): void {
    if (!this.isOpen || this.control.readyState !== 'open') return;
    this.bytesSent += bytes.byteLength;
    this.control.send(bytes);
  }

  /** Sends a control message that may be lost, without waiting behind anything. */
  sendUnreliable(bytes: Uint8Array): void {
    if (!this.isOpen) return;
    this.#sendVoiceChannel({ kind: 'control', control: bytes });
  }

  /** Queues a packet for this tick's bundle; `flush` sends it. */
  queueVoice(packet: Uint8Array, hopLimit: number, source: Handle): void {
    if (!this.isOpen) return;
    if (this.voice.bufferedAmount > this.config.maxVoiceBufferedBytes) {
      this.dropped += 1;
      return;
    }
    const fits =
      bundleBytes(this.#pendingBytes + packet.byteLength, this.#pending.length + 1) <= MAX_LINK_MESSAGE_BYTES;
    if (!fits || this.#pending.length >= MAX_PACKETS_PER_BUNDLE) this.flush();
    this.#pending.push({ hopLimit, packet });
    this.#pendingBytes += packet.byteLength;
    this.framesSentBySource.set(source, (this.framesSentBySource.get(source) ?? 0) + 1);
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const packets = this.#pending;
    this.#pending = [];
    this.#pendingBytes = 0;
    if (this.isOpen) this.#sendVoiceChannel({ kind: 'bundle', packets });
  }

  /** Ends the link from this side; `onClosed` is not called. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.control.close();
    this.voice.close();
  }

  #openIfBoth(): void {
    if (this.#opened || this.control.readyState !== 'open' || this.voice.readyState !== 'open') return;
    this.#opened = true;
    this.handlers.onOpen();
    for (const { data, reliable } of this.#early.splice(0)) this.#receive(data, reliable);
  }

  #end(cause: 'closed' | 'abuse'): void {
    if (this.#closed) return;
    this.close();
    this.handlers.onClosed(cause);
  }

  #sendVoiceChannel(
    content: { kind: 'bundle'; packets: readonly BundledPacket[] } | { kind: 'control'; control: Uint8Array },
  ): void {
    if (this.voice.readyState !== 'open') return;
    this.#linkSequence = (this.#linkSequence + 1) & 0xffff;
    const bytes = encodeLinkMessage({
      linkSequence: this.#linkSequence,
      ackSequence: this.#newestReceived,
      ackBits: this.#receivedBits >>> 0,
      ...content,
    });
    this.bytesSent += bytes.byteLength;
    this.voiceBytesSent += bytes.byteLength;
    this.voice.send(bytes);
  }

  #receive(data: unknown, reliable: boolean): void {
    if (this.#closed) return;
    if (!this.#opened) {
      // The far end saw both channels open first; to the core a link that is not up cannot speak.
      if (this.#early.length < MAX_EARLY_MESSAGES) this.#early.push({ data, reliable });
      else this.dropped += 1;
      return;
    }
    if (!(data instanceof ArrayBuffer)) {
      this.#countMalformed();
      return;
    }
    this.bytesReceived += data.byteLength;
    if (this.#isFlooding()) {
      this.dropped += 1;
      return;
    }
    if (reliable) {
      if (data.byteLength === 0 || data.byteLength > MAX_CONTROL_BYTES) this.#countMalformed();
      else this.handlers.onControl(new Uint8Array(data), true);
      return;
    }
    const message = decodeLinkMessage(new Uint8Array(data));
    if (!message) {
      this.#countMalformed();
      return;
    }
    this.#noteReceived(message.linkSequence);
    this.#noteAcknowledged(message.ackSequence, message.ackBits);
    if (message.kind === 'control') this.handlers.onControl(message.control, false);
    else for (const { packet, hopLimit } of message.packets) this.handlers.onVoice(packet, hopLimit);
  }

  /** A neighbour's persistent nonsense costs it the link; decoding errors of callers count here too. */
  countMalformed(): void {
    this.#countMalformed();
  }

  #countMalformed(): void {
    this.malformed += 1;
    if (this.malformed > this.config.maxMalformed) this.#end('abuse');
  }

  #isFlooding(): boolean {
    const nowMs = this.nowMs();
    if (nowMs - this.#secondStartedMs >= 1000) {
      this.#secondStartedMs = nowMs;
      this.#messagesThisSecond = 0;
    }
    this.#messagesThisSecond += 1;
    return this.#messagesThisSecond > this.config.maxMessagesPerSecond;
  }

  #noteReceived(sequence: number): void {
    if (!this.#receivedAny) {
      this.#receivedAny = true;
      this.#newestReceived = sequence;
      this.#receivedBits = 0xffffffff | 0;
      return;
    }
    const ahead = ((sequence - this.#newestReceived) << 16) >> 16;
    if (ahead > 0) {
      const shifted = ahead >= ACK_WINDOW ? 0 : this.#receivedBits << ahead;
      this.#receivedBits = ahead <= ACK_WINDOW ? shifted | (1 << (ahead - 1)) : 0;
      this.#newestReceived = sequence;
    } else if (ahead < 0 && -ahead <= ACK_WINDOW) {
      this.#receivedBits |= 1 << (-ahead - 1);
    }
  }

  /** Loss as an exponential mean over acknowledged windows; only messages old enough to have arrived count. */
  #noteAcknowledged(ackSequence: number, ackBits: number): void {
    const outstanding = ((this.#linkSequence - ackSequence) << 16) >> 16;
    if (this.#linkSequence < ACK_WINDOW || outstanding < 0 || outstanding > 1000) return;
    let missing = 0;
    for (let bit = 8; bit < ACK_WINDOW; bit++) if (((ackBits >>> bit) & 1) === 0) missing += 1;
    const lossNow = missing / (ACK_WINDOW - 8);
    this.#lossEstimate += (lossNow - this.#lossEstimate) * 0.05;
  }
}
