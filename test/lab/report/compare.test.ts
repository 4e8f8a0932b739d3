/** Two runs side by side, from made-up rows: every kind of difference is found and named. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomLogNormal } from 'd3-random';
import seedrandom from 'seedrandom';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunRecord } from '../../../src/lab/experiment/results-record.ts';
import { type ComparedRun, compareRuns } from '../../../src/lab/report/compare.ts';
import { durationText, fitText, lawOf, type MeasuredWorkload } from '../../../src/lab/report/compare-fit.ts';
import { readWorkloads, tableRows, UnreadableTable } from '../../../src/lab/report/compare-node.ts';
import { compareOrders, stepsOfOrders } from '../../../src/lab/report/compare-orders.ts';
import {
  compareLeaseTimes,
  comparePayments,
  distributionOf,
  type LeaseTimes,
} from '../../../src/lab/report/compare-times.ts';
import type { EventRow } from '../../../src/lab/report/event-rows.ts';
import { TABLES } from '../../../src/lab/report/tables.ts';
import { checkProtocolParams } from '../../../src/lab/scenario/chain-params.ts';
import { loadScenario } from '../../../src/lab/scenario/load.ts';
import { parseDuration } from '../../../src/lab/scenario/units.ts';
import { SCENARIO } from '../../cli/support.ts';

function row(type: string, subject: string, participant: string, details: object = {}): EventRow {
  return { height: 1, time: 1, type, subject, participant, details: JSON.stringify(details) };
}

/** An order of web-0's under an account of this run's own. */
function order(
  account: string,
  bidders: readonly string[],
  winner: string | null,
  end: readonly EventRow[] = [],
): EventRow[] {
  const id = `${account}/0/0/0`;
  return [
    row('DeploymentSubmitted', `${account}/0`, 'web-0'),
    row('OrderOpened', id, 'web-0', { tenant: 'web-0' }),
    ...bidders.map(name => row('FulfillmentPlaced', id, name, { total: '500000' })),
    ...(winner === null ? [] : [row('LeaseCreated', id, winner, { tenant: 'web-0', price: '500000' })]),
    ...end,
  ];
}

describe('what happened to orders', () => {
  it('is told in steps, under names, without what only takes time', () => {
    const id = 'akash1a/0/0/0';
    const rows = order('akash1a', ['eu-0'], 'eu-0', [
      row('LeaseActive', id, 'eu-0'),
      row('LeaseConfirmed', id, 'eu-0'),
      row('LeasePaid', id, 'eu-0', { amount: '5' }),
      row('LeaseClosing', id, 'eu-0', { reason: 'tenant_closed' }),
      row('LeaseClosed', id, 'eu-0'),
    ]);
    expect([...stepsOfOrders(rows).orders]).toEqual([
      [
        'web-0/0/0/0',
        ['opened', 'bid eu-0 1,800 uakt/h', 'matched eu-0 1,800 uakt/h', 'active', 'closing tenant_closed', 'closed'],
      ],
    ]);
  });

  it('is alike for the same participants under other accounts', () => {
    const [a, b] = ['akash1a', 'akash1b'].map(account => stepsOfOrders(order(account, ['eu-0', 'eu-1'], 'eu-0')));
    expect(compareOrders(a!, b!)).toMatchObject({ both: 1, alike: 1, different: 0, differences: [] });
  });

  it.each([
    ['another winner', ['eu-0', 'eu-1'], 'eu-1', 4, 'matched eu-0 1,800 uakt/h', 'matched eu-1 1,800 uakt/h', false],
    ['bids the other way round', ['eu-1', 'eu-0'], 'eu-0', 2, 'bid eu-0 1,800 uakt/h', 'bid eu-1 1,800 uakt/h', true],
    ['a bid less', ['eu-0'], 'eu-0', 3, 'bid eu-1 1,800 uakt/h', 'matched eu-0 1,800 uakt/h', false],
    ['no match', ['eu-0', 'eu-1'], null, 4, 'matched eu-0 1,800 uakt/h', null, false],
  ])('differs by %s', (_, bidders, winner, step, left, right, reordered) => {
    const a = stepsOfOrders(order('akash1a', ['eu-0', 'eu-1'], 'eu-0'));
    const b = stepsOfOrders(order('akash1b', bidders, winner));
    const { differences, different } = compareOrders(a, b);
    expect(different).toBe(1);
    expect(differences).toEqual([{ order: 'web-0/0/0/0', step, a: left, b: right, reordered }]);
  });

  it('is counted where only one run has the order', () => {
    const a = stepsOfOrders(order('akash1a', [], null));
    const none = stepsOfOrders([]);
    expect(compareOrders(a, none)).toMatchObject({
      both: 0,
      onlyA: { count: 1, first: 'web-0/0/0/0' },
      onlyB: { count: 0 },
    });
    expect(compareOrders(none, a)).toMatchObject({ onlyB: { count: 1, first: 'web-0/0/0/0' } });
  });
});

