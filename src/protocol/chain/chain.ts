/**
 * The state machine of the chain: executes blocks on a state, and makes blocks that will execute.
 *
 * Execution order of a block: its height and time; facilitation; marks on orders that outstayed their time; the
 * transactions; what happens by itself at the end (settlement of every lease where the parameter says so, maturing
 * stake, votes, inflation, fees, the validator sets). A block that breaks a rule throws InvalidBlock and leaves the
 * state as it was.
 */
import { equalBytes } from '../codec/bytes.ts';
import { merkleRoot } from '../codec/merkle.ts';
import type { SignatureScheme } from '../codec/signature.ts';
import { bool, encode, struct, text } from '../codec/struct.ts';
import { partsOf } from '../ledger/money.ts';
import { type DueFacilitation, dueFacilitation, facilitate, lapseDueOrders } from '../market/facilitation.ts';
import { settleEveryLease } from '../market/settlement.ts';
import { type Event, excerpt } from '../model/events.ts';
import { type Facilitation, facilitation } from '../model/messages.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';
import { advanceValidators } from '../stake/election.ts';
import { endVotes } from '../stake/governance.ts';
import { mintInflation } from '../stake/inflation.ts';
import { allotFees } from '../stake/rewards.ts';
import { matureStake } from '../stake/staking.ts';
import { applyMessage } from './apply-message.ts';
import { type Block, contentRoot, type Header, headerHash, NO_HASH } from './block.ts';
import { Commitment } from './commitment.ts';
import { EventCommitment } from './event-commitment.ts';
import { type Genesis, genesisState } from './genesis.ts';
import { underGrant } from './grants.ts';
import { minimumFee, type Transaction } from './transaction.ts';

/** A block that no honest validator accepts. */
export class InvalidBlock extends Error {
  override readonly name = 'InvalidBlock';
}

/** What became of one facilitation message or transaction. */
export interface Receipt {
  readonly ok: boolean;
  readonly code: string;
  readonly detail: string;
}

const receipt = struct({ ok: bool, code: text(64), detail: text(1_024) });
const DONE: Receipt = { ok: true, code: '', detail: '' };

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
}

/** Events after which another set may be elected. */
const ELECTION_CAUSES = new Set<Event['type']>(['StakeBonded', 'StakeUnbonding', 'StakeSlashed', 'ParameterChanged']);

export class Chain {
  readonly chainId: string;
  readonly state: State;
  readonly #scheme: SignatureScheme;
  readonly #commitEvery: number;
  readonly #commitment: Commitment | null;
  #parentHash: Uint8Array;
  #appHash: Uint8Array;
  #receiptsRoot: Uint8Array = NO_HASH;
  #eventsRoot: Uint8Array = NO_HASH;
  /** What is due is asked for by who proposes and by who executes; the state in between is the same. */
  #due: { readonly height: number; readonly time: number; readonly due: DueFacilitation } | null = null;

  constructor(options: ChainOptions) {
    const { genesis, scheme, commitEvery } = options;
    this.chainId = genesis.chainId;
    this.#scheme = scheme;
    this.#commitEvery = commitEvery;
    this.state = genesisState(genesis, commitEvery > 0);
    this.#commitment = commitEvery > 0 ? new Commitment(this.state) : null;
    this.#appHash = this.#commitment?.root() ?? NO_HASH;
    this.#parentHash = NO_HASH;
  }

