/**
 * A CSV file that is written while a run goes on. Rows are gathered into small batches, turned to text and written
 * synchronously, so that memory does not grow with the length of a run and bytes do not depend on timing.
 *
 * Every cell is written in one way only: bigint by its digits, numbers by their shortest decimal form (what
 * ECMAScript's String gives, which reads back as the same double), no value as an empty field. Lines end in LF.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { stringify } from 'csv-stringify/sync';
import type { Cell } from './types.ts';

/** Rows in memory before they are written. */
const BATCH = 512;

/**
 * The text of a cell.
 * @throws Error for a number that is not finite: a row that has no value must say so with null
 */
export function cellText(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'number' && !Number.isFinite(cell)) throw new Error(`expected a finite number, found ${cell}`);
  // Negative zero prints as 0, which is what every reader takes it for.
  return String(cell);
}

/** Rows as CSV text, each line ended. */
export function csvText(rows: readonly (readonly string[])[]): string {
  return stringify(rows as string[][], { record_delimiter: '\n' });
}

/** Writes all of a text: a write may take less than it is given. */
export function writeFully(fd: number, text: string): number {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
  return bytes.length;
}

export class CsvFile {
  readonly path: string;
  readonly width: number;
  rows = 0;
  bytes = 0;
  private fd: number;
  private batch: string[][] = [];

  /** Creates the file (it must not exist) with its header. */
  constructor(path: string, header: readonly string[]) {
    this.path = path;
    this.width = header.length;
    this.fd = openSync(path, 'wx');
    this.batch.push([...header]);
  }

  row(cells: readonly Cell[]): void {
    if (cells.length !== this.width) {
      throw new Error(`a row of ${this.path} has ${this.width} cells, found ${cells.length}: ${cells.map(String)}`);
    }
    this.batch.push(cells.map(cellText));
    this.rows += 1;
    if (this.batch.length >= BATCH) this.flush();
  }

  private flush(): void {
    this.bytes += writeFully(this.fd, csvText(this.batch));
    this.batch = [];
  }

  /** Writes what is left and closes the file. */
  close(): void {
    try {
      this.flush();
    } finally {
      this.abandon();
    }
  }

  /** Closes the file without writing what is left. May be called again. */
  abandon(): void {
    if (this.fd < 0) return;
    closeSync(this.fd);
    this.fd = -1;
    this.batch = [];
  }
}
