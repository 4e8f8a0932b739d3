/** MARKET rules, section 3.4 to 3.6: who wins an order, what becomes of the others, and when an order opens again. */
import { describe, expect, test } from 'vitest';
import type { Message } from '../../../src/protocol/model/messages.ts';
import { totalCollateral } from '../../../src/protocol/model/objects.ts';
import {
  bid,
  type ChainDriver,
  confirmation,
  group,
  hashOf,
  infrastructure,
  UAKT_PER_S,
} from '../../support/chain-driver.ts';
import {
  AKASH,
  activeLease,
  addressOfName,
  closing,
  faultsOfBooks,
  market,
  order,
  pendingLease,
  SECOND,
} from '../support.ts';

const names = (count: number) => Array.from({ length: count }, (_, i) => `p${i}`);
const crowd = (count: number) => Object.fromEntries(names(count).map(name => [name, {}]));
const cancel = (id: string): Message => ({ type: 'CancelFulfillment', order: id });
const winners = (d: ChainDriver) => d.events('LeaseCreated').map(one => d.name(one.provider));
const closedBids = (d: ChainDriver) => d.events('FulfillmentClosed').map(one => [d.name(one.provider), one.reason]);

function update(d: ChainDriver, name: string, region: string, attributes = {}): void {
  d.must(name, { type: 'UpdateProvider', region, attributes, certificate: hashOf(name), endpoint: `${name}:1` });
}

describe('3.4 Winner', () => {
  test('the lowest total, which is the sum of price x count', () => {
    const d = market();
    const resources = [group({ price: 100n }), group({ price: 100n, count: 10 })];
    const id = order(d, { resources }, { waitDuration: 5 });
    d.must('ann', bid(d.order(id), [1n, 20n])); // 1 + 10 x 20 = 201
    d.must('bob', bid(d.order(id), [99n, 10n])); // 99 + 10 x 10 = 199
    d.must('cal', bid(d.order(id), [100n, 10n])); // 200
    d.run(2);
    expect(winners(d)).toEqual(['bob']);
    expect(d.events('LeaseCreated')[0]).toMatchObject({ price: 199n, maximum: 1_100n, bids: 3 });
  });

  test('on equal totals the one placed first: by height', () => {
    for (const [first, second] of [
      ['ann', 'bob'],
      ['bob', 'ann'],
    ] as const) {
      const d = market();
      const id = order(d, {}, { waitDuration: 4 });
      d.must(first, bid(d.order(id), 900n));
      d.must(second, bid(d.order(id), 900n));
      d.run(2);
      expect(winners(d)).toEqual([first]);
    }
  });

  test('on equal totals the one placed first: by position in the block', () => {
    for (const sequence of [
      ['ann', 'bob', 'cal'],
      ['cal', 'bob', 'ann'],
      ['bob', 'cal', 'ann'],
    ]) {
      const d = market();
      const id = order(d);
      for (const name of sequence) d.send(name, bid(d.order(id), 900n));
      d.run(2);
      expect(winners(d)).toEqual([sequence[0]]);
    }
  });

  test('a bid that was withdrawn and placed again stands where it was placed again', () => {
    const d = market();
    const id = order(d, {}, { waitDuration: 6 });
    d.must('ann', bid(d.order(id), 900n));
    d.must('bob', bid(d.order(id), 900n));
    d.must('ann', cancel(id));
    d.must('ann', bid(d.order(id), 900n));
    d.run(3);
    expect(winners(d)).toEqual(['bob']);
  });

  test('placed at or after h + waitDuration: competes only if no eligible one was placed before', () => {
    // Facilitation of one item a block, so that a match can be late; the other order is older and goes first.
    const d = market({ params: { maxFacilitation: 1 } });
    const [older, id] = d.deploy('tom', { infrastructure: [infrastructure(), infrastructure()], waitDuration: 2 });
    d.send('cal', bid(d.order(older!), 900n));
    d.send('ann', bid(d.order(id!), 900n));
    d.block();
    // Height h + 2: the older order is matched; bob bids lower, as late as the block in which the match was due.
    d.must('bob', bid(d.order(id!), 100n));
    d.block();
    expect(winners(d)).toEqual(['cal', 'ann']);
    expect(closedBids(d)).toEqual([['bob', 'lost']]);
  });

  test('late ones compete among themselves when the early one is not eligible any more', () => {
    const d = market({ params: { maxFacilitation: 1 } });
    const [older, id] = d.deploy('tom', { infrastructure: [infrastructure(), infrastructure()], waitDuration: 2 });
    d.send('cal', bid(d.order(older!), 900n));
    d.send('ann', bid(d.order(id!), 50n));
    d.block();
    d.send('bob', bid(d.order(id!), 100n));
    d.send('cal', bid(d.order(id!), 90n));
    d.send('ann', { type: 'UpdateProvider', region: 'us', attributes: {}, certificate: hashOf('a'), endpoint: 'a' });
    d.run(2);
    expect(winners(d)).toEqual(['cal', 'cal']);
  });
});

