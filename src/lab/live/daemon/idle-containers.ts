/**
 * What stands in the place of containers where there are none: it takes every workload for started, runs nothing, and
 * says so to whoever reads a log. For networks on machines without Docker, in which only the market is of interest.
 */
import type { WorkloadSpec } from '../../../actors/actor.ts';
import type { ContainerEvents, Containers } from '../../../worlds/live/ports.ts';

/** What a tenant reads where its service's log would be. */
export const NOTHING_RUNS = 'nothing runs here: this provider keeps its leases without containers (containers: none)';

export class IdleContainers implements Containers {
  readonly #events: ContainerEvents;
  readonly #started = new Set<string>();
  #isClosed = false;

  constructor(events: ContainerEvents) {
    this.#events = events;
  }

  /** Nothing outlasts a process that ran nothing. */
  async list(): Promise<readonly string[]> {
    return [];
  }

  start({ id }: WorkloadSpec): void {
    this.#started.add(id);
    this.#later(() => this.#events.workload(id, 'started', '', []));
  }

  stop(id: string): void {
    this.#started.delete(id);
    this.#later(() => this.#events.workload(id, 'stopped', '', []));
  }

  readLog(id: string, lines: number): void {
    const found = this.#started.has(id) ? [NOTHING_RUNS].slice(0, lines) : null;
    this.#later(() => this.#events.log(id, found));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #later(tell: () => void): void {
    setImmediate(() => {
      if (!this.#isClosed) tell();
    });
  }
}
