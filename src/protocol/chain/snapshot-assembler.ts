/**
 * Puts a snapshot together from chunks that arrive in any order and from several nodes, so that whoever sends a wrong
 * one is found out at that chunk.
 */
import { checkChunk, type Snapshot } from './snapshot.ts';
import { checkManifest, checkTrust, type Manifest, SnapshotError, type TrustedPoint } from './snapshot-manifest.ts';

/** `known`: the chunk is there already; `wrong`: not the bytes that the manifest promises, or a chunk it has not. */
export type ChunkVerdict = 'accepted' | 'known' | 'wrong';

export class SnapshotAssembler {
  readonly manifest: Manifest;
  readonly #chunks: (Uint8Array | undefined)[];
  #missing: number;

  /**
   * Throws SnapshotError when the manifest contradicts itself or what is trusted, so that nobody asks for chunks in
   * vain. Null trusts whoever sent the manifest.
   */
  constructor(manifest: Manifest, trusted: TrustedPoint | null) {
    checkManifest(manifest);
    if (trusted !== null) checkTrust(manifest, trusted);
    this.manifest = manifest;
    this.#chunks = new Array<Uint8Array | undefined>(manifest.chunks.length).fill(undefined);
    this.#missing = manifest.chunks.length;
  }

  get isComplete(): boolean {
    return this.#missing === 0;
  }

  /** Indices of chunks that have not come, in order. */
  missing(): number[] {
    return this.#chunks.flatMap((chunk, index) => (chunk === undefined ? [index] : []));
  }

  /** Takes a chunk, which is kept and must not change, or says why not. Whoever sent a wrong one is not to be trusted. */
  give(index: number, bytes: Uint8Array): ChunkVerdict {
    if (this.#chunks[index] !== undefined) return 'known';
    try {
      checkChunk(this.manifest, index, bytes);
    } catch (error) {
      if (error instanceof SnapshotError) return 'wrong';
      throw error;
    }
    this.#chunks[index] = bytes;
    this.#missing -= 1;
    return 'accepted';
  }

  /** The whole. Throws SnapshotError while chunks are missing. */
  snapshot(): Snapshot {
    const chunks = this.#chunks.filter(chunk => chunk !== undefined);
    if (this.#missing > 0) throw new SnapshotError('chunk', `${this.#missing} of ${this.#chunks.length} are missing`);
    return { manifest: this.manifest, chunks };
  }
}
