/**
 * What opens on demand inside a room (the map, sound and microphone) is a file of its own, loaded when it is first opened:
 * most pages that have the tag never need it. That file holds templates only and gets Lit handed over, so that a page
 * has Lit once.
 */

import { css, html, nothing, svg, type CSSResult, type LitElement, type ReactiveControllerHost } from 'lit';
import { live } from 'lit/directives/live.js';
import { panelsUrl } from '../room/assets.js';

/** What templates are made with. */
export interface LitTools {
  readonly html: typeof html;
  readonly svg: typeof svg;
  readonly css: typeof css;
  readonly nothing: typeof nothing;
  /** The directive for inputs that people change too. */
  readonly live: (value: unknown) => unknown;
}

const tools: LitTools = { html, svg, css, nothing, live };

type PanelsModule = typeof import('./panels-entry.js');
export type Panels = ReturnType<PanelsModule['makePanels']>;

/** Where the file comes from. An object, because tests run from sources, where it has not been built. */
export const panelsFile = {
  import: (): Promise<PanelsModule> => import(/* @vite-ignore */ panelsUrl) as Promise<PanelsModule>,
};

let loading: Promise<Panels> | undefined;

/** Loads the file once; a failed load is tried again at the next call. */
async function loadPanels(): Promise<Panels> {
  loading ??= panelsFile.import().then(({ makePanels }) => makePanels(tools));
  try {
    return await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

/** Adds styles that came later than the element. */
export function adoptMore(element: LitElement, { styleSheet }: CSSResult): void {
  // Undefined only in browsers that also lack `light-dark()`, which everything here is coloured by.
  if (styleSheet) (element.renderRoot as ShadowRoot).adoptedStyleSheets.push(styleSheet);
}

/** Gives its host the panels once they are there. */
export class PanelsController {
  loaded: Panels | undefined;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly onLoaded?: (panels: Panels) => void,
  ) {}

  /** @param onFailed told when the file did not come; the next call tries again. */
  load(onFailed?: (error: unknown) => void): void {
    if (this.loaded) return;
    loadPanels().then(
      (panels) => {
        if (this.loaded) return;
        this.loaded = panels;
        this.onLoaded?.(panels);
        this.host.requestUpdate();
      },
      (error: unknown) => (onFailed ?? console.debug)(error),
    );
  }
}
