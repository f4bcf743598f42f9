/** Small transforms the bundles need. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import zopfli from '@gfx/zopfli';
import { rollup } from 'rollup';

const LIBOPUS_FILE = 'libopus-wasm/dist/generated/libopus.generated.mjs';

/**
 * Lets the codec import libopus' single generated file, which its package does not export (the wrapper around it
 * allocates on every call), and cuts the Node half off it: `import.meta` and `import()` are syntax errors in a
 * classic script, and neither worker nor worklet can use them.
 * @returns {import('rollup').Plugin}
 */
export function libopus() {
  const file = fileURLToPath(new URL(`../../node_modules/${LIBOPUS_FILE}`, import.meta.url));
  /** @type {[from: string, to: string][]} */
  const cuts = [
    ['globalThis.process?.versions?.node&&globalThis.process?.type!="renderer"', 'false'],
    ['await import("node:module")', '{}'],
    ['import.meta.url', '""'],
  ];
  return {
    name: 'libopus',
    resolveId: (id) => (id.endsWith(LIBOPUS_FILE) ? file : null),
    async transform(code, id) {
      if (id !== file) return null;
      for (const [from, to] of cuts) {
        if (!code.includes(from)) this.error(`libopus no longer contains ${from}: look at its new loader`);
        code = code.replaceAll(from, () => to);
      }
      const shorter = await packed(code);
      if (shorter === undefined)
        this.error('libopus holds its WebAssembly differently: look at its new loader');
      return { code: shorter, map: { mappings: '' } };
    },
  };
}

/**
 * The file holds its WebAssembly as a text, a character a byte, of which half take two bytes in UTF-8. Deflated and in six
 * bits a character it takes 14 kB less gzipped, what unpacks it included; 9 of these are Zopfli's, for a second of time.
 * @param {string} code
 * @returns {Promise<string | undefined>} undefined when the text or its reader is not where it was
 */
