/** Quantiles of a stream of positive numbers in constant memory, exact to one per cent of the value. */

const RATIO = Math.log(1.01);
/** Values below this count as zero. */
const SMALLEST = 1e-6;

export class Histogram {
  #count = 0;
  #sum = 0;
  #zeros = 0;
  readonly #bins = new Map<number, number>();

  add(value: number): void {
    this.#count += 1;
    this.#sum += value;
    if (value < SMALLEST) {
      this.#zeros += 1;
      return;
    }
    const bin = Math.floor(Math.log(value / SMALLEST) / RATIO);
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
      if (seen >= rank) return SMALLEST * Math.exp((bin + 0.5) * RATIO);
    }
    throw new Error('a histogram lost values');
  }
}
