/** Daemons as processes of their own, in a folder of a test's, and commands that talk to them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { RunFile } from '../../src/lab/live/daemon/run-file.ts';
import { cli, type Ended } from './support.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const CACHE = join(tmpdir(), `orrery-modules-${process.getuid?.() ?? 'user'}`);
/** Time that anything may take on a busy machine. */
const PATIENCE_MS = 90_000;

export class Processes {
  readonly folder = mkdtempSync(join(tmpdir(), 'orrery-net-'));
  readonly #running = new Set<Running>();

  at(...names: string[]): string {
    return join(this.folder, ...names);
  }

  /**
   * Runs a command to its end: in this process, because most of a process's time would be its start; but for `start`,
   * which takes the process for its own.
   */
  async orrery(...args: string[]): Promise<Ended> {
    if (args[1] === 'start') return this.spawn(...args).ended;
    const before = process.cwd();
    process.chdir(this.folder);
    try {
      return await cli(args, null);
    } finally {
      process.chdir(before);
    }
  }

  /** Runs a command whose output is JSON. Throws with what it said when it fails. */
  async json<T = Record<string, unknown>>(...args: string[]): Promise<T> {
    const { code, out, err } = await this.orrery(...args, '--json');
    if (code !== 0) throw new Error(`orrery ${args.join(' ')} ended with ${code}: ${out}${err}`);
    return JSON.parse(out) as T;
  }

  spawn(...args: string[]): Running {
    const one = new Running(this.folder, args);
    this.#running.add(one);
    void one.ended.then(() => this.#running.delete(one));
    return one;
  }

  /** Starts a daemon and waits until it takes part. */
  async start(role: string, home: string, ...args: string[]): Promise<Running> {
    const one = this.spawn(role, 'start', '--home', home, ...args);
    await one.says(/is ready|"ready":true/);
    return one;
  }

  /** Ends everything. */
  async close(): Promise<void> {
    for (const one of this.#running) one.child.kill('SIGKILL');
    await Promise.all([...this.#running].map(one => one.ended));
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What the API of a home's daemon says: a test that looks often must not start a process each time. */
  async ask<T>(home: string, path: string): Promise<T> {
    const { api } = JSON.parse(readFileSync(this.at(home, 'run.json'), 'utf8')) as RunFile;
    const response = await fetch(`http://${api.host}:${api.port}${path}`);
    return (await response.json()) as T;
  }

  /** Where a home's daemon listens. */
  listenOf(home: string): string {
    const { listen } = JSON.parse(readFileSync(this.at(home, 'run.json'), 'utf8')) as RunFile;
    if (listen === null) throw new Error(`${home} only calls`);
    return `${listen.host}:${listen.port}`;
  }

  /** The lines of a home's log. */
  log(home: string): { what: string; reason?: string }[] {
    const text = readFileSync(this.at(home, 'logs', 'daemon.log'), 'utf8').trimEnd();
    return text.split('\n').map(line => JSON.parse(line) as { what: string });
  }
}

/** A process that runs a command. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  out = '';
  err = '';

  constructor(folder: string, args: readonly string[]) {
    // As the launcher does it: compiled modules are kept, or most of the time would go into loading them.
    const env = { ...process.env, NODE_COMPILE_CACHE: CACHE };
    this.child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdout?.on('data', (chunk: Buffer) => (this.out += chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => (this.err += chunk.toString()));
    this.ended = once(this.child, 'close').then(([code]) => {
      return { code: (code as number | null) ?? -1, out: this.out, err: this.err };
    });
  }

  /** Waits until it has printed something. Throws when it ends before. */
  async says(what: RegExp): Promise<void> {
    let isOver = false;
    void this.ended.then(() => (isOver = true));
    await until(() => {
      if (isOver && !what.test(this.out)) throw new Error(`ended without saying ${what}: ${this.out}${this.err}`);
      return what.test(this.out);
    });
  }

  /** Asks it to end, and waits for that. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }
}

/** Waits until something holds. */
export async function until<T>(look: () => T | Promise<T>): Promise<NonNullable<Exclude<T, false>>> {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const found = await look();
    if (found !== false && found !== null && found !== undefined) return found as NonNullable<Exclude<T, false>>;
    if (Date.now() > end) throw new Error(`waited for ${PATIENCE_MS / 1000} s in vain: ${look}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
