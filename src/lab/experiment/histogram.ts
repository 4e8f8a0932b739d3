/**
 * Quantiles of a stream of positive numbers in constant memory, exact to one per cent of the value.
 *
 * A bin holds the numbers that share their exponent and the first six bits of their fraction. Logarithms would do as
 * well, but their last digit depends on the engine, and a summary must not.
 */

/** Values below this count as zero. */
const SMALLEST = 1e-6;

/** Bits of the upper half of a number that are behind those of its bin. */
const REST_BITS = 14;
const bits = new DataView(new ArrayBuffer(8));

function binOf(value: number): number {
  bits.setFloat64(0, value);
  return bits.getUint32(0) >>> REST_BITS;
}

/** The number in the middle of a bin, at most 0.8 per cent from any other in it. */
function middleOf(bin: number): number {
  bits.setUint32(0, (bin << REST_BITS) | (1 << (REST_BITS - 1)));
  bits.setUint32(4, 0);
  return bits.getFloat64(0);
}

export class Histogram {
  #count = 0;
  #sum = 0;
  #zeros = 0;
  #least = Infinity;
  #most = -Infinity;
  readonly #bins = new Map<number, number>();

  add(value: number): void {
    this.#count += 1;
    this.#sum += value;
    this.#least = Math.min(this.#least, value);
    this.#most = Math.max(this.#most, value);
    if (value < SMALLEST) {
      this.#zeros += 1;
      return;
    }
    const bin = binOf(value);
    this.#bins.set(bin, (this.#bins.get(bin) ?? 0) + 1);
  }

  get count(): number {
    return this.#count;
  }

  /** 0 when there are no values. */
  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count;
  }

  /** The value below which a share of all lies; 0 when there are none. */
  quantile(share: number): number {
    if (this.#count === 0) return 0;
    const rank = share * this.#count;
    let seen = this.#zeros;
    if (seen >= rank) return 0;
    for (const bin of [...this.#bins.keys()].sort((left, right) => left - right)) {
      seen += this.#bins.get(bin) as number;
      if (seen >= rank) return Math.min(Math.max(middleOf(bin), this.#least), this.#most);
    }
    throw new Error('a histogram lost values');
  }
}
