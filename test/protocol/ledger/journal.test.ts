/** The undo journal under tables and groups: a span that is rolled back leaves no trace. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Journal, Row } from '../../../src/protocol/ledger/journal.ts';
import { Groups, Table } from '../../../src/protocol/ledger/table.ts';

class Entry extends Row {
  readonly key: string;
  amount = 0;
  words: readonly string[] = [];
  constructor(key: string) {
    super();
    this.key = key;
  }
  leaf(): string {
    return `entry/${this.key}`;
  }
  copy(): object {
    return { ...this };
  }
}

function table(tracksLeaves = true) {
  const journal = new Journal(tracksLeaves);
  return { journal, rows: new Table<Entry>(journal, row => row.key) };
}
const content = (rows: Table<Entry>) => rows.sorted().map(row => [row.key, row.amount, ...row.words]);

describe('table', () => {
  test('refuses a second row of a key, and reading, editing or removing what is not there', () => {
    const { rows } = table();
    rows.insert(new Entry('a'));
    expect(() => rows.insert(new Entry('a'))).toThrow('has a row a already');
    expect(() => rows.need('b')).toThrow('no row b');
    expect(() => rows.edit('b')).toThrow('no row b');
    expect(() => rows.remove('b')).toThrow('no row b to remove');
    expect(rows.get('b')).toBeUndefined();
    expect([rows.has('a'), rows.has('b'), rows.size]).toEqual([true, false, 1]);
  });

  test('sorts by the bytes of the keys, not by UTF-16 units', () => {
    const { rows } = table();
    // U+FF5E is three bytes from EF, U+1F600 four from F0; as UTF-16 units D83D comes before FF5E.
    for (const key of ['\u{1F600}', '\uFF5E', 'b', 'a']) rows.insert(new Entry(key));
    expect(rows.sorted().map(row => row.key)).toEqual(['a', 'b', '\uFF5E', '\u{1F600}']);
  });
});

describe('journal', () => {
  test('a roll-back restores edits, insertions and removals, newest first', () => {
    const { journal, rows } = table();
    rows.insert(new Entry('a'));
    rows.edit('a').amount = 1;
    journal.forget();
    const start = journal.begin();
    rows.edit('a').amount = 2;
    rows.insert(new Entry('b'));
    rows.edit('b').amount = 7;
    rows.remove('a');
    rows.insert(new Entry('a'));
    rows.edit('a').amount = 3;
    journal.rollback(start);
    expect(content(rows)).toEqual([['a', 1]]);
    expect(journal.length).toBe(0);
  });

  test('an inner span rolls back alone; the outer one still restores the beginning', () => {
    const { journal, rows } = table();
    rows.insert(new Entry('a'));
    journal.forget();
    const outer = journal.begin();
    rows.edit('a').amount = 1;
    const inner = journal.begin();
    rows.edit('a').amount = 2;
    journal.rollback(inner);
    expect(content(rows)).toEqual([['a', 1]]);
    rows.edit('a').amount = 5;
    const second = journal.begin();
    rows.edit('a').amount = 6;
    expect(content(rows)).toEqual([['a', 6]]);
    journal.rollback(second);
    expect(content(rows)).toEqual([['a', 5]]);
    journal.rollback(outer);
    expect(content(rows)).toEqual([['a', 0]]);
  });

  test('saves a row once per span', () => {
    const { journal, rows } = table();
    rows.insert(new Entry('a'));
    journal.forget();
    journal.begin();
    for (let i = 0; i < 100; i++) rows.edit('a').amount = i;
    expect(journal.length).toBe(1);
  });

  test('names every leaf that changed, also those that a roll-back changed back', () => {
    const { journal, rows } = table();
    rows.insert(new Entry('a'));
    rows.insert(new Entry('b'));
    expect([...(journal.dirty as Set<string>)].sort()).toEqual(['entry/a', 'entry/b']);
    journal.forget();
    journal.dirty?.clear();
    const start = journal.begin();
    rows.edit('a').amount = 1;
    rows.remove('b');
    journal.dirty?.clear(); // as if a commitment had been made of the changed state
    journal.rollback(start);
    expect([...(journal.dirty as Set<string>)].sort()).toEqual(['entry/a', 'entry/b']);
  });

  test('random programs of spans agree with copies of the whole table', () => {
    const operation = fc.record({
      op: fc.constantFrom('edit', 'insert', 'remove', 'join', 'part', 'begin', 'rollback', 'accept'),
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      amount: fc.nat({ max: 99 }),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 150 }), program => {
        const { journal, rows } = table();
        const groups = new Groups(journal);
        const members = new Set<string>();
        const picture = () => [content(rows), groups.sorted('g'), groups.size('g')];
        const spans: { position: number; before: unknown; members: string[] }[] = [];
        for (const { op, key, amount } of program) {
          if (op === 'edit' && rows.has(key)) {
            const row = rows.edit(key);
            row.amount = amount;
            row.words = [...row.words.slice(-2), key];
          } else if (op === 'insert' && !rows.has(key)) rows.insert(new Entry(key));
          else if (op === 'remove' && rows.has(key)) rows.remove(key);
          else if (op === 'join' && !members.has(key)) {
            groups.add('g', key);
            members.add(key);
          } else if (op === 'part' && members.has(key)) {
            groups.remove('g', key);
            members.delete(key);
          } else if (op === 'begin') {
            spans.push({ position: journal.begin(), before: picture(), members: [...members] });
          } else if (op === 'accept') {
            // A span that succeeded melts into the one around it.
            if (spans.length > 1) spans.pop();
          } else if (op === 'rollback') {
            const span = spans.pop();
            if (span === undefined) continue;
            journal.rollback(span.position);
            expect(picture()).toEqual(span.before);
            members.clear();
            for (const one of span.members) members.add(one);
          }
          expect(groups.sorted('g')).toEqual([...members].sort());
        }
        while (spans.length > 0) {
          const span = spans.pop() as (typeof spans)[number];
          journal.rollback(span.position);
          expect(picture()).toEqual(span.before);
        }
      }),
      { numRuns: 300 },
    );
  });
});
