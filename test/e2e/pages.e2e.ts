/** Whatever page the tag stands on: two rooms, two tabs, a frozen page, another origin under a strict policy. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { TONES_HZ } from '../support/injected-scripts.js';
import { startPages } from '../support/pages.js';
import { allHearAll, allHearAllInTurns, joinAll, speakOnly, type RoomPage } from '../support/room-page.js';
import { Stage } from '../support/stage.js';
import { assertUndisturbed, gapsAt, waitForTones } from '../support/tones.js';

const [T0, T1, T2, T3] = TONES_HZ;

describe('pages', { timeout: 300_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  test('two rooms on one page work and leave independently', { timeout: 120_000 }, async () => {
    const red = { room: 'red' };
    const blue = { room: 'blue' };
    const both = await stage.open({ name: 'both', toneHz: T0, attributes: red });
    await both.addRoom(stage.attributes({ ...blue, 'display-name': 'both' }), T1);
    const inRed = await stage.open({ name: 'R', toneHz: T2, attributes: red });
    const inBlue = await stage.open({ name: 'B', toneHz: T3, attributes: blue });
    await Promise.all([both.join(0), both.join(1), inRed.join(), inBlue.join()]);
    await Promise.all([both.hears([T2, T3], 30_000), inRed.hears([T0], 30_000), inBlue.hears([T1], 30_000)]);

    await both.leave(0);
    await Promise.all([both.hears([T3], 3000), inRed.hears([], 3000)]);
    const sinceMs = Date.now();
    const presence = await inBlue.plays(100, T1, sinceMs);
    assertUndisturbed(presence, 'the other room was disturbed');

    await both.leave(1);
    const open = await both.live();
    assert.deepEqual([open.connections, open.contexts, open.workers, open.sockets], [0, 0, 0, 0]);
  });

  test('two tabs of one person are two members with one identity', { timeout: 90_000 }, async () => {
    const context = await stage.newContext();
    const one = await stage.open({ name: 'A', toneHz: T0, context });
    const two = await stage.open({ name: 'A2', toneHz: T1, context });
    const other = await stage.open({ name: 'B', toneHz: T2 });
    const cast = [one, two, other];
    await joinAll(cast);
    await allHearAll(cast);
    const peers = await other.peers();
    assert.equal(new Set(peers.map(({ identity }) => identity)).size, 1, 'two identities');
    assert.equal(new Set(peers.map(({ id }) => id)).size, 2, 'one member id');
    const own = (await one.peers()).find(({ name }) => name === 'A2');
    assert.equal(own?.own, true);
  });

  test(
    'with every main thread frozen 200 ms every 2 s a relayed voice has no gap',
    { timeout: 120_000 },
    async () => {
      const cast = await stage.openAll(4, { 'upload-slots': '1', muted: '' });
      await joinAll(cast);
      await allHearAllInTurns(cast, 60_000);
      // Whoever hears somebody through a third: the relay's page is frozen too.
      const ids = await Promise.all(cast.map((one) => one.selfId()));
      let relayed: { listener: RoomPage; source: RoomPage } | undefined;
      for (const [i, listener] of cast.entries())
        for (const { sourceId, parentId } of (await listener.overlay()).trees)
          if (sourceId !== ids[i] && parentId && parentId !== sourceId)
            relayed ??= { listener, source: cast[ids.indexOf(sourceId)]! };
      assert.ok(relayed, 'nothing is relayed');

      const { listener, source } = relayed;
      await speakOnly(cast, [source]);
      // The jitter buffer has learned its delay after 10 s.
      await listener.plays(1000, source.toneHz!, Date.now(), 30_000);

      // One page after the other: four busy threads at once would starve the audio of a small machine.
      const sinceMs = Date.now();
      await Promise.all(
        cast.map((one, i) =>
          one.page.evaluate((phaseMs) => globalThis.__freezer.start(200, 2000, phaseMs), 500 * i),
        ),
      );
      const presence = await listener.plays(2000, source.toneHz!, sinceMs, 60_000);
      for (const one of cast) {
        const frozeAtMs = await one.page.evaluate(() => globalThis.__freezer.stop());
        assert.ok(frozeAtMs.length >= 8, `${one.name} froze ${frozeAtMs.length} times`);
        // What stalls with the page stalls nearly every time. A stall of the machine hits one freeze in seven by chance, and
        // they come in clusters: three of four gaps have hit the freezes of one page.
        assert.ok(
          gapsAt(frozeAtMs, 300, presence) < frozeAtMs.length / 2,
          `gaps while ${one.name} froze: ${JSON.stringify({ frozeAtMs, presence })}`,
        );
      }
    },
  );

  test('works from another origin, under a strict policy', { timeout: 90_000 }, async () => {
    const cdn = await startPages({ 'access-control-allow-origin': '*' });
    // The policy the README asks for, and nothing beyond it.
    const policy = [
      "default-src 'none'",
      `script-src 'self' ${cdn.url} 'wasm-unsafe-eval'`,
      'worker-src blob:',
      `connect-src ${stage.tracker.url} ${stage.relay.url}`,
    ].join('; ');
    const strict = await startPages({ 'content-security-policy': policy });
    try {
      const url = `${strict.url}/room.html?src=${encodeURIComponent(`${cdn.url}/dist/p2p-voice-room.js`)}`;
      const a = await stage.open({ name: 'A', toneHz: T0, url });
      const b = await stage.open({ name: 'B', toneHz: T1 });
      await joinAll([a, b]);
      await allHearAll([a, b]);
      assert.ok(
        cdn.requests.includes('/dist/p2p-voice-room.codec.js'),
        'the codec did not come from the other origin',
      );
      assert.ok(
        !strict.requests.some((path) => path.startsWith('/dist/')),
        `asked the page's own server for ${strict.requests.join(' ')}`,
      );
    } finally {
      await stage.clear();
      await Promise.all([cdn.close(), strict.close()]);
    }
  });

  test('a name is text, never markup', { timeout: 90_000 }, async () => {
    const name = '<img src=x onerror=alert(1)>';
    const a = await stage.open({ name: 'A', toneHz: T0 });
    const b = await stage.open({ name, toneHz: T1 });
    await joinAll([a, b]);
    await a.sees([name]);
    await waitForTones(a.page, [T1]);
    const images = await a.page.evaluate(() => {
      const all = (root: ParentNode): Element[] =>
        [...root.querySelectorAll('*')].flatMap((element) => [
          element,
          ...(element.shadowRoot ? all(element.shadowRoot) : []),
        ]);
      return all(document).filter((element) => element.localName === 'img').length;
    });
    assert.equal(images, 0);
  });
});
