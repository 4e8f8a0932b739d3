/** What each metric of summary.csv and series.csv means. */
import { CHAIN_METRICS, REGION_METRICS } from '../experiment/chain-metrics.ts';
import { VALIDATOR_METRICS } from '../experiment/ledger-of-validators.ts';
import { SERVICE_METRICS } from '../experiment/service-books.ts';
import { METRICS, PROVIDER_CLASS_METRICS, SDL_METRICS, TENANT_CLASS_METRICS } from '../experiment/summary.ts';

/** Metrics of series.csv; `<class>` and `<region>` stand for names of provider classes and regions. */
const SERIES: Readonly<Record<string, string>> = {
  price_uakt_per_vcpu_h: 'mean price of the leases made since the sample before, micro-AKASH per vCPU and hour',
  orders_open: 'orders open at that time',
  leases_active: 'leases that stand at that time',
  utilisation: 'share of the scarcest resource that is leased, all providers together, 0 to 1',
  'utilisation/<class>': 'the same for the providers of one class',
  orders_matched: 'orders that ended in a lease, running total',
  orders_expired: 'orders that ended without an eligible bid, running total',
  orders_insufficient_funds: 'orders that ended because the escrow was short, running total',
  orders_tenant_closed: 'orders that their tenant closed, running total',
  orders_removed: 'orders removed by an update of their deployment, running total',
  leases_broken: 'leases broken by their providers, running total',
  paid_uakt: 'paid for leases, before tax, running total',
  transactions: 'transactions in blocks, running total',
  height: 'with several validators, as all that follow: newest block of any node',
  height_least: 'newest block of the node that is furthest behind',
  'height/<region>': 'the same among the nodes of a region',
  validators: 'validators in the set',
  rounds_extra: 'rounds of blocks beyond the first of each, running total',
  blocks_missed: 'precommits missing from commits, running total',
  commit_latency_s: 'mean time from the first proposal of a height to its execution by a node, since the sample before',
};

/** The metrics of series.csv, in the order in which they are sampled. */
export const SERIES_METRICS: readonly string[] = Object.keys(SERIES);

/** A sentence about a metric of series.csv. */
export function aboutSeriesMetric(name: string): string {
  const about = SERIES[name];
  if (about === undefined) throw new Error(`series.csv has no metric ${name}`);
  return about;
}

/** What the summary says of each class, by the end of the metric's name. Longer ends first: `x_lost_uakt` is no `uakt`. */
const OF_CLASS = Object.entries({ ...PROVIDER_CLASS_METRICS, ...TENANT_CLASS_METRICS }).sort(
  ([left], [right]) => right.length - left.length,
);

/** A sentence about a metric of summary.csv; those of a class are named `<class>_<metric>`. */
export function aboutSummaryMetric(name: string): string {
  const about = METRICS[name] ?? SERVICE_METRICS[name] ?? CHAIN_METRICS[name] ?? SDL_METRICS[name];
  if (about !== undefined) return about;
  const validator = /^validator_(\d+)_(\w+)$/.exec(name);
  const ofValidator = validator === null ? undefined : VALIDATOR_METRICS[validator[2]!];
  if (ofValidator !== undefined) return `validator-${validator![1]}: ${ofValidator}`;
  const ofRegion = name.startsWith('region_')
    ? Object.entries(REGION_METRICS).find(([end]) => name.endsWith(`_${end}`))
    : undefined;
  if (ofRegion !== undefined) {
    return `validators of region ${name.slice('region_'.length, -ofRegion[0].length - 1)}: ${ofRegion[1]}`;
  }
  for (const [end, text] of OF_CLASS) {
    if (name.endsWith(`_${end}`)) return `class ${name.slice(0, -end.length - 1)}: ${text}`;
  }
  throw new Error(`summary.csv has no metric ${name}`);
}
