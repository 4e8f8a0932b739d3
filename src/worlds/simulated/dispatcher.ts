/**
 * The dispatcher: takes events off the agenda one by one, mixes each into the trace hash, and hands actors their inputs.
 */
import type { Input, Time } from '../../actors/actor.ts';
import type { Agenda } from './agenda.ts';
import { digestString, digestValue } from './digest.ts';
import { describe } from './errors.ts';
import {
  CALL,
  DEPARTED,
  END_INPUT,
  EVENT_NAMES,
  EXPIRED,
  FINISHED,
  INPUT,
  INPUT_CODES,
  MESSAGE,
  NOOP,
  SYNCED,
  TIMER,
  WOKEN,
} from './events.ts';
import { setCurrentActor } from './guard.ts';
import type { End } from './links.ts';
import type { Network } from './network.ts';
import { DEAD, RUNNING, SLOW } from './node.ts';
import type { Process } from './process.ts';
import { digestTimer, type TimerRecord } from './timers.ts';
import type { TraceHash } from './trace.ts';

/** Events between two calls of `onSlice`. */
const SLICE_EVENTS = 65_536;

/** Why a run came back: the time is over, the events are, or somebody asked for it. */
export type Stopped = 'time' | 'events' | 'stop';

export class Dispatcher<Message, Request> {
  /** No-op events so far; they are not part of the trace. */
  noops = 0;
  /** Set to come back after the event that is being dispatched. */
  stopped = false;
  /** Who is being handed what, for errors. */
  currentProcess: Process<Message, Request> | null = null;
  currentInput: Input<Message, Request> | null = null;

  private readonly agenda: Agenda;
  private readonly network: Network<Message, Request>;
  private readonly traceHash: TraceHash;
  private readonly digestOf: (message: Message) => number;
  private readonly digestOfRequest: (request: Request) => number;

  /** @param digestOf fingerprint of a message @param digestOfRequest fingerprint of a request */
  constructor(
    agenda: Agenda,
    network: Network<Message, Request>,
    traceHash: TraceHash,
    digestOf: (message: Message) => number,
    digestOfRequest: (request: Request) => number,
  ) {
    this.agenda = agenda;
    this.network = network;
    this.traceHash = traceHash;
    this.digestOf = digestOf;
    this.digestOfRequest = digestOfRequest;
  }

  /** Dispatches events up to and including a time, or so many of them. */
  loop(until: Time, maxEvents: number, onSlice?: (now: Time) => void): Stopped {
    const { agenda, traceHash } = this;
    const { queue } = agenda;
    const last = traceHash.count + maxEvents;
    let nextSlice = traceHash.count + SLICE_EVENTS;
    while (traceHash.count < last) {
      if (this.stopped) return 'stop';
      if (traceHash.count >= nextSlice) {
        nextSlice += SLICE_EVENTS;
        onSlice?.(agenda.now);
      }
      if (queue.peek() > until) {
        agenda.now = until;
        return 'time';
      }
      queue.pop();
      agenda.now = queue.time;
      const { kind, subject, payload } = queue;
      if (kind === MESSAGE) this.onMessage(subject as End<Message, Request>, payload as Message);
      else this.dispatch(kind, subject, payload);
    }
    return this.stopped ? 'stop' : 'events';
  }

  private dispatch(kind: number, subject: unknown, payload: unknown): void {
    switch (kind) {
      case NOOP:
        this.noops++;
        return;
      case TIMER:
        this.onTimer(subject as Process<Message, Request>, payload as TimerRecord);
        return;
      case INPUT: {
        const process = subject as Process<Message, Request>;
        if (this.ready(process, kind, subject, payload)) this.deliver(process, payload as Input<Message, Request>);
        return;
      }
      case SYNCED:
        this.onSynced(subject as Process<Message, Request>, payload as number | undefined);
        return;
      case END_INPUT:
        this.onEndInput(subject as End<Message, Request>, payload as Input<Message, Request>);
        return;
      case FINISHED:
        this.onFinished(subject as End<Message, Request>, payload as string);
        return;
      case EXPIRED: {
        const end = subject as End<Message, Request>;
        this.internal(end.process, kind, end.id, 'keep-alive');
        this.network.connections.expired(end);
        return;
      }
      case DEPARTED: {
        const end = subject as End<Message, Request>;
        this.internal(end.process, kind, end.id, 'from the pipe');
        this.network.departed(end);
        return;
      }
      case WOKEN:
        this.onWoken(subject as Process<Message, Request>);
        return;
      case CALL:
        this.internal(null, kind, digestString(subject as string), subject as string);
        (payload as () => void)();
        return;
      default:
        throw new Error(`unknown event kind ${kind}`);
    }
  }

  /** An event that no actor gets to see. */
  private internal(process: Process<Message, Request> | null, kind: number, digest: number, text: string): void {
    const { traceHash } = this;
    if (traceHash.count >= traceHash.windowFrom) {
      traceHash.record(this.agenda.now, process?.node.name ?? '', `${EVENT_NAMES[kind]} ${text}`);
    }
    traceHash.mix(this.agenda.now, process === null ? -1 : process.node.index, kind, digest);
  }

  /** Can this process take an event now? If it is paused or slow, the event is put off; if it is gone, dropped. */
  private ready(process: Process<Message, Request>, kind: number, subject: unknown, payload: unknown): boolean {
    if (process.state === RUNNING) return true;
    if (process.state === SLOW && process.admittedByQueue) return true;
    const gone = process.state === DEAD;
    if (!gone) process.defer(kind, subject, payload);
    this.internal(process, kind, process.state, gone ? 'dropped' : 'put off');
    return false;
  }

