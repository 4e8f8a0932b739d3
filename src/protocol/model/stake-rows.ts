/** Rows of stake, governance and grants. */
import type { Validator } from '../consensus/types.ts';
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
  /** Not electable: it signed too few blocks, and did not ask to come back, or it double-signed. */
  jailed = false;
  /** Block time from which it may ask to come back. */
  jailedUntil = 0;
  /** Lowest height of which there is proof that it double-signed; 0 when of none. From the first on it is tombstoned. */
  doubleSignedAt = 0;
  constructor(address: string, sequence: number, consensusKey: Uint8Array, commission: number) {
    super();
    this.address = address;
    this.sequence = sequence;
    this.consensusKey = consensusKey;
    this.commission = commission;
  }
  /** Out for good. */
  get tombstoned(): boolean {
    return this.doubleSignedAt > 0;
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
      jailedUntil: this.jailedUntil,
      doubleSignedAt: this.doubleSignedAt,
    };
  }
}

/** A place in the validator set, and in the rotation of its proposers. */
export interface Elected extends Validator {
  readonly priority: number;
}

/** A validator set, from the height at which it began to validate until that of the next such row. */
export class SetRow extends Row {
  readonly number: number;
  readonly from: number;
  readonly members: readonly Validator[];
  constructor(number: number, from: number, members: readonly Validator[]) {
    super();
    this.number = number;
    this.from = from;
    this.members = members;
  }
  leaf(): string {
    return `set/${this.number}`;
  }
  copy(): object {
    return {};
  }
}

/** The time of a block, kept for so long as evidence of that age can be brought. */
export class Milestone extends Row {
  readonly number: number;
  readonly height: number;
  readonly time: number;
  constructor(number: number, height: number, time: number) {
    super();
    this.number = number;
    this.height = height;
    this.time = time;
  }
  leaf(): string {
    return `milestone/${this.number}`;
  }
  copy(): object {
    return {};
  }
}

/** Which blocks of the newest `downtimeWindow` a validator has not signed. There is none while it missed nothing. */
export class SigningRow extends Row {
  readonly address: string;
  /** Number of misses in the window. */
  missed = 0;
  /** One bit per block of the window, at height modulo window; never changed in place. */
  misses: Uint8Array;
  constructor(address: string, window: number) {
    super();
    this.address = address;
    this.misses = new Uint8Array((window + 7) >> 3);
  }
  leaf(): string {
    return `signing/${this.address}`;
  }
  copy(): object {
    return { missed: this.missed, misses: this.misses };
  }
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
