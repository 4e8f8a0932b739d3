/** MARKET rules, section 3: the life of an order, from its opening to its match or its close. */
import { describe, expect, test } from 'vitest';
import type { Message } from '../../../src/protocol/model/messages.ts';
import { type ResourceGroup, totalCollateral } from '../../../src/protocol/model/objects.ts';
import { bid, type ChainDriver, confirmation, group, hashOf, infrastructure, UAKT_PER_S } from '../../support/chain-driver.ts';
import { activeLease, addressOfName, AKASH, closing, faultsOfBooks, market, order, pendingLease, SECOND } from '../support.ts';

const names = (count: number) => Array.from({ length: count }, (_, i) => `p${i}`);
const crowd = (count: number) => Object.fromEntries(names(count).map(name => [name, {}]));
const cancel = (id: string): Message => ({ type: 'CancelFulfillment', order: id });
const winners = (d: ChainDriver) => d.events('LeaseCreated').map(one => d.name(one.provider));
const closedBids = (d: ChainDriver) => d.events('FulfillmentClosed').map(one => [d.name(one.provider), one.reason]);

function update(d: ChainDriver, name: string, region: string, attributes = {}): void {
  d.must(name, { type: 'UpdateProvider', region, attributes, certificate: hashOf(name), endpoint: `${name}:1` });
}

describe('3.1 Fulfillments are accepted before t + openFor', () => {
  test('in a block before that instant, not in one at it', () => {
    // The order is made at t; blocks follow at t+1s, t+2s, t+3s = t + openFor.
    const d = market();
    const id = order(d, {}, { openFor: 3 * SECOND, waitDuration: 50 });
    expect(d.attempt('ann', bid(d.order(id), 900n)).ok).toBe(true);
    expect(d.attempt('bob', bid(d.order(id), 800n)).ok).toBe(true);
    expect(d.attempt('cal', bid(d.order(id), 700n)).code).toBe('order_not_open');
    expect(d.order(id).fulfillments).toHaveLength(2);
  });

  test('measured to the microsecond', () => {
    const d = market();
    const id = order(d, {}, { openFor: 3 * SECOND, waitDuration: 50 });
    d.send('ann', bid(d.order(id), 900n));
    expect(d.block({ after: 3 * SECOND - 1 }).receipts[0]?.ok).toBe(true);
    d.send('bob', bid(d.order(id), 800n));
    expect(d.block({ after: 1 }).receipts[0]?.code).toBe('order_not_open');
  });

  test('openFor is at most maxOpenFor', () => {
    const d = market({ params: { maxOpenFor: 5 * SECOND } });
    expect(() => order(d, {}, { openFor: 5 * SECOND + 1 })).toThrow('bad_deployment');
    expect(order(d, {}, { openFor: 5 * SECOND })).toContain('/0/0');
  });
});

describe('3.2 May match from height h + waitDuration on', () => {
  test.each([1, 2, 5])('waitDuration %i', wait => {
    const d = market();
    const id = order(d, {}, { waitDuration: wait });
    const height = d.height;
    if (wait > 1) d.must('ann', bid(d.order(id), 900n));
    else d.send('ann', bid(d.order(id), 900n));
    d.run(10);
    const created = d.results.find(one => one.events.some(ev => ev.type === 'LeaseCreated'));
    // With a wait of 1 block the bid itself is only in block h + 1, whose facilitation precedes it.
    expect(created?.height).toBe(height + Math.max(wait, 2));
  });

  test('with no wait at all: in the block after the first bid', () => {
    const d = market();
    const id = order(d, {}, { waitDuration: 0 });
    d.must('ann', bid(d.order(id), 900n));
    expect(winners(d)).toEqual([]);
    d.block();
    expect(winners(d)).toEqual(['ann']);
  });

  test('a bid that comes after the wait is matched in the next block', () => {
    const d = market();
    const id = order(d, {}, { waitDuration: 2 });
    d.run(7);
    d.must('ann', bid(d.order(id), 900n));
    d.block();
    expect(winners(d)).toEqual(['ann']);
  });
});

