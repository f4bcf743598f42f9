/** Devices as browsers have them: a microphone kept open, a context kept running, a loudspeaker chosen. */

import { expect, oneEvent, waitUntil } from '@open-wc/testing';
import { MicrophoneKeeper, microphoneStep } from '../../src/audio/microphone-keeper.js';
import { SoundKeeper, shouldResume } from '../../src/audio/sound-keeper.js';
import { SoundOutput } from '../../src/audio/sound-output.js';
import { endSuppressor, makeSuppressor } from '../../src/audio/strong-suppression.js';
import { synthesizeVoice } from '../../src/audio/test-voice.js';
import type { VoiceRoomError } from '../../src/errors.js';

const OPTIONS = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };

/** Browsers take their time to open devices. */
const PATIENCE = { timeout: 10_000 };

/** A keeper and everything it said. */
class Kept {
  readonly streams: (MediaStream | null)[] = [];
  readonly said: string[] = [];
  readonly keeper = new MicrophoneKeeper({
    onStream: async (stream) => void this.streams.push(stream),
    onTrouble: (error: VoiceRoomError) => this.said.push(error.reason),
    onMended: () => this.said.push('mended'),
  });

  get track(): MediaStreamTrack {
    const track = this.streams.at(-1)?.getAudioTracks()[0];
    if (!track) throw new Error('no microphone is open');
    return track;
  }

  get deviceId(): string | undefined {
    return this.track.getSettings().deviceId;
  }

  /** What the browser does when the device is pulled out. */
  unplug(): void {
    const { track } = this;
    track.stop();
    track.dispatchEvent(new Event('ended'));
  }
}

/** Ids of the browser's own test microphones, the default's double left out. */
async function microphones(): Promise<string[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  return devices
    .filter(({ kind, deviceId }) => kind === 'audioinput' && deviceId !== 'default')
    .map(({ deviceId }) => deviceId);
}

/**
 * Firefox opens its test microphone and runs its audio clock in its own time on a machine without sound hardware: what
 * takes 50 ms once takes over ten seconds another time. The same code is held in Chromium.
 */
const describePrompt = navigator.userAgent.includes('Firefox') ? describe.skip : describe;

