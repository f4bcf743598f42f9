import { expect, fixture, html, nextFrame, waitUntil } from '@open-wc/testing';
import { VoiceRoomError } from '../../src/errors.js';
import {
  defineScripted,
  idOf,
  part,
  peer,
  ScriptedVoiceRoomElement,
  type ScriptedRoom,
} from './scripted-room.js';

defineScripted();

const PEOPLE = [
  peer('Ada', { speaking: true, level: 0.8 }),
  peer('Ben', { muted: true, quality: 'fair' }),
  peer('Cleo', { blocked: true, quality: 'poor' }),
  peer('Dora', { parentId: idOf('Ada'), hops: 2, rttMs: undefined, quality: 'unknown' }),
  peer('Me too', { own: true }),
];

const OVERLAY = {
  links: [
    { peerId: idOf('Ada'), rttMs: 9 },
    { peerId: idOf('Ben'), rttMs: 20 },
  ],
  trees: [
    { sourceId: idOf('Ada'), parentId: idOf('Ada'), childIds: [idOf('Ben')], backupIds: [] },
    { sourceId: idOf('Dora'), parentId: idOf('Ada'), childIds: [], backupIds: [] },
    { sourceId: idOf('self'), parentId: undefined, childIds: [idOf('Ada')], backupIds: [] },
  ],
};

/** Every face of the room, by name. */
const STATES: Record<
  string,
  {
    attributes?: Record<string, string>;
    prepare?: (room: ScriptedRoom) => void;
    shown?: Partial<ScriptedRoom>;
    idle?: true;
  }
> = {
  'not joined': { idle: true },
  'without a name': { idle: true, attributes: { room: '' } },
  'listen-only, not joined': { idle: true, attributes: { 'listen-only': '' } },
  joining: { prepare: (room) => (room.lingers = true) },
  failed: {
    prepare: (room) =>
      (room.joinFailure = new VoiceRoomError('unsupported-browser', 'Use a current browser.', false)),
  },
  alone: {},
  'with people': { shown: { peers: PEOPLE, overlay: OVERLAY, speaking: true, level: 0.4 } },
  reconnecting: { shown: { state: 'reconnecting' } },
  'sound blocked, one network out of reach': {
    shown: {
      peers: PEOPLE,
      soundBlocked: true,
      lastError: new VoiceRoomError('signaling-degraded', 'One of the meeting networks is out of reach.'),
    },
  },
  'listening without a microphone': {
    shown: {
      peers: PEOPLE,
      listening: true,
      lastError: new VoiceRoomError('microphone-denied', 'Allow the microphone.'),
    },
  },
  'talking while muted, one heard alone': {
    attributes: { muted: '' },
    shown: { peers: [peer('Ada', { solo: true }), peer('Ben')], talkingWhileMuted: true, inputLevel: 0.6 },
  },
  'muted and deafened, push-to-talk': {
    attributes: { muted: '', deafened: '', 'push-to-talk': 'Space' },
    shown: { peers: PEOPLE },
  },
  German: { attributes: { lang: 'de' }, shown: { peers: PEOPLE, overlay: OVERLAY } },
};

async function show(name: string): Promise<ScriptedVoiceRoomElement> {
  const { attributes = {}, prepare = () => undefined, shown, idle } = STATES[name] ?? {};
  ScriptedVoiceRoomElement.prepare = prepare;
  const element = await fixture<ScriptedVoiceRoomElement>(
    html`<scripted-voice-room room="den" display-name="Grace"></scripted-voice-room>`,
  );
  for (const [attribute, value] of Object.entries(attributes)) element.setAttribute(attribute, value);
  if (!idle) await element.join().catch((error: unknown) => expect(error).to.be.instanceOf(VoiceRoomError));
  if (shown) element.scripted.show(shown);
  await element.updateComplete;
  const map = element.shadowRoot?.querySelector<HTMLDetailsElement>('[part=map]');
  if (map) {
    map.open = true;
    // `toggle` comes in a task of its own.
    await waitUntil(() => map.querySelector('p2p-voice-room-map') !== null);
    // Its drawing is loaded on demand.
    await waitUntil(() => map.querySelector('p2p-voice-room-map')?.shadowRoot?.querySelector('svg'));
  }
  const settings = element.shadowRoot?.querySelector<HTMLDetailsElement>('[part=settings]');
  if (settings) {
    settings.open = true;
    await waitUntil(() => settings.querySelector('[part=volume]') !== null);
  }
  for (const tile of element.shadowRoot?.querySelectorAll('peer-tile') ?? []) {
    await tile.updateComplete;
    tile.shadowRoot?.querySelector<HTMLButtonElement>('.more')?.click();
    await tile.updateComplete;
  }
  await nextFrame();
  await element.updateComplete;
  return element;
}

