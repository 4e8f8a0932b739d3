/**
 * Two runs side by side: what each is, its metrics, what happened to its orders, how long things took, what was paid. Made
 * for a simulated run and a live one of the same scenario, and as good for two of a kind.
 */
import type { RunRecord } from '../experiment/results-record.ts';
import type { WorldName } from '../experiment/types.ts';
import { compareOrders, type OrderComparison, type OrderSteps } from './compare-orders.ts';
import {
  compareLeaseTimes,
  comparePayments,
  compareWaits,
  type Distribution,
  distributionOf,
  type LeaseTimes,
  type PaymentComparison,
  type TimeComparison,
} from './compare-times.ts';
import type { PaymentVerdict } from './payment-referee.ts';

/** What is read of a results directory. null: it has no such file. */
export interface ComparedRun {
  readonly folder: string;
  readonly record: RunRecord;
  readonly orders: OrderSteps | null;
  /** Seconds that matched orders waited, by name. */
  readonly waits: ReadonlyMap<string, number> | null;
  readonly leases: ReadonlyMap<string, LeaseTimes> | null;
  /** Seconds between successive blocks. */
  readonly intervals: readonly number[] | null;
  /** Whether its payments are as the rules say. */
  readonly verdict: PaymentVerdict | null;
}

export interface RunIdentity {
  readonly folder: string;
  readonly world: WorldName;
  readonly name: string;
  readonly seed: number;
  readonly overrides: readonly string[];
  readonly scenarioHash: string;
  readonly version: string;
  readonly engine: string;
  /** Empty for a live run, which nothing can repeat. */
  readonly traceHash: string;
  readonly events: number;
  /** Of the run, not of the machine. */
  readonly seconds: number;
}

export interface MetricComparison {
  readonly metric: string;
  /** null: without a value; undefined: the run has no such metric. */
  readonly a: number | bigint | null | undefined;
  readonly b: number | bigint | null | undefined;
  /** B - A; null where one of them has no value. */
  readonly difference: number | bigint | null;
  /** The same, of A; null where A is 0 too. */
  readonly relative: number | null;
}

export interface Comparison {
  readonly a: RunIdentity;
  readonly b: RunIdentity;
  /** What a reader must know before believing anything below. */
  readonly warnings: readonly string[];
  /** Files that one of them lacks, as `folder/file`. */
  readonly missing: readonly string[];
  readonly metrics: readonly MetricComparison[];
  readonly orders: OrderComparison | null;
  readonly times: readonly TimeComparison[] | null;
  readonly payments: PaymentComparison | null;
  /** Whether the payments of each are what the rules give for its own block times. */
  readonly verdicts: { readonly a: PaymentVerdict | null; readonly b: PaymentVerdict | null };
  readonly blocks: { readonly a: Distribution; readonly b: Distribution } | null;
}

function identityOf({ folder, record }: ComparedRun): RunIdentity {
  return {
    folder,
    world: record.world,
    name: record.name,
    seed: record.seed,
    overrides: record.scenario.overrides,
    scenarioHash: record.scenarioHash,
    version: record.version,
    engine: record.engine.node,
    traceHash: record.traceHash,
    events: record.events,
    seconds: record.seconds,
  };
}

/** What one run was told to change of the scenario and the other was not. */
export function overridesApart(one: RunIdentity, other: RunIdentity): string[] {
  return one.overrides.filter(set => !other.overrides.includes(set));
}

function warningsOf(a: RunIdentity, b: RunIdentity): string[] {
  const warnings: string[] = [];
  if (a.name !== b.name) {
    warnings.push(`different scenarios, ${a.name} and ${b.name}: little of this means anything`);
  } else if (a.scenarioHash !== b.scenarioHash) {
    const words = (one: RunIdentity, other: RunIdentity): string => {
      const own = overridesApart(one, other);
      return own.length === 0 ? 'nothing' : own.join(', ');
    };
    const [left, right] = [words(a, b), words(b, a)];
    const why =
      left !== right ? `set in A alone: ${left}; in B alone: ${right}` : 'the file, or its data, has changed meanwhile';
    warnings.push(`the scenario is not the same in both (${why})`);
  }
  if (a.version !== b.version) warnings.push(`different versions, ${a.version} and ${b.version}`);
  if (a.seconds !== b.seconds) warnings.push(`different lengths, ${a.seconds} s and ${b.seconds} s`);
  return warnings;
}

/** B - A, exact where both are whole amounts. */
function difference(a: number | bigint, b: number | bigint): number | bigint {
  return typeof a === 'bigint' && typeof b === 'bigint' ? b - a : Number(b) - Number(a);
}

function compareMetrics(a: RunRecord['summary'], b: RunRecord['summary']): MetricComparison[] {
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].map(metric => {
    const left = a[metric];
    const right = b[metric];
    if (left === null || left === undefined || right === null || right === undefined)
      return { metric, a: left, b: right, difference: null, relative: null };
    // Whole amounts are read as numbers or bigints by their size.
    const whole = (value: number | bigint): number | bigint =>
      metric.endsWith('_uakt') && typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
    const change = difference(whole(left), whole(right));
    const relative = Number(left) === 0 ? (Number(change) === 0 ? 0 : null) : Number(change) / Math.abs(Number(left));
    return { metric, a: left, b: right, difference: change, relative };
  });
}

const FILES = [
  ['orders', 'events.csv'],
  ['waits', 'orders.csv'],
  ['leases', 'leases.csv'],
  ['intervals', 'blocks.csv'],
] as const;

/** Lays two runs side by side. */
export function compareRuns(a: ComparedRun, b: ComparedRun): Comparison {
  const missing = [a, b].flatMap(run =>
    FILES.filter(([part]) => run[part] === null).map(([, file]) => `${run.folder}/${file}`),
  );
  const left = identityOf(a);
  const right = identityOf(b);
  const times: TimeComparison[] = [];
  if (a.waits !== null && b.waits !== null) times.push(compareWaits(a.waits, b.waits));
  if (a.leases !== null && b.leases !== null) times.push(...compareLeaseTimes(a.leases, b.leases));
  return {
    a: left,
    b: right,
    warnings: warningsOf(left, right),
    missing,
    metrics: compareMetrics(a.record.summary, b.record.summary),
    orders: a.orders === null || b.orders === null ? null : compareOrders(a.orders, b.orders),
    times: times.length === 0 ? null : times,
    payments: a.leases === null || b.leases === null ? null : comparePayments(a.leases, b.leases),
    verdicts: { a: a.verdict, b: b.verdict },
    blocks:
      a.intervals === null || b.intervals === null
        ? null
        : { a: distributionOf(a.intervals), b: distributionOf(b.intervals) },
  };
}
