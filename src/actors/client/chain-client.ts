/**
 * How a tenant or provider talks to the chain through nodes: it follows what concerns it, signs and numbers its
 * transactions, and sends again what was not included.
 *
 * It is a part of an actor, not an actor: the actor hands it every input first and gets back what concerns it.
 */

import { payAndSign } from '../../protocol/chain/transaction.ts';
import type { KeyPair, SignatureScheme } from '../../protocol/codec/signature.ts';
import { accountTopic, type Event, GOVERNANCE_TOPIC } from '../../protocol/model/events.ts';
import type { Message } from '../../protocol/model/messages.ts';
import type { Params } from '../../protocol/model/params.ts';
import type { Effects, Input, PeerName, Time } from '../actor.ts';
import type { AccountView, Answer, ChainStatus, Query, Wire } from '../wire.ts';
import { type ChainLink, type LinkHost, RECONNECT_US, TrustingLink } from './chain-link.ts';
import { LightLink } from './light-link.ts';
import type { LightOptions } from './light-options.ts';

const RETRY_TIMER = 'chain/retry';
/** More than this many transactions under way and the oldest wait is a fault of the chain, not of patience. */
const MAX_OUTSTANDING = 10_000;
/** Blocks whose events are kept for a client that is not ready yet. */
const MAX_EARLY = 1_000;
/** A node by which no transaction gets into a block in the time of so many may be one that passes none on. */
const PATIENCE_BLOCKS = 20;

export interface ChainClientOptions {
  readonly address: string;
  readonly keys: KeyPair;
  readonly scheme: SignatureScheme;
  /** Nodes to ask, in order of preference. */
  readonly nodes: readonly PeerName[];
  readonly topics: readonly string[];
  /** What a light client starts from; without it the client trusts the node that it asks. */
  readonly light?: LightOptions | undefined;
}

/** What the client makes of an input, for the actor that it belongs to. */
export interface ChainListener {
  /** Connected, and the chain's status and the account are known (again). */
  onReady(status: ChainStatus, now: Time, out: Effects<Wire>): void;
  onEvent(event: Event, height: number, time: Time, now: Time, out: Effects<Wire>): void;
  /** A transaction that no block will hold. */
  onRefused(message: Message, code: string, now: Time, out: Effects<Wire>): void;
  onAnswer(answer: Answer, now: Time, out: Effects<Wire>): void;
  /** A message is about to be sent under this nonce, for the first time or again. */
  onSigned?(message: Message, nonce: number, out: Effects<Wire>): void;
  /** The client's own account, each time that somebody asked for it. */
  onAccount?(account: AccountView, now: Time, out: Effects<Wire>): void;
}

interface Outstanding {
  nonce: number;
  readonly message: Message;
  /** When it was sent last. */
  sentAt: Time;
  /** The node that would not take it, when another is to be heard first; empty for none. */
  refusedBy: PeerName;
}

export class ChainClient implements LinkHost {
  readonly address: string;
  readonly #options: ChainClientOptions;
  readonly #listener: ChainListener;
  readonly #link: ChainLink;
  #status: ChainStatus | null = null;
  /** Next nonce; null while it has to be asked for. */
  #nonce: number | null = null;
  readonly #outstanding: Outstanding[] = [];
  /** What a light client was told before it was ready for the first time; null from then on, and for a trusting one. */
  #early: { readonly events: readonly Event[]; readonly height: number; readonly time: Time }[] | null;
  /** The time of the input that is being taken. */
  #now: Time = 0;

  constructor(options: ChainClientOptions, listener: ChainListener) {
    const { address, nodes, light, scheme } = options;
    this.address = address;
    this.#options = options;
    this.#listener = listener;
    this.#early = light === undefined ? null : [];
    const topics = [accountTopic(address), GOVERNANCE_TOPIC, ...options.topics];
    this.#link =
      light === undefined
        ? new TrustingLink(address, nodes, topics, this)
        : new LightLink({ ...light, address, nodes, topics, scheme }, this);
  }

