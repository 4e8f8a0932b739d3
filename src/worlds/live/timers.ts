/**
 * A participant's timers: deadlines by its own clock, the earliest of which is at hand. However many there are, one
 * timer of the process waits for all of them.
 */
import type { Time, TimerId } from '../../actors/actor.ts';

/** Most timers that an actor may have pending. */
export const MAX_TIMERS = 1_000_000;

interface Deadline {
  readonly id: TimerId;
  readonly at: Time;
  /** Timers of one instant fire in the order in which they were set. */
  readonly sequence: number;
}

export class Timers {
  private readonly pending = new Map<TimerId, Deadline>();
  /** A binary heap; what was moved or cancelled stays in it until it comes up, or there is too much of that. */
  private heap: Deadline[] = [];
  private sequence = 0;

  get size(): number {
    return this.pending.size;
  }

  /** Sets a timer, or moves it when it is pending. */
  set(id: TimerId, at: Time): void {
    if (this.pending.size >= MAX_TIMERS && !this.pending.has(id)) {
      throw new RangeError(`more than ${MAX_TIMERS} timers are pending`);
    }
    const deadline = { id, at, sequence: this.sequence++ };
    this.pending.set(id, deadline);
    this.heap.push(deadline);
    this.siftUp(this.heap.length - 1);
    if (this.heap.length > 64 && this.heap.length > 2 * this.pending.size) this.rebuild();
  }

  /** Takes a timer back; nothing happens when it is not pending. */
  cancel(id: TimerId): void {
    this.pending.delete(id);
  }

  /** When the earliest timer fires; null when none is pending. */
  earliest(): Time | null {
    for (;;) {
      const top = this.heap[0];
      if (top === undefined) return null;
      if (this.pending.get(top.id) === top) return top.at;
      this.pop();
    }
  }

  /** Takes the earliest timer, which must be there, off the list. */
  take(): TimerId {
    if (this.earliest() === null) throw new Error('no timer is pending');
    const { id } = this.heap[0]!;
    this.pop();
    this.pending.delete(id);
    return id;
  }

  clear(): void {
    this.pending.clear();
    this.heap = [];
  }

  private rebuild(): void {
    this.heap = [...this.pending.values()];
    for (let at = this.heap.length >> 1; at >= 0; at--) this.siftDown(at);
  }

  private pop(): void {
    const last = this.heap.pop()!;
    if (this.heap.length === 0) return;
    this.heap[0] = last;
    this.siftDown(0);
  }

  private siftUp(start: number): void {
    for (let at = start; at > 0; ) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(at, parent)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  private siftDown(start: number): void {
    for (let at = start; ; ) {
      let least = at;
      for (const child of [2 * at + 1, 2 * at + 2]) {
        if (child < this.heap.length && this.isBefore(child, least)) least = child;
      }
      if (least === at) return;
      this.swap(at, least);
      at = least;
    }
  }

  private isBefore(a: number, b: number): boolean {
    const one = this.heap[a]!;
    const other = this.heap[b]!;
    return one.at === other.at ? one.sequence < other.sequence : one.at < other.at;
  }

  private swap(a: number, b: number): void {
    [this.heap[a], this.heap[b]] = [this.heap[b]!, this.heap[a]!];
  }
}
