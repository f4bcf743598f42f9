/**
 * How far estimates of distances can be believed in this room, by what they were worth wherever the truth came to be
 * known: lengths of links and trials over what would have been estimated without them. In a room of well-connected
 * members hardly one is off by half; of personal devices behind many lines one in three is off by more than twice, so
 * that near ones seem far away and would never be tried.
 */

/** An estimate counts as wrong when the truth is more than so many times as long or as short. */
const WRONG_BY = 2;

/** Share of the estimates that were wrong; 0 while there is nothing to go by. */
export function shareWrong(surprises: readonly number[]): number {
  let wrong = 0;
  for (const ratio of surprises) if (ratio > WRONG_BY || ratio < 1 / WRONG_BY) wrong++;
  return surprises.length === 0 ? 0 : wrong / surprises.length;
}

/**
 * By what to multiply estimates. Each is drawn anew among the surprises there were (Thompson, Biometrika 1933), so that
 * what may well be near is tried as often as it is worth it; one draw for several members would leave their order as it is.
 *
 * @param surprises truth over estimate, each time it came to be known; empty: estimates are taken at their word
 */
export function doubting(surprises: readonly number[], random: () => number): () => number {
  if (surprises.length === 0) return () => 1;
  return () => surprises[Math.floor(random() * surprises.length)] as number;
}
