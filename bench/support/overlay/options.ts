/** What one run of the overlay benchmark is asked for. */

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import {
  syntheticInternet,
  loadMatrix,
  type DelayTable,
  type LatencyUnit,
} from '../../../test/simulation/latency.js';
import { seededRandom } from '../../../test/simulation/random.js';

export const SCENARIOS = [
  'steady',
  'crash-one',
  'crash-20',
  'crash-50',
  'leave',
  'flash',
  'churn',
  'blocks',
  'blocks-10',
  'blocks-50',
  'blocks-halves',
  'blocks-one',
  'blocks-strong',
  'liars',
] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

export const SYSTEMS = ['ours', 'full-mesh', 'k-ary', 'gossipsub', 'greedy-true-matrix'] as const;
export type SystemName = (typeof SYSTEMS)[number];

export interface BenchOptions {
  readonly matrix: string | undefined;
  readonly unit: LatencyUnit | undefined;
  readonly nodes: number;
  readonly links: number;
  readonly slots: 'ample' | 'tiers';
  /** What a line carries for each copy of the tiers, kbit/s: a copy takes 76 with all headers, so 84 is a line that is full. */
  readonly lineKbps: number;
  readonly speakers: number;
  readonly seeds: number;
  /** The first seed; the others follow it. */
  readonly seed: number;
  readonly scenarios: readonly ScenarioName[];
  /** What the engine costs is asked for too, in place of a comparison: scenario `cost`, not part of `all`. */
  readonly cost: boolean;
  readonly systems: readonly SystemName[];
  readonly loss: number;
  readonly jitterMs: number;
  /** Median time members stay, for `churn`, s. */
  readonly sessionS: number;
  /** From the last join to what is measured, s. */
  readonly settleS: number;
  readonly jobs: number;
  readonly json: boolean;
}

/** @throws RangeError naming the argument that is wrong, @throws TypeError for one that does not exist. */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      matrix: { type: 'string' },
      unit: { type: 'string' },
      nodes: { type: 'string', default: '80' },
      links: { type: 'string', default: '8' },
      slots: { type: 'string', default: 'ample' },
      line: { type: 'string', default: '84' },
      speakers: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '3' },
      seed: { type: 'string', default: '1' },
      scenario: { type: 'string', default: 'steady' },
      systems: { type: 'string', default: SYSTEMS.join() },
      loss: { type: 'string', default: '0' },
      jitter: { type: 'string', default: '0' },
      session: { type: 'string', default: '60' },
      settle: { type: 'string', default: '60' },
      jobs: { type: 'string', default: String(Math.min(2, availableParallelism())) },
      json: { type: 'boolean', default: false },
    },
  });
  const number = (name: string, text: string, least: number, most: number, whole = true): number => {
    const value = Number(text);
    if (text.trim() === '' || !(value >= least && value <= most) || (whole && !Number.isInteger(value)))
      throw new RangeError(`--${name} takes a ${whole ? 'whole ' : ''}number ${least}–${most}, not ${text}`);
    return value;
  };
  const oneOf = <T extends string>(name: string, text: string, all: readonly T[]): T => {
    const found = all.find((each) => each === text);
    if (found === undefined) throw new RangeError(`--${name} knows ${all.join(', ')}, not ${text}`);
    return found;
  };
  const named = values.scenario.split(',').map((name) => name.trim());
  const nodes = number('nodes', values.nodes, 2, 2000);
  return {
    matrix: values.matrix,
    unit: values.unit === undefined ? undefined : oneOf('unit', values.unit, ['ms', 's'] as const),
    nodes,
    links: number('links', values.links, 2, 32),
    slots: oneOf('slots', values.slots, ['ample', 'tiers']),
    lineKbps: number('line', values.line, 76, 1_000_000, false),
    speakers: number('speakers', values.speakers, 1, nodes - 1),
    seeds: number('seeds', values.seeds, 1, 10_000),
    seed: number('seed', values.seed, 0, 2 ** 31),
    scenarios:
      values.scenario === 'all'
        ? SCENARIOS
        : named.filter((name) => name !== 'cost').map((name) => oneOf('scenario', name, SCENARIOS)),
    cost: named.includes('cost'),
    systems: values.systems.split(',').map((name) => oneOf('systems', name.trim(), SYSTEMS)),
    loss: number('loss', values.loss, 0, 0.5, false),
    jitterMs: number('jitter', values.jitter, 0, 1000, false),
    sessionS: number('session', values.session, 5, 36_000, false),
    settleS: number('settle', values.settle, 1, 3600, false),
    jobs: number('jobs', values.jobs, 1, 64),
    json: values.json,
  };
}

/** Nodes of the synthetic internet that rooms are drawn from: as many as the larger of the usual matrices has. */
const SYNTHETIC_NODES = 490;

const tables = new Map<string, DelayTable>();

/** The matrix asked for, or the synthetic internet, always the same one. */
export function delayTable({ matrix, unit }: Pick<BenchOptions, 'matrix' | 'unit'>): DelayTable {
  const key = `${matrix ?? ''} ${unit ?? ''}`;
  let table = tables.get(key);
  if (!table) {
    table =
      matrix === undefined ? syntheticInternet(SYNTHETIC_NODES, seededRandom(1)) : loadMatrix(matrix, unit);
    tables.set(key, table);
  }
  return table;
}
