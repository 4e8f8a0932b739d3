/** The blocks of one height that a validator has or is getting. */
import { type Block, decodeBlock, encodeBlock, faultOfBody, headerHash } from '../../protocol/chain/block.ts';
import { equalBytes } from '../../protocol/codec/bytes.ts';
import { DecodeError } from '../../protocol/codec/errors.ts';
import { BoundedMemo } from '../../protocol/codec/memo.ts';
import { type Proposal, type ValueId, valueIdOf } from '../../protocol/consensus/types.ts';
import { MAX_PARTS, type Part } from '../gossip.ts';
import { cutIntoParts, PartAssembler, type Parts } from './parts.ts';

/** A block that is here whole. */
export interface HeldValue extends Parts {
  readonly value: ValueId;
  readonly block: Block;
  readonly bytes: Uint8Array;
}

/**
 * What became of a part. `other`: of nothing that is expected here. `wrong`: it is not under the root that it claims.
 * `spoiled`: it was the last one, and together they are not the block of that name.
 */
export type PartTaken = HeldValue | 'kept' | 'other' | 'wrong' | 'spoiled';

/** Proposals for blocks that never arrive must not pile up; the oldest gives way. */
const MAX_ASSEMBLING = 128;

/**
 * A value names a header, and a dishonest proposer can offer anything under that name: other bytes, or a root of
 * nothing. So blocks are put together by value and root, and bytes that are not the block of their name leave no trace
 * on the value, whose block may still come under another root.
 */
export class Values {
  readonly #held = new Map<ValueId, HeldValue>();
  /** By value and root, in the order in which they were proposed; null: what came was none. */
  readonly #assembling = new Map<string, PartAssembler | null>();

  get(value: ValueId): HeldValue | undefined {
    return this.#held.get(value);
  }

  /** Names of all that are here whole. */
  get names(): ValueId[] {
    return [...this.#held.keys()];
  }

  /** Takes up an own block. */
  addOwn(block: Block): HeldValue {
    const bytes = encodeBlock(block);
    const value = valueIdOf(headerHash(block.header));
    return this.#hold({ value, block, bytes, ...cutIntoParts(value, bytes) });
  }

  /** Takes up the encoded block that this value is said to be; null when it is not. */
  addBytes(value: ValueId, bytes: Uint8Array, parts: Parts = cutIntoParts(value, bytes)): HeldValue | null {
    const block = blockOf(value, bytes);
    return block === null ? null : this.#hold({ value, block, bytes, root: parts.root, parts: parts.parts });
  }

  /** A proposal that counts tells how many parts a block has, and their root. */
  expect({ value, parts, partsRoot }: Proposal): void {
    const key = assemblyKey(value, partsRoot);
    if (this.#held.has(value) || this.#assembling.has(key) || parts < 1 || parts > MAX_PARTS) return;
    if (this.#assembling.size >= MAX_ASSEMBLING) {
      for (const oldest of this.#assembling.keys()) {
        this.#assembling.delete(oldest);
        break;
      }
    }
    this.#assembling.set(key, new PartAssembler(parts, partsRoot));
  }

  /** Takes a part of a value under a root. */
  addPart(value: ValueId, root: Uint8Array, part: Part): PartTaken {
    const key = assemblyKey(value, root);
    const assembler = this.#assembling.get(key);
    if (assembler === undefined || assembler === null) return 'other';
    if (!assembler.add(part)) return 'wrong';
    if (!assembler.isComplete) return 'kept';
    const held = this.addBytes(value, assembler.bytes(), assembler);
    if (held === null && assembler.total === 1) {
      // Nobody has vouched for a single part: who sent it is to blame, and another may have the right one.
      this.#assembling.set(key, new PartAssembler(1, root));
      return 'wrong';
    }
    if (held === null) this.#assembling.set(key, null);
    else this.#assembling.delete(key);
    return held ?? 'spoiled';
  }

  #hold(held: HeldValue): HeldValue {
    this.#held.set(held.value, held);
    return held;
  }
}

function assemblyKey(value: ValueId, root: Uint8Array): string {
  return `${value}/${valueIdOf(root)}`;
}

/** Blocks that were read lately, with their bytes: the validators of one process are sent the same ones. */
const read = new BoundedMemo<ValueId, { readonly bytes: Uint8Array; readonly block: Block }>(64);

/** The block of these bytes if they are one and it has this name. */
function blockOf(value: ValueId, bytes: Uint8Array): Block | null {
  const known = read.get(value);
  if (known !== undefined && (known.bytes === bytes || equalBytes(known.bytes, bytes))) return known.block;
  const block = readBlock(value, bytes);
  if (block !== null) read.set(value, { bytes, block });
  return block;
}

function readBlock(value: ValueId, bytes: Uint8Array): Block | null {
  try {
    const block = decodeBlock(bytes);
    return valueIdOf(headerHash(block.header)) === value && faultOfBody(block) === null ? block : null;
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
