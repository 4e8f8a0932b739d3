/** Doubles without doubles, orders of names, and quantities. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  ceiling,
  fromDecimal,
  isWhole,
  nearest,
  numberText,
  plainText,
  times,
} from '../../../src/protocol/manifest/binary64.ts';
import { byCodeUnits, byWords } from '../../../src/protocol/manifest/collation.ts';
import {
  attoAmount,
  attoText,
  bytesText,
  cardsOf,
  cpuFromText,
  periodSeconds,
  quantity,
  sizeInBytes,
  sizeText,
} from '../../../src/protocol/manifest/units.ts';

const positive = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true });

describe('doubles in whole numbers', () => {
  test('text to double and back is what the engine does', () => {
    fc.assert(
      fc.property(positive, value => {
        const text = String(value);
        expect(numberText(fromDecimal(text)!)).toBe(text);
        expect(Number(plainText(text))).toBe(value);
      }),
      { numRuns: 3_000 },
    );
  });

  test('texts of more digits than a double has are rounded as the engine does', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[0-9]{1,30}(\.[0-9]{1,30})?$/),
        fc.integer({ min: -340, max: 320 }),
        (text, power) => {
          const value = Number(`${text}e${power}`);
          const own = fromDecimal(`${text}e${power}`);
          expect(own === null ? 'Infinity' : numberText(own)).toBe(String(value));
        },
      ),
      { numRuns: 2_000 },
    );
  });

  test('a text half way between two doubles takes the even one', () => {
    expect(numberText(fromDecimal('9007199254740993')!)).toBe('9007199254740992');
    expect(numberText(fromDecimal('9007199254740995')!)).toBe('9007199254740996');
    expect(numberText(fromDecimal('1125899906842624.25')!)).toBe('1125899906842624.2');
    expect(numberText(fromDecimal('1125899906842624.75')!)).toBe('1125899906842624.8');
  });

  test('products are rounded as the engine does, and so is their ceiling', () => {
    const factors = [1_000n, 1_024n, 1_000n ** 3n, 1_024n ** 3n, 1_024n ** 6n];
    fc.assert(
      fc.property(positive, fc.constantFrom(...factors), (value, factor) => {
        const product = value * Number(factor);
        const own = times(fromDecimal(String(value))!, factor);
        expect(own === null ? 'Infinity' : numberText(own)).toBe(String(product));
        if (own !== null) expect(ceiling(own)).toBe(BigInt(Math.ceil(product)));
        if (own !== null) expect(isWhole(own)).toBe(Number.isInteger(product));
      }),
      { numRuns: 2_000 },
    );
  });

  test('what is too large is none, what is too small is zero, however long it is', () => {
    expect(fromDecimal('1.8e308')).toBeNull();
    expect(fromDecimal('1e999999999999999999999')).toBeNull();
    expect(fromDecimal('9'.repeat(400))).toBeNull();
    expect(numberText(fromDecimal('1e-999999999999999999999')!)).toBe('0');
    expect(numberText(fromDecimal('5e-324')!)).toBe('5e-324');
    expect(numberText(fromDecimal('2e-324')!)).toBe('0');
    expect(numberText(nearest(1n, 3n, true)!)).toBe('-0.3333333333333333');
    expect(numberText(nearest(0n, 1n, true)!)).toBe('0');
    expect(ceiling(nearest(5n, 2n, true)!)).toBe(-2n);
  });
});

describe('orders of names', () => {
  const ascii = Array.from({ length: 128 }, (_, i) => String.fromCharCode(i));
  const sign = (value: number): number => Math.sign(value);
  const reader = new Intl.Collator('en');

  test('every two characters of ASCII are in the order that readers know', () => {
    for (const a of ascii) {
      for (const b of ascii) {
        const expected = reader.compare(a, b);
        // Control characters are all the same to a reader.
        if (expected !== 0) expect(sign(byWords(a, b)), JSON.stringify([a, b])).toBe(sign(expected));
      }
    }
  });

  test('words of letters, accents, digits and signs too', () => {
    const word = fc.string({ unit: fc.constantFrom(...'aAbBzZ019-_./ éÉüñ'), minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(word, word, (a, b) => void expect(sign(byWords(a, b))).toBe(sign(reader.compare(a, b)))),
      { numRuns: 3_000 },
    );
  });

  test('the two orders differ where names do', () => {
    expect(['web_1', 'Web', 'api', 'web-1', 'web', 'web1'].sort(byWords)).toEqual([
      'api',
      'web',
      'Web',
      'web_1',
      'web-1',
      'web1',
    ]);
    expect(['web_1', 'Web', 'api', 'web-1'].sort(byCodeUnits)).toEqual(['Web', 'api', 'web-1', 'web_1']);
  });
});

describe('sizes', () => {
  test.each([
    ['512Mi', 536_870_912n],
    ['1Gi', 1_073_741_824n],
    ['1.5Gi', 1_610_612_736n],
    ['1k', 1_000n],
    ['1K', 1_000n],
    ['2Ki', 2_048n],
    ['1G', 1_000_000_000n],
    ['3T', 3_000_000_000_000n],
    ['1P', 10n ** 15n],
    ['1Ei', 1n << 60n],
    ['512mi', 536_870_912n],
    ['.5Gi', 536_870_912n],
    ['5.Ki', 5_120n],
    ['1.1Ki', 1_127n],
    ['1.2.3Mi', 1_258_292n],
    // Not a unit: by one.
    ['5xi', 5n],
    ['7b', 7n],
    // Not `i`: decimal.
    ['1MB', 1_000_000n],
    ['1kib', 1_000n],
    // As the double has it, which is above 4001.
    ['4.001k', 4_002n],
    ['0Gi', 0n],
  ])('%s', (text, bytes) => expect(sizeInBytes(text)).toBe(bytes));

  test.each(['512', '', 'Mi', '-1Mi', '1 Gi', '..Gi', '.Gi', '1e3Mi', '1Gi ', '1Gi\n', `${'9'.repeat(400)}Gi`])(
    '%j is none',
    text => expect(sizeInBytes(text)).toBeNull(),
  );

  test('the printed form is exact and short', () => {
    expect(sizeText(536_870_912n)).toBe('512Mi');
    expect(sizeText(1n << 60n)).toBe('1Ei');
    expect(sizeText(0n)).toBe('0Ki');
    expect(sizeText(1_500n)).toBe('1.46484375Ki');
    expect(sizeText(1n)).toBe('0.0009765625Ki');
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: 1n << 53n }),
        bytes => void expect(sizeInBytes(sizeText(bytes))).toBe(bytes),
      ),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[0-9]{1,12}(\.[0-9]{1,6})?[kmgtpe]i?$/), text => {
        const bytes = sizeInBytes(text)!;
        expect(sizeInBytes(sizeText(bytes))).toBe(bytes);
        expect(bytesText(bytes)).toBe(String(Number(bytes)));
      }),
    );
  });
});

describe('processors, cards, prices, periods', () => {
  test.each([
    ['1', '1000'],
    ['0.5', '500'],
    ['500m', '500'],
    ['500M', '500'],
    ['0.1m', '0.1'],
    ['2cores', '2000'],
    ['1.001', '1000.9999999999999'],
  ])('%s processors', (text, milli) => expect(numberText(cpuFromText(text)!)).toBe(milli));

  test('a started thousandth counts whole', () => {
    expect(quantity('0.1')).toEqual({ text: '0.1', whole: 1n });
    expect(quantity('1000.9999999999999')).toEqual({ text: '1000.9999999999999', whole: 1_001n });
    expect(quantity('1000')).toEqual({ text: '1000', whole: 1_000n });
    expect(quantity('0.0000001')).toEqual({ text: '1e-7', whole: 1n });
    expect(quantity('Infinity')).toBeNull();
    expect(cpuFromText('many')).toBeNull();
  });

  test.each([
    [null, false, '0', 0n],
    ['2', false, '2', 2n],
    ['1.5', false, '1.5', 2n],
    ['2x', true, '2', 2n],
    [' 3', true, '3', 3n],
    ['1.9', true, '1', 1n],
    ['0x10', true, '0', 0n],
  ])('%j cards (in quotes: %s)', (units, quoted, text, whole) => {
    expect(cardsOf({ units, quoted })).toEqual({ text, whole });
  });

  test.each(['abc', '', '-1', 'x2'])('%j are no cards', units => expect(cardsOf({ units, quoted: true })).toBeNull());

  test.each([
    ['10000', '10000.000000000000000000'],
    ['0.05', '0.050000000000000000'],
    ['1e-7', '0.000000100000000000'],
    ['1.5e+21', '1500000000000000000000.000000000000000000'],
    ['0010.10', '10.100000000000000000'],
    ['0', '0.000000000000000000'],
    ['0.1234567890123456789', '0.123456789012345678'],
    ['9'.repeat(40), `${'9'.repeat(40)}.000000000000000000`],
  ])('an amount of %s', (amount, decimal) => expect(attoText(attoAmount(amount))).toBe(decimal));

  test('periods', () => {
    expect(periodSeconds('45s')).toBe(45n);
    expect(periodSeconds('30m')).toBe(1_800n);
    expect(periodSeconds('720h')).toBe(2_592_000n);
    expect(periodSeconds('99999999999999999999h')).toBe(359_999_999_999_999_999_996_400n);
    expect(() => periodSeconds('1d')).toThrow(RangeError);
  });
});
