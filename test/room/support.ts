/** Members that can sign, without a page around them. */

import { identityOf } from '../../src/room/identity.js';
import type { CoreStart } from '../../src/room/protocol.js';
import { toHex, type MemberId } from '../../src/units.js';

export const FINGERPRINT = 'cd'.repeat(32);

export async function startOf(memberId: MemberId): Promise<CoreStart> {
  const pair = (await crypto.subtle.generateKey({ name: 'Ed25519' }, false, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  return {
    type: 'start',
    memberId,
    publicKey: toHex(raw),
    identity: await identityOf(raw),
    privateKey: pair.privateKey,
    fingerprint: FINGERPRINT,
    joinedAtMs: 0,
    name: 'x',
    limits: { maxLinks: 6, uploadSlots: 4, uploadKbps: Infinity },
    blocked: [],
    voice: { voiceActivation: 'auto', bitrate: 32_000, frameMs: 20, muted: false, deafened: false },
  };
}
