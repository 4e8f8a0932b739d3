/**
 * The workloads of one lease: which there are, whether each has started, and what waits for an older one in its place to
 * be gone.
 */
import type { Effects, Time, WorkloadAddress, WorkloadEvent, WorkloadSpec } from '../actor.ts';
import type { Wire } from '../wire.ts';

/** First and longest wait before a workload that failed is started again. */
const RESTART_FIRST_US = 1_000_000;
const RESTART_LONGEST_US = 60_000_000;

export interface Workload {
  readonly spec: WorkloadSpec;
  /** Started at least once since it was placed here. */
  started: boolean;
  running: boolean;
  failures: number;
  addresses: readonly WorkloadAddress[];
}

export class WorkloadSet {
  #workloads = new Map<string, Workload>();
  /** Those that are being stopped, and are waited for. */
  readonly #leaving = new Set<string>();

  get isEmpty(): boolean {
    return this.#workloads.size === 0;
  }

  /** By unit. */
  get all(): Iterable<Workload> {
    return this.#workloads.values();
  }

  get ids(): Iterable<string> {
    return this.#workloads.keys();
  }

  /** Whether every workload has started once. */
  get isStarted(): boolean {
    for (const workload of this.#workloads.values()) if (!workload.started) return false;
    return true;
  }

  /** Whether there are workloads, and all of them run and are to. */
  get isRunning(): boolean {
    for (const [id, workload] of this.#workloads) if (!workload.running || this.#leaving.has(id)) return false;
    return this.#workloads.size > 0;
  }

  /** Whether nothing is waited for that is being stopped. */
  get isSettled(): boolean {
    return this.#leaving.size === 0;
  }

  /** Starts these; what was here before is no business of the set any more. */
  start(specs: readonly WorkloadSpec[], out: Effects<Wire>): void {
    this.#leaving.clear();
    this.#workloads = new Map();
    for (const spec of specs) {
      this.#add(spec);
      out.startWorkload(spec);
    }
  }

  /** Takes these for running: they were found so. */
  adopt(): void {
    for (const workload of this.#workloads.values()) {
      workload.started = true;
      workload.running = true;
    }
  }

  /**
   * Starts these, each as soon as what stands in its place has stopped.
   * @param standing names of what stands there now
   */
  replace(specs: readonly WorkloadSpec[], standing: Iterable<string>, out: Effects<Wire>): void {
    for (const id of standing) this.#leave(id, out);
    this.#workloads = new Map();
    for (const spec of specs) {
      this.#add(spec);
      if (!this.#leaving.has(spec.id)) out.startWorkload(spec);
    }
  }

  #add(spec: WorkloadSpec): void {
    this.#workloads.set(spec.id, { spec, started: false, running: false, failures: 0, addresses: [] });
  }

  /** Stops everything, and waits for it. */
  stop(out: Effects<Wire>): void {
    for (const id of this.#workloads.keys()) this.#leave(id, out);
  }

  /** Stops these, which were found, and waits for it. */
  stopFound(ids: readonly string[], out: Effects<Wire>): void {
    for (const id of ids) this.#leave(id, out);
  }

  #leave(id: string, out: Effects<Wire>): void {
    this.#leaving.add(id);
    out.stopWorkload(id);
  }

  /**
   * A workload has stopped; what waited for it in its place is started, if the lease is served.
   * @returns whether it was the last of those that are waited for
   */
  stopped(id: string, isServing: boolean, out: Effects<Wire>): boolean {
    if (!this.#leaving.delete(id)) return false;
    const next = this.#workloads.get(id);
    if (isServing && next !== undefined) out.startWorkload(next.spec);
    return this.#leaving.size === 0;
  }

  /**
   * Something else happened to a workload.
   * @returns it, or undefined when it is none of these, or only stands in the place of one
   */
  happened(id: string, event: WorkloadEvent, addresses: readonly WorkloadAddress[]): Workload | undefined {
    const workload = this.#workloads.get(id);
    if (workload === undefined || this.#leaving.has(id)) return undefined;
    workload.running = event === 'started';
    workload.addresses = workload.running ? addresses : [];
    return workload;
  }

  /** A workload of these failed: when it is to be started again. */
  retryAt(workload: Workload, now: Time): Time {
    workload.failures += 1;
    return now + Math.min(RESTART_FIRST_US * 2 ** (workload.failures - 1), RESTART_LONGEST_US);
  }

  /** Starts a workload again that had failed or exited. */
  restart(id: string, out: Effects<Wire>): void {
    const workload = this.#workloads.get(id);
    if (workload !== undefined && !workload.running && !this.#leaving.has(id)) out.startWorkload(workload.spec);
  }
}
