/** A room left running keeps its memory and its delay: the short form of `npm run bench:soak`. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { soak, trends } from '../../bench/support/voice/soak.js';
import { launch, VoiceStage } from '../../bench/support/voice/voice-stage.js';
import type { TestBrowser } from '../support/browser.js';

const SECONDS = 75;

/** Engines compile and the jitter buffer learns for so long. */
const SETTLED_SECONDS = 25;

/**
 * kB a minute. Keeping one captured frame in ten would fill a heap by 1100, keeping every relayed packet by 300; what a
 * heap does on its own within a minute stays below 100.
 */
const MAX_HEAP_GROWTH = 250;

/** kB a minute of three pages together: their processes still take what their engines ask for in the first minutes. */
const MAX_RESIDENT_GROWTH = 12_000;

/** ms a minute: a clock 1000 ppm off would run up 60. A busy machine makes buffers grow; it does not go on. */
const MAX_DRIFT = 40;

/**
 * Samples that may lose more than a click. A relay that a busy machine holds up for over a second counts as gone, and
 * until it is back the speaker's one slot serves the listener or the ear, not both: one sample may be the ear's bad one.
 */
const MAX_DISTURBED = 1;

describe('soak', { timeout: 240_000 }, () => {
  let stage: VoiceStage;
  let browser: TestBrowser;
  before(async () => {
    stage = await VoiceStage.start();
    browser = await launch('chromium');
  });
  after(async () => {
    await browser?.close();
    await stage?.close();
  });

  test('memory and delay stay where they are', { timeout: 200_000 }, async () => {
    const samples = await soak({ browser, stage, seconds: SECONDS, everySeconds: 5 });
    const found = trends(samples, SETTLED_SECONDS);
    const story = JSON.stringify(found);
    const heaps = found.filter(({ what }) => what.startsWith('heap of'));
    for (const [kind, count] of [
      ['worker', 4],
      ['worklet', 3],
    ] as const) {
      const found = heaps.filter(({ what }) => what.includes(kind)).length;
      assert.ok(found >= count, `only ${found} ${kind}s were watched: ${story}`);
    }
    for (const { what, perMinute } of heaps)
      assert.ok(perMinute < MAX_HEAP_GROWTH, `the ${what} grows by ${perMinute} kB a minute: ${story}`);
    const resident = found.find(({ what }) => what === 'resident, pages')!;
    assert.ok(resident.perMinute < MAX_RESIDENT_GROWTH, `the pages grow: ${story}`);
    const delay = found.find(({ what }) => what === 'delay')!;
    assert.ok(Math.abs(delay.perMinute) < MAX_DRIFT, `the delay drifts: ${story}`);
    const lost = samples.map(({ clicksLost }) => clicksLost);
    const disturbed = lost.filter((clicks) => clicks > 1).length;
    assert.ok(disturbed <= MAX_DISTURBED, `clicks not heard, sample by sample: ${lost.join(' ')}`);
  });
});
