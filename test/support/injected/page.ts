/**
 * Runs in every page before its own scripts: a tap on everything that reaches an AudioDestinationNode, counters of
 * what is open, and a freezer of the main thread. The page is left as it is otherwise.
 */

import type { Freezer, Live, Presence, Tap, TapOptions, TapReport } from './globals.js';

/** Replaced by the harness when it injects this script. */
declare const TAP_OPTIONS: TapOptions;
declare const TAP_WORKLET_PATH: string;

/** One minute of 10 ms blocks for each context. */
const MAX_BLOCKS = 6000;

/** A tone that fills two thirds of a window is playing; less is a tail or an onset. */
const PRESENT_SHARE = 2 / 3;

interface Block {
  readonly atMs: number;
  readonly amplitudes: Float32Array;
  readonly peak: number;
}

const NativeAudioContext = globalThis.AudioContext;
const nativeConnect = AudioNode.prototype.connect as (
  this: AudioNode,
  ...args: unknown[]
) => AudioNode | undefined;
const nativeDisconnect = AudioNode.prototype.disconnect as (this: AudioNode, ...args: unknown[]) => void;
const nativeSetInterval = globalThis.setInterval.bind(globalThis);
const nativeClearInterval = globalThis.clearInterval.bind(globalThis);
const taps = new WeakMap<BaseAudioContext, AudioNode>();
/** What each context has played; at most MAX_BLOCKS a context. */
const histories: Block[][] = [];

/** The node that listens to a context: a gain at once, the worklet behind it as soon as it has loaded. */
function tapOf(context: BaseAudioContext): AudioNode {
  const known = taps.get(context);
  if (known) return known;
  const entrance = context.createGain();
  taps.set(context, entrance);
  const history: Block[] = [];
  histories.push(history);
  context.audioWorklet.addModule(new URL(TAP_WORKLET_PATH, location.origin).href).then(
    () => {
      if (context.state === 'closed') return;
      const worklet = new AudioWorkletNode(context, 'p2p-voice-room-test-tap', {
        channelCountMode: 'max',
        processorOptions: TAP_OPTIONS,
      });
      worklet.port.onmessage = ({ data }: MessageEvent<TapReport>) => {
        const tones = TAP_OPTIONS.tonesHz.length;
        data.atMs.forEach((atMs, i) => {
          history.push({
            atMs,
            amplitudes: data.amplitudes.subarray(i * tones, (i + 1) * tones),
            peak: data.peaks[i]!,
          });
        });
        if (history.length > MAX_BLOCKS) history.splice(0, history.length - MAX_BLOCKS);
      };
      // The worklet's output is silence; connected, so that every browser runs it.
      nativeConnect.call(entrance, worklet);
      nativeConnect.call(worklet, context.destination);
    },
    (error: unknown) => console.error('the tap did not load', error),
  );
  return entrance;
}

AudioNode.prototype.connect = function (this: AudioNode, ...args: unknown[]) {
  const [target, output] = args;
  if (target instanceof AudioDestinationNode && !(this.context instanceof OfflineAudioContext))
    nativeConnect.call(this, tapOf(this.context), ...(output === undefined ? [] : [output]));
  return nativeConnect.apply(this, args);
} as typeof AudioNode.prototype.connect;

AudioNode.prototype.disconnect = function (this: AudioNode, ...args: unknown[]) {
  const tap = taps.get(this.context);
  // Without a target `disconnect` drops every connection, the one to the tap included.
  if (args[0] instanceof AudioDestinationNode && tap) nativeDisconnect.call(this, tap);
  nativeDisconnect.apply(this, args);
} as typeof AudioNode.prototype.disconnect;

const indexOf = (toneHz: number): number => {
  const index = TAP_OPTIONS.tonesHz.indexOf(toneHz);
  if (index < 0) throw new RangeError(`the tap does not listen for ${toneHz} Hz`);
  return index;
};

