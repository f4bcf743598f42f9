import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeCandidate, encodeCandidate } from '../../src/wire/ice-candidate.js';

const NAME = '4a1b9d3e-77a0-4c51-9e0d-0123456789ab.local';
const again = (line: string) => decodeCandidate(encodeCandidate(line));

const number = (most: number) => fc.integer({ min: 0, max: most });
const host = fc.oneof(
  fc.uuid().map((uuid) => `${uuid}.local`),
  fc.ipV4(),
);

describe('ICE candidates', () => {
  test('what browsers make takes 15 or 27 bytes', () => {
    const extras = ' generation 0 ufrag abcd network-cost 999';
    const local = `candidate:2999745851 1 udp 2113937151 ${NAME} 53211 typ host`;
    assert.equal(again(local + extras), local);
    assert.equal(encodeCandidate(local + extras).byteLength, 27);
    const mapped = 'candidate:842163049 1 udp 1677729535 203.0.113.7 53211 typ srflx raddr 0.0.0.0 rport 0';
    assert.equal(again(mapped + extras), mapped);
    assert.equal(encodeCandidate(mapped + extras).byteLength, 15);
    const firefox = `candidate:0 1 UDP 2122252543 ${NAME} 57219 typ host`;
    assert.equal(again(firefox), firefox.replace('UDP', 'udp'));
    assert.equal(encodeCandidate(firefox).byteLength, 27);
  });

  test('the address behind a mapped one is not told', () => {
    const line = 'candidate:1 1 udp 5 203.0.113.7 9 typ relay raddr 192.168.1.4 rport 40000';
    assert.equal(again(line), 'candidate:1 1 udp 5 203.0.113.7 9 typ relay raddr 0.0.0.0 rport 0');
  });

  test('every candidate of the short form comes back', () => {
    const kind = fc.constantFrom('host', 'srflx', 'prflx', 'relay');
    fc.assert(
      fc.property(
        number(0xffff_ffff),
        number(0xffff_ffff),
        host,
        number(0xffff),
        kind,
        (foundation, priority, address, port, type) => {
          const related = type === 'host' ? '' : ' raddr 0.0.0.0 rport 0';
          const line = `candidate:${foundation} 1 udp ${priority} ${address} ${port} typ ${type}${related}`;
          assert.equal(again(line), line);
          assert.ok(encodeCandidate(line).byteLength <= 27);
        },
      ),
    );
  });

  test('others come back as the lines they were, without what only their maker understands', () => {
    for (const line of [
      'candidate:1 1 tcp 1518 10.0.0.1 9 typ host tcptype active',
      'candidate:a+/ 1 udp 1 10.0.0.1 9 typ host',
      'candidate:1 2 udp 1 10.0.0.1 9 typ host',
      'candidate:1 1 udp 4294967296 10.0.0.1 9 typ host',
      'candidate:1 1 udp 1 10.0.0.256 9 typ host',
      'candidate:1 1 udp 1 10.0.0.1 65536 typ host',
      'candidate:1 1 udp 1 2001:db8::7 9 typ host',
      'candidate:1 1 udp 1 a.local 9 typ host',
      '',
    ])
      assert.equal(again(`${line} generation 0 ufrag x network-cost 999`), line);
  });

  test('any bytes: a line or nothing, never an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), number(20), (bytes, form) => {
        decodeCandidate(bytes);
        const line = decodeCandidate(new Uint8Array([form, ...bytes]));
        if (form > 8) assert.equal(line, undefined);
      }),
    );
    assert.equal(decodeCandidate(new Uint8Array(14).fill(1)), undefined, 'too short');
    assert.equal(decodeCandidate(new Uint8Array(16).fill(1)), undefined, 'too long');
    assert.equal(decodeCandidate(new Uint8Array(0)), undefined);
  });
});
