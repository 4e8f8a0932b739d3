/**
 * What a monitor has to look at when: a binary heap of keys by due height or due time. Entries are never taken out
 * early; whoever pops one checks in its books whether it still matters. Ties come out in no particular order.
 */
export class Agenda {
  readonly #due: number[] = [];
  readonly #keys: string[] = [];

  get size(): number {
    return this.#due.length;
  }

  add(due: number, key: string): void {
    let at = this.#due.length;
    this.#due.push(due);
    this.#keys.push(key);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if ((this.#due[parent] as number) <= due) break;
      this.#swap(at, parent);
      at = parent;
    }
  }

  /** Takes out all keys that are due at or before `limit`; a key that was added twice comes twice. */
  take(limit: number): string[] {
    const taken: string[] = [];
    while (this.#due.length > 0 && (this.#due[0] as number) <= limit) taken.push(this.#pop());
    return taken;
  }

  #pop(): string {
    const last = this.#due.length - 1;
    this.#swap(0, last);
    this.#due.pop();
    const key = this.#keys.pop() as string;
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= last) return key;
      const right = left + 1;
      const child = right < last && (this.#due[right] as number) < (this.#due[left] as number) ? right : left;
      if ((this.#due[at] as number) <= (this.#due[child] as number)) return key;
      this.#swap(at, child);
      at = child;
    }
  }

  #swap(left: number, right: number): void {
    const due = this.#due[left] as number;
    const key = this.#keys[left] as string;
    this.#due[left] = this.#due[right] as number;
    this.#keys[left] = this.#keys[right] as string;
    this.#due[right] = due;
    this.#keys[right] = key;
  }
}
