/**
 * The doorbell: how strangers meet. Rings Trystero's networks together as `ring-plan` says, and gives a pipe to
 * everybody who answers. A pipe carries roster and signalling until a link of our own is there, never voice.
 *
 * All steps run one after the other on one chain (Trystero cannot leave and join at once). Whoever was met knows this
 * member by a Trystero id that must not ring again, so every ring after that takes another instance of Trystero.
 * Memory: one instance; one pipe per far end, and Trystero connects to whoever rings in the room, so at most the members
 * present, a few of them twice while they change their step.
 *
 * A little over 400 lines: what may be pure is in `ring-plan.ts` and `pipe.ts`, what is left is one chain of steps.
 */

import type { NetworkConfig } from './config.js';
import type { DoorbellNetwork, Line, LineOptions } from './doorbell-entry.js';
import { Pipe, pipeMessage } from './pipe.js';
import { ringStep, type RingMode } from './ring-plan.js';

/** An instance of the module behind `doorbell-entry.ts`. */
export type DoorbellModule = typeof import('./doorbell-entry.js');

export interface DoorbellOptions {
  /** Makes a new instance with each call. */
  readonly load: () => Promise<DoorbellModule>;
  readonly networks: readonly DoorbellNetwork[];
  readonly appId: string;
  readonly room: string;
  readonly password: string | undefined;
  readonly urls: Readonly<Record<DoorbellNetwork, readonly string[] | undefined>>;
  readonly rtcConfiguration: RTCConfiguration;
  readonly config: NetworkConfig;
}

/** Which networks can be reached. */
export type Reachability = 'all' | 'some' | 'none';

export interface DoorbellHandlers {
  /** Both ends hear each other. */
  onPipeUp(pipe: string): void;
  onPipeDown(pipe: string): void;
  onPipeMessage(pipe: string, bytes: Uint8Array): void;
  onWrongPassword(): void;
  onReachability(reachability: Reachability, unreachable: readonly DoorbellNetwork[]): void;
  /** The module did not load. */
  onLoadFailed(error: unknown): void;
}

/** A far end, by its Trystero id. */
interface FarEnd {
  readonly pipe: Pipe<DoorbellNetwork>;
  /** The pipe's end was or will be reported. */
  isReported: boolean;
  /** There is a link to it: the pipe is not needed any more. */
  isLinked: boolean;
  /** Runs out when the pipe does not come up. */
  proofTimer: ReturnType<typeof setTimeout> | undefined;
}

/** How often the time a pipe has to come up may double: on a machine too slow for it, trying again makes it worse. */
const MAX_PROOF_DOUBLINGS = 3;

/** How often a change of mode that waits looks again, ms. */
const MEETING_CHECK_MS = 250;

export class Doorbell {
  readonly #farEnds = new Map<string, FarEnd>();
  readonly #lines = new Map<DoorbellNetwork, Line>();
  #module: DoorbellModule | undefined;
  /** Resolves when the sockets of instances thrown away are closed. */
  #thrownAway: Promise<unknown> = Promise.resolve();
  /** Pipes that did not come up since the last one that did. */
  #unproven = 0;
  #mode: RingMode = 'off';
  #step = 0;
  #stance: 'active' | 'passive' | 'away' = 'away';
  /** The next step was brought forward. */
  #isRingDue = false;
  #generation = 0;
  #chain: Promise<void> = Promise.resolve();
  #stepTimer: ReturnType<typeof setTimeout> | undefined;
  #watchTimer: ReturnType<typeof setInterval> | undefined;
  #lastTrafficMs = 0;
  #idleMs = Number.POSITIVE_INFINITY;
  /** The coming step only drops the pool of the one before. */
  #isDroppingPool = false;
  #reachability: Reachability | undefined;
  #unreachableSinceMs = new Map<DoorbellNetwork, number>();
  #nextRetryMs = 0;
  #retryPauseMs: number;
  #closed = false;

  constructor(
    private readonly options: DoorbellOptions,
    private readonly handlers: DoorbellHandlers,
  ) {
    this.#retryPauseMs = options.config.socketRetryMs;
  }

