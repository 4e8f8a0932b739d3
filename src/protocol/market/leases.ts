/**
 * The life of a lease: pending, active, closing, closed; or broken (MARKET rules, section 4).
 *
 * A lease's id is its order's. Closed leases leave the state; the events keep their story.
 */
import { costOfBlocks, cumulativePay, PPM, partsOf } from '../ledger/money.ts';
import { type Deployment, type Fulfillment, Lease, type Order } from '../model/market-rows.ts';
import type { Facilitation, MessageOf } from '../model/messages.ts';
import { totalPrice } from '../model/objects.ts';
import { type Refusal, refuse, type State } from '../model/state.ts';
import { slashOwnStake } from '../stake/slashing.ts';
import type { MatchOutcome } from './match.ts';
import { DUE, openOrder, removeOrder, setSlot, slotOf } from './orders.ts';
import { recordBroken, recordKept } from './reputation.ts';
import {
  accruedOf,
  type Claim,
  debtOf,
  freeEscrow,
  isStale,
  payClaims,
  scheduleExhaustion,
  settleLease,
} from './settlement.ts';

export type LeaseEnd = 'tenant_closed' | 'removed' | 'insufficient_funds';

/** What one reconfirmation period of a price costs, in micro-AKASH. */
export function onePeriod(state: State, price: bigint): bigint {
  return costOfBlocks(price, state.params.reconfirmationPeriod, state.params.targetBlockInterval);
}

function setLeaseDue(state: State, lease: Lease, height: number, kind: string): void {
  if (lease.due !== null) state.dueAtHeight.remove(lease.due);
  lease.due = state.dueAtHeight.add(height, lease.sequence, kind, lease.id);
}

/** More than this many blocks without a confirmation make a lease stale. */
function staleAt(state: State, confirmedAt: number): number {
  return confirmedAt + state.params.reconfirmationPeriod + 1;
}

/** A changed period moves the height at which each lease becomes stale. */
export function rescheduleLeases(state: State): void {
  for (const { id, state: stage } of state.leases.sorted()) {
    if (stage === 'closing') continue;
    const lease = state.leases.edit(id);
    setLeaseDue(state, lease, staleAt(state, lease.confirmedAt), DUE.stale);
  }
}

/** Binds an order to its winning bid; the other bids close and their collateral returns. */
export function createLease(
  state: State,
  order: Readonly<Order>,
  winner: Readonly<Fulfillment>,
  match: Extract<MatchOutcome, { kind: 'lease' }>,
): void {
  const { resources } = match;
  const price = totalPrice(resources);
  const lease = new Lease(order, winner, resources, price, state.nextSequence(), state.height, state.time);
  removeOrder(state, order, winner.id, 'lost');
  lease.due = state.dueAtHeight.add(staleAt(state, state.height), lease.sequence, DUE.stale, lease.id);
  state.leases.insert(lease);
  const deployment = state.deployments.edit(order.deployment);
  deployment.leases = [...deployment.leases, lease.id];
  setSlot(state, deployment.id, { ...slotOf(deployment, order.group), stands: 'lease' });
  state.emit({
    type: 'LeaseCreated',
    lease: lease.id,
    fulfillment: winner.id,
    tenant: lease.tenant,
    provider: lease.provider,
    region: order.infrastructure.region,
    resources,
    price,
    maximum: totalPrice(order.infrastructure.resources),
    collateral: lease.collateral,
    bids: order.fulfillments.length,
    version: deployment.version,
  });
}

/**
 * The provider's word that the resources are provided (paper, section 3.2, LeaseConfirmation). The first one starts
 * the billing; each later one pays for the time since the last; with `reset` it confirms the teardown of a lease that
 * is closing.
 */
