/**
 * The room behind the page: carries out what the overlay engine decides, moves voice, keeps the roster honest and
 * draws snapshots. Runs in a worker (`worker-entry.ts`); the page hears of it only through `protocol.ts`.
 *
 * Above 400 lines, because it is the one place where engine, links, pipes, voice and roster meet; each of them lives in a
 * file of its own beside it.
 */

import type { Opus } from '../../audio/codec.js';
import { VoiceEncoder } from '../../audio/voice-encoder.js';
import { NETWORK_DEFAULTS } from '../../network/config.js';
import type { Link } from '../../network/link.js';
import { createOverlayEngine } from '../../overlay/engine.js';
import type {
  Limits,
  OverlayEffect,
  OverlayEngine,
  OverlayInput,
  OverlayView,
} from '../../overlay/interface.js';
import { handleOf, SAMPLE_RATE_HZ, type Handle, type Identity, type MemberId } from '../../units.js';
import { decodeControl, encodeControl, type ControlMessage } from '../../wire/control.js';
import type { RosterEntry } from '../../wire/roster-entry.js';
import type { CoreStart, DoorbellMode, FromCore, ToCore } from '../protocol.js';
import { EntryBook } from './entry-book.js';
import { LinkTable } from './link-table.js';
import { buildSnapshot } from './snapshot.js';
import { UploadMeter } from './upload-meter.js';
import { VoiceDesk } from './voice-desk.js';

export interface CoreHost {
  post(message: FromCore): void;
  loadOpus(codecUrl: string): Promise<Opus>;
}

/** ≤ 10 snapshots a second. */
const SNAPSHOT_PERIOD_MS = 100;
/**
 * Silent trees looked up anew for one snapshot, times members: 1.5 ms of the worker that passes voices on, whatever the size
 * of the room. Those of 200 members are all up to date within half a second, those of 1000 within 13 s.
 */
const LOOKUPS_BY_MEMBERS = 8000;

/** Pipes may still carry candidates of a link that just opened: the doorbell is left this much later. */
const DOORBELL_LINGER_MS = 1500;

/** Up to this many members everybody's chain is made before they speak, so that first words need not wait for the page. */
const EAGER_SPEAKERS = 16;

/** After so long in one room, ms, each of two members has the other's entry: news takes a second or two. */
const ACQUAINTED_MS = 5000;

/** ms to let goodbyes leave the control channels. */
const GOODBYE_PATIENCE_MS = 250;

/** Losses within this time may have one cause. */
const SPLIT_WINDOW_MS = 5000;

/** A queue that changed less than this is not worth telling the engine. */
const QUEUE_STEP_MS = 10;

/** Messages of one pipe that may wait for a signature to be checked: a greeting in a room of hundreds is about twenty. */
const MAX_PIPE_BACKLOG = 64;

/** A doorbell pipe. What comes over it is handled strictly in order: an offer must not overtake the hello before it. */
interface Pipe {
  /** Whom it reaches, once they said so. */
  peer: MemberId | undefined;
  handled: Promise<void>;
  backlog: number;
}

/** What a core that has started can be told. */
type CoreOrder = Exclude<ToCore, { type: 'start' | 'preload' }>;

export class RoomCore {
  readonly #config = NETWORK_DEFAULTS;
  #start: CoreStart | undefined;
  #engine: OverlayEngine | undefined;
  #book: EntryBook | undefined;
  #links: LinkTable | undefined;
  #voice: VoiceDesk | undefined;
  #ownEntry: RosterEntry | undefined;
  #opus: Promise<Opus> | undefined;
  /** What came before the own entry was signed: a few ports and pipes, for some milliseconds. */
  readonly #early: CoreOrder[] = [];

  readonly #inputs: OverlayInput[] = [];
  #stepping = false;
  #tickTimer: ReturnType<typeof setTimeout> | undefined;
  #tickAtMs = Number.POSITIVE_INFINITY;

  #snapshotTimer: ReturnType<typeof setTimeout> | undefined;
  #doorbellTimer: ReturnType<typeof setTimeout> | undefined;
  /** The page rings for a member alone before the core has begun. */
  #doorbellMode: DoorbellMode = 'alone';
  #wantedDoorbellMode: DoorbellMode = 'alone';

