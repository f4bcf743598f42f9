/** The overlay report: one Markdown file with the tables, and the plots it shows beside it. */

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { groupsOf, type ReportRow } from './report-rows.js';
import { reportPlots, type ReportPlot } from './report-plots.js';

interface Column {
  readonly head: string;
  readonly text: (row: ReportRow) => string;
}

const digits =
  (places: number) =>
  (value: number): string =>
    Number.isFinite(value) ? value.toFixed(places) : '–';
const [whole, one, two] = [digits(0), digits(1), digits(2)];
const percent = (share: number): string => (Number.isFinite(share) ? `${(100 * share).toFixed(2)} %` : '–');

const COLUMNS: readonly Column[] = [
  { head: 'system', text: ({ system }) => system },
  { head: 'seeds', text: ({ seeds }) => whole(seeds) },
  { head: 'RAD', text: ({ rad }) => two(rad) },
  { head: 'worst', text: ({ radWorst }) => two(radWorst) },
  { head: 'delay p99 ms', text: ({ owdP99Ms }) => whole(owdP99Ms) },
  { head: 'direct p99 ms', text: ({ directP99Ms }) => whole(directP99Ms) },
  { head: 'unserved', text: ({ unserved }) => String(unserved) },
  { head: 'copies', text: ({ copiesPerDelivery }) => two(copiesPerDelivery) },
  { head: 'control kbit/s', text: ({ controlKbps }) => two(controlKbps) },
  { head: 'depth', text: ({ maxDepth }) => whole(maxDepth) },
  { head: 'links', text: ({ linksMean, linksMax }) => `${one(linksMean)} (${whole(linksMax)})` },
  { head: 'gap p50 ms', text: ({ gapP50Ms }) => whole(gapP50Ms) },
  { head: 'gap p99 ms', text: ({ gapP99Ms }) => whole(gapP99Ms) },
  { head: 'delivered', text: ({ delivered }) => percent(delivered) },
  { head: 'in 500 ms', text: ({ served500ms }) => percent(served500ms) },
  { head: 'in 3 s', text: ({ served3s }) => percent(served3s) },
];

function table(rows: readonly ReportRow[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [
    line(COLUMNS.map(({ head }) => head)),
    line(COLUMNS.map((_, index) => (index === 0 ? '---' : '--:'))),
    ...rows.map((row) => line(COLUMNS.map(({ text }) => text(row)))),
  ].join('\n');
}

export function reportMarkdown(rows: readonly ReportRow[], plots: readonly ReportPlot[]): string {
  const tables = groupsOf(rows, ({ set, scenario, nodes }) => `${set}: ${scenario}, ${nodes} members`);
  return `${[
    '# Overlays side by side',
    'Each system runs in the same simulated members, on the same network, through the same events. Delays are one way; RAD is the ' +
      'mean delay over the mean direct delay, so below 1 is sooner than a full mesh. Gaps are silences heard between two playable ' +
      'frames; “in 500 ms” and “in 3 s” are the shares of listeners that hear a playable frame so soon after the event. – was not measured.',
    ...plots.map(({ name, title }) => `## ${title}\n\n![${title}](${name}.svg)`),
    '## Tables',
    ...[...tables].map(([title, group]) => `### ${title}\n\n${table(group)}`),
  ].join('\n\n')}\n`;
}

/** Writes `report.md` and its plots into a folder. @returns the files written */
export function writeReport(rows: readonly ReportRow[], folder: string): string[] {
  const plots = reportPlots(rows);
  const texts = new Map([
    ['report.md', reportMarkdown(rows, plots)],
    ...plots.map(({ name, svg }): [string, string] => [`${name}.svg`, svg]),
  ]);
  mkdirSync(folder, { recursive: true });
  return [...texts].map(([name, text]) => {
    const file = path.join(folder, name);
    writeFileSync(file, text);
    return file;
  });
}
