/**
 * The listener's desk: one Web Audio chain per speaker, then master volume and limiter. Main thread; the sound itself
 * is made in the worklet and never waits for this thread.
 *
 * ```
 * playout node ─ gain 0–4 ─ pan ─┐
 * playout node ─ gain 0–4 ─ pan ─┼─ master ─ limiter ─ output
 * ```
 *
 * Bound: one chain per speaker added; each costs three nodes and what `speaker-playout.ts` states.
 */

import type { Handle } from '../units.js';
import {
  PLAYOUT_HUB_PROCESSOR,
  PLAYOUT_PROCESSOR,
  type FromNode,
  type PlayoutNodeOptions,
  type ToNode,
} from './messages.js';

/** s; four of them make a change of 98 %, so 20 ms: too slow to click, too fast to notice. */
const RAMP_SECONDS = 0.005;

/** A panner gives each ear cos(45°) of a centred voice; this gives it back, so that gain 1 is "as sent". */
const CENTRE_GAIN = Math.SQRT2;

const MAX_GAIN = 4;

/** The limiter leaves everything below −3 dBFS alone and bends the rest so that it never reaches full scale. */
const LIMITER_KNEE = 0.7;

/** Loudest input the limiter's curve covers, +24 dBFS; beyond it the curve's end holds. */
const LIMITER_RANGE = 16;

/** Points of the curve: 500 per unit, so that its straight part is exact and its bend smooth. */
const LIMITER_POINTS = 16_001;

export interface SpeakerDesk {
  /** Linear, 0–4; 1 = as sent. */
  readonly gain: number;
  /** −1 left … 1 right. */
  readonly pan: number;
}

export interface MixerOptions {
  /** Where the sound goes instead of the context's destination (tests, recording). */
  readonly outputNode?: AudioNode;
  /** The codec did not start in the worklet: nobody will be heard. */
  readonly onCodecFailed?: (message: string) => void;
}

interface Chain {
  readonly source: AudioWorkletNode;
  readonly gain: GainNode;
  readonly pan: StereoPannerNode;
}

export class Mixer {
  readonly #context: BaseAudioContext;
  readonly #hub: AudioWorkletNode;
  readonly #master: GainNode;
  readonly #limiterScale: GainNode;
  readonly #limiter: WaveShaperNode;
  readonly #chains = new Map<Handle, Chain>();
  /** Removed, waiting for their last quantum to fade. */
  readonly #fading = new Set<Chain>();
  #volume = 1;
  #isDeafened = false;
  #isClosed = false;

