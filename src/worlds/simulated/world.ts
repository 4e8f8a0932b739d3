/**
 * The simulated world: takes events off the agenda one by one, and hands actors their inputs.
 *
 * A run is a function of the options, the seed, the participants and what drivers schedule. The same of those gives the
 * same trace hash on every machine. Whoever drives the world (a scenario, a hunt, a test) adds actors, schedules
 * requests and faults, and calls `run` as often as it likes; between runs, and in functions given to `at`, it may look
 * at everything and break anything.
 */
import type { Actor, Input, PeerName, RandomStream, Time } from '../../actors/actor.ts';
import { Agenda, FIRST } from './agenda.ts';
import { digestValue } from './digest.ts';
import { Dispatcher, type Stopped } from './dispatcher.ts';
import { WorldError } from './errors.ts';
import { NOOP } from './events.ts';
import { checkFaults } from './fault-check.ts';
import { scheduleFaults } from './fault-run.ts';
import type { Fault } from './faults.ts';
import { deepFrozen } from './frozen.ts';
import { installTraps, setCurrentActor } from './guard.ts';
import { makeNode } from './make-node.ts';
import type { Describe } from './moments.ts';
import { Network } from './network.ts';
import { DEAD, type ProcessHost, RUNNING, type SimulatedNode, SLOW } from './node.ts';
import type { ActorOptions, RunOptions, WorldOptions } from './options.ts';
import { Perils } from './perils.ts';
import { Process } from './process.ts';
import { RandomStreams } from './streams.ts';
import { TraceHash } from './trace.ts';
import { Tunnels } from './tunnels.ts';

export type { Stopped } from './dispatcher.ts';
export { WorldError } from './errors.ts';
export type { Described, EffectProbe } from './moments.ts';
export type { Ports } from './node.ts';
export type { ActorOptions, Program, RunOptions, WorldOptions } from './options.ts';

