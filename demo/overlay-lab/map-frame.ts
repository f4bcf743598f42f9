/** Which part of the layout the map shows, and where on the canvas each place comes to lie. */

import type { Layout } from './layout.js';
import type { Picture } from './protocol.js';

export interface Spot {
  readonly x: number;
  readonly y: number;
}

/** In units of the layout. */
interface Bounds {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A room of two in one town does not fill the map. */
const LEAST_EXTENT = 0.2;
/** The map may be stretched this much to fill its canvas. */
const MOST_STRETCH = 1.5;
const NARROW_PX = 600;
/** Above the map stand the clock and how long is still skipped. */
const HEAD_PX = 20;

export class MapFrame {
  /** Of the canvas, CSS pixels. */
  width = 0;
  height = 0;
  #layout: Layout | undefined;
  /** What of the layout is shown. */
  #view: Bounds = { left: 0, top: 0, right: 1, bottom: 1 };

  get layout(): Layout | undefined {
    return this.#layout;
  }

  set layout(layout: Layout) {
    this.#layout = layout;
    this.#view = { left: 0, top: 0, right: 1, bottom: layout.height };
  }

  get narrow(): boolean {
    return this.width < NARROW_PX;
  }

  spot(place: number): Spot {
    const layout = this.#layout;
    if (!layout) return { x: 0, y: 0 };
    const { left, top, right, bottom } = this.#view;
    const { turned } = this;
    const [across, down] = turned
      ? [layout.y[place]! - (top + bottom) / 2, layout.x[place]! - (left + right) / 2]
      : [layout.x[place]! - (left + right) / 2, layout.y[place]! - (top + bottom) / 2];
    const [wide, high] = turned ? [bottom - top, right - left] : [right - left, bottom - top];
    const margin = this.narrow ? 24 : 46;
    const [fitX, fitY] = [(this.width - 2 * margin) / wide, (this.height - HEAD_PX - 2 * margin) / high];
    return {
      x: this.width / 2 + across * Math.min(fitX, fitY * MOST_STRETCH),
      y: (this.height + HEAD_PX) / 2 + down * Math.min(fitY, fitX * MOST_STRETCH),
    };
  }

  /** On narrow canvases the map is turned: its long side goes down. */
  get turned(): boolean {
    return this.narrow && this.height > this.width;
  }

  /** @param share of the way to where everybody of the picture is in view */
  zoom({ members }: Picture, share: number): void {
    const layout = this.#layout;
    if (!layout || members.length === 0) return;
    const x = members.map(({ place }) => layout.x[place]!);
    const y = members.map(({ place }) => layout.y[place]!);
    const extent = (values: number[]): [number, number] => {
      const [least, most] = [Math.min(...values), Math.max(...values)];
      const more = Math.max(0, LEAST_EXTENT - (most - least)) / 2;
      return [least - more, most + more];
    };
    const [[left, right], [top, bottom]] = [extent(x), extent(y)];
    const near = (from: number, to: number): number => from + (to - from) * share;
    const view = this.#view;
    this.#view = {
      left: near(view.left, left),
      top: near(view.top, top),
      right: near(view.right, right),
      bottom: near(view.bottom, bottom),
    };
  }
}
