import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DEFAULT_OVERLAY_CONFIG } from '../../src/overlay/config.js';
import { Core } from '../../src/overlay/core.js';
import { Downstream } from '../../src/overlay/downstream.js';
import { Neighbours, type Neighbour } from '../../src/overlay/neighbours.js';
import { Source } from '../../src/overlay/source.js';
import { Tree } from '../../src/overlay/tree.js';
import { UploadBudget } from '../../src/overlay/upload-budget.js';
import { handleOf, type Handle, type MemberId } from '../../src/units.js';

const [SELF, SOURCE, CHILD, OTHER] = ['1', '2', '3', '4'].map((digit) => digit.repeat(32)) as [
  MemberId,
  MemberId,
  MemberId,
  MemberId,
];

const AMPLE = { isScarce: false, hasOneSlot: () => false, spreadMs: () => 0, relayMs: () => 1 };

describe('children', () => {
  test('who asks again while there is nothing to serve is refused, and served no more', () => {
    const limits = { maxLinks: 8, uploadSlots: 4, uploadKbps: Infinity };
    const core = new Core(SELF, DEFAULT_OVERLAY_CONFIG, () => 0.5, limits);
    const neighbours = new Neighbours(core.selfTag);
    neighbours.up(CHILD, 'link', 0);
    const downstream = new Downstream(core, neighbours, new UploadBudget(core), AMPLE);
    const tree = new Tree(new Source(SOURCE, false, 0, 0), 0, 0);
    tree.parent = SOURCE;
    tree.costMs = 20;
    const request = {
      source: tree.handle,
      urgent: false,
      unserved: true,
      capacity: 4,
      freeSlots: 4,
      fromSequence: undefined,
      gainMs: 0,
    };
    downstream.onSubscribe(tree, CHILD, request);
    assert.deepEqual(tree.forwardTo, [CHILD]);
    // The source left; the child, told so, asks whoever it knows.
    tree.parent = undefined;
    core.flush();
    core.effects = [];
    downstream.onSubscribe(tree, CHILD, request);
    core.flush();
    assert.deepEqual(
      core.effects.map((effect) => effect.type === 'send' && effect.message.type),
      ['reject'],
    );
    assert.deepEqual(tree.forwardTo, [], 'or it would get every frame twice once it found another parent');
  });
});

/** A member that words are missing at, with a child and a neighbour that is none; both were offered the voice. */
function starving(parent: MemberId | undefined) {
  const limits = { maxLinks: 8, uploadSlots: 4, uploadKbps: Infinity };
  const core = new Core(SELF, DEFAULT_OVERLAY_CONFIG, () => 0.5, limits);
  const neighbours = new Neighbours(core.selfTag);
  const [child, other] = [CHILD, OTHER].map((peer) => neighbours.up(peer, 'link', 0)) as [
    Neighbour,
    Neighbour,
  ];
  const downstream = new Downstream(core, neighbours, new UploadBudget(core), AMPLE);
  const tree = new Tree(new Source(SOURCE, false, 0, 0), 0, 0);
  tree.parent = SOURCE;
  tree.costMs = 20;
  tree.addChild(CHILD, { capacity: 1, freeSlots: 1, isSpared: false });
  downstream.advertise(tree);
  core.flush();
  core.effects = [];
  tree.speaking = tree.stalled = true;
  tree.parent = parent;
  tree.asked.set(SOURCE, { atMs: 0, improving: false, replays: false });
  const offersSent = () => {
    core.flush();
    const sent = core.effects.flatMap((effect) =>
      effect.type === 'send' && effect.message.type === 'advertise'
        ? effect.message.offers.map(({ costMs }) => ({ to: effect.to, costMs }))
        : [],
    );
    core.effects = [];
    return sent;
  };
  return { core, tree, downstream, child, other, offersSent };
}

