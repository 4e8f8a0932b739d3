/**
 * The simulated container backend of one provider: hosts with limited room, images that have to be pulled, workloads
 * that start, run, end and get lost.
 *
 * The backend outlives the provider's process: a workload keeps running while the process is down, and the restarted
 * process is told which ones there are. What happens to a workload in between is told to nobody, as with a real engine
 * whose event stream nobody reads; the list at `recovered` is what counts.
 *
 * Time and inputs come through a small port that the world implements.
 */
import type { Input, RandomStream, Time, WorkloadEvent, WorkloadSpec } from '../../actors/actor.ts';
import type { CrashLoop } from './faults.ts';
import { constantSampler, type Sampler } from './latency.ts';
import { drawChance } from './streams.ts';

/** What one host offers. */
export interface HostSpec {
  /** milli-vCPU */
  readonly cpu: number;
  /** bytes */
  readonly memory: number;
  /** bytes */
  readonly disk: number;
  /** milli-GPU */
  readonly gpu: number;
}

export interface ContainerModel {
  /** Time to pull an image that the host does not have yet. Default 5 s. */
  readonly pull_us?: Sampler;
  /** Time to start a container once the image is there. Default 500 ms. */
  readonly start_us?: Sampler;
  /** Time to stop a container. Default 200 ms. */
  readonly stop_us?: Sampler;
  /** Probability that a start fails although there is room. Default 0. */
  readonly startFailure?: number;
  /** How long a workload runs until it ends by itself; null (the default): for ever. */
  readonly lifetime_us?: Sampler | null;
  /** Probability that such an end is the out-of-memory killer's doing, rather than an exit. Default 0. */
  readonly outOfMemory?: number;
}

/** What the backend needs of its world. */
export interface ContainerPort {
  now(): Time;
  /** Runs `action` at a time; returns a handle for `cancel`. */
  at(time: Time, label: string, action: () => void): number;
  cancel(handle: number): void;
  /** Hands an input to the provider's process, if one is up. */
  tell(input: Input<never, never>): void;
}

/** Most workloads of one backend. */
export const MAX_WORKLOADS = 1_000_000;

type State = 'starting' | 'running' | 'stopping';

interface Workload {
  readonly spec: WorkloadSpec;
  state: State;
  /** The event that moves it on, or -1. */
  handle: number;
}

interface Host {
  readonly spec: HostSpec;
  up: boolean;
  cpu: number;
  memory: number;
  disk: number;
  gpu: number;
  /** When each image is, or will be, there. */
  readonly images: Map<string, Time>;
}

export class ContainerBackend {
  private readonly model: Required<ContainerModel>;
  private readonly stream: RandomStream;
  private readonly port: ContainerPort;
  private readonly hosts: Host[];
  private readonly workloads = new Map<string, Workload>();
  /** Crash loops that are in force. */
  private loops: CrashLoop[] = [];

  constructor(hosts: readonly HostSpec[], model: ContainerModel, stream: RandomStream, port: ContainerPort) {
    this.hosts = hosts.map(spec => ({ spec, up: true, cpu: 0, memory: 0, disk: 0, gpu: 0, images: new Map() }));
    this.model = {
      pull_us: model.pull_us ?? constantSampler(5_000_000),
      start_us: model.start_us ?? constantSampler(500_000),
      stop_us: model.stop_us ?? constantSampler(200_000),
      startFailure: probability(model.startFailure ?? 0, 'startFailure'),
      lifetime_us: model.lifetime_us ?? null,
      outOfMemory: probability(model.outOfMemory ?? 0, 'outOfMemory'),
    };
    this.stream = stream;
    this.port = port;
  }

  get hostCount(): number {
    return this.hosts.length;
  }

  /** Names of the workloads that run or are about to, in the order in which they were started. */
  list(): readonly string[] {
    const names: string[] = [];
    for (const [id, workload] of this.workloads) if (workload.state !== 'stopping') names.push(id);
    return names;
  }

  isHostUp(host: number): boolean {
    return this.host(host)?.up === true;
  }

  /** Begins to start a workload; ends in `started` or `start-failed`. A workload that is there is left as it is. */
  start(spec: WorkloadSpec): void {
    const present = this.workloads.get(spec.id);
    if (present !== undefined) {
      if (present.state === 'running') this.event(spec.id, 'started', 'already running');
      else if (present.state === 'stopping') this.event(spec.id, 'start-failed', 'still being stopped');
      return;
    }
    const host = this.host(spec.host);
    const refusal = this.refusal(host, spec);
    if (host === undefined || refusal !== null) {
      this.event(spec.id, 'start-failed', refusal ?? `there is no host ${spec.host}`);
      return;
    }
    this.reserve(host, spec, 1);
    const workload: Workload = { spec, state: 'starting', handle: -1 };
    this.workloads.set(spec.id, workload);
    const now = this.port.now();
    let ready = host.images.get(spec.image);
    if (ready === undefined) {
      ready = now + this.draw(this.model.pull_us);
      host.images.set(spec.image, ready);
    }
    const fails = drawChance(this.stream, this.model.startFailure);
    const at = Math.max(ready, now) + this.draw(this.model.start_us);
    workload.handle = this.port.at(at, `workload ${spec.id} starts`, () => this.finishStart(workload, fails));
  }

  /** Begins to stop a workload; ends in `stopped` in any case. */
  stop(id: string): void {
    const workload = this.workloads.get(id);
    if (workload === undefined) {
      this.event(id, 'stopped', 'was not running');
      return;
    }
    if (workload.state === 'stopping') return;
    if (workload.handle !== -1) this.port.cancel(workload.handle);
    workload.state = 'stopping';
    const at = this.port.now() + this.draw(this.model.stop_us);
    workload.handle = this.port.at(at, `workload ${id} stops`, () => this.end(workload, 'stopped', 'stopped'));
  }

