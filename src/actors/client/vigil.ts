/**
 * Whether a node keeps a client up with the chain. It need not be silent to fail in that: it may tell of old blocks, or
 * of true ones always too late.
 */
import type { Time } from '../actor.ts';

export class Vigil {
  /** How long nothing may happen, microseconds. */
  readonly patience: number;
  #told = -1;
  #newest: Time = 0;

  constructor(patience: number) {
    this.patience = patience;
  }

  /**
   * A time of patience begins.
   * @param told the newest block that everything was told of
   * @param newest block time of the newest header
   */
  begin(told: number, newest: Time): void {
    this.#told = told;
    this.#newest = newest;
  }

  /** Whether it ends with nothing new: no block told, or none that is recent, nor many at once of those missed. */
  isInVain(told: number, newest: Time, now: Time): boolean {
    const isRecent = newest >= now - this.patience;
    const isCatchingUp = newest - this.#newest >= 2 * this.patience;
    return told === this.#told || !(isRecent || isCatchingUp);
  }
}
