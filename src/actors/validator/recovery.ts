/**
 * How a node comes back: from its store, which keeps the signer's record, the newest snapshot of the state, and the
 * blocks since. What the log brought back is fed in by whoever waits for this.
 *
 * Any prefix of what a node writes is a state to come back from: a block is put and synced before anyone is told of it,
 * and executing blocks again gives what they gave before. A store that is damaged is an error that says so.
 */
import { decodeBlock } from '../../protocol/chain/block.ts';
import { type Chain, InvalidBlock } from '../../protocol/chain/chain.ts';
import type { Snapshot } from '../../protocol/chain/snapshot.ts';
import { decodeManifest, heightOf, type Manifest, SnapshotError } from '../../protocol/chain/snapshot-manifest.ts';
import { DecodeError } from '../../protocol/codec/errors.ts';
import type { Commit } from '../../protocol/consensus/types.ts';
import type { Effects, Input, Time } from '../actor.ts';
import type { Wire } from '../wire.ts';
import { blockKey, decodeCommitted, heightOfKey, KEPT_KEY } from './block-store.ts';
import { SIGNER_KEY, type Signer } from './signer.ts';
import { chunkKey, MANIFEST_KEY } from './snapshot-store.ts';

export interface RecoveryHost {
  readonly chain: Chain;
  readonly signer: Signer | null;
  /** Start from this state instead of genesis. */
  restore(snapshot: Snapshot): void;
  /** What the store says of the blocks that it keeps. Throws DecodeError when that is no such record. */
  restoreKept(record: Uint8Array | null): void;
  /** A block of the store is the chain's next. */
  replay(block: ReturnType<typeof decodeBlock>): void;
  /** Everything stands as before. `lastCommit`: of the newest block, null where it is not known. */
  recovered(lastCommit: Commit | null, now: Time, out: Effects<Wire>): void;
}

/** Blocks that are read ahead. */
const AHEAD = 16;

export class Recovery {
  readonly #host: RecoveryHost;
  #manifest: Manifest | null = null;
  #chunks: Uint8Array[] = [];
  #lastCommit: Commit | null = null;
  #asked = 0;
  #done = false;

  constructor(host: RecoveryHost) {
    this.#host = host;
  }

  get isDone(): boolean {
    return this.#done;
  }

  start(out: Effects<Wire>): void {
    if (this.#host.signer !== null) out.get(SIGNER_KEY);
    out.get(KEPT_KEY);
    out.get(MANIFEST_KEY);
  }

  /** Takes what the store answered; returns whether it was asked for here. Halts the node when the store is damaged. */
  receive(input: Input<Wire>, now: Time, out: Effects<Wire>): boolean {
    if (this.#done || input.kind !== 'got') return false;
    try {
      this.#got(input.key, input.value, now, out);
    } catch (error) {
      const isDamage = error instanceof DecodeError || error instanceof InvalidBlock || error instanceof SnapshotError;
      if (!isDamage) throw error;
      this.#done = true;
      out.halt(`the store is damaged at ${input.key}: ${error.message}`);
    }
    return true;
  }

  #got(key: string, value: Uint8Array | null, now: Time, out: Effects<Wire>): void {
    if (key === SIGNER_KEY) {
      if (value !== null) this.#host.signer?.restore(value);
      return;
    }
    if (key === KEPT_KEY) {
      this.#host.restoreKept(value);
      return;
    }
    if (key === MANIFEST_KEY) {
      if (value === null) this.#readBlocks(out);
      else this.#readChunks(decodeManifest(value), out);
      return;
    }
    const height = heightOfKey(key);
    if (height === null) this.#gotChunk(key, value, out);
    else if (value === null) this.#finish(now, out);
    else {
      const { commit, block } = decodeCommitted(value);
      // The block of the snapshot itself is read for its commit alone.
      if (height > this.#host.chain.height) this.#host.replay(decodeBlock(block));
      this.#lastCommit = commit;
      this.#askNext(out);
    }
  }

  #readChunks(manifest: Manifest, out: Effects<Wire>): void {
    this.#manifest = manifest;
    manifest.chunks.forEach((_, index) => {
      out.get(chunkKey(heightOf(manifest), index));
    });
  }

  #gotChunk(key: string, value: Uint8Array | null, out: Effects<Wire>): void {
    const manifest = this.#manifest;
    if (manifest === null) return;
    if (value === null) throw new SnapshotError('chunk', `${key} is missing`);
    this.#chunks.push(value);
    if (this.#chunks.length < manifest.chunks.length) return;
    this.#host.restore({ manifest, chunks: this.#chunks });
    this.#chunks = [];
    this.#readBlocks(out, heightOf(manifest) - 1);
  }

  #readBlocks(out: Effects<Wire>, after = 0): void {
    this.#asked = after;
    for (let i = 0; i < AHEAD; i++) this.#askNext(out);
  }

  #askNext(out: Effects<Wire>): void {
    this.#asked += 1;
    out.get(blockKey(this.#asked));
  }

  #finish(now: Time, out: Effects<Wire>): void {
    this.#done = true;
    this.#host.recovered(this.#lastCommit, now, out);
  }
}