const said = (element: ScriptedVoiceRoomElement): string =>
  part(element, 'status').textContent?.replace(/\s+/g, ' ').trim() ?? '';

describe('what the room says', () => {
  const rows: readonly [state: string, sentence: string][] = [
    ['not joined', 'Not in the room yet.'],
    ['without a name', 'This voice room has no name. If this is your page, set its room attribute.'],
    ['joining', 'Joining…'],
    ['failed', 'Not connected. Use a current browser.'],
    ['alone', 'You are alone here. Share this page and stay: whoever opens it will find you.'],
    ['with people', '5 other people are here.'],
    ['reconnecting', 'Connection lost. Looking for the others…'],
    [
      'sound blocked, one network out of reach',
      '5 other people are here. One of the meeting networks is out of reach.',
    ],
    [
      'listening without a microphone',
      '5 other people are here. You are listening without a microphone. Allow the microphone.',
    ],
    ['muted and deafened, push-to-talk', '5 other people are here. Your microphone is off. You hear nobody.'],
    ['German', '5 weitere Personen sind hier.'],
  ];
  for (const [state, sentence] of rows)
    it(`${state}: ${sentence}`, async () => {
      expect(said(await show(state))).to.equal(sentence);
    });

  it('politely, to whoever cannot see it', async () => {
    const status = part(await show('alone'), 'status');
    expect([status.getAttribute('role'), status.getAttribute('aria-live')]).to.deep.equal([
      'status',
      'polite',
    ]);
  });

  it('why the sound waits, with a button that starts it', async () => {
    const element = await show('sound blocked, one network out of reach');
    part(element, 'sound-button').click();
    await element.updateComplete;
    expect(element.scripted.calls).to.include('resumeSound');
    expect(element.shadowRoot?.querySelector('[part=sound-button]')).to.equal(null);
  });

  it('what it shows can be replaced by slots', async () => {
    const element = await show('alone');
    const header = document.createElement('h2');
    header.slot = 'header';
    header.textContent = 'Our stand-up';
    const empty = Object.assign(document.createElement('p'), { slot: 'empty', textContent: 'Tea?' });
    element.append(header, empty);
    expect(header.assignedSlot?.name).to.equal('header');
    expect(empty.assignedSlot?.name).to.equal('empty');
    for (const name of ['controls-start', 'controls-end'])
      expect(element.shadowRoot?.querySelector(`slot[name=${name}]`), name).to.exist;
  });
});

