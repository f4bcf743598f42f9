/** From a microphone, or any stream, to captured frames. Main thread. */

import { VoiceRoomError } from '../errors.js';
import { SAMPLE_RATE_HZ } from '../units.js';
import { CAPTURE_PROCESSOR, type CaptureNodeOptions, type FromNode, type ToNode } from './messages.js';
import { endSuppressor } from './strong-suppression.js';

/**
 * The context everything runs in, 48 kHz if the browser will, as little output buffering as it can. Make it inside
 * the person's gesture; it may start suspended. @throws VoiceRoomError `unsupported-browser` without Web Audio.
 */
export function createAudioContext(): AudioContext {
  if (typeof AudioContext === 'undefined' || typeof AudioWorkletNode === 'undefined') {
    throw globalThis.isSecureContext
      ? new VoiceRoomError('unsupported-browser', 'This browser cannot play rooms. Use a current one.', false)
      : new VoiceRoomError('insecure-context', 'Voice needs a secure page: open it over HTTPS.', false);
  }
  try {
    return new AudioContext({ sampleRate: SAMPLE_RATE_HZ, latencyHint: 'interactive' });
  } catch (error) {
    // Some devices refuse foreign rates; the worklet resamples.
    if (error instanceof DOMException && error.name === 'NotSupportedError') {
      return new AudioContext({ latencyHint: 'interactive' });
    }
    throw error;
  }
}

export interface MicrophoneOptions {
  readonly echoCancellation: boolean;
  readonly noiseSuppression: boolean;
  readonly autoGainControl: boolean;
  /** As `enumerateDevices` names it; left out or '' = the system's default. */
  readonly deviceId?: string;
}

/**
 * Asks for the microphone.
 * @throws VoiceRoomError `insecure-context`, `unsupported-browser`, `microphone-denied` or `microphone-missing`; one
 * can listen without it, so all are recoverable.
 */
export async function openMicrophone(options: MicrophoneOptions): Promise<MediaStream> {
  // TypeScript believes it is always there; on an insecure page it is not.
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (!devices) {
    throw globalThis.isSecureContext
      ? new VoiceRoomError(
          'unsupported-browser',
          'This browser has no access to microphones. You can listen.',
        )
      : new VoiceRoomError('insecure-context', 'The microphone needs a secure page: open it over HTTPS.');
  }
  try {
    return await devices.getUserMedia({
      audio: {
        echoCancellation: options.echoCancellation,
        noiseSuppression: options.noiseSuppression,
        autoGainControl: options.autoGainControl,
        channelCount: { ideal: 1 },
        ...(options.deviceId ? { deviceId: { exact: options.deviceId } } : {}),
      },
    });
  } catch (error) {
    throw microphoneError(error);
  }
}

/** What a failed `getUserMedia` means for the person. */
export function microphoneError(error: unknown): VoiceRoomError {
  const name = error instanceof Error || error instanceof DOMException ? error.name : '';
  const cause = { cause: error };
  if (name === 'NotAllowedError' || name === 'SecurityError') {
    return new VoiceRoomError(
      'microphone-denied',
      'The microphone is not allowed on this page. Allow it in the address bar and press “Use microphone”; you can listen.',
      true,
      cause,
    );
  }
  const message =
    name === 'NotReadableError' || name === 'AbortError'
      ? 'The microphone is in use by another program. Close that and press “Use microphone”; you can listen.'
      : 'No microphone was found. Connect one and press “Use microphone”; you can listen.';
  return new VoiceRoomError('microphone-missing', message, true, cause);
}

export interface CaptureOptions {
  /** 960 (20 ms, the default) or 480. */
  readonly frameSamples?: number;
  /** The worklet's file, for a context of the capture's own where a stream's rate demands one (Firefox). */
  readonly workletUrl?: string;
  /** A node to put between a stream and its capture, if one is wanted; asked for each stream. */
  readonly makeFilter?: (context: AudioContext) => Promise<AudioWorkletNode | undefined>;
}

/** Where frames are captured at present. */
interface Place {
  readonly context: AudioContext;
  readonly node: AudioWorkletNode;
}

/** Rates devices and other contexts run at, tried in turn where a stream's rate is not told. */
const COMMON_RATES_HZ: readonly number[] = [44_100, 48_000, 96_000, 32_000, 24_000, 16_000];

/**
 * Feeds one stream at a time to the capture worklet, which posts its frames straight to the room's core. Stops no
 * tracks: whoever opened a stream closes it.
 *
 * Firefox connects a stream only to a context of the stream's own rate. Where that is not the room's, capture moves to
 * a small context of its own; port and sample clock move along, so the core notices nothing.
 */
export class CaptureSource {
  readonly #context: AudioContext;
  readonly #options: CaptureOptions;
  /** Waiting for a node, or undefined while the node at `#place` holds it. */
  #port: MessagePort | undefined;
  #place: Place | undefined;
  #input: MediaStreamAudioSourceNode | undefined;
  #filter: AudioWorkletNode | undefined;
  /** Sample time at which the next node goes on, and the page's clock at that moment. */
  #clock = { sampleTime: 0, atMs: performance.now() };
  /** Streams are connected one after the other; only the newest stays. */
  #newest = 0;
  #queue: Promise<void> = Promise.resolve();
  #isClosed = false;

  /**
   * @param context with the worklet's file already added.
   * @param corePort where `FromCapture` is posted; its far end belongs to the room's core.
   */
  constructor(context: AudioContext, corePort: MessagePort, options: CaptureOptions = {}) {
    this.#context = context;
    this.#options = options;
    this.#port = corePort;
  }

