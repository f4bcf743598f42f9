/**
 * Where the one-way delays of a simulated room come from: a measured matrix given by path, or a synthetic internet.
 *
 * Loading rule of a matrix of round trips: the one-way delay of a pair is the mean of its measured directions, halved;
 * nodes are dropped, the one with most unmeasured pairs first (the later one of equals), until every remaining pair is
 * measured; then N of them are taken at random by the seed.
 */

import { readFileSync } from 'node:fs';
import type { Latencies } from './network.js';
import { shuffled } from './random.js';

export type LatencyUnit = 'ms' | 's';

/** Members that share a place are in one network, ms one way. */
const SAME_PLACE_MS = 0.5;

/** Square table of one-way delays, ms. */
export type DelayTable = readonly Float64Array[];

/**
 * Reads a matrix: one row per line, whitespace between entries, round trips; anything ≤ 0 or not a number counts as
 * not measured. Without a unit a median below 5 is taken for seconds: no room of the world is that near together.
 * @throws RangeError when the file is not a square matrix with at least two measured nodes
 */
export function loadMatrix(file: string, unit?: LatencyUnit): DelayTable {
  return completeTable(parseMatrix(readFileSync(file, 'utf8')), unit);
}

/** Rows of numbers. @throws RangeError when they are not square. */
export function parseMatrix(text: string): number[][] {
  const rows = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .map((line) => line.split(/[\s,]+/).map(Number));
  if (rows.length === 0 || rows.some((row) => row.length !== rows.length))
    throw new RangeError(`not a square matrix: ${rows.length} rows, ${rows[0]?.length ?? 0} columns`);
  return rows;
}

/** The loading rule up to the choice of N. @throws RangeError when fewer than two nodes remain. */
export function completeTable(roundTrips: readonly (readonly number[])[], unit?: LatencyUnit): DelayTable {
  const measured = (i: number, j: number): number => {
    const value = roundTrips[i]![j]!;
    return value > 0 && Number.isFinite(value) ? value : 0;
  };
  const roundTrip = (i: number, j: number): number => {
    const [there, back] = [measured(i, j), measured(j, i)];
    return there > 0 && back > 0 ? (there + back) / 2 : there + back;
  };
  let nodes = roundTrips.map((_, index) => index);
  const missing = nodes.map((i) => nodes.filter((j) => j !== i && roundTrip(i, j) === 0).length);
  for (;;) {
    let worst = nodes[0]!;
    for (const node of nodes) if (missing[node]! >= missing[worst]!) worst = node;
    if (missing[worst] === 0) break;
    nodes = nodes.filter((node) => node !== worst);
    for (const node of nodes) if (roundTrip(node, worst) === 0) missing[node]!--;
  }
  if (nodes.length < 2) throw new RangeError('fewer than two nodes are measured towards each other');
  const scale = (unit ?? guessUnit(nodes, roundTrip)) === 's' ? 1000 : 1;
  return nodes.map((i) => Float64Array.from(nodes, (j) => (i === j ? 0 : (roundTrip(i, j) * scale) / 2)));
}

function guessUnit(nodes: readonly number[], roundTrip: (i: number, j: number) => number): LatencyUnit {
  const values = nodes.flatMap((i) => nodes.filter((j) => j > i).map((j) => roundTrip(i, j)));
  values.sort((a, b) => a - b);
  return values[values.length >> 1]! < 5 ? 's' : 'ms';
}

/** N places of a table at random; with fewer places than members the places are shared. */
export function pickPlaces(table: DelayTable, members: number, random: () => number): Latencies {
  const order = shuffled([...table.keys()], random);
  const places = Array.from({ length: members }, (_, index) => order[index % order.length]!);
  return {
    places: members,
    oneWayMs(from, to) {
      if (from === to) return 0.1;
      const [a, b] = [places[from]!, places[to]!];
      return a === b ? SAME_PLACE_MS : table[a]![b]!;
    },
  };
}

/** Regions of the synthetic internet: share of members, centre and spread in ms of one-way delay. */
const REGIONS = [
  { share: 0.3, xMs: 0, yMs: 0, spreadMs: 12 },
  { share: 0.15, xMs: 33, yMs: 4, spreadMs: 8 },
  { share: 0.35, xMs: -42, yMs: 8, spreadMs: 10 },
  { share: 0.15, xMs: 92, yMs: 30, spreadMs: 16 },
  { share: 0.05, xMs: 20, yMs: 62, spreadMs: 10 },
] as const;

/** Spread (σ of the logarithm) of what routing adds to a pair's distance. */
const DETOUR_SIGMA = 0.35;

/**
 * A made-up internet of five regions (two coasts, a continent across each ocean, one in the south). A pair's one-way
 * delay is the distance of its ends on a plane, stretched by a log-normal detour of its own (routes follow contracts,
 * not geography: Spring, Mahajan, Anderson 2003), plus what the access line of each end costs: 1–8 ms, and 20 ms more
 * for one in ten. The detours break the triangle inequality as real matrices do.
 */
export function syntheticInternet(nodes: number, random: () => number): DelayTable {
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const points = Array.from({ length: nodes }, () => {
    let left = random();
    const region = REGIONS.find(({ share }) => (left -= share) < 0) ?? REGIONS[0];
    return {
      x: region.xMs + normal() * region.spreadMs,
      y: region.yMs + normal() * region.spreadMs,
      accessMs: 1 + random() * 7 + (random() < 0.1 ? 20 : 0),
    };
  });
  const table = points.map(() => new Float64Array(nodes));
  for (let i = 0; i < nodes; i++) {
    for (let j = i + 1; j < nodes; j++) {
      const [a, b] = [points[i]!, points[j]!];
      const detour = Math.exp(Math.abs(normal()) * DETOUR_SIGMA);
      const delayMs = Math.hypot(a.x - b.x, a.y - b.y) * detour + a.accessMs + b.accessMs;
      table[i]![j] = delayMs;
      table[j]![i] = delayMs;
    }
  }
  return table;
}
