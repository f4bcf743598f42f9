/** An AudioWorkletGlobalScope for Node: enough of it to load the worklet's real file and run its processors. */

import { loadOpus } from '../../src/audio/codec.js';
import type { FromNode, ToNode } from '../../src/audio/messages.js';

interface Processor {
  process(inputs: Float32Array[][], outputs: Float32Array[][]): boolean;
}
type ProcessorClass = new (options: { processorOptions?: unknown }) => Processor;

const registered = new Map<string, ProcessorClass>();
let frame = 0;
let portOfNext: MessagePort | undefined;

class ShimProcessor {
  readonly port: MessagePort;
  constructor() {
    if (!portOfNext) throw new Error('made without a node');
    this.port = portOfNext;
    portOfNext = undefined;
  }
}

/** Loads `worklet-entry.ts` into a scope of this rate. Once per test process. */
export async function loadWorklet(rateHz: number): Promise<void> {
  Object.assign(globalThis, {
    AudioWorkletProcessor: ShimProcessor,
    registerProcessor: (name: string, processor: ProcessorClass) => registered.set(name, processor),
    sampleRate: rateHz,
    p2pVoiceRoomOpus: { loadOpus },
  });
  Object.defineProperty(globalThis, 'currentFrame', { get: () => frame, configurable: true });
  await import('../../src/audio/worklet-entry.js');
}

/** Moves the audio clock by one render quantum. */
export function nextQuantum(): void {
  frame += 128;
}

/** What the page holds of a processor. */
export class Node {
  readonly processor: Processor;
  readonly port: MessagePort;
  readonly received: FromNode[] = [];

  constructor(name: string, processorOptions?: unknown) {
    const Class = registered.get(name);
    if (!Class) throw new Error(`${name} is not registered`);
    const { port1, port2 } = new MessageChannel();
    portOfNext = port2;
    this.port = port1;
    this.processor = new Class({ processorOptions });
    this.port.onmessage = ({ data }: MessageEvent<FromNode>) => this.received.push(data);
  }

  post(message: ToNode, transfer: Transferable[] = []): void {
    this.port.postMessage(message, transfer as never);
  }

  close(): void {
    this.port.close();
  }
}

/** Lets posted messages arrive. */
export async function deliver(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
}
