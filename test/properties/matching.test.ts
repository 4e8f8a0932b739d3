/**
 * A thousand random markets, in each of which the chain's matches must be those of the brute-force referee: orders of up
 * to four groups, many bids at few different prices, cancelled and renewed bids, bids that come late, books that Sybils
 * have filled, providers that are jailed, have moved, lack an attribute or a reputation; and facilitation that cannot
 * keep up. The other monitors watch as well.
 */
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { allMonitors } from '../../src/lab/monitors/all-monitors.ts';
import type { Message } from '../../src/protocol/model/messages.ts';
import type { Attributes, DeploymentInfrastructure } from '../../src/protocol/model/objects.ts';
import {
  AKASH,
  bid,
  ChainDriver,
  deployment,
  group,
  hashOf,
  infrastructure,
  type ProviderSetup,
  SECOND,
  UAKT_PER_S,
} from '../support/chain-driver.ts';

const MARKETS = 1_000;
const PROVIDER_COUNT = 26;
const BLOCKS = 12;
const REGIONS = ['eu', 'us'];
const CLASSES = ['a100', 'v100', 't4'];

const groupArbitrary = fc.record({
  price: fc.constantFrom(60n, 6_000n, 60n * UAKT_PER_S),
  collateral: fc.constantFrom(0n, 1n, AKASH),
  count: fc.integer({ min: 1, max: 3 }),
});

const orderArbitrary = fc.record({
  groups: fc.array(groupArbitrary, { minLength: 1, maxLength: 4 }),
  region: fc.constantFrom('', 'eu', 'eu', 'us'),
  attributes: fc.constantFrom<Attributes>({}, {}, { gpu: 'a100|v100' }, { gpu: 't4' }),
  reputationAtLeast: fc.constantFrom(0, 0, 0, 360_000, 500_000),
});

const actionArbitrary = fc.record({
  block: fc.integer({ min: 1, max: 8 }),
  who: fc.nat(PROVIDER_COUNT - 1),
  order: fc.nat(9),
  kind: fc.constantFrom('bid', 'bid', 'bid', 'bid', 'bid', 'bid', 'bid', 'cancel', 'cancel', 'move', 'dear'),
  /** Sixths of the maximum, per group. */
  levels: fc.array(fc.integer({ min: 3, max: 6 }), { minLength: 4, maxLength: 4 }),
});

const marketArbitrary = fc.record({
  rule: fc.constantFrom(
    ...(['lowest-price', 'lowest-price', 'lowest-price', 'second-price', 'lowest-price-address-ties'] as const),
    'cancelled-bid-blocks' as const,
  ),
  orders: fc.array(orderArbitrary, { minLength: 1, maxLength: 3 }),
  wait: fc.integer({ min: 0, max: 6 }),
  openFor: fc.integer({ min: 2, max: BLOCKS + 3 }),
  actions: fc.array(actionArbitrary, { maxLength: 80, size: 'max' }),
  /** How many bids at the maximum come before all others. */
  sybils: fc.constantFrom(0, 0, 0, 19, 20, 22),
  book: fc.constantFrom(20, 20, 2, 3),
  facilitation: fc.constantFrom(256, 256, 1),
  /** One of the providers breaks a lease, and is jailed for some blocks, before the market begins. */
  jails: fc.boolean(),
  /** In this block all bidders leave their region; 0 = never. Two blocks later they are back. */
  exodus: fc.constantFrom(0, 0, 2, 3, 4, 5),
});
type Market = typeof marketArbitrary extends fc.Arbitrary<infer T> ? T : never;

const seen = {
  leases: 0,
  ties: 0,
  late: 0,
  replaced: 0,
  full: 0,
  cancelled: 0,
  ineligible: 0,
  refused: 0,
  expired: 0,
  jailed: 0,
};

const providers: Record<string, ProviderSetup> = {};
for (let i = 0; i < PROVIDER_COUNT; i++) {
  providers[`p${i}`] = {
    region: REGIONS[i % 7 === 6 ? 1 : 0] as string,
    attributes: { gpu: CLASSES[i % 3] as string },
    stake: BigInt(i % 4) * AKASH,
  };
}

function play(market: Market): void {
  const driver = new ChainDriver({
    accounts: { tom: {} },
    providers,
    commitEvery: 0,
    blockInterval: SECOND,
    params: {
      targetBlockInterval: SECOND,
      matchingRule: market.rule,
      maxFulfillments: market.book,
      maxFacilitation: market.facilitation,
      reconfirmationPeriod: 4,
      jailAfterBroken: 1,
      jailDuration: 6 * SECOND,
      reputationPriorKept: 1_000n,
      reputationPriorBroken: 1_000n,
    },
  });
  const monitors = allMonitors(driver.genesis, { fullEvery: 4 });
  const step = (): void => {
    const result = driver.block();
    for (const one of monitors) one.afterBlock(driver.blocks.at(-1)!, result, driver.state);
  };
  if (market.jails) jailSomebody(driver, step);
  const start = driver.height;
  driver.send('tom', deploymentOf(market));
  for (let block = 0; block < BLOCKS; block++) {
    if (block === 1) sybils(driver, market);
    if (market.exodus > 0 && block === market.exodus) moveBidders(driver, 'nowhere');
    if (market.exodus > 0 && block === market.exodus + 2) moveBack(driver);
    for (const action of market.actions) if (action.block === block) act(driver, action);
    step();
  }
  for (const one of monitors) one.atEnd(driver.state);
  note(driver, start);
}

