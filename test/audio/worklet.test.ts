/** The worklet's real file, its processors run as a browser would run them. */

import assert from 'node:assert/strict';
import { Session } from 'node:inspector/promises';
import type { HeapProfiler } from 'node:inspector';
import { after, before, describe, test } from 'node:test';
import { loadOpus } from '../../src/audio/codec.js';
import {
  CAPTURE_PROCESSOR,
  PLAYOUT_HUB_PROCESSOR,
  PLAYOUT_PROCESSOR,
  type FromCapture,
  type FromPlayout,
  type ToPlayout,
} from '../../src/audio/messages.js';
import { VoiceEncoder } from '../../src/audio/voice-encoder.js';
import type { Handle } from '../../src/units.js';
import { FRAME, largestStep, rms, shareAt, sine } from './support.js';
import { Node, deliver, loadWorklet, nextQuantum } from './worklet-scope.js';

const QUANTUM = 128;
const nodes: Node[] = [];
const ports: MessagePort[] = [];
let core: MessagePort;
const reports: FromPlayout[] = [];

/** A member who hums one note for ever. */
class Hummer {
  readonly #encoder: VoiceEncoder;
  #at = 0;

  constructor(
    opus: Awaited<ReturnType<typeof loadOpus>>,
    readonly source: Handle,
    readonly frequencyHz: number,
  ) {
    this.#encoder = new VoiceEncoder({ opus, bitrate: 32_000, frameSamples: FRAME, source, streamEpoch: 1 });
    this.#encoder.setVoiceActivation('off');
  }

  hum(frames: number): void {
    for (let n = 0; n < frames; n++, this.#at += FRAME) {
      for (const packet of this.#encoder.push(sine(this.frequencyHz, FRAME, this.#at), this.#at)) {
        const { level: _, ...frame } = packet;
        core.postMessage({ type: 'frame', ...frame, previousFrame: undefined } satisfies ToPlayout);
      }
    }
  }
}

function node(name: string, options?: unknown): Node {
  const made = new Node(name, options);
  nodes.push(made);
  return made;
}

/** Runs processors for `quanta` and returns what each put out. */
function render(speakers: readonly Node[], quanta: number): Float32Array[] {
  const sounds = speakers.map(() => new Float32Array(quanta * QUANTUM));
  const outputs = [[new Float32Array(QUANTUM)]];
  for (let q = 0; q < quanta; q++) {
    speakers.forEach(({ processor }, index) => {
      processor.process([], outputs);
      sounds[index]?.set(outputs[0]?.[0] as Float32Array, q * QUANTUM);
    });
    nextQuantum();
  }
  return sounds;
}

