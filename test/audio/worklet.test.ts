/** The worklet's real file, its processors run as a browser would run them. */

import assert from 'node:assert/strict';
import { Session } from 'node:inspector/promises';
import type { HeapProfiler } from 'node:inspector';
import { after, before, describe, test } from 'node:test';
import { loadOpus } from '../../src/audio/codec.js';
import {
  CAPTURE_PROCESSOR,
  DESK_PROCESSOR,
  type FromCapture,
  type FromPlayout,
  type ToPlayout,
} from '../../src/audio/messages.js';
import { VoiceEncoder } from '../../src/audio/voice-encoder.js';
import { DEFAULT_DESK, type SpeakerDesk } from '../../src/audio/voice-strip.js';
import type { Handle } from '../../src/units.js';
import { FRAME, largestStep, rms, shareAt, sine } from './support.js';
import { Node, deliver, loadWorklet, nextQuantum } from './worklet-scope.js';

const QUANTUM = 128;
const nodes: Node[] = [];
const ports: MessagePort[] = [];
let core: MessagePort;
let desk: Node;
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

/** Runs the desk for `quanta` and returns what reached each ear. */
function render(quanta: number): { left: Float32Array; right: Float32Array } {
  const left = new Float32Array(quanta * QUANTUM);
  const right = new Float32Array(quanta * QUANTUM);
  for (let q = 0; q < quanta; q++) {
    const outputs = [
      [left, right].map((ear) => ear.subarray(q * QUANTUM, (q + 1) * QUANTUM) as Float32Array<ArrayBuffer>),
    ];
    desk.processor.process([], outputs);
    nextQuantum();
  }
  return { left, right };
}

const hear = (source: number, changes: Partial<SpeakerDesk> = {}): void =>
  desk.post({ type: 'speaker', source: source as Handle, desk: { ...DEFAULT_DESK, ...changes } });

const forget = (source: number): void => desk.post({ type: 'speaker-gone', source: source as Handle });

