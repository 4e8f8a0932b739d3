/**
 * Tables of rows by string key, and groups of row keys. Every change goes through the journal.
 *
 * A table's own iteration order is history (also that of roll-backs) and must never decide anything: whoever iterates
 * for an outcome uses `sorted`, or an index ordered by content.
 */
import { compareTexts } from '../codec/utf8.ts';
import type { Journal, Row } from './journal.ts';

export class Table<R extends Row> {
  readonly #rows = new Map<string, R>();
  readonly #journal: Journal;
  readonly #keyOf: (row: R) => string;

  constructor(journal: Journal, keyOf: (row: R) => string) {
    this.#journal = journal;
    this.#keyOf = keyOf;
  }

  get size(): number {
    return this.#rows.size;
  }

  has(key: string): boolean {
    return this.#rows.has(key);
  }

  /** The row, to read. */
  get(key: string): Readonly<R> | undefined {
    return this.#rows.get(key);
  }

  /** The row, to read. Throws when there is none: the caller's books are wrong. */
  need(key: string): Readonly<R> {
    const row = this.#rows.get(key);
    if (row === undefined) throw new Error(`state has no row ${key}`);
    return row;
  }

  /** The row, to change; saved in the journal first. */
  edit(key: string): R {
    const row = this.#rows.get(key);
    if (row === undefined) throw new Error(`state has no row ${key}`);
    this.#journal.saveEdit(row);
    return row;
  }

  insert(row: R): void {
    const key = this.#keyOf(row);
    if (this.#rows.has(key)) throw new Error(`state has a row ${key} already`);
    this.#rows.set(key, row);
    this.#journal.saveInsert(this as never, row);
  }

  remove(key: string): void {
    const row = this.#rows.get(key);
    if (row === undefined) throw new Error(`state has no row ${key} to remove`);
    this.#rows.delete(key);
    this.#journal.saveRemove(this as never, row);
  }

  undoInsert(row: R): void {
    this.#rows.delete(this.#keyOf(row));
  }

  undoRemove(row: R): void {
    this.#rows.set(this.#keyOf(row), row);
  }

  /** All rows in no order that may decide anything: for sums and counts only. */
  unordered(): IterableIterator<Readonly<R>> {
    return this.#rows.values();
  }

  /** All rows in byte order of their keys. */
  sorted(): Readonly<R>[] {
    return [...this.#rows.keys()].sort(compareTexts).map(key => this.#rows.get(key) as R);
  }
}

/** A set of member keys per group key, e.g. delegators of a validator. */
export class Groups {
  readonly #groups = new Map<string, Set<string>>();
  readonly #journal: Journal;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  add(group: string, member: string): void {
    const item = [group, member] as const;
    this.undoRemove(item);
    this.#journal.saveInsert(this as never, item);
  }

  remove(group: string, member: string): void {
    const item = [group, member] as const;
    this.undoInsert(item);
    this.#journal.saveRemove(this as never, item);
  }

  undoInsert(item: readonly [string, string]): void {
    const members = this.#groups.get(item[0]);
    members?.delete(item[1]);
    if (members?.size === 0) this.#groups.delete(item[0]);
  }

  undoRemove(item: readonly [string, string]): void {
    const members = this.#groups.get(item[0]);
    if (members === undefined) this.#groups.set(item[0], new Set([item[1]]));
    else members.add(item[1]);
  }

  size(group: string): number {
    return this.#groups.get(group)?.size ?? 0;
  }

  /** The members in byte order. */
  sorted(group: string): string[] {
    return [...(this.#groups.get(group) ?? [])].sort(compareTexts);
  }
}
