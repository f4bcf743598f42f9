import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { unpacked } from '../../src/audio/unpacked.js';

describe('packed bytes', () => {
  test('come back as they were, however many there are', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 8 }).map((few) => new Uint8Array(2000).map((_, i) => few[i % 8] ?? 0)),
    );
    fc.assert(
      fc.property(bytes, (original) => {
        const packed = deflateRawSync(original, { level: 9 }).toString('base64');
        assert.deepEqual(unpacked(packed), original);
      }),
    );
  });
});
