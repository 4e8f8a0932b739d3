/** Reads what is compared of a results directory, row by row: only what is kept of the rows has to fit into memory. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type RunRecord, readRun } from '../experiment/results-record.ts';
import type { TableName } from '../experiment/types.ts';
import type { ComparedRun } from './compare.ts';
import type { MeasuredWorkload } from './compare-fit.ts';
import { stepsOfOrders } from './compare-orders.ts';
import type { LeaseTimes } from './compare-times.ts';
import { eventRows, fieldsOf, linesOf } from './event-rows.ts';
import { friendlyName } from './order-index.ts';
import { judgePayments, paymentRulesOf } from './payment-referee.ts';

/** Rows of a table that are kept; a run with more is larger than anybody compares row by row. */
const MAX_ROWS = 2_000_000;

/** A table that is not as its name promises. The message says what was found and what was expected. */
export class UnreadableTable extends Error {
  constructor(path: string, found: string, expected: string) {
    super(`${path}: found ${found}, expected ${expected}`);
    this.name = 'UnreadableTable';
  }
}

/**
 * The rows of a table with some of its columns, in the order in which they are named; null when there is no such file.
 * @throws UnreadableTable when it lacks a column, or has more than MAX_ROWS rows
 */
export function tableRows(
  folder: string,
  table: TableName,
  columns: readonly string[],
): Generator<readonly string[], void, undefined> | null {
  const path = join(folder, `${table}.csv`);
  return existsSync(path) ? rowsOf(path, columns) : null;
}

function* rowsOf(path: string, columns: readonly string[]): Generator<readonly string[], void, undefined> {
  let places: readonly number[] | null = null;
  let count = 0;
  for (const line of linesOf(path)) {
    const fields = fieldsIn(path, line);
    if (places === null) {
      places = columns.map(name => fields.indexOf(name));
      const absent = columns.filter(name => !fields.includes(name));
      if (absent.length > 0) throw new UnreadableTable(path, `no column ${absent.join(', ')}`, 'a table of orrery');
      continue;
    }
    count += 1;
    if (count > MAX_ROWS) throw new UnreadableTable(path, `more than ${MAX_ROWS} rows`, 'fewer');
    yield places.map(place => {
      const field = fields[place];
      if (field === undefined)
        throw new UnreadableTable(path, `a row of ${fields.length} fields`, 'one of each column');
      return field;
    });
  }
  if (places === null) throw new UnreadableTable(path, 'nothing', 'a header');
}

function fieldsIn(path: string, line: string): string[] {
  try {
    return fieldsOf(line);
  } catch (error) {
    throw new UnreadableTable(path, error instanceof Error ? error.message : String(error), 'CSV of orrery');
  }
}

function numberIn(path: string, column: string, text: string): number {
  const value = text === '' ? Number.NaN : Number(text);
  if (!Number.isFinite(value)) throw new UnreadableTable(path, `${JSON.stringify(text)} in ${column}`, 'a number');
  return value;
}

function amountIn(path: string, column: string, text: string): bigint {
  if (!/^\d+$/.test(text)) throw new UnreadableTable(path, `${JSON.stringify(text)} in ${column}`, 'a whole amount');
  return BigInt(text);
}

/**
 * What is compared of a results directory.
 * @throws NotResults; UnreadableTable
 */
export function readCompared(folder: string): ComparedRun {
  const record = readRun(folder);
  return {
    folder,
    record,
    orders: readSteps(folder),
    waits: readWaits(folder),
    leases: readLeases(folder),
    intervals: readIntervals(folder),
    verdict: readVerdict(folder, record),
  };
}

function readSteps(folder: string): ComparedRun['orders'] {
  const path = join(folder, 'events.csv');
  if (!existsSync(path)) return null;
  try {
    return stepsOfOrders(eventRows(path));
  } catch (error) {
    // A row with other fields, or with details that are no JSON.
    throw new UnreadableTable(path, error instanceof Error ? error.message : String(error), 'events of orrery');
  }
}

function readVerdict(folder: string, { params }: RunRecord): ComparedRun['verdict'] {
  const path = join(folder, 'events.csv');
  if (!existsSync(path)) return null;
  try {
    return judgePayments(eventRows(path), paymentRulesOf(params));
  } catch (error) {
    throw new UnreadableTable(path, error instanceof Error ? error.message : String(error), 'events of orrery');
  }
}

function readWaits(folder: string): ComparedRun['waits'] {
  const rows = tableRows(folder, 'orders', ['order', 'tenant', 'end', 'wait_s']);
  if (rows === null) return null;
  const path = join(folder, 'orders.csv');
  const waits = new Map<string, number>();
  for (const [order, tenant, end, wait] of rows as Iterable<[string, string, string, string]>) {
    if (end === 'matched') waits.set(friendlyName(order, tenant), numberIn(path, 'wait_s', wait));
  }
  return waits;
}

function readLeases(folder: string): ComparedRun['leases'] {
  const columns = ['lease', 'tenant', 'created_s', 'active_s', 'ended_s', 'end', 'paid_uakt'];
  const rows = tableRows(folder, 'leases', columns);
  if (rows === null) return null;
  const path = join(folder, 'leases.csv');
  const leases = new Map<string, LeaseTimes>();
  type Row = [string, string, string, string, string, string, string];
  for (const [lease, tenant, created, active, ended, end, paid] of rows as Iterable<Row>) {
    leases.set(friendlyName(lease, tenant), {
      created: numberIn(path, 'created_s', created),
      active: active === '' ? null : numberIn(path, 'active_s', active),
      ended: ended === '' ? null : numberIn(path, 'ended_s', ended),
      end,
      paid: amountIn(path, 'paid_uakt', paid),
    });
  }
  return leases;
}

function readIntervals(folder: string): ComparedRun['intervals'] {
  const rows = tableRows(folder, 'blocks', ['height', 'time_s']);
  if (rows === null) return null;
  const path = join(folder, 'blocks.csv');
  const intervals: number[] = [];
  let before: { readonly height: number; readonly time: number } | null = null;
  for (const [height, time] of rows as Iterable<[string, string]>) {
    const block = { height: numberIn(path, 'height', height), time: numberIn(path, 'time_s', time) };
    if (before !== null && block.height === before.height + 1) intervals.push(block.time - before.time);
    before = block;
  }
  return intervals;
}

/**
 * What a live run measured of its workloads; null when there is no such file.
 * @throws UnreadableTable
 */
export function readWorkloads(folder: string): MeasuredWorkload[] | null {
  const columns = ['image', 'pulled_s', 'started_s', 'stopped_s'];
  const rows = tableRows(folder, 'workloads', columns);
  if (rows === null) return null;
  const path = join(folder, 'workloads.csv');
  const seconds = (column: string, text: string): number | null => (text === '' ? null : numberIn(path, column, text));
  const measured: MeasuredWorkload[] = [];
  for (const [image, pulled, started, stopped] of rows as Iterable<[string, string, string, string]>) {
    measured.push({
      image,
      pulled: seconds('pulled_s', pulled),
      started: seconds('started_s', started),
      stopped: seconds('stopped_s', stopped),
    });
  }
  return measured;
}