describe('a member that has the voice from nowhere', () => {
  for (const [sentence, parent] of [
    ['it has no parent', undefined],
    ['its new parent has sent nothing', SOURCE],
  ] as const)
    test(`takes it back from all but those below: ${sentence}`, () => {
      const { core, tree, downstream, child, other, offersSent } = starving(parent);
      downstream.noteChange(tree);
      assert.ok(tree.advertAtMs - core.nowMs <= 2 * DEFAULT_OVERLAY_CONFIG.advertUrgentMs);
      downstream.advertise(tree);
      assert.deepEqual(offersSent(), [{ to: OTHER, costMs: Infinity }]);
      assert.equal(other.told.get(tree.slot), 0);
      assert.notEqual(child.told.get(tree.slot), 0);
    });

  test('offers it again once words come', () => {
    const { tree, downstream, offersSent } = starving(SOURCE);
    downstream.advertise(tree);
    offersSent();
    assert.equal(tree.owesOffers, true);
    tree.stalled = false;
    tree.beganAt = 1;
    downstream.advertise(tree);
    assert.deepEqual(
      offersSent().map(({ to }) => to),
      [OTHER],
    );
  });

  test('takes nobody in, and says that it passes nothing on', () => {
    const { core, tree, downstream, other } = starving(SOURCE);
    downstream.onSubscribe(tree, OTHER, {
      source: tree.handle,
      urgent: true,
      unserved: true,
      capacity: 1,
      freeSlots: 1,
      fromSequence: undefined,
      gainMs: 0,
    });
    core.flush();
    const answer = core.effects.map((effect) => effect.type === 'send' && effect.message)[0];
    assert.ok(answer && answer.type === 'reject');
    assert.equal(answer.rejections[0]?.reason, 'leaf');
    assert.equal(other.told.get(tree.slot), 0);
  });
});

describe('places while words are said, where uploads are short', () => {
  const VOICES = ['5', '6'].map((digit) => digit.repeat(32)) as [MemberId, MemberId];
  const MEMBERS = ['a', 'b', 'c', 'd'].map((digit) => digit.repeat(32)) as [
    MemberId,
    MemberId,
    MemberId,
    MemberId,
  ];

  /** A member with four copies, all sent: of each of two voices to two children. */
  function full(plan = { ...AMPLE, isScarce: true }) {
    const limits = { maxLinks: 8, uploadSlots: 8, uploadKbps: 4 * DEFAULT_OVERLAY_CONFIG.copyKbps };
    const core = new Core(SELF, DEFAULT_OVERLAY_CONFIG, () => 0.5, limits);
    const neighbours = new Neighbours(core.selfTag);
    const budget = new UploadBudget(core);
    const downstream = new Downstream(core, neighbours, budget, plan);
    for (const peer of MEMBERS) neighbours.up(peer, 'link', 0);
    const trees = VOICES.map((source, i) => {
      const tree = new Tree(new Source(source, false, i, 0), 0, 0);
      Object.assign(tree, { parent: source, costMs: 20, speaking: true });
      for (const peer of MEMBERS.slice(i, i + 2))
        tree.addChild(peer, {
          capacity: 0,
          freeSlots: 0,
          members: 1,
          lossMs: Infinity,
          isSpared: false,
          leavingAtMs: Infinity,
        });
      budget.note(tree);
      return tree;
    }) as [Tree, Tree];
    const ask = (tree: Tree, from: MemberId, gainMs: number): Tree | undefined =>
      downstream.onSubscribe(tree, from, {
        source: tree.handle,
        urgent: false,
        unserved: false,
        capacity: 0,
        freeSlots: 0,
        fromSequence: undefined,
        gainMs,
      });
    const stake = (tree: Tree, from: MemberId, members: number, lossMs: number): void =>
      downstream.onStake(tree, from, { source: tree.handle, members, lossMs });
    return { core, downstream, trees, ask, stake };
  }

  test('nobody is sent away who told of no other way', () => {
    const { trees, ask } = full();
    assert.equal(ask(trees[0], MEMBERS[3], 60_000), undefined);
    assert.deepEqual(trees[0].forwardTo, MEMBERS.slice(0, 2));
  });

  test('whoever gains more than another loses takes its place, in the tree of another voice too', () => {
    const { trees, ask, stake } = full();
    stake(trees[0], MEMBERS[0], 3, 900);
    stake(trees[1], MEMBERS[2], 1, 100);
    assert.equal(ask(trees[0], MEMBERS[3], 139), undefined, 'hardly more');
    assert.equal(ask(trees[0], MEMBERS[3], 141), trees[1]);
    assert.equal(trees[1].children.get(MEMBERS[2])?.leavingAtMs, DEFAULT_OVERLAY_CONFIG.handoverMs);
    assert.ok(trees[0].children.has(MEMBERS[3]));
    assert.equal(ask(trees[0], MEMBERS[2], 1000), undefined, 'one hand-over at a time in each tree');
  });

  test('where uploads are not short nothing is sold', () => {
    const { trees, ask, stake } = full(AMPLE);
    stake(trees[1], MEMBERS[2], 1, 0);
    assert.equal(ask(trees[0], MEMBERS[3], 1000), undefined);
  });

  test('whoever serves most is sent to first', () => {
    const { trees, stake } = full();
    stake(trees[0], MEMBERS[1], 7, 10);
    assert.deepEqual(trees[0].forwardTo, [MEMBERS[1], MEMBERS[0]]);
    assert.equal(trees[0].members, 9);
  });
});

