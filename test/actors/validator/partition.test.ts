/**
 * Networks that break: what must stop stops, nothing is decided twice, and after healing all go on together within
 * bounded time. Also clocks that are off, and networks in which not everybody knows everybody.
 */
import { describe, expect, test } from 'vitest';
import type { Fault } from '../../../src/worlds/simulated/faults.ts';
import { type NetOptions, ValidatorNet } from '../../support/validator-net.ts';

const SECOND = 1_000_000;
const FOUR = [10, 10, 10, 10];
const named = (places: readonly number[]): string[] => places.map(i => `validator-${i}`);

/** Blocks come with this much at most after a network is whole again: a few rounds that were begun apart. */
const HEALING_S = 30;

function expectSound(net: ValidatorNet): void {
  expect(net.halted).toEqual([]);
  expect(net.disagreements).toEqual([]);
  expect(net.doubleSigned).toEqual([]);
}

function expectLevel(net: ValidatorNet): void {
  expect(Math.max(...net.heights) - Math.min(...net.heights)).toBeLessThanOrEqual(1);
}

/** A network that is split for a while; heights before, during and after. */
function split(
  stakes: readonly number[],
  groups: readonly number[][],
  from = 10,
  length = 40,
  more: Partial<NetOptions> = {},
) {
  const fault: Fault = { kind: 'partition', groups: groups.map(named), at: from * SECOND, for: length * SECOND };
  const net = new ValidatorNet({ stakes, faults: [fault], load: 2, ...more });
  net.run((from + 1) * SECOND);
  const before = net.heights;
  net.run((from + length) * SECOND);
  const during = net.heights;
  net.run((from + length + HEALING_S) * SECOND);
  expectSound(net);
  return { net, before, during, after: net.heights };
}

describe('partitions', () => {
  test('the side with more than two thirds goes on, the other stops, and both are level after healing', () => {
    const { net, before, during, after } = split(FOUR, [[0, 1, 2], [3]]);
    for (const i of [0, 1, 2]) expect(during[i]!).toBeGreaterThan(before[i]! + 12);
    expect(during[3]!).toBeLessThanOrEqual(before[3]! + 1);
    expect(Math.min(...after)).toBeGreaterThan(Math.max(...during) + 10);
    expectLevel(net);
  });

  test('[point 2] power counts, not heads: one of four with most of it goes on alone', () => {
    const { net, before, during, after } = split([30, 4, 4, 4], [[0], [1, 2, 3]]);
    expect(during[0]!).toBeGreaterThan(before[0]! + 12);
    for (const i of [1, 2, 3]) expect(during[i]!).toBeLessThanOrEqual(before[i]! + 1);
    expect(Math.min(...after)).toBeGreaterThan(during[0]! + 10);
    expectLevel(net);
  });

  test('[point 1] [point 20] exactly two thirds is no quorum: two of three wait', () => {
    const { before, during, after } = split([10, 10, 10], [[0, 1], [2]]);
    for (const i of [0, 1, 2]) expect(during[i]!).toBeLessThanOrEqual(before[i]! + 1);
    expect(Math.min(...after)).toBeGreaterThan(Math.max(...during) + 8);
  });

  test.each([10, 60, 200])('halves stop both, for %i s, and go on together', length => {
    const { net, before, during, after } = split(
      FOUR,
      [
        [0, 1],
        [2, 3],
      ],
      10,
      length,
    );
    for (const i of [0, 1, 2, 3]) expect(during[i]!).toBeLessThanOrEqual(before[i]! + 1);
    expect(Math.min(...after)).toBeGreaterThan(Math.max(...during) + 3);
    expectLevel(net);
  });

  test('again and again, along other lines each time', () => {
    const faults: Fault[] = [];
    const lines = [
      [
        [0, 1],
        [2, 3, 4],
      ],
      [[0], [1], [2], [3], [4]],
      [
        [0, 2, 4],
        [1, 3],
      ],
      [[1, 2, 3, 4], [0]],
    ];
    lines.forEach((groups, i) => {
      faults.push({ kind: 'partition', groups: groups.map(named), at: (5 + 15 * i) * SECOND, for: 12 * SECOND });
    });
    const net = new ValidatorNet({ stakes: [10, 9, 8, 7, 6], faults, load: 3 }).run(110 * SECOND);
    expectSound(net);
    expectLevel(net);
    expect(Math.min(...net.heights)).toBeGreaterThan(35);
  });
});

