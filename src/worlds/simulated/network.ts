/**
 * The simulated network: connections as TLS over TCP gives them.
 *
 * A connection is a pair of ends. What is sent at one end arrives at the other in order, at most once, until the
 * connection breaks. Links are directed pairs of nodes; each has a latency distribution and a random stream of its own,
 * and can be cut (packets are lost, and after the keep-alive both sides are told), clogged (packets wait) or slowed.
 * Single connections can be broken, with what was in flight lost, late, or late and sent again.
 *
 * The common case, an open link of infinite bandwidth, costs one latency and one event. Everything else (`end.slow`)
 * goes through the end's bounded send queue and `pump`. How ends open and close is in connections.ts.
 */
import type { ConnectionId, PeerName, Time } from '../../actors/actor.ts';
import { MAX_MESSAGE_BYTES } from '../../actors/actor.ts';
import type { Agenda } from './agenda.ts';
import { Connections } from './connections.ts';
import { DEPARTED, END_INPUT, FINISHED, MESSAGE } from './events.ts';
import { constantLatency, type LatencyModel } from './latency.ts';
import { type End, ITEM_FINISH, ITEM_MESSAGE, type Item, Link, pipe } from './links.ts';
import type { MessageMoments } from './moments.ts';
import type { SimulatedNode } from './node.ts';
import type { Process } from './process.ts';
import type { RandomStreams } from './streams.ts';

export interface NetworkModel {
  /** Default: 1 ms everywhere. */
  readonly latency?: LatencyModel;
  /** Bytes per second from a region to a region; null is infinite. Default: infinite everywhere. */
  readonly bandwidth?: (fromRegion: string, toRegion: string) => number | null;
  /** After how long a connection over a cut link, or to a machine that is off, is given up. Default 15 s. */
  readonly keepAlive_us?: number;
  /** After how long an unanswered `connect` is refused. Default 10 s. */
  readonly connectTimeout_us?: number;
  /** Messages that one end may have waiting. Default 4,096. */
  readonly queueMessages?: number;
  /** Bytes that one end may have waiting, where sizes are known. Default 16 MiB. */
  readonly queueBytes?: number;
}

export class Network<Message, Request> {
  readonly agenda: Agenda;
  readonly keepAlive: number;
  readonly connectTimeout: number;
  readonly connections: Connections<Message, Request>;
  /** Message moments that somebody waits for; null while nobody does. */
  moments: MessageMoments<Message> | null = null;
  private readonly model: NetworkModel;
  private readonly latencyModel: LatencyModel;
  private readonly streams: RandomStreams;
  private readonly sizeOf: ((message: Message) => number) | null;
  private readonly queueMessages: number;
  private readonly queueBytes: number;
  /** By index of the sender, then of the receiver. */
  private readonly links: Map<number, Link<Message, Request>>[] = [];

  constructor(
    model: NetworkModel,
    agenda: Agenda,
    streams: RandomStreams,
    nodeNamed: (name: PeerName) => SimulatedNode<Message, Request> | undefined,
    sizeOf: ((message: Message) => number) | null,
  ) {
    this.model = model;
    this.agenda = agenda;
    this.streams = streams;
    this.sizeOf = sizeOf;
    this.latencyModel = model.latency ?? constantLatency(1_000);
    this.keepAlive = limit(model.keepAlive_us ?? 15_000_000, 'keepAlive_us');
    this.connectTimeout = limit(model.connectTimeout_us ?? 10_000_000, 'connectTimeout_us');
    this.queueMessages = limit(model.queueMessages ?? 4_096, 'queueMessages');
    this.queueBytes = limit(model.queueBytes ?? 16 * 1024 * 1024, 'queueBytes');
    this.connections = new Connections(this, nodeNamed);
  }

  connect(process: Process<Message, Request>, peer: PeerName): void {
    this.connections.connect(process, peer);
  }

  disconnect(process: Process<Message, Request>, connection: ConnectionId): void {
    const end = process.ends.get(connection);
    if (end !== undefined) this.connections.close(end, 'closed by peer');
  }

