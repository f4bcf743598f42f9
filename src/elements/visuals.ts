/** A person's look, derived from what is known of them: everybody's page draws the same person alike. */

/** One or two letters for an avatar: of the first and last word, or the first letter. */
export function initials(name: string): string {
  const words = name
    .trim()
    .split(/[\s._-]+/u)
    .filter((word) => /[\p{L}\p{N}]/u.test(word));
  const letter = (word: string | undefined): string =>
    [...(word ?? '')].find((character) => /[\p{L}\p{N}]/u.test(character))?.toLocaleUpperCase() ?? '';
  const first = letter(words[0]);
  if (first === '') return '?';
  return words.length > 1 ? first + letter(words.at(-1)) : first;
}

/**
 * Hue in degrees, 0–359, for an identity (or any text): FNV-1a, spread over 24 hues 15° apart, so that two people
 * either look alike or clearly differ.
 */
export function hueOf(seed: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < seed.length; i++) hash = Math.imul(hash ^ seed.charCodeAt(i), 0x01000193);
  return ((hash >>> 0) % 24) * 15;
}

/** The first twelve hex digits of a key fingerprint in groups of four: enough to compare by ear. */
export function shortFingerprint(identity: string): string {
  return identity.slice(0, 12).replace(/(.{4})(?=.)/g, '$1 ');
}
