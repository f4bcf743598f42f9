import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_OVERLAY_CONFIG } from '../../src/overlay/config.js';
import { Core } from '../../src/overlay/core.js';
import { Trials } from '../../src/overlay/trials.js';
import type { MemberId } from '../../src/units.js';

const peer = '0b'.repeat(16) as MemberId;

/** One end of a trial, and what it did. */
function end(stays = true) {
  const core = new Core('0a'.repeat(16) as MemberId, DEFAULT_OVERLAY_CONFIG, () => 0.5, {
    maxLinks: 8,
    uploadSlots: 8,
    uploadKbps: Infinity,
  });
  const done: string[] = [];
  let isLink = false;
  const trials = new Trials(core, {
    isLink: () => isLink,
    judge: (_, rttMs) => {
      done.push(`judge ${rttMs}`);
      return stays;
    },
    kept: (_, rttMs) => {
      isLink = true;
      done.push(`kept ${rttMs}`);
    },
    dropped: (_, rttMs) => done.push(`dropped ${rttMs}`),
    declined: () => done.push('declined'),
  });
  const hear = (step: 'ping' | 'pong' | 'keep' | 'drop', rttMs = Infinity) =>
    trials.onMessage(peer, { type: 'trial', step, rttMs });
  const said = () => {
    const steps = core.effects.map((effect) => {
      assert.ok(effect.type === 'send' && effect.message.type === 'trial');
      return `${effect.message.step} ${effect.message.rttMs}`;
    });
    core.effects = [];
    return steps;
  };
  return { core, trials, done, hear, said };
}

describe('links on trial', () => {
  test('the shorter of two round trips is judged, and both ends learn it', () => {
    for (const stays of [true, false]) {
      const judge = end(stays);
      judge.trials.begin(peer, true);
      assert.deepEqual(judge.said(), ['ping Infinity']);
      judge.core.nowMs += 80;
      judge.hear('pong');
      assert.deepEqual(judge.said(), ['ping Infinity']);
      judge.core.nowMs += 30;
      judge.hear('pong');
      const verdict = stays ? 'keep' : 'drop';
      assert.deepEqual(judge.said(), [`${verdict} 30`]);
      assert.deepEqual(judge.done, ['judge 30', stays ? 'kept 30' : 'dropped 30']);

      const asked = end();
      asked.trials.begin(peer, false);
      asked.hear('ping');
      assert.deepEqual(asked.said(), ['pong Infinity']);
      asked.hear(verdict, 30);
      assert.deepEqual(asked.done, [stays ? 'kept 30' : 'dropped 30']);
      assert.equal(asked.trials.size, 0);
    }
  });

  test('without a verdict the link is dropped in the end', () => {
    const asked = end();
    asked.trials.begin(peer, false);
    asked.core.nowMs = asked.trials.nextMs - 1;
    asked.trials.tick();
    assert.deepEqual(asked.done, []);
    asked.core.nowMs += 1;
    asked.trials.tick();
    assert.deepEqual(asked.done, ['dropped undefined']);
    assert.equal(asked.trials.nextMs, Infinity);
  });

  test('a far end that takes the link for one like others is believed, and answered so', () => {
    const here = end();
    here.trials.begin(peer, true);
    here.trials.keep(peer);
    assert.deepEqual(here.done, ['kept Infinity']);
    here.said();
    here.hear('ping');
    assert.deepEqual(here.said(), ['keep Infinity']);
    here.hear('pong');
    assert.deepEqual(here.said(), []);
    assert.deepEqual(here.done, ['kept Infinity'], 'nothing is on trial any more');
  });

  test('of two that asked for one link and judge it differently, whoever keeps it learns that it ends', () => {
    const here = end();
    here.trials.begin(peer, true);
    here.hear('pong');
    here.hear('pong');
    here.hear('drop', 30);
    assert.deepEqual(here.done, ['judge 0.5', 'kept 0.5', 'declined']);
  });

  test('an answer that nobody asked for measures nothing', () => {
    const asked = end();
    asked.trials.begin(peer, false);
    asked.hear('pong');
    assert.deepEqual(asked.said(), []);
    assert.deepEqual(asked.done, []);
    asked.trials.forget(peer);
    asked.hear('ping');
    assert.deepEqual(asked.said(), [], 'a ping over no link');
  });
});
