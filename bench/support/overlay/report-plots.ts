/** The plots of the overlay report, as SVG texts: Observable Plot on a document without a browser. */

import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { SYSTEMS } from './options.js';
import { groupsOf, type ReportRow } from './report-rows.js';

export interface ReportPlot {
  /** File name without ending. */
  readonly name: string;
  readonly title: string;
  readonly svg: string;
}

/** Ours stands out; the others are told apart by every kind of colour vision (after Okabe and Ito). */
const COLOURS: Readonly<Record<string, string>> = {
  ours: '#0b3fd0',
  'full-mesh': '#7a7f88',
  'k-ary': '#b24f00',
  gossipsub: '#9a5fb5',
  'greedy-true-matrix': '#0a7d55',
};
const OTHER_COLOUR = '#444';
const WIDTH_PX = 760;
const ROW_PX = 22;
const CONTROL_PX = 280;
/** Gaps below one frame cannot be told from none. */
const LEAST_GAP_MS = 20;

const systemOrder = (rows: readonly ReportRow[]): string[] => {
  const there = new Set(rows.map(({ system }) => system));
  return [
    ...SYSTEMS.filter((system) => there.has(system)),
    ...[...there].filter((system) => !SYSTEMS.some((known) => known === system)),
  ];
};
const colourOf = ({ system }: ReportRow): string => COLOURS[system] ?? OTHER_COLOUR;
const room = ({ set, nodes }: ReportRow): string => `${set}, N=${nodes}`;
const event = (row: ReportRow): string => `${row.scenario} – ${room(row)}`;
const steady = (rows: readonly ReportRow[]): ReportRow[] =>
  rows.filter(({ scenario }) => scenario === 'steady');

