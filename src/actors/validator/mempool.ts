/**
 * Transactions that wait for a block: in order of arrival, contiguous by nonce per account, bounded in count and bytes.
 * Admission makes the same check as execution.
 */
import type { Chain } from '../../protocol/chain/chain.ts';
import type { Transaction } from '../../protocol/chain/transaction.ts';
import { equalBytes } from '../../protocol/codec/bytes.ts';
import type { Params } from '../../protocol/model/params.ts';
import { type Refusal, refuse } from '../../protocol/model/state.ts';
import type { ConnectionId } from '../actor.ts';

export interface MempoolLimits {
  readonly count: number;
  readonly bytes: number;
}

interface Waiting {
  readonly tx: Transaction;
  /** Who is to be told when it is dropped; null for a peer, which answers to its own clients. */
  readonly sender: ConnectionId | null;
  gone: boolean;
}

/** What waits of one account, by nonce without a gap, and the fees that are spoken for. */
interface Line {
  entries: Waiting[];
  fees: bigint;
}

export interface Dropped {
  readonly tx: Transaction;
  readonly sender: ConnectionId | null;
  readonly refusal: Refusal;
}

/** `known`: it waits already, nothing is to be done. */
export type Admission = 'added' | 'known' | Refusal;

export class Mempool {
  readonly #chain: () => Chain;
  readonly #limits: MempoolLimits;
  #queue: Waiting[] = [];
  #bytes = 0;
  readonly #lines = new Map<string, Line>();
  /** The parameters under which all that waits was admitted. */
  #params: Params | null = null;

  /** @param chain the chain as it is now: a node may start over from a snapshot */
  constructor(chain: () => Chain, limits: MempoolLimits) {
    this.#chain = chain;
    this.#limits = limits;
  }

  get size(): number {
    return this.#queue.length;
  }

  /** Bytes of all that waits. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Takes a transaction in, or says why not. */
  add(tx: Transaction, sender: ConnectionId | null): Admission {
    const { account, fee, nonce } = tx.body;
    const line = this.#lines.get(account);
    if (line !== undefined && isAmong(line.entries, tx, nonce)) return 'known';
    if (this.#queue.length >= this.#limits.count || this.#bytes + tx.size > this.#limits.bytes) {
      return refuse('mempool_full', `${this.#queue.length} transactions of ${this.#bytes} bytes wait already`);
    }
    const chain = this.#chain();
    const expected = line?.entries.at(-1)?.tx.body.nonce;
    const next = expected === undefined ? (chain.state.accounts.get(account)?.nonce ?? 0) : expected + 1;
    const fault = chain.faultOfTransaction(tx, next, line?.fees ?? 0n);
    if (fault !== null) return fault;
    const entry: Waiting = { tx, sender, gone: false };
    if (line === undefined) this.#lines.set(account, { entries: [entry], fees: fee });
    else {
      line.entries.push(entry);
      line.fees += fee;
    }
    this.#queue.push(entry);
    this.#bytes += tx.size;
    this.#params ??= chain.state.params;
    return 'added';
  }

  /**
   * Candidates for the next block. What does not fit stays; once one of an account stays, all later ones of it do.
   * @param first transactions that go before all that wait here
   */
  pick(first: readonly Transaction[] = []): Transaction[] {
    const held = new Set<string>();
    const fits = this.#chain().fitter();
    const picked = first.filter(fits);
    for (const { tx } of this.#queue) {
      if (!held.has(tx.body.account) && fits(tx)) picked.push(tx);
      else held.add(tx.body.account);
    }
    return picked;
  }

  /**
   * After a block: drops what it holds and what it made impossible.
   * @returns what was dropped without having been included, with the reason
   */
  afterBlock(included: readonly Transaction[]): Dropped[] {
    for (const { body } of included) {
      const line = this.#lines.get(body.account);
      if (line === undefined) continue;
      let done = 0;
      while (done < line.entries.length && line.entries[done]!.tx.body.nonce <= body.nonce) done += 1;
      if (done > 0) this.#take(body.account, line, 0, done);
    }
    const dropped: Dropped[] = [];
    const { params } = this.#chain().state;
    for (const [account, line] of this.#lines) this.#recheck(account, line, params !== this.#params, dropped);
    this.#params = params;
    if (this.#lines.size === 0) this.#queue = [];
    else this.#queue = this.#queue.filter(entry => !entry.gone);
    return dropped;
  }

  /** An account's own transactions and its grantees' may have spent what its later fees were to be paid from. */
  #recheck(account: string, line: Line, isThorough: boolean, dropped: Dropped[]): void {
    const { state } = this.#chain();
    const row = state.accounts.get(account);
    const isSound = row !== undefined && row.nonce === line.entries[0]!.tx.body.nonce && row.balance >= line.fees;
    if (isSound && !isThorough) return;
    let reserved = 0n;
    for (const [at, { tx }] of line.entries.entries()) {
      const fault = this.#chain().faultOfTransaction(tx, (row?.nonce ?? 0) + at, reserved);
      if (fault !== null) {
        for (const { tx: lost, sender } of line.entries.slice(at)) dropped.push({ tx: lost, sender, refusal: fault });
        this.#take(account, line, at, line.entries.length);
        return;
      }
      reserved += tx.body.fee;
    }
  }

  /** Takes the entries [from, to) of a line out. */
  #take(account: string, line: Line, from: number, to: number): void {
    const isWhole = from === 0 && to === line.entries.length;
    for (let i = from; i < to; i++) {
      const entry = line.entries[i]!;
      entry.gone = true;
      this.#bytes -= entry.tx.size;
      if (!isWhole) line.fees -= entry.tx.body.fee;
    }
    if (isWhole) this.#lines.delete(account);
    else line.entries.splice(from, to - from);
  }
}

/** Whether this very transaction waits in a line. */
function isAmong(entries: readonly Waiting[], tx: Transaction, nonce: number): boolean {
  const first = entries[0]!.tx.body.nonce;
  const found = entries[nonce - first]?.tx;
  return found !== undefined && (found === tx || equalBytes(found.encode(), tx.encode()));
}
