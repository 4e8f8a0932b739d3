/**
 * Records of a fixed number of 32-bit words in one growable typed array, with a free list: the memory of tree nodes.
 * A record is named by its number. Number 0 is never handed out and starts as zeros, so that 0 can mean "none".
 */

/** A pool of equal records. */
export class RecordPool {
  /** Words per record. */
  readonly stride: number;
  /** All records, number n at n * stride. Replaced by a larger array when `allocate` has to grow. */
  words: Int32Array<ArrayBuffer>;
  /** Number of records in use. */
  live = 0;
  /** First released record, linked through their first words; 0 if none. */
  #free = 0;
  /** First record that was never used. */
  #fresh = 1;

  constructor(stride: number, capacity: number) {
    this.stride = stride;
    this.words = new Int32Array(stride * (capacity < 16 ? 16 : capacity));
  }

  /** Number of records there is room for. */
  get capacity(): number {
    return this.words.length / this.stride;
  }

  /** The number of a record whose words are all zero. */
  allocate(): number {
    this.live++;
    const record = this.#free;
    if (record !== 0) {
      const at = record * this.stride;
      this.#free = this.words[at]!;
      this.words.fill(0, at, at + this.stride);
      return record;
    }
    if ((this.#fresh + 1) * this.stride > this.words.length) {
      const grown = new Int32Array(this.words.length * 2);
      grown.set(this.words);
      this.words = grown;
    }
    return this.#fresh++;
  }

  /** Gives a record back. It must be in use. */
  release(record: number): void {
    this.live--;
    this.words[record * this.stride] = this.#free;
    this.#free = record;
  }
}
