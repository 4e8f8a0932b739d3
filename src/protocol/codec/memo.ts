/**
 * A bounded memory of results that cost more than a look-up.
 *
 * Two generations of maps: entries go into the young one; when it is full it becomes the old one, and what was in the
 * old one and not asked for since is forgotten. No bookkeeping per hit, and never more than `maxEntries` entries.
 */

/** A map that forgets: `get` may return undefined for anything that was set. */
export class BoundedMemo<K, V> {
  readonly #half: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  /** Keeps at most `maxEntries` (at least 2) entries, and at least the last half of that. */
  constructor(maxEntries: number) {
    if (!Number.isSafeInteger(maxEntries) || maxEntries < 2) {
      throw new RangeError(`a memo of ${maxEntries} entries; at least 2 are needed`);
    }
    this.#half = Math.floor(maxEntries / 2);
  }

  /** Number of entries held. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The remembered value, which thereby counts as recent. */
  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  /** Remembers a value for some time. */
  set(key: K, value: V): void {
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#old.delete(key);
    this.#young.set(key, value);
  }
}
