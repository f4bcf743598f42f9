/**
 * The device the room is heard on. Where an `AudioContext` can choose its own (Chromium), it does; elsewhere the sound
 * goes through a stream into an audio element that can (Firefox, Safari 18), which delays it by that element's
 * buffer, so only for as long as another device than the default is wanted.
 */

/** TypeScript's libraries do not have it yet. */
interface ContextWithSink extends AudioContext {
  setSinkId?(deviceId: string): Promise<void>;
}

export class SoundOutput {
  /** The device in use; '' = the system's default. */
  deviceId = '';

  readonly #context: ContextWithSink;
  #element: HTMLAudioElement | undefined;
  #stream: MediaStreamAudioDestinationNode | undefined;
  #isClosed = false;

  /** @param onNode called whenever the sound has to go to another node. */
  constructor(
    context: AudioContext,
    private readonly onNode: (node: AudioNode) => void,
  ) {
    this.#context = context;
  }

  /**
   * @param deviceId as `enumerateDevices` names it; '' = the default.
   * @throws DOMException `NotFoundError` for a device that is not there, `NotAllowedError` without permission; the
   * sound then stays where it was.
   */
  async setDevice(deviceId: string): Promise<void> {
    if (deviceId === this.deviceId || this.#isClosed) return;
    if (this.#context.setSinkId) await this.#context.setSinkId(deviceId);
    else if (deviceId === '') this.#dropElement();
    else await this.#playThroughElement(deviceId);
    this.deviceId = deviceId;
  }

  close(): void {
    this.#isClosed = true;
    this.#dropElement();
  }

  async #playThroughElement(deviceId: string): Promise<void> {
    const element = this.#element ?? new Audio();
    await element.setSinkId(deviceId);
    if (this.#isClosed || this.#element) return;
    this.#element = element;
    this.#stream = this.#context.createMediaStreamDestination();
    element.srcObject = this.#stream.stream;
    await element.play();
    this.onNode(this.#stream);
  }

  #dropElement(): void {
    if (!this.#element) return;
    if (!this.#isClosed) this.onNode(this.#context.destination);
    this.#element.pause();
    this.#element.srcObject = null;
    for (const track of this.#stream?.stream.getTracks() ?? []) track.stop();
    this.#stream?.disconnect();
    this.#element = undefined;
    this.#stream = undefined;
  }
}
