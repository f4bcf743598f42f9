/** Scripts of small rooms drawn at random, for fast-check: it shrinks a failing one to few members and few steps. */

import fc from 'fast-check';
import { prose, type Action, type Equipment, type Network, type Script } from './script.js';

const who = fc.nat({ max: 11 });

const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ does: fc.constant('join' as const) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constantFrom('crash', 'leave', 'vanish'), who }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('block' as const), who, whom: who }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('unblock' as const), who, whom: who }) },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('freeze' as const),
      who,
      ms: fc.integer({ min: 50, max: 4000 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      does: fc.constant('speak' as const),
      who,
      ms: fc.integer({ min: 100, max: 5000 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ does: fc.constant('split' as const), groups: fc.integer({ min: 2, max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('heal' as const) }) },
);

const equipment: fc.Arbitrary<readonly Equipment[] | undefined> = fc.option(
  fc.array(fc.constantFrom<Equipment>('desktop', 'laptop', 'phone'), { minLength: 1, maxLength: 4 }),
  { nil: undefined, freq: 3 },
);

export const scripts: fc.Arbitrary<Script> = fc
  .record({
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    equipment,
    network: fc.constantFrom<Network>(
      'calm',
      'calm',
      'jittery',
      'lossy',
      'bursty',
      'doubling',
      'behind NATs',
    ),
    members: fc.integer({ min: 3, max: 9 }),
    joinEveryMs: fc.constantFrom(400, 10),
    steps: fc.array(fc.record({ waitMs: fc.integer({ min: 0, max: 2500 }), action }), { maxLength: 14 }),
  })
  .map((script) => Object.defineProperty(script, fc.toStringMethod, { value: () => prose(script) }));
