/** Pages and browsers that lack something: a clear state and a sentence, never an exception. */

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { allHearAll, joinAll } from '../support/room-page.js';
import { Stage } from '../support/stage.js';
import { TONES_HZ } from '../support/injected-scripts.js';

/** Joins and tells how that ended. */
const tryToJoin = () =>
  globalThis.rooms[0]!.join().then(
    () => ({ reason: 'joined', message: '', state: globalThis.rooms[0]!.state }),
    (error: { reason?: string; message: string }) => ({
      reason: error.reason ?? String(error),
      message: error.message,
      state: globalThis.rooms[0]!.state,
    }),
  );

describe('poor browsers', { timeout: 200_000 }, () => {
  let stage: Stage;
  before(async () => {
    stage = await Stage.start({ chromiumArgs: ['--host-resolver-rules=MAP insecure.test 127.0.0.1'] });
  });
  afterEach(() => stage.clear());
  after(() => stage?.close());

  for (const missing of ['RTCPeerConnection', 'AudioWorkletNode', 'WebAssembly'])
    test(`without ${missing} it says which browser to use`, { timeout: 30_000 }, async () => {
      const member = await stage.open({ name: 'A', toneHz: null });
      await member.page.evaluate((name) => {
        Reflect.deleteProperty(globalThis, name);
      }, missing);
      const { reason, message, state } = await member.page.evaluate(tryToJoin);
      assert.equal(reason, 'unsupported-browser');
      assert.match(message, /Use (Chrome|a current)/);
      assert.equal(state, 'failed');
      // Still usable: leaving is possible, and the element says what is wrong.
      await member.leave();
      assert.equal(await member.state(), 'idle');
    });

  test('without HTTPS it says so', { timeout: 30_000 }, async () => {
    const url = `${stage.pages.url.replace(/\/\/[^:/]+/, '//insecure.test')}/room.html`;
    const member = await stage.open({ name: 'A', toneHz: null, url });
    assert.equal(await member.page.evaluate(() => globalThis.isSecureContext), false);
    const { reason, message, state } = await member.page.evaluate(tryToJoin);
    assert.equal(reason, 'insecure-context');
    assert.match(message, /HTTPS/);
    assert.equal(state, 'failed');
  });

  test('where channels cannot move to a worker the core runs on the page', { timeout: 60_000 }, async () => {
    const cast = await stage.openAll(3);
    const [old] = cast as [(typeof cast)[0]];
    await old.page.evaluate(() => {
      const { postMessage } = MessagePort.prototype;
      MessagePort.prototype.postMessage = function (this: MessagePort, message: unknown, transfer?: unknown) {
        if (Array.isArray(transfer) && transfer.some((item) => item instanceof RTCDataChannel))
          throw new DOMException('cannot be transferred', 'DataCloneError');
        Reflect.apply(postMessage, this, [message, transfer]);
      };
    });
    await joinAll(cast);
    await allHearAll(cast);
    assert.equal((await old.live()).workers, 0, 'it has a worker all the same');
    await old.leave();
    const { connections, contexts, sockets } = await old.live();
    assert.deepEqual([connections, contexts, sockets], [0, 0, 0]);
  });

  test('where storage is refused preferences last for the visit', { timeout: 60_000 }, async () => {
    const cast = await stage.openAll(2);
    const [a, b] = cast as [(typeof cast)[0], (typeof cast)[0]];
    await a.page.evaluate(() => {
      const refuse = () => {
        throw new DOMException('refused', 'SecurityError');
      };
      Object.defineProperty(globalThis, 'localStorage', { get: refuse });
      Object.defineProperty(globalThis, 'indexedDB', { get: refuse });
    });
    await joinAll(cast);
    await allHearAll(cast);
    const { recoverable } = await a.logs('room-error', { reason: 'storage-refused' });
    assert.equal(recoverable, true);

    const id = await a.idOf('B');
    await a.block(id);
    await a.hears([], 3000);
    // They come back within the visit: still blocked, by identity.
    await b.leave();
    await a.sees([]);
    await b.join();
    await a.sees(['B']);
    assert.equal((await a.peers()).find(({ name }) => name === 'B')?.blocked, true);
    await b.hears([TONES_HZ[0]]);
    assert.deepEqual(await a.tones(), []);
  });
});
