/**
 * A validator is killed at each of its effects in turn, before it and after it: between any two of what makes up a
 * height (log, record, votes, block, end of height, execution, snapshot). From each of them it comes back.
 */
import { describe, expect, test } from 'vitest';
import { runKillCase } from './kill-run.ts';

const SECOND = 1_000_000;
/** What a net is made of, and how many effects its first validator has in the heights that are walked through. */
const NETS = [
  { stakes: [10], effects: 80 },
  { stakes: [10, 10], effects: 140 },
  { stakes: [10, 10, 10, 10], effects: 200 },
  // Without the first one there is no quorum: all wait for it.
  { stakes: [20, 5, 5], effects: 170 },
];

describe.each(NETS)('killed at each of $effects effects, stakes $stakes', ({ stakes, effects }) => {
  test.each(['before', 'after'] as const)('%s it', point => {
    const problems: string[] = [];
    let struck = 0;
    for (let nth = 1; nth <= effects; nth++) {
      const at = { actor: 'validator-0', effect: 'any' as const, nth, point };
      const faults = [{ kind: 'crash' as const, target: 'validator-0', at, for: 400_000 + 7_000 * (nth % 100) }];
      const options = { seed: nth, stakes, faults, snapshotEvery: 2, latency: 20_000, keepBlocks: 2, load: 2 };
      const result = runKillCase(options, { until: 14 * SECOND, height: 6 });
      struck += result.struck;
      problems.push(...result.problems.map(problem => `effect ${nth}: ${problem}`));
    }
    expect(problems).toEqual([]);
    expect(struck).toBe(effects);
  });
});
