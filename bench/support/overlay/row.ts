/** The figures of one system in one scenario, drawn from all its seeds: one line of the table. */

import { quantile } from '../statistics.js';
import type { BenchOptions, ScenarioName, SystemName } from './options.js';
import type { SeedResult } from './measured-room.js';

/** `null` where a scenario does not measure it. */
export interface OverlayRow {
  readonly scenario: ScenarioName;
  readonly system: SystemName;
  readonly nodes: number;
  readonly seeds: number;
  /** Mean overlay one-way delay / mean direct one-way delay, mean over the seeds, and the worst seed's. */
  readonly rad: number | null;
  readonly radWorst: number | null;
  /** Relative delay penalty of single pairs: overlay / direct. */
  readonly rdpP90: number | null;
  readonly rdpP99: number | null;
  readonly owdP95Ms: number | null;
  readonly owdP99Ms: number | null;
  readonly directP99Ms: number | null;
  /** Pairs of source and listener that heard nothing, all seeds together. */
  readonly unserved: number;
  /** Copies sent per frame played: 1 is the least there can be. */
  readonly copiesPerDelivery: number | null;
  /** Control payload a member sends, kbit/s. */
  readonly controlKbps: number;
  /** Links on the longest way from a source. */
  readonly maxDepth: number;
  readonly linksMean: number;
  readonly linksMax: number;
  readonly gapP50Ms: number | null;
  readonly gapP99Ms: number | null;
  /** Share of the frames due that came in time to be played; the worst seed's beside it. */
  readonly delivered: number | null;
  readonly deliveredWorst: number | null;
  /** Shares of pairs served again within 500 ms, 1 s, 3 s and 5 s of the event. */
  readonly served500ms: number | null;
  readonly served1s: number | null;
  readonly served3s: number | null;
  readonly served5s: number | null;
  /** From the event (or the first link) to the first playable frame, 95th percentile. */
  readonly servedP95Ms: number | null;
  /** Frames of a blocked source that came later than one round trip after the block. */
  readonly lateBlocked: number;
  /** Frames played that nobody spoke. */
  readonly forgedHeard: number;
}

export function rowOf(
  options: BenchOptions,
  scenario: ScenarioName,
  system: SystemName,
  results: readonly SeedResult[],
): OverlayRow {
  const all = (key: 'overlayMs' | 'directMs' | 'gapsMs' | 'servedMs'): number[] =>
    results.flatMap((result) => [...result[key]]);
  const sum = (pick: (result: SeedResult) => number): number =>
    results.reduce((total, result) => total + pick(result), 0);
  const overlayMs = all('overlayMs');
  const directMs = all('directMs');
  const rads = results.map((result) => result.overlayMeanMs / result.directMeanMs).filter(Number.isFinite);
  const penalties = overlayMs.map((ms, index) => ms / directMs[index]!);
  const gapsMs = all('gapsMs');
  const servedMs = all('servedMs');
  const served = (withinMs: number): number | null =>
    share(servedMs.filter((ms) => ms <= withinMs).length, servedMs.length);
  const delivered = results.filter((result) => result.due > 0);
  return {
    scenario,
    system,
    nodes: options.nodes,
    seeds: results.length,
    rad: share(
      rads.reduce((total, rad) => total + rad, 0),
      rads.length,
    ),
    radWorst: rads.length > 0 ? Math.max(...rads) : null,
    rdpP90: at(penalties, 0.9),
    rdpP99: at(penalties, 0.99),
    owdP95Ms: at(overlayMs, 0.95),
    owdP99Ms: at(overlayMs, 0.99),
    directP99Ms: at(directMs, 0.99),
    unserved: sum((result) => result.unservedPairs),
    copiesPerDelivery: share(
      sum((result) => result.voiceCopies),
      sum((result) => result.plays),
    ),
    controlKbps: sum((result) => result.controlKbps) / results.length,
    maxDepth: Math.max(...results.map((result) => result.maxDepth)),
    linksMean: sum((result) => result.linksMean) / results.length,
    linksMax: Math.max(...results.map((result) => result.linksMax)),
    gapP50Ms: at(gapsMs, 0.5),
    gapP99Ms: at(gapsMs, 0.99),
    delivered: share(
      sum((result) => result.playable),
      sum((result) => result.due),
    ),
    deliveredWorst:
      delivered.length > 0 ? Math.min(...delivered.map((result) => result.playable / result.due)) : null,
    served500ms: served(500),
    served1s: served(1000),
    served3s: served(3000),
    served5s: served(5000),
    servedP95Ms: at(servedMs, 0.95),
    lateBlocked: sum((result) => result.lateBlocked),
    forgedHeard: sum((result) => result.forgedHeard),
  };
}

function share(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

function at(values: readonly number[], q: number): number | null {
  if (values.length === 0) return null;
  const value = quantile(values, q);
  return Number.isFinite(value) ? value : null;
}

/** Columns of the printed table: heading, key, decimals. */
const COLUMNS: readonly (readonly [string, keyof OverlayRow, number])[] = [
  ['RAD', 'rad', 3],
  ['worst', 'radWorst', 3],
  ['RDP p90', 'rdpP90', 2],
  ['RDP p99', 'rdpP99', 2],
  ['p95 ms', 'owdP95Ms', 0],
  ['p99 ms', 'owdP99Ms', 0],
  ['direct p99', 'directP99Ms', 0],
  ['unserved', 'unserved', 0],
  ['copies', 'copiesPerDelivery', 3],
  ['control kbit/s', 'controlKbps', 2],
  ['depth', 'maxDepth', 0],
  ['links', 'linksMean', 1],
  ['most', 'linksMax', 0],
  ['gap p50 ms', 'gapP50Ms', 0],
  ['gap p99 ms', 'gapP99Ms', 0],
  ['delivered', 'delivered', 4],
  ['in 0.5 s', 'served500ms', 3],
  ['in 1 s', 'served1s', 3],
  ['in 3 s', 'served3s', 3],
  ['late blocked', 'lateBlocked', 0],
  ['forged', 'forgedHeard', 0],
];

/** All rows of one scenario, columns aligned. */
export function tableOf(rows: readonly OverlayRow[]): string {
  const cells = [
    ['system', ...COLUMNS.map(([heading]) => heading)],
    ...rows.map((row) => [
      row.system,
      ...COLUMNS.map(([, key, decimals]) => {
        const value = row[key];
        return typeof value === 'number' ? value.toFixed(decimals) : '–';
      }),
    ]),
  ];
  const widths = cells[0]!.map((_, column) => Math.max(...cells.map((row) => row[column]!.length)));
  return cells
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
        .join('  '),
    )
    .join('\n');
}
