/**
 * Rewards: fees go to the validators by stake, and from each to its delegators by theirs, after commission.
 *
 * A validator accumulates rewards per staked token; a delegation remembers up to where it was paid. So allotting costs
 * per validator, withdrawing costs per delegation, and neither looks at anyone else. Rounding remainders stay in pools.
 */
import { partsOf } from '../ledger/money.ts';
import type { MessageOf } from '../model/messages.ts';
import { type Candidate, Delegation } from '../model/stake-rows.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';

/** Scale of rewardPerStake. */
const REWARD_SCALE = 2n ** 64n;

/**
 * Shares the fee pool among the validators of this block by stake; each takes its commission first. Who is jailed or
 * tombstoned and still in the set gets nothing; if all of them are, fees wait.
 */
export function allotFees(state: State): void {
  const pool = state.chainwide.feePool;
  if (pool === 0n) return;
  const members = state.seats.validators.map(one => state.candidates.need(one.address)).filter(one => !one.jailed);
  let total = 0n;
  for (const member of members) total += member.stake;
  if (total === 0n) return;
  let allotted = 0n;
  for (const member of members) {
    const share = (pool * member.stake) / total;
    if (share > 0n) allotted += allot(state, member.address, share);
  }
  const chainwide = state.editChainwide();
  chainwide.feePool -= allotted;
}

function allot(state: State, address: string, share: bigint): bigint {
  const candidate = state.candidates.edit(address);
  const commission = partsOf(share, candidate.commission);
  if (commission > 0n) state.credit(address, commission);
  candidate.rewards += share - commission;
  candidate.rewardPerStake += ((share - commission) * REWARD_SCALE) / candidate.stake;
  state.editChainwide().totalRewards += share - commission;
  return share;
}

/** What a delegation has earned and not been paid. */
export function pendingReward(candidate: Readonly<Candidate>, delegation: Readonly<Delegation>): bigint {
  return (delegation.amount * (candidate.rewardPerStake - delegation.rewardMark)) / REWARD_SCALE;
}

/** Pays a delegation what it earned. Called before its amount changes, because the past was earned with the old one. */
export function payReward(state: State, delegator: string, validator: string): bigint {
  const candidate = state.candidates.get(validator);
  const key = Delegation.key(delegator, validator);
  const found = state.delegations.get(key);
  if (candidate === undefined || found === undefined) return 0n;
  const amount = pendingReward(candidate, found);
  state.delegations.edit(key).rewardMark = candidate.rewardPerStake;
  if (amount > 0n) {
    state.candidates.edit(validator).rewards -= amount;
    state.editChainwide().totalRewards -= amount;
    state.credit(delegator, amount);
  }
  return amount;
}

export function withdrawRewards(state: State, account: string, msg: MessageOf<'WithdrawRewards'>): Refusal | null {
  if (!state.delegations.has(Delegation.key(account, msg.validator))) {
    return refuse('no_stake', `the account has no stake with ${msg.validator}`);
  }
  const amount = payReward(state, account, msg.validator);
  state.emit({ type: 'RewardsWithdrawn', account, validator: msg.validator, amount });
  return null;
}