describe('what the room draws', () => {
  it('a list item for each person, in a list', async () => {
    const element = await show('with people');
    expect(part(element, 'peers').getAttribute('role')).to.equal('list');
    expect(element.shadowRoot?.querySelectorAll('[part=peers] > li > peer-tile[part=peer]').length).to.equal(
      5,
    );
  });

  it('keeps the tile and the focus of somebody who stays while others come and go', async () => {
    const element = await show('with people');
    const tile = element.shadowRoot?.querySelectorAll('peer-tile')[1];
    if (!tile) throw new Error('no tile');
    part(tile, 'gain').focus();
    element.scripted.show({ peers: [peer('Zed'), ...PEOPLE.slice(1)] });
    await element.updateComplete;
    expect(element.shadowRoot?.querySelectorAll('peer-tile')[1]).to.equal(tile);
    expect(element.shadowRoot?.activeElement).to.equal(tile);
  });

  it('toggles that say whether they are pressed', async () => {
    const element = await show('with people');
    for (const [name, property] of [
      ['mute-button', 'muted'],
      ['deafen-button', 'deafened'],
    ] as const) {
      expect(part(element, name).getAttribute('aria-pressed')).to.equal('false');
      part(element, name).click();
      await element.updateComplete;
      expect(element[property]).to.equal(true);
      expect(part(element, name).getAttribute('aria-pressed')).to.equal('true');
    }
  });

  it('keeps the keyboard inside when the button under it goes', async () => {
    const element = await show('not joined');
    part(element, 'join-button').focus();
    part(element, 'join-button').click();
    await nextFrame();
    await element.updateComplete;
    expect(element.state).to.equal('joined');
    expect(element.shadowRoot?.activeElement).to.equal(part(element, 'panel'));
  });

  it('a map that is a picture with words beside it', async () => {
    const element = await show('with people');
    const map = element.shadowRoot?.querySelector('p2p-voice-room-map');
    await map?.updateComplete;
    const picture = map?.shadowRoot?.querySelector('svg');
    expect(picture?.getAttribute('role')).to.equal('img');
    expect(picture?.getAttribute('aria-label')).to.equal('You hear 2 people and pass voices on to 2.');
    expect(map?.shadowRoot?.textContent).to.contain('Dora: through Ada');
    expect(map?.shadowRoot?.querySelectorAll('.node').length).to.equal(6);
  });

  it('no style attribute but the two values set through the CSSOM', async () => {
    const element = await show('with people');
    const styled = [...(element.shadowRoot?.querySelectorAll('[style]') ?? [])];
    expect(styled.map((each) => each.className)).to.deep.equal(['face self']);
  });

  it('a name that is markup, as text everywhere', async () => {
    const element = await show('with people');
    const name = '<img src=x onerror="document.title = 1">';
    element.scripted.show({ peers: [{ ...peer('x'), name }], overlay: OVERLAY });
    element.displayName = name;
    element.room = name;
    await element.updateComplete;
    await nextFrame();
    const roots = [element, ...(element.shadowRoot?.querySelectorAll('peer-tile, p2p-voice-room-map') ?? [])];
    for (const each of roots) expect(each.shadowRoot?.querySelector('img')).to.equal(null);
    expect(document.title).to.not.equal('1');
  });

  for (const width of [280, 390, 1200])
    it(`nothing wider than itself at ${width} px`, async () => {
      const element = await show('with people');
      element.style.width = `${width}px`;
      await nextFrame();
      const edges = element.getBoundingClientRect();
      const roots = [element, ...(element.shadowRoot?.querySelectorAll('peer-tile') ?? [])];
      for (const root of roots)
        for (const each of root.shadowRoot?.querySelectorAll('button, input, select, [part], p') ?? []) {
          const box = each.getBoundingClientRect();
          if (box.width === 0 || each.classList.contains('level')) continue;
          expect(box.right, `${each.outerHTML.slice(0, 80)}`).to.be.at.most(edges.right + 0.5);
          expect(box.left).to.be.at.least(edges.left - 0.5);
        }
    });

  it('everything in reach of the Tab key has a name', async () => {
    const element = await show('muted and deafened, push-to-talk');
    const roots = [element, ...(element.shadowRoot?.querySelectorAll('peer-tile') ?? [])];
    for (const root of roots)
      for (const each of root.shadowRoot?.querySelectorAll<HTMLElement>('button, input, select, summary') ??
        [])
        expect(
          each.getAttribute('aria-label') ??
            (each.textContent?.trim() || (each as HTMLInputElement).labels?.[0]?.textContent?.trim()),
          each.outerHTML,
        ).to.be.ok;
  });
});

describe('accessible by axe', () => {
  for (const scheme of ['light', 'dark'])
    for (const state of Object.keys(STATES))
      it(`${state}, ${scheme}`, async () => {
        document.documentElement.style.colorScheme = scheme;
        document.body.style.background = 'Canvas';
        try {
          await expect(await show(state)).to.be.accessible();
        } finally {
          document.documentElement.style.colorScheme = '';
          document.body.style.background = '';
        }
      });

  it('right to left', async () => {
    const element = await show('with people');
    element.dir = 'rtl';
    await nextFrame();
    await expect(element).to.be.accessible();
    const [tile] = element.shadowRoot?.querySelectorAll('peer-tile') ?? [];
    if (!tile) throw new Error('no tile');
    expect(part(tile, 'avatar').getBoundingClientRect().left).to.be.above(
      part(tile, 'name').getBoundingClientRect().left,
    );
    expect(getComputedStyle(part(tile, 'pan')).direction, 'left stays left').to.equal('ltr');
  });
});
