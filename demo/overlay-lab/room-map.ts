/**
 * The map of the room: links, the speaker's tree, voice copies on their way, and the chosen member's path beside the
 * direct one. Draws what the last picture holds at a clock of its own that runs evenly just behind it.
 */

import type { Layout } from './layout.js';
import { MapFrame, type Spot } from './map-frame.js';
import { GRAVE_MS, HEALED_MS, drawMember, radiusOf, type Trace } from './member-drawing.js';
import { paletteOf, type Palette } from './palette.js';
import { FLIGHT_FIELDS, type MemberPicture, type Picture } from './protocol.js';

interface Flight {
  readonly from: number;
  readonly to: number;
  readonly departMs: number;
  readonly arriveMs: number;
  readonly sequence: number;
}

/** Every so many frames one is drawn larger: a beat to follow through the tree, and to race against the direct way. */
const BEAT_FRAMES = 8;
/** How far the clock may lag behind the last picture before it jumps, ms of real time. */
const MOST_LAG_MS = 150;
/** How fast the map zooms to those who are there: share of the way per drawing. */
const ZOOMING = 0.12;
/** Flights still drawn: more than four seconds of frames of a full room. */
const MOST_FLIGHTS = 6000;

export class RoomMap {
  chosen = -1;
  /** Whether copies are drawn moving and losses flashing. */
  moves = true;
  rate = 0.1;
  readonly #context: CanvasRenderingContext2D;
  #palette: Palette;
  readonly #frame = new MapFrame();
  #picture: Picture | undefined;
  #flights: Flight[] = [];
  readonly #traces = new Map<number, Trace>();
  #clockMs = 0;
  #drawnMs = 0;

