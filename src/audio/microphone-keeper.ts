/**
 * Keeps a microphone open through what happens to devices: another one chosen, the one in use unplugged and plugged in
 * again, the permission taken back. Whoever owns it connects the streams it hands out; it stops their tracks itself.
 */

import { VoiceRoomError } from '../errors.js';
import { microphoneError, openMicrophone, type MicrophoneOptions } from './microphone.js';

export interface MicrophoneHandlers {
  /** Capture this from now on; null = there is none at present. */
  onStream(stream: MediaStream | null): Promise<void>;
  onTrouble(error: VoiceRoomError): void;
  /** What was said by `onTrouble` is over. */
  onMended(): void;
}

/**
 * Which microphone should be open, when devices came or went.
 * @param wish the chosen device, or the first that was opened when none was chosen.
 * @param inUse '' = none.
 * @param present ids of the microphones that are there.
 * @returns `wish` or `default` to be opened; `stay` when nothing has to change.
 */
export function microphoneStep(
  wish: string,
  inUse: string,
  present: readonly string[],
): 'stay' | 'wish' | 'default' {
  if (inUse !== '' && inUse === wish) return 'stay';
  if (wish !== '' && present.includes(wish)) return 'wish';
  return inUse === '' && present.length > 0 ? 'default' : 'stay';
}

export class MicrophoneKeeper {
  #options: MicrophoneOptions | undefined;
  #stream: MediaStream | undefined;
  /** See `microphoneStep`. */
  #wish = '';
  /** Not asked for again until the person wants it: the browser would ask or refuse every time. */
  #isRefused = false;
  /** Counts up with every change: an answer to an older request is not used. */
  #request = 0;

  constructor(private readonly handlers: MicrophoneHandlers) {}

  /**
   * Opens the microphone with these settings, in place of one that is open. Never throws: trouble goes to the
   * handlers, and one can listen without a microphone.
   */
  async open(options: MicrophoneOptions): Promise<void> {
    this.#options = options;
    this.#wish = options.deviceId ?? '';
    this.#isRefused = false;
    // `typeof`: absent on insecure pages, whatever the types say.
    if (typeof navigator.mediaDevices?.addEventListener === 'function')
      navigator.mediaDevices.addEventListener('devicechange', this.#onDevices);
    await this.#reopen(this.#wish);
  }

  /** Lets the microphone go. `open` may follow. */
  close(): void {
    this.#request += 1;
    this.#options = undefined;
    navigator.mediaDevices?.removeEventListener?.('devicechange', this.#onDevices);
    this.#drop();
  }

  async #reopen(deviceId: string): Promise<void> {
    const { handlers } = this;
    const options = this.#options;
    if (!options) return;
    const request = ++this.#request;
    let stream: MediaStream | undefined;
    let trouble: VoiceRoomError | undefined;
    try {
      stream = await openMicrophone({ ...options, deviceId });
    } catch (error) {
      trouble = error instanceof VoiceRoomError ? error : microphoneError(error);
      if (deviceId !== '' && trouble.reason === 'microphone-missing') {
        try {
          stream = await openMicrophone({ ...options, deviceId: '' });
          trouble = elsewhere();
        } catch (second) {
          trouble = second instanceof VoiceRoomError ? second : microphoneError(second);
        }
      }
    }
    if (request !== this.#request) {
      stopTracks(stream);
      return;
    }
    await this.#use(stream, trouble);
    if (request !== this.#request) return;
    if (trouble) handlers.onTrouble(trouble);
    else handlers.onMended();
  }

  /** Hands the new stream out before the old one ends, so that there is no hole between them. */
  async #use(stream: MediaStream | undefined, trouble: VoiceRoomError | undefined): Promise<void> {
    const old = this.#stream;
    this.#stream = stream;
    this.#isRefused = trouble?.reason === 'microphone-denied';
    const track = stream?.getAudioTracks()[0];
    if (track) {
      this.#wish ||= track.getSettings().deviceId ?? '';
      // Only the device or the browser ends a track with an event: unplugged, or the permission was taken back.
      track.addEventListener('ended', () => this.#onEnded(stream), { once: true });
    }
    try {
      await this.handlers.onStream(stream ?? null);
    } catch (error) {
      this.handlers.onTrouble(error instanceof VoiceRoomError ? error : microphoneError(error));
    } finally {
      stopTracks(old);
    }
  }

  #drop(): void {
    stopTracks(this.#stream);
    this.#stream = undefined;
  }

  #onEnded(stream: MediaStream | undefined): void {
    if (stream !== this.#stream) return;
    this.#drop();
    void this.#replaceLost();
  }

  async #replaceLost(): Promise<void> {
    const request = this.#request;
    if (await isDenied()) {
      if (request !== this.#request) return;
      await this.#use(undefined, REVOKED());
      this.handlers.onTrouble(REVOKED());
      return;
    }
    const present = await microphones();
    if (request !== this.#request) return;
    // The one in use is gone; whether the wished one is still listed decides.
    const step = microphoneStep(this.#wish, '', present);
    await this.#reopen(step === 'wish' ? this.#wish : '');
    // Another than the wished one: the person should know which one hears them.
    if (this.#stream && inUse(this.#stream) !== this.#wish) this.handlers.onTrouble(elsewhere());
  }

  readonly #onDevices = (): void => {
    void microphones().then((present) => {
      if (this.#isRefused || !this.#options) return undefined;
      const step = microphoneStep(this.#wish, inUse(this.#stream), present);
      return step === 'stay' ? undefined : this.#reopen(step === 'wish' ? this.#wish : '');
    });
  };
}

const elsewhere = (): VoiceRoomError =>
  new VoiceRoomError(
    'microphone-changed',
    'Your microphone is not connected. Another one is used until it is back; choose one in the settings.',
  );

const REVOKED = (): VoiceRoomError =>
  new VoiceRoomError(
    'microphone-denied',
    'The microphone was taken away from this page. Allow it in the address bar, then press “Use microphone”; you can listen.',
  );

function inUse(stream: MediaStream | undefined): string {
  return stream?.getAudioTracks()[0]?.getSettings().deviceId ?? '';
}

function stopTracks(stream: MediaStream | undefined): void {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

async function microphones(): Promise<string[]> {
  const devices = await navigator.mediaDevices.enumerateDevices();
  // Before permission ids are empty and tell nothing.
  return devices
    .filter(({ kind, deviceId }) => kind === 'audioinput' && deviceId !== '')
    .map((one) => one.deviceId);
}

/** True only when the browser says so; some cannot be asked. */
async function isDenied(): Promise<boolean> {
  try {
    const { state } = await navigator.permissions.query({ name: 'microphone' as PermissionName });
    // `prompt` says nothing: Firefox answers it for a permission of this visit too.
    return state === 'denied';
  } catch {
    return false; // Asking for the microphone again will tell.
  }
}
