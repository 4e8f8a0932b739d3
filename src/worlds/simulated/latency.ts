/**
 * How long a packet travels: latency models of the simulated network. All figures are one-way microseconds.
 */
import type { RandomStream } from '../../actors/actor.ts';

/** Draws from one distribution, e.g. the latencies of one directed link. */
export interface Sampler {
  /** The value when it never varies (then nothing is drawn), else null. */
  readonly constant: number | null;
  sample(stream: RandomStream): number;
}

export interface LatencyModel {
  /** One-way latency in whole microseconds from a region to a region. */
  sample(fromRegion: string, toRegion: string, stream: RandomStream): number;
  /** The same for one pair of regions, looked up once per link. */
  link(fromRegion: string, toRegion: string): Sampler;
}

/** 90th percentile of the standard normal distribution. */
const Z90 = 1.2815515655446004;

/** Latencies are cut here: half a minute on the way is what a broken network does, and breaks are modelled apart. */
const MAX_LATENCY_US = 30_000_000;

/** A sampler that always gives the same whole number of microseconds. */
export function constantSampler(value_us: number): Sampler {
  const value = wholeMicroseconds(value_us, 'a constant latency');
  return { constant: value, sample: () => value };
}

/**
 * A log-normal sampler fitted to its median and 90th percentile. One draw a sample.
 * @param p50_us median
 * @param p90_us 90th percentile, not below the median; equal to it, the sampler is constant
 */
export function logNormalSampler(p50_us: number, p90_us: number): Sampler {
  if (!(p50_us > 0 && p90_us >= p50_us && p90_us < Number.POSITIVE_INFINITY)) {
    throw new RangeError(`expected 0 < p50 <= p90, found p50 ${p50_us} us and p90 ${p90_us} us`);
  }
  if (p50_us === p90_us) return constantSampler(Math.round(p50_us));
  const mu = Math.log(p50_us);
  const sigma = (Math.log(p90_us) - mu) / Z90;
  return {
    constant: null,
    sample(stream) {
      const value = Math.exp(mu + sigma * normalQuantile(stream.uniform()));
      return value < MAX_LATENCY_US ? Math.round(value) : MAX_LATENCY_US;
    },
  };
}

/** Every packet takes equally long. */
export function constantLatency(one_way_us: number): LatencyModel {
  const sampler = constantSampler(one_way_us);
  const value = sampler.constant!;
  return { sample: () => value, link: () => sampler };
}

/** A directed pair of regions; without the opposite pair, it holds for both directions. */
export interface RegionPair {
  readonly from: string;
  readonly to: string;
  readonly p50_us: number;
  readonly p90_us: number;
}

export interface RegionMatrix {
  readonly pairs: readonly RegionPair[];
  /** One way, for pairs that are not listed. */
  readonly default: Sampler;
  /** True when the figures of the pairs are round trips; each way then takes half. */
  readonly roundTrip?: boolean;
}

/** Latencies by region: log-normal for each directed pair, fitted to a median and a 90th percentile. */
export function regionMatrix(matrix: RegionMatrix): LatencyModel {
  const scale = matrix.roundTrip === true ? 0.5 : 1;
  const samplers = new Map<string, Sampler>();
  for (const pair of matrix.pairs) {
    const key = pairKey(pair.from, pair.to);
    if (samplers.has(key)) throw new RangeError(`the latency from ${pair.from} to ${pair.to} is given twice`);
    samplers.set(key, logNormalSampler(pair.p50_us * scale, pair.p90_us * scale));
  }
  for (const pair of matrix.pairs) {
    const opposite = pairKey(pair.to, pair.from);
    if (!samplers.has(opposite)) samplers.set(opposite, samplers.get(pairKey(pair.from, pair.to))!);
  }
  const link = (from: string, to: string): Sampler => samplers.get(pairKey(from, to)) ?? matrix.default;
  return { sample: (from, to, stream) => link(from, to).sample(stream), link };
}

function pairKey(from: string, to: string): string {
  return JSON.stringify([from, to]);
}

/** Checks that a figure is a whole, non-negative number of microseconds. */
export function wholeMicroseconds(value: number, what: string): number {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(`${what} must be a whole number of microseconds, found ${value}`);
  }
  return value;
}

// Coefficients of Wichura's rational approximations, in ascending powers: centre, near tail, far tail.
const CENTRE_NUMERATOR = [
  3.3871328727963665, 133.14166789178438, 1971.5909503065513, 13731.69376550946, 45921.95393154987, 67265.7709270087,
  33430.57558358813, 2509.0809287301227,
] as const;
const CENTRE_DENOMINATOR = [
  1, 42.31333070160091, 687.1870074920579, 5394.196021424751, 21213.794301586597, 39307.89580009271, 28729.085735721943,
  5226.495278852854,
] as const;
const NEAR_NUMERATOR = [
  1.4234371107496835, 4.630337846156546, 5.769497221460691, 3.6478483247632045, 1.2704582524523684, 0.2417807251774506,
  0.022723844989269184, 0.0007745450142783414,
] as const;
const NEAR_DENOMINATOR = [
  1, 2.053191626637759, 1.6763848301838038, 0.6897673349851, 0.14810397642748008, 0.015198666563616457,
  0.0005475938084995345, 1.0507500716444169e-9,
] as const;
const FAR_NUMERATOR = [
  6.657904643501103, 5.463784911164114, 1.7848265399172913, 0.29656057182850487, 0.026532189526576124,
  0.0012426609473880784, 2.7115555687434876e-5, 2.0103343992922881e-7,
] as const;
const FAR_DENOMINATOR = [
  1, 0.599832206555888, 0.1369298809227358, 0.014875361290850615, 0.0007868691311456133, 1.8463183175100548e-5,
  1.421511758316446e-7, 2.0442631033899397e-15,
] as const;

type Coefficients = readonly [number, number, number, number, number, number, number, number];

function polynomial(c: Coefficients, x: number): number {
  return ((((((c[7] * x + c[6]) * x + c[5]) * x + c[4]) * x + c[3]) * x + c[2]) * x + c[1]) * x + c[0];
}

/**
 * The standard normal distribution's quantile function.
 * Source: M. J. Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37 (1988); about 16 digits.
 * @param p in [0, 1); 0 is taken for 2^-33, half of a stream's smallest step
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) {
    const r = 0.180625 - q * q;
    return (q * polynomial(CENTRE_NUMERATOR, r)) / polynomial(CENTRE_DENOMINATOR, r);
  }
  const tail = q > 0 ? 1 - p : p === 0 ? 2 ** -33 : p;
  const r = Math.sqrt(-Math.log(tail));
  const z =
    r <= 5
      ? polynomial(NEAR_NUMERATOR, r - 1.6) / polynomial(NEAR_DENOMINATOR, r - 1.6)
      : polynomial(FAR_NUMERATOR, r - 5) / polynomial(FAR_DENOMINATOR, r - 5);
  return q < 0 ? -z : z;
}
