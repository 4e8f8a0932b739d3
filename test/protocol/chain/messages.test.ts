/** MARKET rules, section 2, the table: every transaction is there, and does what its line says. */
import { describe, expect, test } from 'vitest';
import { MESSAGE_TYPES } from '../../../src/protocol/model/messages.ts';
import {
  bid,
  confirmation,
  deployment,
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
  market,
  order,
  pendingLease,
} from '../support.ts';

describe('2 Transactions: the table is complete', () => {
  test.each([
    ...['Transfer', 'Stake', 'Delegate', 'Undelegate', 'Redelegate', 'WithdrawRewards'],
    ...[
      'RegisterProvider',
      'UpdateProvider',
      'SubmitDeployment',
      'UpdateDeployment',
      'CloseDeployment',
      'DepositEscrow',
    ],
    ...[
      'SubmitFulfillment',
      'CancelFulfillment',
      'ChooseFulfillment',
      'SubmitLeaseConfirmation',
      'SubmitProposal',
      'Vote',
    ],
    ...['Grant', 'Revoke'],
  ])('%s', type => {
    expect(MESSAGE_TYPES).toContain(type);
  });
});

describe('2 Transactions: Transfer', () => {
  test('moves tokens, also to an account that is new, also to oneself', () => {
    const d = market();
    d.must('tom', { type: 'Transfer', to: addressOfName('new'), amount: 7n });
    d.must('tom', { type: 'Transfer', to: addressOfName('tom'), amount: 7n });
    expect([d.balance('tom'), d.balance('new')]).toEqual([1_000n * AKASH - 7n, 7n]);
    expect(faultsOfBooks(d.state)).toEqual([]);
  });

  test('refuses nothing and too much', () => {
    const d = market();
    const to = addressOfName('ann');
    expect(d.attempt('tom', { type: 'Transfer', to, amount: 0n }).code).toBe('bad_amount');
    expect(d.attempt('tom', { type: 'Transfer', to, amount: 1_000n * AKASH + 1n }).code).toBe('insufficient_funds');
    expect(d.attempt('tom', { type: 'Transfer', to, amount: 1_000n * AKASH }).ok).toBe(true);
    expect(d.balance('tom')).toBe(0n);
  });
});

describe('2 Transactions: RegisterProvider, UpdateProvider', () => {
  const register = (region: string) =>
    ({
      type: 'RegisterProvider',
      region,
      attributes: { gpu: 'a100' },
      certificate: hashOf('c'),
      endpoint: 'tim:1',
    }) as const;

  test('registers region, attributes, root certificate and endpoint, once', () => {
    const d = market();
    expect(d.attempt('tim', register('')).code).toBe('bad_provider');
    d.must('tim', register('us'));
    expect(d.provider('tim')).toMatchObject({
      region: 'us',
      attributes: { gpu: 'a100' },
      endpoint: 'tim:1',
      certificate: hashOf('c'),
    });
    expect(d.attempt('tim', register('us')).code).toBe('registered');
  });

  test('an update replaces all of it; who is not registered has nothing to update', () => {
    const d = market();
    const update = { ...register('asia'), type: 'UpdateProvider', attributes: {}, endpoint: 'ann:2' } as const;
    expect(d.attempt('tim', update).code).toBe('not_registered');
    d.must('ann', update);
    expect(d.provider('ann')).toMatchObject({ region: 'asia', attributes: {}, endpoint: 'ann:2' });
  });
});

