/** What the page of the laboratory and its worker say to each other. Times are those of the simulated room, ms. */

import type { Layout } from './layout.js';

export type Command =
  /** A new room; answered with `opened`. */
  | { readonly type: 'open'; readonly seed: number; readonly size: number }
  /** Members come or go until the room has this many. */
  | { readonly type: 'size'; readonly size: number }
  /** Room time per real time; 0 pauses. */
  | { readonly type: 'rate'; readonly rate: number }
  /** As fast as this machine can, for so long. */
  | { readonly type: 'skip'; readonly ms: number }
  | { readonly type: 'speaker'; readonly index: number }
  | { readonly type: 'crash'; readonly index: number }
  | { readonly type: 'crash-relay' }
  | { readonly type: 'crash-share'; readonly share: number }
  | { readonly type: 'block'; readonly index: number; readonly blocked: boolean }
  | { readonly type: 'block-share'; readonly share: number }
  | { readonly type: 'unblock-all' }
  | { readonly type: 'partition'; readonly parted: boolean }
  | { readonly type: 'add-phone' }
  /** The page is ready for the next picture. A worker that nobody looks at stands still. */
  | { readonly type: 'look' };

export type Report =
  | { readonly type: 'opened'; readonly layout: Layout }
  | { readonly type: 'picture'; readonly picture: Picture };

/**
 * How a member stands to the voice of the present speaker. `joins`: new here, has not heard it yet; `silent`: it should
 * be heard and is not; `apart`: beyond the cut of a partition.
 */
export type Hearing = 'speaks' | 'hears' | 'joins' | 'silent' | 'blocks' | 'apart';

export interface MemberPicture {
  /** By order of joining; never used again. */
  readonly index: number;
  /** Where it is drawn: index into the layout. */
  readonly place: number;
  readonly name: string;
  readonly phone: boolean;
  readonly hearing: Hearing;
  /** Index of the member its last frame came from; −1 when there is none. */
  readonly parent: number;
  /** From the speaker to here, one way: as the voice came, and as the direct way would take. NaN = not heard. */
  readonly delayMs: number;
  readonly directMs: number;
  /** Links the voice passed on its way here. */
  readonly hops: number;
  /** How many hear the voice straight from here, and how many through here in all. */
  readonly children: number;
  readonly below: number;
  /** Since a copy of this voice last went to or came from here; Infinity = never. */
  readonly untouchedMs: number;
}

export interface Repair {
  /** Members that had lost the voice and hear it again. */
  readonly members: number;
  /** Their silences: the middle one and the longest, between two frames heard. */
  readonly medianMs: number;
  readonly longestMs: number;
}

export interface Figures {
  readonly members: number;
  readonly linksMean: number;
  /** Mean delay through the overlay / mean direct delay, over those who hear the speaker. NaN = nobody does. */
  readonly rad: number;
  /** Share of those who hear the speaker that hear it sooner than directly. */
  readonly soonerShare: number;
  readonly depth: number;
  /** Copies sent per frame played, over the last two seconds. */
  readonly copiesPerDelivery: number;
  readonly silent: number;
  readonly hearing: number;
  readonly blocking: number;
  readonly apart: number;
  readonly repair: Repair | undefined;
}

export interface Note {
  readonly atMs: number;
  readonly kind: 'trouble' | 'repair' | 'change';
  readonly text: string;
}

/** Numbers per flight of a voice copy: from and to (indexes), departure, arrival, sequence number. */
export const FLIGHT_FIELDS = 5;

export interface Picture {
  readonly nowMs: number;
  readonly members: readonly MemberPicture[];
  /** Pairs of indexes. */
  readonly links: Int32Array;
  /** Copies of the speaker's voice sent since the last picture, `FLIGHT_FIELDS` numbers each. */
  readonly flights: Float64Array;
  readonly figures: Figures;
  readonly notes: readonly Note[];
  readonly speaker: number;
  /** Where the network is cut in two, as x of the layout. */
  readonly cutX: number | undefined;
  /** Of a `skip` under way, what is left. */
  readonly skipLeftMs: number;
}

/** Most and fewest members of a room, phones included. */
export const MOST_MEMBERS = 200;
export const FEWEST_MEMBERS = 5;
