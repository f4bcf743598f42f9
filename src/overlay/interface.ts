/**
 * The door of the overlay engine: everything that goes in and everything that comes out.
 *
 * The engine owns no clock, timer, socket, random source or DOM. Its driver (the room's worker, the simulator, a
 * benchmark) calls `handle(input, nowMs)` when something happened, and `handle({type: 'tick'}, nowMs)` when
 * `nextDeadlineMs()` has come, and carries out the effects in order. Roster entries that enter were verified before.
 */

import type { Identity, MemberId, Handle } from '../units.js';
import type { ControlMessage } from '../wire/control.js';
import type { RosterEntry } from '../wire/roster-entry.js';
import type { VoiceHeader } from '../wire/voice-packet.js';

/** What the member allows itself. */
export interface Limits {
  /** WebRTC connections kept, 2–32. */
  readonly maxLinks: number;
  /** Copies of any one voice sent at once, 0–32; its own voice always has at least one. 0 = never relays. */
  readonly uploadSlots: number;
  /** Upper bound for all voice sent, kbit/s; Infinity when unknown. */
  readonly uploadKbps: number;
}

export type OverlayInput =
  /** Own entry, signed anew by the driver after `publish`. The first input of a life. */
  | { readonly type: 'self'; readonly entry: RosterEntry }
  | { readonly type: 'limits'; readonly limits: Limits }
  /** A member became reachable over the doorbell: roster and signalling may travel there, no voice. */
  | { readonly type: 'pipe-up'; readonly peer: MemberId }
  | { readonly type: 'pipe-down'; readonly peer: MemberId }
  /** Both channels of an own link are open. */
  | { readonly type: 'link-up'; readonly peer: MemberId }
  /** An own link ended: `closed` by the far end or this one, `failed` when it never opened or was refused. */
  | { readonly type: 'link-down'; readonly peer: MemberId; readonly cause: 'closed' | 'failed' | 'refused' }
  /** A control message from a neighbour (or, for roster and signalling, from the far end of a pipe). */
  | { readonly type: 'message'; readonly from: MemberId; readonly message: ControlMessage }
  /** Signalling of this member's own, for a member that may be several links away. */
  | { readonly type: 'signal'; readonly to: MemberId; readonly payload: Uint8Array }
  /** Entries that were verified, heard from a neighbour or pipe. */
  | { readonly type: 'entries'; readonly from: MemberId; readonly entries: readonly RosterEntry[] }
  /** Bytes waiting in a link's channel, as delay; only when it changed noticeably. */
  | { readonly type: 'queue'; readonly peer: MemberId; readonly queueMs: number }
  | { readonly type: 'block'; readonly identity: Identity }
  | { readonly type: 'unblock'; readonly identity: Identity }
  /** A hidden page would rather not relay. */
  | { readonly type: 'shed'; readonly shed: boolean }
  | { readonly type: 'leave' }
  | { readonly type: 'tick' };

export type OverlayEffect =
  /** Send to a neighbour (or over a pipe). `reliable: false` travels on the voice channel and may be lost. */
  | {
      readonly type: 'send';
      readonly to: MemberId;
      readonly message: ControlMessage;
      readonly reliable: boolean;
    }
  /** Open a link of our own; answered later by `link-up` or `link-down`. */
  | { readonly type: 'open-link'; readonly peer: MemberId }
  | { readonly type: 'close-link'; readonly peer: MemberId }
  /** Signalling that arrived for this member. */
  | { readonly type: 'signal'; readonly from: MemberId; readonly payload: Uint8Array }
  /** Send this stored packet (the bytes given to `receivePacket` or `localPacket`) again: a replay for a new child. */
  | { readonly type: 'replay'; readonly to: MemberId; readonly source: Handle; readonly fromSequence: number }
  /** Own roster entry should change: sign these and answer with `self`. */
  | { readonly type: 'publish'; readonly changes: OwnEntryChanges }
  /** Something that `view()` shows changed. At most one per `handle`. */
  | { readonly type: 'view-changed' };

/** The parts of the own entry the engine decides. */
export interface OwnEntryChanges {
  readonly full: boolean;
  readonly links: number;
  readonly onDuty: boolean;
  /** The entry version to use, above every version of this member heard so far. */
  readonly version: number;
  readonly left: boolean;
}

/** What to do with a voice packet. The engine reuses the object: read it before the next call. */
export interface PacketVerdict {
  /** Hand it to the playout: new here, wanted, not blocked. */
  deliver: boolean;
  /** Neighbours to pass it to, with `hopLimit − 1`. */
  forwardTo: readonly MemberId[];
  /** Keep the bytes for replays (500 ms). */
  keep: boolean;
}

export interface LinkView {
  readonly peerId: MemberId;
  readonly rttMs: number;
}

export interface TreeView {
  readonly sourceId: MemberId;
  /** Nothing was said for long: this is the way that its first words would take by the map of links. */
  readonly planned: boolean;
  readonly parentId: MemberId | undefined;
  readonly childIds: readonly MemberId[];
  readonly backupIds: readonly MemberId[];
  /** Relays between the source and here: 1 = straight from the source; undefined when not connected. */
  readonly hops: number | undefined;
  /** Estimated one-way delay from the source, ms. */
  readonly costMs: number | undefined;
}

export interface OverlayView {
  readonly members: readonly RosterEntry[];
  readonly links: readonly LinkView[];
  readonly trees: readonly TreeView[];
  /** The longest-lived members, oldest first: they stay at the doorbell. */
  readonly onDuty: readonly MemberId[];
}

export interface OverlayEngine {
  /** Takes one input and returns what is to be done, in order. The array is the caller's. */
  handle(input: OverlayInput, nowMs: number): OverlayEffect[];
  /**
   * Judges a voice packet from a neighbour. Hot path: allocates nothing in steady state.
   * @param from the neighbour it came from
   * @param hopLimit relays it may still pass
   */
  receivePacket(from: MemberId, header: VoiceHeader, hopLimit: number, nowMs: number): PacketVerdict;
  /** Whether a packet of this member's own voice would go anywhere. */
  isHeard(): boolean;
  /**
   * Whether hardly anybody is in reach, or nobody who stays at the doorbell and few who are longer-lived: this member rings as
   * if it were alone. O(members) in the worst case.
   */
  isCastaway(): boolean;
  /** Where a packet of this member's own voice goes. */
  sendPacket(header: VoiceHeader, nowMs: number): PacketVerdict;
  /**
   * Whether a link that `peer` asks for should be opened. A yes keeps a place for it for a few seconds, so ask only
   * when somebody really asks, once per attempt.
   */
  admits(peer: MemberId, nowMs: number): boolean;
  /**
   * When to call `handle({type: 'tick'})` next; Infinity when nothing is due. Constant time; may move nearer through
   * `receivePacket` too, so look after each call (or at least every 20 ms while voice flows).
   */
  nextDeadlineMs(): number;
  /**
   * What people and tests may look at. Built on demand; not for the hot path.
   * @param mostLookups ways of silent sources that are looked up in the map where it changed, O(links · log members) each;
   * the others are shown as they were. All by default
   */
  view(mostLookups?: number): OverlayView;
}
