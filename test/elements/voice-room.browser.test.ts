import {
  aTimeout,
  expect,
  fixture,
  fixtureCleanup,
  html,
  nextFrame,
  oneEvent,
  waitUntil,
} from '@open-wc/testing';
import { ContextConsumer } from '@lit/context';
import { LitElement } from 'lit';
import { roomContext } from '../../src/elements/context.js';
import { VoiceRoomError } from '../../src/errors.js';
import { P2PVoiceRoomElement } from '../../src/elements/voice-room-element.js';
import { PeerJoinEvent, RoomErrorEvent, SpeakingChangeEvent } from '../../src/room/events.js';
import { defineScripted, idOf, part, peer, ScriptedVoiceRoomElement } from './scripted-room.js';

defineScripted();

const room = (name = 'den') =>
  fixture<ScriptedVoiceRoomElement>(html`<scripted-voice-room room=${name}></scripted-voice-room>`);

async function joined(name = 'den'): Promise<ScriptedVoiceRoomElement> {
  const element = await room(name);
  await element.join();
  await element.updateComplete;
  return element;
}

async function rejectionOf(promise: Promise<unknown>): Promise<VoiceRoomError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).to.be.instanceOf(VoiceRoomError);
  return error as VoiceRoomError;
}

/** Warnings of ours; Lit's own in development are none of these tests' business. */
function recordWarnings(): { texts: string[]; stop: () => void } {
  const original = console.warn;
  const texts: string[] = [];
  console.warn = (...values: unknown[]) =>
    void (String(values[0]).startsWith('<') && texts.push(String(values[0])));
  return { texts, stop: () => (console.warn = original) };
}

beforeEach(() => {
  ScriptedVoiceRoomElement.prepare = () => undefined;
  localStorage.clear();
  sessionStorage.clear();
});

