/**
 * Invariant 5: lease price at most the order's maximum, per group; nothing billed after close; settlement idempotent and
 * splittable.
 *
 * Own books: when the billing of each lease began and what was paid for it since. The pay up to time t is
 * floor(price x microseconds / 10^12), so the payments of a lease, however many, sum up to exactly that at each
 * confirmation and at each end for which the escrow sufficed. Where it did not, the leases of the deployment share what
 * there is in proportion to what they are owed, remaining micro-AKASH in order of creation; what a pending lease is owed
 * at its close comes after what others have accrued.
 */
import type { Genesis } from '../../protocol/chain/genesis.ts';
import type { Event, EventOf } from '../../protocol/model/events.ts';
import type { DeploymentInfrastructure, ResourceGroup } from '../../protocol/model/objects.ts';
import type { State } from '../../protocol/model/state.ts';
import { deploymentOfLease } from './collateral.ts';
import { EventMonitor, type MonitorOptions } from './monitor.ts';

const PICO_US_PER_UAKT = 1_000_000_000_000n;
export const INSUFFICIENT_FUNDS = 'insufficient_funds';

interface LeaseBook {
  readonly price: bigint;
  readonly matchedAt: number;
  /** Order of creation. */
  readonly sequence: number;
  /** Height of the match or of the newest confirmation. */
  confirmedAt: number;
  /** Block time of the first confirmation; undefined while pending. */
  billedFrom: number | undefined;
  paid: bigint;
  /** Paid before this block. */
  paidBefore: bigint;
}

interface Claim {
  readonly lease: string;
  readonly sequence: number;
  readonly owed: bigint;
  readonly paid: bigint;
  /** Never confirmed: paid out of what is not owed to others. */
  readonly pending: boolean;
}

/** Sum of price x count. */
export function totalOf(groups: readonly ResourceGroup[]): bigint {
  return groups.reduce((sum, one) => sum + one.price * BigInt(one.count), 0n);
}

/** What is due for a price, pico-AKASH/s, after so many microseconds: micro-AKASH, rounded down. */
export function payFor(price: bigint, elapsed_us: number): bigint {
  return (price * BigInt(elapsed_us)) / PICO_US_PER_UAKT;
}

/**
 * What each of some claims, in order of creation, gets of an amount that does not suffice for all of them: its share
 * rounded down, and what is left over by one micro-AKASH each, oldest first.
 */
export function sharesOf(available: bigint, owed: readonly bigint[]): bigint[] {
  const total = owed.reduce((sum, one) => sum + one, 0n);
  if (total <= available) return [...owed];
  const shares = owed.map(one => (one * available) / total);
  let left = available - shares.reduce((sum, one) => sum + one, 0n);
  return shares.map((share, i) => {
    if (left === 0n || share === owed[i]) return share;
    left -= 1n;
    return share + 1n;
  });
}

export class BillingMonitor extends EventMonitor {
  readonly name = 'billing';
  readonly #maxima = new Map<string, DeploymentInfrastructure>();
  readonly #leases = new Map<string, LeaseBook>();
  #created = 0;
  /** Leases that were paid for in this block. */
  readonly #paidNow = new Set<string>();
  /** What was owed and paid for leases that ended in this block, by deployment and reason. */
  readonly #ends = new Map<string, Claim[]>();
  /** Deployments to whose escrow was added in this block. */
  readonly #deposited = new Set<string>();

  constructor(genesis: Genesis, options: MonitorOptions) {
    super(genesis.params, options);
  }

  protected override beginBlock(): void {
    this.#paidNow.clear();
    this.#ends.clear();
    this.#deposited.clear();
  }

