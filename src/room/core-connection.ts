/** Starts the room's core: in a worker where the browser can move data channels there, else on the page. */

import { workerUrl } from './assets.js';
import type { FromCore, ToCore } from './protocol.js';
import type { CoreOnPage } from './worker-entry.js';

export interface CoreConnection {
  post(message: ToCore, transfer?: Transferable[]): void;
  /** Ends the core at once. */
  close(): void;
}

/** True where `RTCDataChannel` is transferable: Chrome 130, Firefox 144, Safari 15. */
export function canMoveChannels(): boolean {
  const peerConnection = new RTCPeerConnection();
  const channel = peerConnection.createDataChannel('probe');
  const ports = new MessageChannel();
  try {
    ports.port1.postMessage(null, [channel as unknown as Transferable]);
    return true;
  } catch {
    return false; // DataCloneError: the answer, not a failure.
  } finally {
    ports.port1.close();
    ports.port2.close();
    peerConnection.close();
  }
}

/** @throws when the file of the core cannot be loaded. */
export async function startCore(
  onMessage: (message: FromCore) => void,
  onError: (message: string) => void,
): Promise<CoreConnection> {
  return canMoveChannels() ? startInWorker(onMessage, onError) : startOnPage(onMessage);
}

function startInWorker(
  onMessage: (message: FromCore) => void,
  onError: (message: string) => void,
): CoreConnection {
  const isSameOrigin = new URL(workerUrl, location.href).origin === location.origin;
  // Only a same-origin script may become a worker; a blob of ours may import a classic script from anywhere.
  const url = isSameOrigin
    ? workerUrl
    : URL.createObjectURL(
        new Blob([`importScripts(${JSON.stringify(workerUrl)});`], { type: 'text/javascript' }),
      );
  const worker = new Worker(url);
  worker.onmessage = ({ data }: MessageEvent<FromCore>) => onMessage(data);
  worker.onerror = (event) => onError(event.message || 'the worker did not load');
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer),
    close: () => {
      worker.terminate();
      if (!isSameOrigin) URL.revokeObjectURL(url);
    },
  };
}

async function startOnPage(onMessage: (message: FromCore) => void): Promise<CoreConnection> {
  await import(/* @vite-ignore */ workerUrl);
  const { p2pVoiceRoomCore } = globalThis as { p2pVoiceRoomCore?: CoreOnPage };
  if (!p2pVoiceRoomCore) throw new Error('the core did not load');
  let open = true;
  // Messages stay asynchronous, as from a worker, so that both ways behave alike.
  const core = p2pVoiceRoomCore.startCore((message) => queueMicrotask(() => open && onMessage(message)));
  return {
    post: (message) => queueMicrotask(() => open && core.receive(message)),
    close: () => {
      open = false;
    },
  };
}
