import { describe, expect, test } from 'vitest';
import { contentRoot } from '../../../src/protocol/chain/block.ts';
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
  deploymentIdOf,
  faultsOfBooks,
  leases,
  market,
  order,
  pendingLease,
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

describe('4 Pending', () => {
  test('lasts from the match to the first confirmation; billing starts at its block', () => {
    const d = market();
    const lease = pendingLease(d, { escrow: 100n });
    expect(d.lease(lease)).toMatchObject({ state: 'pending', paid: 0n });
    d.run(4);
    d.must('ann', confirmation(lease));
    expect(d.lease(lease)).toMatchObject({ state: 'active', billingStart: d.time, paid: 0n });
    expect(d.events('LeasePaid')).toEqual([]);
    d.run(2);
    d.must('ann', confirmation(lease));
    expect(paidTo(d, 'ann')).toBe(3n);
  });

  test('the first confirmation is due within one period', () => {
    const inTime = market();
    const lease = pendingLease(inTime);
    inTime.run(7);
    inTime.must('ann', confirmation(lease)); // 8 blocks after the match
    expect(inTime.lease(lease).state).toBe('active');
    const late = market();
    const other = pendingLease(late);
    late.run(8);
    expect(late.attempt('ann', confirmation(other)).code).toBe('no_lease'); // the ninth begins by breaking it
    expect(late.events('LeaseBroken')).toMatchObject([{ lease: other, unpaid: 0n }]);
  });

  test.each([
    ['pays', 3n],
    ['free', 0n],
  ] as const)(
    'pendingClose %s: a tenant that closes a pending lease pays %i for 3 s since the match',
    (pendingClose, amount) => {
      const d = market({ params: { pendingClose } });
      const lease = pendingLease(d, { escrow: 100n });
      d.run(2);
      d.must('tom', closing(lease));
      expect(paidTo(d, 'ann')).toBe(amount);
      expect(d.balance('tom')).toBe(FULL - amount);
      expect(d.lease(lease)).toMatchObject({ state: 'closing', reason: 'tenant_closed', paid: amount });
      expect(faultsOfBooks(d.state)).toEqual([]);
    },
  );

  test.each([
    ['pays', 3n],
    ['free', 0n],
  ] as const)('pendingClose %s holds for infrastructure that is removed too', (pendingClose, amount) => {
    const d = market({ params: { pendingClose } });
    const lease = pendingLease(d);
    d.run(2);
    d.must('tom', {
      type: 'UpdateDeployment',
      deployment: deploymentIdOf(lease),
      version: hashOf('v'),
      add: [],
      remove: [0],
      reprice: [],
    });
    expect(paidTo(d, 'ann')).toBe(amount);
  });
});

