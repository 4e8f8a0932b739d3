/**
 * Who may do what: only its tenant closes or updates a deployment or chooses a bid, only its provider confirms a lease or
 * cancels a bid. The first implementation of the market let anyone close anyone's lease.
 *
 * Read from the transactions that succeeded and the events of their block. A transaction under a grant acts for the
 * granter; that a grant covers it is not looked at here.
 */
import type { Block } from '../../protocol/chain/block.ts';
import type { BlockResult } from '../../protocol/chain/chain.ts';
import type { Genesis } from '../../protocol/chain/genesis.ts';
import type { Event } from '../../protocol/model/events.ts';
import { EventMonitor, type MonitorOptions } from './monitor.ts';

export class AuthorityMonitor extends EventMonitor {
  readonly name = 'authority';
  /** What was asked for with success in this block, as `message object`, and by whom; empty for a grant's holder. */
  readonly #asked = new Map<string, Set<string>>();

  constructor(genesis: Genesis, options: MonitorOptions) {
    super(genesis.params, options);
  }

  protected override beginBlock(block: Block, result: BlockResult): void {
    this.#asked.clear();
    const offset = block.facilitation.length;
    const expected = offset + block.transactions.length;
    this.expect(result.receipts.length === expected, 'everything in a block has a receipt', () => ({
      found: result.receipts.length,
      expected,
    }));
    for (const [i, { body }] of block.transactions.entries()) {
      if (result.receipts[offset + i]?.ok !== true) continue;
      const { message } = body;
      const granted = body.grant !== '';
      if (message.type === 'CloseDeployment' || message.type === 'UpdateDeployment') {
        this.#ask(message.type, message.deployment, body.account, granted);
        this.#expectTenant(message.deployment, body.account, granted);
      } else if (message.type === 'CancelFulfillment') {
        this.#ask(message.type, message.order, body.account, granted);
      } else if (message.type === 'SubmitLeaseConfirmation') {
        this.#ask(message.type, message.lease, body.account, granted);
      } else if (message.type === 'ChooseFulfillment') {
        this.#expectTenant(message.order, body.account, granted);
      }
    }
  }

  #ask(message: string, object: string, account: string, granted: boolean): void {
    const key = `${message} ${object}`;
    const askers = this.#asked.get(key);
    const name = granted ? '' : account;
    if (askers === undefined) this.#asked.set(key, new Set([name]));
    else askers.add(name);
  }

  #expectTenant(object: string, account: string, granted: boolean): void {
    const tenant = object.slice(0, object.indexOf('/'));
    this.expect(granted || account === tenant, 'only its tenant rules a deployment', () => ({ object, account }));
  }

  protected override onEvent(event: Event): void {
    if (event.type === 'FulfillmentClosed' && event.reason === 'cancelled') {
      this.#expectAsked('CancelFulfillment', event.order, event.provider, 'only its provider cancels a bid');
    } else if (event.type === 'LeaseConfirmed' || event.type === 'LeaseActive') {
      this.#expectAsked('SubmitLeaseConfirmation', event.lease, event.provider, 'only its provider confirms a lease');
    } else if (event.type === 'LeaseClosed' && event.resetConfirmed) {
      this.#expectAsked('SubmitLeaseConfirmation', event.lease, event.provider, 'only its provider confirms the reset');
    }
  }

  #expectAsked(message: string, object: string, account: string, rule: string): void {
    const askers = this.#asked.get(`${message} ${object}`);
    const asked = askers?.has(account) === true || askers?.has('') === true;
    this.expect(asked, rule, () => ({ object, expected: account, askers: [...(askers ?? [])] }));
  }
}
