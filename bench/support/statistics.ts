/** Order statistics, as the tables print them. */

/** The nearest-rank quantile: an observed value, never an interpolated one. @param q 0–1 */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))]!;
}
