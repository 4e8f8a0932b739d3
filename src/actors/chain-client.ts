/**
 * How a tenant or provider talks to the chain through a node: it keeps a connection, subscribes, signs and numbers its
 * transactions, and sends again what was not included.
 *
 * It is a part of an actor, not an actor: the actor hands it every input first and gets back what concerns it.
 */

import { payAndSign } from '../protocol/chain/transaction.ts';
import type { KeyPair, SignatureScheme } from '../protocol/codec/signature.ts';
import { accountTopic, type Event, GOVERNANCE_TOPIC } from '../protocol/model/events.ts';
import type { Message } from '../protocol/model/messages.ts';
import type { Params } from '../protocol/model/params.ts';
import type { ConnectionId, Effects, Input, PeerName, Time } from './actor.ts';
import type { Answer, ChainStatus, Query, Wire } from './wire.ts';

/** Time between attempts to reach a node. */
const RECONNECT_US = 2_000_000;
const RECONNECT_TIMER = 'chain/reconnect';
const RETRY_TIMER = 'chain/retry';
/** More than this many transactions under way and the oldest wait is a fault of the chain, not of patience. */
const MAX_OUTSTANDING = 10_000;

export interface ChainClientOptions {
  readonly address: string;
  readonly keys: KeyPair;
  readonly scheme: SignatureScheme;
  /** Nodes to ask, in order of preference. */
  readonly nodes: readonly PeerName[];
  readonly topics: readonly string[];
}

/** What the client makes of an input, for the actor that it belongs to. */
export interface ChainListener {
  /** Connected, and the chain's status and the account are known (again). */
  onReady(status: ChainStatus, now: Time, out: Effects<Wire>): void;
  onEvent(event: Event, height: number, time: Time, now: Time, out: Effects<Wire>): void;
  /** A transaction that no block will hold. */
  onRefused(message: Message, code: string, now: Time, out: Effects<Wire>): void;
  onAnswer(answer: Answer, now: Time, out: Effects<Wire>): void;
}

interface Outstanding {
  nonce: number;
  readonly message: Message;
}

export class ChainClient {
  readonly address: string;
  readonly #options: ChainClientOptions;
  readonly #listener: ChainListener;
  #connection: ConnectionId | null = null;
  #node = 0;
  #status: ChainStatus | null = null;
  /** Next nonce; null while it has to be asked for. */
  #nonce: number | null = null;
  readonly #outstanding: Outstanding[] = [];
  #topics: string[];

  constructor(options: ChainClientOptions, listener: ChainListener) {
    this.address = options.address;
    this.#options = options;
    this.#listener = listener;
    this.#topics = [accountTopic(options.address), GOVERNANCE_TOPIC, ...options.topics];
  }

