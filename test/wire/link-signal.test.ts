import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeLinkSignal, encodeLinkSignal } from '../../src/wire/link-signal.js';

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