describe('<p2p-voice-room> attributes', () => {
  it('has a property for each, with its default', async () => {
    const element = await fixture<ScriptedVoiceRoomElement>(
      html`<scripted-voice-room></scripted-voice-room>`,
    );
    expect(element).to.include({
      room: undefined,
      appId: location.host,
      password: undefined,
      autojoin: false,
      muted: false,
      deafened: false,
      pushToTalk: undefined,
      trackers: undefined,
      nostrRelays: undefined,
      iceServers: undefined,
      iceTransportPolicy: 'all',
      maxLinks: undefined,
      uploadSlots: undefined,
      uploadKbps: undefined,
      listenOnly: false,
      voiceActivation: 'auto',
      bitrate: 32_000,
      frameMs: 20,
      echoCancellation: true,
      noiseSuppression: true,
      autoGainControl: true,
      inputDevice: '',
      outputDevice: '',
      volume: 1,
      levelling: false,
      spread: false,
      wakeLock: false,
      microphone: null,
      state: 'idle',
      selfId: undefined,
      identity: undefined,
    });
    expect(element.signaling).to.deep.equal(['torrent', 'nostr']);
    expect(element.peers).to.deep.equal([]);
    expect(element.overlay).to.deep.equal({ links: [], trees: [] });
    expect(element.displayName).to.match(/^\w+ \w+$/);
  });

  it('hands them to the room at join', async () => {
    const element = await fixture<ScriptedVoiceRoomElement>(
      html`<scripted-voice-room
        room="den"
        app-id="app"
        password="secret"
        display-name="Ada"
        signaling="nostr"
        nostr-relays="ws://localhost:1"
        max-links="4"
        upload-slots="0"
        voice-activation="-40"
        bitrate="64000"
        echo-cancellation="off"
        noise-suppression="strong"
        volume="0.5"
        levelling
        spread
        input-device="mic"
        output-device="phones"
        wake-lock
      ></scripted-voice-room>`,
    );
    await element.join();
    expect(element.scripted.options).to.deep.include({
      room: 'den',
      appId: 'app',
      password: 'secret',
      displayName: 'Ada',
      signaling: ['nostr'],
      nostrRelays: ['ws://localhost:1'],
      maxLinks: 4,
      uploadSlots: 0,
      voiceActivation: -40,
      bitrate: 64_000,
      echoCancellation: false,
      noiseSuppression: 'strong',
      volume: 0.5,
      levelling: true,
      spread: true,
      inputDevice: 'mic',
      outputDevice: 'phones',
      wakeLock: true,
      muted: false,
      listenOnly: false,
      microphone: null,
    });
  });

  it('warns once about a bad value and falls back', async () => {
    const warnings = recordWarnings();
    try {
      const element = await fixture<ScriptedVoiceRoomElement>(
        html`<scripted-voice-room room="den" max-links="99" bitrate="loud"></scripted-voice-room>`,
      );
      expect(element.maxLinks).to.equal(undefined);
      expect(element.bitrate).to.equal(32_000);
      element.setAttribute('max-links', '6');
      element.setAttribute('max-links', '99');
      element.setAttribute('max-links', '99');
      expect(element.maxLinks).to.equal(undefined);
      expect(warnings.texts).to.have.length(2);
      expect(warnings.texts[0]).to.contain('max-links="99"').and.to.contain('2 to 32');
      element.setAttribute('max-links', '1');
      expect(warnings.texts, 'another bad value is news').to.have.length(3);
      element.bitrate = 5;
      expect(element.bitrate).to.equal(32_000);
      expect(warnings.texts[3]).to.contain('bitrate="5"');
    } finally {
      warnings.stop();
    }
  });

  it('takes a wrong name length, a wrong microphone and muted="false" the same way', async () => {
    const warnings = recordWarnings();
    try {
      const element = await fixture<ScriptedVoiceRoomElement>(
        html`<scripted-voice-room
          room="den"
          display-name=${'x'.repeat(65)}
          muted="false"
        ></scripted-voice-room>`,
      );
      Object.assign(element, { microphone: 'mic' });
      expect(element.displayName).to.match(/^\w+ \w+$/);
      expect(element.muted).to.equal(false);
      expect(element.microphone).to.equal(null);
      expect(warnings.texts).to.have.length(3);
    } finally {
      warnings.stop();
    }
  });

  it('reflects muted and deafened, never the password', async () => {
    const element = await room();
    element.muted = true;
    element.deafened = true;
    element.password = 'secret';
    element.maxLinks = 5;
    await element.updateComplete;
    expect(element.getAttributeNames().sort()).to.deep.equal(['deafened', 'muted', 'room']);
    element.muted = false;
    await element.updateComplete;
    expect(element.hasAttribute('muted')).to.equal(false);
  });

  it('passes changes on while joined, and back to the default', async () => {
    const element = await joined();
    const { scripted } = element;
    element.muted = true;
    element.setAttribute('max-links', '5');
    await element.updateComplete;
    expect(scripted.options).to.include({ muted: true, maxLinks: 5 });
    element.removeAttribute('max-links');
    element.displayName = 'Grace';
    await element.updateComplete;
    expect(scripted.options.maxLinks).to.equal(undefined);
    expect(scripted.options.displayName).to.equal('Grace');
    const calls = scripted.calls.length;
    element.requestUpdate();
    await element.updateComplete;
    expect(scripted.calls.length, 'nothing changed, nothing said').to.equal(calls);
  });
});

