/** Where a node's store keeps blocks: each with the commit that decided it. */
import { byteString, decode, encode, struct } from '../../protocol/codec/struct.ts';
import { type Commit, commit } from '../../protocol/consensus/types.ts';
import type { Effects } from '../actor.ts';
import { PART_BYTES } from '../gossip.ts';
import type { Wire } from '../wire.ts';
import { MAX_PARTS } from './parts.ts';

const committed = struct({ commit, block: byteString(MAX_PARTS * PART_BYTES) });

/** A block's bytes and why they are the chain's. */
export interface Committed {
  readonly commit: Commit;
  readonly block: Uint8Array;
}

const PREFIX = 'block/';

export function blockKey(height: number): string {
  return `${PREFIX}${height}`;
}

/** The height of a key that `blockKey` made, or null. */
export function heightOfKey(key: string): number | null {
  return key.startsWith(PREFIX) ? Number(key.slice(PREFIX.length)) : null;
}

export function encodeCommitted(one: Committed): Uint8Array {
  return encode(committed, one);
}

/** Throws DecodeError unless these are the bytes of a block with its commit. */
export function decodeCommitted(bytes: Uint8Array): Committed {
  return decode(committed, bytes);
}

export class BlockStore {
  /** How many blocks are kept; older ones go. */
  readonly #keep: number;
  #oldest: number;
  #newest: number;

  constructor(keep: number) {
    this.#keep = keep;
    this.#oldest = 1;
    this.#newest = 0;
  }

  get oldest(): number {
    return this.#oldest;
  }
  get newest(): number {
    return this.#newest;
  }

  /** Says what the store was found to hold after a start. */
  restore(oldest: number, newest: number): void {
    this.#oldest = oldest;
    this.#newest = newest;
  }

  /** Goes on from a later block, which was not reached through those between: what was kept before is dropped. */
  jumpTo(height: number, one: Committed, out: Effects<Wire>): void {
    for (let old = this.#oldest; old <= this.#newest; old++) out.delete(blockKey(old));
    this.restore(height, height);
    this.add(height, one, height, out);
  }

  /**
   * Puts a block into the store, and drops what is older than `keep` blocks and not needed any more.
   * @param neededFrom the oldest block without which this node could not start again
   */
  add(height: number, one: Committed, neededFrom: number, out: Effects<Wire>): void {
    out.put(blockKey(height), encodeCommitted(one));
    this.#newest = height;
    const oldest = Math.min(height - this.#keep + 1, neededFrom);
    for (; this.#oldest < oldest; this.#oldest += 1) out.delete(blockKey(this.#oldest));
  }
}
