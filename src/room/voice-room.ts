/**
 * A room without any user interface: the same states, events and methods as `<p2p-voice-room>`, which is a thin view
 * of it. Importing this module on a server does nothing and does not throw. Above 400 lines because the class is the
 * public surface: one declaration and one comment for every property and method.
 */

import { FLAT_TONE, MAX_TONE_DB } from '../audio/tone-filter.js';
import { DEFAULT_DESK, MAX_GAIN, type SpeakerDesk } from '../audio/voice-strip.js';
import { VoiceRoomError, type VoiceRoomErrorReason } from '../errors.js';
import { handleOf, type Identity, type MemberId } from '../units.js';
import {
  BlockChangeEvent,
  OverlayChangeEvent,
  PeerChangeEvent,
  PeerJoinEvent,
  PeerLeaveEvent,
  RoomErrorEvent,
  RoomStateChangeEvent,
  SpeakingChangeEvent,
  type VoiceRoomEventMap,
} from './events.js';
import { tidyName } from './options.js';
import { Preferences, sameTone } from './preferences.js';
import type { CorePeer, CoreSnapshot } from './protocol.js';
import { Session } from './session.js';
import { spreadPans } from './spread.js';
import type { OverlaySnapshot, PeerSnapshot, RoomState, RoomStats, Tone, VoiceRoomOptions } from './types.js';
import { ConversationWakeLock } from './wake-lock.js';

