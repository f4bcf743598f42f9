/**
 * A room whose state a test decides: the element's view and its requests are what these tests are about, while the
 * real room with its networks runs in the end-to-end tests. It keeps the room's manners: synchronous, and it tells.
 */

import { VoiceRoomError } from '../../src/errors.js';
import { BlockChangeEvent, PeerChangeEvent, RoomStateChangeEvent } from '../../src/room/events.js';
import type {
  OverlaySnapshot,
  PeerSnapshot,
  RoomState,
  RoomStats,
  Tone,
  VoiceRoomOptions,
} from '../../src/room/types.js';
import type { Identity, MemberId } from '../../src/units.js';
import { P2PVoiceRoomElement, type RoomHandle } from '../../src/elements/voice-room-element.js';
import { panelsFile } from '../../src/elements/panels.js';
import { PeerTileElement } from '../../src/elements/peer-tile.js';
import { RoomMapElement } from '../../src/elements/room-map.js';

const FLAT_TONE: Tone = { lowDb: 0, midDb: 0, highDb: 0 };

// From the sources: what the tests run has not been built.
panelsFile.import = () => import('../../src/elements/panels-entry.js');

const hexOf = (text: string): string =>
  [...text].map((letter) => letter.charCodeAt(0).toString(16).padStart(2, '0')).join('');

export const idOf = (name: string): MemberId => hexOf(name).padEnd(32, '0').slice(0, 32) as MemberId;

/** Another person, quiet and at the defaults unless told otherwise. */
export function peer(name: string, changes: Partial<PeerSnapshot> = {}): PeerSnapshot {
  const id = idOf(name);
  return {
    id,
    identity: [...id].reverse().join('') as Identity,
    name,
    speaking: false,
    muted: false,
    blocked: false,
    gain: 1,
    pan: 0,
    placedPan: changes.pan ?? 0,
    tone: FLAT_TONE,
    solo: false,
    level: 0,
    rttMs: 23,
    hops: 1,
    parentId: id,
    quality: 'good',
    own: false,
    ...changes,
  };
}

const NO_STATS: RoomStats = {
  framesReceived: 0,
  framesLost: 0,
  framesRecovered: 0,
  framesConcealed: 0,
  framesDuplicate: 0,
  framesForwarded: 0,
  framesForged: 0,
  bytesSent: 0,
  bytesReceived: 0,
  malformed: 0,
  sources: [],
  links: [],
};

export class ScriptedRoom extends EventTarget implements RoomHandle {
  state: RoomState = 'idle';
  selfId: MemberId | undefined;
  identity: Identity | undefined;
  peers: readonly PeerSnapshot[] = [];
  overlay: OverlaySnapshot = { links: [], trees: [] };
  speaking = false;
  level = 0;
  inputLevel = 0;
  talkingWhileMuted = false;
  soundBlocked = false;
  soundInterrupted = false;
  listening = false;
  lastError: VoiceRoomError | undefined;
  /** Method calls in order, as text. */
  readonly calls: string[] = [];
  /** What `join` fails with. */
  joinFailure: VoiceRoomError | undefined;
  /** `join` stays in `joining` until the test says otherwise. */
  lingers = false;
  options: VoiceRoomOptions;

  constructor(options: VoiceRoomOptions) {
    super();
    this.options = { ...options };
  }

  /** Changes what is visible and tells the element. */
  show(changes: Partial<ScriptedRoom>): void {
    const { state, ...rest } = changes;
    Object.assign(this, rest);
    if (state !== undefined) this.#enter(state);
    this.dispatchEvent(new Event('snapshot'));
  }

  stats(): RoomStats {
    return NO_STATS;
  }

  configure(changes: Partial<VoiceRoomOptions>): void {
    this.calls.push(`configure ${JSON.stringify(changes)}`);
    this.options = { ...this.options, ...changes };
  }