  /** Sends a message; over a connection that is closed it goes nowhere, as its sender has been or will be told. */
  send(process: Process<Message, Request>, connection: ConnectionId, message: Message): void {
    const end = process.ends.get(connection);
    if (end === undefined) return;
    if (this.moments !== null && !this.announce(end, message)) return;
    if (end.slow) this.sendSlowly(end, message);
    else this.transmit(end, message);
  }

  /** The link from a node to a node; made when first needed. */
  link(from: SimulatedNode<Message, Request>, to: SimulatedNode<Message, Request>): Link<Message, Request> {
    while (this.links.length <= from.index) this.links.push(new Map());
    const row = this.links[from.index]!;
    let link = row.get(to.index);
    if (link === undefined) {
      const sampler = this.latencyModel.link(from.region, to.region);
      const stream = this.streams.stream('link', `${from.name}>${to.name}`);
      const bytesPerSecond = this.model.bandwidth?.(from.region, to.region) ?? null;
      const own = bytesPerSecond === null ? null : pipe(bytesPerSecond);
      link = new Link(from, to, sampler, stream, from.uplink ?? own);
      row.set(to.index, link);
    }
    return link;
  }

  /** Cuts a link: nothing passes, and after the keep-alive its connections are given up. */
  cut(from: SimulatedNode<Message, Request>, to: SimulatedNode<Message, Request>): void {
    const link = this.link(from, to);
    link.cuts++;
    for (const one of [link, this.link(to, from)]) {
      for (const end of one.ends) {
        this.refresh(end);
        this.connections.watch(end);
      }
    }
  }

  /** Takes one cut back. What waited goes on; ends whose peer gave up meanwhile are reset. */
  heal(from: SimulatedNode<Message, Request>, to: SimulatedNode<Message, Request>): void {
    const link = this.link(from, to);
    if (link.cuts === 0) throw new Error(`the link from ${from.name} to ${to.name} is not cut`);
    if (--link.cuts > 0) return;
    const back = this.link(to, from);
    if (back.cuts === 0) {
      for (const one of from === to ? [link] : [link, back]) {
        for (const end of [...one.ends]) this.connections.reachable(end);
      }
    }
    this.reopen(link);
  }

  /** Clogs a link: packets wait (`delay_us` null), or take so much longer. Nobody is told. */
  clog(from: SimulatedNode<Message, Request>, to: SimulatedNode<Message, Request>, delay_us: number | null): void {
    const link = this.link(from, to);
    if (delay_us === null) link.clogs++;
    else link.delay += delay_us;
    for (const end of link.ends) this.refresh(end);
  }

  unclog(from: SimulatedNode<Message, Request>, to: SimulatedNode<Message, Request>, delay_us: number | null): void {
    const link = this.link(from, to);
    if (delay_us === null) link.clogs--;
    else link.delay -= delay_us;
    if (link.clogs < 0 || link.delay < 0) {
      throw new Error(`the link from ${from.name} to ${to.name} is not clogged`);
    }
    this.reopen(link);
  }

  /** A process takes in nothing more, or goes on: its peers' packets wait, or are let through. */
  pauseChanged(process: Process<Message, Request>): void {
    for (const end of process.ends.values()) {
      this.refresh(end.peer);
      this.pump(end.peer);
    }
  }

  /** A new connection is there: what its sender's transport believes lost goes first. */
  repeat(end: End<Message, Request>): void {
    const { repeats } = end.link;
    if (repeats === null) return;
    end.link.repeats = null;
    if (repeats.process !== end.process) return;
    for (const message of repeats.messages) {
      if (end.slow) this.sendSlowly(end, message);
      else this.transmit(end, message);
    }
  }

  /** The first item of an end's queue has passed its pipe. */
  departed(end: End<Message, Request>): void {
    end.departing = false;
    const stuck = end.link.blocked || end.peer.process.stuffed;
    if (!stuck && end.queue.length > 0) this.transmitItem(end, this.dequeue(end));
    this.pump(end);
  }

  /** Puts something that is not a message behind what waits at this end. It is not subject to the queue's bound. */
  transmitControl(end: End<Message, Request>, item: Item<Message>): void {
    if (!end.slow) {
      this.transmitItem(end, item);
      return;
    }
    end.queue.push(item);
    this.pump(end);
  }

