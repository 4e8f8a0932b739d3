/**
 * Each invariant fails when its rule is broken on purpose: the same short history is told again with one lie in it, and
 * the monitor whose rule it is must say which rule, and no other monitor is asked. Told truly, nobody finds anything.
 */
import { describe, expect, test } from 'vitest';
import { allMonitors } from '../../../src/lab/monitors/all-monitors.ts';
import type { ResourceGroup } from '../../../src/protocol/model/objects.ts';
import { addressOfName } from '../../support/chain-driver.ts';
import {
  add,
  type Doctor,
  expectFound,
  facilitate,
  listen,
  meddle,
  neglect,
  replace,
  sentBy,
  tellStory,
} from './story.ts';

const story = tellStory();
const { broken, kept, poor } = story;
const [ann, bob, cyd, tom] = ['ann', 'bob', 'cyd', 'tom'].map(addressOfName) as [string, string, string, string];
const deploymentOf = (order: string): string => order.split('/').slice(0, 2).join('/');
const next = (order: string): string => order.replace(/\d+$/, '1');

type Case = readonly [told: string, rule: string, doctor: Doctor];

function holds(monitor: string, cases: readonly Case[]): void {
  describe(monitor, () => {
    test.each(cases)('%s', (_told, rule, doctor) => expectFound(story, monitor, rule, doctor));
  });
}

/** Gives an order's lease to the bid that lost. */
function swapWinner(order: string): Doctor {
  return shown => {
    const created = shown.result.events.find(one => one.type === 'LeaseCreated' && one.lease === order);
    const lost = shown.result.events.find(one => one.type === 'FulfillmentClosed' && one.order === order);
    if (created?.type !== 'LeaseCreated' || lost?.type !== 'FulfillmentClosed') return;
    const events = shown.result.events.map(one => {
      if (one === created) return { ...created, fulfillment: lost.fulfillment, provider: lost.provider };
      return one === lost ? { ...lost, fulfillment: created.fulfillment, provider: created.provider } : one;
    });
    const facilitation = shown.block.facilitation.map(one =>
      one.type === 'SubmitLease' && one.order === order ? { ...one, fulfillment: lost.fulfillment } : one,
    );
    shown.result = { ...shown.result, events };
    shown.block = { ...shown.block, facilitation };
  };
}

/** Refuses ann's bid, as the chain would say it. */
const refuseAnn: Doctor = shown => {
  const at = shown.result.events.findIndex(
    one => one.type === 'FulfillmentPlaced' && one.provider === ann && one.order === kept,
  );
  const event = shown.result.events[at];
  if (event?.type !== 'FulfillmentPlaced') return;
  const nonce = shown.block.transactions[event.position]?.body.nonce ?? -1;
  const detail = 'no reason';
  const failed = { account: ann, nonce, message: 'SubmitFulfillment', code: 'ineligible', detail, object: kept };
  shown.result = { ...shown.result, events: shown.result.events.with(at, { type: 'TransactionFailed', ...failed }) };
};

/** The order is told with other resources than it has. */
function orderedAs(order: string, change: (group: ResourceGroup) => ResourceGroup): Doctor {
  return replace(
    'OrderOpened',
    one => [{ ...one, infrastructure: { ...one.infrastructure, resources: one.infrastructure.resources.map(change) } }],
    one => one.order === order,
  );
}

test('the story told truly breaks no rule, and everything happens in it', () => {
  for (const { name } of allMonitors(story.driver.genesis, { fullEvery: 1 }))
    expect(listen(story, name)).toBeUndefined();
  const types = new Set(story.driver.results.flatMap(one => one.events.map(event => event.type)));
  const leaseEvents = [
    'LeaseCreated',
    'LeaseActive',
    'LeasePaid',
    'LeaseConfirmed',
    'LeaseClosing',
    'LeaseClosed',
    'LeaseBroken',
  ];
  for (const type of [...leaseEvents, 'OrderClosed', 'DeploymentClosed']) expect(types).toContain(type);
});

