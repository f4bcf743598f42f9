/** Colours, shapes and controls shared by the room and the tile. Every `--p2p-voice-room-*` property has its default here. */

import { css } from 'lit';

/**
 * `light-dark()` follows the `color-scheme` in force where the element stands, so a page that is dark (or lets the
 * system choose) needs to say nothing here. Contrast of text on its surface is at least 4.5 : 1 in both schemes.
 */
export const tokens = css`
  :host {
    --_accent: var(--p2p-voice-room-accent, light-dark(#2456d6, #8fb0ff));
    --_on-accent: var(--p2p-voice-room-on-accent, light-dark(#ffffff, #0b1534));
    --_surface: var(--p2p-voice-room-surface, light-dark(#ffffff, #16181d));
    --_raised: var(--p2p-voice-room-raised, light-dark(#f4f5f8, #20232a));
    --_text: var(--p2p-voice-room-text, light-dark(#1a1c22, #eef0f4));
    --_quiet: var(--p2p-voice-room-quiet-text, light-dark(#565c68, #a9afbb));
    --_border: var(--p2p-voice-room-border, light-dark(#dfe2e8, #343841));
    --_speaking: var(--p2p-voice-room-speaking, light-dark(#12804a, #4cd38c));
    --_danger: var(--p2p-voice-room-danger, light-dark(#b3261e, #ff9d94));
    --_warning: var(--p2p-voice-room-warning, light-dark(#855700, #f2bd5c));
    --_radius: var(--p2p-voice-room-radius, 16px);
    --_gap: var(--p2p-voice-room-gap, 12px);
    --_control: 40px;
    box-sizing: border-box;
    color: var(--_text);
    font-family: var(--p2p-voice-room-font, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif);
    font-size: 15px;
    line-height: 1.4;
    text-align: start;
    -webkit-tap-highlight-color: transparent;
  }
  :host([hidden]) {
    display: none !important;
  }
  *,
  *::before,
  *::after {
    box-sizing: inherit;
  }
  @media (pointer: coarse) {
    :host {
      --_control: 44px;
    }
  }
  .icon {
    inline-size: 20px;
    block-size: 20px;
    flex: none;
    fill: none;
    stroke: currentColor;
    stroke-width: 1.8;
    stroke-linecap: round;
    stroke-linejoin: round;
  }
  .visually-hidden {
    position: absolute;
    inline-size: 1px;
    block-size: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  button,
  input,
  summary {
    font: inherit;
    color: inherit;
  }
  button,
  summary {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 8px;
    min-block-size: var(--_control);
    min-inline-size: var(--_control);
    padding: 0 12px;
    border: 1px solid transparent;
    border-radius: calc(var(--_radius) * 0.625);
    background: transparent;
    cursor: pointer;
    user-select: none;
    touch-action: manipulation;
    transition:
      background-color 120ms,
      border-color 120ms;
  }
  summary {
    list-style: none;
  }
  summary::-webkit-details-marker {
    display: none;
  }
  button:disabled {
    cursor: default;
    opacity: 0.5;
  }
  button:focus-visible,
  summary:focus-visible,
  input:focus-visible {
    outline: 3px solid var(--_accent);
    outline-offset: 2px;
  }
  input[type='range'] {
    appearance: none;
    flex: 1;
    min-inline-size: 0;
    inline-size: 100%;
    block-size: max(28px, calc(var(--_control) - 12px));
    margin: 0;
    background: transparent;
    cursor: pointer;
    border-radius: 6px;
  }
  input[type='range']:disabled {
    cursor: default;
    opacity: 0.4;
  }
  input[type='range']::-webkit-slider-runnable-track {
    block-size: 4px;
    border-radius: 2px;
    background: var(--_track, color-mix(in oklab, var(--_quiet) 45%, var(--_surface)));
  }
  input[type='range']::-moz-range-track {
    block-size: 4px;
    border-radius: 2px;
    background: var(--_track, color-mix(in oklab, var(--_quiet) 45%, var(--_surface)));
  }
  input[type='range']::-webkit-slider-thumb {
    appearance: none;
    inline-size: 16px;
    block-size: 16px;
    margin-block-start: -6px;
    border: 0;
    border-radius: 50%;
    background: var(--_accent);
    box-shadow: 0 0 0 3px var(--_thumb-rim, var(--_raised));
  }
  input[type='range']::-moz-range-thumb {
    inline-size: 16px;
    block-size: 16px;
    border: 0;
    border-radius: 50%;
    background: var(--_accent);
    box-shadow: 0 0 0 3px var(--_thumb-rim, var(--_raised));
  }
  .face {
    position: relative;
    display: grid;
    place-items: center;
    inline-size: var(--_face, 44px);
    block-size: var(--_face, 44px);
    flex: none;
  }
  .avatar {
    display: grid;
    place-items: center;
    inline-size: 100%;
    block-size: 100%;
    border-radius: 50%;
    background: oklch(0.5 0.13 var(--_hue, 250));
    color: #fff;
    font-weight: 600;
    font-size: calc(var(--_face, 44px) * 0.36);
    letter-spacing: 0.02em;
    user-select: none;
  }
  /* The ring grows with the level; 120 ms bridge two snapshots, which come at most ten times a second. */
  .level {
    position: absolute;
    inset: 0;
    border-radius: 50%;
    opacity: 0;
    box-shadow:
      0 0 0 2px var(--_ring-gap, var(--_raised)),
      0 0 0 calc(4px + 5px * var(--_level, 0)) var(--_speaking);
    transition:
      box-shadow 120ms linear,
      opacity 120ms linear;
  }
  .speaking .level {
    opacity: 1;
  }
  @media (prefers-reduced-motion: reduce) {
    *,
    *::before,
    *::after {
      transition: none !important;
      animation: none !important;
    }
  }
  @media (forced-colors: active) {
    button,
    summary {
      border-color: ButtonText;
    }
    button[aria-pressed='true'] {
      border-width: 3px;
      border-color: Highlight;
    }
    .avatar {
      border: 1px solid CanvasText;
    }
    /* Shadows vanish in forced colors; an outline stays. */
    .speaking .level {
      outline: 3px solid Highlight;
      outline-offset: 2px;
    }
    input[type='range'] {
      appearance: auto;
    }
  }
`;
