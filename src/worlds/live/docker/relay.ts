/**
 * The relay of one private network: a small container of the provider's, in that network and in no other, through which
 * ports of the workloads in it are reached from here where the host itself cannot reach them.
 *
 * Everything runs over one stream that the engine carries to and from the relay's program, in channels: neither the relay
 * nor the engine listens on anything, so nobody else comes in this way. A relay that is gone is made again when it is
 * needed next.
 */
import { type Engine, reasonOf } from './engine.ts';
import { type RelayPlace, type RunningRelay, startRelay } from './relay-container.ts';
import { type Slots, unlessAborted } from './turns.ts';
import type { Conversation, Target, Way } from './way.ts';

/** After an attempt that failed, whoever comes within this time is told of the same failure. */
const REST_MS = 1_000;

export interface RelayParts {
  readonly engine: Engine;
  readonly place: RelayPlace;
  /** The id of the image that it is made of, which is fetched or made when it is not there. */
  readonly image: () => Promise<string>;
  /** Limits how many are started at a time. */
  readonly slots: Slots;
  readonly problem: (text: string) => void;
}

export class Relay {
  readonly #parts: RelayParts;
  readonly #closing = new AbortController();
  #running: RunningRelay | null = null;
  #starting: Promise<RunningRelay> | null = null;
  #failure: { readonly error: unknown; readonly until_ms: number } | null = null;
  /** What was told of it last, so that a failure that goes on is told once. */
  #told = '';

  constructor(parts: RelayParts) {
    this.#parts = parts;
  }

  /** The relay, started unless it runs. Throws with the reason why it does not. */
  async running(): Promise<RunningRelay> {
    this.#closing.signal.throwIfAborted();
    if (this.#running !== null) return this.#running;
    if (this.#failure !== null && performance.now() < this.#failure.until_ms) throw this.#failure.error;
    this.#starting ??= this.#start().finally(() => {
      this.#starting = null;
    });
    return await this.#starting;
  }

  /** The way through it to a target that it reaches. */
  way(target: Target): Way {
    return {
      connect: async signal => {
        const { client } = await this.#again(signal);
        return await client.connect(target, signal);
      },
      converse: (hear, gone) => this.#converse(target, hear, gone),
    };
  }

  /** Ends it. Resolves when nothing is under way any more; its container is the engine's to remove. */
  async close(): Promise<void> {
    this.#closing.abort(new Error(`the relay of ${this.#parts.place.network} was closed`));
    this.#running?.end('closed');
    await this.#starting?.catch(() => {}); // Told to whoever asked for it.
  }

  async #start(): Promise<RunningRelay> {
    const { engine, place, image, slots } = this.#parts;
    const { signal } = this.#closing;
    try {
      const id = await image();
      const running = await slots.run(async () => {
        signal.throwIfAborted();
        return await startRelay(engine, place, id, signal);
      });
      if (signal.aborted) {
        running.end('closed');
        throw signal.reason;
      }
      this.#failure = null;
      this.#told = '';
      this.#running = running;
      void running.over.then(reason => this.#onOver(running, reason));
      return running;
    } catch (error) {
      const failure = new Error(`the relay of ${place.network} does not run: ${reasonOf(error)}`, { cause: error });
      this.#failure = { error: failure, until_ms: performance.now() + REST_MS };
      throw failure;
    }
  }

  #onOver(running: RunningRelay, reason: string): void {
    if (this.#running === running) this.#running = null;
    if (!this.#closing.signal.aborted && !this.#parts.engine.isClosed) {
      this.#tell(`the relay of ${this.#parts.place.network} is gone, until it is needed again: ${reason}`);
    }
  }

  /** The relay for somebody who has nobody to tell why there is none. */
  async #again(signal: AbortSignal): Promise<RunningRelay> {
    try {
      return await unlessAborted(this.running(), signal);
    } catch (error) {
      if (!signal.aborted) this.#tell(reasonOf(error));
      throw error;
    }
  }

  /** A conversation begins at once. Of what is said before there is a relay the first is kept, the rest is lost. */
  #converse(target: Target, hear: (data: Buffer) => void, gone: () => void): Conversation {
    let inner: Conversation | null = null;
    let isClosed = false;
    const first: Buffer[] = [];
    this.#again(this.#closing.signal)
      .then(({ client }) => {
        if (isClosed) return;
        inner = client.converse(target, hear, gone);
        for (const data of first.splice(0)) inner.send(data);
      })
      .catch(() => {
        if (!isClosed) gone();
      });
    return {
      send: data => {
        if (inner !== null) inner.send(data);
        else if (first.length === 0) first.push(data);
      },
      close: () => {
        isClosed = true;
        inner?.close();
      },
    };
  }

  #tell(text: string): void {
    if (text === this.#told || this.#closing.signal.aborted) return;
    this.#told = text;
    this.#parts.problem(text);
  }
}
