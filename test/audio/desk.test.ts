/** The listener's desk: tone, levelling, gain, pan and limiter, on sound whose answer is known. */

import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import fc from 'fast-check';
import { loadOpus, type Opus } from '../../src/audio/codec.js';
import { Desk } from '../../src/audio/desk.js';
import { LEVELLER_DEFAULTS, Leveller } from '../../src/audio/leveller.js';
import { LIMITER_CEILING, Limiter } from '../../src/audio/limiter.js';
import { PlayoutHub } from '../../src/audio/playout-hub.js';
import { synthesizeVoice } from '../../src/audio/test-voice.js';
import { FLAT_TONE, MAX_TONE_DB, ToneFilter, type Tone } from '../../src/audio/tone-filter.js';
import { VoiceEncoder } from '../../src/audio/voice-encoder.js';
import { DEFAULT_DESK, VoiceStrip, type SpeakerDesk } from '../../src/audio/voice-strip.js';
import type { Handle } from '../../src/units.js';
import { FRAME, largestStep, rms, seeded, shareAt, sine } from './support.js';

const QUANTUM = 128;
const SECOND = 48_000;

const dbOf = (ratio: number): number => 20 * Math.log10(ratio);

/** Calls `step` for each quantum of some samples. */
function byQuantum(samples: Float32Array, step: (quantum: Float32Array) => void): Float32Array {
  for (let at = 0; at + QUANTUM <= samples.length; at += QUANTUM) step(samples.subarray(at, at + QUANTUM));
  return samples;
}

describe('tone', () => {
  /** dB by which a steady tone changes. */
  const responseDb = (tone: Tone, frequencyHz: number): number => {
    const filter = new ToneFilter();
    filter.setTone(tone);
    const sound = byQuantum(sine(frequencyHz, SECOND), (quantum) => filter.process(quantum, QUANTUM));
    return dbOf(rms(sound.subarray(SECOND / 2)) / rms(sine(frequencyHz, SECOND).subarray(SECOND / 2)));
  };

  for (const [tone, hz, expectedDb] of [
    [{ ...FLAT_TONE, lowDb: 12 }, 50, 12],
    [{ ...FLAT_TONE, lowDb: 12 }, 5000, 0],
    [{ ...FLAT_TONE, lowDb: -12 }, 50, -12],
    [{ ...FLAT_TONE, midDb: 9 }, 1400, 9],
    [{ ...FLAT_TONE, midDb: 9 }, 60, 0],
    [{ ...FLAT_TONE, highDb: -6 }, 12_000, -6],
    [{ ...FLAT_TONE, highDb: -6 }, 300, 0],
    [{ lowDb: 6, midDb: 6, highDb: 6 }, 1400, 6],
  ] as const) {
    test(`${JSON.stringify(tone)} makes ${hz} Hz ${expectedDb} dB louder`, () => {
      const db = responseDb(tone, hz);
      assert.ok(Math.abs(db - expectedDb) < 1.2, `${db} dB`);
    });
  }

  test('flat is bit for bit as sent, also after it was not flat, and values out of range are held', () => {
    const filter = new ToneFilter();
    const sent = sine(700, 4 * QUANTUM);
    const flat = byQuantum(sent.slice(), (quantum) => filter.process(quantum, QUANTUM));
    assert.deepEqual(flat, sent);
    filter.setTone({ lowDb: 99, midDb: Number.NaN, highDb: -99 });
    const loud = byQuantum(sine(50, SECOND), (quantum) => filter.process(quantum, QUANTUM));
    const change = dbOf(rms(loud.subarray(SECOND / 2)) / rms(sine(50, SECOND).subarray(SECOND / 2)));
    assert.ok(Math.abs(change - MAX_TONE_DB) < 1);
    filter.setTone(FLAT_TONE);
    byQuantum(new Float32Array(SECOND), (quantum) => filter.process(quantum, QUANTUM));
    assert.deepEqual(
      byQuantum(sent.slice(), (quantum) => filter.process(quantum, QUANTUM)),
      sent,
    );
  });

  test('a slider thrown from end to end does not click', () => {
    const filter = new ToneFilter();
    let n = 0;
    const sound = byQuantum(sine(200, SECOND), (quantum) => {
      if (n++ % 40 === 0) filter.setTone({ lowDb: n % 80 === 1 ? 12 : -12, midDb: 0, highDb: 0 });
      filter.process(quantum, QUANTUM);
    });
    assert.ok(largestStep(sound) < 4 * 1.3 * largestStep(sine(200, SECOND)), `${largestStep(sound)}`);
  });
});

