/** Rows of stake, governance and grants. */
import type { DueItem } from '../ledger/due-index.ts';
import { Row } from '../ledger/journal.ts';

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