describe('<p2p-voice-room> life', () => {
  it('does nothing before Join', async () => {
    const element = await room();
    expect(element.room_).to.equal(undefined);
  });

  it('joins and leaves by its buttons', async () => {
    const element = await room();
    part(element, 'join-button').click();
    expect(element.scripted.calls.at(-1), 'inside the click, where the browser lets sound start').to.equal(
      'join den',
    );
    await element.updateComplete;
    expect(element.state).to.equal('joined');
    expect(element.selfId).to.equal(idOf('self'));
    part(element, 'leave-button').click();
    await element.updateComplete;
    expect(element.state).to.equal('idle');
    expect(part(element, 'join-button')).to.exist;
  });

  it('joins listening, and takes the microphone later', async () => {
    const element = await room();
    part(element, 'listen-button').click();
    await element.updateComplete;
    expect(element.scripted.options.listenOnly).to.equal(true);
    expect(element.listenOnly, 'a choice for this time, not a setting').to.equal(false);
    part(element, 'microphone-button').click();
    expect(element.scripted.options.listenOnly).to.equal(false);
  });

  it('shows only one way in where the page allows only listening', async () => {
    const element = await fixture<ScriptedVoiceRoomElement>(
      html`<scripted-voice-room room="den" listen-only></scripted-voice-room>`,
    );
    expect(element.shadowRoot?.querySelector('[part=listen-button]')).to.equal(null);
    await element.join();
    expect(element.scripted.options.listenOnly).to.equal(true);
  });

  it('joins by itself with autojoin, once', async () => {
    const element = await fixture<ScriptedVoiceRoomElement>(
      html`<scripted-voice-room room="den" autojoin></scripted-voice-room>`,
    );
    await nextFrame();
    expect(element.scripted.calls.filter((call) => call.startsWith('join'))).to.deep.equal(['join den']);
  });

  it('joins by itself once the room has a name', async () => {
    const element = await fixture<ScriptedVoiceRoomElement>(
      html`<scripted-voice-room autojoin></scripted-voice-room>`,
    );
    await nextFrame();
    expect(element.state).to.equal('idle');
    element.room = 'den';
    await element.updateComplete;
    expect(element.state).to.equal('joined');
  });

  it('moves to the new room when the name changes', async () => {
    const element = await joined('one');
    const from = element.scripted.calls.length;
    element.room = 'two';
    await element.updateComplete;
    await nextFrame();
    expect(element.scripted.calls.slice(from).filter((call) => !call.startsWith('configure'))).to.deep.equal([
      'leave',
      'join two',
    ]);
    expect(element.state).to.equal('joined');
  });

  it('leaves when the name goes, and joins nothing when idle', async () => {
    const element = await joined('one');
    element.removeAttribute('room');
    await element.updateComplete;
    expect(element.state).to.equal('idle');
    element.room = 'two';
    await element.updateComplete;
    expect(element.state).to.equal('idle');
  });

  it('leaves when removed, not when moved', async () => {
    const element = await joined();
    const elsewhere = await fixture(html`<section></section>`);
    elsewhere.append(element);
    await nextFrame();
    expect(element.state).to.equal('joined');
    element.remove();
    await nextFrame();
    expect(element.state).to.equal('idle');
    expect(element.scripted.calls.filter((call) => call === 'leave')).to.have.length(1);
  });

  it('says what is wrong when a method makes no sense', async () => {
    const element = await room();
    for (const call of [
      () => element.block('a'),
      () => element.unblock('a'),
      () => element.setGain('a', 1),
      () => element.setPan('a', 0),
    ])
      expect(call).to.throw(VoiceRoomError).with.property('reason', 'wrong-state');
    await element.join();
    expect((await rejectionOf(element.join())).reason).to.equal('wrong-state');
    expect(() => element.block('a'))
      .to.throw(VoiceRoomError)
      .with.property('reason', 'unknown-peer');
    expect(element.state).to.equal('joined');
    element.remove();
    await nextFrame();
    expect((await rejectionOf(element.join())).reason).to.equal('wrong-state');
  });

  it('gives counters at any time', async () => {
    const element = await room();
    expect(element.stats()).to.include({ framesReceived: 0, bytesSent: 0 });
  });

  it('shows a failure and lets the person try again', async () => {
    const failure = new VoiceRoomError(
      'insecure-context',
      'Voice needs a secure page. Open it over HTTPS.',
      false,
    );
    ScriptedVoiceRoomElement.prepare = (scripted) => (scripted.joinFailure = failure);
    const element = await room();
    expect(await rejectionOf(element.join())).to.equal(failure);
    await element.updateComplete;
    expect(part(element, 'status').textContent).to.contain(failure.message);
    element.scripted.show({ joinFailure: undefined, lastError: undefined });
    expect(part(element, 'join-button').textContent).to.contain('Try again');
    part(element, 'join-button').click();
    await nextFrame();
    expect(element.state).to.equal('joined');
  });

  it('tells failures nobody waits for', async () => {
    ScriptedVoiceRoomElement.prepare = (scripted) => {
      scripted.join = () => Promise.reject(new TypeError('unforeseen'));
    };
    const original = console.error;
    const logged: unknown[] = [];
    console.error = (value: unknown) => void logged.push(value);
    try {
      const element = await room();
      setTimeout(() => part(element, 'join-button').click());
      const event = (await oneEvent(element, 'room-error')) as RoomErrorEvent;
      expect(event.error.reason).to.equal('load-failed');
      expect(logged).to.have.length(1);
      await element.updateComplete;
      expect(part(element, 'error').textContent).to.contain(event.error.message);
    } finally {
      console.error = original;
    }
  });
});