  /**
   * Captures this stream from now on; null = none. Resolves when it is connected or a newer one was asked for.
   * @throws VoiceRoomError `microphone-missing` when the stream has no sound or no context can take it.
   */
  setStream(stream: MediaStream | null): Promise<void> {
    const turn = ++this.#newest;
    this.#disconnectInput();
    const done = this.#queue.then(() => (stream ? this.#connect(stream, turn) : undefined));
    // The next stream does not care whether this one could be connected; the caller of this one is told.
    this.#queue = done.catch(() => undefined);
    return done;
  }

  /** Releases nodes and port. */
  close(): void {
    this.#isClosed = true;
    this.#newest += 1;
    this.#disconnectInput();
    this.#port?.close();
    this.#port = undefined;
    this.#leavePlace();
  }

  async #connect(stream: MediaStream, turn: number): Promise<void> {
    if (turn !== this.#newest) return;
    const { context, input } = inputFor(stream, this.#place?.context, this.#context);
    const isOwn = context !== this.#context && context !== this.#place?.context;
    try {
      if (isOwn) await this.#prepare(context);
      if (turn === this.#newest && context !== this.#place?.context) await this.#moveTo(context);
    } catch (error) {
      if (isOwn) await context.close();
      throw cannotCapture(error);
    }
    if (turn !== this.#newest || context !== this.#place?.context) {
      if (isOwn && context !== this.#place?.context) await context.close();
      return;
    }
    const filter = await this.#options.makeFilter?.(context);
    if (turn !== this.#newest) {
      if (filter) endSuppressor(filter);
      return;
    }
    if (filter) input.connect(filter).connect(this.#place.node);
    else input.connect(this.#place.node);
    this.#input = input;
    this.#filter = filter;
  }

  #disconnectInput(): void {
    this.#input?.disconnect();
    this.#input = undefined;
    if (this.#filter) endSuppressor(this.#filter);
    this.#filter = undefined;
  }

  async #prepare(context: AudioContext): Promise<void> {
    if (!this.#options.workletUrl) throw new Error('no worklet file is known for a context of its own');
    await context.audioWorklet.addModule(this.#options.workletUrl);
    if (context.state === 'suspended') await context.resume();
  }

  /** Takes the port back from the present node, which ends, and gives it to a new one. */
  async #moveTo(context: AudioContext): Promise<void> {
    if (this.#place) {
      const { node } = this.#place;
      this.#port = await new Promise<MessagePort>((resolve) => {
        node.port.onmessage = ({ data }: MessageEvent<FromNode>) => {
          if (data.type !== 'released') return;
          this.#clock = { sampleTime: data.sampleTime, atMs: performance.now() };
          resolve(data.port);
        };
        post(node, { type: 'release' });
      });
      this.#leavePlace();
    }
    if (this.#isClosed || !this.#port) {
      this.#port?.close();
      return;
    }
    const processorOptions: CaptureNodeOptions = { frameSamples: this.#options.frameSamples ?? 960 };
    const node = new AudioWorkletNode(context, CAPTURE_PROCESSOR, {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      outputChannelCount: [1],
      processorOptions,
    });
    // Its output is silence; connected it is sure to be run.
    node.connect(context.destination);
    const passed = ((performance.now() - this.#clock.atMs) * SAMPLE_RATE_HZ) / 1000;
    const sampleTime = Math.round(this.#clock.sampleTime + passed) >>> 0;
    post(node, { type: 'port', port: this.#port, sampleTime }, [this.#port]);
    this.#port = undefined;
    this.#place = { context, node };
  }

  #leavePlace(): void {
    const place = this.#place;
    this.#place = undefined;
    if (!place) return;
    place.node.port.onmessage = null;
    post(place.node, { type: 'close' });
    place.node.disconnect();
    if (place.context !== this.#context && place.context.state !== 'closed') void place.context.close();
  }
}

/** A context that takes the stream: the present one, the room's, or a new one. @throws VoiceRoomError when none does. */
function inputFor(
  stream: MediaStream,
  present: AudioContext | undefined,
  room: AudioContext,
): { context: AudioContext; input: MediaStreamAudioSourceNode } {
  const told = stream.getAudioTracks()[0]?.getSettings().sampleRate;
  const rates = [undefined, ...(told ? [told] : []), ...COMMON_RATES_HZ];
  const known = present && present !== room ? [room, present] : [room];
  let failure: unknown;
  for (const context of known) {
    try {
      return { context, input: context.createMediaStreamSource(stream) };
    } catch (error) {
      failure = error;
      if (!isRateMismatch(error)) throw cannotCapture(error);
    }
  }
  for (const rate of rates) {
    const context = new AudioContext({ latencyHint: 'interactive', ...(rate ? { sampleRate: rate } : {}) });
    try {
      return { context, input: context.createMediaStreamSource(stream) };
    } catch (error) {
      failure = error;
      void context.close();
    }
  }
  throw cannotCapture(failure);
}

function isRateMismatch(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'NotSupportedError';
}

function cannotCapture(cause: unknown): VoiceRoomError {
  return new VoiceRoomError(
    'microphone-missing',
    'The microphone delivers no sound this browser can use. Choose another in the settings; you can listen.',
    true,
    { cause },
  );
}

function post(node: AudioWorkletNode, message: ToNode, transfer: Transferable[] = []): void {
  node.port.postMessage(message, transfer);
}
