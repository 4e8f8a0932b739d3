/** The due-index against a sorted array, also through roll-backs. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareDue, DueIndex, type DueItem } from '../../../src/protocol/ledger/due-index.ts';
import { Journal } from '../../../src/protocol/ledger/journal.ts';

const shown = (items: readonly DueItem[]) => items.map(one => `${one.due}:${one.sequence}:${one.kind}`);

describe('due-index', () => {
  test('peeks in order of due, then creation, then kind, and leaves everything in place', () => {
    const index = new DueIndex(new Journal(false));
    index.add(7, 1, 'b', 'x');
    index.add(5, 9, 'a', 'y');
    index.add(5, 2, 'z', 'z');
    index.add(5, 2, 'k', 'z');
    index.add(8, 0, 'a', 'w');
    expect(shown(index.peek(7))).toEqual(['5:2:k', '5:2:z', '5:9:a', '7:1:b']);
    expect(shown(index.peek(7))).toEqual(['5:2:k', '5:2:z', '5:9:a', '7:1:b']);
    expect(index.peek(4)).toEqual([]);
    expect(index.size).toBe(5);
  });

  test('refuses a due that is no height or time, and removing twice', () => {
    const index = new DueIndex(new Journal(false));
    expect(() => index.add(-1, 1, 'a', 'x')).toThrow('due at -1');
    expect(() => index.add(1.5, 1, 'a', 'x')).toThrow('due at 1.5');
    expect(() => index.add(2 ** 53, 1, 'a', 'x')).toThrow('due at');
    const item = index.add(1, 1, 'a', 'x');
    index.remove(item);
    expect(() => index.remove(item)).toThrow('not in the index');
    expect(index.size).toBe(0);
  });

  test('agrees with a sorted array through insertions, removals and roll-backs', () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ op: fc.constant('add' as const), due: fc.nat({ max: 20 }) }) },
      { weight: 3, arbitrary: fc.record({ op: fc.constant('remove' as const), due: fc.nat({ max: 1_000 }) }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('begin' as const), due: fc.constant(0) }) },
      { weight: 1, arbitrary: fc.record({ op: fc.constant('rollback' as const), due: fc.constant(0) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), steps => {
        const journal = new Journal(false);
        const index = new DueIndex(journal);
        let model: DueItem[] = [];
        const saved: { position: number; model: DueItem[] }[] = [];
        let sequence = 0;
        for (const { op, due } of steps) {
          if (op === 'add') {
            sequence += 1;
            model = [...model, index.add(due, sequence, due % 2 === 0 ? 'even' : 'odd', `k${sequence}`)];
          } else if (op === 'remove' && model.length > 0) {
            const gone = model[due % model.length] as DueItem;
            index.remove(gone);
            model = model.filter(one => one !== gone);
          } else if (op === 'begin') {
            saved.push({ position: journal.begin(), model });
          } else if (op === 'rollback') {
            const back = saved.pop();
            if (back === undefined) continue;
            journal.rollback(back.position);
            model = back.model;
          }
          expect(index.size).toBe(model.length);
          const limit = due % 21;
          expect(index.peek(limit)).toEqual(model.filter(one => one.due <= limit).toSorted(compareDue));
        }
        expect(index.peek(Number.MAX_SAFE_INTEGER)).toEqual(model.toSorted(compareDue));
      }),
      { numRuns: 300 },
    );
  });
});