describe('<p2p-voice-room> events and requests', () => {
  it('passes the room’s events on: bubbling, composed, with their fields', async () => {
    const element = await joined();
    const ben = peer('Ben');
    const heard: Event[] = [];
    const around = element.parentElement;
    for (const type of ['peer-join', 'speaking-change', 'room-error'])
      around?.addEventListener(type, (event) => heard.push(event));
    const error = new VoiceRoomError('link-failed', 'No direct way.');
    element.scripted.dispatchEvent(new PeerJoinEvent(ben));
    element.scripted.dispatchEvent(new SpeakingChangeEvent(ben.id, true));
    element.scripted.dispatchEvent(new RoomErrorEvent(error));
    expect(heard.map(({ type }) => type)).to.deep.equal(['peer-join', 'speaking-change', 'room-error']);
    expect((heard[0] as PeerJoinEvent).peer).to.equal(ben);
    expect(heard[1]).to.include({ peerId: ben.id, speaking: true });
    expect((heard[2] as RoomErrorEvent).error).to.equal(error);
    expect(
      heard.every(({ bubbles, composed, target }) => bubbles && composed && target === element),
    ).to.equal(true);
  });

  it('grants what tiles ask for, and the tile changes through the room', async () => {
    const element = await joined();
    const ben = peer('Ben');
    element.scripted.show({ peers: [ben] });
    await element.updateComplete;
    const tile = element.shadowRoot?.querySelector('peer-tile');
    if (!tile) throw new Error('no tile');
    await tile.updateComplete;
    const slider = part<HTMLInputElement>(tile, 'gain');
    slider.value = '3';
    slider.dispatchEvent(new Event('input'));
    await element.updateComplete;
    await tile.updateComplete;
    expect(element.peers[0]?.gain).to.equal(3);
    expect(tile.gain).to.equal(3);
    expect(slider.valueAsNumber).to.equal(3);
    part(tile, 'block-button').click();
    await element.updateComplete;
    await tile.updateComplete;
    expect(tile.blocked).to.equal(true);
    expect(part(tile, 'block-button').textContent).to.contain('Unblock');
  });

  it('leaves everything as it is when the page refuses a request', async () => {
    const element = await joined();
    element.scripted.show({ peers: [peer('Ben')] });
    await element.updateComplete;
    element.parentElement?.addEventListener('block-request', (event) => event.preventDefault(), {
      capture: true,
    });
    const tile = element.shadowRoot?.querySelector('peer-tile');
    await tile?.updateComplete;
    if (tile) part(tile, 'block-button').click();
    await element.updateComplete;
    expect(element.peers[0]?.blocked).to.equal(false);
  });

  it('hands its snapshot to elements in its slots', async () => {
    class RoomCounter extends LitElement {
      readonly snapshot = new ContextConsumer(this, { context: roomContext, subscribe: true });
    }
    if (!customElements.get('room-counter')) customElements.define('room-counter', RoomCounter);
    const element = await fixture<ScriptedVoiceRoomElement>(
      html`<scripted-voice-room room="den"><room-counter slot="header"></room-counter></scripted-voice-room>`,
    );
    const counter = element.querySelector<RoomCounter>('room-counter');
    expect(counter?.snapshot.value?.state).to.equal('idle');
    await element.join();
    element.scripted.show({ peers: [peer('Ben'), peer('Cleo')] });
    await element.updateComplete;
    expect(counter?.snapshot.value?.peers.map(({ name }) => name)).to.deep.equal(['Ben', 'Cleo']);
  });

  it('exports the tile’s parts under their prefix', async () => {
    const style = document.createElement('style');
    style.textContent = 'scripted-voice-room::part(peer-name) { color: rgb(1, 2, 3); }';
    document.head.append(style);
    try {
      const element = await joined();
      element.scripted.show({ peers: [peer('Ben')] });
      await element.updateComplete;
      const tile = element.shadowRoot?.querySelector('peer-tile');
      await tile?.updateComplete;
      expect(tile && getComputedStyle(part(tile, 'name')).color).to.equal('rgb(1, 2, 3)');
      const exported = tile?.getAttribute('exportparts') ?? '';
      for (const name of 'tile avatar name level quality gain pan block-button menu'.split(' '))
        expect(exported).to.contain(`${name}:peer-${name}`);
    } finally {
      style.remove();
    }
  });
});

