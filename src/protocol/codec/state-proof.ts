/**
 * What a state commitment means, apart from how a tree is kept: the hashes, and the proofs anybody can check against a
 * root without having the tree. See state-tree.ts for the shape of the trie.
 *
 * A proof holds the siblings on the way from the root to where a key is or would be. A key is present if the leaf of
 * (key, value) is at the end of its way; it is absent if there is nothing there, or the leaf of another key.
 */

import { EncodeError } from './errors.ts';
import { bytesToWords, HASH_BYTES, hashPair, taggedInto, tagState } from './sha256.ts';
import { type CodecType, fixedBytes, list, optional, struct } from './struct.ts';
import { encodeUtf8, utf8Length } from './utf8.ts';

const KEY_STATE = tagState('orrery/state-tree/key');
const VALUE_STATE = tagState('orrery/state-tree/value');
const LEAF_STATE = tagState('orrery/state-tree/leaf');
const INNER_STATE = tagState('orrery/state-tree/inner');

/** The most siblings a proof can have: one for each bit of a key hash. */
export const MAX_DEPTH = 8 * HASH_BYTES;

/** The canonical bytes of a proof. */
export const stateProof = struct({
  /** Sibling hashes, from the root downwards. */
  siblings: list(fixedBytes(HASH_BYTES), MAX_DEPTH),
  /** The leaf at the end of the way, if it is another key's. */
  other: optional(struct({ keyHash: fixedBytes(HASH_BYTES), valueHash: fixedBytes(HASH_BYTES) })),
});

/** A proof that a key has a value, or none. */
export type StateProof = CodecType<typeof stateProof>;

let keyBytes = new Uint8Array(256);

/** The hash of a key, into eight words at `at`. Throws EncodeError if the key has a lone surrogate. */
export function keyHashInto(key: string, out: Int32Array, at: number): void {
  const length = utf8Length(key);
  if (length < 0) throw new EncodeError('a key with a lone surrogate', 'well-formed Unicode');
  if (length > keyBytes.length) keyBytes = new Uint8Array(2 * length);
  encodeUtf8(key, keyBytes, 0);
  taggedInto(KEY_STATE, keyBytes, 0, length, out, at);
}

/** The hash of a value, into eight words at `at`. */
export function valueHashInto(value: Uint8Array, out: Int32Array, at: number): void {
  taggedInto(VALUE_STATE, value, 0, value.length, out, at);
}

/** The hash of the leaf whose key hash and value hash are at the given places. */
export function leafHashInto(
  words: Int32Array,
  keyHashAt: number,
  valueHashAt: number,
  out: Int32Array,
  at: number,
): void {
  hashPair(LEAF_STATE, words, keyHashAt, words, valueHashAt, out, at);
}

/** The hash of the node with these two halves. */
export function innerHashInto(
  left: Int32Array,
  leftAt: number,
  right: Int32Array,
  rightAt: number,
  out: Int32Array,
  at: number,
): void {
  hashPair(INNER_STATE, left, leftAt, right, rightAt, out, at);
}

/** Which way a key goes at a depth: bit number `depth` of its hash at `at`, from the most significant. */
export function keyBit(words: Int32Array, at: number, depth: number): 0 | 1 {
  return ((words[at + (depth >> 5)]! >>> (31 - (depth & 31))) & 1) as 0 | 1;
}

/** Places in the scratch words of a verification. */
const KEY = 0;
const NODE = 8;
const SIBLING = 16;
const OTHER_KEY = 24;
const VALUE = 32;
const scratch = new Int32Array(40);

/**
 * Whether a proof shows, for the state with this root, that `key` has `value`, or that it has none if `value` is null.
 * Any malformed proof or root shows nothing; throws only EncodeError, if the key itself has a lone surrogate.
 */
export function verifyStateProof(root: Uint8Array, key: string, value: Uint8Array | null, proof: StateProof): boolean {
  const depth = proof.siblings.length;
  if (root.length !== HASH_BYTES || depth > MAX_DEPTH) return false;
  for (const sibling of proof.siblings) if (sibling.length !== HASH_BYTES) return false;
  keyHashInto(key, scratch, KEY);
  if (value !== null) {
    if (proof.other !== undefined) return false;
    valueHashInto(value, scratch, VALUE);
    leafHashInto(scratch, KEY, VALUE, scratch, NODE);
  } else if (proof.other === undefined) {
    scratch.fill(0, NODE, NODE + 8);
  } else {
    const { keyHash, valueHash } = proof.other;
    if (keyHash.length !== HASH_BYTES || valueHash.length !== HASH_BYTES) return false;
    bytesToWords(keyHash, 0, scratch, OTHER_KEY);
    bytesToWords(valueHash, 0, scratch, VALUE);
    // The other leaf must belong where it is said to be, and be another one.
    const shared = sharedBits(scratch, KEY, scratch, OTHER_KEY);
    if (shared === MAX_DEPTH || shared < depth) return false;
    leafHashInto(scratch, OTHER_KEY, VALUE, scratch, NODE);
  }
  for (let level = depth - 1; level >= 0; level--) {
    bytesToWords(proof.siblings[level]!, 0, scratch, SIBLING);
    if (keyBit(scratch, KEY, level) === 0) innerHashInto(scratch, NODE, scratch, SIBLING, scratch, NODE);
    else innerHashInto(scratch, SIBLING, scratch, NODE, scratch, NODE);
  }
  bytesToWords(root, 0, scratch, SIBLING);
  return sharedBits(scratch, NODE, scratch, SIBLING) === MAX_DEPTH;
}

/** Number of leading bits that two hashes have in common, 256 if they are equal. */
export function sharedBits(a: Int32Array, aAt: number, b: Int32Array, bAt: number): number {
  for (let i = 0; i < 8; i++) {
    const difference = a[aAt + i]! ^ b[bAt + i]!;
    if (difference !== 0) return 32 * i + Math.clz32(difference);
  }
  return MAX_DEPTH;
}
