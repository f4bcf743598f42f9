/** What the page says of pictures, in words and figures. */

import { pathTo } from './room-map.js';
import type { Figures, MemberPicture, Picture } from './protocol.js';

/** Room time, minutes:seconds.milliseconds. */
export function clockText(nowMs: number): string {
  const seconds = (nowMs % 60_000) / 1000;
  return `${Math.floor(nowMs / 60_000)}:${seconds.toFixed(3).padStart(6, '0')}`;
}

export function speedText(rate: number): string {
  if (rate >= 0.995) return 'real time';
  return rate > 0.4 ? `${rate.toFixed(1)} × real time` : `1/${Math.round(1 / rate)} of real time`;
}

const ms = (value: number): string => `${Math.round(value)} ms`;
const fixed = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toFixed(digits) : '–';

/** What stands in one field of the figures. */
export interface FigureText {
  readonly value: string;
  readonly more?: string;
  readonly mood?: 'good' | 'bad' | undefined;
}

export function figureTexts(figures: Figures): Record<string, FigureText> {
  const { repair, silent, hearing } = figures;
  const notListening = [
    figures.blocking > 0 ? `${figures.blocking} block` : '',
    figures.apart > 0 ? `${figures.apart} cut off` : '',
  ].filter(Boolean);
  return {
    rad: {
      value: fixed(figures.rad, 2),
      more: Number.isFinite(figures.rad)
        ? `${Math.round(figures.soonerShare * 100)} % hear sooner than directly`
        : '',
      mood: figures.rad < 0.995 ? 'good' : undefined,
    },
    silent: {
      value: String(silent),
      more: `of ${[`${silent + hearing}`, ...notListening].join(', ')}`,
      mood: silent > 0 ? 'bad' : undefined,
    },
    repair: repair
      ? {
          value: ms(repair.medianMs),
          more: `${repair.members === 1 ? 'one member' : `middle of ${repair.members}`}; longest ${ms(repair.longestMs)}`,
        }
      : { value: '–', more: 'nothing broken yet' },
    members: { value: String(figures.members) },
    links: { value: fixed(figures.linksMean, 1), more: `full mesh: ${figures.members - 1}` },
    depth: { value: String(figures.depth) },
    copies: { value: fixed(figures.copiesPerDelivery, 2) },
  };
}

/** A sentence or two about one member. */
export function memberText(picture: Picture, member: MemberPicture): string {
  const names = new Map(picture.members.map(({ index, name }) => [index, name]));
  const speaker = names.get(picture.speaker) ?? '';
  const relaying =
    member.below > 0
      ? ` Passes the voice to ${member.children}, and through them to ${member.below} in all.`
      : member.phone
        ? ' A phone: passes nothing on.'
        : '';
  switch (member.hearing) {
    case 'speaks':
      return `${member.name} speaks: ${member.children} copies of each frame leave from here.`;
    case 'joins':
      return `${member.name} has just come.`;
    case 'silent':
      return `${member.name} has lost the voice and asks for another way.`;
    case 'apart':
      return `${member.name} is beyond the cut: nothing from ${speaker} can come here.`;
    case 'blocks': {
      const quiet = Number.isFinite(member.untouchedMs)
        ? `for ${(member.untouchedMs / 1000).toFixed(1)} s of room time no copy of it came here or left from here`
        : 'no copy of it ever came here';
      return `${member.name} blocks ${speaker} and is out of the tree: ${quiet}.`;
    }
    case 'hears':
      return hearsText(picture, member, speaker, names) + relaying;
  }
}

function hearsText(
  picture: Picture,
  member: MemberPicture,
  speaker: string,
  names: ReadonlyMap<number, string>,
): string {
  const gainMs = Math.round(member.directMs) - Math.round(member.delayMs);
  const via = pathTo(picture, member)
    .slice(1)
    .map(([from]) => names.get(from) ?? '');
  if (member.hops <= 1) return `${member.name} hears ${speaker} directly, after ${ms(member.delayMs)}.`;
  const through = via.length > 0 ? ` through ${via.join(', ')}` : '';
  const compared =
    gainMs > 0
      ? `${gainMs} ms sooner than directly (${ms(member.directMs)})`
      : gainMs < 0
        ? `${-gainMs} ms later than directly (${ms(member.directMs)})`
        : 'as soon as directly';
  return `${member.name} hears ${speaker} after ${ms(member.delayMs)}${through}: ${compared}.`;
}
