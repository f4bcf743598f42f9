/**
 * What the page and the room's core say to each other. The core normally lives in a worker; where a browser cannot
 * move data channels there it runs on the page, behind the same messages.
 */

import type { Identity, MemberId, Handle } from '../units.js';
import type { VoiceRoomErrorReason } from '../errors.js';
import type { Limits } from '../overlay/interface.js';
import type { OverlaySnapshot, PeerSnapshot, RoomStats } from './types.js';

/** Names one attempt to open a link, unique within a visit. */
export type LinkKey = number;

/** How this member rings at the doorbell: looking for anybody, passively on duty, or not at all. */
export type DoorbellMode = 'alone' | 'duty' | 'off';

export interface CoreVoiceOptions {
  readonly voiceActivation: 'auto' | 'off' | number;
  readonly bitrate: number;
  /** ms a packet; read once, when the room is joined. */
  readonly frameMs: 10 | 20;
  readonly muted: boolean;
  readonly deafened: boolean;
}

/** First message to a core; everything it needs that only the page can make. */
export interface CoreStart {
  readonly type: 'start';
  readonly memberId: MemberId;
  readonly publicKey: string;
  readonly identity: Identity;
  readonly privateKey: CryptoKey;
  readonly fingerprint: string;
  readonly joinedAtMs: number;
  readonly name: string;
  readonly limits: Limits;
  readonly blocked: readonly Identity[];
  readonly voice: CoreVoiceOptions;
}

export type ToCore =
  /** Loads the codec while the page is still busy with keys and sound. */
  | { readonly type: 'preload'; readonly codecUrl: string }
  | CoreStart
  /** The far ends of the capture and playout worklets' ports. */
  | { readonly type: 'playout-port'; readonly port: MessagePort }
  | { readonly type: 'capture-port'; readonly port: MessagePort | null }
  /** The microphone's track, read by the core itself; null = none. */
  | { readonly type: 'capture-track'; readonly readable: ReadableStream<AudioData> | null }
  /** Both channels of a link, made this moment, still connecting. */
  | {
      readonly type: 'channels';
      readonly linkKey: LinkKey;
      readonly control: RTCDataChannel;
      readonly voice: RTCDataChannel;
    }
  | {
      readonly type: 'local-signal';
      readonly linkKey: LinkKey;
      readonly kind: 'offer' | 'answer' | 'candidate';
      readonly text: string;
    }
  /** The connection could not be made or failed. */
  | { readonly type: 'link-failed'; readonly linkKey: LinkKey }
  | { readonly type: 'pipe-up'; readonly pipe: string }
  | { readonly type: 'pipe-down'; readonly pipe: string }
  | { readonly type: 'pipe-message'; readonly pipe: string; readonly bytes: Uint8Array }
  | { readonly type: 'block'; readonly identity: Identity }
  | { readonly type: 'unblock'; readonly identity: Identity }
  | { readonly type: 'limits'; readonly limits: Limits }
  | { readonly type: 'voice'; readonly voice: CoreVoiceOptions }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'hidden'; readonly hidden: boolean }
  | { readonly type: 'leave' };

/** A member as the core knows it: what the page adds (how it is heard here) is not in it. */
export type CorePeer = Omit<PeerSnapshot, 'gain' | 'pan' | 'placedPan' | 'tone' | 'solo' | 'blocked'>;

export interface CoreSnapshot {
  readonly type: 'snapshot';
  readonly peers: readonly CorePeer[];
  readonly overlay: OverlaySnapshot;
  readonly stats: RoomStats;
  /** This member's own voice. */
  readonly speaking: boolean;
  readonly level: number;
  /** Of the microphone, 0–1, muted or not. Measured here and sent to nobody. */
  readonly inputLevel: number;
  /** A voice is in the microphone and nobody hears it. */
  readonly talkingWhileMuted: boolean;
  /** Links lost all at once while others should still be there. */
  readonly reconnecting: boolean;
}

export type FromCore =
  /** The codec is loaded, the own entry signed: the room can be entered. */
  | { readonly type: 'ready' }
  /** Nothing can be done: the codec or the worker's parts failed. */
  | { readonly type: 'failed'; readonly reason: VoiceRoomErrorReason; readonly message: string }
  | {
      readonly type: 'open-link';
      readonly linkKey: LinkKey;
      /** The offer to answer; null to make one. */
      readonly offer: string | null;
    }
  | {
      readonly type: 'remote-signal';
      readonly linkKey: LinkKey;
      readonly kind: 'answer' | 'candidate';
      readonly text: string;
    }
  | { readonly type: 'close-link'; readonly linkKey: LinkKey }
  | { readonly type: 'pipe-send'; readonly pipe: string; readonly bytes: Uint8Array }
  /** Whom this pipe reaches is linked. */
  | { readonly type: 'pipe-linked'; readonly pipe: string }
  | { readonly type: 'doorbell'; readonly mode: DoorbellMode }
  /** Several members were lost at once: the room may have split, those on duty should look for the others. */
  | { readonly type: 'ring-soon' }
  /** A voice is about to be heard, or not any more: make or drop its chain. */
  | { readonly type: 'speaker'; readonly source: Handle; readonly memberId: MemberId }
  | { readonly type: 'speaker-gone'; readonly source: Handle }
  | CoreSnapshot
  /** Goodbyes are out: the page may close everything. */
  | { readonly type: 'left' };
