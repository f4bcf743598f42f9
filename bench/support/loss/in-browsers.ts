/**
 * Two Chromiums, a lossy path between them: one of our rooms and a native track side by side, the same moments of sound
 * in both. Concealment as each receiver counts it; delay from the moment a tone begins at the speaker until the listener
 * plays it, good to a block of 10 ms each, the same clock and detector for both.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { launch, type Browser, type Page } from 'puppeteer-core';
import { CHROMIUM_ARGS, chromiumPath } from '../../../scripts/lib/browsers.mjs';
import { startNostrRelay } from '../../../scripts/servers/nostr-relay.mjs';
import { startTracker } from '../../../scripts/servers/tracker.mjs';
import { descendantsOf } from '../../../test/support/browser.js';
import { TONES_HZ, injectedScripts } from '../../../test/support/injected-scripts.js';
import { startPages } from '../../../test/support/pages.js';
import { presenceOf, waitFor } from '../../../test/support/tones.js';
import { quantile } from '../statistics.js';
import { Lab, type Side } from './lab.js';

export interface BrowserOutcome {
  readonly system: 'ours' | 'native';
  readonly lossPercent: number;
  /** Time invented because of loss or lateness, %. */
  readonly concealedPercent: number;
  /** Frames lost for good, %: for the native track, whose redundancy is decoded unseen, packets. */
  readonly lostPercent: number;
  readonly medianDelayMs: number;
  readonly p95DelayMs: number;
  /** What the receiver holds voice back, by its own count. */
  readonly bufferMs: number;
  /** What the machine did to both meanwhile: packets the path held up although it was not told to, %, and the worst. */
  readonly heldUpPercent: number;
  readonly heldUpWorstMs: number;
  /** How long threads of both browsers waited for a core, % of the time, all threads added. */
  readonly coreWaitPercent: number;
}

interface Counts {
  readonly atMs: number;
  readonly concealedMs: number;
  readonly playedMs: number;
  readonly lost: number;
  readonly received: number;
  readonly bufferMs: number;
}

declare global {
  var benchGate: (onAtMs: number, forMs: number) => number;
  var benchNative: RTCPeerConnection;
}

const [OURS_HZ, NATIVE_HZ] = TONES_HZ;
const SETTLE_MS = 12_000;
/** A tone every so often, for so long; uneven, so that it falls anywhere in frames and blocks. */
const EVERY_MS = 1013;
const TONE_MS = 400;

export async function measureInBrowsers(
  lossPercents: readonly number[],
  secondsEach: number,
  onOutcome: (outcome: BrowserOutcome) => void,
): Promise<void> {
  const servers = await Promise.all([startTracker(), startNostrRelay(), startPages()]);
  const [tracker, relay, pages] = servers;
  const browsers: Browser[] = [];
  let lab: Lab | undefined;
  try {
    lab = await Lab.start(25, 1);
    for (const { url } of servers) await lab.expose(url);
    const open = async (side: Side): Promise<Page> => {
      const browser = await launch({
        executablePath: (lab as Lab).programOn(side, chromiumPath() as string),
        args: [...CHROMIUM_ARGS],
        pipe: true,
        protocolTimeout: 60_000,
      });
      browsers.push(browser);
      const page = await browser.newPage();
      await page.evaluateOnNewDocument((await injectedScripts()).page);
      await page.goto(`${pages.url}/room.html`, { waitUntil: 'load' });
      await waitFor(page, () => globalThis.roomReady === true, [], { message: `${side} did not load` });
      return page;
    };
    const speaker = await open('near');
    const listener = await open('far');
    const attributes = {
      room: 'loss',
      'app-id': 'p2p-voice-room-bench',
      trackers: tracker.url,
      'nostr-relays': relay.url,
      'ice-servers': '[]',
      'voice-activation': 'off',
    };
    for (const page of [speaker, listener])
      await page.evaluate((given) => globalThis.makeRoom(given, undefined, 0), attributes);
    await speaker.evaluate(prepareSpeaker, OURS_HZ, NATIVE_HZ);
    await listener.evaluate(() => globalThis.rooms[0]!.setAttribute('listen-only', ''));
    await Promise.all([speaker, listener].map((page) => page.evaluate(() => globalThis.rooms[0]!.join())));
    await connectNative(speaker, listener);
    await waitFor(listener, () => (globalThis.rooms[0]!.stats().sources[0]?.framesReceived ?? 0) > 50, [], {
      message: 'the room carries no voice',
      timeoutMs: 30_000,
    });
    for (const lossPercent of lossPercents) {
      lab.setLossPercent(lossPercent);
      await sleep(SETTLE_MS);
      await lab.disturbance();
      const startedMs = performance.now();
      const waitedMs = coreWaitMs(browsers);
      const measured = await measure(speaker, listener, secondsEach);
      const { heldUpPercent, worstMs: heldUpWorstMs } = await lab.disturbance();
      const coreWaitPercent = (100 * (coreWaitMs(browsers) - waitedMs)) / (performance.now() - startedMs);
      for (const outcome of measured)
        onOutcome({ ...outcome, lossPercent, heldUpPercent, heldUpWorstMs, coreWaitPercent });
    }
  } finally {
    await Promise.allSettled(browsers.map((browser) => browser.close()));
    await lab?.close();
    await Promise.allSettled(servers.map((server) => server.close()));
  }
}

