/**
 * The rows of chain state. Every field is a primitive or deeply immutable; rows are changed only through their tables.
 *
 * `sequence` is creation order across the whole chain. Fields whose type is DueItem are handles into the due-indexes;
 * they are bookkeeping, not state, and are in no encoding.
 */
import type { DueItem } from '../ledger/due-index.ts';
import { Row } from '../ledger/journal.ts';
import type { Attributes, DeploymentInfrastructure, ResourceGroup } from './objects.ts';
import type { Params } from './params.ts';

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

export class Provider extends Row {
  readonly address: string;
  readonly sequence: number;
  region: string;
  attributes: Attributes;
  certificate: Uint8Array;
  endpoint: string;
  /** Block time until which the provider may neither bid nor win; 0 when it was never jailed. */
  jailedUntil = 0;
  /** Decayed weights of the record in micro-AKASH, as of `recordStep`. */
  kept = 0n;
  broken = 0n;
  recordStep = 0;
  keptLeases = 0;
  brokenLeases = 0;
  constructor(
    address: string,
    sequence: number,
    region: string,
    attributes: Attributes,
    certificate: Uint8Array,
    endpoint: string,
  ) {
    super();
    this.address = address;
    this.sequence = sequence;
    this.region = region;
    this.attributes = attributes;
    this.certificate = certificate;
    this.endpoint = endpoint;
  }
  leaf(): string {
    return `provider/${this.address}`;
  }
  copy(): object {
    return {
      region: this.region,
      attributes: this.attributes,
      certificate: this.certificate,
      endpoint: this.endpoint,
      jailedUntil: this.jailedUntil,
      kept: this.kept,
      broken: this.broken,
      recordStep: this.recordStep,
      keptLeases: this.keptLeases,
      brokenLeases: this.brokenLeases,
    };
  }
}

/** One infrastructure of a deployment, and what stands for it now. */
export interface Slot {
  readonly group: number;
  readonly infrastructure: DeploymentInfrastructure;
  /** Sequence number of its newest order. */
  readonly sequence: number;
  /** `ended`: its order closed unmatched, its lease ended without renewal, or the tenant removed it. */
  readonly stands: 'order' | 'lease' | 'ended';
}

export class Deployment extends Row {
  readonly id: string;
  readonly tenant: string;
  readonly sequence: number;
  readonly height: number;
  version: Uint8Array;
  readonly waitDuration: number;
  readonly openFor: number;
  escrow = 0n;
  state: 'open' | 'closing' = 'open';
  reason = '';
  slots: readonly Slot[];
  /** Numbers the next infrastructure; never reused, so that order ids are not. */
  nextGroup: number;
  /** Ids of pending, active and closing leases, in order of creation. */
  leases: readonly string[] = [];
  exhaustionDue: DueItem | null = null;
  closedDue: DueItem | null = null;
  constructor(
    id: string,
    tenant: string,
    sequence: number,
    height: number,
    version: Uint8Array,
    waitDuration: number,
    openFor: number,
    slots: readonly Slot[],
  ) {
    super();
    this.id = id;
    this.tenant = tenant;
    this.sequence = sequence;
    this.height = height;
    this.version = version;
    this.waitDuration = waitDuration;
    this.openFor = openFor;
    this.slots = slots;
    this.nextGroup = slots.length;
  }
  leaf(): string {
    return `deployment/${this.id}`;
  }
  copy(): object {
    return {
      version: this.version,
      escrow: this.escrow,
      state: this.state,
      reason: this.reason,
      slots: this.slots,
      nextGroup: this.nextGroup,
      leases: this.leases,
      exhaustionDue: this.exhaustionDue,
      closedDue: this.closedDue,
    };
  }
}

/** An order that is open. Orders that are matched or closed have left the state. */
export class Order extends Row {
  readonly id: string;
  readonly deployment: string;
  readonly tenant: string;
  readonly group: number;
  readonly sequence: number;
  readonly infrastructure: DeploymentInfrastructure;
  readonly height: number;
  readonly time: number;
  /** From this height on it may match. */
  readonly matchFrom: number;
  /** Bids are accepted before this block time. */
  readonly closesAt: number;
  readonly collateral: bigint;
  /** Open bids, by placement. */
  fulfillments: readonly string[] = [];
  /** Bids that were withdrawn or replaced: they number a provider's next attempt. */
  withdrawn: readonly Withdrawn[] = [];
  /** Block time has passed `closesAt` while an eligible bid was there: stays until matched, or closes for want of one. */
  lapsed = false;
  chosen = '';
  matchDue: DueItem | null = null;
  expiryDue: DueItem | null = null;
  constructor(
    id: string,
    deployment: Readonly<Deployment>,
    slot: Slot,
    sequence: number,
    height: number,
    time: number,
    collateral: bigint,
  ) {
    super();
    this.id = id;
    this.deployment = deployment.id;
    this.tenant = deployment.tenant;
    this.group = slot.group;
    this.sequence = sequence;
    this.infrastructure = slot.infrastructure;
    this.height = height;
    this.time = time;
    this.matchFrom = height + deployment.waitDuration;
    this.closesAt = time + deployment.openFor;
    this.collateral = collateral;
  }
  leaf(): string {
    return `deployment/${this.deployment}`;
  }
  copy(): object {
    return {
      fulfillments: this.fulfillments,
      withdrawn: this.withdrawn,
      lapsed: this.lapsed,
      chosen: this.chosen,
      matchDue: this.matchDue,
      expiryDue: this.expiryDue,
    };
  }
}

