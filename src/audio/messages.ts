/** What travels between the page, the room's worker and the audio worklets. One direction per type name. */

import type { Handle } from '../units.js';
import type { SpeakerDesk } from './voice-strip.js';

/** Worker → playout worklet, over the playout port. */
export type ToPlayout =
  /** One encoded frame. `arrivalMs` is the worker's clock; `frame` is transferred or copied by the sender. */
  | {
      readonly type: 'frame';
      readonly source: Handle;
      readonly streamEpoch: number;
      readonly sequence: number;
      readonly sampleTime: number;
      readonly frameSamples: number;
      readonly endOfSpurt: boolean;
      readonly frame: Uint8Array;
      readonly previousFrame: Uint8Array | undefined;
    }
  /** Silence this source within one render quantum and forget it (blocked, left). */
  | { readonly type: 'stop'; readonly source: Handle }
  /** Deafened: drop everything until told otherwise. */
  | { readonly type: 'deafen'; readonly deafened: boolean };

/** Playout worklet → worker, every 200 ms while anything plays. */
export interface FromPlayout {
  readonly type: 'playout-stats';
  readonly sources: readonly PlayoutSourceStats[];
}

/** Counters since the source first spoke here. */
export interface PlayoutSourceStats {
  readonly source: Handle;
  readonly framesPlayed: number;
  /** Never arrived in time. */
  readonly framesLost: number;
  /** Lost, then rebuilt from FEC or a carried-along copy. */
  readonly framesRecovered: number;
  /** Lost and concealed. */
  readonly framesConcealed: number;
  /** ms of sound invented, for lost frames and for late ones. */
  readonly concealedMs: number;
  readonly framesDuplicate: number;
  readonly framesLate: number;
  readonly playoutDelayMs: number;
  /** Gaps (concealed runs longer than one frame) since the last report, ms each; at most 16. */
  readonly newGapsMs: readonly number[];
}

/** Capture worklet → worker, over the capture port: one frame of mono samples, buffer transferred. */
export interface FromCapture {
  readonly type: 'captured';
  /** 48 kHz mono, `frameSamples` long. */
  readonly samples: Float32Array;
  /** Sample time of the first sample, 48 kHz, wraps at 2³². */
  readonly sampleTime: number;
}

/** Worker → capture worklet: spent buffers come back so that the audio thread never allocates. */
export interface ToCapture {
  readonly type: 'recycle';
  readonly samples: Float32Array;
}

/** Page → the desk's or the capture's node, over the node's own port. */
export type ToNode =
  /** The far end is the room's core: frames to play come in (desk), captured frames go out (capture). */
  | {
      readonly type: 'port';
      readonly port: MessagePort;
      /** Capture only: sample time of the first sample; 0 when left out. */
      readonly sampleTime?: number;
    }
  /** Capture only: give the port back and end; answered by `released`. */
  | { readonly type: 'release' }
  /** Desk only: this speaker exists, and this is how it is wanted. */
  | { readonly type: 'speaker'; readonly source: Handle; readonly desk: SpeakerDesk }
  | { readonly type: 'speaker-gone'; readonly source: Handle }
  /** Desk only: volume of everybody, linear 0–4, and whether voices are levelled. */
  | { readonly type: 'master'; readonly volume: number; readonly levelling: boolean }
  /** End. */
  | { readonly type: 'close' };

/** The desk's or the capture's node → page, over the node's own port. */
export type FromNode =
  /** The port, and the sample time at which another node goes on. */
  | { readonly type: 'released'; readonly port: MessagePort; readonly sampleTime: number }
  /** The codec did not start here; nothing will be heard. */
  | { readonly type: 'codec-failed'; readonly message: string };

/** What a capture node is made with: 960 (20 ms) or 480 samples a frame. */
export interface CaptureNodeOptions {
  readonly frameSamples: number;
}

/** Names under which the processors register: one desk and one capture per context. */
export const DESK_PROCESSOR = 'p2p-voice-room-desk';
export const CAPTURE_PROCESSOR = 'p2p-voice-room-capture';
