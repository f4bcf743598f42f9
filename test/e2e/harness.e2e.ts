/** The harness itself, on plain Web Audio pages: what it hears is what is played, what it counts is what is open. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'puppeteer-core';
import { TestBrowser, firefoxInstalled, type BrowserKind } from '../support/browser.js';
import { startPages } from '../support/pages.js';
import { amplitudeOf, liveOf, presenceOf, tonesOf, waitFor, waitForTones } from '../support/tones.js';

declare global {
  var tones: { context: AudioContext; gains: Map<number, GainNode>; master: GainNode };
}

for (const kind of ['chromium', 'firefox'] satisfies BrowserKind[]) {
  const skip = kind === 'firefox' && !firefoxInstalled() ? 'Firefox is not installed' : false;
  describe(`harness in ${kind}`, { timeout: 120_000, skip }, () => {
    let browser: TestBrowser;
    let pages: Awaited<ReturnType<typeof startPages>>;
    const opened: Page[] = [];
    const open = async (query: string): Promise<Page> => {
      const page = await browser.open({ url: `${pages.url}/tones.html?${query}` });
      opened.push(page);
      return page;
    };

    before(async () => {
      pages = await startPages();
      browser = await TestBrowser.launch(kind);
    });
    after(async () => {
      await browser?.close();
      await pages?.close();
    });

    test('hears exactly the tones that are played, panned and at another rate too', async () => {
      const page = await open('tones=500,1100,3700');
      await waitForTones(page, [500, 1100, 3700]);
      const amplitude = await amplitudeOf(page, 1100);
      assert.ok(
        Math.abs(amplitude - 0.12 * Math.SQRT2) < 0.02 || Math.abs(amplitude - 0.12) < 0.02,
        `${amplitude}`,
      );

      const other = await open('tones=900&rate=44100');
      await waitForTones(other, [900]);
    });

    test('silence is no tone', async () => {
      const page = await open('tones=700');
      await waitForTones(page, [700]);
      await page.evaluate(() => (globalThis.tones.gains.get(700)!.gain.value = 0));
      await waitForTones(page, []);
      await page.evaluate(() => globalThis.tones.master.disconnect());
      assert.deepEqual(await tonesOf(page), []);
    });

    test('times when a tone came and measures the gap in it', async () => {
      const page = await open('tones=1300');
      await waitForTones(page, [1300]);
      const startedMs = await page.evaluate(() => {
        const { context, gains } = globalThis.tones;
        const gain = gains.get(1300)!.gain;
        gain.setValueAtTime(0, context.currentTime + 0.2);
        gain.setValueAtTime(0.12, context.currentTime + 0.45);
        return globalThis.__tap.nowMs();
      });
      await waitFor(
        page,
        (since) => globalThis.__tap.presence(1300, since).gapsMs.length === 1,
        [startedMs] as [number],
        {
          message: async () => `one gap expected: ${JSON.stringify(await presenceOf(page, 1300, startedMs))}`,
        },
      );
      const { gapsMs } = await presenceOf(page, 1300, startedMs);
      assert.ok(Math.abs(gapsMs[0]! - 250) <= 20, `the gap was 250 ms, measured ${gapsMs[0]}`);
    });

    test('a frozen main thread is no gap', async () => {
      const page = await open('tones=1600');
      await waitForTones(page, [1600]);
      const sinceMs = await page.evaluate(() => {
        globalThis.__freezer.start(200, 400);
        return globalThis.__tap.nowMs();
      });
      await waitFor(
        page,
        (since) => globalThis.__tap.presence(1600, since).blocks >= 150,
        [sinceMs] as [number],
        {
          message: 'the tap went silent',
        },
      );
      assert.ok((await page.evaluate(() => globalThis.__freezer.stop())).length >= 2);
      assert.deepEqual((await presenceOf(page, 1600, sinceMs)).gapsMs, []);
    });

    test('counts what is open and what was closed', async () => {
      const page = await open('tones=');
      const none = { connections: 0, tracks: 0, contexts: 0, workers: 0, sockets: 0, intervals: 0 };
      assert.deepEqual(await liveOf(page), { ...none, contexts: 1 });
      await page.evaluate(async () => {
        class Subclass extends RTCPeerConnection {}
        const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
        const url = URL.createObjectURL(new Blob([''], { type: 'text/javascript' }));
        Object.assign(globalThis, {
          things: {
            connections: [new RTCPeerConnection(), new Subclass()],
            tracks: [stream.getTracks()[0]!, stream.getTracks()[0]!.clone()],
            worker: new Worker(url),
            timer: setInterval(() => {}, 1000),
          },
        });
      });
      assert.deepEqual(await liveOf(page), {
        ...none,
        connections: 2,
        tracks: 2,
        contexts: 1,
        workers: 1,
        intervals: 1,
      });
      await page.evaluate(async () => {
        const { connections, tracks, worker, timer } = (globalThis as never as { things: Things }).things;
        interface Things {
          connections: RTCPeerConnection[];
          tracks: MediaStreamTrack[];
          worker: Worker;
          timer: number;
        }
        for (const connection of connections) connection.close();
        for (const track of tracks) track.stop();
        worker.terminate();
        clearInterval(timer);
        await globalThis.tones.context.close();
      });
      assert.deepEqual(await liveOf(page), none);
    });
  });
}
