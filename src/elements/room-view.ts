/** The room as templates: functions of a snapshot and of what its buttons ask for. They hold no state. */

import { html, nothing, type TemplateResult } from 'lit';
import { classMap } from 'lit/directives/class-map.js';
import { live } from 'lit/directives/live.js';
import { repeat } from 'lit/directives/repeat.js';
import type { PeerSnapshot } from '../room/types.js';
import type { RoomSnapshot } from './context.js';
import {
  headphonesIcon,
  headphonesOffIcon,
  leaveIcon,
  linkIcon,
  microphoneIcon,
  microphoneOffIcon,
  soundIcon,
  warningIcon,
} from './icons.js';
import type { Strings } from './strings.js';
import { initials } from './visuals.js';

/** What the person can ask for. */
export interface RoomActions {
  join(event: Event): void;
  listen(): void;
  leave(): void;
  toggleMuted(): void;
  toggleDeafened(): void;
  /** The talk button went down (true) or came up. */
  talk(held: boolean): void;
  rename(event: Event): void;
  /** Somebody who listens only would like to speak. */
  useMicrophone(): void;
  startSound(): void;
  copyLink(): void;
  showMap(open: boolean): void;
  showSettings(open: boolean): void;
}

/** What only the element knows, beside the snapshot. */
export interface RoomViewState {
  readonly listenOnly: boolean;
  readonly pushToTalk: string | undefined;
  readonly talking: boolean;
  readonly mapOpen: boolean;
  /** Sound and microphone; undefined while closed or still loading. */
  readonly settings: TemplateResult | undefined;
  /** Said once in the status line, such as "Link copied." */
  readonly remark: string;
}

/** Parts of every tile, under the prefix that keeps them apart from the room's own. */
const TILE_PARTS = 'tile avatar name level quality gain pan tone solo-button block-button menu'
  .split(' ')
  .map((part) => `${part}:peer-${part}`)
  .join(', ');

/** What the status line says of the state; errors come beside it. */
export function statusText(snapshot: RoomSnapshot, strings: Strings): string {
  switch (snapshot.state) {
    case 'idle':
      return snapshot.room === undefined ? strings.noRoom : strings.idle;
    case 'joining':
      return strings.joining;
    case 'reconnecting':
      return strings.reconnecting;
    case 'failed':
      return strings.failed;
    case 'joined': {
      const here = snapshot.peers.length === 0 ? strings.alone : strings.others(snapshot.peers.length);
      const muted = snapshot.talkingWhileMuted ? strings.talkingMuted : strings.mutedYourself;
      const own = snapshot.listening ? strings.listening : snapshot.muted ? muted : '';
      const solo = snapshot.peers.filter((peer) => peer.solo).map(({ name }) => name || strings.nameless);
      const ears = snapshot.deafened
        ? strings.deafenedYourself
        : solo.length > 0
          ? strings.soloOnly(solo.join(', '))
          : '';
      return [here, own, ears].filter(Boolean).join(' ');
    }
  }
}

/** The sentence for an error, in the element's language. */
export function errorText(error: NonNullable<RoomSnapshot['error']>, strings: Strings): string {
  return strings.error?.[error.reason] ?? error.message;
}

/** How a voice comes here, for the menu of its tile. */
export function routeText(peer: PeerSnapshot, peers: readonly PeerSnapshot[], strings: Strings): string {
  const parent = peers.find(({ id }) => id === peer.parentId);
  const way =
    peer.parentId === undefined
      ? ''
      : peer.parentId === peer.id
        ? strings.direct
        : strings.through(parent?.name || strings.nameless);
  return [way, peer.rttMs === undefined ? '' : strings.roundTrip(Math.round(peer.rttMs))]
    .filter(Boolean)
    .join(' · ');
}