describe('3.5 Losing fulfillments close in the same block', () => {
  test('and their collateral returns', () => {
    const d = market();
    const id = order(d);
    for (const [name, price] of [
      ['ann', 3n],
      ['bob', 2n],
      ['cal', 1n],
    ] as const)
      d.send(name, bid(d.order(id), price));
    d.block();
    expect(['ann', 'bob', 'cal'].map(name => d.balance(name))).toEqual([999n * AKASH, 999n * AKASH, 999n * AKASH]);
    d.block();
    expect(d.last.events.map(one => one.type)).toEqual(['FulfillmentClosed', 'FulfillmentClosed', 'LeaseCreated']);
    expect(closedBids(d)).toEqual([
      ['ann', 'lost'],
      ['bob', 'lost'],
    ]);
    expect(['ann', 'bob', 'cal'].map(name => d.balance(name))).toEqual([1_000n * AKASH, 1_000n * AKASH, 999n * AKASH]);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('an order holds at most 20 open fulfillments: exactly 20', () => {
    const d = market({ providers: crowd(21) });
    const id = order(d, {}, { waitDuration: 50 });
    for (const name of names(20)) d.send(name, bid(d.order(id), 900n));
    expect(d.block().receipts.map(one => one.ok)).toEqual(Array.from({ length: 20 }, () => true));
    expect(d.order(id).fulfillments).toHaveLength(20);
    expect(d.attempt('p20', bid(d.order(id), 900n)).code).toBe('order_full');
    expect(d.attempt('p20', bid(d.order(id), 901n)).code).toBe('order_full');
    expect(d.order(id).fulfillments).toHaveLength(20);
  });

  test('when full, a strictly lower total replaces the worst: the highest total', () => {
    const d = market({ providers: crowd(3), params: { maxFulfillments: 2 } });
    const id = order(d, {}, { waitDuration: 50 });
    d.must('p0', bid(d.order(id), 900n));
    d.must('p1', bid(d.order(id), 800n));
    d.must('p2', bid(d.order(id), 899n));
    expect(closedBids(d)).toEqual([['p0', 'replaced']]);
    expect(d.balance('p0')).toBe(1_000n * AKASH);
    expect(d.order(id).fulfillments.map(one => d.state.fulfillments.need(one).total)).toEqual([800n, 899n]);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('when full, of equal worst totals the latest is replaced', () => {
    const d = market({ providers: crowd(4), params: { maxFulfillments: 3 } });
    const id = order(d, {}, { waitDuration: 50 });
    d.must('p2', bid(d.order(id), 900n));
    d.send('p1', bid(d.order(id), 900n));
    d.send('p0', bid(d.order(id), 900n));
    d.block();
    d.must('p3', bid(d.order(id), 100n));
    expect(closedBids(d)).toEqual([['p0', 'replaced']]);
  });

  test('twenty Sybil bids at the maximum shut nobody out', () => {
    const d = market({ providers: crowd(20) });
    const id = order(d, {}, { waitDuration: 5 });
    for (const name of names(20)) d.send(name, bid(d.order(id), UAKT_PER_S));
    d.block();
    d.must('ann', bid(d.order(id), UAKT_PER_S - 1n));
    d.run(4);
    expect(winners(d)).toEqual(['ann']);
  });

  test('a provider that was replaced may bid again, as the next attempt', () => {
    const d = market({ providers: crowd(2), params: { maxFulfillments: 1 } });
    const id = order(d, {}, { waitDuration: 50 });
    d.must('p0', bid(d.order(id), 900n));
    d.must('p1', bid(d.order(id), 800n));
    d.must('p0', bid(d.order(id), 700n));
    expect(d.order(id).fulfillments).toEqual([`${id}/${addressOfName('p0')}/1`]);
  });

  test('a provider holds at most one open fulfillment per order', () => {
    const d = market();
    const id = order(d, {}, { waitDuration: 50 });
    d.must('ann', bid(d.order(id), 900n));
    expect(d.attempt('ann', bid(d.order(id), 800n)).code).toBe('has_bid');
    expect(d.balance('ann')).toBe(999n * AKASH);
  });

  test('an id is never used twice: a bid after one that was released as ineligible is another attempt', () => {
    const d = market();
    const id = order(d, {}, { waitDuration: 3 });
    d.must('ann', bid(d.order(id), 100n));
    update(d, 'ann', 'us');
    d.block();
    update(d, 'ann', 'eu');
    d.must('ann', bid(d.order(id), 100n));
    const ids = d.events('FulfillmentPlaced').map(one => one.fulfillment);
    expect(ids).toEqual([`${id}/${addressOfName('ann')}/0`, `${id}/${addressOfName('ann')}/1`]);
  });
});

describe('3.6 Orders open only on SubmitDeployment, on UpdateDeployment, and, if persist, after a broken lease', () => {
  test('not after an expiry, nor after a close for want of funds', () => {
    const d = market();
    order(d, { persist: true }, { openFor: 2 * SECOND });
    d.run(20);
    expect(d.events('OrderOpened')).toHaveLength(1);
  });

  test('not after the lease of a tenant that closed', () => {
    const d = market();
    const lease = activeLease(d, { infrastructure: [infrastructure({ persist: true })] });
    d.must('tom', closing(lease));
    d.run(20);
    expect(d.events('OrderOpened')).toHaveLength(1);
  });

  test.each([true, false])('after a broken lease: persist %s', persist => {
    const d = market({ params: { feePerObject: 3n } });
    const lease = pendingLease(d, { infrastructure: [infrastructure({ persist })], escrow: 100n });
    const broken = d.runUntil('LeaseBroken', 20);
    expect(broken.renewed).toBe(persist);
    expect(d.events('OrderOpened').map(one => one.order)).toEqual(
      persist ? [lease, lease.replace(/0$/, '1')] : [lease],
    );
    // The fee for the new order comes from escrow: 100 - 3.
    expect(d.state.deployments.sorted()[0]?.escrow).toBe(persist ? 97n : 100n);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('the renewed order is for the same infrastructure and waits and stays open as long', () => {
    const d = market();
    const lease = pendingLease(d, { infrastructure: [infrastructure({ persist: true })], openFor: 50 * SECOND });
    d.runUntil('LeaseBroken', 20);
    const [renewed] = d.state.orders.sorted();
    expect(renewed).toMatchObject({ height: d.height, matchFrom: d.height + 2, closesAt: d.time + 50 * SECOND });
    expect(renewed?.infrastructure).toEqual(d.events('OrderOpened').find(one => one.order === lease)?.infrastructure);
    d.must('bob', bid(renewed!, 5n));
    d.block();
    expect(winners(d)).toEqual(['ann', 'bob']);
    expect(d.attempt('bob', confirmation(renewed!.id)).ok).toBe(true);
  });
});

describe('3 Collateral required = sum of collateral x count over groups', () => {
  test('collateralBasis per_unit and per_group', () => {
    const groups = [
      group({ collateral: 5n, count: 3 }),
      group({ collateral: 7n, count: 1 }),
      group({ collateral: 0n, count: 9 }),
    ];
    expect(totalCollateral(groups, 'per_unit')).toBe(22n); // 5 x 3 + 7
    expect(totalCollateral(groups, 'per_group')).toBe(12n); // 5 + 7
    for (const [collateralBasis, locked] of [
      ['per_unit', 22n],
      ['per_group', 12n],
    ] as const) {
      const d = market({ params: { collateralBasis } });
      const id = order(d, { resources: groups }, { waitDuration: 50 });
      d.must('ann', bid(d.order(id), UAKT_PER_S));
      expect(d.balance('ann')).toBe(1_000n * AKASH - locked);
    }
  });
});
