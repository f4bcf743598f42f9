/** Sound and microphone, as a template: a function of what is set and of what changes ask for. It holds no state. */

import type { TemplateResult } from 'lit';
import type { RoomSnapshot } from './context.js';
import type { DeviceChoice, Devices } from './device-list.js';
import type { LitTools } from './panels.js';
import type { PanelStrings } from './panel-strings.js';

/** What a person may set about their own sound, kept for their next visit. */
export interface Settings {
  readonly volume: number;
  readonly levelling: boolean;
  readonly spread: boolean;
  readonly inputDevice: string;
  readonly outputDevice: string;
  readonly noiseSuppression: boolean | 'strong';
}

export interface SettingsState {
  readonly settings: Settings;
  readonly devices: Devices;
}

export function renderSettings(
  lit: LitTools,
  snapshot: RoomSnapshot,
  { settings, devices }: SettingsState,
  strings: PanelStrings,
  set: (changes: Partial<Settings>) => void,
): TemplateResult {
  const { html, nothing, live } = lit;
  const percent = `${Math.round(settings.volume * 100)} %`;
  return html`<div class="settings">
    ${
      snapshot.listening
        ? nothing
        : html`<div>
            ${renderDevices(
              lit,
              'input-device',
              strings.microphone,
              devices.inputs,
              settings.inputDevice,
              strings,
              (inputDevice) => set({ inputDevice }),
            )}
            <meter
              part="input-level"
              min="0"
              max="1"
              .value=${snapshot.inputLevel}
              aria-label=${strings.inputLevel}
            ></meter>
          </div>`
    }
    ${
      devices.outputs === undefined
        ? nothing
        : renderDevices(
            lit,
            'output-device',
            strings.speaker,
            devices.outputs,
            settings.outputDevice,
            strings,
            (outputDevice) => set({ outputDevice }),
          )
    }
    <label class="field"
      ><span>${strings.everybody}<output class="value" aria-hidden="true">${percent}</output></span>
      <input
        part="volume"
        type="range"
        min="0"
        max="4"
        step="0.05"
        aria-label=${strings.everybody}
        aria-valuetext=${percent}
        .value=${live(String(settings.volume))}
        @input=${(event: Event) => set({ volume: (event.currentTarget as HTMLInputElement).valueAsNumber })}
      />
    </label>
    <div>
      ${renderSwitch(lit, 'levelling', strings.levelling, settings.levelling, (levelling) => set({ levelling }))}
      ${renderSwitch(lit, 'spread', strings.spread, settings.spread, (spread) => set({ spread }))}
      ${
        snapshot.listening
          ? nothing
          : renderSwitch(
              lit,
              'strong-suppression',
              strings.strongSuppression,
              settings.noiseSuppression === 'strong',
              (strong) => set({ noiseSuppression: strong ? 'strong' : true }),
            )
      }
    </div>
  </div>`;
}

function renderSwitch(
  { html, live }: LitTools,
  part: string,
  label: string,
  on: boolean,
  set: (on: boolean) => void,
): TemplateResult {
  return html`<label class="switch">
    <input
      part=${part}
      type="checkbox"
      .checked=${live(on)}
      @change=${(event: Event) => set((event.currentTarget as HTMLInputElement).checked)}
    />${label}
  </label>`;
}

function renderDevices(
  { html }: LitTools,
  part: string,
  label: string,
  choices: readonly DeviceChoice[],
  chosen: string,
  strings: PanelStrings,
  set: (deviceId: string) => void,
): TemplateResult {
  // A chosen device that is away stays in the list, or the next render would choose another.
  const all =
    chosen === '' || choices.some(({ id }) => id === chosen)
      ? choices
      : [...choices, { id: chosen, label: '…' }];
  return html`<label class="field"
    >${label}
    <select part=${part} @change=${(event: Event) => set((event.currentTarget as HTMLSelectElement).value)}>
      <option value="" ?selected=${chosen === ''}>${strings.defaultDevice}</option>
      ${all.map(({ id, label: name }) => html`<option value=${id} ?selected=${id === chosen}>${name}</option>`)}
    </select>
  </label>`;
}
