/**
 * `npm run bench:encoders -- [--json]`
 *
 * libopus in WebAssembly beside the browser's own WebCodecs encoder, in each browser, on the same made-up voice: time a
 * 20 ms frame keeps a core busy, time until its packet is there when frames come one by one, bit rate, and whether
 * packets carry redundancy when 5 % of loss are announced. The choice in ARCHITECTURE.md rests on it.
 */

import { parseArgs } from 'node:util';
import { hasFec } from '../src/audio/opus-packet.js';
import { synthesizeVoice } from '../src/audio/test-voice.js';
import { firefoxInstalled, type BrowserKind } from '../test/support/browser.js';
import { Stage } from '../test/support/stage.js';
import { quantile } from './support/statistics.js';

interface Encoded {
  /** Encoding all frames at once, ms a frame. */
  readonly costMs: number;
  /** From handing over a frame to its packet, frame by frame, ms. */
  readonly waitsMs: readonly number[];
  readonly packets: readonly (readonly number[])[];
}

const { values } = parseArgs({ options: { json: { type: 'boolean', default: false } } });
const SECONDS = 10;
const kinds: BrowserKind[] = firefoxInstalled() ? ['chromium', 'firefox'] : ['chromium'];
const voice = Array.from(synthesizeVoice(3, SECONDS, 48_000), (sample) => Math.round(sample * 32_767));

/** In the page, by the codec's own file. */
async function byLibopus(codecUrl: string, samples: readonly number[]): Promise<Encoded> {
  await new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = codecUrl;
    script.onload = resolve;
    script.onerror = reject;
    document.head.append(script);
  });
  const opus = await globalThis.p2pVoiceRoomOpus!.loadOpus();
  const sound = Float32Array.from(samples, (sample) => sample / 32_767);
  const encodeAll = (onPacket: (packet: number[], waitMs: number) => void): number => {
    const encoder = opus.createEncoder({ bitrate: 32_000, frameSamples: 960 });
    encoder.setFec(true);
    encoder.setPacketLossPercent(5);
    const startMs = performance.now();
    let frames = 0;
    for (let at = 0; at + 960 <= sound.length; at += 960) {
      const fromMs = performance.now();
      const packet = encoder.encode(sound.subarray(at, at + 960));
      onPacket([...packet.subarray(0, 2), packet.length], performance.now() - fromMs);
      frames += 1;
    }
    encoder.free();
    return (performance.now() - startMs) / frames;
  };
  encodeAll(() => undefined);
  const packets: number[][] = [];
  const waitsMs: number[] = [];
  const costMs = encodeAll((packet, waitMs) => {
    packets.push(packet);
    waitsMs.push(waitMs);
  });
  return { costMs, waitsMs, packets };
}

/** In the page, by WebCodecs; undefined where it has no Opus encoder. */
async function byWebCodecs(samples: readonly number[]): Promise<Encoded | undefined> {
  const config = {
    codec: 'opus',
    sampleRate: 48_000,
    numberOfChannels: 1,
    bitrate: 32_000,
    opus: {
      application: 'voip',
      signal: 'voice',
      frameDuration: 20_000,
      packetlossperc: 5,
      useinbandfec: true,
    },
  } as AudioEncoderConfig;
  if (!('AudioEncoder' in globalThis) || !(await AudioEncoder.isConfigSupported(config)).supported)
    return undefined;
  const sound = Float32Array.from(samples, (sample) => sample / 32_767);
  const encodeAll = async (oneByOne: boolean): Promise<Encoded> => {
    const packets: number[][] = [];
    const waitsMs: number[] = [];
    let handedMs = 0;
    let onOutput = (): void => undefined;
    const encoder = new AudioEncoder({
      output: (chunk) => {
        waitsMs.push(performance.now() - handedMs);
        const bytes = new Uint8Array(chunk.byteLength);
        chunk.copyTo(bytes);
        packets.push([bytes[0] ?? 0, bytes[1] ?? 0, bytes.length]);
        onOutput();
      },
      error: (error) => console.error(error),
    });
    encoder.configure(config);
    const startMs = performance.now();
    for (let at = 0; at + 960 <= sound.length; at += 960) {
      const data = new AudioData({
        format: 'f32',
        sampleRate: 48_000,
        numberOfFrames: 960,
        numberOfChannels: 1,
        timestamp: (at / 48) * 1000,
        data: sound.slice(at, at + 960),
      });
      handedMs = performance.now();
      encoder.encode(data);
      data.close();
      // Its first packets may need more than one frame: none is waited for longer than two frames last.
      if (oneByOne)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, 40);
          onOutput = () => {
            clearTimeout(timer);
            resolve();
          };
        });
    }
    await encoder.flush();
    const costMs = (performance.now() - startMs) / packets.length;
    encoder.close();
    return { costMs, waitsMs, packets };
  };
  await encodeAll(false);
  const { costMs } = await encodeAll(false);
  return { ...(await encodeAll(true)), costMs };
}

const stage = await Stage.start({ browsers: kinds });
try {
  for (const kind of kinds) {
    const { page } = await stage.open({ name: kind, toneHz: null, kind, room: false });
    for (const [encoder, encoded] of [
      ['libopus', await page.evaluate(byLibopus, `${stage.pages.url}/dist/p2p-voice-room.codec.js`, voice)],
      ['webcodecs', await page.evaluate(byWebCodecs, voice)],
    ] as const) {
      if (!encoded) {
        process.stderr.write(`skipped: ${kind} has no Opus encoder in WebCodecs\n`);
        continue;
      }
      const { costMs, waitsMs, packets } = encoded;
      const bytes = packets.reduce((sum, packet) => sum + (packet[2] ?? 0), 0);
      const withFec = packets.filter((packet) => hasFec(Uint8Array.from(packet))).length;
      const row = {
        metric: 'encoder',
        browser: kind,
        encoder,
        costMs: Number(costMs.toFixed(3)),
        waitMedianMs: Number(quantile(waitsMs, 0.5).toFixed(2)),
        waitP95Ms: Number(quantile(waitsMs, 0.95).toFixed(2)),
        kbitPerSecond: Number(((bytes * 8) / SECONDS / 1000).toFixed(1)),
        withRedundancyPercent: Math.round((100 * withFec) / packets.length),
      };
      console.log(values.json ? JSON.stringify(row) : row);
    }
  }
} finally {
  await stage.close();
}
