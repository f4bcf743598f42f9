/**
 * The roster entry: what a member says of itself, signed by its key from the first day.
 *
 * ```
 *  0  u8      version (1)
 *  1  16 B    member id
 * 17  32 B    Ed25519 public key
 * 49  32 B    SHA-256 fingerprint of the DTLS certificate
 * 81  u32     entry version: the owner counts it up with every change
 * 85  f64     joined at, Unix ms by the owner's clock (orders doorbell duty)
 * 93  u8      flags: 1 left, 2 muted, 4 full (no room for another link), 8 on doorbell duty
 * 94  u8      upload slots
 * 95  u8      links it keeps at most
 * 96  u8      links it has
 * 97  u8 + n   display name, UTF-8, ≤ 256 B
 *     64 B    Ed25519 signature over everything before it
 * ```
 */

import type { Identity, MemberId } from '../units.js';
import { ByteReader, ByteWriter } from './bytes.js';

export const ROSTER_ENTRY_VERSION = 1;

/** 64 characters of up to four bytes each. */
export const MAX_NAME_BYTES = 255;
export const MAX_NAME_CHARACTERS = 64;
export const MAX_ROSTER_ENTRY_BYTES = 97 + 1 + MAX_NAME_BYTES + 64;

const SIGNATURE_BYTES = 64;
const FLAG_LEFT = 1;
const FLAG_MUTED = 2;
const FLAG_FULL = 4;
const FLAG_ON_DUTY = 8;

export interface RosterFields {
  readonly memberId: MemberId;
  /** Ed25519 public key, 32 bytes, hex. */
  readonly publicKey: string;
  /** SHA-256 of the DTLS certificate, 32 bytes, lower-case hex without colons. */
  readonly fingerprint: string;
  readonly version: number;
  readonly joinedAtMs: number;
  readonly left: boolean;
  readonly muted: boolean;
  readonly full: boolean;
  readonly onDuty: boolean;
  readonly uploadSlots: number;
  readonly maxLinks: number;
  readonly links: number;
  readonly name: string;
}

/** An entry whose signature was checked; `bytes` is what gossip passes on untouched. */
export interface RosterEntry extends RosterFields {
  readonly identity: Identity;
  readonly bytes: Uint8Array;
}

/** The part the owner signs. @throws RangeError for a name longer than the field. */
export function encodeRosterFields(fields: RosterFields): Uint8Array<ArrayBuffer> {
  const flags =
    (fields.left ? FLAG_LEFT : 0) |
    (fields.muted ? FLAG_MUTED : 0) |
    (fields.full ? FLAG_FULL : 0) |
    (fields.onDuty ? FLAG_ON_DUTY : 0);
  return new ByteWriter(192)
    .u8(ROSTER_ENTRY_VERSION)
    .hex(fields.memberId)
    .hex(fields.publicKey)
    .hex(fields.fingerprint)
    .u32(fields.version)
    .f64(fields.joinedAtMs)
    .u8(flags)
    .u8(fields.uploadSlots)
    .u8(fields.maxLinks)
    .u8(fields.links)
    .text8(fields.name, MAX_NAME_BYTES)
    .finish();
}

export interface DecodedRosterEntry {
  readonly fields: RosterFields;
  /** The bytes the signature covers. */
  readonly signedPart: Uint8Array;
  readonly signature: Uint8Array;
}

/** Reads an entry without judging its signature; `undefined` when malformed. */
export function decodeRosterEntry(bytes: Uint8Array): DecodedRosterEntry | undefined {
  if (bytes.byteLength > MAX_ROSTER_ENTRY_BYTES) return undefined;
  const reader = new ByteReader(bytes);
  reader.check(reader.u8() === ROSTER_ENTRY_VERSION);
  const memberId = reader.hex(16) as MemberId;
  const publicKey = reader.hex(32);
  const fingerprint = reader.hex(32);
  const version = reader.u32();
  const joinedAtMs = reader.f64();
  reader.check(Number.isFinite(joinedAtMs));
  const flags = reader.u8();
  const uploadSlots = reader.u8();
  const maxLinks = reader.u8();
  const links = reader.u8();
  reader.check(uploadSlots <= 64 && maxLinks <= 64);
  const name = reader.text8(MAX_NAME_BYTES);
  reader.check([...name].length <= MAX_NAME_CHARACTERS);
  const signedLength = reader.offset;
  const signature = reader.take(SIGNATURE_BYTES);
  if (!reader.ok || reader.remaining !== 0) return undefined;
  return {
    fields: {
      memberId,
      publicKey,
      fingerprint,
      version,
      joinedAtMs,
      left: (flags & FLAG_LEFT) !== 0,
      muted: (flags & FLAG_MUTED) !== 0,
      full: (flags & FLAG_FULL) !== 0,
      onDuty: (flags & FLAG_ON_DUTY) !== 0,
      uploadSlots,
      maxLinks,
      links,
      name,
    },
    signedPart: bytes.subarray(0, signedLength),
    signature,
  };
}
