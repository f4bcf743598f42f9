/**
 * `npm run bench:loss -- [--quick] [--no-browsers] [--no-receivers] [--seconds N] [--browser-seconds N] [--loss 0,1,3,5]
 * [--json]`
 *
 * What a listener hears of a voice over bad networks. Generated arrival traces through our receiver, beside a fixed
 * 60 ms buffer and one by NetEq's published rules, on the same arrivals: what a link with our repeats delivers; NetEq
 * also as native tracks have it, with in-band redundancy alone. Then the ways a link may repair its losses, through our
 * receiver. Then, as root on Linux, two real browsers across a delaying, losing path, beside a native track, at each
 * `--loss`; with what the machine added to the path and how long the browsers' threads waited for a core meanwhile, for
 * on a busy machine that and not the loss decides what is concealed.
 * `--json` prints one object a line; `--quick` is small enough for every verification and leaves the browsers out.
 */

import { parseArgs } from 'node:util';
import { loadOpus } from '../src/audio/codec.js';
import { allTraces, type Repair } from './support/loss/arrivals.js';
import { measureInBrowsers, type BrowserOutcome } from './support/loss/in-browsers.js';
import { labUnavailable } from './support/loss/lab.js';
import { play, speak, type System } from './support/loss/measure.js';
import { chromiumPath } from '../scripts/lib/browsers.mjs';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    'no-browsers': { type: 'boolean', default: false },
    'no-receivers': { type: 'boolean', default: false },
    seconds: { type: 'string' },
    'browser-seconds': { type: 'string', default: '60' },
    loss: { type: 'string', default: '0,1,3,5' },
    json: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds ?? (values.quick ? 40 : 120));
if (!Number.isInteger(seconds) || seconds < 20)
  throw new RangeError(`--seconds takes a whole number from 20 on, not ${values.seconds}`);
const browserSeconds = Number(values['browser-seconds']);
if (!Number.isInteger(browserSeconds) || browserSeconds < 10)
  throw new RangeError(`--browser-seconds takes a whole number from 10 on, not ${values['browser-seconds']}`);
const lossPercents = values.loss.split(',').map(Number);
if (!lossPercents.every((percent) => percent >= 0 && percent <= 50))
  throw new RangeError(`--loss takes numbers from 0 to 50, not ${values.loss}`);

/** How each system gets its frames: ours as its links deliver them, NetEq also as a native track does. */
const SYSTEMS: readonly { system: System; repair: RepairName }[] = [
  { system: 'ours', repair: 'repeat' },
  { system: 'fixed-60', repair: 'repeat' },
  { system: 'neteq-like', repair: 'repeat' },
  { system: 'neteq-like', repair: 'fec' },
];

type RepairName = keyof typeof REPAIRS;

const REPAIRS = {
  none: { kind: 'none' },
  fec: { kind: 'none' },
  repeat: { kind: 'repeat', depth: 1 },
  'repeat-twice': { kind: 'repeat', depth: 2 },
  request: { kind: 'request', repeat: 0 },
  'repeat-and-request': { kind: 'request', repeat: 1 },
} as const satisfies Record<string, Repair>;

/** Limits of concealed time on the path, %, for our receiver (DESIGN.md's table). */
const LIMITS: Readonly<Record<string, number>> = {
  'uniform 1 %': 0.1,
  'uniform 3 %': 0.5,
  'uniform 5 %': 1.5,
};

const table: Record<string, string | number>[] = [];
const problems: string[] = [];

function report(row: Record<string, string | number>): void {
  const rounded = Object.fromEntries(
    Object.entries(row).map(([key, value]) => [
      key,
      typeof value === 'number' ? Number(value.toFixed(3)) : value,
    ]),
  );
  table.push(rounded);
  if (values.json) console.log(JSON.stringify(rounded));
}

function printTable(title: string): void {
  if (!values.json) {
    console.log(title);
    console.table(table.map(({ metric: _, ...row }) => row));
  }
  table.length = 0;
}

const opus = await loadOpus();
const traces = values['no-receivers'] ? [] : allTraces(1, seconds);
/** Voices by whether they pause and carry in-band redundancy. */
const voices = new Map<string, ReturnType<typeof speak>>();
function voiceFor(hasPauses: boolean, repair: RepairName): ReturnType<typeof speak> {
  const lossPercent = repair === 'fec' ? 5 : 0;
  const key = `${hasPauses} ${lossPercent}`;
  const voice = voices.get(key) ?? speak(opus, 3, seconds, hasPauses, lossPercent);
  voices.set(key, voice);
  return voice;
}

for (const trace of traces) {
  // The others are written for streams that never pause.
  const systems = trace.hasPauses ? SYSTEMS.slice(0, 1) : SYSTEMS;
  for (const { system, repair } of systems) {
    const outcome = play(opus, system, voiceFor(trace.hasPauses, repair), trace, REPAIRS[repair], 1);
    report({ metric: 'receiver', trace: trace.name, system, repair, ...outcome });
    const limit = LIMITS[trace.name];
    if (system === 'ours' && limit !== undefined && outcome.concealedPercent > limit)
      problems.push(`${trace.name}: ${outcome.concealedPercent.toFixed(2)} % concealed, ${limit} % wanted`);
  }
}
if (traces.length > 0) printTable(`receivers, ${seconds} s each, the first 10 not measured`);

if (!values.quick && traces.length > 0) {
  for (const trace of traces.filter(({ name }) => /uniform|bursts/.test(name)))
    for (const repair of Object.keys(REPAIRS) as RepairName[])
      report({
        metric: 'repair',
        trace: trace.name,
        repair,
        ...play(opus, 'ours', voiceFor(false, repair), trace, REPAIRS[repair], 1),
      });
  printTable('ways to repair losses, our receiver');
}

const skipped = values.quick
  ? 'left out by --quick'
  : values['no-browsers']
    ? 'left out by --no-browsers'
    : chromiumPath()
      ? labUnavailable()
      : 'Chromium is not installed';
if (skipped) process.stderr.write(`skipped: real browsers across a lossy path: ${skipped}\n`);
else {
  await measureInBrowsers(lossPercents, browserSeconds, (outcome: BrowserOutcome) =>
    report({ metric: 'browsers', ...outcome }),
  );
  printTable('two Chromiums, 25 ms and 1 ms of jitter each way');
}

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
