/** What must hold in every room, under names a newcomer understands. Each returns the violations it found. */

import { DEFAULT_OVERLAY_CONFIG } from '../../src/overlay/config.js';
import type { MemberId } from '../../src/units.js';
import type { OverlayView } from '../../src/overlay/interface.js';
import type { SimulatedMember } from './member.js';
import type { Simulation } from './simulation.js';

type Views = Map<MemberId, OverlayView>;

function viewsOf(members: readonly SimulatedMember[]): Views {
  return new Map(members.map((member) => [member.id, member.engine.view()]));
}

const short = (id: MemberId | undefined): string => (id ?? 'none').slice(0, 4);

/** Members that a voice can reach at all: over pairs that could link, and through nobody that blocks it or never relays. */
export function reachable(
  simulation: Simulation,
  source: SimulatedMember,
  members: readonly SimulatedMember[],
): Set<SimulatedMember> {
  const reached = new Set([source]);
  for (const relay of reached) {
    if (relay !== source && copiesAllowed(relay) === 0) continue;
    for (const member of members)
      if (!member.blockedSince.has(source.identity) && simulation.connectable(relay, member))
        reached.add(member);
  }
  return reached;
}

/** Copies of somebody else's voice that a member may send. */
export function copiesAllowed(member: SimulatedMember): number {
  const { uploadSlots, uploadKbps } = member.facts.limits;
  return Math.min(uploadSlots, Math.floor(uploadKbps / DEFAULT_OVERLAY_CONFIG.copyKbps));
}

/** At rest: each source's parents form a tree rooted there that spans exactly the members that do not block it. */
export function treesSpanTheRoom(simulation: Simulation, members = simulation.alive()): string[] {
  const views = viewsOf(members);
  const problems: string[] = [];
  for (const source of members) {
    const reach = reachable(simulation, source, members);
    for (const member of members) {
      if (member === source) continue;
      const blocks = member.blockedSince.has(source.identity);
      const tree = views.get(member.id)?.trees.find((candidate) => candidate.sourceId === source.id);
      if (blocks) {
        if (tree?.parentId || tree?.childIds.length)
          problems.push(`${short(member.id)} blocks ${short(source.id)} but is in its tree`);
        continue;
      }
      if (!reach.has(member)) continue;
      const problem = pathProblem(source, member, views);
      if (problem) problems.push(`${short(source.id)} → ${short(member.id)}: ${problem}`);
    }
  }
  return problems;
}

/** By source, those it could reach who have no way from it. */
export function unservedListeners(
  simulation: Simulation,
  members: readonly SimulatedMember[],
): Map<SimulatedMember, SimulatedMember[]> {
  const views = viewsOf(members);
  return new Map(
    members.map((source) => {
      const reach = reachable(simulation, source, members);
      return [
        source,
        members.filter(
          (member) =>
            member !== source && reach.has(member) && pathProblem(source, member, views) !== undefined,
        ),
      ];
    }),
  );
}

function pathProblem(source: SimulatedMember, member: SimulatedMember, views: Views): string | undefined {
  let at = member.id;
  for (let hops = 0; at !== source.id; hops++) {
    if (hops > views.size) return 'parents run in a circle';
    const tree = views.get(at)?.trees.find((candidate) => candidate.sourceId === source.id);
    const parent = tree?.parentId;
    if (parent === undefined) return `${short(at)} has no parent`;
    const above = views.get(parent)?.trees.find((candidate) => candidate.sourceId === source.id);
    if (!above) return `${short(at)}'s parent ${short(parent)} is not here`;
    if (!above.childIds.includes(at)) return `${short(parent)} does not serve its child ${short(at)}`;
    at = parent;
  }
  return undefined;
}

/** At rest: nobody serves a child that has another parent, so each listener gets one copy. */
export function oneCopyPerListener(simulation: Simulation, members = simulation.alive()): string[] {
  const views = viewsOf(members);
  const problems: string[] = [];
  for (const [id, view] of views) {
    for (const tree of view.trees) {
      for (const child of tree.childIds) {
        const below = views.get(child)?.trees.find((candidate) => candidate.sourceId === tree.sourceId);
        if (below && below.parentId !== id)
          problems.push(`${short(id)} serves ${short(child)}, whose parent is ${short(below.parentId)}`);
      }
    }
  }
  return problems;
}

/** Copies sent stay within the slots; `extra` allows for hand-overs while things move. */
export function slotsAreKept(simulation: Simulation, extra = 0, members = simulation.alive()): string[] {
  const problems: string[] = [];
  for (const member of members) {
    const slots = copiesAllowed(member);
    for (const tree of member.engine.view().trees) {
      const allowed = tree.sourceId === member.id ? Math.max(1, slots) : slots;
      if (tree.childIds.length > allowed + extra) {
        problems.push(
          `${short(member.id)} sends ${tree.childIds.length} copies of ${short(tree.sourceId)}, allowed ${allowed}`,
        );
      }
    }
  }
  return problems;
}

/** Nobody holds more links than it allows itself; `extra` allows for hand-overs. */
export function linksAreKept(simulation: Simulation, extra = 0, members = simulation.alive()): string[] {
  return members
    .filter((member) => member.links.size > member.facts.limits.maxLinks + extra)
    .map(
      (member) =>
        `${short(member.id)} has ${member.links.size} links, allowed ${member.facts.limits.maxLinks}`,
    );
}

/** A backup is never a descendant. */
export function backupsAreNoDescendants(simulation: Simulation, members = simulation.alive()): string[] {
  const views = viewsOf(members);
  const problems: string[] = [];
  for (const [id, view] of views) {
    for (const tree of view.trees) {
      for (const backup of tree.backupIds) {
        for (let at: MemberId | undefined = backup, hops = 0; at !== undefined && hops < 40; hops++) {
          if (at === id) {
            problems.push(`${short(backup)} backs up ${short(id)} but hangs below it`);
            break;
          }
          at = views.get(at)?.trees.find((candidate) => candidate.sourceId === tree.sourceId)?.parentId;
        }
      }
    }
  }
  return problems;
}

/** Everybody's roster is exactly the room. */
export function everybodyKnowsEverybody(simulation: Simulation, members = simulation.alive()): string[] {
  const expected = members
    .map((member) => member.id)
    .sort()
    .join();
  return members
    .filter(
      (member) =>
        member.engine
          .view()
          .members.map((entry) => entry.memberId)
          .sort()
          .join() !== expected,
    )
    .map((member) => `${short(member.id)} knows ${member.engine.view().members.length} of ${members.length}`);
}

/** All that must hold once a room is at rest. */
export function atRest(simulation: Simulation, members = simulation.alive()): string[] {
  return [
    ...everybodyKnowsEverybody(simulation, members),
    ...treesSpanTheRoom(simulation, members),
    ...oneCopyPerListener(simulation, members),
    ...slotsAreKept(simulation, 0, members),
    ...linksAreKept(simulation, 0, members),
    ...backupsAreNoDescendants(simulation, members),
  ];
}
