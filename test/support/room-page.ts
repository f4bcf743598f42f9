/** One page with a room in it, driven through the public contract alone. */

import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import type { Page } from 'puppeteer-core';
import type { P2PVoiceRoomElement } from '../../src/elements/voice-room-element.js';
import type { OverlaySnapshot, PeerSnapshot, RoomState, RoomStats } from '../../src/room/types.js';
import { consoleOf } from './browser.js';
import { TONE_AMPLITUDE } from './injected-scripts.js';
import type { Live, Presence } from './injected/globals.js';
import { amplitudeOf, liveOf, presenceOf, tonesOf, waitFor, waitForTones } from './tones.js';

/** Between two readings of a level: each sees another window. */
const LEVEL_READING_MS = 300;

export interface LoggedEvent {
  readonly type: string;
  readonly atMs: number;
  readonly name?: string;
  readonly state?: RoomState;
  readonly blocked?: boolean;
  readonly reason?: string;
  readonly recoverable?: boolean;
  readonly message?: string;
}

declare global {
  var rooms: (P2PVoiceRoomElement & { log: LoggedEvent[] })[];
  var makeRoom: (attributes: Record<string, string>, toneHz: number | undefined, amplitude: number) => number;
  var roomReady: boolean | undefined;
}

export class RoomPage {
  constructor(
    readonly page: Page,
    readonly name: string,
    readonly toneHz: number | null,
  ) {}

  /** The fixture has loaded the bundle. */
  async ready(): Promise<void> {
    await waitFor(this.page, () => globalThis.roomReady === true, [], {
      message: `${this.name} did not load`,
    });
  }

  /** @returns the index of the new room in this page */
  addRoom(attributes: Readonly<Record<string, string>>, toneHz: number | null): Promise<number> {
    return this.page.evaluate(
      (given, tone, amplitude) => globalThis.makeRoom(given, tone ?? undefined, amplitude),
      attributes,
      toneHz,
      TONE_AMPLITUDE,
    );
  }

  join(room = 0): Promise<void> {
    return this.page.evaluate((index) => globalThis.rooms[index]!.join(), room);
  }

  leave(room = 0): Promise<void> {
    return this.page.evaluate((index) => globalThis.rooms[index]!.leave(), room);
  }

  setAttribute(name: string, value: string | null, room = 0): Promise<void> {
    return this.page.evaluate(
      (index, attribute, text) => {
        if (text === null) globalThis.rooms[index]!.removeAttribute(attribute);
        else globalThis.rooms[index]!.setAttribute(attribute, text);
      },
      room,
      name,
      value,
    );
  }

  state(room = 0): Promise<RoomState> {
    return this.page.evaluate((index) => globalThis.rooms[index]!.state, room);
  }

  selfId(room = 0): Promise<string> {
    return this.page.evaluate((index) => String(globalThis.rooms[index]!.selfId), room);
  }

  peers(room = 0): Promise<PeerSnapshot[]> {
    return this.page.evaluate((index) => globalThis.rooms[index]!.peers.map((peer) => ({ ...peer })), room);
  }

  overlay(room = 0): Promise<OverlaySnapshot> {
    return this.page.evaluate((index) => JSON.parse(JSON.stringify(globalThis.rooms[index]!.overlay)), room);
  }

  stats(room = 0): Promise<RoomStats> {
    return this.page.evaluate((index) => JSON.parse(JSON.stringify(globalThis.rooms[index]!.stats())), room);
  }

  log(room = 0): Promise<LoggedEvent[]> {
    return this.page.evaluate((index) => JSON.parse(JSON.stringify(globalThis.rooms[index]!.log)), room);
  }

  /** @returns the moment before it was asked for, `Date.now()` of the machine */
  block(peerId: string, room = 0): Promise<number> {
    return this.page.evaluate(
      (index, id) => {
        const nowMs = Date.now();
        globalThis.rooms[index]!.block(id as PeerSnapshot['id']);
        return nowMs;
      },
      room,
      peerId,
    );
  }

  unblock(peerId: string, room = 0): Promise<void> {
    return this.page.evaluate(
      (index, id) => globalThis.rooms[index]!.unblock(id as PeerSnapshot['id']),
      room,
      peerId,
    );
  }

  setGain(peerId: string, gain: number, room = 0): Promise<void> {
    return this.page.evaluate(
      (index, id, value) => globalThis.rooms[index]!.setGain(id as PeerSnapshot['id'], value),
      room,
      peerId,
      gain,
    );
  }

  /** Waits until a tone plays this loud: an amplitude within 10 %. */
  async hearsAt(toneHz: number, amplitude: number, timeoutMs = 5000): Promise<void> {
    await waitFor(
      this.page,
      (tone, wanted) => Math.abs(globalThis.__tap.amplitude(tone) / wanted - 1) < 0.1,
      [toneHz, amplitude] as [number, number],
      {
        timeoutMs,
        message: async () =>
          `${this.name} should play ${toneHz} Hz at ${amplitude}, plays it at ${await amplitudeOf(this.page, toneHz)}`,
      },
    );
  }

  /**
   * How loud a tone plays once it plays evenly: what levels are compared with. One reading may hold a gap.
   * @returns its amplitude, after four readings in a row that agree within 5 %
   */
  async levelOf(toneHz: number): Promise<number> {
    const last: number[] = [];
    const untilMs = Date.now() + 20_000;
    do {
      assert.ok(Date.now() < untilMs, `${this.name} plays ${toneHz} Hz unevenly: ${last.join(' ')}`);
      last.push(await amplitudeOf(this.page, toneHz));
      if (last.length > 4) last.shift();
      await setTimeout(LEVEL_READING_MS);
    } while (last.length < 4 || Math.max(...last) > Math.min(...last) * 1.05);
    return last.at(-1)!;
  }

