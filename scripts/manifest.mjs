/**
 * `npm run manifest` writes custom-elements.json from the class comments; with `--check` it only compares, and ends
 * with 1 when the file differs from the source.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cli } from '@custom-elements-manifest/analyzer/cli.js';
import { root } from './lib/run.mjs';

const file = `${root}custom-elements.json`;
const manifest = await cli({
  argv: ['analyze', '--config', 'custom-elements-manifest.config.mjs', '--quiet'],
  cwd: root,
  noWrite: true,
});
const text = `${JSON.stringify(manifest, null, 2)}\n`;
const elements = manifest.modules.flatMap((module) =>
  module.declarations.filter((declaration) => declaration.tagName),
);
const names = elements.map((element) => `<${element.tagName}>`).join(', ');

if (!process.argv.includes('--check')) {
  writeFileSync(file, text);
  console.log(`custom-elements.json describes ${names}`);
} else {
  let present = '';
  try {
    present = readFileSync(file, 'utf8');
  } catch (error) {
    console.log(`custom-elements.json cannot be read: ${/** @type {Error} */ (error).message}`);
  }
  if (present === text && elements.length > 0) console.log(`custom-elements.json is current: ${names}`);
  else {
    console.log(
      elements.length > 0
        ? 'custom-elements.json differs from the source: npm run manifest'
        : 'no element found',
    );
    process.exitCode = 1;
  }
}