function lease(changes: Partial<LeaseTimes>): LeaseTimes {
  return { created: 10, active: 16, ended: 116, end: 'tenant_closed', paid: 100n, ...changes };
}

describe('times and payments', () => {
  it('have quantiles that were seen', () => {
    expect(distributionOf([3, 1, 2])).toEqual({ count: 3, p50: 2, p90: 3, max: 3 });
    expect(distributionOf([5])).toEqual({ count: 1, p50: 5, p90: 5, max: 5 });
    expect(distributionOf([])).toEqual({ count: 0, p50: null, p90: null, max: null });
    expect(distributionOf(Array.from({ length: 100 }, (_, i) => i + 1))).toMatchObject({ p50: 50, p90: 90 });
  });

  it('are compared lease by lease where both have the time', () => {
    const a = new Map([
      ['x', lease({})],
      ['y', lease({ active: null, ended: null })],
    ]);
    const b = new Map([
      ['x', lease({ active: 18.5 })],
      ['y', lease({})],
    ]);
    const [start, length] = compareLeaseTimes(a, b);
    expect(start).toMatchObject({
      what: 'match to active',
      a: { count: 1, p50: 6 },
      b: { count: 2 },
      paired: { count: 1, shift: 2.5 },
    });
    expect(length).toMatchObject({ paired: { count: 1, shift: -2.5 } });
  });

  it('are exact to the micro-AKASH, however large', () => {
    const large = 2n ** 70n;
    const a = new Map([
      ['x', lease({ paid: large })],
      ['y', lease({ paid: 5n })],
      ['z', lease({})],
    ]);
    const b = new Map([
      ['x', lease({ paid: large + 1n })],
      ['z', lease({})],
      ['w', lease({ paid: 7n })],
    ]);
    expect(comparePayments(a, b)).toEqual({
      both: 2,
      equal: 1,
      totalA: large + 105n,
      totalB: large + 108n,
      different: 3,
      differences: [
        { lease: 'w', a: null, b: 7n },
        { lease: 'y', a: 5n, b: null },
        { lease: 'x', a: large, b: large + 1n },
      ],
    });
  });
});

function run(changes: Partial<RunRecord> = {}, parts: Partial<ComparedRun> = {}): ComparedRun {
  const record = {
    name: 'small',
    seed: 1,
    world: 'simulated',
    scenario: { path: 'small.yaml', overrides: [], files: [], data: [] },
    scenarioHash: 'h',
    version: '0.1.0',
    engine: { node: 'v26', v8: '1' },
    traceHash: 't',
    events: 5,
    seconds: 60,
    summary: {},
    ...changes,
  } as unknown as RunRecord;
  return { folder: 'r', record, orders: null, waits: null, leases: null, intervals: null, verdict: null, ...parts };
}