describe('a source with one slot, while it speaks', () => {
  /** It has a child that passes so many copies on. */
  function speaking(capacity: number) {
    const limits = { maxLinks: 8, uploadSlots: 1, uploadKbps: 0 };
    const core = new Core(SELF, DEFAULT_OVERLAY_CONFIG, () => 0.5, limits);
    const neighbours = new Neighbours(core.selfTag);
    const plan = { ...AMPLE, isScarce: true, hasOneSlot: () => true };
    const downstream = new Downstream(core, neighbours, new UploadBudget(core), plan);
    for (const peer of [CHILD, OTHER]) neighbours.up(peer, 'link', 0);
    neighbours.link(OTHER)!.adjacent = new Map([[handleOf(CHILD), 10]]);
    const tree = new Tree(new Source(SELF, true, 0, 0), 0, 0);
    tree.speaking = true;
    tree.addChild(CHILD, { capacity, freeSlots: capacity, isSpared: false });
    const ask = () => {
      core.effects = [];
      downstream.onSubscribe(tree, OTHER, {
        source: tree.handle,
        urgent: true,
        unserved: true,
        capacity: 3,
        freeSlots: 3,
        fromSequence: undefined,
        gainMs: 0,
      });
      core.flush();
      return core.effects.flatMap((effect) =>
        effect.type === 'send' && effect.message.type === 'reject'
          ? effect.message.rejections.map(({ reason, redirects }) => ({ to: effect.to, reason, redirects }))
          : [],
      );
    };
    return { core, tree, ask };
  }

  test('sends who is not served to its child, and takes it in that one’s place when it found none', () => {
    const { core, tree, ask } = speaking(4);
    assert.deepEqual(ask(), [{ to: OTHER, reason: 'full', redirects: [CHILD] }]);
    assert.deepEqual(tree.forwardTo, [CHILD]);
    core.nowMs += 500;
    assert.deepEqual(ask(), [{ to: CHILD, reason: 'moved', redirects: [OTHER] }]);
    assert.ok(tree.children.has(OTHER));
  });

  test('takes it in at once when the child passes nothing on', () => {
    const { tree, ask } = speaking(0);
    assert.deepEqual(ask(), [{ to: CHILD, reason: 'moved', redirects: [OTHER] }]);
    assert.ok(tree.children.has(OTHER));
  });
});

describe('children that give way in silence', () => {
  test('a source with one place gives it to who is near all others, and each time later', () => {
    const limits = { maxLinks: 8, uploadSlots: 1, uploadKbps: 0 };
    const core = new Core(SELF, DEFAULT_OVERLAY_CONFIG, () => 0.5, limits);
    const neighbours = new Neighbours(core.selfTag);
    const [far, mid, central] = ['a', 'b', 'c'].map((digit) => digit.repeat(32)) as [
      MemberId,
      MemberId,
      MemberId,
    ];
    const spreads = new Map([far, mid, central].map((peer, i) => [handleOf(peer), 100 - 40 * i]));
    const plan = {
      isScarce: true,
      hasOneSlot: () => true,
      spreadMs: (handle: Handle) => spreads.get(handle) ?? 0,
      relayMs: () => 1,
    };
    const downstream = new Downstream(core, neighbours, new UploadBudget(core), plan);
    const tree = new Tree(new Source(SELF, true, 0, 0), 0, 0);
    for (const peer of [far, mid, central]) neighbours.up(peer, 'link', 0).noteRtt(20);
    const ask = (from: MemberId): readonly MemberId[] => {
      downstream.onSubscribe(tree, from, {
        source: tree.handle,
        urgent: false,
        unserved: false,
        capacity: 3,
        freeSlots: 1,
        fromSequence: undefined,
        gainMs: 0,
      });
      return tree.forwardTo.filter((peer) => tree.children.get(peer)?.leavingAtMs === Infinity);
    };
    assert.deepEqual(ask(far), [far]);
    assert.deepEqual(ask(mid), [mid]);
    downstream.onUnsubscribe(tree, far);
    core.nowMs = DEFAULT_OVERLAY_CONFIG.yieldPauseMs - 1;
    assert.deepEqual(ask(central), [mid], 'a child has just given way');
    core.nowMs++;
    assert.deepEqual(ask(central), [central]);
    downstream.onUnsubscribe(tree, mid);
    assert.ok(downstream.expire(tree) > core.nowMs + DEFAULT_OVERLAY_CONFIG.yieldPauseMs);
    core.nowMs += DEFAULT_OVERLAY_CONFIG.yieldPauseMs;
    assert.deepEqual(ask(far), [central], 'further away from all');
  });
});
