/**
 * The files a page loads. `p2p-voice-room.js` is the one tag; the others lie beside it and load at join, each in
 * the format its loader can take: a worker started from another origin only accepts a classic script, a worklet
 * only one file without imports.
 */
import { fileURLToPath } from 'node:url';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import terser from '@rollup/plugin-terser';
import esbuild from 'rollup-plugin-esbuild';
import { privateNames } from './scripts/lib/private-names.mjs';
import {
  companion,
  factory,
  tunedTrystero,
  libopus,
  siblingAssets,
  tightStyles,
} from './scripts/lib/rollup-plugins.mjs';

/**
 * `privateTo`: a room of the house that is in this bundle alone: names that nobody else knows are spelt shorter.
 * @typedef {{name: string, input: string, format: 'es' | 'iife', intro?: string, shared?: string[], privateTo?: string}} Bundle
 */

/**
 * What Lit's browser build touches the moment it loads. On a server, where somebody may import the tag's file along
 * with everything else, it finds these instead; an element made there would be of no use, but nothing throws.
 */
const ABSENT_ON_SERVERS = `
const HTMLElement = globalThis.HTMLElement ?? class {};
const document = globalThis.document ?? { createTreeWalker() {}, createComment() {} };
`;

/** Its worklet and its WebAssembly are files of their own, loaded by whoever wants stronger noise suppression. */
const SUPPRESSOR = 'node_modules/@sapphi-red/web-noise-suppressor/dist';

/** @type {Bundle[]} */
export const bundles = [
  { name: 'p2p-voice-room', input: 'src/define.ts', format: 'es', intro: ABSENT_ON_SERVERS },
  {
    name: 'p2p-voice-room.worker',
    input: 'src/room/worker-entry.ts',
    format: 'iife',
    privateTo: 'overlay',
  },
  { name: 'p2p-voice-room.worklet', input: 'src/audio/worklet-entry.ts', format: 'es' },
  { name: 'p2p-voice-room.codec', input: 'src/audio/codec-entry.ts', format: 'iife' },
  // A function that makes the module: Trystero keeps global state. The elliptic curve, whose tables take a quarter of
  // a second to compute on a slow machine, is shared.
  {
    name: 'p2p-voice-room.doorbell',
    input: 'src/network/doorbell-entry.ts',
    format: 'es',
    shared: ['@noble/secp256k1'],
  },
  { name: 'p2p-voice-room.panels', input: 'src/elements/panels-entry.ts', format: 'es' },
  { name: 'p2p-voice-room.suppressor', input: `${SUPPRESSOR}/rnnoise/workletProcessor.js`, format: 'es' },
  { name: 'p2p-voice-room.test-voice', input: 'src/audio/test-voice.ts', format: 'es' },
];

/** @param {Bundle} bundle @returns {import('rollup').RollupOptions} */
function options({ name, input, format, intro, shared, privateTo }) {
  const file = fileURLToPath(new URL(input, import.meta.url));
  const resolve = nodeResolve({ browser: true, exportConditions: ['browser'] });
  const compile = esbuild({ target: 'es2022', charset: 'utf8', tsconfig: 'tsconfig.json' });
  return {
    input: file,
    output: {
      file: fileURLToPath(new URL(`dist/${name}.js`, import.meta.url)),
      format,
      sourcemap: true,
      inlineDynamicImports: true,
      generatedCode: 'es2015',
      ...(intro ? { intro } : {}),
    },
    plugins: [
      libopus(),
      siblingAssets(),
      tightStyles(),
      ...(name.endsWith('.suppressor')
        ? [companion(`${SUPPRESSOR}/rnnoise_simd.wasm`, 'p2p-voice-room.suppressor.wasm')]
        : []),
      ...(shared ? [factory({ input: file, shared, plugins: [tunedTrystero(), resolve, compile] })] : []),
      resolve,
      compile,
      terser({
        ecma: 2020,
        module: format === 'es',
        compress: { passes: 2 },
        ...(privateTo ? { mangle: { properties: { regex: privateNames(privateTo) } } } : {}),
        format: { comments: /^!|@license|@preserve/ },
      }),
    ],
    onwarn(warning, warn) {
      // A bundle with an unresolved import would break only in the browser: fail here instead.
      if (warning.code === 'UNRESOLVED_IMPORT') throw new Error(warning.message);
      warn(warning);
    },
  };
}

/** The same modules one by one, for bundlers: only what a page imports, with its own dependencies left to them. */
/** @type {import('rollup').RollupOptions} */
const unbundled = {
  input: ['src/index.ts', 'src/define.ts'].map((file) => fileURLToPath(new URL(file, import.meta.url))),
  external: [/^lit(\/|$)/, /^@lit\//],
  output: {
    dir: fileURLToPath(new URL('dist/esm', import.meta.url)),
    format: 'es',
    preserveModules: true,
    preserveModulesRoot: fileURLToPath(new URL('src', import.meta.url)),
    sourcemap: true,
  },
  plugins: [esbuild({ target: 'es2022', charset: 'utf8', tsconfig: 'tsconfig.json' })],
};

export default [...bundles.map(options), unbundled];