describe('two runs', () => {
  it('have their metrics compared, exactly where they are amounts', () => {
    const a = run({ summary: { orders: 4, paid_uakt: 2n ** 60n, share: 0, gone: 1, empty: null, spent_uakt: 5 } });
    const b = run({
      summary: { orders: 5, paid_uakt: 2n ** 60n + 3n, share: 0.5, empty: null, fresh: 2, spent_uakt: 2n ** 60n },
    });
    const { metrics } = compareRuns(a, b);
    expect(metrics).toEqual([
      { metric: 'orders', a: 4, b: 5, difference: 1, relative: 0.25 },
      { metric: 'paid_uakt', a: 2n ** 60n, b: 2n ** 60n + 3n, difference: 3n, relative: 3 / 2 ** 60 },
      { metric: 'share', a: 0, b: 0.5, difference: 0.5, relative: null },
      { metric: 'gone', a: 1, b: undefined, difference: null, relative: null },
      { metric: 'empty', a: null, b: null, difference: null, relative: null },
      { metric: 'spent_uakt', a: 5, b: 2n ** 60n, difference: 2n ** 60n - 5n, relative: expect.any(Number) },
      { metric: 'fresh', a: undefined, b: 2, difference: null, relative: null },
    ]);
  });

  it('are told apart by what they are, with a warning where that makes the rest doubtful', () => {
    const scenario = (overrides: string[]) => ({ path: 'small.yaml', overrides, files: [], data: [] });
    const warned = (a: Partial<RunRecord>, b: Partial<RunRecord>): string =>
      compareRuns(run(a), run(b)).warnings.join('; ');
    expect(warned({}, { seed: 2 })).toBe('');
    expect(warned({}, { name: 'other', scenarioHash: 'i' })).toContain('different scenarios, small and other');
    const set = warned({ scenario: scenario(['a=1', 'b=1']), scenarioHash: 'i' }, { scenario: scenario(['a=1']) });
    expect(set).toContain('set in A alone: b=1; in B alone: nothing');
    expect(warned({}, { scenarioHash: 'i' })).toContain('has changed meanwhile');
    expect(warned({}, { version: '0.2.0' })).toContain('different versions');
    expect(warned({}, { seconds: 61 })).toContain('different lengths');
    expect(compareRuns(run(), run({ world: 'live' })).b.world).toBe('live');
  });

  it('say which files are missing, and compare what is there', () => {
    const a = run({}, { intervals: [1, 1, 2], waits: new Map([['x', 12]]) });
    const b = run({}, { intervals: [1], leases: new Map() });
    const { missing, blocks, times, payments, orders } = compareRuns(a, b);
    expect(missing).toEqual(['r/events.csv', 'r/leases.csv', 'r/events.csv', 'r/orders.csv']);
    expect(blocks).toEqual({ a: { count: 3, p50: 1, p90: 2, max: 2 }, b: { count: 1, p50: 1, p90: 1, max: 1 } });
    expect([times, payments, orders]).toEqual([null, null, null]);
  });
});

