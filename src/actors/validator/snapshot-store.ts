/**
 * Where a node's store keeps the newest snapshot of its state, so that it can start again without executing all of
 * history. The manifest is written last and synced after its chunks: whatever a crash leaves, there is one whole snapshot.
 */
import type { Chain } from '../../protocol/chain/chain.ts';
import { takeSnapshot } from '../../protocol/chain/snapshot.ts';
import { encodeManifest, heightOf } from '../../protocol/chain/snapshot-manifest.ts';
import type { Effects } from '../actor.ts';
import type { Wire } from '../wire.ts';

export const MANIFEST_KEY = 'snapshot/manifest';

export function chunkKey(height: number, index: number): string {
  return `snapshot/${height}/${index}`;
}

export class SnapshotStore {
  readonly #every: number;
  #height = 0;
  #chunks = 0;

  /** @param every a snapshot at every so many heights; 0 = never */
  constructor(every: number) {
    this.#every = every;
  }

  /** Height of the newest one; 0 when there is none. */
  get height(): number {
    return this.#height;
  }

  /** The oldest block that a start needs: all of them where there is no snapshot. */
  get neededFrom(): number {
    return Math.max(1, this.#height);
  }

  /** Says which snapshot the store was found to hold. */
  restore(height: number, chunks: number): void {
    this.#height = height;
    this.#chunks = chunks;
  }

  /** Takes a snapshot if one is due at the chain's height. */
  saveIfDue(chain: Chain, out: Effects<Wire>): void {
    if (this.#every > 0 && chain.height % this.#every === 0) this.save(chain, out);
  }

  save(chain: Chain, out: Effects<Wire>): void {
    const { manifest, chunks } = takeSnapshot(chain);
    const height = heightOf(manifest);
    chunks.forEach((chunk, index) => {
      out.put(chunkKey(height, index), chunk);
    });
    out.sync();
    out.put(MANIFEST_KEY, encodeManifest(manifest));
    out.sync();
    if (this.#height !== height) for (let i = 0; i < this.#chunks; i++) out.delete(chunkKey(this.#height, i));
    this.restore(height, chunks.length);
  }
}
