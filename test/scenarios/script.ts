/**
 * A room's history as data: what the members do and what happens to them, readable as prose. The property tests draw
 * scripts at random; a script that fails is printed as it stands here and can be copied into a scenario.
 */

import type { Bursts, NatShares } from '../simulation/faults.js';
import { atRest, copiesAllowed, reachable, unservedListeners } from '../simulation/invariants.js';
import type { SimulatedMember } from '../simulation/member.js';
import { syntheticLatencies, type NetworkConditions } from '../simulation/network.js';
import { seededRandom } from '../simulation/random.js';
import { Simulation, type MemberOptions } from '../simulation/simulation.js';
import { Watch } from '../simulation/watch.js';

/** What members bring along. Chosen in turn for each member that joins. */
export type Equipment = 'desktop' | 'phone' | 'laptop';

const EQUIPMENT: Readonly<Record<Equipment, NonNullable<MemberOptions['limits']>>> = {
  desktop: { maxLinks: 16, uploadSlots: 8 },
  laptop: { maxLinks: 16, uploadSlots: 2 },
  phone: { maxLinks: 12, uploadSlots: 0 },
};

/** Few links each, one copy less than links: any connected graph of them can carry every tree. */
const NARROW = { maxLinks: 4, uploadSlots: 3 };

export type Network = 'calm' | 'jittery' | 'lossy' | 'bursty' | 'doubling' | 'behind NATs';

const BURSTS: Bursts = { everyMs: 3000, lengthMs: 120, loss: 0.7 };
const NATS: NatShares = { open: 0.4, 'address-filtered': 0.2, 'port-filtered': 0.2, symmetric: 0.2 };

const NETWORKS: Readonly<Record<Network, Partial<NetworkConditions>>> = {
  calm: {},
  jittery: { jitterMs: 15 },
  lossy: { jitterMs: 5, loss: 0.04 },
  bursty: { jitterMs: 5, bursts: BURSTS },
  doubling: { jitterMs: 10, duplication: 0.2 },
  'behind NATs': { nats: NATS },
};

/** Members are meant by number: the nth of those present, counted round. */
export type Action =
  | { readonly does: 'join' }
  | { readonly does: 'leave' | 'crash' | 'vanish'; readonly who: number }
  | { readonly does: 'block' | 'unblock'; readonly who: number; readonly whom: number }
  | { readonly does: 'freeze' | 'speak'; readonly who: number; readonly ms: number }
  /** The network falls into so many parts; members are dealt to them by turns. */
  | { readonly does: 'split'; readonly groups: number }
  | { readonly does: 'heal' };

export interface Step {
  readonly waitMs: number;
  readonly action: Action;
}

export interface Script {
  readonly seed: number;
  /** Equipment by turns; undefined = everybody has few links. */
  readonly equipment: readonly Equipment[] | undefined;
  readonly network: Network;
  readonly members: number;
  readonly joinEveryMs: number;
  readonly steps: readonly Step[];
}

/** More at once are not let in; those who go leave at least two. */
const MOST_MEMBERS = 12;
/** After the last step everything possible must be served within this, ms. */
const SETTLE_MS = 60_000;
/** Then round trips measured anew may still move a parent; within this there must be so long a calm, ms, … */
const CALM_WITHIN_MS = 30_000;
const CALM_MS = 5000;
/** … in which no parent changes, or so many on a network that is never calm: a twelve by twelve room has 132 of them. */
const MOVES_BY_CHANCE = 5;

export interface Outcome {
  /** Broken invariants; empty when all is well. */
  readonly problems: readonly string[];
  /** From the last step to rest, ms. */
  readonly settledMs: number;
  readonly simulation: Simulation;
}

/** Plays a script, then waits for rest, listens whether everybody is heard, and watches whether it stays at rest. */
export function play(script: Script): Outcome {
  const { seed, network, members, joinEveryMs, steps } = script;
  const simulation = new Simulation({
    seed,
    latencies: syntheticLatencies(24, seededRandom(seed)),
    conditions: NETWORKS[network],
  });
  const watch = new Watch(simulation);
  const join = (): void => {
    const limits = limitsOf(script, simulation.members.size);
    if (simulation.alive().length < MOST_MEMBERS) simulation.join({ limits });
  };
  for (let i = 0; i < members; i++) simulation.at(i * joinEveryMs, join);
  simulation.run(members * joinEveryMs);
  for (const { waitMs, action } of steps) {
    simulation.run(waitMs);
    carryOut(simulation, action, join);
  }
  const endMs = simulation.nowMs;
  carryOut(simulation, { does: 'heal' }, join);
  // Sleepers wake and those who are leaving go.
  simulation.run(1000);
  const rests = (): boolean => problemsAtRest(simulation).length === 0;
  const settled = simulation.runUntilTrue(rests, SETTLE_MS, 250);
  const settledMs = simulation.nowMs - endMs;
  const problems = watch.breaches.map(({ name, atMs, what }) => `${name}: ${what}, at ${atMs} ms`);
  if (!settled) {
    problems.push(...problemsAtRest(simulation).map((problem) => `after ${SETTLE_MS / 1000} s: ${problem}`));
    return { problems, settledMs, simulation };
  }
  problems.push(...staysAtRest(simulation, watch, network), ...heardByAll(simulation, network));
  return { problems, settledMs, simulation };
}

function limitsOf({ equipment, network }: Script, index: number): NonNullable<MemberOptions['limits']> {
  // Where not everybody can link to everybody, weak members could make a tree impossible that sums allow.
  if (network === 'behind NATs') return EQUIPMENT.desktop;
  const kind = equipment?.[index % equipment.length];
  return kind ? EQUIPMENT[kind] : NARROW;
}