describePrompt('microphone', () => {
  let kept: Kept;
  const { enumerateDevices, getUserMedia } = MediaDevices.prototype;
  beforeEach(() => {
    kept = new Kept();
  });
  afterEach(() => {
    kept.keeper.close();
    MediaDevices.prototype.enumerateDevices = enumerateDevices;
    MediaDevices.prototype.getUserMedia = getUserMedia;
  });

  it('takes the chosen device, and another one while running, without a hole between them', async () => {
    await kept.keeper.open(OPTIONS);
    const [id] = await microphones();
    const old = kept.track;
    let wasLive: boolean | undefined;
    const { onStream } = { onStream: kept.streams.push.bind(kept.streams) };
    kept.streams.push = (...streams) => {
      wasLive = old.readyState === 'live';
      return onStream(...streams);
    };
    await kept.keeper.open({ ...OPTIONS, deviceId: id ?? '', echoCancellation: false });
    expect(kept.deviceId).to.equal(id);
    expect(kept.track.getSettings().echoCancellation).to.equal(false);
    expect(wasLive, 'the old one lives until the new one is handed out').to.equal(true);
    expect(old.readyState).to.equal('ended');
    expect(kept.said).to.deep.equal(['mended', 'mended']);
  });

  it('a device that is not there: the default, and it says so', async () => {
    await kept.keeper.open({ ...OPTIONS, deviceId: 'f'.repeat(64) });
    expect(kept.track.readyState).to.equal('live');
    expect(kept.said).to.deep.equal(['microphone-changed']);
  });

  it('unplugged, another one takes over; plugged in again, it comes back', async () => {
    await kept.keeper.open(OPTIONS);
    const [first, second = first] = await microphones();
    await kept.keeper.open({ ...OPTIONS, deviceId: second ?? '' });
    kept.said.splice(0);
    // What the list says once the device is out.
    MediaDevices.prototype.enumerateDevices = async function (this: MediaDevices) {
      return (await enumerateDevices.call(this)).filter(({ deviceId }) => deviceId !== second);
    };
    // A browser with one test microphone opens that one again as its default: only the list knows.
    kept.unplug();
    await waitUntil(() => kept.said.length > 0, undefined, PATIENCE);
    expect(kept.track.readyState).to.equal('live');
    if (kept.deviceId === second) return;
    expect(kept.said.at(-1)).to.equal('microphone-changed');
    MediaDevices.prototype.enumerateDevices = enumerateDevices;
    navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
    await waitUntil(() => kept.deviceId === second, undefined, PATIENCE);
    expect(kept.said.at(-1)).to.equal('mended');
  });

  it('refused: says what to do, sends nothing, and does not ask again by itself', async () => {
    let asked = 0;
    MediaDevices.prototype.getUserMedia = () => {
      asked += 1;
      return Promise.reject(new DOMException('no', 'NotAllowedError'));
    };
    await kept.keeper.open(OPTIONS);
    expect([kept.streams, kept.said, asked]).to.deep.equal([[null], ['microphone-denied'], 1]);
    navigator.mediaDevices.dispatchEvent(new Event('devicechange'));
    await navigator.mediaDevices.enumerateDevices();
    MediaDevices.prototype.getUserMedia = getUserMedia;
    await kept.keeper.open(OPTIONS);
    expect(kept.track.readyState).to.equal('live');
    expect([kept.said.at(-1), asked]).to.deep.equal(['mended', 1]);
  });

  it('closed while the browser asks, the answer is not used', async () => {
    const opening = kept.keeper.open(OPTIONS);
    kept.keeper.close();
    await opening;
    expect(kept.streams).to.deep.equal([]);
  });

  for (const [wish, inUse, present, step] of [
    ['', '', [], 'stay'],
    ['', '', ['a'], 'default'],
    ['b', 'b', ['a', 'b'], 'stay'],
    ['b', 'a', ['a', 'b'], 'wish'],
    ['b', 'a', ['a'], 'stay'],
    ['b', '', ['a'], 'default'],
    ['b', '', ['a', 'b'], 'wish'],
  ] as const)
    it(`wish "${wish}", in use "${inUse}", there ${present.join(' ') || 'none'}: ${step}`, () => {
      expect(microphoneStep(wish, inUse, present)).to.equal(step);
    });
});

describe('sound', () => {
  for (const [state, hasRun, isVisible, isGesture, expected] of [
    ['suspended', false, true, true, true],
    ['suspended', false, true, false, false],
    ['suspended', true, true, false, true],
    ['suspended', true, false, false, false],
    ['interrupted', true, true, false, false],
    ['interrupted', true, true, true, false],
    ['running', true, true, true, false],
    ['closed', true, true, true, false],
  ] as const)
    it(`${state}${hasRun ? ', has run' : ''}${isVisible ? ', seen' : ''}${isGesture ? ', pressed' : ''}: ${expected ? 'resume' : 'wait'}`, () => {
      expect(shouldResume(state, { hasRun, isVisible, isGesture })).to.equal(expected);
    });

  it('comes back by itself after the browser suspended it', async () => {
    const context = new AudioContext();
    const keeper = new SoundKeeper(context, () => undefined);
    const started = oneEvent(context, 'statechange');
    await keeper.resume();
    await started;
    expect(keeper.isSilenced).to.equal(false);
    await context.suspend();
    await waitUntil(() => context.state === 'running', undefined, PATIENCE);
    keeper.close();
    await context.suspend();
    expect(context.state, 'closed, it leaves the context alone').to.equal('suspended');
    await context.close();
  });

  it('plays on a chosen device, and refuses one that is not there without losing the sound', async () => {
    const context = new AudioContext();
    await context.resume();
    const nodes: AudioNode[] = [];
    const output = new SoundOutput(context, (node) => nodes.push(node));
    let refused: unknown;
    await output.setDevice('f'.repeat(64)).catch((error: unknown) => (refused = error));
    expect(refused).to.be.instanceOf(DOMException);
    expect(output.deviceId).to.equal('');
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of stream.getTracks()) track.stop();
    const devices = await navigator.mediaDevices.enumerateDevices();
    const device = devices.find(
      ({ kind, deviceId }) => kind === 'audiooutput' && !['', 'default'].includes(deviceId),
    );
    if (device) {
      await output.setDevice(device.deviceId);
      expect(output.deviceId).to.equal(device.deviceId);
      // Either the context itself moved, or the sound was sent to another node.
      const sink = (context as { sinkId?: string }).sinkId;
      expect(sink === device.deviceId || nodes.at(-1) instanceof MediaStreamAudioDestinationNode).to.equal(
        true,
      );
      await output.setDevice('');
      expect(sink !== undefined || nodes.at(-1) === context.destination).to.equal(true);
    }
    output.close();
    await context.close();
  });
});

