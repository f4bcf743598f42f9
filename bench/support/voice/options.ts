/** What the voice benchmarks have in common on the command line. */

import type { BrowserKind } from '../../../test/support/browser.js';
import type { System, VoiceSystem } from './paths.js';

export const SYSTEMS: readonly System[] = ['ours', 'native', 'bare'];
export const VOICE_SYSTEMS: readonly VoiceSystem[] = ['ours', 'native'];
export const BROWSERS: readonly BrowserKind[] = ['chromium', 'firefox'];

/** @throws RangeError naming the option when the text names anything unknown */
export function listOf<T extends string>(text: string, known: readonly T[], option: string): T[] {
  return text.split(',').map((name) => {
    const found = known.find((one) => one === name);
    if (!found) throw new RangeError(`--${option} takes ${known.join(', ')}, not ${name}`);
    return found;
  });
}

/** @throws RangeError when anything listed is no whole number from 0 to 8 */
export function countsOf(text: string | undefined, option: string): number[] | undefined {
  return text?.split(',').map((item) => {
    if (!/^[0-8]$/.test(item))
      throw new RangeError(`--${option} takes whole numbers from 0 to 8, not ${item}`);
    return Number(item);
  });
}

/** Says on stderr what goes on, so that figures alone reach stdout. */
export const progress = (text: string): void => void process.stderr.write(`${text}\n`);
