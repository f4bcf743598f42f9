/**
 * Control messages: what members say to each other about the room, over a link's control channel, a doorbell pipe or
 * (heartbeats) the voice channel. First byte: version in the high three bits, message type in the low five.
 *
 * | type | body after the first byte |
 * |---|---|
 * | 0 neighbours | u8 n, n × (u32 handle, u16 hop tag): whom the sender is linked to |
 * | 1 entries | u8 n, n × (u16 length, signed roster entry) |
 * | 2 digest | u16 members, u32 hash over ids and versions, u32 hash over link records |
 * | 3 versions | u8 flags (1: answer expected, 2: only what is new), u16 n, n × (u32 handle, u8 entry version, or 255 and u32) |
 * | 4 heartbeat | u16 own clock ms, u16 echoed clock ms, u16 ms held (65535: nothing to echo) |
 * | 5 advertise | u16 t, t × (u16 hop tag, index: 0 or the step after it), u16 n, n × (u32 source, u8 flags, u16 cost in ¼ ms (65535: no route), u8 room, with flag 1 u16 route epoch, with 2 u8 capacity, with 4 u16 tag of the source, with 8 index of the first step; 16: the source speaks) |
 * | 6 subscribe | u16 n, n × (u32 source, u8 flags 1 urgent, 2 unserved, 4 replay, 8 gain, u8 capacity, u8 free slots, [u32 from sequence], [u16 gain in ms · members]) |
 * | 7 unsubscribe | u16 n, n × u32 source |
 * | 8 accept | u16 n, n × (u32 source, u8 has adopted child, [16 B member id]) |
 * | 9 reject | u16 n, n × (u32 source, u8 reason, u8 k, k × 16 B member id); inside 22 the source itself tells who has room for a link |
 * | 10 replay | u32 source, u32 from sequence |
 * | 11 signal | 16 B origin, 16 B target, u32 id, u8 hop limit, u8 1: flooded, u16 length, payload |
 * | 12 suspect | 16 B member, u32 entry version, u8 state: 0 suspected, 1 gone |
 * | 13 link-drop | u8 reason |
 * | 14 splice | 16 B member to link to, 16 B member whose link it replaces (the receiver itself: it will be called) |
 * | 15 epoch-request | u32 source, u16 route epoch the sender has |
 * | 16 costs-request | u16 nonce, u8 n, n × u32 source; travels inside 22 |
 * | 17 costs | u16 nonce, u8 flags 1 willing, u16 price in ¼ ms, u8 n, n × u16 cost in ¼ ms; likewise |
 * | 18 appraisal | u16 worth of this link in ¼ ms |
 * | 19 want | u16 n, n × u32 handle whose entry is asked for |
 * | 20 news-mode | u8 1: send me news of members at once, 0: only say what is new |
 * | 23 link-records | u8 n, 0x80: answers what the receiver asked for, n × (u32 handle, u16 sequence, u8 slots, u8 k, k × (u16 hop tag, u8 delay), u8 m, m × (u16 hop tag, u8 delay)) |
 * | 24 link-records-known | u8 flags (1: answer expected, 2: only these are asked about), u16 n, n × (u32 handle, u16 sequence): what the sender has |
 * | 30 links-wanted | u16 n, n × u32 handle of whom the sender has no link record |
 * | 27 link-changes | u8 n, n × (u32 handle, u16 sequence, u8 16 · g + k, u8 m, g × u16 hop tag of a link that ended, k and m × (u16 hop tag, u8 delay)) |
 * | 28 alive | nothing: all that most heartbeats have to say |
 * | 25 trial | u8 step: 0 ping, 1 pong, 2 keep, 3 drop, u16 round trip of the link in ¼ ms (65535: not told) |
 * | 21 dormant | u16 n, n × u32 source: nothing has been said there for long, and its tree is kept by the map of links alone |
 * | 26 unwanted | u16 n, n × u32 source that the sender is not to be sent before it asks; replaces what it said before |
 * | 29 stakes | u16 n, n × (u32 source, u16 members that hear it through the sender, u16 what they would lose by its next best way in ms · members; 65535: it has none) |
 * | 22 routed | u32 origin, u32 target, u16 id, u8 hop limit (0x80: a signal as in 11), u16 length, else control message for the target's overlay |
 *
 * The paths of an advertise run together towards the sender, so it holds a tree of steps and each offer names the one after its
 * source. Steps are counted from 1 and lead to lower ones; an index takes one byte in a tree of at most 255, else two. Without
 * flag 1 the route epoch is 0; without 2 the capacity is that of the offer before.
 *
 * Room: 0–127 slots are free; from 128 on none is, and a member of less burden than 4 · (room − 128) − 128 ms takes the place of
 * a child; 255: nobody does. While the source speaks, a member takes it whose gain is above 2^((room − 128) / 8) ms · members.
 * The costs of 16 and 17 are what the sender offers: no route where it has no slot left.
 *
 * The one-way delay of a link in 23 and 27 is ¼ ms · 1.03ⁿ.
 *
 * Above 400 lines because it is one table: type, writer and reader of each message are kept side by side; those about links
 * are in `link-records.ts`.
 */

