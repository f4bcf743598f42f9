/**
 * One stay in a room: everything that joining makes and leaving takes down again. `VoiceRoom` opens one per join and
 * sees of it only its handlers; nothing of a session outlives `close`. Above 400 lines because it is the one place
 * that joins core, network and sound; each of them is a module of its own.
 */

import { MicrophoneKeeper } from '../audio/microphone-keeper.js';
import { CaptureSource, createAudioContext } from '../audio/microphone.js';
import { Mixer } from '../audio/mixer.js';
import { SoundKeeper } from '../audio/sound-keeper.js';
import { SoundOutput } from '../audio/sound-output.js';
import { makeSuppressor } from '../audio/strong-suppression.js';
import type { SpeakerDesk } from '../audio/voice-strip.js';
import { readableOf } from '../audio/track-capture.js';
import { VoiceRoomError, type VoiceRoomErrorReason } from '../errors.js';
import { NETWORK_DEFAULTS } from '../network/config.js';
import { Doorbell, type DoorbellModule, type Reachability } from '../network/doorbell.js';
import { LinkMaker } from '../network/link-maker.js';
import { SAMPLE_RATE_HZ, toHex, type Handle, type Identity, type MemberId } from '../units.js';
import { codecUrl, doorbellUrl, suppressorUrls, workletUrl } from './assets.js';
import { startCore, type CoreConnection } from './core-connection.js';
import { loadPersonalKey, type PersonalKey } from './identity.js';
import { DEFAULT_ICE_SERVERS, limitsOf, networksOf, voiceOf } from './options.js';
import type { CoreSnapshot, FromCore, ToCore } from './protocol.js';
import type { VoiceRoomOptions } from './types.js';

export interface SessionHandlers {
  onSnapshot(snapshot: CoreSnapshot): void;
  onError(error: VoiceRoomError): void;
  onReachability(reachability: Reachability): void;
  onWrongPassword(): void;
  /** Sound started or was stopped by the browser. */
  onSoundChange(): void;
  /** How this person wants to hear that member. */
  deskOf(memberId: MemberId): SpeakerDesk;
  /** Trouble for one of these reasons is over. */
  onMended(...reasons: VoiceRoomErrorReason[]): void;
}

/** ms to wait for the core's goodbyes before everything is closed anyway. */
const LEAVE_PATIENCE_MS = 800;

export class Session {
  readonly selfId = toHex(crypto.getRandomValues(new Uint8Array(16))) as MemberId;
  /** True when the microphone is not there or not wanted. */
  listening = true;

