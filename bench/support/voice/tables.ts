/** What `bench:voice` prints for people: figures, ratios, and the targets beside them. */

import type { Result } from '../../voice.js';

/** Share of native delay without a relay; ms a relay may add; share of native's processor with four children, and of a further child. */
const TARGETS = { delay: 0.85, hopMs: 2, relayCpu: 1 / 3, furtherChild: 1 / 10 };

export function printTables(results: readonly Result[]): void {
  console.table(
    results.map(({ metric, browser, hops, children, system, medianMs, p95Ms, heldMs, cpuPercent, gaps }) => ({
      metric,
      browser,
      relays: hops,
      children: children ?? '',
      system,
      'median ms': medianMs?.toFixed(1) ?? '',
      'p95 ms': p95Ms?.toFixed(1) ?? '',
      'held ms': heldMs?.toFixed(1) ?? '',
      'cpu %': cpuPercent?.toFixed(1) ?? '',
      gaps: gaps ?? '',
    })),
  );
  const comparisons = [...new Set(results.map(({ browser }) => browser))].flatMap((browser) =>
    compare(results.filter((result) => result.browser === browser)).map((line) => ({ browser, ...line })),
  );
  if (comparisons.length > 0) console.table(comparisons);
}

interface Comparison {
  readonly what: string;
  readonly measured: string;
  readonly target: string;
  readonly met: string;
}

/** Of one browser's results. A figure that was not measured gives no line. */
function compare(results: readonly Result[]): Comparison[] {
  const lines: Comparison[] = [];
  const add = (what: string, measured: number, target: number, unit = ''): void => {
    if (Number.isFinite(measured))
      lines.push({
        what,
        measured: `${measured.toFixed(2)}${unit}`,
        target: `≤ ${target.toFixed(2)}${unit}`,
        met: measured <= target ? 'yes' : 'no',
      });
  };
  const figure = (wanted: Partial<Result>, of: 'medianMs' | 'heldMs' | 'cpuPercent'): number => {
    const found = results.find((result) =>
      Object.entries(wanted).every(([key, value]) => result[key as keyof Result] === value),
    );
    return found?.[of] ?? Number.NaN;
  };
  const delay = (system: Result['system'], hops: number): number =>
    figure({ metric: 'delay', system, hops }, 'medianMs');
  const held = (hops: number): number => figure({ metric: 'delay', system: 'ours', hops }, 'heldMs');
  add('delay, ours ÷ native, no relay', delay('ours', 0) / delay('native', 0), TARGETS.delay);
  for (const hops of [1, 3]) {
    for (const system of ['ours', 'native', 'bare'] as const)
      add(
        `${system}: each of ${hops} relays adds`,
        (delay(system, hops) - delay(system, 0)) / hops,
        TARGETS.hopMs,
        ' ms',
      );
    add(`ours: of that, held back by the listener`, (held(hops) - held(0)) / hops, TARGETS.hopMs, ' ms');
  }
  const cpu = (system: Result['system'], children: number): number =>
    figure({ metric: 'relay-cpu', system, children }, 'cpuPercent');
  add('relay to 4 children, cpu, ours ÷ native', cpu('ours', 4) / cpu('native', 4), TARGETS.relayCpu);
  add('relay to 4 children, cpu, bare ÷ native', cpu('bare', 4) / cpu('native', 4), TARGETS.relayCpu);
  const further = (system: Result['system']): number => (cpu(system, 4) - cpu(system, 1)) / 3;
  add('each further child, cpu, ours ÷ native', further('ours') / further('native'), TARGETS.furtherChild);
  add('each further child, cpu, bare ÷ native', further('bare') / further('native'), TARGETS.furtherChild);
  return lines;
}
