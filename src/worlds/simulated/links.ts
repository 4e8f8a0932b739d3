/**
 * Links between nodes, and the ends of the connections that run over them.
 */
import type { ConnectionId, PeerName, RandomStream, Time } from '../../actors/actor.ts';
import { digestString } from './digest.ts';
import type { EventHandle } from './kernel.ts';
import type { Sampler } from './latency.ts';
import type { SimulatedNode } from './node.ts';
import type { Process } from './process.ts';

/** Something with a finite bandwidth. */
export interface Pipe {
  readonly bytesPerSecond: number;
  busyUntil: Time;
}

/** A directed pair of nodes. */
export class Link<Message, Request> {
  readonly from: SimulatedNode<Message, Request>;
  readonly to: SimulatedNode<Message, Request>;
  readonly channel: number;
  readonly pipe: Pipe | null;
  cuts = 0;
  clogs = 0;
  /** Extra latency, from faults. */
  delay = 0;
  /** Ends that send over this link and may still have something to send. */
  readonly ends = new Set<End<Message, Request>>();
  /** What to try again when the link opens: connection attempts. */
  readonly waiting: (() => void)[] = [];
  /** Messages of a connection that broke, which the sender's transport will send over the next one. */
  repeats: Repeats<Message, Request> | null = null;
  private readonly sampler: Sampler;
  private readonly stream: RandomStream;

  constructor(
    from: SimulatedNode<Message, Request>,
    to: SimulatedNode<Message, Request>,
    sampler: Sampler,
    stream: RandomStream,
    pipe: Pipe | null,
  ) {
    this.from = from;
    this.to = to;
    this.sampler = sampler;
    this.stream = stream;
    this.pipe = pipe;
    this.channel = digestString(`${from.name}>${to.name}`);
  }

  get blocked(): boolean {
    return this.cuts > 0 || this.clogs > 0;
  }

  /** Draws how long the next packet travels. */
  latency(): number {
    const constant = this.sampler.constant;
    return (constant === null ? this.sampler.sample(this.stream) : constant) + this.delay;
  }
}

export const ITEM_MESSAGE = 0;
export const ITEM_FINISH = 1;
export const ITEM_ACCEPT = 2;

/** Something in a send queue. */
export interface Item<Message> {
  readonly kind: typeof ITEM_MESSAGE | typeof ITEM_FINISH | typeof ITEM_ACCEPT;
  readonly message: Message | null;
  readonly reason: string;
  readonly size: number;
}

export interface Repeats<Message, Request> {
  /** Who sent them; what comes after it under its name knows nothing of them. */
  readonly process: Process<Message, Request>;
  readonly messages: Message[];
}

/** One side of a connection. */
export class End<Message, Request> {
  readonly id: ConnectionId;
  readonly process: Process<Message, Request>;
  /** What this end sends over. */
  readonly link: Link<Message, Request>;
  peer!: End<Message, Request>;
  /** Kept here so that a delivery does not have to visit the sender's objects. */
  readonly peerName: PeerName;
  /** Its process may use it. */
  open = true;
  /** It went away without a word to its peer: timed out, or its machine is off. */
  vanished = false;
  /** Something other than an open link of infinite bandwidth: go through the queue. */
  slow = false;
  /** When the last packet that was sent here arrives at the peer. */
  lastArrival: Time = 0;
  queue: Item<Message>[] = [];
  queuedBytes = 0;
  /** `queueFull` was told, `drained` not yet. */
  full = false;
  /** The first item of the queue is on its way through the pipe. */
  departing = false;
  /** The keep-alive's event, or -1. */
  expiry: EventHandle = -1;
  /**
   * Not 0: this connection has broken, its process does not know it yet, and what was in flight arrives from this time
   * on. Such an end is not open.
   */
  late: Time = 0;
  /** What arrives late is to be repeated. */
  repeating = false;
  /** The attempt's time-out event at the initiator until it knows of its connection, else -1. */
  attempt: EventHandle = -1;

  constructor(id: ConnectionId, process: Process<Message, Request>, link: Link<Message, Request>) {
    this.id = id;
    this.process = process;
    this.link = link;
    this.peerName = link.to.name;
  }
}

/** A pipe of so many bytes per second. */
export function pipe(bytesPerSecond: number): Pipe {
  if (!(bytesPerSecond > 0 && bytesPerSecond < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`a bandwidth must be positive and finite, found ${bytesPerSecond} bytes/s`);
  }
  return { bytesPerSecond, busyUntil: 0 };
}
