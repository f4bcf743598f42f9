/**
 * `npm run bench:overlay:report -- [FILE …] [--out FOLDER] [--tiny]`
 *
 * Tables (Markdown) and plots (SVG) of overlays side by side, into `bench/reports/` unless told otherwise. From files
 * that hold what `npm run bench:overlay -- --json` printed, one file for each kind of room: its name names the panels.
 * Without files it runs that benchmark itself, for a small set of rooms on the synthetic internet (some minutes), or
 * with `--tiny` for rooms that only show that all of it works.
 */

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { SIMULATION_ARGS } from './support/overlay/pool.js';
import { parseRows, type ReportRow } from './support/overlay/report-rows.js';
import { REPORT_SETS } from './support/overlay/report-sets.js';
import { writeReport } from './support/overlay/report.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const { values, positionals } = parseArgs({
  options: { out: { type: 'string', default: here('reports') }, tiny: { type: 'boolean', default: false } },
  allowPositionals: true,
});

/** What the benchmark prints; its progress goes to the terminal. */
async function benchmark(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [...SIMULATION_ARGS, here('overlay.ts'), '--json', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  let output = '';
  for await (const chunk of child.stdout.setEncoding('utf8')) output += String(chunk);
  const code = await closed;
  if (code !== 0) throw new Error(`bench:overlay ${args.join(' ')} ended with ${code}`);
  return output;
}

const rows: ReportRow[] = positionals.flatMap((file) => parseRows(readFileSync(file, 'utf8'), file));
if (positionals.length === 0)
  for (const args of REPORT_SETS[values.tiny ? 'tiny' : 'small'])
    rows.push(...parseRows(await benchmark(args), 'synthetic internet'));
if (rows.length === 0) throw new RangeError(`no rows in ${positionals.join(', ')}`);
for (const file of writeReport(rows, values.out)) console.log(file);
