/**
 * The link envelope: what two neighbours put around packets for their one hop. Rewritten at every relay.
 *
 * ```
 *  0  u8   kind: 1 bundle of voice packets, 2 one control message that may be lost
 *  1  u16  link sequence: counts messages this end has sent on this voice channel
 *  3  u16  newest link sequence received from the other end
 *  5  u32  acknowledgement bits: bit n set = (newest − 1 − n) arrived
 *  9  kind 1: u8 count, then count × (u8 hop limit | 0x80 when sent before on this link, u16 length, packet)
 *     kind 2: the control message, to the end
 * ```
 */

import { ByteReader, ByteWriter } from './bytes.js';
import { MAX_VOICE_PACKET_BYTES } from './voice-packet.js';

/**
 * Largest message on a voice channel: one SCTP packet on any path. Bigger messages fragment, and then one lost
 * fragment loses all (measured: eight small messages or three large ones per tick take seconds at 5 % loss).
 */
export const MAX_LINK_MESSAGE_BYTES = 1100;

/** 1100 B hold at most 48 of the smallest voice packets. */
export const MAX_PACKETS_PER_BUNDLE = 48;

const ENVELOPE_BYTES = 9;
const PACKET_OVERHEAD_BYTES = 3;
const KIND_BUNDLE = 1;
const KIND_CONTROL = 2;
const FLAG_REPEAT = 0x80;

export interface BundledPacket {
  /** Relays the packet may still pass, 0–127. */
  readonly hopLimit: number;
  /** An earlier message on this link carried it already: here it repairs the loss of that one. */
  readonly isRepeat: boolean;
  readonly packet: Uint8Array;
}

export interface LinkAcknowledgement {
  readonly linkSequence: number;
  readonly ackSequence: number;
  readonly ackBits: number;
}

export type LinkMessage = LinkAcknowledgement &
  (
    | { readonly kind: 'bundle'; readonly packets: readonly BundledPacket[] }
    | { readonly kind: 'control'; readonly control: Uint8Array }
  );

/** Bytes a bundle takes with these packet lengths added up. */
export function bundleBytes(packetBytesTotal: number, count: number): number {
  return ENVELOPE_BYTES + 1 + packetBytesTotal + PACKET_OVERHEAD_BYTES * count;
}

export function encodeLinkMessage(message: LinkMessage): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(512)
    .u8(message.kind === 'bundle' ? KIND_BUNDLE : KIND_CONTROL)
    .u16(message.linkSequence)
    .u16(message.ackSequence)
    .u32(message.ackBits);
  if (message.kind === 'control') return writer.raw(message.control).finish();
  writer.u8(message.packets.length);
  for (const { hopLimit, isRepeat, packet } of message.packets) {
    writer.u8(hopLimit | (isRepeat ? FLAG_REPEAT : 0)).bytes16(packet, MAX_VOICE_PACKET_BYTES);
  }
  return writer.finish();
}

/** `undefined` when malformed. Packets are views into `bytes`. */
export function decodeLinkMessage(bytes: Uint8Array): LinkMessage | undefined {
  if (bytes.byteLength > MAX_LINK_MESSAGE_BYTES) return undefined;
  const reader = new ByteReader(bytes);
  const kind = reader.u8();
  const acknowledgement = { linkSequence: reader.u16(), ackSequence: reader.u16(), ackBits: reader.u32() };
  if (kind === KIND_CONTROL) {
    const control = reader.take(reader.remaining);
    return reader.ok && control.byteLength > 0 ? { kind: 'control', ...acknowledgement, control } : undefined;
  }
  if (kind !== KIND_BUNDLE) return undefined;
  const count = reader.u8();
  reader.check(count <= MAX_PACKETS_PER_BUNDLE);
  const packets: BundledPacket[] = [];
  for (let i = 0; reader.ok && i < count; i++) {
    const hops = reader.u8();
    packets.push({
      hopLimit: hops & ~FLAG_REPEAT,
      isRepeat: (hops & FLAG_REPEAT) !== 0,
      packet: reader.bytes16(MAX_VOICE_PACKET_BYTES),
    });
  }
  return reader.ok && reader.remaining === 0 ? { kind: 'bundle', ...acknowledgement, packets } : undefined;
}
