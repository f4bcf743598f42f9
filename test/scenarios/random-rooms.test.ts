/**
 * Small rooms with histories drawn at random: whatever happens, the invariants hold, and when it is over everybody who
 * can hear everybody does. A failure is shrunk to few members and steps and printed as prose; add it to
 * `once-failed.test.ts`. `ROOM_SCRIPTS=5000 npx tsx --test test/scenarios/random-rooms.test.ts` looks longer, with
 * seeds of its own; without it the same scripts are played every time.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { play } from './script.js';
import { scripts } from './script-arbitrary.js';

const asked = Number(process.env['ROOM_SCRIPTS'] ?? 0);

test('rooms at random keep the invariants and end served', () => {
  fc.assert(
    fc.property(scripts, (script) => {
      assert.deepEqual(play(script).problems, []);
    }),
    asked > 0 ? { numRuns: asked } : { numRuns: 150, seed: 2026 },
  );
});

test('one script, one run: the same seed gives the same trace', () => {
  fc.assert(
    fc.property(scripts, (script) => {
      const trace = (): unknown => {
        const { simulation, settledMs, problems } = play(script);
        const { eventsRun, controlBytes, voiceCopies } = simulation;
        return { eventsRun, controlBytes, voiceCopies, settledMs, problems };
      };
      assert.deepEqual(trace(), trace());
    }),
    { numRuns: 8, seed: 7 },
  );
});
