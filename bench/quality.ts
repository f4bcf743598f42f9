/**
 * `npm run bench:quality -- [--loss 0,1,3,5] [--seconds N] [--browsers chromium,firefox] [--delay MS]
 * [--bitrate KBIT] [--quick] [--json]`
 *
 * How well speech arrives over a path that loses packets: ours beside a native audio track, each through the same
 * losing relay (`support/voice/lossy-path.ts`: every UDP packet of both passes it, 20 ms each way, uniform seeded losses), in
 * the same page and run. What was heard is aligned piece by piece and scored by the measures that
 * `support/voice/speech-score.ts` names; no package on npm offers PESQ, ViSQOL or POLQA.
 *
 * Each as it comes by default: ours and Chromium's tracks at 32 kbit/s in Opus' speech modes, which turn phases (the
 * codec alone has a segmental SNR below 5 dB), Firefox's at 64 in the mode that keeps the waveform. So losses show in how
 * a system's figures change, and two systems compare by them only where both use one mode; `--bitrate` sets ours. What
 * the path carried is told too: of ours two thirds are what stands around a frame, and acknowledgements.
 *
 * `--json` prints one object a line: `metric`, `system`, `browser`, `lossPercent` (asked for), `lostPercent` (of all
 * packets, as they fell), `segmentalSnrDb`, `logSpectralDistanceDb`, `concealedPercent` (what the receiver says it
 * invented), `medianMs` (mouth to ear), `kbitPerSecond` (of UDP payload, both ways, repeats and acknowledgements
 * included), `speech` (who made it).
 */

import { parseArgs } from 'node:util';
import type { Page } from 'puppeteer-core';
import { withSoundSink } from '../scripts/lib/prerequisites.mjs';
import type { BrowserKind } from '../test/support/browser.js';
import { RATE_HZ } from './support/voice/click-track.js';
import { LossyPath } from './support/voice/lossy-path.js';
import { BROWSERS, listOf, progress, VOICE_SYSTEMS } from './support/voice/options.js';
import { openPath, playAndRecord, type VoiceSystem } from './support/voice/paths.js';
import { scoreSpeech } from './support/voice/speech-score.js';
import { makeSpeech, type Speech } from './support/voice/speech.js';
import { launch, VoiceStage } from './support/voice/voice-stage.js';

interface Result {
  readonly metric: 'quality';
  readonly system: VoiceSystem;
  readonly browser: BrowserKind;
  readonly lossPercent: number;
  readonly lostPercent: number;
  readonly segmentalSnrDb: number;
  readonly logSpectralDistanceDb: number;
  readonly concealedPercent: number;
  readonly medianMs: number;
  readonly kbitPerSecond: number;
  readonly speech: Speech['maker'];
}

const { values } = parseArgs({
  options: {
    loss: { type: 'string', default: '0,1,3,5' },
    seconds: { type: 'string' },
    browsers: { type: 'string', default: BROWSERS.join() },
    delay: { type: 'string', default: '20' },
    bitrate: { type: 'string' },
    quick: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

const numberOf = (text: string, option: string, most: number): number => {
  const number = Number(text);
  if (!(number >= 0 && number <= most)) throw new RangeError(`--${option} takes 0 to ${most}, not ${text}`);
  return number;
};

/** s of speech before scoring begins: both systems learn the path's delay and loss. */
const ADAPTATION_SECONDS = values.quick ? 3 : 10;
const seconds = numberOf(values.seconds ?? (values.quick ? '5' : '30'), 'seconds', 600);
const lossPercents = values.loss.split(',').map((text) => numberOf(text, 'loss', 50));
const kilobits = values.bitrate && numberOf(values.bitrate, 'bitrate', 96);
const delayMs = numberOf(values.delay, 'delay', 500);
const browsers = listOf(values.browsers, BROWSERS, 'browsers');
const SEED = 20_260;

async function measure(
  system: VoiceSystem,
  browser: BrowserKind,
  page: Page,
  stage: VoiceStage,
  network: LossyPath,
  lossPercent: number,
  speech: Speech,
): Promise<Result> {
  network.loss = 0;
  const path = await openPath(system, page, stage, 0);
  try {
    network.loss = lossPercent / 100;
    const { packets, packetsLost, bytes } = network;
    const startedMs = performance.now();
    const before = await path.concealment();
    const heard = await playAndRecord(page, path.probe, speech.samples);
    const after = await path.concealment();
    const kbitPerSecond = (8 * (network.bytes - bytes)) / (performance.now() - startedMs);
    await path.check();
    const score = scoreSpeech(speech.samples, heard, ADAPTATION_SECONDS * RATE_HZ);
    return {
      metric: 'quality',
      system,
      browser,
      lossPercent,
      lostPercent: (100 * (network.packetsLost - packetsLost)) / (network.packets - packets),
      segmentalSnrDb: score.segmentalSnrDb,
      logSpectralDistanceDb: score.logSpectralDistanceDb,
      concealedPercent: (100 * (after.concealed - before.concealed)) / (after.all - before.all),
      medianMs: score.medianDelayMs,
      kbitPerSecond,
      speech: speech.maker,
    };
  } finally {
    network.loss = 0;
    await path.close();
  }
}

await withSoundSink(async (env) => {
  Object.assign(process.env, env);
  const stage = await VoiceStage.start(kilobits ? { bitrate: kilobits * 1000 } : {});
  const speech = await makeSpeech(ADAPTATION_SECONDS + seconds);
  const results: Result[] = [];
  try {
    for (const kind of browsers) {
      const browser = await launch(kind);
      const network = new LossyPath(delayMs, SEED);
      try {
        const page = await stage.open(browser);
        await network.cover(page);
        for (const lossPercent of lossPercents)
          for (const system of VOICE_SYSTEMS) {
            progress(`${kind}: quality at ${lossPercent} % loss, ${system}`);
            const result = await measure(system, kind, page, stage, network, lossPercent, speech);
            results.push(result);
            if (values.json) console.log(JSON.stringify(result));
          }
      } finally {
        await browser.close();
        network.close();
      }
    }
  } finally {
    await stage.close();
  }
  if (!values.json)
    console.table(
      results.map((result) => ({
        browser: result.browser,
        'loss %': result.lossPercent,
        'packets lost %': result.lostPercent.toFixed(2),
        system: result.system,
        'segmental SNR dB': result.segmentalSnrDb.toFixed(2),
        'log-spectral distance dB': result.logSpectralDistanceDb.toFixed(2),
        'concealed %': result.concealedPercent.toFixed(2),
        'median ms': result.medianMs.toFixed(1),
        'kbit/s': result.kbitPerSecond.toFixed(0),
        speech: result.speech,
      })),
    );
});
