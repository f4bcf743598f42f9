/** Runs seeds in child processes, as many at a time as there are jobs; with one job, here. */

import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { BenchOptions, ScenarioName, SystemName } from './options.js';
import type { SeedResult } from './measured-room.js';
import { runSeed } from './run-seed.js';

/** What a child is asked for. */
export interface SeedTask {
  readonly options: BenchOptions;
  readonly scenario: ScenarioName;
  readonly system: SystemName;
  readonly seed: number;
}

export type SeedAnswer = { readonly result: SeedResult } | { readonly error: string };

interface Waiting {
  readonly task: SeedTask;
  readonly resolve: (result: SeedResult) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A simulation makes much that lives for a moment: with more room for it 14 s of 1000 members took 46 instead of 58 s of
 * processor time.
 */
export const SIMULATION_ARGS = ['--max-semi-space-size=128', '--import', 'tsx'] as const;

export class SeedPool {
  readonly #idle: ChildProcess[] = [];
  readonly #children: ChildProcess[] = [];
  readonly #waiting: Waiting[] = [];

  constructor(readonly options: BenchOptions) {
    if (options.jobs === 1) return;
    const entry = fileURLToPath(new URL('pool-child.ts', import.meta.url));
    for (let job = 0; job < options.jobs; job++) {
      const child = fork(entry, {
        execArgv: [...SIMULATION_ARGS],
        serialization: 'advanced',
      });
      this.#children.push(child);
      this.#idle.push(child);
    }
  }

  /** @throws Error with what the run threw */
  async run(scenario: ScenarioName, system: SystemName, seed: number): Promise<SeedResult> {
    const task = { options: this.options, scenario, system, seed };
    if (this.#children.length === 0) {
      // Lets progress be printed and other promises settle between two runs.
      await new Promise((resolve) => setImmediate(resolve));
      return runSeed(task.options, scenario, system, seed);
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#next();
    });
  }

  close(): void {
    for (const child of this.#children) child.disconnect();
  }

  #next(): void {
    const child = this.#idle.pop();
    if (!child) return;
    const waiting = this.#waiting.shift();
    if (!waiting) {
      this.#idle.push(child);
      return;
    }
    const { task, resolve, reject } = waiting;
    const ended = (code: number | null): void => reject(new Error(`seed ${task.seed} ended with ${code}`));
    child.once('exit', ended);
    child.once('message', (answer: SeedAnswer) => {
      child.off('exit', ended);
      if ('error' in answer) reject(new Error(answer.error));
      else resolve(answer.result);
      this.#idle.push(child);
      this.#next();
    });
    child.send(task);
  }
}
