/**
 * Every scenario of the gallery in which one validator keeps the chain: runs with all monitors on, comes out the same a
 * second time, and what its header says is expected holds. Long files run in full once, and their first day twice more.
 */
import { describe, expect, test } from 'vitest';
import { GALLERY, isOfValidators, testScenarios } from './gallery.ts';
import { runFile } from './run.ts';

describe('the gallery', { timeout: 600_000 }, () => {
  test('has what it should have', () => {
    expect(GALLERY.length).toBeGreaterThanOrEqual(35);
  });

  testScenarios(GALLERY.filter(path => !isOfValidators(path)));

  test('another seed is another run', () => {
    const one = runFile('scenarios/spot-market.yaml', { seed: 1, set: ['horizon=14h'] });
    const other = runFile('scenarios/spot-market.yaml', { seed: 2, set: ['horizon=14h'] });
    expect(other.result.traceHash).not.toBe(one.result.traceHash);
  });

  test('an expectation that does not hold is told', () => {
    const { result } = runFile('scenarios/first-lease.yaml', { set: ['expect=[orders_matched == 2, nonsense > 0]'] });
    expect(result.expectations.map(one => one.holds)).toEqual([false, false]);
  });
});