  private onMessage(end: End<Message, Request>, message: Message): void {
    const { process } = end;
    if (process.state !== RUNNING && !this.ready(process, MESSAGE, end, message)) return;
    if (!end.open && !this.arrivesLate(end, message)) return;
    if (this.network.moments !== null) {
      this.onAwaitedMessage(end, message);
      return;
    }
    const input: Input<Message, Request> = { kind: 'message', connection: end.id, from: end.peerName, message };
    this.hand(process, input, INPUT_CODES.message, this.digestOf(message));
  }

  /** A message comes to an end that is closed. True when it is to be handed out nevertheless, now. */
  private arrivesLate(end: End<Message, Request>, message: Message): boolean {
    if (end.late === 0) {
      this.internal(end.process, MESSAGE, end.id, 'dropped');
      return false;
    }
    if (this.agenda.now < end.late) {
      this.internal(end.process, MESSAGE, end.id, 'held up');
      this.agenda.push(end.late, end.peer.link.channel, MESSAGE, end, message);
      if (!end.repeating) return false;
      const { link, process } = end.peer;
      if (link.repeats?.process !== process) link.repeats = { process, messages: [] };
      link.repeats.messages.push(message);
      return false;
    }
    return true;
  }

  /** Hands out a message while somebody waits for one; what they do then may keep it from being handed out. */
  private onAwaitedMessage(end: End<Message, Request>, message: Message): void {
    const { process } = end;
    const { network } = this;
    network.moments?.passes('arrives', end.peerName, process.name, message);
    if (process.state !== RUNNING && !this.ready(process, MESSAGE, end, message)) return;
    if (!end.open && end.late === 0) {
      this.internal(process, MESSAGE, end.id, 'dropped');
      return;
    }
    const input: Input<Message, Request> = { kind: 'message', connection: end.id, from: end.peerName, message };
    this.hand(process, input, INPUT_CODES.message, this.digestOf(message));
    network.moments?.passes('handled', end.peerName, process.name, message);
  }

  /** A slow process has finished what it was at, and takes the next event that waits for it. */
  private onWoken(process: Process<Message, Request>): void {
    this.internal(process, WOKEN, 0, 'goes on');
    const next = process.takeDeferred();
    if (next !== undefined) {
      process.admittedByQueue = true;
      if (next.kind === MESSAGE) this.onMessage(next.subject as End<Message, Request>, next.payload as Message);
      else this.dispatch(next.kind, next.subject, next.payload);
      process.admittedByQueue = false;
    }
    process.wakeLater();
  }

  private onTimer(process: Process<Message, Request>, record: TimerRecord): void {
    record.handle = -1;
    if (process.state !== RUNNING && !this.ready(process, TIMER, process, record)) return;
    // While it was put off, the timer may have been moved or cancelled.
    if (!process.timers.take(record)) return;
    this.hand(process, { kind: 'timer', id: record.id }, INPUT_CODES.timer, digestTimer(record.id));
  }

  private onSynced(process: Process<Message, Request>, token: number | undefined): void {
    if (!this.ready(process, SYNCED, process, token)) return;
    this.internal(process, SYNCED, token ?? -1, 'barrier');
    this.currentProcess = process;
    const passed = process.finishSync();
    this.currentProcess = null;
    if (passed && token !== undefined) this.deliver(process, { kind: 'synced', token });
  }

  private onEndInput(end: End<Message, Request>, input: Input<Message, Request>): void {
    if (!this.ready(end.process, END_INPUT, end, input)) return;
    if (!end.open && end.late === 0) {
      this.internal(end.process, END_INPUT, end.id, 'dropped');
      return;
    }
    if (end.attempt !== -1) this.network.connections.established(end);
    this.deliver(end.process, input);
  }

  private onFinished(end: End<Message, Request>, reason: string): void {
    if (!this.ready(end.process, FINISHED, end, reason)) return;
    const ending = this.network.connections.finished(end, reason);
    if (ending === null) this.internal(end.process, FINISHED, end.id, 'dropped');
    else this.deliver(end.process, ending);
  }

  /** Hands an actor an input that is not one of the most frequent kinds. */
  deliver(process: Process<Message, Request>, input: Input<Message, Request>): void {
    const digest = input.kind === 'request' ? this.digestOfRequest(input.request) : digestInput(input, this.digestOf);
    this.hand(process, input, INPUT_CODES[input.kind], digest);
  }

  /** Hands an actor an input. Errors are caught once per run; `currentProcess` says whose they are. */
  private hand(process: Process<Message, Request>, input: Input<Message, Request>, code: number, digest: number): void {
    const { traceHash } = this;
    const { now } = this.agenda;
    if (traceHash.count >= traceHash.windowFrom) traceHash.record(now, process.name, describe(input));
    traceHash.mix(now, process.index, code, digest);
    this.currentProcess = process;
    this.currentInput = input;
    process.receiving = true;
    setCurrentActor(process.name);
    process.actor.receive(input, process.clock.local(now), process);
    setCurrentActor(null);
    process.receiving = false;
    this.currentInput = null;
    this.currentProcess = null;
  }
}

/** Fingerprint of an input that is not a request. */
function digestInput<Message, Request>(
  input: Exclude<Input<Message, Request>, { readonly kind: 'request' }>,
  digestOf: (message: Message) => number,
): number {
  switch (input.kind) {
    case 'message':
      return digestOf(input.message);
    case 'timer':
      return digestTimer(input.id);
    case 'synced':
      return input.token | 0;
    default:
      return digestValue(input);
  }
}
