/**
 * What a scenario is once it has been read, checked and normalised.
 *
 * A scenario file speaks in units (`5s`, `64Gi`, `12 akash`); this is what everything behind the loader sees: durations
 * are whole microseconds, money is bigint micro-AKASH, rates are pico-AKASH per second, sizes are bytes, processors and
 * accelerators are thousandths. Everything here is plain data, so that a scenario travels to a worker by structured
 * clone; distributions and expressions are therefore descriptions, which distributions.ts and expression.ts turn into
 * functions where they are needed. Every default has been filled in: null means "none", never "not said".
 */

import type { ValidatorConduct } from '../../actors/validator/conduct.ts';
import type { PriceConversion } from '../../protocol/manifest/market.ts';
import type { Fault } from './types-faults.ts';

export type { Fault, FaultAction, FaultKind, FaultTarget } from './types-faults.ts';

/** What a number measures, and with it the unit in which a distribution's parameters and draws are given. */
export type Quantity =
  /** whole microseconds */
  | 'duration'
  /** whole bytes */
  | 'bytes'
  /** whole milli-vCPU */
  | 'cpu'
  /** whole milli-GPU */
  | 'gpu'
  /** whole bits per second */
  | 'bandwidth'
  /** whole pico-AKASH per second */
  | 'rate'
  /** whole micro-AKASH */
  | 'money'
  /** a number without a unit, not negative */
  | 'number';

/** The shape of a distribution, parameters in the base unit of its quantity. */
export type Shape =
  | { readonly kind: 'constant'; readonly value: number }
  /** `min` included, `max` excluded before rounding. */
  | { readonly kind: 'uniform'; readonly min: number; readonly max: number }
  | { readonly kind: 'exponential'; readonly mean: number }
  /** Truncated at zero: negative draws are drawn again. `mean` and `sd` are those of the untruncated normal. */
  | { readonly kind: 'normal'; readonly mean: number; readonly sd: number }
  /** `sigma`: standard deviation of the logarithm. */
  | { readonly kind: 'lognormal'; readonly median: number; readonly sigma: number }
  /** P(X > x) = (min / x)^alpha. */
  | { readonly kind: 'pareto'; readonly min: number; readonly alpha: number }
  /** P(X > x) = exp(-(x / scale)^shape). */
  | { readonly kind: 'weibull'; readonly scale: number; readonly shape: number }
  | { readonly kind: 'gamma'; readonly scale: number; readonly shape: number }
  | { readonly kind: 'choice'; readonly values: readonly number[]; readonly weights: readonly number[] }
  /** Each listed value equally likely. */
  | { readonly kind: 'empirical'; readonly values: readonly number[] };

/** A distribution as data; `sampler` in distributions.ts makes it draw. */
export type Distribution<Q extends Quantity = Quantity> = { readonly quantity: Q } & Shape;

/** Where something is. `cycle`: the i-th member is in regions[i mod n]. `weights`: drawn for each member. */
export type RegionChoice =
  | { readonly kind: 'cycle'; readonly regions: readonly string[] }
  | { readonly kind: 'weights'; readonly regions: readonly string[]; readonly weights: readonly number[] };

/** Prices or costs of single resources. */
export interface ResourceRates {
  /** per vCPU (not per milli-vCPU) */
  readonly cpu: Distribution<'rate'>;
  /** per GiB */
  readonly memory: Distribution<'rate'>;
  /** per GiB */
  readonly disk: Distribution<'rate'>;
  /** per GPU (not per milli-GPU) */
  readonly gpu: Distribution<'rate'>;
}

/** Something done each `every` blocks. */
export interface EveryBlocks {
  readonly every: number;
}

/** Validators that are alike. */
export interface ValidatorClass {
  readonly count: number;
  /** micro-AKASH that each has bonded with itself. */
  readonly stake: bigint;
  /** parts per million */
  readonly commission: number;
  /** `null`: nowhere in particular. */
  readonly region: RegionChoice | null;
  /** Whether one that was jailed for missing blocks asks to come back as soon as it may. */
  readonly unjail: boolean;
  readonly behaviour: ValidatorBehaviour;
}

/** As a validator's conduct, but for what it favours: a class of providers. */
export type ValidatorBehaviour =
  | Exclude<ValidatorConduct, { readonly kind: 'favour' }>
  | { readonly kind: 'favour'; readonly providers: string };

/** Who is connected to whom: everybody with everybody, or each with about `degree` others. */
export type Topology = { readonly kind: 'mesh' } | { readonly kind: 'partial'; readonly degree: number };

