/** The lines that `bench:overlay --json` prints, read back. */

import path from 'node:path';

const TEXT_KEYS = ['scenario', 'system'] as const;
const NUMBER_KEYS = [
  'nodes',
  'seeds',
  'rad',
  'radWorst',
  'rdpP90',
  'rdpP99',
  'owdP95Ms',
  'owdP99Ms',
  'directP99Ms',
  'unserved',
  'copiesPerDelivery',
  'controlKbps',
  'maxDepth',
  'linksMean',
  'linksMax',
  'gapP50Ms',
  'gapP99Ms',
  'delivered',
  'served500ms',
  'served3s',
] as const;

/** NaN where a line says null: JSON has no word for what was not measured or never came. */
export type ReportRow = Readonly<
  Record<(typeof TEXT_KEYS)[number], string> &
    Record<(typeof NUMBER_KEYS)[number], number> & {
      /** Where the row is from: the name of its file, or of a run. */
      set: string;
    }
>;

/**
 * @param name of the file, for `set` and for errors
 * @throws RangeError naming file, line and key of the first line that is no row
 */
export function parseRows(text: string, name: string): ReportRow[] {
  const set = path.basename(name).replace(/\.\w+$/, '');
  const rows: ReportRow[] = [];
  text.split('\n').forEach((line, index) => {
    if (line.trim() === '') return;
    const place = `${name}, line ${index + 1}`;
    let values: Record<string, unknown>;
    try {
      values = JSON.parse(line) as Record<string, unknown>;
    } catch {
      throw new RangeError(`${place}: not JSON`);
    }
    const row: Record<string, string | number> = { set };
    for (const key of TEXT_KEYS) {
      const value = values[key];
      if (typeof value !== 'string') throw new RangeError(`${place}: ${key} is no text`);
      row[key] = value;
    }
    for (const key of NUMBER_KEYS) {
      const value = values[key] ?? NaN;
      if (!(key in values) || typeof value !== 'number')
        throw new RangeError(`${place}: ${key} is no number`);
      row[key] = value;
    }
    rows.push(row as ReportRow);
  });
  return rows;
}

/** Rows grouped by a key, in order of first appearance. */
export function groupsOf(
  rows: readonly ReportRow[],
  keyOf: (row: ReportRow) => string,
): Map<string, ReportRow[]> {
  const groups = new Map<string, ReportRow[]>();
  for (const row of rows) {
    const key = keyOf(row);
    const group = groups.get(key);
    if (group) group.push(row);
    else groups.set(key, [row]);
  }
  return groups;
}
