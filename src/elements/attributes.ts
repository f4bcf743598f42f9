/**
 * What each attribute accepts, as pure functions from any value (attribute text or property value) to a usable one.
 * None throws: a bad value comes back as the fallback together with the problem, in words that end a warning.
 */

import type { SignalingNetwork } from '../room/types.js';

/** `problem` is set when the value was bad, or partly bad; `value` is usable either way. */
export interface Parsed<Value> {
  readonly value: Value;
  readonly problem?: string;
}

export type Parser<Value> = (raw: unknown) => Parsed<Value>;

const isAbsent = (raw: unknown): raw is null | undefined => raw === null || raw === undefined;

const isText = (raw: unknown): raw is string => typeof raw === 'string';

/** A text of 1 to `maxCharacters`; surrounding white space does not count; an empty text is the same as none. */
export function text(maxCharacters: number): Parser<string | undefined> {
  return (raw) => {
    if (isAbsent(raw)) return { value: undefined };
    if (!isText(raw)) return { value: undefined, problem: 'must be text' };
    const value = raw.trim();
    if (value === '') return { value: undefined };
    // Counted as a reader would: by code points, so that an emoji is one.
    if ([...value].length > maxCharacters)
      return { value: undefined, problem: `must have at most ${maxCharacters} characters` };
    return { value };
  };
}

/** Kept exactly as written: white space may be part of a password. */
export const secret: Parser<string | undefined> = (raw) => {
  if (isAbsent(raw) || raw === '') return { value: undefined };
  return isText(raw) ? { value: raw } : { value: undefined, problem: 'must be text' };
};

/**
 * Presence counts, as in HTML. `muted="false"` is a slip every author makes once: it is taken as meant and
 * reported.
 */
export const flag: Parser<boolean> = (raw) => {
  if (isAbsent(raw)) return { value: false };
  if (typeof raw === 'boolean') return { value: raw };
  if (raw === 'false') return { value: false, problem: 'must be left out to mean no' };
  return isText(raw) ? { value: true } : { value: false, problem: 'must be true or false' };
};

/** `on` or `off`; a property may also be a boolean. */
export const onOff: Parser<boolean> = (raw) => {
  if (isAbsent(raw)) return { value: true };
  if (typeof raw === 'boolean') return { value: raw };
  const value = isText(raw) ? raw.trim().toLowerCase() : raw;
  if (value === 'on' || value === 'off') return { value: value === 'on' };
  return { value: true, problem: 'must be "on" or "off"' };
};

/** `on`, `off` or `strong`; a property may also be a boolean. */
export const suppression: Parser<boolean | 'strong'> = (raw) => {
  if (isText(raw) && raw.trim().toLowerCase() === 'strong') return { value: 'strong' };
  const { value, problem } = onOff(raw);
  return { value, ...(problem ? { problem: 'must be "on", "off" or "strong"' } : {}) };
};

/** A device's id as `enumerateDevices` gives it; none = the system's default. */
export const deviceId: Parser<string> = (raw) => {
  if (isAbsent(raw)) return { value: '' };
  return isText(raw) ? { value: raw.trim() } : { value: '', problem: 'must be the id of a device' };
};

/** Decimal notation only: `Number` alone would take '', '0x10' and ' 1e3 '. */
function numberFrom(raw: unknown): number {
  if (typeof raw === 'number') return raw;
  return isText(raw) && /^[+-]?\d+(\.\d+)?$/.test(raw.trim()) ? Number(raw) : Number.NaN;
}

/** A whole number from `min` to `max`; out of range is bad, not clamped: the author meant something else. */
export function integer<Fallback>(min: number, max: number, fallback: Fallback): Parser<number | Fallback> {
  return (raw) => {
    if (isAbsent(raw)) return { value: fallback };
    const value = numberFrom(raw);
    if (Number.isInteger(value) && value >= min && value <= max) return { value };
    return { value: fallback, problem: `must be a whole number from ${min} to ${max}` };
  };
}

/** A finite number from `min` to `max`. */
export function real(min: number, max: number, fallback: number): Parser<number> {
  return (raw) => {
    if (isAbsent(raw)) return { value: fallback };
    const value = numberFrom(raw);
    if (value >= min && value <= max) return { value };
    return { value: fallback, problem: `must be a number from ${min} to ${max}` };
  };
}

/** 10 or 20, as text or number. */
export const frameMs: Parser<10 | 20> = (raw) => {
  if (isAbsent(raw)) return { value: 20 };
  const value = isText(raw) ? raw.trim() : String(raw);
  if (value === '10' || value === '20') return { value: value === '10' ? 10 : 20 };
  return { value: 20, problem: 'must be 10 or 20' };
};

/** A number above zero, or none. */
export const positive: Parser<number | undefined> = (raw) => {
  if (isAbsent(raw)) return { value: undefined };
  const value = numberFrom(raw);
  if (value > 0 && Number.isFinite(value)) return { value };
  return { value: undefined, problem: 'must be a number above 0' };
};

