/**
 * The whole market as an ordered loss system, held against Erlang's formula (scenarios/erlang-b.yaml explains it).
 *
 * Intervals are from batch means and hold jointly at 99 %, over all quantities and all distributions of lease
 * times, each by itself and together.
 */
import { describe, expect, test } from 'vitest';
import { type Row, runFile, type ScenarioRun } from './run.ts';
import { judgeBatches, refuted, type Verdict } from './statistics.ts';

const NAMES = ['first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth'];
const SLOTS = 8;
const LOAD = 72;
const DAY_S = 86_400;
const WARMUP_S = 3 * DAY_S;
const BATCHES = 20;
/** Lease times of mean ten hours. A log-normal's mean is its median times exp(sigma^2 / 2). */
const LIFETIMES = [
  { name: 'exponential', days: 40, seed: 11, lifetime: '{exponential: 10h}' },
  { name: 'fixed', days: 30, seed: 12, lifetime: '10h' },
  {
    name: 'log-normal',
    days: 30,
    seed: 13,
    lifetime: `{lognormal: {median: ${Math.round(36_000 / Math.exp(0.5))}s, sigma: 1}}`,
  },
];
/** Each quantity in each run, and in all runs together. */
const ERROR = 0.01 / ((LIFETIMES.length + 1) * (NAMES.length + 1));

/** Erlang's loss formula, by its recursion. */
function erlangB(servers: number, load: number): number {
  let blocking = 1;
  for (let i = 1; i <= servers; i++) blocking = (load * blocking) / (i + load * blocking);
  return blocking;
}

/** Mean busy slots of the i-th cheapest provider, from 1. */
function loadOf(rank: number, load = LOAD): number {
  return load * (erlangB(SLOTS * (rank - 1), load) - erlangB(SLOTS * rank, load));
}

interface Batches {
  /** Share of orders that expired. */
  readonly blocking: number[];
  /** Mean busy slots by provider class. */
  readonly loads: Map<string, number[]>;
}

function batchesOf(run: ScenarioRun, days: number): Batches {
  const length = (days * DAY_S - WARMUP_S) / BATCHES;
  const batchOf = (time: number): number => Math.floor((time - WARMUP_S) / length);
  const orders = Array.from({ length: BATCHES }, () => ({ all: 0, expired: 0 }));
  for (const row of run.tables.get('orders') ?? []) {
    const batch = orders[batchOf(Number(row[4]))];
    if (batch === undefined) continue;
    batch.all += 1;
    if (row[8] === 'expired') batch.expired += 1;
  }
  const loads = new Map(NAMES.map(name => [name, new Array<number>(BATCHES).fill(0)]));
  for (const row of run.tables.get('leases') ?? []) addLease(row, loads.get(String(row[3])), length);
  return { blocking: orders.map(({ all, expired }) => expired / all), loads };
}

/** Adds the time of one lease to the batches that it lies in. */
function addLease(row: Row, sums: number[] | undefined, length: number): void {
  if (sums === undefined) throw new Error(`a lease of the class ${row[3]}, which is none of the ten`);
  const from = Number(row[4]) - WARMUP_S;
  const until = row[6] === null ? Number.POSITIVE_INFINITY : Number(row[6]) - WARMUP_S;
  for (let i = Math.max(0, Math.floor(from / length)); i < BATCHES && i * length < until; i++) {
    sums[i] = (sums[i] as number) + (Math.min(until, (i + 1) * length) - Math.max(from, i * length)) / length;
  }
}

/** Holds batches against the theory of a market in which so many slots are asked for at a time. */
function verdictsOf({ blocking, loads }: Batches, load = LOAD): Verdict[] {
  return [
    judgeBatches('blocking', erlangB(SLOTS * NAMES.length, load), blocking, ERROR),
    ...NAMES.map((name, i) => judgeBatches(`load of ${name}`, loadOf(i + 1, load), loads.get(name) ?? [], ERROR)),
  ];
}

function together(parts: readonly Batches[]): Batches {
  return {
    blocking: parts.flatMap(one => one.blocking),
    loads: new Map(NAMES.map(name => [name, parts.flatMap(one => one.loads.get(name) ?? [])])),
  };
}

function runMarket(days: number, seed: number, set: readonly string[]): Batches {
  const run = runFile('scenarios/erlang-b.yaml', {
    seed,
    set: [`horizon=${days}d`, 'observe.files=[orders, leases]', ...set],
  });
  return batchesOf(run, days);
}

const done = new Map<string, Batches>();

/** One run per distribution, whichever test asks first. */
function batchesWith({ name, days, seed, lifetime }: (typeof LIFETIMES)[number]): Batches {
  const known = done.get(name) ?? runMarket(days, seed, [`tenants.users.lifetime=${lifetime}`]);
  done.set(name, known);
  return known;
}

describe('ordered Erlang-B market', { timeout: 600_000 }, () => {
  test('the formula is the one of the specification', () => {
    expect(erlangB(SLOTS * NAMES.length, LOAD).toFixed(6)).toBe('0.034468');
    const loads = NAMES.map((_, i) => loadOf(i + 1).toFixed(3));
    expect(loads.join(' ')).toBe('7.879 7.847 7.802 7.734 7.627 7.452 7.146 6.587 5.561 3.882');
  });

  for (const lifetimes of LIFETIMES) {
    test(`blocking and the load of each provider, ${lifetimes.name} lease times`, () => {
      expect(refuted(verdictsOf(batchesWith(lifetimes)))).toEqual([]);
    });
  }

  test('blocking and loads of all runs together, which would tell a demand a tenth off', () => {
    const all = together(LIFETIMES.map(batchesWith));
    expect(refuted(verdictsOf(all))).toEqual([]);
    expect(refuted(verdictsOf(all, 0.9 * LOAD))).not.toEqual([]);
    expect(refuted(verdictsOf(all, 1.1 * LOAD))).not.toEqual([]);
    const [blocking] = verdictsOf(all);
    expect(blocking?.halfWidth).toBeLessThan(0.025);
  });

  test('without a price to rank them by, the loads are not those of theory', () => {
    // All ask for the same, after a while of their own: whose bid stands first is chance.
    const flat = NAMES.flatMap(name => [
      `providers.${name}.strategy.fixed.price.cpu=1000 uakt/h`,
      `providers.${name}.bidDelay={uniform: [0s, 4s]}`,
    ]);
    expect(refuted(verdictsOf(runMarket(12, 14, flat))).length).toBeGreaterThan(5);
  });

  test('if the dearest won, the loads would not be those of theory', () => {
    const reversed = NAMES.map((name, i) => `providers.${name}.strategy.fixed.price.cpu=${1090 - 10 * i} uakt/h`);
    expect(refuted(verdictsOf(runMarket(12, 15, reversed))).length).toBeGreaterThan(5);
  });
});