/** `p3` wins an order and never confirms. */
function jailSomebody(driver: ChainDriver, step: () => void): void {
  const escrow = AKASH;
  driver.send(
    'tom',
    deployment({ infrastructure: [infrastructure()], waitDuration: 0, openFor: 100 * SECOND, escrow }),
  );
  step();
  const order = driver.state.orders.sorted()[0];
  if (order === undefined) throw new Error('the order is not open');
  driver.send('p3', bid(order, 1n));
  for (let i = 0; i < 7; i++) step();
}

function deploymentOf({ orders, wait, openFor }: Market): Message {
  const list = orders.map(
    ({ groups, region, attributes, reputationAtLeast }): DeploymentInfrastructure =>
      infrastructure({ resources: groups.map(group), region, attributes, reputationAtLeast }),
  );
  return deployment({ infrastructure: list, waitDuration: wait, openFor: openFor * SECOND });
}

function sybils(driver: ChainDriver, market: Market): void {
  const order = driver.state.orders.sorted()[0];
  if (order === undefined) return;
  const prices = order.infrastructure.resources.map(one => one.price);
  for (let i = 0; i < market.sybils; i++) driver.send(`p${i}`, bid(order, prices));
}

function register(driver: ChainDriver, name: string, region: string, attributes: Attributes): void {
  driver.send(name, { type: 'UpdateProvider', region, attributes, certificate: hashOf(name), endpoint: 'host:1' });
}

function moveBidders(driver: ChainDriver, region: string): void {
  const bidders = new Set(driver.state.fulfillments.sorted().map(one => driver.name(one.provider)));
  for (const name of bidders) register(driver, name, region, driver.provider(name).attributes);
}

function moveBack(driver: ChainDriver): void {
  for (const row of driver.state.providers.sorted()) {
    const { region = '', attributes = {} } = providers[driver.name(row.address)] ?? {};
    if (row.region === 'nowhere') register(driver, driver.name(row.address), region, attributes);
  }
}

function act(driver: ChainDriver, action: Market['actions'][number]): void {
  const orders = driver.state.orders.sorted();
  const order = orders[action.order % Math.max(1, orders.length)];
  if (order === undefined) return;
  // Who cancels or moves is mostly somebody who has bid.
  const bidder = driver.state.fulfillments.get(order.fulfillments[action.who % (order.fulfillments.length + 1)] ?? '');
  const name = action.kind === 'bid' || bidder === undefined ? `p${action.who}` : driver.name(bidder.provider);
  if (action.kind === 'move') {
    const region = REGIONS[(action.levels[0] as number) % 2] as string;
    const attributes = { gpu: CLASSES[(action.levels[1] as number) % 3] as string };
    register(driver, name, region, attributes);
  } else if (action.kind === 'cancel') {
    driver.send(name, { type: 'CancelFulfillment', order: order.id });
  } else {
    const prices = order.infrastructure.resources.map((one, i) => {
      const level = action.kind === 'dear' ? 7 : (action.levels[i] as number);
      return (one.price * BigInt(level)) / 6n;
    });
    driver.send(name, bid(order, prices));
  }
}

/** What the market was good for. */
function note(driver: ChainDriver, start: number): void {
  const totals = new Map<string, Map<bigint, number>>();
  const placedAt = new Map<string, number>();
  const matchFrom = new Map<string, number>();
  for (const { height, events } of driver.results) {
    if (height <= start) continue;
    for (const one of events) {
      if (one.type === 'OrderOpened') matchFrom.set(one.order, one.matchFrom);
      else if (one.type === 'FulfillmentPlaced') {
        placedAt.set(one.fulfillment, height);
        const counts = totals.get(one.order) ?? new Map<bigint, number>();
        totals.set(one.order, counts.set(one.total, (counts.get(one.total) ?? 0) + 1));
      } else if (one.type === 'LeaseCreated') {
        seen.leases += 1;
        if ((totals.get(one.lease)?.get(one.price) ?? 0) > 1) seen.ties += 1;
        if ((placedAt.get(one.fulfillment) ?? 0) >= (matchFrom.get(one.lease) ?? 0)) seen.late += 1;
      } else if (one.type === 'FulfillmentClosed') {
        if (one.reason === 'replaced') seen.replaced += 1;
        if (one.reason === 'cancelled') seen.cancelled += 1;
        if (one.reason.startsWith('ineligible')) seen.ineligible += 1;
      } else if (one.type === 'TransactionFailed') {
        if (one.code === 'order_full') seen.full += 1;
        if (one.detail.startsWith('jailed')) seen.jailed += 1;
        seen.refused += 1;
      } else if (one.type === 'OrderClosed' && one.reason === 'expired') seen.expired += 1;
    }
  }
}

test(`${MARKETS} random markets: the chain matches what the referee finds best`, () => {
  fc.assert(fc.property(marketArbitrary, play), { numRuns: MARKETS, seed: 20_260_102 });
  const rare = Object.entries(seen).filter(([, count]) => count < 30);
  expect(rare, 'every kind of situation was met often').toEqual([]);
});

afterAll(() => console.info('markets held', JSON.stringify(seen)));