function carryOut(simulation: Simulation, action: Action, join: () => void): void {
  const present = simulation.alive();
  const nth = (number: number): SimulatedMember | undefined => present[number % present.length];
  switch (action.does) {
    case 'join':
      join();
      break;
    case 'leave':
    case 'crash':
    case 'vanish':
      if (present.length > 2) nth(action.who)?.[action.does]();
      break;
    case 'block':
    case 'unblock': {
      const [who, whom] = [nth(action.who), nth(action.whom)];
      if (who && whom && who !== whom && who.blockedSince.has(whom.identity) !== (action.does === 'block'))
        who[action.does](whom);
      break;
    }
    case 'freeze':
    case 'speak':
      nth(action.who)?.[action.does](action.ms);
      break;
    case 'split':
      simulation.partition = (place) => place % action.groups;
      break;
    case 'heal':
      simulation.partition = undefined;
      break;
  }
}

/** What is not as it must be at rest; demand that exceeds the slots is measured by what could be served. */
function problemsAtRest(simulation: Simulation): string[] {
  const members = simulation.alive();
  const unserved = unservedListeners(simulation, members);
  const problems = atRest(simulation, members).filter((problem) => !problem.includes(' → '));
  for (const [source, listeners] of unserved) {
    if (listeners.length === 0) continue;
    const beyond = demandBeyondSlots(simulation, source);
    if (listeners.length > beyond)
      problems.push(
        `${listeners.map((listener) => `m${listener.facts.index}`).join(', ')} cannot hear m${source.facts.index}` +
          (beyond > 0 ? `, though only ${beyond} too many want to` : ''),
      );
  }
  return problems;
}

/** How many listeners of a source go without, whatever the tree: one copy each, and everybody sends as many as it can. */
function demandBeyondSlots(simulation: Simulation, source: SimulatedMember): number {
  const listeners = reachable(simulation, source, simulation.alive());
  let copies = Math.max(1, copiesAllowed(source));
  for (const listener of listeners) if (listener !== source) copies += copiesAllowed(listener);
  return Math.max(0, listeners.size - 1 - copies);
}

function staysAtRest(simulation: Simulation, watch: Watch, network: Network): string[] {
  // Jitter and losses are changes that never stop: a parent may change by chance, but rarely.
  const most = network === 'calm' || network === 'behind NATs' ? 0 : MOVES_BY_CHANCE;
  let moves = 0;
  for (let waitedMs = 0; waitedMs < CALM_WITHIN_MS; waitedMs += CALM_MS) {
    const before = watch.reparentings;
    simulation.run(CALM_MS);
    moves = watch.reparentings - before;
    if (moves <= most) return [];
  }
  return [
    `parents still change ${moves} times in ${CALM_MS / 1000} s, ${CALM_WITHIN_MS / 1000} s after the last step`,
  ];
}

/** Each in turn says something: whoever can hear it does, and nobody else. */
function heardByAll(simulation: Simulation, network: Network): string[] {
  const members = simulation.alive();
  const problems: string[] = [];
  const unserved = unservedListeners(simulation, members);
  for (const member of members) member.clearHeard();
  const counts = new Map(members.map((member) => [member, member.frames.length]));
  const loses = network === 'lossy' || network === 'bursty';
  // Long enough that no burst explains silence: all 50 frames are lost once in 5 · 10^7 bursts that last so long.
  const wordMs = loses ? 1000 : 300;
  for (const member of members) member.speak(wordMs);
  simulation.run(wordMs + 1200);
  for (const source of members) {
    const spoken = source.frames.length - counts.get(source)!;
    const reach = reachable(simulation, source, members);
    for (const listener of members) {
      if (listener === source || unserved.get(source)?.includes(listener)) continue;
      const heard = listener.heardOf(source).frames;
      if (!reach.has(listener)) {
        if (listener.blockedSince.has(source.identity) && heard > 0)
          problems.push(`m${listener.facts.index} hears m${source.facts.index}, whom it blocks`);
        continue;
      }
      if (heard < (loses ? 1 : spoken))
        problems.push(
          `m${listener.facts.index} heard ${heard} of ${spoken} frames of m${source.facts.index}`,
        );
    }
  }
  return problems;
}

/** The script as prose, one line a step. */
export function prose(script: Script): string {
  const { seed, equipment, network, members, joinEveryMs, steps } = script;
  const kinds = equipment ? `${equipment.join(', ')}, by turns` : 'four links and three copies each';
  const lines = [
    `Seed ${seed}, ${network}: ${members} members (${kinds}) join, one every ${joinEveryMs} ms.`,
    ...steps.map(({ waitMs, action }) => `${(waitMs / 1000).toFixed(2)} s later ${told(action)}.`),
  ];
  return `\n${lines.join('\n')}\n${JSON.stringify(script)}`;
}

function told(action: Action): string {
  switch (action.does) {
    case 'join':
      return 'one more joins';
    case 'leave':
      return `#${action.who} says goodbye`;
    case 'crash':
      return `#${action.who} crashes`;
    case 'vanish':
      return `#${action.who} closes its page`;
    case 'block':
      return `#${action.who} blocks #${action.whom}`;
    case 'unblock':
      return `#${action.who} unblocks #${action.whom}`;
    case 'freeze':
      return `#${action.who} freezes for ${action.ms} ms`;
    case 'speak':
      return `#${action.who} speaks for ${action.ms} ms`;
    case 'split':
      return `the network falls into ${action.groups} parts`;
    case 'heal':
      return 'the network is whole again';
  }
}
