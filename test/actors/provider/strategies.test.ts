/** What each strategy asks for, by hand. Prices are pico-AKASH per second; a vCPU costs 1,000 here. */
import { describe, expect, test } from 'vitest';
import {
  type BidView,
  bestResponse,
  byFormula,
  byUtilisation,
  costPlus,
  fixedPrices,
  ring,
  undercut,
  zeroIntelligence,
} from '../../../src/actors/provider/strategies.ts';

const COSTS = { cpu: 1_000n, memory: 0n, disk: 0n, gpu: 0n };

function view(changes: Partial<BidView> = {}, price = 4_000n): BidView {
  const compute = { cpu: 2_000, memory: 0, disk: 0, bandwidth: 0, gpu: 0 };
  return {
    order: 'tom/1/0/0',
    infrastructure: {
      region: 'eu',
      persist: false,
      resources: [{ compute, price, collateral: 0n, count: 3 }],
      attributes: {},
      reputationAtLeast: 0,
    },
    costs: COSTS,
    utilisation: 0.5,
    lastClearing: null,
    lowestBid: null,
    bids: 0,
    time: 0,
    draw: () => 0.25,
    ...changes,
  };
}

describe('strategies: a unit of two vCPU costs 2,000, its maximum is 4,000', () => {
  test('cost plus a margin', () => {
    expect(costPlus(0.1)(view())).toEqual([2_200n]);
  });

  test('by utilisation: 2,000 x (1 + .1 + .8 x .5^2)', () => {
    expect(byUtilisation(0.1, 0.8, 2)(view())).toEqual([2_600n]);
  });

  test('undercut: a start before any price is known, then a step below the last, never below the floor', () => {
    const strategy = undercut(0.02, 0.05, 0.5);
    expect(strategy(view())).toEqual([3_000n]);
    expect(strategy(view({ lastClearing: 0.75 }))).toEqual([2_940n]); // 4,000 x .75 x .98
    expect(strategy(view({ lastClearing: 0.4 }))).toEqual([2_100n]); // 1,568 is below cost plus 5 %
  });

  test('best response: the maximum alone, a step below the lowest bid, never below cost', () => {
    expect(bestResponse(0.01)(view())).toEqual([4_000n]);
    expect(bestResponse(0.01)(view({ lowestBid: 0.75 }))).toEqual([2_970n]);
    expect(bestResponse(0.01)(view({ lowestBid: 0.3 }))).toEqual([2_000n]);
  });

  test('zero intelligence: uniform between cost and maximum', () => {
    expect(zeroIntelligence()(view())).toEqual([2_500n]); // a quarter of the way
    expect(zeroIntelligence()(view({}, 1_500n))).toEqual([2_000n]); // where there is no room, its cost: no winning bid
  });

  test('a price list', () => {
    expect(fixedPrices({ cpu: 1_250n, memory: 0n, disk: 0n, gpu: 0n })(view())).toEqual([2_500n]);
  });

  test('a formula in uakt/h: 2,000 pico-AKASH/s are 7.2', () => {
    expect(byFormula(({ cost }) => (cost as number) * 2)(view())).toEqual([4_000n]);
    expect(byFormula(() => 0)(view())).toBeNull();
  });

  test('a ring: exactly one member bids on each order, near the maximum', () => {
    const members = ['a', 'b', 'c'];
    for (const order of ['x/1/0/0', 'x/2/0/0', 'y/7/1/3']) {
      const bids = members.map(self => ring(0.1, 0.9, members, self)(view({ order }))).filter(one => one !== null);
      expect(bids).toEqual([[3_600n]]);
    }
  });
});
