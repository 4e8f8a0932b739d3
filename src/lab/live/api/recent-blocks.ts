/**
 * The newest blocks as the API shows them, and who waits for one: a proof about a state needs the header that comes after
 * it, with the commit for that header.
 *
 * Bounded twice: by number and by the size of what the blocks hold. What falls out is to be had from the node's own store
 * no more than from here.
 */
import type { Block } from '../../../protocol/chain/block.ts';
import type { BlockResult, Chain } from '../../../protocol/chain/chain.ts';
import type { Commit } from '../../../protocol/consensus/types.ts';
import type { ValidatorSet } from '../../../protocol/consensus/validator-set.ts';
import { ApiError } from './errors.ts';

export interface KeptBlock {
  readonly block: Block;
  readonly result: BlockResult;
  /** Why it is the chain's; null: not known yet, or never. */
  commit: Commit | null;
  /** Who voted on it; null where the chain does not say. */
  readonly voters: ValidatorSet | null;
  /** Who votes on the next. */
  readonly nextVoters: ValidatorSet;
  /** Microseconds since the block before it; null where that is not known. */
  readonly interval: number | null;
}

interface Waiter {
  readonly height: number;
  readonly resolve: (block: KeptBlock) => void;
  readonly reject: (reason: ApiError) => void;
  readonly timer: NodeJS.Timeout;
}

export interface RecentLimits {
  /** Blocks. */
  readonly count: number;
  /** Bytes of their transactions. */
  readonly bytes: number;
  /** Requests that wait for a block at a time. */
  readonly waiters: number;
  /** For how long they wait, milliseconds. */
  readonly wait_ms: number;
}

export const RECENT_LIMITS: RecentLimits = { count: 200, bytes: 32 << 20, waiters: 64, wait_ms: 30_000 };

export class RecentBlocks {
  readonly #limits: RecentLimits;
  /** Contiguous, oldest first. */
  #kept: KeptBlock[] = [];
  #bytes = 0;
  readonly #waiters = new Set<Waiter>();

  constructor(limits: RecentLimits = RECENT_LIMITS) {
    this.#limits = limits;
  }

  /** Takes a block in right after its execution. Never throws. */
  add(block: Block, result: BlockResult, chain: Chain, commit: Commit | null): void {
    const { height, time } = block.header;
    let before = this.#kept.at(-1);
    if (before !== undefined && before.block.header.height !== height - 1) {
      // The node started over from another height.
      this.#kept = [];
      this.#bytes = 0;
      before = undefined;
    }
    this.#kept.push({
      block,
      result,
      commit,
      voters: chain.lastValidators,
      nextVoters: chain.validators,
      interval: before === undefined ? null : time - before.block.header.time,
    });
    this.#bytes += sizeOf(block);
    while (this.#kept.length > this.#limits.count || (this.#bytes > this.#limits.bytes && this.#kept.length > 1)) {
      this.#bytes -= sizeOf((this.#kept.shift() as KeptBlock).block);
    }
    if (before !== undefined) before.commit ??= block.lastCommit;
    this.#wake();
  }

  get newest(): KeptBlock | null {
    return this.#kept.at(-1) ?? null;
  }

  /** The lowest height that is kept; null: none is. */
  get oldestHeight(): number | null {
    return this.#kept[0]?.block.header.height ?? null;
  }

  get(height: number): KeptBlock | undefined {
    const oldest = this.oldestHeight;
    return oldest === null ? undefined : this.#kept[height - oldest];
  }

  /** The newest so many, newest first. */
  latest(count: number): KeptBlock[] {
    return this.#kept.slice(-count).reverse();
  }

  /**
   * The block of a height with its commit, as soon as there is one.
   * Rejects with ApiError when it takes too long, too many wait, or the height is gone.
   */
  whenCommitted(height: number): Promise<KeptBlock> {
    const known = this.get(height);
    if (known?.commit) return Promise.resolve(known);
    const { waiters, wait_ms } = this.#limits;
    if (this.#waiters.size >= waiters) {
      return Promise.reject(new ApiError(503, 'busy', `${waiters} requests that wait for a block`, 'fewer'));
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new ApiError(504, 'no_block', `no commit of block ${height} in ${wait_ms} ms`, 'a chain that goes on'));
      }, wait_ms);
      const waiter: Waiter = { height, resolve, reject, timer };
      this.#waiters.add(waiter);
    });
  }

  /** Nobody waits any more. */
  close(): void {
    for (const one of this.#waiters) {
      this.#end(one);
      one.reject(new ApiError(503, 'closing', 'a server that is closing', 'another one'));
    }
  }

  #wake(): void {
    const oldest = this.oldestHeight ?? 0;
    for (const one of this.#waiters) {
      const block = this.get(one.height);
      if (block?.commit) {
        this.#end(one);
        one.resolve(block);
      } else if (one.height < oldest) {
        this.#end(one);
        one.reject(new ApiError(503, 'no_block', `blocks from ${oldest} on`, `block ${one.height}; ask again`));
      }
    }
  }

  #end(one: Waiter): void {
    clearTimeout(one.timer);
    this.#waiters.delete(one);
  }
}

function sizeOf(block: Block): number {
  let bytes = 0;
  for (const tx of block.transactions) bytes += tx.size;
  return bytes;
}