  async join(): Promise<void> {
    this.calls.push(`join ${this.options.room}`);
    if (this.state !== 'idle' && this.state !== 'failed')
      throw new VoiceRoomError('wrong-state', `join() makes no sense while the room is ${this.state}.`);
    this.#enter('joining');
    if (this.joinFailure !== undefined) {
      this.lastError = this.joinFailure;
      this.#enter('failed');
      throw this.joinFailure;
    }
    if (this.lingers) return;
    this.selfId = idOf('self');
    this.identity = 'c0ffee00c0ffee00c0ffee00c0ffee00' as Identity;
    this.listening = this.options.listenOnly ?? false;
    this.#enter('joined');
  }

  async leave(): Promise<void> {
    this.calls.push('leave');
    this.peers = [];
    this.selfId = undefined;
    this.#enter('idle');
  }

  async resumeSound(): Promise<void> {
    this.calls.push('resumeSound');
    this.show({ soundBlocked: false });
  }

  block(peerId: string): void {
    const changed = this.#change(peerId, { blocked: true });
    this.dispatchEvent(new BlockChangeEvent(changed, true));
  }

  unblock(peerId: string): void {
    const changed = this.#change(peerId, { blocked: false });
    this.dispatchEvent(new BlockChangeEvent(changed, false));
  }

  setGain(peerId: string, gain: number): void {
    this.#change(peerId, { gain });
  }

  setPan(peerId: string, pan: number): void {
    this.#change(peerId, { pan, placedPan: pan });
  }

  setTone(peerId: string, tone: Partial<Tone>): void {
    const before = this.peers.find(({ id }) => id === peerId)?.tone ?? FLAT_TONE;
    this.#change(peerId, { tone: { ...before, ...tone } });
  }

  setSolo(peerId: string, solo: boolean): void {
    this.#change(peerId, { solo });
  }

  #change(peerId: string, changes: Partial<PeerSnapshot>): PeerSnapshot {
    if (this.state !== 'joined')
      throw new VoiceRoomError('wrong-state', `That makes no sense while the room is ${this.state}.`);
    const found = this.peers.find(({ id }) => id === peerId);
    if (found === undefined) throw new VoiceRoomError('unknown-peer', `Nobody here has the id ${peerId}.`);
    this.calls.push(`change ${found.name} ${JSON.stringify(changes)}`);
    const changed = { ...found, ...changes };
    this.peers = this.peers.map((each) => (each === found ? changed : each));
    this.dispatchEvent(new PeerChangeEvent(changed));
    return changed;
  }

  #enter(state: RoomState): void {
    if (state === this.state) return;
    const previous = this.state;
    this.state = state;
    this.dispatchEvent(new RoomStateChangeEvent(state, previous));
    this.dispatchEvent(new Event('snapshot'));
  }
}

/** `<p2p-voice-room>` over a scripted room; `prepare` sees the room before the element does. */
export class ScriptedVoiceRoomElement extends P2PVoiceRoomElement {
  static prepare: (room: ScriptedRoom) => void = () => undefined;
  room_: ScriptedRoom | undefined;

  get scripted(): ScriptedRoom {
    if (this.room_ === undefined) throw new Error('The element has not made its room yet.');
    return this.room_;
  }

  protected override createRoom(options: VoiceRoomOptions): RoomHandle {
    this.room_ = new ScriptedRoom(options);
    ScriptedVoiceRoomElement.prepare(this.room_);
    return this.room_;
  }
}

/** Registers everything once; `<p2p-voice-room>` itself stays unregistered, the scripted one takes its place. */
export function defineScripted(): void {
  if (customElements.get('scripted-voice-room') !== undefined) return;
  customElements.define('peer-tile', PeerTileElement);
  customElements.define('p2p-voice-room-map', RoomMapElement);
  customElements.define('scripted-voice-room', ScriptedVoiceRoomElement);
}

declare global {
  interface HTMLElementTagNameMap {
    'scripted-voice-room': ScriptedVoiceRoomElement;
  }
}

/** The element inside a shadow root that bears a part name. @throws Error when there is none */
export function part<Found extends HTMLElement = HTMLElement>(host: Element, name: string): Found {
  const found = host.shadowRoot?.querySelector<Found>(`[part~="${name}"]`);
  if (!found) throw new Error(`<${host.localName}> shows no part "${name}"`);
  return found;
}
