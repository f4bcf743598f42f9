/** Blocking is local and one-way, takes the upload too, and nobody else loses a voice by it. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { TONES_HZ } from '../support/injected-scripts.js';
import {
  allHear,
  allHearAll,
  allHearAllInTurns,
  joinAll,
  speakOnly,
  type RoomPage,
} from '../support/room-page.js';
import { Stage } from '../support/stage.js';
import { assertGapsWithin, assertSilent, assertUndisturbed } from '../support/tones.js';

/** The voice must be gone this soon after `block()`. */
const BLOCK_MS = 300;

/** The tap's clock is good to the rendering buffer of the context. */
const TAP_ERROR_MS = 30;

/** @returns how often copies of a source were sent to a member, by everybody together */
async function copiesSentTo(cast: readonly RoomPage[], memberId: string, sourceId: string): Promise<number> {
  let copies = 0;
  for (const one of cast)
    for (const link of (await one.stats()).links)
      if (link.peerId === memberId) copies += link.framesSentBySource[sourceId] ?? 0;
  return copies;
}

describe('blocking', { timeout: 240_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  test('the blocker alone stops hearing; unblocking restores it', { timeout: 90_000 }, async () => {
    const cast = await stage.openAll(3);
    const [blocker, blocked, witness] = cast as [RoomPage, RoomPage, RoomPage];
    await joinAll(cast);
    await allHearAll(cast);

    const blockedId = await blocker.idOf(blocked.name);
    const atMs = await blocker.block(blockedId);
    await blocker.hears([witness.toneHz!], 3000);
    const { lastHeardMs = 0 } = await blocker.presence(blocked.toneHz!, atMs - 1000);
    assert.ok(
      lastHeardMs - atMs <= BLOCK_MS + TAP_ERROR_MS,
      `heard ${lastHeardMs - atMs} ms after the block`,
    );

    // One second on: the blocked still hears the blocker, the witness hears both, nothing is sent to the blocker.
    const blockerId = await blocked.selfId().then(() => blocked.idOf(blocker.name));
    const sent = await copiesSentTo(cast, blockerId, blockedId);
    const restMs = Date.now();
    const [atWitness, atBlocked, atBlocker] = await Promise.all([
      witness.plays(100, blocked.toneHz!, restMs),
      blocked.plays(100, blocker.toneHz!, restMs),
      blocker.plays(100, blocked.toneHz!, restMs),
    ]);
    assertSilent(atBlocker, 'the blocker hears the blocked');
    assertUndisturbed(atWitness, 'the witness lost the blocked voice', [
      await witness.presence(blocker.toneHz!, restMs),
    ]);
    assertUndisturbed(atBlocked, 'the blocked lost the blocker', [
      await blocked.presence(witness.toneHz!, restMs),
    ]);
    assert.equal(
      await copiesSentTo(cast, blockerId, blockedId),
      sent,
      'the voice still travels to the blocker',
    );
    const [seen] = (await blocker.peers()).filter(({ name }) => name === blocked.name);
    assert.equal(seen?.blocked, true);
    assert.ok(
      (await blocked.peers()).every((peer) => !peer.blocked && !peer.muted),
      'the blocked was told',
    );

    await blocker.unblock(blockedId);
    await allHearAll(cast, 5000);
  });

  test('one downstream of the blocker keeps hearing the blocked', { timeout: 120_000 }, async () => {
    const cast = await stage.openAll(4, { 'upload-slots': '1', muted: '' });
    await joinAll(cast);
    await allHearAllInTurns(cast, 60_000);

    // Somebody who passes a voice of another on.
    const ids = await Promise.all(cast.map((one) => one.selfId()));
    let found: { source: RoomPage; blocker: RoomPage; child: RoomPage } | undefined;
    for (const [i, blocker] of cast.entries()) {
      const tree = (await blocker.overlay()).trees.find(
        ({ sourceId, childIds }) => sourceId !== ids[i] && childIds.length > 0,
      );
      if (!tree) continue;
      const source = cast[ids.indexOf(tree.sourceId)];
      const child = cast[ids.indexOf(tree.childIds[0]!)];
      if (source && child) found = { source, blocker, child };
    }
    assert.ok(found, 'nobody relays');
    const { source, blocker, child } = found;

    // The voice that is blocked, and one beside it that tells what is the machine's fault.
    const control = cast.find((one) => one !== source && one !== child && one !== blocker)!;
    const speakers = [source, control];
    await speakOnly(cast, speakers);
    await allHear(cast, speakers);

    const atMs = await blocker.block(await blocker.idOf(source.name));
    await blocker.hears([control.toneHz!], 3000);
    const presence = await child.plays(300, source.toneHz!, atMs - 200);
    const untouched = await child.presence(control.toneHz!, atMs - 200);
    assertGapsWithin(400, presence, [untouched], `${child.name} lost ${source.name}`);
    await child.hears(
      speakers.map(({ toneHz }) => toneHz!),
      3000,
    );

    const tree = (await blocker.overlay()).trees.find(
      ({ sourceId }) => sourceId === ids[cast.indexOf(source)],
    );
    assert.deepEqual(tree?.childIds ?? [], [], 'the blocker still relays the blocked');
  });

  test('a block survives a reload, on either side', { timeout: 120_000 }, async () => {
    const context = await stage.newContext();
    const blockedContext = await stage.newContext();
    const witness = await stage.open({ name: 'W', toneHz: TONES_HZ[2] });
    let blocker = await stage.open({ name: 'A', toneHz: TONES_HZ[0], context });
    let blocked = await stage.open({ name: 'B', toneHz: TONES_HZ[1], context: blockedContext });
    await joinAll([witness, blocker, blocked]);
    await allHearAll([witness, blocker, blocked]);
    await blocker.block(await blocker.idOf('B'));
    await blocker.hears([TONES_HZ[2]], 3000);

    await blocker.page.close();
    await witness.sees(['B']);
    blocker = await stage.open({ name: 'A', toneHz: TONES_HZ[0], context });
    await blocker.join();
    await Promise.all([
      blocker.sees(['B', 'W']),
      blocked.hears([TONES_HZ[0], TONES_HZ[2]]),
      blocker.hears([TONES_HZ[2]]),
    ]);
    assert.equal((await blocker.peers()).find(({ name }) => name === 'B')?.blocked, true);

    await blocked.page.close();
    await witness.sees(['A']);
    blocked = await stage.open({ name: 'B', toneHz: TONES_HZ[1], context: blockedContext });
    await blocked.join();
    await Promise.all([
      witness.hears([TONES_HZ[0], TONES_HZ[1]]),
      blocked.hears([TONES_HZ[0], TONES_HZ[2]]),
      blocker.sees(['B', 'W']),
    ]);
    const restMs = Date.now();
    const presence = await blocker.plays(100, TONES_HZ[1], restMs);
    assertSilent(presence, 'the block did not hold');
  });
});
