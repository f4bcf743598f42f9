/**
 * libopus without its package's wrapper, which copies and allocates on every call.
 *
 * One module instance per global scope (worker, worklet). Calls are synchronous and one at a time, so all encoders and
 * decoders share one scratch area in its memory: 24 kB. An encoder takes about 30 kB more, a decoder about 20 kB.
 * Nothing here allocates after construction. What comes from the network never throws: −1 says "not decodable".
 */

import type { LibopusModule } from '../../node_modules/libopus-wasm/dist/generated/libopus.generated.mjs';
import createModule from '../../node_modules/libopus-wasm/dist/generated/libopus.generated.mjs';
import { SAMPLE_RATE_HZ } from '../units.js';
import { MAX_OPUS_FRAME_BYTES } from '../wire/voice-packet.js';

/** Longest Opus packet, 120 ms (RFC 6716, section 3.2): what a decoder may be asked to hold. */
const MAX_PACKET_SAMPLES = 5760;

/** PLC and FEC work in steps of 2.5 ms. */
const STEP_SAMPLES = 120;

// opus_defines.h
const APPLICATION_VOIP = 2048;
const APPLICATION_AUDIO = 2049;
const SIGNAL_VOICE = 3001;
const SET_BITRATE = 4002;
const SET_COMPLEXITY = 4010;
const SET_INBAND_FEC = 4012;
const SET_PACKET_LOSS_PERCENT = 4014;
const SET_SIGNAL = 4024;

export interface EncoderOptions {
  /** bit/s, 6000–510000. */
  readonly bitrate: number;
  /** 480 (10 ms), 960 (20 ms), 1920 or 2880. */
  readonly frameSamples: number;
  /** `voip` (default) favours intelligible speech, `audio` fidelity. */
  readonly application?: 'voip' | 'audio';
  /** 0–10: CPU for quality. Default 9. */
  readonly complexity?: number;
}

/** One encoder, mono at 48 kHz. */
export interface OpusEncoder {
  /**
   * @param samples exactly `frameSamples` samples, −1…1
   * @returns a view into the codec's memory, valid until its next call: copy it. Empty when libopus refused the input.
   */
  encode(samples: Float32Array): Uint8Array;
  /** bit/s. */
  setBitrate(bitrate: number): void;
  /** 0–100: how much loss to prepare for; FEC is only spent above 0. */
  setPacketLossPercent(percent: number): void;
  setFec(enabled: boolean): void;
  free(): void;
}

/** One decoder, mono at 48 kHz. */
export interface OpusDecoder {
  /** Decodes a frame into the front of `out`. @returns samples written, or −1 when malformed or longer than `out`. */
  decode(frame: Uint8Array, out: Float32Array): number;
  /**
   * Rebuilds the lost frame before `nextFrame` from the redundancy in it (concealment where it carries none).
   * @param samples duration of the lost frame, a multiple of 120. @returns samples written or −1.
   */
  decodeFec(nextFrame: Uint8Array, out: Float32Array, samples?: number): number;
  /** Invents a continuation. @param samples how much, a multiple of 120 (of 480 in speech modes). @returns as `decode`. */
  conceal(out: Float32Array, samples?: number): number;
  free(): void;
}

export interface Opus {
  /** @throws Error when libopus refuses the options or memory is out. */
  createEncoder(options: EncoderOptions): OpusEncoder;
  /** @throws Error when memory is out. */
  createDecoder(): OpusDecoder;
}

let loading: Promise<Opus> | undefined;

/** The codec of this global scope, compiled once. @throws WebAssembly.RuntimeError where a CSP forbids WebAssembly. */
export function loadOpus(): Promise<Opus> {
  loading ??= createModule().then((module) => {
    const memory = new CodecMemory(module);
    return {
      createEncoder: (options) => new WasmEncoder(memory, options),
      createDecoder: () => new WasmDecoder(memory),
    };
  });
  return loading;
}

/** The scratch area and views of it, made anew only when the module's memory was replaced by growing. */
class CodecMemory {
  readonly packetPointer: number;
  readonly pcmPointer: number;
  readonly #packets: (Uint8Array<ArrayBuffer> | undefined)[] = [];
  readonly #pcm = new Map<number, Float32Array<ArrayBuffer>>();
  #heap: Uint8Array<ArrayBuffer>;

  constructor(readonly module: LibopusModule) {
    this.packetPointer = this.allocate(MAX_OPUS_FRAME_BYTES);
    this.pcmPointer = this.allocate(MAX_PACKET_SAMPLES * 4);
    this.#heap = module.HEAPU8;
  }

  /** @throws Error when memory is out. */
  allocate(bytes: number): number {
    const pointer = this.module._malloc(bytes);
    if (pointer === 0) throw new Error('libopus is out of memory');
    return pointer;
  }

