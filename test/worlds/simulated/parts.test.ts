/** Streams, digests, trace hash, clocks and latency models, each on its own. */
import fc from 'fast-check';
import seedrandom from 'seedrandom';
import { describe, expect, it } from 'vitest';
import { NodeClock } from '../../../src/worlds/simulated/clock.ts';
import { digestValue } from '../../../src/worlds/simulated/digest.ts';
import {
  constantLatency,
  logNormalSampler,
  normalQuantile,
  regionMatrix,
} from '../../../src/worlds/simulated/latency.ts';
import { RandomStreams } from '../../../src/worlds/simulated/streams.ts';
import { CHECKPOINT_EVERY, TraceHash } from '../../../src/worlds/simulated/trace.ts';

function draws(streams: RandomStreams, purpose: string, entity: string, count = 20): number[] {
  const stream = streams.stream(purpose, entity);
  return Array.from({ length: count }, () => stream.uniform());
}

describe('random streams', () => {
  it('start at their beginning, and depend on seed, purpose and entity alone', () => {
    const one = new RandomStreams(7);
    const first = draws(one, 'latency', 'a>b');
    draws(one, 'other', 'x', 1_000);
    expect(draws(one, 'latency', 'a>b')).toEqual(first);
    expect(draws(new RandomStreams('7'), 'latency', 'a>b')).toEqual(first);
    for (const other of [
      draws(one, 'latency', 'b>a'),
      draws(one, 'disk', 'a>b'),
      draws(new RandomStreams(8), 'latency', 'a>b'),
    ]) {
      expect(other).not.toEqual(first);
    }
  });

  it('draw what the Alea of seedrandom draws for `seed/purpose/entity`, however many streams there are', () => {
    const streams = new RandomStreams('s');
    const early = streams.stream('p', 'early');
    for (let i = 0; i < 500; i++) streams.stream('p', String(i)).uniform();
    const late = streams.stream('p', 'late');
    const alea = [seedrandom.alea('s/p/early'), seedrandom.alea('s/p/late')];
    for (let i = 0; i < 1_000; i++) {
      expect(early.uniform()).toBe(alea[0]!());
      expect(late.uniform()).toBe(alea[1]!());
    }
  });

  it('do not confuse a slash in a name with the separator', () => {
    const streams = new RandomStreams('s');
    expect(draws(streams, 'a/b', 'c')).not.toEqual(draws(streams, 'a', 'b/c'));
    expect(draws(streams, 'a%2Fb', 'c')).not.toEqual(draws(streams, 'a/b', 'c'));
    expect(draws(new RandomStreams('s/a'), 'b', 'c')).not.toEqual(draws(streams, 'a', 'b/c'));
  });

  it('are uniform enough: mean and variance of 200,000 draws over 100 streams', () => {
    const streams = new RandomStreams(1);
    let sum = 0;
    let squares = 0;
    for (let entity = 0; entity < 100; entity++) {
      for (const value of draws(streams, 'p', String(entity), 2_000)) {
        sum += value;
        squares += value * value;
      }
    }
    const mean = sum / 200_000;
    // Standard error of the mean: 0.29 / sqrt(200,000) = 0.00065; four of those.
    expect(Math.abs(mean - 0.5)).toBeLessThan(0.0026);
    expect(Math.abs(squares / 200_000 - mean * mean - 1 / 12)).toBeLessThan(0.001);
  });
});

describe('digests', () => {
  it('do not depend on the order of keys, but on everything else', () => {
    expect(digestValue({ a: 1, b: [2n, 'x'] })).toBe(digestValue({ b: [2n, 'x'], a: 1 }));
    const different = [
      { a: 1 },
      { a: '1' },
      { a: 1n },
      { b: 1 },
      [1],
      ['a', 1],
      null,
      undefined,
      true,
      false,
      0,
      -1,
      0.5,
      '',
      [],
      {},
      [[]],
      new Uint8Array(1),
      new Uint8Array(2),
      new Map([['a', 1]]),
      2 ** 40,
      2 ** 41,
    ];
    expect(new Set(different.map(digestValue)).size).toBe(different.length);
  });

  it('refuse what is not data, or never ends', () => {
    expect(() => digestValue(() => 1)).toThrow(/plain data/);
    const cyclic: { self?: unknown } = {};
    cyclic.self = cyclic;
    expect(() => digestValue(cyclic)).toThrow(/cyclic/);
  });
});

