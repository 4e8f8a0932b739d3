/**
 * Values with units, as people write them, to the integers that the rest of the code computes with.
 *
 * All arithmetic is exact: a decimal is read as digits and a power of ten, multiplied as bigint, and refused when it is
 * no whole number of the base unit (only rates, which are quotients, are rounded: half up). A value that YAML has
 * already read as a number is taken by its shortest decimal form, which is what stands in the file. Zero needs no unit.
 * Nothing negative, not finite, or beyond what a JavaScript number can count exactly gets through.
 */

/** Longest text that is looked at; longer input is refused unread. */
const MAX_TEXT = 64;

/** A value that could not be understood: what stood there, and what should have. */
export class QuantityError extends Error {
  readonly found: string;
  readonly expected: string;

  constructor(found: string, expected: string) {
    super(`found ${found}, expected ${expected}`);
    this.name = 'QuantityError';
    this.found = found;
    this.expected = expected;
  }
}

/** How a value is shown in an error: text in quotes, everything else bare, long text cut. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object') return Object.keys(value).length === 0 ? 'an empty map' : 'a map';
  return String(value);
}

/** A whole number with commas between the thousands, as errors print limits. */
export function grouped(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** What each quantity is called in an error, with an example. */
export const EXPECTED = {
  duration: 'a duration such as 5s, 250ms, 1h30m or 30d (units us, ms, s, m, h, d, w)',
  bytes: 'a size such as 64Gi, 512Mi or 10G (units Ki, Mi, Gi, Ti, Pi, k, M, G, T, P, or plain bytes)',
  cpu: 'a number of vCPUs such as 4, 0.5 or 250m (thousandths)',
  gpu: 'a number of GPUs such as 1, 0.5 or 500m (thousandths)',
  bandwidth: 'a bandwidth such as 10Gbps or 250Mbps (units bps, kbps, Mbps, Gbps, Tbps)',
  money: 'an amount such as 12 akash or 300 uakt (whole micro-AKASH)',
  rate: 'a rate such as 3 uakt/h, 1.5 akash/d or 2 akash/30d (per s, m, h, d, w)',
  frequency: 'a frequency such as 0.05/h or 2/d (per s, m, h, d, w)',
  number: 'a number such as 0.2, 3 or 20%',
} as const;

interface Decimal {
  /** The digits without the point. */
  readonly digits: bigint;
  /** The value is digits / scale. */
  readonly scale: bigint;
}

const DECIMAL = /^(\d+)(?:\.(\d+))?$/;

function decimal(text: string): Decimal | null {
  const match = DECIMAL.exec(text);
  if (match === null) return null;
  const fraction = match[2] ?? '';
  return { digits: BigInt(match[1]! + fraction), scale: 10n ** BigInt(fraction.length) };
}

/** The trimmed text of a value; a number by its shortest decimal form. Refuses what cannot be any quantity. */
function textOf(value: unknown, expected: string): string {
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new QuantityError(String(value), expected);
    if (value < 0 || Object.is(value, -0)) throw new QuantityError(String(value), `${expected}, not negative`);
    // 1e21 and above print with an exponent; below, the shortest form is plain or, for the very small, 1e-7.
    return String(value);
  }
  if (typeof value !== 'string') throw new QuantityError(show(value), expected);
  if (value.length > MAX_TEXT) throw new QuantityError(show(value), expected);
  const text = value.trim();
  if (text.startsWith('-')) throw new QuantityError(show(value), `${expected}, not negative`);
  return text;
}

/** digits / scale x factor as a whole number, or an error that says what is wrong with it. */
function whole(value: unknown, amount: Decimal, factor: bigint, unit: string, expected: string): bigint {
  const product = amount.digits * factor;
  if (product % amount.scale !== 0n) throw new QuantityError(show(value), `${expected}: a whole number of ${unit}`);
  return product / amount.scale;
}

function safe(value: unknown, result: bigint, unit: string, expected: string): number {
  if (result > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new QuantityError(show(value), `${expected}, at most ${grouped(Number.MAX_SAFE_INTEGER)} ${unit}`);
  }
  return Number(result);
}

/** Microseconds of each unit of time, longest first. */
const TIME_UNITS: ReadonlyMap<string, bigint> = new Map([
  ['w', 604_800_000_000n],
  ['d', 86_400_000_000n],
  ['h', 3_600_000_000n],
  ['m', 60_000_000n],
  ['s', 1_000_000n],
  ['ms', 1_000n],
  ['us', 1n],
]);

/**
 * A duration, `5s` or `1h30m`, in microseconds. Parts go from the longest unit to the shortest, each once.
 * @throws QuantityError
 */
