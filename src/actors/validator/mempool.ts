/**
 * Transactions that wait for a block: in order of arrival, contiguous by nonce per account, bounded in count and bytes.
 * Admission makes the same check as execution.
 */
import type { Chain } from '../../protocol/chain/chain.ts';
import type { Transaction } from '../../protocol/chain/transaction.ts';
import { type Refusal, refuse } from '../../protocol/model/state.ts';
import type { ConnectionId } from '../actor.ts';

export interface MempoolLimits {
  readonly count: number;
  readonly bytes: number;
}

interface Waiting {
  next: number;
  fees: bigint;
}

export class Mempool {
  readonly #chain: Chain;
  readonly #limits: MempoolLimits;
  #queue: Transaction[] = [];
  /** Who sent each of them, to be told when one is dropped. */
  #senders: ConnectionId[] = [];
  #bytes = 0;
  /** Accounts with waiting transactions: the nonce expected next and the fees that are spoken for. */
  readonly #accounts = new Map<string, Waiting>();

  constructor(chain: Chain, limits: MempoolLimits) {
    this.#chain = chain;
    this.#limits = limits;
  }

  get size(): number {
    return this.#queue.length;
  }

  /** Takes a transaction in, or says why not. */
  add(tx: Transaction, sender: ConnectionId): Refusal | null {
    if (this.#queue.length >= this.#limits.count || this.#bytes + tx.size > this.#limits.bytes) {
      return refuse('mempool_full', `${this.#queue.length} transactions of ${this.#bytes} bytes wait already`);
    }
    const { account, fee } = tx.body;
    const waiting = this.#accounts.get(account);
    const nonce = waiting?.next ?? this.#chain.state.accounts.get(account)?.nonce ?? 0;
    const fault = this.#chain.faultOfTransaction(tx, nonce, waiting?.fees ?? 0n);
    if (fault !== null) return fault;
    if (waiting === undefined) this.#accounts.set(account, { next: nonce + 1, fees: fee });
    else {
      waiting.next += 1;
      waiting.fees += fee;
    }
    this.#queue.push(tx);
    this.#senders.push(sender);
    this.#bytes += tx.size;
    return null;
  }

  /**
   * The next block's transactions. What does not fit stays; once one of an account stays, all later ones of it do.
   */
  pick(): Transaction[] {
    const held = new Set<string>();
    const picked: Transaction[] = [];
    const fits = this.#chain.fitter();
    for (const tx of this.#queue) {
      if (!held.has(tx.body.account) && fits(tx)) picked.push(tx);
      else held.add(tx.body.account);
    }
    return picked;
  }

  /**
   * After a block: drops what it holds and what it made impossible.
   * @returns what was dropped without having been included, with the reason
   */
  afterBlock(included: readonly Transaction[]): { tx: Transaction; sender: ConnectionId; refusal: Refusal }[] {
    const queue = this.#queue;
    const senders = this.#senders;
    this.#queue = [];
    this.#senders = [];
    this.#bytes = 0;
    this.#accounts.clear();
    const dropped: { tx: Transaction; sender: ConnectionId; refusal: Refusal }[] = [];
    if (included.length === queue.length) return dropped;
    const done = new Set(included);
    queue.forEach((tx, i) => {
      if (done.has(tx)) return;
      const sender = senders[i] as ConnectionId;
      const refusal = this.add(tx, sender);
      if (refusal !== null) dropped.push({ tx, sender, refusal });
    });
    return dropped;
  }
}
