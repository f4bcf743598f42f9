/** `npm start`, as a newcomer meets it: one URL, two tabs, two clicks. */

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer-core';
import { TestBrowser, consoleOf } from '../support/browser.js';
import { waitFor } from '../support/tones.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Presses the button of that text in a page, through shadow roots, as a person would. */
async function press(page: Page, text: string): Promise<void> {
  const button = await page.locator(`::-p-text(${text})`).waitHandle();
  await button.click();
}

describe('npm start', { timeout: 180_000 }, () => {
  let start: ChildProcess;
  let url: string;
  let browser: TestBrowser;

  before(async () => {
    // Any free port: another demo may be running.
    start = spawn(process.execPath, ['scripts/start.mjs'], {
      cwd: root,
      env: { ...process.env, PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    for await (const line of createInterface({ input: start.stdout! })) {
      const found = /Open\s+(http:\S+)/.exec(line)?.[1];
      if (found) {
        url = found;
        break;
      }
    }
    assert.ok(url, 'it printed no URL');
    browser = await TestBrowser.launch('chromium');
  });
  after(async () => {
    await browser?.close();
    start?.kill('SIGKILL');
  });

  test('two tabs meet and talk, one of them with the test voice', { timeout: 60_000 }, async () => {
    const context = await browser.newContext();
    const one = await browser.open({ url, context });
    const two = await browser.open({ url, context });
    await two.click('#test-voice');
    for (const page of [one, two]) await press(page, 'Join');
    await waitFor(
      one,
      () => document.querySelector('p2p-voice-room')!.peers.some((peer) => peer.speaking && peer.level > 0),
      [],
      { timeoutMs: 30_000, message: 'the first tab does not hear the test voice of the second' },
    );
    assert.equal(await two.evaluate(() => document.querySelector('p2p-voice-room')!.peers.length), 1);
    await Promise.all([one.close(), two.close()]);
  });

  test('the page without the element lists who is there', { timeout: 60_000 }, async () => {
    const context = await browser.newContext();
    const pages = [
      await browser.open({ url: `${url}without-element.html`, context }),
      await browser.open({ url: `${url}without-element.html`, context }),
    ];
    for (const page of pages) await page.click('#join');
    for (const page of pages)
      await waitFor(page, () => document.querySelectorAll('#people li').length > 0, [], {
        timeoutMs: 30_000,
        message: 'the list of people stays empty',
      });
    await Promise.all(pages.map((page) => page.close()));
  });

  for (const name of ['one-tag.html', 'styled.html'])
    test(`${name} loads without an error`, { timeout: 30_000 }, async () => {
      const page = await browser.open({ url: `${url}${name}` });
      await waitFor(page, () => customElements.get('p2p-voice-room') !== undefined, [], {
        message: 'the element was not registered',
      });
      assert.doesNotMatch(consoleOf(page), /^\[(error|warn|uncaught)\]/m);
      await page.close();
    });

  test('Ctrl-C ends everything', { timeout: 10_000 }, async () => {
    const ended = once(start, 'exit');
    start.kill('SIGINT');
    assert.deepEqual(await ended, [0, null]);
    await assert.rejects(fetch(url), 'the web server still answers');
  });
});
