/** MARKET rules, section 7: the matching rules that exist, as pure functions and as the chain applies them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type Bid, compareBids, matchingRule } from '../../../src/protocol/market/matching.ts';
import { bid, type ChainDriver, group, UAKT_PER_S } from '../../support/chain-driver.ts';
import { AKASH, addressOfName, market, order, SECOND } from '../support.ts';

const book = { maximum: 1_000n, chosen: '', withdrawn: [] };
const placed = (id: string, total: bigint, height = 1, position = 0, provider = id): Bid => ({
  id,
  provider,
  total,
  height,
  position,
});
const won = (d: ChainDriver) => d.events('LeaseCreated').map(one => [d.name(one.provider), one.price]);

const folder = join(resolve(import.meta.dirname, '../../..', process.env.ORRERY_DATA ?? '../shared/data'), 'market');
interface TableCase {
  readonly bids: readonly number[];
  readonly winner?: number | null;
  readonly winnerPrice?: number;
  readonly paperWinner?: number;
}

describe('7 lowest-price: the production rule', () => {
  const { choose } = matchingRule('lowest-price');

  test('lowest total, then height, then position; never the address', () => {
    const bids = [placed('z', 5n, 2, 0), placed('a', 5n, 2, 1), placed('m', 5n, 3, 0), placed('b', 6n, 1, 0)];
    for (const field of [bids, bids.toReversed()]) expect(choose(book, field)).toEqual({ winner: 'z', pricedBy: 'z' });
    expect(choose(book, [...bids, placed('q', 4n, 9, 9)])).toEqual({ winner: 'q', pricedBy: 'q' });
    expect(bids.toSorted(compareBids).map(one => one.id)).toEqual(['z', 'a', 'm', 'b']);
  });

  describe('the table of the chain of 2020', () => {
    const files = existsSync(folder) ? readdirSync(folder).filter(name => /^matcher_.*table.*\.json$/.test(name)) : [];
    if (files.length === 0) {
      test.skip(`skipped: no matcher tables in ${folder} (set ORRERY_DATA)`, () => {});
      return;
    }
    for (const file of files) {
      const { note, cases } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as {
        note: string;
        cases: TableCase[];
      };
      const prices = new Map(
        [...note.matchAll(/(\d+):(\d+)/g)].map(([, id, price]) => [Number(id), BigInt(price as string)]),
      );
      test(`${file}: ${cases.length} cases, 10 prices`, () => {
        expect(prices.size).toBe(10);
        expect(cases.length).toBeGreaterThan(0);
      });
      cases.forEach(({ bids, winner, winnerPrice, paperWinner }, number) => {
        const expected = paperWinner ?? winner ?? null;
        test(`${file} case ${number}: bids ${bids.join(' ') || 'none'}, winner ${expected}`, () => {
          // Bids are placed in the order of the list, one after the other in one block; the rule and the chain agree.
          const field = bids.map((id, i) => placed(`${id}`, prices.get(id) as bigint, 1, i, `provider${i}`));
          if (field.length > 0) {
            const match = choose(book, field);
            expect(match?.winner).toBe(`${expected}`);
            if (winnerPrice !== undefined) expect(prices.get(Number(match?.winner))).toBe(BigInt(winnerPrice));
          }
          const d = market({ providers: Object.fromEntries(bids.map((_, i) => [`p${i}`, {}])) });
          const id = order(d);
          bids.forEach((one, i) => {
            d.send(`p${i}`, bid(d.order(id), prices.get(one) as bigint));
          });
          d.run(2);
          if (expected === null) return expect(won(d)).toEqual([]);
          const first = bids.indexOf(expected);
          expect(won(d)).toEqual([[`p${first}`, prices.get(expected)]]);
        });
      });
    }
  });
});

describe('7 second-price: lowest bid wins, pays the second', () => {
  test('as a function', () => {
    const { choose } = matchingRule('second-price');
    expect(choose(book, [placed('a', 7n), placed('b', 5n), placed('c', 6n)])).toEqual({ winner: 'b', pricedBy: 'c' });
    // Equal lowest: the first placed wins and pays the same price.
    expect(choose(book, [placed('a', 5n, 1, 1), placed('b', 5n, 1, 0)])).toEqual({ winner: 'b', pricedBy: 'a' });
    expect(choose(book, [placed('a', 7n)])).toEqual({ winner: 'a', pricedBy: null });
  });

  test('on the chain: the winner is paid the second price; alone, the order’s maximum', () => {
    const d = market({ params: { matchingRule: 'second-price' } });
    const id = order(d);
    d.send('ann', bid(d.order(id), 300n));
    d.send('bob', bid(d.order(id), 200n));
    d.send('cal', bid(d.order(id), 400n));
    d.run(2);
    const alone = order(d);
    d.send('bob', bid(d.order(alone), 200n));
    d.run(2);
    expect(won(d)).toEqual([
      ['bob', 300n],
      ['bob', UAKT_PER_S],
    ]);
  });

  test('an ineligible bid sets no price', () => {
    const d = market({ params: { matchingRule: 'second-price' } });
    const id = order(d, {}, { waitDuration: 3 });
    d.send('ann', bid(d.order(id), 300n));
    d.send('bob', bid(d.order(id), 200n));
    d.send('cal', bid(d.order(id), 400n));
    d.block();
    d.must('ann', {
      type: 'UpdateProvider',
      region: 'us',
      attributes: {},
      certificate: new Uint8Array(32),
      endpoint: '',
    });
    d.block();
    expect(won(d)).toEqual([['bob', 400n]]);
  });

  test('lease price at most the order’s maximum, per group', () => {
    const d = market({ params: { matchingRule: 'second-price' } });
    const id = order(d, { resources: [group({ price: 10n }), group({ price: 1_000n })] });
    d.send('ann', bid(d.order(id), [10n, 1n]));
    d.send('bob', bid(d.order(id), [1n, 900n]));
    d.run(2);
    expect(d.lease(id).resources.map(one => one.price)).toEqual([1n, 900n]);
    expect(d.name(d.lease(id).provider)).toBe('ann');
  });
});

describe('7 tenant-chosen', () => {
  const choice = (id: string, name: string) =>
    ({ type: 'ChooseFulfillment', order: id, provider: addressOfName(name) }) as const;
  function three(openFor = 100 * SECOND): [ChainDriver, string] {
    const d = market({ params: { matchingRule: 'tenant-chosen' } });
    const id = order(d, {}, { openFor });
    for (const [name, price] of [
      ['ann', 300n],
      ['bob', 200n],
      ['cal', 400n],
    ] as const)
      d.send(name, bid(d.order(id), price));
    d.block();
    return [d, id];
  }

  test('the tenant’s choice wins at its own price, from the block after the choice', () => {
    const [d, id] = three();
    d.run(5);
    expect(won(d)).toEqual([]);
    d.must('tom', choice(id, 'cal'));
    expect(won(d)).toEqual([]);
    d.block();
    expect(won(d)).toEqual([['cal', 400n]]);
  });

  test('only the tenant chooses, and only an open fulfillment', () => {
    const [d, id] = three();
    expect(d.attempt('tim', choice(id, 'cal')).code).toBe('not_owner');
    expect(d.attempt('cal', choice(id, 'cal')).code).toBe('not_owner');
    expect(d.attempt('tom', choice(id, 'validator')).code).toBe('no_bid');
    d.must('cal', { type: 'CancelFulfillment', order: id });
    expect(d.attempt('tom', choice(id, 'cal')).code).toBe('no_bid');
  });

  test('only under this rule', () => {
    const d = market();
    const id = order(d, {}, { waitDuration: 50 });
    d.must('ann', bid(d.order(id), 300n));
    expect(d.attempt('tom', choice(id, 'ann')).code).toBe('rule_decides');
  });

  test('an order without a choice expires', () => {
    const [d, id] = three(5 * SECOND);
    d.runUntil('OrderClosed', 20);
    expect(d.events('OrderClosed')).toMatchObject([{ order: id, reason: 'expired' }]);
    expect(['ann', 'bob', 'cal'].map(name => d.balance(name))).toEqual([
      1_000n * AKASH,
      1_000n * AKASH,
      1_000n * AKASH,
    ]);
  });

  test('a choice whose bid was withdrawn is no choice: the order expires', () => {
    const d = market({ params: { matchingRule: 'tenant-chosen' } });
    const id = order(d, {}, { openFor: 6 * SECOND, waitDuration: 50 });
    d.must('ann', bid(d.order(id), 300n));
    d.must('bob', bid(d.order(id), 300n));
    d.must('tom', choice(id, 'ann'));
    d.must('ann', { type: 'CancelFulfillment', order: id });
    d.runUntil('OrderClosed', 20);
    expect(d.events('OrderClosed')).toMatchObject([{ order: id, reason: 'expired' }]);
  });

  test('a choice whose bid was pushed out of a full book is no choice: the order expires', () => {
    const d = market({ params: { matchingRule: 'tenant-chosen', maxFulfillments: 1 } });
    const id = order(d, {}, { openFor: 6 * SECOND, waitDuration: 9 });
    d.must('ann', bid(d.order(id), 300n));
    d.must('tom', choice(id, 'ann'));
    d.must('bob', bid(d.order(id), 200n));
    d.run(30);
    expect(d.events('OrderClosed')).toMatchObject([{ order: id, reason: 'expired' }]);
    expect(d.balance('bob')).toBe(1_000n * AKASH);
  });

  test('a choice that is not eligible any more is no choice: every order ends', () => {
    const d = market({ params: { matchingRule: 'tenant-chosen' } });
    const id = order(d, {}, { openFor: 6 * SECOND, waitDuration: 9 });
    d.must('ann', bid(d.order(id), 300n));
    d.must('bob', bid(d.order(id), 200n));
    d.must('tom', choice(id, 'ann'));
    d.must('ann', {
      type: 'UpdateProvider',
      region: 'us',
      attributes: {},
      certificate: new Uint8Array(32),
      endpoint: '',
    });
    d.run(30);
    expect(d.events('OrderClosed')).toMatchObject([{ order: id, reason: 'expired' }]);
  });
});

describe('7 lowest-price-address-ties: flawed on purpose', () => {
  const [low, high] = ['ann', 'bob', 'cal'].toSorted((left, right) =>
    addressOfName(left) < addressOfName(right) ? -1 : 1,
  ) as [string, string];

  test.each([
    ['lowest-price-address-ties', low],
    ['lowest-price', high],
  ] as const)('%s: the higher address placed first, %s wins', (matchingRuleName, winner) => {
    const d = market({ params: { matchingRule: matchingRuleName } });
    const id = order(d);
    for (const name of [high, low]) d.send(name, bid(d.order(id), 300n));
    d.run(2);
    expect(won(d)).toEqual([[winner, 300n]]);
  });

  test('a lower total still wins', () => {
    const { choose } = matchingRule('lowest-price-address-ties');
    expect(choose(book, [placed('a', 6n), placed('z', 5n)])).toEqual({ winner: 'z', pricedBy: 'z' });
  });
});

describe('7 cancelled-bid-blocks: flawed on purpose', () => {
  function afterCancel(rule: 'cancelled-bid-blocks' | 'lowest-price', cancelled: bigint): ChainDriver {
    const d = market({ params: { matchingRule: rule } });
    const id = order(d, {}, { waitDuration: 4 });
    d.must('ann', bid(d.order(id), cancelled));
    d.must('bob', bid(d.order(id), 200n));
    d.must('ann', { type: 'CancelFulfillment', order: id });
    d.run(30);
    return d;
  }
  test('a cheapest bid that was cancelled blocks the order for ever', () => {
    expect(won(afterCancel('cancelled-bid-blocks', 100n))).toEqual([]);
    expect(won(afterCancel('cancelled-bid-blocks', 200n))).toEqual([]);
    expect(won(afterCancel('lowest-price', 100n))).toEqual([['bob', 200n]]);
  });
  test('a cancelled bid that was dearer does not', () => {
    expect(won(afterCancel('cancelled-bid-blocks', 201n))).toEqual([['bob', 200n]]);
  });
  test('a bid that was pushed out of a full book is not a cancelled one', () => {
    const d = market({ params: { matchingRule: 'cancelled-bid-blocks', maxFulfillments: 1 } });
    const id = order(d, {}, { waitDuration: 4 });
    d.must('ann', bid(d.order(id), 300n));
    d.must('bob', bid(d.order(id), 200n));
    d.run(3);
    expect(won(d)).toEqual([['bob', 200n]]);
  });
});
