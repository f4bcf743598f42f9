/** `npm run test:elements`, with a sound device where the machine has none. Arguments go to Web Test Runner. */
import { withSoundSink } from './lib/prerequisites.mjs';
import { bin, run } from './lib/run.mjs';

try {
  await withSoundSink((env) =>
    run(bin('web-test-runner'), process.argv.slice(2), { env: { ...process.env, ...env } }),
  );
} catch {
  // The runner has printed what failed.
  process.exitCode = 1;
}
