/**
 * Twenty places where other implementations of consensus have fallen. Each has tests that name it, as `[point N]` in
 * their title, and that fail when the code falls there too; this holds that none of them goes astray.
 */
import { globSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';

const POINTS: readonly string[] = [
  'a quorum is off by one, which shows only where there are not four',
  'heads are counted instead of power',
  'a lock is undone by a polka for nil, or by a later polka',
  'the valid value is not updated in step precommit',
  'a proof-of-lock round is accepted without its polka',
  'the locked round must be before the proof-of-lock round, instead of not after it',
  'a polka for a block that is not yet held is ignored',
  'only the current round can decide',
  'conditions for the first time shadow one another, or outlast a round that was skipped',
  'the precommit timer starts only when all precommits are in',
  'a timer of another height is obeyed',
  'only first votes count, so that an equivocator splits tallies',
  'a lock stays hidden: one node saw a polka that the others missed',
  'the state of the signer is saved and its log lost, and it is stuck for ever',
  'a proposer that starts again proposes another value',
  'a record comes back older than what was said',
  'signatures of a commit are not bound to their validator, so that block time can be bent',
  'evidence is applied twice',
  'stake that leaves still votes, or escapes its slash',
  'exactly two thirds are taken for a quorum, or waited for for ever',
];

/** How often each point is named in the title of a test, by number. */
function named(texts: readonly string[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const text of texts) {
    for (const [title] of text.matchAll(/\(\s*'(?:\[point \d+\] ?)+[^\n]*/g))
      for (const [, number] of title.matchAll(/\[point (\d+)\]/g))
        counts.set(Number(number), (counts.get(Number(number)) ?? 0) + 1);
  }
  return counts;
}

describe('the twenty points', () => {
  const counts = named(globSync('test/**/*.test.ts').map(file => readFileSync(file, 'utf8')));

  test.each(POINTS.map((point, i) => [i + 1, point] as const))('%i: %s', number => {
    expect(counts.get(number) ?? 0).toBeGreaterThan(0);
  });

  test('are twenty, and no test names another', () => {
    expect(POINTS.length).toBe(20);
    expect(Math.max(...counts.keys())).toBe(20);
  });

  test('are looked for in titles alone', () => {
    expect([
      ...named(["test('[point 3] [point 4] one', () => {});", '// [point 5] none', "['[point 6] row', 1]"]),
    ]).toEqual([
      [3, 1],
      [4, 1],
    ]);
  });
});
