/**
 * A strict reader of comma-separated values (RFC 4180), for the traces that scenarios replay.
 *
 * Strict means that nothing is guessed: a quote within an unquoted field, text behind a closing quote, a missing or
 * surplus field are errors with their line and column. Lines may end in LF or CRLF; the last may lack its end. Rows are
 * yielded one at a time, so that a long trace needs no more memory than its text.
 */

import { errorAt, InvalidScenario } from './problem.ts';
import { grouped, show } from './units.ts';

/** Longest field in characters. */
const MAX_FIELD = 10_000;
/** Most rows behind the header. */
export const MAX_ROWS = 1_000_000;

export interface CsvRow {
  /** Line on which the row begins, from 1. */
  readonly line: number;
  readonly fields: readonly string[];
  /** Column at which each field begins, from 1. */
  readonly columns: readonly number[];
}

/**
 * Reads the rows behind a header that must have exactly the given columns.
 * @throws InvalidScenario at the first defect of form
 */
export function* readCsv(file: string, text: string, header: readonly string[]): Generator<CsvRow, void, undefined> {
  const rows = scan(file, text);
  const first = rows.next();
  const found = first.done === true ? 'an empty file' : first.value.fields.join(',');
  if (first.done === true || found !== header.join(',')) {
    const shown = first.done === true ? found : `the header ${show(found)}`;
    throw new InvalidScenario([errorAt({ file, line: 1, column: 1 }, [], shown, header.join(','))]);
  }
  let count = 0;
  for (const row of rows) {
    count += 1;
    if (count > MAX_ROWS) fail(file, row.line, 1, 'more rows', `at most ${grouped(MAX_ROWS)}`);
    if (row.fields.length !== header.length) {
      fail(file, row.line, 1, `${row.fields.length} fields`, `${header.length}: ${header.join(',')}`);
    }
    yield row;
  }
}

function fail(file: string, line: number, column: number, found: string, expected: string): never {
  throw new InvalidScenario([errorAt({ file, line, column }, [], found, expected)]);
}

/** Splits text into rows of fields. */
function* scan(file: string, text: string): Generator<CsvRow, void, undefined> {
  let at = 0;
  let line = 1;
  let lineStart = 0;
  while (at < text.length) {
    const row = { line, fields: [] as string[], columns: [] as number[] };
    for (;;) {
      const column = at - lineStart + 1;
      row.columns.push(column);
      if (text[at] === '"') {
        const end = closingQuote(text, at + 1);
        if (end < 0) fail(file, line, column, 'a quote that is never closed', 'a closing quote');
        const quoted = text.slice(at + 1, end);
        row.fields.push(quoted.replaceAll('""', '"'));
        for (let i = quoted.indexOf('\n'); i >= 0; i = quoted.indexOf('\n', i + 1)) {
          line += 1;
          lineStart = at + 1 + i + 1;
        }
        at = end + 1;
      } else {
        const end = fieldEnd(text, at);
        const field = text.slice(at, end);
        const quote = field.indexOf('"');
        if (quote >= 0) fail(file, line, column + quote, 'a quote within a field', 'the whole field in quotes');
        row.fields.push(field);
        at = end;
      }
      if (row.fields.at(-1)!.length > MAX_FIELD) {
        fail(file, line, column, 'a longer field', `at most ${grouped(MAX_FIELD)} characters`);
      }
      if (text[at] !== ',') break;
      at += 1;
    }
    const next = text[at] === '\r' && text[at + 1] === '\n' ? at + 1 : at;
    if (next < text.length && text[next] !== '\n') {
      fail(file, line, at - lineStart + 1, show(text[at]), 'a comma or the end of the line');
    }
    at = next + 1;
    line += 1;
    lineStart = at;
    yield row;
  }
}

/** Where a quoted field that begins at `from` has its closing quote; -1 if nowhere. */
function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from);
  while (at >= 0 && text[at + 1] === '"') at = text.indexOf('"', at + 2);
  return at;
}

function fieldEnd(text: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    const char = text[at];
    if (char === ',' || char === '\n' || char === '\r') return at;
  }
  return text.length;
}