  constructor(readonly canvas: HTMLCanvasElement) {
    this.#context = canvas.getContext('2d')!;
    this.#palette = paletteOf(canvas);
    new ResizeObserver(() => this.#resize()).observe(canvas);
    this.#resize();
  }

  /** Colours may have changed. */
  recolour(): void {
    this.#palette = paletteOf(this.canvas);
  }

  open(layout: Layout): void {
    this.#frame.layout = layout;
    this.#picture = undefined;
    this.#flights = [];
    this.#traces.clear();
    this.#clockMs = 0;
  }

  show(picture: Picture, realMs: number): void {
    const old = this.#picture;
    this.#picture = picture;
    if (!old || picture.nowMs - old.nowMs > MOST_LAG_MS * 2) this.#clockMs = picture.nowMs;
    for (let at = 0; at < picture.flights.length; at += FLIGHT_FIELDS) {
      const [from, to, departMs, arriveMs, sequence] = picture.flights.subarray(at, at + FLIGHT_FIELDS);
      this.#flights.push({
        from: from!,
        to: to!,
        departMs: departMs!,
        arriveMs: arriveMs!,
        sequence: sequence!,
      });
    }
    if (picture.skipLeftMs > 0) this.#flights = [];
    this.#flights = this.#flights.filter(({ arriveMs }) => arriveMs >= this.#clockMs).slice(-MOST_FLIGHTS);
    this.#follow(picture, realMs);
  }

  /** The member drawn at a point of the canvas, in CSS pixels; −1 = none. */
  memberAt(x: number, y: number): number {
    let best = -1;
    // A finger is wider than a disc.
    let bestPx = 22;
    for (const member of this.#picture?.members ?? []) {
      const spot = this.#frame.spot(member.place);
      const distancePx = Math.hypot(spot.x - x, spot.y - y);
      if (distancePx >= bestPx) continue;
      best = member.index;
      bestPx = distancePx;
    }
    return best;
  }

  /** The member next to the chosen one in a direction (1 right, −1 left; 1 down, −1 up); −1 = none. */
  neighbourOf(index: number, right: number, down: number): number {
    const members = this.#picture?.members ?? [];
    const from = members.find((member) => member.index === index);
    if (!from) return members[0]?.index ?? -1;
    const origin = this.#frame.spot(from.place);
    let best = -1;
    let bestPx = Infinity;
    for (const member of members) {
      const { x, y } = this.#frame.spot(member.place);
      const along = (x - origin.x) * right + (y - origin.y) * down;
      const aside = Math.abs((x - origin.x) * down) + Math.abs((y - origin.y) * right);
      // Within 60° of the direction, and what lies straight ahead before what is only near.
      if (along <= 0 || aside > along * 1.7) continue;
      const px = along + aside;
      if (px < bestPx) [best, bestPx] = [member.index, px];
    }
    return best;
  }

  draw(realMs: number): void {
    const context = this.#context;
    context.clearRect(0, 0, this.#frame.width, this.#frame.height);
    const picture = this.#picture;
    if (!picture) return;
    const passedMs = Math.min(100, realMs - this.#drawnMs) * this.rate;
    this.#drawnMs = realMs;
    const lagMs = MOST_LAG_MS * Math.max(this.rate, 0.01);
    this.#clockMs = Math.min(
      picture.nowMs,
      Math.max(picture.nowMs - lagMs, this.#clockMs + Math.max(0, passedMs)),
    );
    this.#frame.zoom(picture, this.moves ? ZOOMING : 1);
    this.#drawCut(picture);
    this.#drawLinks(picture);
    this.#drawTree(picture, realMs);
    const chosen = picture.members.find((member) => member.index === this.chosen);
    if (chosen) this.#drawPath(picture, chosen);
    if (this.moves && picture.skipLeftMs <= 0) this.#drawFlights(picture, chosen);
    for (const trace of this.#traces.values())
      drawMember(
        context,
        this.#palette,
        trace,
        this.#frame.spot(trace.member.place),
        this.#radius(trace.member),
        {
          realMs,
          moves: this.moves,
          chosen: trace.member.index === this.chosen,
        },
      );
    this.#drawNames(picture, chosen);
  }

  #resize(): void {
    const { canvas } = this;
    const ratio = Math.min(2, devicePixelRatio || 1);
    this.#frame.width = canvas.clientWidth;
    this.#frame.height = canvas.clientHeight;
    canvas.width = Math.round(this.#frame.width * ratio);
    canvas.height = Math.round(this.#frame.height * ratio);
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
  }

  #follow(picture: Picture, realMs: number): void {
    const here = new Set<number>();
    for (const member of picture.members) {
      here.add(member.index);
      const trace = this.#traces.get(member.index);
      if (!trace) {
        this.#traces.set(member.index, {
          member,
          cameMs: realMs,
          goneMs: Infinity,
          healedMs: -Infinity,
          silentMs: member.hearing === 'silent' ? realMs : -Infinity,
        });
        continue;
      }
      if (trace.member.hearing === 'silent' && member.hearing === 'hears') trace.healedMs = realMs;
      if (trace.member.hearing !== 'silent' && member.hearing === 'silent') trace.silentMs = realMs;
      trace.member = member;
    }
    for (const [index, trace] of this.#traces) {
      if (here.has(index)) continue;
      if (trace.goneMs === Infinity) trace.goneMs = realMs;
      else if (realMs - trace.goneMs > GRAVE_MS) this.#traces.delete(index);
    }
  }

  #spotOf(index: number): Spot | undefined {
    const trace = this.#traces.get(index);
    return trace && this.#frame.spot(trace.member.place);
  }

  #drawCut({ cutX }: Picture): void {
    const { layout } = this.#frame;
    if (cutX === undefined || !layout) return;
    const context = this.#context;
    // Between the two places on either side of the cut.
    let [left, right] = [-1, -1];
    layout.x.forEach((x, place) => {
      if (x < cutX && (left < 0 || x > layout.x[left]!)) left = place;
      if (x >= cutX && (right < 0 || x < layout.x[right]!)) right = place;
    });
    if (left < 0 || right < 0) return;
    const turned = this.#frame.turned;
    const [a, b] = [this.#frame.spot(left), this.#frame.spot(right)];
    const at = turned ? (a.y + b.y) / 2 : (a.x + b.x) / 2;
    context.strokeStyle = this.#palette.lost;
    context.lineWidth = 2;
    context.setLineDash([3, 7]);
    context.beginPath();
    const length = turned ? this.#frame.width : this.#frame.height;
    for (let along = 0; along <= length; along += 16) {
      const off = at + (along % 32 === 0 ? -5 : 5);
      if (turned) context.lineTo(along, off);
      else context.lineTo(off, along);
    }
    context.stroke();
    context.setLineDash([]);
  }

  #drawLinks({ links }: Picture): void {
    const context = this.#context;
    context.strokeStyle = this.#palette.link;
    context.lineWidth = 1;
    context.beginPath();
    for (let at = 0; at < links.length; at += 2) this.#line(links[at]!, links[at + 1]!);
    context.stroke();
  }

  #drawTree(picture: Picture, realMs: number): void {
    const context = this.#context;
    context.lineCap = 'round';
    for (const member of picture.members) {
      if (member.parent < 0) continue;
      const silent = member.hearing === 'silent';
      context.strokeStyle = silent ? this.#palette.lost : this.#palette.tree;
      context.lineWidth = silent ? 1.5 : Math.min(4, 1.2 + Math.sqrt(member.below) * 0.45);
      context.setLineDash(silent ? [2, 6] : []);
      const healedMs = realMs - (this.#traces.get(member.index)?.healedMs ?? -Infinity);
      if (healedMs < HEALED_MS) {
        context.strokeStyle = this.#palette.path;
        context.lineWidth += 2 * (1 - healedMs / HEALED_MS);
      }
      context.beginPath();
      this.#line(member.parent, member.index);
      context.stroke();
    }
    context.setLineDash([]);
  }

  /** The way the voice takes to the chosen member, and the direct one dashed. */
  #drawPath(picture: Picture, chosen: MemberPicture): void {
    const context = this.#context;
    if (chosen.hearing === 'hears') {
      context.strokeStyle = this.#palette.path;
      context.lineWidth = 4;
      context.beginPath();
      for (const [from, to] of pathTo(picture, chosen)) this.#line(from, to);
      context.stroke();
    }
    if (chosen.index === picture.speaker || chosen.hops === 1) return;
    context.strokeStyle = this.#palette.direct;
    context.lineWidth = 2;
    context.setLineDash([1, 6]);
    context.beginPath();
    this.#line(picture.speaker, chosen.index);
    context.stroke();
    context.setLineDash([]);
  }

  #drawFlights(picture: Picture, chosen: MemberPicture | undefined): void {
    const context = this.#context;
    const clockMs = this.#clockMs;
    const onPath = new Set(
      chosen?.hearing === 'hears' ? pathTo(picture, chosen).map(([from, to]) => `${from} ${to}`) : [],
    );
    const base = this.#frame.narrow ? 1.3 : 1.7;
    const ghosts = new Map<number, number>();
    for (const { from, to, departMs, arriveMs, sequence } of this.#flights) {
      if (from === picture.speaker) ghosts.set(sequence, departMs);
      if (clockMs < departMs || clockMs >= arriveMs) continue;
      const beat = sequence % BEAT_FRAMES === 0;
      const chosenPath = onPath.has(`${from} ${to}`);
      context.fillStyle = chosenPath ? this.#palette.path : this.#palette.packet;
      context.globalAlpha = beat || chosenPath ? 1 : 0.55;
      const radius = base * (beat ? 2.1 : 1) * (chosenPath ? 1.35 : 1);
      this.#dot(from, to, (clockMs - departMs) / (arriveMs - departMs), radius, true);
    }
    context.globalAlpha = 1;
    if (!chosen || chosen.hearing !== 'hears' || chosen.hops < 2) return;
    context.strokeStyle = this.#palette.direct;
    context.lineWidth = 1.5;
    for (const [sequence, departMs] of ghosts) {
      if (sequence % BEAT_FRAMES !== 0) continue;
      const share = (clockMs - departMs) / chosen.directMs;
      if (share >= 0 && share < 1) this.#dot(picture.speaker, chosen.index, share, base * 2.8, false);
    }
  }

  #dot(from: number, to: number, share: number, radius: number, filled: boolean): void {
    const [a, b] = [this.#spotOf(from), this.#spotOf(to)];
    if (!a || !b) return;
    const context = this.#context;
    context.beginPath();
    context.arc(a.x + (b.x - a.x) * share, a.y + (b.y - a.y) * share, radius, 0, 2 * Math.PI);
    if (filled) context.fill();
    else context.stroke();
  }

  #line(from: number, to: number): void {
    const [a, b] = [this.#spotOf(from), this.#spotOf(to)];
    if (!a || !b) return;
    this.#context.moveTo(a.x, a.y);
    this.#context.lineTo(b.x, b.y);
  }

  #radius(member: MemberPicture): number {
    return radiusOf(member, this.#picture?.members.length ?? 1, this.#frame.narrow);
  }

  #drawNames(picture: Picture, chosen: MemberPicture | undefined): void {
    const speaker = picture.members.find((member) => member.index === picture.speaker);
    if (speaker) this.#label(speaker, `${speaker.name} speaks`);
    if (!chosen || chosen === speaker) return;
    const heard = chosen.hearing === 'hears';
    this.#label(chosen, heard ? `${chosen.name}, ${Math.round(chosen.delayMs)} ms` : chosen.name);
    if (!heard || chosen.hops < 2 || !speaker) return;
    if (!this.#frame.narrow)
      for (const [relay] of pathTo(picture, chosen).slice(1)) {
        const member = picture.members.find(({ index }) => index === relay);
        if (member) this.#label(member, member.name);
      }
    const [a, b] = [this.#frame.spot(speaker.place), this.#frame.spot(chosen.place)];
    // Towards the listener: near the middle the chosen way is often close.
    this.#text(
      `directly ${Math.round(chosen.directMs)} ms`,
      a.x + (b.x - a.x) * 0.62,
      a.y + (b.y - a.y) * 0.62 - 12,
      this.#palette.direct,
    );
  }

  #label(member: MemberPicture, text: string): void {
    const { x, y } = this.#frame.spot(member.place);
    const below = y < this.#frame.height - 34;
    this.#text(text, x, y + (below ? 1 : -1) * (this.#radius(member) + 17), this.#palette.text);
  }

  #text(text: string, x: number, y: number, colour: string): void {
    const context = this.#context;
    context.font = `600 ${this.#frame.narrow ? 12 : 13}px system-ui, sans-serif`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    const half = context.measureText(text).width / 2 + 6;
    const inside = Math.min(this.#frame.width - half, Math.max(half, x));
    context.lineWidth = 4;
    context.lineJoin = 'round';
    context.strokeStyle = this.#palette.surface;
    context.strokeText(text, inside, y);
    context.fillStyle = colour;
    context.fillText(text, inside, y);
  }
}

/** The links from the speaker to a member, in the order the voice takes them; empty while they do not join up. */
export function pathTo({ members, speaker }: Picture, member: MemberPicture): [from: number, to: number][] {
  const byIndex = new Map(members.map((each) => [each.index, each]));
  const path: [number, number][] = [];
  for (let at: MemberPicture | undefined = member; at && at.index !== speaker; at = byIndex.get(at.parent)) {
    if (at.parent < 0 || path.length > members.length) return [];
    path.unshift([at.parent, at.index]);
  }
  return path[0]?.[0] === speaker ? path : [];
}