holds('supply', [
  [
    'a balance grows out of nothing',
    'each total is the sum of its rows',
    meddle(9, state => {
      state.editAccount(tom).balance += 1n;
    }),
  ],
  [
    'a balance and the total grow out of nothing',
    'all that is held is the supply',
    meddle(9, state => state.credit(tom, 1n)),
  ],
  ['tokens are minted without inflation', 'nothing is minted but inflation', meddle(9, state => state.mint(5n))],
  [
    'collateral is burned that no event tells of',
    'what is burned is what events say',
    meddle(9, state => state.burnCollateral(1n)),
  ],
]);

holds('collateral', [
  [
    'collateral is released twice',
    'locked collateral is that of open bids and leases',
    meddle(9, state => state.releaseCollateral(bob, 1_000_000n)),
  ],
  ['a bid is told to close twice', 'collateral is released once', add('FulfillmentClosed', one => [one])],
  ['a lease is told to end twice', 'a lease ends once', add('LeaseClosed', one => [one])],
  [
    'a bid posts less than its order asks for',
    'a bid posts what its order asks for',
    replace('FulfillmentPlaced', one => [{ ...one, collateral: one.collateral - 1n }]),
  ],
  [
    'a balance is negative',
    'no balance is negative',
    meddle(15, state => {
      state.editAccount(ann).balance = -1n;
    }),
  ],
  [
    'stake is negative',
    'no amount is negative',
    meddle(9, state => {
      state.delegations.edit(`${ann}/${ann}`).amount = -1n;
    }),
  ],
  [
    'a fulfillment has lost its row',
    'every open bid and lease is in the state',
    meddle(9, state => state.fulfillments.remove(state.leases.need(kept).fulfillment)),
  ],
]);

holds('one order or lease', [
  [
    'an order opens beside an active lease',
    'an infrastructure has an order or a lease',
    add(
      'LeaseActive',
      () => [openedAgain(next(kept))],
      one => one.lease === kept,
    ),
  ],
  [
    'two orders stand for one infrastructure',
    'an infrastructure has one order',
    add(
      'OrderOpened',
      () => [openedAgain(next(broken))],
      one => one.order === broken,
    ),
  ],
  [
    'a second lease comes from one order',
    'what ends is the order that stands',
    add('LeaseCreated', one => [{ ...one, lease: next(one.lease) }]),
  ],
  [
    'an order opens that nobody asked for',
    'orders open by the tenant, or after a broken lease',
    add('OrderClosed', () => [openedAgain(broken.replace(/\d+$/, '2'))]),
  ],
  [
    'a new order follows where the tenant does not persist',
    'only who persists gets a new order',
    replace('OrderOpened', one => [{ ...one, infrastructure: { ...one.infrastructure, persist: false } }]),
  ],
  [
    'a renewed order does not open',
    'a renewed order opens in the same block',
    replace(
      'OrderOpened',
      () => [],
      one => one.order === next(broken),
    ),
  ],
]);

function openedAgain(order: string) {
  const opened = story.driver.events('OrderOpened')[0];
  if (opened === undefined) throw new Error('no order was opened');
  return { ...opened, order };
}

holds('lifecycle', [
  [
    'an order closes for no reason',
    'an order closes for a reason',
    replace('OrderClosed', one => [{ ...one, reason: '' }]),
  ],
  [
    'an order expires before its time',
    'an order expires when its time is over',
    replace('LeaseCreated', one => [
      { type: 'OrderClosed', order: one.lease, tenant: one.tenant, region: 'eu', reason: 'expired' },
    ]),
  ],
  ['two leases come from one order', 'a lease comes from an open order', add('LeaseCreated', one => [one])],
  [
    'a losing bid never closes',
    'the bids of an order end with it',
    replace(
      'FulfillmentClosed',
      () => [],
      one => one.reason === 'lost',
    ),
  ],
  ['a bid ends twice', 'a bid ends once', add('FulfillmentClosed', one => [one])],
  ['a lease has two reasons', 'a lease has one reason', replace('LeaseClosed', one => [{ ...one, reason: 'removed' }])],
  [
    'a deployment is closed before its lease',
    'what is closed has nothing open',
    add('DeploymentClosing', one => [
      { type: 'DeploymentClosed', deployment: one.deployment, tenant: one.tenant, reason: one.reason },
    ]),
  ],
  [
    'a lease of a closing deployment goes on',
    'the leases of a closing deployment close with it',
    replace('LeaseClosing', () => []),
  ],
  ['an order is not told of', 'the state has every open order and no other', replace('OrderOpened', () => [])],
  ['a closed lease is paid', 'no event names a missing lease', add('LeaseClosed', one => [paid(one.lease)])],
  [
    'a closing lease is paid',
    'a closing lease is neither paid, confirmed nor broken',
    add('LeaseClosing', one => [paid(one.lease)]),
  ],
  [
    'a deployment forgets its lease',
    'a deployment names its leases',
    meddle(9, state => {
      state.deployments.edit(deploymentOf(kept)).leases = [];
    }),
  ],
  [
    'an order names a bid that is not there',
    'the state has every open bid and no other',
    meddle(3, state => state.fulfillments.remove(state.orders.need(kept).fulfillments[0] as string)),
  ],
]);

