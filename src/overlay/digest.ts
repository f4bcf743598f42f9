/** Integer hash of two words (finaliser of MurmurHash3): parts of a digest that does not depend on their order. */
export function digestPart(a: number, b: number): number {
  let hash = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 1, 0xc2b2ae35);
  hash ^= hash >>> 16;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  return hash ^ (hash >>> 16);
}
