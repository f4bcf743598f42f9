/** Each listener's own desk: volume, muting, deafening; and who is seen to speak. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { consoleOf } from '../support/browser.js';
import { TONE_AMPLITUDE, TONES_HZ } from '../support/injected-scripts.js';
import { allHearAll, joinAll, speakOnly, type RoomPage } from '../support/room-page.js';
import { Stage } from '../support/stage.js';
import { waitFor } from '../support/tones.js';

/** What a tone plays at that nobody turned up or down: the power of both channels. */
const AS_SENT = TONE_AMPLITUDE * Math.SQRT2;

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
    const asSent = await witness.levelOf(TONES_HZ[1]);
    assert.ok(Math.abs(asSent / AS_SENT - 1) < 0.1, `sent at ${AS_SENT}, played at ${asSent}`);

    await listener.setGain(await listener.idOf('B'), 0.5);
    await listener.hearsAt(TONES_HZ[1], asSent / 2);
    await listener.setGain(await listener.idOf('B'), 2);
    await listener.hearsAt(TONES_HZ[1], asSent * 2);
    await witness.hearsAt(TONES_HZ[1], asSent);

    // The same person on a new visit.
    const identityOf = async () => (await listener.peers()).find(({ name }) => name === 'B')?.identity;
    const identity = await identityOf();
    await speaker.page.close();
    await listener.sees(['W']);
    speaker = await stage.open({ name: 'B', toneHz: TONES_HZ[1], context });
    await speaker.join();
    await listener.hears([TONES_HZ[1], TONES_HZ[2]]);
    assert.equal(
      await identityOf(),
      identity,
      `the browser lost the person’s key: ${consoleOf(speaker.page)}`,
    );
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

  test(
    'tone, solo, pan, volume and levelling change what one listener plays',
    { timeout: 120_000 },
    async () => {
      const low = await stage.open({ name: 'L', toneHz: TONES_HZ[0] });
      const high = await stage.open({ name: 'H', toneHz: TONES_HZ[11] });
      const listener = await stage.open({ name: 'A', toneHz: null, attributes: { 'listen-only': '' } });
      await joinAll([low, high, listener]);
      await listener.hears([low.toneHz!, high.toneHz!]);
      const asSent = await listener.levelOf(low.toneHz!);
      const highAsSent = await listener.levelOf(high.toneHz!);
      const ids = { low: await listener.idOf('L'), high: await listener.idOf('H') };
      const ask = (text: string) => listener.page.evaluate(`rooms[0].${text}`);

      await ask(`setTone('${ids.high}', {highDb: -12})`);
      // 3700 Hz lies at the shelf's corner: half of the 12 dB there.
      await listener.hearsAt(high.toneHz!, highAsSent * 10 ** (-6.6 / 20));
      await listener.hearsAt(low.toneHz!, asSent);
      await ask(`setTone('${ids.high}', {highDb: 0})`);
      await listener.hearsAt(high.toneHz!, highAsSent);

      await ask(`setSolo('${ids.low}', true)`);
      await listener.hears([low.toneHz!]);
      assert.deepEqual(
        (await listener.peers()).map(({ solo, name }) => solo === (name === 'L')),
        [true, true],
      );
      await ask(`setSolo('${ids.low}', false)`);
      await listener.hears([low.toneHz!, high.toneHz!]);

      // Hard left is √2 in one ear: the power over both, which the tap adds, stays.
      await ask(`setPan('${ids.low}', -1)`);
      await listener.hearsAt(low.toneHz!, asSent);

      await listener.setAttribute('volume', '0.5');
      await listener.hearsAt(low.toneHz!, asSent / 2);
      await listener.setAttribute('volume', null);
      await listener.setAttribute('levelling', '');
      // A steady tone of −18 dBFS is −21 LUFS; the target is −20.
      await listener.hearsAt(low.toneHz!, asSent * 10 ** (1.4 / 20), 20_000);
      await listener.setAttribute('levelling', null);
      await listener.hearsAt(low.toneHz!, asSent);

      await listener.setAttribute('spread', '');
      await waitFor(
        listener.page,
        () => new Set(globalThis.rooms[0]!.peers.map(({ placedPan }) => placedPan)).size === 2,
        [],
        { message: 'the voices are not spread' },
      );
    },
  );

  test('four voices at 400 % never reach full scale at the destination', { timeout: 120_000 }, async () => {
    const cast = await stage.openAll(4, { muted: '' });
    const listener = await stage.open({
      name: 'Z',
      toneHz: null,
      attributes: { 'listen-only': '', volume: '4' },
    });
    // One after the other: five that come at once, and begin to speak, starve a small machine for seconds.
    for (const one of [...cast, listener]) await one.join();
    // The speakers block each other before they speak: four voices travel instead of sixteen.
    for (const one of cast) {
      await one.sees([...cast.filter((other) => other !== one).map(({ name }) => name), 'Z']);
      for (const { id, name } of await one.peers()) if (name !== 'Z') await one.block(id);
    }
    await speakOnly(cast, cast);
    await listener.hears(cast.map(({ toneHz }) => toneHz!));
    const startedMs = Date.now();
    for (const { name } of cast) await listener.setGain(await listener.idOf(name), 4);
    await listener.plays(300, cast[0]!.toneHz!, startedMs);
    const peak = await listener.page.evaluate((since) => globalThis.__tap.peak(since), startedMs);
    assert.ok(peak > 0.7, `they are loud: ${peak}`);
    assert.ok(peak <= 0.9, `peak ${peak}`);
  });

  test('muted but talking is noticed here and told nobody', { timeout: 90_000 }, async () => {
    const speaker = await stage.open({ name: 'A', toneHz: TONES_HZ[0], attributes: { muted: '' } });
    const witness = await stage.open({ name: 'B', toneHz: TONES_HZ[1] });
    await joinAll([speaker, witness]);
    await speaker.hears([TONES_HZ[1]]);
    await waitFor(
      speaker.page,
      () => /talking, but your microphone is off/.test(globalThis.rooms[0]!.shadowRoot!.textContent),
      [],
      { message: 'no hint that the microphone is off' },
    );
    const selfId = await speaker.selfId();
    const { links } = await speaker.stats();
    assert.ok(
      links.every((link) => (link.framesSentBySource[selfId] ?? 0) === 0),
      'a muted voice was sent',
    );
    await witness.hears([]);
  });

  test('a sound the browser stopped comes back by itself', { timeout: 90_000 }, async () => {
    const cast = await stage.openAll(2);
    await joinAll(cast);
    await allHearAll(cast);
    const [a] = cast as [RoomPage, RoomPage];
    await a.page.evaluate(() => globalThis.__suspendAll());
    const sinceMs = Date.now();
    await waitFor(
      a.page,
      (tone, since) => globalThis.__tap.presence(tone, since).blocksHeard >= 30,
      [cast[1]!.toneHz!, sinceMs] as [number, number],
      { message: 'the sound did not come back' },
    );
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
