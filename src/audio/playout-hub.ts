/**
 * All speakers of one audio context: takes every frame from the room's core over one port and keeps what each
 * speaker's strip pulls from. A speaker exists from its first frame on, before its strip does.
 *
 * Bound: `MAX_SPEAKERS` speakers; one without a strip is dropped after `SPEAKER_IDLE_MS` or, when all places are taken,
 * the one idle longest gives way. When all have strips a further voice is dropped and counted.
 */

import { SAMPLE_RATE_HZ, type Handle } from '../units.js';
import type { Opus } from './codec.js';
import { MAX_GAPS_PER_REPORT, MAX_SPEAKERS, SPEAKER_IDLE_MS, STATS_INTERVAL_MS } from './config.js';
import type { FromPlayout, PlayoutSourceStats, ToPlayout } from './messages.js';
import { SpeakerPlayout } from './speaker-playout.js';

const STATS_INTERVAL_SAMPLES = (STATS_INTERVAL_MS * SAMPLE_RATE_HZ) / 1000;
const SPEAKER_IDLE_SAMPLES = (SPEAKER_IDLE_MS * SAMPLE_RATE_HZ) / 1000;

interface Seat {
  readonly playout: SpeakerPlayout;
  /** Strips that play it: one, or briefly two while a speaker is removed and added again. */
  nodes: number;
  /** The listener wants to hear it; otherwise its frames are dropped undecoded. */
  isAudible: boolean;
}

export class PlayoutHub {
  /** Frames of speakers for whom there was no place. */
  framesRefused = 0;

  readonly #seats = new Map<Handle, Seat>();
  #opus: Opus | undefined;
  #isDeafened = false;
  #lastReport = Number.NEGATIVE_INFINITY;

  /** @param report called from `receive`, never from `pull`, at most every 200 ms. */
  constructor(private readonly report: (stats: FromPlayout) => void) {}

  /** The codec is loaded: whoever waits gets a decoder. */
  setOpus(opus: Opus): void {
    this.#opus = opus;
    for (const { playout } of this.#seats.values()) playout.setDecoder(opus.createDecoder());
  }

  /** Takes a message of the core. @param nowSamples audio clock at 48 kHz. */
  receive(message: ToPlayout, nowSamples: number): void {
    switch (message.type) {
      case 'frame':
        this.#take(message, nowSamples);
        if (nowSamples - this.#lastReport >= STATS_INTERVAL_SAMPLES) this.#sendReport(nowSamples);
        break;
      case 'stop':
        this.#seats.get(message.source)?.playout.stop();
        break;
      case 'deafen':
        this.#isDeafened = message.deafened;
        if (message.deafened) for (const { playout } of this.#seats.values()) playout.stop();
        break;
    }
  }

  /** Turned down to nothing, or somebody else is heard solo: the voice is dropped undecoded until it is wanted again. */
  setAudible(source: Handle, isAudible: boolean): void {
    const seat = this.#seats.get(source);
    if (!seat || seat.isAudible === isAudible) return;
    seat.isAudible = isAudible;
    if (!isAudible) seat.playout.stop();
  }

  /** A strip will play this speaker. @returns undefined when there is no place. */
  attach(source: Handle, nowSamples: number): SpeakerPlayout | undefined {
    const seat = this.#seat(source, nowSamples);
    if (seat) seat.nodes += 1;
    return seat?.playout;
  }

  /** A strip has ended; its speaker goes with the last one. */
  detach(source: Handle): void {
    const seat = this.#seats.get(source);
    if (!seat) return;
    seat.nodes -= 1;
    if (seat.nodes <= 0) this.#drop(source, seat);
  }

  /** Frees every decoder. */
  close(): void {
    for (const [source, seat] of this.#seats) this.#drop(source, seat);
  }

  #take(frame: Extract<ToPlayout, { type: 'frame' }>, nowSamples: number): void {
    if (this.#isDeafened) return;
    const seat = this.#seat(frame.source, nowSamples);
    if (seat?.isAudible) seat.playout.push(frame, nowSamples);
  }

  #seat(source: Handle, nowSamples: number): Seat | undefined {
    let seat = this.#seats.get(source);
    if (seat) return seat;
    if (this.#seats.size >= MAX_SPEAKERS && !this.#makeRoom()) {
      this.framesRefused += 1;
      return undefined;
    }
    seat = { playout: new SpeakerPlayout(), nodes: 0, isAudible: true };
    seat.playout.lastArrival = nowSamples;
    if (this.#opus) seat.playout.setDecoder(this.#opus.createDecoder());
    this.#seats.set(source, seat);
    return seat;
  }

  /** Drops the speaker without a strip that was silent longest. @returns false when every speaker has a strip. */
  #makeRoom(): boolean {
    let idlest: Handle | undefined;
    let since = Number.POSITIVE_INFINITY;
    for (const [source, { playout, nodes }] of this.#seats) {
      if (nodes > 0 || playout.lastArrival >= since) continue;
      idlest = source;
      since = playout.lastArrival;
    }
    const seat = idlest === undefined ? undefined : this.#seats.get(idlest);
    if (idlest === undefined || !seat) return false;
    this.#drop(idlest, seat);
    return true;
  }

  #drop(source: Handle, seat: Seat): void {
    seat.playout.free();
    this.#seats.delete(source);
  }

  #sendReport(nowSamples: number): void {
    const sources: PlayoutSourceStats[] = [];
    for (const [source, seat] of this.#seats) {
      const { playout, nodes } = seat;
      if (nodes === 0 && nowSamples - playout.lastArrival > SPEAKER_IDLE_SAMPLES) {
        this.#drop(source, seat);
        continue;
      }
      if (playout.lastArrival < this.#lastReport && playout.buffer.isIdle) continue;
      sources.push(statsOf(source, playout));
    }
    this.#lastReport = nowSamples;
    if (sources.length > 0) this.report({ type: 'playout-stats', sources });
  }
}

function statsOf(source: Handle, { buffer }: SpeakerPlayout): PlayoutSourceStats {
  const { framesStray: _, ...counters } = buffer.counters;
  const newGapsMs: number[] = [];
  buffer.takeGaps((gapMs) => {
    if (newGapsMs.length < MAX_GAPS_PER_REPORT) newGapsMs.push(gapMs);
  });
  return { source, ...counters, playoutDelayMs: buffer.playoutDelayMs, newGapsMs };
}
