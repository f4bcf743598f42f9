/**
 * Requests, which travel up from a `<peer-tile>` to whoever owns it. `preventDefault()` refuses one: the room then
 * leaves everything as it is.
 */

import type { Tone } from '../room/types.js';

const travelling = { bubbles: true, composed: true, cancelable: true } as const;

/** The person wants to hear `peerId` louder or quieter. `gain` is linear, 0–4; 1 = as sent. */
export class GainRequestEvent extends Event {
  constructor(
    readonly peerId: string,
    readonly gain: number,
  ) {
    super('gain-request', travelling);
  }
}

/** The person wants to hear `peerId` from elsewhere. `pan` is −1 (left) … 1 (right). */
export class PanRequestEvent extends Event {
  constructor(
    readonly peerId: string,
    readonly pan: number,
  ) {
    super('pan-request', travelling);
  }
}

/** The person wants another tone of `peerId`: the bands that change, dB, each −12…12; 0 = as sent. */
export class ToneRequestEvent extends Event {
  constructor(
    readonly peerId: string,
    readonly tone: Partial<Tone>,
  ) {
    super('tone-request', travelling);
  }
}

/** The person wants to hear `peerId` alone (`solo` true), or the others too again. */
export class SoloRequestEvent extends Event {
  constructor(
    readonly peerId: string,
    readonly solo: boolean,
  ) {
    super('solo-request', travelling);
  }
}

/** The person wants to block (`blocked` true) or to hear again (`blocked` false) `peerId`. */
export class BlockRequestEvent extends Event {
  constructor(
    readonly peerId: string,
    readonly blocked: boolean,
  ) {
    super('block-request', travelling);
  }
}

export interface PeerTileEventMap {
  'gain-request': GainRequestEvent;
  'pan-request': PanRequestEvent;
  'tone-request': ToneRequestEvent;
  'solo-request': SoloRequestEvent;
  'block-request': BlockRequestEvent;
}

declare global {
  // eslint-disable-next-line @typescript-eslint/no-empty-object-type -- augments the DOM's own map
  interface HTMLElementEventMap extends PeerTileEventMap {}
}
