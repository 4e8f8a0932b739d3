import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  akash,
  akashCell,
  bytes,
  grouped,
  moment,
  percent,
  perHour,
  priceUnitFor,
  shortSpan,
  significant,
  span,
  wrap,
} from '../../../src/lab/report/format.ts';

describe('amounts', () => {
  it('show every micro-AKASH, exactly', () => {
    expect(akash(1_500_000n)).toBe('1.5 AKASH');
    expect(akash(-1n)).toBe('-0.000001 AKASH');
    expect(akash(12_345_678_901_234_567n)).toBe('12,345,678,901.234567 AKASH');
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 24n), max: 10n ** 24n }), uakt => {
        const [whole, fraction = ''] = akash(uakt).replace(' AKASH', '').replaceAll(',', '').split('.');
        const sign = whole!.startsWith('-') ? -1n : 1n;
        const digits = BigInt(whole!.replace('-', '')) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
        expect(sign * digits).toBe(uakt);
      }),
    );
  });

  it('are rounded in cells by their size', () => {
    expect(akashCell(123_456_789_000n)).toBe('123,456.79');
    expect(akashCell(1_234_567n)).toBe('1.2346');
    expect(akashCell(-123n)).toBe('-0.000123');
    expect(akashCell(-999_999_995_000n)).toBe('-1,000,000');
  });

  it('per hour use one unit throughout', () => {
    // 900 uakt/h is 250,000 pico-AKASH per second.
    expect(perHour(250_000n, 'uakt/h')).toBe('900 uakt/h');
    expect(perHour(250_000n, 'AKASH/h')).toBe('0.0009 AKASH/h');
    expect(perHour(10_002n, 'uakt/h')).toBe('36.007 uakt/h');
    expect(perHour(11_244_468n, 'uakt/h')).toBe('40,480 uakt/h');
    expect(priceUnitFor(250_000n)).toBe('uakt/h');
    expect(priceUnitFor(10n ** 12n)).toBe('AKASH/h');
  });
});

describe('times', () => {
  it.each([
    [0, 'day 0 00:00:00'],
    [54.999, 'day 0 00:00:54'],
    [86_399, 'day 0 23:59:59'],
    [2 * 86_400 + 3 * 3_600 + 4 * 60 + 5, 'day 2 03:04:05'],
  ])('%d s is %s', (seconds, text) => expect(moment(seconds)).toBe(text));

  it.each([
    [0, '0 seconds', '0s'],
    [1, '1 second', '1s'],
    [12.25, '12.3 seconds', '12.3s'],
    [60, '1 minute', '1m'],
    [3_725, '1 hour 2 minutes', '1h 2m'],
    [86_400, '1 day', '1d'],
    [86_400 + 5, '1 day', '1d'],
    [7 * 86_400, '7 days', '7d'],
  ])('%d s last %s', (seconds, long, short) => {
    expect(span(seconds)).toBe(long);
    expect(shortSpan(seconds)).toBe(short);
  });
});

describe('numbers', () => {
  it.each([
    [0, '0'],
    [0.012345, '0.0123'],
    [1234.5678, '1,235'],
    [-0.5, '-0.5'],
    [99.96, '100'],
    [Number.NaN, '-'],
    [1e-9, '0.000000001'],
  ])('%d', (value, text) => expect(significant(value, 3)).toBe(text));

  it('as shares, sizes, groups', () => {
    expect(percent(0.4)).toBe('40 %');
    expect(percent(1 / 3)).toBe('33.3 %');
    expect(bytes(1536)).toBe('1.5 KiB');
    expect(bytes(3 * 2 ** 40)).toBe('3 TiB');
    expect(grouped(1234567)).toBe('1,234,567');
  });
});

describe('wrap', () => {
  it('loses no word, keeps the beginning, and stays within the width where words allow', () => {
    expect(wrap('  one two three', 9, '    ')).toBe('  one two\n    three');
    const words = fc.array(fc.stringMatching(/^[a-z]{1,12}$/), { minLength: 1, maxLength: 40 });
    fc.assert(
      fc.property(words, fc.integer({ min: 20, max: 80 }), (list, width) => {
        const lines = wrap(list.join(' '), width, '  ').split('\n');
        expect(lines.map(line => line.trim()).join(' ')).toBe(list.join(' '));
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });
});
