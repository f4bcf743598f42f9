/** `<peer-tile>`: one remote person. Requests go up as events; state comes down as properties. */

import { LitElement, html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, query, state } from 'lit/decorators.js';
import { classMap } from 'lit/directives/class-map.js';
import { live } from 'lit/directives/live.js';
import type { Quality, Tone } from '../room/types.js';
import { blockIcon, microphoneOffIcon, moreIcon, panIcon, volumeIcon } from './icons.js';
import { peerTileStyles } from './peer-tile.styles.js';
import {
  BlockRequestEvent,
  GainRequestEvent,
  PanRequestEvent,
  SoloRequestEvent,
  ToneRequestEvent,
} from './requests.js';
import { languageOf, stringsFor, type Strings } from './strings.js';
import { tokens } from './tokens.js';
import { hueOf, initials, shortFingerprint } from './visuals.js';

/** Linear, as `setGain` takes it: 4 = 400 %. */
const MAX_GAIN = 4;

/** dB, as `setTone` takes it. */
const MAX_TONE_DB = 12;

const FLAT: Tone = { lowDb: 0, midDb: 0, highDb: 0 };

const within = (value: number, min: number, max: number, fallback: number): number =>
  Number.isFinite(value) ? Math.min(max, Math.max(min, value)) : fallback;

/** How a pan is read out and shown: −1 … 1. */
export function panText(pan: number, strings: Pick<Strings, 'panCentre' | 'panLeft' | 'panRight'>): string {
  const percent = Math.round(Math.abs(pan) * 100);
  if (percent === 0) return strings.panCentre;
  return pan < 0 ? strings.panLeft(percent) : strings.panRight(percent);
}

/**
 * One remote person, drawn by `<p2p-voice-room>` and usable alone. It never changes by itself: the person's wishes
 * leave as events, and what it shows is what its owner set. "Blocked by me" (the whole tile, a line through the
 * name, a way back) never looks like "muted themselves" (a small badge).
 *
 * @fires {GainRequestEvent} gain-request - The person moved the volume: `peerId`, `gain` (linear, 0–4). Cancelable.
 * @fires {PanRequestEvent} pan-request - The person moved the direction: `peerId`, `pan` (−1 left … 1 right). Cancelable.
 * @fires {ToneRequestEvent} tone-request - The person moved a tone slider: `peerId`, `tone` (the bands that change, dB, −12–12). Cancelable.
 * @fires {SoloRequestEvent} solo-request - The person hears them alone, or the others again: `peerId`, `solo`. Cancelable.
 * @fires {BlockRequestEvent} block-request - The person blocks or unblocks: `peerId`, `blocked`. Cancelable.
 *
 * @csspart tile - The whole card.
 * @csspart avatar - The disc with the initials.
 * @csspart name - The name.
 * @csspart level - The ring around the avatar that grows with the level while they speak.
 * @csspart quality - Three bars: how well the voice arrives.
 * @csspart gain - The volume slider (`input type=range`, 0–4).
 * @csspart pan - The direction slider (`input type=range`, −1–1).
 * @csspart tone - The three tone sliders together.
 * @csspart solo-button - Hears them alone.
 * @csspart block-button - Blocks, and unblocks a blocked person.
 * @csspart menu - Direction, tone, solo, route and key; hidden until asked for.
 *
 * @cssprop [--p2p-voice-room-accent] - Sliders and focus rings.
 * @cssprop [--p2p-voice-room-raised] - Background of the tile.
 * @cssprop [--p2p-voice-room-surface] - Background behind the tile; also used where it is blocked.
 * @cssprop [--p2p-voice-room-text] - Text.
 * @cssprop [--p2p-voice-room-quiet-text] - Secondary text and icons.
 * @cssprop [--p2p-voice-room-border] - Border of the tile.
 * @cssprop [--p2p-voice-room-speaking] - Ring and border of somebody who speaks.
 * @cssprop [--p2p-voice-room-danger] - Everything about being blocked; poor sound.
 * @cssprop [--p2p-voice-room-warning] - Fair sound.
 * @cssprop [--p2p-voice-room-radius=16px] - Corner radius; the tile uses three quarters of it.
 * @cssprop [--p2p-voice-room-font] - Font family.
 */
export class PeerTileElement extends LitElement {
  static override styles = [tokens, peerTileStyles];

