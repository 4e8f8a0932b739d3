/** Slashing: stake that misbehaved is burned, also where it is on its way out or has moved on. */
import { partsOf } from '../ledger/money.ts';
import { Delegation } from '../model/stake-rows.ts';
import type { State } from '../model/state.ts';
import { changeStake } from './staking.ts';

/** Burns a share of one delegation; returns how much. */
function slashDelegation(state: State, delegator: string, validator: string, amount: bigint, reason: string): bigint {
  const held = state.delegations.get(Delegation.key(delegator, validator))?.amount ?? 0n;
  const burned = amount < held ? amount : held;
  if (burned === 0n) return 0n;
  changeStake(state, delegator, validator, -burned);
  state.editChainwide().burned += burned;
  state.emit({ type: 'StakeSlashed', account: delegator, source: validator, amount: burned, reason });
  return burned;
}

/** Burns a share of stake that left `source`, where it is now; returns how much. */
function slashUnbonding(state: State, key: string, parts: number, reason: string): bigint {
  const { account, source, target, amount } = state.unbondings.need(key);
  const due = partsOf(amount, parts);
  if (due === 0n) return 0n;
  if (target !== '') return slashDelegation(state, account, target, due, reason);
  state.unbondings.edit(key).amount -= due;
  const chainwide = state.editChainwide();
  chainwide.totalUnbonding -= due;
  chainwide.burned += due;
  state.emit({ type: 'StakeSlashed', account, source, amount: due, reason });
  return due;
}

/**
 * Burns `parts` per million of a provider's own stake: what is bonded with itself, and what is on its way out of there.
 * Stake that others delegated is not touched.
 * @returns micro-AKASH burned
 */
export function slashOwnStake(state: State, account: string, parts: number, reason: string): bigint {
  if (parts === 0) return 0n;
  const held = state.delegations.get(Delegation.key(account, account))?.amount ?? 0n;
  let burned = slashDelegation(state, account, account, partsOf(held, parts), reason);
  for (const key of state.unbondingsOf.sorted(account)) {
    if (state.unbondings.need(key).account === account) burned += slashUnbonding(state, key, parts, reason);
  }
  return burned;
}