import type { Handle, MemberId } from '../units.js';
import { bounded, byte, ByteReader, ByteWriter, list } from './bytes.js';
import * as links from './link-records.js';
import { MAX_NEIGHBOURS, type KnownRecord, type LinkChange, type LinkRecord } from './link-records.js';
import { MAX_ROSTER_ENTRY_BYTES } from './roster-entry.js';

export const CONTROL_VERSION = 1;

/** Largest control message: fits every browser's data channel message limit (RFC 8841 default 64 KiB). */
export const MAX_CONTROL_BYTES = 60_000;
export const MAX_ENTRIES_PER_MESSAGE = 64;
export const MAX_VERSIONS_PER_MESSAGE = 2048;
export const MAX_OFFERS_PER_MESSAGE = 512;
export const MAX_SOURCES_PER_MESSAGE = 512;
export const MAX_REDIRECTS = 8;
/** Relays a path may name; also the deepest tree. */
export const MAX_PATH_HOPS = 32;
/** Sources a comparison of costs may cover. */
export const MAX_SAMPLE = 64;
export const MAX_SIGNAL_BYTES = 16_384;
/** A comparison of costs over the largest sample is below it, and what opens a link. */
export const MAX_ROUTED_BYTES = 512;

/** Steps in which the burden of children is told, ms, from `LEAST_BURDEN_MS` on. */
export const BURDEN_STEP_MS = 4;
export const LEAST_BURDEN_MS = -128;

type Room = Pick<RouteOffer, 'freeSlots' | 'yieldsBelowMs' | 'priceMs'>;
/** Steps to each doubling of the price of a place. */
const PRICE_STEPS = 8;
const MOST_STAKE_MS = 0xfffe;

/** What a member offers for one source. */
export interface RouteOffer {
  readonly source: Handle;
  /** Advanced by the source only; a 16-bit serial number. */
  readonly epoch: number;
  /** One-way delay from the source to the sender in ms, quantised to ¼ ms; Infinity withdraws the offer. */
  readonly costMs: number;
  /** Children the sender would still take, at most 127. */
  readonly freeSlots: number;
  /**
   * With no slot free: the burden (`childBurdenMs`) below which a member takes the place of a child, ms, quantised to
   * `BURDEN_STEP_MS`; undefined where nobody does.
   */
  readonly yieldsBelowMs: number | undefined;
  /**
   * With no slot free while the source speaks: the gain above which a member takes the place of a child, ms · members,
   * quantised to eighths of a doubling; undefined where nobody does.
   */
  readonly priceMs: number | undefined;
  /** Children of this source the sender plans to serve in all, whatever is being said now. */
  readonly capacity: number;
  /** Hop tags of the sender's ancestors, the source first, the sender left out. */
  readonly path: readonly number[];
  /** The source speaks, as far as the sender hears. */
  readonly isSpeaking: boolean;
}

export interface SubscribeRequest {
  readonly source: Handle;
  /** Speech is being missed right now: a reserved slot may be used. */
  readonly urgent: boolean;
  /** The sender has no parent at all for this source. */
  readonly unserved: boolean;
  /** Children of this source the sender plans to serve in all, whatever is being said now. */
  readonly capacity: number;
  /** Of these, how many it could take now: whoever makes room for it can send a child there. */
  readonly freeSlots: number;
  /** First sequence number needed, when frames were missed. */
  readonly fromSequence: number | undefined;
  /** By how much sooner all who hear the source through the sender would hear it together, ms · members; 0: not told. */
  readonly gainMs: number;
}

/** What a child's place is worth to it while a source speaks. */
export interface Stake {
  readonly source: Handle;
  /** Those who hear the source through the sender, itself included. */
  readonly members: number;
  /** How much later they would hear it together by its next best way, ms · members; Infinity where it has none. */
  readonly lossMs: number;
}

export interface Acceptance {
  readonly source: Handle;
  /** A former child of the accepting parent that is being sent to the accepted one: keep a slot for it. */
  readonly adopt: MemberId | undefined;
}

/**
 * `full`: no slot; `leaf`: does not pass this source on; `loop`: the asker is an ancestor; `moved`: a child is asked
 * to go to `redirects` and is served until it has, or for one handover at most.
 */
export type RejectReason = 'full' | 'leaf' | 'loop' | 'moved';

export interface Rejection {
  readonly source: Handle;
  readonly reason: RejectReason;
  /** Where to ask instead, best first. */
  readonly redirects: readonly MemberId[];
}

export type TrialStep = 'ping' | 'pong' | 'keep' | 'drop';

