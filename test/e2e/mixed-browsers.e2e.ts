/** Chromium and Firefox in one room. */

import { after, describe, test } from 'node:test';
import { firefoxInstalled } from '../support/browser.js';
import { allHearAll, joinAll } from '../support/room-page.js';
import { Stage } from '../support/stage.js';

const skip = firefoxInstalled() ? false : 'Firefox is not installed';

describe('mixed browsers', { timeout: 180_000, skip }, () => {
  let stage: Stage | undefined;
  after(() => stage?.close());

  test('two Chromium and two Firefox pages all hear all', { timeout: 150_000 }, async () => {
    stage = await Stage.start({ browsers: ['chromium', 'firefox'] });
    const cast = await stage.openAll(4, {}, ['chromium', 'firefox', 'chromium', 'firefox']);
    await joinAll(cast);
    await allHearAll(cast, 45_000);
  });
});
