/** MARKET rules, section 3: the life of an order, from its opening to its match or its close. */
import { describe, expect, test } from 'vitest';
import type { Message } from '../../../src/protocol/model/messages.ts';
import type { ResourceGroup } from '../../../src/protocol/model/objects.ts';
import { bid, type ChainDriver, group, hashOf, UAKT_PER_S } from '../../support/chain-driver.ts';
import { AKASH, activeLease, addressOfName, market, order, SECOND } from '../support.ts';

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
  const withFirst = (changes: Partial<ResourceGroup>) => (groups: ResourceGroup[]) => [
    { ...groups[0]!, ...changes },
    groups[1]!,
  ];

  test('exactly the order at its maximum is', () => expect(place('ann', same)).toBe(''));
  test('the fulfillment and the order must be open', () => {
    const d = market();
    const missing = `${addressOfName('tom')}/9/0/0`;
    expect(d.attempt('ann', { type: 'SubmitFulfillment', order: missing, resources: [group()] }).code).toBe(
      'order_not_open',
    );
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
    const cheaper = (groups: ResourceGroup[]) => [
      { ...groups[0]!, price: UAKT_PER_S + 1n },
      { ...groups[1]!, price: 1n },
    ];
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
