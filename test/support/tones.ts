/** Waiting for, and asserting, what a page plays. */

import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import type { EvaluateFunc, Page } from 'puppeteer-core';
import { consoleOf } from './browser.js';
import type { Live, Presence } from './injected/globals.js';

/** How often a page is asked whether a condition holds. */
const POLLING_MS = 50;

/** Tones the page plays now, ascending, Hz. */
export const tonesOf = (page: Page, windowMs = 300): Promise<number[]> =>
  page.evaluate((window) => globalThis.__tap.tones(window), windowMs);

/** How a tone came and went in this page since a moment (`Date.now()`). */
export const presenceOf = (page: Page, toneHz: number, sinceMs = 0): Promise<Presence> =>
  page.evaluate((tone, since) => globalThis.__tap.presence(tone, since), toneHz, sinceMs);

export const amplitudeOf = (page: Page, toneHz: number, windowMs = 300): Promise<number> =>
  page.evaluate((tone, window) => globalThis.__tap.amplitude(tone, window), toneHz, windowMs);

/** What is open in the page. */
export const liveOf = (page: Page): Promise<Live> => page.evaluate(() => globalThis.__live());

/**
 * Waits until the page plays exactly these tones.
 * @throws AssertionError with what it plays instead, and its console, when the time is over
 */
export async function waitForTones(
  page: Page,
  tonesHz: readonly number[],
  {
    timeoutMs = 15_000,
    label = 'page',
    explain,
  }: { timeoutMs?: number; label?: string; explain?: () => Promise<string> } = {},
): Promise<void> {
  const wanted = [...tonesHz].sort((a, b) => a - b);
  await waitFor(page, (text) => JSON.stringify(globalThis.__tap.tones()) === text, [JSON.stringify(wanted)], {
    timeoutMs,
    message: async () =>
      [
        `${label} should play ${wanted.join(' ')} Hz, plays ${(await tonesOf(page)).join(' ')} Hz`,
        ...(explain ? [await explain()] : []),
      ].join('\n'),
  });
}

/**
 * Waits until a condition holds in a page. Asks from outside: a wait of the page's own would be one more interval in it.
 * @throws AssertionError with the message and the page's console when the time is over
 */
export async function waitFor<Args extends unknown[]>(
  page: Page,
  condition: EvaluateFunc<Args>,
  args: Args,
  { timeoutMs = 15_000, message }: { timeoutMs?: number; message: string | (() => Promise<string>) },
): Promise<void> {
  const untilMs = Date.now() + timeoutMs;
  while (!(await page.evaluate(condition, ...args))) {
    if (Date.now() > untilMs) {
      const text = typeof message === 'string' ? message : await message();
      const printed = consoleOf(page);
      assert.fail(`${text} (waited ${timeoutMs} ms)${printed ? `\nits console:\n${printed}` : ''}`);
    }
    await setTimeout(POLLING_MS);
  }
}

/** A stall of a busy test machine: what is shorter says nothing about the room. */
const STALL_MS = 200;

/**
 * Whether a voice was away longer than allowed. Other voices that the same page played meanwhile, and to which nothing
 * happened, tell how much of it was the machine's doing.
 * @throws AssertionError with its gaps and theirs
 */
export function assertGapsWithin(
  limitMs: number,
  { gapsMs, blocksHeard }: Presence,
  controls: readonly Presence[],
  message: string,
): void {
  const machineMs = Math.max(0, ...controls.flatMap((control) => control.gapsMs));
  assert.ok(
    blocksHeard > 0 && gapsMs.every((gapMs) => gapMs <= limitMs + machineMs),
    `${message}: ${gapsMs.join(' ')} ms, others in the same page ${machineMs} ms at most`,
  );
}

/** @throws AssertionError when a voice that nothing happened to was away longer than a busy machine explains */
export function assertUndisturbed(
  presence: Presence,
  message: string,
  controls: readonly Presence[] = [],
): void {
  assertGapsWithin(STALL_MS, presence, controls, message);
}

/**
 * How many of these moments a gap began in, or within `lengthMs` after: what causes gaps shows at nearly all of them, a
 * busy machine at the few its stalls happen to hit.
 */
export function gapsAt(momentsMs: readonly number[], lengthMs: number, { gapsAtMs }: Presence): number {
  return momentsMs.filter((atMs) => gapsAtMs.some((gapMs) => gapMs >= atMs && gapMs <= atMs + lengthMs))
    .length;
}

/** @throws AssertionError when a tone was heard for longer than the click that another voice's stall makes in its block */
export function assertSilent({ longestMs }: Presence, message: string): void {
  assert.ok(longestMs <= 20, `${message}, for ${longestMs} ms`);
}
