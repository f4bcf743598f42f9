/**
 * The doorbell: how strangers meet. Rings Trystero's networks together as `ring-plan` says, and gives a pipe to
 * everybody who answers. A pipe carries roster and signalling until a link of our own is there, never voice.
 *
 * All steps run one after the other on one chain (Trystero cannot leave and join at once). Memory: one pipe per
 * Trystero connection; Trystero connects to whoever rings in the room, so at most the members present twice.
 */

import type { NetworkConfig } from './config.js';
import type { DoorbellNetwork, Line, LineOptions } from './doorbell-entry.js';
import { ringStep, type RingMode } from './ring-plan.js';

/** The module behind `doorbell-entry.ts`, in an instance of this room's own. */
export type DoorbellModule = typeof import('./doorbell-entry.js');

export interface DoorbellOptions {
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
  onPipeUp(pipe: string): void;
  onPipeDown(pipe: string): void;
  onPipeMessage(pipe: string, bytes: Uint8Array): void;
  onWrongPassword(): void;
  onReachability(reachability: Reachability, unreachable: readonly DoorbellNetwork[]): void;
  /** The module did not load. */
  onLoadFailed(error: unknown): void;
}

interface Pipe {
  readonly network: DoorbellNetwork;
  readonly peerId: string;
  heard: boolean;
  /** Runs out when the far end never says hello. */
  helloTimer: ReturnType<typeof setTimeout> | undefined;
}

export class Doorbell {
  readonly #pipes = new Map<string, Pipe>();
  readonly #lines = new Map<DoorbellNetwork, Line>();
  #module: DoorbellModule | undefined;
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
    this.#run();
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
    const known = this.#pipes.get(pipe);
    const line = known && this.#lines.get(known.network);
    if (!known || !line) return;
    this.#lastTrafficMs = performance.now();
    line.send(known.peerId, bytes).catch((error: unknown) => {
      console.debug('p2p-voice-room: pipe lost', error);
      this.#dropPipe(pipe);
    });
  }

  /** Leaves every network; resolves when no connection, socket or timer is left. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#mode = 'off';
    this.#run();
    await this.#chain;
    clearTimeout(this.#stepTimer);
    clearInterval(this.#watchTimer);
  }

  /** Closes connections and sockets without waiting: the page is going away. */
  closeNow(): void {
    void this.close();
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
    if (this.#pipes.size > 0 && performance.now() - this.#lastTrafficMs < this.options.config.pipeQuietMs) {
      this.#stepTimer = setTimeout(() => this.#nextStep(), this.options.config.pipeQuietMs);
      return;
    }
    this.#step += 1;
    this.#isRingDue = false;
    this.#run();
  }

  /** Goes through the current step again: leave and join cures a one-sided join and drops an idle pool. */
  #again(): void {
    this.#stance = 'away';
    this.#run();
  }

  async #take(stance: 'active' | 'passive' | 'away', generation: number): Promise<void> {
    if (stance === this.#stance && stance !== 'away') return;
    this.#stance = stance;
    await this.#leaveLines();
    if (stance === 'away') {
      clearInterval(this.#watchTimer);
      this.#watchTimer = undefined;
      await this.#module?.closeSockets();
      return;
    }
    if (!this.#module) {
      try {
        this.#module = await this.options.load();
      } catch (error) {
        this.handlers.onLoadFailed(error);
        return;
      }
    }
    const closedSockets = this.options.networks.some((network) => this.#needsRetry(network));
    if (closedSockets) await this.#module.retrySockets();
    if (generation !== this.#generation) return;
    for (const network of this.options.networks)
      this.#lines.set(network, this.#open(network, stance === 'passive'));
    this.#lastTrafficMs = performance.now();
    this.#watchTimer ??= setInterval(() => this.#watch(), 250);
    if (stance === 'active') await this.#waitForSocket(generation);
  }

  #open(network: DoorbellNetwork, passive: boolean): Line {
    const pipeOf = (peerId: string) => `${network}:${peerId}`;
    const options: LineOptions = {
      network,
      appId: this.options.appId,
      room: this.options.room,
      password: this.options.password,
      urls: this.options.urls[network],
      rtcConfiguration: this.options.rtcConfiguration,
      passive,
      onPeer: (peerId) =>
        this.#addPipe(pipeOf(peerId), { network, peerId, heard: false, helloTimer: undefined }),
      onPeerGone: (peerId) => this.#dropPipe(pipeOf(peerId)),
      onMessage: (peerId, bytes) => {
        const pipe = this.#pipes.get(pipeOf(peerId));
        if (!pipe) return;
        pipe.heard = true;
        this.#lastTrafficMs = performance.now();
        this.handlers.onPipeMessage(pipeOf(peerId), bytes);
      },
      onWrongPassword: () => this.handlers.onWrongPassword(),
    };
    return (this.#module as DoorbellModule).openLine(options);
  }

  #addPipe(id: string, pipe: Pipe): void {
    if (this.#pipes.has(id)) return;
    this.#pipes.set(id, pipe);
    this.#lastTrafficMs = performance.now();
    this.handlers.onPipeUp(id);
    pipe.helloTimer = setTimeout(() => {
      // Joined on this side only: the far end never speaks. Leaving and joining again cures it.
      if (!pipe.heard && !this.#closed) this.#again();
    }, this.options.config.pipeHelloMs);
  }

  #dropPipe(id: string): void {
    clearTimeout(this.#pipes.get(id)?.helloTimer);
    if (this.#pipes.delete(id)) this.handlers.onPipeDown(id);
  }

  async #leaveLines(): Promise<void> {
    for (const id of [...this.#pipes.keys()]) this.#dropPipe(id);
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
    const nowMs = performance.now();
    this.#watchSockets(nowMs);
    const isIdle = nowMs - this.#lastTrafficMs > this.options.config.pipeIdleMs;
    const holdsConnections = [...this.#lines.values()].some((line) => line.connections() > 0);
    if (this.#stance === 'passive' && isIdle && holdsConnections) this.#again();
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
