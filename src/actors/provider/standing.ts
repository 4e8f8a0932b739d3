/**
 * What a provider knows of its own standing: an order may ask for a reputation, and a bid that falls short costs its fee
 * for nothing. The chain does not say beforehand, but a refusal does, and what raises a reputation is being paid. So
 * after a refusal a provider stays away from orders that ask for as much until it has earned a tenth more.
 */

/** Growth of what was earned after which a refused provider tries again. */
const GROWTH_PERCENT = 10n;

export class Standing {
  /** The least that was found to be too much, parts per million; null = nothing was. */
  #tooMuch: number | null = null;
  /** What had been earned when it was found, micro-AKASH. */
  #earnedThen = 0n;

  /** A bid on an order that asks for this reputation was refused. */
  refused(asked: number, earned: bigint): void {
    this.#tooMuch = this.#tooMuch === null ? asked : Math.min(this.#tooMuch, asked);
    this.#earnedThen = earned;
  }

  /** Whether a bid on an order that asks for this reputation is worth its fee. */
  mayTry(asked: number, earned: bigint): boolean {
    if (this.#tooMuch === null || asked < this.#tooMuch) return true;
    if (earned * 100n <= this.#earnedThen * (100n + GROWTH_PERCENT)) return false;
    this.#tooMuch = null;
    return true;
  }
}