/** Why a link is ended deliberately. */
export type DropReason = 'surplus' | 'replaced' | 'leaving' | 'gone';

/** A member somebody is linked to, by the first six bytes of its id: enough to tell it from others of a room. */
export interface LinkedMember {
  readonly handle: Handle;
  readonly tag: number;
}

export type ControlMessage =
  | { readonly type: 'neighbours'; readonly members: readonly LinkedMember[] }
  | { readonly type: 'entries'; readonly entries: readonly Uint8Array[] }
  | {
      readonly type: 'digest';
      readonly members: number;
      readonly hash: number;
      /** Over the link records the sender has. */
      readonly linksHash: number;
    }
  | {
      readonly type: 'link-records';
      /** The receiver asked for what it lacks; otherwise they are news. */
      readonly isAnswer: boolean;
      readonly records: readonly LinkRecord[];
    }
  /** News of members whose last record the receiver has; one that does not asks for the whole record. */
  | { readonly type: 'link-changes'; readonly changes: readonly LinkChange[] }
  | {
      readonly type: 'link-records-known';
      readonly answerExpected: boolean;
      /** Only these are asked about; otherwise it is all that the sender has. */
      readonly isPartial: boolean;
      readonly known: readonly KnownRecord[];
    }
  /** Link records asked for, by handle: none is held of these. */
  | { readonly type: 'links-wanted'; readonly handles: readonly Handle[] }
  | {
      readonly type: 'versions';
      readonly answerExpected: boolean;
      /** Only what is new at the sender; otherwise all it knows, what matters most first. */
      readonly partial: boolean;
      readonly versions: readonly { readonly handle: Handle; readonly version: number }[];
    }
  | {
      readonly type: 'heartbeat';
      /** Low 16 bits of the sender's clock in ms. */
      readonly sentMs: number;
      /** `sentMs` of the last heartbeat received; undefined before the first. */
      readonly echoMs: number | undefined;
      /** How long it was held before this answer, ms. */
      readonly heldMs: number;
    }
  /** A heartbeat that measures nothing. */
  | { readonly type: 'alive' }
  | { readonly type: 'advertise'; readonly offers: readonly RouteOffer[] }
  | { readonly type: 'subscribe'; readonly requests: readonly SubscribeRequest[] }
  | { readonly type: 'unsubscribe'; readonly sources: readonly Handle[] }
  /** To the parents of these sources. */
  | { readonly type: 'stakes'; readonly stakes: readonly Stake[] }
  /** The sender keeps no tree of these sources any more until they speak: offers it made are void. */
  | { readonly type: 'dormant'; readonly sources: readonly Handle[] }
  /** All sources whose first words the sender does not take from whom it never asked. */
  | { readonly type: 'unwanted'; readonly sources: readonly Handle[] }
  | { readonly type: 'accept'; readonly acceptances: readonly Acceptance[] }
  | { readonly type: 'reject'; readonly rejections: readonly Rejection[] }
  | { readonly type: 'replay'; readonly source: Handle; readonly fromSequence: number }
  | {
      readonly type: 'signal';
      readonly origin: MemberId;
      readonly target: MemberId;
      /** Random per signal; with the origin it names the signal for duplicate suppression. */
      readonly id: number;
      readonly hopLimit: number;
      /** Travels to everybody within the hop limit, for want of a route. */
      readonly flood: boolean;
      readonly payload: Uint8Array;
    }
  /** What members that know each other and are not linked say to each other, by handles: 27 B shorter than as a signal. */
  | {
      readonly type: 'routed';
      readonly origin: Handle;
      readonly target: Handle;
      /** 16 bits, random per message; with the origin it names the message for duplicate suppression. */
      readonly id: number;
      readonly hopLimit: number;
      /** The payload is that of a signal; otherwise a control message for the overlay. */
      readonly isSignal: boolean;
      readonly payload: Uint8Array;
    }
  /** Over a link on trial: measured by whoever asked for it, then kept or dropped. */
  | { readonly type: 'trial'; readonly step: TrialStep; readonly rttMs: number }
  | { readonly type: 'suspect'; readonly member: MemberId; readonly version: number; readonly gone: boolean }
  | { readonly type: 'link-drop'; readonly reason: DropReason }
  | { readonly type: 'splice'; readonly peer: MemberId; readonly instead: MemberId }
  | { readonly type: 'epoch-request'; readonly source: Handle; readonly epoch: number }
  /** Would a link between us pay? Asked along routes, before anything is opened. */
  | {
      readonly type: 'costs-request';
      readonly nonce: number;
      /** Of which a link would save the asker most. */
      readonly sources: readonly Handle[];
    }
  | {
      readonly type: 'costs';
      readonly nonce: number;
      /** The answerer would give up a link of its own for this one. */
      readonly willing: boolean;
      /** What giving up its least useful link would cost it and that neighbour, ms a source; 0 while it has room. */
      readonly priceMs: number;
      /** The answerer's costs of the sample, in its order, ms. */
      readonly costs: readonly number[];
    }
  /** What this link is worth to the sender, ms a source. */
  | { readonly type: 'appraisal'; readonly worthMs: number }
  /** Entries asked for, by handle. */
  | { readonly type: 'want'; readonly handles: readonly Handle[] }
  /** How the receiver shall pass news of members to the sender: whole at once, or only its versions, a little later. */
  | { readonly type: 'news-mode'; readonly eager: boolean };

