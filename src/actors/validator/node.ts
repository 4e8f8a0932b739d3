/**
 * A node: keeps the chain, takes transactions in, makes or follows blocks, answers questions and serves subscriptions.
 *
 * Durable before visible: a block is in the store, and the store synced, before anyone is told of it.
 */
import { type Block, encodeBlock } from '../../protocol/chain/block.ts';
import type { BlockResult, Chain } from '../../protocol/chain/chain.ts';
import { eventsByTopic } from '../../protocol/chain/event-commitment.ts';
import type { Transaction } from '../../protocol/chain/transaction.ts';
import { accountTopic, type Event } from '../../protocol/model/events.ts';
import type { State } from '../../protocol/model/state.ts';
import type { Actor, ConnectionId, Effects, Input, Time } from '../actor.ts';
import type { Answer, Query, Wire } from '../wire.ts';
import { type Consensus, type ConsensusHost, SoloConsensus } from './consensus.ts';
import { Mempool, type MempoolLimits } from './mempool.ts';

export interface NodeOptions {
  readonly chain: Chain;
  /** The validator's address. */
  readonly address: string;
  readonly mempool: MempoolLimits;
  /** How many blocks the store keeps; 0 = none at all. */
  readonly keepBlocks: number;
  /** Whoever watches this node from outside, after each block. Must change nothing. */
  readonly watch?: (block: Block, result: BlockResult, state: State) => void;
}

export class Node implements Actor<Wire>, ConsensusHost {
  readonly #options: NodeOptions;
  readonly #chain: Chain;
  readonly #mempool: Mempool;
  readonly #consensus: Consensus;
  readonly #subscribers = new Map<string, ConnectionId[]>();
  /** Who sent a transaction that waits, to be told when it is dropped. */
  readonly #senders = new Map<Transaction, ConnectionId>();

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#chain = options.chain;
    this.#mempool = new Mempool(options.chain, options.mempool);
    this.#consensus = new SoloConsensus(this);
  }

  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
    if (this.#consensus.receive(input, now, out)) return;
    if (input.kind === 'message') this.#receiveMessage(input.connection, input.message, out);
    else if (input.kind === 'disconnected') this.#forget(input.connection);
  }

  blockInterval(): number {
    return this.#chain.state.params.targetBlockInterval;
  }

  propose(now: Time): Block {
    const time = Math.max(now, this.#chain.time + 1);
    return this.#chain.makeBlock(time, this.#options.address, this.#mempool.pick());
  }

  decided(block: Block, _now: Time, out: Effects<Wire>): void {
    const result = this.#chain.apply(block);
    this.#store(block, out);
    this.#options.watch?.(block, result, this.#chain.state);
    this.#settleMempool(block, out);
    this.#publish(result, out);
  }

  #store(block: Block, out: Effects<Wire>): void {
    const { keepBlocks } = this.#options;
    if (keepBlocks === 0) return;
    const { height } = block.header;
    out.put(`block/${height}`, encodeBlock(block));
    if (height > keepBlocks) out.delete(`block/${height - keepBlocks}`);
    out.sync();
  }

  #settleMempool(block: Block, out: Effects<Wire>): void {
    for (const tx of block.transactions) this.#senders.delete(tx);
    for (const { tx, refusal } of this.#mempool.afterBlock(block.transactions)) {
      const sender = this.#senders.get(tx);
      this.#senders.delete(tx);
      if (sender !== undefined) this.#refuse(sender, tx, refusal.code, refusal.detail, out);
    }
    const told = new Set<string>();
    for (let i = block.transactions.length - 1; i >= 0; i--) {
      const { account, nonce } = (block.transactions[i] as Transaction).body;
      if (told.has(account)) continue;
      told.add(account);
      const message: Wire = Object.freeze({ type: 'included', account, nonce: nonce + 1 });
      for (const connection of this.#subscribers.get(accountTopic(account)) ?? []) out.send(connection, message);
    }
  }

  #publish(result: BlockResult, out: Effects<Wire>): void {
    if (result.events.length === 0) return;
    const { height, time } = result;
    for (const [topic, events] of eventsByTopic(result.events)) {
      const subscribers = this.#subscribers.get(topic);
      if (subscribers === undefined) continue;
      const message: Wire = Object.freeze({ type: 'events', height, time, topic, events: events as readonly Event[] });
      for (const connection of subscribers) out.send(connection, message);
    }
  }

  #receiveMessage(connection: ConnectionId, message: Wire, out: Effects<Wire>): void {
    switch (message.type) {
      case 'submit': {
        const refusal = this.#mempool.add(message.tx);
        if (refusal === null) this.#senders.set(message.tx, connection);
        else this.#refuse(connection, message.tx, refusal.code, refusal.detail, out);
        return;
      }
      case 'subscribe':
        for (const topic of message.topics) this.#subscribe(topic, connection);
        return;
      case 'query':
        out.send(connection, { type: 'answer', answer: this.#answer(message.query) });
        return;
      default:
        // A client has no business sending this: it is cut off.
        out.disconnect(connection);
    }
  }

  #refuse(to: ConnectionId, tx: Transaction, code: string, detail: string, out: Effects<Wire>): void {
    out.send(to, { type: 'refused', account: tx.body.account, nonce: tx.body.nonce, code, detail });
  }

  #subscribe(topic: string, connection: ConnectionId): void {
    const list = this.#subscribers.get(topic);
    if (list === undefined) this.#subscribers.set(topic, [connection]);
    else if (!list.includes(connection)) list.push(connection);
  }

  #forget(connection: ConnectionId): void {
    for (const [topic, list] of this.#subscribers) {
      const at = list.indexOf(connection);
      if (at < 0) continue;
      list.splice(at, 1);
      if (list.length === 0) this.#subscribers.delete(topic);
    }
  }

  #answer(query: Query): Answer {
    const { state, chainId } = this.#chain;
    if (query.what === 'status') {
      return { what: 'status', value: { chainId, height: state.height, time: state.time, params: state.params } };
    }
    const { address } = query;
    if (query.what === 'account') {
      const row = state.accounts.get(address);
      return { what: 'account', value: { address, nonce: row?.nonce ?? 0, balance: row?.balance ?? 0n } };
    }
    // Whole tables are read here: a provider asks this once after a restart, not per block.
    const leases = state.leases.sorted().filter(lease => lease.provider === address);
    const bids = state.fulfillments.sorted().filter(bid => bid.provider === address && state.orders.has(bid.order));
    return {
      what: 'provider',
      value: {
        leases: leases.map(({ id, state: stage, resources, collateral }) => ({
          lease: id,
          state: stage,
          resources,
          collateral,
        })),
        bids: bids.map(({ order, resources }) => ({ order, resources })),
      },
    };
  }
}
