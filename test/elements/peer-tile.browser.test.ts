import { expect, fixture, html, oneEvent } from '@open-wc/testing';
import type { PeerTileElement } from '../../src/elements/peer-tile.js';
import type {
  BlockRequestEvent,
  GainRequestEvent,
  PanRequestEvent,
  SoloRequestEvent,
  ToneRequestEvent,
} from '../../src/elements/requests.js';
import { defineScripted, part } from './scripted-room.js';

defineScripted();

const ada = () =>
  fixture<PeerTileElement>(html`<peer-tile peer-id="a1" name="Ada" identity="c0ffee"></peer-tile>`);

function slide(slider: HTMLInputElement, value: number): void {
  slider.value = String(value);
  slider.dispatchEvent(new Event('input', { bubbles: true, composed: true }));
}

describe('<peer-tile>', () => {
  it('has the parts the contract names', async () => {
    const tile = await ada();
    for (const name of 'tile avatar name level quality gain pan tone solo-button block-button menu'.split(
      ' ',
    ))
      expect(part(tile, name), name).to.exist;
  });

  it('can be filled by attributes alone', async () => {
    const tile = await fixture<PeerTileElement>(
      html`<peer-tile name="Ben" gain="2" pan="-0.5" quality="fair" muted></peer-tile>`,
    );
    expect(part<HTMLInputElement>(tile, 'gain').valueAsNumber).to.equal(2);
    expect(part<HTMLInputElement>(tile, 'pan').valueAsNumber).to.equal(-0.5);
    expect(part(tile, 'quality').getAttribute('aria-label')).to.equal('Fair sound');
    expect(tile.shadowRoot?.textContent).to.contain('Muted themselves');
  });

  it('draws a name as text, whatever it says', async () => {
    const tile = await ada();
    tile.name = '<img src=x onerror="document.title = 1"><b>Bob';
    await tile.updateComplete;
    expect(part(tile, 'name').textContent).to.equal(tile.name);
    expect(tile.shadowRoot?.querySelector('img, b')).to.equal(null);
    expect(part(tile, 'gain').getAttribute('aria-label')).to.equal(`Volume of ${tile.name}`);
  });

  it('asks for a gain and keeps its own', async () => {
    const tile = await ada();
    const slider = part<HTMLInputElement>(tile, 'gain');
    setTimeout(() => slide(slider, 2.5));
    const event = (await oneEvent(tile, 'gain-request')) as GainRequestEvent;
    expect([event.peerId, event.gain, event.bubbles, event.composed, event.cancelable]).to.deep.equal([
      'a1',
      2.5,
      true,
      true,
      true,
    ]);
    await tile.updateComplete;
    expect(tile.gain).to.equal(1);
    expect(slider.valueAsNumber, 'the slider goes back to what the owner says').to.equal(1);
    tile.gain = 2.5;
    await tile.updateComplete;
    expect(slider.valueAsNumber).to.equal(2.5);
    expect(slider.getAttribute('aria-valuetext')).to.equal('250 %');
  });

  it('asks for a direction and keeps its own', async () => {
    const tile = await ada();
    setTimeout(() => slide(part<HTMLInputElement>(tile, 'pan'), -0.4));
    const event = (await oneEvent(tile, 'pan-request')) as PanRequestEvent;
    expect([event.peerId, event.pan]).to.deep.equal(['a1', -0.4]);
    await tile.updateComplete;
    expect(tile.pan).to.equal(0);
    tile.pan = -0.4;
    await tile.updateComplete;
    expect(part(tile, 'pan').getAttribute('aria-valuetext')).to.equal('40 % left');
  });

  it('asks for a tone, one band at a time, and keeps its own', async () => {
    const tile = await ada();
    const bands = [...part(tile, 'tone').querySelectorAll('input')];
    expect(bands.map((band) => band.getAttribute('aria-label'))).to.deep.equal([
      'Bass of Ada',
      'Middle of Ada',
      'Treble of Ada',
    ]);
    const [bass] = bands as [HTMLInputElement];
    setTimeout(() => slide(bass, -6));
    const event = (await oneEvent(tile, 'tone-request')) as ToneRequestEvent;
    expect([event.peerId, event.tone]).to.deep.equal(['a1', { lowDb: -6 }]);
    await tile.updateComplete;
    expect(bass.valueAsNumber, 'the slider goes back to what the owner says').to.equal(0);
    tile.tone = { lowDb: -6, midDb: 0, highDb: 3 };
    await tile.updateComplete;
    expect(bands.map((band) => band.valueAsNumber)).to.deep.equal([-6, 0, 3]);
    expect(bass.getAttribute('aria-valuetext')).to.equal('−6 dB');
  });

  it('asks to hear them alone, and shows it when it is so', async () => {
    const tile = await ada();
    const button = part<HTMLButtonElement>(tile, 'solo-button');
    setTimeout(() => button.click());
    const solo = (await oneEvent(tile, 'solo-request')) as SoloRequestEvent;
    expect([solo.peerId, solo.solo, tile.solo]).to.deep.equal(['a1', true, false]);
    tile.solo = true;
    await tile.updateComplete;
    expect(button.getAttribute('aria-pressed')).to.equal('true');
  });

  it('asks to block and to unblock, and blocks nothing itself', async () => {
    const tile = await ada();
    const button = part<HTMLButtonElement>(tile, 'block-button');
    setTimeout(() => button.click());
    const block = (await oneEvent(tile, 'block-request')) as BlockRequestEvent;
    expect([block.peerId, block.blocked, tile.blocked]).to.deep.equal(['a1', true, false]);
    tile.blocked = true;
    await tile.updateComplete;
    setTimeout(() => button.click());
    const unblock = (await oneEvent(tile, 'block-request')) as BlockRequestEvent;
    expect([unblock.blocked, tile.blocked]).to.deep.equal([false, true]);
  });

  it('never shows "blocked by me" like "muted themselves"', async () => {
    const [muted, blocked] = [await ada(), await ada()];
    muted.muted = true;
    blocked.blocked = true;
    await Promise.all([muted.updateComplete, blocked.updateComplete]);
    const say = (tile: PeerTileElement) => tile.shadowRoot?.getElementById('state')?.textContent?.trim();
    expect(say(muted)).to.equal('Muted themselves');
    expect(say(blocked)).to.equal('Blocked by you');
    const look = (tile: PeerTileElement) => getComputedStyle(part(tile, 'tile'));
    expect(look(muted).borderTopStyle).to.equal('solid');
    expect(look(blocked).borderTopStyle).to.equal('dashed');
    expect(part(muted, 'block-button').getAttribute('aria-label')).to.equal('Block Ada');
    expect(part(blocked, 'block-button').getAttribute('aria-label')).to.equal('Unblock Ada');
    blocked.muted = true;
    await blocked.updateComplete;
    expect(say(blocked), 'my own choice comes first').to.equal('Blocked by you');
  });

  it('shows who speaks, and nobody who is blocked', async () => {
    const tile = await ada();
    tile.speaking = true;
    tile.level = 0.5;
    await tile.updateComplete;
    expect(part(tile, 'tile').classList.contains('speaking')).to.equal(true);
    expect(part(tile, 'tile').style.getPropertyValue('--_level')).to.equal('0.50');
    tile.blocked = true;
    await tile.updateComplete;
    expect(part(tile, 'tile').classList.contains('speaking')).to.equal(false);
  });

  it('writes no style attribute into its markup', async () => {
    const tile = await ada();
    tile.level = 1;
    await tile.updateComplete;
    const styled = [...(tile.shadowRoot?.querySelectorAll('[style]') ?? [])];
    expect(styled.map((element) => element.className.trim())).to.deep.equal(
      ['tile'],
      'only set through the CSSOM',
    );
  });

  it('bears values out of range', async () => {
    const tile = await ada();
    Object.assign(tile, { gain: 99, pan: Number.NaN, level: -3, quality: 'superb' });
    await tile.updateComplete;
    expect(part<HTMLInputElement>(tile, 'gain').valueAsNumber).to.equal(4);
    expect(part<HTMLInputElement>(tile, 'pan').valueAsNumber).to.equal(0);
    expect(part(tile, 'quality').getAttribute('aria-label')).to.equal('Not heard yet');
  });

  it('opens its menu by its button and resets every slider', async () => {
    const tile = await ada();
    const more = tile.shadowRoot?.querySelector<HTMLButtonElement>('.more');
    expect(part(tile, 'menu').hidden).to.equal(true);
    more?.click();
    await tile.updateComplete;
    expect(part(tile, 'menu').hidden).to.equal(false);
    expect(more?.getAttribute('aria-expanded')).to.equal('true');
    const asked: string[] = [];
    tile.addEventListener('gain-request', (event) => asked.push(`gain ${event.gain}`));
    tile.addEventListener('pan-request', (event) => asked.push(`pan ${event.pan}`));
    tile.addEventListener('tone-request', (event) =>
      asked.push(`tone ${Object.values(event.tone).join(' ')}`),
    );
    part(tile, 'menu').querySelector<HTMLButtonElement>('.reset')?.click();
    expect(asked).to.deep.equal(['gain 1', 'pan 0', 'tone 0 0 0']);
  });

  it('does not let people block their own other tab', async () => {
    const tile = await ada();
    tile.own = true;
    await tile.updateComplete;
    expect(part<HTMLButtonElement>(tile, 'block-button').disabled).to.equal(true);
  });

  it('speaks German where the page does', async () => {
    const around = await fixture(html`<div lang="de-CH"><peer-tile name="Ada" blocked></peer-tile></div>`);
    const tile = around.querySelector('peer-tile');
    await tile?.updateComplete;
    expect(tile?.shadowRoot?.textContent).to.contain('Von dir blockiert');
  });
});
