/** Serves stored blocks to nodes that are behind. */
import type { ConnectionId, Effects } from '../actor.ts';
import { PART_BYTES } from '../gossip.ts';
import type { Wire } from '../wire.ts';
import { type BlockStore, blockKey, heightOfKey } from './block-store.ts';

/** Questions that wait for the store, over all peers. */
const MAX_WAITING = 1_024;

export class BlockServer {
  readonly #store: BlockStore;
  readonly #waiting = new Map<number, ConnectionId[]>();
  #count = 0;

  constructor(store: BlockStore) {
    this.#store = store;
  }

  /** A peer asks for a block. One that is not here any more, or not yet, is answered with what is. */
  onGet(height: number, from: ConnectionId, out: Effects<Wire>): void {
    const { oldest, newest } = this.#store;
    if (height < oldest || height > newest) {
      out.send(from, { type: 'ahead', height: newest, oldest });
      return;
    }
    if (this.#count >= MAX_WAITING) return;
    this.#count += 1;
    const waiting = this.#waiting.get(height);
    if (waiting !== undefined) waiting.push(from);
    else {
      this.#waiting.set(height, [from]);
      out.get(blockKey(height));
    }
  }

  /** The store has answered. */
  onGot(key: string, value: Uint8Array | null, out: Effects<Wire>): void {
    const height = heightOfKey(key);
    const waiting = height === null ? undefined : this.#waiting.get(height);
    if (height === null || waiting === undefined) return;
    this.#waiting.delete(height);
    this.#count -= waiting.length;
    if (value === null) return;
    const total = Math.ceil(value.length / PART_BYTES);
    const { newest } = this.#store;
    for (let index = 0; index < total; index++) {
      const bytes = value.subarray(index * PART_BYTES, (index + 1) * PART_BYTES);
      for (const connection of waiting) out.send(connection, { type: 'block', height, index, total, bytes, newest });
    }
  }
}