export interface Withdrawn {
  readonly provider: string;
  readonly total: bigint;
  /** Withdrawn by the provider itself, and not pushed out of a full book. */
  readonly cancelled: boolean;
}

/** A bid: open, or bound in a lease. */
export class Fulfillment extends Row {
  readonly id: string;
  readonly order: string;
  readonly deployment: string;
  readonly provider: string;
  readonly resources: readonly ResourceGroup[];
  readonly total: bigint;
  readonly collateral: bigint;
  readonly height: number;
  /** Place among the transactions of its block. */
  readonly position: number;
  constructor(
    id: string,
    order: Readonly<Order>,
    provider: string,
    resources: readonly ResourceGroup[],
    total: bigint,
    height: number,
    position: number,
  ) {
    super();
    this.id = id;
    this.order = order.id;
    this.deployment = order.deployment;
    this.provider = provider;
    this.resources = resources;
    this.total = total;
    this.collateral = order.collateral;
    this.height = height;
    this.position = position;
  }
  leaf(): string {
    return `deployment/${this.deployment}`;
  }
  copy(): object {
    return {};
  }
}

export type LeaseState = 'pending' | 'active' | 'closing';

/** A lease that is not closed. Its id is its order's. */
export class Lease extends Row {
  readonly id: string;
  readonly deployment: string;
  readonly tenant: string;
  readonly provider: string;
  readonly fulfillment: string;
  readonly group: number;
  readonly sequence: number;
  readonly infrastructure: DeploymentInfrastructure;
  readonly resources: readonly ResourceGroup[];
  /** pico-AKASH per second for everything. */
  readonly price: bigint;
  readonly collateral: bigint;
  readonly height: number;
  readonly time: number;
  state: LeaseState = 'pending';
  /** Block time at which billing began; meaningless while pending. */
  billingStart = 0;
  /** All that was ever paid for it, before tax. */
  paid = 0n;
  /** Of that, what was paid up to the newest confirmation. */
  vouched = 0n;
  /** Height of the match or of the newest confirmation. */
  confirmedAt: number;
  reason = '';
  due: DueItem | null = null;
  constructor(
    order: Readonly<Order>,
    fulfillment: Readonly<Fulfillment>,
    resources: readonly ResourceGroup[],
    price: bigint,
    sequence: number,
    height: number,
    time: number,
  ) {
    super();
    this.id = order.id;
    this.deployment = order.deployment;
    this.tenant = order.tenant;
    this.provider = fulfillment.provider;
    this.fulfillment = fulfillment.id;
    this.group = order.group;
    this.sequence = sequence;
    this.infrastructure = order.infrastructure;
    this.resources = resources;
    this.price = price;
    this.collateral = fulfillment.collateral;
    this.height = height;
    this.time = time;
    this.confirmedAt = height;
  }
  leaf(): string {
    return `deployment/${this.deployment}`;
  }
  copy(): object {
    return {
      state: this.state,
      billingStart: this.billingStart,
      paid: this.paid,
      vouched: this.vouched,
      confirmedAt: this.confirmedAt,
      reason: this.reason,
      due: this.due,
    };
  }
}

/** A validator, or who would be one. */
export class Candidate extends Row {
  readonly address: string;
  readonly sequence: number;
  readonly consensusKey: Uint8Array;
  commission: number;
  /** Own and delegated stake. */
  stake = 0n;
  /** Rewards per staked micro-AKASH since registration, scaled by REWARD_SCALE. */
  rewardPerStake = 0n;
  /** Rewards allotted and not yet withdrawn, rounding remainders among them. */
  rewards = 0n;
  jailed = false;
  constructor(address: string, sequence: number, consensusKey: Uint8Array, commission: number) {
    super();
    this.address = address;
    this.sequence = sequence;
    this.consensusKey = consensusKey;
    this.commission = commission;
  }
  leaf(): string {
    return `candidate/${this.address}`;
  }
  copy(): object {
    return {
      commission: this.commission,
      stake: this.stake,
      rewardPerStake: this.rewardPerStake,
      rewards: this.rewards,
      jailed: this.jailed,
    };
  }
}

