import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ACTIVITY_DEFAULTS } from '../../src/audio/config.js';
import { synthesizeVoice } from '../../src/audio/test-voice.js';
import { SILENCE_DBFS, VoiceActivityDetector, levelOf } from '../../src/audio/voice-activity.js';
import { FRAME, rms, seeded, sine } from './support.js';

/** Pink-ish room noise at about `dbfs`. */
function noise(seconds: number, dbfs: number, seed = 1): Float32Array {
  const random = seeded(seed);
  const samples = new Float32Array(seconds * 48_000);
  let smooth = 0;
  for (let i = 0; i < samples.length; i++) {
    smooth = 0.7 * smooth + 0.3 * (random() * 2 - 1);
    samples[i] = smooth;
  }
  const scale = 10 ** (dbfs / 20) / rms(samples);
  return samples.map((sample) => sample * scale);
}

function judgements(sound: Float32Array, detector = new VoiceActivityDetector(20)) {
  const list: { active: boolean; last: boolean; levelDbfs: number }[] = [];
  for (let at = 0; at + FRAME <= sound.length; at += FRAME) {
    list.push({ ...detector.judge(sound.subarray(at, at + FRAME)) });
  }
  return list;
}

const mixed = (...sounds: Float32Array[]) =>
  Float32Array.from({ length: sounds[0]?.length ?? 0 }, (_, i) =>
    sounds.reduce((sum, sound) => sum + (sound[i] ?? 0), 0),
  );

describe('voice activity', () => {
  test('levels: silence −127, a full-scale sine −3, never above 0', () => {
    assert.equal(levelOf(new Float32Array(FRAME)), SILENCE_DBFS);
    assert.ok(Math.abs(levelOf(sine(1000, FRAME, 0, 1)) + 3.01) < 0.1);
    assert.equal(levelOf(new Float32Array(FRAME).fill(9)), 0);
    assert.equal(levelOf(new Float32Array(FRAME).fill(Number.NaN)), SILENCE_DBFS);
  });

  test('a tone opens on its first frame, holds 300 ms after its last, and says which frame is the last', () => {
    const sound = new Float32Array(48_000 * 2);
    sound.set(sine(300, FRAME * 10, 0, 0.1), FRAME * 20);
    const list = judgements(sound);
    assert.equal(
      list.findIndex(({ active }) => active),
      20,
    );
    assert.equal(
      list.findLastIndex(({ active }) => active),
      20 + 10 + 14,
    );
    assert.deepEqual(
      list.flatMap(({ last }, index) => (last ? [index] : [])),
      [44],
    );
  });

  test('speech resumed during the hangover is one spurt', () => {
    const sound = new Float32Array(48_000 * 2);
    sound.set(sine(300, FRAME * 5, 0, 0.1), FRAME * 20);
    sound.set(sine(300, FRAME * 5, 0, 0.1), FRAME * 35);
    const list = judgements(sound);
    assert.equal(list.filter(({ last }) => last).length, 1);
    assert.ok(list.slice(20, 55).every(({ active }) => active));
  });

  test('a quiet room stays closed at any common noise level', () => {
    for (const dbfs of [-90, -70, -60, -50, -45]) {
      const list = judgements(noise(20, dbfs));
      const open = list.slice(150).filter(({ active }) => active).length;
      assert.equal(open, 0, `${dbfs} dBFS: ${open} of ${list.length} frames open`);
    }
  });

  test('noise that begins suddenly is closed within the window and the hangover', () => {
    const sound = new Float32Array(48_000 * 10);
    sound.set(noise(8, -52), 48_000 * 2);
    const list = judgements(sound);
    const lastOpen = list.findLastIndex(({ active }) => active);
    const limit = 100 + (ACTIVITY_DEFAULTS.floorWindowMs + ACTIVITY_DEFAULTS.hangoverMs) / 20 + 15;
    assert.ok(lastOpen < limit, `open until frame ${lastOpen}`);
  });

  test('speech over noise opens within 40 ms of every syllable after a pause', () => {
    const voice = synthesizeVoice(5, 10, 48_000).map((sample) => sample * 0.3);
    const clean = judgements(voice);
    const noisy = judgements(mixed(voice, noise(10, -55)));
    let missed = 0;
    clean.forEach(({ levelDbfs }, index) => {
      if (levelDbfs > -38 && index > 100 && !noisy[index]?.active) missed += 1;
    });
    assert.equal(missed, 0);
    assert.ok(
      noisy.some(({ active }, index) => index > 100 && !active),
      'the pauses are closed',
    );
  });

  test('no first syllable is clipped: what is sent begins before anything is heard of it', () => {
    const prerollFrames = ACTIVITY_DEFAULTS.prerollMs / 20;
    for (const gain of [0.1, 0.3, 1]) {
      let onsets = 0;
      for (let seed = 1; seed <= 5; seed++) {
        const voice = synthesizeVoice(seed, 10, 48_000).map((sample) => sample * gain);
        const list = judgements(mixed(voice, noise(10, -62, seed)));
        // The clean voice, 5 ms at a time: heard from 35 dB below the loudest on.
        const levels = Array.from({ length: 2000 }, (_, n) =>
          levelOf(voice.subarray(n * 240, (n + 1) * 240)),
        );
        const audible = Math.max(...levels) - 35;
        levels.forEach((level, n) => {
          const before = levels.slice(Math.max(0, n - 100), n);
          if (n < 400 || level < audible || before.some((earlier) => earlier >= audible)) return;
          onsets += 1;
          const opened = list.findIndex(
            ({ active }, frame) => active && frame >= Math.floor(n / 4) - prerollFrames,
          );
          assert.ok(
            opened - prerollFrames <= Math.floor(n / 4),
            `voice ${seed} at ${gain}, ${n * 5} ms: from ${opened * 20} ms`,
          );
        });
      }
      assert.ok(onsets >= 3, `${onsets} onsets after half a second of silence`);
    }
  });

  test('a fan that swells and fades keeps no room open', () => {
    const hum = noise(60, -55, 9).map(
      (sample, i) => sample * 10 ** ((3 * Math.sin((2 * Math.PI * i) / 48_000 / 1.7)) / 20),
    );
    const list = judgements(Float32Array.from(hum));
    const open = list.slice(150).filter(({ active }) => active).length;
    assert.equal(open, 0, `${open} of ${list.length} frames open`);
  });

  test('a loud steady sound is not taken for noise, however long', () => {
    const list = judgements(sine(440, 48_000 * 10, 0, 0.1));
    assert.ok(list.every(({ active }) => active));
  });

  test('off is always open, a threshold opens above itself', () => {
    const detector = new VoiceActivityDetector(20);
    detector.mode = 'off';
    assert.ok(judgements(new Float32Array(48_000), detector).every(({ active, last }) => active && !last));
    detector.mode = -30;
    assert.ok(judgements(sine(440, 48_000, 0, 0.03), detector).every(({ active }) => !active));
    assert.ok(judgements(sine(440, 48_000, 0, 0.06), detector).every(({ active }) => active));
  });
});
