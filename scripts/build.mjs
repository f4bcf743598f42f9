/** `npm run build`: the bundles by rollup, then the unbundled modules and types by the compiler. */
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { bin, root, run } from './lib/run.mjs';

const started = performance.now();
rmSync(`${root}dist`, { recursive: true, force: true });
await run(bin('rollup'), ['--config', 'rollup.config.mjs', '--silent']);
if (existsSync(`${root}src/define.ts`)) await run(bin('tsc'), ['-p', 'tsconfig.build.json']);
else console.warn('skipped dist/esm: src/define.ts does not exist');

for (const file of readdirSync(`${root}dist`).filter((name) => name.endsWith('.js'))) {
  const bytes = readFileSync(`${root}dist/${file}`);
  const kb = (/** @type {number} */ length) => `${(length / 1000).toFixed(1)} kB`;
  console.log(
    `dist/${file}`.padEnd(38),
    kb(bytes.length).padStart(10),
    kb(gzipSync(bytes).length).padStart(10),
    'gz',
  );
}
console.log(`built in ${((performance.now() - started) / 1000).toFixed(1)} s`);
