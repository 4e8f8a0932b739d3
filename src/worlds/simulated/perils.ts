/**
 * What can be done to the inhabitants of a simulated world: the port through which fault schedules act, which tests and
 * drivers may also use directly, from `at` and between runs. Nothing here is reachable from within an actor.
 *
 * Everything that begins and ends is counted, so that faults of one kind may overlap: a link is whole again when the
 * last of its cuts is healed.
 */
import type { PeerName, RandomStream, Time } from '../../actors/actor.ts';
import { type Agenda, FIRST } from './agenda.ts';
import type { ContainerBackend } from './containers.ts';
import { digestString } from './digest.ts';
import type { DiskSnapshot, SimulatedDisk } from './disk.ts';
import type { Dispatcher } from './dispatcher.ts';
import { CALL, EVENT_NAMES } from './events.ts';
import type { CrashLoop, FaultPort, InFlight } from './faults.ts';
import {
  type Describe,
  type EffectMoment,
  type EffectProbe,
  isEffectMoment,
  MessageMoments,
  type Moment,
  REGION_PREFIX,
  type Who,
} from './moments.ts';
import type { Network } from './network.ts';
import { DEAD, PAUSED, RUNNING, type SimulatedNode, SLOW } from './node.ts';
import type { Process } from './process.ts';
import { drawInteger, type RandomStreams } from './streams.ts';
import type { TraceHash } from './trace.ts';
import type { Tunnels } from './tunnels.ts';

export abstract class Perils<Message, Request> implements FaultPort {
  abstract readonly streams: RandomStreams;
  abstract readonly agenda: Agenda;
  abstract readonly network: Network<Message, Request>;
  abstract readonly tunnels: Tunnels<Message, Request>;
  abstract readonly traceHash: TraceHash;
  protected abstract readonly dispatcher: Dispatcher<Message, Request>;
  protected abstract readonly describe: Describe<Message> | null;
  protected readonly nodes: SimulatedNode<Message, Request>[] = [];
  protected readonly byName = new Map<PeerName, SimulatedNode<Message, Request>>();

  abstract get now(): Time;
  abstract at(time: Time, label: string, action: () => void): void;
  protected abstract start(node: SimulatedNode<Message, Request>): void;
  protected abstract end(process: Process<Message, Request>, reason: string, silent: boolean): void;

  // Who is there.

  knows(name: PeerName): boolean {
    return this.byName.has(name);
  }

  names(): readonly PeerName[] {
    return this.nodes.map(node => node.name);
  }

  /** The participants that are meant, in the order in which they were named, and within a region in that of adding. */
  members(who: Who): readonly PeerName[] {
    if (typeof who !== 'string') return who.flatMap(one => this.members(one));
    if (!who.startsWith(REGION_PREFIX)) return [who];
    const region = who.slice(REGION_PREFIX.length);
    return this.nodes.filter(node => node.region === region).map(node => node.name);
  }

  isUp(name: PeerName): boolean {
    return isAlive(this.node(name).process);
  }

  hostCount(name: PeerName): number {
    return this.node(name).containers?.hostCount ?? 0;
  }

  get describesMessages(): boolean {
    return this.describe !== null;
  }

  /** A participant's disk, for monitors and tests. */
  disk(name: PeerName): SimulatedDisk {
    return this.node(name).disk;
  }

  /** A participant's container backend, for monitors and tests. */
  containers(name: PeerName): ContainerBackend {
    const { containers } = this.node(name);
    if (containers === null) throw new RangeError(`${name} has no container hosts`);
    return containers;
  }

  /** How far a participant's clock is ahead of true time, in microseconds. */
  clockError(name: PeerName): number {
    return this.node(name).clock.local(this.now) - this.now;
  }

  // Moments.

  draws(purpose: string, entity: string): RandomStream {
    return this.streams.stream(purpose, entity);
  }

