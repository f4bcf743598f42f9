/**
 * How much of a voice arrived, by two published measures over the frames in which something was said:
 *
 * - segmental SNR, dB: mean over 20 ms frames, each clamped to −10…35 dB (Hansen & Pellom, "An effective quality
 *   evaluation protocol for speech enhancement algorithms", ICSLP 1998). Higher is better.
 * - log-spectral distance, dB: root mean square difference of log power spectra (Gray & Markel, "Distance measures for
 *   speech processing", IEEE TASSP 24(5), 1976), mean over frames, 100 Hz to 7 kHz. Lower is better.
 *
 * Both compare waveforms, so what was heard is first aligned: jitter buffers stretch and shrink a voice, therefore
 * every 160 ms are searched for on their own (normalised cross-correlation). Stretching itself costs nothing here, except in
 * the pieces it falls into. Pure; samples at 48 kHz.
 */

import { quantile } from '../statistics.js';
import { RATE_HZ } from './click-track.js';

const SAMPLES_PER_MS = RATE_HZ / 1000;

const PIECE_SAMPLES = 160 * SAMPLES_PER_MS;
const FRAME_SAMPLES = 20 * SAMPLES_PER_MS;

const MAX_DELAY_SAMPLES = 900 * SAMPLES_PER_MS;

/** Coarse search at 6 kHz, where a piece is 960 samples; then sample by sample around what it found. */
const COARSE = 8;

/** A frame this far below the loudest is a pause. */
const ACTIVE_DB = -40;

/** A periodic voice fits itself a pitch period off almost as well: another delay must fit better by this. */
const STAY_BONUS = 0.02;

const SNR_RANGE_DB = [-10, 35] as const;
const FFT_SIZE = 1024;
const BAND_HZ = [100, 7000] as const;

/** Below the frame's strongest bin by this, dB: what a codec drops there nobody hears. */
const SPECTRAL_FLOOR_DB = 50;

export interface SpeechScore {
  readonly segmentalSnrDb: number;
  readonly logSpectralDistanceDb: number;
  readonly medianDelayMs: number;
  readonly frames: number;
}

/**
 * @param said the signal as played. @param heard recorded from the same sample on.
 * @param from where scoring begins, samples
 */