/** Two frames of each and as much sound, `times` times. */
async function talk(hummers: readonly Hummer[], times: number): Promise<Float32Array[]> {
  const heard: Float32Array[] = [];
  for (let n = 0; n < times; n++) {
    for (const hummer of hummers) hummer.hum(2);
    await deliver(2);
    heard.push(render(15).left);
  }
  return heard;
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
    desk = node(DESK_PROCESSOR);
    desk.post({ type: 'port', port: port2 }, [port2]);
    await deliver();
  });
  after(() => {
    for (const { port } of nodes) port.close();
    for (const port of ports) port.close();
  });

  test('each speaker is heard where it was placed, and the core gets counters', async () => {
    const low = new Hummer(opus, 1 as Handle, 300);
    const high = new Hummer(opus, 2 as Handle, 700);
    hear(1, { pan: -1 });
    hear(2, { pan: 1 });
    const heard: { left: Float32Array; right: Float32Array }[] = [];
    for (let n = 0; n < 100; n++) {
      low.hum(2);
      high.hum(2);
      await deliver(2);
      heard.push(render(15));
    }
    await deliver();
    for (const [ear, frequencyHz] of [
      ['left', 300],
      ['right', 700],
    ] as const) {
      const sound = Float32Array.from(heard.slice(50).flatMap((both) => [...both[ear]]));
      assert.ok(shareAt(sound, frequencyHz) > 0.97, `${frequencyHz} Hz: ${shareAt(sound, frequencyHz)}`);
      // In one ear alone a voice is √2 as loud, which keeps its power.
      assert.ok(rms(sound) > 0.18 * Math.SQRT2 && largestStep(sound) < 0.06 * Math.SQRT2);
    }
    const last = reports.at(-1);
    assert.equal(last?.type, 'playout-stats');
    const stats = last?.sources.find(({ source }) => source === 1);
    assert.ok(stats && stats.framesPlayed > 150 && stats.framesLost === 0 && stats.playoutDelayMs > 0);
    assert.ok(reports.length >= 10 && reports.length <= 25, `${reports.length} reports in 4 s`);
    forget(1);
    forget(2);
    await deliver();
    render(4);
  });

  test('process() makes no object after warm-up, come what may', async () => {
    const hummer = new Hummer(opus, 3 as Handle, 440);
    hear(3, { tone: { lowDb: 3, midDb: -3, highDb: 6 }, gain: 4 });
    desk.post({ type: 'master', volume: 2, levelling: true });
    // A second's frames at once, every second: waits, conceals, stretches, skips.
    const outputs = [[new Float32Array(QUANTUM), new Float32Array(QUANTUM)]];
    const second = async () => {
      hummer.hum(50);
      await deliver();
      return () => {
        for (let q = 0; q < 375; q++) {
          desk.processor.process([], outputs);
          nextQuantum();
        }
      };
    };
    const bytes = await bytesAllocated(second, 1, 8);
    // No object and no array: those would be 100 bytes a frame, 5000 here. The engine may box a number a frame, and
    // levelling a few for its measurement ten times a second.
    assert.ok(bytes < 3500, `${bytes} bytes in 375 calls`);
    desk.post({ type: 'master', volume: 1, levelling: false });
    forget(3);
    await deliver();
    render(100);
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
    hear(4);
    await talk([hummer], 25);
    core.postMessage({ type: 'stop', source: 4 as Handle } satisfies ToPlayout);
    await deliver();
    const { left } = render(40);
    assert.ok(largestStep(left) < 0.06);
    assert.ok(rms(left.subarray(QUANTUM)) === 0, 'silent after one quantum');
    await talk([hummer], 10);
    assert.ok(rms((await talk([hummer], 1))[0] as Float32Array) > 0.15);
  });

  test('deafened, nothing plays; a speaker who is gone fades out', async () => {
    const hummer = new Hummer(opus, 5 as Handle, 440);
    hear(5);
    core.postMessage({ type: 'deafen', deafened: true } satisfies ToPlayout);
    await deliver();
    // What the resting voices' filters still hold.
    render(4);
    hummer.hum(10);
    await deliver();
    assert.equal(rms(render(60).left), 0);
    core.postMessage({ type: 'deafen', deafened: false } satisfies ToPlayout);
    await talk([hummer], 10);
    forget(5);
    await deliver();
    const { left } = render(4);
    assert.ok(rms(left.subarray(0, QUANTUM)) > 0 && largestStep(left) < 0.06);
    assert.equal(rms(left.subarray(QUANTUM)), 0);
  });

  test('a closed desk ends', async () => {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1);
    const other = node(DESK_PROCESSOR);
    other.post({ type: 'port', port: port2 }, [port2]);
    await deliver();
    const outputs = [[new Float32Array(QUANTUM), new Float32Array(QUANTUM)]];
    assert.equal(other.processor.process([], outputs), true);
    other.post({ type: 'close' });
    await deliver();
    assert.equal(other.processor.process([], outputs), false);
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

/**
 * Bytes that functions of ours allocate while what `prepare` returns runs, after warm-up, `runs` times: the least of
 * several rounds. While the engine runs a function unoptimized it boxes every number in it, and when it optimizes which
 * is its own affair; an object of ours would be in all of them.
 */
async function bytesAllocated(prepare: () => Promise<() => void>, runs: number, rounds = 4): Promise<number> {
  for (let n = 0; n < 100; n++) (await prepare())();
  const inspector = new Session();
  inspector.connect();
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
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
    least = Math.min(least, bytes);
  }
  inspector.disconnect();
  return least;
}

/** Bytes allocated by functions of ours. */
function ownBytes(node: HeapProfiler.SamplingHeapProfileNode): number {
  const own = node.callFrame.url.includes('/src/audio/') ? node.selfSize : 0;
  return node.children.reduce((sum, child) => sum + ownBytes(child), own);
}
