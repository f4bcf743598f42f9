/**
 * From a microphone's track to captured frames without Web Audio, where the browser lets a worker read tracks
 * (`MediaStreamTrackProcessor` for audio: Chromium). A source node between two audio clocks holds 10–50 ms and keeps
 * what a moment of load added for good; a track read directly comes in portions of 10 ms as they are captured, and
 * neither the page nor an audio context stands in between.
 */

import { SAMPLE_RATE_HZ } from '../units.js';
import { CaptureFramer } from './capture-framer.js';

interface TrackProcessor {
  readonly readable: ReadableStream<AudioData>;
}
type TrackProcessorConstructor = new (init: {
  track: MediaStreamTrack;
  maxBufferSize?: number;
}) => TrackProcessor;

const processorOf = (): TrackProcessorConstructor | undefined =>
  (globalThis as { MediaStreamTrackProcessor?: TrackProcessorConstructor }).MediaStreamTrackProcessor;

/** Portions that wait for a busy worker before the oldest is dropped: 160 ms of 10 ms, as the worklet's pool. */
const MAX_WAITING_PORTIONS = 16;

/** Samples copied at once; browsers deliver 10 ms, 960 at most at 96 kHz. */
const MAX_PORTION_SAMPLES = 1024;

/** Beyond two, channels carry nothing a voice has. */
const MAX_CHANNELS = 2;

/** µs by which a portion must begin later than the one before ended to be a pause (a muted track), not jitter. */
const PAUSE_US = 50_000;

/**
 * Page: the sound of a stream, to be transferred to the core's worker in the same task.
 * @returns undefined where tracks of sound cannot be read, or the stream has none
 */
export function readableOf(stream: MediaStream): ReadableStream<AudioData> | undefined {
  const Processor = processorOf();
  const track = stream.getAudioTracks()[0];
  if (!Processor || !track || track.readyState !== 'live') return undefined;
  try {
    return new Processor({ track, maxBufferSize: MAX_WAITING_PORTIONS }).readable;
  } catch {
    return undefined; // It reads pictures only, as some browsers' do: Web Audio serves instead.
  }
}

/** Core: reads one stream at a time into frames whose clock goes on from stream to stream. Memory: the framer's. */
export class TrackCapture {
  readonly #planes = Array.from({ length: MAX_CHANNELS }, () => new Float32Array(MAX_PORTION_SAMPLES));
  #reader: ReadableStreamDefaultReader<AudioData> | undefined;
  #framer: CaptureFramer | undefined;
  #rateHz = 0;
  /** When the last portion ended, by its own stamp; NaN before the first of a stream. */
  #endUs = Number.NaN;
  #endedAtMs = Number.NaN;

  /**
   * @param frameSamples at 48 kHz, the same whenever it is known; until then sound is dropped.
   * @param onFrame samples are only valid during the call.
   * @param nowMs the core's clock, by which the time between two streams is told.
   */
  constructor(
    private readonly frameSamples: () => number | undefined,
    private readonly onFrame: (samples: Float32Array, sampleTime: number) => void,
    private readonly nowMs: () => number,
  ) {}

  /** Reads this from now on; null = nothing. */
  read(readable: ReadableStream<AudioData> | null): void {
    const before = this.#reader;
    this.#reader = readable?.getReader();
    this.#endUs = Number.NaN;
    // Lets go of the track; one that has ended already has nothing left to let go of.
    before?.cancel().catch((error: unknown) => console.debug('p2p-voice-room: track already gone', error));
    if (this.#reader) void this.#pump(this.#reader);
  }

  async #pump(reader: ReadableStreamDefaultReader<AudioData>): Promise<void> {
    try {
      while (reader === this.#reader) {
        const { value, done } = await reader.read();
        if (done) return;
        if (reader === this.#reader) this.#take(value);
        value.close();
      }
    } catch (error) {
      console.debug('p2p-voice-room: the track ended', error);
    }
  }

  #take(portion: AudioData): void {
    const frameSamples = this.frameSamples();
    if (frameSamples === undefined) return;
    const framer = this.#framerAt(portion, frameSamples);
    const channels = Math.min(MAX_CHANNELS, portion.numberOfChannels);
    for (let from = 0; from < portion.numberOfFrames; from += MAX_PORTION_SAMPLES) {
      const frameCount = Math.min(MAX_PORTION_SAMPLES, portion.numberOfFrames - from);
      const planes = this.#planes.slice(0, channels);
      planes.forEach((plane, planeIndex) =>
        portion.copyTo(plane.subarray(0, frameCount), {
          planeIndex,
          frameOffset: from,
          frameCount,
          format: 'f32-planar',
        }),
      );
      framer.push(planes, frameCount);
    }
    this.#endUs = portion.timestamp + (portion.numberOfFrames * 1e6) / portion.sampleRate;
    this.#endedAtMs = this.nowMs();
  }

  /** The framer for this portion's rate, its clock moved on by the pause before the portion. */
  #framerAt({ sampleRate, timestamp }: AudioData, frameSamples: number): CaptureFramer {
    const isFirst = Number.isNaN(this.#endUs);
    const pausedUs = isFirst ? (this.nowMs() - this.#endedAtMs) * 1000 : timestamp - this.#endUs;
    const sampleTime = this.#framer?.sampleTime ?? 0;
    let framer = this.#framer;
    if (!framer || sampleRate !== this.#rateHz) {
      const made: CaptureFramer = new CaptureFramer(frameSamples, sampleRate, (samples, time) => {
        this.onFrame(samples, time);
        made.recycle(samples);
      });
      this.#framer = framer = made;
      this.#rateHz = sampleRate;
      framer.sampleTime = sampleTime;
    }
    if (pausedUs > PAUSE_US)
      framer.sampleTime = Math.round(sampleTime + (pausedUs / 1e6) * SAMPLE_RATE_HZ) >>> 0;
    return framer;
  }
}