function paid(lease: string) {
  return { type: 'LeasePaid', lease, tenant: tom, provider: bob, amount: 1n, tax: 0n, paid: 1n } as const;
}

holds('match referee', [
  ['the dearer bid wins', 'the best eligible bid wins', swapWinner(broken)],
  ['of equal bids the later one wins', 'the best eligible bid wins', swapWinner(kept)],
  [
    'a jailed provider wins',
    'the winner is eligible',
    add(
      'FulfillmentPlaced',
      () => [{ type: 'ProviderJailed', provider: bob, until: 10 ** 12 }],
      one => one.provider === ann && one.order === kept,
    ),
  ],
  [
    'a provider of another region bids',
    'only the eligible bid',
    add('OrderOpened', () => [{ type: 'ProviderUpdated', provider: bob, region: 'us', attributes: {} }]),
  ],
  [
    'a provider without an attribute bids',
    'only the eligible bid',
    replace('OrderOpened', one => [
      { ...one, infrastructure: { ...one.infrastructure, attributes: { gpu: 'a100|v100' } } },
    ]),
  ],
  [
    'a provider of low reputation bids',
    'only the eligible bid',
    replace('OrderOpened', one => [{ ...one, infrastructure: { ...one.infrastructure, reputationAtLeast: 400_000 } }]),
  ],
  [
    'an offer is above the maximum',
    'an offer is what was ordered, for no more than its maximum',
    orderedAs(kept, group => ({ ...group, price: 1n })),
  ],
  [
    'an offer has another count',
    'an offer is what was ordered, for no more than its maximum',
    orderedAs(kept, group => ({ ...group, count: 2 })),
  ],
  [
    'a bid comes after the close',
    'bids are accepted before the order closes',
    compose(
      replace('OrderOpened', one => [{ ...one, closesAt: story.driver.results[2]!.time }]),
      facilitate(3, () => [{ type: 'CloseOrder', order: broken, reason: 'expired' }]),
    ),
  ],
  [
    'the price is not that of the bid',
    'the winner is paid what it asked for',
    replace('LeaseCreated', one => [
      { ...one, price: 1n, resources: one.resources.map(group => ({ ...group, price: 1n })) },
    ]),
  ],
  [
    'a full book lets go the wrong bid',
    'a full book lets go its worst',
    replace('FulfillmentClosed', one => [{ ...one, fulfillment: one.fulfillment.replace(cyd, bob), provider: bob }]),
  ],
  ['a book of two holds three', 'a book holds so many bids and no more', replace('FulfillmentClosed', () => [])],
  ['a sound bid is refused', 'a bid that is in order is accepted', refuseAnn],
  ['a provider bids twice', 'an id names one bid', add('FulfillmentPlaced', one => [one])],
  [
    'an order is matched too early',
    'an order is matched after its wait',
    facilitate(3, list => [...list, { type: 'SubmitLease', order: kept, fulfillment: `${kept}/${bob}/0` }]),
  ],
  ['a match is put off', 'a ripe order with an eligible bid is matched in the next block', neglect('SubmitLease')],
  ['an expiry is put off', 'an order that nobody can win expires in the next block', neglect('CloseOrder')],
  [
    'an order expires that has an eligible bid',
    'an order with an eligible fulfillment stays until matched',
    compose(
      replace('OrderOpened', one => [{ ...one, closesAt: one.closesAt - 3_500_000 }]),
      facilitate(4, () => [{ type: 'CloseOrder', order: broken, reason: 'expired' }]),
    ),
  ],
]);

