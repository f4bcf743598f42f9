/** Keeps the screen on during a conversation, so that a phone does not fall asleep and with it the voice. */

/** ms after the last word: longer than people think before they answer, short beside a phone's battery. */
const CONVERSATION_PAUSE_MS = 60_000;

export class ConversationWakeLock {
  #isEnabled = false;
  #lock: WakeLockSentinel | undefined;
  #isAsking = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  setEnabled(enabled: boolean): void {
    if (enabled === this.#isEnabled) return;
    this.#isEnabled = enabled;
    if (enabled) document.addEventListener('visibilitychange', this.#onVisible);
    else this.close();
  }

  /** Somebody speaks. */
  touch(): void {
    if (!this.#isEnabled) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#release(), CONVERSATION_PAUSE_MS);
    void this.#acquire();
  }

  close(): void {
    this.#isEnabled = false;
    document.removeEventListener('visibilitychange', this.#onVisible);
    this.#release();
  }

  /** The browser takes the lock from a hidden page; a conversation that goes on gets it back. */
  readonly #onVisible = (): void => {
    if (this.#timer !== undefined) void this.#acquire();
  };

  async #acquire(): Promise<void> {
    if (this.#isAsking || (this.#lock && !this.#lock.released)) return;
    if (document.visibilityState !== 'visible') return;
    // Absent in older browsers and where the page's permissions policy forbids it.
    const { wakeLock } = navigator as { wakeLock?: WakeLock };
    if (!wakeLock) return;
    this.#isAsking = true;
    try {
      this.#lock = await wakeLock.request('screen');
      if (this.#timer === undefined) this.#release();
    } catch (error) {
      // Low battery, for instance: the room works without it.
      console.debug('p2p-voice-room: wake lock', error);
    } finally {
      this.#isAsking = false;
    }
  }

  #release(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lock = this.#lock;
    this.#lock = undefined;
    lock?.release().catch((error: unknown) => console.debug('p2p-voice-room: wake lock', error));
  }
}
