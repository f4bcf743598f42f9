/** What a fresh clone lacks, and how to get it. Nothing here needs an installed package. */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromiumPath, firefoxPath } from './browsers.mjs';
import { bin, capture, root, run } from './run.mjs';

/** Installs the locked packages when they are missing or older than the lock file. */
export async function ensurePackages() {
  const installed = `${root}node_modules/.package-lock.json`;
  if (existsSync(installed) && existsSync(bin('tsc'))) return;
  console.log('Installing packages (once, about 20 s) …');
  const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm';
  await run(npm, ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    shell: process.platform === 'win32',
  });
}

/** @param {string} folder @returns {number} the newest modification below it, ms */
function newestMs(folder) {
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    newest = Math.max(newest, statSync(path.join(entry.parentPath ?? entry.path, entry.name)).mtimeMs);
  }
  return newest;
}

/** Builds `dist/` when it is missing or older than a source. */
export async function ensureBuild() {
  const built = `${root}dist/esm/define.js`;
  const sources = [
    newestMs(`${root}src`),
    ...['rollup.config.mjs', 'package-lock.json', 'tsconfig.json'].map(
      (file) => statSync(root + file).mtimeMs,
    ),
  ];
  if (existsSync(built) && statSync(built).mtimeMs > Math.max(...sources)) return;
  console.log('Building (about 15 s) …');
  await run(process.execPath, ['scripts/build.mjs']);
}

/** @returns {boolean} whether this is Debian or made from it */
function isDebian() {
  return (
    existsSync('/etc/os-release') &&
    /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(readFileSync('/etc/os-release', 'utf8'))
  );
}

/** @param {string} name */
const command = (name) =>
  (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .some((directory) => existsSync(path.join(directory, name)));

/**
 * Makes sure the browsers and the sound server are there: installs them on Debian as root, else prints the one
 * command that would.
 * @returns {Promise<string[]>} what is still missing, as package names
 */
export async function ensureBrowsers() {
  const missing = () => [
    ...(chromiumPath() ? [] : ['chromium']),
    ...(firefoxPath() ? [] : ['firefox-esr']),
    // Only Linux needs a sound server made for the tests.
    ...(process.platform !== 'linux' || command('pulseaudio') ? [] : ['pulseaudio']),
  ];
  const before = missing();
  if (before.length === 0) return [];
  if (isDebian() && process.getuid?.() === 0) {
    console.log(`Installing ${before.join(', ')} …`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...before]]) {
      const { code, output } = await capture('apt-get', args, { env });
      if (code !== 0) console.log(output);
    }
    return missing();
  }
  const install = isDebian()
    ? `sudo apt-get install -y ${before.join(' ')}`
    : `install ${before.join(', ')} with your package manager`;
  console.log(`Missing: ${before.join(', ')}. To test everything: ${install}`);
  return before;
}

/**
 * A sound device for browsers on a machine without one: Firefox keeps an AudioContext suspended for ever otherwise.
 * @returns {Promise<{env: Record<string, string>, stop: () => void} | undefined>} the environment that reaches it;
 *   undefined where PulseAudio is not installed or did not start
 */
export async function startSoundSink() {
  if (process.platform !== 'linux' || !command('pulseaudio')) return undefined;
  const directory = mkdtempSync(path.join(tmpdir(), 'p2p-voice-room-sound-'));
  const env = { XDG_RUNTIME_DIR: directory, PULSE_SERVER: `unix:${directory}/pulse/native` };
  const server = spawn(
    'pulseaudio',
    [
      '-n',
      '--daemonize=no',
      '--exit-idle-time=-1',
      '--disallow-exit',
      '-L',
      'module-null-sink sink_name=null rate=48000',
      '-L',
      'module-native-protocol-unix',
    ],
    { env: { ...process.env, ...env, HOME: directory }, stdio: 'ignore' },
  );
  let ended = false;
  server.on('error', () => (ended = true));
  server.on('exit', () => (ended = true));
  const stop = () => {
    if (!ended) server.kill('SIGTERM');
    rmSync(directory, { recursive: true, force: true });
  };
  // PulseAudio has no way to say that it is ready other than its socket.
  for (let waitedMs = 0; waitedMs < 5000 && !ended; waitedMs += 50) {
    if (existsSync(`${directory}/pulse/native`)) return { env, stop };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  stop();
  return undefined;
}

/**
 * Runs something with a sound device, made for it where PulseAudio is installed and none is running.
 * @template T
 * @param {(env: Record<string, string>) => Promise<T>} task
 * @returns {Promise<T>}
 */
export async function withSoundSink(task) {
  const running = process.env['PULSE_SERVER'] ?? `${process.env['XDG_RUNTIME_DIR'] ?? ''}/pulse/native`;
  const sink = existsSync(running.replace(/^unix:/, '')) ? undefined : await startSoundSink();
  const end = () => {
    sink?.stop();
    process.exit(1);
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
  try {
    return await task(sink?.env ?? {});
  } finally {
    process.off('SIGINT', end);
    process.off('SIGTERM', end);
    sink?.stop();
  }
}