export function submitLeaseConfirmation(
  state: State,
  provider: string,
  msg: MessageOf<'SubmitLeaseConfirmation'>,
): Refusal | null {
  const found = state.leases.get(msg.lease);
  if (found === undefined) return refuse('no_lease', `there is no lease ${msg.lease}, or it is closed`);
  if (found.provider !== provider) return refuse('not_provider', `the lease is with ${found.provider}`);
  if (msg.reset) {
    if (found.state !== 'closing')
      return refuse('not_closing', `the lease is ${found.state}; a reset ends a closing one`);
    finishLease(state, found, true);
    return null;
  }
  if (found.state === 'closing')
    return refuse('closing', 'the lease is closing; a confirmation with reset is expected');
  if (isStale(state, found))
    return refuse('stale', `confirmed last at height ${found.confirmedAt}; it is to be broken`);
  const quarter = Math.ceil(state.params.reconfirmationPeriod / 4);
  if (found.state === 'active' && state.height - found.confirmedAt < quarter) {
    return refuse(
      'too_soon',
      `confirmed at height ${found.confirmedAt}; at most one per ${quarter} blocks is expected`,
    );
  }
  const lease = state.leases.edit(msg.lease);
  const { tenant } = lease;
  if (lease.state === 'pending') {
    lease.state = 'active';
    lease.billingStart = state.time;
    state.emit({ type: 'LeaseActive', lease: lease.id, tenant, provider });
    scheduleExhaustion(state, lease.deployment);
  } else {
    settleLease(state, lease.id);
    // Only what a confirmation vouches for is a merit: what a tenant pays when it closes is neutral.
    recordKept(state, provider, lease.paid - lease.vouched);
    lease.vouched = lease.paid;
    state.emit({ type: 'LeaseConfirmed', lease: lease.id, tenant, provider });
  }
  lease.confirmedAt = state.height;
  setLeaseDue(state, lease, staleAt(state, state.height), DUE.stale);
  return null;
}

/**
 * Ends leases of one deployment by way of `closing`: billing stops in this block, debts are paid as far as the escrow
 * reaches. A pending lease that its tenant closes is paid since the match, so that nobody makes providers set up for
 * nothing (parameter pendingClose), but only out of what is not owed to others: accrued debt is reserved.
 */
export function closeLeases(state: State, deployment: string, leases: readonly string[], reason: LeaseEnd): void {
  const paysPending = reason !== 'insufficient_funds' && state.params.pendingClose === 'pays';
  const ending = leases.filter(id => state.leases.need(id).state !== 'closing');
  const accrued: Claim[] = [];
  const sinceMatch: Claim[] = [];
  for (const id of ending) {
    const lease = state.leases.need(id);
    if (lease.state === 'active') accrued.push({ lease: id, amount: debtOf(state, lease, state.time) });
    else if (paysPending && !isStale(state, lease))
      sinceMatch.push({ lease: id, amount: cumulativePay(lease.price, state.time - lease.time) });
  }
  const unpaid = new Map([...payClaims(state, deployment, accrued), ...payClaims(state, deployment, sinceMatch)]);
  for (const id of ending) {
    const lease = state.leases.edit(id);
    lease.state = 'closing';
    lease.reason = reason;
    setSlot(state, deployment, { ...slotOf(state.deployments.need(deployment), lease.group), stands: 'ended' });
    setLeaseDue(state, lease, state.height + state.params.resetGrace + 1, DUE.reset);
    const { tenant, provider } = lease;
    state.emit({ type: 'LeaseClosing', lease: id, tenant, provider, reason, unpaid: unpaid.get(id) ?? 0n });
  }
}

/** Takes a lease out of the state; the collateral has been or is being dealt with by the caller. */
function removeLease(state: State, lease: Readonly<Lease>): void {
  if (lease.due !== null) state.dueAtHeight.remove(lease.due);
  state.leases.remove(lease.id);
  state.fulfillments.remove(lease.fulfillment);
  const deployment = state.deployments.edit(lease.deployment);
  deployment.leases = deployment.leases.filter(id => id !== lease.id);
  scheduleDeploymentClosed(state, deployment);
}

/** A deployment that is closing is closed once its last lease has left. */
export function scheduleDeploymentClosed(state: State, deployment: Deployment): void {
  if (deployment.state === 'closing' && deployment.leases.length === 0 && deployment.closedDue === null) {
    deployment.closedDue = state.dueAtHeight.add(state.height + 1, deployment.sequence, DUE.closed, deployment.id);
  }
}

