import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { PLAYOUT_DEFAULTS } from '../../src/audio/config.js';
import { JITTER_SLOTS, JitterBuffer } from '../../src/audio/jitter-buffer.js';
import { FRAME, frameOf } from './support.js';
import { MS, playTrace, sentAtMs, spurt, wifiDelay, type Arrival, type Played } from './traces.js';

const indices = (played: readonly Played[]) =>
  played.filter(({ kind }) => kind === 'play').map(({ index }) => index);
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
const concealed = (played: readonly Played[]) => played.filter(({ kind }) => kind === 'conceal');

describe('jitter buffer', () => {
  test('starts 40 ms after the first packet and then plays every frame in order', () => {
    const { played, buffer } = playTrace(
      spurt(100, () => 30),
      3000,
    );
    assert.deepEqual(indices(played), upTo(100));
    assert.ok(Math.abs((played[0]?.atMs ?? 0) - (sentAtMs(0) + 30 + 40)) < 6);
    assert.equal(concealed(played.slice(0, 100)).length, 0);
    assert.equal(buffer.counters.framesLost, 0);
  });

  test('steady arrivals bring the delay down to the minimum without a gap', () => {
    const { played, delaysMs, gapsMs } = playTrace(
      spurt(700, () => 30),
      14_500,
    );
    assert.deepEqual(indices(played), upTo(700));
    const settled = delaysMs.filter(({ atMs }) => atMs > 10_000);
    assert.ok(
      settled.every(({ delayMs }) => delayMs <= 20),
      `${settled[0]?.delayMs} ms after 10 s`,
    );
    assert.equal(gapsMs.length, 0);
  });

  test('puts reordered packets in order', () => {
    const { played, buffer } = playTrace(
      spurt(200, (index) => (index % 3 === 0 ? 50 : 30)),
      5000,
    );
    assert.deepEqual(indices(played), upTo(200));
    assert.equal(buffer.counters.framesLost, 0);
  });

  test('the first packet to arrive need not be the first sent', () => {
    const { played } = playTrace(
      spurt(50, (index) => (index === 0 ? 55 : 30)),
      2000,
    );
    assert.deepEqual(indices(played), upTo(50));
  });

  test('duplicates are played once and counted', () => {
    const once = spurt(100, () => 30);
    const twice = once.map(({ atMs, frame }) => ({ atMs: atMs + 15, frame }));
    const late = once.map(({ atMs, frame }) => ({ atMs: atMs + 300, frame }));
    const { played, buffer } = playTrace([...once, ...twice, ...late], 3000);
    assert.deepEqual(indices(played), upTo(100));
    assert.equal(buffer.counters.framesDuplicate, 200);
    assert.equal(buffer.counters.framesLate, 0);
  });

  test('a lost frame is concealed for exactly its duration when nothing can rebuild it', () => {
    const { played, buffer, gapsMs } = playTrace(
      spurt(100, (index) => (index === 50 ? undefined : 30)),
      3000,
    );
    assert.deepEqual(
      indices(played),
      upTo(100).filter((index) => index !== 50),
    );
    const during = concealed(played).filter(({ atMs }) => atMs < sentAtMs(60));
    assert.equal(
      during.reduce((sum, { samples }) => sum + samples, 0),
      FRAME,
    );
    assert.equal(buffer.counters.framesLost, 1);
    assert.equal(buffer.counters.framesConcealed, 1);
    assert.deepEqual(gapsMs, []);
  });

  test('of a burst of losses the last is rebuilt from the copy carried along, the rest is concealed and a gap', () => {
    const arrivals = spurt(100, (index) => (index >= 50 && index < 53 ? undefined : 30)).map(
      ({ atMs, frame }) => ({
        atMs,
        frame: { ...frame, previousFrame: frameOf(frame.sequence - 1).frame },
      }),
    );
    const { played, buffer, gapsMs } = playTrace(arrivals, 3000);
    const copy = played.find(({ kind }) => kind === 'play-copy');
    assert.equal(copy?.index, 52);
    assert.equal(buffer.counters.framesLost, 3);
    assert.equal(buffer.counters.framesRecovered, 1);
    assert.equal(buffer.counters.framesConcealed, 2);
    assert.equal(gapsMs.length, 1);
    assert.ok(Math.abs((gapsMs[0] ?? 0) - 40) < 3, `${gapsMs[0]}`);
  });

  test('silence after the end of a spurt is not concealed, and the next spurt is due by its clock', () => {
    const first = spurt(50, () => 30);
    const arrivals = [
      ...first.slice(0, -1),
      { ...(first[49] as Arrival), frame: frameOf(49, { endOfSpurt: true }) },
      ...upTo(50).map((n) => ({
        atMs: 2000 + sentAtMs(n) + 30,
        frame: frameOf(50 + n, { sampleTime: 2000 * MS + n * FRAME }),
      })),
    ];
    const { played, buffer, gapsMs } = playTrace(arrivals, 3200);
    assert.deepEqual(indices(played), upTo(100));
    assert.equal(concealed(played.filter(({ atMs }) => atMs < 2500)).length, 0);
    assert.equal(buffer.counters.framesLost, 0);
    assert.deepEqual(gapsMs, []);
  });

  test('a lost end of a spurt fades within the allowance and is no gap', () => {
    const arrivals = [
      ...spurt(50, () => 30),
      ...upTo(20).map((n) => ({
        atMs: 2000 + sentAtMs(n) + 30,
        frame: frameOf(51 + n, { sampleTime: 2000 * MS + n * FRAME, endOfSpurt: n === 19 }),
      })),
    ];
    const { played, buffer, gapsMs } = playTrace(arrivals, 3000);
    assert.equal(indices(played).length, 70);
    assert.equal(
      concealed(played).reduce((sum, { samples }) => sum + samples, 0),
      PLAYOUT_DEFAULTS.maxConcealMs * MS,
    );
    assert.equal(buffer.counters.framesLost, 1);
    assert.deepEqual(gapsMs, []);
  });

  test('a sender that pauses without saying so is not concealed for long either', () => {
    const arrivals = [
      ...spurt(50, () => 30),
      ...upTo(20).map((n) => ({
        atMs: 2000 + sentAtMs(n) + 30,
        frame: frameOf(50 + n, { sampleTime: 2000 * MS + n * FRAME }),
      })),
    ];
    const { played } = playTrace(arrivals, 2520);
    assert.deepEqual(indices(played), upTo(70));
    assert.ok(concealed(played.filter(({ atMs }) => atMs < 2200)).length <= 10);
  });

  test('pre-roll, sent in one go, is heard whole and its delay is worked off', () => {
    // Two spurts of 2 s; each opens with four frames at once, as an onset does.
    const withPreroll = (first: number, startMs: number) =>
      upTo(100).map((n) => ({
        atMs: startMs + Math.max(sentAtMs(n), sentAtMs(3)) + 30,
        frame: frameOf(first + n, { sampleTime: startMs * MS + n * FRAME, endOfSpurt: n === 99 }),
      }));
    const arrivals = [withPreroll(0, 0), withPreroll(100, 4000), withPreroll(200, 8000)].flat();
    const { played, delaysMs, buffer } = playTrace(arrivals, 12_000);
    assert.deepEqual(indices(played), upTo(300));
    assert.equal(buffer.counters.framesLost, 0);
    const third = delaysMs.filter(({ atMs }) => atMs > 8000);
    assert.ok((third[0]?.delayMs ?? 0) >= 55, 'the head is played, late');
    assert.ok((third.at(25)?.delayMs ?? 99) < 35, `${third.at(25)?.delayMs} ms after half a second`);
  });

  test('a slower parent is followed at once, a faster one without a gap', () => {
    const { played, gapsMs, delaysMs } = playTrace(
      spurt(1500, (index) => (index >= 500 && index < 1000 ? 110 : 30)),
      31_000,
    );
    const spoken = played.filter(({ atMs }) => atMs < sentAtMs(1490));
    // Nothing is lost on the way up; on the way down 80 ms are skipped or compressed.
    const heard = new Set(indices(played));
    for (let index = 0; index < 990; index++) assert.ok(heard.has(index), `frame ${index} is heard`);
    assert.ok(1500 - heard.size <= 5, `${1500 - heard.size} frames skipped`);
    assert.ok(
      concealed(spoken).reduce((sum, { samples }) => sum + samples, 0) <= 120 * MS,
      'the jump up is bridged once, and at most a frame on the way down',
    );
    assert.ok(gapsMs.every((gapMs) => gapMs <= 100) && gapsMs.length <= 1);
    const shortlyAfter = delaysMs.find(({ atMs }) => atMs > sentAtMs(1000) + 30 + 300);
    assert.ok(
      (shortlyAfter?.delayMs ?? 99) < 40,
      `${shortlyAfter?.delayMs} ms, 300 ms after the faster parent`,
    );
    const before = delaysMs.filter(({ atMs }) => atMs > 18_000 && atMs < 20_000);
    assert.ok(
      before.every(({ delayMs }) => delayMs < 40),
      'a constant delay is no jitter',
    );
  });

  test('after a stall the delay is back within 200 ms', () => {
    for (const stallMs of [60, 100, 200, 500, 1500]) {
      const endMs = sentAtMs(300) + stallMs;
      const { delaysMs, played } = playTrace(
        spurt(600, (index) => (index >= 300 ? Math.max(30, endMs - sentAtMs(index) + 30) : 30)),
        12_500,
      );
      const settled = delaysMs.find(({ atMs }) => atMs > endMs + 30 + 200);
      assert.ok((settled?.delayMs ?? 999) < 45, `${stallMs} ms stall: ${settled?.delayMs} ms after 200 ms`);
      const after = played.filter(({ atMs }) => atMs > endMs + 50 && atMs < sentAtMs(595));
      assert.equal(concealed(after).length, 0, `${stallMs} ms stall`);
    }
  });

  test('sequence and sample time wrap', () => {
    const start = 0x1_0000_0000 - 50;
    const arrivals = upTo(100).map((n) => ({
      atMs: sentAtMs(n) + 30,
      frame: frameOf(n, {
        sequence: (start + n) >>> 0,
        sampleTime: (0x1_0000_0000 - 50 * FRAME + n * FRAME) >>> 0,
      }),
    }));
    const { played, buffer } = playTrace(arrivals, 2100);
    assert.deepEqual(indices(played), upTo(100));
    assert.equal(buffer.counters.framesLost, 0);
  });

  test('a new stream takes over; what is left of the old one is dropped', () => {
    const old = spurt(50, () => 30);
    const fresh = upTo(50).map((n) => ({
      atMs: 1020 + sentAtMs(n),
      frame: frameOf(1000 + n, { streamEpoch: 2, sequence: n, sampleTime: 123_456 + n * FRAME }),
    }));
    const stragglers = old.slice(40).map(({ frame }) => ({ atMs: 1200, frame }));
    const { played, buffer } = playTrace([...old, ...fresh, ...stragglers], 2500);
    assert.deepEqual(
      indices(played).slice(-50),
      upTo(50).map((n) => 1000 + n),
    );
    assert.equal(buffer.counters.framesStray, 10);
  });

  test('a packet from nowhere is dropped; three in a row are a stream that started anew', () => {
    const arrivals = spurt(100, () => 30);
    const nowhere = { atMs: 500, frame: frameOf(9, { sequence: 5_000_000 }) };
    const alone = playTrace([...arrivals, nowhere], 2500);
    assert.deepEqual(indices(alone.played), upTo(100));
    assert.equal(alone.buffer.counters.framesStray, 1);
    const anew = upTo(50).map((n) => ({
      atMs: 2500 + sentAtMs(n),
      frame: frameOf(200 + n, { sequence: (4_000_000_000 + n) >>> 0 }),
    }));
    const { played } = playTrace([...arrivals, ...anew], 4500);
    assert.deepEqual(
      indices(played).slice(-47),
      upTo(47).map((n) => 203 + n),
    );
  });

  test('after a long absence (a block lifted) the voice is taken up where it is', () => {
    const arrivals = spurt(2000, (index) => (index >= 50 && index < 1500 ? undefined : 30));
    const { played, buffer } = playTrace(arrivals, 41_000);
    assert.deepEqual(indices(played), [...upTo(50), ...upTo(500).map((n) => 1500 + n)]);
    assert.ok(buffer.counters.framesLost <= 1);
  });

  test('long-tailed jitter: at least 97 % in time, at a delay below 60 ms', () => {
    const { played, delaysMs } = playTrace(spurt(3000, wifiDelay), 61_000);
    const settled = delaysMs.filter(({ atMs }) => atMs > 10_000);
    const mean = settled.reduce((sum, { delayMs }) => sum + delayMs, 0) / settled.length;
    const hidden = concealed(played.filter(({ atMs }) => atMs < 60_000)).reduce(
      (sum, { samples }) => sum + samples,
      0,
    );
    assert.ok(mean < 60, `mean delay ${mean} ms`);
    assert.ok(hidden / (3000 * FRAME) < 0.03, `${(100 * hidden) / (3000 * FRAME)} % concealed`);
  });

  test('clocks 200 ppm apart for an hour: the delay does not drift, nothing is lost or concealed', () => {
    for (const drift of [1.0002, 0.9998]) {
      const count = 180_000;
      const arrivals = spurt(count, () => 30).map(({ atMs, frame }) => ({ atMs: atMs * drift, frame }));
      const { delaysMs, played, buffer } = playTrace(arrivals, 3_600_000 * drift);
      const settled = delaysMs.filter(({ atMs }) => atMs > 10_000);
      const longest = settled.reduce((most, { delayMs }) => Math.max(most, delayMs), 0);
      assert.ok(longest < 30, `${longest} ms`);
      assert.equal(buffer.counters.framesLost, 0);
      const during = concealed(played.filter(({ atMs }) => atMs < sentAtMs(count - 5) * drift));
      assert.equal(during.length, 0, `${during.length} × 10 ms concealed`);
    }
  });

  test('clearing silences at once and playing goes on with the next packet', () => {
    const buffer = new JitterBuffer(PLAYOUT_DEFAULTS);
    for (let n = 0; n < 5; n++) buffer.push(frameOf(n), n * FRAME);
    assert.equal(buffer.next(5 * FRAME).kind, 'play');
    buffer.clear();
    assert.ok(buffer.isIdle);
    assert.equal(buffer.next(6 * FRAME).kind, 'silence');
    assert.ok(buffer.push(frameOf(5), 6 * FRAME));
    assert.equal(buffer.next(10 * FRAME).kind, 'play');
  });

  test('any packets in any order: no throw, no frame twice, never more than the slots hold', () => {
    const anyFrame = fc.record({
      atMs: fc.integer({ min: 0, max: 3000 }),
      sequence: fc.oneof(fc.integer({ min: 0, max: 150 }), fc.nat(0xffffffff)),
      sampleTime: fc.option(fc.nat(0xffffffff), { nil: undefined }),
      streamEpoch: fc.integer({ min: 1, max: 2 }),
      frameSamples: fc.constantFrom(480, 960, 1920, 2880),
      endOfSpurt: fc.boolean(),
      copy: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(anyFrame, { maxLength: 200 }), (frames) => {
        const arrivals = frames.map(({ atMs, copy, sequence, sampleTime, ...rest }, n) => ({
          atMs,
          frame: frameOf(n, {
            ...rest,
            sequence,
            sampleTime: sampleTime ?? (sequence * FRAME) >>> 0,
            previousFrame: copy ? Uint8Array.of(255, 255, 0) : undefined,
          }),
        }));
        const { played, buffer } = playTrace(arrivals, 4000);
        const heard = indices(played);
        assert.equal(new Set(heard).size, heard.length);
        assert.ok(buffer.depth >= 0 && buffer.depth <= JITTER_SLOTS);
        assert.ok(played.every(({ samples, atMs }) => samples > 0 && Number.isFinite(atMs)));
      }),
      { numRuns: 300 },
    );
  });

  test('any loss, duplication and jitter within the delay: order kept, every frame in time is heard', () => {
    const fate = fc.record({
      lost: fc.boolean(),
      jitterMs: fc.integer({ min: 0, max: 30 }),
      twice: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(fate, { minLength: 20, maxLength: 120 }), (fates) => {
        const arrivals = fates.flatMap(({ lost, jitterMs, twice }, n) => {
          // The first frame sets the clock; every tenth may be lost.
          if (lost && n % 10 === 9) return [];
          const arrival = { atMs: sentAtMs(n) + 30 + (n === 0 ? 0 : jitterMs), frame: frameOf(n) };
          return twice ? [arrival, { ...arrival, atMs: arrival.atMs + 20 }] : [arrival];
        });
        const kept = new Set(arrivals.map(({ frame }) => frame.sequence));
        const { played } = playTrace(arrivals, 4000);
        const heard = indices(played) as number[];
        assert.deepEqual(
          heard,
          [...kept].sort((a, b) => a - b),
        );
      }),
      { numRuns: 200 },
    );
  });
});
