/** The exports of libopus-wasm's generated module that the codec calls; pointers are byte offsets into its memory. */
declare module '*/libopus.generated.mjs' {
  export interface LibopusModule {
    /** Views of the module's memory; replaced when it grows. */
    readonly HEAPU8: Uint8Array<ArrayBuffer>;
    readonly HEAPF32: Float32Array<ArrayBuffer>;
    readonly HEAP32: Int32Array<ArrayBuffer>;
    _malloc(bytes: number): number;
    _free(pointer: number): void;
    _oc_create_encoder(
      sampleRateHz: number,
      channels: number,
      application: number,
      errorPointer: number,
    ): number;
    _oc_destroy_encoder(encoder: number): void;
    _oc_encode_float(
      encoder: number,
      pcm: number,
      frameSamples: number,
      packet: number,
      maxBytes: number,
    ): number;
    _oc_encoder_ctl(encoder: number, request: number, value: number): number;
    _oc_create_decoder(sampleRateHz: number, channels: number, errorPointer: number): number;
    _oc_destroy_decoder(decoder: number): void;
    _oc_decode_float(
      decoder: number,
      packet: number,
      packetBytes: number,
      pcm: number,
      frameSamples: number,
      fec: number,
    ): number;
  }
  export default function createModule(): Promise<LibopusModule>;
}
