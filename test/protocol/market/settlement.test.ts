/** MARKET rules, section 4: what leases cost, when pay moves, and escrows that are exhausted. A block is a second, a period 8. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
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
  deploymentIdOf,
  faultsOfBooks,
  leases,
  market,
  SECOND,
} from '../support.ts';

const FULL = 1_000n * AKASH;
const paidTo = (d: ChainDriver, name: string) =>
  d
    .events('LeasePaid')
    .filter(one => d.name(one.provider) === name)
    .reduce((sum, one) => sum + one.amount, 0n);
/** Infrastructures with these maximum prices in micro-AKASH/s. */
const priced = (...prices: bigint[]) =>
  prices.map(one => infrastructure({ resources: [group({ price: one * UAKT_PER_S })] }));

describe('4 reconfirmationPeriod is in blocks; one period costs price x period x targetBlockInterval', () => {
  test('an order whose escrow is short at match time closes, insufficient_funds, and its bids are released', () => {
    const d = market();
    // An active lease at 1 uakt/s eats into the 16 that two orders at 1 uakt/s need for a period of 8 s.
    const [first, second] = d.deploy('tom', { infrastructure: priced(1n, 1n), escrow: 16n, waitDuration: 2 });
    d.must('ann', bid(d.order(first!), UAKT_PER_S));
    d.block();
    d.must('ann', confirmation(first!));
    // 8 seconds later 8 are owed and 8 are free: enough. After 9, only 7 are.
    d.run(3);
    d.must('ann', confirmation(first!));
    d.run(4);
    d.send('bob', bid(d.order(second!), UAKT_PER_S));
    d.block();
    expect(d.lease(first!).billingStart + 9 * SECOND).toBe(d.time);
    d.block();
    expect(d.events('OrderClosed')).toMatchObject([{ order: second, reason: 'insufficient_funds' }]);
    expect(d.balance('bob')).toBe(FULL);
    expect(d.state.leases.size).toBe(1);
  });

  test('a cheaper bid needs less: the period is reckoned at the price of the lease', () => {
    const d = market();
    const [first, second] = d.deploy('tom', { infrastructure: priced(1n, 1n), escrow: 16n, waitDuration: 2 });
    d.must('ann', bid(d.order(first!), UAKT_PER_S));
    d.block();
    d.must('ann', confirmation(first!));
    d.run(3);
    d.must('ann', confirmation(first!));
    d.run(4);
    // 10 s after billing began 6 are free; at 750,000 pico/s a period of 8 s costs exactly 6.
    d.send('bob', bid(d.order(second!), 750_000n));
    d.run(2);
    expect(d.events('LeaseCreated').map(one => one.lease)).toEqual([first, second]);
  });
});

