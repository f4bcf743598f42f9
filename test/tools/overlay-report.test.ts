/** The report of the overlay benchmark: rows in, tables and plots out. */

import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { parseHTML } from 'linkedom';
import { writeReport } from '../../bench/support/overlay/report.js';
import { parseBenchOptions } from '../../bench/support/overlay/options.js';
import { reportPlots } from '../../bench/support/overlay/report-plots.js';
import { parseRows } from '../../bench/support/overlay/report-rows.js';
import { REPORT_SETS } from '../../bench/support/overlay/report-sets.js';

const line = (changes: Record<string, unknown>): string =>
  JSON.stringify({
    scenario: 'steady',
    system: 'ours',
    nodes: 80,
    seeds: 20,
    rad: 0.9642,
    radWorst: 1.01,
    rdpP90: 2,
    rdpP99: 5,
    owdP95Ms: 150,
    owdP99Ms: 181,
    directP99Ms: 203,
    unserved: 0,
    copiesPerDelivery: 1.01,
    controlKbps: 2.1,
    maxDepth: 4,
    linksMean: 7.9,
    linksMax: 9,
    gapP50Ms: 96,
    gapP99Ms: null,
    delivered: 0.9991,
    served500ms: 0.985,
    served3s: 1,
    ...changes,
  });

const LINES = [
  line({}),
  line({ system: 'gossipsub', rad: 1.3, copiesPerDelivery: 6.3 }),
  line({ nodes: 200, rad: 0.94 }),
  line({ scenario: 'crash-20', gapP99Ms: 380 }),
  line({ scenario: 'crash-20', system: 'k-ary', gapP50Ms: 3100, gapP99Ms: 6900, served500ms: 0.61 }),
].join('\n');

const barsOf = (svg: string): number =>
  parseHTML(svg).document.querySelectorAll('g[aria-label="bar"] rect').length;

test('tables hold every row, plots one mark for each', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'overlay-report-'));
  try {
    const files = writeReport(parseRows(LINES, 'some/planetlab.jsonl'), folder);
    const read = (name: string): string => readFileSync(path.join(folder, name), 'utf8');
    assert.deepEqual(
      files.map((file) => path.basename(file)),
      ['report.md', 'rad.svg', 'gaps.svg', 'served.svg', 'copies.svg', 'control.svg'],
    );
    const report = read('report.md');
    assert.match(report, /### planetlab: steady, 200 members\n\n.*\n.*\n\| ours \| 20 \| 0\.94 \|/);
    assert.match(report, /\| k-ary \|.*\| 3100 \| 6900 \| 99\.91 % \| 61\.00 % \| 100\.00 % \|/);
    // What was not measured is said so.
    assert.match(report, /\| 96 \| – \|/);
    for (const file of files.slice(1)) assert.ok(report.includes(`(${path.basename(file)})`));
    assert.equal(barsOf(read('rad.svg')), 3);
    assert.equal(barsOf(read('copies.svg')), 3);
    // Within 500 ms and within 3 s.
    assert.equal(barsOf(read('served.svg')), 4);
    const rad = parseHTML(read('rad.svg')).document.querySelector('svg');
    assert.equal(rad?.getAttribute('xmlns'), 'http://www.w3.org/2000/svg');
    assert.match(rad.textContent, /planetlab, N=200/);
    const gaps = parseHTML(read('gaps.svg')).document;
    assert.equal(gaps.querySelectorAll('circle').length, 4);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('what no row is about is not drawn', () => {
  const plots = reportPlots(parseRows(line({ scenario: 'leave', gapP99Ms: 20 }), 'leave.jsonl'));
  assert.deepEqual(
    plots.map(({ name }) => name),
    ['gaps'],
  );
});

test('traffic of different kinds of rooms is drawn apart', () => {
  const rows = ['planetlab', 'seattle'].flatMap((set) => parseRows(LINES, `${set}.jsonl`));
  const control = reportPlots(rows).filter(({ name }) => name.startsWith('control'));
  assert.deepEqual(
    control.map(({ name, title }) => [name, title.split(': ')[1]]),
    [
      ['control-1', 'planetlab'],
      ['control-2', 'seattle'],
    ],
  );
  for (const { svg } of control) assert.equal(parseHTML(svg).document.querySelectorAll('circle').length, 3);
});

test('a line that is no row is named', () => {
  assert.throws(() => parseRows(`${line({})}\n\nhello`, 'a.jsonl'), /a\.jsonl, line 3: not JSON/);
  assert.throws(() => parseRows(line({ rad: '1' }), 'a.jsonl'), /a\.jsonl, line 1: rad is no number/);
  assert.throws(() => parseRows(line({ system: 7 }), 'a.jsonl'), /system is no text/);
  assert.throws(() => parseRows('{"scenario":"steady","system":"ours"}', 'a.jsonl'), /nodes is no number/);
});

test('the runs of its own are such as the benchmark takes', () => {
  for (const [name, sets] of Object.entries(REPORT_SETS)) {
    const runs = sets.map((args) => parseBenchOptions(args));
    // Traffic is drawn against the size of the room.
    assert.ok(new Set(runs.map(({ nodes }) => nodes)).size > 1, name);
    assert.ok(
      runs.some(({ scenarios }) => scenarios.includes('crash-20')),
      name,
    );
  }
});
