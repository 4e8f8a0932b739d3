/** MARKET rules, section 6: reputation in parts per million, its terms by hand, and what must hold of it always. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decayed, recordAt, recordTerm, reputationOf } from '../../../src/protocol/market/reputation.ts';
import { Provider } from '../../../src/protocol/model/market-rows.ts';
import { defaultParams, type Params, withParams } from '../../../src/protocol/model/params.ts';
import { bid, ChainDriver, confirmation, group, infrastructure, UAKT_PER_S } from '../../support/chain-driver.ts';
import { AKASH, activeLease, addressOfName, closing, FREE, market, order, pendingLease, SECOND } from '../support.ts';

const DAY = 86_400 * SECOND;
const reputation = (d: ChainDriver, name: string) => reputationOf(d.state, d.provider(name));
const priced = (price: bigint) => ({
  price: price * UAKT_PER_S,
  infrastructure: [infrastructure({ resources: [group({ price: price * UAKT_PER_S })] })],
});

function withStakes(stakes: readonly bigint[], params: Partial<Params> = {}): ChainDriver {
  const providers = Object.fromEntries(stakes.map((stake, i) => [`p${i}`, { stake }]));
  return new ChainDriver({ providers, params: { ...FREE, ...params }, commitEvery: 0 });
}

describe('6 reputation(provider) = w x stakeTerm + (1 - w) x record', () => {
  test('stakeTerm = own bonded stake / all bonded provider stake', () => {
    const d = withStakes([100n, 300n, 0n], { reputationStakeWeight: 1_000_000 });
    expect(['p0', 'p1', 'p2'].map(name => reputation(d, name))).toEqual([250_000, 750_000, 0]);
  });

  test('with weights: .3 x 1/4 + .7 x 1/2', () => {
    const d = withStakes([100n, 300n]);
    expect(reputation(d, 'p0')).toBe(425_000); // 75,000 + 350,000
  });

  test('no provider has stake: the term is 0', () => {
    expect(reputation(withStakes([0n]), 'p0')).toBe(350_000);
  });

  test('stake of validators and of others who are no providers does not count', () => {
    const d = withStakes([100n], { reputationStakeWeight: 1_000_000 });
    expect(d.state.chainwide.totalBonded).toBe(1_000n * AKASH + 100n);
    expect(reputation(d, 'p0')).toBe(1_000_000);
  });

  test('delegated stake does not count, neither to nor by a provider', () => {
    const d = new ChainDriver({
      providers: { ann: { stake: 100n }, bob: { stake: 100n } },
      accounts: { tom: {} },
      params: { ...FREE, reputationStakeWeight: 1_000_000 },
      validators: { validator: {} },
    });
    d.must('ann', { type: 'Delegate', validator: addressOfName('validator'), amount: 900n });
    expect([reputation(d, 'ann'), reputation(d, 'bob')]).toEqual([500_000, 500_000]);
    // A provider that is a candidate too is delegated to: its own stake counts alone.
    const both = new ChainDriver({
      accounts: { tom: {} },
      validators: { validator: { stake: 4n * AKASH } },
      providers: { ann: { stake: 4n * AKASH } },
      params: { ...FREE, reputationStakeWeight: 1_000_000 },
    });
    both.must('validator', {
      type: 'RegisterProvider',
      region: 'eu',
      attributes: {},
      certificate: new Uint8Array(32),
      endpoint: '',
    });
    expect(reputation(both, 'validator')).toBe(500_000);
    both.must('tom', { type: 'Delegate', validator: addressOfName('validator'), amount: 4n * AKASH });
    expect(reputation(both, 'validator')).toBe(500_000);
  });

  test('unbonding stake does not count', () => {
    const d = withStakes([300n, 100n], { reputationStakeWeight: 1_000_000 });
    d.must('p0', { type: 'Undelegate', validator: addressOfName('p0'), amount: 200n });
    expect([reputation(d, 'p0'), reputation(d, 'p1')]).toEqual([500_000, 500_000]);
  });

  test('stake that was bonded before the registration counts from the registration on', () => {
    const d = market({
      accounts: { tim: { stake: 300n } },
      providers: { ann: { stake: 100n } },
      params: { reputationStakeWeight: 1_000_000 },
    });
    expect(reputation(d, 'ann')).toBe(1_000_000);
    d.must('tim', {
      type: 'RegisterProvider',
      region: 'eu',
      attributes: {},
      certificate: new Uint8Array(32),
      endpoint: '',
    });
    expect([reputation(d, 'ann'), reputation(d, 'tim')]).toEqual([250_000, 750_000]);
  });

  test.each([
    [0, 500_000],
    [300_000, 350_000],
    [500_000, 250_000],
    [1_000_000, 0],
  ])('reputationStakeWeight %i: without stake or record %i', (reputationStakeWeight, expected) => {
    expect(reputation(withStakes([0n], { reputationStakeWeight }), 'p0')).toBe(expected);
  });
});

describe('6 record = mean of a Beta posterior', () => {
  const params = withParams(defaultParams(), { reputationPriorKept: 3n, reputationPriorBroken: 1n });

  test('(prior + kept) / (prior + kept + prior + broken)', () => {
    expect(recordTerm(0n, 0n, params)).toBe(750_000); // 3/4
    expect(recordTerm(5n, 1n, params)).toBe(800_000); // 8/10
    expect(recordTerm(0n, 6n, params)).toBe(300_000); // 3/10
  });

  test.each([
    [0n, 0n, 500_000],
    [1n, 0n, 1_000_000],
    [0n, 1n, 0],
    [9n, 1n, 900_000],
  ])('reputationPriorKept %i, reputationPriorBroken %i', (reputationPriorKept, reputationPriorBroken, expected) => {
    expect(recordTerm(0n, 0n, withParams(defaultParams(), { reputationPriorKept, reputationPriorBroken }))).toBe(
      expected,
    );
  });

  test('kept weight = micro-AKASH paid at each confirmation', () => {
    const d = market({ params: { reputationStakeWeight: 0 } });
    const lease = activeLease(d, { ...priced(10n), escrow: 1_000n });
    expect(d.provider('ann').kept).toBe(0n);
    d.run(2);
    d.must('ann', confirmation(lease));
    d.must('tom', closing(lease));
    // 3 s at 10 uakt/s = 30 at the confirmation, and 10 more that no confirmation vouches for at the close:
    // (1,000,000 + 30) / (2,000,000 + 30) = .5000074...
    expect(d.provider('ann').kept).toBe(30n);
    expect(reputation(d, 'ann')).toBe(500_007);
  });

  test('broken weight = max(collateral forfeited, one period’s price)', () => {
    // A period of 8 s at 10 uakt/s costs 80.
    for (const [collateral, weight] of [
      [79n, 80n],
      [80n, 80n],
      [81n, 81n],
      [0n, 80n],
    ] as const) {
      const d = market();
      const resources = [group({ price: 10n * UAKT_PER_S, collateral })];
      pendingLease(d, { infrastructure: [infrastructure({ resources })], price: 10n * UAKT_PER_S });
      d.runUntil('LeaseBroken', 20);
      expect(d.provider('ann').broken).toBe(weight);
    }
  });

  test('tenant closes and empty escrow are neutral', () => {
    const closed = market();
    const lease = pendingLease(closed, { infrastructure: [infrastructure()] });
    const before = reputation(closed, 'ann');
    closed.must('tom', closing(lease));
    closed.must('ann', confirmation(lease, true));
    expect(closed.provider('ann')).toMatchObject({ broken: 0n, brokenLeases: 0 });
    expect(reputation(closed, 'ann')).toBeGreaterThanOrEqual(before);

    const empty = market();
    const other = activeLease(empty, { escrow: 8n });
    empty.run(4);
    empty.must('ann', confirmation(other));
    empty.run(4);
    empty.must('ann', confirmation(other, true));
    // The 5 of the confirmation were kept; what the tenant paid or owed at its end is neither merit nor fault.
    expect(empty.provider('ann')).toMatchObject({ kept: 5n, broken: 0n, brokenLeases: 0, keptLeases: 1 });
  });
});

describe('6 both decay with a half-life', () => {
  test('halves in a half-life, quarters in two, and is nothing after very many', () => {
    expect(decayed(1_000n, 64)).toBe(500n);
    expect(decayed(1_000n, 128)).toBe(250n);
    expect(decayed(1_001n, 64)).toBe(500n);
    expect(decayed(1_000n, 0)).toBe(1_000n);
    expect(decayed(2n ** 200n, 64 * 200)).toBe(1n);
    expect(decayed(10n ** 18n, 64 * 301)).toBe(0n);
    // Half a half-life: 2^-.5 = .70710678.
    expect(decayed(100_000_000n, 32)).toBe(70_710_678n);
    // One step: 2^(-1/64) = .98922801.
    expect(decayed(100_000_000n, 1)).toBe(98_922_801n);
  });

  test.each([30 * DAY, DAY, 64, 6_400 * SECOND])('reputationHalfLife %i', reputationHalfLife => {
    const params = withParams(defaultParams(), { reputationHalfLife });
    const provider = new Provider('a', 1, 'eu', {}, new Uint8Array(32), '');
    provider.kept = 1_000_000n;
    provider.broken = 600n;
    provider.recordStep = 640;
    const start = 10 * reputationHalfLife;
    expect(recordAt(provider, params, start)).toEqual({ kept: 1_000_000n, broken: 600n });
    expect(recordAt(provider, params, start + reputationHalfLife)).toEqual({ kept: 500_000n, broken: 300n });
    expect(recordAt(provider, params, start + 2 * reputationHalfLife)).toEqual({ kept: 250_000n, broken: 150n });
  });

  test('on the chain, whatever the number of reads and of blocks', () => {
    const halved = [1, 8, 64].map(blocks => {
      const d = market({ time: 64_000 * SECOND, params: { reputationHalfLife: 6_400 * SECOND } });
      pendingLease(d, { infrastructure: [infrastructure({ resources: [group({ collateral: 4_000n })] })] });
      d.runUntil('LeaseBroken', 20);
      for (let i = 0; i < blocks; i++) {
        d.block({ after: (6_400 * SECOND) / blocks });
        for (let j = 0; j < 3; j++) reputation(d, 'ann');
      }
      return recordAt(d.provider('ann'), d.params, d.time).broken;
    });
    expect(halved).toEqual([2_000n, 2_000n, 2_000n]);
  });

  test('the grid of decay is exact: no floating point, at no time and half-life', () => {
    // Found by search: 64 x time / half-life rounds up to the next whole number in double precision.
    for (const [reputationHalfLife, time] of [
      [398_043, 8_471_271_173_573_344],
      [452_742, 8_183_845_605_715_925],
    ] as const) {
      const provider = new Provider('a', 1, 'eu', {}, new Uint8Array(32), '');
      provider.kept = 1_000_000n;
      provider.recordStep = Number((64n * BigInt(time)) / BigInt(reputationHalfLife));
      expect(recordAt(provider, withParams(defaultParams(), { reputationHalfLife }), time).kept).toBe(1_000_000n);
    }
  });

  test('whatever the weight and the steps', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 24n }),
        fc.nat({ max: 5_000 }),
        fc.nat({ max: 5_000 }),
        (weight, one, two) => {
          // Never grows, exactly halves, and decaying in two goes differs by rounding only.
          expect(decayed(weight, one + 1)).toBeLessThanOrEqual(decayed(weight, one));
          expect(decayed(weight, one + 64)).toBe(decayed(weight, one) / 2n);
          const difference = decayed(weight, one + two) - decayed(decayed(weight, one), two);
          const tolerance = 2n + weight / 2n ** 30n;
          expect(difference <= tolerance && difference >= -tolerance).toBe(true);
        },
      ),
    );
  });
});

describe('6 Must hold', () => {
  const amount = fc.bigInt({ min: 0n, max: 10n ** 16n });
  const weight = fc.integer({ min: 0, max: 1_000_000 });

  test('more stake never lowers it', () => {
    fc.assert(
      fc.property(
        fc.array(amount, { minLength: 1, maxLength: 5 }),
        amount,
        weight,
        (stakes, more, reputationStakeWeight) => {
          const before = withStakes(stakes, { reputationStakeWeight });
          const after = withStakes([(stakes[0] as bigint) + more, ...stakes.slice(1)], { reputationStakeWeight });
          expect(reputation(after, 'p0')).toBeGreaterThanOrEqual(reputation(before, 'p0'));
        },
      ),
      { numRuns: 100 },
    );
  });

  test('more stake never lowers it: also by the message', () => {
    const d = withStakes([1n, 999_999n], { reputationStakeWeight: 1_000_000 });
    const before = reputation(d, 'p0');
    d.must('p0', { type: 'Stake', amount: 1n });
    expect([before, reputation(d, 'p0')]).toEqual([1, 1]); // 2 / 1,000,001 = 1.99 parts per million
  });

  test('a broken lease never raises it', () => {
    fc.assert(
      fc.property(amount, amount, amount, amount, amount, (kept, broken, more, priorKept, priorBroken) => {
        const params = withParams(defaultParams(), {
          reputationPriorKept: priorKept,
          reputationPriorBroken: priorBroken,
        });
        // A broken lease adds at least one micro-AKASH: the price of a period is rounded up.
        expect(recordTerm(kept, broken + more + 1n, params)).toBeLessThanOrEqual(recordTerm(kept, broken, params));
      }),
    );
  });

  test('a broken lease never raises it: on the chain, whatever was at stake', () => {
    const plan = fc.record({
      stake: fc.bigInt({ min: 0n, max: AKASH }),
      other: fc.bigInt({ min: 0n, max: AKASH }),
      collateral: fc.bigInt({ min: 0n, max: 1_000n }),
      prior: fc.bigInt({ min: 0n, max: 100n }),
      slash: weight,
      kept: fc.boolean(),
      reputationStakeWeight: weight,
    });
    fc.assert(
      fc.property(plan, ({ stake, other, collateral, prior, slash, kept, reputationStakeWeight }) => {
        const d = market({
          commitEvery: 0,
          providers: { ann: { stake }, bob: { stake: other } },
          params: {
            reputationPriorKept: prior,
            reputationPriorBroken: prior,
            brokenLeaseStakeSlash: slash,
            reputationStakeWeight,
          },
        });
        const lease = pendingLease(d, { infrastructure: [infrastructure({ resources: [group({ collateral })] })] });
        if (kept) {
          d.must('ann', confirmation(lease));
          d.run(4);
          d.must('ann', confirmation(lease));
        }
        d.run(7);
        const before = reputation(d, 'ann');
        d.runUntil('LeaseBroken', 3);
        expect(reputation(d, 'ann')).toBeLessThanOrEqual(before);
      }),
      { numRuns: 30 },
    );
  });

  test('splitting one provider into several never raises the sum of stake terms', () => {
    const parts = fc.array(amount, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(parts, fc.array(amount, { maxLength: 3 }), (own, others) => {
        const whole = own.reduce((sum, one) => sum + one, 0n);
        const one = withStakes([whole, ...others], { reputationStakeWeight: 1_000_000 });
        const several = withStakes([...own, ...others], { reputationStakeWeight: 1_000_000 });
        const sum = own.reduce((total, _part, i) => total + reputation(several, `p${i}`), 0);
        expect(sum).toBeLessThanOrEqual(reputation(one, 'p0'));
      }),
      { numRuns: 100 },
    );
  });

  test("fulfillment history is public: every provider's record can be read back lease by lease", () => {
    const d = market();
    const first = activeLease(d, { ...priced(10n), escrow: 1_000n });
    d.run(3);
    d.must('ann', confirmation(first));
    d.must('tom', closing(first));
    d.must('ann', confirmation(first, true));
    const second = pendingLease(d, priced(2n));
    d.runUntil('LeaseBroken', 20);
    const mine = addressOfName('ann');
    const kept = d.events('LeasePaid').filter(one => one.provider === mine);
    const broken = d.events('LeaseBroken').filter(one => one.provider === mine);
    expect(kept.map(one => [one.lease, one.amount])).toEqual([
      [first, 40n],
      [first, 10n],
    ]);
    expect(broken.map(one => [one.lease, one.forfeited])).toEqual([[second, AKASH]]);
    expect(d.provider('ann')).toMatchObject({ kept: 40n, broken: AKASH, keptLeases: 1, brokenLeases: 1 });
  });

  test('an order that asks for more reputation than a bidder has left does not match it', () => {
    const d = market({ params: { reputationStakeWeight: 0, reputationPriorKept: 100n, reputationPriorBroken: 100n } });
    pendingLease(d);
    const id = order(d, { reputationAtLeast: 500_000 }, { waitDuration: 12 });
    d.must('ann', bid(d.order(id), 5n));
    d.must('bob', bid(d.order(id), 9n));
    d.run(12);
    expect(d.events('LeaseCreated').map(one => d.name(one.provider))).toEqual(['ann', 'bob']);
  });
});
