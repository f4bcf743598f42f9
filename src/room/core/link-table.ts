/**
 * The core's links and the attempts to open them. Who may link is the engine's decision; here is how: the member
 * with the lower id makes the offer, the other one asks for it, so that two who want each other never cross.
 *
 * Signals may be lost with the pipe or the neighbour they took. So each end repeats what it said, at growing intervals,
 * until the far end's next step shows that it came; the number of the attempt tells a repeat from a fresh start. The
 * connection stays the same: making another one costs a slow page most of a second.
 *
 * A link is made only with the DTLS certificate that the far end's signed entry names: the description given to the
 * browser is built around that fingerprint.
 *
 * Bound: one attempt or link per member the engine asked for or admitted; each attempt ends by itself after
 * `linkSignalTimeoutMs` without the far end's description since the last way to it opened, or `linkAttemptTimeoutMs` after
 * it. An attempt remembers `MAX_SAID` signals and says them again at most `MAX_REPEATS` times a step by itself, at most
 * twice in `linkRepeatMs` when asked, and once for each way that opens.
 *
 * One file of 400 lines: every step of an attempt ends in the same table, and whom to link to is decided elsewhere.
 */

import type { MemberId } from '../../units.js';
import { Link } from '../../network/link.js';
import type { NetworkConfig } from '../../network/config.js';
import {
  decodeLinkSignal,
  encodeLinkSignal,
  type LinkSignal,
  type LinkSignalKind,
} from '../../wire/link-signal.js';
import type { RosterEntry } from '../../wire/roster-entry.js';
import { expandDescription, summarizeDescription } from '../../wire/session-description.js';
import type { FromCore, LinkKey, ToCore } from '../protocol.js';

export interface LinkTableHost {
  readonly selfId: MemberId;
  readonly config: NetworkConfig;
  nowMs(): number;
  post(message: FromCore): void;
  /** Sends signalling to a member, however far. */
  signal(to: MemberId, payload: Uint8Array): void;
  ownEntry(): Uint8Array;
  /** Whether a member surely has this member's entry, and this one theirs. */
  isAcquainted(peer: MemberId): boolean;
  /** What was verified of a member before. */
  entryOf(peer: MemberId): RosterEntry | undefined;
  verify(bytes: Uint8Array): Promise<RosterEntry | undefined>;
  admits(peer: MemberId): boolean;
  onEntry(entry: RosterEntry): void;
  onLinkUp(peer: MemberId): void;
  onLinkDown(peer: MemberId, cause: 'closed' | 'failed' | 'refused'): void;
  onControl(peer: MemberId, bytes: Uint8Array, reliable: boolean): void;
  onVoice(peer: MemberId, packet: Uint8Array, hopLimit: number, isRepeat: boolean): void;
}

interface Attempt {
  readonly peer: MemberId;
  readonly linkKey: LinkKey;
  /** Drawn by whoever started; both ends quote it. */
  attempt: number;
  /** `asked`: waiting for the far end's offer; `offered`: for its answer. */
  state: 'asked' | 'offered' | 'connecting' | 'open';
  /** When the far end's last step was seen. */
  steppedAtMs: number;
  /** The number under which the far end asked for it while it was offered: that request may still come again. */
  askedAs: number | undefined;
  link: Link | undefined;
  timer: ReturnType<typeof setTimeout> | undefined;
  /** What this end said, oldest first. */
  readonly said: { readonly kind: LinkSignalKind; readonly text: string }[];
  saidAtMs: number;
  repeatTimer: ReturnType<typeof setTimeout> | undefined;
}

/** A description and as many candidates as an end keeps early. */
const MAX_SAID = 65;

const MAX_REPEATS = 3;

/** ms a connection outlives a deliberate goodbye, so that it is delivered: one retransmission on a slow path. */
const GOODBYE_MS = 300;

/** Members whose signals may be in the middle of being checked at once. */
const MAX_SIGNALLING_PEERS = 256;

/** What a closed link had counted: the room's totals keep it. */
export interface LinkCounters {
  bytesSent: number;
  bytesReceived: number;
  malformed: number;
}

export class LinkTable {
  readonly #byPeer = new Map<MemberId, Attempt>();
  readonly #byKey = new Map<LinkKey, Attempt>();
  readonly closedCounters: LinkCounters = { bytesSent: 0, bytesReceived: 0, malformed: 0 };
  /** Signals that were malformed or did not fit their sender's entry. */
  refusedSignals = 0;
  /** The last signal of each member that is still being handled. */
  readonly #signalling = new Map<MemberId, Promise<void>>();
  #nextKey: LinkKey = 1;

