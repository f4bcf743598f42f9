/** The whole path without a browser: samples → packets → bytes → jitter buffer → libopus → samples. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import { loadOpus, type Opus } from '../../src/audio/codec.js';
import { hasFec } from '../../src/audio/opus-packet.js';
import { SpeakerPlayout } from '../../src/audio/speaker-playout.js';
import { synthesizeVoice } from '../../src/audio/test-voice.js';
import { VoiceEncoder } from '../../src/audio/voice-encoder.js';
import type { Handle } from '../../src/units.js';
import { decodeVoicePacket, encodeVoicePacket, type VoicePacket } from '../../src/wire/voice-packet.js';
import { FRAME, largestStep, rms, shareAt, sine } from './support.js';

const QUANTUM = 128;
let opus: Opus;
before(async () => {
  opus = await loadOpus();
});

const newEncoder = () =>
  new VoiceEncoder({ opus, bitrate: 32_000, frameSamples: FRAME, source: 7 as Handle, streamEpoch: 1 });

/** Pushes sound through encoder and wire; returns the packets with the sample time at which each was ready. */
function packetsOf(
  encoder: VoiceEncoder,
  sound: Float32Array,
  frameSamples = FRAME,
): { packet: VoicePacket; readyAt: number }[] {
  const made: { packet: VoicePacket; readyAt: number }[] = [];
  for (let at = 0; at + frameSamples <= sound.length; at += frameSamples) {
    for (const packet of encoder.push(sound.subarray(at, at + frameSamples), at)) {
      const arrived = decodeVoicePacket(encodeVoicePacket(packet));
      assert.ok(arrived, 'every packet survives the wire');
      made.push({ packet: arrived, readyAt: at + frameSamples });
    }
  }
  return made;
}

/** Plays packets that arrive `delayOf` samples after they were ready (undefined = lost). */
function listen(
  made: readonly { packet: VoicePacket; readyAt: number }[],
  samples: number,
  delayOf: (index: number) => number | undefined,
): { sound: Float32Array; speaker: SpeakerPlayout } {
  const speaker = new SpeakerPlayout();
  speaker.setDecoder(opus.createDecoder());
  const arrivals = made
    .map(({ packet, readyAt }, index) => ({ packet, at: readyAt + (delayOf(index) ?? Number.NaN) }))
    .filter(({ at }) => !Number.isNaN(at))
    .sort((a, b) => a.at - b.at);
  const sound = new Float32Array(samples);
  const quantum = new Float32Array(QUANTUM);
  let next = 0;
  for (let now = 0; now + QUANTUM <= samples; now += QUANTUM) {
    for (; next < arrivals.length && (arrivals[next]?.at ?? 0) <= now; next++) {
      const { packet } = arrivals[next] as (typeof arrivals)[number];
      speaker.push({ ...packet, previousFrame: packet.previousFrame }, now);
    }
    speaker.pull(quantum, QUANTUM, now);
    sound.set(quantum, now);
  }
  return { sound, speaker };
}

