/**
 * The objects of the marketplace, with the white paper's names (section 3.2), and their canonical encodings.
 *
 * Quantities: cpu in milli-vCPU, memory and disk in bytes, bandwidth in bit/s (0 = any), gpu in milli-GPU; prices in
 * pico-AKASH per second and unit; collateral in micro-AKASH per unit; reputation and shares in parts per million.
 */
import { bool, type CodecType, list, mapOf, refine, struct, text, ubig, uint, uintUpTo } from '../codec/struct.ts';
import { PPM } from '../ledger/money.ts';

export const MAX_GROUPS = 64;
export const MAX_INFRASTRUCTURES = 32;
export const MAX_COUNT = 100_000;
export const MAX_ATTRIBUTES = 32;
export const MAX_ID_BYTES = 200;
/** A price per second of one million AKASH: far above anything meant, far below any overflow. */
export const MAX_PRICE = 10n ** 24n;

export const id = text(MAX_ID_BYTES);
const word = text(128);
export const price = refine(ubig, `a price of at most ${MAX_PRICE} pico-AKASH/s`, value => value <= MAX_PRICE);
/** Collateral of a unit: a billion AKASH, so that no sum over an order comes near what can be encoded. */
const MAX_COLLATERAL = 10n ** 15n;
const collateral = refine(
  ubig,
  `collateral of at most ${MAX_COLLATERAL} micro-AKASH`,
  value => value <= MAX_COLLATERAL,
);

/** What one unit of a workload needs. */
export const computeUnit = struct({ cpu: uint, memory: uint, disk: uint, bandwidth: uint, gpu: uint });
export type ComputeUnit = CodecType<typeof computeUnit>;

/**
 * A number of equal compute units. In an order `price` is the most that the tenant pays for a unit, in a fulfillment
 * it is what the provider asks; `collateral` is what the provider posts.
 */
export const resourceGroup = struct({
  compute: computeUnit,
  price,
  collateral,
  count: uintUpTo(MAX_COUNT),
});
export type ResourceGroup = CodecType<typeof resourceGroup>;

export const resourceGroups = list(resourceGroup, MAX_GROUPS);

/** Attributes are words; an attribute that a tenant requires may list alternatives: `a100|v100`. */
export const attributes = mapOf(word, MAX_ATTRIBUTES);
export type Attributes = CodecType<typeof attributes>;

/** Resources that a tenant wants from a single datacenter. An empty region means any. */
export const deploymentInfrastructure = struct({
  region: word,
  persist: bool,
  resources: resourceGroups,
  attributes,
  reputationAtLeast: uintUpTo(PPM),
});
export type DeploymentInfrastructure = CodecType<typeof deploymentInfrastructure>;

/** The most (in an order) or the offer (in a fulfillment) for everything together, in pico-AKASH per second. */
export function totalPrice(groups: readonly ResourceGroup[]): bigint {
  let total = 0n;
  for (const group of groups) total += group.count === 1 ? group.price : group.price * BigInt(group.count);
  return total;
}

/**
 * What a provider must post, in micro-AKASH: the sum of collateral x count, or of the bare fields under `per_group`
 * (the paper defines collateral per unit and then sums the fields; which is meant is a parameter).
 */
export function totalCollateral(groups: readonly ResourceGroup[], basis: 'per_unit' | 'per_group'): bigint {
  let total = 0n;
  for (const group of groups) {
    total += basis === 'per_group' || group.count === 1 ? group.collateral : group.collateral * BigInt(group.count);
  }
  return total;
}

/** Why these resources cannot be ordered, or null. */
export function faultOfResources(groups: readonly ResourceGroup[]): string | null {
  if (groups.length === 0) return 'no resource groups';
  for (const [i, group] of groups.entries()) {
    const { cpu, memory, disk, bandwidth, gpu } = group.compute;
    if (group.count === 0) return `group ${i} has a count of 0`;
    if (cpu === 0 && memory === 0 && disk === 0 && bandwidth === 0 && gpu === 0) return `group ${i} asks for nothing`;
    if (group.price === 0n) return `group ${i} has a price of 0`;
  }
  return null;
}

function sameCompute(left: ComputeUnit, right: ComputeUnit): boolean {
  return (
    left === right ||
    (left.cpu === right.cpu &&
      left.memory === right.memory &&
      left.disk === right.disk &&
      left.bandwidth === right.bandwidth &&
      left.gpu === right.gpu)
  );
}

/**
 * Why an offer does not fit what was ordered, or null. The compute, count and collateral of every group must be the
 * same, and its price at most the order's (paper, section 3.2, Fulfillment).
 */
export function faultOfOffer(ordered: readonly ResourceGroup[], offered: readonly ResourceGroup[]): string | null {
  if (offered.length !== ordered.length) return `offers ${offered.length} groups where ${ordered.length} are ordered`;
  for (let i = 0; i < ordered.length; i++) {
    const want = ordered[i] as ResourceGroup;
    const offer = offered[i] as ResourceGroup;
    if (offer.count !== want.count) return `group ${i}: count ${offer.count} is not ${want.count}`;
    if (!sameCompute(offer.compute, want.compute)) return `group ${i}: compute differs from the order's`;
    if (offer.collateral !== want.collateral)
      return `group ${i}: collateral ${offer.collateral} is not ${want.collateral}`;
    if (offer.price > want.price) return `group ${i}: price ${offer.price} is above the maximum of ${want.price}`;
  }
  return null;
}

/** Whether a provider's attributes satisfy what an order requires. */
export function attributesMatch(required: Attributes, offered: Attributes): boolean {
  for (const name in required) {
    const has = offered[name];
    if (has === undefined) return false;
    const wants = required[name] as string;
    if (has !== wants && !wants.split('|').includes(has)) return false;
  }
  return true;
}

/**
 * `tenant/nonce`: the deployment made by the tenant's transaction with that nonce. Made by somebody else under a grant,
 * the nonce is `grant.nonce`, of the grant and of the signer, so that it never meets one of the tenant's own.
 */
export function deploymentId(tenant: string, nonce: string): string {
  return `${tenant}/${nonce}`;
}

/** `tenant/nonce/group/sequence`: the sequence-th order for one infrastructure of a deployment; also its lease's id. */
export function orderId(deployment: string, group: number, sequence: number): string {
  return `${deployment}/${group}/${sequence}`;
}

/** `order/provider/attempt`. */
export function fulfillmentId(order: string, provider: string, attempt: number): string {
  return `${order}/${provider}/${attempt}`;
}

/** The deployment that a deployment, order, lease or fulfillment id belongs to. */
export function deploymentOf(anyId: string): string {
  const tenantEnd = anyId.indexOf('/');
  if (tenantEnd < 0) return anyId;
  const nonceEnd = anyId.indexOf('/', tenantEnd + 1);
  return nonceEnd < 0 ? anyId : anyId.slice(0, nonceEnd);
}
