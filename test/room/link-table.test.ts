import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NETWORK_DEFAULTS } from '../../src/network/config.js';
import { EntryBook } from '../../src/room/core/entry-book.js';
import { LinkTable, type LinkTableHost } from '../../src/room/core/link-table.js';
import type { FromCore } from '../../src/room/protocol.js';
import type { MemberId } from '../../src/units.js';
import { decodeLinkSignal, encodeLinkSignal, type LinkSignalKind } from '../../src/wire/link-signal.js';
import { expandDescription } from '../../src/wire/session-description.js';
import { FINGERPRINT, startOf } from './support.js';

const OTHER_FINGERPRINT = 'ef'.repeat(32);
const LOW = 'a'.repeat(32) as MemberId;
const HIGH = 'b'.repeat(32) as MemberId;

const SUMMARY = `actpass abcd ${'p'.repeat(24)}`;
const SDP = expandDescription(SUMMARY, FINGERPRINT)!;

/** The table of member `self`, with everything it says noted, and one other member who can sign. */
async function stage(self: MemberId, other: MemberId, { admits = true, wantsBack = false } = {}) {
  const [own, theirs] = [new EntryBook(await startOf(self)), new EntryBook(await startOf(other))];
  const [ownEntry, theirEntry] = [await own.sign({}), await theirs.sign({})];
  const posted: FromCore[] = [];
  const sent: { kind: LinkSignalKind; attempt: number }[] = [];
  const down: string[] = [];
  const host: LinkTableHost = {
    selfId: self,
    config: NETWORK_DEFAULTS,
    nowMs: () => Date.now(),
    post: (message) => posted.push(message),
    signal: (_to, payload) => {
      const { kind, attempt } = decodeLinkSignal(payload)!;
      sent.push({ kind, attempt });
    },
    ownEntry: () => ownEntry.bytes,
    isAcquainted: () => false,
    entryOf: () => undefined,
    verify: (bytes) => own.verify(bytes),
    admits: () => admits,
    onEntry: () => undefined,
    onLinkUp: () => undefined,
    onLinkDown: (peer, cause) => {
      down.push(cause);
      if (cause === 'closed' && wantsBack) table.want(peer);
    },
    onControl: () => undefined,
    onVoice: () => undefined,
  };
  const table = new LinkTable(host);
  /** Delivers a signal and waits until it was handled: signals of one member are handled in order. */
  const deliver = async (
    kind: LinkSignalKind,
    attempt: number,
    text = '',
    entry: Uint8Array = theirEntry.bytes,
  ) => {
    const withEntry = kind === 'candidate' || kind === 'refuse' ? new Uint8Array(0) : entry;
    table.onSignal(other, encodeLinkSignal({ kind, attempt, entry: withEntry, text }));
    await table.settled(other);
  };
  const opened = () => posted.filter((message) => message.type === 'open-link');
  return { table, deliver, posted, sent, down, opened, theirs };
}

