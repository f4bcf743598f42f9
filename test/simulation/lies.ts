/** Members that do not keep to the protocol. Everything else about them is the real engine's doing. */

import type { ControlMessage } from '../../src/wire/control.js';

export interface Lies {
  /** Takes voice and passes none on. */
  readonly dropsVoice?: boolean;
  /** Offers every source as if it sat beside it, straight from its mouth, with room for all. */
  readonly claimsNearness?: boolean;
  /** Passes on frames of its own making under the name of whoever speaks. */
  readonly forgesVoice?: boolean;
  /** Passes on entries with another name and a higher version, which nobody signed. */
  readonly forgesEntries?: boolean;
  /** Sends old entries again, as they were signed. */
  readonly replaysEntries?: boolean;
}

/** Offset of the owner's signature from the end of an entry, B. */
export const SIGNATURE_BYTES = 64;
/** Offset of the entry's version, B. */
const VERSION_AT = 81;
/** Old entries a liar keeps to replay. */
const MAX_HOARD = 64;

export class Liar {
  /** Entries seen, oldest first; at most `MAX_HOARD`. */
  readonly #hoard: Uint8Array[] = [];

  constructor(readonly lies: Lies) {}

  /** What it sends in place of an honest message. */
  instead(message: ControlMessage): ControlMessage {
    if (message.type === 'advertise' && this.lies.claimsNearness) {
      const offers = message.offers.map((offer) =>
        Number.isFinite(offer.costMs)
          ? {
              ...offer,
              costMs: 0,
              freeSlots: 8,
              yieldsBelowMs: undefined,
              priceMs: undefined,
              isSpeaking: true,
              capacity: 8,
              path: offer.path.slice(0, 1),
            }
          : offer,
      );
      return { ...message, offers };
    }
    if (message.type === 'entries' && (this.lies.forgesEntries || this.lies.replaysEntries))
      return { ...message, entries: this.#withLies(message.entries) };
    return message;
  }

  #withLies(entries: readonly Uint8Array[]): Uint8Array[] {
    const old = this.#hoard[0];
    for (const entry of entries) this.#hoard.push(entry);
    this.#hoard.splice(0, Math.max(0, this.#hoard.length - MAX_HOARD));
    const sent = entries.map((entry) => (this.lies.forgesEntries ? forgedEntry(entry) : entry));
    return this.lies.replaysEntries && old && sent.length < 16 ? [...sent, old] : sent;
  }
}

/** An entry with a version far ahead, signed by nobody. */
function forgedEntry(entry: Uint8Array): Uint8Array {
  const forged = entry.slice();
  new DataView(forged.buffer).setUint32(VERSION_AT, 0x7fff_0000);
  forged.fill(0xff, forged.length - SIGNATURE_BYTES);
  return forged;
}
