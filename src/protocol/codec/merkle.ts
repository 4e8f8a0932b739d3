/**
 * Merkle trees over lists, as in RFC 6962 (Certificate Transparency), section 2.1.
 *
 * The hash of a leaf is SHA-256(0x00, leaf), that of a node SHA-256(0x01, left, right), that of the empty list
 * SHA-256(). A list of n > 1 leaves is split at the largest power of two below n. An inclusion proof shows that a leaf
 * is at an index of the list with a given root; a consistency proof shows that one list is a prefix of another.
 */

import { equalBytes } from './bytes.ts';
import { bytesToWords, HASH_BYTES, sha256Into, wordsToBytes } from './sha256.ts';

const out = new Int32Array(8);
const nodeBlock = new Uint8Array(1 + 2 * HASH_BYTES);
nodeBlock[0] = 0x01;
let leafBlock = new Uint8Array(1024);

/** The hash of a leaf: SHA-256(0x00, leaf). */
export function merkleLeafHash(leaf: Uint8Array): Uint8Array<ArrayBuffer> {
  leafHashInto(leaf, out, 0);
  return wordsToBytes(out, 0);
}

function leafHashInto(leaf: Uint8Array, words: Int32Array, at: number): void {
  if (leafBlock.length < leaf.length + 1) leafBlock = new Uint8Array(2 * (leaf.length + 1));
  leafBlock[0] = 0x00;
  leafBlock.set(leaf, 1);
  sha256Into(leafBlock, 0, leaf.length + 1, words, at);
}

function putWords(words: Int32Array, at: number, offset: number): void {
  for (let i = 0; i < 8; i++) {
    const word = words[at + i]!;
    const p = offset + 4 * i;
    nodeBlock[p] = word >>> 24;
    nodeBlock[p + 1] = word >>> 16;
    nodeBlock[p + 2] = word >>> 8;
    nodeBlock[p + 3] = word;
  }
}

/** Replaces the hashes at places `from` to `to` of `words` (eight words each) by their root, at place `from`. */
function foldInPlace(words: Int32Array, from: number, to: number): void {
  // Level by level, an odd one out moves up as it is: the same tree as splitting at powers of two.
  for (let count = to - from; count > 1; count = (count + 1) >> 1) {
    const pairs = count >> 1;
    for (let i = 0; i < pairs; i++) {
      putWords(words, 8 * (from + 2 * i), 1);
      putWords(words, 8 * (from + 2 * i + 1), 1 + HASH_BYTES);
      sha256Into(nodeBlock, 0, nodeBlock.length, words, 8 * (from + i));
    }
    if ((count & 1) === 1) words.copyWithin(8 * (from + pairs), 8 * (from + count - 1), 8 * (from + count));
  }
}

function leafHashes(leaves: readonly Uint8Array[]): Int32Array<ArrayBuffer> {
  const words = new Int32Array(8 * leaves.length);
  for (let i = 0; i < leaves.length; i++) leafHashInto(leaves[i]!, words, 8 * i);
  return words;
}

/** The root over a list of leaves, 32 bytes. */
export function merkleRoot(leaves: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  if (leaves.length === 0) {
    sha256Into(nodeBlock, 0, 0, out, 0);
    return wordsToBytes(out, 0);
  }
  const words = leafHashes(leaves);
  foldInPlace(words, 0, leaves.length);
  return wordsToBytes(words, 0);
}

/** The root of a part of the leaf hashes, which it destroys. */
function rootOf(words: Int32Array, from: number, to: number): Uint8Array<ArrayBuffer> {
  foldInPlace(words, from, to);
  return wordsToBytes(words, 8 * from);
}

/** The largest power of two below `size`, which is at least 2. */
function split(size: number): number {
  return 2 ** (31 - Math.clz32(size - 1));
}

/** The sibling hashes from leaf `index` up to the root. Throws RangeError if there is no such leaf. */
export function inclusionProof(leaves: readonly Uint8Array[], index: number): Uint8Array[] {
  if (!Number.isSafeInteger(index) || index < 0 || index >= leaves.length) {
    throw new RangeError(`no leaf ${index} in a list of ${leaves.length}`);
  }
  const words = leafHashes(leaves);
  const proof: Uint8Array[] = [];
  let from = 0;
  let to = leaves.length;
  while (to - from > 1) {
    const middle = from + split(to - from);
    if (index < middle) {
      proof.push(rootOf(words, middle, to));
      to = middle;
    } else {
      proof.push(rootOf(words, from, middle));
      from = middle;
    }
  }
  return proof.reverse();
}

/** A tree that is kept, for many proofs over one list: each costs its own length, where `inclusionProof` hashes anew. */
export class MerkleTree {
  readonly size: number;
  /** Hashes level by level from the leaves up, eight words each. */
  readonly #levels: readonly Int32Array[];

  constructor(leaves: readonly Uint8Array[]) {
    this.size = leaves.length;
    let level: Int32Array = leafHashes(leaves);
    const levels = [level];
    for (let count = leaves.length; count > 1; count = (count + 1) >> 1) {
      const pairs = count >> 1;
      const above = new Int32Array(8 * ((count + 1) >> 1));
      for (let i = 0; i < pairs; i++) {
        putWords(level, 16 * i, 1);
        putWords(level, 16 * i + 8, 1 + HASH_BYTES);
        sha256Into(nodeBlock, 0, nodeBlock.length, above, 8 * i);
      }
      if ((count & 1) === 1) above.set(level.subarray(8 * (count - 1), 8 * count), 8 * pairs);
      level = above;
      levels.push(level);
    }
    this.#levels = levels;
  }

