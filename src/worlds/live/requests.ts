/**
 * Requests that clients of a participant have open. Each is answered once; its client does not wait for more.
 */
import type { PeerName } from '../../actors/actor.ts';

/** Most requests that may be open. */
export const MAX_OPEN_REQUESTS = 4_096;

interface OpenRequest {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class Requests {
  private readonly name: PeerName;
  private readonly waiting = new Map<number, OpenRequest>();
  private next = 1;
  /** Why none is taken any more. */
  private over: string | null = null;

  /** @param name whose requests they are */
  constructor(name: PeerName) {
    this.name = name;
  }

  /**
   * Opens a request.
   * @param ask hands it to the actor, under this number
   */
  open(ask: (id: number) => void, signal?: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.over !== null) throw new Error(`${this.name} is not running: ${this.over}`);
      if (this.waiting.size >= MAX_OPEN_REQUESTS) {
        throw new Error(`${this.name} is busy: ${MAX_OPEN_REQUESTS} requests are open`);
      }
      signal?.throwIfAborted();
      const id = this.next++;
      const abort = (): void => {
        this.waiting.delete(id);
        reject(signal!.reason);
      };
      signal?.addEventListener('abort', abort, { once: true });
      const done = <T>(then: (value: T) => void): ((value: T) => void) => {
        return value => {
          signal?.removeEventListener('abort', abort);
          then(value);
        };
      };
      this.waiting.set(id, { resolve: done(resolve), reject: done(reject) });
      ask(id);
    });
  }

  /** The actor answers; a second answer, or one to nobody, goes nowhere. */
  answer(id: number, answer: unknown): void {
    const open = this.waiting.get(id);
    if (!this.waiting.delete(id)) return;
    open!.resolve(answer);
  }

  /** Nobody is answered any more. */
  end(reason: string): void {
    this.over = reason;
    for (const { reject } of this.waiting.values()) reject(new Error(`${this.name} is not running: ${reason}`));
    this.waiting.clear();
  }
}
