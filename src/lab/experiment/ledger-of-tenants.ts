/** What each tenant came to: its orders and how they ended, what it paid and got back, how long it was served. */

/** The books of one tenant. Amounts are micro-AKASH, times microseconds; they cover the whole run. */
export class TenantBooks {
  readonly className: string;
  orders = 0;
  matched = 0;
  expired = 0;
  /** Leases that its providers broke. */
  broken = 0;
  /** Leases that its providers walked away from for an outside offer, whether noticed in time or not. */
  defaults = 0;
  /** Paid for leases, before tax. */
  paid = 0n;
  /** Transaction fees. */
  fees = 0n;
  /** Collateral of broken leases that came to it. */
  compensation = 0n;
  /** Billed time of all its leases together. */
  served = 0;
  /** Time from the opening of an order to its match, summed over matched orders. */
  waited = 0;

  constructor(className: string) {
    this.className = className;
  }
}

/** The same over all tenants of a class. */
export function totalOf(books: Iterable<TenantBooks>, className: string): TenantBooks {
  const total = new TenantBooks(className);
  for (const one of books) {
    if (one.className !== className) continue;
    total.orders += one.orders;
    total.matched += one.matched;
    total.expired += one.expired;
    total.broken += one.broken;
    total.defaults += one.defaults;
    total.paid += one.paid;
    total.fees += one.fees;
    total.compensation += one.compensation;
    total.served += one.served;
    total.waited += one.waited;
  }
  return total;
}
