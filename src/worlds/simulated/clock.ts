/**
 * A node's own clock: off by an offset, drifting, and sometimes stepped.
 *
 * Events are kept in true time; actors see local time only. A clock translates both ways. Readings are integers, never
 * negative, and never fall while true time rises: whatever the drift does, only a step back takes a reading back.
 */
import type { Time } from '../../actors/actor.ts';

/** Fastest drift that is modelled; crystal oscillators stay within 100. */
export const MAX_DRIFT_PPM = 100_000;

export interface ClockModel {
  /** How far the clock is ahead of true time at the start, in microseconds. */
  readonly offset_us?: number;
  /** Parts per million that the clock runs fast. */
  readonly drift_ppm?: number;
}

export class NodeClock {
  private offset: number;
  private drift: number;
  /** True time since which the drift counts. */
  private since = 0;

  constructor(model: ClockModel = {}) {
    this.offset = model.offset_us ?? 0;
    this.drift = model.drift_ppm ?? 0;
    if (!Number.isSafeInteger(this.offset)) {
      throw new RangeError(`a clock's offset must be a whole number of microseconds, found ${this.offset}`);
    }
    if (!(Math.abs(this.drift) <= MAX_DRIFT_PPM)) {
      throw new RangeError(`a clock drifts by at most ${MAX_DRIFT_PPM} ppm, found ${this.drift}`);
    }
  }

  /** What the clock shows at a true time. */
  local(time: Time): Time {
    let reading = time + this.offset;
    if (this.drift !== 0) reading += Math.floor(((time - this.since) * this.drift) / 1e6);
    return reading < 0 ? 0 : reading;
  }

  /** The first true time, from `now` on, at which the clock shows `reading` or more. */
  reached(reading: Time, now: Time): Time {
    if (reading <= 0) return now;
    let time = reading - this.offset;
    if (this.drift !== 0) {
      time = this.since + Math.floor((time - this.since) / (1 + this.drift / 1e6));
      // Rounded down, the estimate is never late; walk to the first true time that satisfies the definition.
      while (this.local(Math.max(time, now)) < reading) time++;
    }
    return time < now ? now : time;
  }

  /** The clock runs so many ppm faster (slower if negative) from now on. Its reading does not jump. */
  addDrift(by_ppm: number, now: Time): void {
    const drift = this.drift + by_ppm;
    if (!(Math.abs(drift) <= MAX_DRIFT_PPM)) {
      throw new RangeError(`a clock drifts by at most ${MAX_DRIFT_PPM} ppm, found ${drift}`);
    }
    if (this.drift !== 0) this.offset += Math.floor(((now - this.since) * this.drift) / 1e6);
    this.since = now;
    this.drift = drift;
  }

  /** Moves the clock by so many microseconds, forward or back. */
  step(by: number): void {
    if (!Number.isSafeInteger(by)) throw new RangeError(`a clock steps by whole microseconds, found ${by}`);
    this.offset += by;
  }
}