describe('2 Transactions: SubmitDeployment', () => {
  test('funds the escrow and opens an order per infrastructure', () => {
    const d = market();
    const orders = d.deploy('tom', {
      infrastructure: [infrastructure(), infrastructure({ region: 'us' })],
      escrow: 5_000n,
    });
    const tom = addressOfName('tom');
    expect(orders).toEqual([`${tom}/0/0/0`, `${tom}/0/1/0`]);
    expect(d.deployment(`${tom}/0`)).toMatchObject({ escrow: 5_000n, state: 'open', version: hashOf('manifest') });
    expect(d.balance('tom')).toBe(1_000n * AKASH - 5_000n);
    expect(d.order(orders[1]!).infrastructure.region).toBe('us');
  });

  test('needs escrow for one period of all its orders at the maximum price, to the micro-AKASH', () => {
    const d = market();
    // 8 blocks x 1 s x (1 + 2 x 3) uakt/s = 56.
    const wanted = [infrastructure(), infrastructure({ resources: [group({ price: 3n * UAKT_PER_S, count: 2 })] })];
    expect(d.attempt('tom', deployment({ infrastructure: wanted, escrow: 55n })).code).toBe('insufficient_escrow');
    expect(d.attempt('tom', deployment({ infrastructure: wanted, escrow: 56n })).ok).toBe(true);
  });

  test('refuses what cannot be ordered', () => {
    const d = market({ params: { maxOpenFor: 10_000_000, maxWaitDuration: 50 } });
    const bad = (changes: Parameters<typeof deployment>[0]) =>
      d.attempt('tom', deployment({ openFor: 1, ...changes })).code;
    expect(bad({ infrastructure: [] })).toBe('bad_deployment');
    expect(bad({ infrastructure: [infrastructure({ resources: [] })] })).toBe('bad_deployment');
    expect(bad({ infrastructure: [infrastructure({ resources: [group({ price: 0n })] })] })).toBe('bad_deployment');
    expect(bad({ openFor: 0 })).toBe('bad_deployment');
    expect(bad({ openFor: 10_000_001 })).toBe('bad_deployment');
    expect(bad({ openFor: 10_000_000 })).toBe('');
    expect(bad({ waitDuration: 51 })).toBe('bad_deployment');
    expect(bad({ waitDuration: 50 })).toBe('');
    expect(bad({ escrow: 1_000n * AKASH })).toBe('insufficient_funds');
  });

  test('at most 32 infrastructures', () => {
    const d = market();
    const many = (count: number) => Array.from({ length: count }, () => infrastructure());
    expect(d.deploy('tom', { infrastructure: many(32) })).toHaveLength(32);
    expect(() => d.sign('tom', deployment({ infrastructure: many(33) }))).toThrow('at most 32');
  });
});

describe('2 Transactions: UpdateDeployment', () => {
  const update = (id: string, changes: object) =>
    ({
      type: 'UpdateDeployment',
      deployment: deploymentIdOf(id),
      version: hashOf('v2'),
      add: [],
      remove: [],
      reprice: [],
      ...changes,
    }) as const;

  test('new manifest version', () => {
    const d = market();
    const id = order(d);
    d.must('tom', update(id, {}));
    expect(d.deployment(deploymentIdOf(id)).version).toEqual(hashOf('v2'));
    expect(d.attempt('tim', update(id, {})).code).toBe('not_owner');
  });

  test('added infrastructure opens orders, numbered on; a removed one ends', () => {
    const d = market();
    const id = order(d);
    d.must('tom', update(id, { add: [infrastructure({ region: 'us' })], remove: [0] }));
    expect(d.state.orders.sorted().map(one => one.id)).toEqual([`${deploymentIdOf(id)}/1/0`]);
    expect(d.events('OrderClosed')).toMatchObject([{ order: id, reason: 'removed' }]);
    expect(d.attempt('tom', update(id, { remove: [0] })).code).toBe('bad_update');
    expect(d.attempt('tom', update(id, { remove: [1, 1] })).code).toBe('bad_update');
  });

  test('a removed lease is paid and enters closing', () => {
    const d = market();
    const lease = activeLease(d);
    d.must('tom', update(lease, { remove: [0] }));
    // Active for one block of 1 s at 1 uakt/s.
    expect(d.lease(lease)).toMatchObject({ state: 'closing', reason: 'removed', paid: 1n });
    d.must('ann', confirmation(lease, true));
    expect(d.state.leases.size).toBe(0);
    expect(d.deployment(deploymentIdOf(lease))).toMatchObject({ state: 'open', slots: [] });
  });

  test('new prices hold for new orders only', () => {
    const d = market();
    const lease = activeLease(d, { infrastructure: [infrastructure({ persist: true })] });
    d.must('tom', update(lease, { reprice: [{ group: 0, prices: [5n * UAKT_PER_S] }] }));
    expect(d.lease(lease).price).toBe(UAKT_PER_S);
    expect(d.lease(lease).infrastructure.resources[0]?.price).toBe(UAKT_PER_S);
    d.runUntil('LeaseBroken', 20);
    const [renewed] = d.state.orders.sorted();
    expect(renewed?.id).toBe(`${deploymentIdOf(lease)}/0/1`);
    expect(renewed?.infrastructure.resources[0]?.price).toBe(5n * UAKT_PER_S);
  });

  test('new prices leave the order that is open as it was', () => {
    const d = market();
    const id = order(d);
    d.must('tom', update(id, { reprice: [{ group: 0, prices: [5n * UAKT_PER_S] }] }));
    expect(d.attempt('ann', bid(d.order(id), 5n * UAKT_PER_S)).code).toBe('ineligible');
    expect(d.attempt('ann', bid(d.order(id), UAKT_PER_S)).ok).toBe(true);
  });

  test('refuses prices that do not fit, and additions that the free escrow does not cover', () => {
    const d = market();
    const lease = activeLease(d, { escrow: 20n });
    const attempt = (changes: object) => d.attempt('tom', update(lease, changes)).code;
    expect(attempt({ reprice: [{ group: 0, prices: [] }] })).toBe('bad_update');
    expect(attempt({ reprice: [{ group: 0, prices: [0n] }] })).toBe('bad_update');
    expect(attempt({ reprice: [{ group: 1, prices: [1n] }] })).toBe('bad_update');
    // Four blocks after the first confirmation 4 of 20 are owed: 16 are free. An order of 2 uakt/s reserves 16.
    expect(attempt({ add: [infrastructure({ resources: [group({ price: 2n * UAKT_PER_S })] })] })).toBe('');
    // A block later 15 are free.
    expect(attempt({ add: [infrastructure({ resources: [group({ price: 2n * UAKT_PER_S })] })] })).toBe(
      'insufficient_escrow',
    );
  });
});

