/**
 * Turns render quanta of any channel count and rate into mono frames at 48 kHz with a sample clock that never stops
 * while the context runs. Lives in the capture worklet; allocates only when more frames are out than its pool holds.
 */

import { SAMPLE_RATE_HZ } from '../units.js';
import { Resampler } from './resampler.js';

/** Frames that may be on their way to the encoder at once: 160 ms of 20 ms frames. */
const POOL_FRAMES = 8;

/** Beyond these the encoder is not keeping up: frames are dropped, and no more memory is taken. */
const MAX_FRAMES = 32;

/** Longest render quantum taken at once; browsers use 128, and may let pages ask for more. */
const MAX_QUANTUM = 1024;

export class CaptureFramer {
  /** Frames dropped because none came back. */
  framesDropped = 0;

  readonly #pool: Float32Array<ArrayBuffer>[] = [];
  readonly #mono = new Float32Array(MAX_QUANTUM);
  readonly #resampled: Float32Array;
  readonly #resampler: Resampler | undefined;
  #made = 0;
  #frame: Float32Array<ArrayBuffer> | undefined;
  #fill = 0;
  #sampleTime = 0;

  /**
   * @param frameSamples per frame at 48 kHz. @param contextRateHz of the quanta.
   * @param onFrame takes ownership of the samples until `recycle` brings them back.
   */
  constructor(
    private readonly frameSamples: number,
    contextRateHz: number,
    private readonly onFrame: (samples: Float32Array<ArrayBuffer>, sampleTime: number) => void,
  ) {
    const ratio = SAMPLE_RATE_HZ / contextRateHz;
    this.#resampled = new Float32Array(Math.ceil(MAX_QUANTUM * ratio) + 2);
    if (ratio !== 1) this.#resampler = new Resampler(contextRateHz, SAMPLE_RATE_HZ, MAX_QUANTUM);
    for (let i = 0; i < POOL_FRAMES; i++) this.#pool.push(this.#make());
    this.#frame = this.#pool.pop();
  }

  /** Sample time of the next sample, 48 kHz, wraps at 2³². */
  get sampleTime(): number {
    return (this.#sampleTime + this.#fill) >>> 0;
  }

  /** Goes on from another framer's clock; what is in the running frame is dropped. */
  set sampleTime(sampleTime: number) {
    this.#sampleTime = sampleTime >>> 0;
    this.#fill = 0;
  }

  /** Takes a quantum. No channels (nothing connected) means silence: the clock goes on. */
  push(channels: readonly Float32Array[], quantumSamples: number): void {
    const count = Math.min(quantumSamples, MAX_QUANTUM);
    const mono = this.#mono;
    const scale = channels.length > 1 ? 1 / channels.length : 1;
    mono.fill(0, 0, count);
    for (let c = 0; c < channels.length; c++) {
      const channel = channels[c] as Float32Array;
      for (let i = 0; i < count; i++) mono[i] = (mono[i] as number) + (channel[i] as number) * scale;
    }
    if (!this.#resampler) this.#append(mono, count);
    else this.#append(this.#resampled, this.#resampler.process(mono, count, this.#resampled));
  }

  /** Takes a spent frame back; anything but a frame of this framer's size is ignored. */
  recycle(samples: Float32Array<ArrayBuffer>): void {
    if (!(samples instanceof Float32Array) || samples.length !== this.frameSamples) return;
    if (this.#pool.length < MAX_FRAMES) this.#pool.push(samples);
  }

  #append(samples: Float32Array, count: number): void {
    let read = 0;
    while (read < count) {
      const portion = Math.min(count - read, this.frameSamples - this.#fill);
      const frame = this.#frame;
      if (frame) for (let i = 0; i < portion; i++) frame[this.#fill + i] = samples[read + i] as number;
      this.#fill += portion;
      read += portion;
      if (this.#fill === this.frameSamples) this.#complete();
    }
  }

  #complete(): void {
    const frame = this.#frame;
    if (frame) this.onFrame(frame, this.#sampleTime);
    else this.framesDropped += 1;
    this.#sampleTime = (this.#sampleTime + this.frameSamples) >>> 0;
    this.#fill = 0;
    this.#frame = this.#pool.pop() ?? (this.#made < MAX_FRAMES ? this.#make() : undefined);
  }

  #make(): Float32Array<ArrayBuffer> {
    this.#made += 1;
    return new Float32Array(this.frameSamples);
  }
}
