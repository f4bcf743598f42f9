/** Defaults of a room's options and what follows from them. */

import type { Limits } from '../overlay/interface.js';
import { MAX_NAME_BYTES, MAX_NAME_CHARACTERS } from '../wire/roster-entry.js';
import type { CoreVoiceOptions } from './protocol.js';
import type { SignalingNetwork, VoiceRoomOptions } from './types.js';

export const DEFAULT_BITRATE = 32_000;

/** A device with few cores or a phone keeps fewer connections and sends fewer copies. */
export function deviceLimits(hardwareConcurrency: number, isMobile: boolean): Omit<Limits, 'uploadKbps'> {
  if (isMobile) return { maxLinks: 6, uploadSlots: 2 };
  if (hardwareConcurrency <= 2) return { maxLinks: 10, uploadSlots: 6 };
  return { maxLinks: 12, uploadSlots: 8 };
}

export function limitsOf(options: VoiceRoomOptions): Limits {
  const isMobile = /\b(Android|iPhone|iPad|Mobile)\b/.test(navigator.userAgent);
  const device = deviceLimits(navigator.hardwareConcurrency || 4, isMobile);
  return {
    maxLinks: clampInteger(options.maxLinks, 2, 32, device.maxLinks),
    uploadSlots: clampInteger(options.uploadSlots, 0, 32, device.uploadSlots),
    uploadKbps: options.uploadKbps && options.uploadKbps > 0 ? options.uploadKbps : Number.POSITIVE_INFINITY,
  };
}

export function voiceOf(options: VoiceRoomOptions): CoreVoiceOptions {
  return {
    voiceActivation: options.voiceActivation ?? 'auto',
    bitrate: clampInteger(options.bitrate, 12_000, 96_000, DEFAULT_BITRATE),
    frameMs: options.frameMs === 10 ? 10 : 20,
    muted: options.muted ?? false,
    deafened: options.deafened ?? false,
  };
}

export function networksOf(options: VoiceRoomOptions): readonly SignalingNetwork[] {
  return options.signaling && options.signaling.length > 0 ? options.signaling : ['torrent', 'nostr'];
}

/** STUN servers Trystero ships, so that our links cross the NATs its own would. */
export const DEFAULT_ICE_SERVERS: readonly RTCIceServer[] = [
  { urls: 'stun:stun.l.google.com:19302' },
  { urls: 'stun:stun1.l.google.com:19302' },
  { urls: 'stun:stun.cloudflare.com:3478' },
];

/** A name as it may travel: trimmed, without control characters, at most 64 characters. */
export function tidyName(name: string): string {
  const tidy = [
    ...name
      .normalize('NFC')
      .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, ' ')
      .trim(),
  ];
  const encoder = new TextEncoder();
  tidy.length = Math.min(tidy.length, MAX_NAME_CHARACTERS);
  while (encoder.encode(tidy.join('')).byteLength > MAX_NAME_BYTES) tidy.pop();
  return tidy.join('').trim();
}

function clampInteger(value: number | undefined, low: number, high: number, fallback: number): number {
  return value === undefined || !Number.isFinite(value)
    ? fallback
    : Math.min(high, Math.max(low, Math.round(value)));
}
