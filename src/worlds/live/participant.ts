/**
 * A participant: runs one actor in this process, on top of a transport, a storage and perhaps a container backend.
 *
 * All that comes for the actor waits in one inbox and is handed over in slices, so that sockets and files get their
 * turns in between. The actor's effects are one FIFO: while a commit is under way they wait; when it is done they are
 * performed in order, up to the next barrier.
 *
 * Timers and inputs take turns by the clock: a timer goes before what came after its deadline.
 */
import { inspect } from 'node:util';
import type { Actor, ConnectionId, Input, PeerName, Time } from '../../actors/actor.ts';
import { type Clock, eventLoop, type Scheduler } from './clock.ts';
import type { Effect } from './effect.ts';
import { EffectCalls } from './effect-calls.ts';
import { EffectQueue } from './effect-queue.ts';
import { Inbox, type IncomingBytes } from './inbox.ts';
import type { Ended, ParticipantOptions } from './participant-options.ts';
import { Performer } from './performer.ts';
import type { ContainerEvents, Containers, Storage, Transport, TransportEvents } from './ports.ts';
import { freshSeed, randomStream } from './random.ts';
import { Recording, reasonOf } from './recording.ts';
import { Requests } from './requests.ts';
import { StorageFailure } from './storage/failure.ts';
import { Timers } from './timers.ts';

export type { Ended, ParticipantOptions, ParticipantPorts } from './participant-options.ts';

/** A slice ends after so many inputs, or so long. */
const SLICE_INPUTS = 256;
const SLICE_US = 5_000;
/** Longest that the process's timer waits at once; it looks again then. */
const LONGEST_WAIT_MS = 60_000;
/** Arrivals from before its deadline that a timer lets pass at the most: a flood must not hold up the clock. */
const TIMER_PATIENCE = 64;
/** Peers whose unreadable messages are logged, each once. */
const MAX_BLAMED_PEERS = 1_024;

/** A commit that is over: its token, and why it failed, or null. */
interface Committed {
  readonly token: number | null;
  readonly failure: unknown;
}

export class Participant<Message, Request> {
  readonly name: PeerName;
  /** Resolves when all is closed. */
  readonly ended: Promise<Ended>;

  private readonly options: ParticipantOptions<Message, Request>;
  private readonly clock: Clock;
  private readonly scheduler: Scheduler;
  private readonly storage: Storage;
  private readonly inbox = new Inbox<Message, Request>((id, on) => this.transport?.holdConnection(id, on));
  private readonly timers = new Timers();
  private readonly connections = new Set<ConnectionId>();
  private readonly requests: Requests;
  private readonly effects = new EffectCalls<Message>(effect => this.called(effect));
  private readonly queue = new EffectQueue<Message>(effect => this.performer!.perform(effect));
  private readonly blamed = new Set<PeerName>();
  private actor: Actor<Message, Request> | null = null;
  private performer: Performer<Message, Request> | null = null;
  private transport: Transport | null = null;
  private containers: Containers | null = null;
  private readonly recording: Recording<Message, Request>;
  /** The log and `recovered`: what comes before all other inputs. */
  private beginning: Input<Message, Request>[] = [];
  private nextBeginning = 0;

  private isAlive = true;
  /** True while the actor runs; its effects work only then. */
  private isReceiving = false;
  private current: Input<Message, Request> | null = null;
  private committed: Committed | null = null;
  private isScheduled = false;
  private isRunning = false;
  private wake: { readonly at: Time; readonly cancel: () => void } | null = null;
  private isHeld = false;
  /** Arrivals that went before a timer that is due. */
  private overtaken = 0;
  private resolveEnded: (ended: Ended) => void = () => {};

  private constructor(options: ParticipantOptions<Message, Request>) {
    this.options = options;
    this.name = options.name;
    this.clock = options.clock;
    this.scheduler = options.scheduler ?? eventLoop;
    this.storage = options.storage;
    this.recording = new Recording(options.recorder ?? null, line => options.log(line));
    this.requests = new Requests(options.name);
    this.ended = new Promise(resolve => {
      this.resolveEnded = resolve;
    });
  }

