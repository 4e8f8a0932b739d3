/** The blocks of one height that a validator has or is getting. */
import { type Block, decodeBlock, encodeBlock, headerHash } from '../../protocol/chain/block.ts';
import { DecodeError } from '../../protocol/codec/errors.ts';
import { type Proposal, type ValueId, valueIdOf } from '../../protocol/consensus/types.ts';
import type { Part } from '../gossip.ts';
import { cutIntoParts, MAX_PARTS, PartAssembler, type Parts } from './parts.ts';

/** A block that is here whole. `block` is null when its bytes are no block, or one of another name. */
export interface HeldValue extends Parts {
  readonly value: ValueId;
  readonly block: Block | null;
  readonly bytes: Uint8Array;
}

/** Proposals for blocks that never arrive must not pile up. */
const MAX_ASSEMBLING = 64;

export class Values {
  readonly #held = new Map<ValueId, HeldValue>();
  readonly #assembling = new Map<ValueId, PartAssembler>();

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
    return this.#hold({ value: valueIdOf(headerHash(block.header)), block, bytes, ...cutIntoParts(bytes) });
  }

  /** Takes up the encoded block that this value is said to be. */
  addBytes(value: ValueId, bytes: Uint8Array, parts: Parts = cutIntoParts(bytes)): HeldValue {
    return this.#hold({ value, block: blockOf(value, bytes), bytes, ...parts });
  }

  /** A proposal tells how many parts a block has, and their root; the first that does counts. */
  expect({ value, parts, partsRoot }: Proposal): void {
    if (this.#held.has(value) || this.#assembling.has(value) || parts < 1 || parts > MAX_PARTS) return;
    if (this.#assembling.size >= MAX_ASSEMBLING) return;
    this.#assembling.set(value, new PartAssembler(parts, partsRoot));
  }

  /** Takes a part: the value when it is whole with it, `wrong` when the part is none of its, null otherwise. */
  addPart(value: ValueId, part: Part): HeldValue | 'wrong' | null {
    const assembler = this.#assembling.get(value);
    if (assembler === undefined) return null;
    if (!assembler.add(part)) return 'wrong';
    if (!assembler.isComplete) return null;
    return this.addBytes(value, assembler.bytes(), assembler);
  }

  #hold(held: HeldValue): HeldValue {
    this.#assembling.delete(held.value);
    this.#held.set(held.value, held);
    return held;
  }
}

/** The block of these bytes if they are one and it has this name. */
function blockOf(value: ValueId, bytes: Uint8Array): Block | null {
  try {
    const block = decodeBlock(bytes);
    return valueIdOf(headerHash(block.header)) === value ? block : null;
  } catch (error) {
    if (error instanceof DecodeError) return null;
    throw error;
  }
}
