/**
 * Chain state: tables, due-indexes and the moves of money between them. It knows no rule of the market; it keeps books.
 *
 * Every amount moves through one of the functions here, which keep the totals of `Chainwide` together with the rows, so
 * that conservation can be checked at every block for the price of an addition and recomputed in full when asked.
 */
import { DueIndex } from '../ledger/due-index.ts';
import { Journal } from '../ledger/journal.ts';
import { Groups, Table } from '../ledger/table.ts';
import type { Event } from './events.ts';
import type { Deployment, Fulfillment, Lease, Order, Provider } from './market-rows.ts';
import type { Params } from './params.ts';
import { Account, Chainwide, Rules, Seats } from './rows.ts';
import {
  Ballot,
  type Candidate,
  Delegation,
  type GrantRow,
  type Milestone,
  type Proposal,
  type SetRow,
  type SigningRow,
  Unbonding,
} from './stake-rows.ts';

/** Why a message cannot be done. `code` is a stable word, `detail` says what was found and what is expected. */
export interface Refusal {
  readonly code: string;
  readonly detail: string;
}

export function refuse(code: string, detail: string): Refusal {
  return { code, detail };
}

export class State {
  readonly journal: Journal;
  readonly accounts: Table<Account>;
  readonly providers: Table<Provider>;
  readonly deployments: Table<Deployment>;
  readonly orders: Table<Order>;
  readonly fulfillments: Table<Fulfillment>;
  readonly leases: Table<Lease>;
  readonly candidates: Table<Candidate>;
  readonly delegations: Table<Delegation>;
  readonly unbondings: Table<Unbonding>;
  readonly proposals: Table<Proposal>;
  readonly ballots: Table<Ballot>;
  readonly grants: Table<GrantRow>;
  readonly sets: Table<SetRow>;
  readonly milestones: Table<Milestone>;
  readonly signings: Table<SigningRow>;
  /** Delegation keys by validator, unbonding keys by source validator, ballot keys by proposal. */
  readonly delegatorsOf: Groups;
  readonly unbondingsOf: Groups;
  readonly ballotsOf: Groups;
  /** The candidate of a consensus key, by the key in hexadecimal. */
  readonly candidateOfKey: Groups;
  /** Redelegated stake on its way, by `account/target`. */
  readonly arrivalsOf: Groups;
  /** Orders to match, stale leases, missing resets, deployments to close, ends of votes: by height. */
  readonly dueAtHeight: DueIndex;
  /** Expiring orders, exhausted escrows, maturing stake: by block time. */
  readonly dueAtTime: DueIndex;
  readonly #chainwide = new Chainwide();
  readonly #rules: Rules;
  readonly #seats = new Seats();

  /** Events of the block that is being executed. */
  events: Event[] = [];
  /** Whose spending is being counted, and how much left its balance since. Not state: lives within one message. */
  #watched = '';
  #spent = 0n;

