/** Confidence intervals for what scenarios are tested against: quantiles, batch means. */

/** log of the gamma function (Lanczos, g = 7), good to twelve digits for x > 0.5. */
function logGamma(x: number): number {
  const coefficients = [
    676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059, 12.507343278686905,
    -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
  ];
  let sum = 0.99999999999980993;
  coefficients.forEach((c, i) => {
    sum += c / (x + i);
  });
  const t = x + 6.5;
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(t) - t + Math.log(sum);
}

/** P(T > t) of Student's distribution, by Simpson's rule on its density. `t` >= 0. */
function studentTail(t: number, degrees: number): number {
  const log = logGamma((degrees + 1) / 2) - logGamma(degrees / 2) - 0.5 * Math.log(degrees * Math.PI);
  const density = (x: number): number => Math.exp(log - ((degrees + 1) / 2) * Math.log1p((x * x) / degrees));
  const steps = 2000;
  const h = t / steps;
  let sum = density(0) + density(t);
  for (let i = 1; i < steps; i++) sum += density(i * h) * (i % 2 === 1 ? 4 : 2);
  return 0.5 - (sum * h) / 3;
}

/** The value that Student's distribution exceeds with this probability, below 0.5; degrees Infinity: the normal. */
export function studentQuantile(tail: number, degrees: number): number {
  // A million degrees are the normal distribution to six digits.
  const df = Math.min(degrees, 1e6);
  let low = 0;
  let high = 100;
  while (high - low > 1e-9) {
    const middle = (low + high) / 2;
    if (studentTail(middle, df) > tail) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** How far out of its interval a theory is: above 1 it is refuted. */
export interface Verdict {
  readonly name: string;
  readonly theory: number;
  readonly mean: number;
  readonly halfWidth: number;
  /** |mean - theory| / halfWidth */
  readonly miss: number;
}

function verdict(name: string, theory: number, mean: number, halfWidth: number): Verdict {
  return { name, theory, mean, halfWidth, miss: Math.abs(mean - theory) / halfWidth };
}

/**
 * Holds a mean of batches against theory.
 * @param error probability of refuting a true theory
 */
export function judgeBatches(name: string, theory: number, batches: readonly number[], error: number): Verdict {
  const n = batches.length;
  const mean = batches.reduce((sum, one) => sum + one, 0) / n;
  const variance = batches.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (n - 1);
  return verdict(name, theory, mean, studentQuantile(error / 2, n - 1) * Math.sqrt(variance / n));
}

/** Holds a share of independent trials against theory. */
export function judgeShare(name: string, theory: number, hits: number, trials: number, error: number): Verdict {
  const z = studentQuantile(error / 2, Number.POSITIVE_INFINITY);
  return verdict(name, theory, hits / trials, z * Math.sqrt((theory * (1 - theory)) / trials));
}

/** The verdicts as a readable list of those that refute, for a test's message. */
export function refuted(verdicts: readonly Verdict[]): string[] {
  return verdicts
    .filter(one => !(one.miss <= 1))
    .map(({ name, theory, mean, halfWidth }) => `${name}: ${mean} +- ${halfWidth}, theory ${theory}`);
}
