/**
 * Invariant 7: every closed object has one reason; every order ends matched, expired or closed; no object refers to a
 * missing one.
 *
 * The books hold what is open. Whatever an event names must be in them, and leaves them once; a deployment that closes
 * takes its orders along in the same block, and is closed when its last lease is.
 */
import type { Genesis } from '../../protocol/chain/genesis.ts';
import type { Event } from '../../protocol/model/events.ts';
import type { State } from '../../protocol/model/state.ts';
import { deploymentOfLease } from './collateral.ts';
import { EventMonitor, type MonitorOptions } from './monitor.ts';

interface DeploymentBook {
  /** Why it is closing; empty while it is open. */
  reason: string;
  readonly orders: Set<string>;
  readonly leases: Set<string>;
}

export class LifecycleMonitor extends EventMonitor {
  readonly name = 'lifecycle';
  readonly #deployments = new Map<string, DeploymentBook>();
  /** Open orders: when they may expire, and their open bids. */
  readonly #orders = new Map<string, { readonly closesAt: number; readonly bids: Set<string> }>();
  readonly #bids = new Map<string, string>();
  /** Leases that are not closed: why they are closing; empty while they are pending or active. */
  readonly #leases = new Map<string, { reason: string; readonly fulfillment: string }>();
  readonly #closing = new Set<string>();
  /** Orders that ended in this block, whose bids must have ended with them. */
  readonly #ended = new Map<string, ReadonlySet<string>>();

  constructor(genesis: Genesis, options: MonitorOptions) {
    super(genesis.params, options);
  }

  protected override beginBlock(): void {
    this.#closing.clear();
    this.#ended.clear();
  }

  protected override onEvent(event: Event): void {
    switch (event.type) {
      case 'DeploymentSubmitted':
        this.expect(!this.#deployments.has(event.deployment), 'an id names one deployment', () => event);
        this.#deployments.set(event.deployment, { reason: '', orders: new Set(), leases: new Set() });
        return;
      case 'DeploymentUpdated':
      case 'EscrowDeposited':
        this.#deployment(event.deployment);
        return;
      case 'DeploymentClosing': {
        const row = this.#deployment(event.deployment);
        this.expect(row.reason === '' && event.reason !== '', 'a deployment closes once, for a reason', () => event);
        row.reason = event.reason;
        this.#closing.add(event.deployment);
        return;
      }
      case 'DeploymentClosed': {
        const row = this.#deployment(event.deployment);
        this.expect(row.reason === event.reason && event.reason !== '', 'a deployment has one reason', () => ({
          deployment: event.deployment,
          closing: row.reason,
          closed: event.reason,
        }));
        this.expect(row.leases.size === 0 && row.orders.size === 0, 'what is closed has nothing open', () => ({
          deployment: event.deployment,
          leases: [...row.leases],
          orders: [...row.orders],
        }));
        this.#deployments.delete(event.deployment);
        return;
      }
      case 'OrderOpened':
      case 'OrderClosed':
      case 'FulfillmentChosen':
      case 'FulfillmentPlaced':
      case 'FulfillmentClosed':
        this.#onOrder(event);
        return;
      case 'LeaseCreated':
      case 'LeaseActive':
      case 'LeaseConfirmed':
      case 'LeasePaid':
      case 'LeaseClosing':
      case 'LeaseClosed':
      case 'LeaseBroken':
        this.#onLease(event);
        return;
      default:
    }
  }

  #deployment(id: string): DeploymentBook {
    return this.known(this.#deployments.get(id), 'no event names a missing deployment', () => ({ deployment: id }));
  }

  #onOrder(event: Extract<Event, { order: string }>): void {
    const { order } = event;
    if (event.type === 'OrderOpened') {
      const row = this.#deployment(deploymentOfLease(order));
      this.expect(row.reason === '', 'a closing deployment opens no order', () => ({ order }));
      this.expect(!this.#orders.has(order) && !this.#leases.has(order), 'an id names one order', () => ({ order }));
      row.orders.add(order);
      this.#orders.set(order, { closesAt: event.closesAt, bids: new Set() });
      return;
    }
    const open = this.#orders.get(order);
    if (event.type === 'FulfillmentClosed') {
      const { fulfillment, reason } = event;
      this.expect(this.#bids.get(fulfillment) === order, 'a bid ends once', () => ({ fulfillment, reason }));
      this.expect(reason !== '', 'a bid ends for a reason', () => ({ fulfillment }));
      this.#bids.delete(fulfillment);
      open?.bids.delete(fulfillment);
      return;
    }
    const row = this.known(open, 'no event names a missing order', () => ({ order, event: event.type }));
    if (event.type === 'FulfillmentPlaced') {
      const { fulfillment } = event;
      this.expect(!this.#bids.has(fulfillment), 'an id names one bid', () => ({ fulfillment }));
      this.#bids.set(fulfillment, order);
      row.bids.add(fulfillment);
    } else if (event.type === 'OrderClosed') {
      this.expect(event.reason !== '', 'an order closes for a reason', () => ({ order }));
      const early = event.reason === 'expired' && this.time < row.closesAt;
      this.expect(!early, 'an order expires when its time is over', () => ({
        order,
        closesAt: row.closesAt,
        now: this.time,
      }));
      this.#endOrder(order, row.bids);
    }
  }

  #endOrder(order: string, bids: ReadonlySet<string>): void {
    this.#deployment(deploymentOfLease(order)).orders.delete(order);
    this.#orders.delete(order);
    this.#ended.set(order, bids);
  }

  #onLease(event: Extract<Event, { lease: string }>): void {
    const { lease } = event;
    if (event.type === 'LeaseCreated') {
      const order = this.known(this.#orders.get(lease), 'a lease comes from an open order', () => ({ lease }));
      const bid = this.#bids.get(event.fulfillment);
      this.expect(bid === lease, 'a lease binds an open bid', () => ({ lease, fulfillment: event.fulfillment }));
      this.#bids.delete(event.fulfillment);
      order.bids.delete(event.fulfillment);
      this.#endOrder(lease, order.bids);
      this.#leases.set(lease, { reason: '', fulfillment: event.fulfillment });
      this.#deployment(deploymentOfLease(lease)).leases.add(lease);
      return;
    }
    const row = this.known(this.#leases.get(lease), 'no event names a missing lease', () => ({
      lease,
      event: event.type,
    }));
    if (event.type === 'LeaseClosing') {
      this.expect(row.reason === '' && event.reason !== '', 'a lease closes once, for a reason', () => event);
      row.reason = event.reason;
    } else if (event.type === 'LeaseClosed') {
      this.expect(row.reason === event.reason && event.reason !== '', 'a lease has one reason', () => ({
        lease,
        closing: row.reason,
        closed: event.reason,
      }));
      this.#endLease(lease);
    } else {
      this.expect(row.reason === '', 'a closing lease is neither paid, confirmed nor broken', () => event);
      if (event.type === 'LeaseBroken') this.#endLease(lease);
    }
  }

