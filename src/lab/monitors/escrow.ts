/**
 * Escrow pays for what it was reserved for: debt that has accrued is reserved, an order is matched only with escrow free
 * for one period of the lease, in the block in which the debt would exceed the escrow everything of the deployment ends,
 * and what is unused returns to the tenant at the close.
 *
 * Own books of each deployment's escrow, from the events that move it, and of what its leases are owed.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult } from '../../protocol/chain/chain.ts';
import type { Genesis } from '../../protocol/chain/genesis.ts';
import type { Event, EventOf } from '../../protocol/model/events.ts';
import type { State } from '../../protocol/model/state.ts';
import { Agenda } from './agenda.ts';
import { INSUFFICIENT_FUNDS, payFor, totalOf } from './billing.ts';
import { deploymentOfLease } from './collateral.ts';
import { EventMonitor, type MonitorOptions } from './monitor.ts';

const PICO_US_PER_UAKT = 1_000_000_000_000n;
const MAX_TIME = BigInt(Number.MAX_SAFE_INTEGER);

interface LeaseBook {
  readonly price: bigint;
  /** Height of the match or of the newest confirmation. */
  confirmedAt: number;
  /** Block time of the first confirmation; undefined while pending. */
  billedFrom: number | undefined;
  paid: bigint;
}

interface DeploymentBook {
  /** micro-AKASH */
  escrow: bigint;
  /** The block time at which it is looked at next, unless something happens. */
  look: number;
  /** Pending and active leases. */
  readonly leases: Map<string, LeaseBook>;
}

export class EscrowMonitor extends EventMonitor {
  readonly name = 'escrow';
  readonly #deployments = new Map<string, DeploymentBook>();
  /** The most that open orders may cost, pico-AKASH/s. */
  readonly #maxima = new Map<string, bigint>();
  /** Deployments by a block time before which their escrow suffices. */
  readonly #exhausts = new Agenda();
  /** Deployments whose debt or escrow changed in this block. */
  readonly #touched = new Set<string>();
  /** Orders that this block's facilitation closes for want of funds. */
  readonly #short = new Set<string>();

  constructor(genesis: Genesis, options: MonitorOptions) {
    super(genesis.params, options);
  }

  /** Exhausted is who owes more than there is; and that is never left for later. */
  protected override beginBlock(block: Block): void {
    const found = new Set<string>();
    this.#short.clear();
    for (const one of block.facilitation) {
      if (one.type === 'CloseOrder' && one.reason === INSUFFICIENT_FUNDS) this.#short.add(one.order);
      if (one.type !== 'CloseExhausted') continue;
      found.add(one.deployment);
      const row = this.#deployment(one.deployment);
      const debt = this.#debt(row);
      this.expect(debt > row.escrow, 'a deployment is exhausted when it owes more than its escrow', () => ({
        deployment: one.deployment,
        debt,
        escrow: row.escrow,
      }));
    }
    for (const id of this.#exhausts.take(this.time)) {
      const row = this.#deployments.get(id);
      if (row === undefined || found.has(id) || row.look > this.time) continue;
      row.look = Infinity;
      const debt = this.#debt(row);
      this.expect(debt <= row.escrow, 'nobody owes more than the escrow', () => ({
        deployment: id,
        debt,
        escrow: row.escrow,
      }));
      // The estimate is early by what the payments were rounded down: look again with the next block.
      this.#touched.add(id);
    }
  }

  #deployment(id: string): DeploymentBook {
    return this.known(this.#deployments.get(id), 'no event names a missing deployment', () => ({ deployment: id }));
  }