  /** Whom the requests are about. */
  @property({ attribute: 'peer-id' }) peerId = '';
  /** Shown as text, never as markup. */
  @property() name = '';
  /** Linear, 0–4; 1 = as sent. */
  @property({ type: Number }) gain = 1;
  /** −1 left … 1 right. */
  @property({ type: Number }) pan = 0;
  /** dB in three bands, each −12–12; 0 = as sent. */
  @property({ attribute: false }) tone: Tone = FLAT;
  /** Only they, and others that are solo, are heard. */
  @property({ type: Boolean }) solo = false;
  /** Loudness now, 0–1; drawn only while `speaking`. */
  @property({ type: Number }) level = 0;
  @property({ type: Boolean }) speaking = false;
  /** They muted themselves. */
  @property({ type: Boolean }) muted = false;
  /** I blocked them. */
  @property({ type: Boolean }) blocked = false;
  /** How well the voice arrives. */
  @property() quality: Quality = 'unknown';
  /** Their key fingerprint: gives the avatar its colour and stands in the menu. Optional. */
  @property() identity = '';
  /** Another tab of this very person: cannot be blocked. */
  @property({ type: Boolean }) own = false;
  /** How the voice comes here, in words, for the menu. Optional. */
  @property() route = '';

  @state() private menuOpen = false;
  @query('.tile') private readonly tile!: HTMLElement;

  protected override updated(changed: PropertyValues<this>): void {
    // Through the CSSOM: a style attribute would need 'unsafe-inline' in the page's policy.
    if (changed.has('level')) this.tile.style.setProperty('--_level', within(this.level, 0, 1, 0).toFixed(2));
    if (changed.has('identity') || changed.has('peerId') || changed.has('name'))
      this.tile.style.setProperty('--_hue', String(hueOf(this.identity || this.peerId || this.name)));
  }

  override render(): TemplateResult {
    const strings = stringsFor(languageOf(this));
    const name = this.name || strings.nameless;
    const speaking = this.speaking && !this.blocked;
    return html`
      <div
        part="tile"
        class=${classMap({ tile: true, speaking, blocked: this.blocked })}
        role="group"
        aria-labelledby="name"
        aria-describedby="state"
      >
        <div class="face">
          <span part="level" class="level"></span>
          <span part="avatar" class="avatar" aria-hidden="true">${initials(name)}</span>
          ${
            this.blocked
              ? html`<span class="badge">${blockIcon}</span>`
              : this.muted
                ? html`<span class="badge">${microphoneOffIcon}</span>`
                : nothing
          }
        </div>
        <div class="who">
          <bdi part="name" id="name" class="name" title=${name}>${name}</bdi>
          <span class="state">
            ${this.#renderQuality(strings)}
            <span id="state">${this.#stateText(strings)}</span>
          </span>
        </div>
        ${this.#renderBlockButton(strings, name)}
        <div class="row">
          ${this.#renderGain(strings, name)}
          <button
            class="more"
            type="button"
            aria-label=${strings.moreOf(name)}
            title=${strings.moreOf(name)}
            aria-expanded=${this.menuOpen}
            aria-controls="menu"
            @click=${() => (this.menuOpen = !this.menuOpen)}
          >
            ${moreIcon}
          </button>
        </div>
        ${this.#renderMenu(strings, name)}
      </div>
    `;
  }

