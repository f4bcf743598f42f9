/** `npm test`: sets up what is missing, then verifies everything. Imports nothing that may not be installed yet. */
import { ensureBrowsers, ensurePackages } from './lib/prerequisites.mjs';
import { run } from './lib/run.mjs';

await ensurePackages();
await ensureBrowsers();
try {
  await run(process.execPath, ['scripts/verify.mjs']);
} catch {
  // Each failing step has printed why.
  process.exitCode = 1;
}
