/**
 * A room left running: does memory stay flat and the delay where it was? A page with mouth and ear (two members, so
 * that delay is told by one clock), a page that relays, and a page that only listens. Chromium: no other browser tells
 * how much a worker's heap holds.
 */

import { readFileSync } from 'node:fs';
import type { CDPSession, Page } from 'puppeteer-core';
import type { TestBrowser } from '../../../test/support/browser.js';
import { descendantsOf } from '../../../test/support/browser.js';
import { waitFor } from '../../../test/support/tones.js';
import { quantile } from '../statistics.js';
import { clickTrack, findClicks } from './click-track.js';
import { playAndRecord } from './paths.js';
import type { VoiceStage } from './voice-stage.js';

/** Clicks of one sample: about 4 s of sound. */
const CLICKS = 12;

const FORMING_MS = 60_000;

export interface SoakSample {
  readonly seconds: number;
  /** kB by place: `heap of …` after a collection, `resident …` of the browser's processes. */
  readonly kilobytes: Readonly<Record<string, number>>;
  readonly medianMs: number;
  readonly clicksLost: number;
}

/** A place whose heap can be asked for. */
interface Heap {
  readonly name: string;
  readonly session: CDPSession;
}

export interface SoakOptions {
  readonly browser: TestBrowser;
  readonly stage: VoiceStage;
  readonly seconds: number;
  /** s between two samples. */
  readonly everySeconds: number;
  readonly onSample?: (sample: SoakSample) => void;
}

/** Runs for so long. @returns the samples, oldest first */
export async function soak({
  browser,
  stage,
  seconds,
  everySeconds,
  onSample,
}: SoakOptions): Promise<SoakSample[]> {
  const [ends, relay, listener] = [
    await stage.open(browser),
    await stage.open(browser),
    await stage.open(browser),
  ];
  const probe = await form(stage, ends, relay, listener);
  const heaps = (
    await Promise.all([heapsOf('ends', ends), heapsOf('relay', relay), heapsOf('listener', listener)])
  ).flat();
  const samples: SoakSample[] = [];
  const startedMs = performance.now();
  const secondsNow = (): number => (performance.now() - startedMs) / 1000;
  while (secondsNow() < seconds) {
    const track = clickTrack(CLICKS, 500);
    const heard = findClicks(track, await playAndRecord(ends, probe, track.samples));
    const sample: SoakSample = {
      seconds: secondsNow(),
      kilobytes: { ...(await heapKilobytes(heaps)), ...residentKilobytes(browser) },
      medianMs: quantile(heard.delaysMs, 0.5),
      clicksLost: heard.clicksLost,
    };
    samples.push(sample);
    onSample?.(sample);
    const pauseMs = startedMs + samples.length * everySeconds * 1000 - performance.now();
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
  await Promise.all([ends, relay, listener].map((page) => page.close()));
  return samples;
}

/** Speaker, relay, ear and listener; the ear and the listener can only be served by the relay. @returns the probe */
async function form(stage: VoiceStage, ends: Page, relay: Page, listener: Page): Promise<number> {
  const options = stage.newRoom();
  const join = (page: Page, uploadSlots: number): Promise<number> =>
    page.evaluate((given) => globalThis.voice.join(given), { ...options, uploadSlots });
  const speaker = await join(ends, 1);
  await join(relay, 4);
  const ear = await join(ends, 0);
  const other = await join(listener, 0);
  const speakerId = await ends.evaluate((room) => globalThis.voice.selfId(room), speaker);
  for (const [page, room] of [
    [ends, ear],
    [listener, other],
  ] as const)
    await waitFor(
      page,
      (index, id) => globalThis.voice.relaysTo(index, id) === 1,
      [room, speakerId] as [number, string],
      {
        timeoutMs: FORMING_MS,
        message: () => page.evaluate((index) => globalThis.voice.explain(index), room),
      },
    );
  const probe = await ends.evaluate((index) => globalThis.voice.probe(index), ear);
  await ends.evaluate((room, stream) => globalThis.voice.speak(room, stream), speaker, probe);
  return probe;
}

/** The heaps of a page, of its workers and of its audio worklets. */
async function heapsOf(name: string, page: Page): Promise<Heap[]> {
  const session = await page.createCDPSession();
  const heaps: Heap[] = [{ name: `heap of ${name}`, session }];
  session.on('Target.attachedToTarget', ({ sessionId, targetInfo: { type } }) => {
    const inner = session.connection()?.session(sessionId);
    if (inner) heaps.push({ name: `heap of ${name}, ${type} ${heaps.length}`, session: inner });
  });
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: true,
    // Worklets are left out by default.
    filter: [{}],
  });
  return heaps;
}

async function heapKilobytes(heaps: readonly Heap[]): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const { name, session } of heaps) {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize, backingStorageSize } = await session.send('Runtime.getHeapUsage');
    sizes[name] = (usedSize + backingStorageSize) / 1000;
  }
  return sizes;
}

/**
 * What the browser's processes hold in memory: the codec's heaps and the browser's own buffers are in no JavaScript heap.
 */
function residentKilobytes(browser: TestBrowser): Record<string, number> {
  let pages = 0;
  let others = 0;
  for (const pid of descendantsOf(browser.browser.process()!.pid!)) {
    try {
      const [kilobytes] = /(?<=^VmRSS:\s+)\d+/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
      const isPage = readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('--type=renderer');
      if (isPage) pages += Number(kilobytes ?? 0);
      else others += Number(kilobytes ?? 0);
    } catch (error) {
      if (!['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  }
  return { 'resident, pages': pages, 'resident, the rest of the browser': others };
}

export interface Trend {
  readonly what: string;
  readonly first: number;
  readonly last: number;
  /** Change per minute. */
  readonly perMinute: number;
}

/**
 * How everything changes over time, from the samples after `settledSeconds`: the median of the slopes between all pairs
 * (Theil 1950, Sen 1968), which a few disturbed samples do not move.
 */
export function trends(samples: readonly SoakSample[], settledSeconds: number): Trend[] {
  const settled = samples.filter(({ seconds }) => seconds >= settledSeconds);
  const trend = (what: string, of: (sample: SoakSample) => number): Trend => {
    const slopes = settled.flatMap((a, i) =>
      settled.slice(i + 1).map((b) => (60 * (of(b) - of(a))) / (b.seconds - a.seconds)),
    );
    return {
      what,
      first: settled[0] ? of(settled[0]) : Number.NaN,
      last: settled.length > 0 ? of(settled.at(-1)!) : Number.NaN,
      perMinute: quantile(slopes, 0.5),
    };
  };
  const places = Object.keys(settled[0]?.kilobytes ?? {});
  return [
    ...places.map((place) => trend(place, ({ kilobytes }) => kilobytes[place] ?? Number.NaN)),
    trend('delay', ({ medianMs }) => medianMs),
  ];
}
