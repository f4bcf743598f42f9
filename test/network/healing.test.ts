/** One lossy link from sender to ear: queue, report and repeats of the one end, jitter buffer of the other. */

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ACK_WINDOW, LinkReport, repeatDepth, type RepeatDepth } from '../../src/network/link-report.js';
import { VoiceQueue } from '../../src/network/voice-queue.js';
import type { Handle } from '../../src/units.js';
import { FRAME, frameOf, seeded } from '../audio/support.js';
import { MS, playTrace, sentAtMs, type Arrival } from '../audio/traces.js';

const SOURCE = 1 as Handle;
const ONE_WAY_MS = 30;
/** ms between the listener's heartbeats: all that acknowledges while it is silent. */
const HEARTBEAT_MS = 320;
const SETTLE_MS = 10_000;

interface Heard {
  readonly concealedShare: number;
  readonly delayMs: number;
  readonly sentPackets: number;
}

/** Sends `frames` over a link that loses what `isLost` says, and plays what arrives. */
function hear(
  frames: number,
  isLost: (message: number, random: () => number) => boolean,
  seed: number,
): Heard {
  const random = seeded(seed);
  const queue = new VoiceQueue(60);
  const report = new LinkReport();
  const arrived = new Set<number>();
  const messages = new Set<number>();
  const arrivals: Arrival[] = [];
  const answers: { atMs: number; newest: number; bits: number }[] = [];
  let repeat: RepeatDepth = 0;
  let newest = 0;
  let nextBeatMs = 0;
  let sentPackets = 0;
  for (let index = 0; index < frames; index++) {
    const nowMs = sentAtMs(index);
    for (; (answers[0]?.atMs ?? Infinity) <= nowMs; answers.shift()) {
      const { newest: ack, bits, atMs } = answers[0] as (typeof answers)[number];
      report.noteAcknowledged(ack & 0xffff, bits, atMs);
      repeat = repeatDepth(report, repeat);
    }
    queue.add(Uint8Array.of(index & 255, index >> 8, index >> 16), 9, SOURCE, 20, nowMs);
    const content = queue.take(nowMs, repeat) ?? [];
    sentPackets += content.length;
    const message = index + 1;
    report.noteSent(message & 0xffff, nowMs);
    const arrivesMs = nowMs + ONE_WAY_MS - Math.log(1 - random());
    if (!isLost(message, random)) {
      for (const { packet } of content) {
        const [low = 0, middle = 0, high = 0] = packet;
        const frame = frameOf(low + 256 * middle + 65_536 * high);
        if (!arrived.has(frame.sequence)) arrivals.push({ atMs: arrivesMs, frame });
        arrived.add(frame.sequence);
      }
      newest = message;
      messages.add(message);
    }
    if (arrivesMs < nextBeatMs) continue;
    nextBeatMs = arrivesMs + HEARTBEAT_MS;
    let bits = 0;
    for (let bit = 0; bit < ACK_WINDOW; bit++) if (messages.has(newest - 1 - bit)) bits |= 1 << bit;
    answers.push({ atMs: arrivesMs + ONE_WAY_MS, newest, bits: bits >>> 0 });
  }
  const { played, delaysMs } = playTrace(arrivals, sentAtMs(frames));
  const settled = played.filter(({ atMs }) => atMs > SETTLE_MS);
  const concealed = settled
    .filter(({ kind }) => kind === 'conceal')
    .reduce((sum, { samples }) => sum + samples, 0);
  const delays = delaysMs.filter(({ atMs }) => atMs > SETTLE_MS);
  return {
    concealedShare: concealed / (frames * FRAME - SETTLE_MS * MS),
    delayMs: delays.reduce((sum, { delayMs }) => sum + delayMs, 0) / delays.length,
    sentPackets,
  };
}

describe('a lossy link', () => {
  test('1, 3 and 5 % of loss leave at most 0.1, 0.5 and 1.5 % concealed, at a delay below 45 ms', () => {
    for (const [loss, most] of [
      [0.01, 0.001],
      [0.03, 0.005],
      [0.05, 0.015],
    ] as const) {
      for (const seed of [1, 2, 3]) {
        const heard = hear(15_000, (_, random) => random() < loss, seed);
        assert.ok(heard.concealedShare <= most, `${100 * loss} %: ${100 * heard.concealedShare} % concealed`);
        assert.ok(heard.delayMs < 45, `${100 * loss} %: ${heard.delayMs} ms`);
      }
    }
  });

  test('losses in runs are repeated twice, and less than half of them is heard', () => {
    let isBad = false;
    // Gilbert: 3 % lost, in runs of 2.5 messages.
    const heard = hear(15_000, (_, random) => (isBad = random() < (isBad ? 0.6 : 0.0124)), 4);
    assert.ok(heard.concealedShare < 0.015, `${100 * heard.concealedShare} %`);
    assert.ok(heard.sentPackets > 15_000 * 2.8);
  });

  test('a link without loss carries each packet once', () => {
    const heard = hear(3000, () => false, 5);
    assert.equal(heard.sentPackets, 3000);
    assert.equal(heard.concealedShare, 0);
  });
});
