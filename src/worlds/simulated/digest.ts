/**
 * 32-bit fingerprints for the trace hash. They tell two runs apart; they protect nothing and no rule depends on them.
 */

const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** The deepest nesting that `digestValue` follows; deeper values are taken for cyclic. */
const MAX_DEPTH = 64;

/** Mixes one 32-bit word into a fingerprint. */
export function digestWord(hash: number, word: number): number {
  let h = Math.imul(hash ^ word, 0x85ebca6b);
  h ^= h >>> 13;
  return Math.imul(h, 0xc2b2ae35) ^ (h >>> 16);
}

/** A number, all its bits that an integer can have. */
export function digestNumber(hash: number, value: number): number {
  if (Number.isSafeInteger(value)) return digestWord(digestWord(hash, value | 0), (value / 4294967296) | 0);
  return digestText(hash, String(value));
}

function digestText(hash: number, text: string): number {
  let h = hash;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), PRIME);
  return digestWord(h, text.length);
}

/** Characters at both ends of a long name that its fingerprint looks at. */
const NAME_HEAD = 12;
const NAME_TAIL = 20;

/** A name: names that occur beside each other differ at one of their ends, so long ones are not read whole. */
export function digestString(text: string): number {
  if (text.length <= NAME_HEAD + NAME_TAIL) return digestText(OFFSET, text);
  let h = OFFSET;
  for (let i = 0; i < NAME_HEAD; i++) h = Math.imul(h ^ text.charCodeAt(i), PRIME);
  for (let i = text.length - NAME_TAIL; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), PRIME);
  return digestWord(h, text.length);
}

/** Bytes. */
export function digestBytes(bytes: Uint8Array): number {
  let h = OFFSET;
  for (let i = 0; i < bytes.length; i++) h = Math.imul(h ^ bytes[i]!, PRIME);
  return digestWord(h, bytes.length);
}

/**
 * Any value made of plain data. The order of an object's keys does not matter, that of arrays, maps and sets does.
 * Slow; for what is off the hot path, and for messages when the world was given no better fingerprint.
 */
export function digestValue(value: unknown): number {
  return mixValue(OFFSET, value, 0);
}

function mixValue(hash: number, value: unknown, depth: number): number {
  switch (typeof value) {
    case 'string':
      return digestText(digestWord(hash, 1), value);
    case 'number':
      return digestNumber(digestWord(hash, 2), value);
    case 'bigint':
      return digestText(digestWord(hash, 3), value.toString(36));
    case 'boolean':
      return digestWord(hash, value ? 4 : 5);
    case 'undefined':
      return digestWord(hash, 6);
    case 'object':
      return value === null ? digestWord(hash, 7) : mixObject(hash, value, depth + 1);
    default:
      throw new TypeError(`only plain data has a fingerprint, found a ${typeof value}`);
  }
}

function mixObject(start: number, value: object, depth: number): number {
  if (depth > MAX_DEPTH) throw new RangeError(`a value is nested deeper than ${MAX_DEPTH}, or cyclic`);
  if (value instanceof Uint8Array) return digestWord(digestWord(start, 8), digestBytes(value));
  let hash = start;
  if (Array.isArray(value) || value instanceof Set) {
    hash = digestWord(hash, 9);
    for (const item of value) hash = mixValue(hash, item, depth);
    return digestWord(hash, 10);
  }
  if (value instanceof Map) {
    hash = digestWord(hash, 11);
    for (const [key, item] of value) hash = mixValue(mixValue(hash, key, depth), item, depth);
    return digestWord(hash, 12);
  }
  hash = digestWord(hash, 13);
  const keys = Object.keys(value).sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  for (const key of keys) hash = mixValue(digestText(hash, key), (value as Record<string, unknown>)[key], depth);
  return digestWord(hash, 14);
}