describe('levelling', () => {
  /** A made-up voice at a level: `loudness` in dB relative to its peak of −6 dBFS. */
  const voice = (seconds: number, db: number, seed = 1): Float32Array =>
    synthesizeVoice(seed, seconds, SECOND).map((sample) => sample * 10 ** (db / 20));

  const listen = (leveller: Leveller, samples: Float32Array): void => {
    byQuantum(samples, (quantum) => leveller.listen(quantum, QUANTUM));
  };

  test('measures a full-scale 997 Hz sine as −3.01 LUFS, as BS.1770 has it', () => {
    const leveller = new Leveller();
    listen(leveller, sine(997, 5 * SECOND, 0, 1));
    assert.ok(Math.abs(leveller.loudnessLufs + 3.01) < 0.05, `${leveller.loudnessLufs} LUFS`);
  });

  test('brings loud and quiet people within 1 dB of each other and of the target in 8 s of speech', () => {
    for (const db of [-12, -6, 0, 6]) {
      const leveller = new Leveller();
      listen(leveller, voice(12, db));
      const result = leveller.loudnessLufs + leveller.changeDb;
      const wanted = LEVELLER_DEFAULTS.targetLufs;
      assert.ok(Math.abs(result - wanted) < 1, `${db} dB ends at ${result} LUFS`);
    }
  });

  test('never by more than its bound, and not at all for noise, hum or silence', () => {
    const faint = new Leveller();
    listen(faint, voice(12, -26));
    assert.equal(faint.changeDb, LEVELLER_DEFAULTS.maxChangeDb);
    const random = seeded(7);
    const noise = Float32Array.from({ length: 5 * SECOND }, () => (random() - 0.5) * 0.002);
    for (const sound of [noise, new Float32Array(SECOND), sine(50, 5 * SECOND, 0, 0.004)]) {
      const leveller = new Leveller();
      listen(leveller, sound);
      assert.equal(leveller.changeDb, 0);
    }
  });

  test('pauses between words change nothing', () => {
    const leveller = new Leveller();
    listen(leveller, voice(12, -8));
    const before = leveller.changeDb;
    const random = seeded(3);
    listen(
      leveller,
      Float32Array.from({ length: 20 * SECOND }, () => (random() - 0.5) * 0.002),
    );
    assert.equal(leveller.changeDb, before);
  });

  test('moves slowly: no faster than its rates, so a sentence keeps its dynamics', () => {
    const leveller = new Leveller();
    let last = 0;
    listen(leveller, voice(12, 6));
    last = leveller.changeDb;
    byQuantum(voice(12, -14, 2), (quantum) => {
      leveller.listen(quantum, QUANTUM);
      const moved = leveller.changeDb - last;
      last = leveller.changeDb;
      assert.ok(moved <= LEVELLER_DEFAULTS.riseDbPerSecond / 10 + 1e-9);
      assert.ok(moved >= -LEVELLER_DEFAULTS.fallDbPerSecond / 10 - 1e-9);
    });
  });

  test('follows somebody who moves far away from the microphone, although all of it is below the gate at first', () => {
    const leveller = new Leveller();
    listen(leveller, voice(12, 6));
    assert.ok(leveller.changeDb < -5);
    for (let n = 0; n < 3; n++) listen(leveller, voice(12, -12, n));
    assert.ok(Math.abs(leveller.loudnessLufs + leveller.changeDb - LEVELLER_DEFAULTS.targetLufs) < 1.5);
  });
});

