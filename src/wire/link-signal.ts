/**
 * What two members exchange to open a link of their own. It travels over a doorbell pipe or through the room,
 * inside a routed signal message, and is read by nobody in between. Its honesty rests on the signed entry, which names the
 * DTLS certificate: descriptions travel without one (`session-description.ts`).
 *
 * ```
 *  0  u8   version (1)
 *  1  u8   kind: 1 request, 2 offer, 3 answer, 4 candidate, 5 refuse
 *  2  u32  attempt, drawn by whoever starts; answers and candidates repeat it
 *  6  u16 + n  the sender's signed roster entry (empty with candidate and refuse, and where the far end surely has it)
 *     u16 + n  summary of a session description in UTF-8 (offer, answer), ICE candidate (candidate; `ice-candidate.ts`), else empty
 * ```
 */

import { ByteReader, ByteWriter } from './bytes.js';
import { decodeCandidate, encodeCandidate } from './ice-candidate.js';
import { MAX_ROSTER_ENTRY_BYTES } from './roster-entry.js';

export const LINK_SIGNAL_VERSION = 1;

/** The longest summary: a role and two ICE credentials of 256 characters. */
export const MAX_SIGNAL_TEXT_BYTES = 600;

const KINDS = ['request', 'offer', 'answer', 'candidate', 'refuse'] as const;

export type LinkSignalKind = (typeof KINDS)[number];

export interface LinkSignal {
  readonly kind: LinkSignalKind;
  readonly attempt: number;
  /** The sender's signed roster entry; empty where the kind carries none, or the far end surely has it. */
  readonly entry: Uint8Array;
  /** Summary of a description, candidate line or empty. */
  readonly text: string;
}

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder();

/** @throws RangeError when the text is longer than the field. */
export function encodeLinkSignal(signal: LinkSignal): Uint8Array<ArrayBuffer> {
  return new ByteWriter(1024)
    .u8(LINK_SIGNAL_VERSION)
    .u8(KINDS.indexOf(signal.kind) + 1)
    .u32(signal.attempt)
    .bytes16(signal.entry, MAX_ROSTER_ENTRY_BYTES)
    .bytes16(
      signal.kind === 'candidate' ? encodeCandidate(signal.text) : textEncoder.encode(signal.text),
      MAX_SIGNAL_TEXT_BYTES,
    )
    .finish();
}

/** `undefined` when malformed. */
export function decodeLinkSignal(bytes: Uint8Array): LinkSignal | undefined {
  const reader = new ByteReader(bytes);
  reader.check(reader.u8() === LINK_SIGNAL_VERSION);
  const kind = KINDS[reader.u8() - 1];
  const attempt = reader.u32();
  const entry = reader.bytes16(MAX_ROSTER_ENTRY_BYTES);
  const summary = reader.bytes16(MAX_SIGNAL_TEXT_BYTES);
  if (!reader.ok || reader.remaining !== 0 || !kind) return undefined;
  const text = kind === 'candidate' ? decodeCandidate(summary) : textDecoder.decode(summary);
  return text === undefined ? undefined : { kind, attempt, entry, text };
}