describe('trace hash', () => {
  type Event = readonly [number, number, number, number];
  const event: fc.Arbitrary<Event> = fc.tuple(
    fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    fc.integer({ min: -1, max: 100_000 }),
    fc.nat(40),
    fc.integer(),
  );
  const hashOf = (events: readonly Event[]): string => {
    const trace = new TraceHash();
    for (const [time, actor, kind, digest] of events) trace.mix(time, actor, kind, digest);
    return trace.hex();
  };

  it('changes with every part of every event, and with their order', () => {
    fc.assert(
      fc.property(fc.array(event, { minLength: 1, maxLength: 30 }), fc.nat(), fc.nat(3), (events, where, part) => {
        const before = hashOf(events);
        expect(before).toMatch(/^[0-9a-f]{32}$/);
        const index = where % events.length;
        const changed = [...events[index]!] as [number, number, number, number];
        changed[part] = changed[part]! === 3 ? 4 : 3;
        if (changed.every((value, i) => value === events[index]![i])) return;
        expect(hashOf(events.with(index, changed))).not.toBe(before);
        expect(hashOf([...events, [1, 1, 1, 1]])).not.toBe(before);
      }),
    );
    expect(
      hashOf([
        [1, 0, 2, 3],
        [1, 1, 2, 3],
      ]),
    ).not.toBe(
      hashOf([
        [1, 1, 2, 3],
        [1, 0, 2, 3],
      ]),
    );
  });

  it('takes a checkpoint every 65,536 events', () => {
    const trace = new TraceHash();
    for (let i = 0; i < 2 * CHECKPOINT_EVERY; i++) trace.mix(i, 0, 1, 0);
    expect(trace.checkpoints.map(each => each.index)).toEqual([CHECKPOINT_EVERY, 2 * CHECKPOINT_EVERY]);
    expect(trace.checkpoints[1]!.hex).toBe(trace.hex());
    expect(trace.checkpoints[0]!.hex).not.toBe(trace.hex());
  });
});

