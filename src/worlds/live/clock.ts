/**
 * A participant's clock, and how it waits.
 *
 * All participants of a network count microseconds from one epoch, by the wall clocks of their machines. A wall clock
 * may be set back or forth; a participant's clock never falls. It follows a step forward at once (a machine that slept
 * has missed that time), and after a step back it goes at half the speed until the wall has caught up: to stand still
 * instead would keep all timers waiting, to ignore it would leave this participant ahead of the others for good.
 *
 * From one incarnation to the next it does not fall either, unless the wall was set back meanwhile: that a process comes
 * back takes longer than the millisecond by which its readings may be ahead.
 */
import type { Time } from '../../actors/actor.ts';

export interface Clock {
  /** Microseconds since the epoch; whole, not negative, never less than before. */
  now(): Time;
}

/** The clocks of a machine. */
export interface MachineClocks {
  /** Milliseconds since 1970; may be set. */
  wall_ms(): number;
  /** Microseconds since some time; cannot be set. */
  monotonic_us(): number;
}

const MACHINE: MachineClocks = {
  wall_ms: () => Date.now(),
  monotonic_us: () => performance.now() * 1_000,
};

/** The wall is read in whole milliseconds, so that a difference of so much says nothing. */
const TOLERANCE_US = 2_000;

export class WallClock implements Clock {
  private readonly epoch_ms: number;
  private readonly machine: MachineClocks;
  private reading: number;
  private read_us: number;

  /** @param epoch_ms what all participants count from, in milliseconds since 1970 */
  constructor(epoch_ms: number, machine: MachineClocks = MACHINE) {
    if (!Number.isSafeInteger(epoch_ms)) throw new RangeError(`an epoch is whole milliseconds, found ${epoch_ms}`);
    this.epoch_ms = epoch_ms;
    this.machine = machine;
    this.read_us = machine.monotonic_us();
    this.reading = this.wall_us();
  }

  now(): Time {
    const monotonic_us = this.machine.monotonic_us();
    const elapsed_us = monotonic_us - this.read_us;
    const wall_us = this.wall_us();
    const ahead_us = this.reading + elapsed_us - wall_us;
    this.read_us = monotonic_us;
    if (ahead_us < -TOLERANCE_US) this.reading = wall_us;
    else if (ahead_us <= TOLERANCE_US) this.reading += elapsed_us;
    // Before the epoch it waits.
    else if (this.reading === 0) this.reading = wall_us;
    else this.reading += Math.max(elapsed_us / 2, elapsed_us - ahead_us);
    return Math.floor(this.reading);
  }

  /** What the wall shows; 0 before the epoch. */
  private wall_us(): number {
    return Math.max(0, (this.machine.wall_ms() - this.epoch_ms) * 1_000);
  }
}

/** How a participant gets its turns. */
export interface Scheduler {
  /** Runs an action when the event loop has seen to its sockets and files. */
  soon(action: () => void): void;
  /** Runs an action once so many milliseconds have passed, never before. What it returns takes that back. */
  after(ms: number, action: () => void): () => void;
}

/** The event loop of this process. */
export const eventLoop: Scheduler = {
  soon: action => void setImmediate(action),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};
