/**
 * `npm run bench:voice -- [--clicks N] [--browsers chromium,firefox] [--metrics delay,relay-cpu,frozen]
 * [--systems ours,native,bare] [--relays 0,1,3] [--children 0,1,4] [--threads] [--quick] [--json]`
 *
 * Our voice path beside native WebRTC, in the same page and run, each measurement of one followed by the same of the
 * other: mouth-to-ear delay without and through relays, the processor a relay needs, and what a busy page does.
 *
 * Mouth and ear are one AudioWorklet (`page/probe-worklet.ts`): it plays clicks into a `MediaStream` that serves as
 * the microphone, and records what its context plays, so delay is a difference of samples on one clock. It contains
 * everything but the devices: capture, encoder, channels, relays, jitter buffer, decoder, mixer. A native relay sends
 * the track it received, which browsers re-encode.
 *
 * `bare` is the floor of both: messages of a voice's size over data channels between workers, no sound, no room, relays
 * that only send on what comes. Its delay is a message's way; what is above it in the others is sound, codec and what
 * the listener holds back (`heldMs`, ours) because of how evenly messages come.
 *
 * A relay's processor is that of its whole browser, so it includes playing the voice: the row with no children tells how
 * much that is. Most of the rest is the browser's: each message crosses four of its threads and one process border, as
 * each RTP packet does. `--threads` says on stderr which of its threads used it.
 *
 * `--json` prints one object a line: `metric`, `system`, `browser`, `hops` (relays passed), `children`, `medianMs`,
 * `p95Ms`, `heldMs` (of the delay, at the end), `cpuPercent` (of one core; the relay's whole browser), `gaps`; null
 * where it does not apply.
 */

import { parseArgs } from 'node:util';
import type { Page } from 'puppeteer-core';
import { withSoundSink } from '../scripts/lib/prerequisites.mjs';
import type { BrowserKind, TestBrowser } from '../test/support/browser.js';
import { quantile } from './support/statistics.js';
import { CLICK_PAUSE_MS, clickTrack, findClicks } from './support/voice/click-track.js';
import { BROWSERS, countsOf, listOf, progress, SYSTEMS } from './support/voice/options.js';
import { bareDelays, openPath, playAndRecord, type System, type VoiceSystem } from './support/voice/paths.js';
import { relayCpu } from './support/voice/relay-cpu.js';
import { printTables } from './support/voice/tables.js';
import { launch, VoiceStage } from './support/voice/voice-stage.js';

export interface Result {
  readonly metric: 'delay' | 'relay-cpu' | 'frozen';
  readonly system: System;
  readonly browser: BrowserKind;
  readonly hops: number;
  readonly children: number | null;
  readonly medianMs: number | null;
  readonly p95Ms: number | null;
  readonly heldMs: number | null;
  readonly cpuPercent: number | null;
  readonly gaps: number | null;
}

const METRICS: readonly Result['metric'][] = ['delay', 'relay-cpu', 'frozen'];

