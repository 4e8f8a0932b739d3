/**
 * Quantities of an SDL file: processors, bytes, graphics cards, prices, periods.
 *
 * The texts are read as the official tool reads them, generously: any letter may follow a size, the case of a unit does
 * not matter (`512mi` is `512Mi`, and `500M` processors are half of one), what is no known unit multiplies by one, and
 * a fraction of a byte counts whole. Rounding is that of doubles (see binary64.ts), since it ends up in the hash.
 */

import type { Binary64 } from './binary64.ts';
import { ceiling, fromDecimal, nearest, numberText, plainText, times } from './binary64.ts';

const PREFIXES = 'kmgtpe';
const SIZE = /^([\d.]+)([a-zA-Z])([a-zA-Z]*)$/;
const CPU = /^([\d.]+)([a-zA-Z]*)$/;

/** The number at the start of a text of digits and points; null: there is none, or it is infinite. */
function leadingNumber(text: string): Binary64 | null {
  const match = /^(?:\d+\.?\d*|\.\d+)/.exec(text);
  return match === null ? null : fromDecimal(match[0]);
}

/** Bytes of a size such as `512Mi` or `1.5G`; null: it is none. */
export function sizeInBytes(text: string): bigint | null {
  const match = SIZE.exec(text.toLowerCase());
  if (match === null) return null;
  const [, digits, prefix, unit] = match;
  const value = leadingNumber(digits!);
  if (value === null) return null;
  const power = BigInt(PREFIXES.indexOf(prefix!) + 1);
  const bytes = times(value, (unit === 'i' ? 1024n : 1000n) ** power);
  return bytes === null ? null : ceiling(bytes);
}

/** The official text of a number of bytes that `sizeInBytes` gave. */
export function bytesText(bytes: bigint): string {
  const value = nearest(bytes, 1n);
  if (value === null) throw new RangeError('found more bytes than a double holds, expected a size that was read');
  return numberText(value);
}

const BINARY_UNITS = ['Ei', 'Pi', 'Ti', 'Gi', 'Mi'];

/** A size in its shortest exact form, the largest binary unit that leaves no fraction; else a fraction of Ki. */
export function sizeText(bytes: bigint): string {
  let factor = 1024n ** BigInt(BINARY_UNITS.length + 1);
  for (const unit of BINARY_UNITS) {
    if (bytes > 0n && bytes % factor === 0n) return `${bytes / BigInt(factor)}${unit}`;
    factor /= 1024n;
  }
  // A 1024th has ten decimal places, of which none are lost.
  const places = String((bytes % 1024n) * 9_765_625n)
    .padStart(10, '0')
    .replace(/0+$/, '');
  return `${bytes / 1024n}${places === '' ? '' : `.${places}`}Ki`;
}

/** Thousandths of a processor in a text such as `0.5` or `500m`; null: it is none, or infinite. */
export function cpuFromText(text: string): Binary64 | null {
  const match = CPU.exec(text.toLowerCase());
  if (match === null) return null;
  const value = leadingNumber(match[1]!);
  if (value === null || match[2] === 'm') return value;
  return times(value, 1000n);
}

/** Thousandths of a processor in a number of processors; null: infinite. */
export function cpuFromNumber(value: Binary64): Binary64 | null {
  return times(value, 1000n);
}

/** A quantity as the group specification writes it (`text`), and rounded up to whole units. */
export interface Quantity {
  readonly text: string;
  readonly whole: bigint;
}

/** From the text that a double has without power of ten, e.g. out of `SdlCompute.cpuMilli`; null: it is infinite. */
export function quantity(decimal: string): Quantity | null {
  const value = /^[0-9.]+$/.test(decimal) ? fromDecimal(decimal) : null;
  return value === null ? null : { text: numberText(value), whole: ceiling(value) };
}

/** Graphics cards; of a text, the whole number with which it starts. Null: it is no number, or less than none. */
export function cardsOf({
  units,
  quoted,
}: {
  readonly units: string | null;
  readonly quoted: boolean;
}): Quantity | null {
  if (units === null) return { text: '0', whole: 0n };
  if (!quoted) return quantity(units);
  const digits = /^\s*\+?(\d+)/.exec(units);
  return digits === null ? null : quantity(digits[1]!);
}

/** A double as a plain decimal. */
export function plainDecimal(value: Binary64): string {
  return plainText(numberText(value));
}

const DECIMAL_PLACES = 18;

/** An amount in 10^-18; what is smaller is cut off. `amount` is a text such as `10000`, `0.05` or `1e-7`. */
export function attoAmount(amount: string): bigint {
  const [whole = '', places = ''] = plainText(amount).split('.');
  return BigInt(whole + places.slice(0, DECIMAL_PLACES).padEnd(DECIMAL_PLACES, '0'));
}

/** 10^-18 as a decimal with all 18 places. */
export function attoText(atto: bigint): string {
  const digits = String(atto).padStart(DECIMAL_PLACES + 1, '0');
  return `${digits.slice(0, -DECIMAL_PLACES)}.${digits.slice(-DECIMAL_PLACES)}`;
}

const SECONDS: Readonly<Record<string, bigint>> = { s: 1n, m: 60n, h: 3600n };

/** Seconds of a period such as `24h`, whose form was checked. */
export function periodSeconds(text: string): bigint {
  const unit = SECONDS[text.at(-1) ?? ''];
  if (unit === undefined) throw new RangeError(`found the period ${text}, expected one in s, m or h`);
  return BigInt(text.slice(0, -1)) * unit;
}
