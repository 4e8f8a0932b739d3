/**
 * From what a deployment file asks for to what the market trades in: a placement group becomes one infrastructure, its
 * resources become resource groups, its prices a maximum per second.
 *
 * SDL files speak of today's Akash, the market is the white paper's, and neither knows all of the other. What the paper
 * has and a file lacks (persistence, collateral, region, reputation) comes in as `MarketTerms`. What a file has and the
 * market lacks becomes attributes that a datacenter has to state: GPUs, classes of storage, leased IPs, auditors. The
 * market believes what a datacenter states; there is nobody who audits. What cannot be said in its words at all is
 * refused with every reason, and nothing is rounded in the seller's favour.
 */

import type { DeploymentInfrastructure, ResourceGroup } from '../model/objects.ts';
import { faultOfResources, MAX_ATTRIBUTES, MAX_COUNT, MAX_GROUPS, MAX_PRICE } from '../model/objects.ts';
import { gpuRequirements } from './market-gpu.ts';
import { isPersistent } from './rules.ts';
import type { Attribute, Denom, GroupResource, GroupSpec, Price, Resources } from './types.ts';

/** What one unit of a denomination is worth is counted in so many parts of a micro-AKASH. */
export const RATE_SCALE = 10n ** 12n;
const ATTO = 10n ** 18n;

/** How prices per block in some denomination become prices per second in AKASH. */
export interface PriceConversion {
  /** Length of the block that the prices speak of, whole microseconds, above 0. */
  readonly sdlBlock_us: number;
  /** Micro-AKASH for one of a denomination, in parts of RATE_SCALE, above 0. */
  readonly denominations: { readonly [D in Denom]: bigint };
}

/**
 * Today's chain makes a block every 6.117 seconds (the figure behind its providers' default prices). A credit (ACT) is
 * a US dollar; that an AKASH is one as well is a round figure, and the knob to turn.
 */
export const DEFAULT_CONVERSION: PriceConversion = {
  sdlBlock_us: 6_117_000,
  denominations: { uakt: RATE_SCALE, uact: RATE_SCALE },
};

/** What the market asks of an infrastructure and a deployment file does not say. */
export interface MarketTerms {
  /** Empty: any. */
  readonly region: string;
  /** Order again when a lease breaks. */
  readonly persist: boolean;
  /** Parts per million. */
  readonly reputationAtLeast: number;
  /** Micro-AKASH per unit. */
  readonly collateral: bigint;
}

export type MappedGroup =
  | { readonly ok: true; readonly infrastructure: DeploymentInfrastructure }
  /** Why the market cannot hold it. */
  | { readonly ok: false; readonly reasons: readonly string[] };

/**
 * The most that a tenant pays for a unit, in pico-AKASH per second: the price per block over the length of a block,
 * rounded down, so that a tenant never pays more than its file says.
 */
export function limitPerSecond(price: Price, { sdlBlock_us, denominations }: PriceConversion): bigint {
  const rate = denominations[price.denom];
  if (!(sdlBlock_us > 0) || rate <= 0n) {
    throw new RangeError(`found a block of ${sdlBlock_us} us at a rate of ${rate}, expected both above 0`);
  }
  // atto/10^18 units x rate/10^12 uakt x 10^6 pico, per sdlBlock_us/10^6 s: the powers of ten cancel but for one.
  return (price.atto * rate) / BigInt(ATTO * BigInt(sdlBlock_us));
}

/** What the infrastructure asks for in words, collected from all of its resources. */
class Requirements {
  readonly attributes = new Map<string, string>();
  readonly reasons: string[] = [];

  add(name: string, value: string): void {
    const before = this.attributes.get(name);
    if (before === undefined) this.attributes.set(name, value);
    else if (before !== value) this.refuse(`the attribute ${name} has to be ${before} and ${value} at once`);
  }

  refuse(reason: string): void {
    if (!this.reasons.includes(reason)) this.reasons.push(reason);
  }
}

/** The attribute by which a datacenter states that an auditor has signed its attributes. */
export function auditorAttribute(address: string): string {
  return `signed-by/${address}`;
}

/** The attribute by which a datacenter states that it has persistent storage of a class, such as `beta3`. */
export function storageAttribute(storageClass: string): string {
  return `storage/${storageClass}`;
}

/** The attribute by which a datacenter states that it leases IP addresses. */
export const IP_ATTRIBUTE = 'feat-endpoint-ip';

/** Kind of an endpoint on a leased IP address. */
const LEASED_IP = 2;

function requireAuditors({ requirements: { signedBy } }: GroupSpec, out: Requirements): void {
  for (const address of signedBy.allOf) out.add(auditorAttribute(address), 'true');
  const [first, ...others] = signedBy.anyOf;
  if (first === undefined || signedBy.anyOf.some(one => signedBy.allOf.includes(one))) return;
  if (others.length > 0) {
    out.refuse(`any of ${signedBy.anyOf.length} auditors will do, which attributes of the market cannot say`);
  } else out.add(auditorAttribute(first), 'true');
}

