/** The drawing of who passes voices to whom, as a template. It holds no state. */

import type { TemplateResult } from 'lit';
import type { RoomSnapshot } from './context.js';
import type { LitTools } from './panels.js';
import type { PanelStrings } from './panel-strings.js';
import { arrow, roomGraph, type GraphEdge, type GraphNode } from './room-graph.js';
import { hueOf, initials } from './visuals.js';

/** Of a disc, in units of the drawing. */
const RADIUS = 15;

/** Names collide above this many people; the discs keep their initials and their tooltip. */
const MAX_NAMED = 12;

const short = (name: string): string => {
  const letters = [...name];
  return letters.length > 12 ? `${letters.slice(0, 11).join('')}…` : name;
};

function drawEdge({ svg, nothing }: LitTools, { kind, from, to, voices, active }: GraphEdge): TemplateResult {
  const { shaft, head } = arrow(from, to, RADIUS);
  return svg`<g class="edge ${kind} ${active ? 'active' : ''}">
    <path class="shaft" d=${shaft} stroke-width=${kind === 'voice' ? Math.min(1.2 + voices * 0.4, 4) : 1} />
    ${kind === 'link' ? nothing : svg`<path class="head" d=${head} />`}
  </g>`;
}

function drawNode({ svg, nothing }: LitTools, node: GraphNode, named: boolean): TemplateResult {
  const fill = node.blocked ? 'none' : `oklch(0.5 0.13 ${hueOf(node.seed)})`;
  return svg`<g class="node ${node.speaking ? 'active' : ''} ${node.blocked ? 'blocked' : ''}">
    <title>${node.name}</title>
    <circle class="ring" cx=${node.x} cy=${node.y} r=${RADIUS + 3} />
    <circle class="disc" cx=${node.x} cy=${node.y} r=${RADIUS} fill=${fill} />
    <text class="initials" x=${node.x} y=${node.y}>${initials(node.person)}</text>
    ${named ? svg`<text class="label" x=${node.x} y=${node.y + RADIUS + 13}>${short(node.name)}</text>` : nothing}
  </g>`;
}

export function drawRoom(lit: LitTools, snapshot: RoomSnapshot, strings: PanelStrings): TemplateResult {
  const { html, nothing } = lit;
  const graph = roomGraph(snapshot, strings);
  const named = graph.nodes.length <= MAX_NAMED;
  return html`
    <svg viewBox="0 0 ${graph.width} ${graph.height + 14}" role="img" aria-label=${graph.summary}>
      ${graph.edges.map((edge) => drawEdge(lit, edge))}
      ${graph.nodes.map((node) => drawNode(lit, node, named))}
    </svg>
    <p>${graph.summary} ${graph.hidden > 0 ? strings.mapMore(graph.hidden) : nothing}</p>
    <ul role="list">
      ${graph.lines.map((line) => html`<li>${line}</li>`)}
    </ul>
  `;
}
