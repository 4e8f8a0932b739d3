/**
 * A process: one incarnation of a participant's actor, and at the same time the `Effects` that this actor is given.
 *
 * Here is the FIFO with its barrier: while a sync is under way, effects are queued; when it is reached, they are
 * performed in order, up to the next one. Without a pending barrier an effect is performed at once.
 *
 * Faults may wait for effects: while somebody does (`watched`), each is announced before and after it is performed.
 */
import type { Actor, ConnectionId, Effects, Input, PeerName, Time, TimerId, WorkloadSpec } from '../../actors/actor.ts';
import type { Agenda } from './agenda.ts';
import { Backlog, type Deferred } from './backlog.ts';
import type { NodeClock } from './clock.ts';
import {
  APPEND,
  ASK,
  CANCEL_TIMER,
  CLOSE_TUNNEL,
  CONNECT,
  DELETE,
  DISCONNECT,
  EFFECT_NAMES,
  type EffectName,
  GET,
  HALT,
  OBSERVE,
  OPEN_TUNNEL,
  PUT,
  READ_WORKLOAD_LOG,
  REPLY,
  SCAN,
  SEND,
  SET_TIMER,
  START_WORKLOAD,
  STOP_WORKLOAD,
  SYNC,
  TRUNCATE,
} from './effect-codes.ts';
import { INPUT, SYNCED, WOKEN } from './events.ts';
import type { End } from './links.ts';
import type { Network } from './network.ts';
import { DEAD, type PAUSED, type ProcessHost, RUNNING, type SimulatedNode, SLOW } from './node.ts';
import { StorageEffects } from './storage-effects.ts';
import { Timers } from './timers.ts';

/** Most effects that may wait behind a barrier; beyond, the disk cannot keep up with what the actor wants of it. */
export const MAX_QUEUED_EFFECTS = 1_000_000;

/** Most inputs that a paused process may find when it goes on. */
export const MAX_DEFERRED_EVENTS = 4_000_000;

