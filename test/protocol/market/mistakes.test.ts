/** MARKET rules, section 9: mistakes that the first implementation made, one test each. */
import { describe, expect, test } from 'vitest';
import type { Message } from '../../../src/protocol/model/messages.ts';
import type { ResourceGroup } from '../../../src/protocol/model/objects.ts';
import { bid, type ChainDriver, confirmation, group, infrastructure, UAKT_PER_S } from '../../support/chain-driver.ts';
import {
  AKASH,
  activeLease,
  addressOfName,
  closing,
  faultsOfBooks,
  leases,
  market,
  order,
  pendingLease,
  SECOND,
} from '../support.ts';

const FULL = 1_000n * AKASH;
const cancel = (id: string): Message => ({ type: 'CancelFulfillment', order: id });
const winners = (d: ChainDriver) => d.events('LeaseCreated').map(one => d.name(one.provider));

describe('9 Mistakes that the first implementation made', () => {
  test('Cancelled cheapest bid stalls the order for ever', () => {
    const d = market();
    const id = order(d, {}, { waitDuration: 4 });
    d.must('ann', bid(d.order(id), 1n));
    d.must('bob', bid(d.order(id), 2n));
    d.must('ann', cancel(id));
    d.block();
    expect(winners(d)).toEqual(['bob']);
  });

  test('Ties decided by address', () => {
    const sorted = ['ann', 'bob', 'cal'].toSorted((left, right) =>
      addressOfName(left) < addressOfName(right) ? -1 : 1,
    );
    for (const sequence of [sorted, sorted.toReversed()]) {
      const d = market();
      const id = order(d);
      for (const name of sequence) d.send(name, bid(d.order(id), 7n));
      d.run(2);
      expect(winners(d)).toEqual([sequence[0]]);
    }
  });

  test('Offer above the maximum accepted', () => {
    const d = market();
    const id = order(d, { resources: [group(), group()] }, { waitDuration: 50 });
    expect(d.attempt('ann', bid(d.order(id), UAKT_PER_S + 1n)).code).toBe('ineligible');
    expect(d.attempt('ann', bid(d.order(id), [1n, UAKT_PER_S + 1n])).code).toBe('ineligible');
    expect(d.order(id).fulfillments).toEqual([]);
  });

  test('Lease price taken from the transaction', () => {
    // A lease is made by facilitation, which names order and winner only: every price comes from state.
    const d = market();
    const id = order(d);
    d.must('ann', bid(d.order(id), 400n));
    const block = d.chain.makeBlock(d.time + SECOND, addressOfName('validator'), []);
    expect(block.facilitation).toEqual([
      { type: 'SubmitLease', order: id, fulfillment: `${id}/${addressOfName('ann')}/0` },
    ]);
    expect(Object.keys(block.facilitation[0]!).sort()).toEqual(['fulfillment', 'order', 'type']);
    d.apply(block);
    expect(d.lease(id).price).toBe(400n);
    // And what is billed is what was agreed: 9 s at 400 pico/s is .0036 micro-AKASH.
    d.must('ann', confirmation(id));
    d.run(8);
    expect(d.lease(id).paid).toBe(0n);
  });

  test("Anyone may close anyone's lease", () => {
    const d = market();
    const lease = activeLease(d);
    for (const name of ['tim', 'ann', 'bob', 'validator']) {
      expect(d.attempt(name, closing(lease)).code).toBe('not_owner');
      expect(d.attempt(name, confirmation(lease, true)).ok).toBe(false);
    }
    expect(d.lease(lease).state).toBe('active');
  });

  test('Losing bids never close', () => {
    const d = market();
    const id = order(d);
    for (const [name, price] of [
      ['ann', 1n],
      ['bob', 2n],
      ['cal', 3n],
    ] as const)
      d.send(name, bid(d.order(id), price));
    d.run(2);
    expect(d.state.fulfillments.sorted().map(one => d.name(one.provider))).toEqual(['ann']);
    expect([d.balance('bob'), d.balance('cal')]).toEqual([FULL, FULL]);
  });

  test('A cancelled bid can never be placed again', () => {
    const d = market();
    const id = order(d, {}, { waitDuration: 5 });
    const offer = bid(d.order(id), 5n);
    d.must('ann', offer);
    d.must('ann', cancel(id));
    d.must('ann', offer);
    d.run(2);
    expect(winners(d)).toEqual(['ann']);
  });

  test('Orders never expire', () => {
    const d = market();
    const id = order(d, {}, { openFor: 2 * SECOND });
    d.run(2);
    expect(d.events('OrderClosed')).toMatchObject([{ order: id, reason: 'expired' }]);
    expect(d.state.orders.size).toBe(0);
  });

  test('Several leases of one tenant starve by key order; partial payment silently accepted', () => {
    const d = market();
    // Twelve orders, so that "10" and "11" sort before "2" as texts; the last key must not go unpaid.
    const infra = Array.from({ length: 12 }, () => infrastructure());
    const ids = leases(d, { infrastructure: infra, escrow: 100n });
    for (const id of ids) d.send('ann', confirmation(id));
    d.run(4);
    for (const id of ids) d.send('ann', confirmation(id)); // 4 s: 48 are paid, 52 are left
    d.run(5);
    expect(d.events('DeploymentClosing')).toEqual([]); // 8 s: 48 of 52 are owed
    d.block();
    // 9 s: 60 of 52 are owed. 52 / 12 = 4.33: 4 each, and the 4 that remain go to the first four created.
    expect(ids.map(id => d.lease(id).paid)).toEqual([9n, 9n, 9n, 9n, 8n, 8n, 8n, 8n, 8n, 8n, 8n, 8n]);
    // Not silently: each lease says what it was left unpaid, and billing has ended.
    expect(d.events('LeaseClosing').map(one => one.unpaid)).toEqual([0n, 0n, 0n, 0n, 1n, 1n, 1n, 1n, 1n, 1n, 1n, 1n]);
    expect(ids.every(id => d.lease(id).state === 'closing')).toBe(true);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('Nonce not used up by a failed transaction', () => {
    const d = market();
    const tx = d.send('tom', { type: 'Transfer', to: addressOfName('ann'), amount: FULL + 1n });
    expect(d.block().receipts[0]?.ok).toBe(false);
    expect(d.state.accounts.need(addressOfName('tom')).nonce).toBe(1);
    expect(() => d.block({ transactions: [tx] })).toThrow('nonce 0, expected 1');
  });

  test('Limit of 20 admits 21', () => {
    const names = Array.from({ length: 21 }, (_, i) => `p${i}`);
    const d = market({ providers: Object.fromEntries(names.map(name => [name, {}])) });
    const id = order(d, {}, { waitDuration: 50 });
    for (const name of names) d.send(name, bid(d.order(id), 5n));
    expect(d.block().receipts.map(one => one.code)).toEqual([...Array.from({ length: 20 }, () => ''), 'order_full']);
    expect(d.order(id).fulfillments).toHaveLength(20);
  });

  test('Two withdrawals in one block crash', () => {
    const d = market({ params: { feeBase: 100n } });
    const id = order(d, {}, { waitDuration: 50 });
    const other = pendingLease(d);
    d.must('ann', bid(d.order(id), 5n));
    d.must('bob', bid(d.order(id), 6n));
    // Withdrawals of every kind, twice each in one block: bids, escrow of one account, rewards.
    const rewards: Message = { type: 'WithdrawRewards', validator: addressOfName('validator') };
    d.send('ann', cancel(id));
    d.send('bob', cancel(id));
    d.send('bob', cancel(id));
    d.send('tom', closing(id));
    d.send('tom', closing(other));
    d.send('validator', rewards);
    d.send('validator', rewards);
    expect(d.block().receipts.map(one => one.code)).toEqual(['', '', 'no_bid', '', '', '', '']);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('Duplicate resource ids in an offer crash', () => {
    const d = market();
    const small = group({ price: 100n });
    const large = group({ price: 900n, compute: { ...group().compute, cpu: 9_000 } });
    const id = order(d, { resources: [small, large] }, { waitDuration: 50 });
    const offer = (resources: ResourceGroup[]) =>
      d.attempt('ann', { type: 'SubmitFulfillment', order: id, resources }).code;
    expect(offer([small, small])).toBe('ineligible');
    expect(offer([large, large])).toBe('ineligible');
    expect(offer([large, small])).toBe('ineligible');
    expect(offer([small, small, large])).toBe('ineligible');
    // Equal groups in an order are two groups.
    const twice = order(d, { resources: [small, small] }, { waitDuration: 50 });
    expect(d.attempt('ann', { type: 'SubmitFulfillment', order: twice, resources: [small] }).code).toBe('ineligible');
    expect(d.attempt('ann', { type: 'SubmitFulfillment', order: twice, resources: [small, small] }).ok).toBe(true);
  });

  test('An empty or partial offer passes', () => {
    const d = market();
    const groups = [group({ count: 2 }), group()];
    const id = order(d, { resources: groups }, { waitDuration: 50 });
    const offer = (resources: ResourceGroup[]) =>
      d.attempt('ann', { type: 'SubmitFulfillment', order: id, resources }).code;
    expect(offer([])).toBe('ineligible');
    expect(offer([groups[0]!])).toBe('ineligible');
    expect(offer([{ ...groups[0]!, count: 1 }, groups[1]!])).toBe('ineligible');
    expect(offer([{ ...groups[0]!, count: 0 }, groups[1]!])).toBe('ineligible');
    expect(d.order(id).fulfillments).toEqual([]);
    expect(offer(groups)).toBe('');
  });
});