/** A closing lease ends: the collateral returns, whether the reset was confirmed or waited for in vain. */
function finishLease(state: State, lease: Readonly<Lease>, resetConfirmed: boolean): void {
  state.releaseCollateral(lease.provider, lease.collateral);
  if (resetConfirmed) state.providers.edit(lease.provider).keptLeases += 1;
  else recordBroken(state, lease, 0n);
  removeLease(state, lease);
  const { id, tenant, provider, reason, collateral } = lease;
  state.emit({ type: 'LeaseClosed', lease: id, tenant, provider, reason, collateral, resetConfirmed });
}

/** Facilitation: the provider has not confirmed the teardown in time. Its record suffers, its collateral does not. */
export function expireReset(state: State, msg: Extract<Facilitation, { type: 'ExpireReset' }>): Refusal | null {
  const lease = state.leases.get(msg.lease);
  if (lease === undefined || lease.state !== 'closing')
    return refuse('not_closing', `lease ${msg.lease} is not closing`);
  finishLease(state, lease, false);
  return null;
}

/**
 * Facilitation: a lease was not confirmed for longer than the period (paper, section 2.3, step 7). Its whole collateral
 * moves, once; the unpaid stretch stays unpaid; a persisted infrastructure is ordered again, its fee from the escrow.
 */
export function breakLease(state: State, msg: Extract<Facilitation, { type: 'SubmitStaleLease' }>): Refusal | null {
  const lease = state.leases.get(msg.lease);
  if (lease === undefined || lease.state === 'closing') return refuse('no_lease', `no lease ${msg.lease} to break`);
  if (!isStale(state, lease)) return refuse('not_stale', `confirmed at ${lease.confirmedAt}`);
  const unpaid = accruedOf(lease, state.time);
  const { toTenant, burned } = forfeit(state, lease);
  recordBroken(state, lease, lease.collateral);
  const stakeSlashed = slashOwnStake(state, lease.provider, state.params.brokenLeaseStakeSlash, 'broken_lease');
  removeLease(state, lease);
  const slot = slotOf(state.deployments.need(lease.deployment), lease.group);
  setSlot(state, lease.deployment, { ...slot, stands: 'ended' });
  const renewed = canRenew(state, lease);
  const { id, tenant, provider } = lease;
  const forfeited = lease.collateral;
  state.emit({
    type: 'LeaseBroken',
    lease: id,
    tenant,
    provider,
    forfeited,
    toTenant,
    burned,
    stakeSlashed,
    unpaid,
    renewed,
  });
  if (renewed) renewOrder(state, lease);
  scheduleExhaustion(state, lease.deployment);
  return null;
}

/** Moves the collateral of a broken lease to where the parameters say. */
function forfeit(state: State, lease: Readonly<Lease>): { toTenant: bigint; burned: bigint } {
  const { collateralTo, collateralSplit } = state.params;
  const share = collateralTo === 'tenant' ? PPM : collateralTo === 'burn' ? 0 : collateralSplit;
  const toTenant = partsOf(lease.collateral, share);
  const burned = lease.collateral - toTenant;
  if (toTenant > 0n) state.releaseCollateral(lease.tenant, toTenant);
  if (burned > 0n) state.burnCollateral(burned);
  return { toTenant, burned };
}

/** Whether an infrastructure is to be ordered again: persisted, and its escrow can pay the fee for the facilitation. */
function canRenew(state: State, lease: Readonly<Lease>): boolean {
  const deployment = state.deployments.need(lease.deployment);
  const { infrastructure } = slotOf(deployment, lease.group);
  if (!infrastructure.persist || deployment.state !== 'open') return false;
  return freeEscrow(state, deployment) >= state.params.feePerObject;
}

function renewOrder(state: State, lease: Readonly<Lease>): void {
  const deployment = state.deployments.need(lease.deployment);
  const fee = state.params.feePerObject;
  state.takeEscrow(deployment.id, fee);
  state.addToFeePool(fee);
  openOrder(state, deployment, slotOf(deployment, lease.group));
}
