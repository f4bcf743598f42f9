/** The colours of the page, resolved: the style sheet owns them, a canvas cannot read it by itself. */

/** Classes of gain over the direct way, from much sooner to much later, with the least gain of each, ms. */
export const GAIN_CLASSES = [
  { name: 'gain-0', leastMs: 25 },
  { name: 'gain-1', leastMs: 10 },
  { name: 'gain-2', leastMs: 2 },
  { name: 'gain-3', leastMs: -2 },
  { name: 'gain-4', leastMs: -10 },
  { name: 'gain-5', leastMs: -25 },
  { name: 'gain-6', leastMs: -Infinity },
] as const;

const NAMES = [
  ...GAIN_CLASSES.map(({ name }) => name),
  'surface',
  'text',
  'quiet',
  'speaker',
  'lost',
  'link',
  'tree',
  'packet',
  'path',
  'direct',
] as const;
type ColourName = (typeof NAMES)[number];
export type Palette = Readonly<Record<ColourName, string>>;

/** @param element anything inside the page's style sheet; its own colour is borrowed for the moment */
export function paletteOf(element: HTMLElement): Palette {
  const { color } = element.style;
  const entries = NAMES.map((name) => {
    element.style.color = `var(--lab-${name})`;
    return [name, getComputedStyle(element).color] as const;
  });
  element.style.color = color;
  return Object.fromEntries(entries) as Palette;
}

/** The colour of a member that hears the voice so much sooner (or, below 0, later) than directly. */
export function gainColour(palette: Palette, gainMs: number): string {
  const found = GAIN_CLASSES.find(({ leastMs }) => gainMs >= leastMs);
  return palette[found?.name ?? 'gain-3'];
}
