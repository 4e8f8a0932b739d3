/**
 * The commitment to a state: an authenticated map from text keys to value bytes, with proofs of presence and absence.
 *
 * A binary trie over the hashes of the keys, most significant bit first. A subtree without keys is 32 zero bytes, a
 * subtree with one key is that key's leaf wherever it is, and any other is the hash of its two halves. Hence the root is
 * a function of the contents alone: no order of insertions and deletions leaves a trace in it.
 *
 *     key hash   = tagged SHA-256 of the key's UTF-8     orrery/state-tree/key
 *     value hash = tagged SHA-256 of the value           orrery/state-tree/value
 *     leaf       = hashPair(key hash, value hash)        orrery/state-tree/leaf
 *     inner      = hashPair(left, right)                 orrery/state-tree/inner
 *
 * Nodes are records in two pools of typed arrays: nothing is allocated per node, and deleted keys give their records
 * back. A change puts its leaf in place at once and marks the nodes above it; `root` then computes each marked node
 * once, however many keys below it have changed. Values are hashed when they are set and not kept.
 */

import { RecordPool } from './record-pool.ts';
import { wordsToBytes } from './sha256.ts';
import {
  innerHashInto,
  keyBit,
  keyHashInto,
  leafHashInto,
  MAX_DEPTH,
  type StateProof,
  sharedBits,
  valueHashInto,
} from './state-proof.ts';

export { type StateProof, stateProof, verifyStateProof } from './state-proof.ts';

// A reference to a subtree: 0 for an empty one, the number of an inner record, or ~number of a leaf record.
const EMPTY = 0;

// Words of an inner record: references to the two halves, whether the hash is stale, the hash. Record 0 stands for the
// empty subtree: its hash stays zero, and its otherwise meaningless first word is the reference to the root.
const INNER_STALE = 2;
const INNER_HASH = 3;
const INNER_STRIDE = 11;
const ROOT_SLOT = 0;

// Words of a leaf record. Its hash is stale after the value changed.
const LEAF_KEY = 0;
const LEAF_VALUE = 8;
const LEAF_HASH = 16;
const LEAF_STALE = 24;
const LEAF_STRIDE = 25;

/** Below this many records a pool is not worth compacting. */
const COMPACT_FROM = 4096;

const scratch = new Int32Array(8);
/** The inner records on the way to a key that is being deleted, by depth. */
const path = new Int32Array(MAX_DEPTH);

/** An authenticated map. Not safe to share between threads; everything is synchronous. */
export class StateTree {
  #inner = new RecordPool(INNER_STRIDE, 64);
  #leaves = new RecordPool(LEAF_STRIDE, 64);
  readonly #leafOf = new Map<string, number>();

  /** Number of keys. */
  get size(): number {
    return this.#leafOf.size;
  }

  /** Bytes reserved for nodes (not counting the keys themselves). */
  get reservedBytes(): number {
    return this.#inner.words.byteLength + this.#leaves.words.byteLength;
  }

  /** Whether a key has a value. */
  has(key: string): boolean {
    return this.#leafOf.has(key);
  }

  /**
   * Gives a key a value, instead of the one it may have. The bytes are hashed now and not kept, so the caller may reuse
   * them. Setting the value that a key already has costs that hash only. Throws EncodeError for a key with a lone
   * surrogate.
   */
  set(key: string, value: Uint8Array): void {
    const known = this.#leafOf.get(key);
    if (known !== undefined) {
      valueHashInto(value, scratch, 0);
      const words = this.#leaves.words;
      const at = known * LEAF_STRIDE;
      if (sharedBits(scratch, 0, words, at + LEAF_VALUE) === MAX_DEPTH) return;
      for (let i = 0; i < 8; i++) words[at + LEAF_VALUE + i] = scratch[i]!;
      words[at + LEAF_STALE] = 1;
      this.#markPath(known);
      return;
    }
    keyHashInto(key, scratch, 0);
    const leaf = this.#leaves.allocate();
    const words = this.#leaves.words;
    const at = leaf * LEAF_STRIDE;
    for (let i = 0; i < 8; i++) words[at + LEAF_KEY + i] = scratch[i]!;
    valueHashInto(value, words, at + LEAF_VALUE);
    words[at + LEAF_STALE] = 1;
    this.#place(leaf);
    this.#leafOf.set(key, leaf);
  }

