/** A link over real data channels: two connections in one page. */

import { expect } from '@open-wc/testing';
import { NETWORK_DEFAULTS } from '../../src/network/config.js';
import { LinkMaker } from '../../src/network/link-maker.js';
import { Link } from '../../src/network/link.js';
import type { Handle } from '../../src/units.js';
import { encodeLinkMessage } from '../../src/wire/link-bundle.js';
import { expandDescription, summarizeDescription } from '../../src/wire/session-description.js';
import { encodeVoicePacket, type VoicePacket } from '../../src/wire/voice-packet.js';

const SOURCE = 7 as Handle;

function packet(sequence: number, frameBytes = 60): Uint8Array {
  const voice: VoicePacket = {
    source: SOURCE,
    streamEpoch: 0,
    sequence,
    sampleTime: sequence * 960,
    level: 20,
    frameSamples: 960,
    endOfSpurt: false,
    frame: new Uint8Array(frameBytes).fill(sequence & 0xff),
  };
  return encodeVoicePacket(voice);
}

interface End {
  link: Link;
  /** The raw channel beneath: to send what no honest member would. */
  voice: RTCDataChannel;
  control: RTCDataChannel;
  readonly heard: {
    control: Uint8Array[];
    voice: { packet: Uint8Array; hopLimit: number; isRepeat: boolean }[];
    closed: string[];
  };
  opened: Promise<void>;
}

/** Calls whoever waits whenever something happened at an end. */
const happened = new EventTarget();
const notify = () => happened.dispatchEvent(new Event('change'));

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => happened.addEventListener('change', resolve, { once: true }));
  }
}

/** What the far end makes of a description: the way it takes through the room, with the certificate its entry names. */
function received(sdp: string, fingerprint = /^a=fingerprint:sha-256 (\S+)/m.exec(sdp)![1]!): string {
  return expandDescription(summarizeDescription(sdp)!, fingerprint.replaceAll(':', '').toLowerCase())!;
}

async function pair(config = NETWORK_DEFAULTS): Promise<{ a: End; b: End; close: () => void }> {
  const makers: LinkMaker[] = [];
  const ends: End[] = [];
  for (const i of [0, 1]) {
    makers[i] = new LinkMaker(
      { iceServers: [] },
      {
        onChannels: (_key, control, voice) => {
          const heard: End['heard'] = { control: [], voice: [], closed: [] };
          const opened = new Promise<void>((resolve) => {
            const link = new Link(
              control,
              voice,
              {
                onOpen: () => resolve(),
                onControl: (bytes) => (heard.control.push(bytes.slice()), notify()),
                onVoice: (bytes, hopLimit, isRepeat) => (
                  heard.voice.push({ packet: bytes.slice(), hopLimit, isRepeat }),
                  notify()
                ),
                onClosed: (cause) => (heard.closed.push(cause), notify()),
              },
              config,
              () => performance.now(),
            );
            ends[i] = { link, control, voice, heard, opened: Promise.resolve() };
          });
          ends[i]!.opened = opened;
        },
        onSignal: (_key, kind, text) => {
          const other = makers[1 - i]!;
          if (kind === 'offer') other.open(1, received(text));
          else other.signal(1, kind, kind === 'answer' ? received(text) : text);
        },
        onFailed: () => expect.fail('the connection failed'),
      },
      config,
    );
  }
  makers[0]!.open(1, null);
  await ends[0]!.opened;
  await ends[1]!.opened;
  return { a: ends[0]!, b: ends[1]!, close: () => makers.forEach((maker) => maker.closeAll()) };
}