export function scoreSpeech(said: Float32Array, heard: Float32Array, from: number): SpeechScore {
  const loudest = loudestFrame(said);
  const coarseSaid = decimate(said);
  const coarseHeard = decimate(heard);
  const snrs: number[] = [];
  const distances: number[] = [];
  const delays: number[] = [];
  const last = Math.min(said.length, heard.length) - MAX_DELAY_SAMPLES - PIECE_SAMPLES;
  let delay: number | undefined;
  for (let piece = from; piece <= last; piece += PIECE_SAMPLES) {
    if (decibels(energy(said, piece, PIECE_SAMPLES)) < loudest + ACTIVE_DB) continue;
    delay = delayOf(said, heard, coarseSaid, coarseHeard, piece, delay);
    delays.push(delay);
    const gain = fittingGain(said, heard, piece, delay);
    for (let frame = piece; frame < piece + PIECE_SAMPLES; frame += FRAME_SAMPLES) {
      if (decibels(energy(said, frame, FRAME_SAMPLES)) < loudest + ACTIVE_DB) continue;
      snrs.push(snrDb(said, heard, frame, frame + delay, gain));
      distances.push(spectralDistanceDb(said, heard, frame, frame + delay, gain));
    }
  }
  return {
    segmentalSnrDb: mean(snrs),
    logSpectralDistanceDb: mean(distances),
    medianDelayMs: quantile(delays, 0.5) / SAMPLES_PER_MS,
    frames: snrs.length,
  };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean power of a stretch, and in dB. */
function energy(samples: Float32Array, from: number, count: number): number {
  let sum = 0;
  for (let i = from; i < from + count; i++) sum += (samples[i] ?? 0) ** 2;
  return sum / count;
}
const decibels = (power: number): number => 10 * Math.log10(power + 1e-12);

function loudestFrame(samples: Float32Array): number {
  let loudest = -120;
  for (let from = 0; from < samples.length; from += FRAME_SAMPLES)
    loudest = Math.max(loudest, decibels(energy(samples, from, FRAME_SAMPLES)));
  return loudest;
}

/** Box-filtered and thinned: good enough to find a delay by. */
function decimate(samples: Float32Array): Float32Array {
  const thin = new Float32Array(Math.floor(samples.length / COARSE));
  for (let i = 0; i < thin.length; i++)
    for (let n = 0; n < COARSE; n++) thin[i]! += samples[i * COARSE + n]! / COARSE;
  return thin;
}

function delayOf(
  said: Float32Array,
  heard: Float32Array,
  coarseSaid: Float32Array,
  coarseHeard: Float32Array,
  piece: number,
  before: number | undefined,
): number {
  let best = 0;
  let fit = Number.NEGATIVE_INFINITY;
  for (let lag = 0; lag <= MAX_DELAY_SAMPLES / COARSE; lag++) {
    const stays = before !== undefined && Math.abs(lag * COARSE - before) <= COARSE;
    const here =
      correlation(coarseSaid, coarseHeard, Math.round(piece / COARSE), lag, PIECE_SAMPLES / COARSE) +
      (stays ? STAY_BONUS : 0);
    if (here > fit) [best, fit] = [lag * COARSE, here];
  }
  let fine = best;
  fit = Number.NEGATIVE_INFINITY;
  for (let lag = Math.max(0, best - COARSE); lag <= best + COARSE; lag++) {
    const here = correlation(said, heard, piece, lag, PIECE_SAMPLES);
    if (here > fit) [fine, fit] = [lag, here];
  }
  return fine;
}

/** Normalised, −1 to 1. */
function correlation(
  said: Float32Array,
  heard: Float32Array,
  at: number,
  lag: number,
  count: number,
): number {
  let product = 0;
  let power = 1e-9;
  for (let i = at; i < at + count; i++) {
    const sample = heard[i + lag] ?? 0;
    product += said[i]! * sample;
    power += sample * sample;
  }
  return product / Math.sqrt(power * (energy(said, at, count) * count + 1e-9));
}

/** The level at which the piece was played: a volume is no distortion. Bounded, so that silence stays a fault. */
function fittingGain(said: Float32Array, heard: Float32Array, piece: number, delay: number): number {
  let product = 0;
  for (let i = piece; i < piece + PIECE_SAMPLES; i++) product += said[i]! * (heard[i + delay] ?? 0);
  const gain = product / (energy(heard, piece + delay, PIECE_SAMPLES) * PIECE_SAMPLES + 1e-9);
  return Math.min(2, Math.max(0.5, gain));
}

function snrDb(said: Float32Array, heard: Float32Array, at: number, heardAt: number, gain: number): number {
  let error = 0;
  for (let i = 0; i < FRAME_SAMPLES; i++) error += (said[at + i]! - gain * (heard[heardAt + i] ?? 0)) ** 2;
  const snr = decibels(energy(said, at, FRAME_SAMPLES)) - decibels(error / FRAME_SAMPLES);
  return Math.min(SNR_RANGE_DB[1], Math.max(SNR_RANGE_DB[0], snr));
}

function spectralDistanceDb(
  said: Float32Array,
  heard: Float32Array,
  at: number,
  heardAt: number,
  gain: number,
): number {
  const a = logSpectrum(said, at, 1);
  const b = logSpectrum(heard, heardAt, gain);
  const floor = Math.max(...a) - SPECTRAL_FLOOR_DB;
  let sum = 0;
  for (let bin = 0; bin < a.length; bin++) sum += (Math.max(floor, a[bin]!) - Math.max(floor, b[bin]!)) ** 2;
  return Math.sqrt(sum / a.length);
}

/** Power in dB of each bin within the band, Hann window over one frame. */
function logSpectrum(samples: Float32Array, at: number, gain: number): number[] {
  const re = new Float64Array(FFT_SIZE);
  const im = new Float64Array(FFT_SIZE);
  for (let i = 0; i < FRAME_SAMPLES; i++)
    re[i] = gain * (samples[at + i] ?? 0) * (0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / FRAME_SAMPLES));
  fft(re, im);
  const first = Math.ceil((BAND_HZ[0] * FFT_SIZE) / RATE_HZ);
  const last = Math.floor((BAND_HZ[1] * FFT_SIZE) / RATE_HZ);
  const spectrum: number[] = [];
  for (let bin = first; bin <= last; bin++) spectrum.push(decibels(re[bin]! ** 2 + im[bin]! ** 2));
  return spectrum;
}

/** In place, radix 2 (Cooley & Tukey 1965). */
function fft(re: Float64Array, im: Float64Array): void {
  const size = re.length;
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [re[i], re[j]] = [re[j]!, re[i]!];
      [im[i], im[j]] = [im[j]!, im[i]!];
    }
  }
  for (let length = 2; length <= size; length <<= 1) {
    const angle = (-2 * Math.PI) / length;
    for (let start = 0; start < size; start += length)
      for (let k = 0; k < length / 2; k++) {
        const [c, s] = [Math.cos(angle * k), Math.sin(angle * k)];
        const upper = start + k;
        const lower = upper + length / 2;
        const x = re[lower]! * c - im[lower]! * s;
        const y = re[lower]! * s + im[lower]! * c;
        re[lower] = re[upper]! - x;
        im[lower] = im[upper]! - y;
        re[upper]! += x;
        im[upper]! += y;
      }
  }
}
