/**
 * Voice on its way through the core: own frames out, others' frames in, to the playout and on to children.
 * Relayed packets are passed on byte for byte and never decoded here.
 *
 * Bound: per source the packets of the last 500 ms (at most `REPLAY_PACKETS`) for replays, and one record of
 * counters; both go when the member goes.
 */

import type { FromCapture, FromPlayout, PlayoutSourceStats, ToPlayout } from '../../audio/messages.js';
import { TrackCapture } from '../../audio/track-capture.js';
import { levelOf } from '../../audio/voice-activity.js';
import type { VoiceEncoder } from '../../audio/voice-encoder.js';
import type { Link } from '../../network/link.js';
import type { OverlayEngine, PacketVerdict } from '../../overlay/interface.js';
import type { Handle, MemberId } from '../../units.js';
import {
  decodeVoicePacket,
  encodeVoicePacket,
  serialDelta,
  type VoicePacket,
} from '../../wire/voice-packet.js';
import type { SourceStats } from '../types.js';
import type { LinkTable } from './link-table.js';

/** 500 ms of 10 ms frames. */
const REPLAY_PACKETS = 50;

/** Relays a packet may pass: twice the deepest tree the figures allow (8), with room for a chain of a small room. */
export const HOP_LIMIT = 24;

/**
 * The own voice is encoded this long after the last listener went: of a speaker whose only child crashed, those below
 * the child ask for what they missed.
 */
const UNHEARD_MS = 5000;

/** A voice counts as speaking this long after its last frame: six frames, so that jitter does not flicker. */
const SPEAKING_HOLD_MS = 300;

/** Frames quieter than this are carried but not shown as speech (`voice-activation="off"` sends silence too). */
const SPEAKING_LEVEL = 55;

/** dB by which the microphone's level must move to be shown anew: a fan alone keeps no snapshots coming. */
const SHOWN_STEP_DB = 3;

const MAX_GAPS_KEPT = 64;

interface Source {
  readonly replay: { readonly sequence: number; readonly level: number; readonly bytes: Uint8Array }[];
  framesReceived: number;
  /** Arrived only as a repeat, its own message being lost. */
  framesRepaired: number;
  framesDuplicate: number;
  framesForwarded: number;
  framesBlocked: number;
  playout: PlayoutSourceStats | undefined;
  readonly gapsMs: number[];
  level: number;
  lastFrameMs: number;
  spurtEnded: boolean;
}

export interface VoiceDeskHost {
  readonly links: LinkTable;
  nowMs(): number;
  engine(): OverlayEngine;
  /** A voice is about to be heard for the first time: its chain must exist. */
  onSource(source: Handle): void;
  /** Voice has left over these: they may be backing up. */
  onSent(links: Iterable<[MemberId, Link]>): void;
  /** What the microphone hears has changed enough to be shown. */
  onInputChange(): void;
}

export class VoiceDesk {
  malformed = 0;
  /** Of the microphone, muted or not: 0 loudest … 127 silence. */
  inputLevel = 127;
  /** Set once the codec is loaded. */
  encoder: VoiceEncoder | undefined;

  readonly #sources = new Map<Handle, Source>();
  #playout: MessagePort | undefined;
  #capture: MessagePort | undefined;
  #trackCapture: TrackCapture | undefined;
  /** What this task's packets go out over, and what of them is heard here: at most a message's. */
  readonly #toFlush = new Map<MemberId, Link>();
  readonly #toPlay: VoicePacket[] = [];
  #isFinishing = false;
  /** When somebody last listened to the own voice. */
  #heardMs = Number.NEGATIVE_INFINITY;
  #shownLevel = 127;
  #shownTalking = false;

  constructor(private readonly host: VoiceDeskHost) {}

  /** This member's own voice: 0 loudest … 127 silence. */
  get ownLevel(): number {
    return this.encoder?.level ?? 127;
  }

  get ownSpeaking(): boolean {
    return (this.encoder?.speaking ?? false) && this.ownLevel < SPEAKING_LEVEL;
  }

  get talkingWhileMuted(): boolean {
    return (this.encoder?.speakingWhileMuted ?? false) && this.inputLevel < SPEAKING_LEVEL;
  }

  setPlayoutPort(port: MessagePort): void {
    this.#playout = port;
    port.onmessage = ({ data }: MessageEvent<FromPlayout>) => this.#onPlayoutStats(data);
  }

  setCapturePort(port: MessagePort | null): void {
    this.#capture?.close();
    this.#capture = port ?? undefined;
    if (port) port.onmessage = ({ data }: MessageEvent<FromCapture>) => this.#onCaptured(data);
  }

