/**
 * What a participant is told, in the order in which it came about and never within a call of its own: everything waits
 * for the end of the event loop's turn. So nothing accumulates from one turn to the next, and what a turn can bring is
 * bounded by the frames that each connection may have handled in it.
 */
export class Outbox {
  #waiting: (() => void)[] = [];
  #isScheduled = false;
  #isClosed = false;

  push(tell: () => void): void {
    if (this.#isClosed) return;
    this.#waiting.push(tell);
    this.#schedule();
  }

  /** Nobody is told anything any more. */
  close(): void {
    this.#isClosed = true;
    this.#waiting = [];
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => this.#flush());
  }

  #flush(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#isScheduled = false;
    let next = 0;
    try {
      while (next < batch.length && !this.#isClosed) batch[next++]!();
    } finally {
      // Somebody threw: the rest is still to be told.
      if (next < batch.length && !this.#isClosed) {
        this.#waiting = [...batch.slice(next), ...this.#waiting];
        this.#schedule();
      }
    }
  }
}
