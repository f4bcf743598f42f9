/** Line icons on a 24 × 24 grid, drawn with `currentColor`; decoration only, never the sole carrier of meaning. */

import { svg, type TemplateResult } from 'lit';

const icon = (paths: TemplateResult): TemplateResult => svg`
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${paths}</svg>`;

const MICROPHONE = svg`<rect x="9" y="3" width="6" height="11" rx="3"/><path d="M5.5 11.5a6.5 6.5 0 0 0 13 0M12 18v3"/>`;
const HEADPHONES = svg`<path d="M4 15v-2a8 8 0 0 1 16 0v2"/><rect x="3.5" y="14" width="4.5" height="6.5" rx="2"/><rect x="16" y="14" width="4.5" height="6.5" rx="2"/>`;
const SLASH = svg`<path d="M4 4l16 16"/>`;

export const microphoneIcon = icon(MICROPHONE);
export const microphoneOffIcon = icon(svg`${MICROPHONE}${SLASH}`);
export const headphonesIcon = icon(HEADPHONES);
export const headphonesOffIcon = icon(svg`${HEADPHONES}${SLASH}`);
export const leaveIcon = icon(
  svg`<path d="M14 4H7a2 2 0 0 0-2 2v12a2 2 0 0 0 2 2h7M10.5 12H21M17.5 8.5 21 12l-3.5 3.5"/>`,
);
export const blockIcon = icon(svg`<circle cx="12" cy="12" r="8.5"/><path d="M6 6l12 12"/>`);
export const volumeIcon = icon(
  svg`<path d="M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a7.5 7.5 0 0 1 0 11"/>`,
);
export const panIcon = icon(svg`<path d="M8 7l-5 5 5 5M16 7l5 5-5 5M12 5v14"/>`);
export const moreIcon = icon(
  svg`<path d="M4 7h9M17 7h3M4 17h3M11 17h9"/><circle cx="15" cy="7" r="2"/><circle cx="9" cy="17" r="2"/>`,
);
export const linkIcon = icon(
  svg`<path d="M10 14a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1"/>`,
);
export const warningIcon = icon(
  svg`<path d="M12 4 2.8 19.5h18.4zM12 10v4.5"/><circle cx="12" cy="17" r=".6" fill="currentColor"/>`,
);
export const soundIcon = volumeIcon;
