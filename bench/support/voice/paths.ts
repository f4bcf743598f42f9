/**
 * A voice from mouth to ear in one page, over our rooms or over native tracks, through as many relays as asked for.
 * Mouth and ear are one probe, on one audio clock.
 */

import { setTimeout } from 'node:timers/promises';
import type { Page } from 'puppeteer-core';
import { waitFor } from '../../../test/support/tones.js';
import { RATE_HZ } from './click-track.js';
import { samplesToText, textToSamples } from './page/samples.js';
import type { Concealment, StreamIndex } from './page/globals.js';
import type { VoiceStage } from './voice-stage.js';

/** Meeting, linking and planning a chain of five on a busy machine. */
const FORMING_MS = 60_000;

/** `bare`: the floor, data channels alone (`page/bare.ts`). */
export type System = 'ours' | 'native' | 'bare';
/** Those that carry a voice. */
export type VoiceSystem = Exclude<System, 'bare'>;

export interface VoicePath {
  readonly probe: StreamIndex;
  /** Delay the listener's jitter buffer holds now, ms; undefined where nobody tells. */
  playoutDelayMs(): Promise<number | undefined>;
  /** Since the path was opened. */
  concealment(): Promise<Concealment>;
  /** @throws Error when the voice no longer comes the way it was meant to */
  check(): Promise<void>;
  close(): Promise<void>;
}

export const openPath = (
  system: VoiceSystem,
  page: Page,
  stage: VoiceStage,
  relays: number,
): Promise<VoicePath> => (system === 'ours' ? openOurs(page, stage, relays) : openNative(page, relays));

/**
 * One member speaks and has one upload slot, relays have one each, the listener has none: every voice must pass every
 * relay, or somebody hears nothing.
 */
async function openOurs(page: Page, stage: VoiceStage, relays: number): Promise<VoicePath> {
  const options = stage.newRoom();
  const join = (name: string, uploadSlots: number): Promise<number> =>
    page.evaluate((given) => globalThis.voice.join(given), { ...options, displayName: name, uploadSlots });
  const speaker = await join('speaker', 1);
  for (let relay = 1; relay <= relays; relay++) await join(`relay ${relay}`, 1);
  const listener = await join('listener', 0);
  const speakerId = await page.evaluate((room) => globalThis.voice.selfId(room), speaker);
  const relaysNow = (): Promise<number | undefined> =>
    page.evaluate((room, id) => globalThis.voice.relaysTo(room, id), listener, speakerId);
  await waitFor(
    page,
    (room, id, wanted) => globalThis.voice.relaysTo(room, id) === wanted,
    [listener, speakerId, relays] as [number, string, number],
    {
      timeoutMs: FORMING_MS,
      message: async () =>
        `the voice should pass ${relays} relays, passes ${await relaysNow()}: ` +
        (await page.evaluate((room) => globalThis.voice.explain(room), listener)),
    },
  );
  const probe = await page.evaluate((room) => globalThis.voice.probe(room), listener);
  await page.evaluate((room, stream) => globalThis.voice.speak(room, stream), speaker, probe);
  return {
    probe,
    playoutDelayMs: () =>
      page.evaluate(
        (room, id) =>
          globalThis.voice.stats(room).sources.find(({ sourceId }) => sourceId === id)?.playoutDelayMs,
        listener,
        speakerId,
      ),
    concealment: () =>
      page.evaluate(
        (room, id) => {
          const source = globalThis.voice.stats(room).sources.find(({ sourceId }) => sourceId === id);
          return {
            concealed: source?.framesConcealed ?? 0,
            all: (source?.framesReceived ?? 0) + (source?.framesLost ?? 0),
          };
        },
        listener,
        speakerId,
      ),
    async check() {
      const passed = await relaysNow();
      if (passed !== relays) throw new Error(`the voice passed ${passed} relays at the end, not ${relays}`);
    },
    close: () => page.evaluate(() => globalThis.voice.leaveAll()),
  };
}

async function openNative(page: Page, relays: number): Promise<VoicePath> {
  const probe = await page.evaluate(() => globalThis.voice.probe());
  let stream = probe;
  for (let link = 0; link <= relays; link++) stream = await passNative(page, page, stream);
  await page.evaluate((received, ear) => globalThis.voice.hear(received, ear), stream, probe);
  return {
    probe,
    playoutDelayMs: () => Promise.resolve(undefined),
    concealment: () => page.evaluate(() => globalThis.voice.nativeConcealment()),
    check: () => Promise.resolve(),
    close: () => page.evaluate(() => globalThis.voice.closeNative()),
  };
}

/** Connects two pages natively. @returns the stream as the second one receives it */
export async function passNative(from: Page, to: Page, stream: StreamIndex): Promise<StreamIndex> {
  const offer = await from.evaluate((sent) => globalThis.voice.offer(sent), stream);
  const answer = await to.evaluate((sdp) => globalThis.voice.answer(sdp), offer.sdp);
  await from.evaluate(
    (connection, sdp) => globalThis.voice.accept(connection, sdp),
    offer.connection,
    answer.sdp,
  );
  return answer.stream;
}

/** Connects two members of the floor's chain. */
export async function passBare(from: Page, sender: number, to: Page, receiver: number): Promise<void> {
  const offer = await from.evaluate((member) => globalThis.voice.offerBare(member), sender);
  const answer = await to.evaluate(
    (member, sdp) => globalThis.voice.answerBare(member, sdp),
    receiver,
    offer.sdp,
  );
  await from.evaluate(
    (member, connection, sdp) => globalThis.voice.acceptBare(member, connection, sdp),
    sender,
    offer.connection,
    answer,
  );
}

/** How long messages take through so many bare relays, ms each, after some time to settle. */
export async function bareDelays(
  page: Page,
  relays: number,
  settlingSeconds: number,
  seconds: number,
): Promise<number[]> {
  const add = (): Promise<number> => page.evaluate(() => globalThis.voice.addBare());
  try {
    const first = await add();
    let last = first;
    for (let link = 0; link <= relays; link++) {
      const next = await add();
      await passBare(page, last, page, next);
      last = next;
    }
    await page.evaluate((member) => globalThis.voice.speakBare(member), first);
    const take = (): Promise<number[]> => page.evaluate((member) => globalThis.voice.takeBare(member), last);
    await setTimeout(settlingSeconds * 1000);
    await take();
    await setTimeout(seconds * 1000);
    return await take();
  } finally {
    await page.evaluate(() => globalThis.voice.closeBare());
  }
}

/**
 * Plays a signal once and returns what was heard meanwhile, from the same sample on.
 * @param nearEnd asks about the path, once, a moment before the end: what comes afterwards stirs the page up.
 */
export async function playAndRecord(
  page: Page,
  probe: StreamIndex,
  signal: Float32Array,
  nearEnd?: () => Promise<void>,
): Promise<Float32Array> {
  await page.evaluate(
    (ear, text) => globalThis.voice.play(ear, text, 'record'),
    probe,
    samplesToText(signal),
  );
  // Nobody asks before: every question wakes three processes beside what is measured.
  await setTimeout((signal.length / RATE_HZ) * 1000);
  await nearEnd?.();
  await waitFor(page, (ear) => globalThis.voice.recording(ear) !== undefined, [probe] as [number], {
    timeoutMs: 60_000,
    message: 'the probe did not come to the end of its signal',
  });
  return textToSamples((await page.evaluate((ear) => globalThis.voice.recording(ear), probe))!);
}
