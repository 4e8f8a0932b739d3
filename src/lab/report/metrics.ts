/** What each metric of summary.csv and series.csv means. */
import { METRICS, PROVIDER_CLASS_METRICS, SDL_METRICS, TENANT_CLASS_METRICS } from '../experiment/summary.ts';

/** Metrics of series.csv; `<class>` stands for the name of a provider class. */
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
  const about = METRICS[name] ?? SDL_METRICS[name];
  if (about !== undefined) return about;
  for (const [end, text] of OF_CLASS) {
    if (name.endsWith(`_${end}`)) return `class ${name.slice(0, -end.length - 1)}: ${text}`;
  }
  throw new Error(`summary.csv has no metric ${name}`);
}
