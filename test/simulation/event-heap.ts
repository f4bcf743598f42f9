/** Binary heap of events in time order; events of one instant keep the order in which they were added. */

export class EventHeap<Event> {
  #times = new Float64Array(1024);
  #orders = new Float64Array(1024);
  readonly #events: Event[] = [];
  #size = 0;
  #added = 0;

  get size(): number {
    return this.#size;
  }

  /** Time of the next event; Infinity when empty. */
  get nextMs(): number {
    return this.#size === 0 ? Infinity : (this.#times[0] as number);
  }

  push(atMs: number, event: Event): void {
    if (this.#size === this.#times.length) this.#grow();
    let index = this.#size++;
    const order = this.#added++;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#before(atMs, order, parent)) break;
      this.#copy(parent, index);
      index = parent;
    }
    this.#place(index, atMs, order, event);
  }

  /** The next event. @throws RangeError when empty. */
  pop(): Event {
    if (this.#size === 0) throw new RangeError('empty heap');
    const top = this.#events[0] as Event;
    const last = --this.#size;
    const atMs = this.#times[last] as number;
    const order = this.#orders[last] as number;
    const event = this.#events[last] as Event;
    this.#events.length = last;
    if (last > 0) {
      let index = 0;
      for (;;) {
        let child = 2 * index + 1;
        if (child >= last) break;
        if (
          child + 1 < last &&
          this.#before(this.#times[child + 1] as number, this.#orders[child + 1] as number, child)
        ) {
          child++;
        }
        if (!this.#before(this.#times[child] as number, this.#orders[child] as number, -1, atMs, order))
          break;
        this.#copy(child, index);
        index = child;
      }
      this.#place(index, atMs, order, event);
    }
    return top;
  }

  /** Whether (atMs, order) comes before the entry at `index`, or before the given pair when `index` is −1. */
  #before(atMs: number, order: number, index: number, otherMs = 0, otherOrder = 0): boolean {
    const ms = index < 0 ? otherMs : (this.#times[index] as number);
    return atMs < ms || (atMs === ms && order < (index < 0 ? otherOrder : (this.#orders[index] as number)));
  }

  #copy(from: number, to: number): void {
    this.#place(to, this.#times[from] as number, this.#orders[from] as number, this.#events[from] as Event);
  }

  #place(index: number, atMs: number, order: number, event: Event): void {
    this.#times[index] = atMs;
    this.#orders[index] = order;
    this.#events[index] = event;
  }

  #grow(): void {
    const times = new Float64Array(this.#times.length * 2);
    times.set(this.#times);
    this.#times = times;
    const orders = new Float64Array(times.length);
    orders.set(this.#orders);
    this.#orders = orders;
  }
}
