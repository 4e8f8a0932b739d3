import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonical, parseExact, stringify } from '../../../src/lab/report/json.ts';

describe('exact JSON', () => {
  it('keeps every digit of an integer there and back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), amount => {
        const { value } = parseExact(stringify({ value: amount })) as { value: number | bigint };
        expect(BigInt(value)).toBe(amount);
      }),
    );
  });

  it('is plain JSON to others, and null for what is no number', () => {
    expect(stringify({ a: 2n ** 60n, b: Number.NaN, c: 0.1 })).toBe('{"a":1152921504606846976,"b":null,"c":0.1}');
    expect(parseExact('[1.5, 1e300, 9007199254740993]')).toEqual([1.5, 1e300, 9_007_199_254_740_993n]);
    expect(() => stringify(undefined)).toThrow('expected a value');
  });
});

describe('canonical text', () => {
  it('does not depend on the order of keys, and does on everything else', () => {
    expect(canonical({ b: [1, 2n], a: { y: null, x: 'é' } })).toBe(canonical({ a: { x: 'é', y: null }, b: [1, 2n] }));
    expect(canonical([1, 2])).not.toBe(canonical([2, 1]));
    expect(canonical({ a: 1n })).not.toBe(canonical({ a: 1 }));
    expect(canonical({ a: '1' })).not.toBe(canonical({ a: 1 }));
    expect(canonical({ a: undefined })).toBe(canonical({}));
  });
});
