/**
 * From values back to the words of a scenario file: what the loader of scenarios reads as a value is written again so
 * that it is read as the same value. A launcher writes the configurations of a scenario's participants with it, and an
 * `init` its defaults.
 */
import type { ValidatorConduct } from '../../../actors/validator/conduct.ts';
import type {
  Capacity,
  Distribution,
  Escrow,
  ProviderBehaviour,
  Quantity,
  RegionChoice,
  ResourceRates,
  RoundTimeouts,
  Strategy,
} from '../../scenario/types.ts';
import { parseRate } from '../../scenario/units.ts';

/** What YAML can hold. */
export type Words = string | number | boolean | null | readonly Words[] | { readonly [key: string]: Words };

const TIME_UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000_000],
  ['h', 3_600_000_000],
  ['m', 60_000_000],
  ['s', 1_000_000],
  ['ms', 1_000],
  ['us', 1],
];
const SIZE_UNITS: readonly (readonly [string, number])[] = [
  ['Ti', 2 ** 40],
  ['Gi', 2 ** 30],
  ['Mi', 2 ** 20],
  ['Ki', 2 ** 10],
];
const BIT_UNITS: readonly (readonly [string, number])[] = [
  ['Gbps', 1e9],
  ['Mbps', 1e6],
  ['kbps', 1e3],
  ['bps', 1],
];

/** In the largest unit of which it is a whole number; 0 needs none. */
function inUnits(value: number, units: readonly (readonly [string, number])[]): string | number {
  if (value === 0) return 0;
  for (const [unit, size] of units) if (value % size === 0) return `${value / size}${unit}`;
  return value;
}

/** @param value microseconds */
export function durationWords(value: number): string | number {
  return inUnits(Math.round(value), TIME_UNITS);
}

/** @param value bytes */
export function bytesWords(value: number): string | number {
  return inUnits(Math.round(value), SIZE_UNITS);
}

/** @param value micro-AKASH */
export function moneyWords(value: bigint): string {
  return value % 1_000_000n === 0n ? `${value / 1_000_000n} akash` : `${value} uakt`;
}

/** @param value pico-AKASH per second */
export function rateWords(value: bigint): string | number {
  if (value === 0n) return 0;
  const perHour = (value * 3_600n + 500_000n) / 1_000_000n;
  const neat = `${perHour} uakt/h`;
  if (perHour > 0n && parseRate(neat) === value) return neat;
  return `${value / 1_000_000n}.${(value % 1_000_000n).toString().padStart(6, '0')} uakt/s`;
}

function thousandths(value: number): string | number {
  return value % 1_000 === 0 ? value / 1_000 : `${value}m`;
}

/** A value of a quantity, in base units. */
export function quantityWords(quantity: Quantity, value: number): string | number {
  switch (quantity) {
    case 'duration':
      return durationWords(value);
    case 'bytes':
      return bytesWords(value);
    case 'cpu':
    case 'gpu':
      return thousandths(Math.round(value));
    case 'bandwidth':
      return inUnits(Math.round(value), BIT_UNITS);
    case 'rate':
      return rateWords(BigInt(Math.round(value)));
    case 'money':
      return moneyWords(BigInt(Math.round(value)));
    case 'number':
      return value;
  }
}

export function distributionWords(of: Distribution): Words {
  const words = (value: number): string | number => quantityWords(of.quantity, value);
  switch (of.kind) {
    case 'constant':
      return words(of.value);
    case 'uniform':
      return { uniform: [words(of.min), words(of.max)] };
    case 'exponential':
      return { exponential: words(of.mean) };
    case 'normal':
      return { normal: { mean: words(of.mean), sd: words(of.sd) } };
    case 'lognormal':
      return { lognormal: { median: words(of.median), sigma: of.sigma } };
    case 'pareto':
      return { pareto: { min: words(of.min), alpha: of.alpha } };
    case 'weibull':
      return { weibull: { scale: words(of.scale), shape: of.shape } };
    case 'gamma':
      return { gamma: { scale: words(of.scale), shape: of.shape } };
    case 'choice':
      return { choice: { values: of.values.map(words), weights: [...of.weights] } };
    case 'empirical':
      return { empirical: of.values.map(words) };
  }
}

