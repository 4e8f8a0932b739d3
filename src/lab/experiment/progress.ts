/** How far a number of jobs has come together: share done, events per second, time left. */
import type { JobProgress } from './worker-job.ts';

export interface ProgressView {
  readonly done: number;
  readonly jobs: number;
  /** 0 to 1, over all jobs */
  readonly share: number;
  readonly eventsPerSecond: number;
  /** seconds; null while nothing can be said */
  readonly left: number | null;
}

export class ProgressMeter {
  private readonly shares: number[];
  private readonly events: number[];
  private done = 0;
  private readonly start: number;

  /** `now`: milliseconds of any clock that goes on evenly. */
  constructor(jobs: number, now: number) {
    this.shares = new Array<number>(jobs).fill(0);
    this.events = new Array<number>(jobs).fill(0);
    this.start = now;
  }

  update({ job, share, events }: JobProgress): void {
    this.shares[job] = Math.max(this.shares[job] ?? 0, Math.min(1, share));
    this.events[job] = events;
  }

  finish(job: number, events: number | null): void {
    this.shares[job] = 1;
    if (events !== null) this.events[job] = events;
    this.done += 1;
  }

  view(now: number): ProgressView {
    const jobs = this.shares.length;
    const share = jobs === 0 ? 1 : this.shares.reduce((sum, one) => sum + one, 0) / jobs;
    const elapsed = (now - this.start) / 1_000;
    const events = this.events.reduce((sum, one) => sum + one, 0);
    return {
      done: this.done,
      jobs,
      share,
      eventsPerSecond: elapsed <= 0 ? 0 : events / elapsed,
      left: share > 0.01 && elapsed > 0.5 ? (elapsed * (1 - share)) / share : null,
    };
  }
}