describe('4 A lease unconfirmed for more than reconfirmationPeriod blocks is stale', () => {
  test('8 blocks without a confirmation are within the period, the 9th breaks the lease', () => {
    const d = market();
    const lease = activeLease(d, { escrow: 100n });
    d.run(7);
    d.must('ann', confirmation(lease)); // the eighth
    expect(paidTo(d, 'ann')).toBe(8n);
    d.run(8);
    expect(d.lease(lease).state).toBe('active');
    d.block();
    expect(d.blocks.at(-1)?.facilitation).toEqual([{ type: 'SubmitStaleLease', lease }]);
    // The unpaid stretch of 9 s stays unpaid; the collateral moves once.
    expect(d.last.events).toMatchObject([
      { type: 'LeaseBroken', unpaid: 9n, forfeited: AKASH, toTenant: AKASH, burned: 0n },
    ]);
    expect(paidTo(d, 'ann')).toBe(8n);
    expect(d.state.leases.size).toBe(0);
    expect(d.balance('ann')).toBe(FULL - AKASH + 8n);
    expect(d.balance('tom')).toBe(FULL - 100n + AKASH);
    expect(d.deployment(deploymentIdOf(lease))).toMatchObject({ state: 'open', escrow: 92n });
    d.run(20);
    expect(d.events('LeaseBroken')).toHaveLength(1);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test.each([
    ['tenant', 7n, 0n],
    ['burn', 0n, 7n],
    ['split', 2n, 5n], // 40 % of 7 = 2.8, rounded down; the rest is burned
  ] as const)('collateralTo %s', (collateralTo, toTenant, burned) => {
    const d = market({ params: { collateralTo, collateralSplit: 400_000 } });
    pendingLease(d, { infrastructure: [infrastructure({ resources: [group({ collateral: 7n })] })], escrow: 100n });
    const broken = d.runUntil('LeaseBroken', 20);
    expect(broken).toMatchObject({ forfeited: 7n, toTenant, burned });
    expect(d.balance('tom')).toBe(FULL - 100n + toTenant);
    expect(d.balance('ann')).toBe(FULL - 7n);
    expect(d.state.chainwide.burned).toBe(burned);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('a stale lease stays stale when its facilitation has to wait: a late confirmation does not save it', () => {
    const d = market({ params: { facilitation: 'prefix' } });
    const lease = activeLease(d);
    d.run(8);
    const late = d.sign('ann', confirmation(lease));
    const block = d.chain.makeBlock(d.time + SECOND, addressOfName('validator'), [late]);
    expect(block.facilitation).toEqual([{ type: 'SubmitStaleLease', lease }]);
    // The proposer stops before it, and lets the confirmation in.
    d.apply({ ...block, facilitation: [], header: { ...block.header, content: contentRoot([], [late]) } });
    expect(paidTo(d, 'ann')).toBe(0n);
    d.block();
    expect(d.events('LeaseBroken')).toMatchObject([{ lease, forfeited: AKASH }]);
  });

  test("the provider's record gets a broken lease", () => {
    const d = market();
    pendingLease(d);
    expect(d.provider('ann').brokenLeases).toBe(0);
    d.runUntil('LeaseBroken', 20);
    expect(d.provider('ann')).toMatchObject({ brokenLeases: 1, broken: AKASH });
  });

  test('without persist that infrastructure ends; the rest of the deployment goes on', () => {
    const d = market();
    const [first, second] = leases(d, { infrastructure: [infrastructure(), infrastructure()] });
    d.must('ann', confirmation(second!));
    d.run(6);
    d.must('ann', confirmation(second!));
    d.run(3);
    expect(d.events('LeaseBroken')).toMatchObject([{ lease: first, renewed: false }]);
    expect(d.deployment(deploymentIdOf(first!)).slots.map(one => one.stands)).toEqual(['ended', 'lease']);
    expect(d.lease(second!).state).toBe('active');
  });

  test('without escrow for the fee, a persistent infrastructure is not ordered again', () => {
    const d = market({ params: { feePerObject: 93n } });
    const lease = activeLease(d, { infrastructure: [infrastructure({ persist: true })], escrow: 100n });
    d.run(7);
    d.must('ann', confirmation(lease)); // 8 paid, 92 left: the fee is 93
    expect(d.runUntil('LeaseBroken', 20)).toMatchObject({ renewed: false });
    expect(d.deployment(deploymentIdOf(lease)).escrow).toBe(92n);
  });

  test('a provider has no free exit: no message of its own ends a lease', () => {
    const d = market();
    const lease = activeLease(d);
    expect(d.attempt('ann', closing(lease)).code).toBe('not_owner');
    expect(d.attempt('ann', { type: 'CancelFulfillment', order: lease }).code).toBe('order_not_open');
    expect(d.attempt('ann', confirmation(lease, true)).code).toBe('not_closing');
    expect(d.lease(lease).state).toBe('active');
  });

  test('brokenLeaseStakeSlash: 0 by default, else a share of own stake is burned', () => {
    const none = market({ providers: { ann: { stake: 1_000n } } });
    pendingLease(none);
    expect(none.runUntil('LeaseBroken', 20).stakeSlashed).toBe(0n);
    const d = market({ providers: { ann: { stake: 1_001n } }, params: { brokenLeaseStakeSlash: 100_000 } });
    pendingLease(d);
    expect(d.runUntil('LeaseBroken', 20).stakeSlashed).toBe(100n); // a tenth of 1,001, rounded down
    expect(d.state.accounts.need(addressOfName('ann')).bonded).toBe(901n);
    expect(d.state.chainwide.burned).toBe(100n);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('jailAfterBroken: never by default, else after so many broken leases, for jailDuration', () => {
    const none = market();
    pendingLease(none);
    none.runUntil('LeaseBroken', 20);
    expect(none.provider('ann').jailedUntil).toBe(0);

    const d = market({ params: { jailAfterBroken: 2, jailDuration: 5 * SECOND } });
    pendingLease(d);
    d.runUntil('LeaseBroken', 20);
    expect(d.provider('ann').jailedUntil).toBe(0);
    pendingLease(d);
    d.runUntil('LeaseBroken', 20);
    expect(d.events('ProviderJailed')).toMatchObject([{ until: d.time + 5 * SECOND }]);
    const until = d.provider('ann').jailedUntil;
    const id = order(d, {}, { waitDuration: 50 });
    expect(d.attempt('ann', bid(d.order(id), 1n)).code).toBe('ineligible');
    d.run((until - d.time) / SECOND - 1);
    expect(d.attempt('ann', bid(d.order(id), 1n)).ok).toBe(true); // in the block at `until`
    expect(d.time).toBe(until);
  });
});

describe('4 Every end but stale passes through closing', () => {
  test('the provider confirms the reset; its collateral returns then', () => {
    const d = market();
    const lease = activeLease(d);
    d.must('tom', closing(lease));
    expect(d.balance('ann')).toBe(FULL - AKASH + 1n);
    d.run(3);
    d.must('ann', confirmation(lease, true));
    expect(d.balance('ann')).toBe(FULL + 1n);
    expect(d.events('LeaseClosed')).toMatchObject([
      { lease, collateral: AKASH, resetConfirmed: true, reason: 'tenant_closed' },
    ]);
    expect(d.provider('ann')).toMatchObject({ keptLeases: 1, brokenLeases: 0, broken: 0n });
  });

  test('missing resetGrace counts as a broken lease in the record, and collateral returns', () => {
    const d = market();
    const lease = activeLease(d, { price: 3n * UAKT_PER_S, infrastructure: priced(3n) });
    d.must('tom', closing(lease));
    d.run(5); // the grace
    expect(d.lease(lease).state).toBe('closing');
    d.block();
    expect(d.blocks.at(-1)?.facilitation).toEqual([{ type: 'ExpireReset', lease }]);
    expect(d.events('LeaseClosed')).toMatchObject([{ lease, collateral: AKASH, resetConfirmed: false }]);
    expect(d.balance('ann')).toBe(FULL + 3n);
    // Nothing is forfeited: the weight is one period's price, 3 uakt/s x 8 s.
    expect(d.provider('ann')).toMatchObject({ keptLeases: 0, brokenLeases: 1, broken: 24n });
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('the last block of the grace is in time', () => {
    const d = market();
    const lease = activeLease(d);
    d.must('tom', closing(lease));
    d.run(4);
    d.must('ann', confirmation(lease, true));
    expect(d.events('LeaseClosed')).toMatchObject([{ resetConfirmed: true }]);
  });

  test("the tenant's unused escrow returns at the close, not hostage to the slowest provider", () => {
    const d = market();
    const lease = activeLease(d, { escrow: 100n });
    d.must('tom', closing(lease));
    expect(d.balance('tom')).toBe(FULL - 1n);
    expect(d.lease(lease).state).toBe('closing');
    d.runUntil('DeploymentClosed', 20);
    expect(d.balance('tom')).toBe(FULL - 1n);
  });

  test('nothing is billed after the close', () => {
    const d = market();
    const lease = activeLease(d);
    d.must('tom', closing(lease));
    d.run(4);
    d.must('ann', confirmation(lease, true));
    expect(d.events('LeasePaid').map(one => one.amount)).toEqual([1n]);
  });

  test('a closing lease is not stale', () => {
    const d = market({ params: { resetGrace: 30 } });
    const lease = activeLease(d);
    d.must('tom', closing(lease));
    d.run(25);
    expect(d.lease(lease).state).toBe('closing');
    expect(d.events('LeaseBroken')).toEqual([]);
  });

  test.each(['confirmation', 'per_block'] as const)(
    'settlement %s: the exhausted escrow ends in closing too',
    settlement => {
      const d = market({ params: { settlement } });
      const lease = activeLease(d, { escrow: 8n });
      d.run(3);
      d.must('ann', confirmation(lease));
      d.run(4);
      expect(d.lease(lease).state).toBe('active');
      d.block();
      expect(d.lease(lease)).toMatchObject({ state: 'closing', reason: 'insufficient_funds', paid: 8n });
      d.must('ann', confirmation(lease, true));
      expect(d.balance('ann')).toBe(FULL + 8n);
    },
  );
});