  /** The chain's parameters. Throws before the first `onReady`. */
  get params(): Params {
    if (this.#status === null) throw new Error(`${this.address} has not reached a node yet`);
    return this.#status.params;
  }

  get ready(): boolean {
    return this.#status !== null && this.#nonce !== null;
  }

  /** Signs and sends a message now, or as soon as a node is reached. */
  submit(message: Message, out: Effects<Wire>): void {
    if (this.#outstanding.length >= MAX_OUTSTANDING) {
      throw new Error(`${this.address} has ${MAX_OUTSTANDING} transactions under way; the chain includes none of them`);
    }
    const entry: Outstanding = { nonce: -1, message };
    this.#outstanding.push(entry);
    if (this.ready) this.#send(entry, out);
  }

  /** Adds a topic to follow. */
  subscribe(topic: string, out: Effects<Wire>): void {
    if (this.#topics.includes(topic)) return;
    this.#topics.push(topic);
    if (this.#connection !== null) out.send(this.#connection, { type: 'subscribe', topics: [topic] });
  }

  query(query: Query, out: Effects<Wire>): void {
    if (this.#connection !== null) out.send(this.#connection, { type: 'query', query });
  }

  #send(entry: Outstanding, out: Effects<Wire>): void {
    if (this.#connection === null) return;
    const { keys, scheme } = this.#options;
    entry.nonce = this.#nonce as number;
    this.#nonce = entry.nonce + 1;
    const { nonce, message } = entry;
    const body = { chainId: (this.#status as ChainStatus).chainId, account: this.address, nonce, grant: '', message };
    out.send(this.#connection, { type: 'submit', tx: payAndSign(this.params, body, keys, scheme) });
  }

  /** Takes what is the client's of an input; returns whether the input was. */
  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): boolean {
    switch (input.kind) {
      case 'message':
        this.#receiveMessage(input.message, now, out);
        return true;
      case 'recovered':
        this.#connect(out);
        return false;
      case 'connected':
        this.#connection = input.connection;
        out.send(input.connection, { type: 'subscribe', topics: [...this.#topics] });
        this.#ask(out);
        return true;
      case 'refused':
        this.#lost(now, out);
        return true;
      case 'disconnected':
        if (input.connection !== this.#connection) return false;
        this.#lost(now, out);
        return true;
      case 'timer':
        if (input.id === RECONNECT_TIMER) this.#connect(out);
        else if (input.id === RETRY_TIMER) this.#ask(out);
        else return false;
        return true;
      case 'queueFull':
        // What was dropped is found again when the account is asked for.
        this.#nonce = null;
        return true;
      case 'drained':
        this.#ask(out);
        return true;
      default:
        return false;
    }
  }

  #connect(out: Effects<Wire>): void {
    const { nodes } = this.#options;
    out.connect(nodes[this.#node % nodes.length] as PeerName);
  }

  #lost(now: Time, out: Effects<Wire>): void {
    this.#connection = null;
    this.#nonce = null;
    this.#node += 1;
    out.setTimer(RECONNECT_TIMER, now + RECONNECT_US);
  }

  #ask(out: Effects<Wire>): void {
    this.query({ what: 'status' }, out);
    this.query({ what: 'account', address: this.address }, out);
  }

  #receiveMessage(message: Wire, now: Time, out: Effects<Wire>): void {
    switch (message.type) {
      case 'events':
        if (message.nonce >= 0) this.#drop(message.nonce);
        for (const event of message.events) {
          if (event.type === 'ParameterChanged') this.query({ what: 'status' }, out);
          this.#listener.onEvent(event, message.height, message.time, now, out);
        }
        return;
      case 'refused':
        this.#refused(message.nonce, message.code, now, out);
        return;
      case 'answer':
        this.#answered(message.answer, now, out);
        return;
      default:
        throw new Error(`a node sent ${message.type} to its client ${this.address}`);
    }
  }

  /** Forgets what a block has taken in. */
  #drop(nonce: number): void {
    let kept = 0;
    const list = this.#outstanding;
    while (kept < list.length && (list[kept] as Outstanding).nonce >= 0 && (list[kept] as Outstanding).nonce < nonce) {
      kept += 1;
    }
    if (kept > 0) list.splice(0, kept);
  }

  #refused(nonce: number, code: string, now: Time, out: Effects<Wire>): void {
    const at = this.#outstanding.findIndex(entry => entry.nonce === nonce);
    // A wrong nonce or a full pool says nothing about the message: ask how far the account is and send again.
    const retry = code === 'wrong_nonce' || code === 'mempool_full' || code === 'low_fee';
    if (at >= 0 && !retry) {
      const entry = this.#outstanding[at] as Outstanding;
      this.#outstanding.splice(at, 1);
      this.#listener.onRefused(entry.message, code, now, out);
    }
    if (this.#nonce === null) return;
    this.#nonce = null;
    if (retry) out.setTimer(RETRY_TIMER, now + RECONNECT_US);
    else this.#ask(out);
  }

  #answered(answer: Answer, now: Time, out: Effects<Wire>): void {
    if (answer.what === 'status') {
      this.#status = answer.value;
      return;
    }
    if (answer.what !== 'account') {
      this.#listener.onAnswer(answer, now, out);
      return;
    }
    if (this.#nonce !== null || this.#status === null) return;
    this.#nonce = answer.value.nonce;
    this.#drop(answer.value.nonce);
    this.#listener.onReady(this.#status, now, out);
    for (const entry of this.#outstanding) this.#send(entry, out);
  }
}