const TYPE_CODES = {
  neighbours: 0,
  entries: 1,
  digest: 2,
  versions: 3,
  heartbeat: 4,
  advertise: 5,
  subscribe: 6,
  unsubscribe: 7,
  accept: 8,
  reject: 9,
  replay: 10,
  signal: 11,
  suspect: 12,
  'link-drop': 13,
  splice: 14,
  'epoch-request': 15,
  'costs-request': 16,
  costs: 17,
  appraisal: 18,
  want: 19,
  'news-mode': 20,
  dormant: 21,
  routed: 22,
  'link-records': 23,
  'link-records-known': 24,
  trial: 25,
  unwanted: 26,
  'link-changes': 27,
  alive: 28,
  stakes: 29,
  'links-wanted': 30,
} as const satisfies Record<ControlMessage['type'], number>;

const REJECT_REASONS: readonly RejectReason[] = ['full', 'leaf', 'loop', 'moved'];
const TRIAL_STEPS: readonly TrialStep[] = ['ping', 'pong', 'keep', 'drop'];
const DROP_REASONS: readonly DropReason[] = ['surplus', 'replaced', 'leaving', 'gone'];
const NO_ROUTE = 0xffff;
const NOTHING_TO_ECHO = 0xffff;
const COST_STEPS_PER_MS = 4;
const FLAG_URGENT = 1;
const FLAG_UNSERVED = 2;
const FLAG_REPLAY = 4;
const FLAG_GAIN = 8;
const FLAGS_OF_REQUEST = 15;
const NO_OTHER_WAY = 0xffff;
const FLAG_EPOCH = 1;
const FLAG_CAPACITY = 2;
const FLAG_PATH = 4;
const FLAG_STEPS = 8;
const FLAG_SPEAKING = 16;
const FLAGS_OF_OFFER = 31;
/** More than the paths of all offers of a message could hold, were none of their steps the same. */
const MAX_STEPS = MAX_OFFERS_PER_MESSAGE * (MAX_PATH_HOPS - 1);
const MEMBER_ID_BYTES = 16;
const LARGE_VERSION = 255;
const IS_SIGNAL = 0x80;
const MAX_HOPS_ROUTED = 0x7f;

/** Cost as it arrives at the other end. */
export function quantiseCost(costMs: number): number {
  const steps = costToWire(costMs);
  return steps === NO_ROUTE ? Infinity : steps / COST_STEPS_PER_MS;
}

function costToWire(costMs: number): number {
  if (!Number.isFinite(costMs)) return NO_ROUTE;
  return Math.min(NO_ROUTE - 1, Math.max(0, Math.round(costMs * COST_STEPS_PER_MS)));
}

function costFromWire(steps: number): number {
  return steps === NO_ROUTE ? Infinity : steps / COST_STEPS_PER_MS;
}

/**
 * Used by one call at a time, which leaves nothing behind: a buffer of its own would cost more than most messages. Bound:
 * twice the longest message, 120 kB.
 */
const scratch = /* @__PURE__ */ new ByteWriter(1024);

