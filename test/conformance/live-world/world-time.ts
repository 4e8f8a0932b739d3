/**
 * Time of the live world under test. It passes only while a test lets it, one millisecond for each time that the event
 * loop has seen to its sockets and files for a few real ones. So what takes a machine a while takes the world a moment,
 * and a machine that is busy with other things does not turn the order of things round.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventLoop, type MachineClocks, type Scheduler } from '../../../src/worlds/live/clock.ts';

/** Real milliseconds for each of the world's, at least, unless told otherwise. */
export const DEFAULT_STEP_MS = 4;

interface Alarm {
  readonly at_ms: number;
  readonly action: () => void;
}

export class WorldTime {
  private now_ms = 0;
  private readonly alarms = new Set<Alarm>();
  private readonly step_ms: number;

  /** The clocks of a machine in this world, whose epoch is the world's. */
  readonly machine: MachineClocks = {
    wall_ms: () => this.now_ms,
    monotonic_us: () => this.now_ms * 1_000,
  };

  constructor(step_ms: number) {
    this.step_ms = step_ms;
  }

  /** Lets so much of it pass. */
  async pass(ms: number): Promise<void> {
    const until_ms = this.now_ms + ms;
    while (this.now_ms < until_ms) {
      await sleep(this.step_ms);
      this.now_ms++;
      for (const alarm of [...this.alarms]) {
        if (alarm.at_ms <= this.now_ms && this.alarms.delete(alarm)) alarm.action();
      }
    }
    await sleep(this.step_ms);
  }

  /** Runs an action once so much has passed. What it returns takes that back. */
  after(ms: number, action: () => void): () => void {
    const alarm = { at_ms: this.now_ms + ms, action };
    this.alarms.add(alarm);
    return () => void this.alarms.delete(alarm);
  }
}

/** The turns of one process, which can be stopped: nothing of it happens until it goes on. */
export class StoppableScheduler implements Scheduler {
  private readonly time: WorldTime;
  private isStopped = false;
  private held: (() => void)[] = [];

  constructor(time: WorldTime) {
    this.time = time;
  }

  soon(action: () => void): void {
    eventLoop.soon(() => this.run(action));
  }

  after(ms: number, action: () => void): () => void {
    let isCancelled = false;
    const unlessCancelled = (): void => {
      if (!isCancelled) action();
    };
    const cancel = this.time.after(ms, () => this.run(unlessCancelled));
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  stop(): void {
    this.isStopped = true;
  }

  goOn(): void {
    this.isStopped = false;
    for (const action of this.held.splice(0)) this.soon(action);
  }

  private run(action: () => void): void {
    if (this.isStopped) this.held.push(action);
    else action();
  }
}
