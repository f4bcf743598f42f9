/** How worker and worklet reach the codec, which is loaded beside them and never bundled into them. */

import type { Opus } from './codec.js';

export interface OpusGlobal {
  loadOpus(): Promise<Opus>;
}

declare global {
  var p2pVoiceRoomOpus: OpusGlobal | undefined;
}

/**
 * The codec of this global scope.
 * @throws Error when the codec's file was not loaded here first, or WebAssembly is forbidden.
 */
export async function loadSharedOpus(): Promise<Opus> {
  const codec = globalThis.p2pVoiceRoomOpus;
  if (!codec) throw new Error('the codec script was not loaded');
  return codec.loadOpus();
}
