/** The instruments of the voice benchmarks measure what they say. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { clickTrack, findClicks } from '../../bench/support/voice/click-track.js';
import { samplesToText, textToSamples } from '../../bench/support/voice/page/samples.js';
import { scoreSpeech } from '../../bench/support/voice/speech-score.js';
import { synthesizeVoice } from '../../src/audio/test-voice.js';

const RATE_HZ = 48_000;

/** What was heard of a signal that comes `delay` samples late. */
function delayed(samples: Float32Array, delay: number): Float32Array {
  const heard = new Float32Array(samples.length);
  heard.set(samples.subarray(0, samples.length - delay), delay);
  return heard;
}

describe('clicks', () => {
  const track = clickTrack(12, 500);

  test('are found to the sample, also when late by more than the pause between two', () => {
    for (const delay of [0, 1234, 24_321]) {
      const { delaysMs, clicksLost } = findClicks(track, delayed(track.samples, delay));
      const expected = delay / (RATE_HZ / 1000);
      const inTime = delaysMs.slice(0, 10);
      assert.ok(
        inTime.every((ms) => Math.abs(ms - expected) < 0.03),
        `${inTime.join(' ')} instead of ${expected}`,
      );
      assert.ok(clicksLost <= 2, `${clicksLost} of 12 lost, where the recording ends before at most two`);
    }
  });

  test('that are swallowed are counted, and the gap in the tone with them', () => {
    const heard = delayed(track.samples, 960);
    const at = track.clicksAt[5]! + 960;
    heard.fill(0, at - 960, at + 1440);
    const { clicksLost, gapsMs } = findClicks(track, heard);
    assert.equal(clicksLost, 1);
    assert.equal(gapsMs.length, 1);
    assert.ok(Math.abs(gapsMs[0]! - 50) <= 10, `${gapsMs[0]} ms instead of 50`);
  });
});

describe('the speech score', () => {
  const said = synthesizeVoice(3, 6, RATE_HZ);

  test('finds no fault in a voice that is only late and soft', () => {
    const heard = delayed(said, 3333).map((sample) => sample * 0.7);
    const score = scoreSpeech(said, heard, 0);
    assert.ok(score.segmentalSnrDb > 34, `${score.segmentalSnrDb} dB`);
    assert.ok(score.logSpectralDistanceDb < 0.1, `${score.logSpectralDistanceDb} dB`);
    assert.ok(Math.abs(score.medianDelayMs - 3333 / 48) < 0.03);
    assert.ok(score.frames > 50);
  });

  test('follows a voice whose delay changes in a pause', () => {
    const half = said.length / 2;
    const heard = delayed(said, 2400);
    heard.set(said.subarray(half - 4800, said.length - 4800), half);
    const score = scoreSpeech(said, heard, 0);
    assert.ok(score.segmentalSnrDb > 30, `${score.segmentalSnrDb} dB`);
  });

  test('gets worse with every frame that is missing', () => {
    const scores = [0, 20, 5].map((every) => {
      const heard = delayed(said, 2400);
      for (let frame = 0; every > 0 && frame * 960 < heard.length; frame += every)
        heard.fill(0, frame * 960, (frame + 1) * 960);
      return scoreSpeech(said, heard, 0);
    });
    const [whole, few, many] = scores as [(typeof scores)[0], (typeof scores)[0], (typeof scores)[0]];
    assert.ok(
      whole.segmentalSnrDb > few.segmentalSnrDb + 0.5 && few.segmentalSnrDb > many.segmentalSnrDb + 0.5,
    );
    assert.ok(
      whole.logSpectralDistanceDb < few.logSpectralDistanceDb &&
        few.logSpectralDistanceDb < many.logSpectralDistanceDb,
    );
  });
});

test('samples survive the way into the page', () => {
  const samples = Float32Array.from({ length: 100_000 }, (_, i) => Math.sin(i / 7));
  const back = textToSamples(samplesToText(samples));
  assert.equal(back.length, samples.length);
  assert.ok(back.every((sample, i) => Math.abs(sample - samples[i]!) < 1 / 32_000));
});
