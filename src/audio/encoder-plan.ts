/**
 * How a speaker encodes for the links its own voice leaves by: fewer bits while the worst of them queues, redundancy in
 * the codec only for what the links' own repeats leave lost. Other links of the tree look after themselves.
 *
 * Pure: one call is one step of the control loop, every `ADAPT_INTERVAL_MS` of speech.
 */

/** One link's report. */
export interface LinkCondition {
  /** Share of voice lost in spite of the link's own repair, 0–1. */
  readonly residualLoss: number;
  /** ms that voice waits before and on the link. */
  readonly queueMs: number;
}

export interface EncoderPlan {
  /** bit/s. */
  readonly bitrate: number;
  /** 0–100, what libopus is told to expect: above 0 it spends bits on rebuilding lost frames. */
  readonly lossPercent: number;
}

/** ms of own speech between two looks at the links: an answer to the last change is back on most paths. */
export const ADAPT_INTERVAL_MS = 200;

/** bit/s that are never undercut: below, libopus leaves wide band. */
export const MIN_BITRATE = 12_000;

/** Queue from which a link counts as too slow for what it is given, and below which it is given more again, ms. */
const SLOW_ABOVE_MS = 60;
const SLOW_UNTIL_MS = 20;

/** Multiplicative decrease, and increase as a share of what is wanted: 3 s from the least back to 32 kbit/s. */
const DECREASE = 0.8;
const INCREASE = 0.04;

/** Residual loss that in-band redundancy is worth its bits for; ended well below, so that it does not flicker. */
const FEC_ABOVE = 0.01;
const FEC_UNTIL = 0.004;

/** Most that libopus is told: beyond, it spends more on the past than on the present. */
const MAX_LOSS_PERCENT = 20;

/**
 * @param wantedBitrate bit/s the person chose. @param links those the own voice leaves by; none leaves loss at 0.
 */
export function planEncoding(
  before: EncoderPlan,
  wantedBitrate: number,
  links: readonly LinkCondition[],
): EncoderPlan {
  let queueMs = 0;
  let loss = 0;
  for (const link of links) {
    queueMs = Math.max(queueMs, link.queueMs);
    loss = Math.max(loss, link.residualLoss);
  }
  const least = Math.min(MIN_BITRATE, wantedBitrate);
  let bitrate = Math.min(before.bitrate, wantedBitrate);
  if (queueMs > SLOW_ABOVE_MS) bitrate = Math.max(least, bitrate * DECREASE);
  else if (queueMs < SLOW_UNTIL_MS) bitrate = Math.min(wantedBitrate, bitrate + INCREASE * wantedBitrate);
  const needsFec = loss > (before.lossPercent > 0 ? FEC_UNTIL : FEC_ABOVE);
  return {
    bitrate: Math.round(bitrate),
    lossPercent: needsFec ? Math.min(MAX_LOSS_PERCENT, Math.ceil(loss * 100)) : 0,
  };
}
