/**
 * `npm run bench:overlay -- [--matrix FILE] [--unit ms|s] [--nodes N] [--links K] [--slots ample|tiers] [--line KBPS]
 * [--speakers S] [--seeds N] [--scenario NAME[,NAME]|all] [--systems a,b] [--loss SHARE] [--jitter MS] [--jobs N] [--json]`
 *
 * Our overlay beside full mesh, k-ary tree, GossipSub and a greedy tree on the true matrix, on the same simulated
 * network with the same seeds. Without a matrix it draws rooms from a made-up internet (`test/simulation/latency.ts`).
 * `--json` prints one object per system and scenario (`bench/support/overlay/row.ts`), otherwise a table; progress goes
 * to standard error. `--scenario cost` prints what the engine costs instead (`bench/support/overlay/cost.ts`); its times
 * and memory are this machine's. All else is deterministic: a seed gives the same figures on every machine.
 */

import { costText, measureCost } from './support/overlay/cost.js';
import { parseBenchOptions } from './support/overlay/options.js';
import { SeedPool } from './support/overlay/pool.js';
import { rowOf, tableOf, type OverlayRow } from './support/overlay/row.js';

const options = parseBenchOptions(process.argv.slice(2));
const { scenarios, systems, seeds, seed: firstSeed, json } = options;
const pool = new SeedPool(options);
const started = performance.now();
const total = scenarios.length * systems.length * seeds;
let done = 0;
const progress = (name: string): void => {
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stderr.write(`\r${done} of ${total} runs, ${seconds} s: ${name}`.padEnd(72));
};

try {
  if (options.cost) {
    const row = measureCost(options, (phase) => progress(`cost, ${phase}`));
    process.stderr.write('\r'.padEnd(73) + '\r');
    console.log(json ? JSON.stringify(row) : costText(row));
  }
  for (const scenario of scenarios) {
    const rows: OverlayRow[] = [];
    for (const system of systems) {
      progress(`${scenario}, ${system}`);
      const results = await Promise.all(
        Array.from({ length: seeds }, async (_, index) => {
          const result = await pool.run(scenario, system, firstSeed + index);
          done++;
          progress(`${scenario}, ${system}`);
          return result;
        }),
      );
      const row = rowOf(options, scenario, system, results);
      rows.push(row);
      if (json) console.log(JSON.stringify(row));
    }
    process.stderr.write('\r'.padEnd(73) + '\r');
    if (json) continue;
    const { nodes, links, slots, speakers, matrix } = options;
    console.log(
      `\n${scenario}: ${nodes} members, ≤ ${links} links, ${slots} slots, ${speakers} speaking, ${seeds} seeds, ` +
        `${matrix ?? 'made-up internet'}`,
    );
    console.log(tableOf(rows));
  }
} finally {
  pool.close();
}
