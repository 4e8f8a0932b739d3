/**
 * Each law against its own mean and distribution function: 20,000 draws from a fixed seed, both within the 99.9 %
 * interval of what the formula says. The tolerance follows from the law, so a wrong parameter is seen.
 */

import seedrandom from 'seedrandom';
import { describe, expect, it } from 'vitest';
import { constant, meanOf, regionChooser, sampler, weighted } from '../../../src/lab/scenario/distributions.ts';
import type { Distribution, Shape } from '../../../src/lab/scenario/types.ts';
import { errorsOf, load, variant } from './fixture.ts';

/** Two-sided 99.9 % quantile of the standard normal. */
const Z = 3.2905;
const DRAWS = 20_000;
const stream = (seed: string) => ({ uniform: seedrandom.alea(seed) });

interface Case {
  readonly law: Shape;
  readonly mean: number;
  readonly sd: number;
  /** A point and the probability of a draw below it. */
  readonly point: number;
  readonly below: number;
}

const CASES: readonly Case[] = [
  { law: { kind: 'uniform', min: 2, max: 6 }, mean: 4, sd: 4 / Math.sqrt(12), point: 3, below: 0.25 },
  { law: { kind: 'exponential', mean: 5 }, mean: 5, sd: 5, point: 5 * Math.log(10), below: 0.9 },
  { law: { kind: 'normal', mean: 50, sd: 4 }, mean: 50, sd: 4, point: 50 + 4 * 1.2815515655446, below: 0.9 },
  // Truncated at zero: mean 1 + phi(1) / Phi(1); the median is where Phi(x - 1) = 1 - Phi(1) / 2.
  { law: { kind: 'normal', mean: 1, sd: 1 }, mean: 1.2876, sd: Math.sqrt(0.62969), point: 1.2001, below: 0.5 },
  {
    law: { kind: 'lognormal', median: 8, sigma: 0.5 },
    mean: 8 * Math.exp(0.125),
    sd: 8 * Math.exp(0.125) * Math.sqrt(Math.exp(0.25) - 1),
    point: 8 * Math.exp(0.5 * 1.2815515655446),
    below: 0.9,
  },
  {
    law: { kind: 'pareto', min: 2, alpha: 5 },
    mean: 2.5,
    sd: Math.sqrt(20 / (16 * 3)),
    point: 2 * 10 ** 0.2,
    below: 0.9,
  },
  {
    law: { kind: 'weibull', scale: 3, shape: 2 },
    mean: (3 * Math.sqrt(Math.PI)) / 2,
    sd: 3 * Math.sqrt(1 - Math.PI / 4),
    point: 3 * Math.sqrt(Math.log(2)),
    below: 0.5,
  },
  { law: { kind: 'gamma', scale: 3, shape: 2 }, mean: 6, sd: 3 * Math.sqrt(2), point: 6, below: 1 - 3 * Math.exp(-2) },
  { law: { kind: 'gamma', scale: 4, shape: 0.5 }, mean: 2, sd: 4 * Math.sqrt(0.5), point: 2, below: 0.682689 },
  { law: { kind: 'choice', values: [1, 10, 100], weights: [7, 2, 1] }, mean: 12.7, sd: 29.4127, point: 5, below: 0.7 },
  { law: { kind: 'empirical', values: [1, 2, 3, 6] }, mean: 3, sd: Math.sqrt(3.5), point: 2.5, below: 0.5 },
];

describe.each(CASES)('$law', ({ law, mean, sd, point, below }) => {
  const draw = sampler({ quantity: 'number', ...law }, stream(`draws of ${law.kind}`));
  const draws = Array.from({ length: DRAWS }, draw);

  it('has the mean of its formula', () => {
    const average = draws.reduce((sum, x) => sum + x, 0) / DRAWS;
    expect(Math.abs(average - mean)).toBeLessThan((Z * sd) / Math.sqrt(DRAWS));
  });

  it('has the quantile of its formula', () => {
    const share = draws.filter(x => x < point).length / DRAWS;
    expect(Math.abs(share - below)).toBeLessThan(Z * Math.sqrt((below * (1 - below)) / DRAWS));
  });

  it('says its mean, or that it has no formula', () => {
    const said = meanOf({ quantity: 'number', ...law });
    if (law.kind === 'normal' && law.mean < 5 * law.sd) expect(said).toBeNull();
    else expect(said).toBeCloseTo(mean, 9);
  });

  it('draws the same from the same seed, and not from another', () => {
    const again = sampler({ quantity: 'number', ...law }, stream(`draws of ${law.kind}`));
    const other = sampler({ quantity: 'number', ...law }, stream('another seed'));
    expect(draws.slice(0, 100)).toEqual(Array.from({ length: 100 }, again));
    expect(draws.slice(0, 100)).not.toEqual(Array.from({ length: 100 }, other));
  });
});

