import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Handle } from '../../src/units.js';
import { ByteReader, ByteWriter } from '../../src/wire/bytes.js';
import {
  bundleBytes,
  decodeLinkMessage,
  encodeLinkMessage,
  MAX_LINK_MESSAGE_BYTES,
  type LinkMessage,
} from '../../src/wire/link-bundle.js';
import { decodeRosterEntry, encodeRosterFields } from '../../src/wire/roster-entry.js';
import {
  decodeVoicePacket,
  encodeVoicePacket,
  MAX_VOICE_PACKET_BYTES,
  serialDelta,
  type VoicePacket,
} from '../../src/wire/voice-packet.js';
import { record, rosterFields } from './arbitraries.js';

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffffffff });
const frame = fc.uint8Array({ minLength: 1, maxLength: 400 });

const voicePacket: fc.Arbitrary<VoicePacket> = record({
  source: u32 as fc.Arbitrary<Handle>,
  streamEpoch: u16,
  sequence: u32,
  sampleTime: u32,
  level: fc.integer({ min: 0, max: 127 }),
  frameSamples: fc.constantFrom(480, 960, 1920, 2880),
  endOfSpurt: fc.boolean(),
  frame,
  previousFrame: fc.option(frame, { nil: undefined }),
  signature: fc.option(fc.uint8Array({ minLength: 64, maxLength: 64 }), { nil: undefined }),
}).map(({ previousFrame, signature, ...rest }) => ({
  ...rest,
  ...(previousFrame ? { previousFrame } : {}),
  ...(signature ? { signature } : {}),
}));

describe('voice packets', () => {
  test('come back as they were made', () => {
    fc.assert(
      fc.property(voicePacket, (packet) =>
        assert.deepEqual(decodeVoicePacket(encodeVoicePacket(packet)), packet),
      ),
    );
  });

  test('any bytes decode to a packet or to nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.integer({ min: 0, max: 15 }), (bytes, flags) => {
        if (bytes.length > 0) bytes[0] = 0x10 | flags;
        const packet = decodeVoicePacket(bytes);
        if (packet) assert.deepEqual(encodeVoicePacket(packet), bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test('a packet of the wrong length is refused', () => {
    fc.assert(
      fc.property(voicePacket, fc.nat(), (packet, cut) => {
        const bytes = encodeVoicePacket(packet);
        assert.equal(decodeVoicePacket(bytes.subarray(0, cut % bytes.length)), undefined);
        assert.equal(decodeVoicePacket(new Uint8Array([...bytes, 1])), undefined);
      }),
    );
    assert.equal(decodeVoicePacket(new Uint8Array(MAX_VOICE_PACKET_BYTES + 1)), undefined);
  });

  test('serial numbers compare across the wrap', () => {
    assert.equal(serialDelta(0, 0xffffffff), 1);
    assert.equal(serialDelta(0xffffffff, 0), -1);
    fc.assert(
      fc.property(u32, fc.integer({ min: -0x7fffffff, max: 0x7fffffff }), (base, step) => {
        assert.equal(serialDelta((base + step) >>> 0, base), step);
      }),
    );
  });
});

describe('link messages', () => {
  const acknowledgement = { linkSequence: u16, ackSequence: u16, ackBits: u32 };
  const bundle: fc.Arbitrary<LinkMessage> = record({
    ...acknowledgement,
    packets: fc.array(
      record({
        hopLimit: fc.integer({ min: 0, max: 127 }),
        isRepeat: fc.boolean(),
        packet: fc.uint8Array({ minLength: 1, maxLength: 90 }),
      }),
      { maxLength: 11 },
    ),
  }).map((fields) => ({ kind: 'bundle', ...fields }));
  const control: fc.Arbitrary<LinkMessage> = record({
    ...acknowledgement,
    control: fc.uint8Array({ minLength: 1, maxLength: 900 }),
  }).map((fields) => ({ kind: 'control', ...fields }));

  test('come back as they were sent', () => {
    fc.assert(
      fc.property(fc.oneof(bundle, control), (message) => {
        assert.deepEqual(decodeLinkMessage(encodeLinkMessage(message)), message);
      }),
    );
  });

  test('take as many bytes as announced', () => {
    fc.assert(
      fc.property(bundle, (message) => {
        if (message.kind !== 'bundle') return;
        const total = message.packets.reduce((sum, { packet }) => sum + packet.byteLength, 0);
        assert.equal(encodeLinkMessage(message).byteLength, bundleBytes(total, message.packets.length));
      }),
    );
  });

  test('any bytes decode to a message or to nothing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 3 }), (bytes, kind) => {
        if (bytes.length > 0) bytes[0] = kind;
        const message = decodeLinkMessage(bytes);
        if (message) assert.deepEqual(encodeLinkMessage(message), bytes);
      }),
      { numRuns: 2000 },
    );
    assert.equal(decodeLinkMessage(new Uint8Array(MAX_LINK_MESSAGE_BYTES + 1)), undefined);
  });
});

describe('roster entries', () => {
  const signed = (part: Uint8Array): Uint8Array =>
    new Uint8Array([...part, ...new Array<number>(64).fill(7)]);

  test('come back as they were made, with the signed part and the signature apart', () => {
    fc.assert(
      fc.property(rosterFields, (fields) => {
        const part = encodeRosterFields(fields);
        const decoded = decodeRosterEntry(signed(part));
        assert.ok(decoded);
        assert.deepEqual(
          { ...decoded.fields, joinedAtMs: decoded.fields.joinedAtMs + 0 },
          { ...fields, joinedAtMs: fields.joinedAtMs + 0 },
        );
        assert.deepEqual(new Uint8Array(decoded.signedPart), part);
        assert.deepEqual([...decoded.signature], new Array<number>(64).fill(7));
      }),
    );
  });

  test('any bytes, or a damaged entry, decode to an entry or to nothing', () => {
    fc.assert(
      fc.property(
        rosterFields,
        fc.nat(),
        fc.integer({ min: 0, max: 255 }),
        fc.nat(),
        (fields, at, value, cut) => {
          const bytes = signed(encodeRosterFields(fields));
          const damaged = bytes.slice();
          damaged[at % bytes.length] = value;
          const decoded = decodeRosterEntry(damaged);
          if (decoded) assert.ok([...decoded.fields.name].length <= 64);
          assert.equal(decodeRosterEntry(bytes.subarray(0, cut % bytes.length)), undefined);
        },
      ),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 450 }), (bytes) => {
        if (bytes.length > 0) bytes[0] = 1;
        decodeRosterEntry(bytes);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('bytes', () => {
  test('a reader past the end answers zeros and says so for good', () => {
    const reader = new ByteReader(new Uint8Array([1, 2]));
    assert.equal(reader.u8(), 1);
    assert.equal(reader.u32(), 0);
    assert.equal(reader.ok, false);
    assert.equal(reader.u8(), 0);
    assert.equal(reader.ok, false);
  });

  test('a writer grows and keeps what was written', () => {
    fc.assert(
      fc.property(fc.array(u32, { maxLength: 200 }), (values) => {
        const writer = new ByteWriter(1);
        for (const value of values) writer.u32(value);
        const reader = new ByteReader(writer.finish());
        assert.deepEqual(
          values.map(() => reader.u32()),
          values,
        );
        assert.ok(reader.ok && reader.remaining === 0);
      }),
    );
  });
});
