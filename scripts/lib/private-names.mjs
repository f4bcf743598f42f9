/**
 * Properties that only one room of the house knows, which its bundle may spell shorter. A name is private when no other
 * room's source mentions it in any way, nor anything that TypeScript knows of the language and the browser: so it is no part
 * of what rooms, threads or browsers say to each other.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const src = fileURLToPath(new URL('../../src', import.meta.url));
const libs = path.dirname(createRequire(import.meta.url).resolve('typescript'));
/** Shorter ones gain nothing. */
const NAME = /[A-Za-z_]\w{4,}/g;

/** @param {string} room a folder of src/ @returns {RegExp} that matches its private names */
export function privateNames(room) {
  /** @type {(folder: string, name: RegExp) => string[]} */
  const filesOf = (folder, name) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => name.test(file));
  const known = new Set();
  const own = new Set();
  for (const file of filesOf(src, /\.ts$/)) {
    const names = readFileSync(path.join(src, file), 'utf8').match(NAME) ?? [];
    for (const name of names) (file.startsWith(room + path.sep) ? own : known).add(name);
  }
  for (const file of filesOf(libs, /^lib\..*\.d\.ts$/))
    for (const name of readFileSync(path.join(libs, file), 'utf8').match(NAME) ?? []) known.add(name);
  return new RegExp(`^(?:${[...own].filter((name) => !known.has(name)).join('|')})$`);
}
