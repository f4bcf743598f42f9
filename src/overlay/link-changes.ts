/** How one record of a member's links differs from the next, and what follows from both. */

import {
  MAX_CHANGED,
  MAX_NEIGHBOURS,
  type LinkChange,
  type LinkRecord,
  type ToldLink,
} from '../wire/link-records.js';

/** A link whose delay moved by less than this share … */
const MOVED_SHARE = 0.15;
/** … or less than this is not told anew, ms. */
const MOVED_MS = 1;

/** The sequence of the record after one. */
export const following = (sequence: number): number => (sequence + 1) & 0xffff;

/** The sequence of the record before one. */
export const preceding = (sequence: number): number => (sequence - 1) & 0xffff;

/**
 * What there is to tell after a record; undefined where nothing is. Links whose delays hardly moved stay as they were told.
 *
 * @param links quantised, as a record has them
 */
export function changeOf(
  before: LinkRecord,
  links: readonly ToldLink[],
  measured: readonly ToldLink[],
): LinkChange | undefined {
  const gone = before.links.map(({ tag }) => tag).filter((tag) => !links.some((link) => link.tag === tag));
  const set = links.filter(({ tag, delayMs }) => {
    const told = before.links.find((link) => link.tag === tag);
    if (!told) return true;
    const movedMs = Math.abs(told.delayMs - delayMs);
    return movedMs > MOVED_MS && movedMs > MOVED_SHARE * told.delayMs;
  });
  if (gone.length === 0 && set.length === 0 && measured.length === 0) return undefined;
  return { handle: before.handle, sequence: following(before.sequence), gone, set, measured };
}

/** How a record differs from the one right before it, to the last step of a delay; undefined where another shows no less. */
export function differenceOf(before: LinkRecord, after: LinkRecord): LinkChange | undefined {
  if (after.sequence !== following(before.sequence) || after.slots !== before.slots) return undefined;
  const gone = before.links
    .map(({ tag }) => tag)
    .filter((tag) => !after.links.some((link) => link.tag === tag));
  const set = after.links.filter(
    ({ tag, delayMs }) => !before.links.some((link) => link.tag === tag && link.delayMs === delayMs),
  );
  const { handle, sequence, measured } = after;
  const change = { handle, sequence, gone, set, measured };
  return isShorter(change, after) ? change : undefined;
}

/** The record after a change; undefined when the change does not follow the record, or leads to more links than a record has. */
export function recordAfter(before: LinkRecord, change: LinkChange): LinkRecord | undefined {
  if (change.sequence !== following(before.sequence)) return undefined;
  const links = before.links
    .filter(({ tag }) => !change.gone.includes(tag) && !change.set.some((link) => link.tag === tag))
    .concat(change.set);
  if (links.length > MAX_NEIGHBOURS) return undefined;
  return { ...before, sequence: change.sequence, links, measured: change.measured };
}

/** Whether a change is shorter than the record it leads to, and fits. */
export function isShorter({ gone, set }: LinkChange, { links }: LinkRecord): boolean {
  return (
    gone.length <= MAX_CHANGED &&
    set.length <= MAX_CHANGED &&
    2 * gone.length + 3 * set.length < 3 * links.length
  );
}
