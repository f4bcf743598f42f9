/**
 * Registers the elements; the file behind the one script tag. On a server, which has no registry, it does nothing.
 * A page that loads the file twice keeps the first copy.
 */

import { P2PVoiceRoomElement, PeerTileElement, RoomMapElement } from './index.js';

export * from './index.js';

if (typeof customElements !== 'undefined') {
  const elements = {
    'peer-tile': PeerTileElement,
    'p2p-voice-room-map': RoomMapElement,
    'p2p-voice-room': P2PVoiceRoomElement,
  };
  for (const [name, element] of Object.entries(elements))
    if (customElements.get(name) === undefined) customElements.define(name, element);
}