describePrompt('stronger noise suppression', () => {
  const FOLDER = '/node_modules/@sapphi-red/web-noise-suppressor/dist';
  const files = {
    workletUrl: `${FOLDER}/rnnoise/workletProcessor.js`,
    wasmUrl: `${FOLDER}/rnnoise_simd.wasm`,
  };

  /** Root mean square of what comes out of the suppressor over 4 s, its first second left out. */
  async function passed(samples: Float32Array<ArrayBuffer>): Promise<number> {
    const context = new AudioContext({ sampleRate: 48_000 });
    await context.resume();
    const suppressor = await makeSuppressor(context, files);
    const source = new AudioBufferSourceNode(context, {
      buffer: new AudioBuffer({ length: samples.length, sampleRate: 48_000 }),
      loop: true,
    });
    source.buffer?.copyToChannel(samples, 0);
    const meter = new AnalyserNode(context, { fftSize: 4096 });
    source.connect(suppressor).connect(meter).connect(context.destination);
    source.start();
    const heard = new Float32Array(meter.fftSize);
    const from = context.currentTime;
    let power = 0;
    const WINDOWS = 32;
    // The first second goes to the network's own start; then every window counts, pauses included.
    for (let n = 0; n < WINDOWS; n++) {
      await waitUntil(() => context.currentTime - from > 1 + n / 8, undefined, { ...PATIENCE, interval: 10 });
      meter.getFloatTimeDomainData(heard);
      power += heard.reduce((sum, sample) => sum + sample * sample, 0) / heard.length / WINDOWS;
    }
    endSuppressor(suppressor);
    await context.close();
    return Math.sqrt(power);
  }

  it('takes noise away and leaves a voice', async () => {
    // Brown, as fans, engines and wind are: white noise put through a leaky integrator.
    let state = 1;
    let brown = 0;
    const noise = Float32Array.from({ length: 96_000 }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      brown = 0.98 * brown + (state / 2 ** 32 - 0.5) * 0.1;
      return brown;
    });
    const level = Math.sqrt(noise.reduce((sum, sample) => sum + sample * sample, 0) / noise.length);
    expect(20 * Math.log10((await passed(noise)) / level), 'dB left of the noise').to.be.below(-20);
    const voice = synthesizeVoice(1, 4, 48_000);
    const sent = Math.sqrt(voice.reduce((sum, sample) => sum + sample * sample, 0) / voice.length);
    expect(20 * Math.log10((await passed(voice)) / sent), 'dB left of a made-up voice').to.be.above(-10);
  });

  it('says so at a rate it was not made for', async () => {
    const context = new OfflineAudioContext(1, 128, 44_100);
    const error: unknown = await makeSuppressor(context, files).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(Error);
  });
});
