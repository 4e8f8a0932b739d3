/**
 * What is due when: an index ordered by (due, sequence), from which a block reads only what is due in it.
 *
 * A binary heap whose items know their own position, so that an item can be taken out when its reason goes away. The
 * order of items is decided by their content alone, so undoing an insertion is a removal and the other way round.
 */
import type { Journal } from './journal.ts';

export interface DueItem {
  /** A height, or a time in microseconds; which of the two belongs to the index. */
  readonly due: number;
  /** Creation order of the object that is due; breaks ties. */
  readonly sequence: number;
  readonly kind: string;
  /** Key of the object that is due. */
  readonly key: string;
  /** The index that it is in, or was. */
  readonly index: DueIndex;
  /** Position in the heap, -1 when not in it. Owned by the index. */
  position: number;
}

function before(left: DueItem, right: DueItem): boolean {
  if (left.due !== right.due) return left.due < right.due;
  if (left.sequence !== right.sequence) return left.sequence < right.sequence;
  return left.kind < right.kind;
}

export function compareDue(left: DueItem, right: DueItem): number {
  return before(left, right) ? -1 : before(right, left) ? 1 : 0;
}

export class DueIndex {
  readonly #heap: DueItem[] = [];
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  get size(): number {
    return this.#heap.length;
  }

  add(due: number, sequence: number, kind: string, key: string): DueItem {
    if (!Number.isSafeInteger(due) || due < 0) throw new Error(`due index: ${kind} of ${key} due at ${due}`);
    const item: DueItem = { due, sequence, kind, key, index: this, position: -1 };
    this.undoRemove(item);
    this.#journal.saveInsert(this as never, item);
    return item;
  }

  remove(item: DueItem): void {
    this.undoInsert(item);
    this.#journal.saveRemove(this as never, item);
  }

  /** All items due at or before `limit`, in order, left where they are. Costs what is due, not what exists. */
  peek(limit: number): DueItem[] {
    const found: DueItem[] = [];
    const heap = this.#heap;
    if (heap.length === 0 || (heap[0] as DueItem).due > limit) return found;
    const stack = [0];
    while (stack.length > 0) {
      const at = stack.pop() as number;
      const item = heap[at];
      if (item === undefined || item.due > limit) continue;
      found.push(item);
      stack.push(2 * at + 1, 2 * at + 2);
    }
    return found.sort(compareDue);
  }

  undoInsert(item: DueItem): void {
    const at = item.position;
    if (at < 0) throw new Error(`due index: ${item.kind} of ${item.key} is not in the index`);
    const last = this.#heap.pop() as DueItem;
    item.position = -1;
    if (last !== item) {
      this.#place(last, at);
      this.#up(at);
      this.#down(last.position);
    }
  }

  undoRemove(item: DueItem): void {
    this.#heap.push(item);
    item.position = this.#heap.length - 1;
    this.#up(item.position);
  }

  #place(item: DueItem, at: number): void {
    this.#heap[at] = item;
    item.position = at;
  }

  #up(start: number): void {
    let at = start;
    const item = this.#heap[at] as DueItem;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = this.#heap[parentAt] as DueItem;
      if (!before(item, parent)) break;
      this.#place(parent, at);
      at = parentAt;
    }
    this.#place(item, at);
  }

  #down(start: number): void {
    let at = start;
    const heap = this.#heap;
    const item = heap[at] as DueItem;
    for (;;) {
      let childAt = 2 * at + 1;
      if (childAt >= heap.length) break;
      if (childAt + 1 < heap.length && before(heap[childAt + 1] as DueItem, heap[childAt] as DueItem)) childAt += 1;
      const child = heap[childAt] as DueItem;
      if (!before(child, item)) break;
      this.#place(child, at);
      at = childAt;
    }
    this.#place(item, at);
  }
}
