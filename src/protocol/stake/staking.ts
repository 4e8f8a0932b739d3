/**
 * Stake: bonding with oneself or a validator, and the ways out (MARKET rules, sections 2 and 5).
 *
 * Anyone may bond with itself, without a minimum (paper, section 2.2.1); that is a provider's own stake, and a
 * candidate's own part. Stake on its way out, and stake that moved to another validator, stays slashable for its
 * source until the unbonding period is over; moved stake may not move on before that, or it could outrun its slash.
 *
 * A jailed candidate may be staked with, so that others can help it back. One that is tombstoned may not: what is with
 * it earns nothing any more, and leaves as any other stake does. Its own account's stake is still that account's.
 */
import type { MessageOf } from '../model/messages.ts';
import { Delegation, Unbonding } from '../model/stake-rows.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';
import { payReward } from './rewards.ts';

export const DUE_MATURES = 'matures';

/** Changes what a delegation holds, and every sum that contains it. The delegation's rewards are paid first. */
export function changeStake(state: State, delegator: string, validator: string, delta: bigint): void {
  payReward(state, delegator, validator);
  const key = Delegation.key(delegator, validator);
  const candidate = state.candidates.get(validator);
  if (!state.delegations.has(key)) {
    const fresh = new Delegation(delegator, validator);
    fresh.rewardMark = candidate?.rewardPerStake ?? 0n;
    state.delegations.insert(fresh);
    state.delegatorsOf.add(validator, key);
  }
  const delegation = state.delegations.edit(key);
  if (delegation.amount + delta < 0n)
    throw new Error(`${key} has ${delegation.amount} uakt staked, change is ${delta}`);
  delegation.amount += delta;
  if (candidate !== undefined) state.candidates.edit(validator).stake += delta;
  state.editAccount(delegator).bonded += delta;
  const chainwide = state.editChainwide();
  chainwide.totalBonded += delta;
  if (delegator === validator && state.providers.has(delegator)) chainwide.providerStake += delta;
  if (delegation.amount === 0n) {
    state.delegations.remove(key);
    state.delegatorsOf.remove(validator, key);
  }
}

function bond(state: State, account: string, validator: string, amount: bigint): Refusal | null {
  if (amount === 0n) return refuse('bad_amount', 'an amount above 0 is expected');
  const balance = state.balanceOf(account);
  if (balance < amount)
    return refuse('insufficient_funds', `${amount} uakt are to be staked, the balance is ${balance}`);
  state.debit(account, amount);
  changeStake(state, account, validator, amount);
  state.emit({ type: 'StakeBonded', account, validator, amount });
  return null;
}

export function stake(state: State, account: string, msg: MessageOf<'Stake'>): Refusal | null {
  return bond(state, account, account, msg.amount);
}

/** Why stake cannot be put with a validator, or null. */
function faultOfTarget(state: State, validator: string): Refusal | null {
  const candidate = state.candidates.get(validator);
  if (candidate === undefined) return refuse('no_candidate', `${validator} is not a candidate`);
  return candidate.tombstoned ? refuse('tombstoned', `${validator} double-signed and is out for good`) : null;
}

export function delegate(state: State, account: string, msg: MessageOf<'Delegate'>): Refusal | null {
  const refusal = faultOfTarget(state, msg.validator);
  if (refusal !== null) return refusal;
  return bond(state, account, msg.validator, msg.amount);
}

/** Stake of an account that moved to a validator and has not matured there: still slashable for where it came from. */
function inTransit(state: State, account: string, validator: string): bigint {
  let sum = 0n;
  for (const key of state.arrivalsOf.sorted(Delegation.key(account, validator)))
    sum += state.unbondings.need(key).amount;
  return sum;
}

function faultOfLeaving(state: State, account: string, source: string, amount: bigint): Refusal | null {
  if (amount === 0n) return refuse('bad_amount', 'an amount above 0 is expected');
  const held = state.delegations.get(Delegation.key(account, source))?.amount ?? 0n;
  if (held < amount)
    return refuse('insufficient_stake', `${amount} uakt are to leave ${source}, ${held} are staked there`);
  const bound = inTransit(state, account, source);
  if (held - bound < amount) {
    return refuse(
      'in_transit',
      `${bound} of ${held} uakt moved to ${source} and may not move on before they have matured`,
    );
  }
  const leaving = state.accounts.get(account)?.unbondings ?? 0;
  if (leaving >= state.params.maxUnbondings)
    return refuse('too_many', `${leaving} stakes are on their way out already`);
  return null;
}

/** Takes stake from a source and keeps it slashable until it matures; `target` is empty on the way out. */
function leave(state: State, account: string, source: string, target: string, amount: bigint): void {
  changeStake(state, account, source, -amount);
  const sequence = state.nextSequence();
  const maturesAt = state.time + state.params.unbondingPeriod;
  const row = new Unbonding(sequence, account, source, target, state.height, maturesAt, amount);
  const key = Unbonding.key(sequence);
  row.due = state.dueAtTime.add(maturesAt, sequence, DUE_MATURES, key);
  state.unbondings.insert(row);
  state.unbondingsOf.add(source, key);
  state.editAccount(account).unbondings += 1;
  if (target === '') state.editChainwide().totalUnbonding += amount;
  else {
    changeStake(state, account, target, amount);
    state.arrivalsOf.add(Delegation.key(account, target), key);
  }
  state.emit({ type: 'StakeUnbonding', account, source, target, amount, maturesAt });
}

export function undelegate(state: State, account: string, msg: MessageOf<'Undelegate'>): Refusal | null {
  const refusal = faultOfLeaving(state, account, msg.validator, msg.amount);
  if (refusal !== null) return refusal;
  leave(state, account, msg.validator, '', msg.amount);
  return null;
}

export function redelegate(state: State, account: string, msg: MessageOf<'Redelegate'>): Refusal | null {
  const { source, target, amount } = msg;
  if (source === target) return refuse('same_validator', 'source and target are the same');
  const refusal = faultOfTarget(state, target) ?? faultOfLeaving(state, account, source, amount);
  if (refusal !== null) return refusal;
  leave(state, account, source, target, amount);
  return null;
}

/** Ends an entry: nothing of it is slashable for its source any more. */
export function removeUnbonding(state: State, key: string): void {
  const row = state.unbondings.need(key);
  if (row.due !== null) state.dueAtTime.remove(row.due);
  state.unbondings.remove(key);
  state.unbondingsOf.remove(row.source, key);
  if (row.target !== '') state.arrivalsOf.remove(Delegation.key(row.account, row.target), key);
  state.editAccount(row.account).unbondings -= 1;
}

/** At the end of each block: stake whose time has come is free again. */
export function matureStake(state: State): void {
  for (const item of state.dueAtTime.peek(state.time)) {
    if (item.kind !== DUE_MATURES) continue;
    const { account, source, target, amount } = state.unbondings.need(item.key);
    removeUnbonding(state, item.key);
    if (target !== '') continue;
    state.editChainwide().totalUnbonding -= amount;
    if (amount > 0n) state.credit(account, amount);
    state.emit({ type: 'StakeReleased', account, source, amount });
  }
}