/** @throws RangeError when a list or payload is longer than its bound: a bug of the caller, never of the network. */
export function encodeControl(message: ControlMessage): Uint8Array<ArrayBuffer> {
  const writer = scratch.reset();
  writer.u8((CONTROL_VERSION << 5) | TYPE_CODES[message.type]);
  switch (message.type) {
    case 'neighbours':
      bounded(message.members.length, MAX_NEIGHBOURS);
      writer.u8(message.members.length);
      for (const { handle, tag } of message.members) writer.u32(handle).u16(tag);
      break;
    case 'entries':
      bounded(message.entries.length, MAX_ENTRIES_PER_MESSAGE);
      writer.u8(message.entries.length);
      for (const entry of message.entries) writer.bytes16(entry, MAX_ROSTER_ENTRY_BYTES);
      break;
    case 'digest':
      writer.u16(message.members).u32(message.hash).u32(message.linksHash);
      break;
    case 'link-records':
      links.writeRecords(writer, message);
      break;
    case 'link-changes':
      links.writeChanges(writer, message.changes);
      break;
    case 'link-records-known':
      links.writeKnown(writer, message);
      break;
    case 'versions':
      bounded(message.versions.length, MAX_VERSIONS_PER_MESSAGE);
      writer.u8((message.answerExpected ? 1 : 0) | (message.partial ? 2 : 0)).u16(message.versions.length);
      for (const { handle, version } of message.versions) writeVersion(writer.u32(handle), version);
      break;
    case 'alive':
      break;
    case 'heartbeat':
      writer.u16(message.sentMs & 0xffff);
      writer.u16((message.echoMs ?? 0) & 0xffff);
      writer.u16(
        message.echoMs === undefined
          ? NOTHING_TO_ECHO
          : Math.min(NOTHING_TO_ECHO - 1, Math.max(0, message.heldMs)),
      );
      break;
    case 'advertise':
      writeOffers(writer, message.offers);
      break;
    case 'subscribe':
      bounded(message.requests.length, MAX_SOURCES_PER_MESSAGE);
      writer.u16(message.requests.length);
      for (const request of message.requests) {
        const replay = request.fromSequence !== undefined;
        writer.u32(request.source);
        writer.u8(
          (request.urgent ? FLAG_URGENT : 0) |
            (request.unserved ? FLAG_UNSERVED : 0) |
            (replay ? FLAG_REPLAY : 0) |
            (stakeToWire(request.gainMs) > 0 ? FLAG_GAIN : 0),
        );
        writer.u8(byte(request.capacity)).u8(byte(request.freeSlots));
        if (request.fromSequence !== undefined) writer.u32(request.fromSequence);
        if (stakeToWire(request.gainMs) > 0) writer.u16(stakeToWire(request.gainMs));
      }
      break;
    case 'stakes':
      bounded(message.stakes.length, MAX_SOURCES_PER_MESSAGE);
      writer.u16(message.stakes.length);
      for (const { source, members, lossMs } of message.stakes) {
        writer.u32(source).u16(Math.min(0xffff, members));
        writer.u16(lossMs === Infinity ? NO_OTHER_WAY : stakeToWire(lossMs));
      }
      break;
    case 'unsubscribe':
    case 'dormant':
    case 'unwanted':
      bounded(message.sources.length, MAX_SOURCES_PER_MESSAGE);
      writer.u16(message.sources.length);
      for (const source of message.sources) writer.u32(source);
      break;
    case 'accept':
      bounded(message.acceptances.length, MAX_SOURCES_PER_MESSAGE);
      writer.u16(message.acceptances.length);
      for (const { source, adopt } of message.acceptances) {
        writer.u32(source).u8(adopt === undefined ? 0 : 1);
        if (adopt !== undefined) writer.hex(adopt);
      }
      break;
    case 'reject':
      bounded(message.rejections.length, MAX_SOURCES_PER_MESSAGE);
      writer.u16(message.rejections.length);
      for (const { source, reason, redirects } of message.rejections) {
        bounded(redirects.length, MAX_REDIRECTS);
        writer.u32(source).u8(REJECT_REASONS.indexOf(reason)).u8(redirects.length);
        for (const member of redirects) writer.hex(member);
      }
      break;
    case 'replay':
      writer.u32(message.source).u32(message.fromSequence);
      break;
    case 'signal':
      writer.hex(message.origin).hex(message.target).u32(message.id).u8(message.hopLimit);
      writer.u8(message.flood ? 1 : 0).bytes16(message.payload, MAX_SIGNAL_BYTES);
      break;
    case 'routed':
      bounded(message.hopLimit, MAX_HOPS_ROUTED);
      writer.u32(message.origin).u32(message.target).u16(message.id);
      writer.u8(message.hopLimit | (message.isSignal ? IS_SIGNAL : 0));
      writer.bytes16(message.payload, MAX_ROUTED_BYTES);
      break;
    case 'suspect':
      writer
        .hex(message.member)
        .u32(message.version)
        .u8(message.gone ? 1 : 0);
      break;
    case 'link-drop':
      writer.u8(DROP_REASONS.indexOf(message.reason));
      break;
    case 'splice':
      writer.hex(message.peer).hex(message.instead);
      break;
    case 'epoch-request':
      writer.u32(message.source).u16(message.epoch);
      break;
    case 'costs-request':
      bounded(message.sources.length, MAX_SAMPLE);
      writer.u16(message.nonce);
      writer.u8(message.sources.length);
      for (const source of message.sources) writer.u32(source);
      break;
    case 'costs':
      bounded(message.costs.length, MAX_SAMPLE);
      writer.u16(message.nonce);
      writer.u8(message.willing ? 1 : 0);
      writer.u16(costToWire(message.priceMs)).u8(message.costs.length);
      for (const costMs of message.costs) writer.u16(costToWire(costMs));
      break;
    case 'want':
    case 'links-wanted':
      bounded(message.handles.length, MAX_VERSIONS_PER_MESSAGE);
      writer.u16(message.handles.length);
      for (const handle of message.handles) writer.u32(handle);
      break;
    case 'news-mode':
      writer.u8(message.eager ? 1 : 0);
      break;
    case 'trial':
      writer.u8(TRIAL_STEPS.indexOf(message.step)).u16(costToWire(message.rttMs));
      break;
    case 'appraisal':
      writer.u16(costToWire(message.worthMs));
      break;
  }
  if (writer.length > MAX_CONTROL_BYTES)
    throw new RangeError(`control message over ${MAX_CONTROL_BYTES} bytes`);
  return writer.finish();
}

