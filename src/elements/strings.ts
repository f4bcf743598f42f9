/** Every text the elements show, in English and German. `lang` of the element, inherited, chooses. */

import type { VoiceRoomErrorReason } from '../errors.js';
import type { Quality } from '../room/types.js';

const english = {
  roomLabel: (room: string) => `Voice room ${room}`,
  untitled: 'Voice room',
  yourName: 'Your name',
  join: 'Join',
  joinAgain: 'Try again',
  listen: 'Just listen',
  joining: 'Joining…',
  cancel: 'Cancel',
  leave: 'Leave',
  mute: 'Mute',
  useMicrophone: 'Use microphone',
  deafen: 'Deafen',
  talk: 'Hold to talk',
  talkKey: (key: string) => `or hold ${key}`,
  controls: 'Your microphone and sound',
  you: 'You',
  idle: 'Not in the room yet.',
  alone: 'You are alone here. Share this page and stay: whoever opens it will find you.',
  aloneTitle: 'Nobody else yet',
  copyLink: 'Copy the link',
  copied: 'Link copied.',
  copyFailed: 'The browser refused. Copy the address of this page by hand.',
  others: (count: number) => (count === 1 ? 'One other person is here.' : `${count} other people are here.`),
  inRoom: (count: number) => `${count} in the room`,
  reconnecting: 'Connection lost. Looking for the others…',
  failed: 'Not connected.',
  listening: 'You are listening without a microphone.',
  mutedYourself: 'Your microphone is off.',
  deafenedYourself: 'You hear nobody.',
  talkingMuted: 'You are talking, but your microphone is off.',
  soloOnly: (names: string) => `You hear only ${names}.`,
  noRoom: 'This voice room has no name. If this is your page, set its room attribute.',
  soundBlocked: 'The browser waits for you before it plays sound.',
  startSound: 'Turn on the sound',
  soundInterrupted: 'Something else has the sound, such as a call. It comes back by itself.',
  people: 'People in the room',
  direct: 'Comes straight to you',
  through: (name: string) => `Comes through ${name}`,
  roundTrip: (ms: number) => `${ms} ms there and back`,
  map: 'Who passes voices to whom',
  speaking: 'Speaking',
  silent: 'Quiet',
  muted: 'Muted themselves',
  blocked: 'Blocked by you',
  ownTab: 'You, in another tab',
  block: 'Block',
  unblock: 'Unblock',
  blockName: (name: string) => `Block ${name}`,
  unblockName: (name: string) => `Unblock ${name}`,
  volume: 'Volume',
  volumeOf: (name: string) => `Volume of ${name}`,
  pan: 'Direction',
  panOf: (name: string) => `Direction of ${name}`,
  panCentre: 'Centre',
  panLeft: (percent: number) => `${percent} % left`,
  panRight: (percent: number) => `${percent} % right`,
  solo: 'Hear alone',
  bass: 'Bass',
  middle: 'Middle',
  treble: 'Treble',
  bandOf: (band: string, name: string) => `${band} of ${name}`,
  settings: 'Sound and microphone',
  moreOf: (name: string) => `More about ${name}`,
  reset: 'As sent',
  fingerprint: 'Key',
  nameless: 'Somebody',
  quality: {
    good: 'Good sound',
    fair: 'Fair sound',
    poor: 'Poor sound',
    unknown: 'Not heard yet',
  } satisfies Record<Quality, string>,
  /** Null: the error's own message, which is English, says it best. */
  error: null as Record<VoiceRoomErrorReason, string> | null,
};

export type Strings = typeof english;