describe('2 Transactions: CloseDeployment, DeploymentClosed', () => {
  test('billing stops in this block; leases enter closing; the deployment closes after the last has left', () => {
    const d = market();
    const lease = activeLease(d, { escrow: 100n });
    d.run(2);
    d.must('tom', closing(lease));
    // Three blocks of 1 s at 1 uakt/s; 97 go back.
    expect(d.events('LeasePaid')).toMatchObject([{ amount: 3n }]);
    expect(d.events('DeploymentClosing')).toMatchObject([{ refund: 97n, reason: 'tenant_closed' }]);
    expect(d.balance('tom')).toBe(1_000n * AKASH - 3n);
    expect(d.lease(lease).state).toBe('closing');
    d.run(1);
    expect(d.events('LeasePaid')).toHaveLength(1);
    expect(d.events('DeploymentClosed')).toEqual([]);
    d.must('ann', confirmation(lease, true));
    expect(d.events('DeploymentClosed')).toEqual([]);
    d.block();
    expect(d.blocks.at(-1)?.facilitation).toEqual([{ type: 'DeploymentClosed', deployment: deploymentIdOf(lease) }]);
    expect(d.events('DeploymentClosed')).toMatchObject([
      { deployment: deploymentIdOf(lease), reason: 'tenant_closed' },
    ]);
    expect(d.state.deployments.size).toBe(0);
  });

  test('by the tenant only, once', () => {
    const d = market();
    const lease = activeLease(d);
    for (const name of ['tim', 'ann', 'validator']) expect(d.attempt(name, closing(lease)).code).toBe('not_owner');
    d.must('tom', closing(lease));
    expect(d.attempt('tom', closing(lease)).code).toBe('closing');
  });
});

