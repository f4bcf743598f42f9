import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  chooseBackups,
  chooseBetterParent,
  chooseFirstParent,
  childBurdenMs,
  placePriceMs,
  decideChild,
  isFeasible,
  relayCostMs,
  type Asker,
  type Candidate,
  type ChildState,
  type Host,
} from '../../src/overlay/routes.js';
import type { MemberId } from '../../src/units.js';

const id = (name: string): MemberId => name as MemberId;

function candidate(peer: string, totalMs: number, rest: Partial<Candidate> = {}): Candidate {
  return {
    peer: id(peer),
    totalMs,
    noiseMs: 0,
    reportedMs: totalMs - 10,
    newerEpoch: false,
    olderEpoch: false,
    freeSlots: 1,
    takes: true,
    refusedMs: -Infinity,
    path: [1],
    ...rest,
  };
}

function child(peer: string, rest: Partial<ChildState> = {}): ChildState {
  return {
    peer: id(peer),
    burdenMs: 0,
    freeSlots: 1,
    leaving: false,
    isSpared: false,
    linkedToAsker: true,
    roomAt: undefined,
    members: 1,
    lossMs: Infinity,
    ...rest,
  };
}

const asker = (rest: Partial<Asker> = {}): Asker => ({
  peer: id('asker'),
  burdenMs: 0,
  freeSlots: 4,
  urgent: false,
  unserved: false,
  ...rest,
});

describe('which parent', () => {
  test('nobody moves over a link that was not measured yet, and none goes without a parent because of it', () => {
    const guessed = candidate('new', 20, { noiseMs: Infinity });
    const present = { parent: id('old'), costMs: 200, noiseMs: 0, feasibleMs: Infinity };
    const least = { switchGain: 0.01, switchGainMs: 0.5 };
    assert.equal(chooseBetterParent([guessed], present, least), undefined);
    assert.equal(chooseBetterParent([{ ...guessed, noiseMs: 1 }], present, least)?.peer, 'new');
    assert.equal(chooseFirstParent([guessed], [])?.peer, 'new');
  });

  test('a parent whose own cost was once above ours may hang below us', () => {
    const table: [Partial<Candidate>, number, boolean][] = [
      [{ reportedMs: 20 }, 30, true],
      [{ reportedMs: 30 }, 30, false],
      [{ reportedMs: 40 }, 30, false],
      [{ reportedMs: 40, newerEpoch: true }, 30, true],
      [{ reportedMs: 20, olderEpoch: true }, 30, false],
    ];
    for (const [rest, feasibleMs, expected] of table)
      assert.equal(isFeasible(candidate('a', 50, rest), feasibleMs), expected, JSON.stringify(rest));
  });

  test('the first parent: the soonest with room, else whom a refusal named, else the soonest that did not just refuse', () => {
    const full = (peer: string, ms: number): Candidate => candidate(peer, ms, { freeSlots: 0 });
    const table: [Candidate[], string[], string | undefined][] = [
      [[], [], undefined],
      [[candidate('a', 50), candidate('b', 30), full('c', 10)], [], 'b'],
      [[full('a', 50), full('b', 30)], ['a'], 'a'],
      [[full('a', 50), full('b', 30)], ['gone'], 'b'],
      [[candidate('a', 50), full('b', 30)], ['b'], 'a'],
      [[full('a', 50), { ...full('b', 30), refusedMs: 7 }], [], 'a'],
      [
        [
          { ...full('a', 50), refusedMs: 6 },
          { ...full('b', 30), refusedMs: 7 },
        ],
        [],
        'a',
      ],
      [[{ ...candidate('a', 50), refusedMs: 6 }, full('b', 30)], [], 'a'],
    ];
    for (const [candidates, hints, expected] of table)
      assert.equal(chooseFirstParent(candidates, hints.map(id))?.peer, expected);
  });

  test('a better parent: free, feasible, and better by the larger of share and milliseconds', () => {
    const config = { switchGain: 0.1, switchGainMs: 5 };
    const present = { parent: id('p'), costMs: 100, noiseMs: 0, feasibleMs: 100 };
    const table: [Candidate[], string | undefined][] = [
      [[candidate('a', 91)], undefined],
      [[candidate('a', 90)], 'a'],
      [[candidate('a', 90), candidate('b', 60)], 'b'],
      [[candidate('a', 60, { freeSlots: 0, takes: false })], undefined],
      [[candidate('a', 60, { freeSlots: 0, takes: true })], 'a'],
      [[candidate('a', 60, { reportedMs: 120 })], undefined],
      [[candidate('p', 10)], undefined],
    ];
    for (const [candidates, expected] of table)
      assert.equal(chooseBetterParent(candidates, present, config)?.peer, expected);
    const near = { parent: id('p'), costMs: 20, noiseMs: 0, feasibleMs: 20 };
    assert.equal(chooseBetterParent([candidate('a', 16)], near, config), undefined, 'less than 5 ms');
    const noisy = candidate('a', 85, { noiseMs: 8 });
    assert.equal(chooseBetterParent([noisy], present, config), undefined, 'its round trips vary too much');
    const unsure = { ...present, noiseMs: 8 };
    assert.equal(chooseBetterParent([candidate('a', 85)], unsure, config), undefined, 'the present ones do');
  });

  test('backups: other ancestors first, nobody behind the present parent, those with room, the soonest', () => {
    const present = { parent: id('p'), parentTag: 9, path: [1, 5, 9] };
    const backups = chooseBackups(
      [
        candidate('p', 10),
        candidate('behind', 20, { path: [1, 9] }),
        candidate('shares', 25, { path: [1, 5] }),
        candidate('full', 20, { path: [1, 7], freeSlots: 0 }),
        candidate('late', 60, { path: [1, 7] }),
        candidate('soon', 40, { path: [1, 8] }),
      ],
      present,
      5,
    );
    assert.deepEqual(backups, ['soon', 'late', 'full', 'shares', 'behind']);
  });
});

