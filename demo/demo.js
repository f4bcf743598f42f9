// What every demo page shares: light or dark, and a test voice in place of the microphone.
import { createTestVoice } from '/dist/p2p-voice-room.test-voice.js';

for (const choice of document.querySelectorAll('.choice')) {
  const buttons = [...choice.querySelectorAll('button')];
  for (const button of buttons)
    button.addEventListener('click', () => {
      document.documentElement.dataset.scheme = button.value;
      for (const each of buttons) each.setAttribute('aria-pressed', String(each === button));
    });
}

/**
 * Lets a checkbox choose what a room sends. The voice is made on this page; a random seed gives each tab its own.
 *
 * @param {HTMLInputElement} checkbox
 * @param {{microphone: MediaStream | null}} room the element, or a VoiceRoom
 */
export function offerTestVoice(checkbox, room) {
  let voice;
  const apply = () => {
    voice?.stop();
    voice = checkbox.checked ? createTestVoice({ seed: Math.floor(Math.random() * 1e6) }) : undefined;
    room.microphone = voice?.stream ?? null;
  };
  checkbox.addEventListener('change', apply);
  // Browsers restore ticked boxes on reload, without an event and without a gesture: start from the microphone.
  checkbox.checked = false;
}

const checkbox = document.querySelector('#test-voice');
const room = document.querySelector('p2p-voice-room');
if (checkbox && room) {
  await customElements.whenDefined('p2p-voice-room');
  offerTestVoice(checkbox, room);
}