  #stateText(strings: Strings): string {
    if (this.blocked) return strings.blocked;
    if (this.muted) return strings.muted;
    if (this.speaking) return strings.speaking;
    return this.own ? strings.ownTab : strings.silent;
  }

  #renderQuality(strings: Strings): TemplateResult {
    const quality: Quality = Object.hasOwn(strings.quality, this.quality) ? this.quality : 'unknown';
    const label = strings.quality[quality];
    return html`<span part="quality" class="quality ${quality}" role="img" aria-label=${label} title=${label}>
      <i class="bar"></i><i class="bar"></i><i class="bar"></i>
    </span>`;
  }

  #renderBlockButton(strings: Strings, name: string): TemplateResult {
    const label = this.blocked ? strings.unblockName(name) : strings.blockName(name);
    return html`<button
      part="block-button"
      class="block"
      type="button"
      aria-label=${label}
      title=${label}
      ?disabled=${this.own}
      @click=${this.#onBlock}
    >
      ${this.blocked ? strings.unblock : blockIcon}
    </button>`;
  }

  #renderGain(strings: Strings, name: string): TemplateResult {
    const gain = within(this.gain, 0, MAX_GAIN, 1);
    const percent = `${Math.round(gain * 100)} %`;
    return html`<label class="slider" title=${strings.volume}>
      ${volumeIcon}
      <input
        part="gain"
        type="range"
        min="0"
        max=${MAX_GAIN}
        step="0.05"
        aria-label=${strings.volumeOf(name)}
        aria-valuetext=${percent}
        .value=${live(String(gain))}
        ?disabled=${this.blocked}
        @input=${this.#onGain}
      />
      <output aria-hidden="true">${percent}</output>
    </label>`;
  }

  #renderMenu(strings: Strings, name: string): TemplateResult {
    const pan = within(this.pan, -1, 1, 0);
    const text = panText(pan, strings);
    return html`<div part="menu" id="menu" class="menu" ?hidden=${!this.menuOpen}>
      <label class="slider" title=${strings.pan}>
        ${panIcon}
        <input
          part="pan"
          type="range"
          dir="ltr"
          min="-1"
          max="1"
          step="0.1"
          aria-label=${strings.panOf(name)}
          aria-valuetext=${text}
          .value=${live(String(pan))}
          ?disabled=${this.blocked}
          @input=${this.#onPan}
        />
        <output aria-hidden="true">${text}</output>
      </label>
      <div part="tone" class="tone">
        ${this.#renderBand('lowDb', strings.bass, strings, name)}
        ${this.#renderBand('midDb', strings.middle, strings, name)}
        ${this.#renderBand('highDb', strings.treble, strings, name)}
      </div>
      <div class="facts">
        <div>
          ${this.route ? html`<div>${this.route}</div>` : nothing}
          ${
            this.identity
              ? html`<div>
                  ${strings.fingerprint} <code dir="ltr">${shortFingerprint(this.identity)}</code>
                </div>`
              : nothing
          }
        </div>
        <span class="pair">
          <button
            part="solo-button"
            type="button"
            aria-pressed=${this.solo}
            ?disabled=${this.blocked}
            @click=${() => this.#ask(new SoloRequestEvent(this.peerId, !this.solo))}
          >
            ${strings.solo}
          </button>
          <button class="reset" type="button" ?disabled=${this.blocked} @click=${this.#onReset}>
            ${strings.reset}
          </button>
        </span>
      </div>
    </div>`;
  }

  #renderBand(band: keyof Tone, label: string, strings: Strings, name: string): TemplateResult {
    const db = within(this.tone?.[band], -MAX_TONE_DB, MAX_TONE_DB, 0);
    const text = `${db > 0 ? '+' : ''}${Math.round(db)} dB`.replace('-', '−');
    return html`<label class="slider">
      <span>${label}</span>
      <input
        type="range"
        name=${band}
        min=${-MAX_TONE_DB}
        max=${MAX_TONE_DB}
        step="1"
        aria-label=${strings.bandOf(label, name)}
        aria-valuetext=${text}
        .value=${live(String(db))}
        ?disabled=${this.blocked}
        @input=${this.#onTone}
      />
      <output aria-hidden="true">${text}</output>
    </label>`;
  }

  /** A slider moves under the finger by itself; the next render puts it where the owner says it is. */
  #ask(request: Event): void {
    this.dispatchEvent(request);
    this.requestUpdate();
  }

  #onGain(event: Event): void {
    event.stopPropagation();
    this.#ask(new GainRequestEvent(this.peerId, (event.currentTarget as HTMLInputElement).valueAsNumber));
  }

  #onPan(event: Event): void {
    event.stopPropagation();
    this.#ask(new PanRequestEvent(this.peerId, (event.currentTarget as HTMLInputElement).valueAsNumber));
  }

  #onTone(event: Event): void {
    event.stopPropagation();
    const { name, valueAsNumber } = event.currentTarget as HTMLInputElement;
    this.#ask(new ToneRequestEvent(this.peerId, { [name]: valueAsNumber }));
  }

  #onReset(): void {
    this.#ask(new GainRequestEvent(this.peerId, 1));
    this.#ask(new PanRequestEvent(this.peerId, 0));
    this.#ask(new ToneRequestEvent(this.peerId, FLAT));
  }

  #onBlock(): void {
    this.#ask(new BlockRequestEvent(this.peerId, !this.blocked));
  }
}

declare global {
  interface HTMLElementTagNameMap {
    'peer-tile': PeerTileElement;
  }
}
