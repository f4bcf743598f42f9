/** The star: everybody is linked to everybody and sends each its own copy. Whatever link limit is set does not bind it. */

import type { MemberId } from '../../../../src/units.js';
import type { VoiceHeader } from '../../../../src/wire/voice-packet.js';
import { Baseline } from './baseline.js';

export class FullMesh extends Baseline {
  #targets: readonly MemberId[] = [];

  protected targets(_header: VoiceHeader, from: MemberId | undefined): readonly MemberId[] {
    return from === undefined ? this.#targets : [];
  }

  protected joined(): void {
    for (const other of this.rendezvous.alive()) if (other !== this) this.open(other.selfId);
  }

  protected override linkUp(): void {
    this.#targets = [...this.links];
  }

  protected override linkLost(): void {
    this.#targets = [...this.links];
  }

  protected override beat(): void {
    // A link that did not open is tried again by the newcomer; both ends know of it.
    for (const other of this.rendezvous.alive())
      if (other !== this && !this.links.has(other.selfId) && this.member.joinedAtMs > other.member.joinedAtMs)
        this.open(other.selfId);
    this.#targets = [...this.links];
  }
}
