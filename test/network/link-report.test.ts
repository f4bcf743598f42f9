import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { ACK_WINDOW, LinkReport, repeatDepth, type RepeatDepth } from '../../src/network/link-report.js';
import { seeded } from '../audio/support.js';

interface Path {
  readonly isLost?: (sequence: number) => boolean;
  /** Round trip, ms. */
  readonly roundTripMs?: (sentMs: number) => number;
  /** Every how many messages the far end answers. */
  readonly answerEvery?: number;
}

/** Sends a message every 20 ms and lets the far end answer what it has; returns the report. */
function sendOver(
  messages: number,
  { isLost = () => false, roundTripMs = () => 50, answerEvery = 1 }: Path,
  report = new LinkReport(),
  fromMs = 0,
  first = 1,
): LinkReport {
  const answers: { atMs: number; newest: number; bits: number }[] = [];
  const arrived = new Set<number>();
  let newest = 0;
  for (let n = 0; n < messages; n++) {
    const sequence = first + n;
    const nowMs = fromMs + n * 20;
    while (answers.length > 0 && (answers[0]?.atMs ?? 0) <= nowMs) {
      const answer = answers.shift() as (typeof answers)[number];
      report.noteAcknowledged(answer.newest & 0xffff, answer.bits, answer.atMs);
    }
    report.noteSent(sequence & 0xffff, nowMs);
    if (!isLost(sequence)) {
      arrived.add(sequence);
      newest = sequence;
    }
    if (n % answerEvery !== 0 || newest === 0) continue;
    let bits = 0;
    for (let bit = 0; bit < ACK_WINDOW; bit++) if (arrived.has(newest - 1 - bit)) bits |= 1 << bit;
    answers.push({ atMs: nowMs + roundTripMs(nowMs), newest, bits: bits >>> 0 });
  }
  return report;
}

describe('link report', () => {
  test('measures independent loss, also when the far end answers only now and then', () => {
    for (const share of [0, 0.01, 0.05]) {
      for (const answerEvery of [1, 16]) {
        const random = seeded(7);
        const lost = new Set(Array.from({ length: 6000 }, (_, n) => n).filter(() => random() < share));
        const { loss } = sendOver(6000, { isLost: (sequence) => lost.has(sequence), answerEvery });
        assert.ok(Math.abs(loss - share) < 0.01, `${share}: ${loss}`);
      }
    }
  });

  test('counts each message once, however often it is acknowledged', () => {
    const report = new LinkReport();
    for (let sequence = 1; sequence <= 40; sequence++) report.noteSent(sequence, 0);
    report.noteAcknowledged(40, 0xffff_fff7, 100);
    const { loss } = report;
    assert.ok(loss > 0);
    for (let n = 0; n < 50; n++) report.noteAcknowledged(40, 0xffff_fff7, 100 + n);
    assert.equal(report.loss, loss);
  });

  test('tells runs from single losses', () => {
    const single = sendOver(4000, { isLost: (sequence) => sequence % 20 === 0 });
    const runs = sendOver(4000, { isLost: (sequence) => sequence % 40 < 2 });
    assert.ok(Math.abs(single.loss - runs.loss) < 0.01);
    assert.equal(single.pairLoss, 0);
    assert.ok(Math.abs(runs.pairLoss - 0.025) < 0.01, `${runs.pairLoss}`);
  });

  test('goes on over the wrap of the numbers', () => {
    const report = sendOver(4000, { isLost: (sequence) => sequence % 10 === 0 }, new LinkReport(), 0, 65_000);
    assert.ok(Math.abs(report.loss - 0.1) < 0.03, `${report.loss}`);
  });

  test('a queue on the way shows within 200 ms, and ends', () => {
    const report = sendOver(500, {});
    assert.ok(report.queueMs < 10, `${report.queueMs} ms on an empty path`);
    sendOver(20, { roundTripMs: () => 170 }, report, 10_000, 501);
    assert.ok(report.queueMs >= 80 && report.queueMs <= 125, `${report.queueMs} ms of 120`);
    sendOver(50, {}, report, 10_400, 521);
    assert.ok(report.queueMs < 10, `${report.queueMs} ms afterwards`);
  });

  test('a far end that speaks rarely is not taken for a queue', () => {
    for (const answerEvery of [2, 7, 16]) {
      let phase = 0;
      const roundTripMs = () => 50 + (phase = (phase + 7) % 19);
      assert.ok(sendOver(2000, { roundTripMs, answerEvery }).queueMs <= 10);
    }
  });

  test('any acknowledgement: shares stay shares, nothing throws', () => {
    const any = fc.array(fc.tuple(fc.nat(0xffff), fc.nat(0xffff_ffff), fc.nat(1000)), { maxLength: 50 });
    fc.assert(
      fc.property(any, (acknowledgements) => {
        const report = new LinkReport();
        for (let sequence = 1; sequence < 200; sequence++) report.noteSent(sequence, sequence);
        for (const [newest, bits, atMs] of acknowledgements) report.noteAcknowledged(newest, bits, atMs);
        assert.ok(report.loss >= 0 && report.loss <= 1);
        assert.ok(report.pairLoss >= 0 && report.pairLoss <= report.loss + 1e-9);
        assert.ok(report.queueMs >= 0);
      }),
    );
  });
});

describe('how much a link repeats', () => {
  const depthAfter = (shares: readonly number[], pairLoss = 0): RepeatDepth =>
    shares.reduce<RepeatDepth>((before, loss) => repeatDepth({ loss, pairLoss }, before), 0);

  test('nothing on a good link, the last message from 0.5 %, until it is below 0.2 %', () => {
    assert.equal(depthAfter([0.004]), 0);
    assert.equal(depthAfter([0.006]), 1);
    assert.equal(depthAfter([0.006, 0.003]), 1);
    assert.equal(depthAfter([0.006, 0.001]), 0);
  });

  test('the last two where losses come in runs, which independent losses of 5 % do not', () => {
    assert.equal(depthAfter([0.05], 0.05 ** 2), 1);
    assert.equal(depthAfter([0.03], 0.018), 2);
    assert.equal(repeatDepth({ loss: 0.03, pairLoss: 0.006 }, 2), 2);
    assert.equal(repeatDepth({ loss: 0.03, pairLoss: 0.003 }, 2), 1);
  });

  test('a link that loses 1 % repeats within 10 s and goes on doing so', () => {
    const random = seeded(3);
    const lost = new Set(Array.from({ length: 9000 }, (_, n) => n).filter(() => random() < 0.01));
    const report = new LinkReport();
    let depth: RepeatDepth = 0;
    let without = 0;
    for (let second = 0; second < 120; second++) {
      sendOver(50, { isLost: (sequence) => lost.has(sequence) }, report, second * 1000, second * 50 + 1);
      depth = repeatDepth(report, depth);
      if (second >= 10 && depth === 0) without += 1;
    }
    assert.ok(without <= 3, `${without} s of 110 without`);
  });
});
