import assert from 'node:assert/strict';
import { test } from 'node:test';

test('the package can be imported where there is no document', async () => {
  assert.equal(typeof document, 'undefined');
  const index = await import('../../src/index.js');
  for (const name of [
    'P2PVoiceRoomElement',
    'PeerTileElement',
    'VoiceRoom',
    'VoiceRoomError',
    'RoomStateChangeEvent',
    'GainRequestEvent',
  ])
    assert.equal(typeof index[name as keyof typeof index], 'function', name);
  const event = new index.GainRequestEvent('somebody', 2);
  assert.deepEqual([event.type, event.gain, event.bubbles, event.composed], ['gain-request', 2, true, true]);
});

test('so can the file that registers the elements', async () => {
  const define = await import('../../src/define.js');
  assert.equal(typeof define.VoiceRoom, 'function');
});
