/**
 * One open link, seen from the core: two data channels, the envelope around voice packets, counters.
 * Control is reliable and ordered; voice is unordered with a short lifetime, bundled per tick. Each link heals its own
 * losses: one that loses voice repeats the packets of the messages before, byte for byte, so that what a speaker sends
 * need not change for the worst link of its tree, and losses do not add up over relays.
 *
 * Nothing waits for a timer: messages leave with the packets that come in, and what a full channel holds up leaves
 * when the channel says so.
 *
 * Memory: the voice queue's few messages; SCTP's own buffer is bounded by `maxVoiceBufferedBytes`, the control
 * channel's by the rate its callers are bounded to.
 */

import type { Handle } from '../units.js';
import { decodeLinkMessage, encodeLinkMessage, type BundledPacket } from '../wire/link-bundle.js';
import type { NetworkConfig } from './config.js';
import { ACK_WINDOW, IN_TIME_MESSAGES, LinkReport, repeatDepth, type RepeatDepth } from './link-report.js';
import { VoiceQueue } from './voice-queue.js';

export interface LinkHandlers {
  /** Both channels are open. */
  onOpen(): void;
  /** A control message; `reliable` tells over which channel. */
  onControl(bytes: Uint8Array, reliable: boolean): void;
  /** @param isRepeat sent before on this link: a duplicate unless that message was lost. */
  onVoice(packet: Uint8Array, hopLimit: number, isRepeat: boolean): void;
  /** A channel closed or the neighbour misbehaved. Called once. */
  onClosed(cause: 'closed' | 'abuse'): void;
}

/** Largest control message accepted; SCTP delivers up to 64 KiB everywhere. */
const MAX_CONTROL_BYTES = 60_000;

/** Messages kept that arrive on one channel before the other has opened: a few milliseconds' worth. */
const MAX_EARLY_MESSAGES = 64;

/** Bytes per ms that a link carries safely under loss: 400 kbit/s. */
const SAFE_BYTES_PER_MS = 50;

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
  readonly #report = new LinkReport();
  readonly #queue: VoiceQueue;
  #repeat: RepeatDepth = 0;
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
    this.#queue = new VoiceQueue(config.voiceLifetimeMs);
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
    return this.#report.loss;
  }

  /** Share of its voice that a listener misses although the link repeats, 0–1; taken as independent where it does. */
  get residualLoss(): number {
    return this.#repeat > 0 ? this.#report.pairLoss : this.#report.loss;
  }

  /** Messages back that voice is repeated. */
  get repeatDepth(): RepeatDepth {
    return this.#repeat;
  }

  /** Voice packets that gave way to louder ones or waited too long. */
  get voiceDropped(): number {
    return this.#queue.dropped;
  }

  /** ms that voice waits before and on this link beyond its shortest way. */
  get queueMs(): number {
    if (this.#closed) return 0;
    return Math.max(this.voiceBufferedBytes / SAFE_BYTES_PER_MS, this.#report.queueMs);
  }

  /** Bytes of voice that wait, here and in the channel. */
  get voiceBufferedBytes(): number {
    return this.#closed ? 0 : this.voice.bufferedAmount + this.#queue.waitingBytes;
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

  /**
   * Queues a packet for this tick's bundle; `flush` sends it.
   * @param level −dBFS, 0 loudest … 127 silence: the quietest give way when the link is full.
   */
  queueVoice(packet: Uint8Array, hopLimit: number, source: Handle, level: number): void {
    if (!this.isOpen) return;
    if (this.#queue.wouldOverflow(packet.byteLength)) this.flush();
    this.#queue.add(packet, hopLimit, source, level, this.nowMs());
    this.framesSentBySource.set(source, (this.framesSentBySource.get(source) ?? 0) + 1);
  }

  /** Sends what is queued, as far as the channel takes it. */
  flush(): void {
    if (!this.isOpen) return;
    const { easyVoiceBufferedBytes, maxVoiceBufferedBytes } = this.config;
    while (!this.#queue.isEmpty) {
      const buffered = this.voice.bufferedAmount;
      if (buffered > maxVoiceBufferedBytes) {
        this.#flushWhenEasy();
        return;
      }
      const packets = this.#queue.take(this.nowMs(), buffered > easyVoiceBufferedBytes ? 0 : this.#repeat);
      if (packets) this.#sendVoiceChannel({ kind: 'bundle', packets });
    }
  }

  /** Listens only while something waits: the event costs a task for every message sent. */
  #flushWhenEasy(): void {
    if (this.voice.onbufferedamountlow) return;
    this.voice.bufferedAmountLowThreshold = this.config.easyVoiceBufferedBytes;
    this.voice.onbufferedamountlow = () => {
      this.voice.onbufferedamountlow = null;
      this.flush();
    };
  }

  /** Ends the link from this side; `onClosed` is not called. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.voice.onbufferedamountlow = null;
    this.#queue.clear();
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
    this.#report.noteSent(this.#linkSequence, this.nowMs());
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
    this.#report.noteAcknowledged(message.ackSequence, message.ackBits, this.nowMs());
    this.#repeat = repeatDepth(this.#report, this.#repeat);
    if (message.kind === 'control') this.handlers.onControl(message.control, false);
    else
      for (const { packet, hopLimit, isRepeat } of message.packets)
        this.handlers.onVoice(packet, hopLimit, isRepeat);
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

  /** Notes what arrived in time; what came too late to be of use is reported as missing. */
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
    } else if (ahead < 0 && -ahead <= IN_TIME_MESSAGES) {
      this.#receivedBits |= 1 << (-ahead - 1);
    }
  }
}
