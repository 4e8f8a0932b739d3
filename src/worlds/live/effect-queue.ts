/**
 * The one FIFO of an actor's effects, with its barrier: while a commit is under way effects wait here, and when it is
 * over they are performed in order, up to the next one.
 */
import type { Effect } from './effect.ts';

/** Most effects that may wait behind a barrier; beyond, the disk cannot keep up with what the actor wants of it. */
export const MAX_QUEUED_EFFECTS = 1_000_000;

/** Performed effects that are kept before the list is cut, so that taking costs the same whatever its length. */
const SLACK = 1_024;

export class EffectQueue<Message> {
  /** Whether effects wait. */
  isBlocked = false;
  private readonly perform: (effect: Effect<Message>) => void;
  private waiting: Effect<Message>[] = [];
  private next = 0;

  /** @param perform performs an effect; a `sync` may block the queue */
  constructor(perform: (effect: Effect<Message>) => void) {
    this.perform = perform;
  }

  /** Performs an effect, or has it wait. */
  take(effect: Effect<Message>): void {
    if (!this.isBlocked) {
      this.perform(effect);
      return;
    }
    if (this.waiting.length - this.next >= MAX_QUEUED_EFFECTS) {
      throw new RangeError(`more than ${MAX_QUEUED_EFFECTS} effects wait behind a sync`);
    }
    this.waiting.push(kept(effect));
  }

  /** The barrier is reached: performs what waits, up to the next one. */
  release(): void {
    this.isBlocked = false;
    while (!this.isBlocked) {
      const effect = this.waiting[this.next];
      if (effect === undefined) break;
      this.next++;
      this.perform(effect);
    }
    if (this.next === this.waiting.length || this.next > SLACK) {
      this.waiting = this.waiting.slice(this.next);
      this.next = 0;
    }
  }

  /** What waits never happens. */
  drop(): void {
    this.waiting = [];
    this.next = 0;
  }
}

/** An effect that waits: what the actor may go on to change is copied, as plain bytes whatever kind of array holds them. */
function kept<Message>(effect: Effect<Message>): Effect<Message> {
  if (effect.kind === 'append') return { ...effect, entry: Uint8Array.from(effect.entry) };
  if (effect.kind === 'put') return { ...effect, value: Uint8Array.from(effect.value) };
  return effect;
}
