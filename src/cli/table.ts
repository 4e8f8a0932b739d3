/** Tables for people, within the width of the terminal. */
import Table from 'cli-table3';
import type { Terminal } from './terminal.ts';

/** Lines above and below the head only; data needs no box. */
const CHARS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '  ',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

export interface TableColumn {
  readonly head: string;
  readonly align?: 'left' | 'right';
}

/** A table as text, each line ended and without spaces at its end. Cells must be short enough to fit. */
export function tableText(
  terminal: Pick<Terminal, 'colours'>,
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): string {
  const { dim } = terminal.colours;
  const table = new Table({
    chars: CHARS,
    colAligns: columns.map(column => column.align ?? 'left'),
    style: { head: [], border: [], compact: true, 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(
    columns.map(column => dim(column.head)),
    ...rows.map(row => [...row]),
  );
  return `${table
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')}\n`;
}