export function parseDuration(value: unknown): number {
  const expected = EXPECTED.duration;
  const text = textOf(value, expected);
  if (text === '0') return 0;
  const part = /(\d+(?:\.\d+)?)\s*(us|µs|ms|s|m|h|d|w)\s*/y;
  let total = 0n;
  let shortest: bigint | null = null;
  while (part.lastIndex < text.length) {
    const match = part.exec(text);
    if (match === null) throw new QuantityError(show(value), expected);
    const unit = TIME_UNITS.get(match[2] === 'µs' ? 'us' : match[2]!)!;
    if (shortest !== null && unit >= shortest) throw new QuantityError(show(value), expected);
    shortest = unit;
    total += whole(value, decimal(match[1]!)!, unit, 'microseconds', expected);
  }
  if (shortest === null) throw new QuantityError(show(value), expected);
  return safe(value, total, 'microseconds', expected);
}

const BYTE_UNITS: Readonly<Record<string, bigint>> = {
  '': 1n,
  k: 10n ** 3n,
  M: 10n ** 6n,
  G: 10n ** 9n,
  T: 10n ** 12n,
  P: 10n ** 15n,
  Ki: 1n << 10n,
  Mi: 1n << 20n,
  Gi: 1n << 30n,
  Ti: 1n << 40n,
  Pi: 1n << 50n,
};

/**
 * A size, `64Gi`, `10G` or plain bytes, in bytes.
 * @throws QuantityError
 */
export function parseBytes(value: unknown): number {
  const expected = EXPECTED.bytes;
  const text = textOf(value, expected);
  const match = /^(\d+(?:\.\d+)?)\s*([kMGTP]i?|Ki)?B?$/.exec(text);
  const factor = match === null ? undefined : BYTE_UNITS[match[2] ?? ''];
  if (match === null || factor === undefined) throw new QuantityError(show(value), expected);
  return safe(value, whole(value, decimal(match[1]!)!, factor, 'bytes', expected), 'bytes', expected);
}

function parseThousandths(value: unknown, expected: string, unit: string): number {
  const text = textOf(value, expected);
  const milli = text.endsWith('m');
  const amount = decimal(milli ? text.slice(0, -1) : text);
  if (amount === null) throw new QuantityError(show(value), expected);
  return safe(value, whole(value, amount, milli ? 1n : 1000n, unit, expected), unit, expected);
}

/**
 * Processors, `4`, `0.5` or `250m`, in milli-vCPU.
 * @throws QuantityError
 */
export function parseCpu(value: unknown): number {
  return parseThousandths(value, EXPECTED.cpu, 'milli-vCPU');
}

/**
 * Accelerators, `1`, `0.5` or `500m`, in milli-GPU.
 * @throws QuantityError
 */
export function parseGpu(value: unknown): number {
  return parseThousandths(value, EXPECTED.gpu, 'milli-GPU');
}

const BIT_UNITS: Readonly<Record<string, bigint>> = { '': 1n, k: 10n ** 3n, M: 10n ** 6n, G: 10n ** 9n, T: 10n ** 12n };

/**
 * A bandwidth, `10Gbps`, in bits per second.
 * @throws QuantityError
 */
export function parseBandwidth(value: unknown): number {
  const expected = EXPECTED.bandwidth;
  const text = textOf(value, expected);
  if (text === '0') return 0;
  const match = /^(\d+(?:\.\d+)?)\s*([kMGT]?)bps$/.exec(text);
  if (match === null) throw new QuantityError(show(value), expected);
  const bits = whole(value, decimal(match[1]!)!, BIT_UNITS[match[2]!]!, 'bits per second', expected);
  return safe(value, bits, 'bits per second', expected);
}

const MICRO_PER: Readonly<Record<string, bigint>> = { akash: 1_000_000n, uakt: 1n };

/** All the money that may exist: 10^18 micro-AKASH, far beyond any scenario and still quick to compute with. */
const MAX_MONEY = 10n ** 18n;

/**
 * An amount of money, `12 akash` or `300 uakt`, in micro-AKASH.
 * @throws QuantityError
 */
export function parseMoney(value: unknown): bigint {
  const expected = EXPECTED.money;
  const text = textOf(value, expected);
  if (text === '0') return 0n;
  const match = /^(\d+(?:\.\d+)?)\s*(akash|uakt)$/.exec(text);
  if (match === null) throw new QuantityError(show(value), expected);
  const amount = whole(value, decimal(match[1]!)!, MICRO_PER[match[2]!]!, 'micro-AKASH', expected);
  if (amount > MAX_MONEY) throw new QuantityError(show(value), `${expected}, at most ${grouped(MAX_MONEY)} uakt`);
  return amount;
}

/**
 * A rate, `3 uakt/h` or `2 akash/30d`, in pico-AKASH per second, rounded half up.
 * @throws QuantityError; also for a rate above 0 that would round to 0, because a price of nothing is no price
 */
