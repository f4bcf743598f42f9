/**
 * Trystero behind one small door: joining one of its networks for a while and taking everything down again.
 * Trystero is full of module-global state. So this module is built into a function (`scripts/lib/rollup-plugins.mjs`)
 * whose every call gives a new instance of it and of Trystero: a peer id, sockets, trackers and ICE servers of its own,
 * and nothing that outlives it but timers of two minutes at most.
 *
 * What one has to know about Trystero 0.25.4 (found by measuring, not in its documentation):
 * - Both strategies share one `selfId` per module instance; joining both gives two connections per pair.
 * - **An id that somebody met must not come back soon.** Far ends remember it for 23 s in the middle of an offer, for
 *   57 s with an offer of theirs on its way, for two minutes as an idle connection, and ignore or misdirect what it says
 *   meanwhile: of 21 members that left and came back under their old id, 8 were met only after 8 s or more. So an
 *   instance that is spent (`isSpent`) does not ring again.
 * - An active join keeps a pool of idle connections per strategy (20; our build makes it one). `passive: true` has none
 *   until somebody rings; then it has them too, until it leaves.
 * - Torrent: an active member that waits drops a newcomer's offer when its own id is the lower one, until its tracker
 *   lets it announce again (10–120 s). A passive one always answers. Two passive ones never meet.
 * - Torrent: when two join in the same instant, about one pair in twenty is joined on one side only; the other side
 *   learns nothing. Leaving and joining again cures it.
 * - `leave()` leaves connections and sockets behind. Hence the counted `RTCPeerConnection` subclass below, and closing
 *   sockets by hand while reconnection is paused. While its goodbye cannot be sent it does not leave at all, and joining
 *   again meanwhile returns the old room; where sending throws, for ever. Hence the forgiving channels below. Closing
 *   a connection from outside it does not notice, and binds the dead one to its next room: it has to be told.
 * - A socket that failed about six times is never tried again in the life of the module; while reconnection is paused
 *   failures are not counted. So reconnection stays paused, and `retrySockets` lets it through for a moment.
 * - The first `joinRoom` of a strategy decides relays and ICE settings until every room of that strategy was left.
 */

import {
  joinRoom as joinNostr,
  getRelaySockets as nostrSockets,
  pauseRelayReconnection,
  resumeRelayReconnection,
} from 'trystero';
import { joinRoom as joinTorrent, getRelaySockets as torrentSockets } from '@trystero-p2p/torrent';
import type { JoinRoom, JoinRoomConfig, Room } from '@trystero-p2p/torrent';

export type DoorbellNetwork = 'torrent' | 'nostr';

export interface LineOptions {
  readonly network: DoorbellNetwork;
  readonly appId: string;
  readonly room: string;
  readonly password: string | undefined;
  /** Trackers or relays; undefined = Trystero's own list. */
  readonly urls: readonly string[] | undefined;
  readonly rtcConfiguration: RTCConfiguration;
  readonly passive: boolean;
  readonly onPeer: (peerId: string) => void;
  readonly onPeerGone: (peerId: string) => void;
  readonly onMessage: (peerId: string, bytes: Uint8Array) => void;
  /** Somebody is there whose password differs. */
  readonly onWrongPassword: () => void;
}

/** One stay in one network. */
export interface Line {
  send(peerId: string, bytes: Uint8Array): Promise<void>;
  /** Connections Trystero holds at this moment. */
  connections(): number;
  /** When a connection was last made or made progress, `performance.now()`; now while one is just opening. */
  lastProgressMs(): number;
  /** Leaves and closes every connection made meanwhile; sockets stay for the next stay. */
  leave(): Promise<void>;
}

/** Trystero waits for its goodbye to be sent; a dead connection would keep it waiting for ever. */
const LEAVE_PATIENCE_MS = 600;

/** A connection that opens at all has usually done so by then. */
const OPENING_MS = 4000;

const joins: Record<DoorbellNetwork, JoinRoom> = { torrent: joinTorrent, nostr: joinNostr };
const sockets: Record<DoorbellNetwork, () => Record<string, WebSocket>> = {
  torrent: torrentSockets as () => Record<string, WebSocket>,
  nostr: nostrSockets as () => Record<string, WebSocket>,
};

let spent = false;
let stuck = false;

/** True when somebody may remember this instance's peer id. */
export function isSpent(): boolean {
  return spent || stuck;
}

/** True when this instance did not get out of a room: it cannot join that room again. */
export function isStuck(): boolean {
  return stuck;
}