const { values } = parseArgs({
  options: {
    clicks: { type: 'string' },
    browsers: { type: 'string', default: BROWSERS.join() },
    metrics: { type: 'string', default: METRICS.join() },
    systems: { type: 'string', default: SYSTEMS.join() },
    relays: { type: 'string' },
    children: { type: 'string' },
    threads: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const clicks = Number(values.clicks ?? (values.quick ? 15 : 120));
if (!Number.isInteger(clicks) || clicks < 1)
  throw new RangeError(`--clicks takes a whole number above 0, not ${values.clicks}`);
const browsers = listOf(values.browsers, BROWSERS, 'browsers');
const metrics = listOf(values.metrics, METRICS, 'metrics');
const systems = listOf(values.systems, SYSTEMS, 'systems');

/** s; both systems start with a guess and learn. Shorter measures the guess, which is all `--quick` is for. */
const ADAPTATION_SECONDS = values.quick ? 3 : 10;
const CPU_SECONDS = values.quick ? 3 : 20;
const CPU_SETTLING_SECONDS = values.quick ? 3 : 15;
const RELAYS = countsOf(values.relays, 'relays') ?? (values.quick ? [0, 1] : [0, 1, 3]);
const FROZEN_RELAYS = countsOf(values.relays, 'relays') ?? (values.quick ? [1] : [0, 1]);
const CHILDREN = countsOf(values.children, 'children') ?? (values.quick ? [1] : [0, 1, 4]);

/** What a measurement does not tell. */
const NOTHING = {
  children: null,
  medianMs: null,
  p95Ms: null,
  heldMs: null,
  cpuPercent: null,
  gaps: null,
} as const;

const FREEZE = { busyMs: 200, everyMs: 2000 };

/** The main thread is busy for so long, so often, while something is measured. */
async function whileFrozen<T>(isFrozen: boolean, page: Page, measured: () => Promise<T>): Promise<T> {
  if (!isFrozen) return measured();
  await page.evaluate(({ busyMs, everyMs }) => globalThis.voice.freeze(busyMs, everyMs), FREEZE);
  try {
    return await measured();
  } finally {
    await page.evaluate(() => globalThis.voice.thaw());
  }
}

async function floor(
  metric: 'delay' | 'frozen',
  page: Page,
  browser: BrowserKind,
  hops: number,
): Promise<Result> {
  const delaysMs = await whileFrozen(metric === 'frozen', page, () =>
    bareDelays(page, hops, ADAPTATION_SECONDS, (clicks * CLICK_PAUSE_MS) / 1000),
  );
  const medianMs = quantile(delaysMs, 0.5);
  const p95Ms = quantile(delaysMs, 0.95);
  progress(
    `  ${medianMs.toFixed(2)} ms, p95 ${p95Ms.toFixed(2)} ms, p99.8 ${quantile(delaysMs, 0.998).toFixed(2)} ms`,
  );
  return { ...NOTHING, metric, system: 'bare', browser, hops, medianMs, p95Ms };
}

async function delays(
  metric: 'delay' | 'frozen',
  system: VoiceSystem,
  page: Page,
  stage: VoiceStage,
  browser: BrowserKind,
  hops: number,
): Promise<Result> {
  const path = await openPath(system, page, stage, hops);
  try {
    const track = clickTrack(clicks, ADAPTATION_SECONDS * 1000);
    let held: number | undefined;
    const recording = await whileFrozen(metric === 'frozen', page, () =>
      playAndRecord(page, path.probe, track.samples, async () => {
        held = await path.playoutDelayMs();
      }),
    );
    await path.check();
    const heard = findClicks(track, recording);
    if (heard.clicksLost > clicks / 2)
      throw new Error(`${heard.clicksLost} of ${clicks} clicks were not heard`);
    const medianMs = quantile(heard.delaysMs, 0.5);
    const p95Ms = quantile(heard.delaysMs, 0.95);
    progress(
      `  ${medianMs.toFixed(1)} ms, p95 ${p95Ms.toFixed(1)} ms, ` +
        `${heard.gapsMs.length} gaps` +
        heard.gapsMs
          .map((gapMs, i) => ` (${gapMs} ms at ${(heard.gapsAtMs[i]! / 1000).toFixed(1)} s)`)
          .join('') +
        `, ${heard.clicksLost} clicks lost` +
        (held === undefined ? '' : `, ${held.toFixed(1)} ms of it held back at the end`),
    );
    return {
      ...NOTHING,
      metric,
      system,
      browser,
      hops,
      medianMs,
      p95Ms,
      heldMs: held ?? null,
      gaps: heard.gapsMs.length,
    };
  } finally {
    await path.close();
  }
}

async function measure(kind: BrowserKind, browser: TestBrowser, stage: VoiceStage): Promise<Result[]> {
  const results: Result[] = [];
  const add = (result: Result): void => {
    results.push(result);
    if (values.json) console.log(JSON.stringify(result));
  };
  const page = await stage.open(browser);
  for (const metric of metrics.filter((one) => one !== 'relay-cpu'))
    for (const hops of metric === 'delay' ? RELAYS : FROZEN_RELAYS)
      for (const system of systems) {
        progress(`${kind}: ${metric}, ${system}, ${hops} relays`);
        add(
          system === 'bare'
            ? await floor(metric, page, kind, hops)
            : await delays(metric, system, page, stage, kind, hops),
        );
      }
  await page.close();
  if (!metrics.includes('relay-cpu')) return results;
  for (const children of CHILDREN)
    for (const system of systems) {
      progress(`${kind}: relay-cpu, ${system}, ${children} children`);
      const percent = await relayCpu({
        system,
        kind,
        browser,
        stage,
        children,
        seconds: CPU_SECONDS,
        settlingSeconds: CPU_SETTLING_SECONDS,
        ...(values.threads ? { onThreads: (lines: string[]) => progress(lines.join('\n')) } : {}),
      });
      progress(`  ${percent.toFixed(1)} %`);
      add({
        ...NOTHING,
        metric: 'relay-cpu',
        system,
        browser: kind,
        hops: 1,
        children,
        cpuPercent: percent,
      });
    }
  return results;
}

await withSoundSink(async (env) => {
  Object.assign(process.env, env);
  const stage = await VoiceStage.start();
  const results: Result[] = [];
  try {
    for (const kind of browsers) {
      const browser = await launch(kind);
      try {
        results.push(...(await measure(kind, browser, stage)));
      } finally {
        await browser.close();
      }
    }
  } finally {
    await stage.close();
  }
  if (!values.json) printTables(results);
});
