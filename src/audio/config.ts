/** Tunables of the voice path. Times in ms; everything is about one speaker unless it says otherwise. */

export interface PlayoutConfig {
  /** ms a voice is held back before its first measurement: a guess most home networks stay below. */
  readonly startDelayMs: number;
  /** ms at least: one render quantum at 44.1 kHz (2.9) and the burst in which devices ask for several of them. */
  readonly minDelayMs: number;
  /** ms at most that the estimate asks for; beyond it a late frame is worth less than a prompt conversation. */
  readonly maxDelayMs: number;
  /** ms per bucket of the delay histogram. */
  readonly bucketMs: number;
  /** ms of delay that one ms less to be invented per interval is worth: how much it takes for a rare frame to be waited for. */
  readonly latePrice: number;
  /** ms by which a frame that is later than all before is so on average: what was seen is a sample, not a bound. */
  readonly tailMs: number;
  /** Weight the histogram keeps per interval (NetEq's default): halves in about 20 s of speech. */
  readonly forget: number;
  /** Intervals of start-up during which evidence outweighs the guess: n-th interval keeps n / (n + ramp). */
  readonly forgetRamp: number;
  /**
   * Intervals of a stream after which the ramp begins anew, what was learnt so far then being the guess: while a voice
   * begins, browsers are busy beginning it, and stutter as they never do again.
   */
  readonly beginningIntervals: number;
  /** ms per interval; its latest frame is one observation, so that a burst counts once. */
  readonly intervalMs: number;
  /** ms over which the fastest frame is the reference; also how long a slower path takes to be believed at latest. */
  readonly windowMs: number;
  /** ms by which a whole interval must be slower than the reference to count as another path, not as jitter. */
  readonly pathShiftMs: number;
  /** ms at the head of a talk spurt that are not measured: its pre-roll was held back by the sender, not the network. */
  readonly spurtHeadMs: number;
  /** ms of concealment until a voice without frames falls silent; libopus' own fades within about as long. */
  readonly maxConcealMs: number;
  /** ms a spurt may start late so that its pre-roll is heard; older frames are dropped. */
  readonly maxStartLateMs: number;
  /** ms above the wanted delay from which speech is compressed. Above `bucketMs`, or it would never rest. */
  readonly compressAboveMs: number;
  /** ms below the wanted delay from which speech is stretched: half of `minDelayMs`, so that drift never drains it. */
  readonly stretchBelowMs: number;
  /** ms off the wanted delay from which pauses are shortened or lengthened, which nobody hears. */
  readonly quietChangeMs: number;
  /** ms above the wanted delay from which frames are dropped: compression alone would take longer than 200 ms. */
  readonly skipAboveMs: number;
  /** Loss above which the delay leaves room for the next frame to arrive, which rebuilds the lost one. */
  readonly recoverAboveLoss: number;
}

export const PLAYOUT_DEFAULTS: PlayoutConfig = {
  startDelayMs: 40,
  minDelayMs: 10,
  maxDelayMs: 400,
  bucketMs: 2.5,
  latePrice: 30,
  tailMs: 2.5,
  forget: 0.983,
  forgetRamp: 1.5,
  beginningIntervals: 6,
  intervalMs: 500,
  windowMs: 2000,
  pathShiftMs: 15,
  spurtHeadMs: 60,
  maxConcealMs: 100,
  maxStartLateMs: 60,
  compressAboveMs: 5,
  stretchBelowMs: 5,
  quietChangeMs: 1,
  skipAboveMs: 80,
  recoverAboveLoss: 0.005,
};

export interface ActivityConfig {
  /** ms a voice stays open after its last loud frame: bridges the stops inside words and short breaths. */
  readonly hangoverMs: number;
  /** ms kept before the onset and sent with it: the soft start of a first syllable. */
  readonly prerollMs: number;
  /** dB above the noise floor that count as voice. */
  readonly aboveFloorDb: number;
  /** dBFS below which nothing counts as voice in `auto`. */
  readonly quietestVoiceDbfs: number;
  /** dBFS the noise floor never rises above, so that a held note or loud steady sound is not taken for a fan. */
  readonly loudestFloorDbfs: number;
  /** ms whose quietest frame is the noise floor (minimum statistics, Martin 2001); longer than a spoken phrase. */
  readonly floorWindowMs: number;
}

export const ACTIVITY_DEFAULTS: ActivityConfig = {
  hangoverMs: 300,
  prerollMs: 60,
  aboveFloorDb: 9,
  quietestVoiceDbfs: -56,
  loudestFloorDbfs: -42,
  floorWindowMs: 2000,
};

/** ms between two reports of the playout. */
export const STATS_INTERVAL_MS = 200;

/** Gaps listed in one report. */
export const MAX_GAPS_PER_REPORT = 16;

/** Speakers a playout keeps at once, each about 90 kB here and 20 kB in the codec; beyond it the idlest goes. */
export const MAX_SPEAKERS = 64;

/** ms without a frame after which a speaker that no node plays is forgotten. */
export const SPEAKER_IDLE_MS = 10_000;

/** @throws RangeError naming the first relation that does not hold. */
export function validatePlayoutConfig(config: PlayoutConfig): PlayoutConfig {
  const require = (holds: boolean, rule: string) => {
    if (!holds) throw new RangeError(`playout config: ${rule}`);
  };
  require(Object.values(config).every((value) => value > 0), 'every value is above 0');
  require(config.minDelayMs <= config.startDelayMs, 'minDelayMs ≤ startDelayMs');
  require(config.startDelayMs < config.maxDelayMs, 'startDelayMs < maxDelayMs');
  require(config.latePrice > 1 && config.forget < 1, 'latePrice is above 1, forget below');
  require(config.intervalMs * 2 <= config.windowMs, 'the window holds at least two intervals');
  require(config.compressAboveMs > config.bucketMs, 'compressAboveMs > bucketMs');
  require(config.skipAboveMs >
    config.maxStartLateMs, 'skipAboveMs > maxStartLateMs, or the pre-roll would be skipped');
  require(config.quietChangeMs < config.compressAboveMs, 'quietChangeMs < compressAboveMs');
  require(config.quietChangeMs < config.stretchBelowMs, 'quietChangeMs < stretchBelowMs');
  require(config.skipAboveMs > config.compressAboveMs, 'skipAboveMs > compressAboveMs');
  require(config.recoverAboveLoss < 1, 'recoverAboveLoss is a share');
  return config;
}

/** @throws RangeError naming the first relation that does not hold. */
export function validateActivityConfig(config: ActivityConfig): ActivityConfig {
  const require = (holds: boolean, rule: string) => {
    if (!holds) throw new RangeError(`voice activity config: ${rule}`);
  };
  require(config.hangoverMs > 0 && config.prerollMs >= 0, 'hangoverMs > 0, prerollMs ≥ 0');
  require(config.aboveFloorDb > 0, 'aboveFloorDb > 0');
  require(config.quietestVoiceDbfs < 0 && config.loudestFloorDbfs < 0, 'levels are below full scale');
  require(config.floorWindowMs > config.hangoverMs, 'floorWindowMs > hangoverMs');
  return config;
}
