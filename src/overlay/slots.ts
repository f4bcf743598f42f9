/**
 * Small numbers that stand for members in columns. What is held for each member and each neighbour (offers, what was
 * told, what is known) lies in typed arrays by slot: in a room of a thousand eight links hold 8000 offers, which as
 * objects would take ten times the memory and most of the time.
 */

export class Slots<Key> {
  readonly #slots = new Map<Key, number>();
  readonly #free: number[] = [];

  /** −1 for a key without a slot. */
  of(key: Key): number {
    return this.#slots.get(key) ?? -1;
  }

  take(key: Key): number {
    let slot = this.#slots.get(key);
    if (slot === undefined) {
      slot = this.#free.pop() ?? this.#slots.size;
      this.#slots.set(key, slot);
    }
    return slot;
  }

  /** The slot will be given to another key: whoever has columns clears it there first. */
  release(key: Key): void {
    const slot = this.#slots.get(key);
    if (slot === undefined) return;
    this.#slots.delete(key);
    this.#free.push(slot);
  }
}

/** Room for a slot: at least half as much again. */
export function roomFor(length: number, slot: number): number {
  return Math.max(16, slot + 1, Math.ceil(length * 1.5));
}

/** One whole number a slot, 0 where nothing was set. Slot −1 takes and gives nothing. */
export class SlotColumn {
  #values: Uint8Array | Uint32Array;

  constructor(readonly bits: 8 | 32) {
    this.#values = this.#column(0);
  }

  get(slot: number): number {
    return this.#values[slot] ?? 0;
  }

  set(slot: number, value: number): void {
    if (slot >= this.#values.length) {
      if (value === 0) return;
      const grown = this.#column(roomFor(this.#values.length, slot));
      grown.set(this.#values);
      this.#values = grown;
    }
    this.#values[slot] = value;
  }

  clear(): void {
    this.#values = this.#column(0);
  }

  #column(length: number): Uint8Array | Uint32Array {
    return this.bits === 8 ? new Uint8Array(length) : new Uint32Array(length);
  }
}