  protected override onEvent(event: Event): void {
    switch (event.type) {
      case 'OrderOpened':
        this.#maxima.set(event.order, event.infrastructure);
        return;
      case 'OrderClosed':
        this.#maxima.delete(event.order);
        return;
      case 'LeaseCreated':
        this.#create(event);
        return;
      case 'EscrowDeposited':
        this.#deposited.add(event.deployment);
        return;
      case 'LeaseActive': {
        const row = this.#lease(event.lease);
        this.expect(row.billedFrom === undefined, 'billing begins once', () => event);
        row.billedFrom = this.time;
        row.confirmedAt = this.height;
        return;
      }
      case 'LeasePaid':
        this.#pay(event);
        return;
      case 'LeaseConfirmed': {
        const row = this.#lease(event.lease);
        this.#expectPaid(event.lease, row, this.#owed(row), 'a confirmation pays up to its block');
        row.confirmedAt = this.height;
        return;
      }
      case 'LeaseClosing':
        this.#close(event);
        return;
      case 'LeaseBroken': {
        const row = this.#lease(event.lease);
        const unpaid = this.#accrued(row) - row.paid;
        this.expect(!this.#paidNow.has(event.lease), 'the unpaid stretch of a broken lease stays unpaid', () => event);
        this.expect(event.unpaid === unpaid, 'a broken lease tells what stays unpaid', () => ({
          lease: event.lease,
          found: event.unpaid,
          expected: unpaid,
        }));
        this.#leases.delete(event.lease);
        return;
      }
      default:
    }
  }

  #lease(id: string): LeaseBook {
    return this.known(this.#leases.get(id), 'nothing is billed after the close', () => ({ lease: id }));
  }

  /** What the time since the billing began is worth. */
  #accrued(row: LeaseBook): bigint {
    return row.billedFrom === undefined ? 0n : payFor(row.price, this.time - row.billedFrom);
  }

