/** Element tests: the same files in Chromium and in Firefox, as installed. Counts go to the file WTR_SUMMARY names. */
import { writeFileSync } from 'node:fs';
import { esbuildPlugin } from '@web/dev-server-esbuild';
import { defaultReporter } from '@web/test-runner';
import { puppeteerLauncher } from '@web/test-runner-puppeteer';
import { CHROMIUM_ARGS, FIREFOX_PREFS, chromiumPath, firefoxPath } from './scripts/lib/browsers.mjs';

const chromium = chromiumPath();
const firefox = firefoxPath();
const wanted = process.env['WTR_BROWSERS']?.split(',') ?? ['chromium', 'firefox'];

const browsers = [
  chromium && wanted.includes('chromium')
    ? puppeteerLauncher({ launchOptions: { executablePath: chromium, args: CHROMIUM_ARGS } })
    : undefined,
  firefox && wanted.includes('firefox')
    ? puppeteerLauncher({
        launchOptions: { browser: 'firefox', executablePath: firefox, extraPrefsFirefox: FIREFOX_PREFS },
        concurrency: 1,
      })
    : undefined,
].filter((launcher) => launcher !== undefined);

/** @param {import('@web/test-runner').TestSuiteResult | undefined} suite @returns {import('@web/test-runner').TestResult[]} */
const testsIn = (suite) => (suite ? [...suite.tests, ...suite.suites.flatMap(testsIn)] : []);

/** @returns {import('@web/test-runner').Reporter} */
function countReporter() {
  return {
    onTestRunFinished({ sessions }) {
      const file = process.env['WTR_SUMMARY'];
      if (!file) return;
      const summary = { passed: 0, failed: 0, skipped: /** @type {string[]} */ ([]) };
      for (const session of sessions) {
        const tests = testsIn(session.testResults);
        for (const test of tests) {
          if (test.skipped) summary.skipped.push(`${test.name} (${session.browser.name})`);
          else if (test.passed) summary.passed++;
          else summary.failed++;
        }
        // A file that does not even load has no tests, and is a failure all the same.
        if (!session.passed && !tests.some((test) => !test.passed && !test.skipped)) summary.failed++;
      }
      writeFileSync(file, JSON.stringify(summary));
    },
  };
}

/** @type {import('@web/test-runner').TestRunnerConfig} */
export default {
  files: ['test/**/*.browser.test.ts'],
  nodeResolve: true,
  browsers,
  concurrency: 1,
  concurrentBrowsers: 1,
  browserStartTimeout: 60_000,
  testsStartTimeout: 60_000,
  testsFinishTimeout: 180_000,
  testFramework: { config: { timeout: '20000' } },
  plugins: [esbuildPlugin({ ts: true, target: 'es2022', tsconfig: 'tsconfig.json' })],
  reporters: [defaultReporter({ reportTestProgress: false }), countReporter()],
};