describe('a link', () => {
  let close = () => {};
  afterEach(() => close());

  it('is not made with another certificate than the one in the entry', async () => {
    let opened = false;
    let failed = false;
    const makers = [0, 1].map(
      (i): LinkMaker =>
        new LinkMaker(
          { iceServers: [] },
          {
            onChannels: (_key, control) => {
              control.onopen = () => (opened = true);
            },
            onSignal: (_key, kind, text) => {
              const other = makers[1 - i]!;
              if (kind === 'offer') other.open(1, received(text, 'ab'.repeat(32)));
              else other.signal(1, kind, kind === 'answer' ? received(text) : text);
            },
            onFailed: () => {
              failed = true;
              notify();
            },
          },
          NETWORK_DEFAULTS,
        ),
    );
    close = () => makers.forEach((maker) => maker.closeAll());
    makers[0]!.open(1, null);
    await until(() => failed);
    expect(opened).to.equal(false);
  });

  it('carries control and voice, bundled, byte for byte', async () => {
    const { a, b, ...rest } = await pair();
    close = rest.close;
    a.link.sendControl(new Uint8Array([1, 2, 3]));
    const packets = [1, 2, 3, 4].map((sequence) => packet(sequence));
    for (const bytes of packets) a.link.queueVoice(bytes, 5, SOURCE, 20);
    a.link.flush();
    await until(() => b.heard.voice.length === 4 && b.heard.control.length === 1);
    expect(b.heard.voice.map((one) => [...one.packet])).to.deep.equal(packets.map((bytes) => [...bytes]));
    expect(b.heard.voice.every(({ hopLimit }) => hopLimit === 5)).to.equal(true);
    expect(a.link.framesSentBySource.get(SOURCE)).to.equal(4);
    expect(b.link.malformed).to.equal(0);
  });

  it('splits what does not fit one message', async () => {
    const { a, b, ...rest } = await pair();
    close = rest.close;
    let largest = 0;
    b.voice.addEventListener('message', ({ data }) => {
      largest = Math.max(largest, (data as ArrayBuffer).byteLength);
    });
    for (let sequence = 0; sequence < 12; sequence++) a.link.queueVoice(packet(sequence, 300), 3, SOURCE, 20);
    a.link.flush();
    await until(() => b.heard.voice.length === 12);
    expect(largest).to.be.within(900, 1100);
  });

  it('repeats the packets before once the far end reports losses, and says that they are repeats', async () => {
    const { a, b, ...rest } = await pair();
    close = rest.close;
    // Few enough for one channel to take them at once, a message each.
    for (let sequence = 1; sequence <= 25; sequence++) {
      a.link.queueVoice(packet(sequence), 3, SOURCE, 20);
      a.link.flush();
    }
    await until(() => b.heard.voice.length === 25);
    expect(b.heard.voice.some(({ isRepeat }) => isRepeat)).to.equal(false);
    // The far end says that every second message was lost, never two in a row.
    const report = { linkSequence: 1, ackSequence: 25, ackBits: 0x5555_5555 };
    b.voice.send(encodeLinkMessage({ kind: 'control', control: new Uint8Array([7]), ...report }));
    await until(() => a.heard.control.length === 1);
    expect(a.link.loss).to.be.above(0.2);
    expect(a.link.repeatDepth).to.equal(1);
    for (const sequence of [26, 27]) {
      a.link.queueVoice(packet(sequence), 3, SOURCE, 20);
      a.link.flush();
    }
    await until(() => b.heard.voice.length >= 29);
    const repeated = b.heard.voice.filter(({ isRepeat }) => isRepeat).map((one) => [...one.packet]);
    expect(repeated).to.deep.equal([packet(25), packet(26)].map((bytes) => [...bytes]));
  });

  it('when it is full, says so at once, lets the quiet voice give way and goes on when there is room', async () => {
    const { a, b, ...rest } = await pair();
    close = rest.close;
    const quiet = 8 as Handle;
    for (let sequence = 0; sequence < 40; sequence++) {
      a.link.queueVoice(packet(sequence, 450), 3, SOURCE, 20);
      a.link.queueVoice(packet(100 + sequence, 450), 3, quiet, 60);
      a.link.flush();
    }
    expect(a.link.voiceDropped).to.be.above(40);
    expect(a.link.queueMs).to.be.above(60);
    const isLast = ({ packet: bytes }: { packet: Uint8Array }) => bytes.at(-1) === 39;
    await until(() => b.heard.voice.some(isLast));
    const waited = b.heard.voice.slice(-5).map(({ packet: bytes }) => bytes.at(-1)!);
    expect(
      waited.every((sequence) => sequence < 40),
      `${waited.join(' ')}`,
    ).to.equal(true);
  });

  it('loses nothing said before its other channel has opened', async () => {
    const { a, b, ...rest } = await pair();
    close = rest.close;
    // A second link over the same channels, to which voice opens later than control.
    let voiceState: RTCDataChannelState = 'connecting';
    const heard: number[] = [];
    const voice = new Proxy(b.voice, {
      get: (target, name) => {
        if (name === 'readyState') return voiceState;
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
      set: (target, name, value) => Reflect.set(target, name, value, target),
    });
    const late = new Link(
      b.control,
      voice,
      {
        onOpen: () => heard.push(-1),
        onControl: (bytes) => heard.push(bytes[0]!),
        onVoice: () => undefined,
        onClosed: () => undefined,
      },
      NETWORK_DEFAULTS,
      () => performance.now(),
    );
    a.link.sendControl(new Uint8Array([42]));
    await new Promise((resolve) => b.control.addEventListener('message', resolve, { once: true }));
    expect(late.isOpen).to.equal(false);
    expect(heard).to.deep.equal([]);
    voiceState = 'open';
    b.voice.dispatchEvent(new Event('open'));
    expect(heard).to.deep.equal([-1, 42]);
  });

  it('counts nonsense and drops a neighbour that does not stop', async () => {
    const { a, b, ...rest } = await pair({ ...NETWORK_DEFAULTS, maxMalformed: 3 });
    close = rest.close;
    for (let i = 0; i < 3; i++) a.control.send('text');
    await new Promise((resolve) => {
      let seen = 0;
      b.control.addEventListener('message', () => ++seen === 3 && resolve(undefined));
    });
    expect(b.link.malformed).to.equal(3);
    expect(b.link.isOpen).to.equal(true);
    a.voice.send(new Uint8Array([99]));
    a.control.send('text');
    await until(() => b.heard.closed.length > 0);
    expect(b.heard.closed).to.deep.equal(['abuse']);
    expect(b.link.isOpen).to.equal(false);
  });

  it('drops a flood beyond the rate, without losing the link', async () => {
    const { a, b, ...rest } = await pair({ ...NETWORK_DEFAULTS, maxMessagesPerSecond: 50 });
    close = rest.close;
    let arrived = 0;
    const all = new Promise((resolve) => {
      b.control.addEventListener('message', () => ++arrived === 200 && resolve(undefined));
    });
    for (let i = 0; i < 200; i++) a.link.sendControl(new Uint8Array([i]));
    await all;
    expect(b.heard.control.length).to.be.below(200);
    expect(b.link.dropped).to.equal(200 - b.heard.control.length);
    expect(b.link.isOpen).to.equal(true);
  });

  it('tells when the far end closes', async () => {
    const { a, b, ...rest } = await pair();
    close = rest.close;
    a.link.close();
    await until(() => b.heard.closed.length > 0);
    expect(b.heard.closed).to.deep.equal(['closed']);
  });
});