describe('opening links', () => {
  test('the lower id offers, the higher one asks', async () => {
    const low = await stage(LOW, HIGH);
    low.table.want(HIGH);
    assert.deepEqual(low.opened(), [{ type: 'open-link', linkKey: 1, offer: null }]);
    const high = await stage(HIGH, LOW);
    high.table.want(LOW);
    assert.deepEqual(high.opened(), []);
    assert.deepEqual(
      high.sent.map(({ kind }) => kind),
      ['request'],
    );
    low.table.dropAll();
    high.table.dropAll();
  });

  test('two who want each other at once make one link', async () => {
    const { table, deliver, opened, sent } = await stage(HIGH, LOW);
    table.want(LOW);
    await deliver('offer', 77, SUMMARY);
    assert.equal(opened().length, 1);
    table.onLocalSignal({ type: 'local-signal', linkKey: 1, kind: 'answer', text: SDP });
    assert.deepEqual(sent.at(-1), { kind: 'answer', attempt: 77 });
    table.dropAll();
  });

  test('the browser is told the certificate of the signed entry; anything but a summary is refused and counted', async () => {
    const { table, deliver, opened } = await stage(HIGH, LOW);
    await deliver('offer', 1, expandDescription(SUMMARY, OTHER_FINGERPRINT));
    assert.equal(opened().length, 0);
    assert.equal(table.refusedSignals, 1);
    await deliver('offer', 2, SUMMARY);
    assert.deepEqual(opened(), [{ type: 'open-link', linkKey: 1, offer: SDP }]);
    table.dropAll();
  });

  test('an entry of somebody else, or a forged one, opens nothing', async () => {
    const { table, deliver, opened, theirs } = await stage(HIGH, LOW);
    const stranger = new EntryBook(await startOf('0'.repeat(32) as MemberId));
    await deliver('offer', 1, SUMMARY, (await stranger.sign({})).bytes);
    const forged = (await theirs.sign({})).bytes.slice();
    forged[100] = forged[100]! ^ 1;
    await deliver('offer', 2, SUMMARY, forged);
    assert.equal(opened().length, 0);
    assert.equal(table.refusedSignals, 2);
    table.dropAll();
  });

  test('a candidate never overtakes the offer that is still being checked', async () => {
    const { table, posted, theirs } = await stage(HIGH, LOW);
    const entry = (await theirs.sign({})).bytes;
    const offer = { kind: 'offer', attempt: 5, entry, text: SUMMARY } as const;
    table.onSignal(LOW, encodeLinkSignal(offer));
    const candidate = { kind: 'candidate', attempt: 5, entry: new Uint8Array(0), text: '{}' } as const;
    table.onSignal(LOW, encodeLinkSignal(candidate));
    await table.settled(LOW);
    assert.deepEqual(
      posted.map(({ type }) => type),
      ['open-link', 'remote-signal'],
    );
    table.dropAll();
  });

  test('who is not admitted is refused, and the engine hears of a refusal', async () => {
    const full = await stage(HIGH, LOW, { admits: false });
    await full.deliver('offer', 3, SUMMARY);
    assert.deepEqual(full.sent, [{ kind: 'refuse', attempt: 3 }]);
    const asking = await stage(HIGH, LOW);
    asking.table.want(LOW);
    await asking.deliver('refuse', asking.sent[0]!.attempt);
    assert.deepEqual(asking.down, ['refused']);
    assert.equal(asking.table.pending, 0);
  });

  test('answers and candidates of another attempt are ignored', async () => {
    const { table, deliver, posted } = await stage(LOW, HIGH);
    table.want(HIGH);
    await deliver('answer', 123456, SUMMARY);
    await deliver('candidate', 123456, '{}');
    assert.deepEqual(
      posted.map(({ type }) => type),
      ['open-link'],
    );
    table.dropAll();
  });

  test('who starts over gets one attempt, though the engine wants them back at once', async (t) => {
    const { table, deliver, opened, down } = await stage(HIGH, LOW, { wantsBack: true });
    t.mock.timers.enable({ apis: ['setTimeout'] });
    await deliver('offer', 1, SUMMARY);
    await deliver('offer', 2, SUMMARY);
    assert.deepEqual(down, ['closed']);
    assert.equal(table.pending, 1);
    assert.equal(opened().length, 2);
    table.dropAll();
    t.mock.timers.tick(NETWORK_DEFAULTS.linkAttemptTimeoutMs);
    assert.deepEqual(down, ['closed'], 'nothing is left that could fail later');
  });

  test('an offer lost with the pipe it took is made again over the next one, for the same connection', async () => {
    const { table, deliver, sent, opened, posted } = await stage(LOW, HIGH);
    table.want(HIGH);
    table.resume(HIGH);
    assert.equal(sent.length, 0, 'it is not made yet');
    table.onLocalSignal({ type: 'local-signal', linkKey: 1, kind: 'offer', text: SDP });
    table.onLocalSignal({ type: 'local-signal', linkKey: 1, kind: 'candidate', text: 'c' });
    table.resume(HIGH);
    assert.deepEqual(
      sent.map(({ kind }) => kind),
      ['offer', 'candidate', 'offer', 'candidate'],
    );
    assert.equal(new Set(sent.map(({ attempt }) => attempt)).size, 1);
    assert.equal(opened().length, 1);
    await deliver('answer', sent[0]!.attempt, SUMMARY);
    assert.equal(posted.at(-1)!.type, 'remote-signal');
    table.dropAll();
  });

  test('a lost request is made again as it was', async () => {
    const { table, sent } = await stage(HIGH, LOW);
    table.want(LOW);
    table.resume(LOW);
    assert.equal(sent.length, 2);
    assert.deepEqual(sent[1], sent[0]);
    table.dropAll();
  });

  test('the time to answer begins again when a new way opens', async (t) => {
    const { table, down } = await stage(HIGH, LOW);
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    const { linkSignalTimeoutMs } = NETWORK_DEFAULTS;
    table.want(LOW);
    t.mock.timers.tick(linkSignalTimeoutMs - 1);
    table.resume(LOW);
    t.mock.timers.tick(linkSignalTimeoutMs - 1);
    assert.deepEqual(down, []);
    t.mock.timers.tick(1);
    assert.deepEqual(down, ['failed']);
  });

  test('what was answered is left alone when another pipe opens', async () => {
    const { table, deliver, posted, sent } = await stage(LOW, HIGH);
    table.want(HIGH);
    table.onLocalSignal({ type: 'local-signal', linkKey: 1, kind: 'offer', text: SDP });
    await deliver('answer', sent[0]!.attempt, SUMMARY);
    const before = posted.length;
    table.resume(HIGH);
    assert.equal(posted.length, before);
    table.dropAll();
  });

  test('an offer is repeated at growing intervals until it is answered, then only the candidates', async (t) => {
    const { table, deliver, sent, opened } = await stage(LOW, HIGH);
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    table.want(HIGH);
    table.onLocalSignal({ type: 'local-signal', linkKey: 1, kind: 'offer', text: SDP });
    table.onLocalSignal({ type: 'local-signal', linkKey: 1, kind: 'candidate', text: 'c' });
    const repeatedAtMs = (kind: LinkSignalKind, forMs: number): number[] => {
      const times: number[] = [];
      for (let ms = 1; ms <= forMs; ms++) {
        sent.length = 0;
        t.mock.timers.tick(1);
        if (sent.some((signal) => signal.kind === kind)) times.push(ms);
      }
      return times;
    };
    const { linkRepeatMs, linkSignalTimeoutMs } = NETWORK_DEFAULTS;
    const { attempt } = sent[0]!;
    const [first, ...later] = repeatedAtMs('offer', linkSignalTimeoutMs - 1);
    assert.ok(first! >= 0.75 * linkRepeatMs && first! <= 1.25 * linkRepeatMs, `${first}`);
    assert.equal(later.length, 2);
    await deliver('answer', attempt, SUMMARY);
    assert.deepEqual([repeatedAtMs('offer', 1000), opened().length], [[], 1]);
    assert.equal(repeatedAtMs('candidate', 10_000).length, 2);
    table.dropAll();
  });

  test('a repeated offer is answered again, but not to a flood', async (t) => {
    const { table, deliver, sent, opened } = await stage(HIGH, LOW);
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    await deliver('offer', 7, SUMMARY);
    await deliver('offer', 7, SUMMARY);
    assert.deepEqual([opened().length, sent], [1, []], 'the answer is on its way from the page');
    table.onLocalSignal({ type: 'local-signal', linkKey: 1, kind: 'answer', text: SDP });
    t.mock.timers.tick(NETWORK_DEFAULTS.linkRepeatMs / 2);
    for (let i = 0; i < 50; i++) await deliver('offer', 7, SUMMARY);
    assert.deepEqual(sent, [
      { kind: 'answer', attempt: 7 },
      { kind: 'answer', attempt: 7 },
    ]);
    table.dropAll();
  });

  test('a request that crossed the offer, or comes late, does not end what it asked for', async (t) => {
    const { table, deliver, sent, opened, down } = await stage(LOW, HIGH, { wantsBack: true });
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    table.want(HIGH);
    table.onLocalSignal({ type: 'local-signal', linkKey: 1, kind: 'offer', text: SDP });
    await deliver('request', 9);
    await deliver('answer', sent[0]!.attempt, SUMMARY);
    await deliver('request', 10);
    t.mock.timers.tick(NETWORK_DEFAULTS.linkCrossingMs);
    await deliver('request', 9);
    assert.deepEqual([opened().length, down], [1, []]);
    await deliver('request', 10);
    assert.deepEqual(down, ['closed'], 'their end is gone: they go on asking');
    assert.equal(opened().length, 2);
    table.dropAll();
  });

  test('signals that never come end an attempt sooner than a slow connection does', async (t) => {
    const { linkSignalTimeoutMs, linkAttemptTimeoutMs } = NETWORK_DEFAULTS;
    const asking = await stage(HIGH, LOW);
    const answered = await stage(LOW, HIGH);
    t.mock.timers.enable({ apis: ['setTimeout'] });
    asking.table.want(LOW);
    answered.table.want(HIGH);
    answered.table.onLocalSignal({
      type: 'local-signal',
      linkKey: 1,
      kind: 'offer',
      text: SDP,
    });
    await answered.deliver('answer', answered.sent[0]!.attempt, SUMMARY);
    t.mock.timers.tick(linkSignalTimeoutMs);
    assert.deepEqual([asking.down, answered.down], [['failed'], []]);
    t.mock.timers.tick(linkAttemptTimeoutMs - linkSignalTimeoutMs);
    assert.deepEqual(answered.down, ['failed']);
  });

  test('nonsense is counted', async () => {
    const { table } = await stage(LOW, HIGH);
    table.onSignal(HIGH, new Uint8Array([9, 9, 9]));
    assert.equal(table.refusedSignals, 1);
  });
});
