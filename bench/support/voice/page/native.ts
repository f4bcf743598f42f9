/** The baseline: a native audio track, and native relays that pass a received track on, which the browser re-encodes. */

import { complete } from './description.js';
import type { Concealment } from './globals.js';

const connections: RTCPeerConnection[] = [];
const elements: HTMLAudioElement[] = [];

export async function offer(stream: MediaStream): Promise<{ connection: number; sdp: string }> {
  const connection = make();
  for (const track of stream.getTracks()) connection.addTrack(track, stream);
  await connection.setLocalDescription();
  return { connection: connections.indexOf(connection), sdp: await complete(connection) };
}

export async function answer(sdp: string): Promise<{ stream: MediaStream; sdp: string }> {
  const connection = make();
  const received = new Promise<MediaStream>((resolve) => {
    connection.ontrack = ({ track, streams }) => resolve(streams[0] ?? new MediaStream([track]));
  });
  await connection.setRemoteDescription({ type: 'offer', sdp });
  await connection.setLocalDescription();
  const [stream, text] = await Promise.all([received, complete(connection)]);
  pump(stream);
  return { stream, sdp: text };
}

export async function accept(connection: number, sdp: string): Promise<void> {
  await connections[connection]!.setRemoteDescription({ type: 'answer', sdp });
}

export function hear(stream: MediaStream, context: AudioContext): void {
  new MediaStreamAudioSourceNode(context, { mediaStream: stream }).connect(context.destination);
}

export async function hearInElement(stream: MediaStream): Promise<void> {
  const element = elements.find(({ srcObject }) => srcObject === stream)!;
  element.muted = false;
  await element.play();
}

/** `concealedSamples` includes what was invented for a late packet as well as for a lost one (webrtc-stats). */
export async function concealment(): Promise<Concealment> {
  let found: Concealment = { concealed: 0, all: 0 };
  const stats = await connections.at(-1)!.getStats();
  stats.forEach((report: RTCInboundRtpStreamStats) => {
    if (report.type === 'inbound-rtp')
      found = { concealed: report.concealedSamples ?? 0, all: report.totalSamplesReceived ?? 0 };
  });
  return found;
}

export function close(): void {
  for (const connection of connections.splice(0)) connection.close();
  for (const element of elements.splice(0)) element.srcObject = null;
}

/** Chromium decodes a received track only while an element plays it, be it muted. */
function pump(stream: MediaStream): void {
  const element = new Audio();
  element.srcObject = stream;
  element.muted = true;
  elements.push(element);
  void element.play();
}

function make(): RTCPeerConnection {
  const connection = new RTCPeerConnection();
  connections.push(connection);
  return connection;
}
