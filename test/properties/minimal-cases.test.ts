/**
 * What random search and a second reading of the rules have found, each in its shortest form: once a disagreement between
 * the chain and its rules, now a test that it stays settled.
 */
import { describe, expect, test } from 'vitest';
import { allMonitors } from '../../src/lab/monitors/all-monitors.ts';
import { EncodeError } from '../../src/protocol/codec/errors.ts';
import type { Message } from '../../src/protocol/model/messages.ts';
import {
  addressOfName,
  bid,
  ChainDriver,
  confirmation,
  deployment,
  group,
  hashOf,
  infrastructure,
  SECOND,
  UAKT_PER_S,
} from '../support/chain-driver.ts';

function moveTo(region: string): Message {
  return { type: 'UpdateProvider', region, attributes: {}, certificate: hashOf('root'), endpoint: 'host:1' };
}

/** Lives through a driver's blocks again, with all monitors on. Throws MonitorViolation. */
function watch(driver: ChainDriver): void {
  const replica = driver.replica();
  const monitors = allMonitors(driver.genesis, { fullEvery: 1 });
  for (const block of driver.blocks) {
    const result = replica.apply(block);
    for (const one of monitors) one.afterBlock(block, result, replica.state);
  }
}

/** Passes a change of one parameter, as the only validator; it holds some blocks later. */
function passChange(driver: ChainDriver, name: string, value: string): void {
  driver.must('validator', { type: 'SubmitProposal', changes: [{ name, value }], title: 'a change' });
  driver.must('validator', { type: 'Vote', proposal: 1, choice: 'yes' });
}

/** A message of tom's may be refused, or have no bytes; it may not break the block that it is in. */
function expectNoHarm(driver: ChainDriver, message: Message): void {
  let tx: ReturnType<ChainDriver['sign']> | undefined;
  try {
    tx = driver.sign('tom', message);
  } catch (error) {
    expect(error).toBeInstanceOf(EncodeError);
  }
  if (tx === undefined) return;
  driver.block({ transactions: [tx] });
  expect(driver.last.receipts).toMatchObject([{ ok: false }]);
}

const DEPLOYMENT = `${addressOfName('tom')}/0`;

describe('no transaction stops the chain', () => {
  test('a new price above the highest there is', () => {
    const driver = new ChainDriver({ accounts: { tom: {} } });
    driver.deploy('tom');
    const reprice = [{ group: 0, prices: [10n ** 30n] }];
    const update: Message = {
      type: 'UpdateDeployment',
      deployment: DEPLOYMENT,
      version: hashOf('v'),
      add: [],
      remove: [],
      reprice,
    };
    expectNoHarm(driver, update);
  });

  test('collateral whose sum has no bytes', () => {
    const driver = new ChainDriver({ accounts: { tom: {} } });
    const wanted = infrastructure({ resources: [group({ collateral: 2n ** 256n - 1n, count: 2 })] });
    expectNoHarm(driver, deployment({ infrastructure: [wanted] }));
  });

  test('a refusal that names two long regions in two-byte letters', () => {
    const region = 'é'.repeat(64);
    const driver = new ChainDriver({ accounts: { tom: {} }, providers: { ann: { region } } });
    const [order] = driver.deploy('tom', { infrastructure: [infrastructure({ region: 'ü'.repeat(64) })] });
    expect(driver.attempt('ann', bid(driver.order(order!), 5n))).toMatchObject({ ok: false, code: 'ineligible' });
  });

  test('a released bid whose reason names two long regions', () => {
    const region = 'a'.repeat(128);
    const driver = new ChainDriver({ accounts: { tom: {} }, providers: { ann: { region } } });
    const [order] = driver.deploy('tom', { infrastructure: [infrastructure({ region })], waitDuration: 1 });
    driver.send('ann', bid(driver.order(order!), 5n));
    driver.send('ann', moveTo('b'.repeat(128)));
    driver.run(3);
    expect(driver.events('FulfillmentClosed')).toHaveLength(1);
  });
});

