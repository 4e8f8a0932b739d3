/**
 * What a plain word in YAML is: text, number, truth, nothing, or a date.
 *
 * There are as many readings of this as there are YAML libraries: `0o17`, `010`, `1_000`, `.5`, `yes` and `2024-01-01`
 * are numbers to some and texts to others. The official SDL tool reads YAML 1.2's core schema with a few additions
 * (binary numbers, dates) and a few omissions (`-.5` is a text), and this is its table.
 */

import type { Binary64 } from './binary64.ts';
import { fromDecimal, nearest, numberText } from './binary64.ts';

/** Null: infinite or not a number at all, which `text` then says. */
export interface YamlNumber {
  readonly kind: 'number';
  readonly value: Binary64 | null;
  /** As JavaScript writes it. */
  readonly text: string;
}

export type YamlScalar =
  | { readonly kind: 'text'; readonly value: string }
  | YamlNumber
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'null' }
  | { readonly kind: 'date'; readonly source: string };

const NULLS: ReadonlySet<string> = new Set(['', '~', 'null', 'Null', 'NULL']);
const TRUES: ReadonlySet<string> = new Set(['true', 'True', 'TRUE']);
const FALSES: ReadonlySet<string> = new Set(['false', 'False', 'FALSE']);
const WHOLE = /^([-+]?)(?:(0[box])([0-9a-fA-F]+)|([0-9]+))$/;
const FLOAT = /^(?:([-+]?)([0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)|(\.[0-9]+(?:[eE][-+]?[0-9]+)?))$/;
const INFINITE = /^([-+]?)\.(?:inf|Inf|INF)$/;
const NOT_A_NUMBER = /^\.(?:nan|NaN|NAN)$/;
const DATE =
  /^[0-9]{4}-(?:[0-9]{2}-[0-9]{2}|[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|[ \t]+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:[ \t]*(?:Z|[-+][0-9]{1,2}(?::[0-9]{2})?))?)$/;

/** The value of a word that stands there without quotes. */
export function plainScalar(source: string): YamlScalar {
  if (NULLS.has(source)) return { kind: 'null' };
  if (TRUES.has(source)) return { kind: 'boolean', value: true };
  if (FALSES.has(source)) return { kind: 'boolean', value: false };
  const number = wholeNumber(source) ?? float(source);
  if (number !== null) return number;
  if (DATE.test(source)) return { kind: 'date', source };
  return { kind: 'text', value: source };
}

const DIGITS: Readonly<Record<string, RegExp>> = { '0b': /^[01]+$/, '0o': /^[0-7]+$/, '0x': /^[0-9a-fA-F]+$/ };

function wholeNumber(source: string): YamlNumber | null {
  const match = WHOLE.exec(source);
  if (match === null) return null;
  const [, sign, base, digits, decimal] = match;
  if (base === undefined) return finite(fromDecimal(decimal!, sign === '-'));
  if (!DIGITS[base]!.test(digits!)) return null;
  return finite(nearest(BigInt(base + digits!), 1n, sign === '-'));
}

function float(source: string): YamlNumber | null {
  const match = FLOAT.exec(source);
  if (match !== null) return finite(fromDecimal(match[2] ?? match[3]!, match[1] === '-'));
  const infinite = INFINITE.exec(source);
  if (infinite !== null) return { kind: 'number', value: null, text: `${infinite[1] === '-' ? '-' : ''}Infinity` };
  return NOT_A_NUMBER.test(source) ? { kind: 'number', value: null, text: 'NaN' } : null;
}

/** Digits beyond the largest double are no number but a text. */
function finite(value: Binary64 | null): YamlNumber | null {
  return value === null ? null : { kind: 'number', value, text: numberText(value) };
}

/** The names of tags that SDL files may use, without `tag:yaml.org,2002:`. */
export type ScalarTag = 'str' | 'int' | 'float' | 'bool' | 'null';

/** The value of a scalar whose author said what it is; null: it is not that. */
export function taggedScalar(tag: ScalarTag, source: string): YamlScalar | null {
  if (tag === 'str') return { kind: 'text', value: source };
  if (tag === 'int') return wholeNumber(source);
  if (tag === 'float') return float(source);
  const value = plainScalar(source);
  if (tag === 'null') return value.kind === 'null' && source !== '' ? value : null;
  return value.kind === 'boolean' ? value : null;
}
