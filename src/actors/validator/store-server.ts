/** Serves what is in the store to nodes that are behind and to light clients: blocks, light blocks, snapshots. */
import { decodeBlock } from '../../protocol/chain/block.ts';
import type { Chain } from '../../protocol/chain/chain.ts';
import { lightBlockOf } from '../../protocol/consensus/light-block.ts';
import { ValidatorSet } from '../../protocol/consensus/validator-set.ts';
import { validatorsAt } from '../../protocol/stake/set-history.ts';
import type { ConnectionId, Effects } from '../actor.ts';
import { type Gossip, PART_BYTES } from '../gossip.ts';
import type { Wire } from '../wire.ts';
import { type BlockStore, blockKey, decodeCommitted } from './block-store.ts';
import { chunkKey, MANIFEST_KEY } from './snapshot-store.ts';

/** Questions that wait for the store, over all who ask. */
const MAX_WAITING = 1_024;

/** What to say to one who asked, given what the store has; null: it is not there. */
type Reply = (value: Uint8Array | null, to: ConnectionId, out: Effects<Wire>) => void;

export type StoreQuestion = Extract<Gossip, { readonly type: 'getBlock' | 'getLight' | 'getSnapshot' | 'getChunk' }>;

export class StoreServer {
  readonly #store: BlockStore;
  readonly #chain: () => Chain;
  readonly #waiting = new Map<string, { readonly to: ConnectionId; readonly reply: Reply }[]>();
  #count = 0;

  constructor(store: BlockStore, chain: () => Chain) {
    this.#store = store;
    this.#chain = chain;
  }

  onQuestion(question: StoreQuestion, from: ConnectionId, out: Effects<Wire>): void {
    switch (question.type) {
      case 'getBlock':
        this.#onGetBlock(question.height, from, out);
        break;
      case 'getLight': {
        const { height } = question;
        if (this.#holds(height)) this.#ask(blockKey(height), from, this.#lightReply(height), out);
        else out.send(from, { type: 'light', height, block: null });
        break;
      }
      case 'getSnapshot': {
        const reply: Reply = (manifest, to, effects) => effects.send(to, { type: 'snapshot', manifest });
        this.#ask(MANIFEST_KEY, from, reply, out);
        break;
      }
      case 'getChunk': {
        const { height, index } = question;
        const reply: Reply = (bytes, to, effects) => effects.send(to, { type: 'chunk', height, index, bytes });
        this.#ask(chunkKey(height, index), from, reply, out);
        break;
      }
    }
  }

  /** The store has answered. */
  onGot(key: string, value: Uint8Array | null, out: Effects<Wire>): void {
    const waiting = this.#waiting.get(key);
    if (waiting === undefined) return;
    this.#waiting.delete(key);
    this.#count -= waiting.length;
    for (const { to, reply } of waiting) reply(value, to, out);
  }

  #holds(height: number): boolean {
    return height >= this.#store.oldest && height <= this.#store.newest;
  }

  #ask(key: string, to: ConnectionId, reply: Reply, out: Effects<Wire>): void {
    if (this.#count >= MAX_WAITING) return;
    this.#count += 1;
    const waiting = this.#waiting.get(key);
    if (waiting !== undefined) waiting.push({ to, reply });
    else {
      this.#waiting.set(key, [{ to, reply }]);
      out.get(key);
    }
  }

  /** A block that is not here any more, or not yet, is answered with what is. */
  #onGetBlock(height: number, from: ConnectionId, out: Effects<Wire>): void {
    const { oldest, newest } = this.#store;
    if (!this.#holds(height)) {
      out.send(from, { type: 'ahead', height: newest, oldest });
      return;
    }
    const reply: Reply = (value, to, effects) => {
      if (value === null) return;
      const total = Math.ceil(value.length / PART_BYTES);
      for (let index = 0; index < total; index++) {
        const bytes = value.subarray(index * PART_BYTES, (index + 1) * PART_BYTES);
        effects.send(to, { type: 'block', height, index, total, bytes, newest: this.#store.newest });
      }
    };
    this.#ask(blockKey(height), from, reply, out);
  }

  #lightReply(height: number): Reply {
    return (value, to, out) => {
      const { state } = this.#chain();
      const set = validatorsAt(state, height);
      // What the state knows of the set after its newest block is the next height's.
      const next = validatorsAt(state, height + 1);
      if (value === null || set === undefined || next === undefined) {
        out.send(to, { type: 'light', height, block: null });
        return;
      }
      const { commit, block } = decodeCommitted(value);
      const { header } = decodeBlock(block);
      const light = lightBlockOf(header, commit, ValidatorSet.of(set), ValidatorSet.of(next));
      out.send(to, { type: 'light', height, block: light });
    };
  }
}
