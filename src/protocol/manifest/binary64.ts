/**
 * The arithmetic of double-precision numbers, in whole numbers only.
 *
 * The official tools compute quantities as doubles and hash the text of the result, rounding errors included: `4.001k`
 * is 4002 bytes there, and `1.001` processors are 1000.9999999999999 thousandths. Reading the same bytes out of the same
 * file means rounding as they do. A double is exactly a whole number times a power of two, so the rounding can be done
 * on bigints, where what happens is written out and nothing depends on how an engine treats fractions.
 */

/** `mantissa * 2^exponent`, negated if so. The mantissa is at most 2^53 and odd, except for zero (exponent 0). */
export interface Binary64 {
  readonly negative: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
}

export const ZERO: Binary64 = { negative: false, mantissa: 0n, exponent: 0 };

const MANTISSA_BITS = 53;
/** Exponent of the last bit of the smallest numbers. */
const LEAST_EXPONENT = -1074;
/** No double reaches 2^1024. */
const MOST_BITS = 1024;
/** Beyond these powers of ten everything is infinite, or zero. */
const LARGEST_POWER = 310;
const SMALLEST_POWER = -345;
/** Digits that tell any two doubles apart. */
const MOST_DIGITS = 17;
const SURE_DIGITS = 15;
/** Bits behind the point from which on doubles lose precision. */
const SMALLEST_NORMAL = -1021;

function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const digits = value.toString(16);
  return 4 * digits.length + 28 - Math.clz32(Number(`0x${digits[0]}`));
}

function normal(negative: boolean, mantissa: bigint, exponent: number): Binary64 {
  if (mantissa === 0n) return { negative, mantissa, exponent: 0 };
  let bits = mantissa;
  let power = exponent;
  while ((bits & 1n) === 0n) {
    bits >>= 1n;
    power += 1;
  }
  return { negative, mantissa: bits, exponent: power };
}

/** The double nearest to `numerator / denominator` (both positive, or a zero above), ties to even; null: infinite. */
export function nearest(numerator: bigint, denominator: bigint, negative = false): Binary64 | null {
  if (numerator === 0n) return { ...ZERO, negative };
  // The quotient gets two or three bits more than the mantissa; the last of them also stands for all that follow.
  let exponent = bitLength(numerator) - bitLength(denominator) - (MANTISSA_BITS + 2);
  if (exponent < LEAST_EXPONENT - 2) exponent = LEAST_EXPONENT - 2;
  const above = exponent < 0 ? numerator << BigInt(-exponent) : numerator;
  const below = exponent > 0 ? denominator << BigInt(exponent) : denominator;
  let quotient = above / BigInt(below);
  if (above % below !== 0n) quotient |= 1n;
  const surplus = BigInt(Math.max(bitLength(quotient) - MANTISSA_BITS, LEAST_EXPONENT - exponent));
  const half = 1n << (surplus - 1n);
  const rest = quotient & ((1n << surplus) - 1n);
  quotient >>= surplus;
  if (rest > half || (rest === half && (quotient & 1n) === 1n)) quotient += 1n;
  exponent += Number(surplus);
  if (bitLength(quotient) + exponent > MOST_BITS) return null;
  return normal(negative, quotient, exponent);
}

/** What a decimal says: digits before and behind the point, and a power of ten. */
const DECIMAL = /^([0-9]*)\.?([0-9]*)(?:[eE]([-+]?[0-9]+))?$/;

/** The double nearest to a decimal without sign, such as `1.5`, `.5` or `1e3`; null: infinite. */
export function fromDecimal(text: string, negative = false): Binary64 | null {
  const [, before = '', behind = '', power = '0'] = DECIMAL.exec(text) ?? [];
  const digits = `${before}${behind}`.replace(/^0+/, '');
  if (digits === '') return { ...ZERO, negative };
  // Written this way, a power of any length is read, and one that is far out is not computed.
  const shift = Number(power) - behind.length;
  if (digits.length + shift > LARGEST_POWER) return null;
  if (digits.length + shift < SMALLEST_POWER) return { ...ZERO, negative };
  const value = BigInt(digits);
  return shift >= 0
    ? nearest(value * 10n ** BigInt(shift), 1n, negative)
    : nearest(value, 10n ** BigInt(-shift), negative);
}

