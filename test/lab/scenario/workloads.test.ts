import seedrandom from 'seedrandom';
import { describe, expect, it } from 'vitest';
import { POD_COLUMNS, readPods } from '../../../src/lab/scenario/trace.ts';
import type { Arrivals, Workload } from '../../../src/lab/scenario/types.ts';
import { arrivalTimes, podArrivals, workloadScale } from '../../../src/lab/scenario/workloads.ts';

const Z = 3.2905;
const HOUR = 3_600_000_000;
const DAY = 24 * HOUR;
const stream = (seed: string) => ({ uniform: seedrandom.alea(seed) });
const times = (arrivals: Arrivals, first: number, last: number, seed = 'a') => [
  ...arrivalTimes(arrivals, { first, last }, stream(seed)),
];

const PROCESSES: readonly Arrivals[] = [
  { kind: 'poisson', every: HOUR / 60 },
  { kind: 'diurnal', every: HOUR / 60, amplitude: 0.8, peak: 14 * HOUR },
  { kind: 'renewal', every: { quantity: 'duration', kind: 'pareto', min: HOUR / 120, alpha: 1.5 } },
];

describe.each(PROCESSES)('$kind', process => {
  it('gives whole, ascending times within the window, the same for the same seed', () => {
    const drawn = times(process, 5 * HOUR, 2 * DAY);
    expect(drawn.length).toBeGreaterThan(500);
    expect(drawn.every(Number.isSafeInteger)).toBe(true);
    expect(drawn.every((time, i) => time >= (drawn[i - 1] ?? 5 * HOUR) && time < 2 * DAY)).toBe(true);
    expect(times(process, 5 * HOUR, 2 * DAY)).toEqual(drawn);
    expect(times(process, 5 * HOUR, 2 * DAY, 'b')).not.toEqual(drawn);
  });

  it('gives nothing in an empty window', () => {
    expect(times(process, HOUR, HOUR)).toEqual([]);
  });
});

describe('rates (99.9 % intervals, fixed seeds)', () => {
  it('a Poisson process has as many arrivals as its rate says, and gaps as scattered as they are long', () => {
    const drawn = times({ kind: 'poisson', every: 60_000_000 }, 0, 14 * DAY);
    const expected = (14 * DAY) / 60_000_000;
    expect(Math.abs(drawn.length - expected)).toBeLessThan(Z * Math.sqrt(expected));
    const long = drawn.filter((time, i) => time - (drawn[i - 1] ?? 0) > 60_000_000).length / drawn.length;
    expect(Math.abs(long - Math.exp(-1))).toBeLessThan(
      Z * Math.sqrt((Math.exp(-1) * (1 - Math.exp(-1))) / drawn.length),
    );
  });

  it('a diurnal process has its mean rate over whole days, and its amplitude around the peak', () => {
    const drawn = times({ kind: 'diurnal', every: 60_000_000, amplitude: 0.6, peak: 14 * HOUR }, 0, 20 * DAY);
    const expected = (20 * DAY) / 60_000_000;
    expect(Math.abs(drawn.length - expected)).toBeLessThan(Z * Math.sqrt(expected));
    // In the hours of above-average rate, 8 to 20, the share is 1/2 + amplitude / pi.
    const share = drawn.filter(time => time % DAY >= 8 * HOUR && time % DAY < 20 * HOUR).length / drawn.length;
    const wanted = 0.5 + 0.6 / Math.PI;
    expect(Math.abs(share - wanted)).toBeLessThan(Z * Math.sqrt((wanted * (1 - wanted)) / drawn.length));
  });

  it('a diurnal process of no amplitude has the rate of a Poisson process in each half of the day', () => {
    const drawn = times({ kind: 'diurnal', every: 60_000_000, amplitude: 0, peak: 0 }, 0, 10 * DAY);
    const half = drawn.filter(time => time % DAY < DAY / 2).length;
    expect(Math.abs(half - drawn.length / 2)).toBeLessThan(Z * Math.sqrt(drawn.length / 4));
  });
});

describe('fixed and listed arrivals', () => {
  it('a constant gap is a rhythm that begins one gap behind the window', () => {
    const every = { quantity: 'duration', kind: 'constant', value: HOUR } as const;
    expect(times({ kind: 'renewal', every }, HOUR / 2, 4 * HOUR)).toEqual([1.5 * HOUR, 2.5 * HOUR, 3.5 * HOUR]);
  });

  it('gaps that round to nothing still pass', () => {
    const every = { quantity: 'duration', kind: 'choice', values: [0], weights: [1] } as const;
    expect(times({ kind: 'renewal', every }, 0, 5)).toEqual([1, 2, 3, 4]);
  });

  it('listed times are those within the window', () => {
    expect(times({ kind: 'at', times: [0, 5, 5, 9, 10] }, 5, 10)).toEqual([5, 5, 9]);
  });
});

describe('pods of a trace', () => {
  const pods = readPods(
    'p',
    `${POD_COLUMNS.join()}\n${[100, 110, 110, 400].map((at, i) => `p${i},1,1,1,1000,,LS,R,${at},${at + 50},`).join('\n')}\n`,
  );
  const nodes = [{ name: 'n', cpu: 1, memory: 1, gpu: 2_000, model: 'T4' }];
  const trace = { nodes, pods };

  it('begin with the window, gaps divided by the scale', () => {
    const arrivals = [...podArrivals(trace, 10, { first: 7, last: DAY })];
    expect(arrivals.map(({ at, pod }) => [at, pod.name])).toEqual([
      [7, 'p0'],
      [1_000_007, 'p1'],
      [1_000_007, 'p2'],
      [30_000_007, 'p3'],
    ]);
    expect([...podArrivals(trace, 10, { first: 7, last: 30_000_007 })]).toHaveLength(3);
  });

  it('take the scale that the workload says or implies', () => {
    const workload = { format: 'openb', pods: '', nodes: '', nodesPerProvider: 1 } as const;
    const scaled = (scale: Workload['scale']) => workloadScale({ ...workload, scale }, trace);
    expect(scaled({ kind: 'timeScale', timeScale: 3 })).toBe(3);
    // 4 pods x 1 GPU x 50 s over 2 GPUs x 300 s is a third.
    expect(scaled({ kind: 'targetLoad', targetLoad: 1 })).toBeCloseTo(3, 12);
  });

  it('are not drawn from a process', () => {
    expect(() => arrivalTimes({ kind: 'trace' }, { first: 0, last: 1 }, stream('x'))).toThrow(
      'found arrivals of a trace',
    );
  });
});
