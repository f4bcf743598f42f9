/**
 * Which of many numbered things costs least: a binary heap in typed arrays, for searches that cannot afford an object a
 * step. 12 bytes a thing of the largest search so far, of at most 32767.
 */
export class WaysHeap {
  /** What each thing costs; Infinity until it is put in, and kept when it is taken out. */
  costs = new Float64Array(0);
  #things = new Int16Array(0);
  /** Place in the heap; −1 while not in it. */
  #places = new Int16Array(0);
  #size = 0;

  /** Empties it, for things numbered from 0. */
  reset(things: number): void {
    if (things > this.costs.length) {
      this.costs = new Float64Array(things);
      this.#things = new Int16Array(things);
      this.#places = new Int16Array(things);
    }
    this.costs.fill(Infinity, 0, things);
    this.#places.fill(-1, 0, things);
    this.#size = 0;
  }

  /** Puts a thing in, or makes it cheaper, never dearer; O(log n). */
  lower(thing: number, cost: number): void {
    const { costs } = this;
    const things = this.#things;
    const places = this.#places;
    costs[thing] = cost;
    let place = places[thing] as number;
    if (place < 0) place = this.#size++;
    while (place > 0) {
      const above = (place - 1) >> 1;
      const other = things[above] as number;
      if ((costs[other] as number) <= cost) break;
      things[place] = other;
      places[other] = place;
      place = above;
    }
    things[place] = thing;
    places[thing] = place;
  }

  /** Takes out what costs least; O(log n). @returns −1 when nothing is left. */
  take(): number {
    if (this.#size === 0) return -1;
    const { costs } = this;
    const things = this.#things;
    const places = this.#places;
    const first = things[0] as number;
    places[first] = -1;
    const size = --this.#size;
    if (size === 0) return first;
    const last = things[size] as number;
    const cost = costs[last] as number;
    let place = 0;
    for (let child = 1; child < size; child = 2 * place + 1) {
      let least = things[child] as number;
      if (child + 1 < size) {
        const other = things[child + 1] as number;
        if ((costs[other] as number) < (costs[least] as number)) {
          least = other;
          child++;
        }
      }
      if ((costs[least] as number) >= cost) break;
      things[place] = least;
      places[least] = place;
      place = child;
    }
    things[place] = last;
    places[last] = place;
    return first;
  }
}
