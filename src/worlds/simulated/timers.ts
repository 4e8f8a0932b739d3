/**
 * A process's timers. Deadlines are local time, absolute, and outlast whatever happens to the clock in between.
 */
import type { Time, TimerId } from '../../actors/actor.ts';
import type { Agenda } from './agenda.ts';
import type { NodeClock } from './clock.ts';
import { digestNumber, digestString } from './digest.ts';
import { TIMER } from './events.ts';
import type { EventHandle } from './kernel.ts';

export interface TimerRecord {
  readonly id: TimerId;
  /** Local time. */
  readonly at: Time;
  /** -1 once the event has left the queue. */
  handle: EventHandle;
}

export class Timers {
  private readonly records = new Map<TimerId, TimerRecord>();
  private readonly owner: unknown;
  private readonly clock: NodeClock;
  private readonly channel: number;
  private readonly agenda: Agenda;

  /** @param owner the process, as the subject of the timers' events */
  constructor(owner: unknown, clock: NodeClock, channel: number, agenda: Agenda) {
    this.owner = owner;
    this.clock = clock;
    this.channel = channel;
    this.agenda = agenda;
  }

  get size(): number {
    return this.records.size;
  }

  /** Sets a timer, or moves it when it is pending. */
  set(id: TimerId, at: Time): void {
    const present = this.records.get(id);
    if (present !== undefined && present.handle !== -1) this.agenda.cancel(present.handle);
    const record: TimerRecord = { id, at, handle: -1 };
    record.handle = this.schedule(record);
    this.records.set(id, record);
  }

  /** Takes a timer back; nothing happens when it is not pending. */
  cancel(id: TimerId): void {
    const record = this.records.get(id);
    if (record === undefined) return;
    if (record.handle !== -1) this.agenda.cancel(record.handle);
    this.records.delete(id);
  }

  /** A timer's event is handed out. False when the timer was moved or cancelled after that had left the queue. */
  take(record: TimerRecord): boolean {
    if (this.records.get(record.id) !== record) return false;
    this.records.delete(record.id);
    return true;
  }

  /** The clock was stepped: pending timers keep their local deadlines. */
  reschedule(): void {
    for (const record of this.records.values()) {
      if (record.handle === -1) continue;
      this.agenda.cancel(record.handle);
      record.handle = this.schedule(record);
    }
  }

  clear(): void {
    for (const record of this.records.values()) if (record.handle !== -1) this.agenda.cancel(record.handle);
    this.records.clear();
  }

  private schedule(record: TimerRecord): EventHandle {
    const time = this.clock.reached(record.at, this.agenda.now);
    // Timers need no order among themselves, so each has a channel of its own.
    return this.agenda.push(time, this.channel ^ digestTimer(record.id), TIMER, this.owner, record);
  }
}

/** Fingerprint of a timer's name. */
export function digestTimer(id: TimerId): number {
  return typeof id === 'number' ? digestNumber(1, id) : digestString(id);
}
