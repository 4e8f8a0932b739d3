/**
 * One run of random transactions on a chain with all monitors on, and what must hold at every block of it: failed
 * transactions leave nothing behind but their fee and nonce, invalid blocks leave nothing at all, the incremental app
 * hash is the one reckoned from the rows, and history can be lived through again from its bytes.
 */
import assert from 'node:assert/strict';
import { allMonitors } from '../../src/lab/monitors/all-monitors.ts';
import { type Monitor, MonitorViolation } from '../../src/lab/monitors/monitor.ts';
import { ReputationBounds } from '../../src/lab/monitors/reputation-bounds.ts';
import { decodeBlock, encodeBlock } from '../../src/protocol/chain/block.ts';
import { type BlockResult, InvalidBlock } from '../../src/protocol/chain/chain.ts';
import { allLeaves, appHashFromScratch, leafBytes } from '../../src/protocol/chain/commitment.ts';
import type { Transaction } from '../../src/protocol/chain/transaction.ts';
import { ByteWriter } from '../../src/protocol/codec/bytes.ts';
import type { Commit } from '../../src/protocol/consensus/types.ts';
import { reputationOf } from '../../src/protocol/market/reputation.ts';
import type { Params } from '../../src/protocol/model/params.ts';
import type { State } from '../../src/protocol/model/state.ts';
import { AKASH, addressOfName, ChainDriver, SECOND } from '../support/chain-driver.ts';
import { commitWithout } from '../support/validators.ts';
import { Fuzzer, fuzzOptions, type Op } from './market-fuzzer.ts';

const BLOCK_INTERVALS = [SECOND, SECOND, SECOND, 2 * SECOND, 1, 333_333, 5 * SECOND];

/** All leaves of the state commitment, as text. */
function leavesOf(state: State): Map<string, string> {
  const writer = new ByteWriter(4096);
  const leaves = new Map<string, string>();
  for (const leaf of allLeaves(state)) {
    leaves.set(leaf, Buffer.from(leafBytes(state, leaf, writer) as Uint8Array).toString('latin1'));
  }
  return leaves;
}

function changedLeaves(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const changed = [...after.keys()].filter(leaf => before.get(leaf) !== after.get(leaf));
  return changed.concat([...before.keys()].filter(leaf => !after.has(leaf)));
}

/** Sets of parameters under which everything must hold. */
export const PARAMETER_SETS: Readonly<Record<string, { readonly [N in keyof Params]?: Params[N] }>> = {
  'defaults with short periods': {},
  'facilitation that hardly keeps up': { maxFacilitation: 1, leaseTax: 30_000, inflation: 100_000 },
  'settlement at every block, forfeits split': {
    settlement: 'per_block',
    collateralTo: 'split',
    brokenLeaseStakeSlash: 50_000,
    jailAfterBroken: 1,
  },
  'second price, small books': { matchingRule: 'second-price', maxFulfillments: 3, collateralTo: 'burn' },
  'chosen by the tenant': { matchingRule: 'tenant-chosen', pendingClose: 'free', collateralBasis: 'per_group' },
};

/** What happened in some runs: a fuzzer that does nothing finds nothing. */
export class Tally {
  readonly events = new Set<string>();
  readonly succeeded = new Set<string>();
  readonly failed = new Set<string>();
  operations = 0;
  blocks = 0;
  invalidBlocks = 0;
  /** Blocks in which every transaction failed and nothing else happened. */
  failuresAlone = 0;
  jailed = 0;
  tombstoned = 0;
  /** Changes of the validator set. */
  sets = 0;
  leases = 0;
  broken = 0;
  /** Deployments whose escrow ran out. */
  exhausted = 0;
  /** Orders that could have been matched but for want of funds. */
  unfunded = 0;
}