/** Inputs that may wait for a slow process before its peers' packets wait in their queues, and until they go on. */
const STUFFED_EVENTS = 1_024;
const UNSTUFFED_EVENTS = 512;

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
  state: typeof RUNNING | typeof PAUSED | typeof DEAD | typeof SLOW = RUNNING;
  /** True while the actor runs; its effects work only then. */
  receiving = false;
  readonly ends = new Map<ConnectionId, End<Message, Request>>();
  readonly timers: Timers;
  readonly requests = new Set<number>();
  nextConnection = 1;
  /** It takes in nothing more: packets for it wait with their senders. */
  stuffed = false;
  /** The event that is being dispatched had its turn in the queue of a slow process. */
  admittedByQueue = false;
  private readonly backlog = new Backlog();
  /** The end of a slow process's current input is on the agenda. */
  private waking = false;

  private readonly host: ProcessHost<Message, Request>;
  private readonly agenda: Agenda;
  private readonly network: Network<Message, Request>;
  /** A sync is under way. */
  private blocked = false;
  /** Somebody waits for effects of this participant. */
  private watched: boolean;
  /** Blocked or watched: effects do not take the shortest way. */
  private detour: boolean;
  private queued: QueuedEffect[] = [];
  private nextQueued = 0;
  private readonly storage: StorageEffects;

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
    this.storage = new StorageEffects(node.disk, host.agenda, (time, input) => this.tell(time, input));
    this.watched = node.effectProbes.length > 0;
    this.detour = this.watched;
  }

  /** Effects that wait behind a barrier. */
  get queuedEffects(): number {
    return this.queued.length - this.nextQueued;
  }

  // The effects, as the actor sees them. The most frequent ones are spelled out; the rest goes through `order`.

  send(connection: ConnectionId, message: Message): void {
    if (!this.mayAct()) return;
    const admitted = this.host.admitted(message);
    if (this.detour) this.takeDetour(SEND, connection, admitted, null);
    else this.network.send(this, connection, admitted);
  }

  setTimer(id: TimerId, at: Time): void {
    if (!this.mayAct()) return;
    if (!Number.isSafeInteger(at)) throw new RangeError(`timer ${id} needs a whole time, found ${at}`);
    if (this.detour) this.takeDetour(SET_TIMER, id, at, null);
    else this.timers.set(id, at);
  }

  cancelTimer(id: TimerId): void {
    if (!this.mayAct()) return;
    if (this.detour) this.takeDetour(CANCEL_TIMER, id, null, null);
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
    if (this.detour) this.takeDetour(OBSERVE, metric, value, label);
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

  readWorkloadLog(id: string, lines: number): void {
    this.order(READ_WORKLOAD_LOG, id, lines, null);
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
    this.setBlocked(false);
    this.announce('after', SYNC);
    while (!this.blocked && this.state !== DEAD && this.nextQueued < this.queued.length) {
      const { op, a, b, c } = this.queued[this.nextQueued++]!;
      if (this.watched) this.performWatched(op, a, b, c);
      else this.perform(op, a, b, c);
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
    this.backlog.takeAll();
    this.stuffed = false;
  }

  /** Puts off an event until the process goes on, or, when it is slow, has come so far. */
  defer(kind: number, subject: unknown, payload: unknown): void {
    const slow = this.state === SLOW;
    if (this.backlog.length >= MAX_DEFERRED_EVENTS) {
      const why = slow ? 'which is slow' : 'which is paused';
      throw new RangeError(`more than ${MAX_DEFERRED_EVENTS} events wait for ${this.node.name}, ${why}`);
    }
    this.backlog.add({ kind, subject, payload });
    if (!slow) return;
    this.wakeLater();
    if (this.backlog.length >= STUFFED_EVENTS) this.setStuffed(true);
  }

  /** The next event that a slow process put off; undefined when there is none, or it is slow no more. */
  takeDeferred(): Deferred | undefined {
    this.waking = false;
    if (this.state !== SLOW) return undefined;
    const next = this.backlog.take();
    if (this.backlog.length <= UNSTUFFED_EVENTS) this.setStuffed(false);
    return next;
  }

  /** All that was put off. */
  takeAllDeferred(): readonly Deferred[] {
    return this.backlog.takeAll();
  }

  /** Has a slow process go on with the next event that waits for it, when there is one and as soon as it can. */
  wakeLater(): void {
    if (this.waking || this.state !== SLOW || this.backlog.length === 0) return;
    this.waking = true;
    const cost = Math.round(this.node.input_us * this.node.slowness);
    this.agenda.push(this.agenda.now + cost, this.node.channel, WOKEN, this, null);
  }

  /** Its peers' packets begin to wait in their queues, or are let through. */
  setStuffed(stuffed: boolean): void {
    if (this.stuffed === stuffed) return;
    this.stuffed = stuffed;
    this.network.pauseChanged(this);
  }

  /** Somebody begins to wait for this participant's effects, or has stopped to. */
  probesChanged(): void {
    this.watched = this.node.effectProbes.length > 0;
    this.detour = this.watched || this.blocked;
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
    if (this.detour) this.takeDetour(op, a, b, c);
    else this.perform(op, a, b, c);
  }

  private takeDetour(op: number, a: unknown, b: unknown, c: unknown): void {
    if (this.blocked) this.enqueue(op, a, b, c);
    else this.performWatched(op, a, b, c);
  }

  /** Performs an effect for which, or for the end of which, somebody may wait to kill this process. */
  private performWatched(op: number, a: unknown, b: unknown, c: unknown): void {
    this.announce('before', op);
    if (!this.isAlive()) return;
    this.perform(op, a, b, c);
    // The end of a sync is announced when the barrier is reached.
    if (op !== SYNC) this.announce('after', op);
  }

  private announce(point: 'before' | 'after', op: number): void {
    if (!this.watched) return;
    const effect: EffectName = EFFECT_NAMES[op]!;
    for (const probe of this.node.effectProbes) if (this.isAlive()) probe(point, effect);
  }

  private setBlocked(blocked: boolean): void {
    this.blocked = blocked;
    this.detour = blocked || this.watched;
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
      case START_WORKLOAD:
        this.startOnBackend(a as WorkloadSpec);
        return;
      case STOP_WORKLOAD:
        this.stopOnBackend(a as string);
        return;
      case READ_WORKLOAD_LOG:
        this.readLogOnBackend(a as string);
        return;
      default:
        this.storage.perform(op, a, b);
        return;
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

  private readLogOnBackend(id: string): void {
    const { containers } = this.node;
    if (containers !== null) containers.readLog(id);
    else this.tellNow({ kind: 'workloadLog', id, lines: null });
  }

  private tellNow(input: Input<Message, Request>): void {
    this.tell(this.agenda.now, input);
  }

  private beginSync(token: number | undefined): void {
    const disk = this.node.disk;
    const duration = disk.dirty ? disk.syncDuration() : 0;
    if (duration > 0) {
      this.setBlocked(true);
      this.agenda.push(this.agenda.now + duration, this.node.channel, SYNCED, this, token);
      return;
    }
    const failure = disk.commit();
    if (failure !== null) {
      this.host.halted(this, `sync failed: ${failure}`);
      return;
    }
    this.announce('after', SYNC);
    if (token !== undefined && this.isAlive()) this.tellNow({ kind: 'synced', token });
  }
}