  /** Changes how this member is at the doorbell. Cheap when nothing changes. */
  setMode(mode: RingMode): void {
    if (this.#closed || mode === this.#mode) return;
    this.#mode = mode;
    this.#step = 0;
    this.#isRingDue = false;
    this.#change(performance.now() + this.options.config.meetingGraceMs);
  }

  /**
   * Several were lost at once: the room may have split. A member on duty that listens rings actively once, after a
   * moment drawn at random so that not all are active (and deaf on torrent) together.
   */
  ringSoon(): void {
    if (this.#mode !== 'duty' || this.#stance !== 'passive' || this.#isRingDue) return;
    this.#isRingDue = true;
    clearTimeout(this.#stepTimer);
    this.#stepTimer = setTimeout(
      () => this.#nextStep(),
      Math.random() * this.options.config.splitRingSpreadMs,
    );
  }

  /** Sends over a pipe; a pipe that is gone swallows it, its end was or will be reported. */
  send(pipe: string, bytes: Uint8Array): void {
    const network = this.#farEnds.get(pipe)?.pipe.provenLine;
    if (network) this.#say(network, pipe, pipeMessage(bytes));
  }

  /** Whom this pipe reaches is linked. */
  noteLinked(pipe: string): void {
    const farEnd = this.#farEnds.get(pipe);
    if (!farEnd) return;
    farEnd.isLinked = true;
    this.#noteMet();
  }

  /** Leaves every network; resolves when no connection, socket or timer is left. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#mode = 'off';
    this.#run();
    await this.#chain;
    await this.#thrownAway;
    clearTimeout(this.#stepTimer);
    clearInterval(this.#watchTimer);
  }

  /** Closes connections and sockets without waiting: the page is going away. */
  closeNow(): void {
    void this.close();
  }

  /** Turns to the new mode once nobody is just being met, or at `latestMs`. */
  #change(latestMs: number): void {
    clearTimeout(this.#stepTimer);
    if (!this.#isMeeting() || performance.now() >= latestMs) this.#run();
    else this.#stepTimer = setTimeout(() => this.#change(latestMs), MEETING_CHECK_MS);
  }

  #run(): void {
    clearTimeout(this.#stepTimer);
    const generation = ++this.#generation;
    this.#chain = this.#chain.then(async () => {
      if (generation !== this.#generation) return;
      const { stance, forMs } = ringStep(this.#mode, this.#step, Math.random(), this.options.config);
      await this.#take(stance, generation);
      if (generation !== this.#generation || !Number.isFinite(forMs)) return;
      this.#stepTimer = setTimeout(() => this.#nextStep(), forMs);
    });
  }

  /** Steps on, unless somebody is just being met: leaving would cut their pipe. */
  #nextStep(): void {
    if (this.#isMeeting()) {
      this.#stepTimer = setTimeout(() => this.#nextStep(), this.options.config.pipeQuietMs);
      return;
    }
    this.#step += 1;
    this.#isRingDue = false;
    this.#run();
  }

  /** Somebody is being met: going now would cut the pipe their offer or answer travels through. */
  #isMeeting(): boolean {
    return this.#unlinked() > 0 && performance.now() - this.#lastTrafficMs < this.options.config.pipeQuietMs;
  }

  #unlinked(): number {
    let count = 0;
    for (const { isLinked } of this.#farEnds.values()) if (!isLinked) count += 1;
    return count;
  }

  /** Whoever was met is linked or gone: what was needed to meet them is idle soon. */
  #noteMet(): void {
    if (this.#unlinked() > 0) return;
    this.#lastTrafficMs = performance.now();
    this.#idleMs = this.options.config.pipesMetMs * (1 + Math.random());
  }

  /** Goes through the current step again: leaving and joining cures a one-sided join and drops an idle pool. */
  #again(): void {
    this.#stance = 'away';
    this.#run();
  }

  async #take(stance: 'active' | 'passive' | 'away', generation: number): Promise<void> {
    if (stance === this.#stance && stance !== 'away') return;
    // Taken once its lines are open: whoever is overtaken on the way has taken none, and the next one does not skip it.
    this.#stance = 'away';
    await this.#leaveLines();
    if (stance === 'away') {
      clearInterval(this.#watchTimer);
      this.#watchTimer = undefined;
      this.#throwAway();
      await this.#thrownAway;
      return;
    }
    // Only listening, idle: those who might remember it are linked or gone, and its sockets are worth keeping.
    const keeps = this.#isDroppingPool && stance === 'passive' && !this.#module?.isStuck();
    this.#isDroppingPool = false;
    if (this.#module?.isSpent() && !keeps) this.#throwAway();
    try {
      this.#module ??= await this.options.load();
    } catch (error) {
      this.handlers.onLoadFailed(error);
      return;
    }
    const closedSockets = this.options.networks.some((network) => this.#needsRetry(network));
    if (closedSockets) await this.#module.retrySockets();
    if (generation !== this.#generation) return;
    this.#stance = stance;
    for (const network of this.options.networks)
      this.#lines.set(network, this.#open(this.#module, network, stance === 'passive'));
    this.#lastTrafficMs = performance.now();
    this.#idleMs = this.options.config.pipeIdleMs * (1 + Math.random());
    this.#watchTimer ??= setInterval(() => this.#watch(), 250);
    if (stance === 'active') await this.#waitForSocket(generation);
  }

  #open(module: DoorbellModule, network: DoorbellNetwork, passive: boolean): Line {
    const options: LineOptions = {
      network,
      appId: this.options.appId,
      room: this.options.room,
      password: this.options.password,
      urls: this.options.urls[network],
      rtcConfiguration: this.options.rtcConfiguration,
      passive,
      onPeer: (peerId) => this.#addLine(network, peerId),
      onPeerGone: (peerId) => this.#removeLine(network, peerId),
      onMessage: (peerId, bytes) => this.#receive(network, peerId, bytes),
      onWrongPassword: () => this.handlers.onWrongPassword(),
    };
    return module.openLine(options);
  }

  /** The instance is done with: its sockets are closed, nothing else of it is left. */
  #throwAway(): void {
    const module = this.#module;
    this.#module = undefined;
    if (module) this.#thrownAway = Promise.all([this.#thrownAway, module.closeSockets()]);
  }

  #addLine(network: DoorbellNetwork, peerId: string): void {
    let farEnd = this.#farEnds.get(peerId);
    if (!farEnd) {
      farEnd = { pipe: new Pipe(), isReported: false, isLinked: false, proofTimer: undefined };
      this.#farEnds.set(peerId, farEnd);
    }
    const call = farEnd.pipe.addLine(network);
    this.#report(peerId, farEnd);
    this.#say(network, peerId, call);
  }

  #removeLine(network: DoorbellNetwork, peerId: string): void {
    const farEnd = this.#farEnds.get(peerId);
    if (!farEnd) return;
    farEnd.pipe.removeLine(network);
    this.#report(peerId, farEnd);
  }

  #receive(network: DoorbellNetwork, peerId: string, message: Uint8Array): void {
    const farEnd = this.#farEnds.get(peerId);
    if (!farEnd) return;
    this.#lastTrafficMs = performance.now();
    const { answer, payload } = farEnd.pipe.receive(network, message);
    if (answer) this.#say(network, peerId, answer);
    this.#report(peerId, farEnd);
    if (payload) this.handlers.onPipeMessage(peerId, payload);
  }

