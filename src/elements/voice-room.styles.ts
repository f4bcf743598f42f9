import { css } from 'lit';

/** One column from 280 px; the people's grid and the bar of controls widen with the container, not with the window. */
export const voiceRoomStyles = css`
  :host {
    display: block;
    /* A container's own content gives it no width: in a flex row it must ask for some. */
    container-type: inline-size;
    flex: 1 1 320px;
    min-inline-size: min(100%, 280px);
  }
  .panel {
    display: grid;
    gap: 16px;
    padding: 20px;
    border: 1px solid var(--_border);
    border-radius: var(--_radius);
    background: var(--_surface);
    box-shadow: var(
      --p2p-voice-room-shadow,
      0 1px 2px light-dark(rgb(20 24 40 / 0.06), rgb(0 0 0 / 0.4)),
      0 8px 24px light-dark(rgb(20 24 40 / 0.06), rgb(0 0 0 / 0.3))
    );
    --_ring-gap: var(--_surface);
  }
  .panel:focus {
    outline: none;
  }
  .panel:focus-visible {
    outline: 3px solid var(--_accent);
    outline-offset: 2px;
  }
  .header {
    display: flex;
    flex-wrap: wrap;
    align-items: center;
    justify-content: space-between;
    gap: 4px 12px;
  }
  .title {
    min-inline-size: 0;
    font-size: 18px;
    font-weight: 650;
    letter-spacing: -0.01em;
    overflow-wrap: anywhere;
  }
  .count {
    display: inline-flex;
    align-items: center;
    gap: 8px;
    padding: 3px 10px;
    border-radius: 99px;
    background: var(--_raised);
    color: var(--_quiet);
    font-size: 13px;
    white-space: nowrap;
  }
  .dot {
    inline-size: 8px;
    block-size: 8px;
    border-radius: 50%;
    background: var(--_speaking);
  }
  .status {
    grid-column: 1 / -1;
    inline-size: 100%;
    color: var(--_quiet);
    font-size: 14px;
  }
  .status p {
    margin: 0;
  }
  .notice {
    display: flex;
    align-items: flex-start;
    gap: 8px;
    margin-block-start: 10px !important;
    padding: 10px 12px;
    border-radius: calc(var(--_radius) * 0.625);
    background: color-mix(in oklab, var(--_warning) 12%, var(--_surface));
    color: var(--_text);
    overflow-wrap: anywhere;
  }
  .notice .icon {
    color: var(--_warning);
  }
  .notice.final {
    background: color-mix(in oklab, var(--_danger) 10%, var(--_surface));
  }
  .notice.final .icon {
    color: var(--_danger);
  }

  .gate,
  .sound {
    display: grid;
    gap: 12px;
  }
  .who {
    display: flex;
    align-items: center;
    gap: 12px;
    min-inline-size: 0;
  }
  .field {
    display: grid;
    gap: 2px;
    flex: 1;
    min-inline-size: 0;
    color: var(--_quiet);
    font-size: 13px;
  }
  .field input {
    inline-size: 100%;
    min-block-size: var(--_control);
    padding: 0 12px;
    border: 1px solid color-mix(in oklab, var(--_quiet) 60%, var(--_surface));
    border-radius: calc(var(--_radius) * 0.625);
    background: var(--_surface);
    color: var(--_text);
    /* Phones zoom into fields below 16 px. */
    font-size: 16px;
  }
  .buttons {
    display: flex;
    flex-wrap: wrap;
    gap: 8px;
  }
  .buttons > button {
    flex: 1 1 auto;
  }
  .primary {
    flex-grow: 3 !important;
    background: var(--_accent);
    color: var(--_on-accent);
    font-weight: 600;
  }
  .primary:hover:not(:disabled) {
    background: color-mix(in oklab, var(--_accent) 88%, var(--_text));
  }
  .plain {
    border-color: var(--_border);
    background: var(--_raised);
  }
  .plain:hover:not(:disabled) {
    border-color: var(--_quiet);
  }
  .plain[aria-pressed='true'] {
    border-color: transparent;
    background: color-mix(in oklab, var(--_danger) 16%, var(--_surface));
    color: var(--_danger);
    font-weight: 600;
  }
  .leave:hover:not(:disabled) {
    border-color: var(--_danger);
    color: var(--_danger);
  }
  .talk.held {
    border-color: transparent;
    background: var(--_speaking);
    color: var(--_surface);
  }
  .talk {
    flex-basis: 100% !important;
    touch-action: none;
  }
  .talk small {
    opacity: 0.8;
  }
  .spinner {
    inline-size: 18px;
    block-size: 18px;
    border: 2px solid currentColor;
    border-inline-end-color: transparent;
    border-radius: 50%;
    /* Drawing every frame takes from a slow machine what joining needs: only for who waits long. */
    animation: turn 0.9s linear 1s infinite;
  }
  @keyframes turn {
    to {
      rotate: 1turn;
    }
  }

  .peers {
    display: grid;
    grid-template-columns: repeat(auto-fill, minmax(min(100%, var(--p2p-voice-room-peer-width, 260px)), 1fr));
    align-items: start;
    gap: var(--_gap);
    max-block-size: var(--p2p-voice-room-peers-max-height, none);
    /* Room for focus rings inside what scrolls. */
    margin: -6px;
    padding: 6px;
    overflow: auto;
    list-style: none;
  }
  .peers li {
    display: grid;
    min-inline-size: 0;
  }
  .empty {
    display: grid;
    justify-items: center;
    gap: 12px;
    padding: 20px 12px;
    border: 1px dashed var(--_border);
    border-radius: calc(var(--_radius) * 0.75);
    color: var(--_quiet);
    text-align: center;
  }
  .radar {
    position: relative;
    inline-size: 56px;
    block-size: 56px;
    border-radius: 50%;
    background: radial-gradient(circle, var(--_accent) 0 6px, transparent 7px);
  }
  .radar::before,
  .radar::after {
    content: '';
    position: absolute;
    inset: 0;
    border: 2px solid var(--_accent);
    border-radius: 50%;
    opacity: 0.25;
    /* Rests after a while: a room may stay empty for hours. */
    animation: ripple 2.4s ease-out 2s 10;
  }
  .radar::after {
    animation-delay: 3.2s;
  }
  @keyframes ripple {
    from {
      scale: 0.3;
      opacity: 0.6;
    }
    to {
      scale: 1;
      opacity: 0;
    }
  }
  .fold {
    border-block-start: 1px solid var(--_border);
    padding-block-start: 4px;
  }
  .fold summary {
    justify-content: flex-start;
    padding-inline: 4px;
    color: var(--_quiet);
    font-size: 14px;
  }
  .fold summary::before {
    content: '';
    inline-size: 7px;
    block-size: 7px;
    border: solid currentColor;
    border-width: 0 2px 2px 0;
    rotate: -45deg;
    transition: rotate 120ms;
  }
  .fold summary:dir(rtl)::before {
    rotate: 135deg;
  }
  .fold[open] summary::before {
    rotate: 45deg;
  }
  .fold summary:hover {
    color: var(--_text);
  }

  .talking {
    outline: 3px solid var(--_warning);
    outline-offset: 2px;
  }

  .controls {
    display: grid;
    gap: 12px;
    padding-block-start: 16px;
    border-block-start: 1px solid var(--_border);
  }
  .controls .buttons > button {
    flex: 1 1 0;
  }
  .controls .buttons > .talk {
    flex: 1 1 100%;
  }
  /* Icons above words where three buttons with both beside each other would not fit. */
  @container (max-width: 359px) {
    .panel {
      padding: 14px;
    }
    .controls .buttons > button:not(.talk) {
      flex-direction: column;
      gap: 2px;
      padding: 6px 4px;
      font-size: 13px;
    }
  }
  @container (min-width: 640px) {
    .controls,
    .gate {
      grid-template-columns: minmax(0, 1fr) auto;
      align-items: end;
    }
    .controls .buttons > button {
      flex: 0 0 auto;
    }
    .controls .buttons > .talk {
      flex: 0 0 auto;
      flex-basis: auto !important;
    }
    .controls .who,
    .gate .who {
      max-inline-size: 340px;
    }
    .sound {
      grid-template-columns: minmax(0, 1fr) auto;
      align-items: center;
    }
  }
  .sound {
    padding: 12px;
    border-radius: calc(var(--_radius) * 0.625);
    background: color-mix(in oklab, var(--_accent) 10%, var(--_surface));
  }
  .sound p {
    margin: 0;
  }
  @media (forced-colors: active) {
    .panel,
    .notice,
    .count {
      border: 1px solid CanvasText;
    }
    .dot {
      background: CanvasText;
    }
  }
`;
