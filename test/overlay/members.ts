/** Members by number, and a roster that knows them, for tables of cases. */

import type { OverlayConfig } from '../../src/overlay/config.js';
import { Roster } from '../../src/overlay/roster.js';
import type { Identity, MemberId } from '../../src/units.js';

export const idOf = (n: number) => n.toString(16).padStart(2, '0').repeat(16) as MemberId;

export function rosterOf(self: MemberId, members: readonly MemberId[], config: OverlayConfig): Roster {
  const roster = new Roster(self, config);
  for (const [joinedAtMs, memberId] of members.entries()) {
    const fields = { memberId, publicKey: '', fingerprint: '', version: 1, joinedAtMs, name: '' };
    const flags = { left: false, muted: false, full: false, onDuty: false };
    const limits = { uploadSlots: 8, maxLinks: 8, links: 0 };
    const signed = { identity: memberId as string as Identity, bytes: new Uint8Array(0) };
    roster.apply({ ...fields, ...flags, ...limits, ...signed }, 0);
  }
  return roster;
}
