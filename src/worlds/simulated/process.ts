/**
 * A process: one incarnation of a participant's actor, and at the same time the `Effects` that this actor is given.
 *
 * Here is the FIFO with its barrier: while a sync is under way, effects are queued; when it is reached, they are
 * performed in order, up to the next one. Without a pending barrier an effect is performed at once.
 */
import type { Actor, ConnectionId, Effects, Input, PeerName, Time, TimerId, WorkloadSpec } from '../../actors/actor.ts';
import type { Agenda } from './agenda.ts';
import type { NodeClock } from './clock.ts';
import { INPUT, SYNCED } from './events.ts';
import type { End, Network } from './network.ts';
import { DEAD, type Deferred, type PAUSED, type ProcessHost, RUNNING, type SimulatedNode } from './node.ts';
import { Timers } from './timers.ts';

/** Most effects that may wait behind a barrier; beyond, the disk cannot keep up with what the actor wants of it. */
export const MAX_QUEUED_EFFECTS = 1_000_000;

/** Most inputs that a paused process may find when it goes on. */
export const MAX_DEFERRED_EVENTS = 4_000_000;

const CONNECT = 0;
const DISCONNECT = 1;
const SEND = 2;
const SET_TIMER = 3;
const CANCEL_TIMER = 4;
const APPEND = 5;
const TRUNCATE = 6;
const PUT = 7;
const DELETE = 8;
const GET = 9;
const SCAN = 10;
const SYNC = 11;
const START_WORKLOAD = 12;
const STOP_WORKLOAD = 13;
const OPEN_TUNNEL = 14;
const CLOSE_TUNNEL = 15;
const ASK = 16;
const REPLY = 17;
const OBSERVE = 18;
const HALT = 19;

interface QueuedEffect {
  readonly op: number;
  readonly a: unknown;
  readonly b: unknown;
  readonly c: unknown;
}

export class Process<Message, Request> implements Effects<Message> {
  readonly node: SimulatedNode<Message, Request>;
  // Copies of what every input needs, so that it does not have to visit the node.
  readonly name: PeerName;
  readonly index: number;
  readonly clock: NodeClock;
  readonly incarnation: number;
  actor: Actor<Message, Request>;
  state: typeof RUNNING | typeof PAUSED | typeof DEAD = RUNNING;
  /** True while the actor runs; its effects work only then. */
  receiving = false;
  readonly ends = new Map<ConnectionId, End<Message, Request>>();
  readonly timers: Timers;
  readonly requests = new Set<number>();
  nextConnection = 1;
  deferred: Deferred[] = [];

  private readonly host: ProcessHost<Message, Request>;
  private readonly agenda: Agenda;
  private readonly network: Network<Message, Request>;
  /** A sync is under way. */
  private blocked = false;
  private queued: QueuedEffect[] = [];
  private nextQueued = 0;
  /** When the last read of the disk is answered; answers keep their order. */
  private lastRead: Time = 0;

  constructor(
    node: SimulatedNode<Message, Request>,
    incarnation: number,
    actor: Actor<Message, Request>,
    host: ProcessHost<Message, Request>,
  ) {
    this.node = node;
    this.name = node.name;
    this.index = node.index;
    this.clock = node.clock;
    this.incarnation = incarnation;
    this.actor = actor;
    this.host = host;
    this.agenda = host.agenda;
    this.network = host.network;
    this.timers = new Timers(this, node.clock, node.channel, host.agenda);
  }

  /** Effects that wait behind a barrier. */
  get queuedEffects(): number {
    return this.queued.length - this.nextQueued;
  }

  // The effects, as the actor sees them. The most frequent ones are spelled out; the rest goes through `order`.

  send(connection: ConnectionId, message: Message): void {
    if (!this.mayAct()) return;
    const admitted = this.host.admitted(message);
    if (this.blocked) this.enqueue(SEND, connection, admitted, null);
    else this.network.send(this, connection, admitted);
  }

  setTimer(id: TimerId, at: Time): void {
    if (!this.mayAct()) return;
    if (!Number.isSafeInteger(at)) throw new RangeError(`timer ${id} needs a whole time, found ${at}`);
    if (this.blocked) this.enqueue(SET_TIMER, id, at, null);
    else this.timers.set(id, at);
  }

