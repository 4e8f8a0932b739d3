/**
 * Watches an engine: its stream of events, opened again whenever it breaks, and whether it answers at all.
 *
 * Events are hints to look, never the truth: some are lost whenever the stream breaks, so whoever listens compares with
 * the engine's list each time that it is opened.
 */
import type { Readable } from 'node:stream';
import { type Engine, reasonOf } from './engine.ts';
import { pause } from './turns.ts';

/** Waits between two attempts to open the stream: they double from the first to the longest. */
const RETRY_FIRST_MS = 100;
const RETRY_LONGEST_MS = 5_000;

/** Longest line of the stream. */
const MAX_LINE = 1024 * 1024;

export interface ContainerEvent {
  readonly container: string;
  /** Such as `die`, `oom`, `destroy`, `health_status: unhealthy`. */
  readonly action: string;
  /** Its labels. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface WatchListener {
  event(event: ContainerEvent): void;
  /** The stream is open (again). Resolves when what was missed has been found; until then the engine counts as away. */
  opened(wasDown: boolean): Promise<void>;
  /** The engine has not answered for so long that it is taken to be gone. */
  down(reason: string): void;
}

export interface WatchOptions {
  /** Labels (`name=value`) of the containers to be told of. */
  readonly labels: readonly string[];
  readonly ping_ms: number;
  readonly misses: number;
  readonly problem: (text: string) => void;
}

export class EngineWatch {
  readonly #engine: Engine;
  readonly #options: WatchOptions;
  readonly #listener: WatchListener;
  readonly #closing = new AbortController();
  #stream: Readable | null = null;
  #isDown = false;
  #missed = 0;
  #done: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine, options: WatchOptions, listener: WatchListener) {
    this.#engine = engine;
    this.#options = options;
    this.#listener = listener;
  }

  start(): void {
    this.#done = Promise.all([this.#follow(), this.#ping()]);
  }

  async close(): Promise<void> {
    this.#closing.abort(new Error('the watch was closed'));
    this.#stream?.destroy();
    await this.#done;
  }

  async #ping(): Promise<void> {
    const { ping_ms, misses } = this.#options;
    while (await this.#rest(ping_ms)) {
      try {
        await this.#engine.ping(Math.max(1_000, ping_ms));
        this.#missed = 0;
      } catch (error) {
        this.#missed += 1;
        if (this.#missed < misses || this.#isDown || this.#closing.signal.aborted) continue;
        this.#isDown = true;
        this.#stream?.destroy();
        this.#listener.down(reasonOf(error));
      }
    }
  }

  async #follow(): Promise<void> {
    let wait = RETRY_FIRST_MS;
    do {
      try {
        const stream = await this.#open();
        wait = RETRY_FIRST_MS;
        await this.#read(stream);
      } catch (error) {
        // An engine that is away fails every attempt; the pings tell of that.
        if (this.#missed === 0 && !this.#closing.signal.aborted) {
          this.#options.problem(`the engine's events: ${reasonOf(error)}`);
        }
      }
      this.#stream = null;
      wait = Math.min(wait * 2, RETRY_LONGEST_MS);
    } while (await this.#rest(wait / 2));
  }

  /** Waits; false when it is over. */
  async #rest(ms: number): Promise<boolean> {
    try {
      await pause(ms, this.#closing.signal);
      return true;
    } catch {
      return false; // Only the signal rejects.
    }
  }

  async #open(): Promise<Readable> {
    const filters = { type: ['container' as const], label: [...this.#options.labels] };
    // The signal of the call ends with it and must not end the stream, so it is not passed on.
    const stream = (await this.#engine.call('listen to events', docker => docker.getEvents({ filters }))) as Readable;
    this.#stream = stream;
    stream.on('error', () => {}); // The reader is told; this is for the time before it reads.
    if (this.#closing.signal.aborted) {
      stream.destroy();
      return stream;
    }
    // What happens from here on is in the stream, so what the listener now finds and what comes later is all there is.
    const wasDown = this.#isDown;
    try {
      await this.#listener.opened(wasDown);
      // Given up while it was being looked through: it starts over, as one that comes back.
      if (this.#isDown !== wasDown) throw new Error('the engine went away again');
    } catch (error) {
      stream.destroy();
      throw error;
    }
    this.#isDown = false;
    this.#missed = 0;
    return stream;
  }

  async #read(stream: Readable): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of stream) {
      rest += decoder.decode(chunk as Uint8Array, { stream: true });
      const lines = rest.split('\n');
      rest = lines.pop()!;
      if (rest.length > MAX_LINE) throw new Error(`a line of more than ${MAX_LINE} characters`);
      for (const line of lines) {
        const event = eventOf(line);
        if (event !== null) this.#listener.event(event);
      }
    }
  }
}

/** An event of a container, from its line in the stream; null for all else. */
export function eventOf(line: string): ContainerEvent | null {
  if (line.trim() === '') return null;
  const { Type, Action, Actor } = JSON.parse(line) as {
    Type?: unknown;
    Action?: unknown;
    Actor?: { ID?: unknown; Attributes?: Record<string, string> };
  };
  if (Type !== 'container' || typeof Action !== 'string' || typeof Actor?.ID !== 'string') return null;
  return { container: Actor.ID, action: Action, labels: Actor.Attributes ?? {} };
}
