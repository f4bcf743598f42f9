/** What the benchmark's page offers to Node. Everything is named by its index in the order it was made. */

import type { RoomStats, VoiceRoomOptions } from '../../../../src/room/types.js';

/** A stream of the page: a probe's signal or a received track. */
export type StreamIndex = number;

/** How much of a voice was invented by the receiver, and how much of it there was; both in the same unit. */
export interface Concealment {
  readonly concealed: number;
  readonly all: number;
}

export interface VoicePage {
  /** Joins a room with these options. @returns the room's index */
  join(options: VoiceRoomOptions): Promise<number>;
  /** Relays between this room and the one that speaks; undefined while it is not connected to it. */
  relaysTo(room: number, speakerId: string): number | undefined;
  /** Everything this room knows of its trees, for the message of a failure. */
  explain(room: number): string;
  selfId(room: number): string;
  stats(room: number): RoomStats;
  /** The room speaks this stream from now on. */
  speak(room: number, stream: StreamIndex): void;
  leaveAll(): Promise<void>;

  /** A mouth and an ear on the clock of that room's sound, or on a clock of its own. @returns its mouth */
  probe(room?: number): Promise<StreamIndex>;
  /** Plays a signal (base64 of 16-bit samples) and records what the probe's context plays meanwhile. */
  play(probe: StreamIndex, signal: string, mode: 'record' | 'loop'): void;
  /** The recording, base64 of 16-bit samples; undefined while it runs. */
  recording(probe: StreamIndex): string | undefined;

  /** One native connection: offer a stream, answer with it received, accept the answer. Descriptions are complete. */
  offer(stream: StreamIndex): Promise<{ connection: number; sdp: string }>;
  answer(sdp: string): Promise<{ stream: StreamIndex; sdp: string }>;
  accept(connection: number, sdp: string): Promise<void>;
  /** Plays a received stream in the context of a probe. */
  hear(stream: StreamIndex, probe: StreamIndex): void;
  /** Plays a received stream as a page without Web Audio would: in an element. */
  hearInElement(stream: StreamIndex): Promise<void>;
  /** Of the last connection that received: samples invented since it began, and samples played. */
  nativeConcealment(): Promise<Concealment>;
  closeNative(): Promise<void>;

  /** A member of the floor's chain (`bare.ts`). @returns its index */
  addBare(): number;
  offerBare(member: number): Promise<{ connection: number; sdp: string }>;
  answerBare(member: number, sdp: string): Promise<string>;
  acceptBare(member: number, connection: number, sdp: string): Promise<void>;
  speakBare(member: number): void;
  /** What a member at the end of the chain noted since the last call, ms a message. */
  takeBare(member: number): Promise<number[]>;
  closeBare(): void;

  /** Blocks the main thread for `busyMs` in every `everyMs` until `thaw`. */
  freeze(busyMs: number, everyMs: number): void;
  thaw(): void;
}

declare global {
  var voice: VoicePage;
}
