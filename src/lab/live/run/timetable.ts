/**
 * When things are to be done in a live run: times of the run, which begins with the chain, on the clock of this machine.
 */

/** Node.js takes no longer waits. */
const LONGEST_MS = 2 ** 31 - 1;

export class Timetable {
  /** Milliseconds since 1970. */
  readonly #begins_ms: number;
  readonly #onError: (error: unknown) => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  #closed = false;

  /**
   * @param begins microseconds since 1970
   * @param onError is told what an action throws
   */
  constructor(begins: number, onError: (error: unknown) => void) {
    this.#begins_ms = begins / 1000;
    this.#onError = onError;
  }

  /** Microseconds since the run began; negative before. */
  get now(): number {
    return Math.round((Date.now() - this.#begins_ms) * 1000);
  }

  /** Does something at a time of the run, or at once when it has passed, but never within this call. */
  at(time: number, action: () => void): void {
    if (this.#closed) return;
    const wait_ms = Math.max(0, this.#begins_ms + time / 1000 - Date.now());
    const timer = setTimeout(
      () => {
        this.#timers.delete(timer);
        if (wait_ms > LONGEST_MS) this.at(time, action);
        else this.#do(action);
      },
      Math.min(wait_ms, LONGEST_MS),
    );
    this.#timers.add(timer);
  }

  /** Nothing is done any more. */
  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #do(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#onError(error);
    }
  }
}
