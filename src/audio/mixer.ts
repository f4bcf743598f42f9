/**
 * The page's side of the listener's desk: one worklet node in which every voice is decoded and mixed (`desk.ts`), and
 * where its sound goes. The sound itself never waits for this thread.
 *
 * ```
 * desk node: (jitter buffer ─ Opus ─ tone ─ levelling ─ gain ─ pan) × speakers ─ volume ─ limiter ─► output
 * ```
 */

import type { Handle } from '../units.js';
import { DESK_PROCESSOR, type FromNode, type ToNode } from './messages.js';
import type { SpeakerDesk } from './voice-strip.js';

export interface MixerOptions {
  /** Where the sound goes instead of the context's destination (another device, tests, recording). */
  readonly outputNode?: AudioNode;
  /** The codec did not start in the worklet: nobody will be heard. */
  readonly onCodecFailed?: (message: string) => void;
}

export class Mixer {
  readonly #node: AudioWorkletNode;
  #output: AudioNode;
  #volume = 1;
  #isDeafened = false;
  #isLevelling = false;
  #isClosed = false;

  /**
   * @param context with the codec's and the worklet's file already added.
   * @param playoutPort where the room's core posts `ToPlayout`; handed to the worklet.
   */
  constructor(context: BaseAudioContext, playoutPort: MessagePort, options: MixerOptions = {}) {
    this.#node = new AudioWorkletNode(context, DESK_PROCESSOR, {
      numberOfInputs: 0,
      outputChannelCount: [2],
    });
    this.#node.port.onmessage = ({ data }: MessageEvent<FromNode>) => {
      if (data.type === 'codec-failed') options.onCodecFailed?.(data.message);
    };
    this.#post({ type: 'port', port: playoutPort }, [playoutPort]);
    this.#output = options.outputNode ?? context.destination;
    this.#node.connect(this.#output);
  }

  /** Adds a speaker, or changes how one is heard. Values out of range are held at its ends. */
  setSpeaker(source: Handle, desk: SpeakerDesk): void {
    const { gain, pan, tone, audible } = desk;
    this.#post({ type: 'speaker', source, desk: { gain, pan, tone, audible } });
  }

  /** Fades the speaker out and forgets it. */
  removeSpeaker(source: Handle): void {
    this.#post({ type: 'speaker-gone', source });
  }

  /** Of everybody, linear, held within 0–4. */
  setVolume(volume: number): void {
    this.#volume = volume;
    this.#postMaster();
  }

  /** Evens out loud and quiet people (`leveller.ts`). */
  setLevelling(on: boolean): void {
    this.#isLevelling = on;
    this.#postMaster();
  }

  setDeafened(deafened: boolean): void {
    this.#isDeafened = deafened;
    this.#postMaster();
  }

  /** Sends the sound elsewhere from now on. */
  setOutput(output: AudioNode): void {
    if (output === this.#output || this.#isClosed) return;
    this.#node.connect(output);
    this.#node.disconnect(this.#output);
    this.#output = output;
  }

  /** Takes everything down. The context stays the caller's. */
  close(): void {
    if (this.#isClosed) return;
    this.#post({ type: 'close' });
    this.#isClosed = true;
    this.#node.port.onmessage = null;
    this.#node.disconnect();
  }

  #postMaster(): void {
    const volume = this.#isDeafened ? 0 : this.#volume;
    this.#post({ type: 'master', volume, levelling: this.#isLevelling });
  }

  #post(message: ToNode, transfer: Transferable[] = []): void {
    if (!this.#isClosed) this.#node.port.postMessage(message, transfer);
  }
}
