/** Default decisions against outside offers, held against theory (scenarios/collateral-study.yaml explains it). */
import { describe, expect, test } from 'vitest';
import { metric, runFile, type ScenarioRun } from './run.ts';
import { judgeShare, refuted, type Verdict } from './statistics.ts';

const THETA = 0.5;
const MU = 0.2;
const DISCOUNT = 0.05;
const GAIN = 1;
const ARMS = [
  { name: 'none', collateral: 0 },
  { name: 'two', collateral: 2 },
  { name: 'four', collateral: 4 },
  { name: 'eight', collateral: 8 },
  { name: 'twelve', collateral: 12 },
] as const;
const ERROR = 0.01;

/** P(default before the tenant closes), for a collateral in AKASH. */
function theory(collateral: number): number {
  const x = THETA * Math.exp((-collateral * (MU + DISCOUNT)) / GAIN);
  return x / (x + MU);
}

function verdicts(run: ScenarioRun): Verdict[] {
  return ARMS.map(({ name, collateral }) => {
    const defaults = metric(run, `${name}_defaults`);
    const leases = metric(run, `${name}_matched`);
    return judgeShare(`C = ${collateral}`, theory(collateral), defaults, leases, ERROR / ARMS.length);
  });
}

describe('collateral deterrence', () => {
  test('the theory is the one of the specification', () => {
    expect(ARMS.map(({ collateral }) => theory(collateral).toFixed(3))).toEqual([
      '0.714',
      '0.603',
      '0.479',
      '0.253',
      '0.111',
    ]);
  });

  test('shares of leases that are left for an offer, jointly at 99 %', () => {
    const run = runFile('scenarios/collateral-study.yaml', { seed: 20 });
    expect(refuted(verdicts(run))).toEqual([]);
    // Intervals that could not tell one collateral from the next would prove nothing.
    for (const { halfWidth } of verdicts(run)) expect(halfWidth).toBeLessThan(0.04);
  });

  test('providers that reckon with another discount are found out', () => {
    const set = ['horizon=6d', ...ARMS.map(({ name }) => `tenants.${name}.last=4d`)];
    set.push('providers.tempted.behaviour.defaulter.discount=0.18/h');
    const run = runFile('scenarios/collateral-study.yaml', { seed: 21, set });
    expect(refuted(verdicts(run)).length).toBeGreaterThan(0);
  });
});
