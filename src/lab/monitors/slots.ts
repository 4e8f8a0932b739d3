/**
 * Invariant 3: never an open order beside a pending or active lease of the same infrastructure; at most one of each.
 * Orders open only when a deployment is submitted or updated, and after a broken lease where the tenant persists.
 */
import type { Genesis } from '../../protocol/chain/genesis.ts';
import type { Event } from '../../protocol/model/events.ts';
import type { State } from '../../protocol/model/state.ts';
import { deploymentOfLease, slotOf } from './collateral.ts';
import { EventMonitor, type MonitorOptions } from './monitor.ts';

export class SlotMonitor extends EventMonitor {
  readonly name = 'one order or lease';
  /** Which order is open, and which lease pending or active, for each infrastructure. */
  readonly #orders = new Map<string, string>();
  readonly #leases = new Map<string, string>();
  readonly #persists = new Map<string, boolean>();
  /** Orders opened in this block, and what may have opened them. */
  #opened: string[] = [];
  readonly #touched = new Set<string>();
  readonly #tenants = new Set<string>();
  readonly #renewed = new Map<string, number>();

  constructor(genesis: Genesis, options: MonitorOptions) {
    super(genesis.params, options);
  }

  protected override beginBlock(): void {
    this.#opened = [];
    this.#touched.clear();
    this.#tenants.clear();
    this.#renewed.clear();
  }

  protected override onEvent(event: Event): void {
    switch (event.type) {
      case 'DeploymentSubmitted':
      case 'DeploymentUpdated':
        this.#tenants.add(event.deployment);
        return;
      case 'OrderOpened':
        this.#persists.set(event.order, event.infrastructure.persist);
        this.#stand(this.#orders, event.order, 'order');
        this.#opened.push(event.order);
        return;
      case 'OrderClosed':
        this.#persists.delete(event.order);
        this.#leave(this.#orders, event.order, 'order');
        return;
      case 'LeaseCreated':
        this.#leave(this.#orders, event.lease, 'order');
        this.#stand(this.#leases, event.lease, 'lease');
        return;
      case 'LeaseClosing':
        this.#persists.delete(event.lease);
        this.#leave(this.#leases, event.lease, 'lease');
        return;
      case 'LeaseBroken': {
        const slot = slotOf(event.lease);
        this.#leave(this.#leases, event.lease, 'lease');
        if (event.renewed) {
          this.expect(this.#persists.get(event.lease) === true, 'only who persists gets a new order', () => event);
          this.#renewed.set(slot, (this.#renewed.get(slot) ?? 0) + 1);
        }
        this.#persists.delete(event.lease);
        return;
      }
      default:
    }
  }

  #stand(standing: Map<string, string>, id: string, what: string): void {
    const slot = slotOf(id);
    const before = standing.get(slot);
    this.expect(before === undefined, `an infrastructure has one ${what}`, () => ({ id, standing: before }));
    standing.set(slot, id);
    this.#touched.add(slot);
  }

  #leave(standing: Map<string, string>, id: string, what: string): void {
    const found = standing.get(slotOf(id));
    this.expect(found === id, `what ends is the ${what} that stands`, () => ({ id, standing: found }));
    standing.delete(slotOf(id));
  }

  protected override endBlock(): void {
    // Looked at when the block is over: the order that follows a broken lease is told before the breach.
    for (const slot of this.#touched) {
      const order = this.#orders.get(slot);
      const lease = this.#leases.get(slot);
      this.expect(order === undefined || lease === undefined, 'an infrastructure has an order or a lease', () => ({
        order,
        lease,
      }));
    }
    for (const order of this.#opened) {
      if (this.#tenants.has(deploymentOfLease(order))) continue;
      const renewals = this.#renewed.get(slotOf(order)) ?? 0;
      this.expect(renewals > 0, 'orders open by the tenant, or after a broken lease', () => ({ order }));
      this.#renewed.set(slotOf(order), renewals - 1);
    }
    for (const [slot, count] of this.#renewed) {
      const open = this.#tenants.has(deploymentOfLease(`${slot}/0`));
      this.expect(count === 0 || open, 'a renewed order opens in the same block', () => ({ infrastructure: slot }));
    }
  }

  protected override full(state: State): void {
    for (const [table, standing, what] of [
      [state.orders.unordered(), this.#orders, 'order'],
      [state.leases.unordered(), this.#leases, 'lease'],
    ] as const) {
      const seen = new Set<string>();
      for (const row of table) {
        if ('state' in row && row.state === 'closing') continue;
        const slot = slotOf(row.id);
        this.expect(!seen.has(slot), `an infrastructure has one ${what}`, () => ({ id: row.id }));
        seen.add(slot);
        this.expect(standing.get(slot) === row.id, `the ${what} in the state is the one that stands`, () => ({
          found: row.id,
          expected: standing.get(slot),
        }));
      }
      this.expect(seen.size === standing.size, `every standing ${what} is in the state`, () => ({
        found: seen.size,
        expected: standing.size,
      }));
    }
  }
}
