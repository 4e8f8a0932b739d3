/** What each validator did and what became of it: its share of proposals and votes, its lapses, its node's pace. */
import { MICRO_PER_AKASH } from '../../protocol/ledger/money.ts';
import { Delegation } from '../../protocol/model/stake-rows.ts';
import type { State } from '../../protocol/model/state.ts';
import { pendingReward } from '../../protocol/stake/rewards.ts';
import { VALIDATOR_BALANCE, type ValidatorMember } from './population.ts';
import type { Cell } from './types.ts';

export class ValidatorBooks {
  readonly member: ValidatorMember;
  /** Blocks of the chain that it proposed. */
  proposed = 0;
  /** Its share of the power, summed over all blocks: what it would have proposed if turns were exact. */
  expected = 0;
  /** Blocks of whose set it was and whose commit, as the next block carries it, holds its precommit, or lacks it. */
  signed = 0;
  missed = 0;
  jails = 0;
  unjails = 0;
  tombstoned = false;
  /** Stake burned for its lapses, own and delegated, micro-AKASH. */
  slashed = 0n;
  /** Transaction fees that it paid itself. */
  fees = 0n;
  /** Newest block that its node has executed. */
  height = 0;
  /** Blocks that its node fetched decided, instead of deciding them with the others. */
  fetched = 0;
  /** When its node executed its newest block, and its longest time without a new one, microseconds. */
  executedAt = 0;
  longestStall = 0;

  constructor(member: ValidatorMember) {
    this.member = member;
  }

  /** The longest time without a new block, up to now. */
  stall(now: number): number {
    return Math.max(this.longestStall, now - this.executedAt);
  }

  /** Share of the power in the set that votes on the next block; 0 when it is not in it. */
  powerShare(state: State): number {
    const { validators } = state.seats;
    const total = validators.reduce((sum, one) => sum + one.power, 0);
    return (validators.find(one => one.address === this.member.address)?.power ?? 0) / total;
  }

  /** Commission and rewards of its own stake, withdrawn or not, micro-AKASH. */
  rewards(state: State): bigint {
    const { address } = this.member;
    const candidate = state.candidates.need(address);
    const own = state.delegations.get(Delegation.key(address, address));
    const pending = own === undefined ? 0n : pendingReward(candidate, own);
    return state.balanceOf(address) - VALIDATOR_BALANCE + this.fees + pending;
  }
}

/** A row of validators.csv. */
export function validatorRow(one: ValidatorBooks, state: State, blocks: number, now: number): Cell[] {
  const { name, region, address } = one.member;
  const candidate = state.candidates.need(address);
  return [
    name,
    region,
    address,
    candidate.stake,
    state.delegations.get(Delegation.key(address, address))?.amount ?? 0n,
    one.powerShare(state),
    one.proposed,
    blocks === 0 ? null : one.proposed / blocks,
    blocks === 0 ? null : one.expected / blocks,
    one.signed,
    one.missed,
    one.jails,
    one.unjails,
    one.tombstoned ? 1 : 0,
    one.slashed,
    one.rewards(state),
    one.height,
    one.fetched,
    one.stall(now) / 1e6,
  ];
}

/** What the metrics of a single validator mean; each is named `validator_<number>_<metric>`. */
export const VALIDATOR_METRICS: { readonly [name: string]: string } = {
  stake_akash: 'own and delegated stake when the run ended, whole AKASH',
  power_share: 'share of the voting power when the run ended',
  proposed: 'blocks proposed',
  missed: 'blocks that its precommit is missing from',
  jails: 'times jailed for missing too many',
  slashed_uakt: 'stake burned for its lapses, own and delegated',
  height: 'newest block that its node executed',
  stall_s: 'longest time for which its node executed no new block',
};

/** The same in numbers, in that order of names. */
export function validatorMetrics(one: ValidatorBooks, state: State, now: number): Record<string, number | bigint> {
  return {
    stake_akash: Number(state.candidates.need(one.member.address).stake / MICRO_PER_AKASH),
    power_share: one.powerShare(state),
    proposed: one.proposed,
    missed: one.missed,
    jails: one.jails,
    slashed_uakt: one.slashed,
    height: one.height,
    stall_s: one.stall(now) / 1e6,
  };
}