describe('2 Transactions: DepositEscrow', () => {
  test('anyone adds to the escrow', () => {
    const d = market();
    const id = order(d, {}, { escrow: 50n });
    const deposit = (amount: bigint) => ({ type: 'DepositEscrow', deployment: deploymentIdOf(id), amount }) as const;
    d.must('tim', deposit(30n));
    expect(d.deployment(deploymentIdOf(id)).escrow).toBe(80n);
    expect(d.balance('tim')).toBe(1_000n * AKASH - 30n);
    expect(d.attempt('tim', deposit(0n)).code).toBe('bad_amount');
    d.must('tom', closing(id));
    expect(d.attempt('tim', deposit(1n)).code).toBe('no_deployment');
  });

  test('moves the moment of exhaustion', () => {
    const d = market();
    const lease = activeLease(d, { escrow: 10n });
    d.run(4);
    d.must('tim', { type: 'DepositEscrow', deployment: deploymentIdOf(lease), amount: 5n });
    const start = d.lease(lease).billingStart;
    for (let i = 0; i < 2; i++) {
      d.must('ann', confirmation(lease));
      d.run(4);
    }
    // 10 + 5 pay for 15 s; the block at 16 s is the first in which the debt would exceed the escrow.
    expect(d.time).toBe(start + 15_000_000);
    expect(d.events('DeploymentClosing')).toEqual([]);
    d.block();
    expect(d.events('DeploymentClosing')).toMatchObject([{ reason: 'insufficient_funds', refund: 0n }]);
    expect(d.lease(lease).paid).toBe(15n);
  });
});

describe('2 Transactions: SubmitFulfillment, CancelFulfillment', () => {
  test('a bid locks collateral, a cancelled one gives it back, and the provider may bid again', () => {
    const d = market();
    const id = order(d, { resources: [group({ count: 3 })] }, { waitDuration: 50 });
    d.must('ann', bid(d.order(id), 900n));
    expect(d.balance('ann')).toBe(997n * AKASH);
    d.must('ann', { type: 'CancelFulfillment', order: id });
    expect(d.balance('ann')).toBe(1_000n * AKASH);
    d.must('ann', bid(d.order(id), 800n));
    expect(d.order(id).fulfillments).toEqual([`${id}/${addressOfName('ann')}/1`]);
  });

  test('a bid that was matched cannot be cancelled', () => {
    const d = market();
    const lease = pendingLease(d);
    expect(d.attempt('ann', { type: 'CancelFulfillment', order: lease }).code).toBe('order_not_open');
    expect(d.lease(lease).state).toBe('pending');
  });

  test('nobody cancels the bid of another', () => {
    const d = market();
    const id = order(d, {}, { waitDuration: 50 });
    d.must('ann', bid(d.order(id), 900n));
    expect(d.attempt('bob', { type: 'CancelFulfillment', order: id }).code).toBe('no_bid');
    expect(d.order(id).fulfillments).toHaveLength(1);
  });
});

describe('2 Transactions: SubmitLeaseConfirmation', () => {
  test('at most one per lease per quarter period', () => {
    const d = market(); // the period is 8 blocks, a quarter is 2
    const lease = activeLease(d);
    expect(d.attempt('ann', confirmation(lease)).code).toBe('too_soon');
    expect(d.attempt('ann', confirmation(lease)).ok).toBe(true);
    expect(d.lease(lease).paid).toBe(2n);
    expect(d.attempt('ann', confirmation(lease)).code).toBe('too_soon');
    expect(d.lease(lease).paid).toBe(2n);
  });

  test('by its provider only', () => {
    const d = market();
    const lease = pendingLease(d);
    for (const name of ['bob', 'tom']) expect(d.attempt(name, confirmation(lease)).code).toBe('not_provider');
    expect(d.lease(lease).state).toBe('pending');
  });

  test('with reset: confirms teardown, of a closing lease only', () => {
    const d = market();
    const lease = activeLease(d);
    expect(d.attempt('ann', confirmation(lease, true)).code).toBe('not_closing');
    d.must('tom', closing(lease));
    expect(d.attempt('ann', confirmation(lease)).code).toBe('closing');
    expect(d.balance('ann')).toBe(999n * AKASH + 2n); // two blocks were paid, collateral is still locked
    d.must('ann', confirmation(lease, true));
    expect(d.balance('ann')).toBe(1_000n * AKASH + 2n);
    expect(d.attempt('ann', confirmation(lease, true)).code).toBe('no_lease');
  });
});