  /**
   * Starts a participant: replays its log, tells it that it has recovered, then whatever comes. One whose log is damaged
   * halts at once. Rejects when the transport or the container backend cannot be had; all is closed again then.
   */
  static async start<Message, Request>(
    options: ParticipantOptions<Message, Request>,
  ): Promise<Participant<Message, Request>> {
    const participant = new Participant(options);
    try {
      await participant.begin();
    } catch (error) {
      if (error instanceof StorageFailure) {
        participant.end({ how: 'halted', reason: error.message }, false);
        return participant;
      }
      participant.end({ how: 'failed', reason: reasonOf(error), error }, true);
      await participant.ended;
      throw error;
    }
    participant.schedule();
    return participant;
  }

  /** The port that it listens on; null when it only calls. */
  get port(): number | null {
    return this.transport?.port ?? null;
  }

  /** Closes connections with these peers and refuses new ones, until told otherwise. */
  shutOut(peers: ReadonlySet<PeerName>): void {
    this.transport?.shutOut(peers);
  }

  /**
   * Hands the actor a request of a client. Resolves to its answer; rejects when too many are open, when `signal` fires,
   * or when the participant ends.
   */
  request(request: Request, signal?: AbortSignal): Promise<unknown> {
    return this.requests.open(id => this.arrive({ kind: 'request', id, request }), signal);
  }

  /** Ends it in good order: peers get what was sent before, and are told. Resolves when all is closed. */
  async close(): Promise<Ended> {
    this.end({ how: 'closed' }, false);
    return this.ended;
  }

  /** Ends it as if the process had been killed. Resolves when all is closed. */
  async kill(): Promise<Ended> {
    this.end({ how: 'closed' }, true);
    return this.ended;
  }

  private async begin(): Promise<void> {
    const { options, storage } = this;
    const { first, entries } = storage.replay();
    const incarnation = await storage.begin();
    const secret = freshSeed();
    const seed = options.seed ?? freshSeed();
    this.recording.begin({ name: this.name, incarnation, seed, secret });
    this.actor = options.start({
      random: purpose => randomStream(seed, purpose),
      secret: purpose => randomStream(secret, purpose),
      show: value => this.recording.shown(value),
    });
    this.transport = await options.transport(this.transportEvents());
    this.containers = (await options.containers?.(this.containerEvents())) ?? null;
    const workloads = (await this.containers?.list()) ?? [];
    this.beginning = entries.map((entry, i) => ({ kind: 'logged', index: first + i, entry }));
    this.beginning.push({ kind: 'recovered', incarnation, workloads });
    this.performer = new Performer<Message, Request>({
      name: this.name,
      codec: options.codec,
      transport: this.transport,
      storage,
      containers: this.containers,
      programs: options.programs ?? {},
      timers: this.timers,
      connections: this.connections,
      tell: input => this.arrive(input),
      reply: (id, answer) => this.requests.answer(id, answer),
      observe: (metric, value, label) => options.observe?.(metric, value, label, this.clock.now()),
      halt: reason => this.end({ how: 'halted', reason }, false),
      sync: token => this.sync(token),
    });
  }

  // What comes.

  private transportEvents(): TransportEvents {
    return {
      connected: (connection, peer, inbound) => this.arrive({ kind: 'connected', connection, peer, inbound }),
      refused: (peer, reason) => this.arrive({ kind: 'refused', peer, reason }),
      disconnected: (connection, peer, reason) => this.arrive({ kind: 'disconnected', connection, peer, reason }),
      message: (connection, from, bytes) => this.arrive(null, { connection, from, bytes }),
      queueFull: (connection, peer) => this.arrive({ kind: 'queueFull', connection, peer }),
      drained: (connection, peer) => this.arrive({ kind: 'drained', connection, peer }),
      tunnel: (id, open, reason) => this.arrive({ kind: 'tunnel', id, open, reason }),
    };
  }

