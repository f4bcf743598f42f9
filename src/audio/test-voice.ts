/**
 * A made-up voice, so that one person with one machine can hear a room work without feedback: vowels by the
 * source-filter model (a glottal pulse train through formant resonators; vowel table after Peterson & Barney 1952),
 * in syllables, words and pauses. Every seed has its own pitch and melody. Also plain tones, for tests.
 */

/** First three formants, Hz: a, e, i, o, u, schwa. */
const VOWELS: readonly (readonly [number, number, number])[] = [
  [730, 1090, 2440],
  [530, 1840, 2480],
  [270, 2290, 3010],
  [570, 840, 2410],
  [300, 870, 2240],
  [500, 1500, 2500],
];

/** Hz; loudness of each resonance relative to the first. */
const BANDWIDTHS_HZ = [80, 100, 140] as const;
const FORMANT_GAINS = [1, 0.5, 0.25] as const;

/** Made at half the usual rate: speech has little above 12 kHz, and it halves the work before the first sound. */
const VOICE_RATE_HZ = 24_000;

/** Long enough not to sound like a loop; about 1 MB. */
const VOICE_SECONDS = 12;

/** Loudest sample, −6 dBFS. */
const PEAK = 0.5;

export interface TestSource {
  readonly stream: MediaStream;
  /** Ends the sound, its track and the audio context made for it. */
  stop(): void;
}

export interface TestVoiceOptions {
  /** Same seed, same voice. */
  readonly seed: number;
  /** Where it is made; by default a context of its own, which must be allowed to start. */
  readonly context?: AudioContext;
}

/** An endless voice as a stream, to be used in place of a microphone. */
export function createTestVoice({ seed, context }: TestVoiceOptions): TestSource {
  return play(context, (place) => {
    const samples = synthesizeVoice(seed, VOICE_SECONDS, VOICE_RATE_HZ);
    const buffer = new AudioBuffer({ length: samples.length, sampleRate: VOICE_RATE_HZ });
    buffer.copyToChannel(samples, 0);
    return new AudioBufferSourceNode(place, { buffer, loop: true });
  });
}

/** An endless sine at −12 dBFS. */
export function createTone(frequencyHz: number, context?: AudioContext): TestSource {
  return play(context, (place) => new OscillatorNode(place, { frequency: frequencyHz }), 0.25);
}

function play(
  given: AudioContext | undefined,
  make: (context: AudioContext) => AudioScheduledSourceNode,
  gain = 1,
): TestSource {
  const context = given ?? new AudioContext({ sampleRate: 48_000 });
  const source = make(context);
  const volume = new GainNode(context, { gain });
  const destination = new MediaStreamAudioDestinationNode(context, { channelCount: 1 });
  source.connect(volume).connect(destination);
  source.start();
  return {
    stream: destination.stream,
    stop: () => {
      source.stop();
      source.disconnect();
      volume.disconnect();
      for (const track of destination.stream.getTracks()) track.stop();
      if (!given && context.state !== 'closed') void context.close();
    },
  };
}

/**
 * Speech-like sound, pure and repeatable: syllables of 120–260 ms in words of one to four, pauses of 80–700 ms, begun
 * and ended in silence. @returns mono samples, peak 0.5.
 */
export function synthesizeVoice(seed: number, seconds: number, rateHz: number): Float32Array<ArrayBuffer> {
  const random = seeded(seed);
  const samples = new Float32Array(Math.round(seconds * rateHz));
  const pitchHz = 95 + 130 * random();
  const tract = new VocalTract(rateHz);
  let at = 0.15;
  while (at < seconds - 0.8) {
    const syllables = 1 + Math.floor(random() * 4);
    for (let n = 0; n < syllables && at < seconds - 0.5; n++) {
      const duration = 0.12 + 0.14 * random();
      const vowel = VOWELS[Math.floor(random() * VOWELS.length)] as (typeof VOWELS)[number];
      const from = Math.round(at * rateHz);
      const melody = pitchHz * (1 + 0.25 * (random() - 0.5) - 0.06 * n);
      tract.speak(samples.subarray(from, from + Math.round(duration * rateHz)), vowel, melody, random);
      at += duration * 0.95;
    }
    at += random() < 0.25 ? 0.35 + 0.35 * random() : 0.08 + 0.12 * random();
  }
  let peak = 0;
  for (const sample of samples) peak = Math.max(peak, Math.abs(sample));
  for (let i = 0; i < samples.length; i++) samples[i] = ((samples[i] as number) * PEAK) / (peak || 1);
  return samples;
}

/** Three resonators in parallel, whose formants glide from vowel to vowel. */
class VocalTract {
  readonly #state = new Float64Array(6);
  readonly #formants: [number, number, number] = [500, 1500, 2500];
  #phase = 0;

  constructor(private readonly rateHz: number) {}

  /** Adds a syllable: a breath of noise as its consonant, then a vowel with falling pitch. */
  speak(
    out: Float32Array,
    vowel: readonly [number, number, number],
    pitchHz: number,
    random: () => number,
  ): void {
    const attack = 0.02 * this.rateHz;
    const glide = 1 - Math.exp(-1 / (0.02 * this.rateHz));
    const noisy = random() < 0.6;
    for (let i = 0; i < out.length; i++) {
      const progress = i / out.length;
      const envelope = Math.min(1, i / attack) * Math.min(1, (out.length - i) / (2 * attack));
      const vibrato = 1 + 0.015 * Math.sin((2 * Math.PI * 5 * i) / this.rateHz);
      this.#phase += (pitchHz * vibrato * (1.05 - 0.12 * progress)) / this.rateHz;
      if (this.#phase >= 1) this.#phase -= 1;
      // Rosenberg's glottal pulse, differentiated: opens slowly, closes at once.
      const open = this.#phase / 0.6;
      const pulse = open < 1 ? 2 * open - 3 * open * open : 0;
      const breath = (random() * 2 - 1) * (noisy && progress < 0.25 ? 0.5 : 0.02);
      let sound = 0;
      for (let f = 0; f < 3; f++) {
        this.#formants[f] =
          (this.#formants[f] as number) + ((vowel[f] as number) - (this.#formants[f] as number)) * glide;
        sound += (FORMANT_GAINS[f] as number) * this.#resonate(f, pulse + breath);
      }
      out[i] = (out[i] as number) + sound * envelope;
    }
  }

  /** Klatt's second-order resonator. */
  #resonate(index: number, input: number): number {
    const radius = Math.exp((-Math.PI * (BANDWIDTHS_HZ[index] as number)) / this.rateHz);
    const c = -radius * radius;
    const b = 2 * radius * Math.cos((2 * Math.PI * (this.#formants[index] as number)) / this.rateHz);
    const first = this.#state[2 * index] as number;
    const output = (1 - b - c) * input + b * first + c * (this.#state[2 * index + 1] as number);
    this.#state[2 * index + 1] = first;
    this.#state[2 * index] = output;
    return output;
  }
}

/** Mulberry32: 0 ≤ x < 1, the same for the same seed everywhere. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
