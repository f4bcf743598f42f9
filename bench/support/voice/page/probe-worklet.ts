/**
 * Mouth and ear on one clock: plays a signal to its output and records its input from the same render quantum on. Its
 * only allocation while it plays is none: the recording's memory comes with the signal.
 */

declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: unknown): void;

/** To the probe: play this once, or for ever; record as long. */
export interface ProbePlay {
  readonly signal: Float32Array;
  readonly recording: Float32Array | undefined;
  readonly loop: boolean;
}

/** Samples before a signal begins: megabytes cross to this thread with it, and what that stirs up must not be measured. */
const STIR_SAMPLES = 2 * 48_000;

class ProbeProcessor extends AudioWorkletProcessor {
  #signal: Float32Array | undefined;
  #recording: Float32Array | undefined;
  #loop = false;
  #at = 0;

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<ProbePlay>) => {
      this.#signal = data.signal;
      this.#recording = data.recording;
      this.#loop = data.loop;
      this.#at = -STIR_SAMPLES;
    };
  }

  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean {
    const out = outputs[0]?.[0];
    const signal = this.#signal;
    if (!out || !signal) return true;
    const recording = this.#recording;
    const heard = inputs[0]?.[0];
    for (let i = 0; i < out.length; i++) {
      out[i] = signal[this.#at] ?? 0;
      if (recording && this.#at >= 0 && this.#at < recording.length) recording[this.#at] = heard?.[i] ?? 0;
      this.#at += 1;
      if (this.#loop && this.#at === signal.length) this.#at = 0;
    }
    if (!this.#loop && this.#at >= (recording ?? signal).length) {
      this.#signal = undefined;
      this.#recording = undefined;
      if (recording) this.port.postMessage(recording, [recording.buffer]);
    }
    return true;
  }
}

registerProcessor('probe', ProbeProcessor);
