/** Tunables of links and doorbell. */

export interface NetworkConfig {
  /** ms a voice message may wait and be retransmitted by SCTP: measured, 60 ms gives p95 33 ms at 5 % loss. */
  readonly voiceLifetimeMs: number;
  /** ms until an attempt counts as failed whose offer or answer has not come: signals may be lost with the pipe they took. */
  readonly linkSignalTimeoutMs: number;
  /** ms from then on until an attempt to open a link counts as failed; ICE with TURN needs up to about 10 s. */
  readonly linkAttemptTimeoutMs: number;
  /**
   * ms, drawn up to a quarter shorter or longer, until what was said of a link is said again while the far end's next step
   * is missing; twice as long each further time. Above the round trips of one continent, so that few are said in vain.
   */
  readonly linkRepeatMs: number;
  /** ms since an end's last step during which a request for the same link was on its way before: ends are not lost so soon. */
  readonly linkCrossingMs: number;
  /** Messages a second one neighbour may send before the rest is dropped: 32 sources × 50 frames, doubled. */
  readonly maxMessagesPerSecond: number;
  /** Malformed messages after which a neighbour loses its link. */
  readonly maxMalformed: number;
  /** Bytes in a voice channel from which new voice waits outside: 60 ms at 400 kbit/s, later it would only expire. */
  readonly maxVoiceBufferedBytes: number;
  /** Bytes in a voice channel from which a link repeats nothing, and at which what waited goes on. */
  readonly easyVoiceBufferedBytes: number;
  /** ms of active ringing: Trystero announces at 0, 233, 766 and 2099 ms and then not for long. */
  readonly ringMs: number;
  /** ms at most to wait for a socket before a ring's time starts to count. */
  readonly socketGraceMs: number;
  /** ms of the first passive pause of a member alone; doubled up to `maxAlonePauseMs`, each drawn up to twice as long. */
  readonly firstAlonePauseMs: number;
  readonly maxAlonePauseMs: number;
  /**
   * ms until a member newly on duty rings actively, drawn up to twice as long, and four times as long before each further
   * ring up to `dutyRingPauseMs`: of a crowd that comes at once some meet only each other, and find the rest by this.
   */
  readonly firstDutyRingPauseMs: number;
  /** ms between active rings of a member on duty at most, drawn up to twice as long: split groups find each other. */
  readonly dutyRingPauseMs: number;
  /** ms over which those on duty spread their rings after a possible split. */
  readonly splitRingSpreadMs: number;
  /** ms within which both ends of a new pipe must have heard each other; after a one-sided join they never do. */
  readonly pipeProofMs: number;
  /** ms a change of mode waits at most for pipes to fall quiet: whoever is met through one is linked well within it. */
  readonly meetingGraceMs: number;
  /** ms without pipe traffic after which the next step of a ring may cut the pipe. */
  readonly pipeQuietMs: number;
  /**
   * ms without pipe traffic or progress of a connection after which a passive member that was rung drops Trystero's pool,
   * drawn up to twice as long: until then it is as deaf on torrent as an active one, and those on duty, rung together,
   * must not all be away together.
   */
  readonly pipeIdleMs: number;
  /** The same once everybody who was met is linked or gone. */
  readonly pipesMetMs: number;
  /** ms between looks at the sockets and, doubled up to the maximum, between attempts to reopen them. */
  readonly socketRetryMs: number;
  readonly maxSocketRetryMs: number;
  /** ms without any open socket until that is said. */
  readonly signalingPatienceMs: number;
}

export const NETWORK_DEFAULTS: NetworkConfig = {
  voiceLifetimeMs: 60,
  linkSignalTimeoutMs: 6000,
  linkRepeatMs: 500,
  linkCrossingMs: 2000,
  linkAttemptTimeoutMs: 12_000,
  maxMessagesPerSecond: 3200,
  maxMalformed: 100,
  maxVoiceBufferedBytes: 3000,
  easyVoiceBufferedBytes: 1000,
  ringMs: 2600,
  socketGraceMs: 6000,
  firstAlonePauseMs: 1500,
  maxAlonePauseMs: 30_000,
  firstDutyRingPauseMs: 8000,
  dutyRingPauseMs: 60_000,
  splitRingSpreadMs: 3000,
  pipeProofMs: 2000,
  meetingGraceMs: 6000,
  pipeQuietMs: 2000,
  pipeIdleMs: 2500,
  pipesMetMs: 400,
  socketRetryMs: 1000,
  maxSocketRetryMs: 20_000,
  signalingPatienceMs: 5000,
};

/** @throws RangeError naming the first relation that does not hold. */
export function validateNetworkConfig(config: NetworkConfig): NetworkConfig {
  const require = (holds: boolean, rule: string) => {
    if (!holds) throw new RangeError(`network config: ${rule}`);
  };
  require(Object.values(config).every((value) => value > 0), 'every value is above 0');
  require(config.ringMs > 2100, 'ringMs covers the warm-up announcements of Trystero (2.1 s)');
  require(config.firstAlonePauseMs <= config.maxAlonePauseMs, 'firstAlonePauseMs ≤ maxAlonePauseMs');
  require(config.firstDutyRingPauseMs <= config.dutyRingPauseMs, 'firstDutyRingPauseMs ≤ dutyRingPauseMs');
  require(config.pipesMetMs <= config.pipeIdleMs, 'pipesMetMs ≤ pipeIdleMs');
  require(config.socketRetryMs <= config.maxSocketRetryMs, 'socketRetryMs ≤ maxSocketRetryMs');
  require(config.pipeProofMs <
    config.ringMs, 'pipeProofMs < ringMs, so that a one-sided join is cured within a ring');
  require(7 * config.linkRepeatMs <
    config.linkSignalTimeoutMs, '7 linkRepeatMs < linkSignalTimeoutMs, so that the third repeat still counts');
  require(config.linkSignalTimeoutMs <=
    config.linkAttemptTimeoutMs, 'linkSignalTimeoutMs ≤ linkAttemptTimeoutMs');
  require(config.easyVoiceBufferedBytes <
    config.maxVoiceBufferedBytes, 'easyVoiceBufferedBytes < maxVoiceBufferedBytes');
  return config;
}
