/**
 * `npm start`: everything needed to talk, on this machine alone. Works on a fresh clone: until the packages are there
 * this file may only import what Node brings.
 */
import { ensureBuild, ensurePackages } from './lib/prerequisites.mjs';
import { root } from './lib/run.mjs';
import { startStaticServer } from './servers/static.mjs';

const PORT = Number(process.env['PORT'] ?? 8080);

/**
 * Starts on the wanted port, or on any other when that is busy.
 * @template T
 * @param {(port: number) => Promise<T>} start
 * @param {number} port
 * @returns {Promise<T>}
 */
async function onFreePort(start, port) {
  try {
    return await start(port);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EADDRINUSE') throw error;
    return start(0);
  }
}

const [major = 0] = process.versions.node.split('.').map(Number);
if (major < 20) {
  console.error(`Node 20 or newer is needed; this is ${process.versions.node}.`);
  process.exit(1);
}

await ensurePackages();
await ensureBuild();
const [{ startTracker }, { startNostrRelay }, { labScripts }] = await Promise.all([
  import('./servers/tracker.mjs'),
  import('./servers/nostr-relay.mjs'),
  import('./lib/lab-bundle.mjs'),
]);
const [tracker, relay, files] = await Promise.all([startTracker(), startNostrRelay(), labScripts()]);
const pages = await onFreePort(
  (port) =>
    startStaticServer({
      port,
      mounts: { '/': `${root}demo`, '/dist/': `${root}dist` },
      files,
      transformHtml: (html) =>
        html.replaceAll('%TRACKERS%', tracker.url).replaceAll('%NOSTR_RELAYS%', relay.url),
    }),
  PORT,
);

console.log(`
  Open   ${pages.url}/   in two tabs, press Join in both, and talk.

  Two microphones in one room howl: choose "test voice" in one of the tabs, or wear headphones.
  Tracker ${tracker.url} and Nostr relay ${relay.url} run here too.
  Ctrl-C ends everything.
`);

let ending = false;
async function end() {
  if (ending) process.exit(1);
  ending = true;
  await Promise.all([pages.close(), tracker.close(), relay.close()]);
  process.exit(0);
}
process.on('SIGINT', end);
process.on('SIGTERM', end);