export class FuzzRun {
  readonly driver: ChainDriver;
  readonly fuzzer: Fuzzer;
  readonly monitors: readonly Monitor[];
  readonly tally: Tally;
  readonly #reputation: ReputationBounds;
  #queue: Transaction[] = [];
  readonly #next = new Map<string, number>();
  readonly #reserved = new Map<string, bigint>();

  constructor(params: { readonly [N in keyof Params]?: Params[N] }, tally = new Tally()) {
    this.tally = tally;
    this.driver = new ChainDriver(fuzzOptions(params));
    this.fuzzer = new Fuzzer(this.driver);
    this.#reputation = new ReputationBounds(this.driver.genesis);
    this.monitors = allMonitors(this.driver.genesis, { fullEvery: 5 });
  }

  step(op: Op): void {
    this.tally.operations += 1;
    if (op.kind === 'block') {
      this.block(op);
      return;
    }
    const sent = this.fuzzer.message(op);
    if (sent === undefined) return;
    const account = addressOfName(sent.name);
    const nonce = this.#next.get(account) ?? this.driver.state.accounts.get(account)?.nonce ?? 0;
    const tx = this.driver.sign(sent.name, sent.message, { ...sent.options, nonce });
    const reserved = this.#reserved.get(account) ?? 0n;
    // A transaction that cannot stand in a block never gets there; that such blocks are invalid is tried below.
    if (this.driver.chain.faultOfTransaction(tx, nonce, reserved) !== null) return;
    this.#next.set(account, nonce + 1);
    this.#reserved.set(account, reserved + tx.body.fee);
    this.#queue.push(tx);
  }

  block(op: Op): void {
    // Fees that an account could pay at first it may have spent by its own transactions: leave at most what is certain.
    const transactions = this.#payable(this.#queue);
    this.#queue = [];
    this.#next.clear();
    this.#reserved.clear();
    const after = BLOCK_INTERVALS[op.pick % BLOCK_INTERVALS.length] as number;
    if (op.way < 4) this.#tryInvalid(op, after, transactions);
    const before = leavesOf(this.driver.state);
    const silent = this.#silentlyDue(this.driver.time, this.driver.time + after);
    const proposer = this.#proposer();
    const lastCommit = this.#commit(op);
    const purses = this.#pursesAfter(transactions);
    const result = this.driver.block({ after, transactions, proposer, lastCommit });
    this.#expectFailuresLeaveNothing(before, silent, purses, result);
    for (const monitor of this.monitors) monitor.afterBlock(this.driver.blocks.at(-1)!, result, this.driver.state);
    this.#checkReputation(result);
    if (result.height % 3 === 0) assert.deepEqual(result.appHash, appHashFromScratch(this.driver.state));
    this.#note(transactions, result);
  }