function svgOf(title: string, options: Plot.PlotOptions): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const svg = Plot.plot({
    document,
    width: WIDTH_PX,
    marginLeft: 140,
    marginRight: 130,
    marginTop: 34,
    style: { background: 'white', color: '#1a1c22', fontFamily: 'system-ui, sans-serif', fontSize: '12px' },
    ariaLabel: title,
    ...options,
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('role', 'img');
  return `${svg.outerHTML}\n`;
}

/** One line of the plot per system, one panel per value of `panel`. */
function panels(
  title: string,
  rows: readonly ReportRow[],
  panel: (row: ReportRow) => string,
  x: Plot.ScaleOptions,
  marks: Plot.Markish[],
): string {
  const systems = systemOrder(rows);
  const names = [...new Set(rows.map(panel))];
  return svgOf(title, {
    height: 78 + names.length * (systems.length * ROW_PX + 34),
    marginBottom: 46,
    x: { grid: true, labelOffset: 40, ...x },
    y: { domain: systems, label: null },
    fy: { domain: names, axis: null, padding: 0.2 },
    marks: [
      Plot.frame({ stroke: '#dde1e8' }),
      Plot.text(names, {
        fy: (name: string) => name,
        text: (name: string) => name,
        frameAnchor: 'top-left',
        fontWeight: 600,
        dy: -16,
      }),
      ...marks,
    ],
  });
}

function radPlot(rows: readonly ReportRow[], title: string): string {
  const common = { y: 'system', fy: room } as const;
  return panels(title, rows, room, { label: 'mean delay / mean direct delay (RAD) →', zero: true }, [
    Plot.barX(rows, { ...common, x: 'rad', fill: colourOf, insetTop: 3, insetBottom: 3 }),
    Plot.tickX(rows, { ...common, x: 'radWorst', stroke: '#1a1c22', strokeWidth: 2 }),
    Plot.ruleX([1], { stroke: '#1a1c22', strokeDasharray: '3,3' }),
    Plot.text(rows, {
      ...common,
      x: (row: ReportRow) => Math.max(row.rad, Number.isFinite(row.radWorst) ? row.radWorst : 0),
      text: (row: ReportRow) => row.rad.toFixed(2),
      textAnchor: 'start',
      dx: 6,
    }),
  ]);
}

function gapPlot(rows: readonly ReportRow[], title: string): string {
  const common = { y: 'system', fy: event } as const;
  const atLeast = (value: number): number => Math.max(LEAST_GAP_MS, value);
  const p50 = (row: ReportRow): number => atLeast(row.gapP50Ms);
  const p99 = (row: ReportRow): number => atLeast(row.gapP99Ms);
  return panels(
    title,
    rows,
    event,
    { type: 'log', label: 'silence heard, ms: middle ● and 99th percentile ○ →', tickFormat: ',d', ticks: 5 },
    [
      Plot.ruleY(rows, { ...common, x1: p50, x2: p99, stroke: colourOf, strokeWidth: 2 }),
      Plot.dot(rows, { ...common, x: p50, fill: colourOf, r: 5 }),
      Plot.dot(rows, { ...common, x: p99, fill: 'white', stroke: colourOf, strokeWidth: 2, r: 5 }),
      Plot.text(rows, {
        ...common,
        x: p99,
        text: (row: ReportRow) => `${Math.round(row.gapP99Ms)}`,
        textAnchor: 'start',
        dx: 9,
      }),
    ],
  );
}

function servedPlot(rows: readonly ReportRow[], title: string): string {
  const common = { y: 'system', fy: event } as const;
  return panels(
    title,
    rows,
    event,
    {
      domain: [0, 100],
      percent: true,
      label: 'survivors served again within 500 ms (full) and 3 s (light), % →',
    },
    [
      Plot.barX(rows, {
        ...common,
        x: 'served3s',
        fill: colourOf,
        fillOpacity: 0.3,
        insetTop: 3,
        insetBottom: 3,
      }),
      Plot.barX(rows, { ...common, x: 'served500ms', fill: colourOf, insetTop: 3, insetBottom: 3 }),
      Plot.text(rows, {
        ...common,
        x: () => 1,
        text: (row: ReportRow) => `${percent(row.served500ms)} · ${percent(row.served3s)}`,
        textAnchor: 'start',
        dx: 8,
      }),
    ],
  );
}

function copiesPlot(rows: readonly ReportRow[], title: string): string {
  const common = { y: 'system', fy: room } as const;
  return panels(title, rows, room, { label: 'copies sent per frame played →', zero: true }, [
    Plot.barX(rows, { ...common, x: 'copiesPerDelivery', fill: colourOf, insetTop: 3, insetBottom: 3 }),
    Plot.ruleX([1], { stroke: '#1a1c22', strokeDasharray: '3,3' }),
    Plot.text(rows, {
      ...common,
      x: 'copiesPerDelivery',
      text: (row: ReportRow) => row.copiesPerDelivery.toFixed(2),
      textAnchor: 'start',
      dx: 6,
    }),
  ]);
}

/** Of one kind of room: lines of several would end side by side under the same names. */
function controlPlot(rows: readonly ReportRow[], title: string): string {
  const series = ({ system }: ReportRow): string => system;
  const line = { x: 'nodes', y: 'controlKbps' } as const;
  const mostKbps = Math.max(...rows.map(({ controlKbps }) => controlKbps));
  const last = [...groupsOf(rows, series).values()]
    .map((group) => group.reduce((most, row) => (row.nodes > most.nodes ? row : most)))
    .sort((a, b) => a.controlKbps - b.controlKbps);
  // Names of lines that end near together are moved apart, from the lowest up.
  let takenPx = -Infinity;
  const named = last.map((row) => {
    const linePx = (row.controlKbps / mostKbps) * CONTROL_PX;
    takenPx = Math.max(linePx, takenPx + ROW_PX * 0.7);
    return Plot.text([row], {
      ...line,
      text: 'system',
      fill: colourOf,
      textAnchor: 'start',
      dx: 9,
      dy: linePx - takenPx,
    });
  });
  return svgOf(title, {
    height: CONTROL_PX + 80,
    marginLeft: 60,
    marginBottom: 46,
    x: {
      label: 'members →',
      labelOffset: 40,
      type: 'log',
      base: 2,
      tickFormat: 'd',
      ticks: [...new Set(rows.map(({ nodes }) => nodes))],
    },
    y: { label: '↑ control traffic sent by a member, kbit/s', grid: true, domain: [0, mostKbps] },
    marks: [
      Plot.frame({ stroke: '#dde1e8' }),
      Plot.line(rows, { ...line, z: series, sort: 'nodes', stroke: colourOf, strokeWidth: 2 }),
      Plot.dot(rows, { ...line, fill: colourOf, r: 4 }),
      ...named,
    ],
  });
}

const percent = (share: number): string => (Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : '–');

interface PlotKind {
  readonly name: string;
  readonly title: string;
  readonly rowsOf: (rows: readonly ReportRow[]) => ReportRow[];
  readonly draw: (rows: readonly ReportRow[], title: string) => string;
  /** Each kind of room in a plot of its own. */
  readonly isPerSet?: boolean;
}

const KINDS: readonly PlotKind[] = [
  {
    name: 'rad',
    title: 'Delay against the direct mesh, mean (bar) and worst seed (tick)',
    rowsOf: (rows) => steady(rows).filter(({ rad }) => Number.isFinite(rad)),
    draw: radPlot,
  },
  {
    name: 'gaps',
    title: 'Silence heard when members go',
    rowsOf: (rows) =>
      rows.filter(({ scenario, gapP99Ms }) => scenario !== 'steady' && Number.isFinite(gapP99Ms)),
    draw: gapPlot,
  },
  {
    name: 'served',
    title: 'Served again after many crashed at once',
    rowsOf: (rows) => rows.filter(({ scenario }) => /^crash-\d/.test(scenario)),
    draw: servedPlot,
  },
  {
    name: 'copies',
    title: 'Copies per delivery, steady',
    rowsOf: (rows) => steady(rows).filter(({ copiesPerDelivery }) => Number.isFinite(copiesPerDelivery)),
    draw: copiesPlot,
  },
  {
    name: 'control',
    title: 'Control traffic against the size of the room, steady',
    rowsOf: (rows) => steady(rows).filter(({ controlKbps }) => Number.isFinite(controlKbps)),
    draw: controlPlot,
    isPerSet: true,
  },
];

/** Those plots there are rows for. */
export function reportPlots(rows: readonly ReportRow[]): ReportPlot[] {
  return KINDS.flatMap(({ name, title, rowsOf, draw, isPerSet = false }) => {
    const mine = rowsOf(rows);
    if (mine.length === 0) return [];
    const sets = groupsOf(mine, ({ set }) => set);
    if (!isPerSet || sets.size === 1) return [{ name, title, svg: draw(mine, title) }];
    return [...sets].map(([set, group], index) => {
      const own = `${title}: ${set}`;
      return { name: `${name}-${index + 1}`, title: own, svg: draw(group, own) };
    });
  });
}
