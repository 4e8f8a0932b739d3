/**
 * The way from a client to the chain: which node it speaks to, and how much of what it says is believed.
 *
 * There are two. A trusting client takes one node at its word and goes to the next when that one is gone: right for a
 * chain of one validator, where there is nobody to check against. A light one (light-link.ts) believes nothing that
 * is not proven.
 */
import type { Event } from '../../protocol/model/events.ts';
import type { ConnectionId, Effects, Input, PeerName, Time } from '../actor.ts';
import { Pieces } from '../pieces.ts';
import type { Answer, Query, Wire } from '../wire.ts';

/** Time between attempts to reach a node, microseconds. */
export const RECONNECT_US = 2_000_000;
const RECONNECT_TIMER = 'chain/reconnect';

/** What a client learns over its link. */
export interface LinkHost {
  /** A node is there to be asked, and knows nothing of what was sent before. */
  onUp(out: Effects<Wire>): void;
  /** What was sent may be lost, up to the next `onUp`. */
  onDown(): void;
  onEvents(events: readonly Event[], height: number, time: Time, now: Time, out: Effects<Wire>): void;
  /** The account's nonce after a block with transactions of it. */
  onNonce(nonce: number): void;
  /** Everything of one more block has been told. A link that is told by topic alone never says so. */
  onBlock(now: Time, out: Effects<Wire>): void;
  onRefused(nonce: number, code: string, now: Time, out: Effects<Wire>): void;
  onAnswer(answer: Answer, now: Time, out: Effects<Wire>): void;
}

export interface ChainLink {
  /** The node that is asked now; empty while there is none. */
  readonly node: PeerName;
  /** The newest height that it knows of; 0: none yet. */
  readonly height: number;
  /** Takes what is the link's of an input; returns whether the input was. */
  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): boolean;
  /** Sends over the link; what is sent while no node is there is lost. */
  send(message: Wire, out: Effects<Wire>): void;
  subscribe(topic: string, out: Effects<Wire>): void;
  query(query: Exclude<Query, { readonly what: 'leaf' }>, now: Time, out: Effects<Wire>): void;
  /** Turns to another node, without blame on this one. False when there is none at hand, or none would be any better. */
  change(reason: string, now: Time, out: Effects<Wire>): boolean;
}

export class TrustingLink implements ChainLink {
  readonly #address: string;
  readonly #nodes: readonly PeerName[];
  readonly #host: LinkHost;
  readonly #topics: string[];
  readonly #pieces = new Pieces();
  #connection: ConnectionId | null = null;
  #node = 0;
  #height = 0;

  /** @param topics what is followed from the beginning */
  constructor(address: string, nodes: readonly PeerName[], topics: readonly string[], host: LinkHost) {
    this.#address = address;
    this.#nodes = nodes;
    this.#topics = [...topics];
    this.#host = host;
  }

  get node(): PeerName {
    return this.#nodes[this.#node % this.#nodes.length] as PeerName;
  }

  get height(): number {
    return this.#height;
  }

  change(): boolean {
    return false;
  }

  send(message: Wire, out: Effects<Wire>): void {
    if (this.#connection !== null) out.send(this.#connection, message);
  }

  subscribe(topic: string, out: Effects<Wire>): void {
    if (this.#topics.includes(topic)) return;
    this.#topics.push(topic);
    this.send({ type: 'subscribe', topics: [topic] }, out);
  }

  query(query: Query, _now: Time, out: Effects<Wire>): void {
    this.send({ type: 'query', query }, out);
  }

  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): boolean {
    switch (input.kind) {
      case 'message':
        this.#receiveMessage(input.message, input.connection, now, out);
        return true;
      case 'recovered':
        out.connect(this.node);
        return false;
      case 'connected':
        this.#connection = input.connection;
        this.#pieces.clear();
        out.send(input.connection, { type: 'subscribe', topics: [...this.#topics] });
        this.#host.onUp(out);
        return true;
      case 'refused':
        this.#lost(now, out);
        return true;
      case 'disconnected':
        if (input.connection !== this.#connection) return false;
        this.#lost(now, out);
        return true;
      case 'timer':
        if (input.id !== RECONNECT_TIMER) return false;
        out.connect(this.node);
        return true;
      case 'queueFull':
        // What was dropped is found again when the account is asked for.
        this.#host.onDown();
        return true;
      case 'drained':
        this.#host.onUp(out);
        return true;
      default:
        return false;
    }
  }

  #lost(now: Time, out: Effects<Wire>): void {
    this.#connection = null;
    this.#node += 1;
    this.#host.onDown();
    out.setTimer(RECONNECT_TIMER, now + RECONNECT_US);
  }

  #receiveMessage(message: Wire, connection: ConnectionId, now: Time, out: Effects<Wire>): void {
    switch (message.type) {
      case 'piece': {
        const whole = this.#pieces.take(message);
        if (typeof whole === 'string') {
          out.observe('client/node-dropped', 1, `${this.node}: ${whole}`);
          out.disconnect(connection);
          this.#lost(now, out);
        } else if (whole !== null) this.#receiveMessage(whole, connection, now, out);
        return;
      }
      case 'events':
        this.#height = Math.max(this.#height, message.height);
        if (message.nonce >= 0) this.#host.onNonce(message.nonce);
        this.#host.onEvents(message.events, message.height, message.time, now, out);
        return;
      case 'refused':
        this.#host.onRefused(message.nonce, message.code, now, out);
        return;
      case 'answer':
        if (message.answer.what === 'status') this.#height = Math.max(this.#height, message.answer.value.height);
        this.#host.onAnswer(message.answer, now, out);
        return;
      default:
        throw new Error(`a node sent ${message.type} to its client ${this.#address}`);
    }
  }
}
