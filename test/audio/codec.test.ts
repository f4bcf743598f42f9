import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { loadOpus, type Opus } from '../../src/audio/codec.js';
import { loadSharedOpus } from '../../src/audio/opus-global.js';
import { hasFec } from '../../src/audio/opus-packet.js';
import { synthesizeVoice } from '../../src/audio/test-voice.js';
import { FRAME, rms, shareAt, sine } from './support.js';

describe('codec', () => {
  let opus: Opus;
  before(async () => {
    opus = await loadOpus();
  });

  test('frames of 10 and 20 ms go through at about the bitrate asked for', () => {
    for (const frameSamples of [480, 960]) {
      const encoder = opus.createEncoder({ bitrate: 32_000, frameSamples });
      const decoder = opus.createDecoder();
      const voice = synthesizeVoice(1, 5, 48_000);
      const out = new Float32Array(frameSamples);
      let bytes = 0;
      for (let at = 0; at + frameSamples <= voice.length; at += frameSamples) {
        const frame = encoder.encode(voice.subarray(at, at + frameSamples));
        assert.ok(frame.length > 0);
        bytes += frame.length;
        assert.equal(decoder.decode(frame.slice(), out), frameSamples);
      }
      const bitrate = (bytes * 8) / 5;
      assert.ok(bitrate > 14_000 && bitrate < 34_000, `${bitrate} bit/s`);
      encoder.setBitrate(12_000);
      encoder.free();
      decoder.free();
    }
  });

  test('several encoders and decoders share the memory without disturbing each other', () => {
    const tones = [300, 500, 700, 900];
    const encoders = tones.map(() => opus.createEncoder({ bitrate: 32_000, frameSamples: FRAME }));
    const decoders = tones.map(() => opus.createDecoder());
    const heard = tones.map(() => new Float32Array(FRAME * 50));
    for (let n = 0; n < 50; n++) {
      const frames = tones.map((tone, i) => encoders[i]?.encode(sine(tone, FRAME, n * FRAME)).slice());
      frames.forEach((frame, i) =>
        decoders[i]?.decode(frame as Uint8Array, (heard[i] as Float32Array).subarray(n * FRAME)),
      );
    }
    tones.forEach((tone, i) =>
      assert.ok(shareAt((heard[i] as Float32Array).subarray(FRAME * 20), tone) > 0.98),
    );
    for (const part of [...encoders, ...decoders]) part.free();
  });

  test('a wrong number of samples, a freed encoder or decoder: nothing, no throw', () => {
    const encoder = opus.createEncoder({ bitrate: 32_000, frameSamples: FRAME });
    assert.equal(encoder.encode(new Float32Array(100)).length, 0);
    encoder.free();
    encoder.free();
    assert.equal(encoder.encode(new Float32Array(FRAME)).length, 0);
    const decoder = opus.createDecoder();
    decoder.free();
    assert.equal(decoder.conceal(new Float32Array(FRAME)), -1);
  });

  test('a bitrate out of range is the caller’s mistake', () => {
    const encoder = opus.createEncoder({ bitrate: 32_000, frameSamples: FRAME });
    assert.throws(() => encoder.setBitrate(-5), RangeError);
    encoder.free();
  });

  test('any bytes: −1 or samples within the buffer, never a throw, and the decoder goes on', () => {
    const decoder = opus.createDecoder();
    const encoder = opus.createEncoder({ bitrate: 32_000, frameSamples: FRAME });
    const out = new Float32Array(2880);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (bytes, fec) => {
        const written = fec ? decoder.decodeFec(bytes, out, FRAME) : decoder.decode(bytes, out);
        assert.ok(written === -1 || (written > 0 && written <= out.length));
        hasFec(bytes);
      }),
      { numRuns: 2000 },
    );
    assert.equal(decoder.decode(new Uint8Array(0), out), -1);
    assert.equal(decoder.decode(new Uint8Array(501), out), -1);
    let written = 0;
    for (let n = 0; n < 20; n++)
      written = decoder.decode(encoder.encode(sine(440, FRAME, n * FRAME)).slice(), out);
    assert.equal(written, FRAME);
    assert.ok(shareAt(out.subarray(0, FRAME), 440) > 0.9);
  });

  test('concealment continues and dies away; odd durations are refused', () => {
    const encoder = opus.createEncoder({ bitrate: 32_000, frameSamples: FRAME });
    const decoder = opus.createDecoder();
    const out = new Float32Array(FRAME);
    for (let n = 0; n < 20; n++) decoder.decode(encoder.encode(sine(220, FRAME, n * FRAME)).slice(), out);
    assert.equal(decoder.conceal(out), FRAME);
    const first = rms(out);
    assert.ok(first > 0.05);
    for (let n = 0; n < 20; n++) decoder.conceal(out, 480);
    assert.ok(rms(out.subarray(0, 480)) < first / 3);
    assert.equal(decoder.conceal(out, 100), -1);
    assert.equal(decoder.conceal(out, 1920), -1);
  });

  test('redundancy is recognised in the frames that carry it, and makes a better frame than concealment', () => {
    const voice = synthesizeVoice(2, 6, 48_000);
    const encoder = opus.createEncoder({ bitrate: 32_000, frameSamples: FRAME });
    encoder.setFec(true);
    const without: Uint8Array[] = [];
    for (let at = 0; at + FRAME <= voice.length; at += FRAME)
      without.push(encoder.encode(voice.subarray(at, at + FRAME)).slice());
    assert.ok(
      without.every((frame) => !hasFec(frame)),
      'no loss to prepare for, no bits spent',
    );
    encoder.setPacketLossPercent(10);
    const frames: Uint8Array[] = [];
    for (let at = 0; at + FRAME <= voice.length; at += FRAME)
      frames.push(encoder.encode(voice.subarray(at, at + FRAME)).slice());
    assert.ok(frames.filter(hasFec).length > frames.length / 3);

    const errorOf = (rebuild: 'fec' | 'conceal') => {
      const whole = opus.createDecoder();
      const lossy = opus.createDecoder();
      const expected = new Float32Array(FRAME);
      const got = new Float32Array(FRAME);
      let error = 0;
      let power = 0;
      frames.forEach((frame, n) => {
        whole.decode(frame, expected);
        const next = frames[n + 1];
        if (n % 8 !== 4 || !next || !hasFec(next)) {
          lossy.decode(frame, got);
          return;
        }
        if (rebuild === 'fec') lossy.decodeFec(next, got);
        else lossy.conceal(got);
        for (let i = 0; i < FRAME; i++) {
          error += ((expected[i] as number) - (got[i] as number)) ** 2;
          power += (expected[i] as number) ** 2;
        }
      });
      return 10 * Math.log10(power / error);
    };
    const [fecDb, concealDb] = [errorOf('fec'), errorOf('conceal')];
    assert.ok(fecDb > concealDb + 3, `FEC ${fecDb.toFixed(1)} dB, concealment ${concealDb.toFixed(1)} dB`);
  });

  test('without the codec’s file there is a clear error; with it, one codec', async () => {
    globalThis.p2pVoiceRoomOpus = undefined;
    await assert.rejects(loadSharedOpus(), /codec script/);
    globalThis.p2pVoiceRoomOpus = { loadOpus };
    assert.equal(await loadSharedOpus(), opus);
  });
});