  /** The packet area's first `length` bytes; one view per length is kept, so at most 500. */
  packet(length: number): Uint8Array<ArrayBuffer> {
    this.#refresh();
    return (this.#packets[length] ??= this.#heap.subarray(this.packetPointer, this.packetPointer + length));
  }

  /** The sample area's first `samples` samples; one view per multiple of 120 up to 5760, so at most 48. */
  pcm(samples: number): Float32Array<ArrayBuffer> {
    this.#refresh();
    let view = this.#pcm.get(samples);
    if (!view) {
      const start = this.pcmPointer >> 2;
      view = this.module.HEAPF32.subarray(start, start + samples);
      this.#pcm.set(samples, view);
    }
    return view;
  }

  #refresh(): void {
    if (this.#heap === this.module.HEAPU8) return;
    this.#heap = this.module.HEAPU8;
    this.#packets.length = 0;
    this.#pcm.clear();
  }
}

/** @throws Error when `create` reports one through the error word it is given. */
function created(memory: CodecMemory, create: (errorPointer: number) => number): number {
  const { module } = memory;
  const errorPointer = memory.allocate(4);
  const pointer = create(errorPointer);
  const code = module.HEAP32[errorPointer >> 2] ?? 0;
  module._free(errorPointer);
  if (pointer === 0 || code !== 0) throw new Error(`libopus refused to start (${code})`);
  return pointer;
}

class WasmEncoder implements OpusEncoder {
  readonly #memory: CodecMemory;
  readonly #frameSamples: number;
  #pointer: number;

  constructor(memory: CodecMemory, options: EncoderOptions) {
    this.#memory = memory;
    this.#frameSamples = options.frameSamples;
    const application = options.application === 'audio' ? APPLICATION_AUDIO : APPLICATION_VOIP;
    this.#pointer = created(memory, (error) =>
      memory.module._oc_create_encoder(SAMPLE_RATE_HZ, 1, application, error),
    );
    this.setBitrate(options.bitrate);
    this.#set(SET_COMPLEXITY, options.complexity ?? 9);
    if (application === APPLICATION_VOIP) this.#set(SET_SIGNAL, SIGNAL_VOICE);
  }

  encode(samples: Float32Array): Uint8Array {
    const { module, packetPointer, pcmPointer } = this.#memory;
    if (this.#pointer === 0 || samples.length !== this.#frameSamples) return this.#memory.packet(0);
    this.#memory.pcm(this.#frameSamples).set(samples);
    const length = module._oc_encode_float(
      this.#pointer,
      pcmPointer,
      this.#frameSamples,
      packetPointer,
      MAX_OPUS_FRAME_BYTES,
    );
    return this.#memory.packet(Math.max(0, length));
  }

  setBitrate(bitrate: number): void {
    this.#set(SET_BITRATE, Math.round(bitrate));
  }

  setPacketLossPercent(percent: number): void {
    this.#set(SET_PACKET_LOSS_PERCENT, Math.round(Math.min(100, Math.max(0, percent))));
  }

  setFec(enabled: boolean): void {
    this.#set(SET_INBAND_FEC, enabled ? 1 : 0);
  }

  free(): void {
    if (this.#pointer !== 0) this.#memory.module._oc_destroy_encoder(this.#pointer);
    this.#pointer = 0;
  }

  /** @throws RangeError when libopus rejects the value: a bug of the caller. */
  #set(request: number, value: number): void {
    if (this.#pointer === 0) return;
    const code = this.#memory.module._oc_encoder_ctl(this.#pointer, request, value);
    if (code < 0) throw new RangeError(`libopus rejects ${value} for request ${request} (${code})`);
  }
}

class WasmDecoder implements OpusDecoder {
  readonly #memory: CodecMemory;
  #pointer: number;

  constructor(memory: CodecMemory) {
    this.#memory = memory;
    this.#pointer = created(memory, (error) => memory.module._oc_create_decoder(SAMPLE_RATE_HZ, 1, error));
  }

  decode(frame: Uint8Array, out: Float32Array): number {
    return this.#decode(frame, out, out.length - (out.length % STEP_SAMPLES), 0);
  }

  decodeFec(nextFrame: Uint8Array, out: Float32Array, samples = out.length): number {
    return this.#decode(nextFrame, out, samples, 1);
  }

  conceal(out: Float32Array, samples = out.length): number {
    return this.#decode(undefined, out, samples, 0);
  }

  free(): void {
    if (this.#pointer !== 0) this.#memory.module._oc_destroy_decoder(this.#pointer);
    this.#pointer = 0;
  }

  #decode(frame: Uint8Array | undefined, out: Float32Array, samples: number, fec: number): number {
    const { module, packetPointer, pcmPointer } = this.#memory;
    if (this.#pointer === 0 || samples <= 0 || samples > out.length || samples % STEP_SAMPLES !== 0)
      return -1;
    const bytes = frame ? frame.length : 0;
    if (bytes > MAX_OPUS_FRAME_BYTES || (frame && bytes === 0)) return -1;
    if (frame) module.HEAPU8.set(frame, packetPointer);
    const wanted = Math.min(samples, MAX_PACKET_SAMPLES);
    const written = module._oc_decode_float(
      this.#pointer,
      frame ? packetPointer : 0,
      bytes,
      pcmPointer,
      wanted,
      fec,
    );
    if (written <= 0) return -1;
    out.set(this.#memory.pcm(written));
    return written;
  }
}
