/** Each listener's own desk: volume, muting, deafening; and who is seen to speak. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { TONES_HZ } from '../support/injected-scripts.js';
import { allHearAll, joinAll, type RoomPage } from '../support/room-page.js';
import { Stage } from '../support/stage.js';
import { amplitudeOf, waitFor } from '../support/tones.js';

describe('desk', { timeout: 180_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start();
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  test('a gain is one listener’s own, and is kept for that person', { timeout: 90_000 }, async () => {
    const context = await stage.newContext();
    const listener = await stage.open({ name: 'A', toneHz: TONES_HZ[0] });
    const witness = await stage.open({ name: 'W', toneHz: TONES_HZ[2] });
    let speaker = await stage.open({ name: 'B', toneHz: TONES_HZ[1], context });
    await joinAll([listener, witness, speaker]);
    await allHearAll([listener, witness, speaker]);
    await witness.plays(100, TONES_HZ[1], Date.now());
    const asSent = await amplitudeOf(witness.page, TONES_HZ[1]);

    await listener.setGain(await listener.idOf('B'), 0.5);
    await listener.hearsAt(TONES_HZ[1], asSent / 2);
    await listener.setGain(await listener.idOf('B'), 2);
    await listener.hearsAt(TONES_HZ[1], asSent * 2);
    await witness.hearsAt(TONES_HZ[1], asSent);

    // The same person on a new visit.
    await speaker.page.close();
    await listener.sees(['W']);
    speaker = await stage.open({ name: 'B', toneHz: TONES_HZ[1], context });
    await speaker.join();
    await listener.hears([TONES_HZ[1], TONES_HZ[2]]);
    await listener.hearsAt(TONES_HZ[1], asSent * 2);
  });

  test('muted: nobody hears me; deafened: I hear nobody', { timeout: 90_000 }, async () => {
    const cast = await stage.openAll(3);
    const [a, b, c] = cast as [RoomPage, RoomPage, RoomPage];
    await joinAll(cast);
    await allHearAll(cast);

    await a.setAttribute('muted', '');
    await Promise.all([
      b.hears([c.toneHz!], 3000),
      c.hears([b.toneHz!], 3000),
      a.hears([b.toneHz!, c.toneHz!]),
    ]);
    await waitFor(
      b.page,
      () => globalThis.rooms[0]!.peers.some((peer) => peer.name === 'A' && peer.muted && !peer.blocked),
      [],
      { message: 'B does not see that A is muted' },
    );
    await a.setAttribute('muted', null);
    await allHearAll(cast, 5000);

    await a.setAttribute('deafened', '');
    await Promise.all([a.hears([], 3000), b.hears([a.toneHz!, c.toneHz!]), c.hears([a.toneHz!, b.toneHz!])]);
    await a.setAttribute('deafened', null);
    await allHearAll(cast, 5000);
  });

  test('silence sends nothing, and is seen as silence', { timeout: 90_000 }, async () => {
    const speaker = await stage.open({ name: 'A', toneHz: TONES_HZ[0] });
    const silent = await stage.open({ name: 'B', toneHz: null, attributes: { 'voice-activation': '-20' } });
    // A microphone that is open and hears nothing.
    await silent.page.evaluate(() => {
      const context = new globalThis.__native.AudioContext({ sampleRate: 48_000 });
      globalThis.rooms[0]!.microphone = context.createMediaStreamDestination().stream;
    });
    await joinAll([speaker, silent]);
    await Promise.all([silent.hears([TONES_HZ[0]]), speaker.sees(['B'])]);
    await waitFor(silent.page, () => globalThis.rooms[0]!.peers[0]!.speaking, [], {
      message: 'the speaker is not seen to speak',
    });
    await speaker.plays(100, TONES_HZ[0], Date.now());
    const { links } = await silent.stats();
    const sent = links.flatMap((link) => Object.entries(link.framesSentBySource));
    const selfId = await silent.selfId();
    assert.equal(sent.find(([id]) => id === selfId)?.[1] ?? 0, 0, 'silence was sent');
    assert.equal((await speaker.peers())[0]?.speaking, false);
  });
});
