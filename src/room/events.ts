/** Every public event, as native `Event` subclasses. All bubble and cross shadow roots. */

import type { VoiceRoomError } from '../errors.js';
import type { MemberId } from '../units.js';
import type { OverlaySnapshot, PeerSnapshot, RoomState } from './types.js';

const bubbling = { bubbles: true, composed: true } as const;

/** The room entered another state. */
export class RoomStateChangeEvent extends Event {
  constructor(
    readonly state: RoomState,
    readonly previousState: RoomState,
  ) {
    super('room-state-change', bubbling);
  }
}

/** Somebody came. */
export class PeerJoinEvent extends Event {
  constructor(readonly peer: PeerSnapshot) {
    super('peer-join', bubbling);
  }
}

/** Somebody went: goodbye or lost. */
export class PeerLeaveEvent extends Event {
  constructor(readonly peer: PeerSnapshot) {
    super('peer-leave', bubbling);
  }
}

/** Something about a member changed other than its level and whether it speaks. */
export class PeerChangeEvent extends Event {
  constructor(readonly peer: PeerSnapshot) {
    super('peer-change', bubbling);
  }
}

/** Somebody (this member included) started or stopped speaking. */
export class SpeakingChangeEvent extends Event {
  constructor(
    readonly peerId: MemberId,
    readonly speaking: boolean,
  ) {
    super('speaking-change', bubbling);
  }
}

/** This member blocked or unblocked somebody. */
export class BlockChangeEvent extends Event {
  constructor(
    readonly peer: PeerSnapshot,
    readonly blocked: boolean,
  ) {
    super('block-change', bubbling);
  }
}

/** Links or trees of this member changed. */
export class OverlayChangeEvent extends Event {
  constructor(readonly overlay: OverlaySnapshot) {
    super('overlay-change', bubbling);
  }
}

/** Something went wrong; `error.message` says what to do next. */
export class RoomErrorEvent extends Event {
  constructor(readonly error: VoiceRoomError) {
    super('room-error', bubbling);
  }
}

export interface VoiceRoomEventMap {
  'room-state-change': RoomStateChangeEvent;
  'peer-join': PeerJoinEvent;
  'peer-leave': PeerLeaveEvent;
  'peer-change': PeerChangeEvent;
  'speaking-change': SpeakingChangeEvent;
  'block-change': BlockChangeEvent;
  'overlay-change': OverlayChangeEvent;
  'room-error': RoomErrorEvent;
}
