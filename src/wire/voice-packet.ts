/**
 * The voice packet: what a speaker makes once and every relay passes on byte for byte.
 *
 * ```
 *  0  u8   version (high nibble, 1) | flags (low nibble): 1 end of spurt, 2 carries the previous frame, 4 signed
 *  1  u32  source handle
 *  5  u16  stream epoch
 *  7  u32  sequence: advances per sent frame
 * 11  u32  sample time at 48 kHz of the frame's first sample: advances always, silence included
 * 15  u8   level: 0 loudest … 127 silence, in −dBFS (RFC 6464, without its flag bit)
 * 16  u8   frame duration in units of 2.5 ms (4 = 10 ms, 8 = 20 ms)
 * 17  u16  length of the Opus frame, then the frame
 *     u16  length of the previous Opus frame, then that frame      (only with flag 2)
 *          64 bytes Ed25519 signature over everything before it    (only with flag 4)
 * ```
 *
 * Sequence and sample time wrap at 2³²; compare them with `serialDelta` (RFC 1982).
 */

import type { Handle } from '../units.js';
import { ByteReader, ByteWriter } from './bytes.js';

export const VOICE_PACKET_VERSION = 1;

/** Bytes before the first Opus frame, its length field included. */
export const VOICE_HEADER_BYTES = 19;

/** 96 kbit/s of 20 ms frames is 240 B on average; VBR peaks stay below twice that. */
export const MAX_OPUS_FRAME_BYTES = 500;

/** Largest packet on the wire: header, two frames, signature. Fits a bundle of 1100 B with its envelope. */
export const MAX_VOICE_PACKET_BYTES = 1080;

const FLAG_END_OF_SPURT = 1;
const FLAG_PREVIOUS_FRAME = 2;
const FLAG_SIGNED = 4;
const SIGNATURE_BYTES = 64;

/** What relays and the overlay read of a packet; the rest they never touch. */
export interface VoiceHeader {
  readonly source: Handle;
  readonly streamEpoch: number;
  readonly sequence: number;
  readonly sampleTime: number;
  /** −dBFS, 0 loudest … 127 silence. */
  readonly level: number;
  /** Frame duration in samples at 48 kHz. */
  readonly frameSamples: number;
  /** Silence follows: no frame is due after this one. */
  readonly endOfSpurt: boolean;
}

export interface VoicePacket extends VoiceHeader {
  /** The Opus frame; after decoding a view into the packet, not a copy. */
  readonly frame: Uint8Array;
  /** The Opus frame of `sequence − 1`, carried along on lossy links. */
  readonly previousFrame?: Uint8Array;
  /** Ed25519 over everything before it. */
  readonly signature?: Uint8Array;
}

/** Signed distance a − b of two 32-bit serial numbers, correct across the wrap (RFC 1982). */
export function serialDelta(a: number, b: number): number {
  return (a - b) | 0;
}

/** @throws RangeError when a frame is empty or too long: a bug of the caller, never of the network. */
export function encodeVoicePacket(packet: VoicePacket): Uint8Array<ArrayBuffer> {
  if (packet.frame.byteLength === 0) throw new RangeError('empty frame');
  const flags =
    (packet.endOfSpurt ? FLAG_END_OF_SPURT : 0) |
    (packet.previousFrame ? FLAG_PREVIOUS_FRAME : 0) |
    (packet.signature ? FLAG_SIGNED : 0);
  const writer = new ByteWriter(VOICE_HEADER_BYTES + packet.frame.byteLength + 2)
    .u8((VOICE_PACKET_VERSION << 4) | flags)
    .u32(packet.source)
    .u16(packet.streamEpoch)
    .u32(packet.sequence)
    .u32(packet.sampleTime)
    .u8(packet.level)
    .u8(packet.frameSamples / 120)
    .bytes16(packet.frame, MAX_OPUS_FRAME_BYTES);
  if (packet.previousFrame) writer.bytes16(packet.previousFrame, MAX_OPUS_FRAME_BYTES);
  if (packet.signature) writer.raw(packet.signature);
  return writer.finish();
}

/** The packet, or `undefined` when the bytes are anything else: wrong version, length or field. */
export function decodeVoicePacket(bytes: Uint8Array): VoicePacket | undefined {
  if (bytes.byteLength > MAX_VOICE_PACKET_BYTES) return undefined;
  const reader = new ByteReader(bytes);
  const first = reader.u8();
  reader.check(first >> 4 === VOICE_PACKET_VERSION && (first & 8) === 0);
  const source = reader.u32() as Handle;
  const streamEpoch = reader.u16();
  const sequence = reader.u32();
  const sampleTime = reader.u32();
  const level = reader.u8();
  reader.check(level <= 127);
  const durationUnits = reader.u8();
  reader.check(durationUnits === 4 || durationUnits === 8 || durationUnits === 16 || durationUnits === 24);
  const frame = reader.bytes16(MAX_OPUS_FRAME_BYTES);
  reader.check(frame.byteLength > 0);
  const previousFrame = first & FLAG_PREVIOUS_FRAME ? reader.bytes16(MAX_OPUS_FRAME_BYTES) : undefined;
  const signature = first & FLAG_SIGNED ? reader.take(SIGNATURE_BYTES) : undefined;
  if (!reader.ok || reader.remaining !== 0) return undefined;
  return {
    source,
    streamEpoch,
    sequence,
    sampleTime,
    level,
    frameSamples: durationUnits * 120,
    endOfSpurt: (first & FLAG_END_OF_SPURT) !== 0,
    frame,
    ...(previousFrame ? { previousFrame } : {}),
    ...(signature ? { signature } : {}),
  };
}