  #proposer(): string {
    return this.driver.chain.validators.members[0]?.address as string;
  }

  /** The newest block's commit; as many of the weakest are absent from it as the operation says and a quorum allows. */
  #commit(op: Op): Commit | null {
    const { driver } = this;
    const set = driver.chain.lastValidators;
    if (set === null || op.who % 7 === 6) return null;
    const absent: string[] = [];
    let power = set.totalPower;
    for (const one of [...set.members].reverse().slice(0, op.who % 4)) {
      if (!set.isQuorum(power - one.power)) break;
      power -= one.power;
      absent.push(driver.name(one.address));
    }
    return commitWithout(driver, absent);
  }

  /** Every provider's reputation lies where public events say. */
  #checkReputation({ events, time }: BlockResult): void {
    const { state } = this.driver;
    for (const event of events) this.#reputation.apply(event, state.params, time);
    this.#reputation.settle(state);
    for (const row of state.providers.unordered()) {
      const range = this.#reputation.range(row.address, state.params, time);
      const found = reputationOf(state, row);
      const fits = range !== undefined && range.least <= found && found <= range.most;
      assert.ok(
        fits,
        `reputation of ${this.driver.name(row.address)} is ${found}, ${JSON.stringify(range)} is expected`,
      );
    }
  }

  /** What balances and nonces of the senders will be if all of these fail. */
  #pursesAfter(transactions: readonly Transaction[]): Map<string, { balance: bigint; nonce: number }> {
    const purses = new Map<string, { balance: bigint; nonce: number }>();
    for (const { body } of transactions) {
      const balance = purses.get(body.account)?.balance ?? this.driver.state.balanceOf(body.account);
      purses.set(body.account, { balance: balance - body.fee, nonce: body.nonce + 1 });
    }
    return purses;
  }

  /** As many transactions of an account as can pay their fees whatever else happens: none of them spends 25 AKASH. */
  #payable(transactions: readonly Transaction[]): Transaction[] {
    const { state } = this.driver;
    const granters = new Set([...state.grants.unordered()].map(one => one.granter));
    const left = new Map<string, number>();
    return transactions.filter(({ body }) => {
      const { account } = body;
      const certain = Number(state.balanceOf(account) / (25n * AKASH));
      const count = left.get(account) ?? (granters.has(account) ? certain : Math.max(1, certain));
      left.set(account, Math.max(0, count - 1));
      return count > 0;
    });
  }

  /** Leaves that change without an event: orders whose time is over are marked so, stake that moved on matures. */
  #silentlyDue(from: number, to: number): Set<string> {
    const found = new Set<string>();
    for (const one of this.driver.state.orders.unordered()) {
      if (one.closesAt > from && one.closesAt <= to) found.add(one.leaf());
    }
    for (const one of this.driver.state.unbondings.unordered()) {
      if (one.maturesAt <= to) found.add(one.leaf()).add(`account/${one.account}`);
    }
    return found;
  }

  /** Blocks that break a rule after sound transactions were executed, or before: all leave the state as it was. */
  #tryInvalid(op: Op, after: number, transactions: readonly Transaction[]): void {
    const { driver } = this;
    const { state, chain } = driver;
    const before = leavesOf(state);
    const dues = [state.dueAtHeight.size, state.dueAtTime.size, chain.height, chain.time];
    const nonce = (state.accounts.get(addressOfName('val'))?.nonce ?? 0) + 50;
    const pay = { type: 'Transfer', to: addressOfName('tom'), amount: 1n } as const;
    const bad = [
      driver.sign('val', pay, { nonce }),
      driver.sign('val', pay, { nonce: nonce - 50, signedBy: 'vic' }),
      driver.sign('val', pay, { nonce: nonce - 50, fee: 0n }),
      driver.sign('val', pay, { nonce: nonce - 50, chainId: 'other' }),
    ];
    const list = transactions.filter(tx => tx.body.account !== addressOfName('val'));
    const time = driver.time + after;
    const proposer = this.#proposer();
    const commit = this.#commit(op);
    const attempts = [chain.makeBlock(time, proposer, [...list, choose(bad, op.amount)], commit)];
    const sound = chain.makeBlock(time, proposer, list, commit);
    if (commit !== null) attempts.push({ ...sound, lastCommit: null });
    if (op.way === 1 && sound.facilitation.length > 0) {
      attempts.push({ ...sound, facilitation: sound.facilitation.slice(1) });
    }
    attempts.push({ ...sound, header: { ...sound.header, time: driver.time } });
    attempts.push({ ...sound, header: { ...sound.header, proposer: addressOfName('nobody') } });
    for (const one of attempts) {
      assert.throws(() => chain.apply(one), InvalidBlock);
      assert.deepEqual(changedLeaves(before, leavesOf(state)), []);
      assert.deepEqual([state.dueAtHeight.size, state.dueAtTime.size, chain.height, chain.time], dues);
      this.tally.invalidBlocks += 1;
    }
  }

  /** In a block in which every transaction failed and nothing else happened, only fees moved. */
  #expectFailuresLeaveNothing(
    before: ReadonlyMap<string, string>,
    silent: ReadonlySet<string>,
    purses: ReadonlyMap<string, { balance: bigint; nonce: number }>,
    result: BlockResult,
  ): void {
    if (purses.size === 0 || !result.events.every(one => one.type === 'TransactionFailed')) return;
    if (result.receipts.some(one => one.ok)) return;
    const { state } = this.driver;
    const senders = new Set([...purses.keys()].map(account => `account/${account}`));
    const strange = changedLeaves(before, leavesOf(state)).filter(leaf => {
      // Fees go to validators: to their pools, and their commission to their accounts.
      const isValidator = leaf.startsWith('account/') && state.candidates.has(leaf.slice('account/'.length));
      const isFee = leaf === 'chainwide' || leaf.startsWith('candidate/') || isValidator;
      // Who signed the parent is counted, and what evidence is judged by comes and goes, without a word.
      const isWatch = /^(signing|set|milestone)\//.test(leaf);
      // The turn to propose moves on with every block.
      const isTurn = leaf === 'seats';
      return !isFee && !isWatch && !isTurn && !senders.has(leaf) && !silent.has(leaf);
    });
    assert.deepEqual(strange, []);
    for (const [account, { balance, nonce }] of purses) {
      const row = state.accounts.need(account);
      assert.equal(row.nonce, nonce);
      if (!state.candidates.has(account)) assert.equal(row.balance, balance);
    }
    this.tally.failuresAlone += 1;
  }

  #note(transactions: readonly Transaction[], result: BlockResult): void {
    const receipts = result.receipts.slice(result.receipts.length - transactions.length);
    for (const [i, tx] of transactions.entries()) {
      (receipts[i]?.ok ? this.tally.succeeded : this.tally.failed).add(tx.body.message.type);
    }
    for (const one of this.driver.blocks.at(-1)?.facilitation ?? []) {
      if (one.type === 'CloseOrder' && one.reason === 'insufficient_funds') this.tally.unfunded += 1;
    }
    for (const one of result.events) {
      this.tally.events.add(one.type);
      if (one.type === 'ValidatorJailed') this.tally.jailed += 1;
      if (one.type === 'ValidatorTombstoned') this.tally.tombstoned += 1;
      if (one.type === 'ValidatorSetChanged') this.tally.sets += 1;
      if (one.type === 'LeaseCreated') this.tally.leases += 1;
      if (one.type === 'LeaseBroken') this.tally.broken += 1;
      if (one.type === 'DeploymentClosing' && one.reason === 'insufficient_funds') this.tally.exhausted += 1;
    }
    this.tally.blocks += 1;
  }

  /** The end of a run: what is still open is looked at in full, and history is lived through again from its bytes. */
  finish(): void {
    for (const monitor of this.monitors) monitor.atEnd(this.driver.state);
    const replica = this.driver.replica();
    for (const [i, block] of this.driver.blocks.entries()) {
      const result = replica.apply(decodeBlock(encodeBlock(block)));
      const original = this.driver.results[i] as BlockResult;
      assert.deepEqual(result.appHash, original.appHash);
      assert.deepEqual(result.hash, original.hash);
    }
    assert.deepEqual(appHashFromScratch(replica.state), replica.appHash);
  }
}

/** Names the failure of a list of operations: the broken rule, or the check; undefined when all is well. */
export function failureOf(
  params: { readonly [N in keyof Params]?: Params[N] },
  ops: readonly Op[],
  tally?: Tally,
): { readonly kind: string; readonly error: Error } | undefined {
  try {
    const run = new FuzzRun(params, tally);
    for (const op of ops) run.step(op);
    run.finish();
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (error instanceof MonitorViolation) return { kind: `${error.monitor}: ${error.rule}`, error };
    return {
      kind: `${error.name} ${(error.stack ?? '').split('\n').find(line => line.includes('fuzz-run')) ?? ''}`,
      error,
    };
  }
}

function choose<T>(list: readonly T[], at: number): T {
  return list[at % list.length] as T;
}
