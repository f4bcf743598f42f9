/** The drawing of who passes voices to whom. */

import { ContextConsumer } from '@lit/context';
import { LitElement, css, html, nothing, svg, type TemplateResult } from 'lit';
import { roomContext } from './context.js';
import { arrow, roomGraph, type GraphEdge, type GraphNode } from './room-graph.js';
import { languageOf, stringsFor } from './strings.js';
import { tokens } from './tokens.js';
import { hueOf, initials } from './visuals.js';

/** Of a disc, in units of the drawing. */
const RADIUS = 15;

/** Names collide above this many people; the discs keep their initials and their tooltip. */
const MAX_NAMED = 12;

const short = (name: string): string => {
  const letters = [...name];
  return letters.length > 12 ? `${letters.slice(0, 11).join('')}…` : name;
};

function drawEdge({ kind, from, to, voices, active }: GraphEdge): TemplateResult {
  const { shaft, head } = arrow(from, to, RADIUS);
  return svg`<g class="edge ${kind} ${active ? 'active' : ''}">
    <path class="shaft" d=${shaft} stroke-width=${kind === 'voice' ? Math.min(1.2 + voices * 0.4, 4) : 1} />
    ${kind === 'link' ? nothing : svg`<path class="head" d=${head} />`}
  </g>`;
}

function drawNode(node: GraphNode, named: boolean): TemplateResult {
  const fill = node.blocked ? 'none' : `oklch(0.5 0.13 ${hueOf(node.seed)})`;
  return svg`<g class="node ${node.speaking ? 'active' : ''} ${node.blocked ? 'blocked' : ''}">
    <title>${node.name}</title>
    <circle class="ring" cx=${node.x} cy=${node.y} r=${RADIUS + 3} />
    <circle class="disc" cx=${node.x} cy=${node.y} r=${RADIUS} fill=${fill} />
    <text class="initials" x=${node.x} y=${node.y}>${initials(node.person)}</text>
    ${named ? svg`<text class="label" x=${node.x} y=${node.y + RADIUS + 13}>${short(node.name)}</text>` : nothing}
  </g>`;
}

/**
 * Drawn inside the room; it takes the room's snapshot from the context and may be put into one of the room's slots
 * instead.
 */
export class RoomMapElement extends LitElement {
  static override styles = [
    tokens,
    css`
      :host {
        display: block;
      }
      svg {
        display: block;
        inline-size: 100%;
        max-inline-size: 480px;
        block-size: auto;
        margin-inline: auto;
        direction: ltr;
      }
      .shaft {
        fill: none;
        stroke: var(--_quiet);
      }
      .head {
        fill: var(--_quiet);
      }
      .link .shaft {
        stroke-dasharray: 1 4;
        opacity: 0.6;
      }
      .far .shaft {
        stroke-dasharray: 4 4;
      }
      .active > .shaft {
        stroke: var(--_speaking);
      }
      .active > .head {
        fill: var(--_speaking);
      }
      .ring {
        fill: none;
        stroke: none;
      }
      .active > .ring {
        stroke: var(--_speaking);
        stroke-width: 2;
      }
      .blocked .disc {
        stroke: var(--_danger);
        stroke-dasharray: 3 2;
      }
      text {
        fill: var(--_text);
        font:
          500 11px system-ui,
          sans-serif;
        text-anchor: middle;
      }
      /* A rim of the background keeps names readable where arrows pass. */
      .label {
        paint-order: stroke;
        stroke: var(--_surface);
        stroke-width: 4px;
        stroke-linejoin: round;
      }
      .initials {
        fill: #fff;
        font-weight: 600;
        dominant-baseline: central;
      }
      .blocked .initials {
        fill: var(--_danger);
      }
      ul {
        display: grid;
        grid-template-columns: repeat(auto-fill, minmax(min(100%, 220px), 1fr));
        gap: 2px 16px;
        margin: 8px 0 0;
        padding: 0;
        list-style: none;
        color: var(--_quiet);
        font-size: 13px;
      }
      li {
        overflow-wrap: anywhere;
      }
      p {
        margin: 0;
        text-align: center;
        color: var(--_quiet);
        font-size: 13px;
      }
    `,
  ];

  readonly #snapshot = new ContextConsumer(this, { context: roomContext, subscribe: true });

  override render(): TemplateResult | typeof nothing {
    const snapshot = this.#snapshot.value;
    if (snapshot === undefined) return nothing;
    const strings = stringsFor(languageOf(this));
    const graph = roomGraph(snapshot, strings);
    const named = graph.nodes.length <= MAX_NAMED;
    return html`
      <svg viewBox="0 0 ${graph.width} ${graph.height + 14}" role="img" aria-label=${graph.summary}>
        ${graph.edges.map(drawEdge)} ${graph.nodes.map((node) => drawNode(node, named))}
      </svg>
      <p>${graph.summary} ${graph.hidden > 0 ? strings.mapMore(graph.hidden) : nothing}</p>
      <ul role="list">
        ${graph.lines.map((line) => html`<li>${line}</li>`)}
      </ul>
    `;
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'p2p-voice-room-map': RoomMapElement;
  }
}