  /** Works out anew whether an end must use its queue. */
  refresh(end: End<Message, Request>): void {
    end.slow = end.link.blocked || end.link.pipe !== null || end.queue.length > 0 || end.peer.process.stuffed;
  }

  /** When the next packet from this end arrives: never before one that was sent earlier. */
  arrival(end: End<Message, Request>): Time {
    const at = this.agenda.now + end.link.latency();
    if (at > end.lastArrival) end.lastArrival = at;
    return end.lastArrival;
  }

  /** Tells those who wait for a message that this one is about to leave. False when it cannot leave any more. */
  private announce(end: End<Message, Request>, message: Message): boolean {
    this.moments!.passes('sent', end.process.name, end.peerName, message);
    return end.process.isAlive() && end.process.ends.get(end.id) === end;
  }

  private reopen(link: Link<Message, Request>): void {
    if (link.blocked) return;
    for (const end of [...link.ends]) this.pump(end);
    for (const retry of link.waiting.splice(0)) retry();
  }

  private transmit(end: End<Message, Request>, message: Message): void {
    this.agenda.push(this.arrival(end), end.link.channel, MESSAGE, end.peer, message);
  }

  private transmitItem(end: End<Message, Request>, item: Item<Message>): void {
    const at = this.arrival(end);
    const { peer, link } = end;
    if (item.kind === ITEM_MESSAGE) {
      this.agenda.push(at, link.channel, MESSAGE, peer, item.message);
    } else if (item.kind === ITEM_FINISH) {
      this.agenda.push(at, link.channel, FINISHED, peer, item.reason);
      link.ends.delete(end);
    } else {
      const input = { kind: 'connected', connection: peer.id, peer: peer.peerName, inbound: false } as const;
      this.agenda.push(at, link.channel, END_INPUT, peer, input);
    }
  }

  private sendSlowly(end: End<Message, Request>, message: Message): void {
    let size = 0;
    if (end.link.pipe !== null) {
      if (this.sizeOf === null) throw new Error('a finite bandwidth needs the world to be told `sizeOf`');
      size = this.sizeOf(message);
      if (!(size >= 0 && size <= MAX_MESSAGE_BYTES)) {
        throw new RangeError(`a message has at most ${MAX_MESSAGE_BYTES} bytes, found ${size}`);
      }
    }
    if (end.queue.length >= this.queueMessages || end.queuedBytes + size > this.queueBytes) {
      if (!end.full) this.tellQueue(end, 'queueFull');
      end.full = true;
      return;
    }
    end.queuedBytes += size;
    end.queue.push({ kind: ITEM_MESSAGE, message, reason: '', size });
    this.pump(end);
  }

  /** Sends from an end's queue what can go. */
  private pump(end: End<Message, Request>): void {
    const { link } = end;
    while (end.queue.length > 0 && !end.departing && !link.blocked && !end.peer.process.stuffed) {
      const item = end.queue[0]!;
      if (link.pipe !== null && item.size > 0) {
        const start = Math.max(this.agenda.now, link.pipe.busyUntil);
        const done = start + Math.ceil((item.size * 1e6) / link.pipe.bytesPerSecond);
        link.pipe.busyUntil = done;
        end.departing = true;
        this.agenda.push(done, link.channel, DEPARTED, end, null);
        break;
      }
      this.transmitItem(end, this.dequeue(end));
    }
    if (end.full && end.queue.length * 2 <= this.queueMessages && end.queuedBytes * 2 <= this.queueBytes) {
      end.full = false;
      this.tellQueue(end, 'drained');
    }
    this.refresh(end);
  }

  private dequeue(end: End<Message, Request>): Item<Message> {
    const item = end.queue.shift()!;
    end.queuedBytes -= item.size;
    return item;
  }

  private tellQueue(end: End<Message, Request>, kind: 'queueFull' | 'drained'): void {
    if (!end.open) return;
    const input = { kind, connection: end.id, peer: end.peerName } as const;
    this.agenda.push(this.agenda.now, end.process.node.channel, END_INPUT, end, input);
  }
}

function limit(value: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new RangeError(`${what} must be a positive whole number, found ${value}`);
  }
  return value;
}
