import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { RoomSnapshot } from '../../src/elements/context.js';
import { arrow, roomGraph } from '../../src/elements/room-graph.js';
import { panelStringsFor } from '../../src/elements/panel-strings.js';
import { stringsFor } from '../../src/elements/strings.js';
import type { OverlaySnapshot, PeerSnapshot } from '../../src/room/types.js';
import type { Identity, MemberId } from '../../src/units.js';

const strings = panelStringsFor('en', stringsFor('en'));
const id = (name: string): MemberId => name as MemberId;

function person(name: string, changes: Partial<PeerSnapshot> = {}): PeerSnapshot {
  return {
    id: id(name),
    identity: name as Identity,
    name,
    speaking: false,
    muted: false,
    blocked: false,
    gain: 1,
    pan: 0,
    placedPan: 0,
    tone: { lowDb: 0, midDb: 0, highDb: 0 },
    solo: false,
    level: 0,
    rttMs: undefined,
    hops: 1,
    parentId: id(name),
    quality: 'good',
    own: false,
    ...changes,
  };
}

function snapshot(peers: PeerSnapshot[], overlay: Partial<OverlaySnapshot>, speaking = false): RoomSnapshot {
  return {
    state: 'joined',
    room: 'r',
    selfId: id('me'),
    identity: 'mine' as Identity,
    displayName: 'Ada',
    speaking,
    level: 0,
    muted: false,
    deafened: false,
    listening: false,
    soundBlocked: false,
    soundInterrupted: false,
    inputLevel: 0,
    talkingWhileMuted: false,
    error: undefined,
    peers,
    overlay: { links: [], trees: [], ...overlay },
  };
}

const tree = (sourceId: string, parentId: string | undefined, childIds: string[] = []) => ({
  sourceId: id(sourceId),
  parentId: parentId === undefined ? undefined : id(parentId),
  childIds: childIds.map(id),
  backupIds: [],
});

const ways = (graph: ReturnType<typeof roomGraph>) =>
  graph.edges.map(({ kind, from, to }) => `${kind} ${from.id}>${to.id}`).sort();

describe('who passes voices to whom', () => {
  test('alone: one disc, no way, one sentence', () => {
    const graph = roomGraph(snapshot([], {}), strings);
    assert.deepEqual(
      graph.nodes.map(({ id }) => id),
      ['me'],
    );
    assert.deepEqual(graph.edges, []);
    assert.equal(graph.summary, strings.mapAlone);
  });

  // Ben ──► me ──► Cleo, and Dora ┄► Ben ──► me
  test('straight, through somebody, and passed on', () => {
    const peers = [person('Ben', { speaking: true }), person('Cleo'), person('Dora')];
    const graph = roomGraph(
      snapshot(peers, {
        trees: [tree('Ben', 'Ben', ['Cleo']), tree('Dora', 'Ben'), tree('me', undefined, ['Ben'])],
      }),
      strings,
    );
    assert.deepEqual(ways(graph), ['far Dora>Ben', 'voice Ben>me', 'voice me>Ben', 'voice me>Cleo']);
    assert.deepEqual(graph.lines, [
      'Ben: straight to you',
      'You pass Ben on to Cleo',
      'Dora: through Ben',
      'Your voice goes first to Ben',
    ]);
    const inbound = graph.edges.find(({ kind, from }) => kind === 'voice' && from.id === 'Ben');
    assert.equal(inbound?.voices, 2);
    assert.equal(inbound?.active, true);
    assert.equal(graph.edges.find(({ kind, to }) => kind === 'voice' && to.id === 'Ben')?.active, false);
    assert.equal(graph.summary, 'You hear 2 people and pass voices on to 2.');
  });

  test('a link without a voice is drawn, one with a voice not twice', () => {
    const overlay = {
      links: [
        { peerId: id('Ben'), rttMs: 5 },
        { peerId: id('Cleo'), rttMs: 5 },
      ],
      trees: [tree('Ben', 'Ben')],
    };
    const graph = roomGraph(snapshot([person('Ben'), person('Cleo')], overlay), strings);
    assert.deepEqual(ways(graph), ['link me>Cleo', 'voice Ben>me']);
  });

  test('somebody who left meanwhile has no disc and no arrow', () => {
    const graph = roomGraph(
      snapshot([person('Ben')], { trees: [tree('Gone', 'Gone', ['AlsoGone'])] }),
      strings,
    );
    assert.deepEqual(ways(graph), []);
    assert.ok(graph.lines.every((line) => line.includes(strings.nameless)));
  });

  test('in a large room people on a way of mine come first', () => {
    const peers = Array.from({ length: 100 }, (_, index) => person(`p${index}`));
    const graph = roomGraph(snapshot(peers, { trees: [tree('p99', 'p98')] }), strings);
    assert.equal(graph.nodes.length, 21);
    assert.equal(graph.hidden, 80);
    assert.deepEqual(ways(graph), ['far p99>p98', 'voice p98>me']);
  });

  test('whatever the overlay says, every disc and arrow lies inside the drawing', () => {
    const name = fc.constantFrom('me', 'a', 'b', 'c', 'd', 'e');
    const trees = fc.array(
      fc
        .tuple(name, fc.option(name, { nil: undefined }), fc.uniqueArray(name))
        .map(([source, parent, children]) => tree(source, parent, children)),
    );
    fc.assert(
      fc.property(trees, fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e')), (trees, present) => {
        const graph = roomGraph(
          snapshot(
            present.map((name) => person(name)),
            { trees },
          ),
          strings,
        );
        for (const { x, y } of graph.nodes) assert.ok(x > 0 && x < graph.width && y > 0 && y < graph.height);
        assert.ok(graph.lines.length <= 25);
        for (const { from, to } of graph.edges) {
          assert.notEqual(from, to);
          const { shaft, head } = arrow(from, to, 15);
          assert.doesNotMatch(shaft + head, /NaN|Infinity/);
        }
      }),
    );
  });
});
