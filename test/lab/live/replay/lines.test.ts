/** What came over a connection, held against what was sent. */
import { describe, expect, it } from 'vitest';
import { type LineEnd, Lines } from '../../../../src/lab/live/replay/lines.ts';
import { SentMessages } from '../../../../src/lab/live/replay/sent-messages.ts';

const a = (connection: number, incarnation = 0): LineEnd => ({ of: 'a', incarnation, connection, peer: 'b' });
const b = (connection: number, incarnation = 0): LineEnd => ({ of: 'b', incarnation, connection, peer: 'a' });

/** Connections of a to b over which the first sends these; b receives others. */
function lines(sent: readonly (readonly number[])[], received: readonly (readonly number[])[]): Lines {
  const all = new Lines();
  sent.forEach((sums, i) => {
    all.open(a(i + 1), false);
    for (const sum of sums) all.send(a(i + 1), sum);
  });
  let input = 0;
  received.forEach((sums, i) => {
    all.open(b(i + 7), true);
    for (const sum of sums) all.receive(b(i + 7), sum, input++);
  });
  return all;
}

const found = (all: Lines, known: 'all' | 'beginning' | 'nothing' = 'all') =>
  all.outOfTurn(() => known).map(({ input, number }) => [input, number]);

describe('what came over a connection', () => {
  it('is how one of the connections to its peer began', () => {
    expect(found(lines([[1, 2, 3]], [[1, 2, 3]]))).toEqual([]);
    expect(found(lines([[1, 2, 3]], [[1, 2]]))).toEqual([]);
    expect(found(lines([[1, 2], [1, 3], [1]], [[1, 3], [1]]))).toEqual([]);
  });

  it('is named where something is missing, doubled, moved or of nobody', () => {
    expect(found(lines([[1, 2, 3]], [[1, 3]]))).toEqual([[1, 2]]);
    expect(found(lines([[1, 2, 3]], [[1, 1, 2]]))).toEqual([[1, 2]]);
    expect(found(lines([[1, 2, 3]], [[1, 3, 2]]))).toEqual([[1, 2]]);
    expect(found(lines([[1, 2, 3]], [[1, 2, 3, 4]]))).toEqual([[3, 4]]);
    expect(found(lines([[1, 2, 3]], [[2, 3]]))).toEqual([[0, 1]]);
    expect(found(lines([[1, 2]], [[1, 2], [5]]))).toEqual([[2, 1]]);
  });

  it('may have gaps where there was no room, and only there', () => {
    const all = lines([[1, 2, 3, 4]], [[1, 4]]);
    all.overflow(a(1));
    expect(found(all)).toEqual([]);
    const moved = lines([[1, 2, 3, 4]], [[1, 4, 2]]);
    moved.overflow(a(1));
    expect(found(moved)).toEqual([[2, 3]]);
  });

  it('is held against as much as is known of its sender', () => {
    expect(found(lines([[1, 2]], [[1, 2, 3]]), 'beginning')).toEqual([]);
    expect(found(lines([[1, 2]], [[1, 3]]), 'beginning')).toEqual([[1, 2]]);
    expect(found(lines([[1, 2]], [[9]]), 'beginning')).toEqual([]);
    expect(found(lines([[1, 2]], [[1, 3]]), 'nothing')).toEqual([]);
  });
});

describe('messages that were sent', () => {
  it('are known by whom and to whom, until too many came after them', () => {
    const sent = new SentMessages();
    sent.add('a', 'b', 1);
    expect([sent.has('a', 'b', 1), sent.has('b', 'a', 1), sent.has('a', 'b', 2)]).toEqual([true, false, false]);
    for (let sum = 2; sum < 65_538; sum++) sent.add('a', 'b', sum);
    // Nobody can say any more.
    expect(sent.has('a', 'b', 1)).toBe(true);
    expect(sent.has('a', 'c', 1)).toBe(false);
  });
});
