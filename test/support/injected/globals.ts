/** What the injected scripts put into a page, as tests see it. */

/** How a tone came and went since some moment. Times are `Date.now()` of the machine, good to about 20 ms. */
export interface Presence {
  /** When it was first heard; undefined when it was not. */
  readonly firstHeardMs: number | undefined;
  readonly lastHeardMs: number | undefined;
  /** Absences between the first and the last hearing, of two blocks (20 ms) and longer, in the order they happened. */
  readonly gapsMs: readonly number[];
  /** When each of them began. */
  readonly gapsAtMs: readonly number[];
  /** The longest it was heard without a pause, ms. */
  readonly longestMs: number;
  /** Blocks heard and blocks played in that time, 10 ms each. */
  readonly blocksHeard: number;
  readonly blocks: number;
}

export interface Tap {
  /** Tones that made up most of the last `windowMs` of what this page played, ascending, Hz. */
  tones(windowMs?: number): number[];
  presence(toneHz: number, sinceMs?: number): Presence;
  /** Mean amplitude of a tone over the last `windowMs`, 0–1. */
  amplitude(toneHz: number, windowMs?: number): number;
  /** Amplitude in each 10 ms block since a moment, oldest first; of the context that played longest. */
  amplitudes(toneHz: number, sinceMs: number): number[];
  /** Largest sample of any context since a moment, 0–1 and beyond where it clips. */
  peak(sinceMs: number): number;
  nowMs(): number;
}

/** What is open now of everything the page (not the harness) opened. */
export interface Live {
  readonly connections: number;
  readonly tracks: number;
  readonly contexts: number;
  readonly workers: number;
  readonly sockets: number;
  readonly intervals: number;
}

export interface Freezer {
  /** Blocks the main thread for `busyMs` in every `everyMs`, first after `phaseMs`. */
  start(busyMs: number, everyMs: number, phaseMs?: number): void;
  /** @returns when it froze, `Date.now()` of each beginning */
  stop(): number[];
}

export interface TapOptions {
  /** Frequencies to listen for: multiples of 100 Hz, so that 10 ms hold whole periods and tones do not leak. */
  readonly tonesHz: readonly number[];
  /** A tone softer than this is not heard, 0–1. */
  readonly thresholdAmplitude: number;
}

/** One block of what a context played, from the tap's worklet. */
export interface TapReport {
  /** `Date.now()` when the first of the blocks was rendered. */
  readonly atMs: readonly number[];
  /** Amplitudes, block after block, one for each tone. */
  readonly amplitudes: Float32Array;
  /** Largest sample of each block. */
  readonly peaks: Float32Array;
}

declare global {
  var __tap: Tap;
  var __live: () => Live;
  var __freezer: Freezer;
  /** Suspends every context of the page, as a browser does. */
  var __suspendAll: () => Promise<void>;
  /** Constructors as the browser made them: what the harness makes with these is not counted. */
  var __native: { readonly AudioContext: typeof AudioContext };
}
