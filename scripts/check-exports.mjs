/**
 * The package as its users get it: packs it, unpacks it beside the installed dependencies, and uses it from Node, from
 * a bundler and from TypeScript. Ends with 1 when anything is missing or throws.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { nodeResolve } from '@rollup/plugin-node-resolve';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { rollup } from 'rollup';
import { bin, capture, root } from './lib/run.mjs';

// Inside the package's own folder, so that its dependencies resolve without another installation.
const work = `${root}.cache/packed/`;
const unpacked = `${work}node_modules/p2p-voice-room/`;
/** @type {string[]} */
const problems = [];

rmSync(work, { recursive: true, force: true });
mkdirSync(unpacked, { recursive: true });
const packed = await capture('npm', [
  'pack',
  '--json',
  '--ignore-scripts',
  '--loglevel=error',
  '--pack-destination',
  work,
]);
const listing = packed.output.slice(packed.output.indexOf('['));
const [tarball] = /** @type {{filename: string, size: number, files: {path: string}[]}[]} */ (
  JSON.parse(listing)
);
if (!tarball) throw new Error(packed.output);
const untar = await capture('tar', ['-xzf', work + tarball.filename, '-C', unpacked, '--strip-components=1']);
if (untar.code !== 0) throw new Error(untar.output);

const manifest = JSON.parse(readFileSync(`${unpacked}package.json`, 'utf8'));
const { messages } = await publint({ pkgDir: unpacked, strict: true, pack: false });
for (const message of messages)
  if (message.type !== 'suggestion')
    problems.push(`publint: ${formatMessage(message, manifest) ?? message.code}`);

/** @param {unknown} target @returns {string[]} */
const targets = (target) =>
  typeof target === 'string' ? [target] : Object.values(/** @type {object} */ (target)).flatMap(targets);
for (const file of [
  manifest.types,
  manifest.jsdelivr,
  manifest.unpkg,
  `./${manifest.customElements}`,
  ...targets(manifest.exports),
])
  if (!file.includes('*') && !existsSync(unpacked + file)) problems.push(`${file} is not in the package`);
for (const name of ['worker', 'worklet', 'codec', 'doorbell'])
  if (!existsSync(`${unpacked}dist/p2p-voice-room.${name}.js`))
    problems.push(`the ${name} is not in the package`);
for (const { path } of tarball.files)
  if (/(^|\/)(test|bench|demo|scripts|node_modules)\//.test(path))
    problems.push(`${path} does not belong in the package`);

// Node: no DOM, nothing may throw.
writeFileSync(
  `${work}node.mjs`,
  `import { VoiceRoom, VoiceRoomError } from 'p2p-voice-room';
import 'p2p-voice-room/define';
import 'p2p-voice-room/dist/p2p-voice-room.js';
if (typeof VoiceRoom !== 'function' || typeof VoiceRoomError !== 'function') throw new Error('exports are missing');
`,
);
const inNode = await capture(process.execPath, [`${work}node.mjs`]);
if (inNode.code !== 0) problems.push(`importing in Node: ${inNode.output}`);

// A bundler: everything resolves, and the registration survives tree shaking.
writeFileSync(`${work}bundle.mjs`, `import 'p2p-voice-room/define';\n`);
try {
  const bundle = await rollup({
    input: `${work}bundle.mjs`,
    plugins: [nodeResolve({ browser: true, exportConditions: ['browser'] })],
    onwarn: (warning) => {
      if (warning.code === 'UNRESOLVED_IMPORT') problems.push(`bundling: ${warning.message}`);
    },
  });
  const { output } = await bundle.generate({ format: 'es' });
  await bundle.close();
  if (!/customElements|\.define\(/.test(output[0].code))
    problems.push('bundling: the registration was shaken out');
} catch (error) {
  problems.push(`bundling: ${/** @type {Error} */ (error).message}`);
}

// TypeScript: the types resolve and check, as an application and as a Node module.
writeFileSync(
  `${work}types.mts`,
  `import { VoiceRoom, VoiceRoomError, type PeerSnapshot } from 'p2p-voice-room';
import 'p2p-voice-room/define';
const room = new VoiceRoom({ room: 'smoke' });
room.addEventListener('room-error', (event) => { const error: VoiceRoomError = event.error; void error.reason; });
export const peers: readonly PeerSnapshot[] = room.peers;
export const element: HTMLElement | null = document.querySelector('p2p-voice-room');
`,
);
for (const [module, resolution] of /** @type {const} */ ([
  ['ESNext', 'Bundler'],
  ['NodeNext', 'NodeNext'],
])) {
  const types = await capture(bin('tsc'), [
    ...[
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--target',
      'ES2022',
      '--lib',
      'ES2023,DOM,DOM.Iterable',
    ],
    ...['--module', module, '--moduleResolution', resolution, `${work}types.mts`],
  ]);
  if (types.code !== 0) problems.push(`types (${resolution}): ${types.output}`);
}

rmSync(work, { recursive: true, force: true });
for (const problem of problems) console.log(problem);
console.log(
  `packed: ${tarball.files.length} files, ${(tarball.size / 1000).toFixed(0)} kB; ${problems.length} problems`,
);
if (problems.length > 0) process.exitCode = 1;