  tones(windowMs?: number): Promise<number[]> {
    return tonesOf(this.page, windowMs);
  }

  presence(toneHz: number, sinceMs?: number): Promise<Presence> {
    return presenceOf(this.page, toneHz, sinceMs);
  }

  live(): Promise<Live> {
    return liveOf(this.page);
  }

  /** Everything this member knows, for the message of a failed assertion. */
  async explain(room = 0): Promise<string> {
    return JSON.stringify({
      name: this.name,
      selfId: await this.selfId(room),
      state: await this.state(room),
      peers: (await this.peers(room)).map(({ id, name, parentId, hops, blocked }) => ({
        id,
        name,
        parentId,
        hops,
        blocked,
      })),
      overlay: await this.overlay(room),
      live: await this.live(),
      log: (await this.log(room))
        .filter(({ type }) => type !== 'speaking-change')
        .map(({ type, atMs, name, state, reason }) => ({
          type,
          atMs,
          name,
          state,
          reason,
        })),
    });
  }

  hears(tonesHz: readonly number[], timeoutMs?: number): Promise<void> {
    return waitForTones(this.page, tonesHz, {
      label: this.name,
      explain: () => this.explain(),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }

  /** Waits until this member sees exactly these others. */
  async sees(names: readonly string[], timeoutMs = 15_000, room = 0): Promise<void> {
    await waitFor(
      this.page,
      (index, wanted) =>
        globalThis.rooms[index]!.peers.map((peer) => peer.name)
          .sort()
          .join() === wanted,
      [room, [...names].sort().join()] as [number, string],
      {
        timeoutMs,
        message: async () =>
          `${this.name} should see ${names.join(' ')}, sees ${(await this.peers(room)).map((peer) => peer.name).join(' ')}\n${await this.explain(room)}\n${consoleOf(this.page)}`,
      },
    );
  }

  /** Waits until an event of this type was logged, with this `reason` or `state` where given. */
  async logs(
    type: string,
    {
      reason,
      state,
      timeoutMs = 15_000,
      room = 0,
    }: { reason?: string; state?: RoomState; timeoutMs?: number; room?: number } = {},
  ): Promise<LoggedEvent> {
    const matches = (events: readonly LoggedEvent[]): LoggedEvent | undefined =>
      events.find(
        (event) =>
          event.type === type &&
          (reason === undefined || event.reason === reason) &&
          (state === undefined || event.state === state),
      );
    await waitFor(
      this.page,
      (index, wantedType, wantedReason, wantedState) =>
        globalThis.rooms[index]!.log.some(
          (event) =>
            event.type === wantedType &&
            (wantedReason === null || event.reason === wantedReason) &&
            (wantedState === null || event.state === wantedState),
        ),
      [room, type, reason ?? null, state ?? null] as [number, string, string | null, string | null],
      {
        timeoutMs,
        message: async () =>
          `${this.name} should log ${type} ${reason ?? state ?? ''}, logged ${JSON.stringify(await this.log(room))}`,
      },
    );
    return matches(await this.log(room))!;
  }

  /** Waits until the page has played `blocks` of 10 ms since a moment: the harness' way to let time pass. */
  async plays(blocks: number, toneHz: number, sinceMs: number, timeoutMs = 15_000): Promise<Presence> {
    await waitFor(
      this.page,
      (tone, since, wanted) => globalThis.__tap.presence(tone, since).blocks >= wanted,
      [toneHz, sinceMs, blocks] as [number, number, number],
      { timeoutMs, message: `${this.name} plays nothing` },
    );
    return this.presence(toneHz, sinceMs);
  }

  /** The id under which this member knows the one of that name. */
  async idOf(name: string, room = 0): Promise<string> {
    const peer = (await this.peers(room)).find((one) => one.name === name);
    if (!peer) throw new Error(`${this.name} does not see ${name}`);
    return peer.id;
  }
}

/** Everybody joins at once. */
export const joinAll = async (cast: readonly RoomPage[]): Promise<void> => {
  await Promise.all(cast.map((one) => one.join()));
};

/**
 * Waits until everybody plays everybody else's tone, and nothing more.
 * @throws AssertionError with what each member knew, those included who heard all
 */
export const allHearAll = (cast: readonly RoomPage[], timeoutMs?: number): Promise<void> =>
  allHear(cast, cast, timeoutMs);

/**
 * The same, one speaking at a time: many pages on one small machine hear all voices of a room, not all at once. The last
 * one goes on speaking.
 */
export async function allHearAllInTurns(cast: readonly RoomPage[], timeoutMs?: number): Promise<void> {
  for (const speaker of cast) {
    await speakOnly(cast, [speaker]);
    await allHear(cast, [speaker], timeoutMs);
  }
}

/** Opens these microphones and closes the others'. */
export const speakOnly = async (cast: readonly RoomPage[], speakers: readonly RoomPage[]): Promise<void> => {
  await Promise.all(cast.map((one) => one.setAttribute('muted', speakers.includes(one) ? null : '')));
};

/** Waits until everybody plays these speakers' tones, and nothing more. */
export async function allHear(
  cast: readonly RoomPage[],
  speakers: readonly RoomPage[],
  timeoutMs = 30_000,
): Promise<void> {
  const outcomes = await Promise.allSettled(
    cast.map((one) =>
      one.hears(
        speakers.filter((other) => other !== one).map((other) => other.toneHz!),
        timeoutMs,
      ),
    ),
  );
  if (outcomes.every(({ status }) => status === 'fulfilled')) return;
  const stories = outcomes.map((outcome, i) =>
    outcome.status === 'rejected' ? (outcome.reason as Error).message : cast[i]!.explain(),
  );
  assert.fail((await Promise.all(stories)).join('\n\n'));
}
