/** Generators of well-formed wire values. */

import fc from 'fast-check';
import { toHex, type Handle, type MemberId } from '../../src/units.js';
import {
  MAX_ENTRIES_PER_MESSAGE,
  MAX_PATH_HOPS,
  MAX_REDIRECTS,
  MAX_ROUTED_BYTES,
  MAX_SAMPLE,
  roomFromWire,
  type ControlMessage,
} from '../../src/wire/control.js';
import {
  MAX_CHANGED,
  MAX_MEASURED,
  MAX_NEIGHBOURS,
  MAX_RECORDS_PER_MESSAGE,
  quantiseLinkDelay,
} from '../../src/wire/link-records.js';
import type { RosterFields } from '../../src/wire/roster-entry.js';

/** Plain objects, as decoding makes them. */
export const record = <T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(model, { noNullPrototype: true }) as fc.Arbitrary<T>;

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
export const hex = (length: number) => bytes(length).map(toHex);
export const memberId = hex(16) as fc.Arbitrary<MemberId>;
const handle = u32 as fc.Arbitrary<Handle>;
/** Costs as they survive the wire. */
const costMs = fc.oneof(
  fc.integer({ min: 0, max: 0xfffe }).map((steps) => steps / 4),
  fc.constant(Infinity),
);
const list = <T>(item: fc.Arbitrary<T>, maxLength = 8) => fc.array(item, { maxLength });

const offer = fc
  .tuple(
    record({
      source: handle,
      epoch: u16,
      costMs,
      capacity: u8,
      isSpeaking: fc.boolean(),
      path: fc.array(u16, { maxLength: MAX_PATH_HOPS }),
    }),
    u8,
  )
  .map(([rest, room]) => ({ ...rest, ...roomFromWire(room, rest.isSpeaking) }));
const toldLink = record({
  tag: u16,
  delayMs: u8.map((steps) => quantiseLinkDelay(0.25 * 1.03 ** steps)),
});
const stake = record({
  source: handle,
  members: u16,
  lossMs: fc.oneof(fc.integer({ min: 0, max: 0xfffe }), fc.constant(Infinity)),
});
const request = record({
  source: handle,
  urgent: fc.boolean(),
  unserved: fc.boolean(),
  capacity: u8,
  freeSlots: u8,
  fromSequence: fc.option(u32, { nil: undefined }),
  gainMs: fc.integer({ min: 0, max: 0xfffe }),
});

