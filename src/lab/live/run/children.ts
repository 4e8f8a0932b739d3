/**
 * The processes of a live run: each participant is a daemon like any other, started as a child of the launcher, with a
 * channel to it. A child that ends on its own is told of; whoever started it decides what that means.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, type WriteStream } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Role } from '../home/folder.ts';
import type { Order, Report } from './words.ts';

/** The program of a child, beside this file: source in a checkout, JavaScript in the package. */
const PROGRAM = fileURLToPath(new URL(`./led-main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));
/** How long a daemon may take to take part, and to end when it is asked to. */
const READY_MS = 60_000;
const STOP_MS = 20_000;
/** Bytes of the last words of a child that are kept, for when it ends badly. */
const LAST_WORDS = 4_096;

export interface ChildOptions {
  readonly name: string;
  readonly role: Role;
  readonly home: string;
  /** The program that runs its daemon: led-main.ts, or what does the same and looks on more closely. */
  readonly program?: string;
  /** Where it records what it is given and does; absent or null: it does not. */
  readonly record?: string | null;
  /** What it prints is written here. */
  readonly output: string;
  readonly onReport: (report: Report) => void;
  /** A process of it is no more, for whatever reason. */
  readonly onEnd?: () => void;
  /** It ended though nobody asked it to. */
  readonly onDeath: (why: string) => void;
}

/** A start that came to nothing because the participant was killed or stopped meanwhile: nothing is wrong with it. */
export class StruckDown extends Error {
  override readonly name = 'StruckDown';
}

/** One participant, over all of its processes: it may be killed and started again. */
export class Child {
  readonly name: string;
  readonly home: string;
  readonly #options: ChildOptions;
  #process: ChildProcess | null = null;
  #output: WriteStream | null = null;
  #lastWords = '';
  #isWanted = false;
  /** It was stopped, and is not started again. */
  #isOver = false;
  #ready: { resolve: () => void; reject: (error: Error) => void } | null = null;
  /** The order that holds for as long as no other takes its place, told again to each new process. */
  #shutOut: readonly string[] = [];

  constructor(options: ChildOptions) {
    this.#options = options;
    this.name = options.name;
    this.home = options.home;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  /** Whether there is a process that nobody has killed. */
  get isRunning(): boolean {
    return this.#process !== null && this.#isWanted;
  }

  /**
   * Starts a process; resolves when the participant takes part. Rejects when it ends before, or takes too long.
   * @throws StruckDown when it was killed or stopped before it took part
   */
  async start(): Promise<void> {
    if (this.#isOver) throw new StruckDown(`${this.name} was stopped, and is not started again`);
    if (this.#process !== null) throw new Error(`${this.name} runs already`);
    const { role, home, output, program = PROGRAM, record = null } = this.#options;
    const words = [program, role, home, ...(record === null ? [] : [record])];
    const child = spawn(process.execPath, words, {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      serialization: 'advanced',
      // Ctrl-C in a terminal strikes a whole group; the launcher ends its children in order.
      detached: true,
    });
    this.#process = child;
    this.#isWanted = true;
    this.#output ??= createWriteStream(output, { flags: 'a', mode: 0o600 });
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        this.#output?.write(chunk);
        this.#lastWords = (this.#lastWords + chunk.toString('utf8')).slice(-LAST_WORDS);
      });
    child.on('message', report => this.#onReport(child, report as Report));
    child.on('error', error => this.#ended(child, error.message));
    child.on('exit', (code, signal) => this.#ended(child, signal === null ? `exit code ${code}` : `signal ${signal}`));
    const timer = setTimeout(() => this.#ready?.reject(new Error(`${this.name} is not ready after 60 s`)), READY_MS);
    try {
      await new Promise<void>((resolve, reject) => (this.#ready = { resolve, reject }));
    } finally {
      clearTimeout(timer);
      this.#ready = null;
    }
    if (this.#shutOut.length > 0) this.order({ type: 'shutOut', peers: this.#shutOut });
  }

  /** Passes an order on; without a process it is lost, but for who is shut out. */
  order(order: Order): void {
    if (order.type === 'shutOut') this.#shutOut = order.peers;
    // A channel that closes under way has lost its process, which is told of by its end.
    if (this.#process?.connected) this.#process.send(order, () => undefined);
  }

  /** The process dies at once. */
  kill(): void {
    this.#isWanted = false;
    this.#process?.kill('SIGKILL');
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#process?.kill(signal);
  }

  /** Resolves when there is no process. */
  async gone(): Promise<void> {
    const child = this.#process;
    if (child !== null) await new Promise<void>(resolve => child.once('exit', () => resolve()));
  }

  /** Asks the process to end, and ends it when it does not. There is no other one after it. */
  async stop(): Promise<void> {
    this.#isWanted = false;
    this.#isOver = true;
    const child = this.#process;
    if (child !== null) {
      child.kill('SIGCONT');
      this.order({ type: 'stop' });
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      await this.gone();
      clearTimeout(timer);
    }
    await new Promise<void>(resolve => (this.#output === null ? resolve() : this.#output.end(() => resolve())));
    this.#output = null;
  }

  #onReport(child: ChildProcess, report: Report): void {
    // What a process said before it was killed may come when there is another one already, which is not ready by that.
    if (report.type === 'ready' && this.#process === child) this.#ready?.resolve();
    this.#options.onReport(report);
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#process !== child) return;
    this.#process = null;
    this.#options.onEnd?.();
    const why = `${this.name} ended with ${how}: ${this.#lastWords.trim().split('\n').slice(-3).join(' / ')}`;
    if (this.#ready !== null) this.#ready.reject(this.#isWanted ? new Error(why) : new StruckDown(why));
    else if (this.#isWanted) this.#options.onDeath(why);
    this.#isWanted = false;
  }
}
