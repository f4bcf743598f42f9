/** Runs in the benchmark's page: rooms of ours, native connections, and probes that speak and listen on one clock. */

import { contexts, playedBy } from './tap.js';
import type { VoiceRoom as VoiceRoomClass } from '../../../../src/room/voice-room.js';
import * as bare from './bare.js';
import type { VoicePage } from './globals.js';
import * as native from './native.js';
import type { ProbePlay } from './probe-worklet.js';
import { samplesToText, textToSamples } from './samples.js';

interface OpenRoom {
  readonly room: VoiceRoomClass;
  readonly context: AudioContext;
}

interface Probe {
  readonly context: AudioContext;
  readonly node: AudioWorkletNode;
  /** The context is the probe's, not a room's. */
  readonly isOwn: boolean;
  recording: Float32Array | undefined;
}

const BUNDLE = '/dist/p2p-voice-room.js';
const { VoiceRoom } = (await import(BUNDLE)) as { VoiceRoom: typeof VoiceRoomClass };

const rooms: OpenRoom[] = [];
const streams: MediaStream[] = [];
const probes = new Map<number, Probe>();

const stateOf = ({ room }: OpenRoom): object => ({
  selfId: room.selfId,
  state: room.state,
  peers: room.peers.map(({ id, name, hops, parentId }) => ({ id, name, hops, parentId })),
  overlay: room.overlay,
});

async function makeProbe(roomIndex?: number): Promise<number> {
  const context =
    roomIndex === undefined
      ? new AudioContext({ sampleRate: 48_000, latencyHint: 'interactive' })
      : rooms[roomIndex]!.context;
  await context.audioWorklet.addModule('/probe-worklet.js');
  if (context.state !== 'running') await context.resume();
  const mouth = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  const node = new AudioWorkletNode(context, 'probe', { outputChannelCount: [1] });
  node.connect(mouth);
  playedBy(context).connect(node);
  const index = streams.push(mouth.stream) - 1;
  const probe: Probe = { context, node, isOwn: roomIndex === undefined, recording: undefined };
  node.port.onmessage = ({ data }: MessageEvent<Float32Array>) => (probe.recording = data);
  probes.set(index, probe);
  return index;
}

let freezing: ReturnType<typeof setInterval> | undefined;

const page: VoicePage = {
  async join(options) {
    const room = new VoiceRoom(options);
    room.addEventListener('room-error', ({ error }) => console.warn(`${error.reason}: ${error.message}`));
    const joined = room.join();
    // Made in the very call, because browsers want it inside the person's gesture.
    rooms.push({ room, context: contexts.at(-1)! });
    const index = rooms.length - 1;
    await joined;
    return index;
  },
  relaysTo(index, speakerId) {
    const hops = rooms[index]!.room.peers.find(({ id }) => id === speakerId)?.hops;
    return hops === undefined ? undefined : hops - 1;
  },
  explain: (index) => JSON.stringify(stateOf(rooms[index]!)),
  selfId: (index) => String(rooms[index]!.room.selfId),
  stats: (index) => rooms[index]!.room.stats(),
  speak(index, stream) {
    rooms[index]!.room.configure({ microphone: streams[stream]!, listenOnly: false });
  },
  async leaveAll() {
    await Promise.all(rooms.splice(0).map(({ room }) => room.leave()));
    await forgetProbes();
  },

  probe: makeProbe,
  play(index, signal, mode) {
    const probe = probes.get(index)!;
    const samples = textToSamples(signal);
    probe.recording = undefined;
    const recording = mode === 'record' ? new Float32Array(samples.length) : undefined;
    const message: ProbePlay = { signal: samples, recording, loop: mode === 'loop' };
    probe.node.port.postMessage(message, [
      samples.buffer,
      ...(recording ? [recording.buffer as ArrayBuffer] : []),
    ]);
  },
  recording(index) {
    const { recording } = probes.get(index)!;
    return recording && samplesToText(recording);
  },

  offer: (stream) => native.offer(streams[stream]!),
  async answer(sdp) {
    const answered = await native.answer(sdp);
    return { stream: streams.push(answered.stream) - 1, sdp: answered.sdp };
  },
  accept: native.accept,
  hear: (stream, probe) => native.hear(streams[stream]!, probes.get(probe)!.context),
  hearInElement: (stream) => native.hearInElement(streams[stream]!),
  nativeConcealment: native.concealment,
  async closeNative() {
    native.close();
    await forgetProbes();
  },

  addBare: bare.add,
  offerBare: bare.offer,
  answerBare: bare.answer,
  acceptBare: bare.accept,
  speakBare: bare.speak,
  takeBare: bare.take,
  closeBare: bare.close,

  freeze(busyMs, everyMs) {
    freezing = setInterval(() => {
      const untilMs = performance.now() + busyMs;
      while (performance.now() < untilMs);
    }, everyMs);
  },
  thaw: () => clearInterval(freezing),
};

async function forgetProbes(): Promise<void> {
  const own = [...probes.values()].filter(({ isOwn }) => isOwn);
  probes.clear();
  await Promise.all(own.map(({ context }) => context.close()));
}

globalThis.voice = page;
// Functions that Node sends into a page were compiled with names kept, by a helper that is only known there.
(globalThis as { __name?: unknown }).__name ??= (target: unknown) => target;
