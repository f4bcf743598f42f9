/**
 * `<p2p-voice-room>`: attributes in, a `VoiceRoom` behind, a panel in front. Above 400 lines because the class is the
 * public surface: one declaration and one comment for every attribute, property and method.
 */

import { ContextProvider } from '@lit/context';
import { LitElement, type PropertyValues, type TemplateResult } from 'lit';
import { property, query, state } from 'lit/decorators.js';
import { VoiceRoomError } from '../errors.js';
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
} from '../room/events.js';
import type {
  OverlaySnapshot,
  PeerSnapshot,
  RoomState,
  RoomStats,
  SignalingNetwork,
  Tone,
  VoiceRoomOptions,
} from '../room/types.js';
import { VoiceRoom } from '../room/voice-room.js';
import type { Identity, MemberId } from '../units.js';
import {
  flag,
  frameMs,
  iceServers,
  integer,
  keyName,
  mediaStream,
  networks,
  oneOf,
  onOff,
  positive,
  secret,
  socketUrls,
  text,
  voiceActivation,
} from './attributes.js';
import type { DeviceList } from './device-list.js';
import { rememberedSettings, rememberSettings, SETTING_PARSERS } from './remembered-settings.js';
import { NO_OVERLAY, roomContext, type RoomSnapshot } from './context.js';
import { option, warnOnce } from './option.js';
import { adoptMore, PanelsController } from './panels.js';
import { PushToTalk } from './push-to-talk.js';
import { chooseName, generatedName, rememberedName, rememberName } from './remembered-name.js';
import './requests.js';
import { renderRoom, type RoomActions } from './room-view.js';
import { languageOf, stringsFor } from './strings.js';
import { tokens } from './tokens.js';
import { voiceRoomStyles } from './voice-room.styles.js';
import { hueOf } from './visuals.js';

/** An event cannot be dispatched a second time: a fresh one with the same contents goes out from the element. */
const COPY: { [Type in keyof VoiceRoomEventMap]: (event: VoiceRoomEventMap[Type]) => Event } = {
  'room-state-change': (event) => new RoomStateChangeEvent(event.state, event.previousState),
  'peer-join': (event) => new PeerJoinEvent(event.peer),
  'peer-leave': (event) => new PeerLeaveEvent(event.peer),
  'peer-change': (event) => new PeerChangeEvent(event.peer),
  'speaking-change': (event) => new SpeakingChangeEvent(event.peerId, event.speaking),
  'block-change': (event) => new BlockChangeEvent(event.peer, event.blocked),
  'overlay-change': (event) => new OverlayChangeEvent(event.overlay),
  'room-error': (event) => new RoomErrorEvent(event.error),
};
const EVENT_TYPES = Object.keys(COPY) as (keyof VoiceRoomEventMap)[];

const displayNameText = text(64);
const pageHost = (raw: unknown) => {
  const { value, ...rest } = text(256)(raw);
  return { value: value ?? globalThis.location?.host ?? '', ...rest };
};

/** What the element uses of a room. */
export type RoomHandle = Pick<
  VoiceRoom,
  | 'state'
  | 'selfId'
  | 'identity'
  | 'peers'
  | 'overlay'
  | 'speaking'
  | 'level'
  | 'soundBlocked'
  | 'listening'
  | 'lastError'
  | 'stats'
  | 'configure'
  | 'join'
  | 'leave'
  | 'resumeSound'
  | 'block'
  | 'unblock'
  | 'setGain'
  | 'setPan'
  | 'setTone'
  | 'setSolo'
  | 'inputLevel'
  | 'talkingWhileMuted'
  | 'soundInterrupted'
> &
  EventTarget;

const ACTIVE: ReadonlySet<RoomState> = new Set(['joining', 'joined', 'reconnecting']);

/** ms the hint "you are muted but talking" stays after the last word. */
const MUTED_TALK_MS = 4000;

/** Options that are handed on as they are; a room takes what it can at once and the rest at its next join. */
const HANDED_ON = [
  'appId',
  'password',
  'displayName',
  'deafened',
  'signaling',
  'trackers',
  'nostrRelays',
  'iceServers',
  'iceTransportPolicy',
  'maxLinks',
  'uploadSlots',
  'uploadKbps',
  'voiceActivation',
  'bitrate',
  'frameMs',
  'echoCancellation',
  'noiseSuppression',
  'autoGainControl',
  'inputDevice',
  'outputDevice',
  'volume',
  'levelling',
  'spread',
  'wakeLock',
  'microphone',
] as const satisfies readonly (keyof VoiceRoomOptions)[];

