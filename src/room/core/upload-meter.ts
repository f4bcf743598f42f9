/** Measures what this member's upload carries, from its links. Bound: one number per open link. */

import type { Link } from '../../network/link.js';
import {
  median,
  nextUploadEstimate,
  noUploadEstimate,
  type UploadEstimate,
} from '../../network/upload-estimate.js';
import type { MemberId } from '../../units.js';

/** Between samples, ms: 25 frames of a voice. */
const SAMPLE_PERIOD_MS = 500;

/** A link that carried less than this in a sample says nothing, bytes: five frames. */
const LEAST_VOICE_BYTES = 400;

export class UploadMeter {
  #estimate: UploadEstimate;
  /** Voice each link had sent at the last sample, bytes. */
  #sentBefore = new Map<MemberId, number>();

  constructor(nowMs: number) {
    this.#estimate = noUploadEstimate(nowMs);
  }

  /** kbit/s; Infinity while nothing backs up. */
  get kbps(): number {
    return this.#estimate.kbps;
  }

  /** Takes a sample when one is due: call it whenever there is time. */
  sample(nowMs: number, links: Iterable<[MemberId, Link]>): void {
    if (nowMs - this.#estimate.sampledAtMs < SAMPLE_PERIOD_MS) return;
    const sentBefore = this.#sentBefore;
    this.#sentBefore = new Map();
    let sentBytes = 0;
    let queuedBytes = 0;
    const losses: number[] = [];
    for (const [peer, link] of links) {
      this.#sentBefore.set(peer, link.voiceBytesSent);
      // A link made anew to the same member counts from nothing again.
      const sent = link.voiceBytesSent - (sentBefore.get(peer) ?? 0);
      if (sent < LEAST_VOICE_BYTES) continue;
      sentBytes += sent;
      queuedBytes += link.voiceBufferedBytes;
      losses.push(link.loss);
    }
    this.#estimate = nextUploadEstimate(this.#estimate, {
      nowMs,
      sentBytes,
      queuedBytes,
      loss: median(losses),
    });
  }
}
