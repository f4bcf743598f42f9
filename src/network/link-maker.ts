/**
 * Makes the room's own WebRTC connections: the one part of a link that must live on the page, because workers have
 * no `RTCPeerConnection`. Both channels are negotiated and leave for the core in the very task that made them: later
 * no browser can move them.
 *
 * Bound: as many connections as the core asks for (it holds the link budget); each keeps at most 64 early candidates.
 */

import type { NetworkConfig } from './config.js';

export interface LinkMakerHandlers {
  /** Hand both channels to the core, transferring them where it is a worker. */
  onChannels(linkKey: number, control: RTCDataChannel, voice: RTCDataChannel): void;
  onSignal(linkKey: number, kind: 'offer' | 'answer' | 'candidate', text: string): void;
  onFailed(linkKey: number): void;
}

interface Connection {
  readonly peerConnection: RTCPeerConnection;
  /** Candidates that came before the description they belong to. */
  readonly early: RTCIceCandidateInit[];
  described: boolean;
}

const MAX_EARLY_CANDIDATES = 64;
const CONTROL_CHANNEL_ID = 0;
const VOICE_CHANNEL_ID = 1;

export class LinkMaker {
  readonly #connections = new Map<number, Connection>();

  constructor(
    private readonly rtcConfiguration: RTCConfiguration,
    private readonly handlers: LinkMakerHandlers,
    private readonly config: NetworkConfig,
  ) {}

  /** Connections alive. */
  get size(): number {
    return this.#connections.size;
  }

  /** Opens a connection: makes an offer, or answers the one given. */
  open(linkKey: number, offer: string | null): void {
    let peerConnection: RTCPeerConnection;
    try {
      peerConnection = new RTCPeerConnection(this.rtcConfiguration);
    } catch {
      // Browsers refuse past a number of connections per page; the overlay then makes do with the links it has.
      this.handlers.onFailed(linkKey);
      return;
    }
    const connection: Connection = { peerConnection, early: [], described: false };
    this.#connections.set(linkKey, connection);
    const control = peerConnection.createDataChannel('control', {
      negotiated: true,
      id: CONTROL_CHANNEL_ID,
      ordered: true,
    });
    const voice = peerConnection.createDataChannel('voice', {
      negotiated: true,
      id: VOICE_CHANNEL_ID,
      ordered: false,
      maxPacketLifeTime: this.config.voiceLifetimeMs,
    });
    this.handlers.onChannels(linkKey, control, voice);
    peerConnection.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) this.handlers.onSignal(linkKey, 'candidate', candidate.candidate);
    };
    peerConnection.onconnectionstatechange = () => {
      if (peerConnection.connectionState === 'failed') this.#fail(linkKey);
    };
    const described =
      offer === null ? this.#offer(linkKey, connection) : this.#answer(linkKey, connection, offer);
    described.catch(() => this.#fail(linkKey));
  }

  /** An answer or a candidate from the far end. Malformed ones end the attempt or are ignored. */
  signal(linkKey: number, kind: 'answer' | 'candidate', text: string): void {
    const connection = this.#connections.get(linkKey);
    if (!connection) return;
    if (kind === 'answer') {
      this.#describe(connection, { type: 'answer', sdp: text }).catch(() => this.#fail(linkKey));
      return;
    }
    // A connection has one section: its first.
    const candidate = { candidate: text, sdpMLineIndex: 0 };
    if (connection.described) this.#addCandidate(connection, candidate);
    else if (connection.early.length < MAX_EARLY_CANDIDATES) connection.early.push(candidate);
  }

  close(linkKey: number): void {
    const connection = this.#connections.get(linkKey);
    this.#connections.delete(linkKey);
    if (!connection) return;
    connection.peerConnection.onicecandidate = null;
    connection.peerConnection.onconnectionstatechange = null;
    connection.peerConnection.close();
  }

  closeAll(): void {
    for (const linkKey of [...this.#connections.keys()]) this.close(linkKey);
  }

  async #offer(linkKey: number, { peerConnection }: Connection): Promise<void> {
    await peerConnection.setLocalDescription(await peerConnection.createOffer());
    this.handlers.onSignal(linkKey, 'offer', peerConnection.localDescription?.sdp ?? '');
  }

  async #answer(linkKey: number, connection: Connection, offer: string): Promise<void> {
    await this.#describe(connection, { type: 'offer', sdp: offer });
    await connection.peerConnection.setLocalDescription(await connection.peerConnection.createAnswer());
    this.handlers.onSignal(linkKey, 'answer', connection.peerConnection.localDescription?.sdp ?? '');
  }

  async #describe(connection: Connection, description: RTCSessionDescriptionInit): Promise<void> {
    await connection.peerConnection.setRemoteDescription(description);
    connection.described = true;
    for (const candidate of connection.early.splice(0)) this.#addCandidate(connection, candidate);
  }

  #addCandidate({ peerConnection }: Connection, candidate: RTCIceCandidateInit): void {
    // A candidate the browser cannot use (a protocol or address family it lacks) is one path less, not an error.
    peerConnection.addIceCandidate(candidate).catch((error: unknown) => {
      if (peerConnection.connectionState !== 'closed')
        console.debug('p2p-voice-room: unusable candidate', error);
    });
  }

  #fail(linkKey: number): void {
    if (!this.#connections.has(linkKey)) return;
    this.close(linkKey);
    this.handlers.onFailed(linkKey);
  }
}
