/**
 * SHA-256 without allocation, for the many small hashes of commitments.
 *
 * Calling into the platform costs microseconds whatever the size, and a general library allocates per call. Here the
 * state is words in arrays of the caller's: a tree keeps each node as eight words of one big Int32Array and combines
 * two of them in place. Words are the big-endian words of FIPS 180-4, stored as signed 32-bit integers.
 *
 * Two domain-separated constructions are built on the compression function:
 *  - a tagged hash is standard SHA-256 over one 64-byte block that holds the tag, followed by the message. The state
 *    after the tag block (the midstate) is computed once per tag, so the tag costs nothing afterwards;
 *  - hashPair is one bare compression of the 64-byte block (left, right) from the midstate of a tag. It is NOT the
 *    SHA-256 of the 64 bytes: there is no padding block, which is sound only because its input has one fixed length.
 */

import { BLOCK, compress } from './sha256-compress.ts';

/** The initial state of standard SHA-256. */
const INITIAL = Int32Array.of(
  0x6a09e667,
  0xbb67ae85,
  0x3c6ef372,
  0xa54ff53a,
  0x510e527f,
  0x9b05688c,
  0x1f83d9ab,
  0x5be0cd19,
);

/** Words of a state, and so of a hash. */
export const HASH_WORDS = 8;
/** Bytes of a hash. */
export const HASH_BYTES = 32;

/** A copy of the initial state of standard SHA-256, to compare the bare compression with the standard. */
export function standardState(): Int32Array<ArrayBuffer> {
  return INITIAL.slice();
}

/**
 * One compression of the 64-byte block (left, right) from state `iv`: the hash of a node from those of its children.
 * Eight words each are read from `left` at `leftAt` and `right` at `rightAt` and written to `out` at `outAt`; the
 * arrays and places may be the same. With `tagState` of a tag as `iv` it is domain-separated; it is not a padded hash.
 */
export function hashPair(
  iv: Int32Array,
  left: Int32Array,
  leftAt: number,
  right: Int32Array,
  rightAt: number,
  out: Int32Array,
  outAt: number,
): void {
  for (let i = 0; i < 8; i++) {
    BLOCK[i] = left[leftAt + i]!;
    BLOCK[i + 8] = right[rightAt + i]!;
  }
  compress(iv, out, outAt);
}

/** Scratch for the state between the blocks of one message. */
const running = new Int32Array(8);

/** SHA-256 from state `iv`, before which `before` bytes (a multiple of 64) have been hashed. */
function hashFrom(
  iv: Int32Array,
  before: number,
  bytes: Uint8Array,
  offset: number,
  length: number,
  out: Int32Array,
  outAt: number,
): void {
  const end = offset + length;
  // Reads out of range would silently hash as zeros.
  if (!(offset >= 0 && length >= 0 && end <= bytes.length)) {
    throw new RangeError(`cannot hash ${length} bytes at ${offset} of ${bytes.length}`);
  }
  let state = iv;
  let at = offset;
  for (; at + 64 <= end; at += 64) {
    for (let i = 0, p = at; i < 16; i++, p += 4) {
      BLOCK[i] = (bytes[p]! << 24) | (bytes[p + 1]! << 16) | (bytes[p + 2]! << 8) | bytes[p + 3]!;
    }
    compress(state, running, 0);
    state = running;
  }
  // The rest, a one bit, zeros, and the length in bits in the last two words: in one block or two.
  const rest = end - at;
  const words = rest >> 2;
  for (let i = 0; i < words; i++, at += 4) {
    BLOCK[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }
  let last = 0x80 << (24 - ((rest & 3) << 3));
  for (let shift = 24; at < end; at++, shift -= 8) last |= bytes[at]! << shift;
  BLOCK[words] = last;
  for (let i = words + 1; i < 16; i++) BLOCK[i] = 0;
  if (words >= 14) {
    compress(state, running, 0);
    state = running;
    for (let i = 0; i < 14; i++) BLOCK[i] = 0;
  }
  const total = before + length;
  BLOCK[14] = Math.floor(total / 0x2000_0000);
  BLOCK[15] = total << 3;
  compress(state, out, outAt);
}

/** Standard SHA-256 of `length` bytes at `offset`, as eight words at `outAt` of `out`. */
export function sha256Into(bytes: Uint8Array, offset: number, length: number, out: Int32Array, outAt: number): void {
  hashFrom(INITIAL, 0, bytes, offset, length, out, outAt);
}

const digestWords = new Int32Array(HASH_WORDS);

/** Standard SHA-256. For the short inputs that a chain hashes all day, twice as fast as a general implementation. */
export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  hashFrom(INITIAL, 0, bytes, 0, bytes.length, digestWords, 0);
  return wordsToBytes(digestWords, 0);
}

/**
 * The state of SHA-256 after one 64-byte block that holds the tag (ASCII, at most 63 characters) and zeros: what makes
 * hashes of one purpose different from those of every other. Throws RangeError for other tags.
 */
export function tagState(tag: string): Int32Array<ArrayBuffer> {
  const state = new Int32Array(8);
  const block = tagBlock(tag);
  for (let i = 0; i < 16; i++) {
    BLOCK[i] = (block[4 * i]! << 24) | (block[4 * i + 1]! << 16) | (block[4 * i + 2]! << 8) | block[4 * i + 3]!;
  }
  compress(INITIAL, state, 0);
  return state;
}

/** The 64-byte block that `tagState` compresses. */
export function tagBlock(tag: string): Uint8Array<ArrayBuffer> {
  if (tag.length === 0 || tag.length > 63) throw new RangeError(`a tag of ${tag.length} characters, expected 1 to 63`);
  const block = new Uint8Array(64);
  for (let i = 0; i < tag.length; i++) {
    const unit = tag.charCodeAt(i);
    if (unit < 0x20 || unit > 0x7e) throw new RangeError(`the tag ${JSON.stringify(tag)} is not printable ASCII`);
    block[i] = unit;
  }
  return block;
}

/** Tagged SHA-256: the standard hash of the tag's block followed by the bytes, given the tag's state. */
export function taggedInto(
  state: Int32Array,
  bytes: Uint8Array,
  offset: number,
  length: number,
  out: Int32Array,
  outAt: number,
): void {
  hashFrom(state, 64, bytes, offset, length, out, outAt);
}

/** Eight words at `at` as the 32 bytes of a hash. */
export function wordsToBytes(words: Int32Array, at: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HASH_BYTES);
  for (let i = 0; i < HASH_BYTES; i++) bytes[i] = words[at + (i >> 2)]! >>> (24 - ((i & 3) << 3));
  return bytes;
}

/** The 32 bytes of a hash at `offset` as eight words at `at`. */
export function bytesToWords(bytes: Uint8Array, offset: number, words: Int32Array, at: number): void {
  for (let i = 0; i < HASH_WORDS; i++) {
    const p = offset + 4 * i;
    words[at + i] = (bytes[p]! << 24) | (bytes[p + 1]! << 16) | (bytes[p + 2]! << 8) | bytes[p + 3]!;
  }
}