describe('bids', () => {
  test('a bid after one that was released as ineligible has an id of its own', () => {
    const driver = new ChainDriver({ accounts: { tom: {} }, providers: { ann: {} } });
    const [order] = driver.deploy('tom', { waitDuration: 1 });
    driver.send('ann', bid(driver.order(order!), 5n));
    driver.send('ann', moveTo('us'));
    driver.run(3);
    driver.must('ann', moveTo('eu'));
    driver.must('ann', bid(driver.order(order!), 5n));
    const ids = driver.events('FulfillmentPlaced').map(one => one.fulfillment);
    expect(new Set(ids).size).toBe(2);
    watch(driver);
  });

  test('a bid without the money for its collateral is refused, and nobody is surprised', () => {
    const driver = new ChainDriver({ accounts: { tom: {} }, providers: { ann: { balance: 2_000n } } });
    const [order] = driver.deploy('tom');
    expect(driver.attempt('ann', bid(driver.order(order!), 5n))).toMatchObject({ ok: false });
    watch(driver);
  });

  test('a late bid pushes no earlier one out of a full book', () => {
    const driver = new ChainDriver({
      accounts: { tom: {} },
      providers: { ann: {}, bob: {}, cyd: {} },
      params: { maxFulfillments: 1, maxFacilitation: 1 },
    });
    const orders = driver.deploy('tom', { infrastructure: [infrastructure(), infrastructure()], waitDuration: 2 });
    driver.send('bob', bid(driver.order(orders[0]!), 5n));
    driver.send('ann', bid(driver.order(orders[1]!), 5n));
    driver.run(1);
    // Only the first order is matched in the block from which on both may be.
    driver.send('cyd', bid(driver.order(orders[1]!), 4n));
    driver.run(2);
    const winners = driver.events('LeaseCreated').map(one => driver.name(one.provider));
    expect(winners).toEqual(['bob', 'ann']);
    watch(driver);
  });
});

describe('what is due', () => {
  test('an order whose chosen provider may not win any more expires', () => {
    const driver = new ChainDriver({
      accounts: { tom: {} },
      providers: { ann: {}, bob: {} },
      params: { matchingRule: 'tenant-chosen' },
    });
    const [order] = driver.deploy('tom', { waitDuration: 5, openFor: 20 * SECOND });
    driver.send('ann', bid(driver.order(order!), 5n));
    driver.send('bob', bid(driver.order(order!), 5n));
    driver.run(1);
    driver.must('tom', { type: 'ChooseFulfillment', order: order!, provider: addressOfName('bob') });
    driver.must('bob', moveTo('us'));
    driver.run(20);
    expect(driver.events('OrderClosed')).toMatchObject([{ order, reason: 'expired' }]);
    watch(driver);
  });

  test('a choice that is accepted is matched, though the bid came late', () => {
    const driver = new ChainDriver({
      accounts: { tom: {} },
      providers: { ann: {}, bob: {} },
      params: { matchingRule: 'tenant-chosen' },
    });
    const [order] = driver.deploy('tom', { waitDuration: 2, openFor: 600 * SECOND });
    driver.send('ann', bid(driver.order(order!), 5n));
    driver.run(3);
    driver.must('bob', bid(driver.order(order!), 4n));
    const choice = driver.attempt('tom', { type: 'ChooseFulfillment', order: order!, provider: addressOfName('bob') });
    driver.run(5);
    expect(driver.events('LeaseCreated')).toHaveLength(choice.ok ? 1 : 0);
  });

  test('orders that waited for their tenant are matched when the rule becomes lowest-price', () => {
    const driver = new ChainDriver({
      accounts: { tom: {} },
      providers: { ann: {} },
      params: { matchingRule: 'tenant-chosen', votingPeriod: 2, changeDelay: 1 },
    });
    passChange(driver, 'matchingRule', 'lowest-price');
    const [order] = driver.deploy('tom', { waitDuration: 5, openFor: 60 * SECOND });
    driver.send('ann', bid(driver.order(order!), 5n));
    driver.run(60);
    expect(driver.events('LeaseCreated')).toHaveLength(1);
    watch(driver);
  });

  test('a longer reconfirmation period leaves nothing in facilitation that is not due', () => {
    const driver = new ChainDriver({
      accounts: { tom: {} },
      providers: { ann: {} },
      params: { reconfirmationPeriod: 12, votingPeriod: 2, changeDelay: 1 },
    });
    const [order] = driver.deploy('tom', { waitDuration: 1 });
    driver.send('ann', bid(driver.order(order!), 5n));
    driver.run(2);
    driver.must('ann', confirmation(order!));
    passChange(driver, 'reconfirmationPeriod', '30');
    driver.run(24);
    const failed = driver.results.flatMap(one => one.receipts.filter(receipt => !receipt.ok));
    expect(failed).toEqual([]);
  });

  test('an order that expires takes no second place in the same block', () => {
    const driver = new ChainDriver({ accounts: { tom: {} }, providers: { ann: {} }, blockInterval: SECOND });
    const [order] = driver.deploy('tom', { waitDuration: 3, openFor: 3 * SECOND });
    driver.send('ann', bid(driver.order(order!), 5n));
    driver.send('ann', moveTo('us'));
    driver.run(5);
    expect(driver.events('OrderClosed')).toMatchObject([{ order, reason: 'expired' }]);
    expect(driver.results.flatMap(one => one.receipts.filter(receipt => !receipt.ok))).toEqual([]);
    watch(driver);
  });
});

