/**
 * This process's end of the stream to a relay: asks it for connections and conversations, and whether it is still there.
 */
import type { Writable } from 'node:stream';
import { Channel, Mux } from './relay-mux.ts';
import { FRAME, targetPayload, WIRE_VERSION, WireError } from './relay-wire.ts';
import type { Conversation, Line, Target } from './way.ts';

/** How often a relay is asked whether it is there, and after how many questions without an answer it is not. */
const PING_MS = 10_000;
const MISSES = 3;

/** Numbers of channels start over here. */
const MAX_CHANNEL = 2 ** 32 - 1;

export class RelayClient {
  /** Resolves when the relay says that it is ready; rejects when it is over before. */
  readonly ready: Promise<void>;
  readonly #mux: Mux;
  readonly #broken: (reason: string) => void;
  readonly #isReady = Promise.withResolvers<void>();
  readonly #pings: NodeJS.Timeout;
  #unanswered = 0;
  #last = 0;

  /**
   * @param output where to the relay reads from
   * @param broken told, once, when the relay does not answer or says what it should not; whoever is told closes this
   */
  constructor(output: Writable, broken: (reason: string) => void) {
    this.#broken = broken;
    this.#mux = new Mux(output, (kind, channel, payload) => this.#heard(kind, channel, payload));
    this.ready = this.#isReady.promise;
    this.ready.catch(() => {}); // Whoever waits for it is told; nobody has to wait.
    // Counted by questions, not by the clock: whoever was halted for a while has not been left without an answer.
    this.#pings = setInterval(() => {
      if (this.#unanswered >= MISSES) {
        this.#break(`no answer to ${MISSES} questions, one every ${PING_MS} ms`);
        return;
      }
      this.#unanswered += 1;
      this.#mux.send(FRAME.ping, 0);
    }, PING_MS);
  }

  get isClosed(): boolean {
    return this.#mux.isClosed;
  }

  /** Takes bytes that the relay wrote, cut anywhere. */
  push(chunk: Buffer): void {
    try {
      this.#mux.push(chunk);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#break(error.message);
    }
  }

  /** Ends all that runs over it. */
  close(reason: string): void {
    clearInterval(this.#pings);
    this.#mux.close(reason);
    this.#isReady.reject(new Error(reason));
  }

  /** A connection from the relay to a target; as of a Way. Rejects also when the relay has too many. */
  connect(target: Target, signal: AbortSignal): Promise<Line> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const id = this.#free();
      const give = (): void => {
        this.#mux.delete(id);
        this.#mux.send(FRAME.reset, id);
        reject(signal.reason);
      };
      this.#mux.set(id, {
        receive: kind => {
          signal.removeEventListener('abort', give);
          if (kind === FRAME.opened) {
            resolve(new Channel(this.#mux, id));
            return;
          }
          this.#mux.delete(id);
          reject(new Error(`nobody accepts at ${target.host}:${target.port}`));
        },
        over: reason => {
          signal.removeEventListener('abort', give);
          reject(new Error(reason));
        },
      });
      signal.addEventListener('abort', give, { once: true });
      this.#mux.send(FRAME.connect, id, targetPayload(target.host, target.port));
    });
  }

  /** A conversation of the relay's with a target; as of a Way. Throws when the relay has too many. */
  converse(target: Target, hear: (data: Buffer) => void, gone: () => void): Conversation {
    const id = this.#free();
    this.#mux.set(id, {
      receive: (kind, payload) => {
        if (kind === FRAME.datagram) hear(Buffer.from(payload));
        if (kind !== FRAME.reset) return;
        this.#mux.delete(id);
        gone();
      },
      over: gone,
    });
    this.#mux.send(FRAME.converse, id, targetPayload(target.host, target.port));
    return {
      // Datagrams may be lost, and are when the stream is full.
      send: data => {
        if (this.#mux.has(id) && !this.#mux.isFull) this.#mux.send(FRAME.datagram, id, data);
      },
      close: () => {
        if (!this.#mux.has(id)) return;
        this.#mux.delete(id);
        this.#mux.send(FRAME.reset, id);
      },
    };
  }

  #free(): number {
    do this.#last = this.#last === MAX_CHANNEL ? 1 : this.#last + 1;
    while (this.#mux.has(this.#last));
    return this.#last;
  }

  #heard(kind: number, channel: number, payload: Buffer): void {
    if (kind === FRAME.pong) this.#unanswered = 0;
    else if (kind === FRAME.hello) this.#greet(payload);
    else if (kind === FRAME.connect || kind === FRAME.converse || channel === 0) {
      throw new WireError(`kind ${kind} on channel ${channel}`);
    }
    // All else is late: its channel is over.
  }

  #greet(payload: Buffer): void {
    if (payload.length !== 1 || payload[0] !== WIRE_VERSION) {
      throw new WireError(`version ${payload.toString('hex')}, expected ${WIRE_VERSION},`);
    }
    this.#isReady.resolve();
  }

  #break(reason: string): void {
    if (!this.#mux.isClosed) this.#broken(reason);
  }
}
