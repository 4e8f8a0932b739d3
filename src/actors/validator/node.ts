/**
 * A node: keeps the chain, takes transactions in, makes or follows blocks, answers questions and serves subscriptions.
 *
 * Durable before visible: a block is in the store, and the store synced, before anyone is told of it.
 */
import { type Block, encodeBlock } from '../../protocol/chain/block.ts';
import type { BlockResult, Chain } from '../../protocol/chain/chain.ts';
import type { Transaction } from '../../protocol/chain/transaction.ts';
import type { State } from '../../protocol/model/state.ts';
import type { Actor, ConnectionId, Effects, Input, Time } from '../actor.ts';
import type { Answer, Query, Wire } from '../wire.ts';
import { type Consensus, type ConsensusHost, SoloConsensus } from './consensus.ts';
import { Mempool, type MempoolLimits } from './mempool.ts';
import { Subscriptions } from './subscriptions.ts';

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
  readonly #subscriptions = new Subscriptions();

  constructor(options: NodeOptions) {
    this.#options = options;
    this.#chain = options.chain;
    this.#mempool = new Mempool(options.chain, options.mempool);
    this.#consensus = new SoloConsensus(this);
  }

  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): void {
    if (this.#consensus.receive(input, now, out)) return;
    if (input.kind === 'message') this.#receiveMessage(input.connection, input.message, out);
    else if (input.kind === 'disconnected') this.#subscriptions.remove(input.connection);
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
    this.#publish(block, result, out);
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
    for (const { tx, sender, refusal } of this.#mempool.afterBlock(block.transactions)) {
      this.#refuse(sender, tx, refusal.code, refusal.detail, out);
    }
  }

  #publish(block: Block, result: BlockResult, out: Effects<Wire>): void {
    this.#subscriptions.collect(block, result);
    this.#subscriptions.flush(result.height, result.time, out);
  }

  #receiveMessage(connection: ConnectionId, message: Wire, out: Effects<Wire>): void {
    switch (message.type) {
      case 'submit': {
        const refusal = this.#mempool.add(message.tx, connection);
        if (refusal !== null) this.#refuse(connection, message.tx, refusal.code, refusal.detail, out);
        return;
      }
      case 'subscribe':
        for (const topic of message.topics) this.#subscriptions.add(topic, connection);
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
