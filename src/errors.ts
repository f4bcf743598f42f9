/**
 * Why something did not work. Closed on purpose: a page can switch over it and translate it.
 *
 * | reason | what the person can do |
 * |---|---|
 * | `insecure-context` | open the page over HTTPS |
 * | `unsupported-browser` | use a current browser |
 * | `microphone-denied` | allow the microphone and join again; listening works meanwhile |
 * | `microphone-missing` | connect a microphone; listening works meanwhile |
 * | `microphone-changed` | nothing, or choose: the microphone went away and another one took its place until it is back |
 * | `output-changed` | nothing, or choose: the chosen loudspeaker is not there, the default one plays |
 * | `no-signaling` | check the connection; the room keeps trying |
 * | `signaling-degraded` | nothing: one of two networks is out of reach, the other carries on |
 * | `wrong-password` | ask for the password and join again |
 * | `room-full` | try later: every member has as many links as it can keep |
 * | `codec-refused` | let the page allow WebAssembly (`'wasm-unsafe-eval'`) |
 * | `load-failed` | reload: a file that joining needs did not load |
 * | `storage-refused` | nothing: preferences last for this visit |
 * | `audio-blocked` | press the button that starts the sound |
 * | `link-failed` | a network in between blocks direct connections; ask for a TURN server |
 * | `wrong-state` | a method was called when it makes no sense (a programming error) |
 * | `invalid-argument` | a method was called with a value out of range (a programming error) |
 * | `unknown-peer` | a method named somebody who is not here (a programming error) |
 */
export type VoiceRoomErrorReason =
  | 'insecure-context'
  | 'unsupported-browser'
  | 'microphone-denied'
  | 'microphone-missing'
  | 'microphone-changed'
  | 'output-changed'
  | 'no-signaling'
  | 'signaling-degraded'
  | 'wrong-password'
  | 'room-full'
  | 'codec-refused'
  | 'load-failed'
  | 'storage-refused'
  | 'audio-blocked'
  | 'link-failed'
  | 'wrong-state'
  | 'invalid-argument'
  | 'unknown-peer';

/** The one error class of the package. `message` is a sentence that says what to do next. */
export class VoiceRoomError extends Error {
  override readonly name = 'VoiceRoomError';

  /**
   * @param reason machine-readable cause
   * @param message what happened and what the person can do about it
   * @param recoverable true when the room goes on (perhaps with less); false when nothing more happens without the person
   */
  constructor(
    readonly reason: VoiceRoomErrorReason,
    message: string,
    readonly recoverable: boolean = true,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
