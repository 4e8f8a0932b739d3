/**
 * The undo journal: what makes a failed transaction, and an undecided block, leave no trace.
 *
 * State is rows (flat objects) in tables, and ordered indexes over them. Whoever changes a row asks for it with
 * `Table.edit`, which saves a shallow copy here the first time a row is touched since the last mark; inserting and
 * removing save the inverse operation. Rolling back replays the journal backwards. Rows therefore hold only primitive
 * or deeply immutable values: a nested list is replaced, never changed in place.
 */

/** A row of state. Subclasses hold flat fields only. */
export abstract class Row {
  /** The journal mark under which this row was last saved; not part of the state. */
  mark = 0;
  /** Which leaf of the state commitment shows this row. */
  abstract leaf(): string;
  /**
   * The fields that may change, as they are. Each class lists its own: a literal of known shape costs a tenth of a
   * spread of the whole row, and this is done for every row that a transaction touches.
   */
  abstract copy(): object;
}

/** Something that can take back one operation. */
export interface Undoable {
  undoInsert(item: never): void;
  undoRemove(item: never): void;
}

const EDIT = 0;
const INSERT = 1;
const REMOVE = 2;

export class Journal {
  readonly #kinds: number[] = [];
  readonly #targets: unknown[] = [];
  readonly #values: unknown[] = [];
  /** Marks only grow, so that a row saved before a roll-back is never mistaken for saved after it. */
  #mark = 1;
  /** Leaves that changed since the commitment was last brought up to date. Null when no commitment is kept. */
  readonly dirty: Set<string> | null;

  constructor(tracksLeaves: boolean) {
    this.dirty = tracksLeaves ? new Set() : null;
  }

  get length(): number {
    return this.#kinds.length;
  }

  /** Starts a span that `rollback` can undo; returns its position. */
  begin(): number {
    this.#mark += 1;
    return this.#kinds.length;
  }

  /** Saves a row before it is changed, once per span. */
  saveEdit(row: Row): void {
    if (row.mark === this.#mark) return;
    this.#kinds.push(EDIT);
    this.#targets.push(row);
    this.#values.push(row.copy());
    row.mark = this.#mark;
    this.dirty?.add(row.leaf());
  }

  saveInsert(target: Undoable, item: unknown): void {
    this.#kinds.push(INSERT);
    this.#targets.push(target);
    this.#values.push(item);
    if (item instanceof Row) {
      item.mark = this.#mark;
      this.dirty?.add(item.leaf());
    }
  }

  saveRemove(target: Undoable, item: unknown): void {
    this.#kinds.push(REMOVE);
    this.#targets.push(target);
    this.#values.push(item);
    if (this.dirty !== null && item instanceof Row) this.dirty.add(item.leaf());
  }

  /** Undoes everything since `position`, newest first. */
  rollback(position: number): void {
    for (let i = this.#kinds.length - 1; i >= position; i--) {
      const kind = this.#kinds[i];
      const target = this.#targets[i];
      const value = this.#values[i];
      if (kind === EDIT) {
        Object.assign(target as object, value as object);
        (target as Row).mark = 0;
        this.dirty?.add((target as Row).leaf());
      } else {
        if (kind === INSERT) (target as Undoable).undoInsert(value as never);
        else (target as Undoable).undoRemove(value as never);
        if (this.dirty !== null && value instanceof Row) this.dirty.add(value.leaf());
      }
    }
    this.#truncate(position);
    this.#mark += 1;
  }

  /** Forgets how to undo: the block is decided. */
  forget(): void {
    this.#truncate(0);
    this.#mark += 1;
  }

  #truncate(length: number): void {
    this.#kinds.length = length;
    this.#targets.length = length;
    this.#values.length = length;
  }
}
