/**
 * What the other end's acknowledgements tell of a link: how much is lost, whether losses come in runs, how long
 * messages queue on the way. Every message is judged once, when newer ones have been acknowledged.
 *
 * Pure; the clock is the caller's. Memory: 64 send times and a dozen numbers.
 */

/** Width of the acknowledgement window in link messages. */
export const ACK_WINDOW = 32;

/** Newer messages that may arrive before one counts as lost: later than that it is of no use to a voice. */
export const IN_TIME_MESSAGES = 2;

/** Messages the estimate remembers: 10 s of one voice. Fewer would mistake one loss for 1 %. */
const LOSS_MEMORY = 500;

/** Messages assumed to have arrived before the first was judged: one early loss says little. */
const LOSS_PRIOR = 20;

/** Ring of send times; acknowledgements of anything older say nothing about now. */
const SENT_TIMES = 64;

/** ms between own messages up to which an acknowledgement's age is known well enough. */
const MAX_SPACING_MS = 40;

/** Samples of which the shortest is the present round trip: the others waited for something to carry them. */
const PRESENT_SAMPLES = 8;

/** ms after which an older shortest round trip is forgotten: routes change. At most twice as long. */
const BASELINE_MS = 60_000;

/** Sequence numbers of links wrap at 2¹⁶. */
const linkDelta = (a: number, b: number): number => ((a - b) << 16) >> 16;

export class LinkReport {
  #judged = 0;
  #judgedThrough = 0;
  #wasLost = false;
  #loss = 0;
  #pairLoss = 0;

  readonly #sentMs = new Float64Array(SENT_TIMES);
  #newestSent = 0;
  #newestAcked = 0;
  readonly #roundTrips = new Float64Array(PRESENT_SAMPLES).fill(Number.POSITIVE_INFINITY);
  #roundTripNext = 0;
  #spacingMs = 0;
  #baselineMs = Number.POSITIVE_INFINITY;
  #nextBaselineMs = Number.POSITIVE_INFINITY;
  #baselineSinceMs = 0;

  /** Share of messages that did not arrive in time, 0–1. */
  get loss(): number {
    return this.#loss;
  }

  /** Share of messages that were lost right after another lost one: what repeating once can not repair. */
  get pairLoss(): number {
    return this.#pairLoss;
  }

  /** ms that messages wait on the way beyond the shortest way known; 0 within the measurement's own uncertainty. */
  get queueMs(): number {
    const presentMs = Math.min(...this.#roundTrips);
    return Number.isFinite(presentMs) ? Math.max(0, presentMs - this.#baselineMs - this.#spacingMs) : 0;
  }

  noteSent(linkSequence: number, nowMs: number): void {
    this.#newestSent = linkSequence;
    this.#sentMs[linkSequence % SENT_TIMES] = nowMs;
  }

  /** Takes an acknowledgement, in any order; one of something never sent is ignored. */
  noteAcknowledged(ackSequence: number, ackBits: number, nowMs: number): void {
    const outstanding = linkDelta(this.#newestSent, ackSequence);
    if (outstanding < 0 || linkDelta(ackSequence, this.#newestAcked) <= 0) return;
    this.#newestAcked = ackSequence;
    if (outstanding > 0 && outstanding < SENT_TIMES - 1) this.#noteRoundTrip(ackSequence, nowMs);
    const last = ackSequence - 1 - IN_TIME_MESSAGES;
    const oldest = ackSequence - ACK_WINDOW;
    let first = ackSequence - linkDelta(ackSequence, this.#judgedThrough) + 1;
    if (first < oldest) {
      first = oldest;
      this.#wasLost = false;
    }
    for (let sequence = first; sequence <= last; sequence++) {
      this.#judge(((ackBits >>> (ackSequence - 1 - sequence)) & 1) === 0);
      this.#judgedThrough = sequence & 0xffff;
    }
  }

  #judge(isLost: boolean): void {
    this.#judged += 1;
    const gain = 1 / Math.min(LOSS_MEMORY, this.#judged + LOSS_PRIOR);
    this.#loss += ((isLost ? 1 : 0) - this.#loss) * gain;
    this.#pairLoss += ((isLost && this.#wasLost ? 1 : 0) - this.#pairLoss) * gain;
    this.#wasLost = isLost;
  }

  /**
   * The other end had this message and not yet the next one when it answered, so the answer is at most as old as the
   * two are apart: known only while this end sends steadily.
   */
  #noteRoundTrip(ackSequence: number, nowMs: number): void {
    const sentMs = this.#sentMs[ackSequence % SENT_TIMES] as number;
    const spacingMs = (this.#sentMs[(ackSequence + 1) % SENT_TIMES] as number) - sentMs;
    if (spacingMs > MAX_SPACING_MS) return;
    const roundTripMs = nowMs - sentMs;
    this.#roundTrips[this.#roundTripNext] = roundTripMs;
    this.#roundTripNext = (this.#roundTripNext + 1) % PRESENT_SAMPLES;
    this.#spacingMs = Math.max(spacingMs, 0.9 * this.#spacingMs);
    if (nowMs - this.#baselineSinceMs > BASELINE_MS) {
      this.#baselineMs = this.#nextBaselineMs;
      this.#nextBaselineMs = Number.POSITIVE_INFINITY;
      this.#baselineSinceMs = nowMs;
    }
    this.#nextBaselineMs = Math.min(this.#nextBaselineMs, roundTripMs);
    this.#baselineMs = Math.min(this.#baselineMs, roundTripMs);
  }
}

/** How many messages back a link repeats voice: none, the last one, or the last two. */
export type RepeatDepth = 0 | 1 | 2;

/** Loss from which voice is repeated: one frame in 200 is heard as a blemish every 4 s. */
const REPEAT_ABOVE = 0.005;

/** Loss below which repeating ends. Well below its beginning: a link near the edge must not go back and forth. */
const REPEAT_UNTIL = 0.002;

/** Share lost in runs from which the last two messages are repeated; independent losses reach it at 10 %. */
const REPEAT_TWICE_ABOVE = 0.01;
const REPEAT_TWICE_UNTIL = 0.004;

/**
 * What a link should repeat. Each message repeated costs the bytes of a voice again and, where something is lost, one
 * frame of delay at the listener (bench:loss: 1/3/5 % of loss leave 0.0/0.1/0.4 % concealed with one, runs of 2.5
 * messages at 3 % leave 2.1 % with one and 1.2 % with two).
 */
export function repeatDepth(
  { loss, pairLoss }: Pick<LinkReport, 'loss' | 'pairLoss'>,
  before: RepeatDepth,
): RepeatDepth {
  if (pairLoss > (before === 2 ? REPEAT_TWICE_UNTIL : REPEAT_TWICE_ABOVE)) return 2;
  return loss > (before > 0 ? REPEAT_UNTIL : REPEAT_ABOVE) ? 1 : 0;
}