  /** The same as `merkleRoot` of the leaves. */
  root(): Uint8Array<ArrayBuffer> {
    return this.size === 0 ? merkleRoot([]) : wordsToBytes(this.#levels.at(-1)!, 0);
  }

  /** The same as `inclusionProof` of the leaves. Throws RangeError if there is no such leaf. */
  proof(index: number): Uint8Array[] {
    if (!isCount(index) || index >= this.size) throw new RangeError(`no leaf ${index} in a list of ${this.size}`);
    const proof: Uint8Array[] = [];
    let at = index;
    for (const level of this.#levels) {
      const sibling = at ^ 1;
      // The last of a level with an odd number moves up as it is.
      if (8 * sibling < level.length) proof.push(wordsToBytes(level, 8 * sibling));
      at >>= 1;
    }
    return proof;
  }
}

/** Whether a proof shows that `leaf` is at `index` of the list of `size` leaves with this root. Throws nothing. */
export function verifyInclusion(
  root: Uint8Array,
  leaf: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
): boolean {
  return verifyInclusionOfHash(root, merkleLeafHash(leaf), index, size, proof);
}

/** The same for a leaf of which only the leaf hash is known. */
export function verifyInclusionOfHash(
  root: Uint8Array,
  leafHash: Uint8Array,
  index: number,
  size: number,
  proof: readonly Uint8Array[],
): boolean {
  if (!isCount(index) || !isCount(size) || index >= size) return false;
  if (root.length !== HASH_BYTES || leafHash.length !== HASH_BYTES || !allHashes(proof)) return false;
  // RFC 9162, section 2.1.3.2: node `at` of a level whose last node is `last`.
  let at = index;
  let last = size - 1;
  let hash = leafHash;
  for (const sibling of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(sibling, hash);
      while (at % 2 === 0 && at !== 0) {
        at = at / 2;
        last = Math.floor(last / 2);
      }
    } else {
      hash = nodeHash(hash, sibling);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && equalBytes(hash, root);
}

/**
 * The hashes which show that the first `m` leaves are a prefix of the first `n`. Empty if m is 0 or n. Throws
 * RangeError unless 0 <= m <= n <= leaves.length.
 */
export function consistencyProof(leaves: readonly Uint8Array[], m: number, n: number = leaves.length): Uint8Array[] {
  if (!isCount(m) || !isCount(n) || m > n || n > leaves.length) {
    throw new RangeError(`no consistency proof from ${m} to ${n} of ${leaves.length} leaves`);
  }
  if (m === 0 || m === n) return [];
  const words = leafHashes(leaves.slice(0, n));
  const proof: Uint8Array[] = [];
  let from = 0;
  let to = n;
  // Whether the part under consideration is still the whole old tree, whose root the verifier knows.
  let whole = true;
  while (m !== to) {
    const middle = from + split(to - from);
    if (m <= middle) {
      proof.push(rootOf(words, middle, to));
      to = middle;
    } else {
      proof.push(rootOf(words, from, middle));
      from = middle;
      whole = false;
    }
  }
  if (!whole) proof.push(rootOf(words, from, to));
  return proof.reverse();
}

/**
 * Whether a proof shows that the list of `m` leaves with root `rootM` is a prefix of the list of `n` leaves with root
 * `rootN`. Nothing is shown by the empty list being a prefix, so m = 0 is refused. Throws nothing.
 */
export function verifyConsistency(
  m: number,
  n: number,
  rootM: Uint8Array,
  rootN: Uint8Array,
  proof: readonly Uint8Array[],
): boolean {
  if (!isCount(m) || !isCount(n) || m === 0 || m > n) return false;
  // A list is a prefix of itself: there is nothing to compute, whatever the roots are made of.
  if (m === n) return proof.length === 0 && equalBytes(rootM, rootN);
  if (rootM.length !== HASH_BYTES || rootN.length !== HASH_BYTES) return false;
  if (proof.length === 0 || !allHashes(proof)) return false;
  // RFC 9162, section 2.1.4.2.
  let at = m - 1;
  let last = n - 1;
  while (at % 2 === 1) {
    at = (at - 1) / 2;
    last = Math.floor(last / 2);
  }
  // If m is a power of two, the old root itself is the first node of the path.
  let next = 0;
  const first = at === 0 ? rootM : proof[next++]!;
  let older = first;
  let newer = first;
  for (; next < proof.length; next++) {
    const sibling = proof[next]!;
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      older = nodeHash(sibling, older);
      newer = nodeHash(sibling, newer);
      while (at % 2 === 0 && at !== 0) {
        at = at / 2;
        last = Math.floor(last / 2);
      }
    } else {
      newer = nodeHash(newer, sibling);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return last === 0 && equalBytes(older, rootM) && equalBytes(newer, rootN);
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function allHashes(proof: readonly Uint8Array[]): boolean {
  for (const hash of proof) if (hash.length !== HASH_BYTES) return false;
  return true;
}

const pair = new Int32Array(16);

function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array<ArrayBuffer> {
  bytesToWords(left, 0, pair, 0);
  bytesToWords(right, 0, pair, 8);
  foldInPlace(pair, 0, 2);
  return wordsToBytes(pair, 0);
}
