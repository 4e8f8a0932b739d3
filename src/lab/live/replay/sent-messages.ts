/**
 * What recorded participants have sent to each other, so that what one of them received can be held against it: nothing
 * that was altered on its way, or in a recording, was sent by anybody. And as nothing arrives before it was sent, this
 * is also what brings recordings into one order, whatever the clocks of their machines showed.
 */
/** Messages from one to another that are remembered. A recipient may be behind by as many. */
const REMEMBERED = 65_536;

interface Pair {
  /** In the order in which they were sent. */
  readonly sums: Set<number>;
  /** Whether some were forgotten: then nobody can say any more what was not sent. */
  isPartial: boolean;
}

export class SentMessages {
  readonly #pairs = new Map<string, Pair>();

  /** One participant has sent something to another; both by address. */
  add(from: string, to: string, sum: number): void {
    const pair = this.#pair(from, to);
    // Sent again is sent last.
    pair.sums.delete(sum);
    pair.sums.add(sum);
    if (pair.sums.size <= REMEMBERED) return;
    const [oldest] = pair.sums;
    pair.sums.delete(oldest as number);
    pair.isPartial = true;
  }

  /** Whether one has sent this to the other, as far as anybody can say. */
  has(from: string, to: string, sum: number): boolean {
    const pair = this.#pair(from, to);
    return pair.isPartial || pair.sums.has(sum);
  }

  #pair(from: string, to: string): Pair {
    const key = `${from} ${to}`;
    let pair = this.#pairs.get(key);
    if (pair === undefined) this.#pairs.set(key, (pair = { sums: new Set(), isPartial: false }));
    return pair;
  }
}
