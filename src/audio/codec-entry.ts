/**
 * The codec's own file: a classic script that the worker loads by `importScripts` and the worklet by `addModule`, so
 * that neither carries a copy of it. Both find it under the global name that `opus-global.ts` declares.
 */

import { loadOpus } from './codec.js';
import './opus-global.js';

globalThis.p2pVoiceRoomOpus = { loadOpus };