function compose(...doctors: readonly Doctor[]): Doctor {
  return (shown, state) => {
    for (const doctor of doctors) doctor(shown, state);
  };
}

holds('billing', [
  [
    'a lease costs more than the maximum',
    'a lease costs at most the maximum of each group',
    replace('LeaseCreated', one => [
      { ...one, resources: one.resources.map(group => ({ ...group, price: group.price * 9n })) },
    ]),
  ],
  [
    'too much is paid',
    'never more is paid than the time that passed is worth',
    replace('LeasePaid', one => [{ ...one, amount: one.amount + 1n }]),
  ],
  ['a payment is made twice', 'never more is paid than the time that passed is worth', add('LeasePaid', one => [one])],
  ['a confirmation is not paid', 'a confirmation pays up to its block', replace('LeasePaid', () => [])],
  [
    'a lease is paid after its close',
    'nothing is billed after the close',
    add('LeaseClosing', one => [paid(one.lease)]),
  ],
  [
    'the broken stretch is paid',
    'the unpaid stretch of a broken lease stays unpaid',
    replace('LeaseBroken', one => [paid(one.lease), one]),
  ],
  [
    'what stays unpaid is told wrongly',
    'a closing lease tells what stays unpaid',
    replace('LeaseClosing', one => [{ ...one, unpaid: one.unpaid + 1n }]),
  ],
  [
    'the remainder goes to the younger lease',
    'a short escrow is shared in proportion',
    compose(
      ...[7n, 3n].map((amount, i) =>
        replace(
          'LeasePaid',
          one => [{ ...one, amount }],
          one => one.lease === poor[i] && one.amount === [8n, 2n][i],
        ),
      ),
      ...[1n, 0n].map((unpaid, i) =>
        replace(
          'LeaseClosing',
          one => [{ ...one, unpaid }],
          one => one.lease === poor[i],
        ),
      ),
    ),
  ],
  [
    'escrow is kept back from who is owed it',
    'while anything stays unpaid, no escrow is free',
    meddle(23, state => {
      state.deployments.edit(deploymentOf(poor[0])).escrow = 1n;
    }),
  ],
  [
    'a tax is taken that is none',
    'the lease tax is its share of a payment',
    replace('LeasePaid', one => [{ ...one, tax: 1n }]),
  ],
  [
    'the state forgets a payment',
    'a lease in the state has what was paid',
    meddle(12, state => {
      state.leases.edit(kept).paid = 0n;
    }),
  ],
  [
    'billing began with the match',
    'billing began at the first confirmation',
    meddle(7, state => {
      state.leases.edit(kept).billingStart -= 1;
    }),
  ],
]);

holds('forfeits', [
  [
    'half of the collateral is forfeited',
    'a broken lease forfeits what was posted',
    replace('LeaseBroken', one => [{ ...one, forfeited: one.forfeited / 2n, toTenant: one.toTenant / 2n }]),
  ],
  ['collateral is forfeited twice', 'a lease ends once', add('LeaseBroken', one => [one])],
  [
    'collateral is burned that is the tenant’s',
    'forfeited collateral goes where the parameter says',
    replace('LeaseBroken', one => [{ ...one, toTenant: 0n, burned: one.forfeited }]),
  ],
  [
    'a kept lease returns less than was posted',
    'a kept lease returns what was posted',
    replace('LeaseClosed', one => [{ ...one, collateral: one.collateral - 1n }]),
  ],
  [
    'a lease is broken in time',
    'a lease is stale after more than a period',
    replace(
      'LeaseConfirmed',
      one => [brokenEvent(one.lease)],
      one => one.lease === kept,
    ),
  ],
  ['a closing lease is broken', 'a closing lease is not broken', add('LeaseClosing', one => [brokenEvent(one.lease)])],
  [
    'a lease is confirmed twice in a block',
    'at most one confirmation per quarter period',
    add('LeaseConfirmed', one => [one]),
  ],
  [
    'a timely confirmation is refused',
    'a timely confirmation is accepted',
    (shown, state) =>
      replace('LeaseConfirmed', one => [
        {
          type: 'TransactionFailed',
          account: one.provider,
          nonce: (state.accounts.get(one.provider)?.nonce ?? 0) - 1,
          message: 'SubmitLeaseConfirmation',
          code: 'stale',
          detail: 'no reason',
          object: one.lease,
        },
      ])(shown, state),
  ],
  [
    'stake is slashed by no parameter',
    'stake is slashed for a broken lease only where a parameter says so',
    replace('LeaseBroken', one => [{ ...one, stakeSlashed: 1n }]),
  ],
]);