const host = (capacity: number, rest: Partial<Host> = {}): Host => ({
  capacity,
  reserved: 0,
  promised: 0,
  isSilent: true,
  marginMs: 10,
  ...rest,
});

describe('which child', () => {
  test('with room, yes; what is reserved yields to need', () => {
    const roomy = decideChild(asker(), [child('a')], host(2));
    assert.deepEqual(roomy, { accept: true, displace: undefined, into: undefined });
    const children = [child('a'), child('b'), child('c')];
    const reserved = decideChild(asker({ freeSlots: 0 }), children, host(4, { reserved: 1 }));
    assert.equal(reserved.accept, false);
    for (const need of [{ urgent: true }, { unserved: true }]) {
      const taken = decideChild(asker({ freeSlots: 0, ...need }), children, host(4, { reserved: 1 }));
      assert.deepEqual(taken, { accept: true, displace: undefined, into: undefined }, JSON.stringify(need));
    }
  });

  test('places that were promised count as taken', () => {
    const promised = host(2, { promised: 1 });
    assert.equal(decideChild(asker({ freeSlots: 0 }), [child('a')], promised).accept, false);
    const missing = asker({ freeSlots: 0, urgent: true, unserved: true });
    const taken = decideChild(missing, [child('a')], promised);
    assert.deepEqual(taken, { accept: true, displace: undefined, into: undefined }, 'words are being missed');
  });

  test('a relay adds what it takes, in a large room more, and deep in its tree much more', () => {
    const config = { relayMs: 1, deepMembers: 10, deepRelayMs: 4, deepestHops: 8, deepestMs: 300 };
    assert.deepEqual(
      [1, 6, 7, 8, 9].map((hops) => relayCostMs(hops, 10, config)),
      [5, 5, 5 + 300 / 8, 305, 305],
    );
    assert.equal(relayCostMs(8, 9, config), 1, 'not in a smaller room');
  });

  test('a child is the lesser burden the nearer it is and the more it serves', () => {
    const config = { capacityWorthMs: 20 };
    assert.equal(childBurdenMs(30, 0, config), 30);
    assert.equal(childBurdenMs(30, 1, config), 10);
    assert.equal(childBurdenMs(30, 3, config), -10);
    assert.ok(childBurdenMs(9, 10, config) < childBurdenMs(100, 32, config), 'near beats strong');
  });

  test('a place costs what its owner loses, and more than chance explains', () => {
    const config = { priceShare: 0.2, priceMarginMs: 20 };
    assert.equal(placePriceMs(100, config), 140);
    assert.equal(placePriceMs(0, config), 20);
    assert.equal(placePriceMs(-50, config), 20, 'who would gain by leaving is not paid for it');
    assert.equal(placePriceMs(Infinity, config), Infinity);
  });

  test('a lesser burden takes the place of the greatest that it is linked to and can serve', () => {
    const children = [child('strong', { burdenMs: -40 }), child('weak', { burdenMs: 30 }), child('mid')];
    const decision = decideChild(asker({ burdenMs: -20 }), children, host(3));
    assert.deepEqual(decision, { accept: true, displace: 'weak', into: 'asker' });
    const alike = decideChild(asker({ burdenMs: 21 }), children, host(3));
    assert.equal(alike.accept, false, 'hardly less of a burden');
    const speech = decideChild(asker({ burdenMs: -20 }), children, host(3, { isSilent: false }));
    assert.equal(speech.accept, false, 'not in the middle of a word');
    const apart = children.map((each) => ({ ...each, linkedToAsker: false }));
    const bare = decideChild(asker({ burdenMs: -20, freeSlots: 0 }), children, host(3));
    assert.equal(bare.accept, false, 'cannot serve it in turn');
    const aside = apart.map((each) => (each.peer === 'weak' ? { ...each, roomAt: id('mid') } : each));
    const moved = decideChild(asker({ burdenMs: -20 }), aside, host(3));
    assert.deepEqual(moved, { accept: true, displace: 'weak', into: 'mid' });
  });

  test('a greater burden is sent off even where no other place is known', () => {
    const apart = [child('weak', { burdenMs: 30, linkedToAsker: false })];
    const silent = decideChild(asker({ burdenMs: -20 }), apart, host(1));
    assert.deepEqual(silent, { accept: true, displace: 'weak', into: undefined });
    const speech = decideChild(asker({ burdenMs: -20 }), apart, host(1, { isSilent: false }));
    assert.equal(speech.accept, false);
    const returned = [child('weak', { burdenMs: 30, isSpared: true })];
    assert.equal(decideChild(asker({ burdenMs: -20 }), returned, host(1)).accept, false, 'it has none');
  });

  test('one without a parent takes anybody’s place that it can serve; one hand-over at a time', () => {
    const children = [child('a', { burdenMs: -50 })];
    const unserved = asker({ burdenMs: 10, freeSlots: 1, unserved: true });
    const taken = decideChild(unserved, children, host(1));
    assert.deepEqual(taken, { accept: true, displace: 'a', into: 'asker' });
    const moving = [child('a', { burdenMs: -50 }), child('b', { leaving: true })];
    assert.equal(decideChild(unserved, moving, host(1)).accept, false);
  });

  test('while words are said it takes the place of whoever loses least by it, in silence that of the greatest burden', () => {
    const children = [
      child('near', { burdenMs: -50, members: 2, lossMs: 30 }),
      child('far', { burdenMs: 20, members: 9, lossMs: 300 }),
      child('dependent', { burdenMs: 10 }),
    ];
    const unserved = asker({ unserved: true });
    const speech = host(3, { isSilent: false });
    assert.deepEqual(decideChild(unserved, children, speech), {
      accept: true,
      displace: 'near',
      into: 'asker',
    });
    assert.deepEqual(decideChild(unserved, children, host(3)), {
      accept: true,
      displace: 'far',
      into: 'asker',
    });
    const unknown = [child('many', { members: 12 }), child('few', { members: 3, burdenMs: -50 })];
    const taken = decideChild(unserved, unknown, host(2, { isSilent: false }));
    assert.deepEqual(taken, { accept: true, displace: 'few', into: 'asker' });
  });

  test('one without a parent and without a link to any child sends one of them to another that has room', () => {
    const apart = [
      child('a', { linkedToAsker: false }),
      child('b', { linkedToAsker: false, roomAt: id('a') }),
    ];
    const unserved = asker({ unserved: true, freeSlots: 0 });
    assert.deepEqual(decideChild(unserved, apart, host(2)), { accept: true, displace: 'b', into: 'a' });
    assert.equal(decideChild(asker(), apart, host(2)).accept, false, 'not for one that is served');
  });

  test('a refusal names those with most room below', () => {
    const children = [child('a', { freeSlots: 0 }), child('b', { freeSlots: 3 })];
    const decision = decideChild(asker({ freeSlots: 0 }), children, host(2));
    assert.deepEqual(decision, { accept: false, redirects: ['b', 'a'] });
  });
});
