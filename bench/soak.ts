/**
 * `npm run bench:soak -- [--minutes 30] [--every SECONDS] [--json]`
 *
 * A room of four members in three pages, one of them relaying, left running: heaps of pages, workers and worklets
 * after a collection, resident memory of all processes (the codec is in no heap), and mouth-to-ear delay through the relay.
 *
 * `--json` prints one object a line: `metric` `soak` (a sample), then `soak-trend` (`what`, `first`, `last`,
 * `perMinute`; kB, and ms for `delay`), from the samples of the last three quarters.
 */

import { parseArgs } from 'node:util';
import { withSoundSink } from '../scripts/lib/prerequisites.mjs';
import { progress } from './support/voice/options.js';
import { soak, trends } from './support/voice/soak.js';
import { launch, VoiceStage } from './support/voice/voice-stage.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    every: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
const everySeconds = Number(values.every);
if (!(minutes > 0)) throw new RangeError(`--minutes takes a number above 0, not ${values.minutes}`);
if (!(everySeconds >= 0)) throw new RangeError(`--every takes a number of seconds, not ${values.every}`);

/** Until then engines still compile and buffers still learn. */
const SETTLED_SHARE = 1 / 4;

await withSoundSink(async (env) => {
  Object.assign(process.env, env);
  const stage = await VoiceStage.start();
  const browser = await launch('chromium');
  try {
    const samples = await soak({
      browser,
      stage,
      seconds: minutes * 60,
      everySeconds,
      onSample: (sample) => {
        progress(
          `${sample.seconds.toFixed(0)} s: ${sample.medianMs.toFixed(1)} ms, ${sample.clicksLost} clicks lost`,
        );
        if (values.json) console.log(JSON.stringify({ metric: 'soak', ...sample }));
      },
    });
    const found = trends(samples, SETTLED_SHARE * minutes * 60);
    if (values.json)
      for (const trend of found) console.log(JSON.stringify({ metric: 'soak-trend', minutes, ...trend }));
    else
      console.table(
        found.map(({ what, first, last, perMinute }) => ({
          what,
          first: first.toFixed(1),
          last: last.toFixed(1),
          'change per minute': perMinute.toFixed(2),
        })),
      );
  } finally {
    await browser.close();
    await stage.close();
  }
});
