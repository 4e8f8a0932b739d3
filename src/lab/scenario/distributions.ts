/**
 * Makes the distributions of a scenario draw.
 *
 * Draws come from d3-random over the stream that is handed in, so that equal streams give equal draws. A draw is in the
 * base unit of the distribution's quantity, rounded to a whole number for all quantities but plain numbers, never
 * negative, never NaN, and at most 2^53 - 1: the far tail of a Pareto law ends there.
 */

import {
  randomExponential,
  randomGamma,
  randomLogNormal,
  randomNormal,
  randomPareto,
  randomUniform,
  randomWeibull,
} from 'd3-random';
import type { RandomStream } from '../../actors/actor.ts';
import type { Distribution, Quantity, RegionChoice } from './types.ts';

/** How often a truncated normal is drawn again; with a mean of at least 0 even 64 misses in a row are a defect. */
const MAX_REDRAWS = 1_000;

/**
 * A function that draws from the distribution, base units, one stream position after the other.
 *
 * How many numbers a draw takes from the stream depends on the distribution (a gamma draw rejects); streams are
 * therefore given one to each purpose and never shared between two samplers whose draws should not move each other.
 */
export function sampler(distribution: Distribution, stream: RandomStream): () => number {
  const draw = raw(distribution, () => stream.uniform());
  const top = Number.MAX_SAFE_INTEGER;
  const finish = distribution.quantity === 'number' ? (x: number): number => x : Math.round;
  return () => {
    const x = draw();
    // A NaN would fail both comparisons and slip through; it would be a defect here, so it is stopped here.
    if (!(x >= 0)) throw new Error(`a draw from ${JSON.stringify(distribution)} gave ${x}, expected at least 0`);
    return x >= top ? top : finish(x);
  };
}

function raw(distribution: Distribution, random: () => number): () => number {
  switch (distribution.kind) {
    case 'constant': {
      const { value } = distribution;
      return () => value;
    }
    case 'uniform':
      return randomUniform.source(random)(distribution.min, distribution.max);
    case 'exponential':
      return randomExponential.source(random)(1 / distribution.mean);
    case 'normal':
      return truncatedNormal(distribution.mean, distribution.sd, random);
    case 'lognormal':
      return randomLogNormal.source(random)(Math.log(distribution.median), distribution.sigma);
    case 'pareto': {
      const unit = randomPareto.source(random)(distribution.alpha);
      const { min } = distribution;
      return () => min * unit();
    }
    case 'weibull':
      return randomWeibull.source(random)(distribution.shape, 0, distribution.scale);
    case 'gamma':
      return randomGamma.source(random)(distribution.shape, distribution.scale);
    case 'choice':
      return weighted(distribution.values, distribution.weights, { uniform: random });
    case 'empirical': {
      const { values } = distribution;
      return () => values[Math.floor(random() * values.length)]!;
    }
  }
}

function truncatedNormal(mean: number, sd: number, random: () => number): () => number {
  const normal = randomNormal.source(random)(mean, sd);
  return () => {
    for (let redraw = 0; redraw < MAX_REDRAWS; redraw += 1) {
      const x = normal();
      if (x >= 0) return x;
    }
    throw new Error(`a normal with mean ${mean} and sd ${sd} gave ${MAX_REDRAWS} negative draws in a row`);
  };
}

/** Draws one of `values` with probability in proportion to its weight; binary search over the cumulative weights. */
export function weighted<T>(values: readonly T[], weights: readonly number[], stream: RandomStream): () => T {
  if (values.length === 0 || values.length !== weights.length) {
    throw new Error(
      `found ${values.length} values and ${weights.length} weights, expected as many of each, at least one`,
    );
  }
  const upper: number[] = [];
  let total = 0;
  for (const weight of weights) {
    total += weight;
    upper.push(total);
  }
  if (!(total > 0 && Number.isFinite(total)))
    throw new Error(`found weights that sum to ${total}, expected more than 0`);
  return () => {
    const at = stream.uniform() * total;
    let low = 0;
    let high = upper.length - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (at < upper[middle]!) high = middle;
      else low = middle + 1;
    }
    // `at` may round up to the total itself, where entries of weight 0 stand behind the last real one.
    while (low > 0 && weights[low] === 0) low -= 1;
    return values[low]!;
  };
}

/**
 * The mean in base units before rounding, where there is a formula for it; null for a Pareto law without a mean
 * (alpha at most 1) and for a normal that truncation changes noticeably (mean below 5 sd).
 */
export function meanOf(distribution: Distribution): number | null {
  switch (distribution.kind) {
    case 'constant':
      return distribution.value;
    case 'uniform':
      return (distribution.min + distribution.max) / 2;
    case 'exponential':
      return distribution.mean;
    case 'normal':
      return distribution.mean >= 5 * distribution.sd ? distribution.mean : null;
    case 'lognormal':
      return distribution.median * Math.exp(distribution.sigma ** 2 / 2);
    case 'pareto': {
      const { alpha, min } = distribution;
      return alpha > 1 ? (alpha * min) / (alpha - 1) : null;
    }
    case 'weibull':
      return distribution.scale * Math.exp(logGamma(1 + 1 / distribution.shape));
    case 'gamma':
      return distribution.scale * distribution.shape;
    case 'choice': {
      const { values, weights } = distribution;
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      return values.reduce((sum, value, i) => sum + (value * weights[i]!) / total, 0);
    }
    case 'empirical':
      return distribution.values.reduce((sum, value) => sum + value / distribution.values.length, 0);
  }
}

/** ln Gamma(x) for x >= 1: recurrence up to 12, then Stirling's series, which is there good to 1e-15. */
function logGamma(x: number): number {
  let shift = 0;
  let z = x;
  while (z < 12) {
    shift += Math.log(z);
    z += 1;
  }
  const inverse = 1 / z;
  const square = inverse * inverse;
  const series = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188))));
  return (z - 0.5) * Math.log(z) - z + 0.5 * Math.log(2 * Math.PI) + series - shift;
}

/** A distribution that always gives `value` (base units). */
export function constant<Q extends Quantity>(quantity: Q, value: number): Distribution<Q> {
  return { quantity, kind: 'constant', value };
}

/** A function from a member's index to its region; `weights` draw from the stream, one draw a call. */
export function regionChooser(choice: RegionChoice, stream: RandomStream): (index: number) => string {
  if (choice.kind === 'weights') return weighted(choice.regions, choice.weights, stream);
  return index => choice.regions[index % choice.regions.length]!;
}