describe('3.2 At t + openFor', () => {
  test('an order without a bid closes, expired, and is not renewed', () => {
    const d = market();
    const id = order(d, { persist: true }, { openFor: 3 * SECOND });
    d.run(2);
    expect(d.state.orders.has(id)).toBe(true);
    d.block();
    expect(d.blocks.at(-1)?.facilitation).toEqual([{ type: 'CloseOrder', order: id, reason: 'expired' }]);
    expect(d.last.events).toMatchObject([{ type: 'OrderClosed', order: id, reason: 'expired' }]);
    d.run(10);
    expect(d.events('OrderOpened')).toHaveLength(1);
  });

  test('an order with an eligible fulfillment stays until matched', () => {
    const d = market();
    const id = order(d, {}, { openFor: 3 * SECOND, waitDuration: 9 });
    d.must('ann', bid(d.order(id), 900n));
    d.run(7);
    expect(d.state.orders.has(id)).toBe(true);
    d.block();
    expect(winners(d)).toEqual(['ann']);
  });

  test('an order whose only fulfillment is not eligible closes, expired, and releases it', () => {
    const d = market();
    const id = order(d, {}, { openFor: 3 * SECOND, waitDuration: 9 });
    d.must('ann', bid(d.order(id), 900n));
    update(d, 'ann', 'us');
    d.block();
    expect(d.events('OrderClosed')).toMatchObject([{ order: id, reason: 'expired' }]);
    expect(d.balance('ann')).toBe(1_000n * AKASH);
  });

  test('an order that stayed for a bid closes when that bid is withdrawn', () => {
    const d = market();
    const id = order(d, {}, { openFor: 3 * SECOND, waitDuration: 9 });
    d.must('ann', bid(d.order(id), 900n));
    d.run(3);
    d.must('ann', cancel(id));
    expect(d.state.orders.has(id)).toBe(true);
    d.block();
    expect(d.events('OrderClosed')).toMatchObject([{ order: id, reason: 'expired' }]);
  });

  test('an order that stayed for a bid closes when that bid is not eligible at the match', () => {
    const d = market();
    const id = order(d, {}, { openFor: 3 * SECOND, waitDuration: 9 });
    d.must('ann', bid(d.order(id), 900n));
    d.run(3);
    update(d, 'ann', 'us');
    d.run(4);
    expect(d.events('OrderClosed')).toMatchObject([{ order: id, reason: 'expired' }]);
    expect(closedBids(d)).toEqual([['ann', 'order_closed']]);
  });

  test('expiry in the block in which matching is due too is one facilitation message', () => {
    const d = market();
    // Height h + 3 is at t + 3 s.
    const id = order(d, {}, { openFor: 3 * SECOND, waitDuration: 3 });
    d.must('ann', bid(d.order(id), 900n));
    update(d, 'ann', 'us');
    d.block();
    expect(d.blocks.at(-1)?.facilitation).toEqual([{ type: 'CloseOrder', order: id, reason: 'expired' }]);
    expect(d.last.receipts).toEqual([{ ok: true, code: '', detail: '' }]);
  });
});

