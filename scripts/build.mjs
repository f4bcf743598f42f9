/** `npm run build`: the bundles by rollup, then the unbundled modules and types by the compiler. */
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { bin, root, runAll } from './lib/run.mjs';

const started = performance.now();
const startedAtMs = Date.now();
await runAll(
  [bin('rollup'), ['--config', 'rollup.config.mjs', '--silent']],
  [bin('tsc'), ['-p', 'tsconfig.build.json']],
);

// A page being served keeps its files while they are built; what this build did not write goes only now.
for (const entry of readdirSync(`${root}dist`, { recursive: true, withFileTypes: true })) {
  const file = `${entry.parentPath ?? entry.path}/${entry.name}`;
  // A second of grace for file systems with coarse times.
  if (entry.isFile() && statSync(file).mtimeMs < startedAtMs - 1000) rmSync(file);
}

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
