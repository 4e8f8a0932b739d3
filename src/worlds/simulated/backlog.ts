/**
 * The events that wait for a process which is paused or slow, in their order.
 */

/** An event that was put off. */
export interface Deferred {
  readonly kind: number;
  readonly subject: unknown;
  readonly payload: unknown;
}

/** Taken events that are kept before the list is cut, so that taking costs the same whatever its length. */
const SLACK = 1_024;

export class Backlog {
  private events: Deferred[] = [];
  private next = 0;

  get length(): number {
    return this.events.length - this.next;
  }

  add(event: Deferred): void {
    this.events.push(event);
  }

  /** The first of them; undefined when there is none. */
  take(): Deferred | undefined {
    const event = this.events[this.next];
    if (event === undefined) return undefined;
    this.next++;
    if (this.next === this.events.length || (this.next > SLACK && this.next * 2 > this.events.length)) {
      this.events = this.events.slice(this.next);
      this.next = 0;
    }
    return event;
  }

  takeAll(): readonly Deferred[] {
    const waiting = this.events.slice(this.next);
    this.events = [];
    this.next = 0;
    return waiting;
  }
}