  get height(): number {
    return this.state.height;
  }
  get time(): number {
    return this.state.time;
  }
  get appHash(): Uint8Array {
    return this.#appHash;
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
      this.#due = { height, time, due: dueFacilitation(this.state, height, time) };
    }
    return this.#due.due;
  }

  /** Facilitation with which a block at this time must begin. */
  facilitationFor(time: number): Facilitation[] {
    const { exhausted, due } = this.due(time);
    return [...exhausted, ...due.slice(0, this.state.params.maxFacilitation)];
  }

  /**
   * Why a transaction cannot stand in the next block, or null. A transaction that can be included may still fail; then
   * its nonce is used up and its fee paid.
   * @param nonce the nonce that its account is expected to use next
   * @param reserved fees of the account's transactions that come before it
   */
  faultOfTransaction(tx: Transaction, nonce: number, reserved = 0n): Refusal | null {
    const { body } = tx;
    if (body.chainId !== this.chainId) return refuse('wrong_chain', `chain ${body.chainId} is not ${this.chainId}`);
    if (body.nonce !== nonce) return refuse('wrong_nonce', `nonce ${body.nonce}, expected ${nonce}`);
    if (!this.state.accounts.has(body.account)) return refuse('no_account', `there is no account ${body.account}`);
    const least = minimumFee(this.state.params, tx.size, body.message);
    if (body.fee < least) return refuse('low_fee', `fee ${body.fee} uakt, at least ${least} are expected`);
    const balance = this.state.balanceOf(body.account);
    if (balance < reserved + body.fee) return refuse('no_fee', `balance ${balance} uakt, the fee is ${body.fee}`);
    return tx.signatureHolds(this.#scheme) ? null : refuse('bad_signature', 'the signature is not the account’s');
  }

  /** Says of one transaction after another whether it still fits into the next block, and counts it if so. */
  fitter(): (tx: Transaction) => boolean {
    const limits = blockLimits(this.state);
    return tx => limits.take(tx);
  }

  /** A block on top of this chain. The transactions must be includable in this order. */
  makeBlock(time: number, proposer: string, transactions: readonly Transaction[]): Block {
    const facilitated = this.facilitationFor(time);
    const header: Header = {
      chainId: this.chainId,
      height: this.height + 1,
      time,
      parent: this.#parentHash,
      proposer,
      content: this.#commitEvery === 0 ? NO_HASH : contentRoot(facilitated, transactions),
      appHash: this.#appHash,
      receipts: this.#receiptsRoot,
      events: this.#eventsRoot,
    };
    return { header, facilitation: facilitated, transactions };
  }

  /** Executes a block and makes it the chain's newest. Throws InvalidBlock, and is then as before. */
  apply(block: Block): BlockResult {
    const { state } = this;
    const start = state.journal.begin();
    state.events = [];
    try {
      this.#checkHeader(block);
      this.#checkFacilitation(block);
      const receipts = this.#execute(block);
      return this.#commit(block, receipts);
    } catch (error) {
      state.journal.rollback(start);
      throw error;
    }
  }

  #checkHeader({ header, facilitation: facilitated, transactions }: Block): void {
    const expect = (holds: boolean, what: string): void => {
      if (!holds) throw new InvalidBlock(`block ${header.height}: ${what}`);
    };
    expect(header.chainId === this.chainId, `chain ${header.chainId}, expected ${this.chainId}`);
    expect(header.height === this.height + 1, `expected height ${this.height + 1}`);
    expect(header.time > this.time, `time ${header.time} does not exceed the parent's ${this.time}`);
    expect(equalBytes(header.parent, this.#parentHash), 'its parent is not the newest block');
    expect(equalBytes(header.appHash, this.#appHash), "its app hash is not the parent state's");
    expect(equalBytes(header.receipts, this.#receiptsRoot), "its receipts root is not the parent's");
    expect(equalBytes(header.events, this.#eventsRoot), "its events root is not the parent's");
    expect(
      this.state.chainwide.validators.some(one => one.address === header.proposer),
      `its proposer ${header.proposer} is not a validator`,
    );
    if (this.#commitEvery > 0) {
      expect(equalBytes(header.content, contentRoot(facilitated, transactions)), 'its content root is wrong');
    }
    const limits = blockLimits(this.state);
    for (const [i, tx] of transactions.entries()) expect(limits.take(tx), `transaction ${i} exceeds the block's size`);
  }

  /** A block begins with exactly what is due: neither another match, nor one less, nor one in another order. */
  #checkFacilitation({ header, facilitation: found }: Block): void {
    const expected = this.facilitationFor(header.time);
    const mayStop = this.state.params.facilitation === 'prefix';
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
    this.#due = null;
  }

  #execute(block: Block): Receipt[] {
    const { state } = this;
    const elapsed = block.header.time - this.time;
    const chainwide = state.editChainwide();
    chainwide.height = block.header.height;
    chainwide.time = block.header.time;
    const receipts: Receipt[] = [];
    for (const one of block.facilitation) receipts.push(this.#attempt(() => facilitate(state, one)));
    lapseDueOrders(state);
    block.transactions.forEach((tx, position) => {
      state.position = position;
      receipts.push(this.#executeTransaction(tx, position));
    });
    if (state.params.settlement === 'per_block') settleEveryLease(state);
    matureStake(state);
    endVotes(state);
    mintInflation(state, elapsed);
    allotFees(state);
    advanceValidators(
      state,
      state.events.some(one => ELECTION_CAUSES.has(one.type)),
    );
    return receipts;
  }

  #executeTransaction(tx: Transaction, position: number): Receipt {
    const { state } = this;
    const { body } = tx;
    const fault = this.faultOfTransaction(tx, state.accounts.get(body.account)?.nonce ?? 0);
    if (fault !== null) {
      throw new InvalidBlock(`block ${this.height}: transaction ${position} is not includable: ${fault.detail}`);
    }
    state.payFee(body.account, body.fee);
    state.accounts.edit(body.account).nonce += 1;
    const done = this.#attempt(() =>
      body.grant === ''
        ? applyMessage(state, body.account, String(body.nonce), body.message)
        : underGrant(state, body.account, body.grant, body.message, body.nonce, (account, nonce) =>
            applyMessage(state, account, nonce, body.message),
          ),
    );
    if (!done.ok) {
      const { account, nonce, message } = body;
      const object = subjectOfMessage(message);
      state.emit({
        type: 'TransactionFailed',
        account,
        nonce,
        message: message.type,
        code: done.code,
        detail: done.detail,
        object,
      });
    }
    return done;
  }

  /** Runs a step; a refusal leaves nothing of it behind. */
  #attempt(step: () => Refusal | null): Receipt {
    const { state } = this;
    const start = state.journal.begin();
    const events = state.events.length;
    const refusal = step();
    if (refusal === null) return DONE;
    state.journal.rollback(start);
    state.events.length = events;
    return { ok: false, code: refusal.code, detail: excerpt(refusal.detail) };
  }

  #commit(block: Block, receipts: readonly Receipt[]): BlockResult {
    const { state } = this;
    const { height, time } = block.header;
    const commits = this.#commitEvery > 0 && height % this.#commitEvery === 0;
    // All of it first: whatever fails here must leave the chain as it was.
    const appHash = commits ? this.commitment.root() : NO_HASH;
    const receiptsRoot = commits ? merkleRoot(receipts.map(one => encode(receipt, one))) : NO_HASH;
    const eventsRoot = commits ? new EventCommitment(state.events).root() : NO_HASH;
    const hash = headerHash(block.header);
    this.#appHash = appHash;
    this.#receiptsRoot = receiptsRoot;
    this.#eventsRoot = eventsRoot;
    this.#parentHash = hash;
    state.journal.forget();
    return { height, time, hash, receipts, events: state.events, appHash };
  }
}

function sameFacilitation(left: Facilitation, right: Facilitation): boolean {
  return left === right || equalBytes(encode(facilitation, left), encode(facilitation, right));
}

/** The object that a message is about, for the record of its failure. */
function subjectOfMessage(message: Transaction['body']['message']): string {
  if ('order' in message) return message.order;
  if ('lease' in message) return message.lease;
  return 'deployment' in message ? message.deployment : '';
}

/** Bytes that a block may still take; everything but confirmations leaves a reserve to them. */
function blockLimits(state: State): { take(tx: Transaction): boolean } {
  const { maxBlockBytes, confirmationReserve } = state.params;
  const open = maxBlockBytes - Number(partsOf(BigInt(maxBlockBytes), confirmationReserve));
  let total = 0;
  let others = 0;
  return {
    take(tx) {
      const confirms = tx.body.message.type === 'SubmitLeaseConfirmation';
      if (total + tx.size > maxBlockBytes || (!confirms && others + tx.size > open)) return false;
      total += tx.size;
      if (!confirms) others += tx.size;
      return true;
    },
  };
}
