/** Fault schedules: what is refused, what they do, and the container model under faults. */
import { describe, expect, it } from 'vitest';
import type { Input, WorkloadSpec } from '../../../src/actors/actor.ts';
import { type Fault, FaultError, swizzle } from '../../../src/worlds/simulated/faults.ts';
import { constantSampler } from '../../../src/worlds/simulated/latency.ts';
import { RandomStreams } from '../../../src/worlds/simulated/streams.ts';
import { SimulatedWorld, type WorldOptions } from '../../../src/worlds/simulated/world.ts';

const MS = 1_000;
const SECOND = 1_000_000;

interface Visit {
  readonly at: number;
  readonly input: Input<null, WorkloadSpec>;
}

function provider(options: Partial<WorldOptions<null, WorkloadSpec>>) {
  const seen: Visit[] = [];
  const world = new SimulatedWorld<null, WorkloadSpec>({ seed: 3, ...options });
  world.addActor({
    name: 'p',
    hosts: [{ cpu: 4_000, memory: 4_000, disk: 4_000, gpu: 0 }],
    start: () => ({
      receive(input, at, out) {
        seen.push({ at, input });
        if (input.kind === 'request') out.startWorkload(input.request);
        if (input.kind === 'timer') out.append(new Uint8Array(1));
        if (input.kind === 'timer') out.sync();
        if (input.kind === 'recovered') for (let i = 1; i < 10; i++) out.setTimer(i, at + i * 100 * MS);
      },
    }),
  });
  return { world, seen };
}

const workload = (id: string): WorkloadSpec => ({ id, host: 0, image: 'i', cpu: 1, memory: 1, disk: 1, gpu: 0 });

function story(seen: readonly Visit[], kind: Input<null>['kind']): string[] {
  return seen.flatMap(({ at, input }) => {
    if (input.kind !== kind) return [];
    return [`${at / MS}${input.kind === 'workload' ? ` ${input.id} ${input.event}` : ''}`];
  });
}