/**
 * A voice room on any page: a Join button, then everyone on any page with the same `app-id` and `room` hears each
 * other. No account and no server of the page's own. Nothing leaves the page before Join.
 *
 * @attr {string} room - Name of the room, required. Changing it leaves the old room and, when joined, joins the new one.
 * @attr {string} app-id - Namespace: rooms of different apps never meet. Default: the page's host.
 * @attr {string} password - Protects signalling and admission. Never reflected.
 * @attr {string} display-name - What others see, at most 64 characters. Default: a friendly generated name.
 * @attr {boolean} autojoin - Joins when connected to the document.
 * @attr {boolean} muted - Microphone off. Reflected.
 * @attr {boolean} deafened - Hear nobody. Reflected.
 * @attr {string} push-to-talk - Key that opens the microphone while held, such as `Space`.
 * @attr {string} signaling - `torrent`, `nostr` or both (default): networks used to meet.
 * @attr {string} trackers - Space-separated `wss:`/`ws:` addresses of BitTorrent trackers.
 * @attr {string} nostr-relays - Space-separated `wss:`/`ws:` addresses of Nostr relays.
 * @attr {string} ice-servers - JSON array of RTCIceServer.
 * @attr {all|relay} ice-transport-policy - `relay` forces TURN. Default `all`.
 * @attr {number} max-links - 2–32: connections this member keeps. Default: by device.
 * @attr {number} upload-slots - 0–32: copies of any one voice sent at once; 0 = never relays for others. Default: by device.
 * @attr {number} upload-kbps - Upper bound in kbit/s for all voice sent. Default: measured.
 * @attr {boolean} listen-only - Joins without asking for a microphone.
 * @attr {string} voice-activation - `auto` (default), `off` (send always) or a threshold in dBFS, -100–0.
 * @attr {number} bitrate - 12000–96000 bit/s, default 32000.
 * @attr {10|20} frame-ms - ms of sound in a packet, default 20; 10 takes 10 ms off the delay and costs about 12 kbit/s
 *   more. From the next join on.
 * @attr {on|off} echo-cancellation - Microphone processing, default `on`.
 * @attr {on|off|strong} noise-suppression - Microphone processing, default `on`. `strong`: a neural suppressor behind the browser's, loaded when asked for.
 * @attr {on|off} auto-gain-control - Microphone processing, default `on`.
 * @attr {string} input-device - Microphone, as `enumerateDevices` names it. Default: the system's.
 * @attr {string} output-device - Loudspeaker, likewise.
 * @attr {number} volume - Of everybody, linear 0–4, default 1 = as sent.
 * @attr {boolean} levelling - Evens out loud and quiet people.
 * @attr {boolean} spread - Places voices from left to right so that they can be told apart.
 * @attr {boolean} wake-lock - Keeps the screen on during a conversation.
 *
 * @fires {RoomStateChangeEvent} room-state-change - The room entered another state: `state`, `previousState`.
 * @fires {PeerJoinEvent} peer-join - Somebody came: `peer`.
 * @fires {PeerLeaveEvent} peer-leave - Somebody went: `peer`.
 * @fires {PeerChangeEvent} peer-change - Something about a member changed other than level and speaking: `peer`.
 * @fires {SpeakingChangeEvent} speaking-change - Somebody started or stopped speaking: `peerId`, `speaking`.
 * @fires {BlockChangeEvent} block-change - This person blocked or unblocked somebody: `peer`, `blocked`.
 * @fires {OverlayChangeEvent} overlay-change - Links or trees of this member changed: `overlay`.
 * @fires {RoomErrorEvent} room-error - Something went wrong: `error` with `reason`, `message`, `recoverable`.
 *
 * @slot header - Instead of the room's name.
 * @slot empty - Shown while nobody else is here.
 * @slot controls-start - Before the buttons.
 * @slot controls-end - After the buttons.
 *
 * @csspart panel - The whole card.
 * @csspart header - Name, count and status line.
 * @csspart count - How many are in the room.
 * @csspart status - What is going on and what to do next.
 * @csspart error - The error inside the status.
 * @csspart peers - The grid of people.
 * @csspart peer - One person: a `<peer-tile>`.
 * @csspart peer-tile - A tile's card.
 * @csspart peer-avatar - A tile's disc with the initials.
 * @csspart peer-name - A tile's name.
 * @csspart peer-level - A tile's ring that grows with the level.
 * @csspart peer-quality - A tile's three bars.
 * @csspart peer-gain - A tile's volume slider.
 * @csspart peer-pan - A tile's direction slider.
 * @csspart peer-tone - A tile's tone sliders.
 * @csspart peer-solo-button - A tile's button that hears them alone.
 * @csspart peer-block-button - A tile's block button.
 * @csspart peer-menu - A tile's menu.
 * @csspart empty - What stands in for the people while nobody else is here.
 * @csspart share-button - Copies the page's address.
 * @csspart controls - The person's own bar: name and buttons.
 * @csspart name-field - The field for the own name.
 * @csspart join-button - Joins.
 * @csspart listen-button - Joins without a microphone.
 * @csspart leave-button - Leaves; while joining, cancels.
 * @csspart mute-button - Microphone off and on.
 * @csspart microphone-button - In place of the mute button while listening without a microphone.
 * @csspart deafen-button - Sound off and on.
 * @csspart talk-button - Opens the microphone while held; only with `push-to-talk`.
 * @csspart sound-button - Starts the sound where the browser waits for a gesture.
 * @csspart map - Who passes voices to whom.
 * @csspart settings - Sound and microphone, folded.
 * @csspart input-device - The choice of microphone.
 * @csspart input-level - The microphone's level.
 * @csspart output-device - The choice of loudspeaker; absent where the browser leaves it to the system.
 * @csspart volume - The volume of everybody.
 * @csspart levelling - The box that evens out loud and quiet people.
 * @csspart spread - The box that spreads voices.
 * @csspart strong-suppression - The box for stronger noise suppression.
 *
 * @cssprop [--p2p-voice-room-accent] - Main button, sliders, focus rings.
 * @cssprop [--p2p-voice-room-on-accent] - Text on the main button.
 * @cssprop [--p2p-voice-room-surface] - Background of the card.
 * @cssprop [--p2p-voice-room-raised] - Background of tiles and buttons.
 * @cssprop [--p2p-voice-room-text] - Text.
 * @cssprop [--p2p-voice-room-quiet-text] - Secondary text.
 * @cssprop [--p2p-voice-room-border] - Lines.
 * @cssprop [--p2p-voice-room-speaking] - Whoever speaks.
 * @cssprop [--p2p-voice-room-danger] - Muted, blocked, final errors.
 * @cssprop [--p2p-voice-room-warning] - Errors the room survives.
 * @cssprop [--p2p-voice-room-radius=16px] - Corner radius of the card; everything inside follows.
 * @cssprop [--p2p-voice-room-gap=12px] - Between tiles.
 * @cssprop [--p2p-voice-room-shadow] - Shadow of the card.
 * @cssprop [--p2p-voice-room-font] - Font family.
 * @cssprop [--p2p-voice-room-peer-width=260px] - Least width of a tile in the grid.
 * @cssprop [--p2p-voice-room-peers-max-height=none] - Makes a large room scroll inside the card.
 */
