/** Fault schedules: what is refused, what they do, and the container model under faults. */
import { describe, expect, it } from 'vitest';
import type { Input, WorkloadSpec } from '../../../src/actors/actor.ts';
import { type Fault, FaultError } from '../../../src/worlds/simulated/faults.ts';
import { constantSampler, logNormalSampler } from '../../../src/worlds/simulated/latency.ts';
import { RandomStreams } from '../../../src/worlds/simulated/streams.ts';
import { swizzle } from '../../../src/worlds/simulated/swizzle.ts';
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

const workload = (id: string): WorkloadSpec => ({
  id,
  host: 0,
  image: 'i',
  cpu: 1,
  memory: 1,
  disk: 1,
  gpu: 0,
  service: null,
});

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
    const clogs = faults.map(fault => ({ ...fault, end: fault.at + fault.for }));
    const begins = clogs.toSorted((x, y) => x.at - y.at).map(each => each.from);
    const ends = clogs.toSorted((x, y) => x.end - y.end).map(each => each.from);
    expect(ends).not.toEqual(begins);
    expect(ends.toSorted()).toEqual(begins.toSorted());
    expect(Math.max(...clogs.map(each => each.at))).toBeLessThan(Math.min(...clogs.map(each => each.end)));
    expect(Math.max(...clogs.map(each => each.end))).toBeLessThanOrEqual(11 * SECOND);
  });

  /** An actor that is asked a number each 10 ms, and says what it handled when, and what it saw of its storage. */
  function clerk(faults: readonly Fault[], options: Partial<WorldOptions<null, number>> = {}) {
    const handled: { readonly at: number; readonly true: number; readonly n: number }[] = [];
    const story: string[] = [];
    const halts: string[] = [];
    const world: SimulatedWorld<null, number> = new SimulatedWorld<null, number>({
      seed: 9,
      faults,
      onHalt: (_actor, at, reason) => halts.push(`${at / MS} ${reason}`),
      ...options,
    });
    world.addActor({
      name: 'a',
      start: () => ({
        receive(input, at, out) {
          if (input.kind === 'request') {
            handled.push({ at, true: world.now, n: input.request });
            out.append(Uint8Array.of(input.request));
            out.put('last', Uint8Array.of(input.request));
            out.sync();
            out.get('last');
          }
          if (input.kind === 'logged') story.push(`${world.now / MS} logged ${input.entry[0]}`);
          if (input.kind === 'got') story.push(`${world.now / MS} got ${input.value?.[0]}`);
          if (input.kind === 'storeFailed') story.push(`${world.now / MS} ${input.operation}: ${input.reason}`);
        },
      }),
    });
    return { world, handled, story, halts };
  }

  it('slow the processor: inputs wait for each other, in order, and those left over come at once when it is over', () => {
    const faults: Fault[] = [{ at: 95 * MS, kind: 'slowCpu', target: 'a', factor: 30, for: 100 * MS }];
    const { world, handled } = clerk(faults, { input_us: MS, disk: { sync_us: 0, read_us: 0 } });
    for (let n = 1; n <= 30; n++) world.request(n * 10 * MS, 'a', n);
    world.run(SECOND);
    expect(handled.map(({ n }) => n)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
    const when = new Map(handled.map(each => [each.n, each.true / MS]));
    expect([1, 9].map(n => when.get(n))).toEqual([10, 90]);
    // Each request is followed by the answer of its read, which costs as much again, and waits behind other requests.
    expect([10, 11, 12].map(n => when.get(n))).toEqual([130, 160, 190]);
    expect(new Set([13, 14, 15, 19].map(n => when.get(n)))).toEqual(new Set([195]));
    expect(when.get(20)).toBe(200);
  });

  it('slow the processor by the product of all factors, over a restart and a pause too', () => {
    const faults: Fault[] = [
      { at: 0, kind: 'slowCpu', target: 'a', factor: 10, for: 500 * MS },
      { at: 0, kind: 'slowCpu', target: 'a', factor: 2, for: 300 * MS },
      { at: 100 * MS, kind: 'restart', target: 'a' },
      { at: 400 * MS, kind: 'pause', target: 'a', for: 50 * MS },
    ];
    const { world, handled } = clerk(faults, { input_us: MS });
    const times = [50, 150, 350, 410, 600];
    for (const [i, at] of times.entries()) world.request(at * MS, 'a', i);
    world.run(SECOND);
    expect(handled.map(each => each.true / MS)).toEqual([70, 170, 360, 460, 600]);
  });

  it('make peers of a slow process wait, instead of piling up what they send', () => {
    let sent = 0;
    let full = 0;
    let got = 0;
    const world = new SimulatedWorld<number>({
      seed: 2,
      network: { queueMessages: 100 },
      faults: [{ at: 10 * MS, kind: 'slowCpu', target: 'slow', factor: 100, for: 2 * SECOND }],
    });
    world.addActor({
      name: 'slow',
      start: () => ({
        receive(input) {
          if (input.kind === 'message') expect(input.message).toBe(got++);
        },
      }),
    });
    world.addActor({
      name: 'a',
      start: () => {
        let connection = 0;
        let room = true;
        return {
          receive(input, now, out) {
            if (input.kind === 'recovered') out.connect('slow');
            if (input.kind === 'connected') connection = input.connection;
            if (input.kind === 'queueFull') {
              full++;
              room = false;
              // That one was dropped.
              sent--;
            }
            if (input.kind === 'drained') room = true;
            if (input.kind === 'connected' || input.kind === 'timer') out.setTimer('tick', now + 100);
            if (input.kind === 'timer' && room && sent < 5_000) out.send(connection, sent++);
          },
        };
      },
    });
    world.run(10 * SECOND);
    expect(full).toBeGreaterThan(0);
    expect(got).toBe(5_000);
  });

  it('let a clock drift, for a while: readings do not jump, timers keep their local deadlines', () => {
    const readings: [number, number][] = [];
    const world: SimulatedWorld<null> = new SimulatedWorld<null>({
      seed: 1,
      faults: [
        { at: SECOND, kind: 'clockDrift', target: 'a', ppm: 50_000, for: 2 * SECOND },
        { at: 2 * SECOND, kind: 'clockDrift', target: 'a', ppm: -100_000, for: 2 * SECOND },
      ],
    });
    world.addActor({
      name: 'a',
      start: () => ({
        receive(input, now, out) {
          if (input.kind === 'timer') readings.push([world.now, now]);
          if (input.kind !== 'message') out.setTimer('tick', now + 100 * MS);
        },
      }),
    });
    world.run(6 * SECOND);
    for (const [i, [, local]] of readings.entries()) expect(local).toBe((i + 1) * 100 * MS);
    // +50 ms by the first second, then -50 ms while both are on, then -100 ms of the second alone.
    const errors = [0.9, 2, 3, 4, 5].map(t => {
      const [real, local] = readings.find(([at]) => at >= t * SECOND - 6 * MS)!;
      return Math.round((local - real) / MS);
    });
    expect(errors.map(each => Math.round(each / 10) * 10)).toEqual([0, 50, 0, -100, -100]);
    expect(world.clockError('a')).toBe(-100 * MS);
  });

  it('put an older disk under a process: what came after the snapshot is gone, what was durable is there', () => {
    const { world, story } = clerk([
      { at: 55 * MS, kind: 'diskRollback', target: 'a', to: 25 * MS },
      { at: 75 * MS, kind: 'diskRollback', target: 'a', to: 5 * MS, for: 10 * MS },
    ]);
    for (let n = 1; n <= 6; n++) world.request(n * 10 * MS, 'a', n);
    world.run(SECOND);
    const logged = story.filter(each => each.includes('logged'));
    expect(logged).toEqual(['55 logged 1', '55 logged 2']);
    expect(world.isUp('a')).toBe(true);
  });

  it('rot stored values and log entries: reads fail until the value is put again, a start halts', () => {
    const { world, story, halts } = clerk([
      { at: 15 * MS, kind: 'bitRot', target: 'a', of: 'store' },
      { at: 35 * MS, kind: 'bitRot', target: 'a', of: 'log' },
      { at: 40 * MS, kind: 'restart', target: 'a' },
      { at: 50 * MS, kind: 'restart', target: 'a' },
      { at: 60 * MS, kind: 'diskLoss', target: 'a', for: MS },
    ]);
    world.request(10 * MS, 'a', 1);
    world.request(20 * MS, 'a', 2);
    world.request(70 * MS, 'a', 3);
    world.run(SECOND);
    expect(story).toEqual(['12.1 got 1', '22.1 got 2', '72.1 got 3']);
    expect(halts.map(each => each.replace(/entry [01]/, 'entry n'))).toEqual([
      '40 log entry n is damaged: its checksum does not match',
      '50 log entry n is damaged: its checksum does not match',
    ]);
    expect(world.isUp('a')).toBe(true);
  });

  it('keep workloads from staying up, each life as short as the next', () => {
    const { world, seen } = provider({
      containers: { pull_us: constantSampler(0), start_us: constantSampler(10 * MS) },
      faults: [
        {
          at: 100 * MS,
          kind: 'crashLoop',
          target: 'p',
          id: 'one',
          after_us: 30 * MS,
          outOfMemory: true,
          for: 200 * MS,
        },
      ],
    });
    for (const at of [0, 150, 250, 350]) world.request(at * MS, 'p', workload('one'));
    world.request(0, 'p', workload('two'));
    world.run(SECOND);
    expect(story(seen, 'workload')).toEqual([
      '10 one started',
      '10 two started',
      '130 one out-of-memory',
      '160 one started',
      '190 one out-of-memory',
      '260 one started',
      '290 one out-of-memory',
      '360 one started',
    ]);
    expect(world.containers('p').list()).toEqual(['two', 'one']);
  });

  it('are the same again, and one that is taken out leaves the draws of all others as they were', () => {
    const all: Fault[] = [
      { at: 100 * MS, kind: 'crash', target: 'a', for: 10 * MS },
      { at: 105 * MS, kind: 'bitRot', target: 'b', of: 'store', count: 2 },
      { at: 150 * MS, kind: 'swizzle', of: ['a', 'b', 'c'], for: 100 * MS },
      { at: 200 * MS, kind: 'crash', target: 'c', for: 10 * MS },
      { at: 300 * MS, kind: 'diskRollback', target: 'b', to: 250 * MS },
      { at: 400 * MS, kind: 'slowCpu', target: 'c', factor: 50, for: 100 * MS },
    ];
    const run = (faults: readonly Fault[]) => {
      const diaries: { [name: string]: string[] } = { a: [], b: [], c: [] };
      const world: SimulatedWorld<null> = new SimulatedWorld<null>({
        seed: 31,
        disk: { sync_us: logNormalSampler(3 * MS, 9 * MS), read_us: logNormalSampler(MS, 2 * MS) },
        faults,
      });
      for (const name of ['a', 'b', 'c']) {
        let n = 0;
        world.addActor({
          name,
          start: () => ({
            receive(input, now, out) {
              diaries[name]!.push(`${now} ${JSON.stringify(input)}`);
              if (input.kind === 'timer') {
                n++;
                for (let i = 0; i < 3; i++) out.append(Uint8Array.of(n, i));
                out.put(`k${n % 5}`, Uint8Array.of(n));
                if (n % 3 === 0) out.sync(n);
                out.get(`k${(n + 1) % 5}`);
              }
              if (input.kind === 'timer' || input.kind === 'recovered') out.setTimer('t', now + 7 * MS);
            },
          }),
        });
      }
      world.run(SECOND);
      return { diaries, hash: world.traceHash.hex() };
    };
    const whole = run(all);
    expect(run(all)).toEqual(whole);
    const target = (fault: Fault): string => ('target' in fault ? fault.target : '');
    for (const [index, fault] of all.entries()) {
      const fewer = run(all.toSpliced(index, 1));
      if (fault.kind !== 'swizzle') expect(fewer.hash).not.toBe(whole.hash);
      for (const name of ['a', 'b', 'c']) {
        if (name === target(fault)) continue;
        expect(fewer.diaries[name], `without ${fault.kind}`).toEqual(whole.diaries[name]);
      }
    }
    // And of the one who was spared one crash, the later one does the same as ever.
    const later = run(all.filter(fault => fault.kind !== 'slowCpu'));
    const until = (diary: readonly string[]): string[] => diary.filter(line => Number(line.split(' ')[0]) < 400 * MS);
    expect(until(later.diaries.c!)).toEqual(until(whole.diaries.c!));
  });
});
