/** The page of the laboratory: its controls, its figures, and the drawing of what the worker reports. */

import { paletteOf, type Palette } from './palette.js';
import {
  FEWEST_MEMBERS,
  MOST_MEMBERS,
  type Command,
  type MemberPicture,
  type Picture,
  type Report,
} from './protocol.js';
import { RoomMap } from './room-map.js';
import { ServedStrip } from './served-strip.js';
import { clockText, figureTexts, memberText, speedText } from './words.js';

/** A new room is skipped through its first moments: links find their places, ms. */
const FORMING_MS = 30_000;
const SKIP_MS = 10_000;
const CRASH_SHARE = 0.2;
const BLOCK_SHARE = 0.3;
/** Text that changes all the time is written so often at most, ms. */
const WRITING_MS = 150;
/** Without movement the map is redrawn so often, ms. */
const STILL_MS = 300;
const NOTES_SHOWN = 6;

const byId = <T extends HTMLElement>(id: string): T => document.querySelector<T>(`#${id}`)!;

const canvas = byId<HTMLCanvasElement>('map');
const map = new RoomMap(canvas);
const strip = new ServedStrip(byId<HTMLCanvasElement>('strip'));
const chooser = byId<HTMLSelectElement>('chosen');
const size = byId<HTMLInputElement>('size');
const speed = byId<HTMLInputElement>('speed');
const moves = byId<HTMLInputElement>('moves');
const pause = byId<HTMLButtonElement>('pause');

const worker = new Worker(new URL('overlay-lab.worker.js', import.meta.url), { name: 'overlay laboratory' });
const tell = (command: Command): void => worker.postMessage(command);

let palette: Palette = paletteOf(canvas);
let picture: Picture | undefined;
let looking = false;
let writtenMs = -Infinity;
let drawnMs = -Infinity;
/** After a room has formed the member that gains most is chosen, once. */
let choosesBest = true;

const whole = (text: string | null, otherwise: number, least: number, most: number): number => {
  const value = Number(text ?? NaN);
  return Number.isInteger(value) && value >= least && value <= most ? value : otherwise;
};

const address = new URLSearchParams(location.search);
let seed = whole(address.get('seed'), 1, 0, 1e6);
size.value = String(whole(address.get('size'), 40, FEWEST_MEMBERS, MOST_MEMBERS));

function open(): void {
  choosesBest = true;
  map.chosen = -1;
  picture = undefined;
  strip.clear();
  byId('log').replaceChildren();
  tell({ type: 'open', seed, size: Number(size.value) });
  tell({ type: 'skip', ms: FORMING_MS });
}

const rate = (): number => 10 ** Number(speed.value);

function applyRate(): void {
  const paused = pause.getAttribute('aria-pressed') === 'true';
  map.rate = paused ? 0 : rate();
  tell({ type: 'rate', rate: map.rate });
  byId('speed-text').textContent = speedText(rate());
  byId('pace').textContent = paused ? 'paused' : speedText(rate());
}

function choose(index: number): void {
  map.chosen = index;
  chooser.value = String(index);
  writtenMs = -Infinity;
}

worker.addEventListener('message', ({ data }: MessageEvent<Report>) => {
  if (data.type === 'opened') map.open(data.layout);
  else take(data.picture);
});

function take(next: Picture): void {
  looking = false;
  const nowMs = performance.now();
  picture = next;
  map.show(next, nowMs);
  strip.show(next);
  for (const { kind, text, atMs } of next.notes) {
    const item = document.createElement('li');
    item.className = kind;
    const time = document.createElement('time');
    time.textContent = clockText(atMs);
    item.append(time, ` ${text}`);
    byId('log').prepend(item);
    while (byId('log').childElementCount > NOTES_SHOWN) byId('log').lastElementChild?.remove();
  }
  if (choosesBest && next.skipLeftMs <= 0) {
    choosesBest = false;
    choose(mostGaining(next)?.index ?? -1);
  }
  if (nowMs - writtenMs >= WRITING_MS) {
    writtenMs = nowMs;
    write(next);
  }
}

function mostGaining({ members }: Picture): MemberPicture | undefined {
  const gain = (member: MemberPicture): number => member.directMs - member.delayMs;
  return members
    .filter(({ hearing }) => hearing === 'hears')
    .reduce<MemberPicture | undefined>(
      (best, member) => (!best || gain(member) > gain(best) ? member : best),
      undefined,
    );
}