describe('3.3 Eligible', () => {
  const wanted: Partial<ResourceGroup>[] = [{}, { count: 2, price: 5n * UAKT_PER_S }];
  function place(name: string, change: (groups: ResourceGroup[]) => ResourceGroup[], infra = {}): string {
    const d = market({ providers: { far: { region: 'us' }, fast: { attributes: { gpu: 'a100', tier: '1' } } } });
    const id = order(d, { resources: wanted.map(group), ...infra }, { waitDuration: 50 });
    const resources = change(structuredClone(d.order(id).infrastructure.resources) as ResourceGroup[]);
    const receipt = d.attempt(name, { type: 'SubmitFulfillment', order: id, resources });
    expect(d.state.fulfillments.size).toBe(receipt.ok ? 1 : 0);
    return receipt.code;
  }
  const same = (groups: ResourceGroup[]) => groups;
  const withFirst = (changes: Partial<ResourceGroup>) => (groups: ResourceGroup[]) => [{ ...groups[0]!, ...changes }, groups[1]!];

  test('exactly the order at its maximum is', () => expect(place('ann', same)).toBe(''));
  test('the fulfillment and the order must be open', () => {
    const d = market();
    const missing = `${addressOfName('tom')}/9/0/0`;
    expect(d.attempt('ann', { type: 'SubmitFulfillment', order: missing, resources: [group()] }).code).toBe('order_not_open');
  });
  test('the provider must be registered', () => expect(place('tim', same)).toBe('ineligible'));
  test.each(['cpu', 'memory', 'disk', 'bandwidth', 'gpu'] as const)('equal compute: %s', unit => {
    for (const delta of [1, -1]) {
      expect(
        place('ann', groups => {
          const value = groups[0]!.compute[unit] + delta;
          return value < 0 ? [] : withFirst({ compute: { ...groups[0]!.compute, [unit]: value } })(groups);
        }),
      ).toBe('ineligible');
    }
  });
  test('equal count', () => {
    expect(place('ann', withFirst({ count: 2 }))).toBe('ineligible');
    expect(place('ann', withFirst({ count: 0 }))).toBe('ineligible');
  });
  test('equal collateral', () => {
    expect(place('ann', withFirst({ collateral: AKASH + 1n }))).toBe('ineligible');
    expect(place('ann', withFirst({ collateral: AKASH - 1n }))).toBe('ineligible');
  });
  test("each group's price at most the order group's, whatever the total", () => {
    expect(place('ann', withFirst({ price: UAKT_PER_S }))).toBe('');
    // Total 2 + 2 x 1 = 4 is far below the maximum of 1 + 2 x 5 = 11.
    const cheaper = (groups: ResourceGroup[]) => [{ ...groups[0]!, price: UAKT_PER_S + 1n }, { ...groups[1]!, price: 1n }];
    expect(place('ann', cheaper)).toBe('ineligible');
  });
  test('region', () => {
    expect(place('far', same)).toBe('ineligible');
    expect(place('far', same, { region: 'us' })).toBe('');
    expect(place('far', same, { region: '' })).toBe(''); // any
  });
  test('attributes', () => {
    expect(place('fast', same, { attributes: { gpu: 'a100' } })).toBe('');
    expect(place('fast', same, { attributes: { gpu: 'v100|a100' } })).toBe('');
    expect(place('fast', same, { attributes: { gpu: 'h100' } })).toBe('ineligible');
    expect(place('fast', same, { attributes: { gpu: 'a100', tier: '2' } })).toBe('ineligible');
    expect(place('ann', same, { attributes: { gpu: 'a100' } })).toBe('ineligible');
    expect(place('ann', same, { attributes: { constructor: 'x' } })).toBe('ineligible');
  });
  test('reputation at least what the order asks', () => {
    // No provider has stake: .3 x 0 + .7 x 1/2 (the prior) = 350,000 parts per million.
    expect(place('ann', same, { reputationAtLeast: 350_000 })).toBe('');
    expect(place('ann', same, { reputationAtLeast: 350_001 })).toBe('ineligible');
  });
  test('collateral locked in full', () => {
    const d = market({ providers: { poor: { balance: 3n * AKASH - 1n }, able: { balance: 3n * AKASH } } });
    // 1 AKASH x 1 + 1 AKASH x 2 = 3 AKASH.
    const id = order(d, { resources: wanted.map(group) }, { waitDuration: 50 });
    const offer = bid(d.order(id), UAKT_PER_S);
    expect(d.attempt('poor', offer).code).toBe('insufficient_collateral');
    expect(d.attempt('able', offer).ok).toBe(true);
    expect(d.balance('able')).toBe(0n);
  });

  describe('checked again at the match', () => {
    test('a cheaper bid that is not eligible any more loses to the eligible one', () => {
      const d = market();
      const id = order(d, {}, { waitDuration: 4 });
      d.must('ann', bid(d.order(id), 100n));
      d.must('bob', bid(d.order(id), 200n));
      update(d, 'ann', 'us');
      d.block();
      expect(winners(d)).toEqual(['bob']);
    });

    test('when none is eligible, they are released and the order goes on', () => {
      const d = market();
      const id = order(d, {}, { waitDuration: 3 });
      d.must('ann', bid(d.order(id), 100n));
      update(d, 'ann', 'us');
      d.block();
      expect(d.blocks.at(-1)?.facilitation).toEqual([{ type: 'ReleaseFulfillments', order: id }]);
      expect(closedBids(d)).toEqual([['ann', 'ineligible: region us is not eu']]);
      expect(d.balance('ann')).toBe(1_000n * AKASH);
      d.must('bob', bid(d.order(id), 200n));
      d.block();
      expect(winners(d)).toEqual(['bob']);
    });

    test('a jailed provider does not win', () => {
      const d = market({ params: { jailAfterBroken: 1 } });
      const broken = activeLease(d);
      d.run(4);
      const id = order(d, {}, { waitDuration: 7 });
      d.must('ann', bid(d.order(id), 100n));
      d.must('bob', bid(d.order(id), 200n));
      d.runUntil('LeaseBroken', 20);
      expect(d.events('LeaseBroken')).toMatchObject([{ lease: broken }]);
      d.run(5);
      expect(winners(d)).toEqual(['ann', 'bob']);
      expect(d.attempt('ann', bid(d.order(order(d, {}, { waitDuration: 9 })), 1n)).code).toBe('ineligible');
    });
  });
});

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
    for (const [name, price] of [['ann', 3n], ['bob', 2n], ['cal', 1n]] as const) d.send(name, bid(d.order(id), price));
    d.block();
    expect(['ann', 'bob', 'cal'].map(name => d.balance(name))).toEqual([999n * AKASH, 999n * AKASH, 999n * AKASH]);
    d.block();
    expect(d.last.events.map(one => one.type)).toEqual(['FulfillmentClosed', 'FulfillmentClosed', 'LeaseCreated']);
    expect(closedBids(d)).toEqual([['ann', 'lost'], ['bob', 'lost']]);
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
    expect(d.events('OrderOpened').map(one => one.order)).toEqual(persist ? [lease, lease.replace(/0$/, '1')] : [lease]);
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
    const groups = [group({ collateral: 5n, count: 3 }), group({ collateral: 7n, count: 1 }), group({ collateral: 0n, count: 9 })];
    expect(totalCollateral(groups, 'per_unit')).toBe(22n); // 5 x 3 + 7
    expect(totalCollateral(groups, 'per_group')).toBe(12n); // 5 + 7
    for (const [collateralBasis, locked] of [['per_unit', 22n], ['per_group', 12n]] as const) {
      const d = market({ params: { collateralBasis } });
      const id = order(d, { resources: groups }, { waitDuration: 50 });
      d.must('ann', bid(d.order(id), UAKT_PER_S));
      expect(d.balance('ann')).toBe(1_000n * AKASH - locked);
    }
  });
});
