/**
 * Keeps an audio context running through what browsers and phones do to it: autoplay rules, calls, other apps, a page in
 * the background.
 */

/** WebKit has a fourth state that TypeScript's libraries do not know everywhere. */
export type SoundState = AudioContextState | 'interrupted';

/** https://www.w3.org/TR/audio-session/ (WebKit): tells a phone what the sound is for. */
interface AudioSession {
  type: 'auto' | 'playback' | 'play-and-record';
}

/**
 * Whether to call `resume()` now.
 *
 * - Only from `suspended`: during an interruption (a phone call) WebKit rejects it and may then never resume.
 * - Without a gesture only where sound has already been allowed, and only while the page is seen: elsewhere browsers
 *   leave the promise pending.
 */
export function shouldResume(
  state: SoundState,
  { hasRun, isVisible, isGesture }: { hasRun: boolean; isVisible: boolean; isGesture: boolean },
): boolean {
  return state === 'suspended' && (isGesture || (hasRun && isVisible));
}

/** Rooms on this page that use the microphone or play: the last one to close gives the session back. */
let sessionsOpen = 0;

export class SoundKeeper {
  #hasRun = false;
  #isClosed = false;

  /** @param onChange the sound started, or was stopped by the browser. */
  constructor(
    private readonly context: AudioContext,
    private readonly onChange: () => void,
  ) {
    sessionsOpen += 1;
    setAudioSession('play-and-record');
    context.addEventListener('statechange', this.#onState);
    document.addEventListener('visibilitychange', this.#onVisible);
  }

  /** The browser plays nothing now. */
  get isSilenced(): boolean {
    return this.context.state !== 'running';
  }

  /** Something else has the sound, such as a call; it gives it back by itself. */
  get isInterrupted(): boolean {
    return (this.context.state as SoundState) === 'interrupted';
  }

  /** Call inside a gesture where the browser demands one. */
  async resume(): Promise<void> {
    await this.#resumeIf(true);
  }

  /** Gives up watching. The context stays the caller's. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    sessionsOpen -= 1;
    if (sessionsOpen === 0) setAudioSession('auto');
    this.context.removeEventListener('statechange', this.#onState);
    document.removeEventListener('visibilitychange', this.#onVisible);
  }

  async #resumeIf(isGesture: boolean): Promise<void> {
    const isVisible = document.visibilityState === 'visible';
    if (!shouldResume(this.context.state, { hasRun: this.#hasRun, isVisible, isGesture })) return;
    await this.context.resume();
    this.#hasRun = true;
  }

  readonly #onState = (): void => {
    this.#hasRun ||= this.context.state === 'running';
    this.onChange();
    this.#resumeByItself();
  };

  readonly #onVisible = (): void => this.#resumeByItself();

  #resumeByItself(): void {
    // Refused: the button that `isSilenced` shows is the way on.
    this.#resumeIf(false).catch((error: unknown) => console.debug('p2p-voice-room: sound', error));
  }
}

/** Without it iOS plays a call through the earpiece's volume, and silences it with the ringer switch. */
function setAudioSession(type: AudioSession['type']): void {
  const { audioSession } = navigator as { audioSession?: AudioSession };
  if (audioSession) audioSession.type = type;
}