describe('4 Settlement', () => {
  test('confirmation: pays at confirmations, the difference of two cumulative values', () => {
    const d = market();
    // .7 uakt/s: 2 s = 1.4, 4 s = 2.8, 7 s = 4.9.
    const lease = activeLease(d, { price: 700_000n });
    const amounts: bigint[] = [];
    for (const blocks of [2, 2, 3]) {
      d.run(blocks - 1);
      d.must('ann', confirmation(lease));
      amounts.push(...d.last.events.flatMap(one => (one.type === 'LeasePaid' ? [one.amount] : [])));
    }
    expect(amounts).toEqual([1n, 1n, 2n]);
  });

  test('per_block: pays at the end of every block', () => {
    const d = market({ params: { settlement: 'per_block' } });
    const lease = activeLease(d, { price: 700_000n });
    const start = d.balance('ann');
    const after = d.run(7).map(one => one.events.flatMap(ev => (ev.type === 'LeasePaid' ? [ev.amount] : [])));
    // Cumulative .7, 1.4, 2.1, 2.8, 3.5, 4.2, 4.9.
    expect(after).toEqual([[], [1n], [1n], [], [1n], [1n], []]);
    expect(d.balance('ann') - start).toBe(4n);
    expect(d.lease(lease).paid).toBe(4n);
  });

  test('confirmation: pays nothing between confirmations', () => {
    const d = market();
    activeLease(d);
    d.run(7);
    expect(d.events('LeasePaid')).toEqual([]);
  });

  test('confirming often or seldom pays the same, whatever the price and the block times', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 3_000_000 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 5n * UAKT_PER_S }), gaps, (price, times) => {
        const paid = [1, 2, 3, 6].map(every => {
          const d = market({ commitEvery: 0 });
          const lease = activeLease(d, { price, infrastructure: priced(5n) });
          times.forEach((after, i) => {
            // The quarter of 8 blocks is 2: whoever confirms more often is refused and is paid later.
            if ((i + 1) % every === 0) d.send('ann', confirmation(lease));
            d.block({ after });
          });
          return d.lease(lease).paid;
        });
        const total = times.reduce((sum, one) => sum + one, 0);
        expect(paid).toEqual(paid.map(() => (price * BigInt(total)) / 10n ** 12n));
      }),
      { numRuns: 15 },
    );
  });

  test('leaseTax goes to the fee pool', () => {
    const d = market({ params: { leaseTax: 250_000 } });
    const lease = activeLease(d, { price: 10n * UAKT_PER_S, infrastructure: priced(10n) });
    const before = d.balance('ann');
    d.run(2);
    d.must('ann', confirmation(lease));
    // 30 are paid in 3 s; a quarter of it, 7.5, is 7 rounded down.
    expect(d.balance('ann') - before).toBe(23n);
    expect(d.events('LeasePaid')).toMatchObject([{ amount: 30n, tax: 7n, paid: 30n }]);
    expect(d.state.candidates.need(addressOfName('validator')).rewards).toBe(7n);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('leaseTax is 0 by default', () => {
    const d = market();
    const lease = activeLease(d);
    d.run(2);
    d.must('ann', confirmation(lease));
    expect(d.events('LeasePaid')).toMatchObject([{ amount: 3n, tax: 0n }]);
  });
});