describe('reputation', () => {
  test('what a tenant pays when it closes is no kept confirmation', () => {
    const driver = new ChainDriver({ accounts: { tom: {} }, providers: { ann: {} } });
    const [order] = driver.deploy('tom', { waitDuration: 1 });
    driver.send('ann', bid(driver.order(order!), UAKT_PER_S));
    driver.run(8);
    driver.must('tom', { type: 'CloseDeployment', deployment: DEPLOYMENT });
    expect(driver.events('LeasePaid')).toHaveLength(1);
    expect(driver.provider('ann').kept).toBe(0n);
  });
});

describe('escrow that does not suffice', () => {
  const short = { targetBlockInterval: SECOND, reconfirmationPeriod: 12 };
  const price = UAKT_PER_S;

  /** A deployment of two infrastructures, of which ann serves the first and has confirmed it. */
  function halfServed(escrow: bigint, persist = false): { driver: ChainDriver; orders: string[] } {
    const providers = { ann: {}, bob: {} };
    const driver = new ChainDriver({ accounts: { tom: {} }, providers, blockInterval: SECOND, params: short });
    const orders = driver.deploy('tom', {
      infrastructure: [infrastructure({ persist }), infrastructure()],
      waitDuration: 1,
      openFor: 60 * SECOND,
      escrow,
    });
    driver.send('ann', bid(driver.order(orders[0]!), price));
    driver.run(2);
    driver.must('ann', confirmation(orders[0]!));
    return { driver, orders };
  }

  test('an order is not matched on what is owed for another lease', () => {
    const { driver, orders } = halfServed(24n);
    driver.run(11);
    driver.must('ann', confirmation(orders[0]!));
    driver.run(1);
    // 13 of 24 micro-AKASH are ann's; a period of bob's costs 12.
    driver.must('bob', bid(driver.order(orders[1]!), price));
    driver.run(1);
    expect(driver.events('OrderClosed')).toMatchObject([{ order: orders[1], reason: 'insufficient_funds' }]);
    expect(driver.events('LeaseCreated')).toHaveLength(1);
    watch(driver);
  });

  test('a cheaper bid that leaves a period to pay is matched', () => {
    const { driver, orders } = halfServed(24n);
    driver.run(11);
    driver.must('ann', confirmation(orders[0]!));
    driver.must('bob', bid(driver.order(orders[1]!), price / 2n));
    driver.run(1);
    expect(driver.events('LeaseCreated')).toHaveLength(2);
    watch(driver);
  });

  test('a pending lease that is removed is not paid out of what another one has accrued', () => {
    const { driver, orders } = halfServed(36n);
    driver.run(11);
    driver.must('ann', confirmation(orders[0]!));
    driver.run(7);
    // ann is paid 20 of 36, bob's order is matched on what is left; nine blocks later bob's claim is 9, ann is owed 10.
    driver.send('ann', confirmation(orders[0]!));
    driver.must('bob', bid(driver.order(orders[1]!), price));
    driver.run(9);
    const update: Message = {
      type: 'UpdateDeployment',
      deployment: DEPLOYMENT,
      version: hashOf('v'),
      add: [],
      remove: [1],
      reprice: [],
    };
    const { events } = driver.must('tom', update);
    expect(events.find(one => one.type === 'LeaseClosing')).toMatchObject({ lease: orders[1], unpaid: 3n });
    expect(driver.deployment(DEPLOYMENT).escrow).toBe(10n);
    watch(driver);
  });

  test('a broken lease is ordered again only where the escrow can pay the fee', () => {
    for (const [escrow, renewed] of [
      [30n, false],
      [30n + 500n, true],
    ] as const) {
      const { driver } = halfServed(escrow, true);
      expect(driver.runUntil('LeaseBroken', 20)).toMatchObject({ renewed, unpaid: 13n });
      watch(driver);
    }
  });
});
