/** Running the tools of this package. Nothing here needs an installed package. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The package's directory, with a trailing slash. */
export const root = fileURLToPath(new URL('../../', import.meta.url));

/** @param {string} name an installed tool @returns {string} its path */
export const bin = (name) => `${root}node_modules/.bin/${name}`;

/**
 * Runs a command with its output passed through.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<void>} rejects with the exit code in the message when it is not 0
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${[command, ...args].join(' ')} ended with ${signal ?? code}`));
    });
  });
}

/**
 * Runs commands one after the other, as `run`; ends this process with 1 at the first that fails, which has said why.
 * @param {...[command: string, args: string[]]} commands
 */
export async function runAll(...commands) {
  for (const [command, args] of commands) {
    try {
      await run(command, args);
    } catch (error) {
      console.error(/** @type {Error} */ (error).message);
      process.exit(1);
    }
  }
}

/**
 * Runs a command and keeps what it prints.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions & {timeoutMs?: number}} [options]
 * @returns {Promise<{code: number, output: string}>} never rejects: a command that cannot start has code 127
 */
export function capture(command, args, { timeoutMs, ...options } = {}) {
  return new Promise((resolve) => {
    let output = '';
    const child = spawn(command, args, { cwd: root, ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const timer =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => {
            output += `\nstopped after ${timeoutMs / 1000} s\n`;
            child.kill('SIGTERM');
            setTimeout(() => child.kill('SIGKILL'), 5000).unref();
          }, timeoutMs);
    child.stdout?.on('data', (chunk) => (output += chunk));
    child.stderr?.on('data', (chunk) => (output += chunk));
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ code: 127, output: output + error.message });
    });
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ code: code ?? 1, output });
    });
  });
}