  constructor(private readonly host: LinkTableHost) {}

  /** The open link to a member. */
  link(peer: MemberId): Link | undefined {
    const link = this.#byPeer.get(peer)?.link;
    return link?.isOpen ? link : undefined;
  }

  *open(): IterableIterator<[MemberId, Link]> {
    for (const [peer, { link }] of this.#byPeer) if (link?.isOpen) yield [peer, link];
  }

  /** Attempts that are not open yet. */
  get pending(): number {
    let count = 0;
    for (const attempt of this.#byPeer.values()) if (attempt.state !== 'open') count += 1;
    return count;
  }

  /** The engine wants a link. */
  want(peer: MemberId): void {
    if (this.#byPeer.has(peer)) return;
    const attempt = this.#add(peer, (Math.random() * 2 ** 32) >>> 0);
    if (this.host.selfId < peer) this.#connect(attempt, null);
    else this.#say(attempt, 'request', '');
  }

  /** A new way to a member opened: what was said over an old one may be lost. */
  resume(peer: MemberId): void {
    const attempt = this.#byPeer.get(peer);
    if (attempt?.state !== 'asked' && attempt?.state !== 'offered') return;
    // Until now perhaps nothing could arrive: its time begins again.
    this.#failAfter(attempt, this.host.config.linkSignalTimeoutMs);
    this.#sayAgain(attempt);
  }

  /** The engine drops a link. Its goodbye is still in the channel: the connection outlives it a moment. */
  drop(peer: MemberId): void {
    const attempt = this.#byPeer.get(peer);
    if (attempt) this.#remove(attempt, GOODBYE_MS);
  }

  /** The room is left: nothing is waited for. */
  dropAll(): void {
    for (const attempt of [...this.#byPeer.values()]) this.#remove(attempt, 0);
  }

  /** Both channels of an attempt, straight from the page. */
  onChannels({ linkKey, control, voice }: Extract<ToCore, { type: 'channels' }>): void {
    const attempt = this.#byKey.get(linkKey);
    if (!attempt) {
      control.close();
      voice.close();
      return;
    }
    const { peer } = attempt;
    attempt.link = new Link(
      control,
      voice,
      {
        onOpen: () => {
          clearTimeout(attempt.timer);
          this.#step(attempt, 'open');
          this.host.onLinkUp(peer);
        },
        onControl: (bytes, reliable) => this.host.onControl(peer, bytes, reliable),
        onVoice: (packet, hopLimit, isRepeat) => this.host.onVoice(peer, packet, hopLimit, isRepeat),
        onClosed: () => this.#fail(attempt, 'closed'),
      },
      this.host.config,
      () => this.host.nowMs(),
    );
  }

  onLocalSignal({ linkKey, kind, text }: Extract<ToCore, { type: 'local-signal' }>): void {
    const attempt = this.#byKey.get(linkKey);
    if (!attempt) return;
    const short = kind === 'candidate' ? text : summarizeDescription(text);
    if (short !== undefined) this.#say(attempt, kind, short);
    else this.#fail(attempt, 'failed'); // The connection closed while it was being described.
  }

  onFailed(linkKey: LinkKey): void {
    const attempt = this.#byKey.get(linkKey);
    if (attempt) this.#fail(attempt, attempt.state === 'open' ? 'closed' : 'failed');
  }

  /** Signalling that arrived for this member, from a member it was routed from. */
  onSignal(from: MemberId, payload: Uint8Array): void {
    const signal = decodeLinkSignal(payload);
    if (!signal) {
      this.refusedSignals += 1;
      return;
    }
    // In order: a candidate must not overtake the offer whose signature is still being checked.
    const before = this.#signalling.get(from);
    if (!before && this.#signalling.size >= MAX_SIGNALLING_PEERS) {
      this.refusedSignals += 1;
      return;
    }
    const handled = (before ?? Promise.resolve())
      .then(() => this.#handleSignal(from, signal))
      .catch((error: unknown) => console.error('p2p-voice-room: signal not handled', error))
      .finally(() => {
        if (this.#signalling.get(from) === handled) this.#signalling.delete(from);
      });
    this.#signalling.set(from, handled);
  }

  /** Resolves when every signal of this member so far was handled. */
  async settled(from: MemberId): Promise<void> {
    await this.#signalling.get(from);
  }

  async #handleSignal(from: MemberId, signal: LinkSignal): Promise<void> {
    const attempt = this.#byPeer.get(from);
    if (signal.kind === 'candidate' || signal.kind === 'refuse') {
      if (attempt?.attempt !== signal.attempt) return;
      if (signal.kind === 'refuse') this.#fail(attempt, 'refused');
      else
        this.host.post({
          type: 'remote-signal',
          linkKey: attempt.linkKey,
          kind: 'candidate',
          text: signal.text,
        });
      return;
    }
    const isBare = signal.entry.byteLength === 0;
    const entry = isBare ? this.host.entryOf(from) : await this.host.verify(signal.entry);
    // Said again, it comes with the entry.
    if (isBare && !entry) return;
    const isTheirs = entry?.memberId === from;
    const isRequest = signal.kind === 'request';
    const description =
      isTheirs && !isRequest ? expandDescription(signal.text, entry.fingerprint) : undefined;
    if (!isTheirs || (!isRequest && description === undefined)) {
      this.refusedSignals += 1;
      return;
    }
    if (!isBare) this.host.onEntry(entry);
    if (description === undefined) this.#onRequest(from, signal.attempt);
    else if (signal.kind === 'offer') this.#onOffer(from, signal.attempt, description);
    else if (signal.kind === 'answer') this.#onAnswer(from, signal.attempt, description);
  }

  #onRequest(from: MemberId, number: number): void {
    if (from < this.host.selfId) return; // They offer themselves.
    const existing = this.#byPeer.get(from);
    if (existing?.state === 'offered') {
      // Our offer is on its way, or it was lost with the pipe it took.
      existing.askedAs = number;
      this.#repeat(existing);
      return;
    }
    if (existing) {
      const isLate = number === existing.attempt || number === existing.askedAs;
      const isCrossing = this.host.nowMs() - existing.steppedAtMs < this.host.config.linkCrossingMs;
      if (isLate || isCrossing) return; // Who means it says it again.
      this.#fail(existing, 'closed'); // They lost a link that looks well from here.
    }
    if (this.#byPeer.has(from)) return; // The engine, told so, wants them back: an offer is on its way.
    if (!this.host.admits(from)) {
      this.#refuse(from, number);
      return;
    }
    this.#connect(this.#add(from, number), null);
  }

  #onOffer(from: MemberId, number: number, description: string): void {
    if (from > this.host.selfId) return; // Only the lower id offers.
    const existing = this.#byPeer.get(from);
    if (existing?.attempt === number && existing.state !== 'asked') {
      // They miss our answer. One that is not made yet comes by itself.
      if (existing.state === 'connecting') this.#repeat(existing);
      return;
    }
    // They started over: their end of the old one is gone. The engine, told so, may ask for them at once.
    if (existing && existing.state !== 'asked') this.#fail(existing, 'closed');
    const asked = this.#byPeer.get(from);
    if (asked) {
      asked.attempt = number;
      this.#connect(asked, description);
      return;
    }
    if (!this.host.admits(from)) {
      this.#refuse(from, number);
      return;
    }
    this.#connect(this.#add(from, number), description);
  }

  #onAnswer(from: MemberId, number: number, description: string): void {
    const attempt = this.#byPeer.get(from);
    if (attempt?.attempt !== number || attempt.state !== 'offered') return;
    this.#step(attempt, 'connecting');
    this.#failAfter(attempt, this.host.config.linkAttemptTimeoutMs);
    this.#repeatLater(attempt);
    this.host.post({ type: 'remote-signal', linkKey: attempt.linkKey, kind: 'answer', text: description });
  }

  #add(peer: MemberId, number: number): Attempt {
    const attempt: Attempt = {
      peer,
      linkKey: this.#nextKey++,
      attempt: number,
      state: 'asked',
      steppedAtMs: this.host.nowMs(),
      askedAs: undefined,
      link: undefined,
      timer: undefined,
      said: [],
      saidAtMs: 0,
      repeatTimer: undefined,
    };
    this.#failAfter(attempt, this.host.config.linkSignalTimeoutMs);
    this.#byPeer.set(peer, attempt);
    this.#byKey.set(attempt.linkKey, attempt);
    return attempt;
  }

  /** Answers an offer, or makes one. */
  #connect(attempt: Attempt, offer: string | null): void {
    this.#step(attempt, offer === null ? 'offered' : 'connecting');
    attempt.said.length = 0; // A request that was answered.
    if (offer !== null) this.#failAfter(attempt, this.host.config.linkAttemptTimeoutMs);
    this.host.post({ type: 'open-link', linkKey: attempt.linkKey, offer });
  }

  #step(attempt: Attempt, state: Attempt['state']): void {
    attempt.state = state;
    attempt.steppedAtMs = this.host.nowMs();
    clearTimeout(attempt.repeatTimer);
  }

  #failAfter(attempt: Attempt, delayMs: number): void {
    clearTimeout(attempt.timer);
    attempt.timer = setTimeout(() => this.#fail(attempt, 'failed'), delayMs);
  }

  #say(attempt: Attempt, kind: LinkSignalKind, text: string): void {
    if (attempt.said.length < MAX_SAID) attempt.said.push({ kind, text });
    if (attempt.said.length === 1) {
      attempt.saidAtMs = this.host.nowMs();
      this.#repeatLater(attempt);
    }
    this.#send(attempt, kind, text);
  }

