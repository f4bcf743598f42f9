/**
 * Signs this member's roster entry and checks everybody else's: the engine sees only entries that passed here.
 *
 * Bound: the last verified entry and key of 2000 members, the least recently seen forgotten first; at most
 * `MAX_PENDING` checks wait at once, the rest is dropped (gossip repeats).
 */

import { fromHex, type MemberId } from '../../units.js';
import {
  decodeRosterEntry,
  encodeRosterFields,
  type RosterEntry,
  type RosterFields,
} from '../../wire/roster-entry.js';
import { identityOf } from '../identity.js';
import type { CoreStart } from '../protocol.js';

const MAX_MEMBERS = 2000;
const MAX_PENDING = 1024;

interface Known {
  readonly entry: RosterEntry;
  readonly key: CryptoKey;
}

export class EntryBook {
  /** Entries whose signature, key or id did not fit. */
  forged = 0;
  malformed = 0;

  readonly #known = new Map<MemberId, Known>();
  #pending = 0;
  #own: RosterFields;
  #signing: Promise<unknown> = Promise.resolve();

  constructor(private readonly start: CoreStart) {
    this.#own = {
      memberId: start.memberId,
      publicKey: start.publicKey,
      fingerprint: start.fingerprint,
      version: 0,
      joinedAtMs: start.joinedAtMs,
      left: false,
      muted: start.voice.muted,
      full: false,
      onDuty: false,
      uploadSlots: start.limits.uploadSlots,
      maxLinks: start.limits.maxLinks,
      links: 0,
      name: start.name,
    };
  }

  /** What was last verified of a member. */
  entryOf(member: MemberId): RosterEntry | undefined {
    return this.#known.get(member)?.entry;
  }

  /** Signs the own entry with these changes, one after the other, each with a higher version than the last. */
  sign(changes: Partial<RosterFields>): Promise<RosterEntry> {
    const signed = this.#signing.then(async () => {
      const version = Math.max(this.#own.version + 1, changes.version ?? 0);
      this.#own = { ...this.#own, ...changes, version };
      const signedPart = encodeRosterFields(this.#own);
      const signature = await crypto.subtle.sign('Ed25519', this.start.privateKey, signedPart);
      const bytes = new Uint8Array(signedPart.byteLength + signature.byteLength);
      bytes.set(signedPart);
      bytes.set(new Uint8Array(signature), signedPart.byteLength);
      return { ...this.#own, identity: this.start.identity, bytes };
    });
    this.#signing = signed.catch((error: unknown) => console.error('p2p-voice-room: signing failed', error));
    return signed;
  }

  /** The entry when it is whole, honest and not older than what is known; undefined otherwise. */
  async verify(bytes: Uint8Array): Promise<RosterEntry | undefined> {
    const decoded = decodeRosterEntry(bytes);
    if (!decoded) {
      this.malformed += 1;
      return undefined;
    }
    const { fields } = decoded;
    const known = this.#known.get(fields.memberId);
    if (known && known.entry.publicKey !== fields.publicKey) {
      this.forged += 1;
      return undefined;
    }
    if (known && known.entry.version > fields.version) return known.entry;
    if (known && sameBytes(known.entry.bytes, bytes)) return known.entry;
    if (this.#pending >= MAX_PENDING) return undefined;
    this.#pending += 1;
    try {
      const publicKey = fromHex(fields.publicKey);
      const key =
        known?.key ?? (await crypto.subtle.importKey('raw', publicKey, 'Ed25519', false, ['verify']));
      const isHonest = await crypto.subtle.verify(
        'Ed25519',
        key,
        decoded.signature.slice(),
        decoded.signedPart.slice(),
      );
      if (!isHonest) {
        this.forged += 1;
        return undefined;
      }
      const entry: RosterEntry = {
        ...fields,
        identity: known?.entry.identity ?? (await identityOf(publicKey)),
        bytes: bytes.slice(),
      };
      this.#remember(entry, key);
      return entry;
    } catch {
      this.forged += 1; // Not a point on the curve: no honest member sends such a key.
      return undefined;
    } finally {
      this.#pending -= 1;
    }
  }

  /** True when the member said goodbye itself. */
  hasLeft(memberId: MemberId): boolean {
    return this.#known.get(memberId)?.entry.left ?? false;
  }

  #remember(entry: RosterEntry, key: CryptoKey): void {
    this.#known.delete(entry.memberId);
    this.#known.set(entry.memberId, { entry, key });
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_MEMBERS) break;
      this.#known.delete(oldest);
    }
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}
