/** The capacity book: what fits, where it goes, and that what is given back is exactly what was taken. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CapacityBook, type HostCapacity } from '../../../src/actors/provider/capacity.ts';
import type { ResourceGroup } from '../../../src/protocol/model/objects.ts';

const HOST: HostCapacity = { cpu: 4_000, memory: 8, disk: 100, gpus: 2, bandwidth: 0 };

function group(compute: Partial<ResourceGroup['compute']>, count = 1): ResourceGroup {
  return {
    compute: { cpu: 0, memory: 0, disk: 0, bandwidth: 0, gpu: 0, ...compute },
    price: 1n,
    collateral: 0n,
    count,
  };
}

describe('capacity book', () => {
  test('a unit goes to one host whole', () => {
    const book = new CapacityBook([HOST, HOST]);
    expect(book.fits([group({ cpu: 5_000 })])).toBe(false);
    expect(book.reserve([group({ cpu: 3_000 }, 2)])?.placements.map(one => one.host)).toEqual([0, 1]);
    // 1,000 are left on each: 2,000 in all, and no place for a unit of 2,000.
    expect(book.fits([group({ cpu: 2_000 })])).toBe(false);
  });

  test('all or nothing: a reservation that fails leaves nothing taken', () => {
    const book = new CapacityBook([HOST]);
    expect(book.reserve([group({ cpu: 1_000 }, 5)])).toBeNull();
    expect(book.used.cpu).toBe(0);
    expect(book.fits([group({ cpu: 4_000 })])).toBe(true);
  });

  test('says of every resource how much there is and how much is taken, and what was given back is free', () => {
    const book = new CapacityBook([HOST, { ...HOST, bandwidth: 50 }]);
    const none = { cpu: 0, memory: 0, disk: 0, bandwidth: 0, gpu: 0 };
    expect(book.compute()).toEqual({
      capacity: { cpu: 8_000, memory: 16, disk: 200, bandwidth: 50, gpu: 4_000 },
      used: none,
    });
    const taken = [group({ cpu: 1_500, memory: 3, disk: 7, gpu: 500 }, 2)];
    const reservation = book.reserve(taken)!;
    expect(book.compute().used).toEqual({ cpu: 3_000, memory: 6, disk: 14, bandwidth: 0, gpu: 1_000 });
    book.release(reservation);
    expect(book.compute().used).toEqual(none);
  });

  test('shares of a GPU go to one device, the fullest that fits; whole ones want free devices', () => {
    const book = new CapacityBook([HOST]);
    book.reserve([group({ gpu: 600 })]);
    // The first device has 400 left: 300 go there, so that the second stays whole.
    book.reserve([group({ gpu: 300 })]);
    expect(book.fits([group({ gpu: 1_000 })])).toBe(true);
    expect(book.fits([group({ gpu: 2_000 })])).toBe(false);
    book.reserve([group({ gpu: 1_000 })]);
    // 100 of the first are left, and no more.
    expect([book.fits([group({ gpu: 100 })]), book.fits([group({ gpu: 101 })])]).toEqual([true, false]);
  });

  test('nothing is placed on a host that is down', () => {
    const book = new CapacityBook([HOST, HOST]);
    book.setUp(0, false);
    expect(book.reserve([group({ cpu: 1_000 })])?.placements[0]?.host).toBe(1);
    book.setUp(1, false);
    expect(book.fits([group({ cpu: 1_000 })])).toBe(false);
  });

  test('what runs is adopted on the hosts where it was found', () => {
    const book = new CapacityBook([HOST, HOST]);
    expect(book.adopt([group({ cpu: 3_000 }, 2)], [1, 0])?.placements.map(one => one.host)).toEqual([1, 0]);
    expect(book.adopt([group({ cpu: 3_000 })], [1])).toBeNull();
    expect(book.used.cpu).toBe(6_000);
  });

  test('after any reservations and releases, an empty book is as it was', () => {
    const wish = fc.record({
      cpu: fc.integer({ min: 0, max: 3_000 }),
      memory: fc.integer({ min: 0, max: 6 }),
      gpu: fc.constantFrom(0, 250, 500, 1_000, 2_000),
      count: fc.integer({ min: 1, max: 3 }),
    });
    fc.assert(
      fc.property(fc.array(wish, { maxLength: 12 }), wishes => {
        const book = new CapacityBook([HOST, { ...HOST, cpu: 2_000 }, { ...HOST, gpus: 0 }]);
        const taken = wishes.flatMap(({ count, ...compute }) => book.reserve([group(compute, count)]) ?? []);
        let cpu = 0;
        for (const one of taken) for (const { unit } of one.placements) cpu += unit.cpu;
        expect(book.used.cpu).toBe(cpu);
        for (const one of taken) book.release(one);
        expect(book.used).toEqual({ cpu: 0, memory: 0, gpu: 0 });
        expect(
          book.reserve([group({ cpu: 4_000, memory: 8, gpu: 2_000 }), group({ cpu: 2_000, gpu: 2_000 })]),
        ).not.toBeNull();
      }),
      { numRuns: 300 },
    );
  });
});
