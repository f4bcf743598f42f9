/** Plays a trace through a receiver and says how it sounded. */

import type { Opus } from '../../../src/audio/codec.js';
import { SpeakerPlayout } from '../../../src/audio/speaker-playout.js';
import { synthesizeVoice } from '../../../src/audio/test-voice.js';
import { VoiceEncoder } from '../../../src/audio/voice-encoder.js';
import type { Handle } from '../../../src/units.js';
import type { VoicePacket } from '../../../src/wire/voice-packet.js';
import { quantile } from '../statistics.js';
import { arrivalsOf, FRAME_MS, type Repair, type Trace } from './arrivals.js';
import { FixedBuffer } from './fixed-buffer.js';
import { NetEqLike } from './neteq-like.js';
import { CountingDecoder, type Player } from './player.js';

export type System = 'ours' | 'fixed-60' | 'neteq-like';

export interface Outcome {
  /** Share of the speaking time that was invented or silent instead of said, %. */
  readonly concealedPercent: number;
  /** Share of the speaking time rebuilt from in-band redundancy, %. */
  readonly recoveredPercent: number;
  /** Share of the frames never heard, for whatever reason, %. */
  readonly unheardPercent: number;
  /** From leaving the speaker to being heard; the path takes 30 ms of it. */
  readonly meanDelayMs: number;
  readonly p99DelayMs: number;
  /** Share of the time by which speech was lengthened or shortened, %. */
  readonly stretchedPercent: number;
  /**
   * Share of 10 ms steps whose spectrum changes more than it does in 99.9 % of the same voice's own steps, %: what
   * seams, stretching and concealment add to the 0.1 % the voice has by itself.
   */
  readonly roughPercent: number;
}

const QUANTUM = 128;
const FRAME = 960;
const SAMPLES_PER_MS = 48;
/** ms at the beginning that are not measured: every receiver may settle. */
const SETTLE_MS = 10_000;

export interface Voice {
  readonly packets: readonly VoicePacket[];
  /** Index of each packet's frame in the stream: pauses leave some out. */
  readonly indexOf: ReadonlyMap<Uint8Array, number>;
}

/** Encodes a made-up voice; without pauses it is sent for ever, as native tracks are. */
export function speak(
  opus: Opus,
  seed: number,
  seconds: number,
  hasPauses: boolean,
  lossPercent: number,
): Voice {
  const encoder = new VoiceEncoder({
    opus,
    bitrate: 32_000,
    frameSamples: FRAME,
    source: 1 as Handle,
    streamEpoch: 1,
  });
  encoder.setVoiceActivation(hasPauses ? 'auto' : 'off');
  for (let n = 0; n < 10; n++) encoder.adapt(() => [{ residualLoss: lossPercent / 100, queueMs: 0 }]);
  const sound = synthesizeVoice(seed, seconds, 48_000);
  const packets: VoicePacket[] = [];
  for (let at = 0; at + FRAME <= sound.length; at += FRAME)
    packets.push(...encoder.push(sound.subarray(at, at + FRAME), at));
  encoder.free();
  const indexOf = new Map(packets.map((packet) => [packet.frame, packet.sampleTime / FRAME]));
  return { packets, indexOf };
}

