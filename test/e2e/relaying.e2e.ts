/** Members pass voices on: bounded upload and bounded links still reach everybody. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { allHear, allHearAllInTurns, joinAll, speakOnly } from '../support/room-page.js';
import { Stage } from '../support/stage.js';
import { waitFor } from '../support/tones.js';

describe('relaying', { timeout: 480_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  test(
    'five pages with one upload slot each form chains and all hear all',
    { timeout: 120_000 },
    async () => {
      const cast = await stage.openAll(5, { 'upload-slots': '1', muted: '' });
      await joinAll(cast);
      await allHearAllInTurns(cast, 60_000);

      const forwarded = await Promise.all(cast.map(async (one) => (await one.stats()).framesForwarded));
      assert.ok(
        forwarded.some((frames) => frames > 0),
        `nobody relays: ${forwarded.join(' ')}`,
      );
      // Let the trees come to rest, then look: nobody sends one voice to two, and every voice has a chain.
      const overlays = await Promise.all(cast.map((one) => one.overlay()));
      const ids = await Promise.all(cast.map((one) => one.selfId()));
      for (const sourceId of ids) {
        const trees = overlays.map(({ trees }) => trees.find((tree) => tree.sourceId === sourceId));
        const relays = trees.filter((tree, i) => ids[i] !== sourceId && (tree?.childIds.length ?? 0) > 0);
        assert.ok(relays.length > 0, `the tree of ${sourceId} has no relay: ${JSON.stringify(trees)}`);
      }
    },
  );

  test('six pages with three links each all hear all', { timeout: 120_000 }, async () => {
    const cast = await stage.openAll(6, { 'max-links': '3', muted: '' });
    await joinAll(cast);
    await allHearAllInTurns(cast, 60_000);
    // One link more is allowed for the moment in which a newcomer takes the place of another.
    await Promise.all(
      cast.map((one) =>
        waitFor(one.page, () => globalThis.rooms[0]!.overlay.links.length <= 3, [], {
          timeoutMs: 5000,
          message: async () => `${one.name} keeps ${(await one.overlay()).links.length} links`,
        }),
      ),
    );
    await allHearAllInTurns(cast, 15_000);
  });

  // Above twelve members links follow the map of all links, and trees of those who say nothing lie dormant.
  test(
    'thirteen pages with six links each hear twelve in turn, also after a long silence',
    { timeout: 240_000 },
    async () => {
      const cast = await stage.openAll(13, { 'max-links': '6', muted: '' });
      await joinAll(cast);
      const first = cast[0]!;
      await speakOnly(cast, [first]);
      await allHear(cast, [first], 90_000);
      await speakOnly(cast, []);
      // Its source lets a tree lie down after 20 s: then nobody relays it any more.
      await Promise.all(
        cast.map((one) =>
          waitFor(
            one.page,
            () => globalThis.rooms[0]!.overlay.trees.every((tree) => tree.backupIds.length === 0),
            [],
            {
              timeoutMs: 60_000,
              message: async () => `${one.name} keeps trees: ${JSON.stringify((await one.overlay()).trees)}`,
            },
          ),
        ),
      );
      // There are tones for twelve; the thirteenth listens.
      for (const speaker of cast.slice(0, 12)) {
        await speakOnly(cast, [speaker]);
        await allHear(cast, [speaker], 60_000);
      }
    },
  );
});