describe('limiter', () => {
  test('no sample of anything exceeds the ceiling', () => {
    const sample = fc.oneof(
      fc.double({ min: -64, max: 64, noNaN: true }),
      fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -1e30, 0),
    );
    fc.assert(
      fc.property(fc.array(sample, { minLength: 1, maxLength: 600 }), (samples) => {
        const limiter = new Limiter();
        const left = Float32Array.from(samples);
        const right = Float32Array.from(samples, (value) => -value / 2);
        limiter.process(left, right, left.length);
        assert.ok([...left, ...right].every((value) => Math.abs(value) <= LIMITER_CEILING + 1e-6));
      }),
    );
  });

  test('ordinary sound passes bit for bit; a loud tone stays a tone; quiet follows loud unharmed', () => {
    const limiter = new Limiter();
    const ordinary = sine(440, SECOND, 0, 0.8);
    const left = ordinary.slice();
    limiter.process(left, ordinary.slice(), left.length);
    assert.deepEqual(left, ordinary);

    const loud = sine(440, SECOND, 0, 6);
    limiter.process(loud, loud.slice(), loud.length);
    const steady = loud.subarray(SECOND / 10);
    // A curve that bends each sample alone makes nearly a square wave of it, with 0.81 of its power in the tone.
    assert.ok(shareAt(steady, 440) > 0.999, `${shareAt(steady, 440)}`);
    assert.ok(Math.abs(rms(steady) * Math.SQRT2 - LIMITER_CEILING) < 0.03);

    const quiet = sine(440, 2 * SECOND, 0, 0.1);
    limiter.process(quiet, quiet.slice(), quiet.length);
    assert.ok(Math.abs(rms(quiet.subarray(SECOND)) * Math.SQRT2 - 0.1) < 0.001);
  });

  test('both ears are turned down alike, so nobody wanders', () => {
    const limiter = new Limiter();
    const left = sine(440, SECOND, 0, 4);
    const right = sine(440, SECOND, 0, 1);
    limiter.process(left, right, SECOND);
    assert.ok(Math.abs(rms(left) / rms(right) - 4) < 0.001);
  });
});

describe('strip', () => {
  const heard = (desk: Partial<SpeakerDesk>, frequencyHz = 600): { left: number; right: number } => {
    const strip = new VoiceStrip();
    strip.set({ ...DEFAULT_DESK, ...desk });
    const left = new Float32Array(SECOND);
    const right = new Float32Array(SECOND);
    const voice = sine(frequencyHz, SECOND);
    for (let at = 0; at + QUANTUM <= SECOND; at += QUANTUM)
      strip.mix(
        voice.subarray(at, at + QUANTUM),
        QUANTUM,
        left.subarray(at, at + QUANTUM),
        right.subarray(at, at + QUANTUM),
      );
    const asSent = rms(sine(frequencyHz, SECOND));
    return { left: rms(left) / asSent, right: rms(right) / asSent };
  };

  for (const [desk, left, right] of [
    [{}, 1, 1],
    [{ gain: 0.5 }, 0.5, 0.5],
    [{ gain: 4 }, 4, 4],
    [{ gain: 9 }, 4, 4],
    [{ gain: Number.NaN }, 1, 1],
    [{ pan: -1 }, Math.SQRT2, 0],
    [{ pan: 1 }, 0, Math.SQRT2],
    [{ pan: -0.5 }, Math.SQRT2 * Math.cos(Math.PI / 8), Math.SQRT2 * Math.sin(Math.PI / 8)],
  ] as const) {
    test(`${JSON.stringify(desk)} is heard ${left.toFixed(2)} left, ${right.toFixed(2)} right`, () => {
      const ears = heard(desk);
      assert.ok(
        Math.abs(ears.left - left) < 0.01 && Math.abs(ears.right - right) < 0.01,
        JSON.stringify(ears),
      );
    });
  }

  test('a slider thrown from end to end does not click', () => {
    const strip = new VoiceStrip();
    const left = new Float32Array(SECOND);
    const voice = sine(200, SECOND, 0, 0.2);
    for (let at = 0, n = 0; at + QUANTUM <= SECOND; at += QUANTUM, n++) {
      if (n % 30 === 0) strip.set({ ...DEFAULT_DESK, gain: n % 60 === 0 ? 4 : 0 });
      strip.mix(
        voice.subarray(at, at + QUANTUM),
        QUANTUM,
        left.subarray(at, at + QUANTUM),
        new Float32Array(QUANTUM),
      );
    }
    // A step of full height would be 0.8; the loudest sine itself steps 0.021.
    assert.ok(largestStep(left) < 0.05, `${largestStep(left)}`);
  });
});

