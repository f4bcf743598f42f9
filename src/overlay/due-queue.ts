/** Which of many things is due first: a binary heap of the things themselves, each of which knows its place in it. */

export interface Due {
  /** When it is due, ms; Infinity for never. Whoever sets it calls `DueQueue.schedule` before the queue is asked again. */
  dueMs: number;
  /** Place in the heap; −1 while not in it. */
  duePlace: number;
}

export class DueQueue<Thing extends Due> {
  /** Bounded by the things that exist. */
  readonly #heap: Thing[] = [];

  /** When the first one is due; Infinity when none is. */
  get nextMs(): number {
    return this.#heap.length === 0 ? Infinity : (this.#heap[0] as Thing).dueMs;
  }

  /** Takes note of a new time; O(log n). */
  schedule(thing: Thing, dueMs: number): void {
    thing.dueMs = dueMs;
    if (dueMs === Infinity) this.remove(thing);
    else if (thing.duePlace < 0) this.#rise(thing, this.#heap.length);
    else {
      this.#rise(thing, thing.duePlace);
      this.#sink(thing, thing.duePlace);
    }
  }

  remove(thing: Thing): void {
    const place = thing.duePlace;
    if (place < 0) return;
    thing.duePlace = -1;
    const last = this.#heap.pop() as Thing;
    if (last === thing) return;
    this.#rise(last, place);
    this.#sink(last, last.duePlace);
  }

  /** Takes out everything that is due, in no particular order. */
  takeDue(nowMs: number): Thing[] {
    const due: Thing[] = [];
    for (let first = this.#heap[0]; first && first.dueMs <= nowMs; first = this.#heap[0]) {
      this.remove(first);
      due.push(first);
    }
    return due;
  }

  #rise(thing: Thing, from: number): void {
    let place = from;
    while (place > 0) {
      const parent = this.#heap[(place - 1) >> 1] as Thing;
      if (parent.dueMs <= thing.dueMs) break;
      this.#put(parent, place);
      place = (place - 1) >> 1;
    }
    this.#put(thing, place);
  }

  #sink(thing: Thing, from: number): void {
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      let least = this.#heap[child];
      if (!least) break;
      const other = this.#heap[child + 1];
      if (other && other.dueMs < least.dueMs) {
        least = other;
        child++;
      }
      if (least.dueMs >= thing.dueMs) break;
      this.#put(least, place);
      place = child;
    }
    this.#put(thing, place);
  }

  #put(thing: Thing, place: number): void {
    this.#heap[place] = thing;
    thing.duePlace = place;
  }
}