describe('worklet', () => {
  let opus: Awaited<ReturnType<typeof loadOpus>>;
  before(async () => {
    opus = await loadOpus();
    await loadWorklet(48_000);
    const { port1, port2 } = new MessageChannel();
    core = port1;
    ports.push(port1);
    core.onmessage = ({ data }: MessageEvent<FromPlayout>) => reports.push(data);
    const hub = node(PLAYOUT_HUB_PROCESSOR);
    hub.post({ type: 'port', port: port2 }, [port2]);
    await deliver();
  });
  after(() => {
    for (const { port } of nodes) port.close();
    for (const port of ports) port.close();
  });

  test('each speaker’s node plays that speaker, and the core gets counters', async () => {
    const low = new Hummer(opus, 1 as Handle, 300);
    const high = new Hummer(opus, 2 as Handle, 700);
    const speakers = [1, 2].map((source) => node(PLAYOUT_PROCESSOR, { source }));
    const heard: Float32Array[][] = [];
    for (let n = 0; n < 100; n++) {
      low.hum(2);
      high.hum(2);
      await deliver(2);
      heard.push(render(speakers, 15));
    }
    await deliver();
    [300, 700].forEach((frequencyHz, index) => {
      const sound = Float32Array.from(
        heard.slice(50).flatMap((sounds) => [...(sounds[index] as Float32Array)]),
      );
      assert.ok(shareAt(sound, frequencyHz) > 0.97, `${frequencyHz} Hz: ${shareAt(sound, frequencyHz)}`);
      assert.ok(rms(sound) > 0.18 && largestStep(sound) < 0.06);
    });
    const last = reports.at(-1);
    assert.equal(last?.type, 'playout-stats');
    const stats = last?.sources.find(({ source }) => source === 1);
    assert.ok(stats && stats.framesPlayed > 150 && stats.framesLost === 0 && stats.playoutDelayMs > 0);
    assert.ok(reports.length >= 10 && reports.length <= 25, `${reports.length} reports in 4 s`);
  });

  test('process() makes no object after warm-up, come what may', async () => {
    const hummer = new Hummer(opus, 3 as Handle, 440);
    const speaker = node(PLAYOUT_PROCESSOR, { source: 3 });
    // A second's frames at once, every second: waits, conceals, stretches, skips.
    const outputs = [[new Float32Array(QUANTUM)]];
    const second = async () => {
      hummer.hum(50);
      await deliver();
      return () => {
        for (let q = 0; q < 375; q++) {
          speaker.processor.process([], outputs);
          nextQuantum();
        }
      };
    };
    const bytes = await bytesAllocated(second);
    // No object and no array: those would be 100 bytes a frame, 20 000 here. The engine may box a number a frame.
    assert.ok(bytes < 6000, `${bytes} bytes in 1500 calls`);
  });

  test('nor does the capture’s', async () => {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1);
    port1.onmessage = ({ data }: MessageEvent<FromCapture>) =>
      port1.postMessage({ type: 'recycle', samples: data.samples }, [data.samples.buffer as ArrayBuffer]);
    const capture = node(CAPTURE_PROCESSOR, { frameSamples: FRAME });
    capture.post({ type: 'port', port: port2 }, [port2]);
    await deliver();
    const inputs = [[sine(500, QUANTUM), sine(600, QUANTUM)]];
    const outputs = [[new Float32Array(QUANTUM)]];
    // 100 ms at a time: no more frames are on their way than the pool holds.
    const tenth = async () => {
      await deliver();
      return () => {
        for (let q = 0; q < 38; q++) capture.processor.process(inputs, outputs);
      };
    };
    const bytes = await bytesAllocated(tenth, 40);
    assert.ok(bytes < 6000, `${bytes} bytes in 1520 calls`);
  });

  test('stop silences within one render quantum, and the voice comes back when it speaks again', async () => {
    const hummer = new Hummer(opus, 4 as Handle, 440);
    const speaker = node(PLAYOUT_PROCESSOR, { source: 4 });
    for (let n = 0; n < 25; n++) {
      hummer.hum(2);
      await deliver(2);
      render([speaker], 15);
    }
    core.postMessage({ type: 'stop', source: 4 as Handle } satisfies ToPlayout);
    await deliver();
    const [sound] = render([speaker], 40) as [Float32Array];
    assert.ok(largestStep(sound) < 0.06);
    assert.ok(rms(sound.subarray(QUANTUM)) === 0, 'silent after one quantum');
    for (let n = 0; n < 10; n++) {
      hummer.hum(2);
      await deliver(2);
      render([speaker], 15);
    }
    hummer.hum(2);
    await deliver(2);
    const [again] = render([speaker], 15) as [Float32Array];
    assert.ok(rms(again) > 0.15);
  });

  test('deafened, nothing plays; a closed node fades out, says so and ends', async () => {
    const hummer = new Hummer(opus, 5 as Handle, 440);
    const speaker = node(PLAYOUT_PROCESSOR, { source: 5 });
    core.postMessage({ type: 'deafen', deafened: true } satisfies ToPlayout);
    hummer.hum(10);
    await deliver();
    assert.equal(rms((render([speaker], 60) as [Float32Array])[0]), 0);
    core.postMessage({ type: 'deafen', deafened: false } satisfies ToPlayout);
    for (let n = 0; n < 10; n++) {
      hummer.hum(2);
      await deliver(2);
      render([speaker], 15);
    }
    speaker.post({ type: 'close' });
    await deliver();
    const [sound] = render([speaker], 4) as [Float32Array];
    assert.ok(largestStep(sound) < 0.06);
    assert.equal(rms(sound.subarray(QUANTUM)), 0);
    assert.equal(speaker.processor.process([], [[new Float32Array(QUANTUM)]]), false);
    await deliver();
    assert.deepEqual(speaker.received, [{ type: 'closed' }]);
  });

  test('capture gives mono frames with a clock that never stops, and takes its buffers back', async () => {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1);
    const captured: FromCapture[] = [];
    const buffers = new Set<Float32Array>();
    port1.onmessage = ({ data }: MessageEvent<FromCapture>) => {
      captured.push({ ...data, samples: data.samples.slice() });
      buffers.add(data.samples);
      port1.postMessage({ type: 'recycle', samples: data.samples }, [data.samples.buffer as ArrayBuffer]);
    };
    const capture = node(CAPTURE_PROCESSOR, { frameSamples: FRAME });
    capture.post({ type: 'port', port: port2, sampleTime: 1000 }, [port2]);
    await deliver();
    const left = sine(500, 48_000);
    for (let q = 0; q < 300; q++) {
      const channel = left.subarray(q * QUANTUM, (q + 1) * QUANTUM);
      // Stereo for a while, then nothing connected, then mono.
      const input = q < 100 ? [channel, channel] : q < 200 ? [] : [channel];
      assert.equal(capture.processor.process([input], [[new Float32Array(QUANTUM)]]), true);
      if (q % 8 === 0) await deliver(2);
    }
    await deliver();
    assert.equal(captured.length, 40);
    assert.deepEqual(
      captured.map(({ sampleTime }) => sampleTime),
      captured.map((_, index) => 1000 + index * FRAME),
    );
    assert.ok(shareAt((captured[5] as FromCapture).samples, 500) > 0.99);
    assert.ok(Math.abs(rms((captured[5] as FromCapture).samples) - rms(left)) < 0.01);
    assert.equal(rms((captured[20] as FromCapture).samples), 0);
    assert.ok(rms((captured[35] as FromCapture).samples) > 0.2);
    capture.post({ type: 'release' });
    await deliver();
    const [released] = capture.received;
    assert.ok(released?.type === 'released' && released.sampleTime === 1000 + 300 * QUANTUM);
    if (released?.type === 'released') ports.push(released.port);
    assert.equal(capture.processor.process([[]], [[new Float32Array(QUANTUM)]]), false);
  });
});

/** Bytes that functions of ours allocate while what `prepare` returns runs, after warm-up, `runs` times. */
async function bytesAllocated(prepare: () => Promise<() => void>, runs = 4): Promise<number> {
  for (let n = 0; n < 100; n++) (await prepare())();
  const inspector = new Session();
  inspector.connect();
  let bytes = 0;
  for (let n = 0; n < runs; n++) {
    const run = await prepare();
    await inspector.post('HeapProfiler.startSampling', {
      samplingInterval: 16,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    } as HeapProfiler.StartSamplingParameterType);
    run();
    const { profile } = await inspector.post('HeapProfiler.stopSampling');
    bytes += ownBytes(profile.head);
  }
  inspector.disconnect();
  return bytes;
}

/** Bytes allocated by functions of ours. */
function ownBytes(node: HeapProfiler.SamplingHeapProfileNode): number {
  const own = node.callFrame.url.includes('/src/audio/') ? node.selfSize : 0;
  return node.children.reduce((sum, child) => sum + ownBytes(child), own);
}