describe('draws', () => {
  it('of all quantities but numbers are whole', () => {
    const law: Shape = { kind: 'exponential', mean: 3 };
    const whole = Array.from({ length: 200 }, sampler({ quantity: 'duration', ...law }, stream('w')));
    expect(whole.every(Number.isSafeInteger)).toBe(true);
    expect(
      Array.from({ length: 200 }, sampler({ quantity: 'number', ...law }, stream('w'))).every(Number.isInteger),
    ).toBe(false);
  });

  it('never leave 0 to 2^53 - 1, whatever the stream gives', () => {
    const laws: Shape[] = [
      { kind: 'exponential', mean: 1e15 },
      { kind: 'pareto', min: 1e15, alpha: 0.01 },
      { kind: 'weibull', scale: 1e15, shape: 0.05 },
      { kind: 'lognormal', median: 1e15, sigma: 10 },
      { kind: 'gamma', scale: 1e15, shape: 0.01 },
      { kind: 'uniform', min: 0, max: Number.MAX_SAFE_INTEGER },
    ];
    for (const law of laws) {
      for (const quantity of ['duration', 'number'] as const) {
        const random = seedrandom.alea(`extreme ${law.kind}`);
        let i = 0;
        // Every third number is at an end of [0, 1), but for laws that reject: they would reject the ends for ever.
        const ends = law.kind !== 'lognormal' && law.kind !== 'gamma';
        const edges = { uniform: () => (ends ? [0, 1 - 2 ** -53, random()][i++ % 3]! : random()) };
        const draw = sampler({ quantity, ...law }, edges);
        for (let n = 0; n < 2_000; n += 1) {
          const x = draw();
          expect(x >= 0 && x <= Number.MAX_SAFE_INTEGER, `${law.kind} gave ${x}`).toBe(true);
        }
      }
    }
  });

  it('a constant draws nothing from the stream', () => {
    const silent = {
      uniform: (): number => {
        throw new Error('drawn from');
      },
    };
    expect(sampler(constant('duration', 5), silent)()).toBe(5);
  });

  it('a defect that gives NaN is stopped', () => {
    const broken: Distribution = { quantity: 'number', kind: 'constant', value: Number.NaN };
    expect(() => sampler(broken, stream('x'))()).toThrow('gave NaN, expected at least 0');
  });
});

describe('weights', () => {
  it('never choose what has none, also at the ends of the stream', () => {
    for (const u of [0, 0.3, 0.5, 1 - 2 ** -53]) {
      const drawn = weighted(['none', 'a', 'none', 'b', 'none'], [0, 1, 0, 1, 0], { uniform: () => u })();
      expect(drawn).toBe(u < 0.5 ? 'a' : 'b');
    }
  });

  it('must be as many as the values, with a sum', () => {
    expect(() => weighted([1], [], stream('x'))).toThrow('found 1 values and 0 weights');
    expect(() => weighted([1], [0], stream('x'))).toThrow('sum to 0');
  });

  it('choose regions for members, and lists go round', () => {
    expect([0, 1, 2].map(regionChooser({ kind: 'cycle', regions: ['eu', 'us'] }, stream('x')))).toEqual([
      'eu',
      'us',
      'eu',
    ]);
    const choose = regionChooser({ kind: 'weights', regions: ['eu', 'us'], weights: [2, 1] }, stream('regions'));
    const drawn = Array.from({ length: 3_000 }, (_, i) => choose(i));
    const share = drawn.filter(region => region === 'eu').length / 3_000;
    expect(Math.abs(share - 2 / 3)).toBeLessThan(Z * Math.sqrt(2 / 9 / 3_000));
  });
});

