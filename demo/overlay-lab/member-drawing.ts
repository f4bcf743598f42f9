/** How a member looks on the map. */

import type { Spot } from './map-frame.js';
import { gainColour, type Palette } from './palette.js';
import type { MemberPicture } from './protocol.js';

/** What of a member lasts beyond one picture. Times are real, ms. */
export interface Trace {
  member: MemberPicture;
  cameMs: number;
  goneMs: number;
  /** When it heard the voice again after a silence. */
  healedMs: number;
  silentMs: number;
}

export const GRAVE_MS = 3000;
export const HEALED_MS = 900;
/** Below three flashes a second, as WCAG 2.3.1 asks. */
const FLASH_HZ = 1.4;

/** Larger for who passes the voice to more, smaller in a crowd. */
export function radiusOf(member: MemberPicture, members: number, narrow: boolean): number {
  const crowd = Math.max(1, members / 60);
  const base = (narrow ? 4.2 : 6.2) / Math.sqrt(Math.sqrt(crowd));
  if (member.hearing === 'speaks') return base * 1.9;
  return member.phone ? base * 0.95 : Math.min(base * 1.9, base + Math.sqrt(member.below) * 0.9);
}

/** One member, as a disc, a phone, or a fading cross. */
export function drawMember(
  context: CanvasRenderingContext2D,
  palette: Palette,
  { member, cameMs, goneMs, healedMs, silentMs }: Trace,
  { x, y }: Spot,
  radius: number,
  { realMs, moves, chosen }: { readonly realMs: number; readonly moves: boolean; readonly chosen: boolean },
): void {
  if (goneMs !== Infinity) {
    context.globalAlpha = Math.max(0, 1 - (realMs - goneMs) / GRAVE_MS);
    context.strokeStyle = palette.lost;
    context.lineWidth = 2;
    context.beginPath();
    context.moveTo(x - radius, y - radius);
    context.lineTo(x + radius, y + radius);
    context.moveTo(x + radius, y - radius);
    context.lineTo(x - radius, y + radius);
    context.stroke();
    context.globalAlpha = 1;
    return;
  }
  context.globalAlpha = moves ? Math.min(1, 0.2 + (realMs - cameMs) / 400) : 1;
  const hollow = member.hearing !== 'hears' && member.hearing !== 'speaks';
  const colour =
    member.hearing === 'speaks'
      ? palette.speaker
      : member.hearing === 'hears'
        ? gainColour(palette, member.directMs - member.delayMs)
        : member.hearing === 'silent'
          ? palette.lost
          : palette.quiet;
  context.fillStyle = hollow ? palette.surface : colour;
  context.strokeStyle = hollow ? colour : palette.surface;
  context.lineWidth = hollow ? 2 : 1.5;
  shape(context, member, x, y, radius);
  context.fill();
  context.stroke();
  if (member.hearing === 'blocks') {
    context.beginPath();
    context.moveTo(x - radius * 0.7, y + radius * 0.7);
    context.lineTo(x + radius * 0.7, y - radius * 0.7);
    context.stroke();
  }
  if (member.hearing === 'silent') {
    const flash = moves ? Math.cos(((realMs - silentMs) / 1000) * FLASH_HZ * 2 * Math.PI) : 1;
    context.globalAlpha = 0.65 + 0.35 * flash;
    ring(context, x, y, radius + 5 + 2 * flash, palette.lost, 2.5);
  }
  const healed = (realMs - healedMs) / HEALED_MS;
  if (healed < 1 && moves) {
    context.globalAlpha = 1 - healed;
    ring(context, x, y, radius + 4 + 14 * healed, palette.path, 2.5);
  }
  context.globalAlpha = 1;
  if (member.hearing === 'speaks') ring(context, x, y, radius + 4, palette.speaker, 2);
  if (chosen) ring(context, x, y, radius + 5, palette.text, 2);
}

function shape(
  context: CanvasRenderingContext2D,
  member: MemberPicture,
  x: number,
  y: number,
  radius: number,
): void {
  context.beginPath();
  // A phone is upright.
  if (member.phone) context.roundRect(x - radius * 0.72, y - radius * 1.2, radius * 1.44, radius * 2.4, 2.5);
  else context.arc(x, y, radius, 0, 2 * Math.PI);
}

function ring(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  radius: number,
  colour: string,
  width: number,
): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.stroke();
}