describe('<p2p-voice-room> name', () => {
  const field = (element: ScriptedVoiceRoomElement) => part<HTMLInputElement>(element, 'name-field');
  function type(element: ScriptedVoiceRoomElement, name: string): void {
    field(element).value = name;
    field(element).dispatchEvent(new Event('change', { bubbles: true }));
  }

  it('survives a reload once typed', async () => {
    const first = await room();
    type(first, '  Grace ');
    expect(first.displayName).to.equal('Grace');
    fixtureCleanup();
    const second = await room();
    expect(second.displayName).to.equal('Grace');
    expect(field(second).value).to.equal('Grace');
  });

  it('typed over the page’s suggestion survives too; a new suggestion is followed', async () => {
    const suggest = (name: string) =>
      fixture<ScriptedVoiceRoomElement>(
        html`<scripted-voice-room room="den" display-name=${name}></scripted-voice-room>`,
      );
    const first = await suggest('Ada');
    expect(first.displayName).to.equal('Ada');
    type(first, 'Countess');
    expect((await suggest('Ada')).displayName).to.equal('Countess');
    expect((await suggest('Ben')).displayName).to.equal('Ben');
    first.displayName = 'Ada';
    expect(first.displayName, 'a script has the last word').to.equal('Ada');
  });

  it('changes while joined', async () => {
    const element = await joined();
    type(element, 'Grace');
    await element.updateComplete;
    expect(element.scripted.options.displayName).to.equal('Grace');
  });

  it('goes back to the old one when emptied', async () => {
    const element = await room();
    const before = element.displayName;
    type(element, '   ');
    expect(field(element).value).to.equal(before);
    expect(element.displayName).to.equal(before);
  });

  it('lasts for the visit where storage is refused, and says so', async () => {
    const original = Storage.prototype.setItem;
    Storage.prototype.setItem = () => {
      throw new DOMException('refused', 'QuotaExceededError');
    };
    try {
      const element = await room();
      setTimeout(() => type(element, 'Grace'));
      const event = (await oneEvent(element, 'room-error')) as RoomErrorEvent;
      expect(event.error.reason).to.equal('storage-refused');
      fixtureCleanup();
      expect((await room()).displayName).to.equal('Grace');
    } finally {
      Storage.prototype.setItem = original;
      const element = await room();
      type(element, 'Kept again');
    }
  });

  it('generated stays the same in this tab', async () => {
    const { displayName } = await room();
    expect((await room()).displayName).to.equal(displayName);
  });
});