describe('desk', () => {
  let opus: Opus;
  before(async () => {
    opus = await loadOpus();
  });

  /** A desk with people who hum for as long as they are asked to. */
  class Stage {
    readonly hub = new PlayoutHub(() => undefined);
    readonly desk: Desk;
    readonly left: number[] = [];
    readonly right: number[] = [];
    readonly #encoders: VoiceEncoder[] = [];
    #nowSamples = 0;
    #frames = 0;

    constructor(
      readonly tonesHz: readonly number[],
      rateHz = SECOND,
      readonly amplitude = 0.3,
    ) {
      this.hub.setOpus(opus);
      this.desk = new Desk(this.hub, rateHz);
      tonesHz.forEach((_, index) => {
        const source = index as Handle;
        const encoder = new VoiceEncoder({
          opus,
          bitrate: 32_000,
          frameSamples: FRAME,
          source,
          streamEpoch: 1,
        });
        encoder.setVoiceActivation('off');
        this.#encoders.push(encoder);
        this.set(index, {});
      });
    }

    set(index: number, desk: Partial<SpeakerDesk>): void {
      this.desk.setSpeaker(index as Handle, { ...DEFAULT_DESK, ...desk }, this.#nowSamples);
    }

    /** Runs for 20 ms at a time; `speaking` hum meanwhile. @returns most strips that were run in one quantum */
    run(ms: number, speaking: readonly number[]): number {
      let most = 0;
      for (let frames = 0; frames < ms / 20; frames++) {
        for (const index of speaking) {
          const samples = sine(this.tonesHz[index] as number, FRAME, this.#frames * FRAME, this.amplitude);
          for (const packet of this.#encoders[index]?.push(samples, this.#frames * FRAME) ?? [])
            this.hub.receive({ type: 'frame', ...packet, previousFrame: undefined }, this.#nowSamples);
        }
        this.#frames += 1;
        while (this.#nowSamples < this.#frames * FRAME) {
          const left = new Float32Array(QUANTUM);
          const right = new Float32Array(QUANTUM);
          this.desk.process(left, right, this.#nowSamples);
          this.left.push(...left);
          this.right.push(...right);
          this.#nowSamples += QUANTUM;
          most = Math.max(most, this.desk.stripsRun);
        }
      }
      return most;
    }

    /** The last `ms` of one ear. */
    last(ms: number, ear: 'left' | 'right' = 'left'): Float32Array {
      return Float32Array.from(this[ear].slice(-ms * 48));
    }

    /** @returns amplitude of a tone in the last 300 ms */
    amplitudeOf(index: number): number {
      const sound = this.last(300);
      return Math.sqrt(2 * shareAt(sound, this.tonesHz[index] as number)) * rms(sound);
    }

    close(): void {
      for (const encoder of this.#encoders) encoder.free();
      this.desk.close();
      this.hub.close();
    }
  }

  test('silent, blocked, deafened and turned-down people run no strip; whoever speaks runs one', () => {
    const stage = new Stage([400, 700, 1100, 1700]);
    assert.equal(stage.run(200, []), 0, 'nobody has spoken');
    assert.equal(stage.run(600, [0]), 1);
    assert.equal(stage.run(600, [0, 2]), 2);
    stage.run(400, []);
    assert.equal(stage.run(200, []), 0, 'all have ended');
    assert.equal(rms(stage.last(200)), 0);

    stage.set(1, { gain: 0 });
    assert.equal(stage.run(600, [1]), 0, 'turned down to nothing');
    stage.set(1, { audible: false });
    assert.equal(stage.run(600, [1]), 0, 'somebody else is solo');
    stage.set(1, {});
    assert.equal(stage.run(600, [1]), 1, 'heard again');
    stage.run(400, []);
    stage.hub.receive({ type: 'deafen', deafened: true }, 0);
    assert.equal(stage.run(600, [0, 1]), 0, 'deafened');
    stage.close();
  });

  test('a voice that was silent comes back whole: its first frame is heard, and nothing clicks', () => {
    const stage = new Stage([400]);
    stage.run(600, [0]);
    stage.run(600, []);
    const silentSamples = stage.left.length;
    assert.equal(stage.run(20, []), 0);
    const heardBefore = stage.left.length;
    stage.run(600, [0]);
    const sound = Float32Array.from(stage.left.slice(silentSamples));
    const onset = stage.left.slice(heardBefore).findIndex((sample) => Math.abs(sample) > 0.02);
    // The frame was handed over at its start; what is left is the jitter buffer's delay and its 5 ms fade-in.
    assert.ok(onset >= 0 && onset < 60 * 48, `heard after ${onset / 48} ms`);
    assert.ok(largestStep(sound) < 1.5 * largestStep(sine(400, FRAME)), `${largestStep(sound)}`);
    stage.close();
  });

  test('solo: only they are heard; the others come back', () => {
    const stage = new Stage([400, 700]);
    stage.run(800, [0, 1]);
    assert.ok(stage.amplitudeOf(0) > 0.2 && stage.amplitudeOf(1) > 0.2);
    stage.set(1, { audible: false });
    stage.run(800, [0, 1]);
    assert.ok(stage.amplitudeOf(0) > 0.2 && stage.amplitudeOf(1) < 0.001);
    stage.set(1, {});
    stage.run(800, [0, 1]);
    assert.ok(stage.amplitudeOf(1) > 0.2);
    stage.close();
  });

  for (const rateHz of [48_000, 44_100]) {
    test(`four voices at 400 % and 400 % volume never reach full scale at ${rateHz} Hz`, () => {
      const stage = new Stage([400, 700, 1100, 1700], rateHz, 0.9);
      for (let index = 0; index < 4; index++) stage.set(index, { gain: 4 });
      stage.desk.setMaster(4, false);
      assert.equal(stage.run(2000, [0, 1, 2, 3]), 4);
      const peak = [...stage.left, ...stage.right].reduce(
        (most, sample) => Math.max(most, Math.abs(sample)),
        0,
      );
      assert.ok(peak <= LIMITER_CEILING + 1e-6, `peak ${peak}`);
      assert.ok(rms(stage.last(500)) > 0.2, 'and are loud');
      stage.close();
    });
  }

  test('volume is everybody’s, and levelling evens out two voices 12 dB apart', () => {
    const loud = new Stage([400], SECOND, 0.4);
    loud.run(800, [0]);
    const asSent = loud.amplitudeOf(0);
    loud.desk.setMaster(0.5, false);
    loud.run(800, [0]);
    assert.ok(Math.abs(loud.amplitudeOf(0) / asSent - 0.5) < 0.05);
    loud.close();

    const levels = [0.4, 0.1].map((amplitude) => {
      const stage = new Stage([400], SECOND, amplitude);
      stage.desk.setMaster(1, true);
      stage.run(8000, [0]);
      const level = stage.amplitudeOf(0);
      stage.close();
      return level;
    }) as [number, number];
    assert.ok(Math.abs(dbOf(levels[0] / levels[1])) < 1, `${dbOf(levels[0] / levels[1])} dB apart`);
  });
});
