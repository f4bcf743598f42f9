/** The scripts of `demo/overlay-lab.html`: made in memory when somebody serves the demo, never part of the package. */
import { build } from 'esbuild';
import { root } from './run.mjs';

/**
 * The simulated network can also read measured delays from a file. The page does not, so the import goes when nothing
 * uses it; if something did, it would stay and the worker would not load.
 * @type {import('esbuild').Plugin}
 */
const withoutFiles = {
  name: 'without-files',
  setup({ onResolve }) {
    onResolve({ filter: /^node:fs$/ }, ({ path }) => ({ path, external: true, sideEffects: false }));
  },
};

/** @returns {Promise<Record<string, string>>} path on the server → text */
export async function labScripts() {
  const { outputFiles } = await build({
    entryPoints: {
      'overlay-lab': `${root}demo/overlay-lab/page-entry.ts`,
      'overlay-lab.worker': `${root}demo/overlay-lab/worker-entry.ts`,
    },
    outdir: root,
    bundle: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    write: false,
    plugins: [withoutFiles],
  });
  return Object.fromEntries(
    outputFiles.map(({ path, text }) => [`/${path.slice(path.lastIndexOf('/') + 1)}`, text]),
  );
}
