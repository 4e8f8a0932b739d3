/**
 * Numbers, amounts and times as people read them. Pure text in fixed forms: no locale, so that output is the same on
 * every machine.
 */

/** Three digits at a time: `1,234,567`. */
export function grouped(value: number | bigint): string {
  return value.toString().replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** digits / 10^places as a decimal without trailing zeros, grouped. */
function decimal(digits: bigint, places: number): string {
  const sign = digits < 0n ? '-' : '';
  const text = (digits < 0n ? -digits : digits).toString().padStart(places + 1, '0');
  const whole = text.slice(0, text.length - places);
  const fraction = places === 0 ? '' : text.slice(-places).replace(/0+$/, '');
  return `${sign}${grouped(BigInt(whole))}${fraction === '' ? '' : `.${fraction}`}`;
}

/** numerator / denominator rounded half away from zero. */
function rounded(numerator: bigint, denominator: bigint): bigint {
  const sign = numerator < 0n ? -1n : 1n;
  return (sign * (2n * sign * numerator + denominator)) / (2n * denominator);
}

/** Micro-AKASH as an exact amount: `1.5 AKASH`. */
export function akash(uakt: bigint): string {
  return `${decimal(uakt, 6)} AKASH`;
}

/**
 * Micro-AKASH as a number of AKASH for a table cell, rounded to what the eye needs: 2 decimals from 100 AKASH on, 4 from
 * 1, otherwise 6.
 */
export function akashCell(uakt: bigint): string {
  const size = uakt < 0n ? -uakt : uakt;
  const places = size >= 100_000_000n ? 2 : size >= 1_000_000n ? 4 : 6;
  return decimal(rounded(uakt, 10n ** BigInt(6 - places)), places);
}

export type PriceUnit = 'uakt/h' | 'AKASH/h';

/** The unit in which prices up to `largest` (pico-AKASH per second) read best. */
export function priceUnitFor(largest: bigint): PriceUnit {
  return largest * 3_600n >= 10n ** 11n ? 'AKASH/h' : 'uakt/h';
}

/**
 * Pico-AKASH per second as a price per hour: six decimals of an AKASH, of a micro-AKASH as many as its size asks for (3
 * below 100, 1 below 10,000, else none).
 */
export function perHour(picoPerSecond: bigint, unit: PriceUnit): string {
  const picoPerHour = picoPerSecond * 3_600n;
  if (unit === 'AKASH/h') return `${decimal(rounded(picoPerHour, 1_000_000n), 6)} ${unit}`;
  const places = picoPerHour < 100n * 1_000_000n ? 3 : picoPerHour < 10_000n * 1_000_000n ? 1 : 0;
  return `${decimal(rounded(picoPerHour, 10n ** BigInt(6 - places)), places)} ${unit}`;
}

/** A time of the simulation: `day 2 03:04:05`; days count from 0, fractions of a second are cut off. */
export function moment(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = `${two(Math.floor(whole / 3_600) % 24)}:${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return `day ${Math.floor(whole / 86_400)} ${clock}`;
}

const SPANS: readonly (readonly [string, number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

/** A length of time by its two largest units: `2 days 3 hours`, `12 seconds`, `0.5 seconds`. */
export function span(seconds: number): string {
  if (seconds < 60) {
    const text = significant(seconds, 3);
    return `${text} second${text === '1' ? '' : 's'}`;
  }
  let left = Math.round(seconds);
  const parts: string[] = [];
  for (const [name, size] of [...SPANS, ['second', 1] as const]) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${grouped(count)} ${name}${count === 1 ? '' : 's'}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

/** A short length of time: `2d 3h`, `4m 10s`, `12.3s`. */
export function shortSpan(seconds: number): string {
  return span(seconds).replace(/ (d|h|m|s)[a-z]*/g, '$1');
}

/** A number with so many significant digits, without an exponent, grouped: `0.0123`, `1,230`. */
export function significant(value: number, digits: number): string {
  if (!Number.isFinite(value)) return '-';
  if (value === 0) return '0';
  const exponent = Math.floor(Math.log10(Math.abs(value)));
  const places = Math.min(12, Math.max(0, digits - 1 - exponent));
  const [whole = '0', fraction = ''] = Math.abs(value).toFixed(places).split('.');
  const cut = fraction.replace(/0+$/, '');
  return `${value < 0 ? '-' : ''}${whole.length > 20 ? whole : grouped(BigInt(whole))}${cut === '' ? '' : `.${cut}`}`;
}

/** A share of 1 as a percentage: `61.2 %`. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) return '-';
  const text = (share * 100).toFixed(1);
  return `${text.endsWith('.0') ? text.slice(0, -2) : text} %`;
}

/** Bytes in binary units: `1.5 GiB`. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${significant(value, 3)} ${units[unit]}`;
}

/** `1 order`, `2 orders`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${grouped(count)} ${count === 1 ? noun : plural}`;
}

/**
 * Breaks text at spaces into lines of at most `width` characters. Spaces at the beginning stay; later lines begin with
 * `indent`.
 */
export function wrap(text: string, width: number, indent = ''): string {
  const start = /^ */.exec(text)![0];
  const lines: string[] = [];
  let line = start;
  let empty = true;
  for (const word of text.slice(start.length).split(' ')) {
    const next = empty ? line + word : `${line} ${word}`;
    if (next.length > width && !empty) {
      lines.push(line.trimEnd());
      line = indent + word;
    } else line = next;
    empty = false;
  }
  lines.push(line);
  return lines.join('\n');
}