/** Joins one network. Never throws for network reasons. */
export function openLine(options: LineOptions): Line {
  const alive = new Set<CountedPeerConnection>();
  let isLeft = false;
  let progressMs = performance.now();
  const noteProgress = () => {
    progressMs = performance.now();
  };
  class CountedPeerConnection extends RTCPeerConnection {
    #describedMs = Number.NEGATIVE_INFINITY;

    /** ICE tries for up to half a minute to reach somebody who is gone: only its first seconds count. */
    get isOpening(): boolean {
      return this.connectionState === 'connecting' && performance.now() - this.#describedMs < OPENING_MS;
    }

    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      this.addEventListener('datachannel', ({ channel }) => forgive(channel));
      this.addEventListener('connectionstatechange', noteProgress);
      noteProgress();
      // Made by a timer that outlived its room: nothing may come of it, yet its maker goes on as if it were alive.
      if (isLeft) queueMicrotask(() => super.close());
      else alive.add(this);
    }

    override createDataChannel(label: string, init?: RTCDataChannelInit): RTCDataChannel {
      return forgive(super.createDataChannel(label, init));
    }

    override setRemoteDescription(description: RTCSessionDescriptionInit): Promise<void> {
      spent = true;
      noteProgress();
      this.#describedMs = performance.now();
      return super.setRemoteDescription(description);
    }

    override close(): void {
      alive.delete(this);
      super.close();
    }
  }
  const config: JoinRoomConfig = {
    appId: options.appId,
    passive: options.passive,
    rtcConfig: options.rtcConfiguration,
    rtcPolyfill: CountedPeerConnection,
    relayConfig: {
      manualReconnection: true,
      warnOnRelayFailure: false,
      ...(options.urls ? { urls: [...options.urls] } : {}),
    },
    ...(options.password ? { password: options.password } : {}),
  };
  pauseRelayReconnection();
  const room: Room = joins[options.network](config, options.room, {
    onJoinError: ({ error }) => {
      if (/password/i.test(error)) options.onWrongPassword();
    },
  });
  const pipe = room.makeAction<Uint8Array>('pipe', {
    onMessage: (data, { peerId }) => {
      const bytes = toBytes(data);
      if (bytes) options.onMessage(peerId, bytes);
    },
  });
  room.onPeerJoin = options.onPeer;
  room.onPeerLeave = options.onPeerGone;
  return {
    send: (peerId, bytes) => pipe.send(bytes, { target: peerId }),
    connections: () => alive.size,
    lastProgressMs: () => {
      const isOpening = [...alive].some((connection) => connection.isOpening);
      return isOpening ? performance.now() : progressMs;
    },
    leave: async () => {
      room.onPeerJoin = null;
      room.onPeerLeave = null;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const late = new Promise<true>((resolve) => (timer = setTimeout(resolve, LEAVE_PATIENCE_MS, true)));
      const failed = () => true;
      stuck = (await Promise.race([room.leave().then(() => false, failed), late])) || stuck;
      clearTimeout(timer);
      isLeft = true;
      for (const connection of [...alive]) {
        connection.close();
        connection.dispatchEvent(new Event('connectionstatechange'));
      }
    },
  };
}

/** Lets a message sent on a channel that has just closed get lost instead of throwing. */
function forgive(channel: RTCDataChannel): RTCDataChannel {
  const send = channel.send.bind(channel) as (data: ArrayBuffer) => void;
  channel.send = (data: unknown) => {
    if (channel.readyState === 'open') send(data as ArrayBuffer);
  };
  return channel;
}

/** Which sockets of a network are open, of how many it has. */
export function socketStates(network: DoorbellNetwork): { open: number; connecting: number; all: number } {
  const states = Object.values(sockets[network]()).map((socket) => socket.readyState);
  return {
    open: states.filter((state) => state === WebSocket.OPEN).length,
    connecting: states.filter((state) => state === WebSocket.CONNECTING).length,
    all: states.length,
  };
}

/** Lets every closed socket try once more. */
export async function retrySockets(): Promise<void> {
  resumeRelayReconnection();
  // The lock is a promise: its waiters and its own clean-up run in the microtasks after it resolves.
  await new Promise((resolve) => setTimeout(resolve, 0));
  pauseRelayReconnection();
}

/** Closes every socket of both networks and keeps them closed until `retrySockets`. Resolves when they are. */
export async function closeSockets(): Promise<void> {
  pauseRelayReconnection();
  const open = [...Object.values(sockets.torrent()), ...Object.values(sockets.nostr())].filter(
    (socket) => socket.readyState !== WebSocket.CLOSED,
  );
  await Promise.all(
    open.map(
      (socket) =>
        new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, LEAVE_PATIENCE_MS);
          socket.addEventListener('close', () => {
            clearTimeout(timer);
            resolve();
          });
          socket.close();
        }),
    ),
  );
}

function toBytes(data: unknown): Uint8Array | undefined {
  if (data instanceof Uint8Array) return data;
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return undefined;
}
