/** Two tables that open a link over a wire that loses one signal, with pages and channels played: time is the test's. */

import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { NETWORK_DEFAULTS } from '../../src/network/config.js';
import { EntryBook } from '../../src/room/core/entry-book.js';
import { LinkTable } from '../../src/room/core/link-table.js';
import type { FromCore } from '../../src/room/protocol.js';
import type { MemberId } from '../../src/units.js';
import { decodeLinkSignal } from '../../src/wire/link-signal.js';
import { expandDescription } from '../../src/wire/session-description.js';
import { FINGERPRINT, startOf } from './support.js';

const MEMBERS = ['a'.repeat(32), 'b'.repeat(32)] as MemberId[];
const SDP = expandDescription(`actpass abcd ${'p'.repeat(24)}`, FINGERPRINT)!;

/** One way between the members, and what a page takes to describe a connection. */
const WIRE_MS = 40;
const PAGE_MS = 60;
/** An attempt in which nothing is lost takes this: three ways, two descriptions, and the connection itself. */
const CONNECT_MS = 80;

class PlayedChannel {
  readyState = 'connecting';
  bufferedAmount = 0;
  onopen: (() => void) | null = null;
  close(): void {
    this.readyState = 'closed';
  }
  open(): void {
    if (this.readyState !== 'connecting') return;
    this.readyState = 'open';
    this.onopen?.();
  }
}

/** One member's page: it describes after a while, and connects once both ends know each other's description and candidate. */
interface PlayedPage {
  readonly channels: PlayedChannel[];
  readonly heard: Set<string>;
}

type Acquaintance = 'strangers' | 'acquainted' | 'wrongly taken for acquainted';

async function openWhileLosing(
  t: TestContext,
  wants: readonly number[],
  lost: number,
  acquaintance: Acquaintance = 'strangers',
) {
  const starts = await Promise.all(MEMBERS.map((member) => startOf(member)));
  const books = starts.map((start) => new EntryBook(start));
  const entries = await Promise.all(books.map((book) => book.sign({})));
  if (acquaintance === 'acquainted')
    await Promise.all(books.map((book, i) => book.verify(entries[1 - i]!.bytes)));
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: 1000 });
  const pages: PlayedPage[] = [0, 1].map(() => ({ channels: [], heard: new Set() }));
  const said: string[] = [];
  let connections = 0;
  let entryBytes = 0;
  const openAtMs: number[] = [];
  const connectIfDescribed = () => {
    if (pages.some(({ channels, heard }) => channels.length === 0 || heard.size < 2)) return;
    setTimeout(() => pages.forEach(({ channels }) => channels.forEach((one) => one.open())), CONNECT_MS);
  };
  const play = (i: number, message: FromCore) => {
    const table = tables[i]!;
    const { channels, heard } = pages[i]!;
    if (message.type === 'remote-signal') heard.add(message.kind);
    if (message.type === 'open-link') {
      const { linkKey, offer } = message;
      connections += 1;
      const [control, voice] = [new PlayedChannel(), new PlayedChannel()];
      channels.splice(0, channels.length, control, voice);
      heard.clear();
      if (offer !== null) heard.add('offer');
      table.onChannels({
        type: 'channels',
        linkKey,
        control: control as unknown as RTCDataChannel,
        voice: voice as unknown as RTCDataChannel,
      });
      setTimeout(() => {
        const kind = offer === null ? 'offer' : 'answer';
        table.onLocalSignal({ type: 'local-signal', linkKey, kind, text: SDP });
        table.onLocalSignal({ type: 'local-signal', linkKey, kind: 'candidate', text: 'candidate' });
      }, PAGE_MS);
    }
    connectIfDescribed();
  };
  const tables = MEMBERS.map((selfId, i): LinkTable => {
    const other = 1 - i;
    return new LinkTable({
      selfId,
      config: NETWORK_DEFAULTS,
      nowMs: () => Date.now(),
      post: (message) => play(i, message),
      signal: (_to, payload) => {
        const { kind, entry } = decodeLinkSignal(payload)!;
        said.push(kind);
        entryBytes += entry.byteLength;
        if (said.length - 1 !== lost) setTimeout(() => tables[other]!.onSignal(selfId, payload), WIRE_MS);
      },
      ownEntry: () => entries[i]!.bytes,
      isAcquainted: () => acquaintance !== 'strangers',
      entryOf: (peer) => books[i]!.entryOf(peer),
      verify: (bytes) => books[i]!.verify(bytes),
      admits: () => true,
      onEntry: () => undefined,
      onLinkUp: () => openAtMs.push(Date.now()),
      onLinkDown: (_peer, cause) => assert.fail(`the attempt ended: ${cause}`),
      onControl: () => undefined,
      onVoice: () => undefined,
    });
  });
  const startedMs = Date.now();
  for (const i of wants) tables[i]!.want(MEMBERS[1 - i]!);
  while (openAtMs.length < 2 && Date.now() - startedMs < NETWORK_DEFAULTS.linkSignalTimeoutMs) {
    t.mock.timers.tick(10);
    await Promise.all(tables.map((table, i) => table.settled(MEMBERS[1 - i]!)));
  }
  const tookMs = (openAtMs[1] ?? Infinity) - startedMs;
  const lostKind = said[lost];
  // What was still on its way arrives, and changes nothing.
  for (let i = 0; i < 20; i++) {
    t.mock.timers.tick(100);
    await Promise.all(tables.map((table, at) => table.settled(MEMBERS[1 - at]!)));
  }
  assert.equal(openAtMs.length, 2, 'a link opens once');
  for (const table of tables) table.dropAll();
  t.mock.timers.reset();
  return { tookMs, lostKind, connections, entryBytes };
}

