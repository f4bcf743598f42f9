import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { handleOf } from '../../src/units.js';
import {
  CONTROL_VERSION,
  decodeControl,
  encodeControl,
  MAX_CONTROL_BYTES,
  MAX_ROUTED_BYTES,
  MAX_SAMPLE,
  MAX_SIGNAL_BYTES,
  quantiseCost,
} from '../../src/wire/control.js';
import { memberId, controlMessage } from './arbitraries.js';

describe('control messages', () => {
  test('come back as they were sent', () => {
    fc.assert(
      fc.property(controlMessage, (message) => {
        assert.deepEqual(decodeControl(encodeControl(message)), message);
      }),
      { numRuns: 500 },
    );
  });

  test('any bytes decode to a message or to nothing, and never throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 31 }), (bytes, type) => {
        if (bytes.length > 0) bytes[0] = (CONTROL_VERSION << 5) | type;
        const message = decodeControl(bytes);
        // What decodes is within every bound, or it could not be encoded again.
        if (message) encodeControl(message);
      }),
      { numRuns: 2000 },
    );
  });

  test('a flipped, cut or lengthened message never throws', () => {
    fc.assert(
      fc.property(
        controlMessage,
        fc.nat(),
        fc.integer({ min: 0, max: 7 }),
        fc.nat(),
        (message, at, bit, cut) => {
          const bytes = encodeControl(message);
          const damaged = bytes.slice();
          damaged[at % bytes.length] = (damaged[at % bytes.length] as number) ^ (1 << bit);
          decodeControl(damaged);
          if (bytes.length > 1) assert.equal(decodeControl(bytes.subarray(0, cut % bytes.length)), undefined);
          assert.equal(decodeControl(new Uint8Array([...bytes, 0])), undefined);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('another version is not understood', () => {
    const bytes = encodeControl({ type: 'link-drop', reason: 'surplus' });
    bytes[0] = (bytes[0] as number) ^ (1 << 6);
    assert.equal(decodeControl(bytes), undefined);
  });

  test('a list that claims more items than its bound is refused', () => {
    const offers = (1 << 5) | 5;
    assert.equal(
      decodeControl(new Uint8Array([offers, 0xff, 0xff, ...new Array<number>(2000).fill(0)])),
      undefined,
    );
  });

  test('encoding refuses what no receiver would take', () => {
    const [a = '' as never, b = '' as never] = fc.sample(memberId, 2);
    const payload = new Uint8Array(MAX_SIGNAL_BYTES + 1);
    assert.throws(
      () =>
        encodeControl({
          type: 'signal',
          origin: a,
          target: b,
          id: 1,
          hopLimit: 1,
          flood: false,
          payload,
        }),
      RangeError,
    );
    assert.equal(decodeControl(new Uint8Array(MAX_CONTROL_BYTES + 1)), undefined);
  });

  test('a comparison of costs over the largest sample can be routed', () => {
    const [a = '' as never] = fc.sample(memberId, 1);
    const sources = Array.from({ length: MAX_SAMPLE }, () => handleOf(a));
    const payload = encodeControl({ type: 'costs-request', nonce: 1, sources });
    assert.ok(payload.byteLength <= MAX_ROUTED_BYTES, `${payload.byteLength} B`);
  });

  test('a heartbeat takes one byte, or seven where it measures', () => {
    assert.equal(encodeControl({ type: 'alive' }).byteLength, 1);
    assert.equal(encodeControl({ type: 'heartbeat', sentMs: 1, echoMs: 2, heldMs: 3 }).byteLength, 7);
  });

  test('costs are kept to a quarter of a millisecond', () => {
    assert.equal(quantiseCost(12.3), 12.25);
    assert.equal(quantiseCost(1e9), 65_534 / 4);
    assert.equal(quantiseCost(Infinity), Infinity);
    assert.equal(quantiseCost(-1), 0);
  });
});
