import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { NETWORK_DEFAULTS, validateNetworkConfig } from '../../src/network/config.js';
import { ringStep } from '../../src/network/ring-plan.js';

describe('ringStep', () => {
  test('a member alone rings actively at once', () => {
    assert.deepEqual(ringStep('alone', 0, 0.5, NETWORK_DEFAULTS), {
      stance: 'active',
      forMs: NETWORK_DEFAULTS.ringMs,
    });
  });

  test('a member on duty listens first, rings soon once and then rarely', () => {
    assert.equal(ringStep('duty', 0, 0, NETWORK_DEFAULTS).stance, 'passive');
    const pauses = [0, 2, 4, 400].map((step) => ringStep('duty', step, 0, NETWORK_DEFAULTS).forMs);
    assert.deepEqual(pauses, [8000, 32_000, 60_000, 60_000]);
    assert.equal(ringStep('duty', 1, 0, NETWORK_DEFAULTS).stance, 'active');
  });

  test('off means away for good', () => {
    assert.deepEqual(ringStep('off', 7, 0.1, NETWORK_DEFAULTS), { stance: 'away', forMs: Infinity });
  });

  test('pauses of a member alone grow, stay bounded and differ between members', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.double({ min: 0, max: 0.999, noNaN: true }), (step, random) => {
        const { stance, forMs } = ringStep('alone', step, random, NETWORK_DEFAULTS);
        assert.equal(stance, step % 2 === 0 ? 'active' : 'passive');
        assert.ok(forMs > 0 && forMs <= 2 * NETWORK_DEFAULTS.maxAlonePauseMs);
      }),
    );
    assert.ok(
      ringStep('alone', 1, 0, NETWORK_DEFAULTS).forMs < ringStep('alone', 3, 0, NETWORK_DEFAULTS).forMs,
    );
    assert.notEqual(
      ringStep('alone', 1, 0.1, NETWORK_DEFAULTS).forMs,
      ringStep('alone', 1, 0.9, NETWORK_DEFAULTS).forMs,
    );
  });
});

test('a config whose relations do not hold is refused by name', () => {
  assert.throws(() => validateNetworkConfig({ ...NETWORK_DEFAULTS, ringMs: 1000 }), /ringMs/);
  assert.throws(() => validateNetworkConfig({ ...NETWORK_DEFAULTS, pipeIdleMs: 0 }), /above 0/);
  assert.equal(validateNetworkConfig(NETWORK_DEFAULTS), NETWORK_DEFAULTS);
});
