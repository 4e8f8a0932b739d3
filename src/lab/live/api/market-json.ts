/** Providers, orders, leases, deployments and accounts of a state, as the API shows them. */
import { bytesToHex } from '@noble/hashes/utils.js';
import type { z } from 'zod';
import { faultOfFulfillment } from '../../../protocol/market/eligibility.ts';
import { ownStake, recordAt, recordTerm, reputationOf } from '../../../protocol/market/reputation.ts';
import { accruedOf, freeEscrow } from '../../../protocol/market/settlement.ts';
import type { Deployment, Fulfillment, Lease, Order, Provider } from '../../../protocol/model/market-rows.ts';
import { type ComputeUnit, orderId, totalPrice } from '../../../protocol/model/objects.ts';
import type { State } from '../../../protocol/model/state.ts';
import type { NameOf } from './chain-json.ts';
import type * as schemas from './node-schemas.ts';
import { type Survey, sumOf, utilisation } from './survey.ts';
import { toJson } from './to-json.ts';

/** What market answers are made from. */
export interface MarketSource {
  readonly state: State;
  readonly survey: Survey;
  readonly nameOf: NameOf;
  readonly capacityOf: (provider: string) => ComputeUnit | null;
}

type Json<S extends z.ZodType> = z.infer<S>;

/** Lease ids that a provider's page lists. */
const MAX_LEASES_LISTED = 1_000;

/** Resources with their units. */
export function compute(unit: ComputeUnit): Json<typeof schemas.provider>['used'] {
  return {
    cpu_milli: unit.cpu,
    memory_bytes: unit.memory,
    disk_bytes: unit.disk,
    bandwidth_bps: unit.bandwidth,
    gpu_milli: unit.gpu,
  };
}

export function providerJson(source: MarketSource, row: Readonly<Provider>): Json<typeof schemas.provider> {
  const { state, survey, nameOf } = source;
  const leases = survey.leasesOf.get(row.address) ?? [];
  const used = sumOf(leases.flatMap(one => one.resources));
  const capacity = source.capacityOf(row.address);
  return {
    address: row.address,
    name: nameOf(row.address),
    sequence: row.sequence,
    region: row.region,
    endpoint: row.endpoint,
    attributes: { ...row.attributes },
    reputation_ppm: reputationOf(state, row),
    jailed_until_us: row.jailedUntil > state.time ? row.jailedUntil : null,
    leases: leases.length,
    used: compute(used),
    capacity: capacity === null ? null : compute(capacity),
    utilisation_ppm: capacity === null ? null : utilisation(used, capacity),
  };
}

export function providerDetail(source: MarketSource, row: Readonly<Provider>): Json<typeof schemas.providerDetail> {
  const { state, survey } = source;
  const { kept, broken } = recordAt(row, state.params, state.time);
  return {
    height: state.height,
    ...providerJson(source, row),
    certificate: bytesToHex(row.certificate),
    record: {
      kept_uakt: kept.toString(),
      broken_uakt: broken.toString(),
      kept_leases: row.keptLeases,
      broken_leases: row.brokenLeases,
      record_ppm: recordTerm(kept, broken, state.params),
      own_stake_uakt: ownStake(state, row.address).toString(),
      stake_weight_ppm: state.params.reputationStakeWeight,
    },
    lease_ids: (survey.leasesOf.get(row.address) ?? []).slice(0, MAX_LEASES_LISTED).map(one => one.id),
  };
}

function bidJson(source: MarketSource, order: Readonly<Order>, row: Readonly<Fulfillment>): Json<typeof schemas.bid> {
  const { state, nameOf } = source;
  const provider = state.providers.get(row.provider);
  return {
    fulfillment: row.id,
    provider: row.provider,
    provider_name: nameOf(row.provider),
    total_pakt_per_s: row.total.toString(),
    collateral_uakt: row.collateral.toString(),
    height: row.height,
    position: row.position,
    reputation_ppm: provider === undefined ? null : reputationOf(state, provider),
    ineligible: faultOfFulfillment(state, order, row),
  };
}