/** One of a few words. */
export function oneOf<Word extends string>(words: readonly Word[], fallback: Word): Parser<Word> {
  return (raw) => {
    if (isAbsent(raw)) return { value: fallback };
    const wanted = isText(raw) ? raw.trim().toLowerCase() : undefined;
    const value = words.find((word) => word.toLowerCase() === wanted);
    if (value !== undefined) return { value };
    return { value: fallback, problem: `must be ${words.map((word) => `"${word}"`).join(' or ')}` };
  };
}

/** `auto`, `off`, or a threshold from −100 to 0 dBFS. */
export const voiceActivation: Parser<'auto' | 'off' | number> = (raw) => {
  if (isAbsent(raw)) return { value: 'auto' };
  const word = isText(raw) ? raw.trim().toLowerCase() : raw;
  if (word === 'auto' || word === 'off') return { value: word };
  const value = numberFrom(raw);
  if (value >= -100 && value <= 0) return { value };
  return { value: 'auto', problem: 'must be "auto", "off" or a threshold from -100 to 0 dBFS' };
};

/** The words of a space-separated attribute, or the entries of an array property; undefined for anything else. */
function wordsOf(raw: unknown): readonly string[] | undefined {
  if (isText(raw)) return raw.split(/\s+/).filter((word) => word !== '');
  return Array.isArray(raw) && raw.every(isText) ? raw : undefined;
}

const NETWORKS: readonly SignalingNetwork[] = ['torrent', 'nostr'];

/** Known networks are kept and unknown ones dropped; with none left both are used. */
export const networks: Parser<readonly SignalingNetwork[]> = (raw) => {
  if (isAbsent(raw)) return { value: NETWORKS };
  const words = wordsOf(raw);
  const problem = 'must be "torrent", "nostr" or both';
  if (words === undefined) return { value: NETWORKS, problem };
  const value = NETWORKS.filter((network) => words.includes(network));
  const unknown = words.some((word) => !NETWORKS.some((network) => network === word));
  return {
    value: value.length > 0 ? value : NETWORKS,
    ...(unknown ? { problem } : {}),
  };
};

function isSocketUrl(word: string): boolean {
  return URL.canParse(word) && /^wss?:$/.test(new URL(word).protocol);
}

/** Good addresses are kept and bad ones dropped; undefined (the defaults) when none is given or none is good. */
export const socketUrls: Parser<readonly string[] | undefined> = (raw) => {
  if (isAbsent(raw)) return { value: undefined };
  const words = wordsOf(raw);
  const problem = 'must be addresses that start with wss: or ws:, separated by spaces';
  if (words === undefined) return { value: undefined, problem };
  const good = [...new Set(words.filter(isSocketUrl))];
  return {
    value: good.length > 0 ? good : undefined,
    ...(words.every(isSocketUrl) ? {} : { problem }),
  };
};

function isIceServer(entry: unknown): entry is RTCIceServer {
  if (typeof entry !== 'object' || entry === null) return false;
  const { urls, username, credential } = entry as Record<string, unknown>;
  const list = Array.isArray(urls) ? urls : [urls];
  return (
    list.length > 0 &&
    list.every((url) => isText(url) && /^(stun|turn)s?:\S+$/i.test(url)) &&
    (username === undefined || isText(username)) &&
    (credential === undefined || isText(credential))
  );
}

/** RTCIceServer objects, as JSON in the attribute. One bad entry spoils the list: half a TURN setup misleads. */
export const iceServers: Parser<readonly RTCIceServer[] | undefined> = (raw) => {
  if (isAbsent(raw) || raw === '') return { value: undefined };
  const problem = 'must be a JSON array of RTCIceServer objects';
  let list: unknown = raw;
  if (isText(raw)) {
    try {
      list = JSON.parse(raw);
    } catch {
      return { value: undefined, problem };
    }
  }
  if (!Array.isArray(list) || !list.every(isIceServer)) return { value: undefined, problem };
  return { value: list };
};

/** A key as `KeyboardEvent.code` or `KeyboardEvent.key` names it: `Space`, `KeyV`, `v`, `Control`, `F8`. */
export const keyName: Parser<string | undefined> = (raw) => {
  if (isAbsent(raw) || raw === '') return { value: undefined };
  if (raw === ' ') return { value: 'Space' };
  if (isText(raw) && (/^[A-Za-z][A-Za-z0-9]*$/.test(raw) || /^\S$/u.test(raw))) return { value: raw };
  return { value: undefined, problem: 'must be the name of one key, such as "Space"' };
};

/** A stream to use instead of the device; null = the device. */
export const mediaStream: Parser<MediaStream | null> = (raw) => {
  if (isAbsent(raw)) return { value: null };
  if (typeof raw === 'object' && typeof (raw as MediaStream).getAudioTracks === 'function')
    return { value: raw as MediaStream };
  return { value: null, problem: 'must be a MediaStream or null' };
};
