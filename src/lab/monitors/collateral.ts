/**
 * Invariant 2: locked collateral = sum over open fulfillments + leases not closed. No negative balance anywhere.
 *
 * The books hold what each open bid and each lease has posted, reckoned from what the tenant asked for; the chain's total
 * must agree after every block, and the rows must agree in full.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult } from '../../protocol/chain/chain.ts';
import type { Genesis } from '../../protocol/chain/genesis.ts';
import { type Event, type TopicKind, visitTopics } from '../../protocol/model/events.ts';
import type { ResourceGroup } from '../../protocol/model/objects.ts';
import type { State } from '../../protocol/model/state.ts';
import { EventMonitor, type MonitorOptions } from './monitor.ts';

/** What must be posted: sum of collateral x count, or of the bare fields where the basis is the group. */
export function requiredCollateral(groups: readonly ResourceGroup[], basis: 'per_unit' | 'per_group'): bigint {
  return groups.reduce((sum, one) => sum + one.collateral * (basis === 'per_unit' ? BigInt(one.count) : 1n), 0n);
}

export class CollateralMonitor extends EventMonitor {
  readonly name = 'collateral';
  /** What open orders ask for. */
  readonly #required = new Map<string, bigint>();
  /** What is posted, by fulfillment: of open bids and of leases that are not closed. */
  readonly #posted = new Map<string, bigint>();
  /** The fulfillment that a lease binds. */
  readonly #bound = new Map<string, string>();
  #locked = 0n;
  /** Accounts and deployments that events of this block name: whose amounts may have changed. */
  readonly #accounts = new Set<string>();
  readonly #deployments = new Set<string>();
  readonly #noteAccount = (kind: TopicKind, key: string): void => {
    if (kind === 'account') this.#accounts.add(key);
  };

  constructor(genesis: Genesis, options: MonitorOptions) {
    super(genesis.params, options);
  }

  protected override beginBlock(block: Block): void {
    this.#accounts.clear();
    this.#deployments.clear();
    for (const tx of block.transactions) this.#accounts.add(tx.body.account);
  }

  protected override onEvent(event: Event): void {
    visitTopics(event, this.#noteAccount);
    switch (event.type) {
      case 'OrderOpened': {
        const required = requiredCollateral(event.infrastructure.resources, this.params.collateralBasis);
        this.expect(event.collateral === required, 'an order asks for the sum of its collateral', () => ({
          order: event.order,
          found: event.collateral,
          expected: required,
        }));
        this.#required.set(event.order, required);
        return;
      }
      case 'OrderClosed':
        this.#required.delete(event.order);
        return;
      case 'FulfillmentPlaced':
        this.#lock(event.fulfillment, event.order, event.collateral);
        return;
      case 'FulfillmentClosed':
        this.#release(event.fulfillment);
        return;
      case 'LeaseCreated': {
        this.#required.delete(event.lease);
        const posted = this.#posted.get(event.fulfillment);
        this.expect(posted === event.collateral, 'a lease holds the collateral of its fulfillment', () => ({
          lease: event.lease,
          found: event.collateral,
          expected: posted,
        }));
        this.#bound.set(event.lease, event.fulfillment);
        return;
      }
      case 'LeaseClosed':
      case 'LeaseBroken': {
        this.#deployments.add(deploymentOfLease(event.lease));
        const fulfillment = this.known(this.#bound.get(event.lease), 'a lease ends once', () => ({
          lease: event.lease,
        }));
        this.#bound.delete(event.lease);
        this.#release(fulfillment);
        return;
      }
      case 'LeasePaid':
        this.#deployments.add(deploymentOfLease(event.lease));
        return;
      default:
    }
  }

  #lock(fulfillment: string, order: string, collateral: bigint): void {
    const required = this.#required.get(order);
    this.expect(collateral === required, 'a bid posts what its order asks for', () => ({
      fulfillment,
      found: collateral,
      expected: required,
    }));
    this.expect(!this.#posted.has(fulfillment), 'a bid posts once', () => ({ fulfillment }));
    this.#posted.set(fulfillment, collateral);
    this.#locked += collateral;
  }

  #release(fulfillment: string): void {
    const posted = this.known(this.#posted.get(fulfillment), 'collateral is released once', () => ({ fulfillment }));
    this.#posted.delete(fulfillment);
    this.#locked -= posted;
  }

  protected override endBlock(_block: Block, _result: BlockResult, state: State): void {
    const found = state.chainwide.totalCollateral;
    this.expect(found === this.#locked, 'locked collateral is that of open bids and leases', () => ({
      found,
      expected: this.#locked,
      bidsAndLeases: this.#posted.size,
    }));
    for (const address of this.#accounts) {
      const balance = state.balanceOf(address);
      this.expect(balance >= 0n, 'no balance is negative', () => ({ account: address, balance }));
    }
    for (const id of this.#deployments) {
      const escrow = state.deployments.get(id)?.escrow ?? 0n;
      this.expect(escrow >= 0n, 'no escrow is negative', () => ({ deployment: id, escrow }));
    }
  }

  protected override full(state: State): void {
    let rows = 0;
    for (const row of state.fulfillments.unordered()) {
      const posted = this.#posted.get(row.id);
      this.expect(row.collateral === posted, 'a fulfillment in the state has what it posted', () => ({
        fulfillment: row.id,
        found: row.collateral,
        expected: posted,
      }));
      rows += 1;
    }
    this.expect(rows === this.#posted.size, 'every open bid and lease is in the state', () => ({
      found: rows,
      expected: this.#posted.size,
    }));
    this.#checkSigns(state);
  }

  #checkSigns(state: State): void {
    const expect = (amount: bigint, what: string, key: string): void =>
      this.expect(amount >= 0n, 'no amount is negative', () => ({ what, key, amount }));
    for (const row of state.accounts.unordered()) {
      expect(row.balance, 'balance', row.address);
      expect(row.bonded, 'bonded', row.address);
    }
    for (const row of state.deployments.unordered()) expect(row.escrow, 'escrow', row.id);
    for (const row of state.delegations.unordered()) expect(row.amount, 'delegation', row.leaf());
    for (const row of state.unbondings.unordered()) expect(row.amount, 'unbonding', row.leaf());
    for (const row of state.candidates.unordered()) {
      expect(row.stake, 'stake', row.address);
      expect(row.rewards, 'rewards', row.address);
    }
    for (const row of state.grants.unordered()) expect(row.left, 'grant', row.id);
    expect(state.chainwide.feePool, 'fee pool', '');
  }
}

/** `tenant/nonce` of a lease's id. */
export function deploymentOfLease(lease: string): string {
  return slotOf(slotOf(lease));
}

/** `tenant/nonce/group`: what an order or a lease stands for. */
export function slotOf(order: string): string {
  return order.slice(0, order.lastIndexOf('/'));
}
