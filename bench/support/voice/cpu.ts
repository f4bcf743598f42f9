/** How much of a processor a process tree uses, from Linux' `/proc`. */

import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { descendantsOf } from '../../../test/support/browser.js';

/** Clock ticks a second in `/proc/PID/stat`: 100 on every Linux that browsers run on (`getconf CLK_TCK`). */
const TICKS_PER_SECOND = 100;

/** Ticks each process has used so far, user and system. */
function ticks(root: number): Map<number, number> {
  const used = new Map<number, number>();
  for (const pid of descendantsOf(root)) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // Fields after the name, which may hold spaces: state is the third, utime the 14th, stime the 15th.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      used.set(pid, Number(fields[11]) + Number(fields[12]));
    } catch (error) {
      if (!isGone(error)) throw error;
    }
  }
  return used;
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