describe('push-to-talk', () => {
  async function talking(): Promise<ScriptedVoiceRoomElement> {
    const element = await joined();
    element.pushToTalk = 'Space';
    await element.updateComplete;
    return element;
  }
  const key = (type: 'keydown' | 'keyup', target: EventTarget = document.body): Event => {
    const event = new KeyboardEvent(type, {
      code: 'Space',
      key: ' ',
      bubbles: true,
      composed: true,
      cancelable: true,
    });
    target.dispatchEvent(event);
    return event;
  };
  const isOpen = async (element: ScriptedVoiceRoomElement): Promise<boolean> => {
    await element.updateComplete;
    return element.scripted.options.muted === false;
  };

  it('opens the microphone only while the key is held', async () => {
    const element = await talking();
    expect(await isOpen(element)).to.equal(false);
    expect(key('keydown').defaultPrevented, 'Space must not scroll').to.equal(true);
    expect(await isOpen(element)).to.equal(true);
    key('keyup');
    expect(await isOpen(element)).to.equal(false);
    expect(element.muted, 'the switch is another matter').to.equal(false);
    element.pushToTalk = undefined;
    expect(await isOpen(element)).to.equal(true);
  });

  it('stays closed while muted', async () => {
    const element = await talking();
    element.muted = true;
    key('keydown');
    expect(await isOpen(element)).to.equal(false);
    key('keyup');
  });

  it('lets people type, also in fields inside shadow roots', async () => {
    const element = await talking();
    const own = part<HTMLInputElement>(element, 'name-field');
    const outside = await fixture(html`<textarea aria-label="notes"></textarea>`);
    for (const target of [own, outside]) {
      expect(key('keydown', target).defaultPrevented).to.equal(false);
      expect(await isOpen(element)).to.equal(false);
    }
  });

  it('closes when the page loses the key', async () => {
    const element = await talking();
    key('keydown');
    window.dispatchEvent(new Event('blur'));
    expect(await isOpen(element)).to.equal(false);
  });

  it('stops listening when the room is left or removed', async () => {
    const element = await talking();
    await element.leave();
    await element.updateComplete;
    expect(key('keydown').defaultPrevented).to.equal(false);
    await element.join();
    await element.updateComplete;
    element.remove();
    await aTimeout(0);
    expect(key('keydown').defaultPrevented).to.equal(false);
  });

  it('works by a button, held by pointer or keyboard', async () => {
    const element = await talking();
    const button = part(element, 'talk-button');
    key('keydown', button);
    expect(await isOpen(element)).to.equal(true);
    key('keyup', button);
    expect(await isOpen(element)).to.equal(false);
  });
});

it('the element of the contract is the one without a script', () => {
  expect(Object.getPrototypeOf(ScriptedVoiceRoomElement)).to.equal(P2PVoiceRoomElement);
});

