/** Notes a value as the newest, and forgets the oldest ones above the bound. A map keeps the order of its keys. */
export function remember<Key, Value>(memory: Map<Key, Value>, key: Key, value: Value, bound: number): void {
  memory.delete(key);
  memory.set(key, value);
  for (const oldest of memory.keys()) {
    if (memory.size <= bound) break;
    memory.delete(oldest);
  }
}
