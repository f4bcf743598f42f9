/**
 * How much voice this member can send, judged by how its own voice fares: pure, fed with one sample of all links about
 * every half second. Nothing is known until something backs up; then the estimate is what got through, less a margin,
 * and grows again by additive steps that double while nothing happens, as congestion control does (AIMD, Chiu and Jain
 * 1989). A step that backs up again makes the next one wait twice as long, so that a narrow line is tried at most once
 * a minute.
 *
 * Two things tell of a full upload. Voice waits in the channels; SCTP throws away what waits longer than its lifetime,
 * so that queue stays short and what is missing at the far ends tells the rest. One bad path must not pass for a full
 * upload: of several links the median counts.
 */

export interface UploadConfig {
  /** Voice waiting longer than this is backing up, ms: two frames. */
  readonly queueMs: number;
  /** Share missing at the median far end beyond which the upload is full. After SCTP's retransmissions 5 % loss leaves 0.5 %. */
  readonly loss: number;
  /** Samples in a row that must say so: one may be a garbage collection. */
  readonly samples: number;
  /** Below this rate nothing can be concluded, kbit/s: half a voice. */
  readonly leastKbps: number;
  /** The estimate is never lower, kbit/s: one copy of one voice. */
  readonly floorKbps: number;
  /** Of what got through, the share that is taken for granted. */
  readonly margin: number;
  /** After a cut the trees need this long to move, ms; what is seen meanwhile says nothing new. */
  readonly settleMs: number;
  /** Calm before the first step up, ms, and the longest after steps that failed. */
  readonly holdMs: number;
  readonly maxHoldMs: number;
  /** The first step up, kbit/s: one copy. */
  readonly stepKbps: number;
  /** An estimate beyond this bounds nothing, kbit/s: it is forgotten. */
  readonly forgetKbps: number;
}

export const UPLOAD_DEFAULTS: UploadConfig = {
  queueMs: 40,
  loss: 0.08,
  samples: 2,
  leastKbps: 20,
  floorKbps: 40,
  margin: 0.85,
  settleMs: 3000,
  holdMs: 5000,
  maxHoldMs: 60_000,
  stepKbps: 40,
  forgetKbps: 10_000,
};

/** What happened since the sample before. */
export interface UploadSample {
  readonly nowMs: number;
  /** Voice handed to all channels, bytes. */
  readonly sentBytes: number;
  /** Voice waiting in all channels now, bytes. */
  readonly queuedBytes: number;
  /** Share of voice messages missing at the far end, the median of the links that carried any, 0–1. */
  readonly loss: number;
}

export interface UploadEstimate {
  /** Infinity until something backed up. */
  readonly kbps: number;
  readonly sampledAtMs: number;
  readonly queuedBytes: number;
  /** Samples in a row that told of a full upload. */
  readonly pressed: number;
  /** Since when nothing changed. */
  readonly changedAtMs: number;
  readonly holdMs: number;
  readonly stepKbps: number;
  /** The last step that backed up led to this, kbit/s; 0 when none did. */
  readonly failedKbps: number;
  /** The last change was a step up. */
  readonly isTrying: boolean;
}

export function noUploadEstimate(nowMs: number, config: UploadConfig = UPLOAD_DEFAULTS): UploadEstimate {
  return {
    kbps: Number.POSITIVE_INFINITY,
    sampledAtMs: nowMs,
    queuedBytes: 0,
    pressed: 0,
    changedAtMs: Number.NEGATIVE_INFINITY,
    holdMs: config.holdMs,
    stepKbps: config.stepKbps,
    failedKbps: 0,
    isTrying: false,
  };
}

export function nextUploadEstimate(
  before: UploadEstimate,
  sample: UploadSample,
  config: UploadConfig = UPLOAD_DEFAULTS,
): UploadEstimate {
  const { nowMs, sentBytes, queuedBytes, loss } = sample;
  const elapsedMs = nowMs - before.sampledAtMs;
  if (elapsedMs <= 0) return before;
  const sentKbps = (sentBytes * 8) / elapsedMs;
  const isFull =
    sentKbps >= config.leastKbps &&
    ((queuedBytes * 8) / sentKbps > config.queueMs || loss > config.loss) &&
    nowMs - before.changedAtMs >= config.settleMs;
  const now = { ...before, sampledAtMs: nowMs, queuedBytes, pressed: isFull ? before.pressed + 1 : 0 };
  if (now.pressed >= config.samples) {
    const drainedKbps = Math.max(0, sentKbps - ((queuedBytes - before.queuedBytes) * 8) / elapsedMs);
    const passedKbps = drainedKbps * (1 - loss) * config.margin;
    if (Math.min(passedKbps, before.kbps) > config.forgetKbps) return noUploadEstimate(nowMs, config);
    return {
      ...now,
      kbps: Math.max(config.floorKbps, Math.min(passedKbps, before.kbps)),
      pressed: 0,
      changedAtMs: nowMs,
      holdMs: before.isTrying ? Math.min(config.maxHoldMs, 2 * before.holdMs) : before.holdMs,
      stepKbps: config.stepKbps,
      failedKbps: before.isTrying ? before.kbps : before.failedKbps,
      isTrying: false,
    };
  }
  const isCalm = now.pressed === 0 && nowMs - before.changedAtMs >= before.holdMs;
  if (!Number.isFinite(before.kbps) || !isCalm) return now;
  const kbps = before.kbps + before.stepKbps;
  if (kbps > config.forgetKbps) return noUploadEstimate(nowMs, config);
  // More than what backed up the last time has held: the jam is over.
  const holdMs = before.isTrying && before.kbps > before.failedKbps ? config.holdMs : before.holdMs;
  return { ...now, kbps, changedAtMs: nowMs, holdMs, stepKbps: 2 * before.stepKbps, isTrying: true };
}

/** @returns 0 for none */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
