/** Who passes voices to whom, as this member knows it: from a snapshot to nodes, arrows and sentences. Pure. */

import type { RoomSnapshot } from './context.js';
import type { PanelStrings } from './panel-strings.js';

export interface GraphNode {
  readonly id: string;
  /** As it is written under the disc. */
  readonly name: string;
  /** Whose initials the disc bears. */
  readonly person: string;
  readonly seed: string;
  readonly x: number;
  readonly y: number;
  readonly self: boolean;
  readonly speaking: boolean;
  readonly blocked: boolean;
}

/**
 * `voice`: voices travel from `from` to `to` over a link of this member; `far`: a voice comes from its speaker to my
 * parent, over links I do not see; `link`: a link that carries no voice.
 */
export interface GraphEdge {
  readonly kind: 'voice' | 'far' | 'link';
  readonly from: GraphNode;
  readonly to: GraphNode;
  /** Voices that take this way. */
  readonly voices: number;
  /** One of them speaks now. */
  readonly active: boolean;
}

export interface RoomGraph {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  /** People left out of the drawing. */
  readonly hidden: number;
  /** The same in sentences. */
  readonly lines: readonly string[];
  readonly summary: string;
}

const WIDTH = 360;
const HEIGHT = 240;

/** More discs than this on the ring touch each other at 360 units across. */
const MAX_ON_RING = 20;

/** More sentences than this are not read. */
const MAX_LINES = 24;

export function roomGraph(snapshot: RoomSnapshot, strings: PanelStrings): RoomGraph {
  const { peers, overlay, selfId } = snapshot;
  const involved = new Set<string>();
  for (const tree of overlay.trees) {
    if (tree.sourceId !== selfId && tree.parentId !== undefined)
      involved.add(tree.sourceId).add(tree.parentId);
    for (const child of tree.childIds) involved.add(child);
  }
  for (const link of overlay.links) involved.add(link.peerId);
  // People on a way of mine are drawn before the others when there is no room for all; nobody changes sides for it.
  const chosen = new Set(
    [...peers].sort((a, b) => Number(involved.has(b.id)) - Number(involved.has(a.id))).slice(0, MAX_ON_RING),
  );
  const ring = peers.filter((peer) => chosen.has(peer));
  const self: GraphNode = {
    id: selfId ?? '',
    name: strings.you,
    person: snapshot.displayName,
    seed: snapshot.identity ?? snapshot.displayName,
    x: WIDTH / 2,
    y: HEIGHT / 2,
    self: true,
    speaking: snapshot.speaking,
    blocked: false,
  };
  const nodes = new Map<string, GraphNode>([[self.id, self]]);
  ring.forEach((peer, index) => {
    const angle = (2 * Math.PI * index) / ring.length - Math.PI / 2;
    nodes.set(peer.id, {
      id: peer.id,
      name: peer.name || strings.nameless,
      person: peer.name || strings.nameless,
      seed: peer.identity,
      x: WIDTH / 2 + (WIDTH / 2 - 48) * Math.cos(angle),
      y: HEIGHT / 2 + (HEIGHT / 2 - 34) * Math.sin(angle),
      self: false,
      speaking: peer.speaking && !peer.blocked,
      blocked: peer.blocked,
    });
  });

  const edges = new Map<string, GraphEdge>();
  const add = (kind: GraphEdge['kind'], fromId: string, toId: string, active: boolean): void => {
    const from = nodes.get(fromId);
    const to = nodes.get(toId);
    if (from === undefined || to === undefined || from === to) return;
    const key = `${kind} ${fromId} ${toId}`;
    const known = edges.get(key);
    edges.set(key, {
      kind,
      from,
      to,
      voices: (known?.voices ?? 0) + 1,
      active: active || (known?.active ?? false),
    });
  };
  const nameOf = (id: string): string => {
    if (id === selfId) return strings.you;
    return peers.find((peer) => peer.id === id)?.name || strings.nameless;
  };
  const lines: string[] = [];
  const children = new Set<string>();
  let heard = 0;
  for (const { sourceId, parentId, childIds } of overlay.trees) {
    const active =
      sourceId === selfId ? snapshot.speaking : peers.some((peer) => peer.id === sourceId && peer.speaking);
    if (sourceId !== selfId && parentId !== undefined) {
      heard++;
      add('voice', parentId, self.id, active);
      if (parentId !== sourceId) add('far', sourceId, parentId, active);
      lines.push(
        parentId === sourceId
          ? strings.mapDirect(nameOf(sourceId))
          : strings.mapThrough(nameOf(sourceId), nameOf(parentId)),
      );
    }
    for (const child of childIds) {
      children.add(child);
      add('voice', self.id, child, active);
    }
    if (childIds.length > 0) {
      const names = childIds.map(nameOf).join(', ');
      lines.push(sourceId === selfId ? strings.mapOwn(names) : strings.mapPassed(nameOf(sourceId), names));
    }
  }
  for (const { peerId } of overlay.links)
    if (!edges.has(`voice ${peerId} ${self.id}`) && !edges.has(`voice ${self.id} ${peerId}`))
      add('link', self.id, peerId, false);

  const shown = lines.slice(0, MAX_LINES);
  if (lines.length > shown.length) shown.push(strings.mapMore(lines.length - shown.length));
  return {
    width: WIDTH,
    height: HEIGHT,
    nodes: [...nodes.values()],
    // Quiet links first, so that voices are drawn over them.
    edges: [...edges.values()].sort((a, b) => Number(a.kind === 'voice') - Number(b.kind === 'voice')),
    hidden: peers.length - ring.length,
    lines: shown,
    summary: lines.length === 0 ? strings.mapAlone : strings.mapSummary(heard, children.size),
  };
}

export interface Arrow {
  /** SVG path of the shaft, and of the head at its end. */
  readonly shaft: string;
  readonly head: string;
}

/**
 * An arrow between two discs of radius `radius`, bent to its left by a tenth of its length so that the two directions
 * between one pair lie side by side.
 */
export function arrow(from: { x: number; y: number }, to: { x: number; y: number }, radius: number): Arrow {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const length = Math.hypot(dx, dy) || 1;
  const middle = { x: (from.x + to.x) / 2 + dy * 0.1, y: (from.y + to.y) / 2 - dx * 0.1 };
  const toward = (end: { x: number; y: number }, distance: number): { x: number; y: number } => {
    const span = Math.hypot(middle.x - end.x, middle.y - end.y) || 1;
    return {
      x: end.x + ((middle.x - end.x) / span) * distance,
      y: end.y + ((middle.y - end.y) / span) * distance,
    };
  };
  const gap = Math.min(radius + 4, length / 3);
  const start = toward(from, gap);
  const tip = toward(to, gap);
  const neck = toward(to, gap + 7);
  const side = { x: (-(tip.y - neck.y) / 7) * 4, y: ((tip.x - neck.x) / 7) * 4 };
  const at = (x: number, y: number): string => `${x.toFixed(1)} ${y.toFixed(1)}`;
  return {
    shaft: `M${at(start.x, start.y)}Q${at(middle.x, middle.y)} ${at(neck.x, neck.y)}`,
    head: `M${at(tip.x, tip.y)}L${at(neck.x + side.x, neck.y + side.y)}L${at(neck.x - side.x, neck.y - side.y)}Z`,
  };
}
