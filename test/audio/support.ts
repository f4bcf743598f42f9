/** Sound made and measured for the audio tests. */

import type { ArrivedFrame } from '../../src/audio/jitter-buffer.js';

export const FRAME = 960;

/** `count` samples of a sine at 48 kHz, starting at sample `from`. */
export function sine(frequencyHz: number, count: number, from = 0, amplitude = 0.3, rateHz = 48_000) {
  const samples = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    samples[i] = amplitude * Math.sin((2 * Math.PI * frequencyHz * (from + i)) / rateHz);
  }
  return samples;
}

/** Share of a signal's power at one frequency, 0–1 (Goertzel). */
export function shareAt(samples: Float32Array, frequencyHz: number, rateHz = 48_000): number {
  let real = 0;
  let imaginary = 0;
  let power = 0;
  for (let i = 0; i < samples.length; i++) {
    const sample = samples[i] as number;
    const angle = (2 * Math.PI * frequencyHz * i) / rateHz;
    real += sample * Math.cos(angle);
    imaginary += sample * Math.sin(angle);
    power += sample * sample;
  }
  if (power === 0) return 0;
  return (2 * (real * real + imaginary * imaginary)) / (samples.length * power);
}

export function rms(samples: Float32Array): number {
  let power = 0;
  for (const sample of samples) power += sample * sample;
  return Math.sqrt(power / samples.length);
}

/** Largest step from one sample to the next: a click is a step no voice of that pitch makes. */
export function largestStep(samples: Float32Array): number {
  let largest = 0;
  for (let i = 1; i < samples.length; i++) {
    largest = Math.max(largest, Math.abs((samples[i] as number) - (samples[i - 1] as number)));
  }
  return largest;
}

/** A frame whose bytes only say which one it is. */
export function frameOf(index: number, changes: Partial<ArrivedFrame> = {}): ArrivedFrame {
  return {
    streamEpoch: 1,
    sequence: index >>> 0,
    sampleTime: (index * FRAME) >>> 0,
    frameSamples: FRAME,
    endOfSpurt: false,
    frame: Uint8Array.of(index & 255, (index >> 8) & 255, 0),
    previousFrame: undefined,
    ...changes,
  };
}

/** Mulberry32. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