function blocksSince(history: readonly Block[], sinceMs: number): readonly Block[] {
  let from = history.length;
  while (from > 0 && history[from - 1]!.atMs >= sinceMs) from--;
  return history.slice(from);
}

function share(blocks: readonly Block[], tone: number, windowMs: number): number {
  let heard = 0;
  for (const block of blocks) if (block.amplitudes[tone]! >= TAP_OPTIONS.thresholdAmplitude) heard++;
  // Of the window, not of the blocks: a context that stands still plays nothing.
  return heard / Math.max(blocks.length, (windowMs / 10) * 0.5);
}

const tap: Tap = {
  nowMs: () => Date.now(),
  tones(windowMs = 300) {
    const recent = histories.map((history) => blocksSince(history, Date.now() - windowMs));
    return TAP_OPTIONS.tonesHz
      .filter((_, tone) => recent.some((blocks) => share(blocks, tone, windowMs) >= PRESENT_SHARE))
      .sort((a, b) => a - b);
  },
  amplitude(toneHz, windowMs = 300) {
    const tone = indexOf(toneHz);
    const means = histories.map((history) => {
      const blocks = blocksSince(history, Date.now() - windowMs);
      return blocks.reduce((sum, block) => sum + block.amplitudes[tone]!, 0) / Math.max(1, blocks.length);
    });
    return Math.max(0, ...means);
  },
  peak(sinceMs) {
    return Math.max(
      0,
      ...histories.flatMap((history) => blocksSince(history, sinceMs).map(({ peak }) => peak)),
    );
  },
  amplitudes(toneHz, sinceMs) {
    const tone = indexOf(toneHz);
    const all = histories.map((history) => blocksSince(history, sinceMs));
    all.sort((a, b) => b.length - a.length);
    return (all[0] ?? []).map((block) => block.amplitudes[tone]!);
  },
  presence(toneHz, sinceMs = 0) {
    const tone = indexOf(toneHz);
    const all = histories.map((history) => presenceIn(blocksSince(history, sinceMs), tone));
    // Of several contexts the one that heard it most tells the story; where none did, the one that played longest.
    all.sort((a, b) => b.blocksHeard - a.blocksHeard || b.blocks - a.blocks);
    return all[0] ?? presenceIn([], tone);
  },
};

function presenceIn(blocks: readonly Block[], tone: number): Presence {
  const gapsMs: number[] = [];
  const gapsAtMs: number[] = [];
  let firstHeardMs: number | undefined;
  let lastHeardMs: number | undefined;
  let lastHeard = -1;
  let blocksHeard = 0;
  let run = 0;
  let longestRun = 0;
  blocks.forEach((block, i) => {
    if (block.amplitudes[tone]! < TAP_OPTIONS.thresholdAmplitude) {
      run = 0;
      return;
    }
    longestRun = Math.max(longestRun, ++run);
    // Counted in blocks of the audio clock: when a block was rendered depends on the device's buffer.
    if (lastHeard >= 0 && i - lastHeard > 2) {
      gapsMs.push((i - lastHeard - 1) * 10);
      gapsAtMs.push(blocks[lastHeard]!.atMs + 10);
    }
    firstHeardMs ??= block.atMs;
    lastHeardMs = block.atMs;
    lastHeard = i;
    blocksHeard++;
  });
  return {
    firstHeardMs,
    lastHeardMs,
    gapsMs,
    gapsAtMs,
    longestMs: longestRun * 10,
    blocksHeard,
    blocks: blocks.length,
  };
}

/* Counters. Everything is kept until it is closed: what is never closed is what a test looks for. */

const connections = new Set<RTCPeerConnection>();
const tracks = new Set<MediaStreamTrack>();
const contexts = new Set<AudioContext>();
const workers = new Set<Worker>();
const sockets = new Set<WebSocket>();
const intervals = new Set<number>();

