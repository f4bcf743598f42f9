/** The small pieces of signal processing: resampler, time stretching, made-up voice. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Resampler } from '../../src/audio/resampler.js';
import { synthesizeVoice } from '../../src/audio/test-voice.js';
import { compress, expand } from '../../src/audio/time-stretch.js';
import { FRAME, largestStep, rms, seeded, shareAt, sine } from './support.js';

function resampled(input: Float32Array, fromHz: number, toHz: number, chunk = 128): Float32Array {
  const resampler = new Resampler(fromHz, toHz, chunk);
  const output = new Float32Array(Math.ceil((input.length * toHz) / fromHz) + chunk);
  const part = new Float32Array(Math.ceil((chunk * toHz) / fromHz) + 2);
  let written = 0;
  for (let at = 0; at + chunk <= input.length; at += chunk) {
    const made = resampler.process(input.subarray(at, at + chunk), chunk, part);
    output.set(part.subarray(0, made), written);
    written += made;
  }
  return output.subarray(0, written);
}

describe('resampler', () => {
  const rates = [
    [44_100, 48_000],
    [48_000, 44_100],
    [16_000, 48_000],
    [48_000, 16_000],
    [96_000, 48_000],
  ] as const;

  for (const [fromHz, toHz] of rates) {
    test(`${fromHz} → ${toHz} Hz keeps frequency, level and length`, () => {
      for (const frequencyHz of [200, 1000, 5000]) {
        const output = resampled(sine(frequencyHz, fromHz, 0, 0.5, fromHz), fromHz, toHz);
        const expected = (Math.floor(fromHz / 128) * 128 * toHz) / fromHz;
        assert.ok(Math.abs(output.length - expected) < 30, `${output.length} samples of ${expected}`);
        const steady = output.subarray(toHz / 10, toHz - (toHz % 10) - toHz / 10);
        assert.ok(
          shareAt(steady, frequencyHz, toHz) > 0.9999,
          `${frequencyHz} Hz: ${shareAt(steady, frequencyHz, toHz)}`,
        );
        assert.ok(Math.abs(rms(steady) * Math.SQRT2 - 0.5) < 0.01);
      }
    });
  }

  test('what the lower rate cannot carry does not come back as an alias', () => {
    const output = resampled(sine(10_000, 48_000, 0, 0.5), 48_000, 16_000);
    assert.ok(
      rms(output.subarray(1600)) < 0.5 * 0.001,
      `${20 * Math.log10(rms(output.subarray(1600)) / 0.35)} dB`,
    );
  });

  test('pulls exactly what it needs, at any rates and portions', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 8000, max: 96_000 }),
        fc.array(fc.integer({ min: 1, max: 512 }), { maxLength: 50 }),
        (rate, portions) => {
          const resampler = new Resampler(48_000, rate, 4096);
          const input = new Float32Array(4096);
          const output = new Float32Array(512);
          for (const portion of portions) {
            const needed = resampler.inputNeeded(portion);
            assert.equal(resampler.process(input, needed, output, portion), portion);
          }
        },
      ),
      // Steps added one by one end below the whole number that their product is.
      { examples: [[8008, [507, 147, 348]]] },
    );
  });
});

describe('time stretching', () => {
  for (const frequencyHz of [110, 220, 440, 1000]) {
    test(`a ${frequencyHz} Hz voice gets shorter and longer without a click`, () => {
      for (const change of [compress, expand]) {
        const block = new Float32Array(FRAME + 480);
        block.set(sine(frequencyHz, FRAME));
        const length = change(block, FRAME, 400, 'voice');
        assert.ok(change === compress ? length < FRAME : length > FRAME);
        assert.ok(Math.abs(length - FRAME) >= 120 && Math.abs(length - FRAME) <= 480);
        const own = largestStep(sine(frequencyHz, FRAME));
        assert.ok(largestStep(block.subarray(0, length)) < 1.3 * own);
        assert.ok(Math.abs(block[0] as number) < 0.001, 'goes on from what was before');
        assert.ok(shareAt(block.subarray(0, length), frequencyHz) > 0.9);
      }
    });
  }

  test('one period of a voice is changed at a time, not several', () => {
    const samples = sine(300, FRAME);
    const block = new Float32Array(FRAME + 480);
    block.set(samples);
    assert.equal(compress(block, FRAME, 240, 'voice'), FRAME - 160);
    block.set(samples);
    assert.equal(expand(block, FRAME, 240, 'voice'), FRAME + 160);
  });

  test('silence may be cut anywhere, noise only when it is urgent, short frames stay within themselves', () => {
    assert.equal(compress(new Float32Array(FRAME), FRAME, 100, 'quiet'), FRAME - 100);
    assert.equal(expand(new Float32Array(FRAME + 480), FRAME, 700, 'quiet'), FRAME + 480);
    const random = seeded(4);
    const noise = Float32Array.from({ length: FRAME }, () => random() - 0.5);
    assert.equal(compress(noise.slice(), FRAME, 400, 'voice'), FRAME);
    const short = sine(400, 480);
    const length = compress(short, 480, 400, 'voice');
    assert.ok(length < 480 && length >= 240);
    assert.equal(compress(new Float32Array(200), 200, 100, 'urgent'), 200);
    const spoken = sine(220, FRAME);
    assert.equal(compress(spoken, FRAME, 400, 'quiet'), FRAME);
  });
});

describe('made-up voice', () => {
  test('the same for the same seed, another for another, with sound and pauses', () => {
    const voice = synthesizeVoice(1, 6, 24_000);
    assert.deepEqual(voice, synthesizeVoice(1, 6, 24_000));
    assert.notDeepEqual(voice, synthesizeVoice(2, 6, 24_000));
    const levels = Array.from({ length: 300 }, (_, n) => rms(voice.subarray(n * 480, (n + 1) * 480)));
    assert.ok(levels.filter((level) => level > 0.02).length > 100);
    assert.ok(levels.filter((level) => level < 0.001).length > 40);
    assert.ok(voice.every((sample) => Math.abs(sample) <= 0.5));
  });
});