/** The message, or `undefined` when the bytes are anything else. Payloads and entries are views into `bytes`. */
export function decodeControl(bytes: Uint8Array): ControlMessage | undefined {
  if (bytes.byteLength > MAX_CONTROL_BYTES) return undefined;
  const reader = new ByteReader(bytes);
  const first = reader.u8();
  if (first >> 5 !== CONTROL_VERSION) return undefined;
  const message = decodeBody(first & 31, reader);
  return reader.ok && reader.remaining === 0 ? message : undefined;
}

function decodeBody(code: number, reader: ByteReader): ControlMessage | undefined {
  switch (code) {
    case TYPE_CODES.neighbours:
      return { type: 'neighbours', members: list(reader, reader.u8(), MAX_NEIGHBOURS, linkedMember) };
    case TYPE_CODES.entries:
      return {
        type: 'entries',
        entries: list(reader, reader.u8(), MAX_ENTRIES_PER_MESSAGE, (r) => r.bytes16(MAX_ROSTER_ENTRY_BYTES)),
      };
    case TYPE_CODES.digest:
      return { type: 'digest', members: reader.u16(), hash: reader.u32(), linksHash: reader.u32() };
    case TYPE_CODES['link-records']:
      return { type: 'link-records', ...links.readRecords(reader) };
    case TYPE_CODES['link-changes']:
      return { type: 'link-changes', changes: links.readChanges(reader) };
    case TYPE_CODES['link-records-known']:
      return { type: 'link-records-known', ...links.readKnown(reader) };
    case TYPE_CODES.versions: {
      const flags = reader.u8();
      reader.check(flags <= 3);
      return {
        type: 'versions',
        answerExpected: (flags & 1) !== 0,
        partial: (flags & 2) !== 0,
        versions: list(reader, reader.u16(), MAX_VERSIONS_PER_MESSAGE, (r) => ({
          handle: r.u32() as Handle,
          version: readVersion(r),
        })),
      };
    }
    case TYPE_CODES.alive:
      return { type: 'alive' };
    case TYPE_CODES.heartbeat: {
      const sentMs = reader.u16();
      const echoMs = reader.u16();
      const heldMs = reader.u16();
      return heldMs === NOTHING_TO_ECHO
        ? { type: 'heartbeat', sentMs, echoMs: undefined, heldMs: 0 }
        : { type: 'heartbeat', sentMs, echoMs, heldMs };
    }
    case TYPE_CODES.advertise:
      return { type: 'advertise', offers: readOffers(reader) };
    case TYPE_CODES.subscribe:
      return { type: 'subscribe', requests: list(reader, reader.u16(), MAX_SOURCES_PER_MESSAGE, request) };
    case TYPE_CODES.stakes:
      return { type: 'stakes', stakes: list(reader, reader.u16(), MAX_SOURCES_PER_MESSAGE, stake) };
    case TYPE_CODES.unsubscribe:
      return { type: 'unsubscribe', sources: list(reader, reader.u16(), MAX_SOURCES_PER_MESSAGE, handle) };
    case TYPE_CODES.dormant:
      return { type: 'dormant', sources: list(reader, reader.u16(), MAX_SOURCES_PER_MESSAGE, handle) };
    case TYPE_CODES.unwanted:
      return { type: 'unwanted', sources: list(reader, reader.u16(), MAX_SOURCES_PER_MESSAGE, handle) };
    case TYPE_CODES.accept:
      return { type: 'accept', acceptances: list(reader, reader.u16(), MAX_SOURCES_PER_MESSAGE, acceptance) };
    case TYPE_CODES.reject:
      return { type: 'reject', rejections: list(reader, reader.u16(), MAX_SOURCES_PER_MESSAGE, rejection) };
    case TYPE_CODES.replay:
      return { type: 'replay', source: handle(reader), fromSequence: reader.u32() };
    case TYPE_CODES.signal: {
      const origin = memberId(reader);
      const target = memberId(reader);
      const id = reader.u32();
      const hopLimit = reader.u8();
      const flags = reader.u8();
      reader.check(flags <= 1);
      return {
        type: 'signal',
        origin,
        target,
        id,
        hopLimit,
        flood: flags === 1,
        payload: reader.bytes16(MAX_SIGNAL_BYTES),
      };
    }
    case TYPE_CODES.routed: {
      const ends = { origin: handle(reader), target: handle(reader), id: reader.u16() };
      const hops = reader.u8();
      return {
        type: 'routed',
        ...ends,
        hopLimit: hops & MAX_HOPS_ROUTED,
        isSignal: (hops & IS_SIGNAL) !== 0,
        payload: reader.bytes16(MAX_ROUTED_BYTES),
      };
    }
    case TYPE_CODES.suspect: {
      const member = memberId(reader);
      const version = reader.u32();
      const state = reader.u8();
      reader.check(state <= 1);
      return { type: 'suspect', member, version, gone: state === 1 };
    }
    case TYPE_CODES['link-drop']:
      return { type: 'link-drop', reason: choice(reader, DROP_REASONS) };
    case TYPE_CODES.splice:
      return { type: 'splice', peer: memberId(reader), instead: memberId(reader) };
    case TYPE_CODES['epoch-request']:
      return { type: 'epoch-request', source: handle(reader), epoch: reader.u16() };
    case TYPE_CODES['costs-request']:
      return {
        type: 'costs-request',
        nonce: reader.u16(),
        sources: list(reader, reader.u8(), MAX_SAMPLE, handle),
      };
    case TYPE_CODES.costs: {
      const nonce = reader.u16();
      const flags = reader.u8();
      reader.check(flags <= 1);
      const priceMs = costFromWire(reader.u16());
      const costs = list(reader, reader.u8(), MAX_SAMPLE, (r) => costFromWire(r.u16()));
      return { type: 'costs', nonce, willing: flags === 1, priceMs, costs };
    }
    case TYPE_CODES.trial:
      return { type: 'trial', step: choice(reader, TRIAL_STEPS), rttMs: costFromWire(reader.u16()) };
    case TYPE_CODES.appraisal:
      return { type: 'appraisal', worthMs: costFromWire(reader.u16()) };
    case TYPE_CODES.want:
      return { type: 'want', handles: list(reader, reader.u16(), MAX_VERSIONS_PER_MESSAGE, handle) };
    case TYPE_CODES['links-wanted']:
      return { type: 'links-wanted', handles: list(reader, reader.u16(), MAX_VERSIONS_PER_MESSAGE, handle) };
    case TYPE_CODES['news-mode']: {
      const eager = reader.u8();
      reader.check(eager <= 1);
      return { type: 'news-mode', eager: eager === 1 };
    }
    default:
      return undefined;
  }
}

