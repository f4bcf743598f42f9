import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_OVERLAY_CONFIG } from '../../src/overlay/config.js';
import { Core } from '../../src/overlay/core.js';
import { Neighbours } from '../../src/overlay/neighbours.js';
import { Signalling } from '../../src/overlay/signalling.js';
import { handleOf, type MemberId } from '../../src/units.js';
import { MAX_ROUTED_BYTES, type ControlMessage } from '../../src/wire/control.js';

const [SELF, ASKER, OTHER, FAR, HIDDEN] = ['1', '2', '3', '4', '5'].map((digit) => digit.repeat(32)) as [
  MemberId,
  MemberId,
  MemberId,
  MemberId,
  MemberId,
];

function setUp(known: readonly MemberId[]) {
  const limits = { maxLinks: 8, uploadSlots: 4, uploadKbps: Infinity };
  const core = new Core(SELF, DEFAULT_OVERLAY_CONFIG, () => 0.5, limits);
  const neighbours = new Neighbours(core.selfTag);
  for (const peer of [ASKER, OTHER]) neighbours.up(peer, 'link', 0);
  const heard: string[] = [];
  const signalling = new Signalling(
    core,
    neighbours,
    (member) => (member === FAR ? [ASKER, OTHER] : []),
    (handle) => known.find((member) => handleOf(member) === handle),
    (member) => known.includes(member),
    (from, payload) => heard.push(`${from[0]}: ${payload.join(' ')}`),
  );
  const sent = (): [MemberId, ControlMessage][] => {
    core.flush();
    return core.effects.flatMap((effect) =>
      effect.type === 'send' ? [[effect.to, effect.message] as [MemberId, ControlMessage]] : [],
    );
  };
  const from = (origin: MemberId, target: MemberId, hopLimit = 3) => ({
    type: 'routed' as const,
    origin: handleOf(origin),
    target: handleOf(target),
    id: 5,
    hopLimit,
    isSignal: false,
    payload: new Uint8Array([1, 2]),
  });
  const signalsHeard = () => core.effects.flatMap((e) => (e.type === 'signal' ? [e.from] : []));
  return { signalling, heard, signalsHeard, sent, from };
}

describe('what overlays say to each other across links', () => {
  test('is passed on by a way that does not lead back, once, with one hop less', () => {
    const { signalling, sent, from } = setUp([ASKER, FAR]);
    signalling.onRouted(ASKER, from(ASKER, FAR));
    signalling.onRouted(ASKER, from(ASKER, FAR));
    assert.deepEqual(sent(), [[OTHER, from(ASKER, FAR, 2)]]);
  });

  test('is heard where it was meant for, and the answer finds the way back', () => {
    const { signalling, heard, sent, from } = setUp([SELF, HIDDEN]);
    assert.equal(signalling.sendRouted(HIDDEN, new Uint8Array([3])), false, 'no way is known yet');
    signalling.onRouted(OTHER, from(HIDDEN, SELF));
    assert.deepEqual(heard, ['5: 1 2']);
    assert.equal(signalling.sendRouted(HIDDEN, new Uint8Array([3])), true);
    assert.deepEqual(
      sent().map(([to, { type }]) => [to, type]),
      [[OTHER, 'routed']],
    );
  });

  test('goes nowhere without hops left, from or to somebody unknown, or as an echo of oneself', () => {
    const { signalling, heard, sent, from } = setUp([SELF, ASKER, FAR]);
    signalling.onRouted(ASKER, from(ASKER, FAR, 0));
    signalling.onRouted(ASKER, from(OTHER, FAR));
    signalling.onRouted(ASKER, from(FAR, OTHER));
    signalling.onRouted(ASKER, from(SELF, FAR));
    assert.deepEqual(sent(), []);
    assert.deepEqual(heard, []);
  });
});

describe('signals', () => {
  const payload = new Uint8Array([7]);

  test('between members that all know are told by handles, and heard as signals', () => {
    const { signalling, signalsHeard, sent, from } = setUp([SELF, ASKER, FAR]);
    signalling.originate(FAR, payload);
    assert.deepEqual(
      sent().map(([to, message]) => [to, message.type, message.type === 'routed' && message.isSignal]),
      [[ASKER, 'routed', true]],
    );
    signalling.onRouted(ASKER, { ...from(FAR, SELF), isSignal: true, payload });
    assert.deepEqual(signalsHeard(), [FAR]);
  });

  test('to or from newcomers, and long ones, go by whole ids', () => {
    const types = (known: readonly MemberId[], bytes: Uint8Array) => {
      const { signalling, sent } = setUp(known);
      signalling.originate(FAR, bytes);
      return sent().map(([to, { type }]) => `${to[0]} ${type}`);
    };
    assert.deepEqual(types([SELF], payload), ['2 signal']);
    assert.deepEqual(types([SELF, FAR], new Uint8Array(MAX_ROUTED_BYTES + 1)), ['2 signal']);
  });

  test('are flooded from where nobody knows the way on', () => {
    const { signalling, sent, from } = setUp([SELF, ASKER, OTHER, HIDDEN]);
    signalling.onRouted(ASKER, { ...from(ASKER, HIDDEN), isSignal: true });
    assert.deepEqual(
      sent().map(([to, message]) => [to, message.type === 'signal' && message.flood && message.origin]),
      [[OTHER, ASKER]],
    );
  });
});
