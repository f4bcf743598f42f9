import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeLinkSignal, descriptionHasFingerprint, encodeLinkSignal } from '../../src/wire/link-signal.js';

describe('link signals', () => {
  test('come back as they went out', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('request', 'offer', 'answer', 'candidate', 'refuse' as const),
        fc.nat(0xffffffff),
        fc.uint8Array({ maxLength: 300 }),
        fc.string({ maxLength: 500, unit: 'grapheme' }),
        (kind, attempt, entry, text) => {
          const decoded = decodeLinkSignal(encodeLinkSignal({ kind, attempt, entry, text }));
          assert.deepEqual(decoded && { ...decoded, entry: [...decoded.entry] }, {
            kind,
            attempt,
            entry: [...entry],
            text,
          });
        },
      ),
    );
  });

  test('any bytes: an answer or nothing, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        decodeLinkSignal(bytes);
        decodeLinkSignal(new Uint8Array([1, 2, ...bytes]));
      }),
    );
  });
});

describe('the fingerprint of a description', () => {
  const fingerprint = 'ab'.repeat(32);
  const line = (value: string) => `a=fingerprint:sha-256 ${value}\r\n`;
  const colons = 'AB:'.repeat(31) + 'AB';

  test('is the one in the entry', () => {
    assert.ok(descriptionHasFingerprint(`v=0\r\n${line(colons)}m=application\r\n`, fingerprint));
  });

  test('is refused when it differs, is missing or comes beside another one', () => {
    const other = 'CD:'.repeat(31) + 'CD';
    assert.ok(!descriptionHasFingerprint(`v=0\r\n${line(other)}`, fingerprint));
    assert.ok(!descriptionHasFingerprint('v=0\r\n', fingerprint));
    assert.ok(!descriptionHasFingerprint(line(colons) + line(other), fingerprint));
    assert.ok(!descriptionHasFingerprint(`a=fingerprint:sha-1 ${colons}\r\n`, fingerprint));
  });
});