export function renderRoom(
  snapshot: RoomSnapshot,
  view: RoomViewState,
  strings: Strings,
  actions: RoomActions,
): TemplateResult {
  const inRoom = snapshot.state === 'joined' || snapshot.state === 'reconnecting';
  return html`
    <section
      part="panel"
      class=${classMap({ panel: true, [snapshot.state]: true, speaking: snapshot.speaking })}
      aria-label=${snapshot.room === undefined ? strings.untitled : strings.roomLabel(snapshot.room)}
      tabindex="-1"
    >
      <div part="header" class="header">
        <slot name="header"><span class="title" dir="auto">${snapshot.room ?? strings.untitled}</span></slot>
        ${
          snapshot.state === 'joined'
            ? html`<span part="count" class="count"
                ><span class="dot"></span>${strings.inRoom(snapshot.peers.length + 1)}</span
              >`
            : nothing
        }
        ${renderStatus(snapshot, view, strings)}
      </div>
      ${
        snapshot.soundBlocked && inRoom
          ? html`<div class="sound">
              <p>${snapshot.soundInterrupted ? strings.soundInterrupted : strings.soundBlocked}</p>
              <button part="sound-button" class="primary" type="button" @click=${actions.startSound}>
                ${soundIcon}${strings.startSound}
              </button>
            </div>`
          : nothing
      }
      ${
        inRoom
          ? html`${renderPeers(snapshot, strings, actions)} ${renderMap(snapshot, view, strings, actions)}
            ${renderSettingsFold(view, strings, actions)} ${renderControls(snapshot, view, strings, actions)}`
          : renderGate(snapshot, view, strings, actions)
      }
    </section>
  `;
}

function renderStatus(snapshot: RoomSnapshot, view: RoomViewState, strings: Strings): TemplateResult {
  const { error } = snapshot;
  // The notice with the button says the same.
  const shown = error !== undefined && !(error.reason === 'audio-blocked' && snapshot.soundBlocked);
  return html`<div part="status" class="status" role="status" aria-live="polite" aria-atomic="false">
    <p>${[statusText(snapshot, strings), view.remark].filter(Boolean).join(' ')}</p>
    ${
      shown
        ? html`<p part="error" class=${classMap({ notice: true, final: !error.recoverable })}>
            ${warningIcon}<span>${errorText(error, strings)}</span>
          </p>`
        : nothing
    }
  </div>`;
}

function renderSelf(snapshot: RoomSnapshot, strings: Strings, actions: RoomActions): TemplateResult {
  return html`<div class="who">
    <div class="face self">
      <span class="level"></span>
      <span class="avatar" aria-hidden="true">${initials(snapshot.displayName)}</span>
    </div>
    <label class="field"
      >${strings.yourName}
      <input
        part="name-field"
        name="name"
        type="text"
        dir="auto"
        maxlength="64"
        autocomplete="nickname"
        spellcheck="false"
        .value=${live(snapshot.displayName)}
        @change=${actions.rename}
      />
    </label>
  </div>`;
}

function renderGate(
  snapshot: RoomSnapshot,
  view: RoomViewState,
  strings: Strings,
  actions: RoomActions,
): TemplateResult {
  const joining = snapshot.state === 'joining';
  const label =
    snapshot.state === 'failed' ? strings.joinAgain : view.listenOnly ? strings.listen : strings.join;
  return html`<form part="controls" class="gate" @submit=${actions.join}>
    ${renderSelf(snapshot, strings, actions)}
    <div class="buttons">
      <slot name="controls-start"></slot>
      ${
        joining
          ? html`<button class="primary" type="button" disabled>
                <span class="spinner"></span>${strings.joining}
              </button>
              <button part="leave-button" class="plain" type="button" @click=${actions.leave}>
                ${strings.cancel}
              </button>`
          : html`<button
                part="join-button"
                class="primary"
                type="submit"
                ?disabled=${snapshot.room === undefined}
              >
                ${view.listenOnly ? headphonesIcon : microphoneIcon}${label}
              </button>
              ${
                view.listenOnly
                  ? nothing
                  : html`<button
                      part="listen-button"
                      class="plain"
                      type="button"
                      ?disabled=${snapshot.room === undefined}
                      @click=${actions.listen}
                    >
                      ${headphonesIcon}${strings.listen}
                    </button>`
              }`
      }
      <slot name="controls-end"></slot>
    </div>
  </form>`;
}