describe('in a file', () => {
  const delay = (text: string) => variant(['    balance: 10 akash', `    bidDelay: ${text}\n    balance: 10 akash`]);

  it.each([
    ['5s', { kind: 'constant', value: 5_000_000 }],
    ['{constant: 5s}', { kind: 'constant', value: 5_000_000 }],
    ['{uniform: [1s, 2s]}', { kind: 'uniform', min: 1_000_000, max: 2_000_000 }],
    ['{exponential: 6h}', { kind: 'exponential', mean: 21_600_000_000 }],
    ['{normal: {mean: 2s, sd: 1s}}', { kind: 'normal', mean: 2_000_000, sd: 1_000_000 }],
    ['{lognormal: {median: 8s, sigma: 0.5}}', { kind: 'lognormal', median: 8_000_000, sigma: 0.5 }],
    ['{pareto: {min: 1s, alpha: 1.5}}', { kind: 'pareto', min: 1_000_000, alpha: 1.5 }],
    ['{weibull: {scale: 1s, shape: 2}}', { kind: 'weibull', scale: 1_000_000, shape: 2 }],
    ['{gamma: {scale: 1s, shape: 2}}', { kind: 'gamma', scale: 1_000_000, shape: 2 }],
    ['{choice: {values: [1s, 2s]}}', { kind: 'choice', values: [1_000_000, 2_000_000], weights: [1, 1] }],
    [
      '{choice: {values: [1s, 2s], weights: [1, 0]}}',
      { kind: 'choice', values: [1_000_000, 2_000_000], weights: [1, 0] },
    ],
    ['{empirical: [1s, 2s]}', { kind: 'empirical', values: [1_000_000, 2_000_000] }],
  ])('%s', (text, law) => {
    expect(load(delay(text)).scenario.providers[0]!.bidDelay).toEqual({ quantity: 'duration', ...law });
  });

  it('a lognormal may be given by its mean', () => {
    const { bidDelay } = load(delay('{lognormal: {mean: 8s, sigma: 0.5}}')).scenario.providers[0]!;
    expect(meanOf(bidDelay)).toBeCloseTo(8_000_000, 3);
  });

  it.each([
    ['{unifrom: [1s, 2s]}', 'unifrom: found the key "unifrom", expected "uniform" perhaps'],
    ['{uniform: [2s, 1s]}', 'uniform: found a list of 2, expected the lesser bound first'],
    ['{uniform: [1s]}', 'uniform: found a list of 1, expected a list of 2 bounds'],
    ['{uniform: [1, 2s]}', 'uniform.0: found 1, expected a duration'],
    ['{exponential: 0s}', 'exponential: found "0s", expected a duration such as'],
    ['{exponential: -1s}', 'exponential: found "-1s", expected a duration such as'],
    ['{exponential: .nan}', 'exponential: found NaN, expected a duration such as'],
    ['{normal: {mean: 1s}}', 'normal.sd: found nothing, expected a duration'],
    ['{normal: {mean: 1s, sd: 1s, sigma: 2}}', 'normal.sigma: found the key "sigma", expected one of mean, sd'],
    [
      '{lognormal: {median: 8s, mean: 8s, sigma: 1}}',
      'lognormal: found a map, expected exactly one of median and mean',
    ],
    ['{lognormal: {sigma: 1}}', 'lognormal: found a map, expected exactly one of median and mean'],
    ['{lognormal: {median: 8s, sigma: 0}}', 'lognormal.sigma: found 0, expected a number'],
    [
      '{lognormal: {median: 8s, sigma: 11}}',
      'lognormal.sigma: found 11, expected a number such as 0.2, 3 or 20%, at most 10',
    ],
    ['{pareto: {min: 0s, alpha: 1}}', 'pareto.min: found "0s", expected a duration'],
    ['{pareto: {min: 1s, alpha: -1}}', 'pareto.alpha: found -1, expected a number'],
    ['{weibull: {scale: 1s, shape: 0.01}}', 'weibull.shape: found 0.01, expected at least 0.05'],
    ['{gamma: {scale: 1s, shape: 0}}', 'gamma.shape: found 0, expected a number'],
    ['{choice: {values: [1s], weights: [1, 2]}}', 'choice: found a map, expected as many weights as values'],
    ['{choice: {values: [1s], weights: [0]}}', 'choice: found a map, expected weights with a sum above 0'],
    ['{choice: {values: []}}', 'choice.values: found an empty list, expected a list of 1 to 100,000 values'],
    ['{empirical: [1s, x]}', 'empirical.1: found "x", expected a duration'],
    ['{exponential: 1s, uniform: [1s, 2s]}', 'found both exponential and uniform, expected a duration'],
    ['{}', 'found an empty map, expected a duration'],
    ['[1s]', 'found a list of 1, expected a duration'],
    ['null', 'found null, expected a duration'],
  ])('%s is refused', (text, message) => {
    const lines = errorsOf(delay(text));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(`providers.cheap.bidDelay${message.startsWith('found') ? ': ' : '.'}${message}`);
  });
});