export function parseRate(value: unknown): bigint {
  const expected = EXPECTED.rate;
  const text = textOf(value, expected);
  if (text === '0') return 0n;
  const match = /^(\d+(?:\.\d+)?)\s*(akash|uakt)\s*\/\s*(\d{1,9})?\s*(s|m|h|d|w)$/.exec(text);
  if (match === null) throw new QuantityError(show(value), expected);
  const amount = decimal(match[1]!)!;
  const span = BigInt(match[3] ?? 1) * TIME_UNITS.get(match[4]!)!;
  if (span === 0n) throw new QuantityError(show(value), `${expected}; the time must be above 0`);
  // micro-AKASH per microsecond, x 10^6 for pico and x 10^6 for a second.
  const numerator = amount.digits * MICRO_PER[match[2]!]! * 10n ** 12n;
  const denominator = amount.scale * span;
  const rate = (2n * numerator + denominator) / (2n * denominator);
  if (rate === 0n && numerator > 0n) {
    throw new QuantityError(show(value), `${expected}; at least half a pico-AKASH per second`);
  }
  if (rate > MAX_MONEY) {
    throw new QuantityError(show(value), `${expected}, at most ${grouped(MAX_MONEY)} pico-AKASH per second`);
  }
  return rate;
}

/**
 * How often something happens, `0.05/h`, per second.
 * @throws QuantityError
 */
export function parseFrequency(value: unknown): number {
  const expected = EXPECTED.frequency;
  const text = textOf(value, expected);
  if (text === '0') return 0;
  const match = /^(\d+(?:\.\d+)?)\s*\/\s*(s|m|h|d|w)$/.exec(text);
  if (match === null) throw new QuantityError(show(value), expected);
  return Number(match[1]) / (Number(TIME_UNITS.get(match[2]!)!) / 1e6);
}

/**
 * A plain number or a percentage, `0.2` or `20%`, not negative and finite.
 * @throws QuantityError
 */
export function parseNumber(value: unknown): number {
  const expected = EXPECTED.number;
  const text = textOf(value, expected);
  if (typeof value === 'number') return value;
  const match = /^(\d+(?:\.\d+)?)\s*(%?)$/.exec(text);
  if (match === null) throw new QuantityError(show(value), expected);
  // Shifting the point in the text instead of dividing: 0.7% is the same double as 0.007.
  return Number(match[2] === '%' ? `${match[1]}e-2` : match[1]);
}

/**
 * Any quantity as a number in its base unit, as distributions need it.
 * @throws QuantityError; also for money or a rate that a number cannot hold exactly
 */
export function parseQuantity(quantity: keyof typeof PARSERS, value: unknown): number {
  const parsed = PARSERS[quantity](value);
  return typeof parsed === 'bigint' ? safe(value, parsed, BASE_UNITS[quantity], EXPECTED[quantity]) : parsed;
}

const PARSERS = {
  duration: parseDuration,
  bytes: parseBytes,
  cpu: parseCpu,
  gpu: parseGpu,
  bandwidth: parseBandwidth,
  money: parseMoney,
  rate: parseRate,
  number: parseNumber,
} as const;

/** What one step of each quantity is called. */
export const BASE_UNITS = {
  duration: 'microseconds',
  bytes: 'bytes',
  cpu: 'milli-vCPU',
  gpu: 'milli-GPU',
  bandwidth: 'bits per second',
  money: 'micro-AKASH',
  rate: 'pico-AKASH per second',
  number: '',
} as const;

/** Patterns of the textual forms, for editors; the parsers above decide. */
export const PATTERNS = {
  duration: '^\\s*(0|(\\d+(\\.\\d+)?\\s*(us|µs|ms|s|m|h|d|w)\\s*)+)$',
  bytes: '^\\s*\\d+(\\.\\d+)?\\s*([kMGTP]|[KMGTP]i)?B?\\s*$',
  cpu: '^\\s*\\d+(\\.\\d+)?m?\\s*$',
  gpu: '^\\s*\\d+(\\.\\d+)?m?\\s*$',
  bandwidth: '^\\s*(0|\\d+(\\.\\d+)?\\s*[kMGT]?bps)\\s*$',
  money: '^\\s*(0|\\d+(\\.\\d+)?\\s*(akash|uakt))\\s*$',
  rate: '^\\s*(0|\\d+(\\.\\d+)?\\s*(akash|uakt)\\s*/\\s*\\d{0,9}\\s*(s|m|h|d|w))\\s*$',
  frequency: '^\\s*(0|\\d+(\\.\\d+)?\\s*/\\s*(s|m|h|d|w))\\s*$',
  number: '^\\s*\\d+(\\.\\d+)?\\s*%?\\s*$',
} as const;
