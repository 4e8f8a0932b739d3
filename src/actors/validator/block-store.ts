/**
 * Where a node's store keeps blocks, each with the commit that decided it, and which of them it keeps.
 *
 * What is kept is an unbroken row of heights, of which a record in the store tells the oldest. It is moved forward first
 * and durably, with the blocks that are to go; these go with the next block. So after a start every block is known that
 * can be served, and none is left behind for good, whichever of the last writes a crash has lost.
 */
import { byteString, type CodecType, decode, encode, oneOf, struct, uint } from '../../protocol/codec/struct.ts';
import { type Commit, commit } from '../../protocol/consensus/types.ts';
import type { Effects } from '../actor.ts';
import { MAX_PARTS, PART_BYTES } from '../gossip.ts';
import type { Wire } from '../wire.ts';

const committed = struct({ commit, block: byteString(MAX_PARTS * PART_BYTES) });

/** A block's bytes and why they are the chain's. */
export interface Committed {
  readonly commit: Commit;
  readonly block: Uint8Array;
}

const PREFIX = 'block/';

/** Where the record of what is kept stands. */
export const KEPT_KEY = 'blocks';

const kept = struct({
  version: oneOf('1'),
  /** From here on all blocks are kept. */
  oldest: uint,
  /** Blocks from here on and before `to` may still be there, and are to go. */
  from: uint,
  to: uint,
});

/** The oldest block moves forward by this many at least, and by an eighth of what is kept at most. */
const STRIDE = 16;

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

/** A row of heights, the end not included. */
interface Row {
  readonly from: number;
  readonly to: number;
}

const NONE: Row = { from: 0, to: 0 };

export class BlockStore {
  /** How many blocks are kept at least; older ones go. */
  readonly #keep: number;
  readonly #stride: number;
  #oldest = 1;
  #newest = 0;
  /** The record that a start found. */
  #found: CodecType<typeof kept> | null = null;
  /** What the record on its way to the disk says is to go: as soon as that is there. */
  #doomed: Row = NONE;

  constructor(keep: number) {
    this.#keep = keep;
    this.#stride = Math.max(1, Math.min(STRIDE, keep >> 3));
  }

  get oldest(): number {
    return this.#oldest;
  }
  get newest(): number {
    return this.#newest;
  }

  /** Takes up what stands under KEPT_KEY; null: nothing was ever dropped. Throws DecodeError when it is no record. */
  restore(record: Uint8Array | null): void {
    if (record !== null) this.#found = decode(kept, record);
  }

  /**
   * A start has found all blocks from `neededFrom`, the height of its snapshot or else 1, to `newest`: removes what the
   * life before did not get to.
   */
  recovered(neededFrom: number, newest: number, out: Effects<Wire>): void {
    this.#newest = newest;
    if (this.#found === null) return;
    const { oldest, from, to } = this.#found;
    this.#oldest = Math.min(oldest, neededFrom);
    if (oldest <= neededFrom) drop({ from, to: Math.min(to, oldest) }, out);
    else {
      // It was about to go on from a later snapshot, which did not get onto the disk: the later block is of no use, and
      // of those before the older snapshot it is not known any more how far back they reach.
      drop({ from, to: neededFrom }, out);
      out.delete(blockKey(oldest));
      out.sync();
      this.#record({ from: neededFrom, to: neededFrom }, out);
    }
    // The next record knows nothing of all this.
    out.sync();
  }

  /**
   * Goes on from a later block, which was not reached through those between: what was kept before is dropped with the
   * next block. By then the caller has made a snapshot durable that needs no earlier one.
   */
  jumpTo(height: number, one: Committed, out: Effects<Wire>): void {
    const from = this.#doomed === NONE ? this.#oldest : this.#doomed.from;
    this.#doomed = { from, to: this.#newest + 1 };
    this.#oldest = height;
    this.#newest = height;
    this.#record(this.#doomed, out);
    // Behind the record, so that a start knows of it.
    out.sync();
    out.put(blockKey(height), encodeCommitted(one));
  }

  /**
   * Puts a block into the store, and drops what is older than `keep` blocks and not needed any more. Everything that was
   * written before the last call must be durable.
   * @param neededFrom the oldest block without which this node could not start again
   */
  add(height: number, one: Committed, neededFrom: number, out: Effects<Wire>): void {
    out.put(blockKey(height), encodeCommitted(one));
    this.#newest = height;
    const gone = this.#doomed;
    drop(gone, out);
    this.#doomed = NONE;
    const oldest = Math.min(height - this.#keep + 1, neededFrom);
    if (oldest - this.#oldest < this.#stride) return;
    this.#doomed = { from: this.#oldest, to: oldest };
    this.#oldest = oldest;
    // What goes now may come back with a crash: it stays in the record until the next one.
    this.#record({ from: gone === NONE ? this.#doomed.from : gone.from, to: oldest }, out);
  }

  #record({ from, to }: Row, out: Effects<Wire>): void {
    out.put(KEPT_KEY, encode(kept, { version: '1', oldest: this.#oldest, from, to }));
  }
}

function drop({ from, to }: Row, out: Effects<Wire>): void {
  for (let height = from; height < to; height++) out.delete(blockKey(height));
}