/** Waiting in a round's steps, microseconds: `base + round x delta`. */
export interface RoundTimeouts {
  readonly propose: { readonly base: number; readonly delta: number };
  readonly prevote: { readonly base: number; readonly delta: number };
  readonly precommit: { readonly base: number; readonly delta: number };
}

export interface ChainOptions {
  /** microseconds, above 0 */
  readonly blockInterval: number;
  /** Named validator-0, validator-1, ... through all classes. */
  readonly validators: readonly ValidatorClass[];
  readonly topology: Topology;
  readonly timeouts: RoundTimeouts;
  /** Blocks that a node's store keeps at least. */
  readonly keepBlocks: number;
  /** A snapshot of the state at every so many heights; 0 = never. */
  readonly snapshotEvery: number;
  /** Whether tenants and providers take the node that they ask at its word, or believe only what is proven. */
  readonly clients: 'trusting' | 'light';
  /** `null`: the state is not committed to (only with one validator). */
  readonly commitments: EveryBlocks | null;
  readonly signatures: 'keyed-hash' | 'ed25519';
  /** How often the invariants are recomputed in full; `null`: only at the end. */
  readonly invariants: EveryBlocks | null;
  /** As written; the protocol's own parameter table gives them meaning. In the order of the file. */
  readonly params: Readonly<Record<string, number | string | boolean>>;
}

/** Round-trip times from one region to another; both directions are always present. */
export interface RegionLink {
  readonly from: string;
  readonly to: string;
  /** microseconds, median round trip */
  readonly p50: number;
  /** microseconds, not less than `p50` */
  readonly p90: number;
}

export interface NetworkOptions {
  /** One-way latency of every link that `regions` does not name (by default 40 ms; 500 us beside named regions). */
  readonly latency: Distribution<'duration'>;
  /** Directed; empty when all links are alike. */
  readonly regions: readonly RegionLink[];
}

/** Capacity of one host. */
export interface Capacity {
  /** milli-vCPU */
  readonly cpu: number;
  /** bytes */
  readonly memory: number;
  /** bytes */
  readonly disk: number;
  /** milli-GPU */
  readonly gpu: number;
  /** bits per second; 0 = not limited */
  readonly bandwidth: number;
}

/** How many providers a class has and what stands in them. */
export type ProviderSupply =
  | { readonly kind: 'counted'; readonly count: number; readonly hosts: number; readonly capacity: Capacity }
  /** One provider per group of `workload.nodesPerProvider` nodes of one model; the trace knows no disks and links. */
  | { readonly kind: 'trace'; readonly disk: number; readonly bandwidth: number };

/** How a provider finds its price. `margin` 0.2 asks for 1.2 times the cost. */
export type Strategy =
  /** The margin is drawn once per provider. */
  | { readonly kind: 'costPlus'; readonly margin: Distribution<'number'> }
  /** cost x (1 + base + slope x utilisation^exponent) */
  | { readonly kind: 'utilisation'; readonly base: number; readonly slope: number; readonly exponent: number }
  /** last clearing price x (1 - step), never below cost x (1 + floor); before any price is known, cost x (1 + start) */
  | { readonly kind: 'undercut'; readonly step: number; readonly floor: number; readonly start: number }
  | { readonly kind: 'fixed'; readonly price: ResourceRates }
  | { readonly kind: 'zeroIntelligence' }
  /** lowest visible bid x (1 - step), never below cost */
  | { readonly kind: 'bestResponse'; readonly step: number }
  /** Bids `lead` microseconds before the order may match. */
  | { readonly kind: 'sniper'; readonly margin: Distribution<'number'>; readonly lead: number }
  /** Over STRATEGY_VARIABLES; prices in it are in uakt/h. */
  | { readonly kind: 'expression'; readonly price: string }
  /** Members of the ring of that name take turns; the others bid above the chosen one. */
  | { readonly kind: 'ring'; readonly name: string; readonly margin: number; readonly floor: number };

export type ProviderBehaviour =
  | { readonly kind: 'honest' }
  /** Bids and confirms, and never runs anything. */
  | { readonly kind: 'freeRider' }
  /** Bids and never confirms. */
  | { readonly kind: 'noShow' }
  /**
   * Outside offers for leased capacity arrive `every` so often, paying `gain` more than the lease; the provider defaults
   * if the gain, discounted at `discount` (per second) over the rest of the lease, exceeds what it would forfeit.
   */
  | {
      readonly kind: 'defaulter';
      readonly every: Distribution<'duration'>;
      readonly gain: Distribution<'rate'>;
      readonly discount: number;
    }
  /** Honest until it has earned `after` micro-AKASH, then stops confirming everything at once. */
  | { readonly kind: 'exitScammer'; readonly after: bigint }
  /** Cancels a bid with this probability, so long after placing it. */
  | { readonly kind: 'bidAndCancel'; readonly probability: number; readonly after: Distribution<'duration'> }
  /** Leases from itself, to look reliable. */
  | {
      readonly kind: 'washTrader';
      readonly every: Distribution<'duration'>;
      readonly lifetime: Distribution<'duration'>;
      readonly price: Distribution<'rate'>;
    };

