/**
 * The commitment to state: the root over its leaves (see leaves.ts), kept up to date as they change, and their proofs.
 * A block costs in proportion to the leaves that it changed.
 */
import { ByteWriter } from '../codec/bytes.ts';
import { type StateProof, StateTree } from '../codec/state-tree.ts';
import type { State } from '../model/state.ts';
import { allLeaves, leafBytes } from './leaves.ts';

export { allLeaves, leafBytes } from './leaves.ts';

/** Keeps the tree of a state's leaves up to date, from the journal's list of what changed. */
export class Commitment {
  readonly #tree = new StateTree();
  readonly #writer = new ByteWriter(4096);
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  /** The app hash of the state as it is now. */
  root(): Uint8Array {
    const dirty = this.#state.journal.dirty;
    if (dirty === null) throw new Error('no commitment is kept for this state');
    for (const leaf of dirty) {
      const bytes = leafBytes(this.#state, leaf, this.#writer);
      if (bytes === null) this.#tree.delete(leaf);
      else this.#tree.set(leaf, bytes);
    }
    dirty.clear();
    return this.#tree.root();
  }

  /** Proof of a leaf's presence or absence under the newest root. */
  prove(leaf: string): StateProof {
    return this.#tree.prove(leaf);
  }

  /** The bytes of a leaf as they are committed; null when there is none. */
  leaf(leaf: string): Uint8Array | null {
    return leafBytes(this.#state, leaf, this.#writer)?.slice() ?? null;
  }
}

/** The app hash reckoned from nothing but the rows: what the incremental one must equal. */
export function appHashFromScratch(state: State): Uint8Array {
  const tree = new StateTree();
  const writer = new ByteWriter(4096);
  for (const leaf of allLeaves(state)) {
    const bytes = leafBytes(state, leaf, writer);
    if (bytes === null) throw new Error(`leaf ${leaf} of a row has no bytes`);
    tree.set(leaf, bytes);
  }
  return tree.root();
}
