/** What each metric of summary.csv and series.csv means; the names are those that the runner gives them. */

const ABOUT: Readonly<Record<string, string>> = {
  price_uakt_per_vcpu_h: 'mean price of the leases made since the sample before, micro-AKASH per vCPU and hour',
  orders_open: 'orders open at that time',
  leases_active: 'leases that are pending or active at that time',
  utilisation: 'share of the scarcest resource that is leased, all providers together, 0 to 1',
  orders_matched: 'orders that ended in a lease, running total',
  orders_expired: 'orders that ended without an eligible bid, running total',
  orders_insufficient_funds: 'orders that ended because the escrow was short, running total',
  orders_tenant_closed: 'orders that their tenant closed, running total',
  leases_broken: 'leases broken because the provider stopped confirming, running total',
  paid_uakt: 'paid out of escrow, before tax, running total',
  transactions: 'transactions in blocks, running total',
};

/** Metrics that exist per class: `utilisation/cheap`. */
const ABOUT_CLASS: Readonly<Record<string, string>> = {
  utilisation: 'the same for the providers of one class',
};

/** A sentence about a metric; for one that is not known, its name must do. */
export function aboutMetric(name: string): string {
  const slash = name.indexOf('/');
  if (slash > 0) {
    const about = ABOUT_CLASS[name.slice(0, slash)];
    return about ?? `${aboutMetric(name.slice(0, slash))}: ${name.slice(slash + 1)}`;
  }
  return ABOUT[name] ?? name.replaceAll('_', ' ');
}
