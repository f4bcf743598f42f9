/** Everything the package offers, without side effects: nothing is registered and nothing happens on import. */

export { P2PVoiceRoomElement } from './elements/voice-room-element.js';
export { PeerTileElement } from './elements/peer-tile.js';
export { RoomMapElement } from './elements/room-map.js';
export { roomContext, type RoomSnapshot } from './elements/context.js';
export {
  BlockRequestEvent,
  GainRequestEvent,
  PanRequestEvent,
  SoloRequestEvent,
  ToneRequestEvent,
  type PeerTileEventMap,
} from './elements/requests.js';
export {
  BlockChangeEvent,
  OverlayChangeEvent,
  PeerChangeEvent,
  PeerJoinEvent,
  PeerLeaveEvent,
  RoomErrorEvent,
  RoomStateChangeEvent,
  SpeakingChangeEvent,
  type VoiceRoomEventMap,
} from './room/events.js';
export type * from './room/types.js';
export { VoiceRoom } from './room/voice-room.js';
export { VoiceRoomError, type VoiceRoomErrorReason } from './errors.js';
export type { Identity, MemberId } from './units.js';
