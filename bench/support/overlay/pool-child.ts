/** One child of the pool: runs the seeds it is sent until the parent lets go. */

import type { SeedAnswer, SeedTask } from './pool.js';
import { runSeed } from './run-seed.js';

process.on('message', ({ options, scenario, system, seed }: SeedTask) => {
  let answer: SeedAnswer;
  try {
    answer = { result: runSeed(options, scenario, system, seed) };
  } catch (error) {
    answer = { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
  process.send?.(answer);
});