export function orderJson(source: MarketSource, row: Readonly<Order>): Json<typeof schemas.order> {
  const { state, nameOf } = source;
  return {
    order: row.id,
    sequence: row.sequence,
    deployment: row.deployment,
    tenant: row.tenant,
    tenant_name: nameOf(row.tenant),
    region: row.infrastructure.region,
    height: row.height,
    time_us: row.time,
    match_from_height: row.matchFrom,
    closes_at_us: row.closesAt,
    collateral_uakt: row.collateral.toString(),
    maximum_pakt_per_s: totalPrice(row.infrastructure.resources).toString(),
    asks: compute(sumOf(row.infrastructure.resources)),
    bids: row.fulfillments.map(id => bidJson(source, row, state.fulfillments.need(id))),
  };
}

export function orderDetail(source: MarketSource, row: Readonly<Order>): Json<typeof schemas.orderDetail> {
  return {
    ...orderJson(source, row),
    state_height: source.state.height,
    infrastructure: infrastructure(row.infrastructure),
  };
}

function infrastructure(value: Order['infrastructure']): Json<typeof schemas.orderDetail>['infrastructure'] {
  return toJson(value) as unknown as Json<typeof schemas.orderDetail>['infrastructure'];
}

export function leaseJson(source: MarketSource, row: Readonly<Lease>): Json<typeof schemas.lease> {
  const { state, nameOf } = source;
  return {
    lease: row.id,
    sequence: row.sequence,
    deployment: row.deployment,
    tenant: row.tenant,
    tenant_name: nameOf(row.tenant),
    provider: row.provider,
    provider_name: nameOf(row.provider),
    region: state.providers.get(row.provider)?.region ?? '',
    state: row.state,
    price_pakt_per_s: row.price.toString(),
    height: row.height,
    time_us: row.time,
    billing_start_us: row.state === 'pending' ? null : row.billingStart,
    paid_uakt: row.paid.toString(),
    accrued_uakt: accruedOf(row, state.time).toString(),
    collateral_uakt: row.collateral.toString(),
    confirmed_at_height: row.confirmedAt,
    confirm_by_height: row.confirmedAt + state.params.reconfirmationPeriod,
    uses: compute(sumOf(row.resources)),
  };
}

export function leaseDetail(source: MarketSource, row: Readonly<Lease>): Json<typeof schemas.leaseDetail> {
  return {
    ...leaseJson(source, row),
    state_height: source.state.height,
    fulfillment: row.fulfillment,
    reason: row.reason,
    resources: toJson(row.resources) as unknown as Json<typeof schemas.leaseDetail>['resources'],
    infrastructure: infrastructure(row.infrastructure),
  };
}

export function deploymentJson(source: MarketSource, row: Readonly<Deployment>): Json<typeof schemas.deployment> {
  const { state, nameOf } = source;
  return {
    state_height: state.height,
    deployment: row.id,
    tenant: row.tenant,
    tenant_name: nameOf(row.tenant),
    height: row.height,
    version: bytesToHex(row.version),
    state: row.state,
    reason: row.reason,
    escrow_uakt: row.escrow.toString(),
    free_escrow_uakt: freeEscrow(state, row).toString(),
    wait_blocks: row.waitDuration,
    open_for_us: row.openFor,
    slots: row.slots.map(slot => ({
      group: slot.group,
      stands: slot.stands,
      order: orderId(row.id, slot.group, slot.sequence),
      infrastructure: infrastructure(slot.infrastructure),
    })),
    leases: [...row.leases],
  };
}

/** An account; null where there is none. */
export function accountJson(state: State, address: string, nameOf: NameOf): Json<typeof schemas.account> | null {
  const row = state.accounts.get(address);
  if (row === undefined) return null;
  return {
    height: state.height,
    address,
    name: nameOf(address),
    balance_uakt: row.balance.toString(),
    nonce: row.nonce,
    bonded_uakt: row.bonded.toString(),
    unbondings: row.unbondings,
  };
}
