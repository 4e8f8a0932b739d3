/**
 * How distributions are written in a scenario, for each kind of quantity: a plain value, or a map with the name of the
 * law as its key. The parameters are in the quantity's own units (`{lognormal: {median: 8s, sigma: 0.5}}`), and whatever
 * they are, every draw is a value that could have been written in its place.
 */

import type { z } from 'zod';
import { choice, list, quantity, shape } from './fields.ts';
import type { Distribution, Quantity, Shape } from './types.ts';
import { EXPECTED, grouped } from './units.ts';

/** Most values that a distribution may list. */
const MAX_VALUES = 100_000;
/** Beyond these a law is no longer what anybody means: draws overflow, or all but one in 10^9 are zero. */
const SIGMA = { positive: true, max: 10 } as const;
const EXPONENT = { positive: true, max: 1_000 } as const;

/**
 * A distribution of a quantity. `positive`: the value 0 is refused where it would be certain or listed (a rhythm of no
 * time, a price of nothing).
 */
export function distribution<Q extends Quantity>(
  of: Q,
  bounds: { positive?: boolean } = {},
): z.ZodType<Distribution<Q>> {
  const known = laws(of, bounds);
  return choice(`${of}-distribution`, EXPECTED[of], { tagged: known, plain: known.constant! });
}

/** The laws by name, for a choice that offers more than distributions. */
export function laws<Q extends Quantity>(
  of: Q,
  bounds: { positive?: boolean } = {},
): Record<string, z.ZodType<Distribution<Q>>> {
  const value = quantity(of, bounds);
  const positive = quantity(of, { positive: true });
  const any = quantity(of);
  const tag = (law: Shape): Distribution<Q> => ({ quantity: of, ...law });
  const sigma = quantity('number', SIGMA);
  return {
    constant: value.transform(v => tag({ kind: 'constant', value: v })),
    uniform: list(any, 2, 2, 'bounds, the lesser first')
      .refine(([min, max]) => min! <= max!, { error: 'the lesser bound first' })
      .refine(([, max]) => bounds.positive !== true || max! > 0, { error: `${EXPECTED[of]}, above 0` })
      .transform(([min, max]) => tag({ kind: 'uniform', min: min!, max: max! })),
    exponential: positive.transform(v => tag({ kind: 'exponential', mean: v })),
    normal: shape({ mean: value, sd: any }).transform(({ mean: m, sd }) => tag({ kind: 'normal', mean: m, sd })),
    lognormal: shape({ median: positive.optional(), mean: positive.optional(), sigma })
      .refine(law => (law.median === undefined) !== (law.mean === undefined), {
        error: 'exactly one of median and mean beside sigma',
      })
      .transform(law => {
        const median = law.median ?? law.mean! * Math.exp(-(law.sigma ** 2) / 2);
        return tag({ kind: 'lognormal', median, sigma: law.sigma });
      }),
    pareto: shape({ min: positive, alpha: quantity('number', EXPONENT) }).transform(law =>
      tag({ kind: 'pareto', ...law }),
    ),
    weibull: shape({
      scale: positive,
      shape: quantity('number', EXPONENT).refine(k => k >= 0.05, { error: 'at least 0.05' }),
    }).transform(law => tag({ kind: 'weibull', ...law })),
    gamma: shape({ scale: positive, shape: quantity('number', { positive: true, max: 1_000_000 }) }).transform(law =>
      tag({ kind: 'gamma', ...law }),
    ),
    choice: shape({
      values: list(value, 1, MAX_VALUES, 'values'),
      weights: list(quantity('number'), 1, MAX_VALUES, 'weights').optional(),
    })
      .refine(({ values, weights }) => weights === undefined || weights.length === values.length, {
        error: 'as many weights as values',
      })
      .refine(({ weights }) => weights === undefined || sumsToPositive(weights), {
        error: 'weights with a sum above 0 that is not beyond counting',
      })
      .transform(({ values, weights }) => tag({ kind: 'choice', values, weights: weights ?? values.map(() => 1) })),
    empirical: list(value, 1, MAX_VALUES, `values (at most ${grouped(MAX_VALUES)})`).transform(values =>
      tag({ kind: 'empirical', values }),
    ),
  };
}

export function sumsToPositive(weights: readonly number[]): boolean {
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return sum > 0 && sum <= Number.MAX_SAFE_INTEGER;
}
