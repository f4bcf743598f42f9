/** Which sequence numbers were heard, a bit each: a Set of a minute of speech takes a hundred times the memory. */

const PAGE_BITS = 1024;

export class HeardSequences {
  readonly #pages = new Map<number, Uint32Array>();

  /** Takes note of one. False when it was noted before. */
  add(sequence: number): boolean {
    const number = sequence >>> 10;
    let page = this.#pages.get(number);
    if (!page) {
      page = new Uint32Array(PAGE_BITS / 32);
      this.#pages.set(number, page);
    }
    const word = (sequence & (PAGE_BITS - 1)) >> 5;
    const bit = 1 << (sequence & 31);
    const fresh = ((page[word] as number) & bit) === 0;
    page[word] = (page[word] as number) | bit;
    return fresh;
  }
}
