/**
 * The audio thread's side of the voice path, one file without imports: the playout hub, one playout processor per
 * speaker, and the capture processor. The codec's file is added to the same scope before it.
 *
 * Contract of every `process`: no allocation after warm-up, no wait, no throw. Clock: the context's own frame count,
 * expressed at 48 kHz.
 */

import { SAMPLE_RATE_HZ } from '../units.js';
import { CaptureFramer } from './capture-framer.js';
import {
  CAPTURE_PROCESSOR,
  PLAYOUT_HUB_PROCESSOR,
  PLAYOUT_PROCESSOR,
  type CaptureNodeOptions,
  type FromCapture,
  type FromNode,
  type FromPlayout,
  type PlayoutNodeOptions,
  type ToCapture,
  type ToNode,
  type ToPlayout,
} from './messages.js';
import { loadSharedOpus } from './opus-global.js';
import { PlayoutHub } from './playout-hub.js';
import { Resampler } from './resampler.js';
import type { SpeakerPlayout } from './speaker-playout.js';

// AudioWorkletGlobalScope as the Web Audio specification has it; TypeScript's libraries leave it out.

declare class AudioWorkletProcessor {
  readonly port: MessagePort;
  constructor(options?: AudioWorkletNodeOptions);
}

declare function registerProcessor(
  name: string,
  processor: new (options: AudioWorkletNodeOptions) => AudioWorkletProcessor & {
    process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
  },
): void;

/** Frames rendered so far, at the context's rate. */
declare const currentFrame: number;

/** The context's rate, Hz. */
declare const sampleRate: number;

/** Longest render quantum; browsers use 128. */
const MAX_QUANTUM = 1024;

const clockRatio = SAMPLE_RATE_HZ / sampleRate;

/** Audio clock in samples at 48 kHz. */
const nowSamples = (): number => currentFrame * clockRatio;

let corePort: MessagePort | undefined;
const hub = new PlayoutHub((stats: FromPlayout) => corePort?.postMessage(stats));

/** Receives the port to the core and every frame over it. Makes no sound itself; need not be connected. */
class PlayoutHubProcessor extends AudioWorkletProcessor {
  constructor(options: AudioWorkletNodeOptions) {
    super(options);
    this.port.onmessage = ({ data }: MessageEvent<ToNode>) => {
      corePort?.close();
      corePort = undefined;
      if (data.type === 'port') {
        corePort = data.port;
        corePort.onmessage = (event: MessageEvent<ToPlayout>) => hub.receive(event.data, nowSamples());
      } else {
        hub.close();
        this.port.postMessage({ type: 'closed' } satisfies FromNode);
      }
    };
    loadSharedOpus().then(
      (opus) => hub.setOpus(opus),
      (error: unknown) =>
        this.port.postMessage({ type: 'codec-failed', message: String(error) } satisfies FromNode),
    );
  }

  process(): boolean {
    return corePort !== undefined;
  }
}

/** Plays one speaker, mono. */
class PlayoutProcessor extends AudioWorkletProcessor {
  readonly #source: PlayoutNodeOptions['source'];
  readonly #speaker: SpeakerPlayout | undefined;
  readonly #resampler: Resampler | undefined;
  readonly #pulled = new Float32Array(Math.ceil(MAX_QUANTUM * clockRatio) + 64);
  #isClosing = false;
  #hasEnded = false;

  constructor(options: AudioWorkletNodeOptions) {
    super(options);
    this.#source = (options.processorOptions as PlayoutNodeOptions).source;
    this.#speaker = hub.attach(this.#source, nowSamples());
    if (clockRatio !== 1) this.#resampler = new Resampler(SAMPLE_RATE_HZ, sampleRate, this.#pulled.length);
    this.port.onmessage = ({ data }: MessageEvent<ToNode>) => {
      if (data.type !== 'close' || this.#isClosing) return;
      this.#isClosing = true;
      this.#speaker?.stop();
    };
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const out = outputs[0]?.[0];
    const speaker = this.#speaker;
    if (!speaker || !out) return this.#end();
    const resampler = this.#resampler;
    let isSound: boolean;
    if (resampler) {
      const needed = Math.min(resampler.inputNeeded(out.length), this.#pulled.length);
      isSound = speaker.pull(this.#pulled, needed, nowSamples());
      resampler.process(this.#pulled, needed, out, out.length);
    } else {
      isSound = speaker.pull(out, out.length, nowSamples());
    }
    return isSound || !this.#isClosing ? true : this.#end();
  }

  #end(): boolean {
    if (this.#hasEnded) return false;
    this.#hasEnded = true;
    hub.detach(this.#source);
    this.port.postMessage({ type: 'closed' } satisfies FromNode);
    return false;
  }
}

const NO_SAMPLES = new Float32Array(0);

/** Sends what its input hears as mono frames to the core. */
class CaptureProcessor extends AudioWorkletProcessor {
  readonly #framer: CaptureFramer;
  /** Posting copies: one message and one list serve every frame. */
  readonly #message: { -readonly [Field in keyof FromCapture]: FromCapture[Field] } = {
    type: 'captured',
    samples: NO_SAMPLES,
    sampleTime: 0,
  };
  readonly #transfer: Transferable[] = [];
  #core: MessagePort | undefined;
  #isClosed = false;

  constructor(options: AudioWorkletNodeOptions) {
    super(options);
    const { frameSamples } = options.processorOptions as CaptureNodeOptions;
    this.#framer = new CaptureFramer(frameSamples, sampleRate, (samples, sampleTime) => {
      if (!this.#core) {
        this.#framer.recycle(samples);
        return;
      }
      this.#message.samples = samples;
      this.#message.sampleTime = sampleTime;
      this.#transfer[0] = samples.buffer;
      this.#core.postMessage(this.#message, this.#transfer);
    });
    this.port.onmessage = ({ data }: MessageEvent<ToNode>) => this.#control(data);
  }

  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const quantum = outputs[0]?.[0]?.length ?? 128;
    this.#framer.push(inputs[0] ?? NO_CHANNELS, quantum);
    return !this.#isClosed;
  }

  #control(message: ToNode): void {
    const core = this.#core;
    this.#core = undefined;
    if (message.type === 'port') {
      core?.close();
      if (message.sampleTime !== undefined) this.#framer.sampleTime = message.sampleTime;
      this.#core = message.port;
      this.#core.onmessage = ({ data }: MessageEvent<ToCapture>) =>
        this.#framer.recycle(data.samples as Float32Array<ArrayBuffer>);
      return;
    }
    this.#isClosed = true;
    if (message.type === 'release' && core) {
      const { sampleTime } = this.#framer;
      this.port.postMessage({ type: 'released', port: core, sampleTime } satisfies FromNode, [core]);
    } else core?.close();
  }
}

const NO_CHANNELS: readonly Float32Array[] = [];

registerProcessor(PLAYOUT_HUB_PROCESSOR, PlayoutHubProcessor);
registerProcessor(PLAYOUT_PROCESSOR, PlayoutProcessor);
registerProcessor(CAPTURE_PROCESSOR, CaptureProcessor);