/** A place in the validator set. */
export interface Elected {
  readonly address: string;
  readonly consensusKey: Uint8Array;
  /** floor(stake / 1 AKASH) */
  readonly power: number;
}

/** Stake of an account bonded with a validator, or with itself. */
export class Delegation extends Row {
  readonly delegator: string;
  readonly validator: string;
  amount = 0n;
  /** The validator's rewardPerStake up to which rewards were paid. */
  rewardMark = 0n;
  constructor(delegator: string, validator: string) {
    super();
    this.delegator = delegator;
    this.validator = validator;
  }
  static key(delegator: string, validator: string): string {
    return `${delegator}/${validator}`;
  }
  leaf(): string {
    return `delegation/${this.delegator}/${this.validator}`;
  }
  copy(): object {
    return { amount: this.amount, rewardMark: this.rewardMark };
  }
}

/** Stake that left `source` and is slashable for it until it matures: on its way out, or moved to `target`. */
export class Unbonding extends Row {
  readonly sequence: number;
  readonly account: string;
  readonly source: string;
  /** The validator that it moved to; empty when it is on its way out. */
  readonly target: string;
  readonly height: number;
  readonly maturesAt: number;
  amount: bigint;
  due: DueItem | null = null;
  constructor(
    sequence: number,
    account: string,
    source: string,
    target: string,
    height: number,
    maturesAt: number,
    amount: bigint,
  ) {
    super();
    this.sequence = sequence;
    this.account = account;
    this.source = source;
    this.target = target;
    this.height = height;
    this.maturesAt = maturesAt;
    this.amount = amount;
  }
  static key(sequence: number): string {
    return `u${sequence}`;
  }
  leaf(): string {
    return `unbonding/${this.sequence}`;
  }
  copy(): object {
    return { amount: this.amount, due: this.due };
  }
}

export class Proposal extends Row {
  readonly id: number;
  readonly proposer: string;
  readonly title: string;
  readonly changes: readonly { readonly name: string; readonly value: string }[];
  readonly endsAt: number;
  state: 'voting' | 'passed' = 'voting';
  /** Height from which the changes hold, once passed. */
  effectiveAt = 0;
  constructor(
    id: number,
    proposer: string,
    title: string,
    changes: readonly { readonly name: string; readonly value: string }[],
    endsAt: number,
  ) {
    super();
    this.id = id;
    this.proposer = proposer;
    this.title = title;
    this.changes = changes;
    this.endsAt = endsAt;
  }
  leaf(): string {
    return `proposal/${this.id}`;
  }
  copy(): object {
    return { state: this.state, effectiveAt: this.effectiveAt };
  }
}

export class Ballot extends Row {
  readonly proposal: number;
  readonly voter: string;
  choice: 'yes' | 'no' | 'abstain';
  constructor(proposal: number, voter: string, choice: 'yes' | 'no' | 'abstain') {
    super();
    this.proposal = proposal;
    this.voter = voter;
    this.choice = choice;
  }
  static key(proposal: number, voter: string): string {
    return `${proposal}/${voter}`;
  }
  leaf(): string {
    return `ballot/${this.proposal}/${this.voter}`;
  }
  copy(): object {
    return { choice: this.choice };
  }
}

/** Limited authority of `grantee` to act for `granter`. */
export class GrantRow extends Row {
  readonly id: string;
  readonly granter: string;
  readonly grantee: string;
  readonly messages: readonly string[];
  /** The one deployment that it is limited to; empty when to none. */
  readonly deployment: string;
  readonly expires: number;
  /** How much more may leave the granter's balance. */
  left: bigint;
  constructor(
    id: string,
    granter: string,
    grantee: string,
    messages: readonly string[],
    deployment: string,
    expires: number,
    left: bigint,
  ) {
    super();
    this.id = id;
    this.granter = granter;
    this.grantee = grantee;
    this.messages = messages;
    this.deployment = deployment;
    this.expires = expires;
    this.left = left;
  }
  leaf(): string {
    return `grant/${this.id}`;
  }
  copy(): object {
    return { left: this.left };
  }
}

/** What there is once: counters, pools, totals that are kept as money moves, and the parameters. */
export class Chainwide extends Row {
  height = 0;
  time = 0;
  /** Hands out `sequence`. */
  nextSequence = 1;
  nextProposal = 1;
  params: Params;
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
  /** Who validates this height and the next: an election at the end of a block acts two heights later. */
  validators: readonly Elected[] = [];
  upcoming: readonly Elected[] = [];
  constructor(params: Params) {
    super();
    this.params = params;
  }
  leaf(): string {
    return 'chainwide';
  }
  copy(): object {
    return {
      height: this.height,
      time: this.time,
      nextSequence: this.nextSequence,
      nextProposal: this.nextProposal,
      params: this.params,
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
      validators: this.validators,
      upcoming: this.upcoming,
    };
  }
}
