/** Everything an end-to-end test plays on: tracker, relay, web server and browsers, all real, all on loopback. */

import type { BrowserContext } from 'puppeteer-core';
import type { RunningServer } from '../../scripts/servers/tracker.mjs';
import { startNostrRelay } from '../../scripts/servers/nostr-relay.mjs';
import { startTracker } from '../../scripts/servers/tracker.mjs';
import { TestBrowser, type BrowserKind } from './browser.js';
import { TONES_HZ } from './injected-scripts.js';
import { startPages } from './pages.js';
import { RoomPage } from './room-page.js';

export interface StageOptions {
  /** Browsers to start, `chromium` when none are named. */
  readonly browsers?: readonly BrowserKind[];
  readonly chromiumArgs?: readonly string[];
}

export interface CastOptions {
  /** What others see. */
  readonly name: string;
  /** The tone it speaks, Hz; the device's own sound when null. */
  readonly toneHz: number | null;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly kind?: BrowserKind | undefined;
  readonly context?: BrowserContext | undefined;
  /** The page's URL instead of the plain fixture. */
  readonly url?: string | undefined;
  /** False: the page opens without a room in it. */
  readonly room?: boolean;
}

let rooms = 0;

export class Stage {
  readonly #browsers = new Map<BrowserKind, TestBrowser>();
  readonly #contexts = new Set<BrowserContext>();
  #roomName = '';

  private constructor(
    readonly tracker: RunningServer,
    readonly relay: RunningServer,
    readonly pages: Awaited<ReturnType<typeof startPages>>,
  ) {}

  static async start({ browsers = ['chromium'], chromiumArgs = [] }: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(await startTracker(), await startNostrRelay(), await startPages());
    try {
      for (const kind of browsers) stage.#browsers.set(kind, await TestBrowser.launch(kind, chromiumArgs));
    } catch (error) {
      await stage.close();
      throw error;
    }
    return stage;
  }

  browser(kind: BrowserKind = 'chromium'): TestBrowser {
    const browser = this.#browsers.get(kind);
    if (!browser) throw new Error(`the stage has no ${kind}`);
    return browser;
  }

  /** A profile that `clear` ends. */
  async newContext(kind?: BrowserKind): Promise<BrowserContext> {
    const context = await this.browser(kind).newContext();
    this.#contexts.add(context);
    return context;
  }

  /** The attributes of a room on this stage; the same room until `clear`. */
  attributes(more: Readonly<Record<string, string>> = {}): Record<string, string> {
    this.#roomName ||= `stage-${process.pid}-${++rooms}`;
    return {
      room: this.#roomName,
      'app-id': 'p2p-voice-room-e2e',
      trackers: this.tracker.url,
      'nostr-relays': this.relay.url,
      // No STUN: tests reach nothing but loopback.
      'ice-servers': '[]',
      'voice-activation': 'off',
      ...more,
    };
  }

  /** Opens a page with a room in it, not joined yet. */
  async open({ name, toneHz, attributes, kind, context, url, room = true }: CastOptions): Promise<RoomPage> {
    const page = await this.browser(kind).open({
      url: url ?? `${this.pages.url}/room.html`,
      context: context ?? (await this.newContext(kind)),
    });
    const roomPage = new RoomPage(page, name, toneHz);
    await roomPage.ready();
    if (room) await roomPage.addRoom(this.attributes({ 'display-name': name, ...attributes }), toneHz);
    return roomPage;
  }

  /** Opens pages named A, B, C …, each with a tone of its own, all with the same attributes. */
  async openAll(
    count: number,
    attributes: Readonly<Record<string, string>> = {},
    kinds: readonly BrowserKind[] = [],
  ): Promise<RoomPage[]> {
    const cast: RoomPage[] = [];
    for (let i = 0; i < count; i++)
      cast.push(
        await this.open({
          name: String.fromCharCode(65 + i),
          toneHz: TONES_HZ[i]!,
          attributes,
          kind: kinds[i],
        }),
      );
    return cast;
  }

  /** Ends every page of this test: the next one starts in an empty house and another room. */
  async clear(): Promise<void> {
    this.#roomName = '';
    const contexts = [...this.#contexts];
    this.#contexts.clear();
    await Promise.all(contexts.map((context) => context.close()));
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#browsers.values()].map((browser) => browser.close()));
    await Promise.all([this.tracker.close(), this.relay.close(), this.pages.close()]);
  }
}
