/**
 * The rows of chain state: accounts, and what there is once. Those of the market and of stake are in files of their own.
 *
 * Every field is a primitive or deeply immutable; rows are changed only through their tables. `sequence` is creation
 * order across the whole chain.
 */
import { Row } from '../ledger/journal.ts';
import type { Params } from './params.ts';
import type { Elected } from './stake-rows.ts';

export class Account extends Row {
  readonly address: string;
  balance = 0n;
  nonce = 0;
  /** Everything that the account has bonded: own stake and what is delegated out. The weight of its votes. */
  bonded = 0n;
  /** Number of stakes on their way out. */
  unbondings = 0;
  constructor(address: string) {
    super();
    this.address = address;
  }
  leaf(): string {
    return `account/${this.address}`;
  }
  copy(): object {
    return { balance: this.balance, nonce: this.nonce, bonded: this.bonded, unbondings: this.unbondings };
  }
}

/** What there is once, and changes with nearly every block: counters, pools, totals that are kept as money moves. */
export class Chainwide extends Row {
  height = 0;
  time = 0;
  /** Hands out `sequence`. */
  nextSequence = 1;
  nextProposal = 1;
  /** Fees and taxes not yet allotted to validators. */
  feePool = 0n;
  genesisSupply = 0n;
  minted = 0n;
  burned = 0n;
  /** Fraction of a micro-AKASH of inflation not yet minted, in units of 1 / (PPM x microseconds of a year). */
  inflationRemainder = 0n;
  /** Sums over all rows, moved together with each amount. */
  totalBalance = 0n;
  totalEscrow = 0n;
  totalCollateral = 0n;
  totalBonded = 0n;
  totalUnbonding = 0n;
  totalRewards = 0n;
  /** Own bonded stake of all registered providers. */
  providerStake = 0n;
  /** Evidence of offences at lower heights has expired. Only grows. */
  evidenceFrom = 1;
  /** Numbers of the rows kept for evidence: the oldest, and the next to be. */
  oldestSet = 0;
  nextSet = 0;
  oldestMilestone = 0;
  nextMilestone = 0;
  leaf(): string {
    return 'chainwide';
  }
  copy(): object {
    return {
      height: this.height,
      time: this.time,
      nextSequence: this.nextSequence,
      nextProposal: this.nextProposal,
      feePool: this.feePool,
      genesisSupply: this.genesisSupply,
      minted: this.minted,
      burned: this.burned,
      inflationRemainder: this.inflationRemainder,
      totalBalance: this.totalBalance,
      totalEscrow: this.totalEscrow,
      totalCollateral: this.totalCollateral,
      totalBonded: this.totalBonded,
      totalUnbonding: this.totalUnbonding,
      totalRewards: this.totalRewards,
      providerStake: this.providerStake,
      evidenceFrom: this.evidenceFrom,
      oldestSet: this.oldestSet,
      nextSet: this.nextSet,
      oldestMilestone: this.oldestMilestone,
      nextMilestone: this.nextMilestone,
    };
  }
}

/** The parameters. They change rarely and have long texts: no block that leaves them alone is to commit to them anew. */
export class Rules extends Row {
  params: Params;
  constructor(params: Params) {
    super();
    this.params = params;
  }
  leaf(): string {
    return 'params';
  }
  copy(): object {
    return { params: this.params };
  }
}

/**
 * Who validates the next height and the one after, and whose turn it is to propose. An election at the end of a block
 * acts two heights later. Members and powers are those of a kept set, by its number; only priorities are new with every
 * block.
 */
export class Seats extends Row {
  validators: readonly Elected[] = [];
  validatorsSet = 0;
  upcoming: readonly Elected[] = [];
  upcomingSet = 0;
  leaf(): string {
    return 'seats';
  }
  copy(): object {
    return {
      validators: this.validators,
      validatorsSet: this.validatorsSet,
      upcoming: this.upcoming,
      upcomingSet: this.upcomingSet,
    };
  }
}