describe('cuts, clogs and delays', () => {
  test.each([
    ['nobody hears one', { kind: 'cut', from: 'validator-0', to: named([1, 2, 3]), oneWay: true }],
    ['one hears nobody', { kind: 'cut', from: named([1, 2, 3]), to: 'validator-0', oneWay: true }],
  ] as const)('%s: the others go on, and it catches up', (_name, cut) => {
    const net = new ValidatorNet({ stakes: FOUR, load: 2, faults: [{ ...cut, at: 10 * SECOND, for: 40 * SECOND }] });
    net.run(50 * SECOND);
    expect(Math.min(...net.heights.slice(1))).toBeGreaterThan(18);
    const during = Math.max(...net.heights);
    net.run(80 * SECOND);
    expectSound(net);
    expectLevel(net);
    expect(Math.min(...net.heights)).toBeGreaterThan(during + 10);
  });

  test('a circle in which each hears only one side makes no progress, and no harm', () => {
    const faults = FOUR.map((_, i): Fault => {
      const to = named([(i + 1) % 4, (i + 2) % 4]);
      return { kind: 'cut', from: `validator-${i}`, to, oneWay: true, at: 10 * SECOND, for: 30 * SECOND };
    });
    const net = new ValidatorNet({ stakes: FOUR, load: 2, faults }).run(80 * SECOND);
    expectSound(net);
    expectLevel(net);
    expect(Math.min(...net.heights)).toBeGreaterThan(30);
  });

  test.each([1, 2, 3, 4, 5, 6])('swizzles, seed %i', seed => {
    const faults = [5, 25, 45].map(
      (at): Fault => ({ kind: 'swizzle', of: named([0, 1, 2, 3, 4]), at: at * SECOND, for: 15 * SECOND }),
    );
    const net = new ValidatorNet({ stakes: [5, 6, 7, 8, 9], seed, load: 3, faults }).run(100 * SECOND);
    expectSound(net);
    expectLevel(net);
    expect(Math.min(...net.heights)).toBeGreaterThan(35);
  });

  test('messages that take seconds make rounds fail, until the rounds are long enough', () => {
    const faults: Fault[] = named([0, 1, 2, 3]).map(from => ({
      kind: 'clog',
      from,
      at: 10 * SECOND,
      for: 500 * SECOND,
      delay_us: 2.5 * SECOND,
    }));
    const net = new ValidatorNet({ stakes: FOUR, load: 1, faults }).run(10 * SECOND);
    const before = Math.min(...net.heights);
    net.run(500 * SECOND);
    expectSound(net);
    expect(net.observed.some(one => one.metric === 'consensus/round' && one.value >= 3)).toBe(true);
    expect(Math.min(...net.heights)).toBeGreaterThan(before + 3);
  });
});

describe('not everybody knows everybody', () => {
  const ring = (size: number) => (i: number) => [(i + 1) % size];
  test.each([5, 9])('a ring of %i passes everything on', size => {
    const net = new ValidatorNet({ stakes: new Array<number>(size).fill(10), dials: ring(size), load: 3 }).run(
      40 * SECOND,
    );
    expectSound(net);
    expectLevel(net);
    expect(Math.min(...net.heights)).toBeGreaterThan(20);
    // Rounds do not fail for it.
    expect(net.observed.filter(one => one.metric === 'consensus/round')).toEqual([]);
  });

  test('a star whose middle dies is whole again when it is back', () => {
    const faults: Fault[] = [{ kind: 'crash', target: 'validator-0', at: 10 * SECOND, for: 10 * SECOND }];
    const net = new ValidatorNet({ stakes: [1, 10, 10, 10, 10], dials: i => (i === 0 ? [] : [0]), faults }).run(
      50 * SECOND,
    );
    expectSound(net);
    expectLevel(net);
    expect(Math.min(...net.heights)).toBeGreaterThan(7);
  });

  test('a chain of links, cut in the middle and healed', () => {
    const fault: Fault = { kind: 'cut', from: 'validator-2', to: 'validator-3', at: 10 * SECOND, for: 20 * SECOND };
    const net = new ValidatorNet({
      stakes: [10, 10, 10, 10, 10, 10],
      dials: i => (i === 0 ? [] : [i - 1]),
      faults: [fault],
    });
    net.run(80 * SECOND);
    expectSound(net);
    expectLevel(net);
    expect(Math.min(...net.heights)).toBeGreaterThan(25);
  });
});

describe('clocks that are off', () => {
  /** Block times, and the true times at which they were executed first. */
  function times(steps: readonly number[], seconds = 60) {
    const seen = new Map<number, { readonly block: number; readonly true: number }>();
    const net: ValidatorNet = new ValidatorNet({
      stakes: FOUR,
      onBlock: (_, { header }) => {
        if (!seen.has(header.height)) seen.set(header.height, { block: header.time, true: net.world.now });
      },
      faults: steps.map((by_us, i) => ({ kind: 'clockStep', target: `validator-${i}`, by_us, at: 5 * SECOND })),
    });
    net.run(seconds * SECOND);
    expectSound(net);
    const blocks = [...seen.values()];
    for (const [i, one] of blocks.entries()) if (i > 0) expect(one.block).toBeGreaterThan(blocks[i - 1]!.block);
    return { net, blocks };
  }

  test.each([
    ['a few seconds apart', [2, -1, 1, -2]],
    ['one far ahead', [3_600, 0, 0, 0]],
    ['one an hour behind', [-3_600, 0, 0, 0]],
  ])('%s: blocks come, and their times rise and stay within those of sound clocks', (_name, offsets) => {
    const { net, blocks } = times(offsets.map(one => one * SECOND));
    expect(Math.min(...net.heights)).toBeGreaterThan(25);
    // The median is no later than the third clock, and no earlier than the second.
    for (const one of blocks.slice(10)) expect(Math.abs(one.block - one.true)).toBeLessThan(6 * SECOND);
  });

  test('all go back a minute: blocks still come, and their times rise', () => {
    const { net } = times(
      [-60, -60, -60, -60].map(one => one * SECOND),
      120,
    );
    expect(Math.min(...net.heights)).toBeGreaterThan(20);
  });
});
