/**
 * What passing one voice on costs: a relay in a browser of its own, speaker and children in another one. The relay
 * also plays the voice, as every member does; what is measured is its whole browser.
 */

import type { Page } from 'puppeteer-core';
import type { BrowserKind, TestBrowser } from '../../../test/support/browser.js';
import { waitFor } from '../../../test/support/tones.js';
import { clickTrack } from './click-track.js';
import { cpuPercent, threadShares } from './cpu.js';
import { samplesToText } from './page/samples.js';
import { passBare, passNative, type System } from './paths.js';
import { launch, type VoiceStage } from './voice-stage.js';

export interface RelayCpuOptions {
  readonly system: System;
  readonly kind: BrowserKind;
  /** Where speaker and children live. */
  readonly browser: TestBrowser;
  readonly stage: VoiceStage;
  readonly children: number;
  readonly seconds: number;
  /** s until meeting is over: a doorbell's connections last 8 s after the last of them was needed. */
  readonly settlingSeconds: number;
  /** Wants to know which threads used the most. */
  readonly onThreads?: (lines: string[]) => void;
}

const FORMING_MS = 60_000;

/** Per cent of one core. */
export async function relayCpu({
  system,
  kind,
  browser,
  stage,
  children,
  seconds,
  settlingSeconds,
  onThreads,
}: RelayCpuOptions): Promise<number> {
  const relayBrowser = await launch(kind);
  const others = await stage.open(browser);
  try {
    const relay = await stage.open(relayBrowser);
    if (system === 'ours') await ours(others, relay, stage, children);
    else await (system === 'native' ? native : bare)(others, relay, children);
    await new Promise((resolve) => setTimeout(resolve, settlingSeconds * 1000));
    const pid = relayBrowser.browser.process()!.pid!;
    const shares = onThreads && threadShares(pid, seconds);
    const percent = await cpuPercent(pid, seconds);
    if (shares) onThreads(await shares);
    return percent;
  } finally {
    await relayBrowser.close();
    await others.close();
  }
}

/** A steady voice without end. */
async function speakForEver(page: Page, probe: number): Promise<void> {
  const { samples } = clickTrack(10, 0);
  await page.evaluate(
    (mouth, text) => globalThis.voice.play(mouth, text, 'loop'),
    probe,
    samplesToText(samples),
  );
}

/** The speaker has one slot, the children none: only the relay can serve them, and only its slots are many. */
async function ours(others: Page, relay: Page, stage: VoiceStage, children: number): Promise<void> {
  const options = stage.newRoom();
  const join = (page: Page, uploadSlots: number): Promise<number> =>
    page.evaluate((given) => globalThis.voice.join(given), { ...options, uploadSlots });
  const speaker = await join(others, 1);
  const speakerId = await others.evaluate((room) => globalThis.voice.selfId(room), speaker);
  const hears = (page: Page, room: number, relays: number): Promise<void> =>
    waitFor(
      page,
      (index, id, wanted) => globalThis.voice.relaysTo(index, id) === wanted,
      [room, speakerId, relays] as [number, string, number],
      {
        timeoutMs: FORMING_MS,
        message: () => page.evaluate((index) => globalThis.voice.explain(index), room),
      },
    );
  await hears(relay, await join(relay, 8), 0);
  const rooms: number[] = [];
  for (let child = 0; child < children; child++) rooms.push(await join(others, 0));
  for (const room of rooms) await hears(others, room, 1);
  const probe = await others.evaluate(() => globalThis.voice.probe());
  await others.evaluate((room, stream) => globalThis.voice.speak(room, stream), speaker, probe);
  await speakForEver(others, probe);
}

async function native(others: Page, relay: Page, children: number): Promise<void> {
  const probe = await others.evaluate(() => globalThis.voice.probe());
  const received = await passNative(others, relay, probe);
  await relay.evaluate((stream) => globalThis.voice.hearInElement(stream), received);
  for (let child = 0; child < children; child++) {
    const atChild = await passNative(relay, others, received);
    await others.evaluate((stream) => globalThis.voice.hearInElement(stream), atChild);
  }
  await speakForEver(others, probe);
}

async function bare(others: Page, relay: Page, children: number): Promise<void> {
  const add = (page: Page): Promise<number> => page.evaluate(() => globalThis.voice.addBare());
  const speaker = await add(others);
  const relayed = await add(relay);
  await passBare(others, speaker, relay, relayed);
  for (let child = 0; child < children; child++) await passBare(relay, relayed, others, await add(others));
  await others.evaluate((member) => globalThis.voice.speakBare(member), speaker);
}
