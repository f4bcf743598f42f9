/** The last seconds of the room as a strip: who hears the voice, who has lost it, and what happened when. */

import type { Palette } from './palette.js';
import type { Picture } from './protocol.js';

/** Room time the strip spans, ms. */
export const STRIP_MS = 3000;
/** Room time between two samples kept: a tenth of a pixel and less is not worth its memory. */
const SAMPLE_MS = 4;
/** Height of the notch of one silent member at least, px. */
const LEAST_NOTCH_PX = 3;

interface Sample {
  readonly atMs: number;
  readonly silentShare: number;
}

export class ServedStrip {
  readonly #context: CanvasRenderingContext2D;
  /** At most `STRIP_MS / SAMPLE_MS` of the room's last moments. */
  #samples: Sample[] = [];
  #marks: { atMs: number; kind: string }[] = [];

  constructor(readonly canvas: HTMLCanvasElement) {
    this.#context = canvas.getContext('2d')!;
  }

  clear(): void {
    this.#samples = [];
    this.#marks = [];
  }

  show({ nowMs, figures, notes, skipLeftMs }: Picture): void {
    if (skipLeftMs > 0) this.clear();
    for (const { atMs, kind } of notes) this.#marks.push({ atMs, kind });
    const last = this.#samples.at(-1);
    if (!last || nowMs - last.atMs >= SAMPLE_MS) {
      const owed = figures.silent + figures.hearing;
      this.#samples.push({ atMs: nowMs, silentShare: owed > 0 ? figures.silent / owed : 0 });
    }
    this.#samples = this.#samples.filter(({ atMs }) => atMs > nowMs - STRIP_MS - SAMPLE_MS);
    this.#marks = this.#marks.filter(({ atMs }) => atMs > nowMs - STRIP_MS);
  }

  draw(palette: Palette): void {
    const { canvas } = this;
    const context = this.#context;
    const ratio = Math.min(2, devicePixelRatio || 1);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    const nowMs = this.#samples.at(-1)?.atMs;
    if (nowMs === undefined) return;
    const x = (atMs: number): number => width * (1 + (atMs - nowMs) / STRIP_MS);
    const first = Math.max(0, x(this.#samples[0]!.atMs));
    context.fillStyle = palette['gain-1'];
    context.globalAlpha = 0.55;
    context.fillRect(first, 0, width - first, height);
    context.globalAlpha = 1;
    this.#samples.forEach(({ atMs, silentShare }, index) => {
      if (silentShare === 0) return;
      const untilMs = this.#samples[index + 1]?.atMs ?? nowMs;
      // Whole pixels, or neighbours show a seam.
      const [left, right] = [Math.floor(x(atMs)), Math.ceil(x(untilMs))];
      const notch = Math.max(LEAST_NOTCH_PX, silentShare * height);
      context.clearRect(left, 0, right - left, notch);
      context.fillStyle = palette.lost;
      context.fillRect(left, 0, right - left, notch);
    });
    for (const { atMs, kind } of this.#marks) {
      context.fillStyle = kind === 'trouble' ? palette.lost : palette.text;
      context.fillRect(x(atMs) - 1, 0, 2, height);
    }
  }
}
