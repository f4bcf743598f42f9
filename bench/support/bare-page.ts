/**
 * The baseline of `bench:join`: Trystero as its README shows it, with native audio tracks. `joinBare` joins and plays
 * whoever comes, as quickly as the page can.
 */

import { joinRoom as joinNostr, getRelaySockets as nostrSockets } from 'trystero';
import { joinRoom as joinTorrent, getRelaySockets as torrentSockets } from '@trystero-p2p/torrent';

export interface BareOptions {
  readonly network: 'torrent' | 'nostr';
  readonly urls: readonly string[];
  readonly appId: string;
  readonly room: string;
  readonly toneHz: number;
  readonly amplitude: number;
}

declare global {
  var joinBare: (options: BareOptions) => void;
  var bareConnected: (network: BareOptions['network']) => boolean;
}

/** Its "microphone": a tone, from a context that is not the one that plays. */
function toneStream(toneHz: number, amplitude: number): MediaStream {
  const context = new globalThis.__native.AudioContext({ sampleRate: 48_000 });
  const destination = context.createMediaStreamDestination();
  const oscillator = new OscillatorNode(context, { frequency: toneHz });
  oscillator.connect(new GainNode(context, { gain: amplitude })).connect(destination);
  oscillator.start();
  return destination.stream;
}

globalThis.joinBare = ({ network, urls, appId, room: name, toneHz, amplitude }) => {
  const stream = toneStream(toneHz, amplitude);
  const context = new AudioContext();
  const joinRoom = network === 'nostr' ? joinNostr : joinTorrent;
  const room = joinRoom({ appId, relayConfig: { urls: [...urls] }, rtcConfig: { iceServers: [] } }, name);
  room.onPeerJoin = (peerId) => void room.addStream(stream, { target: peerId });
  room.onPeerStream = (remote) => {
    // Chromium feeds a remote stream into Web Audio only while an element plays it.
    const element = new Audio();
    element.srcObject = remote;
    element.muted = true;
    void element.play();
    new MediaStreamAudioSourceNode(context, { mediaStream: remote }).connect(context.destination);
  };
};

globalThis.bareConnected = (network) => {
  const sockets: WebSocket[] = Object.values(network === 'nostr' ? nostrSockets() : torrentSockets());
  return sockets.length > 0 && sockets.every((socket) => socket.readyState === WebSocket.OPEN);
};

Object.assign(globalThis, { roomReady: true });
