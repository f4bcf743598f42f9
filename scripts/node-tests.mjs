/**
 * `npm run test:unit` and `npm run test:e2e`, optionally followed by parts of file names: only those files run.
 * TEST_SUMMARY names a file for the counts.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { withSoundSink } from './lib/prerequisites.mjs';
import { root, run } from './lib/run.mjs';

const [suite, ...wanted] = process.argv.slice(2);
const endToEnd = suite === 'e2e';

const files = readdirSync(`${root}test`, { recursive: true, encoding: 'utf8' })
  .filter((file) =>
    endToEnd
      ? file.startsWith(`e2e${path.sep}`) && file.endsWith('.e2e.ts')
      : file.endsWith('.test.ts') && !file.endsWith('.browser.test.ts') && !file.startsWith(`e2e${path.sep}`),
  )
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .map((file) => `test/${file}`)
  .sort();
if (files.length === 0) {
  console.error('no such test file');
  process.exit(1);
}

const summary = process.env['TEST_SUMMARY'];
const args = [
  ...['--import', 'tsx', '--test'],
  // One browser test at a time: they measure time, and two would measure each other.
  ...(endToEnd ? ['--test-concurrency=1'] : []),
  ...['--test-reporter=spec', '--test-reporter-destination=stdout'],
  ...(summary
    ? ['--test-reporter=./scripts/lib/count-reporter.mjs', `--test-reporter-destination=${summary}`]
    : []),
  ...files,
];
const test = (/** @type {Record<string, string>} */ env) =>
  run(process.execPath, args, { env: { ...process.env, ...env } });
try {
  await (endToEnd ? withSoundSink(test) : test({}));
} catch {
  // The runner has printed what failed.
  process.exitCode = 1;
}