describe('the law of container times', () => {
  const draw = (count: number, sigma: number): number[] => {
    const random = seedrandom('fit');
    return Array.from({ length: count }, randomLogNormal.source(() => random())(Math.log(2.5), sigma));
  };

  it('is found again from what was drawn from it', () => {
    const law = lawOf(draw(2_000, 0.4));
    expect(law.kind).toBe('lognormal');
    if (law.kind !== 'lognormal') return;
    expect(law.median).toBeGreaterThan(2.4);
    expect(law.median).toBeLessThan(2.6);
    expect(law.sigma).toBeGreaterThan(0.38);
    expect(law.sigma).toBeLessThan(0.42);
  });

  it('is what was seen where that is of another kind, of two kinds, or little', () => {
    const twoKinds = [...draw(100, 0.05), ...draw(100, 0.05).map(one => 40 * one)];
    expect(lawOf(twoKinds)).toMatchObject({ kind: 'empirical', count: 200 });
    expect(lawOf(Array.from({ length: 400 }, (_, i) => i + 1))).toMatchObject({ kind: 'empirical' });
    expect(lawOf([2, 1])).toEqual({ kind: 'empirical', values: [1, 2], count: 2 });
    expect(lawOf([0, ...draw(50, 0.3)]).kind).toBe('empirical');
    expect(lawOf([3, 3, 3])).toEqual({ kind: 'constant', value: 3, count: 3 });
    expect(lawOf([])).toEqual({ kind: 'none' });
  });

  it('keeps the range of many values within few', () => {
    const law = lawOf(Array.from({ length: 5_000 }, (_, i) => i));
    if (law.kind !== 'empirical') throw new Error(law.kind);
    expect(law.values).toHaveLength(200);
    expect([law.values[0], law.values.at(-1)]).toEqual([0, 4_999]);
  });

  it.each([
    [0, '0s'],
    [0.0000004, '0s'],
    [0.000_25, '250us'],
    [0.41, '410ms'],
    [10.123_456_7, '10.123457s'],
    [90_000, '90000s'],
  ])('writes %f s as a duration that is read again: %s', (seconds, text) => {
    expect(durationText(seconds)).toBe(text);
    expect(parseDuration(text)).toBe(Math.round(seconds * 1e6));
  });

  it('is a section that a scenario takes', () => {
    const starts = draw(300, 0.3);
    const workloads: MeasuredWorkload[] = [
      ...starts.map(started => ({ image: 'nginx', pulled: null, started, stopped: null })),
      ...[10.1, 10.4, 10.2].map(stopped => ({ image: 'nginx', pulled: null, started: null, stopped })),
    ];
    const text = fitText('results/live-web-live', workloads);
    expect(text).toMatch(/^# Container times measured in results\/live-web-live/);
    expect(text).toContain('  # pull: nothing was measured\n');
    expect(text).toContain('  stop: {empirical: [10.1s, 10.2s, 10.4s]} # of 3 stops\n');
    const indented = text.replace(/^/gm, '    ').trimEnd();
    const scenario = SCENARIO.replace('    balance: 10 akash\n', `    balance: 10 akash\n${indented}\n`);
    const read = loadScenario('a.yaml', { readFile: () => scenario, checkParams: checkProtocolParams });
    const { containers } = read.scenario.providers[0]!;
    expect(containers.start).toMatchObject({ kind: 'lognormal' });
    expect(containers.stop).toMatchObject({ kind: 'empirical', values: [10_100_000, 10_200_000, 10_400_000] });
    expect(containers.pull).toMatchObject({ kind: 'constant', value: 0 });
  });

  it('of nothing is no section', () => {
    expect(fitText('r', [])).toContain('# containers:');
    expect(fitText('r', [])).not.toMatch(/^containers/m);
  });
});

describe('tables', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'orrery-compare-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const write = (text: string): void => writeFileSync(join(folder, 'workloads.csv'), text);
  const header = TABLES.workloads.map(column => column.name).join(',');

  it('are read by the names of their columns', () => {
    write(`${header}\neu-0,lease/0/0,nginx,,0.5,\neu-0,lease/0/0,nginx,,,10.25\n`);
    expect(readWorkloads(folder)).toEqual([
      { image: 'nginx', pulled: null, started: 0.5, stopped: null },
      { image: 'nginx', pulled: null, started: null, stopped: 10.25 },
    ]);
    expect(tableRows(folder, 'leases', ['lease'])).toBeNull();
  });

  it.each([
    ['nothing', '', 'found nothing'],
    ['other columns', 'a,b\n1,2\n', 'no column image, pulled_s, started_s, stopped_s'],
    ['a short row', `${header}\neu-0,lease\n`, 'a row of 2 fields'],
    ['no number', `${header}\na,b,c,,fast,\n`, '"fast" in started_s'],
    ['an open quote', `${header}\n"a,b\n`, 'never closed'],
  ])('that hold %s are named', (_, text, expected) => {
    write(text);
    expect(() => readWorkloads(folder)).toThrow(UnreadableTable);
    expect(() => readWorkloads(folder)).toThrow(expected);
    expect(() => readWorkloads(folder)).toThrow('workloads.csv');
  });
});