  /** The chain's parameters. Throws before the first `onReady`. */
  get params(): Params {
    if (this.#status === null) throw new Error(`${this.address} has not reached a node yet`);
    return this.#status.params;
  }

  /** The chain that it talks to. Throws before the first `onReady`. */
  get chainId(): string {
    if (this.#status === null) throw new Error(`${this.address} has not reached a node yet`);
    return this.#status.chainId;
  }

  /** The node that it asks now; empty: none is in reach. */
  get node(): PeerName {
    return this.#link.node;
  }

  /** The newest height that it knows of; 0: none yet. */
  get height(): number {
    return this.#link.height;
  }

  /** The nonce of the next transaction; null while it has to be asked for. */
  get nonce(): number | null {
    return this.#nonce;
  }

  get ready(): boolean {
    return this.#status !== null && this.#nonce !== null;
  }

  /** Signs and sends a message now, or as soon as a node is reached. */
  submit(message: Message, out: Effects<Wire>): void {
    if (this.#outstanding.length >= MAX_OUTSTANDING) {
      throw new Error(`${this.address} has ${MAX_OUTSTANDING} transactions under way; the chain includes none of them`);
    }
    const entry: Outstanding = { nonce: -1, message, sentAt: 0, refusedBy: '' };
    this.#outstanding.push(entry);
    if (this.ready) this.#send(entry, out);
  }

  /** Adds a topic to follow. */
  subscribe(topic: string, out: Effects<Wire>): void {
    this.#link.subscribe(topic, out);
  }

  query(query: Exclude<Query, { readonly what: 'leaf' }>, out: Effects<Wire>): void {
    this.#link.query(query, this.#now, out);
  }

  #send(entry: Outstanding, out: Effects<Wire>): void {
    if (this.#link.node === '') return;
    const { keys, scheme } = this.#options;
    entry.nonce = this.#nonce as number;
    entry.sentAt = this.#now;
    this.#nonce = entry.nonce + 1;
    const { nonce, message } = entry;
    this.#listener.onSigned?.(message, nonce, out);
    const body = { chainId: (this.#status as ChainStatus).chainId, account: this.address, nonce, grant: '', message };
    this.#link.send({ type: 'submit', tx: payAndSign(this.params, body, keys, scheme) }, out);
  }

  /** Takes what is the client's of an input; returns whether the input was. */
  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): boolean {
    this.#now = now;
    if (input.kind !== 'timer' || input.id !== RETRY_TIMER) return this.#link.receive(input, now, out);
    this.#ask(out);
    return true;
  }

  #ask(out: Effects<Wire>): void {
    this.query({ what: 'status' }, out);
    this.query({ what: 'account', address: this.address }, out);
  }

  // What the link tells.

  onUp(out: Effects<Wire>): void {
    this.#ask(out);
  }

  onDown(): void {
    this.#nonce = null;
  }

  onEvents(events: readonly Event[], height: number, time: Time, now: Time, out: Effects<Wire>): void {
    if (this.#early !== null) {
      // Proven, but nothing can be done about it before it is proven where the client itself stands.
      if (this.#early.length < MAX_EARLY) this.#early.push({ events, height, time });
      return;
    }
    for (const event of events) {
      if (event.type === 'ParameterChanged') this.query({ what: 'status' }, out);
      this.#listener.onEvent(event, height, time, now, out);
    }
  }

  /** Forgets what a block has taken in. */
  onNonce(nonce: number): void {
    let kept = 0;
    const list = this.#outstanding;
    while (kept < list.length && (list[kept] as Outstanding).nonce >= 0 && (list[kept] as Outstanding).nonce < nonce) {
      kept += 1;
    }
    if (kept > 0) list.splice(0, kept);
  }

  /** What waits for too long is sent again, by another node if there is one. */
  onBlock(now: Time, out: Effects<Wire>): void {
    const oldest = this.#outstanding[0];
    if (oldest === undefined || !this.ready) return;
    // In time, not in blocks: of those missed, many come at once.
    if (now - oldest.sentAt <= PATIENCE_BLOCKS * this.params.targetBlockInterval) return;
    if (this.#link.change('blocks without a transaction that it was given', now, out)) return;
    this.#nonce = null;
    this.#ask(out);
  }

  onRefused(nonce: number, code: string, now: Time, out: Effects<Wire>): void {
    const at = this.#outstanding.findIndex(entry => entry.nonce === nonce);
    // A wrong nonce or a full pool says nothing about the message: ask how far the account is and send again.
    const retry = code === 'wrong_nonce' || code === 'mempool_full' || code === 'low_fee';
    if (at >= 0 && !retry) {
      const entry = this.#outstanding[at] as Outstanding;
      const { node } = this.#link;
      // A refusal is a node's word for it: where words are not believed, a second node is heard.
      if (entry.refusedBy === '' && this.#link.change(`it refused a transaction: ${code}`, now, out)) {
        entry.refusedBy = node;
        return;
      }
      this.#outstanding.splice(at, 1);
      this.#listener.onRefused(entry.message, code, now, out);
    }
    if (this.#nonce === null) return;
    this.#nonce = null;
    if (retry) out.setTimer(RETRY_TIMER, now + RECONNECT_US);
    else this.#ask(out);
  }

  onAnswer(answer: Answer, now: Time, out: Effects<Wire>): void {
    if (answer.what === 'status') {
      this.#status = answer.value;
      return;
    }
    if (answer.what !== 'account') {
      this.#listener.onAnswer(answer, now, out);
      return;
    }
    this.#takeNonce(answer.value, now, out);
    if (answer.value.address === this.address) this.#listener.onAccount?.(answer.value, now, out);
  }

  #takeNonce({ nonce }: AccountView, now: Time, out: Effects<Wire>): void {
    if (this.#nonce !== null || this.#status === null) return;
    this.#nonce = nonce;
    this.onNonce(nonce);
    this.#listener.onReady(this.#status, now, out);
    for (const entry of this.#outstanding) this.#send(entry, out);
    const early = this.#early ?? [];
    this.#early = null;
    for (const { events, height, time } of early) this.onEvents(events, height, time, now, out);
  }
}