  /** Runs an action once, within a moment; the label goes into the trace. */
  atMoment(moment: Moment, label: string, action: () => void): void {
    const strike = (): void => {
      const { traceHash } = this;
      if (traceHash.count >= traceHash.windowFrom) traceHash.record(this.now, '', `${EVENT_NAMES[CALL]} ${label}`);
      traceHash.mix(this.now, -1, CALL, digestString(label));
      action();
    };
    if (isEffectMoment(moment)) {
      this.atEffect(moment, strike);
      return;
    }
    if (this.describe === null) throw new Error('a moment of a message needs the world to be told `describe`');
    this.network.moments ??= new MessageMoments(this.describe);
    const { moments } = this.network;
    const { from, to } = moment;
    moments.arm(
      moment,
      from === undefined ? null : this.members(from),
      to === undefined ? null : this.members(to),
      () => {
        strike();
        if (moments.idle && this.network.moments === moments) this.network.moments = null;
      },
    );
  }

  /**
   * Calls a probe before and after each effect of a participant, over all its incarnations, e.g. to count the points at
   * which it could be killed. Returns what ends that.
   */
  probeEffects(name: PeerName, probe: EffectProbe): () => void {
    const node = this.node(name);
    const set = (probes: readonly EffectProbe[]): void => {
      node.effectProbes = probes;
      node.process?.probesChanged();
    };
    set([...node.effectProbes, probe]);
    return () => set(node.effectProbes.filter(each => each !== probe));
  }

  private atEffect(moment: EffectMoment, strike: () => void): void {
    const point = moment.point ?? 'before';
    let remaining = moment.nth ?? 1;
    const stop = this.probeEffects(moment.actor, (when, effect) => {
      if (when !== point || (moment.effect !== 'any' && moment.effect !== effect)) return;
      if (--remaining > 0) return;
      stop();
      strike();
    });
  }

  // Processes and clocks.

  /** Kills a process. `silent`: its machine is off. Nothing happens when it is down already. */
  crash(name: PeerName, options: { readonly silent?: boolean } = {}): void {
    const node = this.node(name);
    const silent = options.silent === true;
    if (isAlive(node.process)) this.end(node.process, 'crashed', silent);
    if (silent) node.dark = true;
  }

  /** Starts a process that is down. Nothing happens when it is up. */
  restart(name: PeerName): void {
    const node = this.node(name);
    if (isAlive(node.process)) return;
    // Called from within an actor's turn, by a probe that saw something: the new process starts after it.
    if (this.dispatcher.currentProcess === null) this.start(node);
    else this.at(this.now, `${name} starts`, () => this.restart(name));
  }

  /** Stops a process in its tracks; what comes in waits for it. */
  pause(name: PeerName): void {
    const { process } = this.node(name);
    if (!isAlive(process) || process.state === PAUSED) return;
    process.state = PAUSED;
    process.setStuffed(true);
  }

  /** Lets a paused process go on, with what has come in meanwhile. */
  resume(name: PeerName): void {
    const node = this.node(name);
    const { process } = node;
    if (process === null || process.state !== PAUSED) return;
    process.state = node.slowness > 1 ? SLOW : RUNNING;
    process.setStuffed(false);
    this.releaseDeferred(process);
  }

  /** A processor takes `factor` times as long as its inputs cost, or does no more; factors multiply. */
  slowCpu(name: PeerName, factor: number, on: boolean): void {
    const node = this.node(name);
    const { process } = node;
    node.slowdowns = on ? [...node.slowdowns, factor] : without(node.slowdowns, factor);
    node.slowness = node.slowdowns.reduce((product, each) => product * each, 1);
    if (process === null) return;
    if (node.slowness > 1) {
      if (process.state === RUNNING) process.state = SLOW;
    } else if (process.state === SLOW) {
      process.state = RUNNING;
      process.setStuffed(false);
      this.releaseDeferred(process);
    }
  }

  stepClock(name: PeerName, by_us: number): void {
    const node = this.node(name);
    node.clock.step(by_us);
    node.process?.timers.reschedule();
  }