async function packed(code) {
  const reader =
    'function binaryDecode(bin){for(var i=0,l=bin.length,o=new Uint8Array(l),c;i<l;++i){c=bin.charCodeAt(i);o[i]=~c>>8&c}return o}';
  const [literal] = /(["'])(?:(?!\1)[^\\\n]|\\[^]){100000,}\1/.exec(code) ?? [];
  if (literal === undefined || !code.includes(reader)) return undefined;
  const text = /** @type {string} */ (runInNewContext(literal));
  const bytes = Uint8Array.from(text, (char) => char.charCodeAt(0) & (char < 'Ā' ? 255 : 0));
  const shorter = Buffer.from(await promisify(zopfli.deflate)(bytes, {})).toString('base64');
  const unpacker = fileURLToPath(new URL('../../src/audio/unpacked.ts', import.meta.url));
  return (
    `import { unpacked as binaryDecode } from ${JSON.stringify(unpacker)};\n` +
    code.replace(literal, () => `"${shorter}"`).replace(reader, '')
  );
}

/**
 * What no option of Trystero reaches.
 *
 * It keeps 20 spare connections per network from the moment it rings. A page may have about 500 in Chromium, those
 * included that are closed but not collected yet: twelve rings. And each takes time from a join: eight cost 0.3 s on two
 * slow cores. What is needed at once is one for whoever answers; more are made when asked for.
 *
 * It ignores an offer that a tracker brings again within 4 s, for the copies of other trackers. But a ring repeats its
 * offers after 0.2, 0.8 and 2.1 s for those who could not take the first, and copies come within half a second.
 *
 * It makes its Nostr key while its module is evaluated, 40–90 ms before the first socket is even asked for. Sockets take
 * their time to open: meanwhile is early enough.
 * @returns {import('rollup').Plugin}
 */
export function tunedTrystero() {
  /** @type {[file: RegExp, from: string, to: string][]} */
  const changes = [
    [/trystero-p2p\/core\/dist\/offer-pool\.mjs$/, 'const poolSize = 20;', 'const poolSize = 1;'],
    [
      /trystero-p2p\/torrent\/dist\/index\.mjs$/,
      'const signalDedupeWindowMs = 4e3;',
      'const signalDedupeWindowMs = 500;',
    ],
    [
      /trystero-p2p\/nostr\/dist\/index\.mjs$/,
      'const { secretKey, publicKey } = schnorr.keygen();\nconst pubkey = toHex(publicKey);',
      'let madeKeys;\nconst keys = () => (madeKeys ??= schnorr.keygen());\nsetTimeout(keys);',
    ],
    [/trystero-p2p\/nostr\/dist\/index\.mjs$/, '\t\tpubkey\n', '\t\tpubkey: toHex(keys().publicKey)\n'],
    [/trystero-p2p\/nostr\/dist\/index\.mjs$/, 'signAsync(id, secretKey)', 'signAsync(id, keys().secretKey)'],
  ];
  return {
    name: 'tuned-trystero',
    transform(code, id) {
      const due = changes.filter(([file]) => file.test(id.replaceAll('\\', '/')));
      if (due.length === 0) return null;
      let changed = code;
      for (const [, from, to] of due) {
        if (!changed.includes(from)) this.error(`Trystero no longer contains ${from}: look at its new code`);
        changed = changed.replace(from, to);
      }
      return { code: changed, map: null };
    },
  };
}

/**
 * `new URL('../../p2p-voice-room.worker.js', import.meta.url)` is right in the unbundled `dist/esm/room/`; bundled
 * into one file the neighbours are siblings.
 * @returns {import('rollup').Plugin}
 */
export function siblingAssets() {
  return {
    name: 'sibling-assets',
    transform(code, id) {
      if (!code.includes('../../p2p-voice-room.')) return null;
      if (!/src[\\/]\w+[\\/][\w-]+\.ts$/.test(id)) return null;
      // Same number of lines, so the previous map stays right to the line.
      return { code: code.replaceAll('../../p2p-voice-room.', './p2p-voice-room.'), map: null };
    },
  };
}

/**
 * Turns an entry with all it imports into a function: `export default () => <what the entry exports>`, and every call
 * runs the modules anew. What is named in `shared` stays outside and is loaded once.
 * @param {{input: string, shared: string[], plugins: import('rollup').Plugin[]}} options
 * @returns {import('rollup').Plugin}
 */
export function factory({ input, shared, plugins }) {
  const variables = Object.fromEntries(shared.map((name, i) => [name, `shared${i}`]));
  return {
    name: 'factory',
    async load(id) {
      if (id !== input) return null;
      const bundle = await rollup({ input, external: shared, plugins });
      const { output } = await bundle.generate({ format: 'iife', name: 'made', globals: variables });
      await bundle.close();
      for (const file of output[0].moduleIds) if (file.startsWith('/')) this.addWatchFile(file);
      return [
        ...shared.map((name) => `import * as ${variables[name]} from '${name}';`),
        `export default function make() {`,
        output[0].code,
        `return made;`,
        `}`,
      ].join('\n');
    },
  };
}

/**
 * Takes line breaks, indentation and comments out of style sheets, which are text to every minifier.
 * @returns {import('rollup').Plugin}
 */
export function tightStyles() {
  return {
    name: 'tight-styles',
    transform(code, id) {
      if (!id.includes('/src/elements/') || !code.includes('css`')) return null;
      const tight = code.replaceAll(/css`[^`]*`/g, (sheet) =>
        sheet.replaceAll(/\/\*[^]*?\*\//g, '').replaceAll(/\s*\n\s*/g, ' '),
      );
      return { code: tight, map: null };
    },
  };
}

/**
 * Puts a file that the bundle loads at run time beside it.
 * @param {string} from relative to the package @param {string} fileName
 * @returns {import('rollup').Plugin}
 */
export function companion(from, fileName) {
  return {
    name: 'companion',
    generateBundle() {
      const source = readFileSync(new URL(`../../${from}`, import.meta.url));
      this.emitFile({ type: 'asset', fileName, source });
    },
  };
}