export class P2PVoiceRoomElement extends LitElement {
  static override styles = [tokens, voiceRoomStyles];

  static override get observedAttributes(): string[] {
    return [...super.observedAttributes, 'lang'];
  }

  /** Name of the room; required to join. */
  @option(text(256)) room!: string | undefined;
  /** Namespace: rooms of different apps never meet. */
  @option(pageHost) appId!: string;
  @option(secret) password!: string | undefined;
  @option(flag) autojoin!: boolean;
  @option(flag, { reflect: true }) muted!: boolean;
  @option(flag, { reflect: true }) deafened!: boolean;
  /** `KeyboardEvent.code` or `.key` of the key. */
  @option(keyName) pushToTalk!: string | undefined;
  @option(networks) signaling!: readonly SignalingNetwork[];
  @option(socketUrls) trackers!: readonly string[] | undefined;
  @option(socketUrls) nostrRelays!: readonly string[] | undefined;
  @option(iceServers) iceServers!: readonly RTCIceServer[] | undefined;
  @option(oneOf(['all', 'relay'], 'all')) iceTransportPolicy!: RTCIceTransportPolicy;
  /** 2–32; undefined = by device. */
  @option(integer(2, 32, undefined)) maxLinks!: number | undefined;
  /** 0–32; undefined = by device. */
  @option(integer(0, 32, undefined)) uploadSlots!: number | undefined;
  /** kbit/s; undefined = measured. */
  @option(positive) uploadKbps!: number | undefined;
  @option(flag) listenOnly!: boolean;
  @option(voiceActivation) voiceActivation!: 'auto' | 'off' | number;
  /** bit/s. */
  @option(integer(12_000, 96_000, 32_000)) bitrate!: number;
  /** ms of sound in a packet. */
  @option(frameMs) frameMs!: 10 | 20;
  @option(onOff) echoCancellation!: boolean;
  /** `strong`: a neural suppressor behind the browser's own. */
  @option(SETTING_PARSERS.noiseSuppression) noiseSuppression!: boolean | 'strong';
  @option(onOff) autoGainControl!: boolean;
  /** As `enumerateDevices` names it; '' = the system's default. */
  @option(SETTING_PARSERS.inputDevice) inputDevice!: string;
  @option(SETTING_PARSERS.outputDevice) outputDevice!: string;
  /** Of everybody, linear 0–4; 1 = as sent. */
  @option(SETTING_PARSERS.volume) volume!: number;
  /** Evens out loud and quiet people. */
  @option(SETTING_PARSERS.levelling) levelling!: boolean;
  /** Places voices from left to right. */
  @option(SETTING_PARSERS.spread) spread!: boolean;
  /** Keeps the screen on during a conversation. */
  @option(flag) wakeLock!: boolean;
  /** Instead of the device; null = the device. */
  @option(mediaStream, { attribute: false }) microphone!: MediaStream | null;