  /** Unconfirmed for more than the period: the stretch since the last payment stays unpaid, however the lease ends. */
  #isStale(row: LeaseBook): boolean {
    return this.height - row.confirmedAt > this.params.reconfirmationPeriod;
  }

  /** All that is owed for a lease until now, paid or not. */
  #owed(row: LeaseBook): bigint {
    return this.#isStale(row) ? row.paid : this.#accrued(row);
  }

  #create(event: EventOf<'LeaseCreated'>): void {
    const { lease, resources } = event;
    const want = this.known(this.#maxima.get(lease), 'a lease comes from an open order', () => ({ lease }));
    this.#maxima.delete(lease);
    this.expect(resources.length === want.resources.length, 'a lease has the groups of its order', () => ({ lease }));
    for (const [i, ordered] of want.resources.entries()) {
      const leased = resources[i] as ResourceGroup;
      this.expect(leased.count === ordered.count, 'a lease has the counts of its order', () => ({ lease, group: i }));
      this.expect(leased.price <= ordered.price, 'a lease costs at most the maximum of each group', () => ({
        lease,
        group: i,
        price: leased.price,
        maximum: ordered.price,
      }));
    }
    this.expect(event.price === totalOf(resources), 'the price of a lease is the sum of its groups', () => ({
      lease,
      found: event.price,
      expected: totalOf(resources),
    }));
    const maximum = totalOf(want.resources);
    this.expect(event.maximum === maximum, 'a lease tells the maximum of its order', () => ({
      lease,
      found: event.maximum,
      expected: maximum,
    }));
    this.#created += 1;
    this.#leases.set(lease, {
      price: event.price,
      matchedAt: this.time,
      sequence: this.#created,
      confirmedAt: this.height,
      billedFrom: undefined,
      paid: 0n,
      paidBefore: 0n,
    });
  }

  #pay(event: EventOf<'LeasePaid'>): void {
    const row = this.#lease(event.lease);
    if (!this.#paidNow.has(event.lease)) row.paidBefore = row.paid;
    this.#paidNow.add(event.lease);
    row.paid += event.amount;
    // A pending lease that its tenant closes is owed for the time since the match.
    const from = row.billedFrom ?? (this.params.pendingClose === 'pays' ? row.matchedAt : this.time);
    const most = payFor(row.price, this.time - from);
    this.expect(row.paid <= most, 'never more is paid than the time that passed is worth', () => ({
      lease: event.lease,
      paid: row.paid,
      worth: most,
      price: row.price,
    }));
    const tax = (event.amount * BigInt(this.params.leaseTax)) / 1_000_000n;
    this.expect(event.tax === tax, 'the lease tax is its share of a payment', () => ({
      lease: event.lease,
      found: event.tax,
      expected: tax,
    }));
  }

  #expectPaid(lease: string, row: LeaseBook, owed: bigint, rule: string): void {
    this.expect(row.paid === owed, rule, () => ({
      lease,
      paid: row.paid,
      owed,
      price: row.price,
      since: row.billedFrom,
    }));
  }

  #close(event: EventOf<'LeaseClosing'>): void {
    const { lease } = event;
    const row = this.#lease(lease);
    this.#leases.delete(lease);
    const pendingOwes =
      row.billedFrom === undefined &&
      this.params.pendingClose === 'pays' &&
      event.reason !== INSUFFICIENT_FUNDS &&
      !this.#isStale(row);
    const owed = pendingOwes ? payFor(row.price, this.time - row.matchedAt) : this.#owed(row);
    const unpaid = owed - row.paid;
    this.expect(event.unpaid === unpaid, 'a closing lease tells what stays unpaid', () => ({
      lease,
      found: event.unpaid,
      expected: unpaid,
      paid: row.paid,
      owed,
    }));
    const before = this.#paidNow.has(lease) ? row.paidBefore : row.paid;
    const claim = {
      lease,
      sequence: row.sequence,
      owed: owed - before,
      paid: row.paid - before,
      pending: row.billedFrom === undefined,
    };
    const key = `${event.reason} ${deploymentOfLease(lease)}`;
    const claims = this.#ends.get(key);
    if (claims === undefined) this.#ends.set(key, [claim]);
    else claims.push(claim);
  }

  protected override endBlock(_block: unknown, _result: unknown, state: State): void {
    for (const [key, claims] of this.#ends) {
      const deployment = key.slice(key.indexOf(' ') + 1);
      const owed = claims.reduce((sum, one) => sum + one.owed, 0n);
      const paid = claims.reduce((sum, one) => sum + one.paid, 0n);
      if (owed === paid) continue;
      // What the leases that go on have accrued is theirs; everything else must have been paid out.
      const free = this.#freeEscrow(state, deployment);
      this.expect(
        free <= 0n || this.#deposited.has(deployment),
        'while anything stays unpaid, no escrow is free',
        () => ({
          deployment,
          owed,
          paid,
          free,
        }),
      );
      const left = this.#expectShared(claims, false, paid);
      this.#expectShared(claims, true, left);
    }
  }

  /** Whether an amount was shared among the claims of one kind; returns what of it is left for others. */
  #expectShared(claims: readonly Claim[], pending: boolean, available: bigint): bigint {
    const kind = claims.filter(one => one.pending === pending);
    const inOrder = kind.toSorted((left, right) => left.sequence - right.sequence);
    const shares = sharesOf(
      available,
      inOrder.map(one => one.owed),
    );
    for (const [i, one] of inOrder.entries()) {
      this.expect(one.paid === shares[i], 'a short escrow is shared in proportion', () => ({
        lease: one.lease,
        paid: one.paid,
        expected: shares[i],
        owed: one.owed,
        available,
        claims: inOrder.length,
      }));
    }
    return available - shares.reduce((sum, one) => sum + one, 0n);
  }

  /** Escrow less what the standing leases of a deployment are owed now. */
  #freeEscrow(state: State, deployment: string): bigint {
    const row = state.deployments.get(deployment);
    let free = row?.escrow ?? 0n;
    for (const lease of row?.leases ?? []) {
      const book = this.#leases.get(lease);
      if (book !== undefined) free -= this.#owed(book) - book.paid;
    }
    return free;
  }

  protected override full(state: State): void {
    for (const row of state.leases.unordered()) {
      if (row.state === 'closing') continue;
      const book = this.#lease(row.id);
      this.expect(book.paid === row.paid && book.price === row.price, 'a lease in the state has what was paid', () => ({
        lease: row.id,
        found: row.paid,
        expected: book.paid,
      }));
      const began = book.billedFrom === undefined ? row.state === 'pending' : row.billingStart === book.billedFrom;
      this.expect(began, 'billing began at the first confirmation', () => ({
        lease: row.id,
        state: row.state,
        found: row.billingStart,
        expected: book.billedFrom,
      }));
    }
  }
}
