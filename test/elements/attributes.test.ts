import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import * as attributes from '../../src/elements/attributes.js';
import {
  flag,
  frameMs,
  iceServers,
  integer,
  keyName,
  mediaStream,
  networks,
  oneOf,
  onOff,
  positive,
  real,
  secret,
  socketUrls,
  text,
  voiceActivation,
  type Parser,
} from '../../src/elements/attributes.js';

/** Input, value expected, and whether the input is reported as bad. */
type Row = readonly [raw: unknown, value: unknown, verdict: 'good' | 'bad'];

function table(name: string, parse: Parser<unknown>, rows: readonly Row[]): void {
  describe(name, () => {
    for (const [raw, value, verdict] of rows)
      test(`${JSON.stringify(raw) ?? String(raw)} is ${verdict} and gives ${JSON.stringify(value) ?? String(value)}`, () => {
        const parsed = parse(raw);
        assert.deepEqual(parsed.value, value);
        assert.equal(parsed.problem === undefined ? 'good' : 'bad', verdict);
      });
  });
}

table('room and display-name', text(8), [
  [null, undefined, 'good'],
  ['', undefined, 'good'],
  ['   ', undefined, 'good'],
  ['  Ada ', 'Ada', 'good'],
  ['12345678', '12345678', 'good'],
  ['123456789', undefined, 'bad'],
  ['👩‍🚀👩‍🚀', '👩‍🚀👩‍🚀', 'good'],
  [42, undefined, 'bad'],
]);

table('password', secret, [
  [null, undefined, 'good'],
  ['', undefined, 'good'],
  [' with spaces ', ' with spaces ', 'good'],
  [7, undefined, 'bad'],
]);

table('muted, deafened, autojoin, listen-only', flag, [
  [null, false, 'good'],
  ['', true, 'good'],
  ['muted', true, 'good'],
  ['true', true, 'good'],
  ['false', false, 'bad'],
  [true, true, 'good'],
  [false, false, 'good'],
  [1, false, 'bad'],
]);

table('noise-suppression', attributes.suppression, [
  [undefined, true, 'good'],
  ['on', true, 'good'],
  ['off', false, 'good'],
  ['strong', 'strong', 'good'],
  [' Strong ', 'strong', 'good'],
  [false, false, 'good'],
  ['max', true, 'bad'],
]);

table('input-device and output-device', attributes.deviceId, [
  [undefined, '', 'good'],
  ['', '', 'good'],
  ['abc', 'abc', 'good'],
  [7, '', 'bad'],
]);

table('echo-cancellation and the like', onOff, [
  [null, true, 'good'],
  ['on', true, 'good'],
  ['OFF', false, 'good'],
  ['', true, 'bad'],
  ['yes', true, 'bad'],
  [false, false, 'good'],
]);

table('max-links', integer(2, 32, undefined), [
  [null, undefined, 'good'],
  ['2', 2, 'good'],
  [' 32 ', 32, 'good'],
  [6, 6, 'good'],
  ['1', undefined, 'bad'],
  ['33', undefined, 'bad'],
  ['6.5', undefined, 'bad'],
  ['', undefined, 'bad'],
  ['0x10', undefined, 'bad'],
  ['1e1', undefined, 'bad'],
  ['many', undefined, 'bad'],
  [Number.NaN, undefined, 'bad'],
]);

table('upload-slots', integer(0, 32, undefined), [
  ['0', 0, 'good'],
  ['-1', undefined, 'bad'],
]);

table('bitrate', integer(12_000, 96_000, 32_000), [
  [null, 32_000, 'good'],
  ['12000', 12_000, 'good'],
  ['96000', 96_000, 'good'],
  ['11999', 32_000, 'bad'],
]);

table('frame-ms', frameMs, [
  [null, 20, 'good'],
  ['10', 10, 'good'],
  [10, 10, 'good'],
  ['40', 20, 'bad'],
  ['10ms', 20, 'bad'],
]);

table('a number in a range', real(-1, 1, 0), [
  ['-0.5', -0.5, 'good'],
  ['1.01', 0, 'bad'],
]);

