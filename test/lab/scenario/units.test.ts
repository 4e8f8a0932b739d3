import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseBandwidth,
  parseBytes,
  parseCpu,
  parseDuration,
  parseFrequency,
  parseGpu,
  parseMoney,
  parseNumber,
  parseRate,
  QuantityError,
} from '../../../src/lab/scenario/units.ts';

describe('durations', () => {
  it.each([
    ['5s', 5_000_000],
    ['250ms', 250_000],
    ['90us', 90],
    ['90µs', 90],
    ['30d', 2_592_000_000_000],
    ['2w', 1_209_600_000_000],
    ['1h30m', 5_400_000_000],
    ['1d 2h', 93_600_000_000],
    ['1.5h', 5_400_000_000],
    ['0.000001s', 1],
    [' 7m ', 420_000_000],
    ['0', 0],
    ['0s', 0],
    [0, 0],
  ])('%j is %d us', (text, us) => {
    expect(parseDuration(text)).toBe(us);
  });

  it.each([
    '5',
    5,
    '5 min',
    's',
    '',
    ' ',
    '-5s',
    -5,
    -0,
    '5s5s',
    '30m1h',
    '5sx',
    '1e3s',
    '.5s',
    '5.s',
    '1h-30m',
    'NaN',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    'Infinity',
    '0.5us',
    '300y',
    '300000000000d',
    '9007199254740992us',
    true,
    null,
    undefined,
    {},
    [5],
    `${'1'.repeat(70)}s`,
  ])('refuses %j', value => {
    expect(() => parseDuration(value)).toThrow(QuantityError);
    expect(() => parseDuration(value)).toThrow(/^found .*, expected a duration such as 5s/);
  });

  it('takes the largest safe integer and nothing beyond', () => {
    expect(parseDuration('9007199254740991us')).toBe(Number.MAX_SAFE_INTEGER);
    expect(() => parseDuration('9007199254740992us')).toThrow('at most 9,007,199,254,740,991 microseconds');
  });

  it('adds up what it takes apart', () => {
    const part = fc.nat({ max: 1_000 });
    fc.assert(
      fc.property(part, part, part, part, part, (d, h, m, s, us) => {
        const expected = (((d * 24 + h) * 60 + m) * 60 + s) * 1_000_000 + us;
        expect(parseDuration(`${d}d${h}h${m}m${s}s${us}us`)).toBe(expected);
      }),
    );
  });
});

describe('sizes', () => {
  it.each([
    ['64Gi', 64 * 2 ** 30],
    ['512Mi', 512 * 2 ** 20],
    ['1Ki', 1024],
    ['4Ti', 4 * 2 ** 40],
    ['1Pi', 2 ** 50],
    ['10G', 10e9],
    ['3k', 3000],
    ['2M', 2e6],
    ['1T', 1e12],
    ['1P', 1e15],
    ['64GiB', 64 * 2 ** 30],
    ['10GB', 10e9],
    ['0.5Gi', 2 ** 29],
    ['1.5 Gi', 1.5 * 2 ** 30],
    [1024, 1024],
    ['1024', 1024],
    [0, 0],
  ])('%j is %d bytes', (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });

  it.each(['0.5', 0.5, '1.3Ki', '64gi', '64 giga', '5K', 'ki', '-1Gi', -1, Number.NaN, '9Pi', 1e300, 'Gi', null])(
    'refuses %j',
    value => {
      expect(() => parseBytes(value)).toThrow(/^found .*, expected a size such as 64Gi/);
    },
  );
});

describe('processors and accelerators', () => {
  it.each([
    ['250m', 250],
    ['4', 4000],
    [4, 4000],
    [0.5, 500],
    ['0.5', 500],
    [0.001, 1],
    [64, 64_000],
    ['0', 0],
  ])('%j is %d thousandths', (text, milli) => {
    expect(parseCpu(text)).toBe(milli);
    expect(parseGpu(text)).toBe(milli);
  });

  it.each(['4 cores', '0.5m', 0.0001, 1e-7, -1, '-250m', Number.NaN, 1e21, '9007199254741', true, ''])(
    'refuses %j',
    value => {
      expect(() => parseCpu(value)).toThrow(/^found .*, expected a number of vCPUs/);
      expect(() => parseGpu(value)).toThrow(/^found .*, expected a number of GPUs/);
    },
  );
});

