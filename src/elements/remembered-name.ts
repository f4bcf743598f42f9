/**
 * The name a person typed, kept across reloads. `localStorage` holds one typed name per origin, `sessionStorage`
 * the generated one (so that two tabs of one person are told apart); where storage is refused both last for the
 * visit, in memory.
 */

import { friendlyName } from './friendly-name.js';

/** A typed name, and the page's own suggestion that it took the place of (null: there was none). */
export interface RememberedName {
  readonly name: string;
  readonly replaced: string | null;
}

const TYPED_KEY = 'p2p-voice-room/name';
const GENERATED_KEY = 'p2p-voice-room/generated-name';
const MAX_CHARACTERS = 64;

/** What storage would not take, for this visit. Two keys at most. */
const visit = new Map<string, string>();

type StorageName = 'localStorage' | 'sessionStorage';

/** Merely touching `localStorage` throws where cookies are refused, and servers have none. */
function storageOf(name: StorageName): Storage | undefined {
  try {
    return globalThis[name];
  } catch {
    return undefined;
  }
}

function read(storage: StorageName, key: string): string | null {
  const kept = visit.get(key);
  if (kept !== undefined) return kept;
  try {
    return storageOf(storage)?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

/** Returns false when the value lasts for the visit only. */
function write(storage: StorageName, key: string, value: string): boolean {
  visit.set(key, value);
  try {
    const store = storageOf(storage);
    store?.setItem(key, value);
    if (store === undefined) return false;
    visit.delete(key);
    return true;
  } catch {
    return false;
  }
}

/** Reads what an earlier visit (or another script) stored: anything but a proper record counts as none. */
export function parseRemembered(stored: string | null): RememberedName | undefined {
  if (stored === null) return undefined;
  let record: unknown;
  try {
    record = JSON.parse(stored);
  } catch {
    return undefined;
  }
  if (typeof record !== 'object' || record === null) return undefined;
  const { name, replaced } = record as Record<string, unknown>;
  if (typeof name !== 'string' || name.trim() === '' || [...name].length > MAX_CHARACTERS) return undefined;
  return typeof replaced === 'string' || replaced === null ? { name, replaced } : undefined;
}

/**
 * The name to start with. A typed name wins over the suggestion it replaced, so it survives a reload; a page that
 * suggests another name since (somebody else signed in) is followed.
 */
export function chooseName(
  suggested: string | undefined,
  remembered: RememberedName | undefined,
): string | undefined {
  return remembered !== undefined && remembered.replaced === (suggested ?? null)
    ? remembered.name
    : suggested;
}

export function rememberedName(): RememberedName | undefined {
  return parseRemembered(read('localStorage', TYPED_KEY));
}

/** Returns false when the name lasts for this visit only. */
export function rememberName(record: RememberedName): boolean {
  return write('localStorage', TYPED_KEY, JSON.stringify(record));
}

/** A friendly name that stays the same in this tab. */
export function generatedName(): string {
  const stored = read('sessionStorage', GENERATED_KEY)?.trim();
  if (stored && [...stored].length <= MAX_CHARACTERS) return stored;
  const name = friendlyName(Math.random);
  write('sessionStorage', GENERATED_KEY, name);
  return name;
}