export function play(
  opus: Opus,
  system: System,
  voice: Voice,
  trace: Trace,
  repair: Repair,
  seed: number,
): Outcome {
  const decoder = new CountingDecoder(opus.createDecoder());
  const player = playerOf(system, decoder);
  const byIndex = new Map(voice.packets.map((packet) => [packet.sampleTime / FRAME, packet]));
  const arrivals = arrivalsOf(trace, repair, seed);
  const totalSamples = trace.frames * FRAME;
  const out = new Float32Array(QUANTUM);
  const heard = new Float32Array(totalSamples);
  const settled = SETTLE_MS * SAMPLES_PER_MS;
  let silent = 0;
  let atSettled = { concealed: 0, recovered: 0, stretched: 0 };
  let next = 0;
  for (let now = 0; now + QUANTUM <= totalSamples; now += QUANTUM) {
    for (; next < arrivals.length && arrivals[next]!.atMs * SAMPLES_PER_MS <= now; next++) {
      const packet = byIndex.get(arrivals[next]!.index);
      if (packet) player.push({ ...packet, previousFrame: undefined }, now);
    }
    decoder.nowSamples = now;
    const isSound = player.pull(out, QUANTUM, now);
    heard.set(out, now);
    if (!isSound && now >= settled) silent += QUANTUM;
    if (now < settled)
      atSettled = {
        concealed: decoder.concealedSamples,
        recovered: decoder.recoveredSamples,
        stretched: player.stretchedSamples,
      };
  }
  const delays: number[] = [];
  const heardIndices = new Set<number>();
  for (const { frame, atSamples } of decoder.played) {
    const index = voice.indexOf.get(frame);
    if (index === undefined) continue;
    heardIndices.add(index);
    if (atSamples >= settled) delays.push(atSamples / SAMPLES_PER_MS - (index + 1) * FRAME_MS);
  }
  const lastHeard = Math.max(...heardIndices);
  const due = [...byIndex.keys()].filter((index) => index * FRAME >= settled && index <= lastHeard);
  const spoken = due.length * FRAME;
  const concealed = decoder.concealedSamples - atSettled.concealed + (trace.hasPauses ? 0 : silent);
  decoder.free();
  return {
    concealedPercent: (100 * concealed) / spoken,
    recoveredPercent: (100 * (decoder.recoveredSamples - atSettled.recovered)) / spoken,
    unheardPercent: (100 * due.filter((index) => !heardIndices.has(index)).length) / due.length,
    meanDelayMs: delays.reduce((sum, delayMs) => sum + delayMs, 0) / delays.length,
    p99DelayMs: quantile(delays, 0.99),
    stretchedPercent: (100 * (player.stretchedSamples - atSettled.stretched)) / spoken,
    roughPercent: roughness(heard.subarray(settled), ordinaryStep(opus, voice, totalSamples, settled)),
  };
}

function playerOf(system: System, decoder: CountingDecoder): Player {
  if (system === 'fixed-60') return new FixedBuffer(decoder);
  if (system === 'neteq-like') return new NetEqLike(decoder);
  const speaker = new SpeakerPlayout();
  speaker.setDecoder(decoder);
  return speaker;
}

const ordinarySteps = new WeakMap<Voice, number>();

/** What 99.9 % of a voice's own spectral steps stay below: the same packets decoded one after the other, dB. */
function ordinaryStep(opus: Opus, voice: Voice, totalSamples: number, settled: number): number {
  let ordinary = ordinarySteps.get(voice);
  if (ordinary === undefined) {
    const clean = new Float32Array(totalSamples);
    const decoder = opus.createDecoder();
    const frame = new Float32Array(FRAME);
    for (const packet of voice.packets) {
      decoder.decode(packet.frame, frame);
      clean.set(frame, packet.sampleTime);
    }
    decoder.free();
    ordinary = quantile(spectralSteps(clean.subarray(settled)), 0.999);
    ordinarySteps.set(voice, ordinary);
  }
  return ordinary;
}

/** Bands of a third of an octave from 200 Hz to 6.4 kHz, enough to tell a seam from a vowel. */
const BANDS_HZ = Array.from({ length: 16 }, (_, band) => 200 * 2 ** (band / 3));
const STEP = 480;

function roughness(sound: Float32Array, ordinaryDb: number): number {
  const steps = spectralSteps(sound);
  return (100 * steps.filter((step) => step > ordinaryDb).length) / steps.length;
}

/** Root-mean-square step of the band levels between neighbouring 10 ms, dB; silence left out. */
function spectralSteps(sound: Float32Array): number[] {
  const steps: number[] = [];
  let before: Float64Array | undefined;
  for (let at = 0; at + STEP <= sound.length; at += STEP) {
    const levels = bandLevels(sound.subarray(at, at + STEP));
    if (levels && before) {
      let sum = 0;
      for (let band = 0; band < BANDS_HZ.length; band++) sum += (levels[band]! - before[band]!) ** 2;
      steps.push(Math.sqrt(sum / BANDS_HZ.length));
    }
    before = levels;
  }
  return steps;
}

/** Level of each band by Goertzel, dB; undefined below −50 dBFS. */
function bandLevels(block: Float32Array): Float64Array | undefined {
  let power = 0;
  for (const sample of block) power += sample * sample;
  if (power / block.length < 1e-5) return undefined;
  const levels = new Float64Array(BANDS_HZ.length);
  BANDS_HZ.forEach((hz, band) => {
    const twice = 2 * Math.cos((2 * Math.PI * hz) / 48_000);
    let first = 0;
    let second = 0;
    for (let i = 0; i < block.length; i++) {
      // Hann: without it a rectangular block's own edges would be the loudest seam.
      const windowed =
        (block[i] as number) * (0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / block.length));
      const now = windowed + twice * first - second;
      second = first;
      first = now;
    }
    levels[band] = 10 * Math.log10(first * first + second * second - twice * first * second + 1e-6);
  });
  return levels;
}
