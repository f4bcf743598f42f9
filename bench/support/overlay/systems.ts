/** The systems compared, as engines for the simulated members. */

import type { SimulationOptions } from '../../../test/simulation/simulation.js';
import { Rendezvous } from './baselines/baseline.js';
import { FullMesh } from './baselines/full-mesh.js';
import { GossipSub } from './baselines/gossipsub.js';
import { GreedyPlanner } from './baselines/greedy.js';
import { KAryPlanner } from './baselines/k-ary.js';
import { TreeMember, type Planner } from './baselines/planned.js';
import type { SystemName } from './options.js';

/** What one copy takes of an upload budget given in kbit/s, as the members' limits are written. */
export const COPY_KBPS = 40;

export interface SystemFacts {
  readonly links: number;
  /** Speaking at once: a planner shares the upload among them. */
  readonly speakers: number;
  /** Who ever speaks, by order of joining. */
  readonly speaks: (index: number) => boolean;
  readonly relayMs: number;
}

/** Copies of one source a member of a planned tree sends: its slots, and its share of the upload. */
function fanOut(member: TreeMember, speakers: number, most: number): number {
  const { uploadSlots, uploadKbps } = member.options.limits;
  return Math.min(most, uploadSlots, Math.floor(uploadKbps / COPY_KBPS / speakers));
}

/** How to make a member's engine; undefined = ours. One call per simulated room. */
export function engineFactory(system: SystemName, facts: SystemFacts): SimulationOptions['createEngine'] {
  if (system === 'ours') return undefined;
  let rendezvous: Rendezvous | undefined;
  let planner: Planner | undefined;
  return (options, simulation) => {
    rendezvous ??= new Rendezvous(simulation);
    switch (system) {
      case 'full-mesh':
        return new FullMesh(options, rendezvous);
      case 'gossipsub':
        return new GossipSub(options, rendezvous);
      case 'k-ary':
        // One link goes up.
        planner ??= new KAryPlanner((member) => fanOut(member, facts.speakers, Math.min(facts.links - 1, 8)));
        break;
      case 'greedy-true-matrix':
        planner ??= new GreedyPlanner(
          (member) => fanOut(member, facts.speakers, facts.links),
          (from, to) => simulation.oneWayMs(from.member, to.member),
          facts.relayMs,
          (member) => facts.speaks(member.member.facts.index),
        );
        break;
    }
    return new TreeMember(options, rendezvous, planner!);
  };
}