describe('<p2p-voice-room> sound and microphone', () => {
  const opened = async (element: ScriptedVoiceRoomElement): Promise<void> => {
    part<HTMLDetailsElement>(element, 'settings').open = true;
    await waitUntil(() => element.shadowRoot?.querySelector('[part=volume]'));
  };

  it('loads its panel when it is opened, and sets what the person chooses', async () => {
    const element = await joined();
    expect(element.shadowRoot?.querySelector('[part=volume]')).to.equal(null);
    await opened(element);
    const volume = part<HTMLInputElement>(element, 'volume');
    volume.value = '2.5';
    volume.dispatchEvent(new Event('input', { bubbles: true }));
    part<HTMLInputElement>(element, 'levelling').click();
    part<HTMLInputElement>(element, 'spread').click();
    part<HTMLInputElement>(element, 'strong-suppression').click();
    await element.updateComplete;
    const chosen = { volume: 2.5, levelling: true, spread: true, noiseSuppression: 'strong' };
    expect(element).to.include(chosen);
    expect(element.scripted.options).to.include(chosen);
    expect(volume.getAttribute('aria-valuetext')).to.equal('250 %');
  });

  it('keeps the choice for the next visit, before what the page suggests; a script’s word goes before both', async () => {
    const first = await joined();
    await opened(first);
    part<HTMLInputElement>(first, 'levelling').click();
    fixtureCleanup();
    const element = await fixture<ScriptedVoiceRoomElement>(
      html`<scripted-voice-room room="den" volume="0.5"></scripted-voice-room>`,
    );
    expect([element.levelling, element.volume]).to.deep.equal([true, 0.5]);
    element.levelling = false;
    await element.join();
    expect(element.scripted.options.levelling).to.equal(false);
  });

  it('lists the real microphones and takes the chosen one', async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    try {
      const element = await joined();
      await opened(element);
      await waitUntil(() => part<HTMLSelectElement>(element, 'input-device').options.length > 1);
      const select = part<HTMLSelectElement>(element, 'input-device');
      const id = select.options[1]?.value ?? '';
      select.value = id;
      select.dispatchEvent(new Event('change', { bubbles: true }));
      await element.updateComplete;
      expect(element.scripted.options.inputDevice).to.equal(id);
      expect(select.value).to.equal(id);
    } finally {
      for (const track of stream.getTracks()) track.stop();
    }
  });

  it('shows the microphone’s level, muted or not', async () => {
    const element = await joined();
    await opened(element);
    element.scripted.show({ inputLevel: 0.4 });
    await element.updateComplete;
    expect(part<HTMLMeterElement>(element, 'input-level').value).to.equal(0.4);
  });

  it('says that the person talks although muted, but not with push-to-talk', async () => {
    const element = await joined();
    element.muted = true;
    element.scripted.show({ talkingWhileMuted: true });
    await element.updateComplete;
    expect(part(element, 'status').textContent).to.contain('You are talking, but your microphone is off.');
    element.scripted.show({ talkingWhileMuted: false });
    await element.updateComplete;
    expect(part(element, 'status').textContent, 'a pause in a sentence').to.contain('You are talking');
    element.pushToTalk = 'Space';
    await element.updateComplete;
    expect(part(element, 'status').textContent).not.to.contain('You are talking');
  });

  it('grants tones and solo to its tiles, and says who is heard alone', async () => {
    const element = await joined();
    element.scripted.show({ peers: [peer('Ben'), peer('Cleo')] });
    await element.updateComplete;
    const [tile] = element.shadowRoot?.querySelectorAll('peer-tile') ?? [];
    if (!tile) throw new Error('no tile');
    tile.shadowRoot?.querySelector<HTMLButtonElement>('[part=solo-button]')?.click();
    const treble = tile.shadowRoot?.querySelector<HTMLInputElement>('input[name=highDb]');
    if (!treble) throw new Error('no treble');
    treble.value = '6';
    treble.dispatchEvent(new Event('input', { bubbles: true }));
    await element.updateComplete;
    expect(element.peers[0]).to.deep.include({ solo: true, tone: { lowDb: 0, midDb: 0, highDb: 6 } });
    expect(part(element, 'status').textContent).to.contain('You hear only Ben.');
  });

  it('has setTone and setSolo', async () => {
    const element = await joined();
    element.scripted.show({ peers: [peer('Ben')] });
    element.setTone(idOf('Ben'), { midDb: -3 });
    element.setSolo(idOf('Ben'), true);
    expect(element.peers[0]).to.deep.include({ solo: true, tone: { lowDb: 0, midDb: -3, highDb: 0 } });
  });
});