function brokenEvent(lease: string) {
  const told = story.driver.events('LeaseBroken')[0];
  if (told === undefined) throw new Error('no lease was broken');
  return { ...told, lease };
}

holds('escrow', [
  ['an empty escrow goes on', 'nobody owes more than the escrow', neglect('CloseExhausted')],
  [
    'a deployment is called exhausted that can pay',
    'a deployment is exhausted when it owes more than its escrow',
    facilitate(22, list => [...list, { type: 'CloseExhausted', deployment: deploymentOf(poor[0]) }]),
  ],
  [
    'an order is matched that cannot pay a period',
    'an order is matched only with escrow for a period',
    replace('LeaseCreated', one => [{ ...one, price: one.price * 10n ** 9n }]),
  ],
  [
    'an order closes for want of funds that could pay',
    'an order closes for want of funds only when it cannot pay a period',
    compose(
      facilitate(4, () => [{ type: 'CloseOrder', order: broken, reason: 'insufficient_funds' }]),
      replace('LeaseCreated', one => [
        { type: 'OrderClosed', order: one.lease, tenant: one.tenant, region: 'eu', reason: 'insufficient_funds' },
      ]),
    ),
  ],
  [
    'the tenant gets back less than what is left',
    'unused escrow returns at the close',
    replace('DeploymentClosing', one => [{ ...one, refund: one.refund - 1n }]),
  ],
  [
    'escrow vanishes',
    'escrow is what was paid in and not paid out',
    meddle(12, state => {
      state.deployments.edit(deploymentOf(kept)).escrow -= 1n;
    }),
  ],
]);

holds('liveness', [
  ['a stale lease is put off', 'a lease that is due is facilitated in the next block', neglect('SubmitStaleLease')],
  ['a missed reset is put off', 'a lease that is due is facilitated in the next block', neglect('ExpireReset')],
  ['a closing is put off', 'a deployment without leases is closed in the next block', neglect('DeploymentClosed')],
  [
    'a lease is made stale in time',
    'a lease is facilitated only when it is due',
    facilitate(19, list => [...list, { type: 'SubmitStaleLease', lease: broken }]),
  ],
  [
    'a deployment is closed with a lease',
    'a deployment is closed after its last lease',
    facilitate(25, list => [...list, { type: 'DeploymentClosed', deployment: deploymentOf(poor[0]) }]),
  ],
]);

holds('authority', [
  ['anyone closes a deployment', 'only its tenant rules a deployment', sentBy('CloseDeployment', bob)],
  ['anyone confirms a lease', 'only its provider confirms a lease', sentBy('SubmitLeaseConfirmation', tom)],
  [
    'anyone cancels a bid',
    'only its provider cancels a bid',
    replace('FulfillmentClosed', one => [{ ...one, reason: 'cancelled' }]),
  ],
  [
    'a reset is confirmed by nobody',
    'only its provider confirms the reset',
    replace(
      'LeaseClosed',
      one => [{ ...one, resetConfirmed: true }],
      one => !one.resetConfirmed,
    ),
  ],
  [
    'a receipt is missing',
    'everything in a block has a receipt',
    shown => {
      shown.result = { ...shown.result, receipts: shown.result.receipts.slice(1) };
    },
  ],
]);