/** ms that all threads of these browsers were ready to run and no core was free, since they began. */
function coreWaitMs(browsers: readonly Browser[]): number {
  let waitedNs = 0;
  for (const browser of browsers)
    for (const pid of descendantsOf(browser.process()!.pid!))
      for (const thread of threadsOf(pid)) waitedNs += thread;
  return waitedNs / 1e6;
}

/** Of each thread of a process, ns waited for a core; none when it has just ended. */
function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map((thread) =>
      Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[1]),
    );
  } catch (error) {
    if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    return [];
  }
}

/** In the speaker's page: one gate, two tones behind it, one for each system. */
function prepareSpeaker(oursHz: number, nativeHz: number): void {
  const context = new globalThis.__native.AudioContext({ sampleRate: 48_000 });
  const gate = new GainNode(context, { gain: 0 });
  const streams = [oursHz, nativeHz].map((frequency) => {
    const destination = context.createMediaStreamDestination();
    const level = new GainNode(context, { gain: 0 });
    const oscillator = new OscillatorNode(context, { frequency });
    gate.connect(level.gain);
    oscillator.connect(level).connect(destination);
    oscillator.start();
    return destination.stream;
  });
  const on = new ConstantSourceNode(context, { offset: 0.25 });
  on.connect(gate);
  on.start();
  globalThis.benchGate = (afterMs, forMs) => {
    const at = context.currentTime + afterMs / 1000;
    gate.gain.setValueAtTime(1, at);
    gate.gain.setValueAtTime(0, at + forMs / 1000);
    return Date.now() + afterMs;
  };
  globalThis.rooms[0]!.microphone = streams[0]!;
  const connection = new RTCPeerConnection();
  globalThis.benchNative = connection;
  connection.addTrack(streams[1]!.getAudioTracks()[0]!, streams[1]!);
}

