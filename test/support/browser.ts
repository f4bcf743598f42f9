/** Real browsers, as installed: one process with many pages, each with the injected scripts of the harness. */

import { readdirSync, readFileSync } from 'node:fs';
import { launch, type Browser, type BrowserContext, type Page } from 'puppeteer-core';
import { CHROMIUM_ARGS, FIREFOX_PREFS, chromiumPath, firefoxPath } from '../../scripts/lib/browsers.mjs';
import { injectedScripts } from './injected-scripts.js';

export type BrowserKind = 'chromium' | 'firefox';

export interface OpenOptions {
  readonly url: string;
  /** A profile of its own (storage, identity) when none is given. */
  readonly context?: BrowserContext | undefined;
}

/** What a page printed, newest last; at most 500 lines. */
const consoles = new WeakMap<Page, string[]>();
const MAX_CONSOLE_LINES = 500;

/** The console of a page so far: for the message of a failed assertion. */
export const consoleOf = (page: Page): string => (consoles.get(page) ?? []).join('\n');

export class TestBrowser {
  private constructor(
    readonly kind: BrowserKind,
    readonly browser: Browser,
  ) {}

  /** @param extraArgs more command-line switches (Chromium) */
  static async launch(kind: BrowserKind, extraArgs: readonly string[] = []): Promise<TestBrowser> {
    const executablePath = kind === 'chromium' ? chromiumPath() : firefoxPath();
    if (!executablePath) throw new Error(`${kind} is not installed: npm test installs it, or says how`);
    const browser = await launch(
      kind === 'chromium'
        ? { executablePath, args: [...CHROMIUM_ARGS, ...extraArgs], protocolTimeout: 60_000 }
        : { browser: 'firefox', executablePath, extraPrefsFirefox: FIREFOX_PREFS, protocolTimeout: 60_000 },
    );
    return new TestBrowser(kind, browser);
  }

  /** A profile of its own: pages in it share storage, others see none of it. */
  newContext(): Promise<BrowserContext> {
    return this.browser.createBrowserContext();
  }

  /** Opens a page with the harness in it. */
  async open({ url, context }: OpenOptions): Promise<Page> {
    // A window of its own: a tab behind another one counts as hidden.
    const page = await (context ?? (await this.newContext())).newPage({ type: 'window' });
    const lines: string[] = [];
    consoles.set(page, lines);
    const note = (line: string): void => {
      lines.push(line);
      if (lines.length > MAX_CONSOLE_LINES) lines.shift();
      if (process.env['DEBUG']) console.log(line);
    };
    page.on('console', (message) => note(`[${message.type()}] ${message.text()}`));
    page.on('pageerror', (error) => note(`[uncaught] ${String(error)}`));
    await page.evaluateOnNewDocument((await injectedScripts()).page);
    await page.goto(url, { waitUntil: 'load' });
    return page;
  }

  /** Puts all processes of this browser to sleep, as a closed laptop would. @returns what wakes them */
  sleep(): () => void {
    const processes = descendantsOf(this.browser.process()!.pid!);
    for (const pid of processes) process.kill(pid, 'SIGSTOP');
    return () => {
      for (const pid of processes) process.kill(pid, 'SIGCONT');
    };
  }

  async close(): Promise<void> {
    await this.browser.close();
  }
}

/** A process and all that it started, by Linux' `/proc`. */
export function descendantsOf(root: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      // The name may hold spaces and brackets: what counts follows the last one.
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch (error) {
      if (
        (error as NodeJS.ErrnoException).code !== 'ENOENT' &&
        (error as NodeJS.ErrnoException).code !== 'ESRCH'
      )
        throw error;
    }
  }
  const found = [root];
  for (const parent of found) for (const [pid, of] of parents) if (of === parent) found.push(pid);
  return found;
}

export const launchChromium = (extraArgs?: readonly string[]): Promise<TestBrowser> =>
  TestBrowser.launch('chromium', extraArgs);
export const launchFirefox = (): Promise<TestBrowser> => TestBrowser.launch('firefox');
export const firefoxInstalled = (): boolean => firefoxPath() !== undefined;
