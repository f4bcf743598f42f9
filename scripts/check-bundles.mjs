/**
 * Each built file is in the form its loader takes: classic scripts parse as such, the worklet imports nothing, neighbours
 * are addressed beside the bundle, and the codec carries libopus byte for byte. Ends with 1 otherwise.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import vm from 'node:vm';
import { root } from './lib/run.mjs';

/** @type {string[]} */
const problems = [];
/** @param {string} name */
const read = (name) => readFileSync(`${root}dist/p2p-voice-room${name}.js`, 'utf8');

// importScripts() and a blob of the page's own only take classic scripts.
for (const name of ['.worker', '.codec']) {
  try {
    new vm.Script(read(name), { filename: `p2p-voice-room${name}.js` });
  } catch (error) {
    problems.push(
      `dist/p2p-voice-room${name}.js is no classic script: ${/** @type {Error} */ (error).message}`,
    );
  }
}

const IMPORT = /\bimport\s*(?:["'{*(]|[\w$]+\s*(?:,|from))/;
// The worker may: on the main thread of an older browser the same file loads the codec by import().
for (const name of ['.worklet', '.codec'])
  if (IMPORT.test(read(name))) problems.push(`dist/p2p-voice-room${name}.js imports something`);

// An AudioWorkletGlobalScope has next to nothing, and a browser says nothing of a worklet that threw.
try {
  /** @type {string[]} */
  const registered = [];
  vm.runInNewContext(read('.worklet'), {
    AudioWorkletProcessor: class {},
    registerProcessor: (/** @type {string} */ name) => registered.push(name),
    sampleRate: 48_000,
    currentFrame: 0,
    currentTime: 0,
  });
  if (registered.length === 0) problems.push('the worklet registers nothing');
} catch (error) {
  problems.push(`the worklet throws: ${/** @type {Error} */ (error).message}`);
}

const page = read('');
for (const name of ['worker', 'worklet', 'codec', 'doorbell'])
  if (!page.includes(`"./p2p-voice-room.${name}.js"`))
    problems.push(`the page does not find the ${name} beside it`);

/**
 * The bytes of WebAssembly that a script hands over.
 * @param {(webAssembly: object) => unknown} runScript
 * @returns {Promise<string>} their SHA-256
 */
async function wasmOf(runScript) {
  return new Promise((resolve, reject) => {
    /** @param {Uint8Array} bytes */
    const take = (bytes) => {
      resolve(createHash('sha256').update(bytes).digest('hex'));
      return new Promise(() => {});
    };
    const names = Object.getOwnPropertyNames(WebAssembly);
    const all = Object.fromEntries(names.map((name) => [name, Reflect.get(WebAssembly, name)]));
    Promise.resolve(runScript({ ...all, instantiate: take, compile: take })).catch(reject);
    setTimeout(() => reject(new Error('hands over no WebAssembly')), 5000).unref();
  });
}

const library = `${root}node_modules/libopus-wasm/dist/generated/libopus.generated.mjs`;
const source = readFileSync(library, 'utf8');
try {
  const built = await wasmOf((webAssembly) => {
    const context = vm.createContext({ WebAssembly: webAssembly, console, TextDecoder, TextEncoder });
    vm.runInContext(read('.codec'), context);
    return vm.runInContext('p2pVoiceRoomOpus.loadOpus()', context);
  });
  const original = await wasmOf((webAssembly) => {
    const context = vm.createContext({ WebAssembly: webAssembly, console, TextDecoder, TextEncoder });
    const script = source
      .replace('globalThis.process?.versions?.node', 'false')
      .replace('await import("node:module")', '{}')
      .replaceAll('import.meta.url', '""')
      .replace(/export default Module;?/, '');
    vm.runInContext(script, context);
    return vm.runInContext('Module()', context);
  });
  if (built !== original) problems.push('the codec does not carry libopus byte for byte');
} catch (error) {
  problems.push(`the codec ${/** @type {Error} */ (error).message}`);
}

for (const problem of problems) console.log(problem);
console.log(`bundles: ${problems.length} problems`);
process.exitCode = problems.length > 0 ? 1 : 0;