  /** What a simulated workload writes is nothing; one that is not there writes not even that. */
  readLog(id: string): void {
    this.port.tell({ kind: 'workloadLog', id, lines: this.workloads.has(id) ? [] : null });
  }

  /** A workload ends by itself right now: a fault, or its lifetime is over. False when it does not run. */
  crash(id: string, event: 'exited' | 'out-of-memory', reason: string): boolean {
    const workload = this.workloads.get(id);
    if (workload === undefined || workload.state !== 'running') return false;
    if (workload.handle !== -1) this.port.cancel(workload.handle);
    this.end(workload, event, reason);
    return true;
  }

  /** Workloads begin not to stay up, or may stay up again from their next start on. */
  setCrashLoop(loop: CrashLoop, on: boolean): void {
    if (!on) {
      this.loops = this.loops.filter(each => each !== loop);
      return;
    }
    this.loops.push(loop);
    for (const workload of this.workloads.values()) {
      if (workload.state === 'running' && loopHits(loop, workload)) this.endAfter(workload, loop);
    }
  }

  /** A host goes away with everything on it. */
  hostDown(index: number): void {
    const host = this.host(index);
    if (host === undefined) throw new RangeError(`there is no host ${index}`);
    if (!host.up) return;
    host.up = false;
    this.port.tell({ kind: 'host', host: index, up: false });
    const lost = [...this.workloads.values()].filter(workload => workload.spec.host === index);
    for (const workload of lost) {
      if (workload.handle !== -1) this.port.cancel(workload.handle);
      this.end(workload, workload.state === 'stopping' ? 'stopped' : 'lost', 'host lost');
    }
  }

  /** A host comes back, empty but for the images that it had completely. */
  hostUp(index: number): void {
    const host = this.host(index);
    if (host === undefined) throw new RangeError(`there is no host ${index}`);
    if (host.up) return;
    host.up = true;
    const now = this.port.now();
    for (const [image, ready] of [...host.images]) if (ready > now) host.images.delete(image);
    this.port.tell({ kind: 'host', host: index, up: true });
  }

  private finishStart(workload: Workload, fails: boolean): void {
    workload.handle = -1;
    if (fails) {
      this.end(workload, 'start-failed', 'the container did not start');
      return;
    }
    workload.state = 'running';
    const lifetime = this.model.lifetime_us;
    if (lifetime !== null) {
      const killed = drawChance(this.stream, this.model.outOfMemory);
      const at = this.port.now() + this.draw(lifetime);
      const event = killed ? 'out-of-memory' : 'exited';
      workload.handle = this.port.at(at, `workload ${workload.spec.id} ends`, () =>
        this.end(workload, event, killed ? 'killed for its memory use' : 'exited by itself'),
      );
    }
    const loop = this.loops.find(each => loopHits(each, workload));
    if (loop !== undefined) this.endAfter(workload, loop);
    this.event(workload.spec.id, 'started', '');
  }

  /** Ends a running workload so long from now, whatever was to end it before. */
  private endAfter(workload: Workload, { after_us, outOfMemory }: CrashLoop): void {
    if (workload.handle !== -1) this.port.cancel(workload.handle);
    const at = this.port.now() + after_us;
    workload.handle = this.port.at(at, `workload ${workload.spec.id} crashes`, () =>
      this.end(
        workload,
        outOfMemory ? 'out-of-memory' : 'exited',
        outOfMemory ? 'killed for its memory use' : 'crashed',
      ),
    );
  }

  private end(workload: Workload, event: WorkloadEvent, reason: string): void {
    this.workloads.delete(workload.spec.id);
    this.reserve(this.hosts[workload.spec.host]!, workload.spec, -1);
    this.event(workload.spec.id, event, reason);
  }

  private event(id: string, event: WorkloadEvent, reason: string): void {
    this.port.tell({ kind: 'workload', id, event, reason });
  }

  private refusal(host: Host | undefined, spec: WorkloadSpec): string | null {
    if (host === undefined) return `there is no host ${spec.host}`;
    if (!host.up) return `host ${spec.host} is down`;
    if (this.workloads.size >= MAX_WORKLOADS) return `there are ${MAX_WORKLOADS} workloads already`;
    for (const unit of ['cpu', 'memory', 'disk', 'gpu'] as const) {
      const wanted = spec[unit];
      if (!Number.isSafeInteger(wanted) || wanted < 0) return `${unit} must be a whole number, found ${wanted}`;
      if (host[unit] + wanted > host.spec[unit]) {
        return `host ${spec.host} has no room: ${unit} ${wanted} wanted, ${host.spec[unit] - host[unit]} free`;
      }
    }
    return null;
  }

  private reserve(host: Host, spec: WorkloadSpec, sign: 1 | -1): void {
    host.cpu += sign * spec.cpu;
    host.memory += sign * spec.memory;
    host.disk += sign * spec.disk;
    host.gpu += sign * spec.gpu;
  }

  private host(index: number): Host | undefined {
    return Number.isInteger(index) ? this.hosts[index] : undefined;
  }

  private draw(sampler: Sampler): number {
    return sampler.constant ?? Math.max(0, Math.round(sampler.sample(this.stream)));
  }
}

function loopHits(loop: CrashLoop, workload: Workload): boolean {
  return loop.id === null || loop.id === workload.spec.id;
}

function probability(value: number, what: string): number {
  if (!(value >= 0 && value <= 1)) throw new RangeError(`${what} must be a probability, found ${value}`);
  return value;
}
