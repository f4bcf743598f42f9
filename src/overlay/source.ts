/**
 * One source of voice as this member knows it, whether its tree is awake here or lies dormant. In a large room nearly all
 * are dormant: whatever is held of each of them is held a thousand times over, so that what only an awake tree needs is
 * kept there.
 */

import { handleOf, type Handle, type MemberId } from '../units.js';
import type { SequenceWindow } from './dedupe.js';
import type { Tree } from './tree.js';

export class Source {
  readonly handle: Handle;
  /** Undefined where nothing was said for long, in a large room: the way of the voice is kept by the plan alone (`plan.ts`). */
  tree: Tree | undefined = undefined;
  /** The person behind it is blocked here. */
  blocked = false;
  /** Since when there is no way to hear it, ms. */
  unservedSinceMs: number | undefined = undefined;
  /** Route epoch of its tree, as far as it got. */
  epoch = 0;

  constructor(
    readonly memberId: MemberId,
    readonly own: boolean,
    /** Counts up with every source: decisions of one call are taken in this order. */
    readonly order: number,
    readonly addedAtMs: number,
    /** What of it was played; from its first waking on. */
    public played: SequenceWindow | undefined = undefined,
  ) {
    this.handle = handleOf(memberId);
  }
}
