import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Pipe, pipeMessage } from '../../src/network/pipe.js';

type Network = 'torrent' | 'nostr';

/** Two ends and what lies between them; a direction of a network may be dead. */
class Pair {
  readonly a = new Pipe<Network>();
  readonly b = new Pipe<Network>();
  readonly #underway: { to: Pipe<Network>; network: Network; message: Uint8Array }[] = [];
  readonly payloads: [to: 'a' | 'b', text: string][] = [];
  messages = 0;

  constructor(readonly dead: readonly `${Network} ${'a' | 'b'}`[] = []) {}

  /** Trystero joined this pair on these sides. */
  join(network: Network, sides: readonly ('a' | 'b')[] = ['a', 'b']): void {
    for (const side of sides) this.say(side, network, this[side].addLine(network));
    this.deliverAll();
  }

  say(from: 'a' | 'b', network: Network, message: Uint8Array): void {
    const to = from === 'a' ? 'b' : 'a';
    this.messages += 1;
    if (!this.dead.includes(`${network} ${to}`)) this.#underway.push({ to: this[to], network, message });
  }

  deliverAll(): void {
    for (let next = this.#underway.shift(); next; next = this.#underway.shift()) {
      const { to, network, message } = next;
      const side = to === this.a ? 'a' : 'b';
      const { answer, payload } = to.receive(network, message);
      if (answer) this.say(side, network, answer);
      if (payload) this.payloads.push([side, new TextDecoder().decode(payload)]);
    }
  }
}

describe('a pipe', () => {
  test('is up at both ends after one round trip, and carries what is said', () => {
    const pair = new Pair();
    pair.join('nostr');
    assert.ok(pair.a.isUp && pair.b.isUp);
    pair.say('a', 'nostr', pipeMessage(new TextEncoder().encode('hello')));
    pair.deliverAll();
    assert.deepEqual(pair.payloads, [['b', 'hello']]);
  });

  test('is never up when Trystero joined one side only', () => {
    for (const side of ['a', 'b'] as const) {
      const pair = new Pair();
      pair.join('torrent', [side]);
      assert.equal(pair.a.isUp || pair.b.isUp, false);
      assert.ok(pair[side].hasLines);
    }
  });

  test('is up at neither end when one direction is dead', () => {
    for (const dead of ['torrent a', 'torrent b'] as const) {
      const pair = new Pair([dead]);
      pair.join('torrent');
      assert.equal(pair.a.isUp || pair.b.isUp, false, dead);
    }
  });

  test('takes the network that works both ways', () => {
    const pair = new Pair(['torrent a']);
    pair.join('torrent');
    pair.join('nostr');
    assert.equal(pair.a.provenLine, 'nostr');
    assert.equal(pair.b.provenLine, 'nostr');
    pair.a.removeLine('nostr');
    assert.equal(pair.a.isUp, false);
    assert.ok(pair.a.hasLines);
  });

  test('comes up again when one end’s connection was replaced under it', () => {
    const pair = new Pair();
    pair.join('torrent');
    pair.join('torrent', ['a']);
    assert.ok(pair.a.isUp && pair.b.isUp);
  });

  test('stays quiet after the round trip, whatever arrives', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 4 }), { maxLength: 20 }), (received) => {
        const pipe = new Pipe<Network>();
        pipe.addLine('nostr');
        let calls = 0;
        let answers = 0;
        for (const message of received) {
          if (message[0] === 0) calls += 1;
          const { answer, payload } = pipe.receive('nostr', message);
          if (answer) answers += 1;
          assert.ok(!payload || pipe.isUp);
          assert.deepEqual(pipe.receive('torrent', message), { answer: undefined, payload: undefined });
        }
        assert.ok(answers <= calls + 1);
      }),
    );
  });
});
