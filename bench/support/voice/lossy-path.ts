/**
 * A network between the connections of a page that loses and delays: every UDP packet passes this process. Pages are
 * given the address of a relay instead of the far end's own, so native and our connections go the same way, in every
 * browser, without privileges. Losses are uniform and seeded.
 *
 * ```
 * A ──► relay of B ──(lost? delayed)──► B      B sees it come from the relay of A
 * ```
 */

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Page } from 'puppeteer-core';

declare global {
  /** Exposed to the page: the relay's port in front of an address. */
  var relayPort: (address: string, port: number) => Promise<number>;
}

export class LossyPath {
  /** Share of packets lost each way, 0–1. */
  loss = 0;
  packets = 0;
  packetsLost = 0;
  /** Of all packets, lost ones too, both ways. */
  bytes = 0;

  readonly #relays = new Map<string, Promise<Socket>>();
  readonly #sockets: Socket[] = [];
  #random: number;

  /** @param delayMs each way */
  constructor(
    private readonly delayMs: number,
    seed: number,
  ) {
    this.#random = seed >>> 0;
  }

  /** Makes a page's connections, those made from now on, pass through here. */
  async cover(page: Page): Promise<void> {
    await page.exposeFunction('relayPort', async (address: string, port: number) => {
      const relay = await this.#relayOf(address, port);
      return relay.address().port;
    });
    await page.evaluate(rewriteCandidates);
  }

  close(): void {
    for (const socket of this.#sockets.splice(0)) socket.close();
  }

  #relayOf(address: string, port: number): Promise<Socket> {
    const key = `${address}:${port}`;
    let relay = this.#relays.get(key);
    if (!relay) this.#relays.set(key, (relay = this.#open(address, port)));
    return relay;
  }

  async #open(address: string, port: number): Promise<Socket> {
    const socket = createSocket('udp4');
    this.#sockets.push(socket);
    socket.on('message', (packet, from) => {
      this.packets += 1;
      this.bytes += packet.byteLength;
      if (this.#chance() < this.loss) {
        this.packetsLost += 1;
        return;
      }
      setTimeout(() => void this.#deliver(packet, from, address, port), this.delayMs);
    });
    socket.bind(0);
    await once(socket, 'listening');
    return socket;
  }

  async #deliver(
    packet: Buffer,
    from: { address: string; port: number },
    address: string,
    port: number,
  ): Promise<void> {
    const relay = await this.#relayOf(from.address, from.port);
    // What is on its way when everything is closed is lost, as it would be elsewhere.
    if (this.#sockets.includes(relay)) relay.send(packet, port, address);
  }

  /** Numerical Recipes' linear congruential generator: enough to lose packets by. */
  #chance(): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return this.#random / 2 ** 32;
  }
}

/** Runs in the page: remote candidates lead to their relays; those that are not IPv4 over UDP are left out. */
function rewriteCandidates(): void {
  const rewrite = async (line: string): Promise<string | undefined> => {
    const parts = line.split(' ');
    const [address, port] = [parts[4] ?? '', Number(parts[5])];
    if (parts[2]?.toLowerCase() !== 'udp' || !/^[\d.]+$/.test(address)) return undefined;
    parts[5] = String(await globalThis.relayPort(address, port));
    return parts.join(' ');
  };
  // Of their overloads the ones that return promises.
  const { addIceCandidate, setRemoteDescription } = RTCPeerConnection.prototype as {
    addIceCandidate: (this: RTCPeerConnection, candidate?: RTCIceCandidateInit | null) => Promise<void>;
    setRemoteDescription: (this: RTCPeerConnection, description: RTCSessionDescriptionInit) => Promise<void>;
  };
  RTCPeerConnection.prototype.addIceCandidate = async function (
    this: RTCPeerConnection,
    given?: RTCIceCandidateInit | null,
  ) {
    const candidate = given?.candidate ? await rewrite(given.candidate) : undefined;
    if (given?.candidate && !candidate) return;
    await addIceCandidate.call(this, candidate === undefined ? given : { ...given, candidate });
  } as typeof RTCPeerConnection.prototype.addIceCandidate;
  RTCPeerConnection.prototype.setRemoteDescription = async function (
    this: RTCPeerConnection,
    description: RTCSessionDescriptionInit,
  ) {
    const lines = await Promise.all(
      (description.sdp ?? '').split('\r\n').map(async (line) => {
        if (!line.startsWith('a=candidate:')) return line;
        const candidate = await rewrite(line.slice(2));
        return candidate && `a=${candidate}`;
      }),
    );
    const sdp = lines.filter((line) => line !== undefined).join('\r\n');
    await setRemoteDescription.call(this, { type: description.type, sdp });
  } as typeof RTCPeerConnection.prototype.setRemoteDescription;
}
