import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { expandDescription, summarizeDescription } from '../../src/wire/session-description.js';
import { hex } from './arbitraries.js';

const FINGERPRINT = 'ab'.repeat(32);
const PASSWORD = 'p'.repeat(24);
const SUMMARY = `actpass uFr4 ${PASSWORD}`;

const iceText = (minLength: number) =>
  fc
    .array(fc.constantFrom(...'abcXYZ0189+/'), { minLength, maxLength: 256 })
    .map((characters) => characters.join(''));

describe('session descriptions', () => {
  test('survive the way as a summary, with the certificate of the signed entry', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('actpass', 'active', 'passive'),
        iceText(4),
        iceText(22),
        hex(32),
        (setup, userFragment, password, fingerprint) => {
          const summary = `${setup} ${userFragment} ${password}`;
          const sdp = expandDescription(summary, fingerprint)!;
          assert.equal(summarizeDescription(sdp), summary);
          const [, value = ''] = /^a=fingerprint:sha-256 (\S+)\r$/m.exec(sdp)!;
          assert.equal(value.replaceAll(':', '').toLowerCase(), fingerprint);
          assert.equal(sdp.match(/a=fingerprint/g)!.length, 1);
        },
      ),
    );
  });

  test('what is no summary is refused: no line of a stranger reaches the browser', () => {
    assert.ok(expandDescription(SUMMARY, FINGERPRINT));
    for (const text of [
      '',
      'actpass',
      `holdconn uFr4 ${PASSWORD}`,
      `actpass uFr ${PASSWORD}`,
      `actpass uFr4 ${PASSWORD}\r\na=fingerprint:sha-256 00`,
      `actpass uFr4 ${PASSWORD} more`,
      `actpass uFr4 ${'p'.repeat(257)}`,
      'v=0\r\n',
    ])
      assert.equal(expandDescription(text, FINGERPRINT), undefined, text);
    assert.equal(expandDescription(SUMMARY, 'ab'), undefined);
  });

  test('any text is taken or refused without a throw', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        summarizeDescription(text);
        expandDescription(text, FINGERPRINT);
      }),
    );
  });

  test('a description without ICE credentials has no summary', () => {
    assert.equal(summarizeDescription(''), undefined);
    assert.equal(summarizeDescription('v=0\r\na=setup:active\r\n'), undefined);
  });
});