  /** micro-AKASH that the leases of a deployment are owed now. A stale lease is owed nothing more. */
  #debt(row: DeploymentBook): bigint {
    let debt = 0n;
    for (const lease of row.leases.values()) {
      const stale = this.height - lease.confirmedAt > this.params.reconfirmationPeriod;
      if (lease.billedFrom === undefined || stale) continue;
      debt += payFor(lease.price, this.time - lease.billedFrom) - lease.paid;
    }
    return debt;
  }

  /** What one period of a price costs, rounded up. */
  #onePeriod(price: bigint): bigint {
    const elapsed = BigInt(this.params.reconfirmationPeriod) * BigInt(this.params.targetBlockInterval);
    return (price * elapsed + PICO_US_PER_UAKT - 1n) / PICO_US_PER_UAKT;
  }

  protected override onEvent(event: Event): void {
    switch (event.type) {
      case 'DeploymentSubmitted':
        this.#deployments.set(event.deployment, { escrow: event.escrow, look: Infinity, leases: new Map() });
        this.#touched.add(event.deployment);
        return;
      case 'EscrowDeposited': {
        const row = this.#deployment(event.deployment);
        row.escrow += event.amount;
        this.#touched.add(event.deployment);
        this.expect(event.escrow === row.escrow, 'a deposit tells the escrow that it makes', () => ({
          deployment: event.deployment,
          found: event.escrow,
          expected: row.escrow,
        }));
        return;
      }
      case 'DeploymentClosing': {
        const row = this.#deployment(event.deployment);
        this.expect(event.refund === row.escrow, 'unused escrow returns at the close', () => ({
          deployment: event.deployment,
          refund: event.refund,
          unused: row.escrow,
        }));
        row.escrow = 0n;
        this.#touched.add(event.deployment);
        return;
      }
      case 'DeploymentClosed':
        this.#deployments.delete(event.deployment);
        return;
      case 'OrderOpened':
        this.#maxima.set(event.order, totalOf(event.infrastructure.resources));
        return;
      case 'OrderClosed':
        this.#closeOrder(event);
        return;
      case 'LeaseCreated':
      case 'LeaseActive':
      case 'LeaseConfirmed':
      case 'LeasePaid':
      case 'LeaseClosing':
      case 'LeaseBroken':
        this.#onLease(event);
        return;
      default:
    }
  }

  #closeOrder({ order }: EventOf<'OrderClosed'>): void {
    const maximum = this.known(this.#maxima.get(order), 'an order ends once', () => ({ order }));
    this.#maxima.delete(order);
    if (!this.#short.has(order)) return;
    const row = this.#deployment(deploymentOfLease(order));
    const [free, most] = [row.escrow - this.#debt(row), this.#onePeriod(maximum)];
    this.expect(free < most, 'an order closes for want of funds only when it cannot pay a period', () => ({
      order,
      free,
      onePeriodAtMost: most,
    }));
  }

  #onLease(event: Extract<Event, { lease: string }>): void {
    const id = deploymentOfLease(event.lease);
    const row = this.#deployment(id);
    this.#touched.add(id);
    if (event.type === 'LeaseCreated') {
      this.#maxima.delete(event.lease);
      const [free, need] = [row.escrow - this.#debt(row), this.#onePeriod(event.price)];
      this.expect(free >= need, 'an order is matched only with escrow for a period', () => ({
        lease: event.lease,
        free,
        onePeriod: need,
      }));
      row.leases.set(event.lease, { price: event.price, confirmedAt: this.height, billedFrom: undefined, paid: 0n });
      return;
    }
    const lease = this.known(row.leases.get(event.lease), 'a lease ends once', () => ({ lease: event.lease }));
    if (event.type === 'LeasePaid') {
      lease.paid += event.amount;
      row.escrow -= event.amount;
      this.expect(row.escrow >= 0n, 'nobody overdraws', () => ({ deployment: id, lease: event.lease }));
    } else if (event.type === 'LeaseClosing' || event.type === 'LeaseBroken') {
      row.leases.delete(event.lease);
      // The fee of a renewed order comes from the escrow.
      if (event.type === 'LeaseBroken' && event.renewed) row.escrow -= this.params.feePerObject;
    } else {
      if (event.type === 'LeaseActive') lease.billedFrom = this.time;
      lease.confirmedAt = this.height;
    }
  }

  protected override endBlock(_block: Block, _result: BlockResult, state: State): void {
    for (const id of this.#touched) {
      const row = this.#deployments.get(id);
      if (row === undefined) continue;
      const found = state.deployments.get(id)?.escrow;
      this.expect(found === row.escrow, 'escrow is what was paid in and not paid out', () => ({
        deployment: id,
        found,
        expected: row.escrow,
      }));
      const due = Math.max(earliestExhaustion(row), this.time + 1);
      // A look that comes too early does no harm.
      if (due >= row.look) continue;
      row.look = due;
      this.#exhausts.add(due, id);
    }
    this.#touched.clear();
  }

  protected override full(state: State): void {
    for (const [id, row] of this.#deployments) {
      const found = state.deployments.get(id)?.escrow;
      this.expect(found === row.escrow, 'escrow is what was paid in and not paid out', () => ({
        deployment: id,
        found,
        expected: row.escrow,
      }));
    }
  }
}

/**
 * A block time before which the escrow certainly suffices: where the line of what is owed, not rounded down, meets it.
 * Infinity when no lease is billed.
 */
function earliestExhaustion(row: DeploymentBook): number {
  let rate = 0n;
  // pico-AKASH/s x microseconds, as of time 0.
  let owed = 0n;
  for (const lease of row.leases.values()) {
    if (lease.billedFrom === undefined) continue;
    rate += lease.price;
    owed -= lease.price * BigInt(lease.billedFrom) + lease.paid * PICO_US_PER_UAKT;
  }
  if (rate === 0n) return Infinity;
  const at = (row.escrow * PICO_US_PER_UAKT - owed) / rate;
  return at > MAX_TIME ? Infinity : Number(at);
}