export interface ContainerOptions {
  readonly pull: Distribution<'duration'>;
  readonly start: Distribution<'duration'>;
  /** probability that a start fails */
  readonly failure: number;
  /** Until a container exits by itself; null: never. */
  readonly lifetime: Distribution<'duration'> | null;
  readonly stop: Distribution<'duration'>;
}

export interface ProviderClass {
  readonly name: string;
  readonly supply: ProviderSupply;
  readonly region: RegionChoice;
  readonly attributes: Readonly<Record<string, string>>;
  /** What a unit costs the provider; drawn once per provider. */
  readonly cost: ResourceRates;
  readonly strategy: Strategy;
  /** Whether open bids count as used capacity. */
  readonly reserve: 'bids' | 'none';
  readonly bidProbability: number;
  /** Time to think before a bid. */
  readonly bidDelay: Distribution<'duration'>;
  /** own bonded stake, micro-AKASH */
  readonly stake: bigint;
  /** micro-AKASH beside the stake */
  readonly balance: bigint;
  readonly containers: ContainerOptions;
  readonly behaviour: ProviderBehaviour;
}

/** When deployments of a class arrive; tenants of the class take turns. */
export type Arrivals =
  | { readonly kind: 'poisson'; readonly every: number }
  /** Poisson with rate (1 + amplitude cos(2 pi (t - peak) / day)) / every; time 0 is midnight. */
  | { readonly kind: 'diurnal'; readonly every: number; readonly amplitude: number; readonly peak: number }
  /** Independent gaps; a constant gap is a fixed rhythm. */
  | { readonly kind: 'renewal'; readonly every: Distribution<'duration'> }
  /** Ascending. */
  | { readonly kind: 'at'; readonly times: readonly number[] }
  /** The pods of `workload`. */
  | { readonly kind: 'trace' };

/** What a tenant puts into a new deployment's escrow. */
export type Escrow =
  /** Reconfirmation periods at the maximum price. */
  | { readonly kind: 'periods'; readonly periods: number }
  /** microseconds at the maximum price */
  | { readonly kind: 'duration'; readonly duration: number }
  | { readonly kind: 'money'; readonly amount: bigint };

export type TenantBehaviour =
  | { readonly kind: 'honest' }
  /** Takes leases and hands their providers no manifest. */
  | { readonly kind: 'withholdManifest' }
  /** Closes a lease before its first confirmation, with this probability. */
  | { readonly kind: 'closeWhilePending'; readonly probability: number }
  /** Each arrival is a burst of `orders` deployments, closed again after `closeAfter`. */
  | { readonly kind: 'griefer'; readonly orders: number; readonly closeAfter: Distribution<'duration'> };

/** The most that a tenant pays for one unit of a group. */
export type PriceLimit =
  | { readonly kind: 'rate'; readonly rate: Distribution<'rate'> }
  | { readonly kind: 'perUnit'; readonly rates: ResourceRates }
  /** In uakt/h, over PRICE_VARIABLES: cpu (vCPU), memory and disk (GiB), gpu (GPUs) of the unit. */
  | { readonly kind: 'expression'; readonly expression: string };

/**
 * One ResourceGroup to ask for; drawn anew for each deployment. In a class whose arrivals come from a trace, cpu, memory
 * and gpu are constant 0 here and taken from the pod.
 */
export interface GroupTemplate {
  readonly cpu: Distribution<'cpu'>;
  readonly memory: Distribution<'bytes'>;
  readonly disk: Distribution<'bytes'>;
  readonly gpu: Distribution<'gpu'>;
  /** 0 = any */
  readonly bandwidth: Distribution<'bandwidth'>;
  readonly count: number;
  readonly price: PriceLimit;
  /** micro-AKASH per unit */
  readonly collateral: Distribution<'money'>;
}

export interface InfrastructureTemplate {
  /** null: any region */
  readonly region: RegionChoice | null;
  readonly persist: boolean;
  readonly attributes: Readonly<Record<string, string>>;
  /** 0 to 1 */
  readonly reputationAtLeast: number;
  readonly groups: readonly GroupTemplate[];
}

