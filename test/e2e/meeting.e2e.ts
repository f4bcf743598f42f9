/** Strangers meet: whichever network answers, early or late, once or again. */

import { after, afterEach, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { allHearAll, joinAll, type RoomPage } from '../support/room-page.js';
import { Stage } from '../support/stage.js';
import { TONES_HZ } from '../support/injected-scripts.js';
import { waitFor } from '../support/tones.js';

const NOTHING_OPEN = { connections: 0, tracks: 0, contexts: 0, workers: 0, sockets: 0, intervals: 0 };

describe('meeting', { timeout: 900_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  test('four pages all hear all', { timeout: 90_000 }, async () => {
    const cast = await stage.openAll(4);
    await joinAll(cast);
    await allHearAll(cast);
    assert.deepEqual(
      (await cast[0]!.peers()).map(({ name }) => name).sort(),
      ['B', 'C', 'D'],
      'names travel with the roster',
    );
  });

  for (const network of ['torrent', 'nostr'])
    test(`${network} alone suffices`, { timeout: 90_000 }, async () => {
      const cast = await stage.openAll(3, { signaling: network });
      await joinAll(cast);
      await allHearAll(cast);
    });

  test('one who leaves falls silent, comes back and is heard again', { timeout: 90_000 }, async () => {
    const cast = await stage.openAll(3);
    const [a, b, c] = cast as [RoomPage, RoomPage, RoomPage];
    await joinAll(cast);
    await allHearAll(cast);

    await c.leave();
    assert.equal(await c.state(), 'idle');
    await Promise.all([a.hears([b.toneHz!], 2000), b.hears([a.toneHz!], 2000), c.hears([], 2000)]);
    await a.sees(['B'], 2000);

    await c.join();
    await allHearAll(cast, 15_000);
  });

  for (const signaling of ['torrent nostr', 'torrent', 'nostr'])
    test(
      `one who comes back again and again is met each time: ${signaling}`,
      { timeout: 200_000 },
      async () => {
        const cast = await stage.openAll(3, { signaling });
        const [a, b, c] = cast as [RoomPage, RoomPage, RoomPage];
        await joinAll(cast);
        await allHearAll(cast);
        // Before the others have forgotten it, while they ring themselves, and after.
        for (const pauseMs of [0, 100, 300, 700, 1500, 50]) {
          await c.leave();
          const left = Date.now();
          await a.plays(pauseMs / 10, b.toneHz!, left);
          await c.join();
          await allHearAll(cast, 15_000);
        }
        await c.leave();
        assert.deepEqual(await c.live(), NOTHING_OPEN, 'after the last leave()');
      },
    );

  test('leaving closes everything, by method and by removal', { timeout: 90_000 }, async () => {
    const cast = await stage.openAll(2);
    const [a, b] = cast as [RoomPage, RoomPage];
    await joinAll(cast);
    await allHearAll(cast);
    const open = await a.live();
    assert.ok(open.connections > 0 && open.contexts === 1 && open.workers > 0, JSON.stringify(open));

    await a.leave();
    assert.deepEqual(await a.live(), NOTHING_OPEN, 'after leave()');

    await b.page.evaluate(() => globalThis.rooms[0]!.remove());
    await waitFor(b.page, () => Object.values(globalThis.__live()).every((open) => open === 0), [], {
      timeoutMs: 5000,
      message: async () => `still open after removal: ${JSON.stringify(await b.live())}`,
    });
  });

  test('a newcomer long after the others, torrent alone, ten times', { timeout: 240_000 }, async () => {
    const attributes = { signaling: 'torrent' };
    const [a, b] = [
      await stage.open({ name: 'A', toneHz: TONES_HZ[0], attributes }),
      await stage.open({ name: 'B', toneHz: TONES_HZ[1], attributes }),
    ];
    await joinAll([a, b]);
    await allHearAll([a, b]);
    // Long after: the doorbell has come to rest, its pool of spare connections is gone, one link is left.
    for (const one of [a, b])
      await waitFor(one.page, () => globalThis.__live().connections === 1, [], {
        timeoutMs: 60_000,
        message: async () => `${one.name} keeps spare connections: ${JSON.stringify(await one.live())}`,
      });

    const toneHz = TONES_HZ[2];
    for (let i = 0; i < 10; i++) {
      const newcomer = await stage.open({ name: `N${i}`, toneHz, attributes });
      await newcomer.join();
      await Promise.all([
        newcomer.hears([a.toneHz!, b.toneHz!], 15_000),
        a.hears([b.toneHz!, toneHz], 15_000),
        b.hears([a.toneHz!, toneHz], 15_000),
      ]);
      await newcomer.leave();
      await newcomer.page.close();
      await Promise.all([a.hears([b.toneHz!], 5000), b.hears([a.toneHz!], 5000)]);
    }
  });
});