describe('bandwidths', () => {
  it.each([
    ['10Gbps', 10e9],
    ['250 Mbps', 250e6],
    ['1.5kbps', 1500],
    ['9bps', 9],
    ['1Tbps', 1e12],
    [0, 0],
  ])('%j is %d bits per second', (text, bits) => {
    expect(parseBandwidth(text)).toBe(bits);
  });

  it.each(['10', 10, '10Gb', '10GBps', '-1bps', '0.5bps', 'fast'])('refuses %j', value => {
    expect(() => parseBandwidth(value)).toThrow(/^found .*, expected a bandwidth such as 10Gbps/);
  });
});

describe('money', () => {
  it.each([
    ['12 akash', 12_000_000n],
    ['300 uakt', 300n],
    ['0.000001akash', 1n],
    ['1000000000000 akash', 10n ** 18n],
    ['123456789.123456 akash', 123_456_789_123_456n],
    [0, 0n],
    ['0', 0n],
  ])('%j is %d micro-AKASH', (text, micro) => {
    expect(parseMoney(text)).toBe(micro);
  });

  it.each([
    '12',
    12,
    '12 akt',
    '-1 akash',
    '0.5 uakt',
    '0.0000001 akash',
    '1000000000001 akash',
    'akash',
    '1,000 uakt',
    null,
  ])('refuses %j', value => {
    expect(() => parseMoney(value)).toThrow(/^found .*, expected an amount such as 12 akash/);
  });
});

describe('rates', () => {
  it.each([
    ['1 uakt/s', 1_000_000n],
    ['3.6 uakt/h', 1_000n],
    ['3 uakt/h', 833n],
    ['1.5 akash/d', 17_361_111n],
    ['60 uakt/m', 1_000_000n],
    ['2 akash/30d', 771_605n],
    ['1 akash / 1w', 1_653_439n],
    ['900 uakt/h', 250_000n],
    ['1000000 akash/s', 10n ** 18n],
    [0, 0n],
    ['0 uakt/h', 0n],
  ])('%j is %d pico-AKASH per second', (text, pico) => {
    expect(parseRate(text)).toBe(pico);
  });

  it('rounds half up, exactly', () => {
    // 0.0018 uakt/h is half a pico-AKASH per second.
    expect(parseRate('0.0018 uakt/h')).toBe(1n);
    expect(parseRate('0.0054 uakt/h')).toBe(2n);
    expect(parseRate('0.00539999999999999999 uakt/h')).toBe(1n);
    expect(() => parseRate('0.00179999999999999999 uakt/h')).toThrow('at least half a pico-AKASH');
  });

  it.each([
    '3 uakt',
    '3/h',
    '3 uakt/y',
    3,
    '-3 uakt/h',
    '3 uakt/0d',
    '3 uakt/h/h',
    '1000001 akash/s',
    '3 usd/h',
    Number.NaN,
  ])('refuses %j', value => {
    expect(() => parseRate(value)).toThrow(/^found .*, expected a rate such as 3 uakt\/h/);
  });

  it('agrees with rational arithmetic', () => {
    const seconds = { s: 1n, m: 60n, h: 3_600n, d: 86_400n, w: 604_800n };
    fc.assert(
      fc.property(
        fc.bigInt(1_000n, 10n ** 12n),
        fc.integer({ min: 1, max: 365 }),
        fc.constantFrom('s', 'm', 'h', 'd', 'w'),
        (micro, n, unit) => {
          const span = BigInt(n) * seconds[unit as keyof typeof seconds];
          const rate = parseRate(`${micro} uakt/${n}${unit}`.replace('/1s', '/s'));
          // |rate x span - micro x 10^6| is at most half a span.
          const off = rate * span - micro * 1_000_000n;
          expect(2n * off <= span && 2n * off > -span).toBe(true);
        },
      ),
    );
  });
});

describe('plain numbers and frequencies', () => {
  it.each([
    ['20%', 0.2],
    ['0.7%', 0.007],
    [0.2, 0.2],
    ['3', 3],
    [1e-9, 1e-9],
    ['150 %', 1.5],
  ])('%j is %d', (text, value) => {
    expect(parseNumber(text)).toBe(value);
  });

  it.each(['-1', -0.1, Number.NaN, Number.POSITIVE_INFINITY, '1e5', 'x', '', '%', null, false])('refuses %j', value => {
    expect(() => parseNumber(value)).toThrow(/^found .*, expected a number such as/);
  });

  it('reads frequencies per second', () => {
    expect(parseFrequency('3.6/h')).toBeCloseTo(0.001, 15);
    expect(parseFrequency(0)).toBe(0);
    expect(() => parseFrequency('5')).toThrow('expected a frequency such as 0.05/h');
    expect(() => parseFrequency('-5/h')).toThrow('not negative');
  });
});