table('upload-kbps', positive, [
  [null, undefined, 'good'],
  ['0.5', 0.5, 'good'],
  ['0', undefined, 'bad'],
  [Number.POSITIVE_INFINITY, undefined, 'bad'],
]);

table('ice-transport-policy', oneOf(['all', 'relay'], 'all'), [
  [null, 'all', 'good'],
  ['relay', 'relay', 'good'],
  [' Relay', 'relay', 'good'],
  ['none', 'all', 'bad'],
]);

table('voice-activation', voiceActivation, [
  [null, 'auto', 'good'],
  ['off', 'off', 'good'],
  ['-42.5', -42.5, 'good'],
  [-30, -30, 'good'],
  ['0', 0, 'good'],
  ['3', 'auto', 'bad'],
  ['loud', 'auto', 'bad'],
]);

table('signaling', networks, [
  [null, ['torrent', 'nostr'], 'good'],
  ['', ['torrent', 'nostr'], 'good'],
  ['nostr', ['nostr'], 'good'],
  [' nostr  torrent nostr', ['torrent', 'nostr'], 'good'],
  [['torrent'], ['torrent'], 'good'],
  ['nostr mqtt', ['nostr'], 'bad'],
  ['mqtt', ['torrent', 'nostr'], 'bad'],
  [12, ['torrent', 'nostr'], 'bad'],
]);

table('trackers and nostr-relays', socketUrls, [
  [null, undefined, 'good'],
  ['', undefined, 'good'],
  ['wss://a.example', ['wss://a.example'], 'good'],
  [
    'wss://a.example  ws://localhost:8000/x\nwss://a.example',
    ['wss://a.example', 'ws://localhost:8000/x'],
    'good',
  ],
  ['wss://a.example https://b.example', ['wss://a.example'], 'bad'],
  ['a.example', undefined, 'bad'],
  [['wss://a.example'], ['wss://a.example'], 'good'],
  [[1], undefined, 'bad'],
]);

table('ice-servers', iceServers, [
  [null, undefined, 'good'],
  ['', undefined, 'good'],
  ['[]', [], 'good'],
  ['[{"urls":"stun:a.example"}]', [{ urls: 'stun:a.example' }], 'good'],
  [
    '[{"urls":["turn:a.example","turns:a.example:5349"],"username":"u","credential":"c"}]',
    [{ urls: ['turn:a.example', 'turns:a.example:5349'], username: 'u', credential: 'c' }],
    'good',
  ],
  [[{ urls: 'stun:a.example' }], [{ urls: 'stun:a.example' }], 'good'],
  ['[{"urls":"https://a.example"}]', undefined, 'bad'],
  ['[{"urls":[]}]', undefined, 'bad'],
  ['[{"urls":"turn:a.example","credential":5}]', undefined, 'bad'],
  ['[null]', undefined, 'bad'],
  ['{"urls":"stun:a.example"}', undefined, 'bad'],
  ['stun:a.example', undefined, 'bad'],
]);

table('push-to-talk', keyName, [
  [null, undefined, 'good'],
  ['', undefined, 'good'],
  ['Space', 'Space', 'good'],
  [' ', 'Space', 'good'],
  ['KeyV', 'KeyV', 'good'],
  ['v', 'v', 'good'],
  ['ß', 'ß', 'good'],
  ['Ctrl+V', undefined, 'bad'],
  ['two words', undefined, 'bad'],
]);

const stream = { getAudioTracks: () => [] };
table('microphone', mediaStream, [
  [null, null, 'good'],
  [undefined, null, 'good'],
  [stream, stream, 'good'],
  ['default', null, 'bad'],
  [{}, null, 'bad'],
]);

test('no parser throws, whatever it is given', () => {
  const parsers: Parser<unknown>[] = [
    ...Object.values(attributes).filter(
      (value) => value.length === 1 && !/text|real|integer|oneOf/.test(value.name),
    ),
    text(64),
    integer(2, 32, undefined),
    real(0, 4, 1),
    oneOf(['all', 'relay'], 'all'),
  ] as Parser<unknown>[];
  assert.ok(parsers.length >= 12);
  fc.assert(
    fc.property(fc.oneof(fc.anything(), fc.string(), fc.json()), (raw) => {
      for (const parse of parsers) assert.ok('value' in parse(raw));
    }),
  );
});
