/**
 * Canonical bytes: the writer and the reader under every encoding of the protocol.
 *
 * Every value has exactly one encoding. Integers are little-endian base-128 varints without superfluous groups, texts
 * are UTF-8 and byte strings raw, both behind their length in bytes. The reader refuses whatever the writer would not
 * have written, so that equal values have equal hashes and a message cannot be altered without altering its meaning.
 * A length is checked against its limit and against the bytes that are really there before anything is allocated.
 *
 * This is the hot path of a simulation (each transaction is written and hashed once), hence the fast paths for small
 * integers and ASCII and the absence of DataView, TextEncoder and per-value allocation.
 */

import { DecodeError, EncodeError, shown } from './errors.ts';
import { encodeUtf8, readAsciiText, readUtf8, utf8Length } from './utf8.ts';

export { DecodeError, EncodeError } from './errors.ts';

/** Largest number of significant bits of a `ubig`: amounts are far smaller, and a hostile number stays cheap. */
export const MAX_BIG_BITS = 256;
const BIG_LIMIT = 1n << BigInt(MAX_BIG_BITS);
const MAX_BIG_BYTES = Math.ceil(MAX_BIG_BITS / 7);
const SAFE = BigInt(Number.MAX_SAFE_INTEGER);
const TWO_28 = 0x1000_0000;
const TWO_49 = 2 ** 49;

/**
 * Copies of medium size are cut from slabs: an array of its own costs the engine an allocation outside its heap, five
 * times the price of the copy. Up to 64 bytes the engine keeps arrays inside its heap, and large ones are rare.
 */
const ENGINE_SMALL = 64;
const SLAB_LARGEST = 1024;
const SLAB_BYTES = 16_384;
let slab = new ArrayBuffer(SLAB_BYTES);
let slabUsed = 0;

/** A growable buffer to be written once and read, then reset and used again. */
export class ByteWriter {
  #buffer: Uint8Array<ArrayBuffer>;
  #length = 0;

  /** `capacity` is the initial size in bytes; the buffer doubles as needed and never shrinks. */
  constructor(capacity = 256) {
    this.#buffer = new Uint8Array(capacity < 16 ? 16 : capacity);
  }

  /** Number of bytes written since the last reset. */
  get length(): number {
    return this.#length;
  }

  /** Forgets what was written and keeps the memory. Views taken before become meaningless. */
  reset(): void {
    this.#length = 0;
  }

  /** Drops everything written after the first `length` bytes. */
  truncate(length: number): void {
    if (!Number.isSafeInteger(length) || length < 0 || length > this.#length) {
      throw new EncodeError(`truncation to ${shown(length)}`, `at most ${this.#length}`);
    }
    this.#length = length;
  }