const memberId = (reader: ByteReader): MemberId => reader.hex(MEMBER_ID_BYTES) as MemberId;
const handle = (reader: ByteReader): Handle => reader.u32() as Handle;

/** Entries seldom change: most versions are small. */
function writeVersion(writer: ByteWriter, version: number): void {
  if (version < LARGE_VERSION) writer.u8(version);
  else writer.u8(LARGE_VERSION).u32(version);
}

function readVersion(reader: ByteReader): number {
  const version = reader.u8();
  return version === LARGE_VERSION ? reader.u32() : version;
}

function writeOffers(writer: ByteWriter, offers: readonly RouteOffer[]): void {
  bounded(offers.length, MAX_OFFERS_PER_MESSAGE);
  const steps = new Map<number, number>();
  const first = offers.map(({ path }) => {
    bounded(path.length, MAX_PATH_HOPS);
    let index = 0;
    for (let i = path.length - 1; i > 0; i--) {
      const step = index * 0x1_0000 + (path[i] as number);
      index = steps.get(step) ?? steps.size + 1;
      steps.set(step, index);
    }
    return index;
  });
  const isWide = steps.size > 255;
  writer.u16(steps.size);
  for (const step of steps.keys()) writeIndex(writer.u16(step & 0xffff), Math.floor(step / 0x1_0000), isWide);
  writer.u16(offers.length);
  let capacity = 0;
  offers.forEach((offer, i) => {
    const { path } = offer;
    const index = first[i] ?? 0;
    const hasNewCapacity = byte(offer.capacity) !== capacity;
    writer.u32(offer.source);
    writer.u8(
      (offer.epoch === 0 ? 0 : FLAG_EPOCH) |
        (hasNewCapacity ? FLAG_CAPACITY : 0) |
        (path.length === 0 ? 0 : FLAG_PATH) |
        (index === 0 ? 0 : FLAG_STEPS) |
        (offer.isSpeaking ? FLAG_SPEAKING : 0),
    );
    writer.u16(costToWire(offer.costMs)).u8(roomToWire(offer));
    if (offer.epoch !== 0) writer.u16(offer.epoch);
    if (hasNewCapacity) writer.u8((capacity = byte(offer.capacity)));
    if (path.length > 0) writer.u16(path[0] as number);
    if (index > 0) writeIndex(writer, index, isWide);
  });
}

function writeIndex(writer: ByteWriter, index: number, isWide: boolean): void {
  if (isWide) writer.u16(index);
  else writer.u8(index);
}

