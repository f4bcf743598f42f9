/** The overlay laboratory as a visitor meets it: a room that heals, and a block that holds. */

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Page } from 'puppeteer-core';
import { labScripts } from '../../scripts/lib/lab-bundle.mjs';
import { root } from '../../scripts/lib/run.mjs';
import { startStaticServer } from '../../scripts/servers/static.mjs';
import { TestBrowser, consoleOf } from '../support/browser.js';
import { waitFor } from '../support/tones.js';

const MEMBERS = 18;

const figure = (page: Page, name: string): Promise<string> =>
  page.$eval(`[data-figure=${name}]`, (field) => field.textContent);

/** Waits until a figure, or the sentence about the chosen member, reads like this. */
const reads = (page: Page, selector: string, pattern: RegExp, message: string): Promise<void> =>
  waitFor(
    page,
    (where, source) => new RegExp(source).test(document.querySelector(where)!.textContent),
    [selector, pattern.source] as [string, string],
    { timeoutMs: 60_000, message },
  );

describe('the overlay laboratory', { timeout: 180_000 }, () => {
  let server: Awaited<ReturnType<typeof startStaticServer>>;
  let browser: TestBrowser;

  before(async () => {
    server = await startStaticServer({
      mounts: { '/': `${root}demo`, '/dist/': `${root}dist` },
      files: await labScripts(),
    });
    browser = await TestBrowser.launch('chromium');
  });
  after(async () => {
    await browser?.close();
    await server?.close();
  });

  async function openFormed(): Promise<Page> {
    const page = await browser.open({ url: `${server.url}/overlay-lab.html?seed=4&size=${MEMBERS}` });
    await waitFor(
      page,
      () =>
        document.querySelector<HTMLElement>('#waiting')!.hidden &&
        document.querySelector('[data-figure=silent]')!.textContent === '0',
      [],
      { timeoutMs: 60_000, message: 'the room does not form' },
    );
    assert.equal(await figure(page, 'members'), String(MEMBERS));
    await reads(page, '[data-more=silent]', new RegExp(`^of ${MEMBERS - 1}$`), 'not all listen');
    return page;
  }

  test('crashes heal: all that are left hear again', async () => {
    const page = await openFormed();
    await page.click('#crash-relay');
    await reads(page, '#log', /All hear\.[^]*crashed without a word/, 'no repair is told');
    await reads(page, '[data-figure=repair]', /^\d+ ms$/, 'no time of repair is told');
    await page.click('#crash-share');
    // One relay, then a fifth of the listeners left.
    const left = MEMBERS - 1 - Math.round(0.2 * (MEMBERS - 2));
    await reads(page, '[data-figure=members]', new RegExp(`^${left}$`), 'the crashed are still counted');
    await page.click('#skip');
    await reads(page, '[data-more=silent]', new RegExp(`^of ${left - 1}$`), 'some of the rest do not listen');
    await reads(page, '[data-figure=silent]', /^0$/, 'some stay without the voice');
    assert.doesNotMatch(consoleOf(page), /^\[(error|warn|uncaught)\]/m);
    await page.close();
  });

  test('who blocks the speaker is out of its tree, and in it again afterwards', async () => {
    const page = await openFormed();
    const chosen = await page.$eval('#chosen', (select) => (select as HTMLSelectElement).value);
    assert.notEqual(chosen, '-1', 'nobody is chosen to begin with');
    await page.click('#block');
    await reads(page, '[data-more=silent]', /1 block$/, 'nobody blocks');
    await reads(page, '#chosen-text', /out of the tree: for (0\.[5-9]|[1-9])/, 'copies still go there');
    await reads(page, '[data-figure=silent]', /^0$/, 'others lost the voice for good');
    await page.click('#block');
    await reads(page, '#chosen-text', /hears .* after \d+ ms/, 'it does not hear again');
    assert.doesNotMatch(consoleOf(page), /^\[(error|warn|uncaught)\]/m);
    await page.close();
  });

  test('the map is worked by keys alone', async () => {
    const page = await openFormed();
    const chosen = (): Promise<string> =>
      page.$eval('#chosen', (select) => (select as HTMLSelectElement).value);
    const before = await chosen();
    await page.focus('#map');
    // In the corner where it lies some of the directions hold nobody.
    for (const key of ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown'] as const) {
      await page.keyboard.press(key);
      if ((await chosen()) !== before) break;
    }
    assert.notEqual(await chosen(), before, 'no arrow key chooses another member');
    assert.notEqual(await chosen(), '-1');
    await page.keyboard.press('Enter');
    await reads(page, '#chosen-text', /speaks: \d+ copies/, 'the chosen member does not speak');
    await page.close();
  });
});