export class SimulatedWorld<Message, Request = unknown>
  extends Perils<Message, Request>
  implements ProcessHost<Message, Request>
{
  readonly seed: string;
  readonly streams: RandomStreams;
  readonly agenda: Agenda;
  readonly network: Network<Message, Request>;
  readonly tunnels: Tunnels<Message, Request>;
  readonly traceHash = new TraceHash();

  protected readonly dispatcher: Dispatcher<Message, Request>;
  protected readonly describe: Describe<Message> | null;
  private readonly options: WorldOptions<Message, Request>;
  private nextRequest = 1;
  private pendingFaults: readonly Fault[];
  private running = false;
  private failure: WorldError | null = null;

  constructor(options: WorldOptions<Message, Request>) {
    super();
    this.options = options;
    this.describe = options.describe ?? null;
    this.streams = new RandomStreams(options.seed);
    this.seed = this.streams.seed;
    this.agenda = new Agenda(options.ties === 'keyed' ? this.streams.key32('ties', '') : null);
    const nodeNamed = (name: PeerName): SimulatedNode<Message, Request> | undefined => this.byName.get(name);
    this.network = new Network(options.network ?? {}, this.agenda, this.streams, nodeNamed, options.sizeOf ?? null);
    this.tunnels = new Tunnels(this.agenda, this.network, nodeNamed);
    this.dispatcher = new Dispatcher(
      this.agenda,
      this.network,
      this.traceHash,
      options.digestOf ?? digestValue,
      options.digestOfRequest ?? digestValue,
    );
    this.pendingFaults = options.faults ?? [];
  }

  /** True time in microseconds. */
  get now(): Time {
    return this.agenda.now;
  }

  /** Events so far, without no-ops. */
  get eventsDispatched(): number {
    return this.traceHash.count;
  }

  /** No-op events so far. They are neither counted above nor part of the trace. */
  get noopsDispatched(): number {
    return this.dispatcher.noops;
  }

  // Who is there.

  /** Adds a participant; it starts at `startAt`. */
  addActor(options: ActorOptions<Message, Request>): void {
    const { name } = options;
    if (name === '' || this.byName.has(name)) {
      throw new RangeError(`a participant needs a name of its own, found ${JSON.stringify(name)}`);
    }
    const node = makeNode(options, this.options, this.nodes.length, this.streams, this.agenda);
    this.nodes.push(node);
    this.byName.set(name, node);
    this.at(options.startAt ?? this.now, `${name} starts`, () => this.restart(name));
  }

  // What drivers do.

  /** Hands an actor an input at a time; it is lost when the actor is down then. */
  schedule(time: Time, name: PeerName, input: Input<Message, Request>): void {
    const node = this.node(name);
    this.at(time, `input for ${name}`, () => {
      if (node.process !== null && node.process.state !== DEAD) node.process.tell(this.now, input);
    });
  }

  /** A client asks an actor at a time. Returns the request's number; ends in `onReply` or `onRequestFailed`. */
  request(time: Time, name: PeerName, request: Request): number {
    const node = this.node(name);
    const id = this.nextRequest++;
    this.agenda.call(time, node.channel, `request for ${name}`, () => {
      const { process } = node;
      if (process === null || process.state === DEAD) {
        this.options.onRequestFailed?.(name, id, 'not running', this.now);
        return;
      }
      process.requests.add(id);
      process.tell(this.now, { kind: 'request', id, request });
    });
    return id;
  }

  /** Runs a function of the lab at a time, outside actors and before everything else of that instant. */
  at(time: Time, label: string, action: () => void): void {
    this.agenda.call(time, FIRST, label, action);
  }

  /** An event that does nothing; no outcome may change by it. */
  noop(time: Time): void {
    this.agenda.push(time, FIRST, NOOP, null, null);
  }

  /** Adds faults to those of the options. */
  inject(faults: readonly Fault[]): void {
    checkFaults(faults, this);
    scheduleFaults(faults, this);
  }

  /** Ends the current `run` after the event that is being dispatched. */
  stop(): void {
    this.dispatcher.stopped = true;
  }

  /**
   * Dispatches events up to and including a time.
   * @throws WorldError when an actor throws; the world can then be looked at, but not run any further
   */
  run(until: Time, options: RunOptions = {}): Stopped {
    if (this.failure !== null) throw this.failure;
    if (this.running) throw new Error('the world is running already');
    if (!Number.isSafeInteger(until) || until < this.now) {
      throw new RangeError(`it is ${this.now} us now; cannot run until ${until} us`);
    }
    this.running = true;
    this.dispatcher.stopped = false;
    const removeTraps = installTraps();
    try {
      if (this.pendingFaults.length > 0) {
        const faults = this.pendingFaults;
        this.pendingFaults = [];
        this.inject(faults);
      }
      return this.dispatcher.loop(until, options.maxEvents ?? Number.POSITIVE_INFINITY, options.onSlice);
    } catch (cause) {
      throw this.failed(cause);
    } finally {
      setCurrentActor(null);
      removeTraps();
      this.running = false;
    }
  }

  // What processes need.

  observed(process: Process<Message, Request>, metric: string, value: number, label: string | undefined): void {
    const { onObserve } = this.options;
    if (onObserve === undefined) return;
    const actor = setCurrentActor(null);
    onObserve(process.node.name, this.now, metric, value, label);
    setCurrentActor(actor);
  }

  asked(process: Process<Message, Request>, id: string, program: string, question: unknown): void {
    const { programs, ask_us } = this.options;
    const run = programs !== undefined && Object.hasOwn(programs, program) ? programs[program] : undefined;
    let answer: unknown = null;
    let error: string | null = run === undefined ? `there is no program ${program}` : null;
    if (run !== undefined) {
      const actor = setCurrentActor(null);
      try {
        answer = run(question, process.node.name);
      } catch (cause) {
        error = cause instanceof Error ? cause.message : String(cause);
      }
      setCurrentActor(actor);
    }
    process.tell(this.now + (ask_us ?? 1_000), { kind: 'answered', id, answer, error });
  }

  replied(process: Process<Message, Request>, id: number, answer: unknown): void {
    // A request is answered once; its client does not wait for more.
    if (!process.requests.delete(id)) return;
    const actor = setCurrentActor(null);
    this.options.onReply?.(process.node.name, id, answer, this.now);
    setCurrentActor(actor);
  }

  halted(process: Process<Message, Request>, reason: string): void {
    this.end(process, `halted: ${reason}`, false);
    const actor = setCurrentActor(null);
    this.options.onHalt?.(process.node.name, this.now, reason);
    setCurrentActor(actor);
  }

  admitted(message: Message): Message {
    return this.options.freeze === true ? deepFrozen(message) : message;
  }

  protected start(node: SimulatedNode<Message, Request>): void {
    const incarnation = node.starts++;
    const entity = incarnation === 0 ? node.name : `${node.name}#${incarnation}`;
    const random = (purpose: string): RandomStream => this.streams.stream(`actor.${purpose}`, entity);
    setCurrentActor(node.name);
    let actor: Actor<Message, Request>;
    try {
      actor = node.start({ random });
    } catch (cause) {
      throw new WorldError(node.name, null, this.now, this.eventsDispatched, this.seed, cause);
    } finally {
      setCurrentActor(null);
    }
    const process = new Process(node, incarnation, actor, this);
    node.process = process;
    if (node.dark) {
      node.dark = false;
      this.network.connections.nodeBack(node);
    }
    const unreadable = node.disk.replayFailure();
    if (unreadable !== null) {
      this.halted(process, unreadable);
      return;
    }
    // All of this is one instant, so that nothing comes between the log and `recovered`.
    const { first, entries } = node.disk.replay();
    for (const [offset, entry] of entries.entries()) {
      if (process.state === RUNNING) this.dispatcher.deliver(process, { kind: 'logged', index: first + offset, entry });
    }
    if (!process.isAlive()) return;
    this.dispatcher.deliver(process, { kind: 'recovered', incarnation, workloads: node.containers?.list() ?? [] });
    if (node.slowness > 1 && process.state === RUNNING) process.state = SLOW;
  }

  protected end(process: Process<Message, Request>, reason: string, silent: boolean): void {
    const { node } = process;
    process.die();
    node.disk.crash(this.streams.stream('crash', `${node.name}#${process.incarnation}`));
    this.network.connections.processGone(process, silent);
    this.tunnels.processGone(process, silent);
    const actor = setCurrentActor(null);
    for (const id of process.requests) this.options.onRequestFailed?.(node.name, id, reason, this.now);
    this.options.onEnd?.(node.name, this.now);
    setCurrentActor(actor);
    process.requests.clear();
  }

  private failed(cause: unknown): WorldError {
    const actor = this.dispatcher.currentProcess?.node.name ?? null;
    this.failure =
      cause instanceof WorldError
        ? cause
        : new WorldError(actor, this.dispatcher.currentInput, this.now, this.eventsDispatched, this.seed, cause);
    return this.failure;
  }
}