function readOffers(reader: ByteReader): RouteOffer[] {
  const count = reader.u16();
  const isWide = count > 255;
  const readIndex = (): number => (isWide ? reader.u16() : reader.u8());
  const steps: { readonly tag: number; readonly next: number; readonly depth: number }[] = [];
  list(reader, count, MAX_STEPS, () => {
    const tag = reader.u16();
    const next = readIndex();
    const depth = 1 + (steps[next - 1]?.depth ?? 0);
    reader.check(next <= steps.length && depth < MAX_PATH_HOPS);
    steps.push({ tag, next, depth });
  });
  let capacity = 0;
  return list(reader, reader.u16(), MAX_OFFERS_PER_MESSAGE, () => {
    const source = handle(reader);
    const flags = reader.u8();
    reader.check(flags <= FLAGS_OF_OFFER);
    const costMs = costFromWire(reader.u16());
    const isSpeaking = (flags & FLAG_SPEAKING) !== 0;
    const room = roomFromWire(reader.u8(), isSpeaking);
    const epoch = flags & FLAG_EPOCH ? reader.u16() : 0;
    if (flags & FLAG_CAPACITY) capacity = reader.u8();
    const path = flags & FLAG_PATH ? [reader.u16()] : [];
    if (flags & FLAG_STEPS) {
      let step = steps[readIndex() - 1];
      reader.check(path.length > 0 && step !== undefined);
      for (; step; step = steps[step.next - 1]) path.push(step.tag);
    }
    return { source, epoch, costMs, ...room, capacity, path, isSpeaking };
  });
}

/** Up to 127: slots that are free. From 128 on: none is, and 128 + n gives way below a burden; 255 to nobody. */
export function roomToWire({
  freeSlots,
  yieldsBelowMs,
  priceMs,
  isSpeaking,
}: Room & { isSpeaking: boolean }): number {
  if (freeSlots > 0) return Math.min(freeSlots, 127);
  if (isSpeaking) return priceMs === undefined ? 255 : 128 + priceSteps(priceMs);
  return yieldsBelowMs === undefined ? 255 : 128 + burdenSteps(yieldsBelowMs);
}

export function roomFromWire(room: number, isSpeaking: boolean): Room {
  const full = { freeSlots: 0, yieldsBelowMs: undefined, priceMs: undefined };
  if (room < 128) return { ...full, freeSlots: room };
  if (room === 255) return full;
  if (isSpeaking) return { ...full, priceMs: 2 ** ((room - 128) / PRICE_STEPS) };
  return { ...full, yieldsBelowMs: (room - 128) * BURDEN_STEP_MS + LEAST_BURDEN_MS };
}

/** Never below the price. */
function priceSteps(priceMs: number): number {
  return Math.max(0, Math.min(126, Math.ceil(PRICE_STEPS * Math.log2(priceMs) - 1e-9)));
}

function stakeToWire(ms: number): number {
  return Math.max(0, Math.min(MOST_STAKE_MS, Math.round(ms)));
}

function stake(reader: ByteReader): Stake {
  const source = handle(reader);
  const members = reader.u16();
  const lossMs = reader.u16();
  return { source, members, lossMs: lossMs === NO_OTHER_WAY ? Infinity : lossMs };
}

function burdenSteps(burdenMs: number): number {
  return Math.max(0, Math.min(126, Math.floor((burdenMs - LEAST_BURDEN_MS) / BURDEN_STEP_MS)));
}

function request(reader: ByteReader): SubscribeRequest {
  const source = handle(reader);
  const flags = reader.u8();
  reader.check(flags <= FLAGS_OF_REQUEST);
  const capacity = reader.u8();
  const freeSlots = reader.u8();
  return {
    source,
    urgent: (flags & FLAG_URGENT) !== 0,
    unserved: (flags & FLAG_UNSERVED) !== 0,
    capacity,
    freeSlots,
    fromSequence: flags & FLAG_REPLAY ? reader.u32() : undefined,
    gainMs: flags & FLAG_GAIN ? reader.u16() : 0,
  };
}

function acceptance(reader: ByteReader): Acceptance {
  const source = handle(reader);
  const adopts = reader.u8();
  reader.check(adopts <= 1);
  return { source, adopt: adopts === 1 ? memberId(reader) : undefined };
}

function rejection(reader: ByteReader): Rejection {
  const source = handle(reader);
  const reason = choice(reader, REJECT_REASONS);
  return { source, reason, redirects: list(reader, reader.u8(), MAX_REDIRECTS, memberId) };
}

function choice<T>(reader: ByteReader, values: readonly T[]): T {
  const index = reader.u8();
  reader.check(index < values.length);
  return values[Math.min(index, values.length - 1)] as T;
}

function linkedMember(reader: ByteReader): LinkedMember {
  return { handle: reader.u32() as Handle, tag: reader.u16() };
}

/** Reads `count` items while the input lasts: a lying count costs at most the bytes that came. */