/** What the market asks of a deployment and SDL files do not say. */
export interface SdlTerms {
  /** null: any region. Of several datacenters the i-th takes the i-th of a list. */
  readonly region: RegionChoice | null;
  readonly persist: boolean;
  /** 0 to 1 */
  readonly reputationAtLeast: number;
  /** micro-AKASH per unit */
  readonly collateral: bigint;
  /** How many datacenters each run all that a placement asks for. */
  readonly datacenters: number;
}

/** How a class deploys SDL files: what they do not say, and how often each is drawn. */
export interface SdlTemplate {
  readonly terms: SdlTerms;
  /** By name of file; the others have the weight that orrery.yaml says, or 1. */
  readonly weights: Readonly<Record<string, number>>;
}

export interface TenantClass {
  readonly name: string;
  readonly count: number;
  readonly balance: bigint;
  /** Where the tenant itself sits; null: nowhere in particular (the network's plain latency holds). */
  readonly region: RegionChoice | null;
  readonly arrivals: Arrivals;
  /** Deployments arrive from `first` (included) to `last` (excluded). */
  readonly first: number;
  readonly last: number;
  /** Until the tenant closes its deployment; null: never, or as the trace says. */
  readonly lifetime: Distribution<'duration'> | null;
  readonly escrow: Escrow;
  /** Deposit again when the escrow covers fewer than `below` periods, up to `to` periods. */
  readonly refill: { readonly below: number; readonly to: number } | null;
  /** blocks */
  readonly waitDuration: number;
  /** microseconds */
  readonly openFor: number;
  readonly behaviour: TenantBehaviour;
  /** Empty where the class deploys SDL files. */
  readonly deployment: readonly InfrastructureTemplate[];
  /** null: the class deploys what `deployment` says. */
  readonly sdl: SdlTemplate | null;
}

/** A trace to replay. Paths are ready to be read: relative to the working directory, or absolute. */
export interface Workload {
  readonly format: 'openb';
  readonly pods: string;
  readonly nodes: string;
  /** `timeScale`: gaps between arrivals are divided by it. `targetLoad`: see timeScaleFor in trace.ts. */
  readonly scale:
    | { readonly kind: 'timeScale'; readonly timeScale: number }
    | { readonly kind: 'targetLoad'; readonly targetLoad: number };
  readonly nodesPerProvider: number;
}

/** A folder of SDL files to deploy, and how their prices become the market's. */
export interface SdlWorkload {
  /** Ready to be read: relative to the working directory, or absolute. */
  readonly folder: string;
  readonly conversion: PriceConversion;
}

/** What a delegator does with its stake, and when. Validators are named by their number. */
export type StakeStep =
  | { readonly kind: 'delegate'; readonly at: number; readonly to: number; readonly amount: bigint }
  | { readonly kind: 'undelegate'; readonly at: number; readonly from: number; readonly amount: bigint }
  | {
      readonly kind: 'redelegate';
      readonly at: number;
      readonly from: number;
      readonly to: number;
      readonly amount: bigint;
    }
  | { readonly kind: 'withdraw'; readonly at: number; readonly from: number };

/** Accounts that stake with validators. Each member goes through the whole script. */
export interface DelegatorClass {
  readonly name: string;
  readonly count: number;
  /** micro-AKASH at the beginning */
  readonly balance: bigint;
  readonly region: RegionChoice | null;
  /** By time. */
  readonly script: readonly StakeStep[];
}

export const OBSERVED_FILES = [
  'orders',
  'leases',
  'providers',
  'blocks',
  'validators',
  'payments',
  'events',
  'sdl',
] as const;
export type ObservedFile = (typeof OBSERVED_FILES)[number];

export interface Scenario {
  readonly name: string;
  readonly question: string;
  readonly finding: string | null;
  /** microseconds, above 0 */
  readonly horizon: number;
  /** microseconds, below the horizon */
  readonly warmup: number;
  readonly chain: ChainOptions;
  readonly network: NetworkOptions;
  /** In the order of the file. */
  readonly providers: readonly ProviderClass[];
  readonly tenants: readonly TenantClass[];
  readonly delegators: readonly DelegatorClass[];
  readonly workload: Workload | null;
  readonly sdl: SdlWorkload | null;
  /** By time, then in the order of the file. */
  readonly faults: readonly Fault[];
  readonly observe: { readonly every: number; readonly files: readonly ObservedFile[] };
  /** Expressions over the metrics of the summary that must come out true. */
  readonly expect: readonly string[];
}