  /** Runs a step and counts what leaves an account's balance in it, whatever comes in meanwhile. */
  countSpending<T>(address: string, step: () => T): { readonly value: T; readonly spent: bigint } {
    this.#watched = address;
    this.#spent = 0n;
    const value = step();
    this.#watched = '';
    return { value, spent: this.#spent };
  }

  /** Place of the transaction that is being executed in its block. */
  position = 0;

  constructor(params: Params, tracksLeaves: boolean) {
    const journal = new Journal(tracksLeaves);
    this.journal = journal;
    this.accounts = new Table(journal, row => row.address);
    this.providers = new Table(journal, row => row.address);
    this.deployments = new Table(journal, row => row.id);
    this.orders = new Table(journal, row => row.id);
    this.fulfillments = new Table(journal, row => row.id);
    this.leases = new Table(journal, row => row.id);
    this.candidates = new Table(journal, row => row.address);
    this.delegations = new Table(journal, row => Delegation.key(row.delegator, row.validator));
    this.unbondings = new Table(journal, row => Unbonding.key(row.sequence));
    this.proposals = new Table(journal, row => String(row.id));
    this.ballots = new Table(journal, row => Ballot.key(row.proposal, row.voter));
    this.grants = new Table(journal, row => row.id);
    this.sets = new Table(journal, row => String(row.number));
    this.milestones = new Table(journal, row => String(row.number));
    this.signings = new Table(journal, row => row.address);
    this.candidateOfKey = new Groups(journal);
    this.delegatorsOf = new Groups(journal);
    this.unbondingsOf = new Groups(journal);
    this.ballotsOf = new Groups(journal);
    this.arrivalsOf = new Groups(journal);
    this.dueAtHeight = new DueIndex(journal);
    this.dueAtTime = new DueIndex(journal);
    this.#rules = new Rules(params);
    for (const row of [this.#chainwide, this.#rules, this.#seats]) journal.dirty?.add(row.leaf());
  }

  get chainwide(): Readonly<Chainwide> {
    return this.#chainwide;
  }

  editChainwide(): Chainwide {
    this.journal.saveEdit(this.#chainwide);
    return this.#chainwide;
  }

  get params(): Params {
    return this.#rules.params;
  }

  setParams(params: Params): void {
    this.journal.saveEdit(this.#rules);
    this.#rules.params = params;
  }

  /** Who validates the next height and the one after. */
  get seats(): Readonly<Seats> {
    return this.#seats;
  }

  editSeats(): Seats {
    this.journal.saveEdit(this.#seats);
    return this.#seats;
  }

  /** Height of the block that is being executed, or was executed last. */
  get height(): number {
    return this.#chainwide.height;
  }
  /** Its time, in microseconds. */
  get time(): number {
    return this.#chainwide.time;
  }

  /** Reads the state as of another height and time than its own. */
  at<T>(height: number, time: number, read: () => T): T {
    const chainwide = this.#chainwide;
    const { height: ownHeight, time: ownTime } = chainwide;
    chainwide.height = height;
    chainwide.time = time;
    try {
      return read();
    } finally {
      chainwide.height = ownHeight;
      chainwide.time = ownTime;
    }
  }

  nextSequence(): number {
    const chainwide = this.editChainwide();
    chainwide.nextSequence += 1;
    return chainwide.nextSequence - 1;
  }

  emit(event: Event): void {
    this.events.push(event);
  }

  balanceOf(address: string): bigint {
    return this.accounts.get(address)?.balance ?? 0n;
  }

  /** The account to change; opened empty when there is none. */
  editAccount(address: string): Account {
    if (!this.accounts.has(address)) this.accounts.insert(new Account(address));
    return this.accounts.edit(address);
  }

  /** Adds to a balance what another move took. */
  credit(address: string, amount: bigint): void {
    this.editAccount(address).balance += amount;
    this.editChainwide().totalBalance += amount;
  }

  /** Takes from a balance that was checked to hold it. */
  debit(address: string, amount: bigint): void {
    const account = this.accounts.edit(address);
    if (account.balance < amount) throw new Error(`${address} has ${account.balance} uakt, ${amount} are to be taken`);
    account.balance -= amount;
    if (address === this.#watched) this.#spent += amount;
    this.editChainwide().totalBalance -= amount;
  }

  transfer(from: string, to: string, amount: bigint): void {
    const account = this.accounts.edit(from);
    if (account.balance < amount) throw new Error(`${from} has ${account.balance} uakt, ${amount} are to be taken`);
    account.balance -= amount;
    if (from === this.#watched) this.#spent += amount;
    this.editAccount(to).balance += amount;
  }

  payFee(from: string, amount: bigint): void {
    this.debit(from, amount);
    this.editChainwide().feePool += amount;
  }

  depositEscrow(deployment: string, from: string, amount: bigint): void {
    this.debit(from, amount);
    this.deployments.edit(deployment).escrow += amount;
    this.editChainwide().totalEscrow += amount;
  }

  /** Takes from an escrow that was checked to hold it; whoever calls says where it goes. */
  takeEscrow(deployment: string, amount: bigint): void {
    const row = this.deployments.edit(deployment);
    if (row.escrow < amount)
      throw new Error(`escrow of ${deployment} is ${row.escrow} uakt, ${amount} are to be taken`);
    row.escrow -= amount;
    this.editChainwide().totalEscrow -= amount;
  }

  addToFeePool(amount: bigint): void {
    this.editChainwide().feePool += amount;
  }

  /** Locks a provider's collateral for a bid. */
  lockCollateral(provider: string, amount: bigint): void {
    this.debit(provider, amount);
    this.editChainwide().totalCollateral += amount;
  }

  /** Unlocks collateral to whoever it is due to. */
  releaseCollateral(to: string, amount: bigint): void {
    this.editChainwide().totalCollateral -= amount;
    this.credit(to, amount);
  }

  burnCollateral(amount: bigint): void {
    const chainwide = this.editChainwide();
    chainwide.totalCollateral -= amount;
    chainwide.burned += amount;
  }

  /** New tokens into the fee pool. */
  mint(amount: bigint): void {
    const chainwide = this.editChainwide();
    chainwide.minted += amount;
    chainwide.feePool += amount;
  }
}