describe('clocks', () => {
  it('translate a deadline into the first true time at which they show it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -1_000_000, max: 1_000_000 }),
        fc.integer({ min: -100_000, max: 100_000 }),
        fc.maxSafeNat().map(n => Math.floor(n / 4)),
        fc.nat(1e9),
        (offset_us, drift_ppm, now, ahead) => {
          const clock = new NodeClock({ offset_us, drift_ppm });
          const deadline = clock.local(now) + ahead;
          const time = clock.reached(deadline, now);
          expect(Number.isSafeInteger(time)).toBe(true);
          expect(clock.local(time)).toBeGreaterThanOrEqual(deadline);
          expect(time).toBeGreaterThanOrEqual(now);
          if (time > now) expect(clock.local(time - 1)).toBeLessThan(deadline);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('never jump or fall when their drift changes, and still reach each deadline at the first true time', () => {
    const change = fc.record({ after: fc.nat(10_000_000), ppm: fc.integer({ min: -50_000, max: 50_000 }) });
    fc.assert(
      fc.property(fc.nat(1_000), fc.array(change, { maxLength: 20 }), (offset_us, changes) => {
        const clock = new NodeClock({ offset_us });
        let now = 0;
        let ppm = 0;
        let shown = clock.local(0);
        for (const each of changes) {
          now += each.after;
          const before = clock.local(now);
          expect(before).toBeGreaterThanOrEqual(shown);
          clock.addDrift(each.ppm - ppm, now);
          ppm = each.ppm;
          shown = clock.local(now);
          expect(shown).toBe(before);
          const deadline = shown + each.after;
          const time = clock.reached(deadline, now);
          expect(clock.local(time)).toBeGreaterThanOrEqual(deadline);
          if (time > now) expect(clock.local(time - 1)).toBeLessThan(deadline);
          expect(clock.local(now + 1_000_000) - shown).toBe(1_000_000 + ppm);
        }
      }),
      { numRuns: 300 },
    );
    expect(() => new NodeClock({ drift_ppm: 90_000 }).addDrift(20_000, 0)).toThrow(/at most 100000 ppm, found 110000/);
  });

  it('never show a negative time, and step both ways', () => {
    const clock = new NodeClock({ offset_us: -500 });
    expect([clock.local(0), clock.local(499), clock.local(501)]).toEqual([0, 0, 1]);
    expect(clock.reached(0, 0)).toBe(0);
    clock.step(700);
    expect(clock.local(1_000)).toBe(1_200);
    clock.step(-900);
    expect(clock.local(1_000)).toBe(300);
    expect(clock.reached(5_000, 1_000)).toBe(5_700);
  });
});

describe('latency', () => {
  it('inverts the normal distribution', () => {
    // Reference values from standard tables.
    for (const [p, z] of [
      [0.5, 0],
      [0.9, 1.2815515655446004],
      [0.975, 1.959963984540054],
      [0.01, -2.3263478740408408],
    ]) {
      expect(normalQuantile(p!)).toBeCloseTo(z!, 12);
    }
    expect(normalQuantile(1e-10)).toBeCloseTo(-normalQuantile(1 - 1e-10), 5);
    expect(normalQuantile(1e-9)).toBeCloseTo(-5.997807015007687, 10);
    expect(Number.isFinite(normalQuantile(0))).toBe(true);
    // The three pieces meet without a step.
    expect(normalQuantile(0.0749999999)).toBeCloseTo(normalQuantile(0.0750000001), 8);
  });

  it('fits a log-normal to median and 90th percentile', () => {
    const sampler = logNormalSampler(40_000, 70_000);
    const stream = new RandomStreams(3).stream('latency', 'test');
    const samples = Float64Array.from({ length: 100_000 }, () => sampler.sample(stream)).sort();
    expect(samples[50_000]! / 40_000).toBeCloseTo(1, 2);
    expect(samples[90_000]! / 70_000).toBeCloseTo(1, 2);
    expect(samples.every(each => Number.isInteger(each) && each > 0)).toBe(true);
  });

  it('looks pairs of regions up in both directions, and halves round trips', () => {
    const model = regionMatrix({
      pairs: [
        { from: 'eu', to: 'us', p50_us: 80_000, p90_us: 80_000 },
        { from: 'eu', to: 'ap', p50_us: 200_000, p90_us: 200_000 },
        { from: 'ap', to: 'eu', p50_us: 240_000, p90_us: 240_000 },
      ],
      default: logNormalSampler(2_000, 2_000),
      roundTrip: true,
    });
    const stream = new RandomStreams(1).stream('x', 'y');
    const of = (from: string, to: string): number => model.sample(from, to, stream);
    expect([of('eu', 'us'), of('us', 'eu'), of('eu', 'ap'), of('ap', 'eu'), of('us', 'ap')]).toEqual([
      40_000, 40_000, 100_000, 120_000, 2_000,
    ]);
  });

  it('refuses figures that make no sense', () => {
    expect(() => constantLatency(-1)).toThrow(/whole number/);
    expect(() => logNormalSampler(10, 5)).toThrow(/p50 10 us and p90 5 us/);
    const twice = { from: 'a', to: 'b', p50_us: 1, p90_us: 2 };
    expect(() => regionMatrix({ pairs: [twice, twice], default: logNormalSampler(1, 2) })).toThrow(/given twice/);
  });
});
