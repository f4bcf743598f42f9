/** State flows down: the one value the room hands to everything drawn inside it. */

import { createContext } from '@lit/context';
import type { VoiceRoomError } from '../errors.js';
import type { OverlaySnapshot, PeerSnapshot, RoomState } from '../room/types.js';
import type { Identity, MemberId } from '../units.js';

/** Everything visible of a room at one moment. A new object at most ten times a second. */
export interface RoomSnapshot {
  readonly state: RoomState;
  readonly room: string | undefined;
  readonly selfId: MemberId | undefined;
  readonly identity: Identity | undefined;
  /** What others see this member called. */
  readonly displayName: string;
  /** This member itself. */
  readonly speaking: boolean;
  /** 0–1. */
  readonly level: number;
  readonly muted: boolean;
  readonly deafened: boolean;
  /** Joined without a microphone. */
  readonly listening: boolean;
  /** The browser wants a gesture before it plays sound. */
  readonly soundBlocked: boolean;
  /** Something else, such as a call, has the sound. */
  readonly soundInterrupted: boolean;
  /** Of the microphone, 0–1, muted or not. */
  readonly inputLevel: number;
  /** Talks although muted, now or a few seconds ago. */
  readonly talkingWhileMuted: boolean;
  readonly error: VoiceRoomError | undefined;
  readonly peers: readonly PeerSnapshot[];
  readonly overlay: OverlaySnapshot;
}

export const NO_OVERLAY: OverlaySnapshot = Object.freeze({ links: [], trees: [] });

/**
 * A page's own elements may consume it too: put them into one of the room's slots and use `ContextConsumer` from
 * `@lit/context`, or dispatch a `context-request` event.
 */
export const roomContext = createContext<RoomSnapshot>(Symbol.for('p2p-voice-room/snapshot'));
