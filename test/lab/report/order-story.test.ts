import { describe, expect, it } from 'vitest';
import type { EventRow } from '../../../src/lab/report/event-rows.ts';
import { factsOf } from '../../../src/lab/report/order-facts.ts';
import { type StoryContext, storyOfOrder } from '../../../src/lab/report/order-story.ts';
import {
  active,
  bidClosed,
  broken,
  confirmed,
  leased,
  NEXT,
  ORDER,
  opened,
  placed,
  refused,
  row,
  TENANT,
} from './story-events.ts';

function story(rows: readonly EventRow[], context: Partial<StoryContext> = {}): string {
  const facts = factsOf(rows, { id: ORDER, name: 'web-3/4/0/0' });
  const chapters = storyOfOrder(facts, { rule: 'lowest-price', end: 100_000, ...context });
  return chapters.map(({ title, lines }) => [title, ...lines].join('\n')).join('\n\n');
}

describe('the story of an order', () => {
  it('tells what was asked for, every bid, and a lease that was broken and followed by another order', async () => {
    const rows = [
      row(10, 'DeploymentSubmitted', `${TENANT}/4`, 'web-3', {
        deployment: `${TENANT}/4`,
        tenant: 'web-3',
        escrow: 9_000_000n,
      }),
      opened(10),
      placed(11, 'dear', 450_000n),
      placed(11, 'cheap', 300_000n),
      refused(12, 'poor', 'insufficient_collateral', 'collateral is 4000000 uakt, the balance is 1500000'),
      refused(12, 'young', 'ineligible', 'reputation 300000 of 1000000 is below 500000'),
      placed(12, 'even', 300_000n),
      placed(12, 'fickle', 280_000n),
      bidClosed(12, 'fickle', 'cancelled'),
      placed(13, 'late', 200_000n),
      ...['dear', 'even', 'late'].map(name => bidClosed(13, name, 'lost')),
      leased(13, 'cheap', 300_000n),
      active(15, 'cheap'),
      ...[65, 115, 165, 215, 265, 315].flatMap(height => confirmed(height, 'cheap', 90n)),
      row(70, 'EscrowDeposited', `${TENANT}/4`, 'web-3', {
        deployment: `${TENANT}/4`,
        tenant: 'web-3',
        from: 'web-3',
        amount: 5_000_000n,
        escrow: 13_999_910n,
      }),
      broken(366, 'cheap', true),
      opened(366, NEXT),
      row(369, 'LeaseCreated', NEXT, 'dear', { lease: NEXT, provider: 'dear' }),
      placed(400, 'cheap', 1n),
    ];
    await expect(`${story(rows.slice(0, -1))}\n`).toMatchFileSnapshot('golden/broken.txt');
  });

  it('of an order that nobody wanted ends with its expiry', () => {
    const told = story([
      opened(10),
      row(20, 'OrderClosed', ORDER, 'web-3', { order: ORDER, tenant: 'web-3', region: 'eu', reason: 'expired' }),
    ]);
    expect(told).toContain('Nobody placed a bid that counted.');
    expect(told).toContain('block 20: its time was over, and there was no eligible bid.');
    expect(told).not.toContain('The lease');
  });

  it('of a lease that its tenant closed ends with refund, teardown and collateral', () => {
    const told = story([
      opened(10),
      placed(11, 'cheap', 300_000n),
      leased(13, 'cheap', 300_000n),
      active(15, 'cheap'),
      ...confirmed(65, 'cheap', 90n),
      row(80, 'LeasePaid', ORDER, 'cheap', { amount: 27n, tax: 0n }),
      row(80, 'LeaseClosing', ORDER, 'cheap', { reason: 'tenant_closed', unpaid: 0n }),
      row(80, 'DeploymentClosing', `${TENANT}/4`, 'web-3', { reason: 'tenant_closed', refund: 8_000_000n }),
      row(82, 'LeaseClosed', ORDER, 'cheap', { reason: 'tenant_closed', collateral: 4_000_000n, resetConfirmed: true }),
    ]);
    expect(told).toContain('day 0 00:08:00  the tenant closes the deployment. Billing stops in this block.');
    expect(told).toContain('8 AKASH of unused escrow return to web-3.');
    expect(told).toContain('cheap confirms that everything is torn down; its 4 AKASH of collateral return to it.');
    expect(told).toContain(
      'In all, web-3 paid 0.000117 AKASH (0.000009 AKASH of it as lease tax) for 6 minutes 30 seconds.',
    );
  });

  it.each([
    ['replaced', 'pushed out of the full book by a cheaper bid'],
    ['order_closed', 'came to nothing: the order closed'],
    [
      'ineligible: jailed until 7200000000 us',
      'not eligible any more when the decision fell: jailed until day 0 02:00:00.',
    ],
    ['cancelled', 'withdrawn by the provider, day 0 00:01:12.'],
  ])('says of a bid that was %s why', (reason, words) => {
    expect(story([opened(10), placed(11, 'one', 300_000n), bidClosed(12, 'one', reason)])).toContain(words);
  });

  it.each([
    ['order_not_open', 'the order was not open any more.'],
    ['has_bid', 'it has an open bid on this order already.'],
    ['order_full', 'the book was full, and this price no lower than those in it.'],
    ['ineligible', 'region us is not eu.'],
  ])('says of a bid refused as %s why', (code, words) => {
    expect(story([opened(10), refused(11, 'one', code, 'region us is not eu')])).toContain(
      `one bids, but is refused: ${words}`,
    );
  });

  it('names the rule where it is not the usual one', () => {
    const rows = [
      opened(10),
      placed(11, 'one', 300_000n),
      placed(11, 'two', 350_000n),
      bidClosed(13, 'two', 'lost'),
      leased(13, 'one', 350_000n),
    ];
    const told = story(rows, { rule: 'second-price' });
    expect(told).toContain('it wins (rule: second-price)');
    expect(told).toContain('lost, 180 uakt/h above the winner.');
    expect(told).toContain('one serves web-3 for 1,260 uakt/h (set by another bid, as this rule has it)');
  });

  it('of a run that ended too soon stays open', () => {
    expect(story([opened(10), placed(11, 'one', 300_000n)])).toContain('still undecided when the run ended.');
    const told = story([opened(10), placed(11, 'one', 300_000n), leased(13, 'one', 300_000n)]);
    expect(told).toContain('one had not confirmed when the run ended (day 1 03:46:40).');
    expect(told).toContain('The lease stood when the run ended (day 1 03:46:40).');
    expect(told).toContain('Nothing was paid.');
  });
});