  /** The bytes written, without a copy: valid until the next write or reset. */
  view(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  /**
   * A copy of the bytes written, the caller's to keep. Its `buffer` may be larger and hold other copies: use the array,
   * never its buffer.
   */
  take(): Uint8Array<ArrayBuffer> {
    const length = this.#length;
    if (length <= ENGINE_SMALL || length > SLAB_LARGEST) return this.#buffer.slice(0, length);
    if (slabUsed + length > SLAB_BYTES) {
      slab = new ArrayBuffer(SLAB_BYTES);
      slabUsed = 0;
    }
    const copy = new Uint8Array(slab, slabUsed, length);
    slabUsed += length;
    copy.set(this.#buffer.subarray(0, length));
    return copy;
  }

  #grow(needed: number): void {
    let capacity = this.#buffer.length * 2;
    while (capacity < needed) capacity *= 2;
    const grown = new Uint8Array(capacity);
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }

  /** One byte, 0 to 255. */
  byte(value: number): void {
    if (typeof value !== 'number' || value >>> 0 !== value || value > 0xff)
      throw new EncodeError(shown(value), 'a byte');
    if (this.#length === this.#buffer.length) this.#grow(this.#length + 1);
    this.#buffer[this.#length++] = value;
  }

  /** A non-negative safe integer as a varint of one to eight bytes. */
  uint(value: number): void {
    // A bigint would make the operators below throw an error that is not ours.
    if (typeof value !== 'number') throw new EncodeError(shown(value), 'a number');
    if (this.#length + 8 > this.#buffer.length) this.#grow(this.#length + 8);
    const buffer = this.#buffer;
    let at = this.#length;
    let rest = value;
    if (value >>> 0 !== value) {
      if (!Number.isSafeInteger(value) || value < 0) throw new EncodeError(shown(value), 'a non-negative safe integer');
      // Above 32 bits: four groups from the low 28 bits, the other (at most 25) bits as a number of their own.
      const low = value % TWO_28;
      buffer[at] = (low & 0x7f) | 0x80;
      buffer[at + 1] = ((low >>> 7) & 0x7f) | 0x80;
      buffer[at + 2] = ((low >>> 14) & 0x7f) | 0x80;
      buffer[at + 3] = (low >>> 21) | 0x80;
      at += 4;
      rest = (value - low) / TWO_28;
    }
    while (rest > 0x7f) {
      buffer[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    buffer[at] = rest;
    this.#length = at + 1;
  }

  /** A non-negative bigint below 2^256 as a varint; where both exist it has the bytes of `uint`. */
  ubig(value: bigint): void {
    if (typeof value !== 'bigint') throw new EncodeError(shown(value), 'a bigint');
    if (value >= 0n && value <= SAFE) {
      this.uint(Number(value));
      return;
    }
    if (value < 0n || value >= BIG_LIMIT) {
      throw new EncodeError(shown(value), `a bigint from 0 to 2^${MAX_BIG_BITS} - 1`);
    }
    let rest = value;
    while (rest > SAFE) {
      // Seven groups at a time through plain numbers.
      let low = Number(BigInt.asUintN(49, rest));
      if (this.#length + 8 > this.#buffer.length) this.#grow(this.#length + 8);
      for (let group = 0; group < 7; group++) {
        const bits = low % 128;
        this.#buffer[this.#length++] = bits | 0x80;
        low = (low - bits) / 128;
      }
      rest >>= 49n;
    }
    this.uint(Number(rest));
  }

  /** One byte, 0 or 1. */
  bool(value: boolean): void {
    if (value !== true && value !== false) throw new EncodeError(shown(value), 'a boolean');
    if (this.#length === this.#buffer.length) this.#grow(this.#length + 1);
    this.#buffer[this.#length++] = value ? 1 : 0;
  }

  /** A text of at most `max` UTF-8 bytes, behind its length in bytes. Refuses lone surrogates. */
  text(value: string, max: number): void {
    if (typeof value !== 'string') throw new EncodeError(shown(value), 'a text');
    const length = value.length;
    if (length > max) throw new EncodeError(`a text of ${length} characters`, `at most ${max} bytes`);
    const start = this.#length;
    this.uint(length);
    if (this.#length + length > this.#buffer.length) this.#grow(this.#length + length);
    const buffer = this.#buffer;
    let at = this.#length;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 0x7f) {
        this.#length = start;
        this.#wideText(value, max);
        return;
      }
      buffer[at++] = unit;
    }
    this.#length = at;
  }

  #wideText(value: string, max: number): void {
    const length = utf8Length(value);
    if (length < 0) throw new EncodeError('a text with a lone surrogate', 'well-formed Unicode');
    if (length > max) throw new EncodeError(`a text of ${length} bytes`, `at most ${max} bytes`);
    this.uint(length);
    if (this.#length + length > this.#buffer.length) this.#grow(this.#length + length);
    this.#length = encodeUtf8(value, this.#buffer, this.#length);
  }

  /** At most `max` bytes, behind their number. */
  byteString(value: Uint8Array, max: number): void {
    if (!(value instanceof Uint8Array)) throw new EncodeError(shown(value), 'bytes');
    if (value.length > max) throw new EncodeError(`${value.length} bytes`, `at most ${max} bytes`);
    this.uint(value.length);
    this.raw(value);
  }

  /** Bytes as they are, without a length: for parts of known size. */
  raw(value: Uint8Array): void {
    const length = value.length;
    if (this.#length + length > this.#buffer.length) this.#grow(this.#length + length);
    if (length <= 64) {
      // A loop beats the call of `set` for hashes, keys and signatures.
      const buffer = this.#buffer;
      const at = this.#length;
      for (let i = 0; i < length; i++) buffer[at + i] = value[i]!;
    } else {
      this.#buffer.set(value, this.#length);
    }
    this.#length += length;
  }
}

/** Reads what a ByteWriter wrote, and nothing else; every method throws DecodeError and nothing else. */
export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  #at: number;

  /** Reads `bytes` from `start` up to `end`; offsets in errors count from `start`. The bytes must not change meanwhile. */
  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    if (!(start >= 0 && start <= end && end <= bytes.length)) {
      throw new RangeError(`cannot read bytes ${start} to ${end} of ${bytes.length}`);
    }
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#at = start;
  }

  /** Offset of the next byte. */
  get offset(): number {
    return this.#at - this.#start;
  }

  /** Number of bytes not read yet. */
  get remaining(): number {
    return this.#end - this.#at;
  }

  /** The error that says that the byte at `offset` (default: the next one) is not what it should be. */
  error(found: string, expected: string, offset = this.#at - this.#start): DecodeError {
    return new DecodeError(offset, found, expected);
  }

  /** Refuses trailing bytes. */
  end(): void {
    if (this.#at !== this.#end) throw this.error(`${this.#end - this.#at} more bytes`, 'the end');
  }

  /** One byte, 0 to 255. */
  byte(): number {
    if (this.#at >= this.#end) throw this.error('the end', 'a byte');
    return this.#bytes[this.#at++]!;
  }

  /** A canonical varint of at most 2^53 - 1, or at most `max`. */
  uint(max: number = Number.MAX_SAFE_INTEGER): number {
    const bytes = this.#bytes;
    const at = this.#at;
    if (at >= this.#end) throw this.error('the end', 'an integer');
    let value = bytes[at]!;
    if (value < 0x80) {
      this.#at = at + 1;
    } else {
      value &= 0x7f;
      value = this.#longUint(value);
    }
    if (value > max) throw this.error(`${value}`, `an integer of at most ${max}`, at - this.#start);
    return value;
  }

  #longUint(first: number): number {
    const bytes = this.#bytes;
    const end = this.#end;
    const start = this.#at;
    let at = start + 1;
    let low = first;
    let high = 0;
    for (let group = 1; ; group++) {
      if (at >= end) throw this.error('the end', 'the rest of an integer', at - this.#start);
      const byte = bytes[at++]!;
      const bits = byte & 0x7f;
      if (group < 4) low |= bits << (7 * group);
      else high |= bits << (7 * (group - 4));
      if (byte < 0x80) {
        if (byte === 0) throw this.error('a padded integer', 'a minimal one', at - 1 - this.#start);
        if (group === 7 && byte > 0x0f) break;
        this.#at = at;
        return high * TWO_28 + low;
      }
      if (group === 7) break;
    }
    throw this.error('an integer above 2^53 - 1', 'a safe integer', start - this.#start);
  }

  /** A canonical varint below 2^256. */
  ubig(): bigint {
    const bytes = this.#bytes;
    const end = this.#end;
    const start = this.#at;
    let at = start;
    let value = 0n;
    let chunk = 0;
    let scale = 1;
    let shift = 0n;
    for (;;) {
      if (at >= end) throw this.error('the end', 'the rest of an integer', at - this.#start);
      const byte = bytes[at++]!;
      chunk += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) {
        if (byte === 0 && at - start > 1) throw this.error('a padded integer', 'a minimal one', at - 1 - this.#start);
        break;
      }
      if (at - start >= MAX_BIG_BYTES) {
        throw this.error('a longer integer', `one below 2^${MAX_BIG_BITS}`, start - this.#start);
      }
      if (scale === TWO_49) {
        value += BigInt(chunk) << shift;
        shift += 49n;
        chunk = 0;
        scale = 1;
      }
    }
    value = shift === 0n ? BigInt(chunk) : value + (BigInt(chunk) << shift);
    if (value >= BIG_LIMIT) throw this.error('a larger integer', `one below 2^${MAX_BIG_BITS}`, start - this.#start);
    this.#at = at;
    return value;
  }

  /** A byte that is 0 or 1. */
  bool(): boolean {
    const byte = this.byte();
    if (byte > 1) throw this.error(`${byte}`, '0 or 1', this.#at - 1 - this.#start);
    return byte === 1;
  }

  /** A length of at most `max` for which the bytes are there. */
  #bounded(max: number, what: string): number {
    const at = this.#at - this.#start;
    const length = this.uint();
    if (length > max) throw this.error(`${what} of ${length} bytes`, `at most ${max}`, at);
    if (length > this.#end - this.#at) {
      throw this.error(`${this.#end - this.#at} bytes left`, `${what} of ${length} bytes`);
    }
    return length;
  }

  /** A text of at most `max` UTF-8 bytes; refuses anything but well-formed, shortest-form UTF-8. */
  text(max: number): string {
    const length = this.#bounded(max, 'a text');
    const from = this.#at;
    const to = from + length;
    const ascii = readAsciiText(this.#bytes, from, to);
    if (ascii !== undefined) {
      this.#at = to;
      return ascii;
    }
    const text = readUtf8(this.#bytes, from, to);
    if (typeof text === 'number') throw this.error('malformed UTF-8', 'a text', text - this.#start);
    this.#at = to;
    return text;
  }

  /** A copy of a byte string of at most `max` bytes. */
  byteString(max: number): Uint8Array<ArrayBuffer> {
    return this.raw(this.#bounded(max, 'a byte string'));
  }

  /** A copy of the next `length` bytes. The length must be the program's own, not one that was read. */
  raw(length: number): Uint8Array<ArrayBuffer> {
    if (length > this.#end - this.#at) throw this.error(`${this.#end - this.#at} bytes left`, `${length} bytes`);
    const at = this.#at;
    this.#at = at + length;
    const copy = new Uint8Array(length);
    if (length <= 64) for (let i = 0; i < length; i++) copy[i] = this.#bytes[at + i]!;
    else copy.set(this.#bytes.subarray(at, at + length));
    return copy;
  }
}

/** Whether two byte strings are equal. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  const length = a.length;
  if (length !== b.length) return false;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Order of two byte strings: by the first differing byte, a prefix first. Negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = a.length < b.length ? a.length : b.length;
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!;
  return a.length - b.length;
}
