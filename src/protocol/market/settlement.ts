/**
 * Billing: what leases cost, what has been paid, and when an escrow will be exhausted (MARKET rules, section 4).
 *
 * Debt accrues with block time and is reserved: it is the tenant's no more, though it moves only at settlements. Each
 * deployment with an active lease has one entry in the time index: the first instant at which its debt could exceed
 * its escrow. Settling does not move that instant, since what is paid leaves the debt and the escrow alike.
 */
import { cumulativePay, PICO_US_PER_MICRO, partsOf, proRata } from '../ledger/money.ts';
import type { Deployment, Lease } from '../model/market-rows.ts';
import type { State } from '../model/state.ts';
import { DUE } from './orders.ts';

/** Unconfirmed for more than the period: due to be broken, whether or not a block has got to it. */
export function isStale(state: State, lease: Readonly<Lease>): boolean {
  return lease.state !== 'closing' && state.height > lease.confirmedAt + state.params.reconfirmationPeriod;
}

/**
 * What is owed for an active lease at a block time, in micro-AKASH. Pending and closing leases are owed nothing, nor
 * stale ones: their unconfirmed stretch stays unpaid.
 */
export function debtOf(state: State, lease: Readonly<Lease>, time: number): bigint {
  return isStale(state, lease) ? 0n : accruedOf(lease, time);
}

/** What has accrued for an active lease since it was paid last, whether or not it will ever be paid. */
export function accruedOf(lease: Readonly<Lease>, time: number): bigint {
  return lease.state === 'active' ? cumulativePay(lease.price, time - lease.billingStart) - lease.paid : 0n;
}

/** What all leases of a deployment owe at a block time. */
export function debtOfDeployment(state: State, deployment: Readonly<Deployment>, time: number): bigint {
  let debt = 0n;
  for (const id of deployment.leases) debt += debtOf(state, state.leases.need(id), time);
  return debt;
}

/** Escrow that is not owed to anyone yet. */
export function freeEscrow(state: State, deployment: Readonly<Deployment>): bigint {
  const free = deployment.escrow - debtOfDeployment(state, deployment, state.time);
  return free > 0n ? free : 0n;
}

/** Moves an amount that is due from escrow to the provider, less the tax. */
export function payLease(state: State, leaseKey: string, amount: bigint): void {
  if (amount === 0n) return;
  const lease = state.leases.edit(leaseKey);
  const tax = partsOf(amount, state.params.leaseTax);
  state.takeEscrow(lease.deployment, amount);
  state.credit(lease.provider, amount - tax);
  if (tax > 0n) state.addToFeePool(tax);
  lease.paid += amount;
  const { tenant, provider, paid } = lease;
  state.emit({ type: 'LeasePaid', lease: leaseKey, tenant, provider, amount, tax, paid });
}

/** Pays a lease what it is owed now. The escrow holds it: the block began by ending what it could not pay. */
export function settleLease(state: State, leaseKey: string): void {
  payLease(state, leaseKey, debtOf(state, state.leases.need(leaseKey), state.time));
}

/** What a lease is to be paid at its end, micro-AKASH. */
export interface Claim {
  readonly lease: string;
  readonly amount: bigint;
}

/**
 * Pays several claims on one escrow as far as it reaches: pro rata, remaining micro-AKASH in order of lease creation.
 * What leases without a claim here have accrued is theirs and stays.
 * @returns what each claim was left unpaid, by lease
 */
export function payClaims(
  state: State,
  deployment: string,
  claims: readonly Claim[],
): readonly (readonly [lease: string, unpaid: bigint])[] {
  if (claims.length === 0) return [];
  const row = state.deployments.need(deployment);
  let reserved = 0n;
  for (const id of row.leases) {
    if (!claims.some(claim => claim.lease === id)) reserved += debtOf(state, state.leases.need(id), state.time);
  }
  const shares = proRata(
    row.escrow - reserved,
    claims.map(claim => claim.amount),
  );
  return claims.map((claim, i) => {
    const share = shares[i] as bigint;
    payLease(state, claim.lease, share);
    return [claim.lease, claim.amount - share] as const;
  });
}

/**
 * The first instant at which the debt may exceed the escrow, or null when nothing accrues. Exact for one lease; for
 * several it is at most a few microseconds' pay too early, because each lease's pay is rounded down by itself.
 */
function exhaustionTime(state: State, deployment: Readonly<Deployment>): number | null {
  let price = 0n;
  let weighted = 0n;
  let paid = 0n;
  for (const id of deployment.leases) {
    const lease = state.leases.need(id);
    if (lease.state !== 'active') continue;
    price += lease.price;
    weighted += lease.price * BigInt(lease.billingStart);
    paid += lease.paid;
  }
  if (price === 0n) return null;
  const beyond = (paid + deployment.escrow + 1n) * PICO_US_PER_MICRO + weighted;
  const time = (beyond + price - 1n) / price;
  return time > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(time);
}

/** Puts the deployment's exhaustion where it belongs after leases or escrow changed. */
export function scheduleExhaustion(state: State, deploymentKey: string): void {
  const deployment = state.deployments.need(deploymentKey);
  const time = deployment.state === 'open' ? exhaustionTime(state, deployment) : null;
  if ((deployment.exhaustionDue?.due ?? null) === time) return;
  const row = state.deployments.edit(deploymentKey);
  if (row.exhaustionDue !== null) state.dueAtTime.remove(row.exhaustionDue);
  row.exhaustionDue = time === null ? null : state.dueAtTime.add(time, row.sequence, DUE.exhaustion, row.id);
}

/** Under `settlement: per_block`, at the end of each block: every active lease is paid what it is owed. */
export function settleEveryLease(state: State): void {
  for (const lease of state.leases.sorted()) if (lease.state === 'active') settleLease(state, lease.id);
}
