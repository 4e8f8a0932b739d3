/**
 * Every scenario of the gallery: runs with all monitors on, comes out the same a second time, and what its header says
 * is expected holds. Long files run in full once, and their first day
 * twice more.
 */
import { readdirSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadScenarioFile } from '../../src/lab/scenario/load-node.ts';
import type { Scenario } from '../../src/lab/scenario/types.ts';
import { runFile } from './run.ts';

/** What two runs are compared over, where the file's own horizon is longer, microseconds. */
const COMPARED = 86_400_000_000;

/** The beginning of a scenario. Nothing is left out of its results. */
function beginningOf(scenario: Scenario): Scenario {
  return scenario.horizon <= COMPARED ? scenario : { ...scenario, horizon: COMPARED, warmup: 0 };
}

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap(entry => {
      const path = `${folder}/${entry.name}`;
      // Traces, and SDL files that a scenario deploys.
      if (entry.isDirectory()) return ['data', 'sdl'].includes(entry.name) ? [] : files(path);
      return entry.name.endsWith('.yaml') ? [path] : [];
    })
    .sort((a, b) => (a < b ? -1 : 1));
}

const GALLERY = files('scenarios');

describe('the gallery', { timeout: 600_000 }, () => {
  test('has what it should have', () => {
    expect(GALLERY.length).toBeGreaterThanOrEqual(24);
  });

  for (const path of GALLERY) {
    const name = path.replace(/^.*\//, '').replace('.yaml', '');

    test(`${name}: says what it is about, and asks for something`, () => {
      const { scenario } = loadScenarioFile(path);
      expect(scenario.name).toBe(name);
      expect(scenario.finding?.length ?? 0).toBeGreaterThan(80);
      expect(scenario.expect.length).toBeGreaterThan(1);
    });

    test(`${name}: expectations hold, and a second run is the same`, () => {
      const full = runFile(path);
      expect(full.result.expectations.filter(one => !one.holds)).toEqual([]);
      const whole = full.result.simulatedSeconds * 1e6 <= COMPARED;
      const first = whole ? full : runFile(path, { change: beginningOf });
      const second = runFile(path, { change: beginningOf });
      expect(second.result.traceHash).toBe(first.result.traceHash);
      expect(second.result.summary).toEqual(first.result.summary);
      expect(second.result.events).toBe(first.result.events);
    });
  }

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
