/**
 * The audio thread's side of the voice path, one file without imports: the desk, which plays every speaker, and the
 * capture. The codec's file is added to the same scope before it.
 *
 * Contract of every `process`: no allocation after warm-up, no wait, no throw. Clock: the context's own frame count,
 * expressed at 48 kHz.
 */

import { SAMPLE_RATE_HZ } from '../units.js';
import { CaptureFramer } from './capture-framer.js';
import { Desk } from './desk.js';
import {
  CAPTURE_PROCESSOR,
  DESK_PROCESSOR,
  type CaptureNodeOptions,
  type FromCapture,
  type FromNode,
  type FromPlayout,
  type ToCapture,
  type ToNode,
  type ToPlayout,
} from './messages.js';
import { loadSharedOpus } from './opus-global.js';
import { PlayoutHub } from './playout-hub.js';

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

const clockRatio = SAMPLE_RATE_HZ / sampleRate;

/** Audio clock in samples at 48 kHz. */
const nowSamples = (): number => currentFrame * clockRatio;

/** Receives every voice over a port to the core and plays the listener's mix of them, in stereo. */
class DeskProcessor extends AudioWorkletProcessor {
  readonly #hub = new PlayoutHub((stats: FromPlayout) => this.#core?.postMessage(stats));
  readonly #desk = new Desk(this.#hub, sampleRate);
  #core: MessagePort | undefined;
  #isClosed = false;

  constructor(options: AudioWorkletNodeOptions) {
    super(options);
    this.port.onmessage = ({ data }: MessageEvent<ToNode>) => this.#control(data);
    loadSharedOpus().then(
      (opus) => this.#isClosed || this.#hub.setOpus(opus),
      (error: unknown) =>
        this.port.postMessage({ type: 'codec-failed', message: String(error) } satisfies FromNode),
    );
  }

  process(_inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const left = outputs[0]?.[0];
    const right = outputs[0]?.[1];
    if (left && right) this.#desk.process(left, right, nowSamples());
    return !this.#isClosed;
  }

  #control(message: ToNode): void {
    switch (message.type) {
      case 'port':
        this.#core?.close();
        this.#core = message.port;
        this.#core.onmessage = ({ data }: MessageEvent<ToPlayout>) => this.#hub.receive(data, nowSamples());
        break;
      case 'speaker':
        this.#desk.setSpeaker(message.source, message.desk, nowSamples());
        break;
      case 'speaker-gone':
        this.#desk.removeSpeaker(message.source);
        break;
      case 'master':
        this.#desk.setMaster(message.volume, message.levelling);
        break;
      case 'release':
      case 'close':
        this.#isClosed = true;
        this.#core?.close();
        this.#core = undefined;
        this.#desk.close();
        this.#hub.close();
        break;
    }
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

registerProcessor(DESK_PROCESSOR, DeskProcessor);
registerProcessor(CAPTURE_PROCESSOR, CaptureProcessor);
