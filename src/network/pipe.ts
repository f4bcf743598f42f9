/**
 * One far end at the doorbell, over whichever of Trystero's networks reach it: the pure part of a pipe.
 *
 * Trystero may join a pair on one side only, and a connection may carry one way only. So a line (one network's way to
 * the far end) counts once both ends know that they hear each other, and a pipe is up while it has such a line. That
 * takes one round trip, before which nothing of the room's is sent.
 *
 * A message on a line is one byte, then for `HEARD` what the room has to say, perhaps nothing:
 *
 * | byte | meaning                                          |
 * | ---- | ------------------------------------------------ |
 * | 0    | is anybody there? (the first on every line)      |
 * | 1    | I hear you on this line                          |
 *
 * Bound: one line per network.
 */

const CALL = 0;
const HEARD = 1;

interface LineState {
  heard: boolean;
  proven: boolean;
}

/** What came of a message: what to answer on its line, and what it had to say once the pipe is up. */
export interface PipeReceipt {
  readonly answer: Uint8Array | undefined;
  readonly payload: Uint8Array | undefined;
}

const NOTHING: PipeReceipt = { answer: undefined, payload: undefined };

export class Pipe<Network extends string> {
  readonly #lines = new Map<Network, LineState>();

  /** Both ends hear each other on some line. */
  get isUp(): boolean {
    return this.provenLine !== undefined;
  }

  /** The network to send over. */
  get provenLine(): Network | undefined {
    for (const [network, { proven }] of this.#lines) if (proven) return network;
    return undefined;
  }

  get hasLines(): boolean {
    return this.#lines.size > 0;
  }

  /** @returns what to say first on the new line */
  addLine(network: Network): Uint8Array {
    this.#lines.set(network, { heard: false, proven: false });
    return Uint8Array.of(CALL);
  }

  removeLine(network: Network): void {
    this.#lines.delete(network);
  }

  receive(network: Network, message: Uint8Array): PipeReceipt {
    const line = this.#lines.get(network);
    const kind = message[0];
    if (!line || (kind !== CALL && kind !== HEARD)) return NOTHING;
    // Every call is answered: Trystero may have put another connection under a line that one end knows already.
    const answer = kind === CALL || !line.heard ? Uint8Array.of(HEARD) : undefined;
    line.heard = true;
    if (kind === CALL) return { answer, payload: undefined };
    line.proven = true;
    return { answer, payload: message.byteLength > 1 ? message.subarray(1) : undefined };
  }
}

/** A message of the room's, as a proven line carries it. */
export function pipeMessage(payload: Uint8Array): Uint8Array {
  const message = new Uint8Array(1 + payload.byteLength);
  message[0] = HEARD;
  message.set(payload, 1);
  return message;
}
