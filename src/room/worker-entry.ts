/**
 * The room's core as a file of its own: a classic script, so that a page on another origin can start it from a
 * same-origin blob with `importScripts`. In a worker it waits for messages; loaded on a page (where the browser
 * cannot move data channels to a worker) it offers the same core through a global.
 */

import { loadSharedOpus } from '../audio/opus-global.js';
import { RoomCore, type CoreHost } from './core/room-core.js';
import type { FromCore, ToCore } from './protocol.js';

/** The global under which the page finds the core when it has to run there. */
export interface CoreOnPage {
  startCore(post: (message: FromCore) => void): { receive(message: ToCore): void };
}

interface CoreScope {
  importScripts?: (url: string) => void;
  postMessage(message: FromCore): void;
  onmessage: ((event: MessageEvent<ToCore>) => void) | null;
  p2pVoiceRoomCore?: CoreOnPage;
}

const scope = globalThis as unknown as CoreScope;

if (typeof scope.importScripts === 'function') {
  const host: CoreHost = {
    post: (message) => scope.postMessage(message),
    loadOpus: async (codecUrl) => {
      scope.importScripts?.(codecUrl);
      return loadSharedOpus();
    },
  };
  const core = new RoomCore(host);
  scope.onmessage = ({ data }) => core.receive(data);
} else {
  scope.p2pVoiceRoomCore = {
    startCore: (post) =>
      new RoomCore({
        post,
        loadOpus: async (codecUrl) => {
          await import(/* @vite-ignore */ codecUrl);
          return loadSharedOpus();
        },
      }),
  };
}