  #say(network: DoorbellNetwork, peerId: string, message: Uint8Array): void {
    const line = this.#lines.get(network);
    if (!line) return;
    this.#lastTrafficMs = performance.now();
    line.send(peerId, message).catch((error: unknown) => {
      console.debug('p2p-voice-room: pipe lost', error);
      if (line === this.#lines.get(network)) this.#removeLine(network, peerId);
    });
  }

  /** Tells when a pipe came up or went, and watches one that is neither. */
  #report(peerId: string, farEnd: FarEnd): void {
    const { pipe } = farEnd;
    if (pipe.isUp) {
      clearTimeout(farEnd.proofTimer);
      farEnd.proofTimer = undefined;
      this.#unproven = 0;
      if (!farEnd.isReported) this.handlers.onPipeUp(peerId);
      farEnd.isReported = true;
      return;
    }
    if (farEnd.isReported) this.handlers.onPipeDown(peerId);
    farEnd.isReported = false;
    if (!pipe.hasLines) {
      clearTimeout(farEnd.proofTimer);
      this.#farEnds.delete(peerId);
      this.#noteMet();
      return;
    }
    const doublings = Math.min(this.#unproven, MAX_PROOF_DOUBLINGS);
    farEnd.proofTimer ??= setTimeout(
      () => this.#cure(farEnd),
      this.options.config.pipeProofMs * 2 ** doublings,
    );
  }

