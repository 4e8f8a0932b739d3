/** Reads events.csv row by row, in constant memory: a long run has gigabytes of them. */
import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { TABLES } from './tables.ts';

export interface EventRow {
  readonly height: number;
  /** simulated seconds */
  readonly time: number;
  readonly type: string;
  /** Id of the order, lease or deployment that it is about. */
  readonly subject: string;
  /** Name of the provider or tenant that it is about. */
  readonly participant: string;
  /** JSON, still as text: most rows are skipped. */
  readonly details: string;
}

const CHUNK = 1 << 20;
/** Longest line: a row holds one event, whose size the chain bounds far below this. */
const MAX_LINE = 16 << 20;

/** The lines of a file without their ends. */
export function* linesOf(path: string): Generator<string, void, undefined> {
  const fd = openSync(path, 'r');
  try {
    const decoder = new StringDecoder('utf8');
    const buffer = Buffer.allocUnsafe(CHUNK);
    let rest = '';
    for (;;) {
      const read = readSync(fd, buffer);
      const text = rest + (read === 0 ? decoder.end() : decoder.write(buffer.subarray(0, read)));
      let from = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
        yield text.slice(from, end);
        from = end + 1;
      }
      rest = text.slice(from);
      if (rest.length > MAX_LINE) throw new Error(`${path}: found a line of more than ${MAX_LINE} characters`);
      if (read === 0) break;
    }
    if (rest !== '') yield rest;
  } finally {
    closeSync(fd);
  }
}

/** The fields of a line as our own writer makes them: quoted where need be, never across lines. */
export function fieldsOf(line: string): string[] {
  const fields: string[] = [];
  for (let at = 0; at <= line.length; ) {
    if (line[at] === '"') {
      let end = line.indexOf('"', at + 1);
      while (end >= 0 && line[end + 1] === '"') end = line.indexOf('"', end + 2);
      if (end < 0) throw new Error(`found a quote that is never closed in ${line.slice(0, 100)}`);
      fields.push(line.slice(at + 1, end).replaceAll('""', '"'));
      at = end + 2;
    } else {
      const comma = line.indexOf(',', at);
      const end = comma < 0 ? line.length : comma;
      fields.push(line.slice(at, end));
      at = end + 1;
    }
  }
  return fields;
}

/**
 * The rows of an events.csv.
 * @throws Error for a file with other columns
 */
export function* eventRows(path: string): Generator<EventRow, void, undefined> {
  const header = TABLES.events.map(column => column.name).join(',');
  let first = true;
  for (const line of linesOf(path)) {
    if (first) {
      if (line !== header) throw new Error(`${path}: found the header ${JSON.stringify(line)}, expected ${header}`);
      first = false;
      continue;
    }
    const [height, time, type, subject, participant, details] = fieldsOf(line);
    if (details === undefined) throw new Error(`${path}: found a line with too few fields: ${line.slice(0, 100)}`);
    yield {
      height: Number(height),
      time: Number(time),
      type: type!,
      subject: subject!,
      participant: participant!,
      details,
    };
  }
}
