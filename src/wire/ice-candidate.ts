/**
 * ICE candidates in few bytes: a room that forms sends hundreds of them through its members.
 *
 * ```
 *  0  u8    0: the line follows as UTF-8; else 1 + type (0 host, 1 server reflexive, 2 peer reflexive, 3 relayed), with 4 for a name
 *  1  u32   foundation
 *  5  u32   priority
 *  9  u16   port
 * 11  4 B   IPv4 address, or 16 B of a name made for multicast DNS: its UUID
 * ```
 *
 * Written so are candidates of the first component over UDP whose foundation is a number, as browsers make them; the related
 * address, which connects nobody, arrives as 0.0.0.0. Others travel as lines (RFC 8839, section 5.1).
 */

import { fromHex } from '../units.js';
import { ByteReader, ByteWriter } from './bytes.js';

const TYPES = ['host', 'srflx', 'prflx', 'relay'];
const IS_NAME = 4;
const LINE = /^candidate:(\d+) 1 udp (\d+) (\S+) (\d+) typ (\w+)/i;
const NAME = /^([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})\.local$/;
const UUID_BYTES = 16;
const RELATED = / raddr \S+ rport \d+$/;
const UNRELATED = ' raddr 0.0.0.0 rport 0';
const UDP = / udp /i;

/** What only the browser that made the line understands. */
const EXTRAS = / generation \d+.*$/;

const textEncoder = /* @__PURE__ */ new TextEncoder();
const textDecoder = /* @__PURE__ */ new TextDecoder();

export function encodeCandidate(line: string): Uint8Array {
  const trimmed = line.replace(EXTRAS, '');
  const short = shortForm(trimmed);
  const related = trimmed.replace(RELATED, UNRELATED).replace(UDP, ' udp ');
  return decodeCandidate(short) === related ? short : textEncoder.encode(`\0${trimmed}`);
}

/** What a line says that is like those of browsers; of others something else. */
function shortForm(line: string): Uint8Array {
  const [, foundation, priority, host = '', port, type = ''] = LINE.exec(line) ?? [];
  const name = NAME.exec(host)?.slice(1).join('');
  const writer = new ByteWriter(32).u8(1 + TYPES.indexOf(type) + (name ? IS_NAME : 0));
  writer.u32(Number(foundation)).u32(Number(priority)).u16(Number(port));
  for (const part of name ? fromHex(name) : host.split('.').map(Number)) writer.u8(part);
  return writer.finish();
}

/** The candidate line; undefined when malformed. What a line says is for the browser to judge. */
export function decodeCandidate(bytes: Uint8Array): string | undefined {
  const reader = new ByteReader(bytes);
  const form = reader.u8();
  if (form === 0) return reader.ok ? textDecoder.decode(bytes.subarray(1)) : undefined;
  const type = TYPES[(form - 1) & 3];
  const isName = ((form - 1) & IS_NAME) !== 0;
  reader.check(form - 1 < 2 * IS_NAME);
  const foundation = reader.u32();
  const priority = reader.u32();
  const port = reader.u16();
  const host = isName
    ? `${reader.hex(UUID_BYTES).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')}.local`
    : [reader.u8(), reader.u8(), reader.u8(), reader.u8()].join('.');
  if (!reader.ok || reader.remaining !== 0) return undefined;
  const related = type === 'host' ? '' : UNRELATED;
  return `candidate:${foundation} 1 udp ${priority} ${host} ${port} typ ${type}${related}`;
}