  /** @param readable null = nothing is captured */
  setCaptureTrack(readable: ReadableStream<AudioData> | null): void {
    if (!readable && !this.#trackCapture) return;
    this.#trackCapture ??= new TrackCapture(
      () => this.encoder?.frameSamples,
      (samples, sampleTime) => this.#encode(samples, sampleTime),
      () => this.host.nowMs(),
    );
    this.#trackCapture.read(readable);
  }

  setDeafened(deafened: boolean): void {
    this.#toPlayout({ type: 'deafen', deafened });
  }

  /** Silences a source at once and forgets what could be replayed of it. */
  silence(source: Handle): void {
    this.#toPlayout({ type: 'stop', source });
    const others = this.#toPlay.filter((packet) => packet.source !== source);
    this.#toPlay.splice(0, this.#toPlay.length, ...others);
    this.#sources.get(source)?.replay.splice(0);
  }

  /** The member is gone. */
  forget(source: Handle): void {
    this.silence(source);
    this.#sources.delete(source);
  }

  /** A packet from a neighbour. */
  receive(
    from: MemberId,
    bytes: Uint8Array,
    hopLimit: number,
    isRepeat: boolean,
    isBlocked: (source: Handle) => boolean,
  ): void {
    const packet = decodeVoicePacket(bytes);
    if (!packet) {
      this.malformed += 1;
      this.host.links.link(from)?.countMalformed();
      return;
    }
    const nowMs = this.host.nowMs();
    const verdict = this.host.engine().receivePacket(from, packet, hopLimit, nowMs);
    if (!verdict.keep && !verdict.deliver && verdict.forwardTo.length === 0) {
      const known = this.#sources.get(packet.source);
      if (isBlocked(packet.source)) this.#source(packet.source).framesBlocked += 1;
      else if (known && !isRepeat) known.framesDuplicate += 1;
      return;
    }
    const source = this.#source(packet.source);
    source.framesReceived += 1;
    if (isRepeat) source.framesRepaired += 1;
    source.level = packet.level;
    source.lastFrameMs = nowMs;
    source.spurtEnded = packet.endOfSpurt;
    if (verdict.deliver) {
      this.host.onSource(packet.source);
      this.#toPlay.push(packet);
      this.#finishSoon();
    }
    source.framesForwarded += this.#pass(bytes, packet, hopLimit - 1, verdict);
  }

  /** Sends kept packets of a source again, from a sequence number on. */
  replay(to: MemberId, source: Handle, fromSequence: number): void {
    const link = this.host.links.link(to);
    const known = this.#sources.get(source);
    if (!link || !known) return;
    for (const { sequence, level, bytes } of known.replay) {
      if (serialDelta(sequence, fromSequence) >= 0) link.queueVoice(bytes, HOP_LIMIT, source, level);
    }
    link.flush();
  }

  /** 0 loudest … 127 silence; silence when nothing came lately. */
  levelOf(source: Handle): number {
    return this.#isCurrent(source) ? (this.#sources.get(source)?.level ?? 127) : 127;
  }

  speakingOf(source: Handle): boolean {
    return this.#isCurrent(source) && this.levelOf(source) < SPEAKING_LEVEL;
  }

  statsOf(memberId: MemberId, source: Handle): SourceStats {
    const known = this.#sources.get(source);
    return {
      sourceId: memberId,
      framesReceived: known?.framesReceived ?? 0,
      framesLost: (known?.playout?.framesLost ?? 0) + (known?.framesRepaired ?? 0),
      framesRecovered: (known?.playout?.framesRecovered ?? 0) + (known?.framesRepaired ?? 0),
      framesConcealed: known?.playout?.framesConcealed ?? 0,
      concealedMs: known?.playout?.concealedMs ?? 0,
      framesDuplicate: (known?.framesDuplicate ?? 0) + (known?.playout?.framesDuplicate ?? 0),
      framesForwarded: known?.framesForwarded ?? 0,
      framesForged: 0,
      framesBlocked: known?.framesBlocked ?? 0,
      playoutDelayMs: known?.playout?.playoutDelayMs ?? 0,
      gapsMs: known ? [...known.gapsMs] : [],
    };
  }

  close(): void {
    this.encoder?.free();
    this.encoder = undefined;
    this.#playout?.close();
    this.#capture?.close();
    this.#trackCapture?.read(null);
    this.#sources.clear();
  }