const german: Strings = {
  roomLabel: (room) => `Sprachraum ${room}`,
  untitled: 'Sprachraum',
  yourName: 'Dein Name',
  join: 'Beitreten',
  joinAgain: 'Noch einmal',
  listen: 'Nur zuhören',
  joining: 'Beitritt läuft…',
  cancel: 'Abbrechen',
  leave: 'Verlassen',
  mute: 'Stumm',
  useMicrophone: 'Mikrofon nutzen',
  deafen: 'Ton aus',
  talk: 'Zum Sprechen halten',
  talkKey: (key) => `oder ${key} halten`,
  controls: 'Dein Mikrofon und Ton',
  you: 'Du',
  idle: 'Noch nicht im Raum.',
  alone: 'Du bist allein hier. Teile diese Seite und bleib: Wer sie öffnet, findet dich.',
  aloneTitle: 'Noch niemand da',
  copyLink: 'Link kopieren',
  copied: 'Link kopiert.',
  copyFailed: 'Der Browser erlaubt es nicht. Kopiere die Adresse dieser Seite von Hand.',
  others: (count) => (count === 1 ? 'Eine weitere Person ist hier.' : `${count} weitere Personen sind hier.`),
  inRoom: (count) => `${count} im Raum`,
  reconnecting: 'Verbindung verloren. Die anderen werden gesucht…',
  failed: 'Nicht verbunden.',
  listening: 'Du hörst ohne Mikrofon zu.',
  mutedYourself: 'Dein Mikrofon ist aus.',
  deafenedYourself: 'Du hörst niemanden.',
  talkingMuted: 'Du sprichst, aber dein Mikrofon ist aus.',
  soloOnly: (names) => `Du hörst nur ${names}.`,
  noRoom: 'Dieser Sprachraum hat keinen Namen. Wenn es deine Seite ist, setze das Attribut room.',
  soundBlocked: 'Der Browser wartet auf dich, bevor er Ton abspielt.',
  startSound: 'Ton einschalten',
  soundInterrupted: 'Etwas anderes nutzt den Ton, etwa ein Anruf. Er kommt von selbst zurück.',
  people: 'Personen im Raum',
  direct: 'Kommt direkt zu dir',
  through: (name) => `Kommt über ${name}`,
  roundTrip: (ms) => `${ms} ms hin und zurück`,
  map: 'Wer Stimmen an wen weitergibt',
  speaking: 'Spricht',
  silent: 'Still',
  muted: 'Hat Mikrofon aus',
  blocked: 'Von dir blockiert',
  ownTab: 'Du, in einem anderen Tab',
  block: 'Blockieren',
  unblock: 'Freigeben',
  blockName: (name) => `${name} blockieren`,
  unblockName: (name) => `${name} freigeben`,
  volume: 'Lautstärke',
  volumeOf: (name) => `Lautstärke von ${name}`,
  pan: 'Richtung',
  panOf: (name) => `Richtung von ${name}`,
  panCentre: 'Mitte',
  panLeft: (percent) => `${percent} % links`,
  panRight: (percent) => `${percent} % rechts`,
  solo: 'Allein hören',
  bass: 'Tiefen',
  middle: 'Mitten',
  treble: 'Höhen',
  bandOf: (band, name) => `${band} von ${name}`,
  settings: 'Ton und Mikrofon',
  moreOf: (name) => `Mehr zu ${name}`,
  reset: 'Wie gesendet',
  fingerprint: 'Schlüssel',
  nameless: 'Jemand',
  quality: { good: 'Guter Ton', fair: 'Mäßiger Ton', poor: 'Schlechter Ton', unknown: 'Noch nicht gehört' },
  error: {
    'insecure-context': 'Das Mikrofon gibt es nur über HTTPS. Öffne diese Seite über https://.',
    'unsupported-browser': 'Diesem Browser fehlt etwas Nötiges. Nimm einen aktuellen Browser.',
    'microphone-denied':
      'Kein Zugriff aufs Mikrofon. Erlaube es im Browser und drücke „Mikrofon nutzen“; zuhören geht schon.',
    'microphone-missing':
      'Kein Mikrofon gefunden. Schließe eines an und drücke „Mikrofon nutzen“; zuhören geht schon.',
    'microphone-changed':
      'Dein Mikrofon ist nicht angeschlossen. Bis es zurück ist, wird ein anderes genutzt; wähle in den Einstellungen.',
    'output-changed':
      'Der gewählte Lautsprecher ist nicht da. Der Standard spielt; wähle in den Einstellungen einen anderen.',
    'no-signaling': 'Kein Treffpunkt erreichbar. Prüfe die Verbindung; der Raum versucht es weiter.',
    'signaling-degraded': 'Einer von zwei Treffpunkten ist nicht erreichbar. Der andere genügt.',
    'wrong-password': 'Das Passwort stimmt nicht. Frag nach dem richtigen und tritt noch einmal bei.',
    'room-full': 'Der Raum ist voll. Versuch es später noch einmal.',
    'codec-refused':
      'Die Seite erlaubt den Sprachcodec nicht. Ihr Betreiber muss ’wasm-unsafe-eval’ zulassen.',
    'load-failed': 'Ein Teil wurde nicht geladen. Lade die Seite neu.',
    'storage-refused': 'Der Browser speichert nichts. Einstellungen gelten nur für diesen Besuch.',
    'audio-blocked': 'Der Browser spielt noch keinen Ton. Drücke „Ton einschalten“.',
    'link-failed':
      'Ein Netz dazwischen verhindert direkte Verbindungen. Der Betreiber der Seite kann einen TURN-Server angeben.',
    'wrong-state': 'Das geht gerade nicht.',
    'invalid-argument': 'Dieser Wert ist nicht erlaubt.',
    'unknown-peer': 'Diese Person ist nicht mehr hier.',
  },
};

/** @param lang a BCP 47 tag; anything but German gets English */
export function stringsFor(lang: string): Strings {
  return isGerman(lang) ? german : english;
}

export function isGerman(lang: string): boolean {
  return /^de(-|$)/i.test(lang);
}

/** The language in force at an element: the nearest `lang`, shadow hosts included. */
export function languageOf(element: Element): string {
  for (let at: Element | null = element; at !== null;) {
    const holder: Element | null = at.closest('[lang]');
    if (holder !== null) return holder.getAttribute('lang') ?? '';
    const root: Node = at.getRootNode();
    at = 'host' in root ? (root as ShadowRoot).host : null;
  }
  return '';
}
