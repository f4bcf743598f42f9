/** The benchmark's page in real browsers: compiled, served, opened; tracker and relay beside it. All on loopback. */

import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';
import type { Page } from 'puppeteer-core';
import { startNostrRelay } from '../../../scripts/servers/nostr-relay.mjs';
import { startStaticServer } from '../../../scripts/servers/static.mjs';
import { startTracker, type RunningServer } from '../../../scripts/servers/tracker.mjs';
import type { VoiceRoomOptions } from '../../../src/room/types.js';
import { TestBrowser, type BrowserKind } from '../../../test/support/browser.js';
import { waitFor } from '../../../test/support/tones.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

async function compiled(file: string): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [here(`page/${file}`)],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    minify: true,
    write: false,
  });
  return outputFiles[0]!.text;
}

export class VoiceStage {
  #rooms = 0;

  private constructor(
    private readonly tracker: RunningServer,
    private readonly relay: RunningServer,
    private readonly pages: Awaited<ReturnType<typeof startStaticServer>>,
    private readonly options: Partial<VoiceRoomOptions>,
  ) {}

  /** @param options of every member, beside those of the stage itself */
  static async start(options: Partial<VoiceRoomOptions> = {}): Promise<VoiceStage> {
    const pages = await startStaticServer({
      mounts: { '/': here('page'), '/dist/': here('../../../dist') },
      files: {
        '/voice.html':
          '<!doctype html><title>Voice</title><link rel="icon" href="data:," /><script type="module" src="voice.js"></script>',
        '/voice.js': await compiled('page.ts'),
        '/probe-worklet.js': await compiled('probe-worklet.ts'),
      },
    });
    return new VoiceStage(await startTracker(), await startNostrRelay(), pages, options);
  }

  /** Opens the page without the test harness, whose own listening would be measured too. */
  async open(browser: TestBrowser): Promise<Page> {
    const context = await browser.newContext();
    const page = await context.newPage({ type: 'window' });
    page.on('console', (message) => {
      if (process.env['DEBUG']) process.stderr.write(`[${message.type()}] ${message.text()}\n`);
    });
    page.on('pageerror', (error) => process.stderr.write(`[uncaught] ${String(error)}\n`));
    await page.goto(`${this.pages.url}/voice.html`, { waitUntil: 'load' });
    await waitFor(page, () => 'voice' in globalThis, [], { message: 'the benchmark’s page did not load' });
    return page;
  }

  /** Options of members of a room nobody else is in; each call is another room. */
  newRoom(): VoiceRoomOptions {
    return {
      ...this.options,
      room: `voice-${process.pid}-${++this.#rooms}`,
      appId: 'p2p-voice-room-bench',
      trackers: [this.tracker.url],
      nostrRelays: [this.relay.url],
      iceServers: [],
      voiceActivation: 'off',
      listenOnly: true,
    };
  }

  async close(): Promise<void> {
    await Promise.all([this.tracker.close(), this.relay.close(), this.pages.close()]);
  }
}

export const launch = (kind: BrowserKind): Promise<TestBrowser> => TestBrowser.launch(kind);
