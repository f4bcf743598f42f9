import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { EntryBook } from '../../src/room/core/entry-book.js';
import { identityOf } from '../../src/room/identity.js';
import type { CoreStart } from '../../src/room/protocol.js';
import { toHex, type MemberId } from '../../src/units.js';

async function person(memberId: string): Promise<{ start: CoreStart; book: EntryBook }> {
  const pair = (await crypto.subtle.generateKey({ name: 'Ed25519' }, false, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const start: CoreStart = {
    type: 'start',
    memberId: memberId.repeat(32) as MemberId,
    publicKey: toHex(raw),
    identity: await identityOf(raw),
    privateKey: pair.privateKey,
    fingerprint: 'cd'.repeat(32),
    joinedAtMs: 1_700_000_000_000,
    name: 'Ada ☕',
    limits: { maxLinks: 6, uploadSlots: 4, uploadKbps: Infinity },
    blocked: [],
    voice: { voiceActivation: 'auto', bitrate: 32_000, frameMs: 20, muted: false, deafened: false },
  };
  return { start, book: new EntryBook(start) };
}

describe('the entry book', () => {
  test('accepts what a member signed, with the identity of its key', async () => {
    const [ada, bob] = [await person('a'), await person('b')];
    const entry = await ada.book.sign({ muted: true });
    const verified = await bob.book.verify(entry.bytes);
    assert.equal(verified?.name, 'Ada ☕');
    assert.equal(verified?.muted, true);
    assert.equal(verified?.identity, ada.start.identity);
    assert.equal(verified?.version, 1);
  });

  test('signs with ever higher versions, even when asked at once', async () => {
    const ada = await person('a');
    const entries = await Promise.all([
      ada.book.sign({}),
      ada.book.sign({ version: 9 }),
      ada.book.sign({ name: 'A' }),
    ]);
    assert.deepEqual(
      entries.map(({ version }) => version),
      [1, 9, 10],
    );
  });

  test('counts and refuses every entry that was changed in any place', async () => {
    const [ada, bob] = [await person('a'), await person('b')];
    const { bytes } = await ada.book.sign({});
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.byteLength - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = bytes.slice();
        changed[at] = (changed[at] ?? 0) ^ flip;
        assert.equal(await bob.book.verify(changed), undefined);
      }),
      { numRuns: 60 },
    );
    assert.ok(bob.book.forged + bob.book.malformed >= 60);
  });

  test('does not let another key speak for a known member', async () => {
    const [ada, mallory, bob] = [await person('a'), await person('a'), await person('b')];
    assert.ok(await bob.book.verify((await ada.book.sign({})).bytes));
    assert.equal(await bob.book.verify((await mallory.book.sign({ version: 99 })).bytes), undefined);
    assert.equal(bob.book.forged, 1);
  });

  test('answers an older entry with the newest known', async () => {
    const [ada, bob] = [await person('a'), await person('b')];
    const old = await ada.book.sign({});
    const newer = await ada.book.sign({ name: 'Ada L.' });
    await bob.book.verify(newer.bytes);
    assert.equal((await bob.book.verify(old.bytes))?.name, 'Ada L.');
  });
});