  /** Takes a key out, and returns whether it was there. */
  delete(key: string): boolean {
    const leaf = this.#leafOf.get(key);
    if (leaf === undefined) return false;
    this.#leafOf.delete(key);
    const inner = this.#inner.words;
    const leaves = this.#leaves.words;
    const keyAt = leaf * LEAF_STRIDE + LEAF_KEY;
    let depth = 0;
    for (let ref = inner[ROOT_SLOT]!; ref > 0; depth++) {
      path[depth] = ref;
      const at = ref * INNER_STRIDE;
      inner[at + INNER_STALE] = 1;
      ref = inner[at + keyBit(leaves, keyAt, depth)]!;
    }
    let left: number = EMPTY;
    if (depth > 0) {
      // Two keys below the lowest node were enough for it to exist; if the other is a leaf, the node goes, and so does
      // every node above it that had this subtree only: the leaf rises.
      const sibling = inner[path[depth - 1]! * INNER_STRIDE + (1 - keyBit(leaves, keyAt, depth - 1))]!;
      if (sibling < 0) {
        left = sibling;
        do {
          depth--;
          this.#inner.release(path[depth]!);
        } while (
          depth > 0 &&
          inner[path[depth - 1]! * INNER_STRIDE + (1 - keyBit(leaves, keyAt, depth - 1))] === EMPTY
        );
      }
    }
    const slot = depth === 0 ? ROOT_SLOT : path[depth - 1]! * INNER_STRIDE + keyBit(leaves, keyAt, depth - 1);
    inner[slot] = left;
    this.#leaves.release(leaf);
    return true;
  }

