/** What is asked of every scenario of the gallery; its test files share them out, so that they run side by side. */
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
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

export const GALLERY: readonly string[] = files('scenarios');

/** Scenarios in which several validators decide. */
export function isOfValidators(path: string): boolean {
  const { validators } = loadScenarioFile(path).scenario.chain;
  return validators.reduce((sum, one) => sum + one.count, 0) > 1;
}

/** Each says what it is about, its expectations hold, and a second run is the same. */
export function testScenarios(paths: readonly string[]): void {
  for (const path of paths) {
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
      const whole = full.result.seconds * 1e6 <= COMPARED;
      const first = whole ? full : runFile(path, { change: beginningOf });
      const second = runFile(path, { change: beginningOf });
      expect(second.result.traceHash).toBe(first.result.traceHash);
      expect(second.result.summary).toEqual(first.result.summary);
      expect(second.result.events).toBe(first.result.events);
    });
  }
}
