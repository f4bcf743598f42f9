/** What a visitor downloads, gzipped, against the budget. Ends with 1 when a budget is exceeded. */
import { existsSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { root } from './lib/run.mjs';

/** kB = 1000 bytes. The page-load budget is what a page pays for having the tag at all. */
const BUDGETS = [
  { what: 'page load', limitKb: 40, files: ['p2p-voice-room.js'] },
  {
    what: 'joining, more',
    limitKb: 250,
    files: [
      'p2p-voice-room.worker.js',
      'p2p-voice-room.worklet.js',
      'p2p-voice-room.codec.js',
      'p2p-voice-room.doorbell.js',
    ],
  },
  { what: 'map or settings, when first opened, more', limitKb: 6, files: ['p2p-voice-room.panels.js'] },
];

for (const { what, limitKb, files } of BUDGETS) {
  let bytes = 0;
  for (const file of files) {
    const path = `${root}dist/${file}`;
    if (!existsSync(path)) {
      console.log(`dist/${file} is missing: npm run build`);
      process.exitCode = 1;
      continue;
    }
    bytes += gzipSync(readFileSync(path), { level: 9 }).length;
  }
  const fits = bytes <= limitKb * 1000;
  console.log(`${what}: ${(bytes / 1000).toFixed(1)} of ${limitKb} kB gzipped${fits ? '' : ': too much'}`);
  if (!fits) process.exitCode = 1;
}
