/**
 * The agenda: the event queue together with the clock and the rule for ties. The parts of a world (network, processes,
 * containers, faults) put their events on it; the world takes them off.
 *
 * A tie is 0, so that events of one instant happen in the order in which they were scheduled, or a keyed hash of
 * (channel, time), so that this order varies with the seed. What must stay in order among itself (the packets of a
 * link, the answers of a disk) shares a channel, hence a tie, and is ordered by sequence.
 */
import type { Time } from '../../actors/actor.ts';
import { digestWord } from './digest.ts';
import { CALL } from './events.ts';
import { type EventHandle, EventQueue } from './kernel.ts';

/** The channel of what must happen before all else at its instant, such as faults and drivers. */
export const FIRST = 0;

export class Agenda {
  /** True time in microseconds: that of the event being dispatched. */
  now: Time = 0;
  readonly queue = new EventQueue<unknown, unknown>(null, null);
  private readonly tieKey: number | null;

  /** @param tieKey 32 bits that same-instant orders depend on, or null for the order of scheduling */
  constructor(tieKey: number | null) {
    this.tieKey = tieKey;
  }

  /** Schedules an event, not before now. */
  push(time: Time, channel: number, kind: number, subject: unknown, payload: unknown): EventHandle {
    if (time < this.now) throw new RangeError(`cannot schedule at ${time} us, it is ${this.now} us already`);
    const tie = this.tieKey === null ? 0 : this.tie(channel, time, this.tieKey);
    return this.queue.push(time, tie, kind, subject, payload);
  }

  /** Schedules a function that runs outside actors. For what is rare; it costs a closure. */
  call(time: Time, channel: number, label: string, action: () => void): EventHandle {
    return this.push(time, channel, CALL, label, action);
  }

  cancel(handle: EventHandle): void {
    this.queue.cancel(handle);
  }

  private tie(channel: number, time: Time, key: number): number {
    if (channel === FIRST) return 0;
    const hash = digestWord(digestWord(key ^ channel, time | 0), (time / 4294967296) | 0) >>> 0;
    return hash === 0 ? 1 : hash;
  }
}