function renderPeers(
  snapshot: RoomSnapshot,
  strings: Strings,
  actions: RoomActions,
): TemplateResult | typeof nothing {
  const { peers } = snapshot;
  if (peers.length === 0 && snapshot.state === 'joined')
    return html`<slot name="empty">
      <div part="empty" class="empty">
        <span class="radar" aria-hidden="true"></span>
        <span>${strings.aloneTitle}</span>
        <button part="share-button" class="plain" type="button" @click=${actions.copyLink}>
          ${linkIcon}${strings.copyLink}
        </button>
      </div>
    </slot>`;
  if (peers.length === 0) return nothing;
  return html`<ul part="peers" class="peers" role="list" aria-label=${strings.people}>
    ${repeat(
      peers,
      (peer) => peer.id,
      (peer) =>
        html`<li>
          <peer-tile
            part="peer"
            exportparts=${TILE_PARTS}
            .peerId=${peer.id}
            .identity=${peer.identity}
            .name=${peer.name}
            .gain=${peer.gain}
            .pan=${peer.placedPan}
            .tone=${peer.tone}
            .solo=${peer.solo}
            .level=${peer.level}
            .speaking=${peer.speaking}
            .muted=${peer.muted}
            .blocked=${peer.blocked}
            .quality=${peer.quality}
            .own=${peer.own}
            .route=${routeText(peer, peers, strings)}
          ></peer-tile>
        </li>`,
    )}
  </ul>`;
}

function renderMap(
  snapshot: RoomSnapshot,
  view: RoomViewState,
  strings: Strings,
  actions: RoomActions,
): TemplateResult | typeof nothing {
  if (snapshot.peers.length === 0) return nothing;
  // Drawn only while it is looked at: ten drawings a second cost more than the rest of the room.
  return html`<details
    part="map"
    class="fold"
    @toggle=${(event: Event) => actions.showMap((event.currentTarget as HTMLDetailsElement).open)}
  >
    <summary>${strings.map}</summary>
    ${view.mapOpen ? html`<p2p-voice-room-map></p2p-voice-room-map>` : nothing}
  </details>`;
}

function renderSettingsFold(view: RoomViewState, strings: Strings, actions: RoomActions): TemplateResult {
  return html`<details
    part="settings"
    class="fold"
    @toggle=${(event: Event) => actions.showSettings((event.currentTarget as HTMLDetailsElement).open)}
  >
    <summary>${strings.settings}</summary>
    ${view.settings ?? nothing}
  </details>`;
}

function renderControls(
  snapshot: RoomSnapshot,
  view: RoomViewState,
  strings: Strings,
  actions: RoomActions,
): TemplateResult {
  return html`<div part="controls" class="controls" role="group" aria-label=${strings.controls}>
    ${renderSelf(snapshot, strings, actions)}
    <div class="buttons">
      <slot name="controls-start"></slot>
      ${
        view.pushToTalk === undefined || snapshot.listening
          ? nothing
          : html`<button
              part="talk-button"
              class=${classMap({ plain: true, talk: true, held: view.talking })}
              type="button"
              aria-pressed=${view.talking}
              @pointerdown=${(event: PointerEvent) => {
                (event.currentTarget as Element).setPointerCapture(event.pointerId);
                actions.talk(true);
              }}
              @pointerup=${() => actions.talk(false)}
              @pointercancel=${() => actions.talk(false)}
              @lostpointercapture=${() => actions.talk(false)}
              @keydown=${(event: KeyboardEvent) => {
                if (event.code !== 'Space' && event.code !== 'Enter') return;
                event.preventDefault();
                actions.talk(true);
              }}
              @keyup=${() => actions.talk(false)}
              @blur=${() => actions.talk(false)}
              @contextmenu=${(event: Event) => event.preventDefault()}
            >
              ${microphoneIcon}${strings.talk} <small>${strings.talkKey(view.pushToTalk)}</small>
            </button>`
      }
      ${
        snapshot.listening
          ? html`<button part="microphone-button" class="plain" type="button" @click=${actions.useMicrophone}>
              ${microphoneIcon}${strings.useMicrophone}
            </button>`
          : html`<button
              part="mute-button"
              class=${classMap({ plain: true, talking: snapshot.muted && snapshot.talkingWhileMuted })}
              type="button"
              aria-pressed=${snapshot.muted}
              @click=${actions.toggleMuted}
            >
              ${snapshot.muted ? microphoneOffIcon : microphoneIcon}${strings.mute}
            </button>`
      }
      <button
        part="deafen-button"
        class="plain"
        type="button"
        aria-pressed=${snapshot.deafened}
        @click=${actions.toggleDeafened}
      >
        ${snapshot.deafened ? headphonesOffIcon : headphonesIcon}${strings.deafen}
      </button>
      <button part="leave-button" class="plain leave" type="button" @click=${actions.leave}>
        ${leaveIcon}${strings.leave}
      </button>
      <slot name="controls-end"></slot>
    </div>
  </div>`;
}
