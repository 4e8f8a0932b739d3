/**
 * The chain as one node keeps it: which block may come next, what became of it, and what it commits to.
 *
 * A block is executed once to see whether it is valid, and stays staged: if it is decided next, the work is done; if
 * anybody looks at the state before, or another block is tried, it is taken back. A block that breaks a rule throws
 * InvalidBlock and leaves the state as it was.
 */
import { equalBytes } from '../codec/bytes.ts';
import { merkleRoot } from '../codec/merkle.ts';
import type { SignatureScheme } from '../codec/signature.ts';
import { encode } from '../codec/struct.ts';
import { commitHash, medianTime, verifyCommit } from '../consensus/commit.ts';
import { Rotation } from '../consensus/proposer.ts';
import { type Commit, valueIdOf } from '../consensus/types.ts';
import { ValidatorSet } from '../consensus/validator-set.ts';
import { type DueFacilitation, dueFacilitation } from '../market/facilitation.ts';
import type { Event } from '../model/events.ts';
import { type Facilitation, facilitation } from '../model/messages.ts';
import type { Refusal, State } from '../model/state.ts';
import type { Signing } from '../stake/candidates.ts';
import { type Block, contentRoot, type Header, headerHash, NO_HASH } from './block.ts';
import { blockLimits } from './block-limits.ts';
import { Commitment } from './commitment.ts';
import { EventCommitment } from './event-commitment.ts';
import {
  executeBlock,
  executeTransaction,
  faultOfNext,
  faultOfTransaction,
  type Receipt,
  receipt,
} from './execution.ts';
import { type Genesis, genesisState } from './genesis.ts';
import type { Transaction } from './transaction.ts';

/** A block that no honest validator accepts. */
export class InvalidBlock extends Error {
  override readonly name = 'InvalidBlock';
}

export interface BlockResult {
  readonly height: number;
  readonly time: number;
  readonly hash: Uint8Array;
  /** One per facilitation message, then one per transaction. */
  readonly receipts: readonly Receipt[];
  readonly events: readonly Event[];
  /** Of the state after this block; zero where commitments are off or skipped. */
  readonly appHash: Uint8Array;
}

export interface ChainOptions {
  readonly genesis: Genesis;
  readonly scheme: SignatureScheme;
  /** Commit to the state at every so many heights; 0 = never, which only a chain of one validator may do. */
  readonly commitEvery: number;
  /**
   * Whether each block must carry the commit of its parent, which also dates it. Off when a chain is driven by hand, so
   * that rules can be studied without validators that vote.
   */
  readonly requireCommits?: boolean;
}

/** A block that was executed and may still be taken back. */
interface Staged {
  readonly block: Block;
  readonly receipts: readonly Receipt[];
  readonly events: readonly Event[];
}

/** What a block refers to of its parent. */
export interface Parent {
  /** Null at genesis. */
  readonly header: Header | null;
  readonly hash: Uint8Array;
  readonly appHash: Uint8Array;
  readonly receipts: Uint8Array;
  readonly events: Uint8Array;
  /** Who voted on it; null at genesis. */
  readonly voters: ValidatorSet | null;
}

/** Where a chain starts: at genesis, or at a state that was restored (snapshot.ts). */
export interface ChainStart {
  readonly state: State;
  readonly commitment: Commitment | null;
  readonly parent: Parent;
}

function genesisStart(genesis: Genesis, commits: boolean): ChainStart {
  const state = genesisState(genesis, commits);
  const commitment = commits ? new Commitment(state) : null;
  const appHash = commitment?.root() ?? NO_HASH;
  const parent = { header: null, hash: NO_HASH, appHash, receipts: NO_HASH, events: NO_HASH, voters: null };
  return { state, commitment, parent };
}

export class Chain {
  readonly chainId: string;
  readonly #signing: Signing;
  readonly #commitEvery: number;
  readonly #requireCommits: boolean;
  readonly #genesisTime: number;
  readonly #state: State;
  readonly #commitment: Commitment | null;
  #parent: Parent;
  /** Who votes on the next block, and on the one after. */
  #set: ValidatorSet;
  #nextSet: ValidatorSet;
  #staged: Staged | null = null;
  /** What is due is asked for by who proposes and by who executes; the state in between is the same. */
  #due: { readonly height: number; readonly time: number; readonly due: DueFacilitation } | null = null;

