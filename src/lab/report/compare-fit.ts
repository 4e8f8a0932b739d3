/**
 * Distributions of container times, estimated from what a live run measured, as a scenario writes them: so that the
 * simulated world pulls, starts and stops as the real one did.
 *
 * A lognormal law is described by its median and sigma, the maximum-likelihood estimates from the logarithms, where the
 * values do not speak against it (Lilliefors' test, at 5 %). Where they do, or are few, the values themselves stand there.
 */

/** A workload's times in seconds; null: not measured. */
export interface MeasuredWorkload {
  readonly image: string;
  readonly pulled: number | null;
  readonly started: number | null;
  readonly stopped: number | null;
}

export type Fit =
  /** Nothing was measured. */
  | { readonly kind: 'none' }
  | { readonly kind: 'constant'; readonly value: number; readonly count: number }
  | { readonly kind: 'lognormal'; readonly median: number; readonly sigma: number; readonly count: number }
  | { readonly kind: 'empirical'; readonly values: readonly number[]; readonly count: number };

/** Fewer values than this say nothing about a law. */
const MIN_FOR_LAW = 8;
/** Values of an empirical distribution; of more, so many quantiles stand for all. */
const MAX_VALUES = 200;
/** Critical value of Lilliefors' statistic at 5 %, times the root of the count (large samples). */
const LILLIEFORS = 0.895;
/** A scenario's distributions take no more. */
const MAX_SIGMA = 10;

/** The normal distribution function, to 1.5e-7 (Abramowitz and Stegun 7.1.26). */
function normal(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const tail =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
    Math.exp(-x * x);
  return z >= 0 ? 1 - tail / 2 : tail / 2;
}

/** Largest distance between what was seen and a normal law of this mean and deviation, of values in order. */
function distance(sorted: readonly number[], mean: number, deviation: number): number {
  let largest = 0;
  for (const [i, value] of sorted.entries()) {
    const expected = normal((value - mean) / deviation);
    largest = Math.max(largest, expected - i / sorted.length, (i + 1) / sorted.length - expected);
  }
  return largest;
}

/** The law of some times in seconds, all of them at least 0. */
export function lawOf(times: readonly number[]): Fit {
  const sorted = times.toSorted((a, b) => a - b);
  const count = sorted.length;
  const [least, most] = [sorted[0], sorted[count - 1]];
  if (least === undefined || most === undefined) return { kind: 'none' };
  if (least === most) return { kind: 'constant', value: least, count };
  if (count >= MIN_FOR_LAW && least > 0) {
    const logs = sorted.map(Math.log);
    const mean = logs.reduce((sum, log) => sum + log, 0) / count;
    const sigma = Math.sqrt(logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (count - 1));
    if (sigma <= MAX_SIGMA && distance(logs, mean, sigma) * Math.sqrt(count) <= LILLIEFORS)
      return { kind: 'lognormal', median: Math.exp(mean), sigma, count };
  }
  return { kind: 'empirical', values: thinned(sorted), count };
}

/** At most MAX_VALUES quantiles of values in order, the least and the most among them. */
function thinned(sorted: readonly number[]): number[] {
  if (sorted.length <= MAX_VALUES) return [...sorted];
  const step = (sorted.length - 1) / (MAX_VALUES - 1);
  return Array.from({ length: MAX_VALUES }, (_, i) => sorted[Math.round(i * step)]!);
}

/** Seconds as a scenario's duration: whole microseconds, in the unit that reads best. */
export function durationText(seconds: number): string {
  const us = Math.round(seconds * 1e6);
  if (us === 0) return '0s';
  if (us < 1_000) return `${us}us`;
  return us < 1_000_000 ? `${us / 1_000}ms` : `${us / 1_000_000}s`;
}

function yamlOf(law: Exclude<Fit, { kind: 'none' }>): string {
  if (law.kind === 'constant') return durationText(law.value);
  if (law.kind === 'empirical') return `{empirical: [${law.values.map(durationText).join(', ')}]}`;
  return `{lognormal: {median: ${durationText(law.median)}, sigma: ${Number(law.sigma.toPrecision(4))}}}`;
}

const ABOUT = { pull: 'pulls', start: 'starts', stop: 'stops' } as const;

/** The three laws of a run's workloads. */
export function fitWorkloads(workloads: readonly MeasuredWorkload[]): { pull: Fit; start: Fit; stop: Fit } {
  const times = (of: (one: MeasuredWorkload) => number | null): number[] => workloads.flatMap(one => of(one) ?? []);
  return {
    pull: lawOf(times(one => one.pulled)),
    start: lawOf(times(one => one.started)),
    stop: lawOf(times(one => one.stopped)),
  };
}

/**
 * A `containers:` section for a class of providers.
 * @param source what it was measured in, for the comment
 */
export function fitText(source: string, workloads: readonly MeasuredWorkload[]): string {
  const laws = fitWorkloads(workloads);
  const lines = [
    `# Container times measured in ${source}; for a class of providers:`,
    'containers:',
    ...(['pull', 'start', 'stop'] as const).map(name => {
      const law = laws[name];
      if (law.kind === 'none') return `  # ${name}: nothing was measured`;
      return `  ${name}: ${yamlOf(law)} # of ${law.count} ${ABOUT[name]}`;
    }),
  ];
  if (Object.values(laws).every(law => law.kind === 'none')) lines[1] = '# containers:';
  return `${lines.join('\n')}\n`;
}