  @state() private mapOpen = false;
  @state() private settingsOpen = false;
  /** Kept up for a while, or a sentence's pauses would make the hint flicker and be read out again and again. */
  @state() private talkedWhileMuted = false;
  @state() private remark = '';
  @query('.panel') private readonly panel!: HTMLElement | null;
  @query('.self') private readonly selfFace!: HTMLElement | null;

  /** What the page suggests; undefined = nothing. */
  #suggestedName: string | undefined;
  /** What the person typed, in this visit or an earlier one. */
  #typedName: string | undefined;
  #room: RoomHandle | undefined;
  /** Trouble of the element's own, beside the room's. */
  #ownError: VoiceRoomError | undefined;
  /** The person chose to listen only, this time. */
  #justListening = false;
  #talkedTimer: ReturnType<typeof setTimeout> | undefined;
  /** Once the panels are loaded. */
  #devices: DeviceList | undefined;
  readonly #panels = new PanelsController(this, ({ DeviceList: List, settingsStyles }) => {
    adoptMore(this, settingsStyles);
    this.#devices = new List(this);
    this.#devices.watch(this.settingsOpen);
  });
  readonly #pushToTalk = new PushToTalk(() => this.requestUpdate('muted'));
  readonly #context = new ContextProvider(this, { context: roomContext, initialValue: this.#snapshot() });

  constructor() {
    super();
    // On the element itself, so that tiles a page puts into the slots are heard like the room's own.
    this.addEventListener('gain-request', (event) =>
      this.#grant(event, (room) => room.setGain(event.peerId, event.gain)),
    );
    this.addEventListener('pan-request', (event) =>
      this.#grant(event, (room) => room.setPan(event.peerId, event.pan)),
    );
    this.addEventListener('tone-request', (event) =>
      this.#grant(event, (room) => room.setTone(event.peerId, event.tone)),
    );
    this.addEventListener('solo-request', (event) =>
      this.#grant(event, (room) => room.setSolo(event.peerId, event.solo)),
    );
    this.addEventListener('block-request', (event) =>
      this.#grant(event, (room) => (event.blocked ? room.block(event.peerId) : room.unblock(event.peerId))),
    );
  }

  /** What others see: what the person typed, else what the page suggests, else a generated name. */
  @property({ attribute: 'display-name' })
  get displayName(): string {
    return this.#typedName ?? this.#suggestedName ?? generatedName();
  }
  set displayName(raw: string | null | undefined) {
    const { value, problem } = displayNameText(raw);
    if (problem !== undefined) warnOnce(this, 'display-name', raw, problem);
    this.#suggestedName = value;
    if (this.hasUpdated) this.#typedName = undefined;
  }

  get state(): RoomState {
    return this.#room?.state ?? 'idle';
  }

  /** This join's own id; undefined before joining. */
  get selfId(): MemberId | undefined {
    return this.#room?.selfId;
  }

  /** This person's public-key fingerprint, the same in every visit; undefined before joining. */
  get identity(): Identity | undefined {
    return this.#room?.identity;
  }

  /** The others, never oneself. */
  get peers(): readonly PeerSnapshot[] {
    return this.#room?.peers ?? [];
  }

  get overlay(): OverlaySnapshot {
    return this.#room?.overlay ?? NO_OVERLAY;
  }

  /**
   * Resolves when this member is ready to talk and looking for others, also when alone or offline. Call it inside a
   * click where the browser demands a gesture for sound.
   * @throws VoiceRoomError where nothing can be done without the person; `wrong-state` when already joined or not in
   *   a document; `invalid-argument` without a room name
   */
  async join(): Promise<void> {
    return this.#enter(false);
  }

  /** Resolves when everything that joining opened is closed; at once when nothing is open. */
  async leave(): Promise<void> {
    return this.#room?.leave();
  }

  /** Stops hearing somebody, here and through here. @throws VoiceRoomError `wrong-state`, `unknown-peer` */
  block(peerId: string): void {
    this.#roomNow().block(peerId);
  }

  /** @throws VoiceRoomError `wrong-state`, `unknown-peer` */
  unblock(peerId: string): void {
    this.#roomNow().unblock(peerId);
  }

  /** @param gain linear, 0–4; 1 = as sent @throws VoiceRoomError `wrong-state`, `unknown-peer`, `invalid-argument` */
  setGain(peerId: string, gain: number): void {
    this.#roomNow().setGain(peerId, gain);
  }

  /** @param pan −1 left … 1 right @throws VoiceRoomError `wrong-state`, `unknown-peer`, `invalid-argument` */
  setPan(peerId: string, pan: number): void {
    this.#roomNow().setPan(peerId, pan);
  }

  /** Bass, middle and treble of one person: dB, each −12…12; bands left out stay. @throws VoiceRoomError */
  setTone(peerId: string, tone: Partial<Tone>): void {
    this.#roomNow().setTone(peerId, tone);
  }

  /** Hear only them, and others heard solo; lasts until I leave or they do. @throws VoiceRoomError */
  setSolo(peerId: string, solo: boolean): void {
    this.#roomNow().setSolo(peerId, solo);
  }

  /** Counters since join. */
  stats(): RoomStats {
    return this.#roomNow().stats();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    // What the person chose goes before what the page suggests; what a script sets later goes before both.
    if (!this.hasUpdated) Object.assign(this, rememberedSettings());
    // After the attributes of a freshly parsed element, and after the end of a move within the document.
    queueMicrotask(() => this.#autojoin());
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    // An element that is moved is back before this task ends.
    queueMicrotask(() => {
      if (this.isConnected) return;
      clearTimeout(this.#talkedTimer);
      this.#pushToTalk.listen(undefined);
      this.#watch(this.leave());
    });
  }

  override attributeChangedCallback(name: string, old: string | null, value: string | null): void {
    if (name === 'lang') this.requestUpdate();
    else super.attributeChangedCallback(name, old, value);
  }

  /** Where the room comes from; a subclass may bring another. */
  protected createRoom(options: VoiceRoomOptions): RoomHandle {
    return new VoiceRoom(options);
  }

  protected override willUpdate(): void {
    if (!this.hasUpdated) this.#typedName = this.#rememberedOverSuggested();
    this.#context.setValue(this.#snapshot());
  }

  protected override update(changed: PropertyValues<this>): void {
    const focused = this.shadowRoot?.activeElement;
    super.update(changed);
    // A button that goes while it has the focus would throw keyboard users back to the top of the page.
    if (focused && (!focused.isConnected || focused.matches(':disabled')))
      this.panel?.focus({ preventScroll: true });
  }

  protected override updated(changed: PropertyValues<this>): void {
    const { displayName, level } = this.#context.value;
    this.selfFace?.style.setProperty('--_hue', String(hueOf(this.identity ?? displayName)));
    this.selfFace?.style.setProperty('--_level', level.toFixed(2));
    const active = ACTIVE.has(this.state);
    this.#pushToTalk.listen(active && this.isConnected ? this.pushToTalk : undefined);
    if (changed.has('room') && active) this.#switchRoom();
    else if (active) this.#configure(changed as Map<PropertyKey, unknown>);
    if (changed.has('autojoin') || (changed.has('room') && changed.get('room') === undefined))
      this.#autojoin();
  }

  protected override render(): TemplateResult {
    return renderRoom(
      this.#context.value,
      {
        listenOnly: this.listenOnly,
        pushToTalk: this.pushToTalk,
        talking: this.#pushToTalk.held,
        mapOpen: this.mapOpen,
        settings: this.#renderSettings(),
        remark: this.remark,
      },
      stringsFor(languageOf(this)),
      this.#actions,
    );
  }

  #renderSettings(): TemplateResult | undefined {
    const panels = this.#panels.loaded;
    if (!this.settingsOpen || !panels || !this.#devices) return undefined;
    const lang = languageOf(this);
    return panels.renderSettings(
      this.#context.value,
      { settings: this, devices: this.#devices.devices },
      panels.strings(lang, stringsFor(lang)),
      (changes) => {
        Object.assign(this, changes);
        rememberSettings(changes);
      },
    );
  }

  readonly #actions: RoomActions = {
    join: (event) => {
      event.preventDefault();
      this.#watch(this.#enter(false));
    },
    listen: () => this.#watch(this.#enter(true)),
    leave: () => this.#watch(this.leave()),
    toggleMuted: () => (this.muted = !this.muted),
    toggleDeafened: () => (this.deafened = !this.deafened),
    talk: (held) => this.#pushToTalk.hold(held),
    rename: (event) => this.#rename(event.currentTarget as HTMLInputElement),
    useMicrophone: () => this.#useMicrophone(),
    startSound: () => this.#watch(this.#roomNow().resumeSound()),
    copyLink: () => this.#watch(this.#copyLink()),
    showMap: (open) => (this.mapOpen = open),
    showSettings: (open) => {
      this.settingsOpen = open;
      this.#devices?.watch(open);
      if (open) this.#panels.load((error) => this.#report(error));
    },
  };

  #snapshot(): RoomSnapshot {
    const room = this.#room;
    return {
      state: this.state,
      room: this.room,
      selfId: room?.selfId,
      identity: room?.identity,
      displayName: this.displayName,
      speaking: room?.speaking ?? false,
      level: room?.level ?? 0,
      muted: this.muted,
      deafened: this.deafened,
      listening: room?.listening ?? false,
      soundBlocked: room?.soundBlocked ?? false,
      soundInterrupted: room?.soundInterrupted ?? false,
      inputLevel: room?.inputLevel ?? 0,
      talkingWhileMuted: this.talkedWhileMuted && this.pushToTalk === undefined,
      error: this.#ownError ?? room?.lastError,
      peers: this.peers,
      overlay: this.overlay,
    };
  }

  /** With push-to-talk the microphone is open only while the key is held, and never while muted. */
  #microphoneClosed(): boolean {
    return this.muted || (this.pushToTalk !== undefined && !this.#pushToTalk.held);
  }

  /** Undefined values put a room back to its default, which `VoiceRoomOptions` cannot say in types. */
  #optionsAmong(isWanted: (name: PropertyKey) => boolean): Partial<VoiceRoomOptions> {
    const options: Record<string, unknown> = {};
    for (const name of HANDED_ON) if (isWanted(name)) options[name] = this[name];
    if (isWanted('muted') || isWanted('pushToTalk')) options['muted'] = this.#microphoneClosed();
    if (isWanted('listenOnly')) options['listenOnly'] = this.listenOnly || this.#justListening;
    return options;
  }

  #allOptions(): VoiceRoomOptions {
    return { ...this.#optionsAmong(() => true), room: this.room ?? '' };
  }

  #configure(changed: ReadonlyMap<PropertyKey, unknown>): void {
    const changes = this.#optionsAmong((name) => changed.has(name));
    if (Object.keys(changes).length > 0) this.#room?.configure(changes);
  }

  #roomNow(): RoomHandle {
    return (this.#room ??= this.#adopt(this.createRoom(this.#allOptions())));
  }

  #adopt(room: RoomHandle): RoomHandle {
    room.addEventListener('snapshot', () => {
      if (room.talkingWhileMuted) this.#noteMutedTalk();
      this.requestUpdate();
    });
    for (const type of EVENT_TYPES)
      room.addEventListener(type, (event) => {
        this.requestUpdate();
        this.dispatchEvent((COPY[type] as (event: Event) => Event)(event));
      });
    return room;
  }

  #noteMutedTalk(): void {
    this.talkedWhileMuted = true;
    clearTimeout(this.#talkedTimer);
    this.#talkedTimer = setTimeout(() => (this.talkedWhileMuted = false), MUTED_TALK_MS);
  }

  /** Reaches `room.join()` without a pause: the browser lets sound start only inside the click. */
  async #enter(justListening: boolean): Promise<void> {
    if (!this.isConnected)
      throw new VoiceRoomError('wrong-state', 'Put the element into the document before joining.');
    const room = this.#roomNow();
    if (!ACTIVE.has(room.state)) {
      this.#ownError = undefined;
      this.remark = '';
      this.#justListening = justListening;
      room.configure(this.#allOptions());
    }
    await room.join();
  }

  #switchRoom(): void {
    this.#watch(this.leave());
    if (this.room !== undefined && this.isConnected) this.#watch(this.#enter(this.#justListening));
  }

  #autojoin(): void {
    if (this.autojoin && this.isConnected && this.room !== undefined && this.state === 'idle')
      this.#watch(this.#enter(false));
  }

  #useMicrophone(): void {
    this.#justListening = false;
    this.listenOnly = false;
    // A refused microphone is asked for again only when the wish for it is new.
    this.#room?.configure({ listenOnly: true });
    this.#room?.configure({ listenOnly: false });
  }

  #rememberedOverSuggested(): string | undefined {
    const name = chooseName(this.#suggestedName, rememberedName());
    return name === this.#suggestedName ? undefined : name;
  }

  #rename(field: HTMLInputElement): void {
    const { value, problem } = displayNameText(field.value);
    if (value !== undefined && problem === undefined && value !== this.displayName) {
      const old = this.displayName;
      this.#typedName = value;
      this.requestUpdate('displayName', old);
      if (!rememberName({ name: value, replaced: this.#suggestedName ?? null }))
        this.#report(
          new VoiceRoomError(
            'storage-refused',
            'The browser stores nothing here: your name lasts for this visit.',
          ),
        );
    }
    field.value = this.displayName;
  }

  async #copyLink(): Promise<void> {
    const strings = stringsFor(languageOf(this));
    try {
      await navigator.clipboard.writeText(location.href);
      this.remark = strings.copied;
    } catch {
      this.remark = strings.copyFailed;
    }
  }

  #grant(request: Event, act: (room: RoomHandle) => void): void {
    if (request.defaultPrevented) return;
    try {
      act(this.#roomNow());
      this.#ownError = undefined;
    } catch (error) {
      this.#report(error);
    }
    this.requestUpdate();
  }

  /** For what the person, not a script, set going: nobody else would see it fail. */
  #watch(action: Promise<void>): void {
    action.catch((error: unknown) => this.#report(error));
  }

  #report(error: unknown): void {
    const told = this.#room?.lastError;
    if (error instanceof VoiceRoomError) {
      // Told by the room already; or a join that ended because the person left, which is no trouble.
      if (error.reason === told?.reason || error.reason === 'wrong-state') return;
      this.#ownError = error;
    } else {
      console.error(error);
      this.#ownError = new VoiceRoomError(
        'load-failed',
        'Something failed. Reload the page and try again.',
        true,
        {
          cause: error,
        },
      );
    }
    this.dispatchEvent(new RoomErrorEvent(this.#ownError));
    this.requestUpdate();
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'p2p-voice-room': P2PVoiceRoomElement;
  }
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- augments the DOM's own map
  interface HTMLElementEventMap extends VoiceRoomEventMap {}
}
