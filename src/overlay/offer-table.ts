/** What one neighbour offers, a row a source by slot; 8 bytes and two for each hop of the longest path so far. */

import { MAX_PATH_HOPS, roomFromWire, roomToWire, type RouteOffer } from '../wire/control.js';
import { roomFor } from './slots.js';

/** Hops a row has room for at first: trees are rarely deeper. */
const FIRST_STRIDE = 6;

export class OfferTable {
  /** Infinity where nothing is offered. */
  #costsMs = new Float32Array(0);
  #epochs = new Uint16Array(0);
  /** Free slots, or whom a full neighbour gives way to, as on the wire. */
  #rooms = new Uint8Array(0);
  /** Hops of the path, `UNUSABLE` and `SPEAKING`. */
  #hops = new Uint8Array(0);
  #paths = new Uint16Array(0);
  #stride = FIRST_STRIDE;

  /** @param selfTag who would go round in a circle */
  constructor(readonly selfTag: number) {}

  has(slot: number): boolean {
    return slot < this.#costsMs.length && this.#costsMs[slot] !== Infinity;
  }

  /** One-way delay from the source to the neighbour, ms; Infinity where it offers nothing. */
  costMs(slot: number): number {
    return this.#costsMs[slot] ?? Infinity;
  }

  /** The same for a child that may hang on it: its path neither leads through here nor is as long as any may be. */
  usableCostMs(slot: number): number {
    return ((this.#hops[slot] ?? 0) & UNUSABLE) === 0 ? this.costMs(slot) : Infinity;
  }

  epoch(slot: number): number {
    return this.#epochs[slot] ?? 0;
  }

  freeSlots(slot: number): number {
    const room = this.#rooms[slot] ?? NO_ROOM;
    return room < 128 ? room : 0;
  }

  /** Whether, with no slot free, a member of this burden takes the place of another child. */
  givesWay(slot: number, burdenMs: number): boolean {
    const room = this.#rooms[slot] ?? NO_ROOM;
    if (room === NO_ROOM || ((this.#hops[slot] ?? 0) & SPEAKING) !== 0) return false;
    return burdenMs < (roomFromWire(room, false).yieldsBelowMs ?? -Infinity);
  }

  /** Whether, with no slot free while the source speaks, a member that gains so much takes the place of another child. */
  sells(slot: number, gainMs: number): boolean {
    const room = this.#rooms[slot] ?? NO_ROOM;
    const isPriced = room > 127 && ((this.#hops[slot] ?? 0) & SPEAKING) !== 0;
    return isPriced && gainMs > (roomFromWire(room, true).priceMs ?? Infinity);
  }

  pathHops(slot: number): number {
    return (this.#hops[slot] ?? 0) & HOPS;
  }

  hop(slot: number, index: number): number {
    return this.#paths[slot * this.#stride + index] ?? 0;
  }

  path(slot: number): number[] {
    const path: number[] = [];
    for (let i = 0; i < this.pathHops(slot); i++) path.push(this.hop(slot, i));
    return path;
  }

  set(slot: number, offer: RouteOffer): void {
    const { path } = offer;
    this.#reserve(slot, path.length);
    this.#costsMs[slot] = offer.costMs;
    this.#epochs[slot] = offer.epoch;
    this.#rooms[slot] = roomToWire(offer);
    let hops = path.length | (offer.isSpeaking ? SPEAKING : 0);
    if (path.length >= MAX_PATH_HOPS) hops |= UNUSABLE;
    for (let i = 0, at = slot * this.#stride; i < path.length; i++) {
      const tag = path[i] as number;
      this.#paths[at + i] = tag;
      if (tag === this.selfTag) hops |= UNUSABLE;
    }
    this.#hops[slot] = hops;
  }

  delete(slot: number): void {
    if (slot < this.#costsMs.length) this.#costsMs[slot] = Infinity;
  }

  clear(): void {
    this.#costsMs.fill(Infinity);
  }

  #reserve(slot: number, hops: number): void {
    const { length } = this.#costsMs;
    if (slot < length && hops <= this.#stride) return;
    const rows = slot < length ? length : roomFor(length, slot);
    const stride = Math.max(this.#stride, hops);
    const paths = new Uint16Array(rows * stride);
    for (let row = 0; row < length; row++) {
      const from = row * this.#stride;
      paths.set(this.#paths.subarray(from, from + this.pathHops(row)), row * stride);
    }
    this.#paths = paths;
    this.#stride = stride;
    if (rows === length) return;
    const costsMs = new Float32Array(rows).fill(Infinity);
    costsMs.set(this.#costsMs);
    const epochs = new Uint16Array(rows);
    epochs.set(this.#epochs);
    const rooms = new Uint8Array(rows);
    rooms.set(this.#rooms);
    const counts = new Uint8Array(rows);
    counts.set(this.#hops);
    this.#costsMs = costsMs;
    this.#epochs = epochs;
    this.#rooms = rooms;
    this.#hops = counts;
  }
}

/** Above every number of hops. */
const UNUSABLE = 0x80;
/** The source was speaking: what is told of the room is a price. */
const SPEAKING = 0x40;
const HOPS = 0x3f;
/** As on the wire: full, and giving way to nobody. */
const NO_ROOM = 255;