  driftClock(name: PeerName, by_ppm: number): void {
    const node = this.node(name);
    node.clock.addDrift(by_ppm, this.now);
    node.process?.timers.reschedule();
  }

  // Disks.

  loseDisk(name: PeerName): void {
    this.node(name).disk.wipe();
  }

  snapshotDisk(name: PeerName): DiskSnapshot {
    return this.node(name).disk.snapshot();
  }

  /** Puts back an older content of the disk. Its process must be down. */
  rollBackDisk(name: PeerName, to: DiskSnapshot): void {
    if (this.isUp(name)) throw new Error(`the disk of ${name} cannot be exchanged while its process runs`);
    this.node(name).disk.restore(to);
  }

  rotDisk(name: PeerName, of: 'log' | 'store', count: number): void {
    this.node(name).disk.rot(of, count, this.streams.stream('bit-rot', `${name} ${of} @${this.now}`));
  }

  slowDisk(name: PeerName, factor: number, on: boolean): void {
    this.node(name).disk.setSlow(factor, on);
  }

  fillDisk(name: PeerName, on: boolean): void {
    this.node(name).disk.setFilled(on);
  }

  breakDisk(name: PeerName, on: boolean): void {
    this.node(name).disk.setErroring(on);
  }

  // Containers.

  hostDown(name: PeerName, host: number): void {
    this.containers(name).hostDown(host);
  }

  hostUp(name: PeerName, host: number): void {
    this.containers(name).hostUp(host);
  }

  crashWorkload(name: PeerName, id: string | null, outOfMemory: boolean): void {
    const backend = this.containers(name);
    const running = backend.list();
    let victim = id;
    if (victim === null) {
      if (running.length === 0) return;
      victim = running[drawInteger(this.streams.stream('workload-crash', `${name}@${this.now}`), running.length)]!;
    }
    backend.crash(
      victim,
      outOfMemory ? 'out-of-memory' : 'exited',
      outOfMemory ? 'killed for its memory use' : 'crashed',
    );
  }

  crashLoop(name: PeerName, loop: CrashLoop, on: boolean): void {
    this.containers(name).setCrashLoop(loop, on);
  }

  // The network.

  cut(from: PeerName, to: PeerName): void {
    this.network.cut(this.node(from), this.node(to));
    this.tunnels.cut(this.node(from), this.node(to));
  }

  heal(from: PeerName, to: PeerName): void {
    this.network.heal(this.node(from), this.node(to));
  }

  clog(from: PeerName, to: PeerName, delay_us: number | null): void {
    this.network.clog(this.node(from), this.node(to), delay_us);
  }

  unclog(from: PeerName, to: PeerName, delay_us: number | null): void {
    this.network.unclog(this.node(from), this.node(to), delay_us);
  }

  /** Breaks all connections between two participants. */
  breakConnections(from: PeerName, to: PeerName, inFlight: InFlight = 'lost', late_us = 0): void {
    const late = inFlight === 'lost' ? 0 : late_us;
    this.network.connections.breakAll(this.node(from), this.node(to), late, inFlight === 'repeated');
  }

  refuseConnections(name: PeerName, on: boolean): void {
    const node = this.node(name);
    node.refusals = Math.max(0, node.refusals + (on ? 1 : -1));
  }

  protected node(name: PeerName): SimulatedNode<Message, Request> {
    const node = this.byName.get(name);
    if (node === undefined) throw new RangeError(`there is no participant ${name}`);
    return node;
  }

  /** What was put off comes again, in its order, and before what else is due at this instant. */
  private releaseDeferred(process: Process<Message, Request>): void {
    for (const { kind, subject, payload } of process.takeAllDeferred()) {
      this.agenda.push(this.now, FIRST, kind, subject, payload);
    }
  }
}

function isAlive<P extends { readonly state: number }>(process: P | null): process is P {
  return process !== null && process.state !== DEAD;
}

/** A list without the first item that equals `value`. */
function without(values: readonly number[], value: number): number[] {
  const at = values.indexOf(value);
  return at < 0 ? [...values] : values.toSpliced(at, 1);
}