  /** Doorbell pipes, oldest first; as many as the page has. */
  readonly #pipes = new Map<string, Pipe>();
  /** Sources whose chain the page was asked to make. */
  readonly #speakers = new Map<Handle, MemberId>();
  readonly #blocked = new Set<Identity>();
  readonly #blockedHandles = new Set<Handle>();
  readonly #queueMs = new Map<MemberId, number>();
  readonly #upload = new UploadMeter(nowMs());
  /** What the person allows; the engine hears the lower of its upload and the measured one. */
  #limits: Limits | undefined;
  #uploadKbps = Number.POSITIVE_INFINITY;
  #view: OverlayView = { members: [], links: [], trees: [], onDuty: [] };
  /** When members were lost without a goodbye, within `SPLIT_WINDOW_MS`. */
  readonly #lostAtMs: number[] = [];
  #leaving = false;
  #wasLinked = false;
  /** Every link was lost while others should still be there. */
  #hasLostAll = false;

  constructor(private readonly host: CoreHost) {}

  receive(message: ToCore): void {
    if (message.type === 'preload') {
      this.#opus = this.host.loadOpus(message.codecUrl);
      // Reported by `start`, which waits for it.
      this.#opus.catch((error: unknown) => console.debug('p2p-voice-room: codec', error));
      return;
    }
    if (message.type === 'start') {
      this.#begin(message).catch((error: unknown) => {
        this.host.post({
          type: 'failed',
          reason: 'codec-refused',
          message: `The voice codec could not start (${String(error)}). The page must allow WebAssembly ('wasm-unsafe-eval').`,
        });
      });
      return;
    }
    // Doorbell and ports are faster than the signature of the own entry, which everything rests on.
    if (this.#ownEntry) this.#dispatch(message);
    else this.#early.push(message);
  }

  #dispatch(message: CoreOrder): void {
    const links = this.#links as LinkTable;
    const voice = this.#voice as VoiceDesk;
    switch (message.type) {
      case 'playout-port':
        voice.setPlayoutPort(message.port);
        voice.setDeafened((this.#start as CoreStart).voice.deafened);
        break;
      case 'capture-port':
        voice.setCapturePort(message.port);
        break;
      case 'capture-track':
        voice.setCaptureTrack(message.readable);
        break;
      case 'channels':
        links.onChannels(message);
        break;
      case 'local-signal':
        links.onLocalSignal(message);
        break;
      case 'link-failed':
        links.onFailed(message.linkKey);
        break;
      case 'pipe-up':
        this.#pipes.set(message.pipe, { peer: undefined, handled: Promise.resolve(), backlog: 0 });
        this.#sayHello(message.pipe);
        break;
      case 'pipe-down':
        this.#onPipeDown(message.pipe);
        break;
      case 'pipe-message':
        this.#onPipeMessage(message.pipe, message.bytes);
        break;
      case 'block':
        this.#blocked.add(message.identity);
        this.#step({ type: 'block', identity: message.identity });
        this.#silenceBlocked();
        break;
      case 'unblock':
        this.#blocked.delete(message.identity);
        this.#silenceBlocked();
        this.#step({ type: 'unblock', identity: message.identity });
        break;
      case 'limits':
        this.#limits = message.limits;
        this.#applyLimits();
        this.#publish({ maxLinks: message.limits.maxLinks, uploadSlots: message.limits.uploadSlots });
        break;
      case 'voice':
        this.#configureVoice(message.voice);
        break;
      case 'name':
        this.#publish({ name: message.name });
        break;
      case 'hidden':
        this.#step({ type: 'shed', shed: message.hidden });
        break;
      case 'leave':
        void this.#leave();
        break;
    }
    this.#markDirty();
  }

  async #begin(start: CoreStart): Promise<void> {
    this.#start = start;
    this.#limits = start.limits;
    const book = new EntryBook(start);
    this.#book = book;
    this.#engine = createOverlayEngine({ selfId: start.memberId, limits: start.limits, random: Math.random });
    const links = new LinkTable({
      selfId: start.memberId,
      config: this.#config,
      nowMs,
      post: (message) => this.host.post(message),
      signal: (to, payload) => this.#step({ type: 'signal', to, payload }),
      ownEntry: () => (this.#ownEntry as RosterEntry).bytes,
      isAcquainted: (peer) => this.#isAcquainted(peer),
      entryOf: (peer) => book.entryOf(peer),
      verify: (bytes) => book.verify(bytes),
      admits: (peer) => !this.#leaving && (this.#engine as OverlayEngine).admits(peer, nowMs()),
      onEntry: (entry) => this.#step({ type: 'entries', from: entry.memberId, entries: [entry] }),
      onLinkUp: (peer) => {
        this.#step({ type: 'link-up', peer });
        for (const [name, pipe] of this.#pipes) this.#tellIfLinked(name, pipe);
      },
      onLinkDown: (peer, cause) => {
        this.#queueMs.delete(peer);
        this.#step({ type: 'link-down', peer, cause });
      },
      onControl: (peer, bytes, reliable) => this.#onControl(peer, bytes, reliable),
      onVoice: (peer, packet, hopLimit, isRepeat) => this.#onVoice(peer, packet, hopLimit, isRepeat),
    });
    this.#links = links;
    this.#voice = new VoiceDesk({
      links,
      nowMs,
      engine: () => this.#engine as OverlayEngine,
      onSource: (source) => this.#onSource(source),
      onSent: (links) => this.#reportQueues(links),
      onInputChange: () => this.#markDirty(),
    });
    for (const identity of start.blocked) this.#blocked.add(identity);
    const entry = await book.sign({});
    this.#ownEntry = entry;
    this.#step({ type: 'self', entry });
    for (const identity of start.blocked) this.#step({ type: 'block', identity });
    for (const message of this.#early.splice(0)) this.#dispatch(message);
    const opus = await (this.#opus as Promise<Opus>);
    if (this.#leaving) return;
    this.#voice.encoder = new VoiceEncoder({
      opus,
      bitrate: start.voice.bitrate,
      frameSamples: (start.voice.frameMs * SAMPLE_RATE_HZ) / 1000,
      source: handleOf(start.memberId),
      streamEpoch: 0,
    });
    this.#configureVoice(start.voice);
    this.host.post({ type: 'ready' });
    this.#markDirty();
  }

  /** Feeds the engine and carries out its effects, strictly one input after the other. */
  #step(input: OverlayInput): void {
    this.#inputs.push(input);
    if (this.#stepping) return;
    this.#stepping = true;
    try {
      for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
        const effects = (this.#engine as OverlayEngine).handle(next, nowMs());
        for (const effect of effects) this.#apply(effect);
      }
    } finally {
      this.#stepping = false;
    }
    this.#scheduleTick();
  }

  #apply(effect: OverlayEffect): void {
    const links = this.#links as LinkTable;
    switch (effect.type) {
      case 'send':
        this.#send(effect.to, effect.message, effect.reliable);
        break;
      case 'open-link':
        links.want(effect.peer);
        break;
      case 'close-link':
        this.#queueMs.delete(effect.peer);
        links.drop(effect.peer);
        break;
      case 'signal':
        links.onSignal(effect.from, effect.payload);
        break;
      case 'replay':
        (this.#voice as VoiceDesk).replay(effect.to, effect.source, effect.fromSequence);
        break;
      case 'publish':
        this.#publish(effect.changes);
        break;
      case 'view-changed':
        this.#markDirty();
        break;
    }
  }

  /** Re-arms the timer only when something is due earlier: a tick too early is harmless, a late one is not. */
  #scheduleTick(): void {
    const dueMs = (this.#engine as OverlayEngine).nextDeadlineMs();
    if (dueMs >= this.#tickAtMs || !Number.isFinite(dueMs)) return;
    clearTimeout(this.#tickTimer);
    this.#tickAtMs = dueMs;
    this.#tickTimer = setTimeout(
      () => {
        this.#tickAtMs = Number.POSITIVE_INFINITY;
        this.#reportQueues(this.#links?.open() ?? []);
        this.#measureUpload();
        this.#step({ type: 'tick' });
      },
      Math.max(0, dueMs - nowMs()),
    );
  }

  #send(to: MemberId, message: ControlMessage, reliable: boolean): void {
    const link = this.#links?.link(to);
    const bytes = encodeControl(message);
    if (link && reliable) link.sendControl(bytes);
    else if (link) link.sendUnreliable(bytes);
    else {
      // The newest: a member that rings again comes over another pipe, perhaps before the old one is seen to end.
      const pipe = [...this.#pipes].findLast(([, { peer }]) => peer === to)?.[0];
      if (pipe !== undefined) this.host.post({ type: 'pipe-send', pipe, bytes });
    }
  }

  #onControl(peer: MemberId, bytes: Uint8Array, _reliable: boolean): void {
    const message = decodeControl(bytes);
    if (!message) {
      this.#links?.link(peer)?.countMalformed();
      return;
    }
    if (message.type === 'entries') void this.#verifyEntries(peer, message.entries);
    else this.#step({ type: 'message', from: peer, message });
  }

  /** Whoever has been here for a while is known to everybody who has. By the clock of each: a wrong one costs half a second. */
  #isAcquainted(peer: MemberId): boolean {
    const theirs = this.#book?.entryOf(peer);
    if (!theirs || !this.#ownEntry) return false;
    return Date.now() - Math.max(theirs.joinedAtMs, this.#ownEntry.joinedAtMs) > ACQUAINTED_MS;
  }

  async #verifyEntries(from: MemberId, packed: readonly Uint8Array[]): Promise<RosterEntry[]> {
    const book = this.#book as EntryBook;
    const checked = await Promise.all(packed.map((bytes) => book.verify(bytes)));
    const entries = checked.filter((entry) => entry !== undefined);
    if (entries.length > 0) this.#step({ type: 'entries', from, entries });
    return entries;
  }

  #sayHello(pipe: string): void {
    if (!this.#ownEntry) return;
    const bytes = encodeControl({ type: 'entries', entries: [this.#ownEntry.bytes] });
    this.host.post({ type: 'pipe-send', pipe, bytes });
  }

  #onPipeMessage(name: string, bytes: Uint8Array): void {
    const pipe = this.#pipes.get(name);
    if (!pipe || pipe.backlog >= MAX_PIPE_BACKLOG) return;
    pipe.backlog += 1;
    pipe.handled = pipe.handled
      .then(() => this.#handlePipeMessage(name, pipe, bytes))
      .catch((error: unknown) => console.error('p2p-voice-room: pipe message not handled', error))
      .finally(() => (pipe.backlog -= 1));
  }

  async #handlePipeMessage(name: string, pipe: Pipe, bytes: Uint8Array): Promise<void> {
    const message = decodeControl(bytes);
    if (!message || this.#pipes.get(name) !== pipe) return;
    const { peer } = pipe;
    if (peer && message.type === 'entries') await this.#verifyEntries(peer, message.entries);
    else if (peer) this.#step({ type: 'message', from: peer, message });
    else if (message.type === 'entries' && message.entries[0])
      await this.#onHello(name, pipe, message.entries[0]);
  }

  /** The first entry over a pipe is the far end's own: from now on the pipe has a name. */
  async #onHello(name: string, pipe: Pipe, bytes: Uint8Array): Promise<void> {
    const entry = await this.#book?.verify(bytes);
    if (!entry || this.#pipes.get(name) !== pipe || entry.memberId === this.#start?.memberId) return;
    const isFirst = !this.#isPiped(entry.memberId);
    pipe.peer = entry.memberId;
    this.#step({ type: 'entries', from: entry.memberId, entries: [entry] });
    this.#tellIfLinked(name, pipe);
    this.#links?.resume(entry.memberId);
    if (isFirst) this.#step({ type: 'pipe-up', peer: entry.memberId });
  }

  #onPipeDown(name: string): void {
    const peer = this.#pipes.get(name)?.peer;
    this.#pipes.delete(name);
    if (peer && !this.#isPiped(peer)) this.#step({ type: 'pipe-down', peer });
  }

  #tellIfLinked(pipe: string, { peer }: Pipe): void {
    if (peer && this.#links?.link(peer)) this.host.post({ type: 'pipe-linked', pipe });
  }

  #isPiped(peer: MemberId): boolean {
    return [...this.#pipes.values()].some((pipe) => pipe.peer === peer);
  }

  #onVoice(from: MemberId, packet: Uint8Array, hopLimit: number, isRepeat: boolean): void {
    const isBlocked = (source: Handle) => this.#blockedHandles.has(source);
    (this.#voice as VoiceDesk).receive(from, packet, hopLimit, isRepeat, isBlocked);
    this.#scheduleTick();
    this.#markDirty();
  }

  #onSource(source: Handle): void {
    if (this.#speakers.has(source)) return;
    const member = this.#view.members.find(({ memberId }) => handleOf(memberId) === source);
    if (!member) return;
    this.#speakers.set(source, member.memberId);
    this.host.post({ type: 'speaker', source, memberId: member.memberId });
  }

  #configureVoice(voice: CoreStart['voice']): void {
    const encoder = this.#voice?.encoder;
    encoder?.setMuted(voice.muted);
    encoder?.setVoiceActivation(voice.voiceActivation);
    encoder?.setBitrate(voice.bitrate);
    this.#voice?.setDeafened(voice.deafened);
    if (this.#ownEntry && this.#ownEntry.muted !== voice.muted) this.#publish({ muted: voice.muted });
  }

  /** Signs the changed own entry and tells the engine, which spreads it. */
  #publish(changes: Partial<RosterEntry>): void {
    this.#book
      ?.sign(changes)
      .then((entry) => {
        this.#ownEntry = entry;
        this.#step({ type: 'self', entry });
      })
      .catch((error: unknown) => console.error('p2p-voice-room: own entry not published', error));
  }

  #silenceBlocked(): void {
    this.#blockedHandles.clear();
    for (const { memberId, identity } of this.#view.members) {
      if (!this.#blocked.has(identity)) continue;
      const source = handleOf(memberId);
      this.#blockedHandles.add(source);
      this.#voice?.silence(source);
      this.#dropSpeaker(source);
    }
  }

  #dropSpeaker(source: Handle): void {
    if (this.#speakers.delete(source)) this.host.post({ type: 'speaker-gone', source });
  }

  /** Chains for those who may speak, none for those who left. */
  #syncSpeakers(): void {
    const present = new Set(this.#view.members.map(({ memberId }) => handleOf(memberId)));
    for (const source of [...this.#speakers.keys()]) {
      if (present.has(source)) continue;
      this.#dropSpeaker(source);
      this.#voice?.forget(source);
    }
    for (const { memberId, identity } of this.#view.members) {
      const source = handleOf(memberId);
      if (memberId === this.#start?.memberId) continue;
      if (this.#blocked.has(identity)) {
        if (!this.#blockedHandles.has(source)) this.#silenceBlocked();
      } else if (this.#view.members.length <= EAGER_SPEAKERS) this.#onSource(source);
    }
  }

  #markDirty(): void {
    this.#snapshotTimer ??= setTimeout(() => this.#snapshot(), SNAPSHOT_PERIOD_MS);
  }

  #snapshot(): void {
    this.#snapshotTimer = undefined;
    if (!this.#engine || !this.#links || !this.#voice || !this.#start || this.#leaving) return;
    const before = this.#view;
    this.#view = this.#engine.view(Math.ceil(LOOKUPS_BY_MEMBERS / Math.max(1, before.members.length)));
    this.#watchForSplit(before);
    this.#syncSpeakers();
    const snapshot = buildSnapshot(
      this.#start,
      this.#view,
      this.#links,
      this.#voice,
      this.#book?.malformed ?? 0,
    );
    const isAlone = snapshot.peers.length === 0;
    if (this.#view.links.length > 0 || isAlone) this.#hasLostAll = false;
    else if (this.#wasLinked) this.#hasLostAll = true;
    this.#wasLinked = this.#view.links.length > 0;
    this.host.post({ ...snapshot, reconnecting: this.#hasLostAll });
    this.#updateDoorbell();
    // Levels fall and speech ends without any event: somebody audible keeps the snapshots coming.
    if (snapshot.speaking || snapshot.peers.some(({ speaking }) => speaking)) this.#markDirty();
  }

  /** One member lost alone rings by itself; two or more may be a room of their own that misses us. */
  #watchForSplit(before: OverlayView): void {
    const present = new Set(this.#view.members.map(({ memberId }) => memberId));
    for (const { memberId } of before.members) {
      if (!present.has(memberId) && !this.#book?.hasLeft(memberId)) this.#lostAtMs.push(nowMs());
    }
    const sinceMs = nowMs() - SPLIT_WINDOW_MS;
    while ((this.#lostAtMs[0] ?? Number.POSITIVE_INFINITY) < sinceMs) this.#lostAtMs.shift();
    if (this.#lostAtMs.length < 2) return;
    this.#lostAtMs.length = 0;
    this.host.post({ type: 'ring-soon' });
  }

  #updateDoorbell(): void {
    const selfId = this.#start?.memberId as MemberId;
    const isLinked = this.#view.links.length > 0;
    const isAlone = !isLinked || this.#engine?.isCastaway() === true;
    const mode: DoorbellMode = isAlone ? 'alone' : this.#view.onDuty.includes(selfId) ? 'duty' : 'off';
    if (mode === this.#wantedDoorbellMode) return;
    this.#wantedDoorbellMode = mode;
    clearTimeout(this.#doorbellTimer);
    const delayMs = mode === 'alone' ? 0 : DOORBELL_LINGER_MS;
    const apply = () => {
      if (mode === 'off' && (this.#links?.pending ?? 0) > 0) {
        this.#doorbellTimer = setTimeout(apply, DOORBELL_LINGER_MS);
        return;
      }
      if (mode === this.#doorbellMode) return;
      this.#doorbellMode = mode;
      this.host.post({ type: 'doorbell', mode });
    };
    if (delayMs === 0) apply();
    else this.#doorbellTimer = setTimeout(apply, delayMs);
  }

  #applyLimits(): void {
    const limits = this.#limits as Limits;
    this.#uploadKbps = this.#upload.kbps;
    this.#step({
      type: 'limits',
      limits: { ...limits, uploadKbps: Math.min(limits.uploadKbps, this.#uploadKbps) },
    });
  }

  #measureUpload(): void {
    this.#upload.sample(nowMs(), this.#links?.open() ?? []);
    if (this.#upload.kbps !== this.#uploadKbps) this.#applyLimits();
  }

  /** Tells the engine which links back up: their cost rises and children drift away. */
  #reportQueues(links: Iterable<[MemberId, Link]>): void {
    for (const [peer, link] of links) {
      const { queueMs } = link;
      if (Math.abs(queueMs - (this.#queueMs.get(peer) ?? 0)) < QUEUE_STEP_MS) continue;
      this.#queueMs.set(peer, queueMs);
      this.#step({ type: 'queue', peer, queueMs });
    }
  }

  async #leave(): Promise<void> {
    if (this.#leaving) return;
    this.#leaving = true;
    this.#step({ type: 'leave' });
    await this.#book?.sign({ left: true }).then((entry) => this.#step({ type: 'self', entry }));
    const endMs = nowMs() + GOODBYE_PATIENCE_MS;
    const isBusy = () => [...(this.#links?.open() ?? [])].some(([, link]) => link.controlBufferedBytes > 0);
    do await new Promise((resolve) => setTimeout(resolve, 20));
    while (nowMs() < endMs && isBusy());
    clearTimeout(this.#tickTimer);
    clearTimeout(this.#snapshotTimer);
    clearTimeout(this.#doorbellTimer);
    this.#links?.dropAll();
    this.#voice?.close();
    this.host.post({ type: 'left' });
  }
}

function nowMs(): number {
  return performance.now();
}