describe('signals without entries', () => {
  test('who has been here for a while opens links without them, as soon as strangers do', async (t) => {
    const strangers = await openWhileLosing(t, [0], -1);
    const acquainted = await openWhileLosing(t, [0], -1, 'acquainted');
    assert.ok(strangers.entryBytes > 300);
    assert.equal(acquainted.entryBytes, 0);
    assert.equal(acquainted.tookMs, strangers.tookMs);
  });

  test('who turns out not to have it gets it with the repeat, within a second', async (t) => {
    for (const wants of [[0], [1], [0, 1]] as const) {
      const strangers = await openWhileLosing(t, wants, -1);
      const { tookMs, connections } = await openWhileLosing(t, wants, -1, 'wrongly taken for acquainted');
      // Once for what asks or offers, once for the answer.
      const lateMs = tookMs - strangers.tookMs;
      assert.ok(lateMs > 0 && lateMs <= 2000, `${lateMs} ms later`);
      assert.equal(connections, 2);
    }
  });
});

describe('lost signals', () => {
  for (const [story, wants] of [
    ['the lower id wants', [0]],
    ['the higher id wants', [1]],
    ['both want', [0, 1]],
  ] as const) {
    test(`${story}: any one signal lost costs less than a second and no connection`, async (t) => {
      const { tookMs: plainMs } = await openWhileLosing(t, wants, -1);
      assert.ok(plainMs <= 500, `${plainMs} ms without a loss`);
      const kinds = new Set<string>();
      for (let lost = 0; lost < wants.length + 4; lost++) {
        const { tookMs, lostKind, connections } = await openWhileLosing(t, wants, lost);
        if (lostKind === undefined) continue;
        kinds.add(lostKind);
        assert.ok(tookMs - plainMs <= 1000, `${lostKind} lost: ${tookMs} ms instead of ${plainMs}`);
        assert.equal(connections, 2, `${lostKind} lost`);
      }
      for (const kind of ['offer', 'answer', 'candidate']) assert.ok(kinds.has(kind), `no ${kind} was lost`);
    });
  }
});