export function ratesWords({ cpu, memory, disk, gpu }: ResourceRates): Words {
  return {
    cpu: distributionWords(cpu),
    memory: distributionWords(memory),
    disk: distributionWords(disk),
    gpu: distributionWords(gpu),
  };
}

export function capacityWords({ cpu, memory, disk, gpu, bandwidth }: Capacity): Words {
  return {
    cpu: quantityWords('cpu', cpu),
    memory: bytesWords(memory),
    disk: bytesWords(disk),
    gpu: quantityWords('gpu', gpu),
    bandwidth: quantityWords('bandwidth', bandwidth),
  };
}

export function regionWords(choice: RegionChoice | null): Words {
  if (choice === null) return 'any';
  const { kind, regions } = choice;
  if (kind === 'cycle') return regions.length === 1 ? regions[0]! : [...regions];
  return { weights: Object.fromEntries(regions.map((region, i) => [region, choice.weights[i]!])) };
}

export function strategyWords(strategy: Strategy): Words {
  switch (strategy.kind) {
    case 'costPlus':
      return { costPlus: { margin: distributionWords(strategy.margin) } };
    case 'utilisation':
      return { utilisation: { base: strategy.base, slope: strategy.slope, exponent: strategy.exponent } };
    case 'undercut':
      return { undercut: { step: strategy.step, floor: strategy.floor, start: strategy.start } };
    case 'fixed':
      return { fixed: { price: ratesWords(strategy.price) } };
    case 'zeroIntelligence':
      return 'zeroIntelligence';
    case 'bestResponse':
      return { bestResponse: { step: strategy.step } };
    case 'sniper':
      return { sniper: { margin: distributionWords(strategy.margin), lead: durationWords(strategy.lead) } };
    case 'expression':
      return { expression: { price: strategy.price } };
    case 'ring':
      return { ring: { name: strategy.name, margin: strategy.margin, floor: strategy.floor } };
  }
}

export function providerBehaviourWords(behaviour: ProviderBehaviour): Words {
  switch (behaviour.kind) {
    case 'honest':
    case 'freeRider':
    case 'noShow':
      return behaviour.kind;
    case 'defaulter':
      return {
        defaulter: {
          offers: { every: distributionWords(behaviour.every) },
          gain: distributionWords(behaviour.gain),
          discount: frequencyWords(behaviour.discount),
        },
      };
    case 'exitScammer':
      return { exitScammer: { after: moneyWords(behaviour.after) } };
    case 'bidAndCancel':
      return { bidAndCancel: { probability: behaviour.probability, after: distributionWords(behaviour.after) } };
    case 'washTrader':
      return {
        washTrader: {
          every: distributionWords(behaviour.every),
          lifetime: distributionWords(behaviour.lifetime),
          price: distributionWords(behaviour.price),
        },
      };
  }
}

/** @param value per second */
function frequencyWords(value: number): string | number {
  return value === 0 ? 0 : `${withoutExponent(value)}/s`;
}

/** The shortest decimal of a number above 0, digit by digit. */
function withoutExponent(value: number): string {
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  const digits = mantissa.replace('.', '');
  const point = 1 + Number(exponent);
  if (point <= 0) return `0.${'0'.repeat(-point)}${digits}`;
  if (point >= digits.length) return digits + '0'.repeat(point - digits.length);
  return `${digits.slice(0, point)}.${digits.slice(point)}`;
}

export function validatorConductWords(conduct: ValidatorConduct): Words {
  const { kind, ...settings } = conduct;
  const words = settings as { readonly [key: string]: Words };
  return Object.keys(words).length === 0 ? kind : { [kind]: words };
}

export function timeoutsWords(timeouts: RoundTimeouts): Words {
  const step = ({ base, delta }: { base: number; delta: number }): Words => ({
    base: durationWords(base),
    delta: durationWords(delta),
  });
  return { propose: step(timeouts.propose), prevote: step(timeouts.prevote), precommit: step(timeouts.precommit) };
}

export function escrowWords(escrow: Escrow): Words {
  switch (escrow.kind) {
    case 'periods':
      return { periods: escrow.periods };
    case 'duration':
      return { duration: durationWords(escrow.duration) };
    case 'money':
      return moneyWords(escrow.amount);
  }
}
