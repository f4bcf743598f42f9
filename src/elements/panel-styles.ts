/** Styles of what opens on demand; each is added to its host's when the panels are loaded. */

import type { CSSResult } from 'lit';
import type { LitTools } from './panels.js';

export const drawingStyles = ({ css }: LitTools): CSSResult => css`
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
`;

export const settingsStyles = ({ css }: LitTools): CSSResult => css`
  .settings {
    /* What lies inside a details element inherits from its inner box, which has the browser's own. */
    box-sizing: border-box;
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(min(100%, 260px), 1fr));
    align-items: start;
    gap: 12px 20px;
    padding: 4px;
  }
  .settings select,
  .settings input[type='range'],
  meter {
    inline-size: 100%;
  }
  .settings input[type='range'] {
    padding: 0;
    border: 0;
    background: transparent;
  }
  .settings select {
    min-block-size: var(--_control);
    padding: 0 8px;
    border: 1px solid color-mix(in oklab, var(--_quiet) 60%, var(--_surface));
    border-radius: calc(var(--_radius) * 0.625);
    background: var(--_surface);
    color: var(--_text);
    font: inherit;
    text-overflow: ellipsis;
  }
  .settings label {
    min-inline-size: 0;
  }
  .settings .value {
    float: inline-end;
    font-variant-numeric: tabular-nums;
  }
  .switch {
    display: flex;
    align-items: center;
    gap: 10px;
    min-block-size: var(--_control);
    font-size: 14px;
    cursor: pointer;
  }
  .switch input {
    inline-size: 20px;
    block-size: 20px;
    flex: none;
    margin: 0;
    accent-color: var(--_accent);
  }
  /* Drawn by us: browsers differ in its looks, and none follows the room's colours. */
  meter {
    display: block;
    block-size: 8px;
    margin-block-start: 6px;
    appearance: none;
    border: 0;
    border-radius: 4px;
    background: color-mix(in oklab, var(--_quiet) 25%, var(--_surface));
    overflow: hidden;
  }
  meter::-webkit-meter-inner-element,
  meter::-webkit-meter-bar {
    appearance: none;
    display: block;
    block-size: 100%;
    border: 0;
    border-radius: 4px;
    background: transparent;
  }
  meter::-webkit-meter-optimum-value {
    background: var(--_speaking);
  }
  meter::-moz-meter-bar {
    background: var(--_speaking);
  }
`;
