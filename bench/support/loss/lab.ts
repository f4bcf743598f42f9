/**
 * Two network namespaces with a lossy, delaying path between them and nothing else. Each reaches this process's servers
 * under their own loopback addresses through a socket file, so that only what peers say to each other crosses the path.
 * Linux, root and Python 3 needed.
 */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

const FORWARDER = fileURLToPath(new URL('lossy-path.py', import.meta.url));

export type Side = 'near' | 'far';

export interface Disturbance {
  /** Packets that left the path over 5 ms later than they were due, %. */
  readonly heldUpPercent: number;
  /** By how much the latest of them did. */
  readonly worstMs: number;
}

const ADDRESS: Record<Side, string> = { near: '10.77.0.1', far: '10.77.0.2' };

/** Why there can be no lab here, or undefined. */
export function labUnavailable(): string | undefined {
  if (process.platform !== 'linux') return 'network namespaces need Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  for (const [command, argument] of [
    ['ip', '-V'],
    ['python3', '-V'],
  ] as const)
    if (spawnSync(command, [argument]).status !== 0) return `${command} is not installed`;
  const probe = `pvr-probe-${process.pid}`;
  if (spawnSync('ip', ['netns', 'add', probe]).status !== 0) return 'network namespaces are not permitted';
  spawnSync('ip', ['netns', 'delete', probe]);
  return undefined;
}

function ip(...args: string[]): void {
  const { status, stderr } = spawnSync('ip', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr.trim()}`);
}

export class Lab {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'pvr-lab-'));
  readonly #children: ChildProcess[] = [];
  readonly #servers: net.Server[] = [];
  readonly #namespaces: string[] = [];
  #forwarder: ChildProcess | undefined;

  /** @param delayMs each way. @param jitterMs more, on average. */
  static async start(delayMs: number, jitterMs: number): Promise<Lab> {
    const lab = new Lab();
    try {
      await lab.#build(delayMs, jitterMs);
    } catch (error) {
      await lab.close();
      throw error;
    }
    return lab;
  }

  /** A script that runs a program inside one side. */
  programOn(side: Side, program: string): string {
    const file = path.join(this.#folder, `${side}-${path.basename(program)}`);
    writeFileSync(file, `#!/bin/sh\nexec ip netns exec ${this.#name(side)} "${program}" "$@"\n`);
    chmodSync(file, 0o755);
    return file;
  }

  /** Lets both sides reach a server of this process under the same loopback port. */
  async expose(url: string): Promise<void> {
    const port = Number(new URL(url).port);
    const socketFile = path.join(this.#folder, `${port}.sock`);
    const server = net.createServer((client) => pipeBoth(client, net.connect(port, '127.0.0.1')));
    server.listen(socketFile);
    this.#servers.push(server);
    await once(server, 'listening');
    const relay = `require('net').createServer((client) => {
        const far = require('net').connect(${JSON.stringify(socketFile)});
        client.pipe(far).pipe(client);
        client.on('error', () => far.destroy());
        far.on('error', () => client.destroy());
      }).listen(${port}, '127.0.0.1', () => console.log('ready'))`;
    for (const side of ['near', 'far'] as const)
      await this.#run('ip', ['netns', 'exec', this.#name(side), process.execPath, '-e', relay]);
  }

  /** What the machine added to the path since it was last asked. */
  async disturbance(): Promise<Disturbance> {
    const { stdin, stdout } = this.#forwarder as ChildProcess;
    stdin?.write('?\n');
    let answer = '';
    while (!answer.endsWith('\n')) answer += String((await once(stdout as Readable, 'data'))[0]);
    const [carried = 0, heldUp = 0, worstMs = 0] = answer.split(' ').map(Number);
    return { heldUpPercent: (100 * heldUp) / Math.max(1, carried), worstMs };
  }

  setLossPercent(percent: number): void {
    this.#forwarder?.stdin?.write(`${percent}\n`);
  }

  async close(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill();
      await once(child, 'exit');
    }
    for (const server of this.#servers) server.close();
    for (const name of this.#namespaces) spawnSync('ip', ['netns', 'delete', name]);
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #name(part: string): string {
    return `pvr-${part}-${process.pid}`;
  }

  async #build(delayMs: number, jitterMs: number): Promise<void> {
    const middle = this.#name('mid');
    for (const name of [this.#name('near'), this.#name('far'), middle]) {
      ip('netns', 'add', name);
      this.#namespaces.push(name);
    }
    for (const side of ['near', 'far'] as const) {
      const name = this.#name(side);
      ip('-n', name, 'link', 'add', side, 'type', 'veth', 'peer', 'name', side, 'netns', middle);
      ip('-n', name, 'address', 'add', `${ADDRESS[side]}/24`, 'dev', side);
      for (const device of ['lo', side]) ip('-n', name, 'link', 'set', device, 'up');
      // A default route: without one browsers take the machine for offline.
      ip('-n', name, 'route', 'add', 'default', 'via', ADDRESS[side === 'near' ? 'far' : 'near']);
      ip('-n', middle, 'link', 'set', side, 'up');
      for (const namespace of [name, middle])
        ip('netns', 'exec', namespace, 'python3', FORWARDER, 'plain', side);
    }
    const numbers = [delayMs, jitterMs, 0, 1].map(String);
    this.#forwarder = await this.#run('ip', [
      ...['netns', 'exec', middle, 'python3', FORWARDER, 'join', 'near', 'far'],
      ...numbers,
    ]);
  }

  /** Starts a helper and waits until it says that it is ready. */
  async #run(command: string, args: readonly string[]): Promise<ChildProcess> {
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#children.push(child);
    const ended = once(child, 'exit').then(() => {
      throw new Error(`${args.slice(3, 5).join(' ')} ended`);
    });
    await Promise.race([once(child.stdout, 'data'), ended]);
    ended.catch(() => undefined);
    return child;
  }
}

function pipeBoth(a: net.Socket, b: net.Socket): void {
  a.pipe(b).pipe(a);
  a.on('error', () => b.destroy());
  b.on('error', () => a.destroy());
}
