/**
 * What a scenario is once it has been read, checked and normalised.
 *
 * A scenario file speaks in units (`5s`, `64Gi`, `12 akash`); this is what everything behind the loader sees: durations
 * are whole microseconds, money is bigint micro-AKASH, rates are pico-AKASH per second, sizes are bytes, processors and
 * accelerators are thousandths. Everything here is plain data, so that a scenario travels to a worker by structured
 * clone; distributions and expressions are therefore descriptions, which distributions.ts and expression.ts turn into
 * functions where they are needed. Every default has been filled in: null means "none", never "not said".
 */

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

export interface ChainOptions {
  /** microseconds, above 0 */
  readonly blockInterval: number;
  readonly validators: number;
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
  readonly deployment: readonly InfrastructureTemplate[];
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

export type FaultTarget =
  /** A single participant: member `index` of the class. */
  | { readonly kind: 'participant'; readonly class: string; readonly index: number }
  | { readonly kind: 'class'; readonly class: string }
  | { readonly kind: 'region'; readonly region: string }
  | { readonly kind: 'host'; readonly class: string; readonly index: number; readonly host: number };

/** What a fault does, in the words of the simulated world, with what it needs to know beside its target. */
export type FaultAction =
  /** The process dies and starts again when the fault is over; `silent`: its machine is off and tells nobody. */
  | { readonly kind: 'crash'; readonly silent: boolean }
  /** The process dies and starts again at once. */
  | { readonly kind: 'restart' }
  /** The process stands still. */
  | { readonly kind: 'pause' }
  /** The process dies, and its disk is empty when it starts again. */
  | { readonly kind: 'diskLoss' }
  /** A host of a provider goes away with all that runs on it; without a host in the target, all of its hosts. */
  | { readonly kind: 'hostOutage' }
  /** Cut off, as a group, from everybody else. */
  | { readonly kind: 'partition' }
  /** No packet passes between the two (`oneWay`: none from the target to `to`). */
  | { readonly kind: 'cut'; readonly to: FaultTarget; readonly oneWay: boolean }
  /** Packets from and to the target (or between it and `to`) wait, or take `by` longer; `by` null: wait to the end. */
  | { readonly kind: 'clog'; readonly to: FaultTarget | null; readonly by: number | null }
  /** The disk takes `factor` times as long. */
  | { readonly kind: 'slowDisk'; readonly factor: number }
  | { readonly kind: 'fullDisk' }
  | { readonly kind: 'ioError' }
  /** The clock is moved by so many microseconds, back if negative. */
  | { readonly kind: 'clockStep'; readonly by: number }
  /** One of the provider's workloads ends. */
  | { readonly kind: 'workloadCrash'; readonly outOfMemory: boolean };

export type FaultKind = FaultAction['kind'];

export type Fault = FaultAction & {
  /** microseconds */
  readonly at: number;
  readonly target: FaultTarget;
  /** microseconds; null: until the end of the run */
  readonly for: number | null;
};

export const OBSERVED_FILES = ['orders', 'leases', 'providers', 'blocks', 'payments', 'events'] as const;
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
  readonly workload: Workload | null;
  /** By time, then in the order of the file. */
  readonly faults: readonly Fault[];
  readonly observe: { readonly every: number; readonly files: readonly ObservedFile[] };
  /** Expressions over the metrics of the summary that must come out true. */
  readonly expect: readonly string[];
}