  cancelTimer(id: TimerId): void {
    if (!this.mayAct()) return;
    if (this.blocked) this.enqueue(CANCEL_TIMER, id, null, null);
    else this.timers.cancel(id);
  }

  append(entry: Uint8Array): void {
    this.order(APPEND, this.blocked ? entry.slice() : entry, null, null);
  }

  put(key: string, value: Uint8Array): void {
    this.order(PUT, key, this.blocked ? value.slice() : value, null);
  }

  observe(metric: string, value: number, label?: string): void {
    if (!this.mayAct()) return;
    if (this.blocked) this.enqueue(OBSERVE, metric, value, label);
    else this.host.observed(this, metric, value, label);
  }

  connect(peer: PeerName): void {
    this.order(CONNECT, peer, null, null);
  }

  disconnect(connection: ConnectionId): void {
    this.order(DISCONNECT, connection, null, null);
  }

  truncateLog(index: number): void {
    this.order(TRUNCATE, index, null, null);
  }

  delete(key: string): void {
    this.order(DELETE, key, null, null);
  }

  get(key: string): void {
    this.order(GET, key, null, null);
  }

  scan(prefix: string): void {
    this.order(SCAN, prefix, null, null);
  }

  sync(token?: number): void {
    this.order(SYNC, token, null, null);
  }

  startWorkload(spec: WorkloadSpec): void {
    this.order(START_WORKLOAD, spec, null, null);
  }

  stopWorkload(id: string): void {
    this.order(STOP_WORKLOAD, id, null, null);
  }

  openTunnel(id: string, peer: PeerName): void {
    this.order(OPEN_TUNNEL, id, peer, null);
  }

  closeTunnel(id: string): void {
    this.order(CLOSE_TUNNEL, id, null, null);
  }

  ask(id: string, program: string, question: unknown): void {
    this.order(ASK, id, program, question);
  }

  reply(id: number, answer: unknown): void {
    this.order(REPLY, id, answer, null);
  }

  halt(reason: string): void {
    this.order(HALT, reason, null, null);
  }

  // What the world calls.

  /** A sync's time is over: passes the barrier, or halts. True when the barrier was passed. */
  finishSync(): boolean {
    const failure = this.node.disk.commit();
    if (failure !== null) {
      this.host.halted(this, `sync failed: ${failure}`);
      return false;
    }
    this.blocked = false;
    while (!this.blocked && this.state !== DEAD && this.nextQueued < this.queued.length) {
      const { op, a, b, c } = this.queued[this.nextQueued++]!;
      this.perform(op, a, b, c);
    }
    if (this.nextQueued === this.queued.length || this.nextQueued > 1024) {
      this.queued = this.queued.slice(this.nextQueued);
      this.nextQueued = 0;
    }
    return this.isAlive();
  }

  /** Not dead; a method, because the state changes under way. */
  isAlive(): boolean {
    return this.state !== DEAD;
  }

  /** The process is gone: nothing of it may happen any more. Connections are the network's to end. */
  die(): void {
    this.state = DEAD;
    this.timers.clear();
    this.queued = [];
    this.nextQueued = 0;
    this.deferred = [];
  }

  /** Puts off an event until the process goes on. */
  defer(kind: number, subject: unknown, payload: unknown): void {
    if (this.deferred.length >= MAX_DEFERRED_EVENTS) {
      throw new RangeError(`more than ${MAX_DEFERRED_EVENTS} events wait for ${this.node.name}, which is paused`);
    }
    this.deferred.push({ kind, subject, payload });
  }

  /** Hands this process an input as an event of its own, after what was scheduled for it before. */
  tell(time: Time, input: Input<Message, Request>): void {
    this.agenda.push(time, this.node.channel, INPUT, this, input);
  }

  private mayAct(): boolean {
    if (this.state === DEAD) return false;
    if (!this.receiving) throw new Error(`${this.node.name} used its effects while it was not its turn`);
    return true;
  }

  private order(op: number, a: unknown, b: unknown, c: unknown): void {
    if (!this.mayAct()) return;
    if (this.blocked) this.enqueue(op, a, b, c);
    else this.perform(op, a, b, c);
  }

  private enqueue(op: number, a: unknown, b: unknown, c: unknown): void {
    if (this.queuedEffects >= MAX_QUEUED_EFFECTS) {
      throw new RangeError(`more than ${MAX_QUEUED_EFFECTS} effects wait behind a sync`);
    }
    this.queued.push({ op, a, b, c });
  }

