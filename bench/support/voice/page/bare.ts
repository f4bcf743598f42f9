/**
 * The floor: data channels like a link's, each end in a worker of its own, and nothing else. A source sends as many
 * bytes as often as one voice does, relays do no more than `channel.onmessage → other.send`, sinks note how long each
 * message was on its way. What a voice over the same browser and machine could at best be relayed with.
 */

import { complete } from './description.js';

/** Bytes of one voice's message: 63 B of Opus, its header and the link's envelope. */
const MESSAGE_BYTES = 95;

/** ms between messages: one frame. */
const PERIOD_MS = 20;

/** As our links': `src/network/config.ts`. */
const LIFETIME_MS = 60;

interface Member {
  readonly worker: Worker;
  readonly connections: RTCPeerConnection[];
}

type ToWorker =
  | { readonly type: 'in' | 'out'; readonly channel: RTCDataChannel }
  | { readonly type: 'speak' }
  | { readonly type: 'take' };

const members: Member[] = [];

/** Runs in each worker. Clocks of workers differ by their origin only. */
function work(periodMs: number, bytes: number): void {
  const out: RTCDataChannel[] = [];
  /** Channels that nobody refers to are collected, in spite of their handlers. */
  const kept: RTCDataChannel[] = [];
  let delaysMs: number[] = [];
  const nowMs = (): number => performance.timeOrigin + performance.now();
  globalThis.onmessage = ({ data }: MessageEvent<ToWorker>) => {
    if (data.type === 'out') out.push(data.channel);
    else if (data.type === 'in') {
      kept.push(data.channel);
      data.channel.binaryType = 'arraybuffer';
      data.channel.onmessage = (event: MessageEvent<ArrayBuffer>) => {
        for (const channel of out) channel.send(event.data);
        if (out.length === 0) delaysMs.push(nowMs() - new DataView(event.data).getFloat64(0));
      };
    } else if (data.type === 'speak')
      setInterval(() => {
        const message = new ArrayBuffer(bytes);
        new DataView(message).setFloat64(0, nowMs());
        for (const channel of out) if (channel.readyState === 'open') channel.send(message);
      }, periodMs);
    else {
      (globalThis as unknown as Worker).postMessage(delaysMs);
      delaysMs = [];
    }
  };
}

export function add(): number {
  const source = `(${work.toString()})(${PERIOD_MS}, ${MESSAGE_BYTES})`;
  const url = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  members.push({ worker: new Worker(url), connections: [] });
  return members.length - 1;
}

export async function offer(member: number): Promise<{ connection: number; sdp: string }> {
  const connection = open(member, 'out');
  await connection.setLocalDescription();
  return {
    connection: members[member]!.connections.indexOf(connection),
    sdp: await complete(connection),
  };
}

export async function answer(member: number, sdp: string): Promise<string> {
  const connection = open(member, 'in');
  await connection.setRemoteDescription({ type: 'offer', sdp });
  await connection.setLocalDescription();
  return complete(connection);
}

export async function accept(member: number, connection: number, sdp: string): Promise<void> {
  await members[member]!.connections[connection]!.setRemoteDescription({ type: 'answer', sdp });
}

export const speak = (member: number): void => tell(member, { type: 'speak' });

/** Delays noted since the last call, ms. */
export function take(member: number): Promise<number[]> {
  const { worker } = members[member]!;
  return new Promise((resolve) => {
    worker.onmessage = ({ data }: MessageEvent<number[]>) => resolve(data);
    tell(member, { type: 'take' });
  });
}

export function close(): void {
  for (const { worker, connections } of members.splice(0)) {
    worker.terminate();
    for (const connection of connections) connection.close();
  }
}

function tell(member: number, message: ToWorker, transfer: Transferable[] = []): void {
  members[member]!.worker.postMessage(message, transfer);
}

function open(member: number, type: 'in' | 'out'): RTCPeerConnection {
  const connection = new RTCPeerConnection();
  members[member]!.connections.push(connection);
  const channel = connection.createDataChannel('voice', {
    negotiated: true,
    id: 1,
    ordered: false,
    maxPacketLifeTime: LIFETIME_MS,
  });
  tell(member, { type, channel }, [channel as unknown as Transferable]);
  return connection;
}
