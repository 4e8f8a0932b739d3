/**
 * What is too large for one message travels in parts, each with its proof under a root that somebody signed, so that
 * whoever sends a wrong part is known at once. The root is over the parts' hashes. What fits into one part needs none:
 * its name is a hash already, against which the whole is held.
 */
import { inclusionProof, merkleRoot, verifyInclusion } from '../../protocol/codec/merkle.ts';
import { sha256 } from '../../protocol/codec/sha256.ts';
import { type ValueId, valueBytes } from '../../protocol/consensus/types.ts';
import { MAX_PARTS, PART_BYTES, type Part } from '../gossip.ts';

export interface Parts {
  readonly root: Uint8Array;
  readonly parts: readonly Part[];
}

/** Cuts a value's bytes into parts. Throws RangeError beyond MAX_PARTS. */
export function cutIntoParts(value: ValueId, bytes: Uint8Array): Parts {
  const total = Math.max(1, Math.ceil(bytes.length / PART_BYTES));
  if (total > MAX_PARTS) throw new RangeError(`${bytes.length} bytes are ${total} parts, at most ${MAX_PARTS} travel`);
  if (total === 1) return { root: valueBytes(value), parts: [{ index: 0, total, bytes, proof: [] }] };
  const pieces = Array.from({ length: total }, (_, i) => bytes.subarray(i * PART_BYTES, (i + 1) * PART_BYTES));
  const hashes = pieces.map(piece => sha256(piece));
  return {
    root: merkleRoot(hashes),
    parts: pieces.map((piece, index) => ({ index, total, bytes: piece, proof: inclusionProof(hashes, index) })),
  };
}

/** Puts parts together again. */
export class PartAssembler {
  readonly total: number;
  readonly root: Uint8Array;
  readonly #parts: (Part | undefined)[];
  #missing: number;

  constructor(total: number, root: Uint8Array) {
    this.total = total;
    this.root = root;
    this.#parts = new Array<Part | undefined>(total).fill(undefined);
    this.#missing = total;
  }

  get isComplete(): boolean {
    return this.#missing === 0;
  }

  /** Whether the part belongs here, as far as can be told from it alone. A repetition changes nothing. */
  add(part: Part): boolean {
    const { index, total, bytes, proof } = part;
    if (total !== this.total || index >= total || bytes.length > PART_BYTES) return false;
    if (this.#parts[index] !== undefined) return true;
    if (total > 1 && !verifyInclusion(this.root, sha256(bytes), index, total, proof)) return false;
    this.#parts[index] = part;
    this.#missing -= 1;
    return true;
  }

  /** All parts in order. Throws when one is missing. */
  get parts(): readonly Part[] {
    if (this.#missing > 0) throw new Error(`${this.#missing} of ${this.total} parts are missing`);
    return this.#parts as Part[];
  }

  /** The whole. Throws when a part is missing. */
  bytes(): Uint8Array {
    return joinBytes(this.parts.map(part => part.bytes));
  }
}

/** Pieces one after the other. A single one is returned as it is. */
export function joinBytes(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0]!;
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
