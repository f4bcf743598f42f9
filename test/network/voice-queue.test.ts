import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { VoiceQueue } from '../../src/network/voice-queue.js';
import type { Handle } from '../../src/units.js';
import { bundleBytes, MAX_LINK_MESSAGE_BYTES, type BundledPacket } from '../../src/wire/link-bundle.js';

const LOUD = 1 as Handle;
const QUIET = 2 as Handle;
const packet = (name: number, bytes = 100): Uint8Array => new Uint8Array(bytes).fill(name);
const names = (content: readonly BundledPacket[] | undefined) =>
  content?.map(({ packet: bytes, isRepeat }) => (isRepeat ? -1 : 1) * (bytes[0] as number));

describe('voice queue', () => {
  test('what was added in one tick leaves together, in order, with its hop limits', () => {
    const queue = new VoiceQueue(60);
    for (let n = 1; n <= 3; n++) queue.add(packet(n), n, LOUD, 20, 0);
    const content = queue.take(0, 0);
    assert.deepEqual(names(content), [1, 2, 3]);
    assert.deepEqual(
      content?.map(({ hopLimit }) => hopLimit),
      [1, 2, 3],
    );
    assert.equal(queue.take(0, 0), undefined);
  });

  test('repeats the last message, or the last two, once each and only while they are of use', () => {
    const queue = new VoiceQueue(60);
    const tick = (name: number, nowMs: number, depth: 0 | 1 | 2) => {
      queue.add(packet(name), 9, LOUD, 20, nowMs);
      return names(queue.take(nowMs, depth));
    };
    assert.deepEqual(tick(1, 0, 1), [1]);
    assert.deepEqual(tick(2, 20, 1), [2, -1]);
    assert.deepEqual(tick(3, 40, 0), [3]);
    assert.deepEqual(tick(4, 60, 2), [4, -3, -2]);
    assert.deepEqual(tick(5, 500, 2), [5]);
  });

  test('a voice that is no longer sent to the link is not repeated on it either', () => {
    const queue = new VoiceQueue(60);
    queue.add(packet(1), 9, LOUD, 20, 0);
    queue.add(packet(2), 9, QUIET, 40, 0);
    queue.take(0, 2);
    queue.add(packet(3), 9, QUIET, 40, 20);
    assert.deepEqual(names(queue.take(20, 2)), [3, -2]);
  });

  test('repeats never push out what is new', () => {
    const queue = new VoiceQueue(60);
    queue.add(packet(1, 600), 9, LOUD, 20, 0);
    queue.take(0, 1);
    queue.add(packet(2, 600), 9, LOUD, 20, 20);
    assert.deepEqual(names(queue.take(20, 1)), [2]);
  });

  test('on a full link the quietest voice gives way, the loud one stays whole', () => {
    const full = new VoiceQueue(1e9);
    for (let n = 0; n < 30; n++) {
      full.add(packet(10 + n), 9, LOUD, n % 10 < 5 ? 20 : 50, 0);
      full.add(packet(100 + n), 9, QUIET, 40, 0);
    }
    const kept: number[] = [];
    for (let content = full.take(0, 0); content; content = full.take(0, 0))
      kept.push(...content.map(({ packet: bytes }) => bytes[0] as number));
    assert.equal(kept.filter((name) => name < 100).length, 30);
    assert.ok(full.dropped >= 25 && full.dropped <= 30);
  });

  test('what waited longer than its lifetime is dropped', () => {
    const queue = new VoiceQueue(60);
    queue.add(packet(1), 9, LOUD, 20, 0);
    queue.add(packet(2), 9, LOUD, 20, 50);
    assert.deepEqual(names(queue.take(100, 0)), [2]);
    assert.equal(queue.dropped, 1);
  });

  test('any packets: every message fits, order is kept, what waits is bounded', () => {
    const step = fc.record({
      bytes: fc.integer({ min: 20, max: 1080 }),
      level: fc.nat(127),
      source: fc.integer({ min: 1, max: 5 }),
      takes: fc.boolean(),
      depth: fc.constantFrom(0 as const, 1 as const, 2 as const),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const queue = new VoiceQueue(60);
        let newest = -1;
        steps.forEach(({ bytes, level, source, takes, depth }, n) => {
          queue.add(packet(n, bytes), 9, source as Handle, level, n * 10);
          assert.ok(queue.waitingBytes <= 3 * MAX_LINK_MESSAGE_BYTES);
          const content = takes ? queue.take(n * 10, depth) : undefined;
          if (!content) return;
          const total = content.reduce((sum, { packet: { byteLength } }) => sum + byteLength, 0);
          assert.ok(bundleBytes(total, content.length) <= MAX_LINK_MESSAGE_BYTES);
          for (const { packet: bytesOf, isRepeat } of content) {
            if (isRepeat) continue;
            assert.ok((bytesOf[0] as number) > newest);
            newest = bytesOf[0] as number;
          }
        });
      }),
    );
  });
});
