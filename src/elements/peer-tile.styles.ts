import { css } from 'lit';

/** A card that becomes a row of its own below about 15 rem; it fills whatever its owner's grid gives it. */
export const peerTileStyles = css`
  :host {
    display: block;
    min-inline-size: 0;
  }
  .tile {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr) auto;
    align-items: center;
    column-gap: 12px;
    row-gap: 6px;
    block-size: 100%;
    align-content: start;
    padding: 12px;
    border: 1px solid var(--_border);
    border-radius: calc(var(--_radius) * 0.75);
    background: var(--_raised);
    transition: border-color 120ms;
  }
  .tile.speaking {
    border-color: var(--_speaking);
  }
  .who {
    display: grid;
    min-inline-size: 0;
  }
  .name {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    /* A name has its own direction and still starts where the tile starts. */
    text-align: match-parent;
    font-weight: 600;
  }
  .state {
    display: flex;
    align-items: baseline;
    gap: 7px;
    min-inline-size: 0;
    overflow-wrap: anywhere;
    hyphens: auto;
    color: var(--_quiet);
    font-size: 13px;
  }
  .speaking .state {
    color: var(--_speaking);
    font-weight: 600;
  }
  .badge {
    position: absolute;
    inset-block-end: -4px;
    inset-inline-end: -4px;
    display: grid;
    place-items: center;
    inline-size: 22px;
    block-size: 22px;
    border: 2px solid var(--_raised);
    border-radius: 50%;
    background: var(--_quiet);
    color: var(--_surface);
  }
  .badge .icon {
    inline-size: 13px;
    block-size: 13px;
    stroke-width: 2.4;
  }

  /* Muted themselves: their choice, shown as a small badge. Blocked by me: my choice, shown by the whole tile. */
  .tile.blocked {
    border: 1px dashed var(--_danger);
    background: repeating-linear-gradient(
      -45deg,
      color-mix(in oklab, var(--_danger) 7%, var(--_surface)) 0 8px,
      var(--_surface) 8px 16px
    );
  }
  .blocked .avatar {
    background: transparent;
    border: 2px solid var(--_danger);
    color: var(--_danger);
  }
  .blocked .name {
    color: var(--_quiet);
    text-decoration: line-through;
  }
  .blocked .state {
    color: var(--_danger);
    font-weight: 600;
  }
  .blocked .quality {
    display: none;
  }
  .blocked .badge {
    background: var(--_danger);
    border-color: var(--_surface);
  }

  .quality {
    display: inline-flex;
    align-items: flex-end;
    gap: 2px;
    flex: none;
    block-size: 12px;
    color: var(--_quiet);
  }
  .bar {
    inline-size: 3px;
    border-radius: 1px;
    background: currentColor;
    opacity: 0.3;
  }
  .bar:nth-child(1) {
    block-size: 4px;
  }
  .bar:nth-child(2) {
    block-size: 8px;
  }
  .bar:nth-child(3) {
    block-size: 12px;
  }
  .quality.good .bar,
  .quality.fair .bar:nth-child(-n + 2),
  .quality.poor .bar:first-child {
    opacity: 1;
  }
  .quality.good {
    color: var(--_speaking);
  }
  .quality.fair {
    color: var(--_warning);
  }
  .quality.poor {
    color: var(--_danger);
  }

  button,
  summary {
    padding: 0 9px;
    color: var(--_quiet);
  }
  button:hover:not(:disabled),
  summary:hover {
    background: color-mix(in oklab, var(--_text) 8%, transparent);
    color: var(--_text);
  }
  .block:hover:not(:disabled) {
    color: var(--_danger);
  }
  .blocked .block {
    color: var(--_danger);
    font-weight: 600;
    font-size: 13px;
    border-color: currentColor;
  }
  .slider {
    display: flex;
    align-items: center;
    gap: 8px;
    color: var(--_quiet);
  }
  .slider .icon {
    inline-size: 18px;
    block-size: 18px;
  }
  .slider output {
    min-inline-size: 3.4em;
    text-align: end;
    font-size: 13px;
    font-variant-numeric: tabular-nums;
    white-space: nowrap;
  }
  .row,
  .menu {
    grid-column: 1 / -1;
    min-inline-size: 0;
  }
  .row {
    display: flex;
    align-items: center;
    gap: 4px;
  }
  .row .slider {
    flex: 1;
    min-inline-size: 0;
  }
  .more[aria-expanded='true'] {
    background: color-mix(in oklab, var(--_text) 8%, transparent);
    color: var(--_text);
  }
  .menu:not([hidden]) {
    display: grid;
    gap: 8px;
    color: var(--_quiet);
    font-size: 13px;
  }
  .facts {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: 8px;
    overflow-wrap: anywhere;
  }
  .facts code {
    font-size: 12px;
  }
  .tone .slider > span {
    inline-size: 3.8em;
    flex: none;
  }
  .pair {
    display: flex;
    flex: none;
    gap: 6px;
  }
  .facts button {
    border-color: var(--_border);
    font-size: 13px;
  }
  .facts button[aria-pressed='true'] {
    border-color: transparent;
    background: var(--_accent);
    color: var(--_on-accent);
    font-weight: 600;
  }
  @media (forced-colors: active) {
    .badge {
      background: Canvas;
      color: CanvasText;
      border-color: CanvasText;
    }
    .tile.blocked {
      border: 3px dashed CanvasText;
    }
    .bar {
      background: CanvasText;
      opacity: 0.25;
    }
  }
`;
