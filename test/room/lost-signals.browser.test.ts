/** Two tables and two link makers in one page, real connections, over a wire that loses and repeats signals. */

import { expect } from '@open-wc/testing';
import { NETWORK_DEFAULTS } from '../../src/network/config.js';
import { LinkMaker } from '../../src/network/link-maker.js';
import { EntryBook } from '../../src/room/core/entry-book.js';
import { LinkTable } from '../../src/room/core/link-table.js';
import type { MemberId } from '../../src/units.js';
import { decodeLinkSignal, type LinkSignalKind } from '../../src/wire/link-signal.js';
import { startOf } from './support.js';

const MEMBERS = ['a'.repeat(32), 'b'.repeat(32)] as MemberId[];

/** @returns its SHA-256, as entries have it */
function fingerprintOf(certificate: RTCCertificate): string {
  const { value } = certificate.getFingerprints().find(({ algorithm }) => algorithm === 'sha-256')!;
  return value!.replaceAll(':', '').toLowerCase();
}

/**
 * Opens a link that the member with the higher id asks for.
 * @param copies how often this signal arrives, the how-manieth of its kind and direction it is
 * @returns how often each end's link came up, and after how many ms both had
 */
async function openOver(copies: (kind: LinkSignalKind, nth: number) => number) {
  const ends = await Promise.all(
    MEMBERS.map(async (memberId) => {
      const certificate = await RTCPeerConnection.generateCertificate({
        name: 'ECDSA',
        namedCurve: 'P-256',
      } as AlgorithmIdentifier);
      const start = { ...(await startOf(memberId)), fingerprint: fingerprintOf(certificate) };
      const book = new EntryBook(start);
      return { memberId, certificate, book, entry: await book.sign({}), ups: 0 };
    }),
  );
  let bothUp = () => {};
  const opened = new Promise<void>((resolve) => (bothUp = resolve));
  const downs: string[] = [];
  let connections = 0;
  const members = ends.map((end, i) => {
    const counts = new Map<LinkSignalKind, number>();
    const maker: LinkMaker = new LinkMaker(
      { iceServers: [], certificates: [end.certificate] },
      {
        onChannels: (linkKey, control, voice) =>
          table.onChannels({ type: 'channels', linkKey, control, voice }),
        onSignal: (linkKey, kind, text) => table.onLocalSignal({ type: 'local-signal', linkKey, kind, text }),
        onFailed: (linkKey) => table.onFailed(linkKey),
      },
      NETWORK_DEFAULTS,
    );
    const table: LinkTable = new LinkTable({
      selfId: end.memberId,
      config: NETWORK_DEFAULTS,
      nowMs: () => performance.now(),
      post: (message) => {
        if (message.type === 'open-link') {
          connections += 1;
          maker.open(message.linkKey, message.offer);
        } else if (message.type === 'remote-signal')
          maker.signal(message.linkKey, message.kind, message.text);
        else if (message.type === 'close-link') maker.close(message.linkKey);
      },
      signal: (_to, payload) => {
        const { kind } = decodeLinkSignal(payload)!;
        const nth = counts.get(kind) ?? 0;
        counts.set(kind, nth + 1);
        for (let copy = copies(kind, nth); copy > 0; copy--)
          members[1 - i]!.table.onSignal(end.memberId, payload);
      },
      ownEntry: () => end.entry.bytes,
      isAcquainted: () => false,
      entryOf: () => undefined,
      verify: (bytes) => end.book.verify(bytes),
      admits: () => true,
      onEntry: () => undefined,
      onLinkUp: () => {
        end.ups += 1;
        if (ends.every(({ ups }) => ups > 0)) bothUp();
      },
      onLinkDown: (_peer, cause) => downs.push(cause),
      onControl: () => undefined,
      onVoice: () => undefined,
    });
    return { table, maker };
  });
  const startedMs = performance.now();
  members[1]!.table.want(MEMBERS[0]!);
  await opened;
  const tookMs = performance.now() - startedMs;
  // Repeats that were due after it opened.
  await new Promise((resolve) => setTimeout(resolve, 2 * NETWORK_DEFAULTS.linkRepeatMs));
  const ups = ends.map((end) => end.ups);
  for (const { table } of members) table.dropAll();
  for (const { maker } of members) maker.closeAll();
  return { tookMs, ups, downs, connections };
}

describe('a link whose signals', () => {
  it('are each lost the first time opens all the same, with the first connections', async () => {
    const { ups, downs, connections } = await openOver((_kind, nth) => (nth === 0 ? 0 : 1));
    expect({ ups, downs, connections }).to.deep.equal({ ups: [1, 1], downs: [], connections: 2 });
  });

  for (const lost of ['request', 'offer', 'answer', 'candidate'] as const)
    it(`lose one ${lost} opens before it would have been given up`, async () => {
      const { tookMs, downs } = await openOver((kind, nth) => (kind === lost && nth === 0 ? 0 : 1));
      expect(downs).to.deep.equal([]);
      expect(tookMs).to.be.below(NETWORK_DEFAULTS.linkSignalTimeoutMs / 2);
    });

  it('come three times each opens once', async () => {
    const { ups, downs, connections } = await openOver(() => 3);
    expect({ ups, downs, connections }).to.deep.equal({ ups: [1, 1], downs: [], connections: 2 });
  });
});