function attributeOf(list: readonly Attribute[], key: string): string {
  return list.find(one => one.key === key)?.value ?? '';
}

/** What one instance needs, in the units of the market's ComputeUnit. */
export function quantitiesOf({ cpu, memory, gpu, storage }: Resources): {
  readonly cpu: bigint;
  readonly memory: bigint;
  readonly disk: bigint;
  readonly gpu: bigint;
} {
  let inMemory = memory.bytes;
  let disk = 0n;
  for (const { bytes, attributes } of storage) {
    // A volume in memory counts against the memory of the machine, beside what the service itself asked for.
    if (attributeOf(attributes, 'class') === 'ram') inMemory += bytes;
    else disk += bytes;
  }
  return { cpu: cpu.milli, memory: inMemory, disk, gpu: gpu.units * 1000n };
}

/** A whole number that the market can count, or 0 with a reason. */
function counted(value: bigint, what: string, out: Requirements): number {
  if (value <= BigInt(Number.MAX_SAFE_INTEGER)) return Number(value);
  out.refuse(`${value} ${what} are more than can be counted`);
  return 0;
}

function resourceGroup(
  resource: GroupResource,
  terms: MarketTerms,
  conversion: PriceConversion,
  out: Requirements,
): ResourceGroup {
  const { cpu, memory, disk, gpu } = quantitiesOf(resource);
  for (const { attributes } of resource.storage) {
    if (isPersistent(attributeOf(attributes, 'persistent'))) {
      out.add(storageAttribute(attributeOf(attributes, 'class')), 'true');
    }
  }
  for (const { key, value } of resource.cpu.attributes) out.add(`cpu/${key}`, value);
  if (resource.endpoints.some(one => one.kind === LEASED_IP)) out.add(IP_ATTRIBUTE, 'true');
  const price = limitPerSecond(resource.price, conversion);
  if (price === 0n) {
    out.refuse(`its price of ${resource.price.amount} ${resource.price.denom} a block is nothing per second`);
  } else if (price > MAX_PRICE) out.refuse(`its price of ${resource.price.amount} is above all limits`);
  if (resource.count > MAX_COUNT) out.refuse(`${resource.count} instances are more than ${MAX_COUNT}`);
  return {
    compute: {
      cpu: counted(cpu, 'thousandths of a processor', out),
      memory: counted(memory, 'bytes of memory', out),
      disk: counted(disk, 'bytes of storage', out),
      bandwidth: 0,
      gpu: counted(gpu, 'thousandths of a GPU', out),
    },
    price,
    collateral: terms.collateral,
    count: resource.count,
  };
}

/** Longest word of the market, bytes of UTF-8. */
const MAX_WORD = 128;

function fits(word: string): boolean {
  let bytes = 0;
  for (const one of word) {
    const point = one.codePointAt(0) as number;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return bytes <= MAX_WORD && word.isWellFormed();
}

function checkAttributes(out: Requirements): void {
  if (out.attributes.size > MAX_ATTRIBUTES) {
    out.refuse(`it asks for ${out.attributes.size} attributes, of which the market knows ${MAX_ATTRIBUTES} at most`);
  }
  for (const [name, value] of out.attributes) {
    if (!fits(name) || !fits(value)) out.refuse(`the attribute ${name} is longer than ${MAX_WORD} bytes`);
  }
}

/**
 * The infrastructure that a placement group is in the market. Attributes come in the order of their names.
 * @param group as the file's group specification has it
 */
export function infrastructureOf(group: GroupSpec, terms: MarketTerms, conversion: PriceConversion): MappedGroup {
  const out = new Requirements();
  for (const { key, value } of group.requirements.attributes) {
    // In the market a bar separates alternatives; today's chain compares such a value as it stands.
    if (value.includes('|')) out.refuse(`the attribute ${key} has a value with |, which stands between alternatives`);
    out.add(key, value);
  }
  requireAuditors(group, out);
  const gpu = gpuRequirements(group.resources);
  for (const [name, value] of gpu.attributes) out.add(name, value);
  for (const reason of gpu.reasons) out.refuse(reason);
  const resources = group.resources.map(one => resourceGroup(one, terms, conversion, out));
  checkAttributes(out);
  if (resources.length > MAX_GROUPS) out.refuse(`${resources.length} resource groups are more than ${MAX_GROUPS}`);
  const fault = out.reasons.length === 0 ? faultOfResources(resources) : null;
  if (fault !== null) out.refuse(fault);
  if (out.reasons.length > 0) return { ok: false, reasons: out.reasons };
  const names = [...out.attributes.keys()].sort((a, b) => (a < b ? -1 : 1));
  const { region, persist, reputationAtLeast } = terms;
  return {
    ok: true,
    infrastructure: {
      region,
      persist,
      resources,
      attributes: Object.fromEntries(names.map(name => [name, out.attributes.get(name) as string])),
      reputationAtLeast,
    },
  };
}
