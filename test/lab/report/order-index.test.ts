import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsvFile, csvText } from '../../../src/lab/experiment/results-csv.ts';
import { eventRows, fieldsOf } from '../../../src/lab/report/event-rows.ts';
import { findOrder, interestingOrders } from '../../../src/lab/report/order-index.ts';
import { TABLES } from '../../../src/lab/report/tables.ts';
import { broken, leased, NEXT, ORDER, opened, row } from './story-events.ts';

const OTHER = 'akash1other/17/0/0';
const rows = [
  opened(10),
  { ...opened(11, OTHER), participant: 'web-30' },
  leased(13, 'cheap', 300_000n),
  row(21, 'OrderClosed', OTHER, 'web-30', { order: OTHER, tenant: 'web-30', region: 'eu', reason: 'expired' }),
  broken(366, 'cheap', true),
  opened(366, NEXT),
];

describe('an order is found', () => {
  it.each([
    [ORDER, 'web-3/4/0/0'],
    ['web-3/4/0/1', 'web-3/4/0/1'],
    ['web-30', 'web-30/17/0/0'],
    ['akash1other', 'web-30/17/0/0'],
    ['17/0/0', 'web-30/17/0/0'],
    ['matched:1', 'web-3/4/0/0'],
    ['broken:1', 'web-3/4/0/0'],
    ['renewed:1', 'web-3/4/0/0'],
    ['expired:1', 'web-30/17/0/0'],
  ])('by %s', (wanted, name) => {
    expect(findOrder(rows, wanted).found?.name).toBe(name);
  });

  it('by nothing that fits several or none', () => {
    const several = findOrder(rows, 'web-3/4');
    expect(several.found).toBeNull();
    expect(several.candidates.map(one => one.name)).toEqual(['web-3/4/0/0', 'web-3/4/0/1']);
    expect(findOrder(rows, 'web-4')).toEqual({ found: null, candidates: [], more: false });
    expect(findOrder(rows, 'expired:2').found).toBeNull();
    expect(findOrder(rows, '7/0/0').found).toBeNull();
  });
});

it('interesting orders are the first of each kind', () => {
  const found = interestingOrders(rows).map(({ pick, name }) => [pick, name]);
  expect(found).toEqual([
    ['matched:1', 'web-3/4/0/0'],
    ['broken:1', 'web-3/4/0/0'],
    ['expired:1', 'web-30/17/0/0'],
    ['renewed:1', 'web-3/4/0/0'],
    ['web-3/4/0/0', 'web-3/4/0/0'],
    ['web-3/4/0/0', 'web-3/4/0/0'],
  ]);
});

describe('events.csv', () => {
  it('reads back as it was written, across chunks and whatever the text', () => {
    const folder = mkdtempSync(join(tmpdir(), 'orrery-rows-'));
    try {
      const path = join(folder, 'events.csv');
      const file = new CsvFile(
        path,
        TABLES.events.map(column => column.name),
      );
      const long = 'é'.repeat(300_000);
      for (let i = 0; i < 10; i++) file.row([i, i / 2, 'OrderOpened', `a/${i}`, 'web, "the" first', `{"x":"${long}"}`]);
      file.close();
      const read = [...eventRows(path)];
      expect(read).toHaveLength(10);
      expect(read[7]).toEqual({
        height: 7,
        time: 3.5,
        type: 'OrderOpened',
        subject: 'a/7',
        participant: 'web, "the" first',
        details: `{"x":"${long}"}`,
      });
      writeFileSync(path, 'height,type\n1,x\n');
      expect(() => [...eventRows(path)]).toThrow('expected height,time_s,type');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('splits every line that the writer makes', () => {
    const field = fc.string({ maxLength: 20 }).filter(text => !/[\r\n]/.test(text));
    fc.assert(
      fc.property(fc.array(field, { minLength: 2, maxLength: 8 }), fields => {
        expect(fieldsOf(csvText([fields]).slice(0, -1))).toEqual(fields);
      }),
    );
  });
});