  /**
   * Joined on this side only, or one way only: leaving and joining again under another id cures it, once nobody else is
   * just being met.
   */
  #cure(farEnd: FarEnd): void {
    if (this.#closed) return;
    const othersAreMet = [...this.#farEnds.values()].some(
      ({ isReported, isLinked }) => isReported && !isLinked,
    );
    if (othersAreMet && this.#isMeeting()) {
      farEnd.proofTimer = setTimeout(() => this.#cure(farEnd), this.options.config.pipeQuietMs);
      return;
    }
    this.#unproven += 1;
    this.#again();
  }

  async #leaveLines(): Promise<void> {
    for (const [peerId, { isReported, proofTimer }] of this.#farEnds) {
      clearTimeout(proofTimer);
      if (isReported) this.handlers.onPipeDown(peerId);
    }
    this.#farEnds.clear();
    const lines = [...this.#lines.values()];
    this.#lines.clear();
    await Promise.all(lines.map((line) => line.leave()));
  }

  /** A ring counts from the moment it can be heard. */
  async #waitForSocket(generation: number): Promise<void> {
    const endMs = performance.now() + this.options.config.socketGraceMs;
    while (generation === this.#generation && performance.now() < endMs) {
      if (this.options.networks.some((network) => (this.#module?.socketStates(network).open ?? 0) > 0))
        return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  #needsRetry(network: DoorbellNetwork): boolean {
    const states = this.#module?.socketStates(network);
    return states !== undefined && states.all > 0 && states.open + states.connecting < states.all;
  }

  #watch(): void {
    if (!this.#module) return;
    const nowMs = performance.now();
    this.#watchSockets(nowMs);
    const lines = [...this.#lines.values()];
    const lastMs = Math.max(this.#lastTrafficMs, ...lines.map((line) => line.lastProgressMs()));
    const holdsConnections = lines.some((line) => line.connections() > 0);
    if (this.#stance !== 'passive' || !holdsConnections || nowMs - lastMs <= this.#idleMs) return;
    this.#isDroppingPool = true;
    this.#again();
  }

  #watchSockets(nowMs: number): void {
    const { networks, config } = this.options;
    const unreachable: DoorbellNetwork[] = [];
    for (const network of networks) {
      if ((this.#module?.socketStates(network).open ?? 0) > 0) {
        this.#unreachableSinceMs.delete(network);
        continue;
      }
      const sinceMs = this.#unreachableSinceMs.get(network) ?? nowMs;
      this.#unreachableSinceMs.set(network, sinceMs);
      if (nowMs - sinceMs > config.signalingPatienceMs) unreachable.push(network);
    }
    const anyOpen = this.#unreachableSinceMs.size < networks.length;
    if (unreachable.length > 0 || this.#unreachableSinceMs.size === 0) {
      const reachability: Reachability = unreachable.length === 0 ? 'all' : anyOpen ? 'some' : 'none';
      if (
        reachability !== this.#reachability &&
        (reachability !== 'none' || unreachable.length === networks.length)
      ) {
        this.#reachability = reachability;
        this.handlers.onReachability(reachability, unreachable);
      }
    }
    if (!networks.some((network) => this.#needsRetry(network))) {
      this.#retryPauseMs = config.socketRetryMs;
      this.#nextRetryMs = nowMs + this.#retryPauseMs;
    } else if (nowMs >= this.#nextRetryMs) {
      this.#retryPauseMs = Math.min(config.maxSocketRetryMs, this.#retryPauseMs * 2);
      this.#nextRetryMs = nowMs + this.#retryPauseMs * (0.75 + 0.5 * Math.random());
      void this.#module?.retrySockets();
    }
  }
}