  readonly #context: AudioContext;
  /** For the whole stay: capture and encoder must agree. */
  readonly #frameMs: 10 | 20;
  readonly #sound: SoundKeeper;
  readonly #output: SoundOutput;
  readonly #microphone = new MicrophoneKeeper({
    onStream: (stream) => this.#connectCapture(stream),
    onTrouble: (error) => this.handlers.onError(error),
    onMended: () => this.handlers.onMended('microphone-missing', 'microphone-denied', 'microphone-changed'),
  });
  #mixer: Mixer | undefined;
  #core: CoreConnection | undefined;
  #linkMaker: LinkMaker | undefined;
  #doorbell: Doorbell | undefined;
  #capture: CaptureSource | undefined;
  #key: PersonalKey | undefined;
  /** What was said before there was a core to hear it. */
  readonly #early: [ToCore, Transferable[] | undefined][] = [];
  /** Voices whose chain the core asked for, perhaps before there was a mixer. */
  readonly #speakers = new Map<Handle, MemberId>();
  readonly #worklets: Promise<void>;
  #isCoreStarted = false;
  #closed = false;
  #onReady: (() => void) | undefined;
  #onFailed: ((error: VoiceRoomError) => void) | undefined;
  #onLeft: (() => void) | undefined;

  /** Call inside the person's gesture: the audio context must be made there. */
  constructor(
    private options: VoiceRoomOptions,
    private readonly appId: string,
    private readonly name: string,
    private readonly blocked: readonly Identity[],
    private readonly handlers: SessionHandlers,
  ) {
    // Meeting takes longest and begins with this file. When it does not load, the doorbell's own attempt says so.
    import(/* @vite-ignore */ doorbellUrl).catch(() => undefined);
    this.#frameMs = voiceOf(options).frameMs;
    this.#context = createAudioContext();
    this.#sound = new SoundKeeper(this.#context, () => this.handlers.onSoundChange());
    this.#output = new SoundOutput(this.#context, (node) => this.#mixer?.setOutput(node));
    this.#worklets = this.#loadWorklets();
    // Reported by `open`, which waits for it after other things that may fail first.
    this.#worklets.catch((error: unknown) => console.debug('p2p-voice-room: worklets', error));
  }

  get identity(): Identity | undefined {
    return this.#key?.identity;
  }

  /** False when preferences and key only last for the visit. */
  get isKeyStored(): boolean {
    return this.#key?.stored ?? true;
  }

  get soundBlocked(): boolean {
    return !this.#closed && this.#sound.isSilenced;
  }

  /** Something else, such as a call, has the sound and gives it back by itself. */
  get soundInterrupted(): boolean {
    return !this.#closed && this.#sound.isInterrupted;
  }

  /** Makes everything and starts looking for others. @throws VoiceRoomError when nothing can be done. */
  async open(): Promise<void> {
    void this.resumeSound();
    const certificate = RTCPeerConnection.generateCertificate({
      name: 'ECDSA',
      namedCurve: 'P-256',
    } as EcKeyGenParams);
    const [key, fingerprint] = await Promise.all([
      loadPersonalKey().catch((error: unknown) => {
        throw new VoiceRoomError(
          'unsupported-browser',
          'This browser lacks Ed25519 keys. Use Chrome 137, Firefox 129, Safari 17 or newer.',
          false,
          { cause: error },
        );
      }),
      certificate.then((made) => this.#makeNetwork(made)),
      this.#openCore(),
    ]);
    this.#assertOpen();
    this.#key = key;
    await Promise.all([this.#startCoreWith(key, fingerprint), this.#openSound()]);
    this.#assertOpen();
  }

  /** Says goodbye and closes everything. Resolves when nothing is left. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#onFailed?.(new VoiceRoomError('wrong-state', 'The room was left while it was being joined.'));
    if (this.#core && this.#isCoreStarted) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const left = new Promise<void>((resolve) => {
        this.#onLeft = resolve;
        timer = setTimeout(resolve, LEAVE_PATIENCE_MS);
      });
      this.#post({ type: 'leave' });
      await left;
      clearTimeout(timer);
    }
    await this.#release();
  }

  /** The page is going away: closes connections at once, which the neighbours notice in a few milliseconds. */
  closeNow(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#linkMaker?.closeAll();
    void this.#release();
  }

  async resumeSound(): Promise<void> {
    await this.#sound.resume();
  }

  block(identity: Identity): void {
    this.#post({ type: 'block', identity });
  }

  unblock(identity: Identity): void {
    this.#post({ type: 'unblock', identity });
  }

  rename(name: string): void {
    this.#post({ type: 'name', name });
  }

  setHidden(hidden: boolean): void {
    this.#post({ type: 'hidden', hidden });
  }

  /** Takes effect once they speak: a member who never does costs nothing. */
  setDesk(source: Handle, desk: SpeakerDesk): void {
    if (this.#speakers.has(source)) this.#mixer?.setSpeaker(source, desk);
  }

  /** Takes over what can change while joined. */
  async configure(options: VoiceRoomOptions): Promise<void> {
    const before = this.options;
    this.options = options;
    this.#post({ type: 'limits', limits: limitsOf(options) });
    this.#post({ type: 'voice', voice: voiceOf(options) });
    this.#applyMaster();
    if ((before.outputDevice ?? '') !== (options.outputDevice ?? '')) await this.#chooseOutput();
    const sourceChanged =
      (before.microphone ?? null) !== (options.microphone ?? null) ||
      (before.listenOnly ?? false) !== (options.listenOnly ?? false) ||
      before.echoCancellation !== options.echoCancellation ||
      before.noiseSuppression !== options.noiseSuppression ||
      before.autoGainControl !== options.autoGainControl ||
      (before.inputDevice ?? '') !== (options.inputDevice ?? '');
    if (sourceChanged) await this.#openMicrophone();
  }

  #assertOpen(): void {
    if (this.#closed) throw new VoiceRoomError('wrong-state', 'The room was left while it was being joined.');
  }

  /** Worklets, mixer and microphone. @throws VoiceRoomError when a file did not load */
  async #openSound(): Promise<void> {
    await this.#worklets;
    this.#assertOpen();
    const playout = new MessageChannel();
    this.#mixer = new Mixer(this.#context, playout.port1, {
      onCodecFailed: (message) => this.#onFatal(codecRefused(message)),
    });
    this.#applyMaster();
    this.#post({ type: 'playout-port', port: playout.port2 }, [playout.port2]);
    for (const [source, memberId] of this.#speakers) {
      this.#mixer.setSpeaker(source, this.handlers.deskOf(memberId));
    }
    await Promise.all([this.#openMicrophone(), this.#chooseOutput()]);
    navigator.mediaDevices?.addEventListener?.('devicechange', this.#onDevices);
  }

  #applyMaster(): void {
    const { volume, levelling, deafened } = this.options;
    this.#mixer?.setVolume(volume ?? 1);
    this.#mixer?.setLevelling(levelling ?? false);
    this.#mixer?.setDeafened(deafened ?? false);
  }

  /** Plays on the chosen device; on the default one, and says so, while that is not there. */
  async #chooseOutput(): Promise<void> {
    const deviceId = this.options.outputDevice ?? '';
    try {
      await this.#output.setDevice(deviceId);
      this.handlers.onMended('output-changed');
    } catch (error) {
      console.debug('p2p-voice-room: output device', error);
      await this.#output.setDevice('').catch(() => undefined); // It plays there already.
      this.handlers.onError(
        new VoiceRoomError(
          'output-changed',
          'The chosen loudspeaker is not there. The default one plays; choose another in the settings.',
        ),
      );
    }
  }

  /** The chosen loudspeaker may have gone or come back. */
  readonly #onDevices = (): void => {
    const wanted = this.options.outputDevice ?? '';
    if (wanted === '') return;
    void navigator.mediaDevices.enumerateDevices().then(async (devices) => {
      const isThere = devices.some(({ kind, deviceId }) => kind === 'audiooutput' && deviceId === wanted);
      if (isThere === (this.#output.deviceId === wanted) || this.#closed) return;
      if (!isThere) await this.#output.setDevice('');
      await this.#chooseOutput();
    });
  };

  async #loadWorklets(): Promise<void> {
    try {
      await this.#context.audioWorklet.addModule(codecUrl);
      await this.#context.audioWorklet.addModule(workletUrl);
    } catch (error) {
      throw loadFailed('The sound module did not load.', error);
    }
  }

  async #openCore(): Promise<void> {
    try {
      this.#core = await startCore(
        (message) => this.#onCoreMessage(message),
        (message) => this.#onFatal(loadFailed('The room’s worker did not load.', message)),
      );
      this.#core.post({ type: 'preload', codecUrl });
      for (const [message, transfer] of this.#early.splice(0)) this.#core.post(message, transfer);
    } catch (error) {
      throw loadFailed('The room’s worker did not load.', error);
    }
  }

  /**
   * Rings at once: that takes longest and goes on while keys, worker and sound are made; what it brings waits for the
   * core. One certificate serves every connection: making one each would cost a ring forty key pairs.
   * @returns the certificate's fingerprint
   */
  #makeNetwork(certificate: RTCCertificate): string {
    this.#assertOpen();
    const rtcConfiguration: RTCConfiguration = {
      iceServers: [...(this.options.iceServers ?? DEFAULT_ICE_SERVERS)],
      iceTransportPolicy: this.options.iceTransportPolicy ?? 'all',
      certificates: [certificate],
    };
    this.#linkMaker = new LinkMaker(
      rtcConfiguration,
      {
        onChannels: (linkKey, control, voice) =>
          this.#post({ type: 'channels', linkKey, control, voice }, [
            control as unknown as Transferable,
            voice as unknown as Transferable,
          ]),
        onSignal: (linkKey, kind, text) => this.#post({ type: 'local-signal', linkKey, kind, text }),
        onFailed: (linkKey) => this.#post({ type: 'link-failed', linkKey }),
      },
      NETWORK_DEFAULTS,
    );
    this.#doorbell = this.#makeDoorbell(rtcConfiguration);
    this.#doorbell.setMode('alone');
    return fingerprintOf(certificate);
  }

  #makeDoorbell(rtcConfiguration: RTCConfiguration): Doorbell {
    const { options } = this;
    return new Doorbell(
      {
        load: makeDoorbellModule,
        networks: networksOf(options),
        appId: `p2p-voice-room/1/${this.appId}`,
        room: options.room,
        password: options.password || undefined,
        urls: { torrent: nonEmpty(options.trackers), nostr: nonEmpty(options.nostrRelays) },
        rtcConfiguration,
        config: NETWORK_DEFAULTS,
      },
      {
        onPipeUp: (pipe) => this.#post({ type: 'pipe-up', pipe }),
        onPipeDown: (pipe) => this.#post({ type: 'pipe-down', pipe }),
        onPipeMessage: (pipe, bytes) => this.#post({ type: 'pipe-message', pipe, bytes }),
        onWrongPassword: () => this.handlers.onWrongPassword(),
        onReachability: (reachability) => this.handlers.onReachability(reachability),
        onLoadFailed: (error) => this.#onFatal(loadFailed('The part that finds others did not load.', error)),
      },
    );
  }

  async #startCoreWith(key: PersonalKey, fingerprint: string): Promise<void> {
    const { options } = this;
    const ready = new Promise<void>((resolve, reject) => {
      this.#onReady = resolve;
      this.#onFailed = reject;
    });
    this.#post({
      type: 'start',
      memberId: this.selfId,
      publicKey: key.publicKey,
      identity: key.identity,
      privateKey: key.privateKey,
      fingerprint,
      joinedAtMs: Date.now(),
      name: this.name,
      limits: limitsOf(options),
      blocked: this.blocked,
      voice: { ...voiceOf(options), frameMs: this.#frameMs },
    });
    this.#isCoreStarted = true;
    try {
      await ready;
    } finally {
      this.#onReady = undefined;
      this.#onFailed = undefined;
    }
  }

  /** Opens the microphone, the page's stream or nothing, whichever the options ask for. Never throws: one can listen. */
  async #openMicrophone(): Promise<void> {
    const { options } = this;
    const wanted = options.microphone ?? null;
    if (!wanted && !options.listenOnly) {
      await this.#microphone.open({
        echoCancellation: options.echoCancellation ?? true,
        noiseSuppression: (options.noiseSuppression ?? true) !== false,
        autoGainControl: options.autoGainControl ?? true,
        deviceId: options.inputDevice ?? '',
      });
      return;
    }
    this.#microphone.close();
    try {
      await this.#connectCapture(wanted);
    } catch (error) {
      await this.#connectCapture(null);
      this.handlers.onError(
        error instanceof VoiceRoomError
          ? error
          : new VoiceRoomError('microphone-missing', 'The stream cannot be sent. You can listen.', true, {
              cause: error,
            }),
      );
    }
  }

  /** Captures this stream from now on; null = nothing. @throws VoiceRoomError when it cannot be captured */
  async #connectCapture(stream: MediaStream | null): Promise<void> {
    if (this.#closed) return;
    this.listening = stream === null;
    // The suppressor is a node: what it filters goes the way through the audio context.
    const readable = stream && !this.#wantsSuppressor ? readableOf(stream) : undefined;
    this.#post({ type: 'capture-track', readable: readable ?? null }, readable ? [readable] : []);
    if (readable) {
      await this.#capture?.setStream(null);
      this.handlers.onSoundChange();
      return;
    }
    if (!this.#capture && stream) {
      const ports = new MessageChannel();
      const frameSamples = (this.#frameMs * SAMPLE_RATE_HZ) / 1000;
      this.#capture = new CaptureSource(this.#context, ports.port1, {
        workletUrl,
        frameSamples,
        makeFilter: (context) => this.#makeSuppressor(context),
      });
      this.#post({ type: 'capture-port', port: ports.port2 }, [ports.port2]);
    }
    await this.#capture?.setStream(stream);
    this.handlers.onSoundChange();
  }

  /** Only for the device: a stream of the page's own may be music. */
  get #wantsSuppressor(): boolean {
    return this.options.noiseSuppression === 'strong' && !this.options.microphone;
  }

  async #makeSuppressor(context: AudioContext): Promise<AudioWorkletNode | undefined> {
    if (!this.#wantsSuppressor) return undefined;
    try {
      return await makeSuppressor(context, suppressorUrls);
    } catch (error) {
      this.handlers.onError(
        new VoiceRoomError(
          'load-failed',
          'Stronger noise suppression did not start; the browser’s own is in use.',
          true,
          { cause: error },
        ),
      );
      return undefined;
    }
  }

  /** Ends joining, or is shown when it happens later. */
  #onFatal(error: VoiceRoomError): void {
    if (this.#onFailed) this.#onFailed(error);
    else this.handlers.onError(error);
  }

  #onCoreMessage(message: FromCore): void {
    switch (message.type) {
      case 'ready':
        this.#onReady?.();
        break;
      case 'failed':
        this.#onFailed?.(new VoiceRoomError(message.reason, message.message, false));
        break;
      case 'open-link':
        this.#linkMaker?.open(message.linkKey, message.offer);
        break;
      case 'remote-signal':
        this.#linkMaker?.signal(message.linkKey, message.kind, message.text);
        break;
      case 'close-link':
        this.#linkMaker?.close(message.linkKey);
        break;
      case 'pipe-send':
        this.#doorbell?.send(message.pipe, message.bytes);
        break;
      case 'pipe-linked':
        this.#doorbell?.noteLinked(message.pipe);
        break;
      case 'doorbell':
        this.#doorbell?.setMode(message.mode);
        break;
      case 'ring-soon':
        this.#doorbell?.ringSoon();
        break;
      case 'speaker':
        this.#speakers.set(message.source, message.memberId);
        this.#mixer?.setSpeaker(message.source, this.handlers.deskOf(message.memberId));
        break;
      case 'speaker-gone':
        this.#speakers.delete(message.source);
        this.#mixer?.removeSpeaker(message.source);
        break;
      case 'snapshot':
        if (!this.#closed) this.handlers.onSnapshot(message);
        break;
      case 'left':
        this.#onLeft?.();
        break;
    }
  }

  /** Before the core has started only the doorbell and the sound speak to it: it takes them in once it has. */
  #post(message: ToCore, transfer?: Transferable[]): void {
    if (this.#core) this.#core.post(message, transfer);
    else if (!this.#closed) this.#early.push([message, transfer]);
  }

  async #release(): Promise<void> {
    navigator.mediaDevices?.removeEventListener?.('devicechange', this.#onDevices);
    this.#microphone.close();
    this.#capture?.close();
    this.#mixer?.close();
    this.#output.close();
    this.#sound.close();
    this.#linkMaker?.closeAll();
    this.#core?.close();
    this.#core = undefined;
    await Promise.all([
      this.#context.state === 'closed' ? undefined : this.#context.close(),
      this.#doorbell?.close(),
    ]);
  }
}

/** The file is loaded once; each call of what it exports makes another Trystero, which is collected once it is left. */
async function makeDoorbellModule(): Promise<DoorbellModule> {
  const file = (await import(/* @vite-ignore */ doorbellUrl)) as { default: () => DoorbellModule };
  return file.default();
}

function loadFailed(what: string, cause: unknown): VoiceRoomError {
  return new VoiceRoomError('load-failed', `${what} Check the connection and reload the page.`, false, {
    cause,
  });
}

function codecRefused(message: string): VoiceRoomError {
  return new VoiceRoomError(
    'codec-refused',
    `The voice codec could not start (${message}). The page must allow WebAssembly ('wasm-unsafe-eval').`,
    false,
  );
}

/** SHA-256, lower-case hex without colons. */
function fingerprintOf(certificate: RTCCertificate): string {
  const fingerprint = certificate.getFingerprints().find(({ algorithm }) => algorithm === 'sha-256');
  return fingerprint?.value?.replaceAll(':', '').toLowerCase() ?? '';
}

function nonEmpty(urls: readonly string[] | undefined): readonly string[] | undefined {
  return urls && urls.length > 0 ? urls : undefined;
}
