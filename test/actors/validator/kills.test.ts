/**
 * A validator may be killed at any effect, with its unsynced writes in doubt: it comes back, never signs two versions of
 * a statement, has the states that all others have, and the chain goes on. More than a thousand kills, seeded.
 *
 * A seed that fails is put back with `runKillCase(drawKillCase('kill/SEED').options, ...)`.
 */
import { describe, expect, test } from 'vitest';
import { drawKillCase, drawStorm, type KillCase, runKillCase } from './kill-run.ts';

const SECOND = 1_000_000;

/** Runs seeds [from, to), expects nothing wrong in any, and returns how many kills found their moment. */
function runSeeds(draw: (seed: string) => KillCase, name: string, from: number, to: number, height: number): number {
  let struck = 0;
  const problems: string[] = [];
  for (let seed = from; seed < to; seed++) {
    const result = runKillCase(draw(`${name}/${seed}`).options, { until: 40 * SECOND, height });
    struck += result.struck;
    problems.push(...result.problems.map(problem => `${name}/${seed}: ${problem}`));
  }
  expect(problems).toEqual([]);
  return struck;
}

describe('kills at any effect, unsynced writes in doubt', () => {
  test.each([0, 50, 100, 150, 200])('of single validators, seeds from %i', from => {
    expect(runSeeds(drawKillCase, 'kill', from, from + 50, 10)).toBeGreaterThanOrEqual(110);
  });

  test.each([0, 25, 50, 75])('of nearly all around the same votes: no lock is forgotten, seeds from %i', from => {
    expect(runSeeds(drawStorm, 'storm', from, from + 25, 8)).toBeGreaterThanOrEqual(150);
  });
});
