/**
 * A container engine in memory: hosts with limited room, workloads that start after a while and go on when their
 * provider's process does not. It keeps the contract of a container backend as the participant needs it.
 */
import type { WorkloadEvent, WorkloadSpec } from '../../../src/actors/actor.ts';
import type { ContainerEvents, Containers } from '../../../src/worlds/live/ports.ts';
import type { WorldTime } from './world-time.ts';

const START_MS = 10;
const STOP_MS = 5;
const HOST_ROOM = { cpu: 1_000, memory: 2 ** 30, disk: 2 ** 30, gpu: 0 };

/** What runs the workloads of one provider, whose processes come and go. */
export interface WorkloadEngine {
  /** The backend of one incarnation of the provider. */
  attach(events: ContainerEvents): Promise<Containers>;
  /** A workload ends by itself. */
  crash(id: string): Promise<void>;
  setHost(host: number, up: boolean): Promise<void>;
  /** Ends everything. */
  close(): Promise<void>;
}

interface Workload {
  readonly spec: WorkloadSpec;
  isRunning: boolean;
}

export class MemoryEngine implements WorkloadEngine {
  private readonly hostsUp: boolean[];
  private readonly workloads = new Map<string, Workload>();
  private readonly time: WorldTime;
  /** Who listens; null while the provider is down. */
  private events: ContainerEvents | null = null;

  constructor(hosts: number, time: WorldTime) {
    this.time = time;
    this.hostsUp = Array.from({ length: hosts }, () => true);
  }

  async attach(events: ContainerEvents): Promise<Containers> {
    this.events = events;
    return {
      list: async () => [...this.workloads.keys()],
      start: spec => this.start(spec),
      stop: id => this.stop(id),
      readLog: id => this.time.after(1, () => this.events?.log(id, this.workloads.has(id) ? [] : null)),
      close: async () => {
        if (this.events === events) this.events = null;
      },
    };
  }

  async crash(id: string): Promise<void> {
    if (this.workloads.get(id)?.isRunning === true) this.end(id, 'exited', 'crashed');
  }

  async setHost(host: number, up: boolean): Promise<void> {
    this.hostsUp[host] = up;
    this.events?.host(host, up);
    if (up) return;
    for (const [id, { spec }] of [...this.workloads]) if (spec.host === host) this.end(id, 'lost', 'host lost');
  }

  async close(): Promise<void> {
    this.workloads.clear();
  }

  private start(spec: WorkloadSpec): void {
    const present = this.workloads.get(spec.id);
    if (present !== undefined) {
      if (present.isRunning) this.time.after(1, () => this.tell(spec.id, 'started', 'already running'));
      return;
    }
    const refusal = this.refusal(spec);
    if (refusal !== null) {
      this.time.after(1, () => this.tell(spec.id, 'start-failed', refusal));
      return;
    }
    const workload = { spec, isRunning: false };
    this.workloads.set(spec.id, workload);
    this.time.after(START_MS, () => {
      if (this.workloads.get(spec.id) !== workload) return;
      workload.isRunning = true;
      this.tell(spec.id, 'started', '');
    });
  }

  private stop(id: string): void {
    this.time.after(STOP_MS, () => this.end(id, 'stopped', this.workloads.has(id) ? 'stopped' : 'was not running'));
  }

  private end(id: string, event: WorkloadEvent, reason: string): void {
    this.workloads.delete(id);
    this.tell(id, event, reason);
  }

  private tell(id: string, event: WorkloadEvent, reason: string): void {
    this.events?.workload(id, event, reason, []);
  }

  private refusal(spec: WorkloadSpec): string | null {
    const up = this.hostsUp[spec.host];
    if (up === undefined) return `there is no host ${spec.host}`;
    if (!up) return `host ${spec.host} is down`;
    for (const unit of ['cpu', 'memory', 'disk', 'gpu'] as const) {
      let used = 0;
      for (const other of this.workloads.values()) if (other.spec.host === spec.host) used += other.spec[unit];
      if (used + spec[unit] > HOST_ROOM[unit]) return `host ${spec.host} has no room: ${unit}`;
    }
    return null;
  }
}