  /** Repeats what was said unless the far end's next step, or the end of the attempt, comes first. */
  #repeatLater(attempt: Attempt, repeats = 0): void {
    clearTimeout(attempt.repeatTimer);
    if (repeats === MAX_REPEATS || attempt.state === 'open') return;
    const pauseMs = this.host.config.linkRepeatMs * 2 ** repeats * (0.75 + Math.random() / 2);
    attempt.repeatTimer = setTimeout(() => {
      this.#repeat(attempt);
      this.#repeatLater(attempt, repeats + 1);
    }, pauseMs);
  }

  /** The far end shows, or it is to be feared, that something was lost; not what was said a moment ago. */
  #repeat(attempt: Attempt): void {
    if (this.host.nowMs() - attempt.saidAtMs >= this.host.config.linkRepeatMs / 2) this.#sayAgain(attempt);
  }

  #sayAgain(attempt: Attempt): void {
    attempt.saidAtMs = this.host.nowMs();
    for (const { kind, text } of attempt.said) {
      // An offer that was answered has come.
      if (kind !== 'offer' || attempt.state === 'offered') this.#send(attempt, kind, text, true);
    }
  }

  #send(attempt: Attempt, kind: LinkSignalKind, text: string, isRepeat = false): void {
    // Most of an offer; who turns out not to have it gets it with the repeat.
    const isBare =
      kind === 'candidate' || kind === 'refuse' || (!isRepeat && this.host.isAcquainted(attempt.peer));
    const entry = isBare ? new Uint8Array(0) : this.host.ownEntry();
    try {
      this.host.signal(attempt.peer, encodeLinkSignal({ kind, attempt: attempt.attempt, entry, text }));
    } catch (error) {
      // A description longer than any honest one: no member could accept it.
      console.error('p2p-voice-room: unsendable signal', error);
      this.#fail(attempt, 'failed');
    }
  }

  #refuse(peer: MemberId, attempt: number): void {
    this.host.signal(peer, encodeLinkSignal({ kind: 'refuse', attempt, entry: new Uint8Array(0), text: '' }));
  }

  #fail(attempt: Attempt, cause: 'closed' | 'failed' | 'refused'): void {
    if (this.#byKey.get(attempt.linkKey) !== attempt) return;
    this.#remove(attempt, 0);
    this.host.onLinkDown(attempt.peer, cause);
  }

  #remove(attempt: Attempt, lingerMs: number): void {
    clearTimeout(attempt.timer);
    clearTimeout(attempt.repeatTimer);
    if (attempt.link) {
      this.closedCounters.bytesSent += attempt.link.bytesSent;
      this.closedCounters.bytesReceived += attempt.link.bytesReceived;
      this.closedCounters.malformed += attempt.link.malformed;
      attempt.link.close();
    }
    this.#byKey.delete(attempt.linkKey);
    if (this.#byPeer.get(attempt.peer) === attempt) this.#byPeer.delete(attempt.peer);
    const close = () => this.host.post({ type: 'close-link', linkKey: attempt.linkKey });
    if (lingerMs > 0) setTimeout(close, lingerMs);
    else close();
  }
}