  private containerEvents(): ContainerEvents {
    return {
      workload: (id, event, reason, addresses) =>
        this.arrive({ kind: 'workload', id, event, reason, ...(addresses.length > 0 ? { addresses } : {}) }),
      host: (host, up) => this.arrive({ kind: 'host', host, up }),
      log: (id, lines) => this.arrive({ kind: 'workloadLog', id, lines }),
    };
  }

  private arrive(input: Input<Message, Request> | null, incoming: IncomingBytes | null = null): void {
    if (!this.isAlive) return;
    try {
      this.inbox.add({ at: this.clock.now(), input, incoming });
    } catch (error) {
      this.fail(error);
      return;
    }
    this.holdIfCrowded();
    this.schedule();
  }

  private holdIfCrowded(): void {
    const { isCrowded } = this.inbox;
    if (isCrowded === this.isHeld) return;
    this.isHeld = isCrowded;
    this.transport?.hold(isCrowded);
  }

  // Turns.

  private schedule(): void {
    if (this.isScheduled || this.isRunning || !this.isAlive || this.performer === null) return;
    this.isScheduled = true;
    this.scheduler.soon(() => {
      this.isScheduled = false;
      this.slice();
    });
  }

  /** Hands over what is there, up to a limit, and sees to it that the rest comes too. */
  private slice(): void {
    if (!this.isAlive) return;
    this.isRunning = true;
    try {
      const until = this.clock.now() + SLICE_US;
      for (let count = 0; count < SLICE_INPUTS && this.isAlive; count++) {
        if (!this.step() || this.clock.now() > until) break;
      }
    } catch (error) {
      this.fail(error);
    }
    this.isRunning = false;
    if (!this.isAlive) return;
    this.holdIfCrowded();
    if (this.hasMore()) this.schedule();
    else this.waitForTimer();
  }

  /** Does what comes next. False when there is nothing to do. */
  private step(): boolean {
    const first = this.beginning[this.nextBeginning];
    if (first !== undefined) {
      this.nextBeginning++;
      if (this.nextBeginning === this.beginning.length) this.beginning = [];
      this.hand(first);
      return true;
    }
    if (this.committed !== null) {
      const { committed } = this;
      this.committed = null;
      this.passBarrier(committed);
      return true;
    }
    const due = this.timers.earliest();
    if (due !== null && due <= this.clock.now()) {
      const arrived = this.inbox.firstAt;
      if (arrived === null || due <= arrived || ++this.overtaken > TIMER_PATIENCE) {
        this.overtaken = 0;
        this.hand({ kind: 'timer', id: this.timers.take() });
        return true;
      }
    }
    const arrival = this.inbox.take();
    if (arrival === undefined) return false;
    if (arrival.input === null) this.handMessage(arrival.incoming!);
    else if (this.concerns(arrival.input)) this.hand(arrival.input);
    return true;
  }

  private hasMore(): boolean {
    const due = this.timers.earliest();
    return (
      this.inbox.length > 0 ||
      this.committed !== null ||
      this.beginning.length > 0 ||
      (due !== null && due <= this.clock.now())
    );
  }

  private waitForTimer(): void {
    const at = this.timers.earliest();
    if (at === this.wake?.at) return;
    this.wake?.cancel();
    this.wake = null;
    if (at === null) return;
    const wait_ms = Math.min(LONGEST_WAIT_MS, Math.ceil((at - this.clock.now()) / 1_000));
    const cancel = this.scheduler.after(Math.max(0, wait_ms), () => {
      this.wake = null;
      if (!this.isScheduled) this.slice();
    });
    this.wake = { at, cancel };
  }

  /** Whether the actor is still to hear of it: it hears no more of a connection that it closed. */
  private concerns(input: Input<Message, Request>): boolean {
    switch (input.kind) {
      case 'connected':
        this.connections.add(input.connection);
        return true;
      case 'disconnected':
        return this.connections.delete(input.connection);
      case 'queueFull':
      case 'drained':
        return this.connections.has(input.connection);
      default:
        return true;
    }
  }

