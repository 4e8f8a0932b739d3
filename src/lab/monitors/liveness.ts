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
  closing: boolean;
  /** Height of the match or of the newest confirmation; of the close, once it is closing. */
  since: number;
  /** How many blocks it might go without a word, as of `since`. */
  allowed: number;
  /** The height at which it is looked at next. */
  look: number;
}

interface DeploymentBook {
  closing: boolean;
  /** Leases that are not closed. */
  leases: number;
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
  /** Leases by the height at which they may be stale or miss their reset. */
  readonly #agenda = new Agenda();
  /** Closing deployments without leases, as of the parent. */
  readonly #finished = new Set<string>();

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
    for (const lease of this.#agenda.take(this.height)) {
      const row = this.#leases.get(lease);
      // Who was told to look earlier, or again, does not look twice.
      if (row === undefined || row.look > this.height) continue;
      const overdue = this.#overdue(row, true);
      const dealtWith = done.has(lease) || exhausted.has(row.deployment);
      this.expect(!overdue || dealtWith || !complete, 'a lease that is due is facilitated in the next block', () => ({
        lease,
        ...row,
      }));
      const due = row.since + Math.max(row.allowed, this.#allowed(row)) + 1;
      this.#lookAt(Math.max(due, this.height + 1), lease, row);
    }
    for (const deployment of this.#finished) {
      const closed = done.has(deployment);
      this.expect(closed || !complete, 'a deployment without leases is closed in the next block', () => ({
        deployment,
      }));
    }
  }

  #allowed(row: LeaseBook): number {
    return row.closing ? this.params.resetGrace : this.params.reconfirmationPeriod;
  }

  /** Where governance has changed the time allowed since, the due day is that of either. */
  #overdue(row: LeaseBook, certainly: boolean): boolean {
    const choose = certainly ? Math.max : Math.min;
    return this.height - row.since > choose(row.allowed, this.#allowed(row));
  }

  #expectDue(lease: string, type: 'SubmitStaleLease' | 'ExpireReset'): void {
    const row = this.#leases.get(lease);
    const due = row !== undefined && row.closing === (type === 'ExpireReset') && this.#overdue(row, false);
    this.expect(due, 'a lease is facilitated only when it is due', () => ({ lease, type, ...row }));
  }

  protected override onEvent(event: Event): void {
    switch (event.type) {
      case 'DeploymentSubmitted':
        this.#deployments.set(event.deployment, { closing: false, leases: 0 });
        return;
      case 'DeploymentClosing': {
        const row = this.#deployment(event.deployment);
        row.closing = true;
        if (row.leases === 0) this.#finished.add(event.deployment);
        return;
      }
      case 'DeploymentClosed':
        this.#deployments.delete(event.deployment);
        this.#finished.delete(event.deployment);
        return;
      case 'LeaseCreated': {
        const deployment = deploymentOfLease(event.lease);
        this.#deployment(deployment).leases += 1;
        const row: LeaseBook = { deployment, closing: false, since: 0, allowed: 0, look: 0 };
        this.#leases.set(event.lease, row);
        this.#start(row);
        this.#lookAt(row.since + row.allowed + 1, event.lease, row);
        return;
      }
      case 'LeaseActive':
      case 'LeaseConfirmed':
        this.#start(this.#lease(event.lease));
        return;
      case 'LeaseClosing': {
        const row = this.#lease(event.lease);
        row.closing = true;
        this.#start(row);
        this.#lookAt(row.since + row.allowed + 1, event.lease, row);
        return;
      }
      case 'LeaseClosed':
      case 'LeaseBroken': {
        const { deployment } = this.#lease(event.lease);
        this.#leases.delete(event.lease);
        const row = this.#deployment(deployment);
        row.leases -= 1;
        if (row.closing && row.leases === 0) this.#finished.add(deployment);
        return;
      }
      default:
    }
  }

  /** From now on the time runs that a lease may go without a word. */
  #start(row: LeaseBook): void {
    row.since = this.height;
    row.allowed = this.#allowed(row);
  }

  #lookAt(height: number, lease: string, row: LeaseBook): void {
    row.look = height;
    this.#agenda.add(height, lease);
  }

  #lease(id: string): LeaseBook {
    return this.known(this.#leases.get(id), 'a lease ends once', () => ({ lease: id }));
  }

  #deployment(id: string): DeploymentBook {
    return this.known(this.#deployments.get(id), 'no event names a missing deployment', () => ({ deployment: id }));
  }
}
