/** What a script sees of a room: the read-only snapshots of the public contract. */

import type { Tone } from '../audio/tone-filter.js';
import type { Identity, MemberId } from '../units.js';

export type { Tone };

/**
 * `idle` → `joining` → `joined` ⇄ `reconnecting` → `idle`; `failed` when nothing more happens without the person.
 * `joined` also when alone; `reconnecting` when everybody was lost at once and the room looks for them again.
 */
export type RoomState = 'idle' | 'joining' | 'joined' | 'reconnecting' | 'failed';

/** How well a voice arrives: `good` below 1 % concealed, `fair` below 5 %, `poor` above; `unknown` before it spoke. */
export type Quality = 'good' | 'fair' | 'poor' | 'unknown';

/** One other member. A new object whenever something changed. */
export interface PeerSnapshot {
  readonly id: MemberId;
  readonly identity: Identity;
  readonly name: string;
  readonly speaking: boolean;
  /** They muted themselves. */
  readonly muted: boolean;
  /** I blocked them. */
  readonly blocked: boolean;
  /** Linear, 0–4; 1 = as sent. */
  readonly gain: number;
  /** −1 left … 1 right. */
  readonly pan: number;
  /** Where they are heard: `pan`, or with `spread` the place they were given while `pan` is 0. */
  readonly placedPan: number;
  /** dB in three bands; all 0 = as sent. */
  readonly tone: Tone;
  /** I hear only them, and others I hear solo. Lasts until I leave or they do. */
  readonly solo: boolean;
  /** 0–1, from the packets. */
  readonly level: number;
  /** Of the own link to them; undefined without one. */
  readonly rttMs: number | undefined;
  /** Links between them and me along their tree; undefined when not connected. */
  readonly hops: number | undefined;
  /** Who passes their voice to me; their own id when it comes straight. */
  readonly parentId: MemberId | undefined;
  readonly quality: Quality;
  /** True for another tab of this very person: it cannot be blocked. */
  readonly own: boolean;
}

export interface OverlaySnapshot {
  readonly links: readonly { readonly peerId: MemberId; readonly rttMs: number }[];
  readonly trees: readonly {
    readonly sourceId: MemberId;
    readonly parentId: MemberId | undefined;
    readonly childIds: readonly MemberId[];
    readonly backupIds: readonly MemberId[];
  }[];
}

export interface SourceStats {
  readonly sourceId: MemberId;
  readonly framesReceived: number;
  readonly framesLost: number;
  readonly framesRecovered: number;
  readonly framesConcealed: number;
  /** ms of sound invented in place of what was lost or late. */
  readonly concealedMs: number;
  readonly framesDuplicate: number;
  readonly framesForwarded: number;
  readonly framesForged: number;
  /** Frames that arrived from this source while it was blocked here. */
  readonly framesBlocked: number;
  readonly playoutDelayMs: number;
  /** Silences longer than one frame while the speaker was speaking, newest last, at most 64. */
  readonly gapsMs: readonly number[];
}

export interface LinkStats {
  readonly peerId: MemberId;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly rttMs: number;
  /** Share of messages the other end has not acknowledged lately, 0–1. */
  readonly loss: number;
  readonly malformed: number;
  /** Voice packets sent over this link, by the member id of the source. */
  readonly framesSentBySource: Readonly<Record<string, number>>;
}

/** Counters since join, in all and by source and link. */
export interface RoomStats {
  readonly framesReceived: number;
  readonly framesLost: number;
  readonly framesRecovered: number;
  readonly framesConcealed: number;
  readonly framesDuplicate: number;
  readonly framesForwarded: number;
  readonly framesForged: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly malformed: number;
  readonly sources: readonly SourceStats[];
  readonly links: readonly LinkStats[];
}

/** Options of a room; the attributes of the element under the same names in camelCase. */
export interface VoiceRoomOptions {
  room: string;
  appId?: string;
  password?: string;
  displayName?: string;
  muted?: boolean;
  deafened?: boolean;
  signaling?: readonly SignalingNetwork[];
  trackers?: readonly string[];
  nostrRelays?: readonly string[];
  iceServers?: readonly RTCIceServer[];
  iceTransportPolicy?: RTCIceTransportPolicy;
  /** 2–32. */
  maxLinks?: number;
  /** 0–32. */
  uploadSlots?: number;
  /** kbit/s. */
  uploadKbps?: number;
  listenOnly?: boolean;
  /** `auto`, `off` (send always) or a threshold in dBFS. */
  voiceActivation?: 'auto' | 'off' | number;
  /** bit/s, 12000–96000. */
  bitrate?: number;
  /** ms of sound in a packet: 20 (default), or 10 for 10 ms less delay at about 12 kbit/s more; from the next join on. */
  frameMs?: 10 | 20;
  echoCancellation?: boolean;
  /** `strong`: a neural suppressor behind the browser's own, loaded when it is first asked for. */
  noiseSuppression?: boolean | 'strong';
  autoGainControl?: boolean;
  /** Microphone, as `enumerateDevices` names it; '' = the default. */
  inputDevice?: string;
  /** Loudspeaker, likewise. */
  outputDevice?: string;
  /** Of everybody, linear 0–4; 1 = as sent. */
  volume?: number;
  /** Evens out loud and quiet people. */
  levelling?: boolean;
  /** Places voices from left to right so that they can be told apart; a pan set by hand goes first. */
  spread?: boolean;
  /** Keeps the screen on during a conversation. */
  wakeLock?: boolean;
  /** Instead of the device; null = the device. */
  microphone?: MediaStream | null;
}

export type SignalingNetwork = 'torrent' | 'nostr';
