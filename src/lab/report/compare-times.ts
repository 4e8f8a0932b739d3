/** Times and payments of two runs side by side: distributions, and leases one by one. */

export interface Distribution {
  readonly count: number;
  /** Seconds; null: there are none. */
  readonly p50: number | null;
  readonly p90: number | null;
  readonly max: number | null;
}

/** Quantiles of some times, as values that were seen (the nearest rank). */
export function distributionOf(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number | null => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
  return { count: sorted.length, p50: at(0.5), p90: at(0.9), max: at(1) };
}

/** A lease as leases.csv tells of it. Times in seconds, null where they never came. */
export interface LeaseTimes {
  readonly created: number;
  readonly active: number | null;
  readonly ended: number | null;
  readonly end: string;
  readonly paid: bigint;
}

export interface TimeComparison {
  readonly what: string;
  readonly a: Distribution;
  readonly b: Distribution;
  /** Over leases that have this time in both runs: how many, and the median of B - A in seconds. */
  readonly paired: { readonly count: number; readonly shift: number | null };
}

/** From the wish to the times that are compared, each of a lease or an order; null: it has none. */
const LEASE_TIMES: readonly (readonly [what: string, of: (lease: LeaseTimes) => number | null])[] = [
  ['match to active', lease => (lease.active === null ? null : lease.active - lease.created)],
  ['active to end', lease => (lease.active === null || lease.ended === null ? null : lease.ended - lease.active)],
];

function compareOne(what: string, a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): TimeComparison {
  const shifts: number[] = [];
  for (const [name, left] of a) {
    const right = b.get(name);
    if (right !== undefined) shifts.push(right - left);
  }
  return {
    what,
    a: distributionOf([...a.values()]),
    b: distributionOf([...b.values()]),
    paired: { count: shifts.length, shift: distributionOf(shifts).p50 },
  };
}

function timesOf(
  leases: ReadonlyMap<string, LeaseTimes>,
  of: (lease: LeaseTimes) => number | null,
): Map<string, number> {
  const times = new Map<string, number>();
  for (const [name, lease] of leases) {
    const time = of(lease);
    if (time !== null) times.set(name, time);
  }
  return times;
}

/** How long leases took to become active, and how long they lasted. */
export function compareLeaseTimes(
  a: ReadonlyMap<string, LeaseTimes>,
  b: ReadonlyMap<string, LeaseTimes>,
): TimeComparison[] {
  return LEASE_TIMES.map(([what, of]) => compareOne(what, timesOf(a, of), timesOf(b, of)));
}

/** How long orders waited for their match, by the order's name. */
export function compareWaits(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): TimeComparison {
  return compareOne('order to match', a, b);
}

export interface PaymentDifference {
  readonly lease: string;
  /** micro-AKASH; null: the run has no such lease. */
  readonly a: bigint | null;
  readonly b: bigint | null;
}

export interface PaymentComparison {
  /** Leases in both runs, and those for which exactly the same was paid. */
  readonly both: number;
  readonly equal: number;
  readonly totalA: bigint;
  readonly totalB: bigint;
  /** The largest differences first; leases that one run lacks are among them. At most MAX_PAYMENTS. */
  readonly differences: readonly PaymentDifference[];
  readonly different: number;
}

/** Differences that are told one by one. */
const MAX_PAYMENTS = 1_000;

function sizeOf({ a, b }: PaymentDifference): bigint {
  const difference = (b ?? 0n) - (a ?? 0n);
  return difference < 0n ? -difference : difference;
}

/** What was paid for each lease, to the micro-AKASH. */
export function comparePayments(
  a: ReadonlyMap<string, LeaseTimes>,
  b: ReadonlyMap<string, LeaseTimes>,
): PaymentComparison {
  const differences: PaymentDifference[] = [];
  let both = 0;
  let equal = 0;
  let totalA = 0n;
  let totalB = 0n;
  for (const [lease, { paid }] of a) {
    totalA += paid;
    const other = b.get(lease)?.paid ?? null;
    if (other !== null) both += 1;
    if (other === paid) equal += 1;
    else differences.push({ lease, a: paid, b: other });
  }
  for (const [lease, { paid }] of b) {
    totalB += paid;
    if (!a.has(lease)) differences.push({ lease, a: null, b: paid });
  }
  const largest = differences.toSorted((one, other) => {
    const [left, right] = [sizeOf(one), sizeOf(other)];
    return left === right ? (one.lease < other.lease ? -1 : 1) : left > right ? -1 : 1;
  });
  return {
    both,
    equal,
    totalA,
    totalB,
    differences: largest.slice(0, MAX_PAYMENTS),
    different: differences.length,
  };
}
