/** A map by neighbour that takes next to no memory while empty, as most maps of most trees are. */

import type { MemberId } from '../units.js';

const EMPTY: ReadonlyMap<MemberId, never> = new Map<MemberId, never>();

export class PeerMap<Value> {
  #map: Map<MemberId, Value> | undefined;

  get size(): number {
    return this.#map === undefined ? 0 : this.#map.size;
  }

  has(peer: MemberId): boolean {
    return this.#map !== undefined && this.#map.has(peer);
  }

  get(peer: MemberId): Value | undefined {
    return this.#map === undefined ? undefined : this.#map.get(peer);
  }

  set(peer: MemberId, value: Value): void {
    (this.#map ??= new Map()).set(peer, value);
  }

  delete(peer: MemberId): boolean {
    if (this.#map?.delete(peer) !== true) return false;
    if (this.#map.size === 0) this.#map = undefined;
    return true;
  }

  clear(): void {
    this.#map = undefined;
  }

  keys(): Iterable<MemberId> {
    return (this.#map ?? EMPTY).keys();
  }

  values(): Iterable<Value> {
    return (this.#map ?? EMPTY).values();
  }

  [Symbol.iterator](): Iterator<[MemberId, Value]> {
    return (this.#map ?? EMPTY).entries();
  }
}
