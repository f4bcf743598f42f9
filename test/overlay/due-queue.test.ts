import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DueQueue } from '../../src/overlay/due-queue.js';

test('gives what is due, whatever was put off, hurried or removed before', () => {
  const action = fc.record({
    thing: fc.nat(9),
    dueMs: fc.oneof(fc.nat(20), fc.constant(Infinity)),
    remove: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(action, { maxLength: 60 }), fc.nat(20), (actions, nowMs) => {
      const queue = new DueQueue<{ dueMs: number; duePlace: number }>();
      const things = Array.from({ length: 10 }, () => ({ dueMs: Infinity, duePlace: -1 }));
      const expected = new Map<number, number>();
      for (const { thing, dueMs, remove } of actions) {
        if (remove) queue.remove(things[thing]!);
        else queue.schedule(things[thing]!, dueMs);
        if (remove || dueMs === Infinity) expected.delete(thing);
        else expected.set(thing, dueMs);
        assert.equal(queue.nextMs, Math.min(Infinity, ...expected.values()));
      }
      const due = [...expected.keys()].filter((thing) => expected.get(thing)! <= nowMs).sort();
      assert.deepEqual(
        queue
          .takeDue(nowMs)
          .map((thing) => things.indexOf(thing))
          .sort(),
        due,
      );
      assert.ok(queue.nextMs > nowMs);
    }),
  );
});
