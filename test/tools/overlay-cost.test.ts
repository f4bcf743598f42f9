/** The cost scenario of the overlay benchmark, small. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { costText, measureCost } from '../../bench/support/overlay/cost.js';
import { parseBenchOptions } from '../../bench/support/overlay/options.js';

test('the cost of a small room is measured: time, memory and bytes a join', () => {
  const options = parseBenchOptions([
    '--scenario',
    'cost',
    '--nodes',
    '10',
    '--settle',
    '60',
    '--speakers',
    '2',
  ]);
  assert.deepEqual([options.cost, options.scenarios], [true, []]);
  const phases: string[] = [];
  const row = measureCost(options, (phase) => phases.push(phase));
  assert.deepEqual(phases, ['room forms', 'messages', 'joins']);
  assert.equal(row.nodes, 10);
  assert.ok(row.messageP50Us > 0 && row.messageP50Us <= row.messageP99Us);
  assert.ok(row.memoryKb > 1 && row.memoryKb < 1000, `${row.memoryKb} kB a member`);
  // It has to send its own entry, and to be sent nine.
  assert.ok(row.joinerKb > 2 && row.joinerKb < 100, `${row.joinerKb} kB for the joiner`);
  assert.ok(row.presentKb > 0.2 && row.presentKb < 100, `${row.presentKb} kB for a present member`);
  assert.match(costText(row), /room of 10[\s\S]* µs median[\s\S]*kB a member/);
});

test('what it costs is asked for by name only, also beside a comparison', () => {
  assert.equal(parseBenchOptions(['--scenario', 'all']).cost, false);
  const both = parseBenchOptions(['--scenario', 'steady,cost']);
  assert.deepEqual([both.cost, both.scenarios], [true, ['steady']]);
});
