/**
 * Notices that a speaker is blocked by those around it. Blocks are told to nobody; what shows is that several children
 * let go of the voice at once, in the middle of it, and hardly any are left.
 */

/** Children that turn away together for it to be a block: fewer of them are left then, or half as many as there are links. */
const SEVERAL = 3;
/** Within how long they turn away, ms … */
const WITHIN_MS = 400;
/** … and for how long the speaker counts as blocked, ms: links to those who do want it open in a second or two. */
const SHUNNED_FOR_MS = 20_000;

export class Shunning {
  /** When children last turned away, ms; at most `SEVERAL`. */
  #turnedAwayMs: readonly number[] = [];
  #untilMs = -Infinity;

  isOn(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  /** A child let go of the own voice in the middle of it. One moved; several at once block it. */
  turnedAway(nowMs: number, childrenLeft: number, links: number): void {
    const lately = this.#turnedAwayMs.filter((atMs) => nowMs - atMs < WITHIN_MS);
    this.#turnedAwayMs = [...lately.slice(1 - SEVERAL), nowMs];
    const isLeft = childrenLeft < SEVERAL || 2 * childrenLeft <= links;
    if (this.#turnedAwayMs.length >= SEVERAL && isLeft) this.#untilMs = nowMs + SHUNNED_FOR_MS;
  }
}