function write(shown: Picture): void {
  byId('clock').textContent = clockText(shown.nowMs);
  const waiting = byId('waiting');
  waiting.hidden = shown.skipLeftMs <= 0;
  byId('skip').textContent = shown.skipLeftMs > 0 ? 'Stop skipping' : 'Skip 10 s';
  waiting.textContent = `Skipping, ${Math.ceil(shown.skipLeftMs / 1000)} s of room time left`;
  for (const [name, { value, more, mood }] of Object.entries(figureTexts(shown.figures))) {
    const field = document.querySelector<HTMLElement>(`[data-figure=${name}]`)!;
    field.textContent = value;
    field.toggleAttribute('data-good', mood === 'good');
    field.toggleAttribute('data-bad', mood === 'bad');
    const below = document.querySelector(`[data-more=${name}]`);
    if (below) below.textContent = more ?? '';
  }
  const { silent } = shown.figures;
  byId('strip').setAttribute(
    'aria-label',
    silent === 0 ? 'Nobody has lost the voice' : `${silent} have lost the voice`,
  );
  if (document.activeElement !== size || shown.skipLeftMs <= 0) {
    if (!size.matches(':active')) size.value = String(shown.figures.members);
    byId('size-text').textContent = size.value;
  }
  writeChooser(shown);
  const chosen = shown.members.find(({ index }) => index === map.chosen);
  byId('chosen-text').textContent = chosen
    ? memberText(shown, chosen)
    : 'Choose a member here, or on the map by a click or the arrow keys.';
  const speaks = chosen?.hearing === 'speaks';
  byId<HTMLButtonElement>('speak').disabled = !chosen || speaks;
  byId<HTMLButtonElement>('crash').disabled = !chosen || speaks;
  const block = byId<HTMLButtonElement>('block');
  block.disabled = !chosen || speaks;
  block.textContent = chosen?.hearing === 'blocks' ? 'Unblock the speaker' : 'Block the speaker';
  byId<HTMLButtonElement>('unblock-all').disabled = shown.figures.blocking === 0;
  byId<HTMLButtonElement>('add-phone').disabled = shown.figures.members >= MOST_MEMBERS;
  const partition = byId<HTMLButtonElement>('partition');
  partition.textContent = shown.cutX === undefined ? 'Cut the network' : 'Heal the network';
}

/** Rebuilt only when members came or went: an open list must not move. */
function writeChooser(shown: Picture): void {
  const sorted = [...shown.members].sort((a, b) => (a.name < b.name ? -1 : 1));
  const key = sorted.map(({ index }) => index).join();
  if (chooser.dataset['key'] === key) return;
  chooser.dataset['key'] = key;
  chooser.replaceChildren(
    new Option('nobody', '-1'),
    ...sorted.map(({ name, phone, index }) => new Option(phone ? `${name} (phone)` : name, String(index))),
  );
  if (!sorted.some(({ index }) => index === map.chosen)) map.chosen = -1;
  chooser.value = String(map.chosen);
}

function frame(nowMs: number): void {
  requestAnimationFrame(frame);
  if (!looking) {
    looking = true;
    tell({ type: 'look' });
  }
  if (!map.moves && nowMs - drawnMs < STILL_MS) return;
  drawnMs = nowMs;
  map.draw(nowMs);
  strip.draw(palette);
}

const on = (id: string, run: () => void): void => byId(id).addEventListener('click', run);
on('crash-relay', () => tell({ type: 'crash-relay' }));
on('crash-share', () => tell({ type: 'crash-share', share: CRASH_SHARE }));
on('partition', () => tell({ type: 'partition', parted: picture?.cutX === undefined }));
on('block-many', () => tell({ type: 'block-share', share: BLOCK_SHARE }));
on('unblock-all', () => tell({ type: 'unblock-all' }));
on('add-phone', () => tell({ type: 'add-phone' }));
on('skip', () => tell({ type: 'skip', ms: picture && picture.skipLeftMs > 0 ? 0 : SKIP_MS }));
on('new-room', () => {
  seed = Math.floor(Math.random() * 1e6);
  open();
});
on('pause', () => {
  pause.setAttribute('aria-pressed', String(pause.getAttribute('aria-pressed') !== 'true'));
  applyRate();
});
on('speak', () => tell({ type: 'speaker', index: map.chosen }));
on('crash', () => tell({ type: 'crash', index: map.chosen }));
on('block', () => {
  const chosen = picture?.members.find(({ index }) => index === map.chosen);
  if (chosen) tell({ type: 'block', index: chosen.index, blocked: chosen.hearing !== 'blocks' });
});
size.addEventListener('input', () => {
  byId('size-text').textContent = size.value;
});
size.addEventListener('change', () => tell({ type: 'size', size: Number(size.value) }));
speed.addEventListener('input', applyRate);
chooser.addEventListener('change', () => choose(Number(chooser.value)));

canvas.addEventListener('click', (event) => {
  const index = map.memberAt(event.offsetX, event.offsetY);
  if (index >= 0) choose(index);
});
canvas.addEventListener('dblclick', (event) => {
  const index = map.memberAt(event.offsetX, event.offsetY);
  if (index >= 0) tell({ type: 'speaker', index });
});
canvas.addEventListener('keydown', (event) => {
  const way = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key];
  if (way) {
    const index = map.neighbourOf(map.chosen, way[0]!, way[1]!);
    if (index >= 0) choose(index);
  } else if (event.key === 'Enter' && map.chosen >= 0) tell({ type: 'speaker', index: map.chosen });
  else return;
  event.preventDefault();
});

const still = matchMedia('(prefers-reduced-motion: reduce)');
const applyMotion = (): void => {
  map.moves = moves.checked;
};
moves.checked = !still.matches;
still.addEventListener('change', () => {
  moves.checked = !still.matches;
  applyMotion();
});
moves.addEventListener('change', applyMotion);

const recolour = (): void => {
  palette = paletteOf(canvas);
  map.recolour();
};
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', recolour);
new MutationObserver(recolour).observe(document.documentElement, { attributeFilter: ['data-scheme'] });

applyMotion();
applyRate();
open();
requestAnimationFrame(frame);
