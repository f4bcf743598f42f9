/** The map of who passes voices to whom; its drawing is loaded when it is first looked at. */

import { ContextConsumer } from '@lit/context';
import { LitElement, css, nothing, type TemplateResult } from 'lit';
import { roomContext } from './context.js';
import { adoptMore, PanelsController } from './panels.js';
import { languageOf, stringsFor } from './strings.js';
import { tokens } from './tokens.js';

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
    `,
  ];

  readonly #snapshot = new ContextConsumer(this, { context: roomContext, subscribe: true });

  readonly #panels = new PanelsController(this, ({ drawingStyles }) => adoptMore(this, drawingStyles));

  override connectedCallback(): void {
    super.connectedCallback();
    this.#panels.load();
  }

  override render(): TemplateResult | typeof nothing {
    const snapshot = this.#snapshot.value;
    const panels = this.#panels.loaded;
    if (snapshot === undefined || panels === undefined) return nothing;
    const lang = languageOf(this);
    return panels.drawRoom(snapshot, panels.strings(lang, stringsFor(lang)));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'p2p-voice-room-map': RoomMapElement;
  }
}
