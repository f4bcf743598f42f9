/**
 * Listens to what reaches a destination: the amplitude of each tone in every 10 ms, by Goertzel's algorithm (Goertzel
 * 1958) over whole blocks. Power is added over the channels, so an equal-power pan does not change it.
 */

import type { TapOptions, TapReport } from './globals.js';

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: unknown): void;

const BLOCK_SECONDS = 0.01;
const BLOCKS_PER_REPORT = 4;
const MAX_CHANNELS = 2;
const QUANTUM = 128;

/** A silent input has no channels; its blocks count all the same, as silence. */
const NOTHING = new Float32Array(QUANTUM);

class TapProcessor extends AudioWorkletProcessor {
  readonly #blockSamples = Math.round(sampleRate * BLOCK_SECONDS);
  readonly #coefficients: readonly number[];
  /** Two state variables for each tone and channel. */
  readonly #states: Float64Array;
  #filled = 0;
  #atMs: number[] = [];
  #amplitudes: Float32Array;
  #peaks = new Float32Array(BLOCKS_PER_REPORT);

  constructor({ processorOptions }: { processorOptions: TapOptions }) {
    super();
    this.#coefficients = processorOptions.tonesHz.map((hz) => 2 * Math.cos((2 * Math.PI * hz) / sampleRate));
    this.#states = new Float64Array(2 * MAX_CHANNELS * this.#coefficients.length);
    this.#amplitudes = new Float32Array(BLOCKS_PER_REPORT * this.#coefficients.length);
  }

  process(inputs: Float32Array[][]): boolean {
    const channels = inputs[0] ?? [];
    let from = 0;
    while (from < QUANTUM) {
      const until = Math.min(QUANTUM, from + this.#blockSamples - this.#filled);
      for (let channel = 0; channel < MAX_CHANNELS; channel++)
        this.#take(channel, channels[channel] ?? NOTHING, from, until);
      this.#filled += until - from;
      from = until;
      if (this.#filled === this.#blockSamples) this.#endBlock();
    }
    return true;
  }

  /** One tone after the other with its state at hand: a dozen pages measure at once on the machine that plays them. */
  #take(channel: number, samples: Float32Array, from: number, until: number): void {
    let peak = this.#peaks[this.#atMs.length]!;
    for (let i = from; i < until; i++) peak = Math.max(peak, Math.abs(samples[i]!));
    this.#peaks[this.#atMs.length] = peak;
    for (let tone = 0; tone < this.#coefficients.length; tone++) {
      const at = 2 * (tone * MAX_CHANNELS + channel);
      const coefficient = this.#coefficients[tone]!;
      let newer = this.#states[at]!;
      let older = this.#states[at + 1]!;
      for (let i = from; i < until; i++) {
        const next = samples[i]! + coefficient * newer - older;
        older = newer;
        newer = next;
      }
      this.#states[at] = newer;
      this.#states[at + 1] = older;
    }
  }

  #endBlock(): void {
    const block = this.#atMs.length;
    for (let tone = 0; tone < this.#coefficients.length; tone++) {
      let power = 0;
      for (let channel = 0; channel < MAX_CHANNELS; channel++) {
        const at = 2 * (tone * MAX_CHANNELS + channel);
        const a = this.#states[at]!;
        const b = this.#states[at + 1]!;
        power += a * a + b * b - this.#coefficients[tone]! * a * b;
      }
      this.#amplitudes[block * this.#coefficients.length + tone] =
        (2 * Math.sqrt(power)) / this.#blockSamples;
    }
    this.#states.fill(0);
    this.#filled = 0;
    this.#atMs.push(Date.now());
    if (this.#atMs.length < BLOCKS_PER_REPORT) return;
    const report: TapReport = { atMs: this.#atMs, amplitudes: this.#amplitudes, peaks: this.#peaks };
    this.port.postMessage(report);
    this.#peaks = new Float32Array(BLOCKS_PER_REPORT);
    this.#atMs = [];
    this.#amplitudes = new Float32Array(this.#amplitudes.length);
  }
}

registerProcessor('p2p-voice-room-test-tap', TapProcessor);
