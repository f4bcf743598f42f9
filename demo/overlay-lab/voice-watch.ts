/** Who hears the present speaker, through whom, how late, and how long silences last. */

import type { SimulatedMember } from '../../test/simulation/member.js';
import { FRAME_MS, type Simulation } from '../../test/simulation/simulation.js';
import type { Repair } from './protocol.js';

/** Silence from which on the voice counts as lost, ms: five frames in a row, more than concealment covers. */
export const LOST_MS = 5 * FRAME_MS;
/** A frame is overdue after this: the voice of the simulated network has no jitter. */
const OVERDUE_MS = 1.5 * FRAME_MS;
/** A newcomer that hears nothing for longer counts as without the voice. */
const JOIN_GRACE_MS = 1000;
/** So long nobody may be silent before a repair counts as done: orphans come in waves. */
const CALM_MS = 250;
/** The hop limit a source sends with. */
const FULL_HOP_LIMIT = 31;
/** How fast the memory of the quickest frame fades, ms per ms: replayed frames do not count as a longer path. */
const FADING = 0.1;

export interface Ear {
  from: SimulatedMember;
  delayMs: number;
  heardMs: number;
  hops: number;
}

/** Memory: one ear per member that heard the speaker and one time per member touched by a copy. */
export class VoiceWatch {
  readonly ears = new Map<SimulatedMember, Ear>();
  /** When a copy of the voice was last sent to or from a member. */
  readonly touchedMs = new Map<SimulatedMember, number>();
  /** Frames played, of the present speaker and those before. */
  plays = 0;
  /** Longest silence of each member that lost the voice since the last repair. */
  readonly #silencesMs = new Map<SimulatedMember, number>();
  /** Those whose way to the voice is known to be cut, until they hear it again. */
  readonly #cutOff = new Set<SimulatedMember>();
  #calmSinceMs = 0;
  readonly #sinceMs: number;

  constructor(
    readonly simulation: Simulation,
    readonly speaker: SimulatedMember,
  ) {
    this.#sinceMs = simulation.nowMs;
    simulation.onPlay = (listener, source, from, _sequence, hopLimit, sentMs) => {
      this.plays++;
      if (source === speaker) this.#heard(listener, from, FULL_HOP_LIMIT - hopLimit + 1, sentMs);
    };
  }

  /** Whether a frame should have come by now and did not; at the first one missing where the way is known to be cut. */
  lost(listener: SimulatedMember): boolean {
    const { nowMs } = this.simulation;
    const ear = this.ears.get(listener);
    if (!ear) return nowMs - Math.max(this.#sinceMs, listener.joinedAtMs) >= JOIN_GRACE_MS;
    const silenceMs = nowMs - ear.heardMs;
    return silenceMs >= LOST_MS || (silenceMs >= OVERDUE_MS && this.#cutOff.has(listener));
  }

  /** Those a frame passed on its way to a member, the nearest first; the speaker is left out. */
  *relaysOf(listener: SimulatedMember): Generator<SimulatedMember> {
    let at = this.ears.get(listener)?.from;
    // Ears remember different moments, so while the tree changes their chain may run in a circle.
    for (let hops = 0; at && at !== this.speaker && hops < FULL_HOP_LIMIT; hops++) {
      yield at;
      at = this.ears.get(at)?.from;
    }
  }

  /** These are about to lose their way to the voice: every silence of theirs counts from now on. */
  expectSilence(listeners: readonly SimulatedMember[]): void {
    this.#calmSinceMs = this.simulation.nowMs;
    for (const listener of listeners) {
      this.#silencesMs.set(listener, 0);
      this.#cutOff.add(listener);
    }
  }

  /** To be called often: sums up the silences once nobody has been silent for a while. */
  settle(silent: number): Repair | undefined {
    const { nowMs } = this.simulation;
    if (silent > 0) this.#calmSinceMs = nowMs;
    if (this.#silencesMs.size === 0 || nowMs - this.#calmSinceMs < CALM_MS) return undefined;
    const sorted = [...this.#silencesMs.values()].sort((a, b) => a - b);
    this.#silencesMs.clear();
    this.#cutOff.clear();
    return {
      members: sorted.length,
      medianMs: sorted[sorted.length >> 1]!,
      longestMs: sorted[sorted.length - 1]!,
    };
  }

  /** What a member missed so far is not held against anybody: its silence counts from now. */
  pardon(listener: SimulatedMember): void {
    const ear = this.ears.get(listener);
    if (ear) ear.heardMs = this.simulation.nowMs;
  }

  /** Who blocks the speaker, or is gone: what it heard is no silence when it hears again. */
  forget(listener: SimulatedMember): void {
    this.ears.delete(listener);
    this.#silencesMs.delete(listener);
    this.#cutOff.delete(listener);
  }

  #heard(listener: SimulatedMember, from: SimulatedMember, hops: number, sentMs: number): void {
    const { nowMs } = this.simulation;
    const delayMs = nowMs - sentMs;
    const ear = this.ears.get(listener);
    if (!ear) {
      this.ears.set(listener, { from, delayMs, heardMs: nowMs, hops });
      return;
    }
    const silenceMs = nowMs - ear.heardMs;
    const worstMs = this.#silencesMs.get(listener);
    if (silenceMs >= LOST_MS || worstMs !== undefined)
      this.#silencesMs.set(listener, Math.max(worstMs ?? 0, silenceMs));
    if (silenceMs >= OVERDUE_MS) this.#cutOff.delete(listener);
    if (silenceMs >= LOST_MS) this.#calmSinceMs = nowMs;
    ear.delayMs = Math.min(delayMs, ear.delayMs + FADING * silenceMs);
    ear.heardMs = nowMs;
    ear.from = from;
    ear.hops = hops;
  }
}
