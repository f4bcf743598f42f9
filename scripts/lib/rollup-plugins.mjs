/** Small transforms the bundles need. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

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
    transform(code, id) {
      if (id !== file) return null;
      for (const [from, to] of cuts) {
        if (!code.includes(from)) this.error(`libopus no longer contains ${from}: look at its new loader`);
        code = code.replaceAll(from, () => to);
      }
      return { code, map: { mappings: '' } };
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