export const controlMessage: fc.Arbitrary<ControlMessage> = fc.oneof(
  record({
    type: fc.constant('neighbours' as const),
    members: list(record({ handle, tag: u16 }), MAX_NEIGHBOURS),
  }),
  record({
    type: fc.constant('entries' as const),
    entries: list(fc.uint8Array({ maxLength: 400 }), MAX_ENTRIES_PER_MESSAGE),
  }),
  record({ type: fc.constant('digest' as const), members: u16, hash: u32, linksHash: u32 }),
  record({
    type: fc.constant('link-records' as const),
    isAnswer: fc.boolean(),
    records: list(
      record({
        handle,
        sequence: u16,
        slots: fc.integer({ min: 0, max: 255 }),
        links: list(toldLink, MAX_NEIGHBOURS),
        measured: list(toldLink, MAX_MEASURED),
      }),
      MAX_RECORDS_PER_MESSAGE,
    ),
  }),
  record({
    type: fc.constant('link-records-known' as const),
    answerExpected: fc.boolean(),
    isPartial: fc.boolean(),
    known: list(record({ handle, sequence: u16 })),
  }),
  record({
    type: fc.constant('link-changes' as const),
    changes: list(
      record({
        handle,
        sequence: u16,
        gone: list(u16, MAX_CHANGED),
        set: list(toldLink, MAX_CHANGED),
        measured: list(toldLink, MAX_MEASURED),
      }),
      MAX_RECORDS_PER_MESSAGE,
    ),
  }),
  record({
    type: fc.constant('versions' as const),
    answerExpected: fc.boolean(),
    partial: fc.boolean(),
    versions: list(record({ handle, version: u32 })),
  }),
  record({
    sentMs: u16,
    echoMs: fc.option(u16, { nil: undefined }),
    heldMs: fc.integer({ min: 0, max: 0xfffe }),
  }).map((fields) => ({
    type: 'heartbeat' as const,
    ...fields,
    heldMs: fields.echoMs === undefined ? 0 : fields.heldMs,
  })),
  record({ type: fc.constant('alive' as const) }),
  record({ type: fc.constant('advertise' as const), offers: list(offer) }),
  record({ type: fc.constant('subscribe' as const), requests: list(request) }),
  record({ type: fc.constant('stakes' as const), stakes: list(stake) }),
  record({ type: fc.constantFrom('unsubscribe', 'dormant', 'unwanted'), sources: list(handle) }),
  record({
    type: fc.constant('accept' as const),
    acceptances: list(record({ source: handle, adopt: fc.option(memberId, { nil: undefined }) })),
  }),
  record({
    type: fc.constant('reject' as const),
    rejections: list(
      record({
        source: handle,
        reason: fc.constantFrom('full' as const, 'leaf' as const, 'loop' as const, 'moved' as const),
        redirects: list(memberId, MAX_REDIRECTS),
      }),
    ),
  }),
  record({ type: fc.constant('replay' as const), source: handle, fromSequence: u32 }),
  record({
    type: fc.constant('signal' as const),
    origin: memberId,
    target: memberId,
    id: u32,
    hopLimit: u8,
    flood: fc.boolean(),
    payload: fc.uint8Array({ maxLength: 2000 }),
  }),
  record({
    type: fc.constant('routed' as const),
    origin: handle,
    target: handle,
    id: u16,
    hopLimit: fc.integer({ min: 0, max: 127 }),
    isSignal: fc.boolean(),
    payload: fc.uint8Array({ maxLength: MAX_ROUTED_BYTES }),
  }),
  record({ type: fc.constant('suspect' as const), member: memberId, version: u32, gone: fc.boolean() }),
  record({
    type: fc.constant('link-drop' as const),
    reason: fc.constantFrom('surplus' as const, 'replaced' as const, 'leaving' as const, 'gone' as const),
  }),
  record({ type: fc.constant('splice' as const), peer: memberId, instead: memberId }),
  record({ type: fc.constant('epoch-request' as const), source: handle, epoch: u16 }),
  record({
    type: fc.constant('costs-request' as const),
    nonce: u16,
    sources: list(handle, MAX_SAMPLE),
  }),
  record({
    type: fc.constant('costs' as const),
    nonce: u16,
    willing: fc.boolean(),
    priceMs: costMs,
    costs: list(costMs, MAX_SAMPLE),
  }),
  record({
    type: fc.constant('trial' as const),
    step: fc.constantFrom('ping' as const, 'pong' as const, 'keep' as const, 'drop' as const),
    rttMs: costMs,
  }),
  record({ type: fc.constant('appraisal' as const), worthMs: costMs }),
  record({ type: fc.constant('want' as const), handles: list(handle) }),
  record({ type: fc.constant('links-wanted' as const), handles: list(handle) }),
  record({ type: fc.constant('news-mode' as const), eager: fc.boolean() }),
);

export const rosterFields: fc.Arbitrary<RosterFields> = record({
  memberId,
  publicKey: hex(32),
  fingerprint: hex(32),
  version: u32,
  joinedAtMs: fc.double({ noNaN: true, noDefaultInfinity: true }),
  left: fc.boolean(),
  muted: fc.boolean(),
  full: fc.boolean(),
  onDuty: fc.boolean(),
  uploadSlots: fc.integer({ min: 0, max: 64 }),
  maxLinks: fc.integer({ min: 0, max: 64 }),
  links: u8,
  name: fc
    .string({ unit: 'grapheme', maxLength: 20 })
    .filter((name) => [...name].length <= 64 && new TextEncoder().encode(name).length <= 255),
});
