/**
 * Scenarios of a market do not ask how many validators keep its chain: with one, four or seven the same file runs under
 * the same rules and monitors, a run comes out the same twice, and the market comes to much the same.
 *
 * Much the same, and not the same: with several validators a block comes a few network trips later, so that what is
 * drawn falls into other blocks.
 */
import { describe, expect, test } from 'vitest';
import { metric, runFile, type ScenarioRun } from './run.ts';

const SHORT = ['warmup=0s', 'expect=[]'] as const;

/** Scenarios, cut short; what the first expects must hold. */
const MARKETS = [
  { path: 'scenarios/first-lease.yaml', set: [] },
  { path: 'scenarios/spot-market.yaml', set: [...SHORT, 'horizon=90m', 'chain.invariants=every_block'] },
  { path: 'scenarios/attacks/close-while-pending.yaml', set: [...SHORT, 'horizon=1h'] },
] as const;
const COUNTS = [1, 4, 7] as const;

function run(path: string, set: readonly string[], validators: number): ScenarioRun {
  return runFile(path, { set: [...set, `chain.validators=${validators}`] });
}

describe('the number of validators', { timeout: 300_000 }, () => {
  for (const { path, set } of MARKETS) {
    const name = path.replace(/^.*\//, '').replace('.yaml', '');

    test(`${name}: the same market with one, four and seven`, () => {
      const runs = COUNTS.map(count => run(path, set, count));
      const [alone] = runs as [ScenarioRun, ...ScenarioRun[]];
      for (const [i, one] of runs.entries()) {
        expect(one.result.expectations.filter(expectation => !expectation.holds)).toEqual([]);
        // Who is asked how often, and for what, is drawn beside the chain; where it is matched may be a block off.
        expect(metric(one, 'deployments')).toBe(metric(alone, 'deployments'));
        const matched = metric(alone, 'orders_matched');
        expect(Math.abs(metric(one, 'orders_matched') - matched)).toBeLessThanOrEqual(0.05 * matched);
        expect(metric(one, 'leases_broken')).toBe(metric(alone, 'leases_broken'));
        const price = metric(alone, 'price_share');
        expect(Math.abs(metric(one, 'price_share') - price)).toBeLessThan(0.05 * price);
        // A validator alone has nobody to agree with, and its summary says nothing of that.
        if (i === 0) expect(one.result.summary).not.toHaveProperty('rounds_mean');
        else {
          expect(metric(one, 'validators')).toBe(COUNTS[i]);
          expect(metric(one, 'rounds_max')).toBe(1);
          expect(metric(one, 'blocks_missed')).toBe(0);
          expect(metric(one, 'blocks_fetched')).toBe(0);
          expect(metric(one, 'peers_dropped')).toBe(0);
          expect(metric(one, 'proposer_gap')).toBeLessThan(0.01);
        }
      }
      expect(new Set(runs.map(one => one.result.traceHash)).size).toBe(COUNTS.length);
    });
  }

  test('a run with several comes out the same twice', () => {
    for (const count of [4, 7]) {
      const runs = [1, 2].map(() => run('scenarios/spot-market.yaml', [...SHORT, 'horizon=30m'], count));
      expect(runs[1]!.result.traceHash).toBe(runs[0]!.result.traceHash);
      expect(runs[1]!.result.summary).toEqual(runs[0]!.result.summary);
    }
  });
});
