/** Token arithmetic: exact values by hand, and the two laws that settlement rests on. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { costOfBlocks, cumulativePay, partsOf, ppmOf, proRata } from '../../../src/protocol/ledger/money.ts';

describe('cumulativePay', () => {
  test('is floor(price x microseconds / 10^12)', () => {
    // 1 micro-AKASH/s = 10^6 pico-AKASH/s; 2.5 s = 2,500,000 us: 10^6 x 2.5*10^6 / 10^12 = 2.5.
    expect(cumulativePay(1_000_000n, 2_500_000)).toBe(2n);
    expect(cumulativePay(1_000_000n, 3_000_000)).toBe(3n);
    // One pico-AKASH/s earns its first micro-AKASH after 10^6 s = 10^12 us, not a microsecond earlier.
    expect(cumulativePay(1n, 1_000_000_000_000)).toBe(1n);
    expect(cumulativePay(1n, 999_999_999_999)).toBe(0n);
  });

  test('is nothing before billing began', () => {
    expect(cumulativePay(10n ** 24n, 0)).toBe(0n);
    expect(cumulativePay(10n ** 24n, -1)).toBe(0n);
  });

  test('does not lose digits above 2^53', () => {
    // 10^24 pico/s for 2^53 us: 10^24 x 9007199254740992 / 10^12 = 9007199254740992 x 10^12.
    expect(cumulativePay(10n ** 24n, 2 ** 53)).toBe(9_007_199_254_740_992n * 10n ** 12n);
  });

  test('settling often or seldom pays the same', () => {
    const instants = fc.array(fc.nat({ max: 10 ** 12 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 12n }), instants, (price, times) => {
        const sorted = times.toSorted((left, right) => left - right);
        let paid = 0n;
        for (const time of sorted) {
          const payment = cumulativePay(price, time) - paid;
          expect(payment).toBeGreaterThanOrEqual(0n);
          paid += payment;
        }
        expect(paid).toBe(cumulativePay(price, sorted.at(-1) as number));
      }),
    );
  });
});

describe('costOfBlocks', () => {
  test('rounds up, so that a reserve always covers the pay', () => {
    // 1 pico/s for 100 blocks of 6 s = 600 pico = .0006 micro: 1.
    expect(costOfBlocks(1n, 100, 6_000_000)).toBe(1n);
    // 1,000,000 pico/s for 100 blocks of 6 s = 600 micro exactly.
    expect(costOfBlocks(1_000_000n, 100, 6_000_000)).toBe(600n);
    expect(costOfBlocks(1_000_001n, 100, 6_000_000)).toBe(601n);
    expect(costOfBlocks(0n, 100, 6_000_000)).toBe(0n);
  });

  test('is at least what the same stretch pays', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 10n ** 12n }),
        fc.nat({ max: 1_000 }),
        fc.nat({ max: 10 ** 8 }),
        (price, n, us) => {
          const cost = costOfBlocks(price, n, us);
          expect(cost - cumulativePay(price, n * us)).toBeGreaterThanOrEqual(0n);
          expect(cost - cumulativePay(price, n * us)).toBeLessThanOrEqual(1n);
        },
      ),
    );
  });
});

describe('parts per million', () => {
  test('partsOf and ppmOf round down', () => {
    expect(partsOf(1_000_000n, 333_333)).toBe(333_333n);
    expect(partsOf(3n, 333_333)).toBe(0n); // .999999
    expect(partsOf(3n, 333_334)).toBe(1n); // 1.000002
    expect(partsOf(7n, 1_000_000)).toBe(7n);
    expect(ppmOf(1n, 3n)).toBe(333_333);
    expect(ppmOf(2n, 3n)).toBe(666_666);
    expect(ppmOf(0n, 0n)).toBe(0);
    expect(ppmOf(10n ** 30n, 10n ** 30n)).toBe(1_000_000);
  });
});

describe('proRata', () => {
  test('pays everybody when it can', () => {
    expect(proRata(6n, [1n, 2n, 3n])).toEqual([1n, 2n, 3n]);
    expect(proRata(100n, [1n, 2n, 3n])).toEqual([1n, 2n, 3n]);
    expect(proRata(0n, [])).toEqual([]);
  });

  test('shares in proportion, what remains one by one in the order of the claims', () => {
    // 10 x 1/3 = 3.33 each: 3, 3, 3, and the one that remains goes to the first.
    expect(proRata(10n, [100n, 100n, 100n])).toEqual([4n, 3n, 3n]);
    // 10 x 1/7 = 1.43, 10 x 2/7 = 2.86, 10 x 4/7 = 5.71: 1, 2, 5, two remain for the first two.
    expect(proRata(10n, [10n, 20n, 40n])).toEqual([2n, 3n, 5n]);
    expect(proRata(1n, [5n, 5n])).toEqual([1n, 0n]);
    expect(proRata(0n, [5n, 5n])).toEqual([0n, 0n]);
  });

  test('never pays more than a claim, nor more or less than there is', () => {
    const claims = fc.array(fc.bigInt({ min: 0n, max: 10n ** 9n }), { maxLength: 12 });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 10n }), claims, (available, asked) => {
        const total = asked.reduce((sum, one) => sum + one, 0n);
        const shares = proRata(available, asked);
        expect(shares.reduce((sum, one) => sum + one, 0n)).toBe(total < available ? total : available);
        shares.forEach((share, i) => {
          const claim = asked[i] as bigint;
          expect(share).toBeLessThanOrEqual(claim);
          // At most one micro-AKASH above the exact proportion, and never below its floor.
          const exact = total <= available ? claim : (available * claim) / total;
          expect(share - exact === 0n || share - exact === 1n).toBe(true);
        });
      }),
    );
  });
});