describe('4 Accrued debt is reserved', () => {
  test('in the block in which the debt would exceed the escrow, and not before, all leases close', () => {
    const d = market();
    const lease = activeLease(d, { escrow: 10n });
    const start = d.time;
    d.run(7);
    d.must('ann', confirmation(lease));
    d.run(2);
    expect(d.time).toBe(start + 10 * SECOND);
    expect(d.lease(lease).state).toBe('active');
    d.block();
    expect(d.blocks.at(-1)?.facilitation).toEqual([{ type: 'CloseExhausted', deployment: deploymentIdOf(lease) }]);
    expect(d.events('LeaseClosing')).toMatchObject([{ lease, reason: 'insufficient_funds', unpaid: 1n }]);
    expect(paidTo(d, 'ann')).toBe(10n);
    expect(d.balance('tom')).toBe(FULL - 10n);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('paid pro rata, remaining micro-AKASH in order of lease creation', () => {
    const d = market();
    const ids = d.deploy('tom', { infrastructure: priced(1n, 2n, 4n), escrow: 62n, waitDuration: 2 });
    for (const [i, name] of ['ann', 'bob', 'cal'].entries())
      d.send(name, bid(d.order(ids[i]!), [1n, 2n, 4n][i]! * UAKT_PER_S));
    d.run(2);
    for (const [i, name] of ['ann', 'bob', 'cal'].entries()) d.send(name, confirmation(ids[i]!));
    d.run(4); // the first of these four is the block of the confirmations
    for (const [i, name] of ['ann', 'bob', 'cal'].entries()) d.send(name, confirmation(ids[i]!));
    d.run(5);
    // 7 uakt/s: 4 s are paid, 34 are left. 56 after 8 s; 63 after 9 s exceed 62. Owed 5, 10, 20 of 35 from 34:
    // 34 x 5/35 = 4.857, 9.714, 19.43: 4 + 9 + 19 = 32, the two that remain go to the first and the second.
    expect(d.state.leases.size).toBe(3);
    expect(['ann', 'bob', 'cal'].map(name => paidTo(d, name))).toEqual([4n, 8n, 16n]);
    expect(d.events('DeploymentClosing')).toEqual([]); // 8 s after the confirmations
    expect(d.time - d.lease(ids[0]!).billingStart).toBe(8 * SECOND);
    d.block();
    expect(d.events('DeploymentClosing')).toMatchObject([{ refund: 0n, reason: 'insufficient_funds' }]);
    expect(['ann', 'bob', 'cal'].map(name => paidTo(d, name))).toEqual([9n, 18n, 35n]);
    expect(d.events('LeaseClosing').map(one => one.unpaid)).toEqual([0n, 0n, 1n]);
  });

  test('what was paid at confirmations does not count twice', () => {
    const d = market();
    const ids = leases(d, { infrastructure: priced(1n, 1n), escrow: 25n });
    for (const id of ids) d.send('ann', confirmation(id));
    d.block();
    d.run(4);
    d.must('ann', confirmation(ids[0]!)); // paid 5, escrow 20
    expect(paidTo(d, 'ann')).toBe(5n);
    d.run(2);
    d.must('ann', confirmation(ids[1]!)); // paid 8, escrow 12
    d.run(4);
    // At 12 s: owed 7 + 4 of 12. At 13 s: 8 + 5 = 13 of 12: 12 x 8/13 = 7.38, 12 x 5/13 = 4.62: 7 and 4, 1 for the first.
    expect(d.lease(ids[1]!).state).toBe('active');
    d.block();
    expect(ids.map(id => d.lease(id).paid)).toEqual([13n, 12n]);
  });

  test('orders of an exhausted deployment close with it, and pending leases enter closing unpaid', () => {
    const d = market();
    const [first, second, third] = d.deploy('tom', {
      infrastructure: priced(2n, 1n, 1n),
      escrow: 32n,
      waitDuration: 2,
    });
    d.must('ann', bid(d.order(first!), 2n * UAKT_PER_S));
    d.block();
    d.must('ann', confirmation(first!));
    d.run(7);
    d.must('ann', confirmation(first!)); // 8 s: 16 paid, 16 left
    d.must('bob', bid(d.order(second!), UAKT_PER_S));
    d.block(); // matched: 12 are free, a period costs 8
    d.run(2);
    d.must('ann', confirmation(first!)); // 12 s: 24 paid, 8 left
    d.run(3); // 16 s: nothing is left, nothing overdrawn
    expect(d.lease(second!).state).toBe('pending');
    d.block();
    expect(d.events('OrderClosed')).toMatchObject([{ order: third, reason: 'insufficient_funds' }]);
    expect(d.lease(second!)).toMatchObject({ state: 'closing', paid: 0n });
    expect(paidTo(d, 'ann')).toBe(32n);
    expect(d.state.orders.size).toBe(0);
  });

  test('a pending lease that is closed is paid out of what is not owed to others', () => {
    const d = market();
    const [first, second] = d.deploy('tom', { infrastructure: priced(2n, 1n), escrow: 32n, waitDuration: 2 });
    d.must('ann', bid(d.order(first!), 2n * UAKT_PER_S));
    d.block();
    d.must('ann', confirmation(first!));
    d.run(7);
    d.must('ann', confirmation(first!)); // 8 s: 16 paid, 16 left
    d.must('bob', bid(d.order(second!), UAKT_PER_S));
    d.block(); // matched: 12 are free, a period costs 8
    d.run(2);
    d.must('ann', confirmation(first!)); // 12 s: 24 paid, 8 left
    d.run(1);
    // 15 s: 6 of the 8 have accrued for the first. The second was matched 5 s ago, and gets the 2 that are free.
    d.must('tom', { type: 'CloseDeployment', deployment: deploymentIdOf(first!) });
    expect([first, second].map(id => d.lease(id!).paid)).toEqual([30n, 2n]);
    expect(d.last.events.flatMap(one => (one.type === 'LeaseClosing' ? [one.unpaid] : []))).toEqual([0n, 3n]);
  });

  test('each pay is rounded down by itself: equal to the escrow does not exceed it', () => {
    const d = market();
    const ids = leases(d, {
      infrastructure: [1, 2].map(() => infrastructure({ resources: [group({ price: 500_000n })] })),
      escrow: 8n,
    });
    for (const id of ids) d.send('ann', confirmation(id));
    d.run(4);
    for (const id of ids) d.send('ann', confirmation(id));
    d.run(6);
    // After 9 s each owes floor(4.5) = 4 in all: 8 of 8, though 2 x 4.5 = 9 would be more.
    expect(d.time - d.lease(ids[0]!).billingStart).toBe(9 * SECOND);
    expect(d.events('DeploymentClosing')).toEqual([]);
    d.block();
    expect(d.events('DeploymentClosing')).toMatchObject([{ reason: 'insufficient_funds' }]);
    expect(ids.map(id => d.lease(id).paid)).toEqual([4n, 4n]);
  });

  test('a lease that ends takes nothing of what others have accrued', () => {
    const d = market();
    const [first, second] = d.deploy('tom', { infrastructure: priced(1n, 1n), escrow: 16n, waitDuration: 2 });
    d.must('ann', bid(d.order(first!), UAKT_PER_S));
    d.block();
    d.must('ann', confirmation(first!));
    d.run(6);
    d.must('ann', confirmation(first!)); // 7 s: 7 paid, 9 left
    d.send('bob', bid(d.order(second!), UAKT_PER_S));
    d.block(); // 8 s: 1 owed, 8 free
    d.block(); // 9 s: 2 owed, 7 free: a period costs 8
    expect(d.events('OrderClosed')).toMatchObject([{ order: second, reason: 'insufficient_funds' }]);
    // The same with a cheaper second lease, 7 x 8 / 8 = 7: matched at 9 s, removed at 14 s.
    const e = market();
    const [one, two] = e.deploy('tom', { infrastructure: priced(1n, 1n), escrow: 16n, waitDuration: 2 });
    e.must('ann', bid(e.order(one!), UAKT_PER_S));
    e.block();
    e.must('ann', confirmation(one!));
    e.run(6);
    e.must('ann', confirmation(one!));
    e.send('bob', bid(e.order(two!), 875_000n));
    e.run(2);
    e.run(4);
    e.must('tom', {
      type: 'UpdateDeployment',
      deployment: deploymentIdOf(two!),
      version: hashOf('v'),
      add: [],
      remove: [1],
      reprice: [],
    });
    // At 14 s 7 of 9 are ann's; bob's 5 s at .875 are 4.375, of which the 2 that are free are paid.
    expect(e.time - e.lease(one!).billingStart).toBe(14 * SECOND);
    expect(e.events('LeaseClosing')).toMatchObject([{ lease: two, unpaid: 2n }]);
    expect([paidTo(e, 'bob'), e.deployment(deploymentIdOf(one!)).escrow]).toEqual([2n, 7n]);
    e.block();
    expect(paidTo(e, 'ann')).toBe(14n); // 8 are owed of the 7 that are left
  });

  test('nobody overdraws: random leases, prices and confirmations', () => {
    const plan = fc.record({
      prices: fc.array(fc.bigInt({ min: 1n, max: 3n * UAKT_PER_S }), { minLength: 1, maxLength: 4 }),
      extra: fc.bigInt({ min: 0n, max: 20n }),
      steps: fc.array(fc.record({ after: fc.integer({ min: 1, max: 2_500_000 }), who: fc.nat({ max: 7 }) }), {
        maxLength: 20,
      }),
    });
    fc.assert(
      fc.property(plan, ({ prices, extra, steps }) => {
        const d = market({ commitEvery: 0 });
        const infra = prices.map(price => infrastructure({ resources: [group({ price })] }));
        const reserve = prices.reduce((sum, price) => sum + (price * 8n + 999_999n) / 1_000_000n, 0n);
        const ids = d.deploy('tom', { infrastructure: infra, escrow: reserve + extra, waitDuration: 2 });
        ids.forEach((id, i) => {
          d.send('ann', bid(d.order(id), prices[i]!));
        });
        d.run(2);
        for (const id of ids) d.send('ann', confirmation(id));
        d.block();
        for (const { after, who } of steps) {
          const id = ids[who];
          if (id !== undefined && d.state.leases.has(id)) d.send('ann', confirmation(id));
          d.block({ after });
          expect(faultsOfBooks(d.state)).toEqual([]);
          const deployment = d.state.deployments.get(deploymentIdOf(ids[0]!));
          if (deployment?.state !== 'open') continue;
          let owed = 0n;
          for (const one of deployment.leases) {
            const lease = d.lease(one);
            if (lease.state === 'active')
              owed += (lease.price * BigInt(d.time - lease.billingStart)) / 10n ** 12n - lease.paid;
          }
          expect(deployment.escrow - owed).toBeGreaterThanOrEqual(0n);
        }
      }),
      { numRuns: 40 },
    );
  });
});