describe('voice path', () => {
  test('a tone comes out as that tone, at its level, without clicks', () => {
    const encoder = newEncoder();
    encoder.setVoiceActivation('off');
    const made = packetsOf(encoder, sine(440, 48_000 * 3));
    assert.equal(made.length, 150);
    const { sound, speaker } = listen(made, 48_000 * 3, () => 480);
    const steady = sound.subarray(48_000, 48_000 * 2.5);
    assert.ok(shareAt(steady, 440) > 0.98, `440 Hz carries ${shareAt(steady, 440)} of the power`);
    assert.ok(Math.abs(rms(steady) / (0.3 / Math.SQRT2) - 1) < 0.1);
    assert.ok(largestStep(sound) < 0.03, `largest step ${largestStep(sound)}`);
    const { framesLost, framesConcealed, framesDuplicate } = speaker.buffer.counters;
    assert.deepEqual(
      { framesLost, framesConcealed, framesDuplicate },
      { framesLost: 0, framesConcealed: 0, framesDuplicate: 0 },
    );
  });

  test('silence sends nothing, an onset sends its pre-roll, the last packet says so', () => {
    const encoder = newEncoder();
    const sound = new Float32Array(48_000 * 3);
    sound.set(sine(300, 48_000), 48_000);
    const made = packetsOf(encoder, sound);
    const first = made[0]?.packet;
    const last = made.at(-1)?.packet;
    assert.equal(first?.sampleTime, 48_000 - 3 * FRAME);
    assert.equal(made.length, 3 + 50 + 15);
    assert.equal(last?.endOfSpurt, true);
    assert.equal(made.filter(({ packet }) => packet.endOfSpurt).length, 1);
    assert.deepEqual(
      made.map(({ packet }) => packet.sequence),
      made.map((_, index) => index),
    );
    assert.equal(encoder.speaking, false);
    assert.ok(last && last.level > 100);
  });

  test('muting ends the spurt with a silent frame and sends nothing more', () => {
    const encoder = newEncoder();
    const before = packetsOf(encoder, sine(300, FRAME * 10));
    assert.ok(before.length > 0 && encoder.speaking);
    encoder.setMuted(true);
    const after = packetsOf(encoder, sine(300, FRAME * 10));
    assert.equal(after.length, 1);
    assert.equal(after[0]?.packet.endOfSpurt, true);
    assert.equal(after[0]?.packet.level, 127);
    assert.equal(encoder.speaking, false);
    assert.equal(encoder.speakingWhileMuted, true);
    const heard = opus.createDecoder();
    const out = new Float32Array(FRAME);
    for (const { packet } of [...before, ...after]) assert.equal(heard.decode(packet.frame, out), FRAME);
    assert.ok(rms(out.subarray(480)) < 0.02, 'the closing frame carries no voice');
    encoder.setMuted(false);
    assert.ok(packetsOf(encoder, sine(300, FRAME * 2)).length > 0);
  });

  test('a voice nobody hears is not encoded; who comes hears it from its pre-roll, who goes last ends it', () => {
    const encoder = newEncoder();
    const voice = sine(440, FRAME * 20);
    const push = (frame: number, heard: boolean) =>
      encoder.push(voice.subarray(frame * FRAME, (frame + 1) * FRAME), frame * FRAME, heard);
    for (let frame = 0; frame < 8; frame++) assert.deepEqual(push(frame, false), []);
    assert.ok(encoder.speaking, 'the own voice is seen all the same');
    const first = push(8, true);
    assert.deepEqual(
      first.map(({ sequence, sampleTime }) => [sequence, sampleTime / FRAME]),
      [
        [0, 5],
        [1, 6],
        [2, 7],
        [3, 8],
      ],
    );
    assert.deepEqual(
      push(9, true).map(({ sequence, endOfSpurt }) => [sequence, endOfSpurt]),
      [[4, false]],
    );
    assert.deepEqual(
      push(10, false).map(({ endOfSpurt }) => endOfSpurt),
      [true],
    );
    assert.deepEqual(push(11, false), []);
  });

  test('with FEC and the next packet there, a lost speech frame is rebuilt', () => {
    const encoder = newEncoder();
    encoder.setVoiceActivation('off');
    for (let n = 0; n < 10; n++) encoder.adapt(() => [{ residualLoss: 0.05, queueMs: 0 }]);
    assert.equal(encoder.plan.lossPercent, 5);
    const voice = synthesizeVoice(3, 6, 48_000);
    const made = packetsOf(encoder, voice);
    const isLost = (index: number) =>
      index % 10 === 5 && hasFec(made[index + 1]?.packet.frame ?? new Uint8Array());
    const lost = made.filter((_, index) => isLost(index)).length;
    assert.ok(lost > 10);
    const whole = listen(made, 48_000 * 6, () => 480).sound;
    const { sound, speaker } = listen(made, 48_000 * 6, (index) => (isLost(index) ? undefined : 480));
    const { framesLost, framesRecovered, framesConcealed } = speaker.buffer.counters;
    assert.deepEqual(
      { framesLost, framesRecovered, framesConcealed },
      { framesLost: lost, framesRecovered: lost, framesConcealed: 0 },
    );
    assert.ok(largestStep(sound) < 1.5 * largestStep(whole), 'no click at the seams');
  });

  test('a frame that is no Opus is concealed and counted, and what follows is heard', () => {
    const made = packetsOf(newEncoder(), sine(440, FRAME * 60));
    const bad = made.map(({ packet, readyAt }, i) => ({
      // RFC 6716, section 3.2.5: code 3 without the byte that counts the frames.
      packet: i === 30 ? { ...packet, frame: Uint8Array.of(3) } : packet,
      readyAt,
    }));
    const concealed = (packets: typeof made) =>
      listen(packets, FRAME * 70, () => 480).speaker.buffer.counters.framesConcealed;
    assert.equal(concealed(bad), concealed(made) + 1);
    assert.ok(shareAt(listen(bad, FRAME * 70, () => 480).sound.subarray(FRAME * 40, FRAME * 55), 440) > 0.97);
  });

  test('frames of 10 ms come out as well, and sooner', () => {
    const sound = sine(440, 48_000 * 3);
    const delays = [960, 480].map((frameSamples) => {
      const encoder = new VoiceEncoder({
        opus,
        bitrate: 32_000,
        frameSamples,
        source: 7 as Handle,
        streamEpoch: 1,
      });
      encoder.setVoiceActivation('off');
      const made = packetsOf(encoder, sound, frameSamples);
      const heard = listen(made, 48_000 * 3, () => 480);
      assert.ok(shareAt(heard.sound.subarray(48_000, 48_000 * 2.5), 440) > 0.97);
      assert.ok(largestStep(heard.sound) < 0.03, `largest step ${largestStep(heard.sound)}`);
      const { framesLost, framesConcealed } = heard.speaker.buffer.counters;
      assert.deepEqual({ framesLost, framesConcealed }, { framesLost: 0, framesConcealed: 0 });
      return frameSamples / 48 + heard.speaker.buffer.playoutDelayMs;
    });
    assert.ok((delays[0] as number) - (delays[1] as number) > 8, `${delays[0]} and ${delays[1]} ms`);
  });

  test('the bitrate gives way while the worst link queues', () => {
    const encoder = newEncoder();
    encoder.setVoiceActivation('off');
    const voice = synthesizeVoice(3, 4, 48_000);
    const bytesOf = (sound: Float32Array) =>
      packetsOf(encoder, sound).reduce((sum, { packet }) => sum + packet.frame.length, 0);
    const before = bytesOf(voice);
    for (let n = 0; n < 100; n++) encoder.adapt(() => [{ residualLoss: 0, queueMs: 200 }]);
    assert.ok(bytesOf(voice) < 0.5 * before);
    for (let n = 0; n < 400; n++) encoder.adapt(() => [{ residualLoss: 0, queueMs: 0 }]);
    assert.ok(bytesOf(voice) > 0.95 * before);
  });

  test('the previous frame carried along replaces the lost one exactly', () => {
    const encoder = newEncoder();
    encoder.setVoiceActivation('off');
    const made = packetsOf(encoder, sine(330, 48_000 * 3)).map(({ packet, readyAt }, index, all) => {
      const previousFrame = all[index - 1]?.packet.frame;
      return { packet: previousFrame ? { ...packet, previousFrame } : packet, readyAt };
    });
    const whole = listen(made, 48_000 * 3, () => 480).sound;
    const { sound, speaker } = listen(made, 48_000 * 3, (index) => (index % 7 === 3 ? undefined : 480));
    const { framesLost, framesRecovered } = speaker.buffer.counters;
    assert.ok(framesLost >= 20);
    assert.equal(framesRecovered, framesLost);
    // Delays may differ by the time left for the next frame, so compare what is heard, not when.
    assert.ok(shareAt(sound.subarray(48_000, 120_000), 330) > 0.97);
    assert.ok(largestStep(sound) < 1.5 * largestStep(whole));
  });

  test('a stall is concealed, faded, and caught up within 200 ms', () => {
    const encoder = newEncoder();
    encoder.setVoiceActivation('off');
    const made = packetsOf(encoder, sine(440, 48_000 * 5));
    // Everything due between 2.0 and 2.5 s arrives at 2.5 s.
    const { sound, speaker } = listen(made, 48_000 * 5, (index) => {
      const readyAt = (made[index]?.readyAt ?? 0) + 480;
      return 480 + (readyAt > 96_000 && readyAt < 120_000 ? 120_000 - readyAt : 0);
    });
    assert.ok(largestStep(sound) < 0.06, `largest step ${largestStep(sound)}`);
    const delay = speaker.buffer.playoutDelayMs;
    const target = speaker.buffer.targetDelayMs;
    assert.ok(delay < target + 15, `delay ${delay} ms, wanted ${target} ms`);
    const gaps: number[] = [];
    speaker.buffer.takeGaps((gapMs) => gaps.push(gapMs));
    assert.equal(gaps.length, 1);
    assert.ok(Math.abs((gaps[0] ?? 0) - 470) < 30, `gap of ${gaps[0]} ms`);
    assert.ok(rms(sound.subarray(48_000 * 2.6, 48_000 * 3)) > 0.15, 'sound is back');
  });
});