  #isCurrent(source: Handle): boolean {
    const known = this.#sources.get(source);
    return (
      known !== undefined && !known.spurtEnded && this.host.nowMs() - known.lastFrameMs < SPEAKING_HOLD_MS
    );
  }

  #onCaptured({ samples, sampleTime }: FromCapture): void {
    this.#encode(samples, sampleTime);
    this.#capture?.postMessage({ type: 'recycle', samples }, [samples.buffer]);
  }

  #encode(samples: Float32Array, sampleTime: number): void {
    this.#noteInput(-levelOf(samples));
    const engine = this.host.engine();
    const nowMs = this.host.nowMs();
    if (engine.isHeard()) this.#heardMs = nowMs;
    const heard = nowMs - this.#heardMs < UNHEARD_MS;
    for (const packet of this.encoder?.push(samples, sampleTime, heard) ?? []) {
      const bytes = encodeVoicePacket(packet);
      const verdict = engine.sendPacket(packet, nowMs);
      this.#pass(bytes, packet, HOP_LIMIT, verdict);
      this.encoder?.adapt(() => verdict.forwardTo.flatMap((child) => this.host.links.link(child) ?? []));
    }
  }

  #noteInput(level: number): void {
    this.inputLevel = level;
    const isTalking = this.talkingWhileMuted;
    if (Math.abs(level - this.#shownLevel) < SHOWN_STEP_DB && isTalking === this.#shownTalking) return;
    this.#shownLevel = level;
    this.#shownTalking = isTalking;
    this.host.onInputChange();
  }

  /** Queues a packet for every child; returns for how many. */
  #pass(bytes: Uint8Array, packet: VoicePacket, hopLimit: number, verdict: PacketVerdict): number {
    if (verdict.keep) {
      const { replay } = this.#source(packet.source);
      if (replay.length >= REPLAY_PACKETS) replay.shift();
      replay.push({ sequence: packet.sequence, level: packet.level, bytes: bytes.slice() });
    }
    let copies = 0;
    for (const child of verdict.forwardTo) {
      const link = this.host.links.link(child);
      if (!link) continue;
      link.queueVoice(bytes, hopLimit, packet.source, packet.level);
      this.#toFlush.set(child, link);
      copies += 1;
    }
    if (copies > 0) this.#finishSoon();
    return copies;
  }

  /** What arrived in one message leaves in one: a microtask runs after the message's last packet. */
  #finishSoon(): void {
    if (this.#isFinishing) return;
    this.#isFinishing = true;
    queueMicrotask(() => this.#finish());
  }

  /** Children first: handing frames to the audio thread takes longer (0.2 ms each) than sending them on. */
  #finish(): void {
    this.#isFinishing = false;
    for (const link of this.#toFlush.values()) link.flush();
    for (const packet of this.#toPlay.splice(0)) this.#deliver(packet);
    this.host.onSent(this.#toFlush);
    this.#toFlush.clear();
  }

  #deliver(packet: VoicePacket): void {
    const frame = packet.frame.slice();
    const previousFrame = packet.previousFrame?.slice();
    this.#toPlayout(
      {
        type: 'frame',
        source: packet.source,
        streamEpoch: packet.streamEpoch,
        sequence: packet.sequence,
        sampleTime: packet.sampleTime,
        frameSamples: packet.frameSamples,
        endOfSpurt: packet.endOfSpurt,
        frame,
        previousFrame,
      },
      previousFrame ? [frame.buffer, previousFrame.buffer] : [frame.buffer],
    );
  }

  #toPlayout(message: ToPlayout, transfer: Transferable[] = []): void {
    this.#playout?.postMessage(message, transfer);
  }

  #onPlayoutStats(message: FromPlayout): void {
    for (const stats of message.sources) {
      const known = this.#sources.get(stats.source);
      if (!known) continue;
      known.playout = stats;
      known.gapsMs.push(...stats.newGapsMs);
      known.gapsMs.splice(0, known.gapsMs.length - MAX_GAPS_KEPT);
    }
  }

  #source(handle: Handle): Source {
    let source = this.#sources.get(handle);
    if (!source) {
      source = {
        replay: [],
        framesReceived: 0,
        framesRepaired: 0,
        framesDuplicate: 0,
        framesForwarded: 0,
        framesBlocked: 0,
        playout: undefined,
        gapsMs: [],
        level: 127,
        lastFrameMs: Number.NEGATIVE_INFINITY,
        spurtEnded: true,
      };
      this.#sources.set(handle, source);
    }
    return source;
  }
}