  constructor(options: ChainOptions, start = genesisStart(options.genesis, options.commitEvery > 0)) {
    const { genesis, scheme, commitEvery } = options;
    this.chainId = genesis.chainId;
    this.#signing = { chainId: genesis.chainId, scheme };
    this.#commitEvery = commitEvery;
    this.#requireCommits = options.requireCommits ?? false;
    this.#genesisTime = genesis.time;
    this.#state = start.state;
    this.#commitment = start.commitment;
    this.#parent = start.parent;
    this.#set = ValidatorSet.of(this.#state.seats.validators);
    this.#nextSet = ValidatorSet.of(this.#state.seats.upcoming);
  }

  /** The state after the newest block. What is staged on it is taken back first, so that nobody sees it. */
  get state(): State {
    this.#unstage();
    return this.#state;
  }
  get height(): number {
    return this.state.height;
  }
  get time(): number {
    return this.state.time;
  }
  /** Of the state after the newest block; zero where commitments are off or skipped. */
  get appHash(): Uint8Array {
    return this.#parent.appHash;
  }
  /** What the next block refers to. */
  get parent(): Parent {
    return this.#parent;
  }
  /** Hash of the newest block; zero before the first. */
  get newestHash(): Uint8Array {
    return this.#parent.hash;
  }
  /** Who votes on the next block. */
  get validators(): ValidatorSet {
    return this.#set;
  }
  /** Who voted on the newest block; null before the first. */
  get lastValidators(): ValidatorSet | null {
    return this.#parent.voters;
  }
  /** Whose turn it is to propose the next block, round by round. */
  get rotation(): Rotation {
    return new Rotation(this.state.seats.validators);
  }
  /** Whether the state is committed to in every block, so that each header proves the state before it. */
  get hasCommitment(): boolean {
    return this.#commitEvery === 1;
  }
  /** Proofs under the newest app hash. Throws when no commitment is kept. */
  get commitment(): Commitment {
    if (this.#commitment === null) throw new Error('commitments are off');
    return this.#commitment;
  }

  /** What is due in the next block at this time. */
  due(time: number): DueFacilitation {
    const height = this.height + 1;
    if (this.#due === null || this.#due.height !== height || this.#due.time !== time) {
      this.#due = { height, time, due: dueFacilitation(this.#state, height, time) };
    }
    return this.#due.due;
  }

  /** Facilitation with which a block at this time must begin. */
  facilitationFor(time: number): Facilitation[] {
    const { exhausted, due } = this.due(time);
    return [...exhausted, ...due.slice(0, this.#state.params.maxFacilitation)];
  }

  /** Why a transaction cannot stand in the next block, or null: see execution. */
  faultOfTransaction(tx: Transaction, nonce: number, reserved = 0n): Refusal | null {
    return faultOfTransaction(this.state, this.#signing, tx, nonce, reserved);
  }

  /** Says of one transaction after another whether it still fits into the next block, and counts it if so. */
  fitter(): (tx: Transaction) => boolean {
    const limits = blockLimits(this.state);
    return tx => limits.take(tx);
  }

  /** Block time of the next block on top of this commit; before there is one, the first instant. */
  timeAfter(lastCommit: Commit | null): number {
    const { voters } = this.#parent;
    if (lastCommit === null || voters === null) return this.#genesisTime + 1;
    return Math.max(medianTime(lastCommit, voters), this.time + 1);
  }

  /** A block on top of this chain. The transactions must be includable in this order for it to be valid. */
  makeBlock(
    time: number,
    proposer: string,
    transactions: readonly Transaction[],
    lastCommit: Commit | null = null,
  ): Block {
    const height = this.height + 1;
    return this.#assemble(height, time, proposer, this.facilitationFor(time), transactions, lastCommit);
  }

  /**
   * A block of those candidates that can stand in it: whether a fee can be paid shows only when what comes before has
   * been executed. The block stays staged, so that applying it next costs nothing more.
   */
  propose(time: number, proposer: string, candidates: readonly Transaction[], lastCommit: Commit | null): Block {
    const height = this.height + 1;
    const facilitated = this.facilitationFor(time);
    const included: Transaction[] = [];
    const state = this.#state;
    const done = this.#speculate(() =>
      executeBlock(state, time, lastCommit, facilitated, receipts => {
        for (const tx of candidates) {
          if (faultOfNext(state, this.#signing, tx) !== null) continue;
          receipts.push(executeTransaction(state, this.#signing, tx, included.length));
          included.push(tx);
        }
      }),
    );
    const block = this.#assemble(height, time, proposer, facilitated, included, lastCommit);
    this.#staged = { block, ...done };
    return block;
  }

  /** Why this block cannot be the chain's next, or null. A block without fault stays staged. */
  faultOfBlock(block: Block): string | null {
    try {
      this.#stage(block);
      return null;
    } catch (error) {
      if (error instanceof InvalidBlock) return error.message;
      throw error;
    }
  }

  /** Executes a block and makes it the chain's newest. Throws InvalidBlock, and is then as before. */
  apply(block: Block): BlockResult {
    const { receipts, events } = this.#stage(block);
    const state = this.#state;
    const { height, time } = block.header;
    const commits = this.#commitEvery > 0 && height % this.#commitEvery === 0;
    // All of it first: whatever fails here must leave the chain as it was.
    const parent: Parent = {
      header: block.header,
      hash: headerHash(block.header),
      appHash: commits ? this.commitment.root() : NO_HASH,
      receipts: commits ? merkleRoot(receipts.map(one => encode(receipt, one))) : NO_HASH,
      events: commits ? new EventCommitment(events).root() : NO_HASH,
      voters: this.#set,
    };
    const { upcoming, upcomingSet, validatorsSet } = state.seats;
    this.#set = this.#nextSet;
    if (upcomingSet !== validatorsSet) this.#nextSet = ValidatorSet.of(upcoming);
    this.#parent = parent;
    this.#staged = null;
    this.#due = null;
    state.journal.forget();
    return { height, time, hash: parent.hash, receipts, events, appHash: parent.appHash };
  }

  #assemble(
    height: number,
    time: number,
    proposer: string,
    facilitated: readonly Facilitation[],
    transactions: readonly Transaction[],
    lastCommit: Commit | null,
  ): Block {
    const header: Header = {
      chainId: this.chainId,
      height,
      time,
      parent: this.#parent.hash,
      proposer,
      content: this.#commitEvery === 0 ? NO_HASH : contentRoot(facilitated, transactions),
      appHash: this.#parent.appHash,
      receipts: this.#parent.receipts,
      events: this.#parent.events,
      validators: this.#set.hash(),
      nextValidators: this.#nextSet.hash(),
      lastCommit: lastCommit === null ? NO_HASH : commitHash(lastCommit),
    };
    return { header, facilitation: facilitated, transactions, lastCommit };
  }

  /** Executes a block unless it is the one that is staged already. Throws InvalidBlock. */
  #stage(block: Block): Staged {
    if (this.#staged?.block === block) return this.#staged;
    this.#unstage();
    this.#checkHeader(block);
    this.#checkFacilitation(block);
    const state = this.#state;
    const done = this.#speculate(() =>
      executeBlock(state, block.header.time, block.lastCommit, block.facilitation, receipts => {
        block.transactions.forEach((tx, position) => {
          const fault = faultOfNext(state, this.#signing, tx);
          if (fault !== null) {
            throw new InvalidBlock(`block ${state.height}: transaction ${position} is not includable: ${fault.detail}`);
          }
          receipts.push(executeTransaction(state, this.#signing, tx, position));
        });
      }),
    );
    this.#staged = { block, ...done };
    return this.#staged;
  }

  /** Executes on the state so that it can be taken back; takes it back when it throws. */
  #speculate(execute: () => Receipt[]): Omit<Staged, 'block'> {
    const state = this.#state;
    const start = state.journal.begin();
    state.events = [];
    try {
      const receipts = execute();
      return { receipts, events: state.events };
    } catch (error) {
      state.journal.rollback(start);
      state.events = [];
      throw error;
    }
  }

  #unstage(): void {
    if (this.#staged === null) return;
    this.#staged = null;
    this.#state.journal.rollback(0);
    this.#state.events = [];
  }

  #checkHeader(block: Block): void {
    const { header, lastCommit, transactions } = block;
    const expect = (holds: boolean, what: string): void => {
      if (!holds) throw new InvalidBlock(`block ${header.height}: ${what}`);
    };
    const { time, height } = this.#state;
    expect(header.chainId === this.chainId, `chain ${header.chainId}, expected ${this.chainId}`);
    expect(header.height === height + 1, `expected height ${height + 1}`);
    expect(header.time > time, `time ${header.time} does not exceed the parent's ${time}`);
    expect(equalBytes(header.parent, this.#parent.hash), 'its parent is not the newest block');
    expect(equalBytes(header.appHash, this.#parent.appHash), "its app hash is not the parent state's");
    expect(equalBytes(header.receipts, this.#parent.receipts), "its receipts root is not the parent's");
    expect(equalBytes(header.events, this.#parent.events), "its events root is not the parent's");
    expect(equalBytes(header.validators, this.#set.hash()), "its validator set is not this height's");
    expect(equalBytes(header.nextValidators, this.#nextSet.hash()), "its next validator set is not the next height's");
    expect(this.#set.has(header.proposer), `its proposer ${header.proposer} is not a validator`);
    const fault = this.#faultOfLastCommit(header, lastCommit);
    expect(fault === null, fault ?? '');
    if (this.#commitEvery > 0) {
      expect(equalBytes(header.content, contentRoot(block.facilitation, transactions)), 'its content root is wrong');
    }
    const limits = blockLimits(this.#state);
    for (const [i, tx] of transactions.entries()) expect(limits.take(tx), `transaction ${i} exceeds the block's size`);
  }

  /** The parent's commit holds, is the one that the header names, and dates the block. */
  #faultOfLastCommit(header: Header, lastCommit: Commit | null): string | null {
    const hash = lastCommit === null ? NO_HASH : commitHash(lastCommit);
    if (!equalBytes(header.lastCommit, hash)) return 'its last commit is not the one that it carries';
    const { voters, hash: parent } = this.#parent;
    if (lastCommit === null) {
      if (this.#requireCommits && voters !== null) return 'it lacks the commit of its parent';
    } else {
      if (voters === null) return 'it carries a commit of genesis, which nobody voted on';
      if (lastCommit.height !== header.height - 1 || lastCommit.value !== valueIdOf(parent))
        return `its last commit is for ${lastCommit.value} at height ${lastCommit.height}, not for its parent`;
      const fault = verifyCommit(this.chainId, voters, lastCommit, this.#signing.scheme);
      if (fault !== null) return `its last commit: ${fault}`;
    }
    if (!this.#requireCommits) return null;
    const time = this.timeAfter(lastCommit);
    return header.time === time ? null : `time ${header.time}, its last commit makes it ${time}`;
  }

  /** A block begins with exactly what is due: neither another match, nor one less, nor one in another order. */
  #checkFacilitation({ header, facilitation: found }: Block): void {
    const expected = this.facilitationFor(header.time);
    const mayStop = this.#state.params.facilitation === 'prefix';
    const least = mayStop ? this.due(header.time).exhausted.length : expected.length;
    if (found.length > expected.length || found.length < least) {
      throw new InvalidBlock(
        `block ${header.height}: ${found.length} facilitation messages, ${expected.length} are due`,
      );
    }
    found.forEach((one, i) => {
      if (!sameFacilitation(one, expected[i] as Facilitation)) {
        throw new InvalidBlock(
          `block ${header.height}: facilitation ${i} is ${JSON.stringify(one)}, expected ${JSON.stringify(expected[i])}`,
        );
      }
    });
  }
}

function sameFacilitation(left: Facilitation, right: Facilitation): boolean {
  return left === right || equalBytes(encode(facilitation, left), encode(facilitation, right));
}
