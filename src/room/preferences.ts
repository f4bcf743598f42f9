/**
 * What this person decided about others, kept by identity so that it survives their reconnecting and our reloading:
 * block, gain, pan, tone. Stored in localStorage; where that is refused it lasts for the visit.
 *
 * Bound: the 500 people touched last; a person at the defaults takes no place.
 */

import { FLAT_TONE, MAX_TONE_DB, type Tone } from '../audio/tone-filter.js';
import type { Identity } from '../units.js';

export interface PersonPreference {
  readonly blocked: boolean;
  /** Linear, 0–4. */
  readonly gain: number;
  /** −1…1. */
  readonly pan: number;
  /** dB, each −12…12. */
  readonly tone: Tone;
}

const STORAGE_KEY = 'p2p-voice-room/people/1';
const MAX_PEOPLE = 500;
const DEFAULTS: PersonPreference = { blocked: false, gain: 1, pan: 0, tone: FLAT_TONE };

export class Preferences {
  /** Insertion order = least recently touched first. */
  readonly #people = new Map<Identity, PersonPreference>();
  #refused = false;

  constructor() {
    this.reload();
  }

  /** True once the browser refused to store: preferences then last for the visit. */
  get storageRefused(): boolean {
    return this.#refused;
  }

  get blocked(): Identity[] {
    return [...this.#people].filter(([, preference]) => preference.blocked).map(([identity]) => identity);
  }

  of(identity: Identity): PersonPreference {
    return this.#people.get(identity) ?? DEFAULTS;
  }

  set(identity: Identity, change: Partial<PersonPreference>): void {
    // Another room or tab may have stored since: whoever writes last must not undo the others.
    this.reload();
    const preference = { ...this.of(identity), ...change };
    this.#people.delete(identity);
    const isDefault =
      !preference.blocked &&
      preference.gain === 1 &&
      preference.pan === 0 &&
      sameTone(preference.tone, FLAT_TONE);
    if (!isDefault) this.#people.set(identity, preference);
    for (const oldest of this.#people.keys()) {
      if (this.#people.size <= MAX_PEOPLE) break;
      this.#people.delete(oldest);
    }
    this.#store();
  }

  /** Takes over what another room or tab stored meanwhile. */
  reload(): void {
    let text: string | null;
    try {
      text = localStorage.getItem(STORAGE_KEY);
    } catch {
      this.#refused = true; // Shown by the room as `storage-refused`.
      return;
    }
    if (this.#refused) return;
    this.#people.clear();
    for (const [identity, preference] of parsePeople(text)) this.#people.set(identity, preference);
  }

  #store(): void {
    try {
      localStorage.setItem(STORAGE_KEY, JSON.stringify([...this.#people]));
    } catch {
      this.#refused = true; // Shown by the room as `storage-refused`.
    }
  }
}

/** Reads what was stored; anything malformed (an older version, a curious person) is left out. */
export function parsePeople(text: string | null): [Identity, PersonPreference][] {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '[]');
  } catch {
    return [];
  }
  if (!Array.isArray(value)) return [];
  return value.slice(-MAX_PEOPLE).flatMap((item: unknown): [Identity, PersonPreference][] => {
    if (!Array.isArray(item) || typeof item[0] !== 'string' || typeof item[1] !== 'object' || !item[1])
      return [];
    const { blocked, gain, pan, tone } = item[1] as Record<string, unknown>;
    const preference = {
      blocked: blocked === true,
      gain: numberWithin(gain, 0, 4, 1),
      pan: numberWithin(pan, -1, 1, 0),
      tone: toneFrom(tone),
    };
    return [[item[0] as Identity, preference]];
  });
}

export function sameTone(a: Tone, b: Tone): boolean {
  return a.lowDb === b.lowDb && a.midDb === b.midDb && a.highDb === b.highDb;
}

function toneFrom(value: unknown): Tone {
  if (typeof value !== 'object' || value === null) return FLAT_TONE;
  const { lowDb, midDb, highDb } = value as Record<string, unknown>;
  const band = (db: unknown): number => numberWithin(db, -MAX_TONE_DB, MAX_TONE_DB, 0);
  return Object.freeze({ lowDb: band(lowDb), midDb: band(midDb), highDb: band(highDb) });
}

function numberWithin(value: unknown, low: number, high: number, fallback: number): number {
  return typeof value === 'number' && value >= low && value <= high ? value : fallback;
}
