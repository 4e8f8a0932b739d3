/**
 * Invariant 6: a broken lease forfeits exactly once, exactly what was posted, to whom the parameter says. Every other end
 * of a lease gives the provider back exactly what it posted.
 *
 * A lease is broken only when it went unconfirmed for longer than the reconfirmation period, and a lease is confirmed at
 * most once in a quarter of it. In between, the provider's word is never refused: else it could not help being broken.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { Genesis } from '../../protocol/chain/genesis.ts';
import type { Event, EventOf } from '../../protocol/model/events.ts';
import type { State } from '../../protocol/model/state.ts';
import { EventMonitor, type MonitorOptions } from './monitor.ts';

interface LeaseBook {
  readonly provider: string;
  readonly posted: bigint;
  /** Height of the match or of the newest confirmation, and the period that held then. */
  confirmedAt: number;
  period: number;
  active: boolean;
  closing: boolean;
}

export class ForfeitMonitor extends EventMonitor {
  readonly name = 'forfeits';
  readonly #leases = new Map<string, LeaseBook>();
  readonly #posted = new Map<string, bigint>();

  constructor(genesis: Genesis, options: MonitorOptions) {
    super(genesis.params, options);
  }

  protected override onEvent(event: Event, block: Block): void {
    switch (event.type) {
      case 'TransactionFailed':
        if (event.message === 'SubmitLeaseConfirmation') this.#refused(event, block);
        return;
      case 'FulfillmentPlaced':
        this.#posted.set(event.fulfillment, event.collateral);
        return;
      case 'FulfillmentClosed':
        this.#posted.delete(event.fulfillment);
        return;
      case 'LeaseCreated': {
        const posted = this.known(this.#posted.get(event.fulfillment), 'a lease binds an open bid', () => event);
        this.#posted.delete(event.fulfillment);
        const { provider, lease } = event;
        const period = this.params.reconfirmationPeriod;
        this.#leases.set(lease, { provider, posted, confirmedAt: this.height, period, active: false, closing: false });
        return;
      }
      case 'LeaseActive':
        this.#confirm(this.#lease(event.lease));
        return;
      case 'LeaseConfirmed': {
        const row = this.#lease(event.lease);
        const quarter = this.params.reconfirmationPeriod / 4;
        this.expect(this.height - row.confirmedAt >= quarter, 'at most one confirmation per quarter period', () => ({
          lease: event.lease,
          confirmedAt: row.confirmedAt,
        }));
        this.#confirm(row);
        return;
      }
      case 'LeaseClosing':
        this.#lease(event.lease).closing = true;
        return;
      case 'LeaseClosed': {
        const row = this.#lease(event.lease);
        this.expect(row.closing && event.collateral === row.posted, 'a kept lease returns what was posted', () => ({
          lease: event.lease,
          closing: row.closing,
          returned: event.collateral,
          posted: row.posted,
        }));
        this.#leases.delete(event.lease);
        return;
      }
      case 'LeaseBroken':
        this.#broken(event);
        return;
      default:
    }
  }

  #confirm(row: LeaseBook): void {
    row.active = true;
    row.confirmedAt = this.height;
    row.period = this.params.reconfirmationPeriod;
  }

  #lease(id: string): LeaseBook {
    return this.known(this.#leases.get(id), 'a lease ends once', () => ({ lease: id }));
  }

  /** A confirmation that was refused: there must be a reason for it that the rules know. */
  #refused(event: EventOf<'TransactionFailed'>, block: Block): void {
    const { account, nonce } = event;
    const body = block.transactions.find(one => one.body.account === account && one.body.nonce === nonce)?.body;
    if (body?.message.type !== 'SubmitLeaseConfirmation' || body.grant !== '') return;
    const row = this.#leases.get(body.message.lease);
    if (row === undefined || row.provider !== account || row.closing !== body.message.reset) return;
    const since = this.height - row.confirmedAt;
    const { reconfirmationPeriod } = this.params;
    const soon = row.active && since < reconfirmationPeriod / 4;
    this.expect(!row.closing && (soon || since > reconfirmationPeriod), 'a timely confirmation is accepted', () => ({
      lease: event.object,
      confirmedAt: row.confirmedAt,
      code: event.code,
    }));
  }

  #broken(event: EventOf<'LeaseBroken'>): void {
    const row = this.#lease(event.lease);
    this.#leases.delete(event.lease);
    this.expect(!row.closing, 'a closing lease is not broken', () => event);
    const unconfirmed = this.height - row.confirmedAt;
    // Where governance changed the period since the confirmation, either one may be meant.
    const period = Math.min(row.period, this.params.reconfirmationPeriod);
    this.expect(unconfirmed > period, 'a lease is stale after more than a period', () => ({
      lease: event.lease,
      unconfirmed,
      period,
    }));
    this.expect(event.forfeited === row.posted, 'a broken lease forfeits what was posted', () => ({
      lease: event.lease,
      forfeited: event.forfeited,
      posted: row.posted,
    }));
    const { collateralTo, collateralSplit } = this.params;
    const share = (row.posted * BigInt(collateralSplit)) / 1_000_000n;
    const toTenant = collateralTo === 'tenant' ? row.posted : collateralTo === 'burn' ? 0n : share;
    const right = event.toTenant === toTenant && event.burned === row.posted - toTenant;
    this.expect(right, 'forfeited collateral goes where the parameter says', () => ({
      lease: event.lease,
      collateralTo,
      toTenant: event.toTenant,
      burned: event.burned,
      posted: row.posted,
    }));
    const slashes = event.stakeSlashed === 0n || this.params.brokenLeaseStakeSlash > 0;
    this.expect(slashes, 'stake is slashed for a broken lease only where a parameter says so', () => event);
  }

  protected override full(state: State): void {
    for (const row of state.leases.unordered()) {
      const book = this.#leases.get(row.id);
      this.expect(
        book?.posted === row.collateral && book.provider === row.provider,
        'a lease keeps what was posted',
        () => ({
          lease: row.id,
          found: row.collateral,
          posted: book?.posted,
        }),
      );
    }
  }
}
