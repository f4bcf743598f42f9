/** A track read directly: frames and clock as the capture worklet gives them, from a real track. */

import { expect } from '@open-wc/testing';
import { createTone, type TestSource } from '../../src/audio/test-voice.js';
import { readableOf, TrackCapture } from '../../src/audio/track-capture.js';

const FRAME_SAMPLES = 960;
const canRead = 'MediaStreamTrackProcessor' in globalThis;

interface Captured {
  readonly sampleTime: number;
  readonly rms: number;
}

/** Collects frames and calls whoever waits for them. */
class Frames {
  readonly all: Captured[] = [];
  #waiting: (() => void) | undefined;

  readonly take = (samples: Float32Array, sampleTime: number): void => {
    expect(samples.length).to.equal(FRAME_SAMPLES);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    this.all.push({ sampleTime, rms: Math.sqrt(power) });
    this.#waiting?.();
  };

  async reach(count: number): Promise<void> {
    while (this.all.length < count) await new Promise<void>((resolve) => (this.#waiting = resolve));
  }
}

describe('a track', () => {
  const sources: TestSource[] = [];
  const tone = (hz: number): MediaStream => {
    const source = createTone(hz);
    sources.push(source);
    return source.stream;
  };
  afterEach(() => {
    for (const source of sources.splice(0)) source.stop();
  });

  it('without sound, or in a browser that cannot read one, is left to Web Audio', () => {
    expect(readableOf(new MediaStream())).to.equal(undefined);
    if (!canRead) expect(readableOf(tone(440))).to.equal(undefined);
  });

  if (!canRead) return;

  it('becomes frames of one length on a clock without holes', async () => {
    const frames = new Frames();
    const capture = new TrackCapture(
      () => FRAME_SAMPLES,
      frames.take,
      () => performance.now(),
    );
    capture.read(readableOf(tone(440))!);
    await frames.reach(25);
    capture.read(null);
    const [first] = frames.all;
    frames.all.slice(0, 25).forEach(({ sampleTime }, i) => {
      expect(sampleTime).to.equal(first!.sampleTime + i * FRAME_SAMPLES);
    });
    // The tone is a sine at 0.25; the first frame may hold its beginning.
    for (const { rms } of frames.all.slice(5)) expect(rms).to.be.closeTo(0.25 / Math.SQRT2, 0.01);
  });

  it('gives way to another, and the clock counts the time between them', async () => {
    const frames = new Frames();
    const capture = new TrackCapture(
      () => FRAME_SAMPLES,
      frames.take,
      () => performance.now(),
    );
    capture.read(readableOf(tone(440))!);
    await frames.reach(5);
    capture.read(null);
    const before = frames.all.length;
    const stoppedMs = performance.now();
    const other = tone(880);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(frames.all.length, 'frames while nothing is captured').to.equal(before);
    capture.read(readableOf(other)!);
    await frames.reach(before + 3);
    const passedMs = (frames.all[before]!.sampleTime - frames.all[before - 1]!.sampleTime) / 48;
    expect(passedMs).to.be.within(200, performance.now() - stoppedMs + 60);
    capture.read(null);
  });

  it('is dropped while nobody knows how long a frame is', async () => {
    const frames = new Frames();
    let known: number | undefined;
    const capture = new TrackCapture(
      () => {
        const now = known;
        known = FRAME_SAMPLES;
        return now;
      },
      frames.take,
      () => performance.now(),
    );
    capture.read(readableOf(tone(440))!);
    await frames.reach(2);
    capture.read(null);
    expect(frames.all[1]!.sampleTime - frames.all[0]!.sampleTime).to.equal(FRAME_SAMPLES);
  });
});
