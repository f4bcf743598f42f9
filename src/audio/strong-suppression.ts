/**
 * Stronger noise suppression behind the browser's own: RNNoise (Valin 2018, a small recurrent network over 22 bands) in
 * a worklet of the package `@sapphi-red/web-noise-suppressor`. Loaded when it is first asked for: 127 kB gzipped.
 *
 * Delay: one frame of 480 samples and a quantum, about 13 ms. Its wrapper makes a view of its frame for every quantum.
 */

import { SAMPLE_RATE_HZ } from '../units.js';

/** The name under which the package's worklet registers. */
const PROCESSOR = '@sapphi-red/web-noise-suppressor/rnnoise';

export interface SuppressorFiles {
  readonly workletUrl: string;
  readonly wasmUrl: string;
}

let binary: Promise<ArrayBuffer> | undefined;

/**
 * A node that passes voices and little else, mono.
 * @throws Error when a file does not load, or for a context that does not run at 48 kHz, which the network was trained at.
 */
export async function makeSuppressor(
  context: BaseAudioContext,
  { workletUrl, wasmUrl }: SuppressorFiles,
): Promise<AudioWorkletNode> {
  if (context.sampleRate !== SAMPLE_RATE_HZ) throw new Error(`no suppression at ${context.sampleRate} Hz`);
  binary ??= fetchBinary(wasmUrl);
  try {
    const [wasmBinary] = await Promise.all([binary, context.audioWorklet.addModule(workletUrl)]);
    return new AudioWorkletNode(context, PROCESSOR, {
      channelCount: 1,
      channelCountMode: 'explicit',
      outputChannelCount: [1],
      processorOptions: { maxChannels: 1, wasmBinary },
    });
  } catch (error) {
    binary = undefined; // The next one tries again.
    throw error;
  }
}

/** Frees the network's memory, about 200 kB. */
export function endSuppressor(node: AudioWorkletNode): void {
  node.port.postMessage('destroy');
  node.disconnect();
}

async function fetchBinary(url: string): Promise<ArrayBuffer> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response.arrayBuffer();
}
