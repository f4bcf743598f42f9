/**
 * `npm run bench:join -- [--runs N] [--bare nostr|torrent] [--json]`
 *
 * How long from Join to the first sound: one page waits in a room, a second joins, and the clock runs from its join
 * until its destination plays the first 10 ms of the other's tone. Beside it, in the same run and interleaved, bare
 * Trystero with native tracks, on the network that meets sooner here. Both find their page loaded; ours loads worker,
 * worklet, codec and doorbell within the measured time. `bothMs` is when both hear each other.
 */

import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Page } from 'puppeteer-core';
import { startStaticServer } from '../scripts/servers/static.mjs';
import {
  TAP_WORKLET_PATH,
  TONES_HZ,
  TONE_AMPLITUDE,
  injectedScripts,
} from '../test/support/injected-scripts.js';
import { Stage } from '../test/support/stage.js';
import { presenceOf, waitFor } from '../test/support/tones.js';
import { quantile } from './support/statistics.js';

interface Run {
  readonly system: 'ours' | 'bare';
  readonly run: number;
  /** Join to the first sound at the newcomer. */
  readonly firstSoundMs: number;
  /** Join to the first sound at whichever of the two heard the other last. */
  readonly bothMs: number;
}

/** A join that takes longer has failed. */
const PATIENCE_MS = 30_000;

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10' },
    bare: { type: 'string', default: 'nostr' },
    json: { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const network = values.bare === 'torrent' ? 'torrent' : 'nostr';
if (!Number.isInteger(runs) || runs < 1)
  throw new RangeError(`--runs takes a whole number above 0, not ${values.runs}`);

const [WAITING_HZ, NEWCOMER_HZ] = TONES_HZ;

async function startBarePages(): Promise<Awaited<ReturnType<typeof startStaticServer>>> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('support/bare-page.ts', import.meta.url))],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    write: false,
  });
  return startStaticServer({
    mounts: { '/': fileURLToPath(new URL('support', import.meta.url)) },
    files: {
      '/bare.html': '<!doctype html><title>Bare</title><script type="module" src="bare.js"></script>',
      '/bare.js': outputFiles[0]!.text,
      [TAP_WORKLET_PATH]: (await injectedScripts()).worklet,
    },
  });
}

/** Waits until a page plays a tone, and says when it first did. */
async function firstHeardMs(page: Page, toneHz: number): Promise<number> {
  await waitFor(page, (tone) => globalThis.__tap.presence(tone).blocksHeard > 0, [toneHz] as [number], {
    timeoutMs: PATIENCE_MS,
    message: `no sound of ${toneHz} Hz within ${PATIENCE_MS / 1000} s`,
  });
  return (await presenceOf(page, toneHz)).firstHeardMs!;
}

async function times(
  newcomer: Page,
  waiting: Page,
  joinedAtMs: number,
): Promise<Pick<Run, 'firstSoundMs' | 'bothMs'>> {
  const [here, there] = await Promise.all([
    firstHeardMs(newcomer, WAITING_HZ),
    firstHeardMs(waiting, NEWCOMER_HZ),
  ]);
  return { firstSoundMs: here - joinedAtMs, bothMs: Math.max(here, there) - joinedAtMs };
}

async function ours(stage: Stage): Promise<Pick<Run, 'firstSoundMs' | 'bothMs'>> {
  const waiting = await stage.open({ name: 'A', toneHz: WAITING_HZ });
  const newcomer = await stage.open({ name: 'B', toneHz: NEWCOMER_HZ });
  await waiting.join();
  const joinedAtMs = await newcomer.page.evaluate(() => {
    const nowMs = Date.now();
    void globalThis.rooms[0]!.join();
    return nowMs;
  });
  return times(newcomer.page, waiting.page, joinedAtMs);
}

async function bare(stage: Stage, url: string, room: string): Promise<Pick<Run, 'firstSoundMs' | 'bothMs'>> {
  const open = (): Promise<Page> =>
    stage.newContext().then((context) => stage.browser().open({ url: `${url}/bare.html`, context }));
  const waiting = await open();
  const newcomer = await open();
  const options = {
    network,
    urls: [network === 'nostr' ? stage.relay.url : stage.tracker.url],
    appId: 'p2p-voice-room-bench',
    room,
    amplitude: TONE_AMPLITUDE,
  } as const;
  for (const page of [waiting, newcomer])
    await waitFor(page, () => globalThis.roomReady === true, [], { message: 'the bare page did not load' });
  await waiting.evaluate((given) => globalThis.joinBare(given), { ...options, toneHz: WAITING_HZ });
  await waitFor(waiting, (name) => globalThis.bareConnected(name), [network] as [typeof network], {
    message: 'the bare page reached nobody to meet through',
  });
  const joinedAtMs = await newcomer.evaluate(
    (given) => {
      const nowMs = Date.now();
      globalThis.joinBare(given);
      return nowMs;
    },
    { ...options, toneHz: NEWCOMER_HZ },
  );
  return times(newcomer, waiting, joinedAtMs);
}

const stage = await Stage.start();
const barePages = await startBarePages();
const results: Run[] = [];
try {
  for (let run = 1; run <= runs; run++) {
    // Whoever goes second meets a warmer machine: take turns.
    const systems = run % 2 === 1 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const);
    for (const system of systems) {
      process.stderr.write(`\rrun ${run} of ${runs}: ${system}   `);
      const measured =
        system === 'ours' ? await ours(stage) : await bare(stage, barePages.url, `bench-${run}`);
      await stage.clear();
      const result: Run = { system, run, ...measured };
      results.push(result);
      if (values.json) console.log(JSON.stringify({ metric: 'join', ...result }));
    }
  }
} finally {
  process.stderr.write('\n');
  await stage.close();
  await barePages.close();
}

const summary = (
  system: Run['system'],
): { p50Ms: number; p95Ms: number; bothP50Ms: number; bothP95Ms: number } => {
  const mine = results.filter((result) => result.system === system);
  const first = mine.map(({ firstSoundMs }) => firstSoundMs);
  const both = mine.map(({ bothMs }) => bothMs);
  return {
    p50Ms: quantile(first, 0.5),
    p95Ms: quantile(first, 0.95),
    bothP50Ms: quantile(both, 0.5),
    bothP95Ms: quantile(both, 0.95),
  };
};
const table = { ours: summary('ours'), bare: summary('bare') };
if (values.json) {
  for (const system of ['ours', 'bare'] as const)
    console.log(
      JSON.stringify({
        metric: 'join-summary',
        system,
        network: system === 'bare' ? network : 'both',
        runs,
        ...table[system],
      }),
    );
  console.log(
    JSON.stringify({
      metric: 'join-comparison',
      ratioP50: table.ours.p50Ms / table.bare.p50Ms,
      moreMsP50: table.ours.p50Ms - table.bare.p50Ms,
    }),
  );
} else {
  console.log(`join to first sound, ${runs} runs, ms`);
  console.table(table);
  console.log(
    `ours / bare (${network}) at p50: ${(table.ours.p50Ms / table.bare.p50Ms).toFixed(2)}, ` +
      `${Math.round(table.ours.p50Ms - table.bare.p50Ms)} ms more`,
  );
}