  private perform(op: number, a: unknown, b: unknown, c: unknown): void {
    switch (op) {
      case SEND:
        this.network.send(this, a as ConnectionId, b as Message);
        return;
      case SET_TIMER:
        this.timers.set(a as TimerId, b as Time);
        return;
      case CANCEL_TIMER:
        this.timers.cancel(a as TimerId);
        return;
      case CONNECT:
        this.network.connect(this, a as PeerName);
        return;
      case DISCONNECT:
        this.network.disconnect(this, a as ConnectionId);
        return;
      case SYNC:
        this.beginSync(a as number | undefined);
        return;
      case OPEN_TUNNEL:
        this.host.tunnels.open(this, a as string, b as PeerName);
        return;
      case CLOSE_TUNNEL:
        this.host.tunnels.close(this, a as string);
        return;
      case ASK:
        this.host.asked(this, a as string, b as string, c);
        return;
      case REPLY:
        this.host.replied(this, a as number, b);
        return;
      case OBSERVE:
        this.host.observed(this, a as string, b as number, c as string | undefined);
        return;
      case HALT:
        this.host.halted(this, a as string);
        return;
      default:
        this.performStorage(op, a, b);
        return;
    }
  }

  private performStorage(op: number, a: unknown, b: unknown): void {
    const disk = this.node.disk;
    switch (op) {
      case APPEND:
        this.wrote('append', disk.append(a as Uint8Array));
        return;
      case TRUNCATE:
        this.wrote('truncateLog', disk.truncate(a as number));
        return;
      case PUT:
        this.wrote(`put ${a as string}`, disk.write(a as string, b as Uint8Array));
        return;
      case DELETE:
        this.wrote(`delete ${a as string}`, disk.write(a as string, null));
        return;
      case GET:
        this.read(a as string);
        return;
      case SCAN:
        this.readAll(a as string);
        return;
      case START_WORKLOAD:
        this.startOnBackend(a as WorkloadSpec);
        return;
      case STOP_WORKLOAD:
        this.stopOnBackend(a as string);
        return;
      default:
        throw new Error(`unknown effect ${op}`);
    }
  }

  private startOnBackend(spec: WorkloadSpec): void {
    const { containers } = this.node;
    if (containers !== null) containers.start(spec);
    else this.tellNow({ kind: 'workload', id: spec.id, event: 'start-failed', reason: 'no container backend' });
  }

  private stopOnBackend(id: string): void {
    const { containers } = this.node;
    if (containers !== null) containers.stop(id);
    else this.tellNow({ kind: 'workload', id, event: 'stopped', reason: 'no container backend' });
  }

  private tellNow(input: Input<Message, Request>): void {
    this.tell(this.agenda.now, input);
  }

  private beginSync(token: number | undefined): void {
    const disk = this.node.disk;
    const duration = disk.dirty ? disk.syncDuration() : 0;
    if (duration > 0) {
      this.blocked = true;
      this.agenda.push(this.agenda.now + duration, this.node.channel, SYNCED, this, token);
      return;
    }
    const failure = disk.commit();
    if (failure !== null) this.host.halted(this, `sync failed: ${failure}`);
    else if (token !== undefined) this.tellNow({ kind: 'synced', token });
  }

  private wrote(operation: string, failure: string | null): void {
    if (failure !== null) this.tellNow({ kind: 'storeFailed', operation, reason: failure });
  }

  private read(key: string): void {
    const failure = this.node.disk.readFailure;
    if (failure !== null) {
      this.wrote(`get ${key}`, failure);
      return;
    }
    const value = this.node.disk.read(key);
    this.answerRead(value === null ? 0 : value.length, { kind: 'got', key, value });
  }

  private readAll(prefix: string): void {
    const failure = this.node.disk.readFailure;
    if (failure !== null) {
      this.wrote(`scan ${prefix}`, failure);
      return;
    }
    const entries = this.node.disk.scan(prefix);
    let bytes = 0;
    for (const [key, value] of entries) bytes += key.length + value.length;
    this.answerRead(bytes, { kind: 'scanned', prefix, entries });
  }

  private answerRead(bytes: number, input: Input<Message, Request>): void {
    const at = this.agenda.now + this.node.disk.readDuration(bytes);
    this.lastRead = at > this.lastRead ? at : this.lastRead;
    this.tell(this.lastRead, input);
  }
}
