/** What can be read off an Opus frame without decoding it (RFC 6716, sections 3.1 and 4.2.4). Mono, one frame a packet. */

/** TOC configurations from 16 on are CELT only, which has no in-band redundancy. */
const FIRST_CELT_CONFIG = 16;

/** True when the frame carries a coarse copy of the one before it (LBRR), so that `decodeFec` can rebuild that one. */
export function hasFec(frame: Uint8Array): boolean {
  const toc = frame[0];
  const first = frame[1];
  if (toc === undefined || first === undefined) return false;
  const config = toc >> 3;
  if (config >= FIRST_CELT_CONFIG || (toc & 7) !== 0) return false;
  // SILK-only configurations come in fours of 10, 20, 40 and 60 ms; hybrid ones in twos of 10 and 20 ms.
  const silkFrames = config < 12 && config % 4 >= 2 ? config % 4 : 1;
  return ((first >> (7 - silkFrames)) & 1) === 1;
}
