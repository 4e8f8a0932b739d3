/**
 * Invariant 8, for leases and deployments: what is due is facilitated in the next block, and nothing that is not due.
 * (Matches and expiries of orders are the match referee's.)
 *
 * Due at height H and time T, reckoned from the parent's books: a lease unconfirmed for more than `reconfirmationPeriod`
 * blocks is stale; a closing lease without a reset for more than `resetGrace` blocks ends; a deployment whose last lease
 * has left closing is closed. All of it may wait while blocks are full of facilitation (`maxFacilitation`), or where the
 * proposer may stop early (`prefix`).
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { Genesis } from '../../protocol/chain/genesis.ts';
import type { Event } from '../../protocol/model/events.ts';
import { Agenda } from './agenda.ts';
import { deploymentOfLease } from './collateral.ts';
import { EventMonitor, type MonitorOptions } from './monitor.ts';

interface LeaseBook {
  readonly deployment: string;
  readonly price: bigint;
  state: 'pending' | 'active' | 'closing';
  /** Height of the match or of the newest confirmation; of the close, once it is closing. */
  since: number;
  /** How many blocks it might go without a word, as of `since`. */
  allowed: number;
  billedFrom: number;
  paid: bigint;
}

interface DeploymentBook {
  closing: boolean;
  /** micro-AKASH, as of the newest block. */
  escrow: bigint;
  readonly leases: Map<string, LeaseBook>;
}

/** Whether everything that is due must stand in this block. */
export function mustBeComplete(block: Block, params: { facilitation: string; maxFacilitation: number }): boolean {
  // What exhausted escrows bring along comes first, and does not count.
  const first = block.facilitation.findLastIndex(one => one.type === 'CloseExhausted') + 1;
  return params.facilitation === 'mandatory' && block.facilitation.length - first < params.maxFacilitation;
}

export class LivenessMonitor extends EventMonitor {
  readonly name = 'liveness';
  readonly #deployments = new Map<string, DeploymentBook>();
  readonly #leases = new Map<string, LeaseBook>();
  /** Leases by the height at which they become stale or miss their reset. */
  readonly #byHeight = new Agenda();
  /** Deployments by a time before which their escrow suffices. */
  readonly #byTime = new Agenda();
  /** Closing deployments without leases, as of the parent. */
  readonly #finished = new Set<string>();
  /** Deployments whose debt or escrow changed in this block. */
  readonly #touched = new Set<string>();

  constructor(genesis: Genesis, options: MonitorOptions) {
    super(genesis.params, options);
  }

  protected override beginBlock(block: Block): void {
    const done = new Set<string>();
    const exhausted = new Set<string>();
    for (const one of block.facilitation) {
      if (one.type === 'SubmitStaleLease' || one.type === 'ExpireReset') {
        this.#expectDue(one.lease, one.type);
        done.add(one.lease);
      } else if (one.type === 'DeploymentClosed') {
        const due = this.#finished.has(one.deployment);
        this.expect(due, 'a deployment is closed after its last lease', () => ({ deployment: one.deployment }));
        done.add(one.deployment);
      } else if (one.type === 'CloseExhausted') {
        exhausted.add(one.deployment);
      }
    }
    const complete = mustBeComplete(block, this.params);
    for (const lease of this.#byHeight.take(this.height)) {
      const row = this.#leases.get(lease);
      if (row === undefined || done.has(lease) || exhausted.has(row.deployment)) continue;
      if (!this.#overdue(row, true)) {
        this.#byHeight.add(Math.max(this.height, row.since + this.#allowed(row)) + 1, lease);
        continue;
      }
      this.expect(!complete, 'a lease that is due is facilitated in the next block', () => ({ lease, ...row }));
      this.#byHeight.add(this.height + 1, lease);
    }
    for (const deployment of this.#finished) {
      const closed = done.has(deployment);
      this.expect(closed || !complete, 'a deployment without leases is closed in the next block', () => ({
        deployment,
      }));
    }
  }

  #allowed(row: LeaseBook): number {
    return row.state === 'closing' ? this.params.resetGrace : this.params.reconfirmationPeriod;
  }

  /** Where governance has changed the time allowed since, the due day is that of either. */
  #overdue(row: LeaseBook, certainly: boolean): boolean {
    const choose = certainly ? Math.max : Math.min;
    return this.height - row.since > choose(row.allowed, this.#allowed(row));
  }

  #expectDue(lease: string, type: 'SubmitStaleLease' | 'ExpireReset'): void {
    const row = this.#leases.get(lease);
    const due =
      row !== undefined && (row.state === 'closing') === (type === 'ExpireReset') && this.#overdue(row, false);
    this.expect(due, 'a lease is facilitated only when it is due', () => ({ lease, type, ...row }));
  }

  protected override onEvent(event: Event): void {
    switch (event.type) {
      case 'DeploymentSubmitted':
        this.#deployments.set(event.deployment, { closing: false, escrow: event.escrow, leases: new Map() });
        return;
      case 'DeploymentUpdated':
      case 'EscrowDeposited':
        this.#touched.add(event.deployment);
        return;
      case 'DeploymentClosing': {
        const row = this.#deployment(event.deployment);
        row.closing = true;
        this.#touched.add(event.deployment);
        return;
      }
      case 'DeploymentClosed':
        this.#deployments.delete(event.deployment);
        this.#finished.delete(event.deployment);
        return;
      case 'LeaseCreated': {
        const deployment = deploymentOfLease(event.lease);
        const { price } = event;
        const row: LeaseBook = { deployment, price, state: 'pending', since: 0, allowed: 0, billedFrom: 0, paid: 0n };
        this.#leases.set(event.lease, row);
        this.#deployment(deployment).leases.set(event.lease, row);
        this.#watch(event.lease, row);
        return;
      }
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

  #onLease(event: Extract<Event, { lease: string }>): void {
    const row = this.known(this.#leases.get(event.lease), 'a lease ends once', () => ({ lease: event.lease }));
    this.#touched.add(row.deployment);
    if (event.type === 'LeasePaid') {
      row.paid += event.amount;
      return;
    }
    if (event.type === 'LeaseClosed' || event.type === 'LeaseBroken') {
      this.#leases.delete(event.lease);
      this.#deployment(row.deployment).leases.delete(event.lease);
      return;
    }
    if (event.type === 'LeaseActive') row.billedFrom = this.time;
    row.state = event.type === 'LeaseClosing' ? 'closing' : 'active';
    this.#watch(event.lease, row);
  }

  #watch(lease: string, row: LeaseBook): void {
    row.since = this.height;
    row.allowed = this.#allowed(row);
    this.#byHeight.add(row.since + row.allowed + 1, lease);
  }

  #deployment(id: string): DeploymentBook {
    return this.known(this.#deployments.get(id), 'no event names a missing deployment', () => ({ deployment: id }));
  }
}
