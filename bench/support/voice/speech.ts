/** Speech to score: espeak-ng's where it is installed, else the package's own made-up voice. Nothing is stored. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { synthesizeVoice } from '../../../src/audio/test-voice.js';
import { RATE_HZ } from './click-track.js';

const run = promisify(execFile);

/** The first two lists of the Harvard sentences (IEEE 1969), which speech is tested with everywhere. */
const SENTENCES = `The birch canoe slid on the smooth planks. Glue the sheet to the dark blue background.
It's easy to tell the depth of a well. These days a chicken leg is a rare dish.
Rice is often served in round bowls. The juice of lemons makes fine punch.
The box was thrown beside the parked truck. The hogs were fed chopped corn and garbage.
Four hours of steady work faced us. A large size in stockings is hard to sell.
The boy was there when the sun rose. A rod is used to catch pink salmon.
The source of the huge river is the clear spring. Kick the ball straight and follow through.
Help the woman get back to her feet. A pot of tea helps to pass the evening.`;

export interface Speech {
  readonly samples: Float32Array;
  readonly maker: 'espeak-ng' | 'synthetic';
}

/** Loudest sample, as a close microphone gives it. */
const PEAK = 0.5;

export async function makeSpeech(seconds: number): Promise<Speech> {
  const spoken = await espeak();
  const maker = spoken ? 'espeak-ng' : 'synthetic';
  const made = spoken ?? synthesizeVoice(7, seconds, RATE_HZ);
  const samples = new Float32Array(Math.round(seconds * RATE_HZ));
  const peak = made.reduce((loudest, sample) => Math.max(loudest, Math.abs(sample)), 0);
  for (let i = 0; i < samples.length; i++) samples[i] = (PEAK * made[i % made.length]!) / peak;
  return { samples, maker };
}

/** @returns undefined where espeak-ng is not installed */
async function espeak(): Promise<Float32Array | undefined> {
  try {
    const { stdout } = await run('espeak-ng', ['--stdout', '-s', '150', SENTENCES], {
      encoding: 'buffer',
      maxBuffer: 64e6,
    });
    return fromWav(stdout);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Samples of a mono 16-bit WAV file of the usual 44-byte header, at 48 kHz. */
function fromWav(file: Buffer): Float32Array {
  const rateHz = file.readUInt32LE(24);
  const given = new Float32Array(Math.floor((file.length - 44) / 2));
  for (let i = 0; i < given.length; i++) given[i] = file.readInt16LE(44 + 2 * i) / 32_768;
  return resample(given, rateHz, RATE_HZ);
}

/** By a Hann-windowed sinc of 32 taps, upwards only. */
function resample(samples: Float32Array, fromHz: number, toHz: number): Float32Array {
  const taps = 16;
  const out = new Float32Array(Math.floor((samples.length * toHz) / fromHz));
  for (let i = 0; i < out.length; i++) {
    const at = (i * fromHz) / toHz;
    const middle = Math.floor(at);
    let sum = 0;
    for (let n = middle - taps + 1; n <= middle + taps; n++) {
      const x = at - n;
      const sinc = x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
      sum += (samples[n] ?? 0) * sinc * (0.5 + 0.5 * Math.cos((Math.PI * x) / taps));
    }
    out[i] = sum;
  }
  return out;
}