  #endLease(lease: string): void {
    this.#leases.delete(lease);
    this.#deployment(deploymentOfLease(lease)).leases.delete(lease);
  }

  protected override endBlock(): void {
    for (const id of this.#closing) {
      const row = this.#deployments.get(id);
      if (row === undefined) continue;
      this.expect(row.orders.size === 0, 'the orders of a closing deployment close with it', () => ({
        deployment: id,
        orders: [...row.orders],
      }));
      for (const lease of row.leases) {
        const closes = this.#leases.get(lease)?.reason !== '';
        this.expect(closes, 'the leases of a closing deployment close with it', () => ({ deployment: id, lease }));
      }
    }
    for (const [order, bids] of this.#ended) {
      this.expect(bids.size === 0, 'the bids of an order end with it', () => ({ order, bids: [...bids] }));
    }
  }

  protected override full(state: State): void {
    const tables = [
      ['deployment', state.deployments, this.#deployments],
      ['order', state.orders, this.#orders],
      ['lease', state.leases, this.#leases],
    ] as const;
    for (const [what, table, open] of tables) {
      this.expect(table.size === open.size, `the state has every open ${what} and no other`, () => ({
        found: table.size,
        expected: open.size,
      }));
      for (const id of open.keys()) this.expect(table.has(id), `an open ${what} is in the state`, () => ({ id }));
    }
    const bids = state.fulfillments.size;
    this.expect(bids === this.#bids.size + this.#leases.size, 'the state has every open bid and no other', () => ({
      found: bids,
      expected: this.#bids.size + this.#leases.size,
    }));
    for (const [id, order] of this.#bids) {
      const listed = state.fulfillments.has(id) && state.orders.get(order)?.fulfillments.includes(id);
      this.expect(listed === true, 'an open bid is in the state and on its order', () => ({ fulfillment: id, order }));
    }
    this.#checkReferences(state);
  }

  #checkReferences(state: State): void {
    for (const row of state.deployments.unordered()) {
      for (const lease of row.leases) {
        this.expect(state.leases.has(lease), 'no deployment names a missing lease', () => ({
          deployment: row.id,
          lease,
        }));
      }
      for (const slot of row.slots) {
        const id = `${row.id}/${slot.group}/${slot.sequence}`;
        const lease = state.leases.get(id);
        const stands =
          slot.stands === 'order'
            ? state.orders.has(id)
            : slot.stands === 'lease'
              ? lease !== undefined && lease.state !== 'closing'
              : !state.orders.has(id);
        this.expect(stands, 'an infrastructure names what stands for it', () => ({ id, slot: slot.stands }));
      }
    }
    for (const row of state.orders.unordered()) {
      const there = row.fulfillments.every(bid => state.fulfillments.get(bid)?.order === row.id);
      this.expect(there, 'no order names a missing bid', () => ({ order: row.id, bids: row.fulfillments }));
    }
    for (const row of state.leases.unordered()) {
      const there = state.fulfillments.has(row.fulfillment) && state.deployments.has(row.deployment);
      this.expect(there, 'no lease names a missing bid or deployment', () => ({ lease: row.id }));
      const listed = state.deployments.get(row.deployment)?.leases.includes(row.id);
      this.expect(listed === true, 'a deployment names its leases', () => ({ lease: row.id }));
    }
  }
}
