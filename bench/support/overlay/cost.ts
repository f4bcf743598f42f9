/**
 * What the engine costs: time for one message, memory a member, control bytes a join. Times and memory are this
 * machine's and this process's; the bytes are the same everywhere. Memory is the heap of the whole simulation by
 * members: engines, links and messages under way; of entries and their bytes, which members of a simulation share, one
 * set only.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createOverlayEngine } from '../../../src/overlay/engine.js';
import type { OverlayEngine, OverlayInput } from '../../../src/overlay/interface.js';
import { encodeControl } from '../../../src/wire/control.js';
import { pickPlaces } from '../../../test/simulation/latency.js';
import type { SimulatedMember } from '../../../test/simulation/member.js';
import { seededRandom } from '../../../test/simulation/random.js';
import { Simulation } from '../../../test/simulation/simulation.js';
import { quantile } from '../statistics.js';
import { delayTable, type BenchOptions } from './options.js';
import { RELAY_MS } from './measured-room.js';

/** How long messages are timed, s, with everybody who shall speak speaking. */
const TIMED_S = 5;
/** Newcomers, one after the other, and the time for each, s: what they cause has settled by then. */
const JOINS = 3;
const JOIN_S = 8;
/** More samples than this say nothing new. */
const MAX_SAMPLES = 500_000;

export interface CostRow {
  readonly scenario: 'cost';
  readonly system: 'ours';
  readonly nodes: number;
  /** Handling one control message, effects included, µs. */
  readonly messageP50Us: number;
  readonly messageP99Us: number;
  /** Control payload a join adds for a present member, sent and received, mean over members and joins, kB. */
  readonly presentKb: number;
  /** Control payload of the joiner, sent and received, mean, kB. */
  readonly joinerKb: number;
  /** kB (1000 B) of heap and array buffers a member. */
  readonly memoryKb: number;
  /** CPU time of the whole run and the time simulated, s. */
  readonly cpuS: number;
  readonly simulatedS: number;
}

/** Times and counts what goes through the doors of a simulation's engines. */
class Meter {
  timing = false;
  readonly samplesUs: number[] = [];
  readonly receivedBytes = new Map<string, number>();

  wrap(engine: OverlayEngine, selfId: string): OverlayEngine {
    const handle = engine.handle.bind(engine);
    engine.handle = (input, nowMs) => {
      const bytes = payloadBytes(input);
      if (bytes === 0) return handle(input, nowMs);
      this.receivedBytes.set(selfId, (this.receivedBytes.get(selfId) ?? 0) + bytes);
      if (!this.timing || this.samplesUs.length >= MAX_SAMPLES) return handle(input, nowMs);
      const startMs = performance.now();
      const effects = handle(input, nowMs);
      this.samplesUs.push((performance.now() - startMs) * 1000);
      return effects;
    };
    return engine;
  }

  /** Control payload sent and received so far, B. */
  bytesOf(member: SimulatedMember): number {
    return member.controlBytes + (this.receivedBytes.get(member.id) ?? 0);
  }
}

/** What the message was on the wire, B; 0 for what is no message. */
function payloadBytes(input: OverlayInput): number {
  if (input.type === 'message') return encodeControl(input.message).byteLength;
  if (input.type !== 'entries') return 0;
  return input.entries.reduce((sum, { bytes }) => sum + 2 + bytes.byteLength, 2);
}

function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

export function measureCost(options: BenchOptions, onProgress: (phase: string) => void): CostRow {
  const { nodes, links, speakers, settleS, seed, loss, jitterMs } = options;
  const cpu = process.cpuUsage();
  const meter = new Meter();
  const latencies = pickPlaces(delayTable(options), nodes, seededRandom(seed * 7919 + 17));
  const emptyBytes = heapBytes();
  const simulation = new Simulation({
    seed,
    latencies,
    conditions: { loss, jitterMs, relayMs: RELAY_MS },
    createEngine: (engineOptions) => meter.wrap(createOverlayEngine(engineOptions), engineOptions.selfId),
  });
  const limits = { maxLinks: links, uploadSlots: 32, uploadKbps: Infinity };
  const join = (): SimulatedMember => simulation.join({ limits });

  onProgress('room forms');
  const stepMs = Math.min(50, 10_000 / nodes);
  for (let index = 0; index < nodes; index++) simulation.at(index * stepMs, join);
  simulation.runUntil(nodes * stepMs + settleS * 1000);
  const memoryKb = (heapBytes() - emptyBytes) / nodes / 1000;

  onProgress('messages');
  meter.timing = true;
  for (const member of simulation.alive().slice(0, speakers)) member.speak(TIMED_S * 1000);
  simulation.run(TIMED_S * 1000);
  meter.timing = false;

  onProgress('joins');
  const present = simulation.alive();
  const presentBytes = (): number => present.reduce((sum, member) => sum + meter.bytesOf(member), 0);
  const beforeBytes = presentBytes();
  simulation.run(JOIN_S * 1000);
  const quietBytes = presentBytes() - beforeBytes;
  const joiners: SimulatedMember[] = [];
  for (let i = 0; i < JOINS; i++) {
    joiners.push(join());
    simulation.run(JOIN_S * 1000);
  }
  const joinBytes = (presentBytes() - beforeBytes - quietBytes) / JOINS - quietBytes;
  const joinerBytes = joiners.map((joiner, i) => {
    // Of the earlier ones, what came after their own time is not theirs: their mean traffic is taken off.
    const laterS = (JOINS - 1 - i) * JOIN_S;
    return meter.bytesOf(joiner) - (quietBytes / present.length / JOIN_S) * laterS;
  });

  const { user, system } = process.cpuUsage(cpu);
  return {
    scenario: 'cost',
    system: 'ours',
    nodes,
    messageP50Us: quantile(meter.samplesUs, 0.5),
    messageP99Us: quantile(meter.samplesUs, 0.99),
    presentKb: joinBytes / present.length / 1000,
    joinerKb: joinerBytes.reduce((sum, bytes) => sum + bytes, 0) / JOINS / 1000,
    memoryKb,
    cpuS: (user + system) / 1e6,
    simulatedS: simulation.nowMs / 1000,
  };
}

export function costText(row: CostRow): string {
  const { nodes, messageP50Us, messageP99Us, presentKb, joinerKb, memoryKb, cpuS, simulatedS } = row;
  return [
    `cost in a room of ${nodes}:`,
    `  one message            ${messageP50Us.toFixed(1)} µs median, ${messageP99Us.toFixed(1)} µs p99`,
    `  a join                 ${presentKb.toFixed(2)} kB for a present member, ${joinerKb.toFixed(1)} kB for the joiner`,
    `  memory                 ${memoryKb.toFixed(0)} kB a member`,
    `  CPU of the simulation  ${cpuS.toFixed(1)} s for ${simulatedS.toFixed(0)} s`,
  ].join('\n');
}
