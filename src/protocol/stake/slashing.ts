/**
 * Slashing: stake that misbehaved is burned, also where it is on its way out or has moved on.
 *
 * A validator's delegators are slashed with it, in proportion. What is due is reckoned once for all of them and shared
 * out exactly, remaining micro-AKASH in the order of their keys, so that nobody escapes by staking in crumbs.
 */
import { partsOf, proRata } from '../ledger/money.ts';
import { Delegation } from '../model/stake-rows.ts';
import type { State } from '../model/state.ts';
import { changeStake } from './staking.ts';

/** What stake does in a block changes the voting power of this many heights later. */
const POWER_DELAY = 2;

/** Burns so much of one delegation, or all if it holds less; returns how much. */
function slashDelegation(
  state: State,
  delegator: string,
  validator: string,
  source: string,
  amount: bigint,
  reason: string,
): bigint {
  const held = state.delegations.get(Delegation.key(delegator, validator))?.amount ?? 0n;
  const burned = amount < held ? amount : held;
  if (burned === 0n) return 0n;
  changeStake(state, delegator, validator, -burned);
  state.editChainwide().burned += burned;
  state.emit({ type: 'StakeSlashed', account: delegator, source, amount: burned, reason });
  return burned;
}

/** Burns so much of stake that left `source`, where it is now; returns how much. */
function slashUnbonding(state: State, key: string, due: bigint, reason: string): bigint {
  if (due === 0n) return 0n;
  const { account, source, target } = state.unbondings.need(key);
  // Also where the stake moved on, less of it is slashable for its source, and less is bound to its target.
  state.unbondings.edit(key).amount -= due;
  if (target !== '') return slashDelegation(state, account, target, source, due, reason);
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
  let burned = slashDelegation(state, account, account, account, partsOf(held, parts), reason);
  for (const key of state.unbondingsOf.sorted(account)) {
    const row = state.unbondings.need(key);
    if (row.account === account) burned += slashUnbonding(state, key, partsOf(row.amount, parts), reason);
  }
  return burned;
}

/** Which stake answers for an offence. */
export interface SlashSpan {
  /** Height of the offence. */
  readonly offence: number;
  /**
   * Height of a later offence, for which what is bonded and what left since were slashed already; only what left
   * between the two answers then.
   */
  readonly punishedFrom?: number;
}

/**
 * Burns `parts` per million of the stake that stood behind a validator at an offence: what is bonded with it now, and
 * what has left it since and not matured. Stake that left in the block just before the offence still gave it power,
 * because changes act two heights later; that of earlier blocks did not. Rewards are paid before.
 * @returns micro-AKASH burned
 */
export function slashValidator(
  state: State,
  validator: string,
  parts: number,
  reason: string,
  span: SlashSpan,
): bigint {
  const { offence, punishedFrom } = span;
  const leftAfter = offence - POWER_DELAY;
  const leftUntil = punishedFrom === undefined ? state.height : punishedFrom - POWER_DELAY;
  const stays = punishedFrom === undefined ? state.delegatorsOf.sorted(validator) : [];
  const leaves = state.unbondingsOf.sorted(validator).filter(key => {
    const { height } = state.unbondings.need(key);
    return height > leftAfter && height <= leftUntil;
  });
  const claims = [
    ...stays.map(key => state.delegations.need(key).amount),
    ...leaves.map(key => state.unbondings.need(key).amount),
  ];
  const total = claims.reduce((sum, one) => sum + one, 0n);
  const shares = proRata(partsOf(total, parts), claims);
  // What is due of each is settled before any of it is taken: stake may have moved between two of them.
  let burned = 0n;
  stays.forEach((key, i) => {
    const { delegator } = state.delegations.need(key);
    burned += slashDelegation(state, delegator, validator, validator, shares[i] as bigint, reason);
  });
  leaves.forEach((key, i) => {
    burned += slashUnbonding(state, key, shares[stays.length + i] as bigint, reason);
  });
  return burned;
}
