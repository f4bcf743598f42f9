/**
 * Where the files that only joining needs are found: beside the bundle, relative to the module's own URL, so that
 * they come from wherever the module came from, another origin such as a CDN included. The build rewrites the two
 * leading `..` for the one-file bundle.
 */

export const workerUrl = new URL('../../p2p-voice-room.worker.js', import.meta.url).href;
export const workletUrl = new URL('../../p2p-voice-room.worklet.js', import.meta.url).href;
export const codecUrl = new URL('../../p2p-voice-room.codec.js', import.meta.url).href;
export const doorbellUrl = new URL('../../p2p-voice-room.doorbell.js', import.meta.url).href;
/** Loaded only when one of the room's panels is opened. */
export const panelsUrl = new URL('../../p2p-voice-room.panels.js', import.meta.url).href;
/** Loaded only for `noise-suppression="strong"`. */
export const suppressorUrls = {
  workletUrl: new URL('../../p2p-voice-room.suppressor.js', import.meta.url).href,
  wasmUrl: new URL('../../p2p-voice-room.suppressor.wasm', import.meta.url).href,
};