  /**
   * The root hash, 32 bytes: zeros for an empty map. Computes the nodes above changed keys, each once, and gives memory
   * back if most of it has become unused.
   */
  root(): Uint8Array<ArrayBuffer> {
    this.#refresh(this.#inner.words[ROOT_SLOT]!);
    if (this.#sparse(this.#inner) || this.#sparse(this.#leaves)) this.#compact();
    const ref = this.#inner.words[ROOT_SLOT]!;
    return wordsToBytes(this.#hashWords(ref), this.#hashAt(ref));
  }

  /** The proof that a key has its present value, or that it has none, for the root that `root` returns now. */
  prove(key: string): StateProof {
    this.root();
    keyHashInto(key, scratch, 0);
    const inner = this.#inner.words;
    const siblings: Uint8Array[] = [];
    let ref = inner[ROOT_SLOT]!;
    while (ref > 0) {
      const bit = keyBit(scratch, 0, siblings.length);
      const sibling = inner[ref * INNER_STRIDE + (1 - bit)]!;
      siblings.push(wordsToBytes(this.#hashWords(sibling), this.#hashAt(sibling)));
      ref = inner[ref * INNER_STRIDE + bit]!;
    }
    if (ref === EMPTY || this.#leafOf.get(key) === ~ref) return { siblings, other: undefined };
    const at = ~ref * LEAF_STRIDE;
    const other = {
      keyHash: wordsToBytes(this.#leaves.words, at + LEAF_KEY),
      valueHash: wordsToBytes(this.#leaves.words, at + LEAF_VALUE),
    };
    return { siblings, other };
  }

  /** The array that holds the hash of a subtree; #hashAt is where in it. */
  #hashWords(ref: number): Int32Array {
    return ref < 0 ? this.#leaves.words : this.#inner.words;
  }

  #hashAt(ref: number): number {
    return ref < 0 ? ~ref * LEAF_STRIDE + LEAF_HASH : ref * INNER_STRIDE + INNER_HASH;
  }

  /** Marks the nodes above a leaf as stale. */
  #markPath(leaf: number): void {
    const inner = this.#inner.words;
    const leaves = this.#leaves.words;
    const keyAt = leaf * LEAF_STRIDE + LEAF_KEY;
    let ref = inner[ROOT_SLOT]!;
    for (let depth = 0; ref > 0; depth++) {
      const at = ref * INNER_STRIDE;
      inner[at + INNER_STALE] = 1;
      ref = inner[at + keyBit(leaves, keyAt, depth)]!;
    }
  }

  /** Puts a new leaf where its key belongs, with as many new nodes as it needs to be told from its neighbour. */
  #place(leaf: number): void {
    const pool = this.#inner;
    const leaves = this.#leaves.words;
    const keyAt = leaf * LEAF_STRIDE + LEAF_KEY;
    let slot = ROOT_SLOT;
    let ref = pool.words[ROOT_SLOT]!;
    let depth = 0;
    for (; ref > 0; depth++) {
      const at = ref * INNER_STRIDE;
      pool.words[at + INNER_STALE] = 1;
      slot = at + keyBit(leaves, keyAt, depth);
      ref = pool.words[slot]!;
    }
    if (ref === EMPTY) {
      pool.words[slot] = ~leaf;
      return;
    }
    const shared = sharedBits(leaves, keyAt, leaves, ~ref * LEAF_STRIDE + LEAF_KEY);
    if (shared === MAX_DEPTH) throw new Error('two keys of a state tree have the same SHA-256 hash');
    for (; ; depth++) {
      const node = pool.allocate();
      const at = node * INNER_STRIDE;
      pool.words[slot] = node;
      pool.words[at + INNER_STALE] = 1;
      slot = at + keyBit(leaves, keyAt, depth);
      if (depth === shared) {
        pool.words[slot] = ~leaf;
        pool.words[2 * at + 1 - slot] = ref;
        return;
      }
    }
  }

  /** Computes the stale hashes in a subtree; at most 256 calls deep. */
  #refresh(ref: number): void {
    if (ref < 0) {
      const leaves = this.#leaves.words;
      const at = ~ref * LEAF_STRIDE;
      if (leaves[at + LEAF_STALE] === 0) return;
      leaves[at + LEAF_STALE] = 0;
      leafHashInto(leaves, at + LEAF_KEY, at + LEAF_VALUE, leaves, at + LEAF_HASH);
      return;
    }
    const inner = this.#inner.words;
    const at = ref * INNER_STRIDE;
    if (inner[at + INNER_STALE] === 0) return;
    inner[at + INNER_STALE] = 0;
    const left = inner[at]!;
    const right = inner[at + 1]!;
    this.#refresh(left);
    this.#refresh(right);
    innerHashInto(
      this.#hashWords(left),
      this.#hashAt(left),
      this.#hashWords(right),
      this.#hashAt(right),
      inner,
      at + INNER_HASH,
    );
  }

  #sparse(pool: RecordPool): boolean {
    return pool.capacity >= COMPACT_FROM && pool.live < pool.capacity / 8;
  }

  /** Moves all nodes into new pools that fit them. */
  #compact(): void {
    const oldInner = this.#inner;
    const oldLeaves = this.#leaves;
    const inner = new RecordPool(INNER_STRIDE, oldInner.live * 2);
    const leaves = new RecordPool(LEAF_STRIDE, oldLeaves.live * 2);
    const moved = new Int32Array(oldLeaves.capacity);
    const copy = (ref: number): number => {
      if (ref === EMPTY) return EMPTY;
      if (ref < 0) {
        const leaf = leaves.allocate();
        leaves.words.set(oldLeaves.words.subarray(~ref * LEAF_STRIDE, (~ref + 1) * LEAF_STRIDE), leaf * LEAF_STRIDE);
        moved[~ref] = leaf;
        return ~leaf;
      }
      const node = inner.allocate();
      const from = ref * INNER_STRIDE;
      inner.words.set(oldInner.words.subarray(from, from + INNER_STRIDE), node * INNER_STRIDE);
      const left = copy(oldInner.words[from]!);
      const right = copy(oldInner.words[from + 1]!);
      inner.words[node * INNER_STRIDE] = left;
      inner.words[node * INNER_STRIDE + 1] = right;
      return node;
    };
    const root = copy(oldInner.words[ROOT_SLOT]!);
    inner.words[ROOT_SLOT] = root;
    for (const [key, leaf] of this.#leafOf) this.#leafOf.set(key, moved[leaf]!);
    this.#inner = inner;
    this.#leaves = leaves;
  }
}