  /**
   * @param context with the codec's and the worklet's file already added.
   * @param playoutPort where the room's core posts `ToPlayout`; handed to the worklet.
   */
  constructor(context: BaseAudioContext, playoutPort: MessagePort, options: MixerOptions = {}) {
    this.#context = context;
    this.#hub = new AudioWorkletNode(context, PLAYOUT_HUB_PROCESSOR, {
      numberOfInputs: 0,
      outputChannelCount: [1],
    });
    this.#hub.port.onmessage = ({ data }: MessageEvent<FromNode>) => {
      if (data.type === 'codec-failed') options.onCodecFailed?.(data.message);
    };
    post(this.#hub, { type: 'port', port: playoutPort }, [playoutPort]);

    this.#master = new GainNode(context, { gain: 1 });
    this.#limiterScale = new GainNode(context, { gain: 1 / LIMITER_RANGE });
    this.#limiter = new WaveShaperNode(context, { curve: limiterCurve() });
    this.#master
      .connect(this.#limiterScale)
      .connect(this.#limiter)
      .connect(options.outputNode ?? context.destination);
  }

  /** Makes a speaker's chain; for one that has it, only sets gain and pan. */
  addSpeaker(source: Handle, desk: SpeakerDesk): void {
    if (this.#isClosed) return;
    if (this.#chains.has(source)) {
      this.setGain(source, desk.gain);
      this.setPan(source, desk.pan);
      return;
    }
    const processorOptions: PlayoutNodeOptions = { source };
    const chain: Chain = {
      source: new AudioWorkletNode(this.#context, PLAYOUT_PROCESSOR, {
        numberOfInputs: 0,
        outputChannelCount: [1],
        processorOptions,
      }),
      gain: new GainNode(this.#context, { gain: clamp(desk.gain, 0, MAX_GAIN) * CENTRE_GAIN }),
      pan: new StereoPannerNode(this.#context, { pan: clamp(desk.pan, -1, 1) }),
    };
    chain.source.port.onmessage = ({ data }: MessageEvent<FromNode>) => {
      if (data.type === 'closed') this.#disconnect(chain);
    };
    chain.source.connect(chain.gain).connect(chain.pan).connect(this.#master);
    this.#chains.set(source, chain);
  }

  /** Fades the speaker out and takes the chain down. */
  removeSpeaker(source: Handle): void {
    const chain = this.#chains.get(source);
    if (!chain) return;
    this.#chains.delete(source);
    this.#fading.add(chain);
    post(chain.source, { type: 'close' });
  }

  /** Linear, clamped to 0–4. */
  setGain(source: Handle, gain: number): void {
    const chain = this.#chains.get(source);
    if (chain) this.#ramp(chain.gain.gain, clamp(gain, 0, MAX_GAIN) * CENTRE_GAIN);
  }

  /** Clamped to −1…1. */
  setPan(source: Handle, pan: number): void {
    const chain = this.#chains.get(source);
    if (chain) this.#ramp(chain.pan.pan, clamp(pan, -1, 1));
  }

  /** Of everybody, linear, clamped to 0–4. */
  setVolume(volume: number): void {
    this.#volume = clamp(volume, 0, MAX_GAIN);
    if (!this.#isDeafened) this.#ramp(this.#master.gain, this.#volume);
  }

  setDeafened(deafened: boolean): void {
    this.#isDeafened = deafened;
    this.#ramp(this.#master.gain, deafened ? 0 : this.#volume);
  }

  /** Takes everything down. The context stays the caller's. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const chain of [...this.#chains.values(), ...this.#fading]) {
      post(chain.source, { type: 'close' });
      this.#disconnect(chain);
    }
    this.#chains.clear();
    post(this.#hub, { type: 'close' });
    this.#hub.port.onmessage = null;
    this.#master.disconnect();
    this.#limiterScale.disconnect();
    this.#limiter.disconnect();
  }

  #disconnect(chain: Chain): void {
    this.#fading.delete(chain);
    chain.source.port.onmessage = null;
    chain.source.disconnect();
    chain.gain.disconnect();
    chain.pan.disconnect();
  }

  #ramp(parameter: AudioParam, value: number): void {
    parameter.setTargetAtTime(value, this.#context.currentTime, RAMP_SECONDS);
  }
}

/**
 * Straight up to the knee, then x ↦ k + (1 − k) · tanh((x − k) / (1 − k)): smooth, and below 1 for every input. A
 * shaper instead of a compressor, because browsers' compressor delays all sound by 6 ms to look ahead.
 */
export function limiterCurve(): Float32Array<ArrayBuffer> {
  const curve = new Float32Array(LIMITER_POINTS);
  const middle = (LIMITER_POINTS - 1) / 2;
  const bend = 1 - LIMITER_KNEE;
  for (let i = 0; i < LIMITER_POINTS; i++) {
    const x = ((i - middle) / middle) * LIMITER_RANGE;
    const size = Math.abs(x);
    const limited =
      size <= LIMITER_KNEE ? size : LIMITER_KNEE + bend * Math.tanh((size - LIMITER_KNEE) / bend);
    curve[i] = Math.sign(x) * limited;
  }
  return curve;
}

function post(node: AudioWorkletNode, message: ToNode, transfer: Transferable[] = []): void {
  node.port.postMessage(message, transfer);
}

function clamp(value: number, low: number, high: number): number {
  return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : Math.min(high, Math.max(low, 1));
}