  private handMessage({ connection, from, bytes }: IncomingBytes): void {
    if (!this.connections.has(connection)) return;
    let message: Message;
    try {
      message = this.options.codec.decode(bytes);
    } catch (error) {
      this.connections.delete(connection);
      this.transport!.disconnect(connection);
      const reason = `sent what is no message: ${reasonOf(error)}`;
      if (!this.blamed.has(from) && this.blamed.size < MAX_BLAMED_PEERS) {
        this.blamed.add(from);
        this.options.log(`${from} ${reason}`);
      }
      this.hand({ kind: 'disconnected', connection, peer: from, reason });
      return;
    }
    this.hand({ kind: 'message', connection, from, message });
  }

  private hand(input: Input<Message, Request>): void {
    const now = this.clock.now();
    this.recording.input(now, input);
    this.current = input;
    this.isReceiving = true;
    try {
      this.actor!.receive(input, now, this.effects);
    } finally {
      this.isReceiving = false;
    }
    this.current = null;
  }

  // Effects.

  private called(effect: Effect<Message>): void {
    if (!this.isAlive) return;
    if (!this.isReceiving) throw new Error(`${this.name} used its effects while it was not its turn`);
    this.recording.effect(effect);
    if (effect.kind === 'setTimer' && !Number.isSafeInteger(effect.at)) {
      throw new RangeError(`timer ${effect.id} needs a whole time, found ${effect.at}`);
    }
    this.queue.take(effect);
  }

  private sync(token: number | null): void {
    if (!this.storage.isDirty) {
      if (token !== null) this.arrive({ kind: 'synced', token });
      return;
    }
    this.queue.isBlocked = true;
    const over = (failure: unknown): void => {
      if (!this.isAlive) return;
      this.committed = { token, failure };
      this.schedule();
    };
    this.storage.commit().then(
      () => over(null),
      (cause: unknown) => over(cause ?? new Error('no reason given')),
    );
  }

  /** A commit is over: passes the barrier, or halts. */
  private passBarrier({ token, failure }: Committed): void {
    if (failure instanceof StorageFailure) {
      this.end({ how: 'halted', reason: `sync failed: ${failure.message}` }, false);
      return;
    }
    if (failure !== null) throw failure;
    this.queue.release();
    if (token !== null && this.isAlive) this.hand({ kind: 'synced', token });
  }

  // The end.

  private fail(error: unknown): void {
    const given = this.current === null ? '' : `, given ${describe(this.current)}`;
    const reason = `actor ${this.name} failed at ${this.clock.now()} us${given}: ${reasonOf(error)}`;
    this.end({ how: 'failed', reason, error }, false);
  }

  private end(ended: Ended, abruptly: boolean): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.recording.end({ how: ended.how, reason: ended.how === 'closed' ? '' : ended.reason });
    this.wake?.cancel();
    this.timers.clear();
    this.inbox.clear();
    this.queue.drop();
    this.requests.end(ended.how === 'closed' ? 'closed' : `${ended.how}: ${ended.reason}`);
    void this.closeAll(abruptly).then(() => this.resolveEnded(ended));
  }

  private async closeAll(abruptly: boolean): Promise<void> {
    const closing = async (what: string, close: () => Promise<void> | undefined): Promise<void> => {
      try {
        await close();
      } catch (error) {
        this.options.log(`closing the ${what} failed: ${reasonOf(error)}`);
      }
    };
    await closing('transport', () => this.transport?.close(abruptly));
    await closing('storage', () => this.storage.close());
    await closing('container backend', () => this.containers?.close());
    await closing('recording', () => this.recording.close());
  }
}

/** An input in a line of bounded length. */
function describe(input: unknown): string {
  const line = inspect(input, {
    depth: 4,
    maxArrayLength: 8,
    maxStringLength: 100,
    breakLength: Infinity,
    compact: true,
  });
  return line.length <= 500 ? line : `${line.slice(0, 500)}... (${line.length} characters)`;
}
