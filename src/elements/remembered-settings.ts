/** What a person set about their own sound, for every room on this site. Where nothing can be stored it lasts for the visit. */

import type { Parser } from './attributes.js';
import { deviceId, flag, real, suppression } from './attributes.js';
import type { Settings } from './settings-view.js';

const STORAGE_KEY = 'p2p-voice-room/settings/1';

/** How each setting is checked, both from an attribute and from storage. */
export const SETTING_PARSERS: { readonly [Name in keyof Settings]: Parser<Settings[Name]> } = {
  volume: real(0, 4, 1),
  levelling: flag,
  spread: flag,
  inputDevice: deviceId,
  outputDevice: deviceId,
  noiseSuppression: suppression,
};

/** What is stored and good; anything else in the storage (an older version, a curious person) is left out. */
export function rememberedSettings(): Partial<Settings> {
  let stored: unknown;
  try {
    stored = JSON.parse(localStorage.getItem(STORAGE_KEY) ?? '{}');
  } catch {
    return {};
  }
  if (typeof stored !== 'object' || stored === null) return {};
  const settings: Record<string, unknown> = {};
  for (const [name, parse] of Object.entries(SETTING_PARSERS)) {
    if (!Object.hasOwn(stored, name)) continue;
    const { value, problem } = (parse as Parser<unknown>)((stored as Record<string, unknown>)[name]);
    if (problem === undefined) settings[name] = value;
  }
  return settings;
}

export function rememberSettings(changes: Partial<Settings>): void {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify({ ...rememberedSettings(), ...changes }));
  } catch {
    // The choice itself works; the room says `storage-refused` where that matters to people.
  }
}
