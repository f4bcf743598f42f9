/** The doorbell's chain of steps when modes change in the middle of one. Meeting itself is tested end to end. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NETWORK_DEFAULTS } from '../../src/network/config.js';
import { Doorbell, type DoorbellModule } from '../../src/network/doorbell.js';
import type { Line, LineOptions } from '../../src/network/doorbell-entry.js';

/** A door whose lines are left only when the test says so. */
function stage() {
  const opened: LineOptions[] = [];
  const leaving: (() => void)[] = [];
  let wake = (): void => undefined;
  const line = (): Line => ({
    send: () => Promise.resolve(),
    connections: () => 0,
    lastProgressMs: () => 0,
    leave: () =>
      new Promise<void>((resolve) => {
        leaving.push(resolve);
        wake();
      }),
  });
  const module: DoorbellModule = {
    isSpent: () => false,
    isStuck: () => false,
    socketStates: () => ({ open: 1, connecting: 0, all: 1 }),
    retrySockets: () => Promise.resolve(),
    closeSockets: () => Promise.resolve(),
    openLine: (options) => {
      opened.push(options);
      wake();
      return line();
    },
  };
  const doorbell = new Doorbell(
    {
      load: () => Promise.resolve(module),
      networks: ['nostr'],
      appId: 'app',
      room: 'room',
      password: undefined,
      urls: { torrent: undefined, nostr: undefined },
      rtcConfiguration: {},
      config: { ...NETWORK_DEFAULTS, ringMs: 5 },
    },
    {
      onPipeUp: () => undefined,
      onPipeDown: () => undefined,
      onPipeMessage: () => undefined,
      onWrongPassword: () => undefined,
      onReachability: () => undefined,
      onLoadFailed: (error) => assert.fail(String(error)),
    },
  );
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise<void>((resolve) => (wake = resolve));
  };
  return { doorbell, opened, leaving, until };
}

test('a mode that changes while a step leaves its lines still listens', { timeout: 10_000 }, async (t) => {
  const { doorbell, opened, leaving, until } = stage();
  t.after(async () => {
    const closed = doorbell.close();
    for (let left = 0; left < opened.length; left++) {
      await until(() => leaving.length > left);
      leaving[left]?.();
    }
    await closed;
  });
  doorbell.setMode('alone');
  await until(() => opened.length === 1);
  assert.equal(opened[0]?.passive, false);
  // The ring is over, and its lines take their time to be left: meanwhile somebody was met.
  await until(() => leaving.length === 1);
  doorbell.setMode('duty');
  leaving[0]?.();
  await until(() => opened.length === 2);
  assert.equal(opened[1]?.passive, true);
});