/** The product with a whole number that is itself a double, rounded; null: infinite. */
export function times(value: Binary64, factor: bigint): Binary64 | null {
  const [above, below] = ratio(value);
  return nearest(above * factor, below, value.negative);
}

/** The size as a fraction. */
function ratio({ mantissa, exponent }: Binary64): [bigint, bigint] {
  return exponent >= 0 ? [mantissa << BigInt(exponent), 1n] : [mantissa, 1n << BigInt(-exponent)];
}

export function isWhole(value: Binary64): boolean {
  return value.exponent >= 0;
}

/** The least whole number that is not smaller. */
export function ceiling(value: Binary64): bigint {
  const [above, below] = ratio(value);
  if (value.negative) return -(above / BigInt(below));
  return (above + below - 1n) / BigInt(below);
}

/** The text that JavaScript gives a number: the shortest digits that are nearest to no other double. */
export function numberText(value: Binary64): string {
  const sign = value.negative && value.mantissa !== 0n ? '-' : '';
  const [above, below] = ratio(value);
  if (below === 1n && above <= 1n << BigInt(MANTISSA_BITS)) return `${sign}${above}`;
  const { digits, point } = shortest(value, above, below);
  return sign + laidOut(digits, point);
}

/** `0.digits * 10^point` */
function shortest(value: Binary64, above: bigint, below: bigint): { digits: string; point: number } {
  let point = String(above).length - String(below).length + 1;
  // Off by one or two at most, as both lengths are rounded.
  while (compareToPower(above, below, point - 1) < 0) point -= 1;
  // Up to 15 digits survive the way into a double and back, save for the smallest of numbers, which have fewer bits.
  const isSmall = value.exponent + bitLength(value.mantissa) < SMALLEST_NORMAL;
  for (let length = isSmall ? 1 : SURE_DIGITS; ; length += 1) {
    const shift = length - point;
    const scaled = shift >= 0 ? above * 10n ** BigInt(shift) : above;
    const unit = shift >= 0 ? below : below * 10n ** BigInt(-shift);
    const down = scaled / BigInt(unit);
    // The nearer one first; the even one where both are as near.
    const rest = (scaled - down * unit) * 2n;
    const up = rest > unit || (rest === unit && (down & 1n) === 1n);
    for (const candidate of up ? [down + 1n, down] : [down, down + 1n]) {
      const back =
        shift >= 0 ? nearest(candidate, 10n ** BigInt(shift)) : nearest(candidate * 10n ** BigInt(-shift), 1n);
      if (back === null || back.mantissa !== value.mantissa || back.exponent !== value.exponent) continue;
      const text = String(candidate);
      return { digits: text.replace(/0+$/, ''), point: point + text.length - length };
    }
    if (length > MOST_DIGITS) throw new RangeError(`found no ${MOST_DIGITS} digits for a double, expected some`);
  }
}

/** Negative if `above / below` is less than `10^power`. */
function compareToPower(above: bigint, below: bigint, power: number): number {
  const left = power < 0 ? above * 10n ** BigInt(-power) : above;
  const right = power > 0 ? below * 10n ** BigInt(power) : below;
  return left < right ? -1 : left > right ? 1 : 0;
}

/** Digits as JavaScript lays them out: plainly from 10^-6 to 10^21, else with a power of ten. */
function laidOut(digits: string, point: number): string {
  if (point > 21 || point <= -6) {
    const power = point - 1;
    const behind = digits.length > 1 ? `.${digits.slice(1)}` : '';
    return `${digits[0]}${behind}e${power < 0 ? '-' : '+'}${Math.abs(power)}`;
  }
  return plainLayout(digits, point);
}

function plainLayout(digits: string, point: number): string {
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return digits + '0'.repeat(point - digits.length);
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** A number's text without power of ten: `1e-7` is `0.0000001`. */
export function plainText(text: string): string {
  const match = /^(-?)([0-9]+)(?:\.([0-9]+))?e([-+][0-9]+)$/.exec(text);
  if (match === null) return text;
  const [, sign, before, behind = '', power] = match;
  return sign! + plainLayout(before! + behind, before!.length + Number(power));
}
