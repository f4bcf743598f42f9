/** The figures beside the map. */

import type { Figures, Hearing, MemberPicture, Repair } from './protocol.js';

/** Copies sent and frames played until a moment. */
export interface Traffic {
  readonly atMs: number;
  readonly copies: number;
  readonly plays: number;
}

/** Delays nearer together count as equal, ms: what one relay adds. */
const EQUAL_MS = 1;

/** @param room ends of links, the traffic of the last moments, oldest first, and the last repair */
export function figuresOf(
  members: readonly MemberPicture[],
  room: {
    readonly links: number;
    readonly traffic: readonly Traffic[];
    readonly repair: Repair | undefined;
  },
): Figures {
  const hearing = members.filter((member) => member.hearing === 'hears');
  const sum = (valueOf: (member: MemberPicture) => number): number =>
    hearing.reduce((total, member) => total + valueOf(member), 0);
  const are = (what: Hearing): number => members.filter((member) => member.hearing === what).length;
  const [first, last] = [room.traffic[0], room.traffic.at(-1)];
  return {
    members: members.length,
    linksMean: room.links / members.length,
    rad: sum((member) => member.delayMs) / sum((member) => member.directMs),
    soonerShare:
      hearing.filter((member) => member.delayMs < member.directMs - EQUAL_MS).length / hearing.length,
    depth: Math.max(0, ...hearing.map((member) => member.hops)),
    copiesPerDelivery: first && last ? (last.copies - first.copies) / (last.plays - first.plays) : NaN,
    silent: are('silent'),
    hearing: hearing.length,
    blocking: are('blocks'),
    apart: are('apart'),
    repair: room.repair,
  };
}
