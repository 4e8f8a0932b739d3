/** The parameter table: bounds, texts of proposals, and that the decisions of the rules are there with their defaults. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  defaultParams,
  faultOfParameter,
  PARAMETER_NAMES,
  PARAMETERS,
  type ParameterValue,
  parameterFromText,
  parameterToText,
  withParams,
} from '../../../src/protocol/model/params.ts';

const DAY = 86_400_000_000;

describe('the decisions (D) of the rules, with their production values', () => {
  test.each([
    ['facilitation', 'mandatory'],
    ['collateralBasis', 'per_unit'],
    ['pendingClose', 'pays'],
    ['settlement', 'confirmation'],
    ['collateralTo', 'tenant'],
    ['matchingRule', 'lowest-price'],
    ['maxFulfillments', 20],
    ['leaseTax', 0],
    ['brokenLeaseStakeSlash', 0],
    ['jailAfterBroken', 0],
    ['inflation', 0],
    ['confirmationReserve', 100_000],
  ] as const)('%s = %s', (name, value) => {
    expect(defaultParams()[name]).toBe(value);
  });

  test.each([
    ['facilitation', ['mandatory', 'prefix']],
    ['collateralBasis', ['per_unit', 'per_group']],
    ['pendingClose', ['pays', 'free']],
    ['settlement', ['confirmation', 'per_block']],
    ['collateralTo', ['tenant', 'burn', 'split']],
  ] as const)('%s: %j', (name, choices) => {
    expect(PARAMETERS[name].choices).toEqual(choices);
  });
});

describe('faultOfParameter', () => {
  test('every default fits', () => {
    for (const name of PARAMETER_NAMES) expect(faultOfParameter(name, defaultParams()[name])).toBeNull();
    expect(Object.keys(defaultParams())).toEqual(PARAMETER_NAMES);
  });

  test('numbers: both bounds fit, what is beyond, or no whole number, does not', () => {
    for (const name of PARAMETER_NAMES) {
      const kind = PARAMETERS[name];
      if (kind.kind !== 'number') continue;
      for (const good of [kind.min, kind.max]) expect(faultOfParameter(name, good)).toBeNull();
      for (const bad of [
        kind.min - 1,
        kind.max + 1,
        kind.min + 0.5,
        Number.NaN,
        BigInt(kind.min),
        `${kind.min}`,
        null,
        undefined,
      ]) {
        expect(faultOfParameter(name, bad)).toContain(
          `${name}: found ${String(bad)}, expected a whole number of ${kind.unit}`,
        );
      }
    }
  });

  test('money: from 0 to 10^18', () => {
    for (const good of [0n, 10n ** 18n]) expect(faultOfParameter('feeBase', good)).toBeNull();
    for (const bad of [-1n, 10n ** 18n + 1n, 5, '5']) expect(faultOfParameter('feeBase', bad)).toContain('micro-AKASH');
  });

  test('choices', () => {
    for (const bad of ['', 'Pays', 'never', 0])
      expect(faultOfParameter('pendingClose', bad)).toContain('expected one of pays, free');
  });

  test('unknown names, also those that every object has', () => {
    for (const name of ['', 'nothing', 'constructor', '__proto__', 'toString']) {
      expect(faultOfParameter(name, 1)).toContain('unknown parameter');
      expect(parameterFromText(name, '1')).toBeUndefined();
    }
  });
});

describe('withParams', () => {
  test('changes what is named and nothing else, in a copy', () => {
    const before = defaultParams();
    const after = withParams(before, { leaseTax: 5, feeBase: 7n });
    expect(after).toEqual({ ...before, leaseTax: 5, feeBase: 7n });
    expect(before.leaseTax).toBe(0);
  });
  test('throws on a value that does not fit', () => {
    expect(() => withParams(defaultParams(), { leaseTax: -1 })).toThrow('leaseTax: found -1');
    expect(() => withParams(defaultParams(), { nothing: 1 })).toThrow('unknown parameter "nothing"');
  });
});

describe('texts of proposals', () => {
  test('every value reads back as it was written', () => {
    for (const name of PARAMETER_NAMES) {
      const kind = PARAMETERS[name];
      const values: readonly ParameterValue[] =
        kind.kind === 'choice'
          ? kind.choices
          : kind.kind === 'money'
            ? [0n, 1n, 10n ** 18n]
            : [kind.min, kind.default, kind.max];
      for (const value of values) expect(parameterFromText(name, parameterToText(value))).toBe(value);
    }
  });

  test('a value has one text: no sign, no leading zero, no exponent, no space', () => {
    for (const text of ['', ' 5', '5 ', '+5', '-5', '05', '5.0', '5e0', '0x5', '٥', '9007199254740993']) {
      expect(parameterFromText('leaseTax', text)).toBeUndefined();
      expect([text, parameterFromText('feeBase', text) ?? null]).toEqual([
        text,
        text === '9007199254740993' ? 9_007_199_254_740_993n : null,
      ]);
    }
  });

  test('whatever reads, writes back to the same text', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PARAMETER_NAMES),
        fc.oneof(fc.string({ maxLength: 24 }), fc.bigInt({ min: 0n, max: 10n ** 21n }).map(String)),
        (name, text) => {
          const value = parameterFromText(name, text);
          if (value === undefined) return;
          expect(parameterToText(value)).toBe(text);
          expect(faultOfParameter(name, value)).toBeNull();
        },
      ),
    );
  });
});

describe('5 Unbonding period', () => {
  test('is 21 days, longer than anything else that stake must answer for', () => {
    expect(defaultParams().unbondingPeriod).toBe(21 * DAY);
    expect(defaultParams().unbondingPeriod).toBeGreaterThan(defaultParams().jailDuration);
  });
});
