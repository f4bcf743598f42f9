/** Compiles the scripts that run inside pages. */

import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import type { TapOptions } from './injected/globals.js';

/** Where every test server serves the tap's worklet: from the page's own origin, which even a strict policy allows. */
export const TAP_WORKLET_PATH = '/__tap-worklet.js';

/**
 * Twelve tones no two of which are harmonics of each other within the band, so that distortion of one is not mistaken
 * for another. All multiples of 100 Hz: 10 ms hold whole periods.
 */
export const TONES_HZ = [500, 700, 900, 1100, 1300, 1600, 1900, 2300, 2600, 2900, 3100, 3700] as const;

/** Of each tone as sent; played to both ears it is √2 of that in the tap. */
export const TONE_AMPLITUDE = 0.12;

/** Half of what a codec leaves of a tone; a click of another tone 200 Hz away leaks less into its block. */
const THRESHOLD_AMPLITUDE = 0.05;

async function compile(file: string, define: Record<string, string>): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL(`injected/${file}`, import.meta.url))],
    bundle: true,
    format: 'iife',
    target: 'es2022',
    write: false,
    define,
  });
  return outputFiles[0]!.text;
}

let scripts: Promise<{ page: string; worklet: string }> | undefined;

/** The script for every page and the worklet it loads. Compiled once per process. */
export function injectedScripts(): Promise<{ page: string; worklet: string }> {
  const options: TapOptions = { tonesHz: TONES_HZ, thresholdAmplitude: THRESHOLD_AMPLITUDE };
  scripts ??= Promise.all([
    compile('page.ts', {
      TAP_OPTIONS: JSON.stringify(options),
      TAP_WORKLET_PATH: JSON.stringify(TAP_WORKLET_PATH),
    }),
    compile('tap-worklet.ts', {}),
  ]).then(([page, worklet]) => ({ page, worklet }));
  return scripts;
}