/** Replaces a global constructor by one that notes each instance. Subclasses of it are noted too. */
function counted<K extends 'AudioContext' | 'RTCPeerConnection' | 'Worker' | 'WebSocket'>(
  name: K,
  note: (instance: InstanceType<(typeof globalThis)[K]>) => void,
): void {
  const Native = globalThis[name] as unknown as new (...args: unknown[]) => object;
  const Counted = new Proxy(Native, {
    construct(target, args, newTarget) {
      const instance = Reflect.construct(target, args, newTarget === Counted ? target : newTarget) as object;
      note(instance as InstanceType<(typeof globalThis)[K]>);
      return instance;
    },
  });
  Object.defineProperty(globalThis, name, { value: Counted, configurable: true, writable: true });
}

counted('RTCPeerConnection', (connection) => {
  // Chromium lets a page have 500, those included that are closed but still referred to.
  for (const one of connections) if (one.signalingState === 'closed') connections.delete(one);
  connections.add(connection);
});
counted('AudioContext', (context) => contexts.add(context));
counted('WebSocket', (socket) => sockets.add(socket));
counted('Worker', (worker) => {
  workers.add(worker);
  worker.addEventListener('error', ({ message, filename, lineno, colno }) =>
    console.error(`a worker threw: ${message} (${filename}:${lineno}:${colno})`),
  );
  const terminate = worker.terminate.bind(worker);
  worker.terminate = () => {
    workers.delete(worker);
    terminate();
  };
});

const { clone } = MediaStreamTrack.prototype;
MediaStreamTrack.prototype.clone = function (this: MediaStreamTrack) {
  const copy = clone.call(this);
  tracks.add(copy);
  return copy;
};
if (typeof MediaDevices === 'function') {
  const { getUserMedia } = MediaDevices.prototype;
  MediaDevices.prototype.getUserMedia = async function (this: MediaDevices, constraints) {
    const stream = await getUserMedia.call(this, constraints);
    for (const track of stream.getTracks()) tracks.add(track);
    return stream;
  };
}

globalThis.setInterval = ((...args: Parameters<typeof setInterval>) => {
  const id = nativeSetInterval(...args);
  intervals.add(id as unknown as number);
  return id;
}) as typeof setInterval;
globalThis.clearInterval = ((id: number | undefined) => {
  if (id !== undefined) intervals.delete(id);
  nativeClearInterval(id);
}) as typeof clearInterval;

const count = <T>(set: Set<T>, isLive: (one: T) => boolean): number => [...set].filter(isLive).length;

const live = (): Live => ({
  connections: count(connections, (one) => one.signalingState !== 'closed'),
  tracks: count(tracks, (one) => one.readyState === 'live'),
  contexts: count(contexts, (one) => one.state !== 'closed'),
  workers: workers.size,
  sockets: count(sockets, (one) => one.readyState !== WebSocket.CLOSED),
  intervals: intervals.size,
});

let beginning: ReturnType<typeof setTimeout> | undefined;
let freezing: ReturnType<typeof setInterval> | undefined;
let frozeAtMs: number[] = [];
const freezer: Freezer = {
  start(busyMs, everyMs, phaseMs = 0) {
    frozeAtMs = [];
    beginning = setTimeout(() => {
      freezing = nativeSetInterval(() => {
        frozeAtMs.push(Date.now());
        const untilMs = performance.now() + busyMs;
        while (performance.now() < untilMs);
      }, everyMs);
    }, phaseMs);
  },
  stop() {
    clearTimeout(beginning);
    nativeClearInterval(freezing);
    return frozeAtMs;
  },
};

globalThis.__native = { AudioContext: NativeAudioContext };
globalThis.__tap = tap;
globalThis.__live = live;
globalThis.__freezer = freezer;
globalThis.__suspendAll = async () => {
  for (const context of contexts) if (context.state === 'running') await context.suspend();
};
// Functions that tests send into a page were compiled with names kept, by a helper that is only known in Node.
(globalThis as { __name?: unknown }).__name ??= (target: unknown) => target;
