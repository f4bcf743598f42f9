/** Texts of what opens on demand: the map, and sound and microphone. English and German. */

import { isGerman, type Strings } from './strings.js';

const english = {
  mapAlone: 'No voice is on its way yet.',
  mapSummary: (heard: number, passed: number) =>
    `You hear ${heard === 1 ? 'one person' : `${heard} people`} and pass voices on to ${passed === 1 ? 'one' : passed}.`,
  mapDirect: (name: string) => `${name}: straight to you`,
  mapThrough: (name: string, parent: string) => `${name}: through ${parent}`,
  mapPassed: (name: string, children: string) => `You pass ${name} on to ${children}`,
  mapOwn: (children: string) => `Your voice goes first to ${children}`,
  mapMore: (count: number) => `and ${count} more`,
  microphone: 'Microphone',
  inputLevel: 'Microphone level',
  speaker: 'Loudspeaker',
  defaultDevice: 'System default',
  everybody: 'Volume of everybody',
  levelling: 'Even out loud and quiet people',
  spread: 'Spread voices from left to right',
  strongSuppression: 'Stronger noise suppression',
};

/** These, and all of the room's own. */
export type PanelStrings = Strings & typeof english;

const german: typeof english = {
  mapAlone: 'Noch ist keine Stimme unterwegs.',
  mapSummary: (heard, passed) =>
    `Du hörst ${heard === 1 ? 'eine Person' : `${heard} Personen`} und gibst Stimmen an ${passed === 1 ? 'eine' : passed} weiter.`,
  mapDirect: (name) => `${name}: direkt zu dir`,
  mapThrough: (name, parent) => `${name}: über ${parent}`,
  mapPassed: (name, children) => `Du gibst ${name} weiter an ${children}`,
  mapOwn: (children) => `Deine Stimme geht zuerst an ${children}`,
  mapMore: (count) => `und ${count} weitere`,
  microphone: 'Mikrofon',
  inputLevel: 'Pegel des Mikrofons',
  speaker: 'Lautsprecher',
  defaultDevice: 'Standard des Systems',
  everybody: 'Lautstärke von allen',
  levelling: 'Laute und leise Personen angleichen',
  spread: 'Stimmen von links nach rechts verteilen',
  strongSuppression: 'Stärkere Geräuschunterdrückung',
};

/** @param lang of the element @param own the room's, in the same language */
export function panelStringsFor(lang: string, own: Strings): PanelStrings {
  return { ...own, ...(isGerman(lang) ? german : english) };
}
