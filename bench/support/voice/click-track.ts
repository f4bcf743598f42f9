/**
 * What is played to measure delay, and how it is found again: short clicks of three pitches in turn over a steady
 * tone. Three pitches, so that a click late by more than the pause before the next is not taken for that one; the tone,
 * so that a gap shows and no pause lets a jitter buffer adapt unheard. Pure; all times in samples at 48 kHz.
 */

import { quantile } from '../statistics.js';

export const RATE_HZ = 48_000;

const SAMPLES_PER_MS = RATE_HZ / 1000;

/** 300 Hz: far below the clicks, so that neither hides the other; 10 ms hold whole periods. */
const TONE_HZ = 300;
const TONE_AMPLITUDE = 0.08;

/** 800 Hz apart: an 8 ms Hann window leaks less than 1 % that far (its main lobe ends at 250 Hz). */
const CLICK_HZ = [1100, 1900, 2700] as const;
const CLICK_SAMPLES = 8 * SAMPLES_PER_MS;
const CLICK_AMPLITUDE = 0.6;

/** Between two clicks, ms: not a multiple of any frame's length, so that clicks fall everywhere in a frame. */
export const CLICK_PAUSE_MS = 303.7;

/** A click that is not found within this is lost; shorter than three pauses. */
const MAX_DELAY_MS = 850;

/** Below this share of the median click, what was found is not the click. */
const FOUND_SHARE = 0.3;

/** Blocks in which the tone is looked for: 10 ms. */
const GAP_BLOCK_SAMPLES = 10 * SAMPLES_PER_MS;

/** The tone is away where less than half of it is left; shorter than 20 ms no listener calls a gap. */
const GAP_SHARE = 0.5;
const GAP_BLOCKS = 2;

export interface ClickTrack {
  readonly samples: Float32Array;
  /** First sample of each click. */
  readonly clicksAt: readonly number[];
}

export interface Heard {
  readonly delaysMs: readonly number[];
  readonly clicksLost: number;
  /** Absences of the tone of 20 ms or more, and when each began, counted from the first click. */
  readonly gapsMs: readonly number[];
  readonly gapsAtMs: readonly number[];
}

/** @param leadMs before the first click, for a path to adapt to; the tone plays all the time */
export function clickTrack(clicks: number, leadMs: number): ClickTrack {
  const clicksAt = Array.from({ length: clicks }, (_, i) =>
    Math.round((leadMs + i * CLICK_PAUSE_MS) * SAMPLES_PER_MS),
  );
  const samples = new Float32Array(Math.round((leadMs + (clicks + 1) * CLICK_PAUSE_MS) * SAMPLES_PER_MS));
  for (let i = 0; i < samples.length; i++)
    samples[i] = TONE_AMPLITUDE * Math.sin((2 * Math.PI * TONE_HZ * i) / RATE_HZ);
  clicksAt.forEach((at, click) => {
    for (let i = 0; i < CLICK_SAMPLES; i++) samples[at + i]! += CLICK_AMPLITUDE * windowedSine(click, i);
  });
  return { samples, clicksAt };
}

const hann = (i: number): number => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / CLICK_SAMPLES);
const phase = (click: number, i: number): number =>
  (2 * Math.PI * CLICK_HZ[click % CLICK_HZ.length]! * i) / RATE_HZ;
const windowedSine = (click: number, i: number): number => hann(i) * Math.sin(phase(click, i));

/**
 * Finds the track in what was played.
 * @param heard begins at the sample at which the track began
 */
export function findClicks({ samples, clicksAt }: ClickTrack, heard: Float32Array): Heard {
  const found = clicksAt.map((at, click) => strongest(heard, at, click));
  const usual = quantile(
    found.map(({ strength }) => strength),
    0.5,
  );
  const delaysMs = found
    .filter(({ strength }) => strength >= FOUND_SHARE * usual && usual > 0)
    .map(({ delay }) => delay / SAMPLES_PER_MS);
  return {
    delaysMs,
    clicksLost: clicksAt.length - delaysMs.length,
    ...gaps(heard.subarray(clicksAt[0] ?? 0, samples.length)),
  };
}

/** Matched filter in quadrature, since a codec may turn the phase; coarse first, then sample by sample. */
function strongest(heard: Float32Array, at: number, click: number): { delay: number; strength: number } {
  const sines = new Float32Array(CLICK_SAMPLES);
  const cosines = new Float32Array(CLICK_SAMPLES);
  for (let i = 0; i < CLICK_SAMPLES; i++) {
    sines[i] = windowedSine(click, i);
    cosines[i] = hann(i) * Math.cos(phase(click, i));
  }
  const strengthAt = (delay: number): number => {
    let re = 0;
    let im = 0;
    for (let i = 0; i < CLICK_SAMPLES; i++) {
      const sample = heard[at + delay + i] ?? 0;
      re += sample * cosines[i]!;
      im += sample * sines[i]!;
    }
    return Math.hypot(re, im);
  };
  let delay = 0;
  let strength = 0;
  const consider = (candidate: number): void => {
    const here = strengthAt(candidate);
    if (here > strength) [delay, strength] = [candidate, here];
  };
  for (let candidate = 0; candidate < MAX_DELAY_MS * SAMPLES_PER_MS; candidate += 24) consider(candidate);
  const coarse = delay;
  for (let candidate = Math.max(0, coarse - 24); candidate < coarse + 24; candidate++) consider(candidate);
  return { delay, strength };
}

/** The tone's amplitude block by block (Goertzel at one frequency), and where it stays away. */
function gaps(heard: Float32Array): Pick<Heard, 'gapsMs' | 'gapsAtMs'> {
  const blocks: number[] = [];
  for (let from = 0; from + GAP_BLOCK_SAMPLES <= heard.length; from += GAP_BLOCK_SAMPLES) {
    let re = 0;
    let im = 0;
    for (let i = 0; i < GAP_BLOCK_SAMPLES; i++) {
      const angle = (2 * Math.PI * TONE_HZ * i) / RATE_HZ;
      re += heard[from + i]! * Math.cos(angle);
      im += heard[from + i]! * Math.sin(angle);
    }
    blocks.push((2 * Math.hypot(re, im)) / GAP_BLOCK_SAMPLES);
  }
  const threshold = GAP_SHARE * quantile(blocks, 0.5);
  const gapsMs: number[] = [];
  const gapsAtMs: number[] = [];
  const blockMs = GAP_BLOCK_SAMPLES / SAMPLES_PER_MS;
  let run = 0;
  for (const [block, amplitude] of [...blocks, Number.POSITIVE_INFINITY].entries()) {
    if (amplitude < threshold) run += 1;
    else {
      if (run >= GAP_BLOCKS) {
        gapsMs.push(run * blockMs);
        gapsAtMs.push((block - run) * blockMs);
      }
      run = 0;
    }
  }
  return { gapsMs, gapsAtMs };
}
