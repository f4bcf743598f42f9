/** How much of a processor a process tree uses, from Linux' `/proc`. */

import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { descendantsOf } from '../../../test/support/browser.js';

/** Clock ticks a second in `/proc/PID/stat`: 100 on every Linux that browsers run on (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

interface Used {
  readonly name: string;
  /** User and system. */
  readonly ticks: number;
}

/** What a process or thread has used so far; undefined when it has ended. */
function usedBy(directory: string): Used | undefined {
  try {
    const stat = readFileSync(`${directory}/stat`, 'utf8');
    // Fields after the name, which may hold spaces: state is the third, utime the 14th, stime the 15th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return {
      name: stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')')),
      ticks: Number(fields[11]) + Number(fields[12]),
    };
  } catch (error) {
    if (!isGone(error)) throw error;
    return undefined;
  }
}

/** Ticks each process has used so far. */
function ticks(root: number): Map<number, number> {
  const used = new Map<number, number>();
  for (const pid of descendantsOf(root)) {
    const found = usedBy(`/proc/${pid}`);
    if (found) used.set(pid, found.ticks);
  }
  return used;
}

/** The same of each thread, by `process/thread`. */
function threadTicks(root: number): Map<string, Used> {
  const used = new Map<string, Used>();
  for (const pid of descendantsOf(root)) {
    const process = usedBy(`/proc/${pid}`)?.name;
    if (process === undefined) continue;
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const found = usedBy(`/proc/${pid}/task/${thread}`);
      if (found) used.set(`${pid}/${thread}`, { ...found, name: `${process} ${pid} · ${found.name}` });
    }
  }
  return used;
}

/** Which threads of a process and its descendants used most over the given time: at least 0.1 % of a core, a line each. */
export async function threadShares(root: number, seconds: number): Promise<string[]> {
  const before = threadTicks(root);
  await setTimeout(seconds * 1000);
  return [...threadTicks(root)]
    .map(([thread, { name, ticks: now }]) => ({
      name,
      percent: (100 * (now - (before.get(thread)?.ticks ?? 0))) / TICKS_PER_SECOND / seconds,
    }))
    .filter(({ percent }) => percent >= 0.1)
    .sort((a, b) => b.percent - a.percent)
    .map(({ name, percent }) => `${percent.toFixed(1).padStart(7)} %  ${name}`);
}

const isGone = (error: unknown): boolean =>
  ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '');

/** Per cent of one core used by a process and all its descendants over the given time. */
export async function cpuPercent(root: number, seconds: number): Promise<number> {
  const before = ticks(root);
  const startedMs = performance.now();
  await setTimeout(seconds * 1000);
  const passedSeconds = (performance.now() - startedMs) / 1000;
  let used = 0;
  for (const [pid, now] of ticks(root)) used += now - (before.get(pid) ?? 0);
  return (100 * used) / TICKS_PER_SECOND / passedSeconds;
}