/** Offer and answer by hand, candidates included: nothing of it crosses the path. */
async function connectNative(speaker: Page, listener: Page): Promise<void> {
  const offer = await speaker.evaluate(async () => {
    const connection = globalThis.benchNative;
    await connection.setLocalDescription(await connection.createOffer());
    while (connection.iceGatheringState !== 'complete')
      await new Promise((resolve) =>
        connection.addEventListener('icegatheringstatechange', resolve, { once: true }),
      );
    return connection.localDescription!.sdp;
  });
  const answer = await listener.evaluate(async (sdp) => {
    const connection = new RTCPeerConnection();
    globalThis.benchNative = connection;
    const context = new AudioContext();
    connection.ontrack = ({ track }) => {
      const stream = new MediaStream([track]);
      // Chromium feeds a remote stream into Web Audio only while an element plays it.
      const element = new Audio();
      element.srcObject = stream;
      element.muted = true;
      void element.play();
      new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(context.destination);
    };
    await connection.setRemoteDescription({ type: 'offer', sdp });
    await connection.setLocalDescription(await connection.createAnswer());
    while (connection.iceGatheringState !== 'complete')
      await new Promise((resolve) =>
        connection.addEventListener('icegatheringstatechange', resolve, { once: true }),
      );
    return connection.localDescription!.sdp;
  }, offer);
  await speaker.evaluate(
    (sdp) => globalThis.benchNative.setRemoteDescription({ type: 'answer', sdp }),
    answer,
  );
}

const countsOf = (listener: Page): Promise<Record<'ours' | 'native', Counts>> =>
  listener.evaluate(async () => {
    const atMs = performance.now();
    const source = globalThis.rooms[0]!.stats().sources.find(({ framesReceived }) => framesReceived > 0)!;
    const report = await globalThis.benchNative.getStats();
    const inbound = [...report.values()].find(({ type }) => type === 'inbound-rtp') as {
      concealedSamples: number;
      totalSamplesReceived: number;
      jitterBufferDelay: number;
      jitterBufferEmittedCount: number;
      packetsLost: number;
      packetsReceived: number;
    };
    return {
      ours: {
        atMs,
        concealedMs: source.concealedMs,
        playedMs: atMs,
        lost: source.framesConcealed,
        received: source.framesReceived,
        bufferMs: source.playoutDelayMs,
      },
      native: {
        atMs,
        concealedMs: inbound.concealedSamples / 48,
        playedMs: inbound.totalSamplesReceived / 48,
        lost: inbound.packetsLost,
        received: inbound.packetsReceived,
        // Sum over all samples so far, s: the caller takes differences.
        bufferMs: inbound.jitterBufferDelay * 1000,
      },
    };
  });

type Measured = Pick<
  BrowserOutcome,
  'system' | 'concealedPercent' | 'lostPercent' | 'medianDelayMs' | 'p95DelayMs' | 'bufferMs'
>;

async function measure(speaker: Page, listener: Page, seconds: number): Promise<Measured[]> {
  const before = await countsOf(listener);
  const delays = { ours: [] as number[], native: [] as number[] };
  const buffers: number[] = [];
  const untilMs = Date.now() + seconds * 1000;
  while (Date.now() < untilMs) {
    const onMs = await speaker.evaluate((forMs) => globalThis.benchGate(100, forMs), TONE_MS);
    await sleep(EVERY_MS);
    for (const [system, toneHz] of [
      ['ours', OURS_HZ],
      ['native', NATIVE_HZ],
    ] as const) {
      const { firstHeardMs } = await presenceOf(listener, toneHz, onMs - 50);
      if (firstHeardMs !== undefined) delays[system].push(firstHeardMs - onMs);
    }
    buffers.push((await countsOf(listener)).ours.bufferMs);
  }
  const after = await countsOf(listener);
  const emittedMs = after.native.playedMs - before.native.playedMs;
  return (['ours', 'native'] as const).map((system) => {
    const concealedMs = after[system].concealedMs - before[system].concealedMs;
    const lost = after[system].lost - before[system].lost;
    return {
      system,
      lostPercent: (100 * lost) / (lost + after[system].received - before[system].received),
      concealedPercent: (100 * concealedMs) / (after[system].playedMs - before[system].playedMs),
      medianDelayMs: quantile(delays[system], 0.5),
      p95DelayMs: quantile(delays[system], 0.95),
      bufferMs:
        system === 'ours'
          ? buffers.reduce((sum, bufferMs) => sum + bufferMs, 0) / buffers.length
          : (after.native.bufferMs - before.native.bufferMs) / (emittedMs * 48),
    };
  });
}