describe('fault schedules', () => {
  it('are refused with every problem, before anything happens', () => {
    const faults = [
      { at: 1, kind: 'crash', target: 'nobody' },
      { at: -1, kind: 'restart', target: 'p' },
      { at: 2, kind: 'hostOutage', target: 'p', host: 3 },
      { at: 3, kind: 'slowDisk', target: 'p', factor: 0 },
      { at: 4, kind: 'partition', groups: [['p'], ['p']] },
      { at: 5, kind: 'clockStep', target: 'p', by_us: 0.5 },
      { at: 6, kind: 'pause', target: 'p' },
      { at: 7, kind: 'meteor', target: 'p' },
      { at: 8, kind: 'clog', from: 'p', to: 'ghost', for: 1.5 },
    ] as unknown as Fault[];
    const { world } = provider({ faults });
    let error: unknown;
    try {
      world.run(SECOND);
    } catch (caught) {
      error = (caught as Error).cause;
    }
    expect(error).toBeInstanceOf(FaultError);
    const { problems } = error as FaultError;
    for (const [index, pattern] of [
      /no participant nobody/,
      /`at` must be/,
      /p has 1 hosts, found host 3/,
      /`factor`.*found 0/,
      /two groups/,
      /`by_us`.*0.5/,
      /needs `for`/,
      /no such kind of fault: meteor/,
      /no participant ghost/,
    ].entries()) {
      expect(
        problems.some(each => each.startsWith(`fault ${index} `) && pattern.test(each)),
        `${pattern}`,
      ).toBe(true);
    }
    expect(world.eventsDispatched).toBe(0);
  });

  it('crash for a while, restart, lose the disk', () => {
    const { world, seen } = provider({
      faults: [
        { at: 350 * MS, kind: 'crash', target: 'p', for: 100 * MS },
        { at: 800 * MS, kind: 'restart', target: 'p' },
        { at: 1_150 * MS, kind: 'diskLoss', target: 'p', for: 50 * MS },
      ],
    });
    world.run(1_250 * MS);
    expect(story(seen, 'recovered')).toEqual(['0', '450', '800', '1200']);
    const logged = seen.flatMap(({ at, input }) => (input.kind === 'logged' ? [`${at / MS} ${input.index}`] : []));
    // Three entries before the first crash, three more before the restart, and none on a new disk.
    expect(logged).toEqual([0, 1, 2].map(i => `450 ${i}`).concat([0, 1, 2, 3, 4, 5].map(i => `800 ${i}`)));
  });

  it('pause: timers and requests wait, and come in order afterwards', () => {
    const { world, seen } = provider({ faults: [{ at: 250 * MS, kind: 'pause', target: 'p', for: 300 * MS }] });
    world.run(650 * MS);
    expect(story(seen, 'timer')).toEqual(['100', '200', '550', '550', '550', '600']);
    const ids = seen.flatMap(({ input }) => (input.kind === 'timer' ? [input.id] : []));
    expect(ids).toEqual([1, 2, 3, 4, 5, 6]);
    world.pause('p');
    world.resume('p');
    world.run(SECOND);
    expect(story(seen, 'timer')).toHaveLength(9);
  });

  it('step the clock: timers keep their local deadlines', () => {
    const { world, seen } = provider({ faults: [{ at: 250 * MS, kind: 'clockStep', target: 'p', by_us: 120 * MS }] });
    const trueTimes: number[] = [];
    world.at(281 * MS, 'look', () => trueTimes.push(seen.filter(each => each.input.kind === 'timer').length));
    world.run(SECOND);
    // The deadline of 300 ms was jumped over, and fires at once.
    expect(story(seen, 'timer').slice(0, 4)).toEqual(['100', '200', '370', '400']);
    expect(trueTimes).toEqual([4]);
  });

  it('slow the disk for a while', () => {
    const durations: number[] = [];
    const world = new SimulatedWorld<null>({
      seed: 1,
      disk: { sync_us: 10 * MS },
      faults: [{ at: 100 * MS, kind: 'slowDisk', target: 'a', factor: 20, for: 50 * MS }],
    });
    world.addActor({
      name: 'a',
      start: () => {
        let begun = 0;
        return {
          receive(input, now, out) {
            if (input.kind === 'synced') durations.push((now - begun) / MS);
            if (input.kind !== 'request') return;
            begun = now;
            out.put('k', new Uint8Array(1));
            out.sync(0);
          },
        };
      },
    });
    for (const at of [50, 120, 500]) world.request(at * MS, 'a', null);
    world.run(SECOND);
    expect(durations).toEqual([10, 200, 10]);
  });

  it('crash workloads, by name or drawn', () => {
    const { world, seen } = provider({
      containers: { pull_us: constantSampler(100 * MS), start_us: constantSampler(10 * MS) },
      faults: [
        { at: 500 * MS, kind: 'workloadCrash', target: 'p', id: 'two', outOfMemory: true },
        { at: 600 * MS, kind: 'workloadCrash', target: 'p' },
        { at: 700 * MS, kind: 'workloadCrash', target: 'p' },
      ],
    });
    for (const id of ['one', 'two']) world.request(0, 'p', workload(id));
    world.request(250 * MS, 'p', workload('three'));
    world.run(650 * MS);
    const events = story(seen, 'workload');
    // The image is pulled once per host: the second start waits for the first pull, the third finds it there.
    expect(events.slice(0, 4)).toEqual([
      '110 one started',
      '110 two started',
      '260 three started',
      '500 two out-of-memory',
    ]);
    expect(events[4]).toMatch(/^600 (one|three) exited$/);
    expect(world.containers('p').list()).toHaveLength(1);
    world.run(SECOND);
    expect(world.containers('p').list()).toEqual([]);
  });

  it('end workloads after their lifetime, and let starts fail, as often as the model says', () => {
    const { world, seen } = provider({
      containers: {
        startFailure: 0.3,
        lifetime_us: constantSampler(SECOND),
        outOfMemory: 0.5,
        pull_us: constantSampler(0),
      },
    });
    for (let i = 0; i < 1_000; i++) world.request(i * 10 * MS, 'p', workload(String(i)));
    world.run(60 * SECOND);
    const count = (event: string): number => story(seen, 'workload').filter(each => each.endsWith(event)).length;
    expect(count('started') + count('start-failed')).toBe(1_000);
    // Binomial with p = .3 and .5: four standard deviations are 58 and 53.
    expect(Math.abs(count('start-failed') - 300)).toBeLessThan(58);
    expect(count('exited') + count('out-of-memory')).toBe(count('started'));
    expect(Math.abs(count('exited') - count('started') / 2)).toBeLessThan(53);
  });

  it('swizzle: clogs half of the nodes one by one, and releases them in another order', () => {
    const nodes = Array.from({ length: 9 }, (_, i) => `n${i}`);
    const faults = swizzle(new RandomStreams(4).stream('swizzle', ''), nodes, 0, 11 * SECOND);
    expect(faults).toHaveLength(5);
    const clogs = faults.map(fault => (fault.kind === 'clog' ? { ...fault, end: fault.at + fault.for } : null)!);
    const begins = clogs.toSorted((x, y) => x.at - y.at).map(each => each.from);
    const ends = clogs.toSorted((x, y) => x.end - y.end).map(each => each.from);
    expect(ends).not.toEqual(begins);
    expect(ends.toSorted()).toEqual(begins.toSorted());
    expect(Math.max(...clogs.map(each => each.at))).toBeLessThan(Math.min(...clogs.map(each => each.end)));
    expect(Math.max(...clogs.map(each => each.end))).toBeLessThanOrEqual(11 * SECOND);
  });
});
