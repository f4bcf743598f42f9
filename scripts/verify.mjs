/**
 * `npm run verify`: every static gate and every suite, one line each with its time, what failed in full, and a last
 * line with the counts. A gate counts as one test. Ends with 1 when anything failed.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromiumPath, firefoxPath } from './lib/browsers.mjs';
import { withSoundSink } from './lib/prerequisites.mjs';
import { bin, capture } from './lib/run.mjs';

/**
 * @typedef {object} Step
 * @property {string} name
 * @property {string[]} command
 * @property {string} [counts] the environment variable naming the file that receives `{passed, failed, skipped}`
 * @property {string | undefined} [skip] why it cannot run here
 * @property {number} [timeoutMs]
 */

const MINUTE_MS = 60_000;
const node = process.execPath;
const noChromium = chromiumPath() ? undefined : 'Chromium is not installed';

/** @type {Step[]} */
const steps = [
  { name: 'format', command: [bin('prettier'), '--check', '--log-level=warn', '.'] },
  { name: 'lint', command: [bin('eslint'), '.', '--max-warnings', '0'] },
  { name: 'types', command: [bin('tsc'), '-p', 'tsconfig.json'] },
  { name: 'types of the pure rooms', command: [bin('tsc'), '-p', 'tsconfig.pure.json'] },
  { name: 'types of tests and tools', command: [bin('tsc'), '-p', 'tsconfig.tools.json'] },
  { name: 'import direction', command: [node, 'scripts/check-imports.mjs'] },
  { name: 'build', command: [node, 'scripts/build.mjs'] },
  { name: 'bundles', command: [node, 'scripts/check-bundles.mjs'] },
  { name: 'manifest', command: [node, 'scripts/manifest.mjs', '--check'] },
  { name: 'package', command: [node, 'scripts/check-exports.mjs'] },
  { name: 'size', command: [node, 'scripts/check-size.mjs'] },
  { name: 'unit tests', command: [node, 'scripts/node-tests.mjs', 'unit'], counts: 'TEST_SUMMARY' },
  {
    name: 'element tests',
    command: [bin('web-test-runner')],
    counts: 'WTR_SUMMARY',
    skip: noChromium,
  },
  {
    name: 'end-to-end tests',
    command: [node, 'scripts/node-tests.mjs', 'e2e'],
    counts: 'TEST_SUMMARY',
    skip: noChromium,
    timeoutMs: 30 * MINUTE_MS,
  },
  {
    name: 'bench:loss, the receivers',
    command: [node, '--import', 'tsx', 'bench/loss.ts', '--quick', '--json'],
  },
  {
    name: 'bench:overlay and its report, tiny',
    command: [node, '--import', 'tsx', 'bench/overlay-report.ts', '--tiny', '--out', '.cache/report'],
  },
  {
    name: 'bench:join, two runs',
    command: [node, '--import', 'tsx', 'bench/join.ts', '--runs', '2', '--json'],
    skip: noChromium,
  },
  {
    name: 'bench:voice, quick',
    command: [node, '--import', 'tsx', 'bench/voice.ts', '--quick', '--browsers', 'chromium', '--json'],
    skip: noChromium,
  },
  {
    name: 'bench:quality, quick',
    command: [
      ...[node, '--import', 'tsx', 'bench/quality.ts'],
      ...['--quick', '--loss', '0,3', '--browsers', 'chromium', '--json'],
    ],
    skip: noChromium,
  },
];

const summaries = mkdtempSync(path.join(tmpdir(), 'p2p-voice-room-verify-'));
const total = { passed: 0, failed: 0, skipped: /** @type {string[]} */ ([]) };

/** @param {Step} step @param {Record<string, string>} env */
async function take(step, env) {
  if (step.skip) {
    total.skipped.push(`${step.name}: ${step.skip}`);
    console.log(`– ${step.name}: skipped, ${step.skip}`);
    return;
  }
  const [command = '', ...args] = step.command;
  const file = path.join(summaries, step.name.replaceAll(/\W+/g, '-'));
  const started = performance.now();
  const { code, output } = await capture(command, args, {
    env: { ...process.env, ...env, ...(step.counts ? { [step.counts]: file } : {}) },
    timeoutMs: step.timeoutMs ?? 5 * MINUTE_MS,
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);

  /** @type {typeof total} */
  let counts = { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: [] };
  if (step.counts && existsSync(file)) {
    const counted = JSON.parse(readFileSync(file, 'utf8'));
    // A suite that ended badly without a failed test has failed all the same.
    counts = { ...counted, failed: Math.max(counted.failed, code === 0 ? 0 : 1) };
  }
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped.push(...counts.skipped);
  const tests = step.counts
    ? `, ${counts.passed} passed${counts.failed ? `, ${counts.failed} failed` : ''}`
    : '';
  console.log(`${counts.failed > 0 ? '✗' : '✓'} ${step.name} (${seconds} s${tests})`);
  if (counts.failed > 0) console.log(output.trimEnd());
}

const started = performance.now();
if (!firefoxPath()) total.skipped.push('everything in Firefox: Firefox is not installed');
await withSoundSink(async (env) => {
  for (const step of steps) await take(step, env);
});
rmSync(summaries, { recursive: true, force: true });

console.log(`took ${((performance.now() - started) / MINUTE_MS).toFixed(1)} minutes`);
for (const reason of total.skipped) console.log(`skipped: ${reason}`);
const skipped = total.skipped.length > 0 ? `, ${total.skipped.length} skipped` : '';
console.log(`${total.passed} passed, ${total.failed} failed${skipped}`);
if (total.failed > 0) process.exitCode = 1;