/** An `EventTarget` whose listeners know what they get. */
interface VoiceRoomTarget extends EventTarget {
  addEventListener<Type extends keyof VoiceRoomEventMap>(
    type: Type,
    listener: (event: VoiceRoomEventMap[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

const TypedEventTarget = EventTarget as { new (): VoiceRoomTarget; prototype: VoiceRoomTarget };

const EMPTY_OVERLAY: OverlaySnapshot = { links: [], trees: [] };

const EMPTY_STATS: RoomStats = {
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

/** Options that only a new join can take over. */
const JOIN_TIME_OPTIONS: readonly (keyof VoiceRoomOptions)[] = [
  'room',
  'appId',
  'password',
  'signaling',
  'trackers',
  'nostrRelays',
  'iceServers',
  'iceTransportPolicy',
];

/**
 * Group voice with everybody on any page who names the same `appId` and `room`.
 *
 * @fires room-state-change @fires peer-join @fires peer-leave @fires peer-change @fires speaking-change
 * @fires block-change @fires overlay-change @fires room-error
 */
export class VoiceRoom extends TypedEventTarget {
  #options: VoiceRoomOptions;
  #state: RoomState = 'idle';
  #session: Session | undefined;
  /** The end of the last stay: a new one waits for it. */
  #closing: Promise<void> = Promise.resolve();
  #preferences: Preferences | undefined;
  #corePeers = new Map<MemberId, CorePeer>();
  #peers: readonly PeerSnapshot[] = [];
  #overlay = EMPTY_OVERLAY;
  #stats = EMPTY_STATS;
  #speaking = false;
  #level = 0;
  #inputLevel = 0;
  #talkingWhileMuted = false;
  /** Whom this person hears solo, for this stay. */
  readonly #soloed = new Set<Identity>();
  /** Where `spread` placed whom. */
  #places = new Map<Identity, number>();
  readonly #wakeLock = new ConversationWakeLock();
  #lastError: VoiceRoomError | undefined;
  #saidStorageRefused = false;
  #saidDegraded = false;

  constructor(options: VoiceRoomOptions) {
    super();
    this.#options = { ...options };
  }

  get state(): RoomState {
    return this.#state;
  }

  /** This member's id of this stay; undefined when not joined. */
  get selfId(): MemberId | undefined {
    return this.#session?.selfId;
  }

  /** This person's public-key fingerprint; known from the first join on. */
  get identity(): Identity | undefined {
    return this.#session?.identity;
  }

  /** The others, never oneself. A new array whenever something changed. */
  get peers(): readonly PeerSnapshot[] {
    return this.#peers;
  }

  get overlay(): OverlaySnapshot {
    return this.#overlay;
  }

  /** Whether this member's own voice is being sent and loud enough to count as speech. */
  get speaking(): boolean {
    return this.#speaking;
  }

  /** This member's own level, 0–1. */
  get level(): number {
    return this.#level;
  }

  /** Of the microphone, 0–1, muted or not: measured on this device and sent to nobody. */
  get inputLevel(): number {
    return this.#inputLevel;
  }

  /** This person talks, and nobody hears it because the microphone is muted. */
  get talkingWhileMuted(): boolean {
    return this.#talkingWhileMuted;
  }

  /** Something else, such as a call, has the sound; it comes back by itself, or by `resumeSound`. */
  get soundInterrupted(): boolean {
    return this.#session?.soundInterrupted ?? false;
  }

  /** The browser wants a gesture before it plays: offer a button that calls `resumeSound`. */
  get soundBlocked(): boolean {
    return (
      (this.#state === 'joined' || this.#state === 'reconnecting') && (this.#session?.soundBlocked ?? false)
    );
  }

  /** Joined without a microphone: by wish, because it was denied, or because there is none. */
  get listening(): boolean {
    return this.#session?.listening ?? false;
  }

  /** The trouble that still lasts; undefined when there is none. */
  get lastError(): VoiceRoomError | undefined {
    return this.#lastError;
  }

  get options(): Readonly<VoiceRoomOptions> {
    return this.#options;
  }

  get microphone(): MediaStream | null {
    return this.#options.microphone ?? null;
  }

  set microphone(stream: MediaStream | null) {
    this.configure({ microphone: stream });
  }

  get iceServers(): readonly RTCIceServer[] | undefined {
    return this.#options.iceServers;
  }

  set iceServers(iceServers: readonly RTCIceServer[] | undefined) {
    this.#options = withoutUndefined({ ...this.#options, iceServers });
  }

  /** Counters since join. */
  stats(): RoomStats {
    return this.#stats;
  }

  /**
   * Enters the room. Resolves when this member is ready to talk (or listen) and looking for others, also when alone.
   * Call it inside a click where the browser demands a gesture for sound.
   * @throws VoiceRoomError `wrong-state` when already joined; else the reason why nothing can be done
   */
  async join(): Promise<void> {
    if (this.#state !== 'idle' && this.#state !== 'failed') throw wrongState('join', this.#state);
    this.#setState('joining');
    this.#lastError = undefined;
    this.#saidDegraded = false;
    this.#stats = EMPTY_STATS;
    let session: Session | undefined;
    try {
      assertSupported(this.#options);
      this.#preferences ??= new Preferences();
      const appId = this.#options.appId || location.host || 'localhost';
      const name = tidyName(this.#options.displayName ?? '');
      const optionsAtStart = this.#options;
      session = this.#makeSession(appId, name, this.#preferences);
      this.#session = session;
      await this.#closing;
      await session.open();
      if (this.#session !== session) throw wrongState('join', 'left');
      addEventListener('pagehide', this.#onPageHide);
      document.addEventListener('visibilitychange', this.#onVisibility);
      if (this.#options !== optionsAtStart) {
        // Changed while joining, when the session could not take it over yet.
        session.rename(tidyName(this.#options.displayName ?? ''));
        await session.configure(this.#options);
      }
      this.#wakeLock.setEnabled(this.#options.wakeLock ?? false);
      this.#setState('joined');
      this.#sayStorageRefused(session);
      if (session.soundBlocked) this.#notify();
    } catch (error) {
      const failure =
        error instanceof VoiceRoomError
          ? error
          : new VoiceRoomError('load-failed', `Joining failed: ${String(error)}. Reload the page.`, false, {
              cause: error,
            });
      if (session) await session.close();
      if (this.#session === session) {
        this.#session = undefined;
        this.#setState('failed');
        this.#report(failure);
      }
      throw failure;
    }
  }

  /**
   * Leaves the room and closes everything it opened. Resolves when nothing is left; at once when nothing was open.
   */
  async leave(): Promise<void> {
    const session = this.#session;
    if (!session) {
      if (this.#state === 'failed') this.#setState('idle');
      return this.#closing;
    }
    this.#detach();
    this.#closing = session.close();
    this.#setState('idle');
    await this.#closing;
  }

  /** Starts the sound from inside a gesture. */
  async resumeSound(): Promise<void> {
    await this.#session?.resumeSound();
    this.#notify();
  }

  /** Changes options: at once where that is possible while joined, else with the next join. */
  configure(changes: Partial<VoiceRoomOptions>): void {
    const nameBefore = this.#options.displayName;
    this.#options = { ...this.#options, ...changes };
    if (!this.#session || this.#state === 'joining') return;
    if (this.#options.displayName !== nameBefore) {
      this.#session.rename(tidyName(this.#options.displayName ?? ''));
    }
    const isLive = Object.keys(changes).some(
      (key) => !JOIN_TIME_OPTIONS.includes(key as keyof VoiceRoomOptions) && key !== 'displayName',
    );
    if (!isLive) return;
    this.#wakeLock.setEnabled(this.#options.wakeLock ?? false);
    if ('spread' in changes) this.#changeDesks();
    void this.#session.configure(this.#options).then(() => this.#notify());
  }

  /** I no longer hear them and their voice no longer travels to me or through me. @throws VoiceRoomError */
  block(peerId: string): void {
    this.#setBlocked(peerId, true);
  }

  /** @throws VoiceRoomError */
  unblock(peerId: string): void {
    this.#setBlocked(peerId, false);
  }

  /** @param gain linear 0–4, 1 = as sent @throws VoiceRoomError */
  setGain(peerId: string, gain: number): void {
    const peer = this.#peer(peerId, 'setGain');
    assertWithin(gain, 0, MAX_GAIN, 'gain');
    this.#setDesk(peer, { gain });
  }

  /** @param pan −1 left … 1 right @throws VoiceRoomError */
  setPan(peerId: string, pan: number): void {
    const peer = this.#peer(peerId, 'setPan');
    assertWithin(pan, -1, 1, 'pan');
    this.#setDesk(peer, { pan });
  }

  /**
   * Bass, middle and treble of one person. Bands left out stay as they are.
   * @param tone dB, each −12…12; 0 = as sent @throws VoiceRoomError
   */
  setTone(peerId: string, tone: Partial<Tone>): void {
    const peer = this.#peer(peerId, 'setTone');
    for (const [band, db] of Object.entries(tone)) assertWithin(db, -MAX_TONE_DB, MAX_TONE_DB, band);
    const { lowDb, midDb, highDb } = { ...peer.tone, ...tone };
    this.#setDesk(peer, { tone: Object.freeze({ lowDb, midDb, highDb }) });
  }

  /** Hear only them, and others heard solo. Lasts until I leave or they do. @throws VoiceRoomError */
  setSolo(peerId: string, solo: boolean): void {
    const { identity } = this.#peer(peerId, 'setSolo');
    if (solo) this.#soloed.add(identity);
    else this.#soloed.delete(identity);
    this.#changeDesks();
  }

  #makeSession(appId: string, name: string, preferences: Preferences): Session {
    const session: Session = new Session(this.#options, appId, name, preferences.blocked, {
      onSnapshot: (snapshot) => {
        if (this.#session === session) this.#takeSnapshot(snapshot);
      },
      onError: (error) => {
        if (this.#session === session) this.#report(error);
      },
      onReachability: (reachability) => {
        if (this.#session === session) this.#onReachability(reachability);
      },
      onWrongPassword: () => {
        if (this.#session === session) this.#onWrongPassword();
      },
      onSoundChange: () => {
        if (this.#session === session) this.#notify();
      },
      deskOf: (memberId) => this.#deskOf(this.#peers.find(({ id }) => id === memberId)),
      onMended: (...reasons) => {
        if (this.#session === session) this.#mend(reasons);
      },
    });
    return session;
  }

  #setBlocked(peerId: string, blocked: boolean): void {
    const peer = this.#peer(peerId, blocked ? 'block' : 'unblock');
    if (peer.own) {
      throw new VoiceRoomError('invalid-argument', 'This is another tab of yours: it cannot be blocked.');
    }
    if (peer.blocked === blocked) return;
    if (blocked) this.#session?.block(peer.identity);
    else this.#session?.unblock(peer.identity);
    this.#preferences?.set(peer.identity, { blocked });
    this.#rebuildPeers();
    for (const changed of this.#peers.filter(({ identity }) => identity === peer.identity)) {
      this.dispatchEvent(new BlockChangeEvent(changed, blocked));
      this.dispatchEvent(new PeerChangeEvent(changed));
    }
    this.#notify();
  }

  #setDesk(peer: PeerSnapshot, change: { gain?: number; pan?: number; tone?: Tone }): void {
    this.#preferences?.set(peer.identity, change);
    this.#changeDesks();
  }

  /** How people are heard has changed for some of them, or for all. */
  #changeDesks(): void {
    const before = new Map(this.#peers.map((peer) => [peer.id, peer]));
    this.#rebuildPeers();
    this.#sendDesks();
    for (const peer of this.#peers) {
      const earlier = before.get(peer.id);
      if (earlier && !sameButLevel(earlier, peer)) this.dispatchEvent(new PeerChangeEvent(peer));
    }
    this.#notify();
  }

  #sendDesks(): void {
    for (const peer of this.#peers) this.#session?.setDesk(handleOf(peer.id), this.#deskOf(peer));
  }

  /** @param peer undefined for a voice that came before its name */
  #deskOf(peer: PeerSnapshot | undefined): SpeakerDesk {
    const isSolo = this.#peers.some(({ solo }) => solo);
    if (!peer) return { ...DEFAULT_DESK, audible: !isSolo };
    return { gain: peer.gain, pan: peer.placedPan, tone: peer.tone, audible: peer.solo || !isSolo };
  }

  #peer(peerId: string, method: string): PeerSnapshot {
    if (this.#state !== 'joined' && this.#state !== 'reconnecting') throw wrongState(method, this.#state);
    const peer = this.#peers.find(({ id }) => id === peerId);
    if (!peer) throw new VoiceRoomError('unknown-peer', `${method}: nobody here has the id ${peerId}.`);
    return peer;
  }

  #takeSnapshot(snapshot: CoreSnapshot): void {
    const before = new Map(this.#peers.map((peer) => [peer.id, peer]));
    const overlayBefore = this.#overlay;
    this.#corePeers = new Map(snapshot.peers.map((peer) => [peer.id, peer]));
    this.#stats = snapshot.stats;
    this.#overlay = snapshot.overlay;
    this.#level = snapshot.level;
    this.#inputLevel = snapshot.inputLevel;
    this.#talkingWhileMuted = snapshot.talkingWhileMuted;
    this.#rebuildPeers();
    if (snapshot.speaking || this.#peers.some(({ speaking }) => speaking)) this.#wakeLock.touch();
    if (this.#state === 'joined' && snapshot.reconnecting) this.#setState('reconnecting');
    else if (this.#state === 'reconnecting' && !snapshot.reconnecting) this.#setState('joined');
    if (this.#peers.length > 0 && this.#lastError?.reason === 'wrong-password') this.#lastError = undefined;
    this.#dispatchChanges(before);
    if (this.#speaking !== snapshot.speaking) {
      this.#speaking = snapshot.speaking;
      if (this.selfId) this.dispatchEvent(new SpeakingChangeEvent(this.selfId, snapshot.speaking));
    }
    if (!sameOverlay(overlayBefore, snapshot.overlay))
      this.dispatchEvent(new OverlayChangeEvent(this.#overlay));
    this.#notify();
  }

  #dispatchChanges(before: Map<MemberId, PeerSnapshot>): void {
    const ids = this.#peers.map(({ id }) => id);
    // A newcomer's voice may have come before its name: then its strip was made without this person's desk. And whoever
    // was heard solo may have gone.
    if (ids.length !== before.size || ids.some((id) => !before.has(id))) this.#sendDesks();
    for (const peer of this.#peers) {
      const earlier = before.get(peer.id);
      before.delete(peer.id);
      if (!earlier) {
        this.dispatchEvent(new PeerJoinEvent(peer));
        if (peer.speaking) this.dispatchEvent(new SpeakingChangeEvent(peer.id, true));
        continue;
      }
      if (earlier.speaking !== peer.speaking)
        this.dispatchEvent(new SpeakingChangeEvent(peer.id, peer.speaking));
      if (!sameButLevel(earlier, peer)) this.dispatchEvent(new PeerChangeEvent(peer));
    }
    for (const peer of before.values()) this.dispatchEvent(new PeerLeaveEvent(peer));
  }

  #rebuildPeers(): void {
    const own = this.identity;
    const corePeers = [...this.#corePeers.values()];
    const identities = corePeers.map(({ identity }) => identity);
    this.#places = this.#options.spread ? spreadPans(identities, this.#places) : new Map();
    for (const identity of this.#soloed) if (!identities.includes(identity)) this.#soloed.delete(identity);
    this.#peers = corePeers.map((peer) => {
      const { gain, pan, tone, blocked } = this.#preferences?.of(peer.identity) ?? {
        gain: 1,
        pan: 0,
        tone: FLAT_TONE,
        blocked: false,
      };
      const isBlocked = blocked && peer.identity !== own;
      return Object.freeze({
        ...peer,
        gain,
        pan,
        placedPan: pan === 0 ? (this.#places.get(peer.identity) ?? 0) : pan,
        tone,
        solo: this.#soloed.has(peer.identity),
        blocked: isBlocked,
        speaking: peer.speaking && !isBlocked,
        level: isBlocked ? 0 : peer.level,
      });
    });
  }

  /** Trouble for these reasons is over. */
  #mend(reasons: readonly VoiceRoomErrorReason[]): void {
    if (!this.#lastError || !reasons.includes(this.#lastError.reason)) return;
    this.#lastError = undefined;
    this.#notify();
  }

  #onReachability(reachability: 'all' | 'some' | 'none'): void {
    if (reachability === 'none') {
      this.#report(
        new VoiceRoomError(
          'no-signaling',
          'No meeting point can be reached. Check the connection; the room keeps trying.',
          true,
        ),
      );
      return;
    }
    this.#mend(['no-signaling', 'signaling-degraded']);
    if (reachability === 'some' && !this.#saidDegraded) {
      this.#saidDegraded = true;
      this.#report(
        new VoiceRoomError(
          'signaling-degraded',
          'One of the meeting networks is out of reach. The room works with the other one.',
          true,
        ),
      );
    }
  }

  /** Told only to a member who is alone: those inside stay undisturbed. */
  #onWrongPassword(): void {
    if (this.#peers.length > 0 || this.#lastError?.reason === 'wrong-password') return;
    this.#report(
      new VoiceRoomError(
        'wrong-password',
        'Somebody is in this room with another password. Ask for the right one, leave and join again.',
        true,
      ),
    );
  }

  #sayStorageRefused(session: Session): void {
    const isRefused = (this.#preferences?.storageRefused ?? false) || !session.isKeyStored;
    if (!isRefused || this.#saidStorageRefused) return;
    this.#saidStorageRefused = true;
    this.#report(
      new VoiceRoomError(
        'storage-refused',
        'This browser stores nothing here: choices last for this visit.',
        true,
      ),
    );
  }

  #report(error: VoiceRoomError): void {
    this.#lastError = error;
    this.dispatchEvent(new RoomErrorEvent(error));
    this.#notify();
  }

  #setState(state: RoomState): void {
    if (state === this.#state) return;
    const previous = this.#state;
    this.#state = state;
    this.dispatchEvent(new RoomStateChangeEvent(state, previous));
    this.#notify();
  }

  /** Not part of the contract: tells a view that something it may show has changed. */
  #notify(): void {
    this.dispatchEvent(new Event('snapshot'));
  }

  /** Forgets the stay: from here on nothing of the session is heard any more. */
  #detach(): void {
    removeEventListener('pagehide', this.#onPageHide);
    document.removeEventListener('visibilitychange', this.#onVisibility);
    this.#session = undefined;
    this.#corePeers.clear();
    const gone = this.#peers;
    this.#peers = [];
    this.#overlay = EMPTY_OVERLAY;
    this.#speaking = false;
    this.#level = 0;
    this.#inputLevel = 0;
    this.#talkingWhileMuted = false;
    this.#soloed.clear();
    this.#places.clear();
    this.#wakeLock.close();
    this.#lastError = undefined;
    for (const peer of gone) this.dispatchEvent(new PeerLeaveEvent(peer));
  }

  readonly #onPageHide = (): void => {
    const session = this.#session;
    this.#detach();
    session?.closeNow();
    this.#setState('idle');
  };

  readonly #onVisibility = (): void => {
    this.#session?.setHidden(document.visibilityState === 'hidden');
  };
}

function assertSupported({ room }: VoiceRoomOptions): void {
  if (!room) throw new VoiceRoomError('invalid-argument', 'A room needs a name: set `room`.', false);
  if (!isSecureContext) {
    throw new VoiceRoomError('insecure-context', 'Voice needs a secure page. Open it over HTTPS.', false);
  }
  const missing = [
    ['WebRTC', typeof RTCPeerConnection],
    ['AudioWorklet', typeof AudioWorkletNode],
    ['WebAssembly', typeof WebAssembly],
    ['Worker', typeof Worker],
    ['WebCrypto', typeof crypto?.subtle],
  ].filter(([, type]) => type === 'undefined');
  if (missing.length > 0) {
    const names = missing.map(([name]) => name).join(', ');
    throw new VoiceRoomError(
      'unsupported-browser',
      `This browser lacks ${names}. Use Chrome 137, Firefox 129, Safari 17 or newer, with nothing of it switched off.`,
      false,
    );
  }
}

function wrongState(method: string, state: string): VoiceRoomError {
  return new VoiceRoomError('wrong-state', `${method}() makes no sense while the room is ${state}.`);
}

function assertWithin(value: number, low: number, high: number, name: string): void {
  if (!(value >= low && value <= high)) {
    throw new VoiceRoomError('invalid-argument', `${name} must be a number from ${low} to ${high}.`);
  }
}

function withoutUndefined(options: Record<string, unknown>): VoiceRoomOptions {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as unknown as VoiceRoomOptions;
}

/** Equal in everything that does not waver all the time and has no event of its own. */
function sameButLevel(a: PeerSnapshot, b: PeerSnapshot): boolean {
  return (Object.keys(b) as (keyof PeerSnapshot)[]).every(
    (key) =>
      key === 'level' ||
      key === 'speaking' ||
      key === 'rttMs' ||
      // Read anew from storage it is another object.
      (key === 'tone' ? sameTone(a.tone, b.tone) : a[key] === b[key]),
  );
}

/** Round trips waver all the time: only who links to whom counts as a change. */
function sameOverlay(a: OverlaySnapshot, b: OverlaySnapshot): boolean {
  const shape = ({ links, trees }: OverlaySnapshot) =>
    JSON.stringify([links.map(({ peerId }) => peerId), trees]);
  return shape(a) === shape(b);
}
