/** `orrery compare` over small runs of the simulated world, and over what it cannot use. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compareText, fitted, numberCell, relativeCell } from '../../src/cli/compare-text.ts';
import type { RunRecord } from '../../src/lab/experiment/results-record.ts';
import { type ComparedRun, compareRuns } from '../../src/lab/report/compare.ts';
import type { LeaseTimes } from '../../src/lab/report/compare-times.ts';
import { parseExact } from '../../src/lab/report/json.ts';
import { TABLES } from '../../src/lab/report/tables.ts';
import { cli, recordingTerminal, SCENARIO, useFolder } from './support.ts';

const REAL = null;
const SHORT = ['--set', 'horizon=3h', '--set', 'warmup=30m', '--set', 'observe.every=10m', '--set', 'expect=[]'];
const FILES = ['--set', 'observe.files=[orders, leases, blocks, events]'];

/** Where the runs of all tests are: `a`, `b` with another seed, `c` with another value. */
let runs = '';
beforeAll(async () => {
  runs = mkdtempSync(join(tmpdir(), 'orrery-compare-'));
  writeFileSync(join(runs, 'small.yaml'), SCENARIO);
  const run = async (out: string, ...more: string[]): Promise<void> => {
    const args = ['run', join(runs, 'small.yaml'), ...SHORT, ...FILES, '--out', join(runs, out), ...more];
    const { code, err } = await cli(args, REAL);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  };
  await run('a');
  await run('b', '--seed', '2');
  await run('c', '--set', 'tenants.web.lifetime=50m');
}, 120_000);
afterAll(() => rmSync(runs, { recursive: true, force: true }));

useFolder();

/** Copies of these runs in the test's own folder. */
function have(...names: string[]): void {
  for (const name of names) cpSync(join(runs, name), name, { recursive: true });
}

const LONGEST = (text: string): number => Math.max(...text.split('\n').map(line => line.length));

describe('compare', () => {
  it('lays two seeds side by side, within 80 columns', async () => {
    have('a', 'b');
    const { code, out, err } = await cli(['compare', 'a', 'b']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(LONGEST(out)).toBeLessThanOrEqual(80);
    expect(out).toMatch(/^A {2}a\n {3}small, simulated, seed 1, 3 hours, orrery/);
    expect(out).toMatch(/Metrics: [1-9]\d* of \d+ metrics differ\n {2}metric .* A .* B .* B - A .* %\n/);
    expect(out).toMatch(/What happened to orders: \d+ orders in both, \d+ alike, [1-9]\d* differ/);
    expect(out).toMatch(/order to match {2,}\d+ .*\n {2}match to active .*\n {2}active to end/);
    expect(out).toMatch(/Time between blocks\n.*\n {2}A +1,798 +6s +6s +6s\n {2}B +1,798/);
    expect(out).not.toContain('warning');
    const same = (await cli(['compare', 'a', 'a'])).out;
    expect(same).toContain('The same run, event by event.');
    expect(same).toContain('Metrics: 0 of ');
    expect(same).toMatch(/What happened to orders: (\d+) orders in both, \1 alike\n/);
    expect(same).toMatch(/Payments: (\d+) leases in both, \1 paid exactly the same; in all (\S+) and \2 uakt \(0\)/);
  });

  it('names what a changed value changes, and says all of it to machines', async () => {
    have('a', 'c');
    const { code, out } = await cli(['compare', 'a', 'c']);
    expect(code).toBe(0);
    expect(LONGEST(out)).toBeLessThanOrEqual(80);
    expect(out).toContain('with tenants.web.lifetime=50m');
    expect(out.replace(/\s+/g, ' ')).toContain(
      'warning: the scenario is not the same in both (set in A alone: nothing; in B alone: tenants.web.lifetime=50m)',
    );
    const json = parseExact((await cli(['compare', 'a', 'c', '--json'])).out) as {
      readonly times: readonly { readonly what: string; readonly paired: { readonly shift: number } }[];
      readonly metrics: readonly { readonly metric: string }[];
    };
    expect(json).toMatchObject({
      a: { world: 'simulated', seed: 1, name: 'small' },
      b: { overrides: expect.arrayContaining(['tenants.web.lifetime=50m']) },
      missing: [],
      payments: { both: expect.any(Number), differences: expect.any(Array) },
    });
    const shift = json.times.find(one => one.what === 'active to end')?.paired.shift;
    // Ten minutes, to within a block.
    expect(Math.abs((shift ?? 0) + 600)).toBeLessThanOrEqual(6);
    expect(json.metrics.map(one => one.metric)).toContain('orders_matched');
  });

  it('says which files are missing, and compares the rest', async () => {
    have('a');
    cpSync('a', 'b', { recursive: true });
    rmSync('b/events.csv');
    rmSync('b/blocks.csv');
    const { code, out } = await cli(['compare', 'a', 'b']);
    expect(code).toBe(0);
    expect(out).toContain('Not compared, for want of b/events.csv, b/blocks.csv;');
    expect(out).toContain("--set\n  'observe.files=[events, blocks]'");
    expect(out).toContain('Payments: ');
    expect(out).not.toContain('What happened to orders');
  });

  it('says what a folder, or a file in it, is instead of what it should be', async () => {
    have('a');
    cpSync('a', 'b', { recursive: true });
    const refused = async (...args: string[]): Promise<string> => {
      const { code, out, err } = await cli(['compare', ...args]);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      return err;
    };
    expect(await refused('a', 'nowhere')).toContain('nowhere: found no run.json, expected a results directory');
    expect(await refused('a', 'small.yaml')).toContain('small.yaml: found no run.json');
    writeFileSync('b/leases.csv', 'lease,tenant\n');
    expect(await refused('a', 'b')).toContain('b/leases.csv: found no column created_s');
    writeFileSync(
      'b/leases.csv',
      readFileSync('a/leases.csv', 'utf8').replace(/,(\d+),(\d+),(\d+),(\d+)$/m, ',-5,$2,$3,$4'),
    );
    expect(await refused('a', 'b')).toContain('b/leases.csv: found "-5" in paid_uakt, expected a whole amount');
    writeFileSync('b/events.csv', 'nonsense\n');
    expect(await refused('a', 'b')).toContain('b/events.csv: found');
    expect(await refused('a')).toMatch(/error/);
  });

  it('writes container times of a live run as a scenario has them', async () => {
    have('a');
    cpSync('a', 'live', { recursive: true });
    const header = TABLES.workloads.map(column => column.name).join(',');
    const rows = [0.5, 0.6, 0.4].map((s, i) => `eu-0,lease/0/${i},nginx,,${s},`);
    writeFileSync('live/workloads.csv', `${[header, ...rows].join('\n')}\n`);
    const { code, out } = await cli(['compare', 'a', 'live', '--fit', 'containers.yaml']);
    expect(code).toBe(0);
    expect(out).toContain('What happened to orders');
    const text = readFileSync('containers.yaml', 'utf8');
    expect(text).toContain('containers:\n');
    expect(text).toContain('start: {empirical: [400ms, 500ms, 600ms]} # of 3 starts');
    expect(await cli(['compare', 'a', 'live', '--fit', '-'])).toEqual({ code: 0, out: text, err: '' });
    const again = await cli(['compare', 'a', 'live', '--fit', 'containers.yaml']);
    expect(again.code).toBe(2);
    expect(again.err).toContain('found containers.yaml, expected a file that is not there yet');
    const none = await cli(['compare', 'a', 'a', '--fit', 'other.yaml']);
    expect(none.code).toBe(2);
    expect(none.err).toContain('found no workloads.csv in a or a');
    expect(existsSync('other.yaml')).toBe(false);
    expect((await cli(['compare', 'a', 'live', '--fit', 'no/such/folder.yaml'])).err).toContain(
      'no/such/folder.yaml: found',
    );
  });
});

/** Two made-up runs, one simulated and one live, with one of every difference. */
function made(letter: 'a' | 'b'): ComparedRun {
  const isA = letter === 'a';
  const lease = (active: number, ended: number, paid: bigint): LeaseTimes => {
    return { created: 12, active, ended, end: 'tenant_closed', paid };
  };
  const record = {
    name: 'live-web',
    seed: 1,
    world: isA ? 'simulated' : 'live',
    scenario: { path: 'live-web.yaml', overrides: isA ? [] : ['horizon=2m'], files: [], data: [] },
    scenarioHash: letter,
    version: '0.1.0',
    engine: { node: 'v26.10.0', v8: '14' },
    traceHash: isA ? 'f'.repeat(32) : '',
    events: 1_000,
    seconds: isA ? 300 : 120,
    summary: isA
      ? {
          orders: 3,
          match_share: 1,
          paid_uakt: 12_345_678_901_234_567n,
          wait_mean_s: 4,
          region_a_very_long_name_commit_p90_s: 0.5,
          validator_0_proposed: 20,
          outages: 1,
          outage_max_s: 14.13,
          lease_gaps: 1,
          lease_gap_max_s: 16.23,
        }
      : {
          orders: 3,
          match_share: 2 / 3,
          paid_uakt: 12_345_678_901_234_570n,
          wait_mean_s: null,
          region_a_very_long_name_commit_p90_s: 0.75,
          validator_0_proposed: 22,
          outages: 2,
          outage_max_s: 15.5,
          lease_gaps: 1,
          lease_gap_max_s: 18,
        },
  } as unknown as RunRecord;
  const opened = ['opened', 'bid eu-0 1,800 uakt/h', 'bid a-provider-of-a-long-name-12 1,900 uakt/h'];
  const steps = new Map([
    ['web-0/0/0/0', [...opened, 'matched eu-0 1,800 uakt/h', 'active']],
    ['web-1/0/0/0', isA ? opened : [opened[0]!, opened[2]!, opened[1]!]],
    [
      'web-2/0/0/0',
      isA ? [...opened, 'matched eu-0 1,800 uakt/h', 'active'] : [...opened, 'matched eu-0 1,800 uakt/h', 'broken'],
    ],
    ...(isA ? [['web-3/0/0/0', ['opened']] as const] : []),
  ] as [string, string[]][]);
  const leases = isA
    ? [
        ['web-0/0/0/0', lease(13, 60, 5n)],
        ['web-2/0/0/0', lease(13, 90, 12_345_678_901_234_562n)],
      ]
    : [
        ['web-0/0/0/0', lease(13.75, 59, 5n)],
        ['web-2/0/0/0', lease(14.5, 95, 12_345_678_901_234_565n)],
      ];
  const right = { payments: 12, right: 12, others: 3, othersRight: 3, wrong: [] };
  const wrong = { height: 41, about: 'akash1tenant/0/0/0', what: 'a payment', found: 9n, expected: 8n };
  return {
    folder: isA ? 'results/live-web-1' : 'results/live-web-live',
    record,
    orders: { orders: steps, leftOut: 0 },
    waits: new Map([['web-0/0/0/0', isA ? 4 : 4.25]]),
    leases: new Map(leases as [string, LeaseTimes][]),
    intervals: isA ? [1, 1, 1] : null,
    verdict: isA ? right : { ...right, right: 11, wrong: [wrong] },
  };
}

describe('the page', () => {
  it('has every difference, within 80 columns', async () => {
    const text = compareText(recordingTerminal(), compareRuns(made('a'), made('b')));
    expect(LONGEST(text)).toBeLessThanOrEqual(80);
    await expect(text).toMatchFileSnapshot('golden/compare.txt');
  });
});

describe('cells', () => {
  it.each([
    [numberCell(12_345_678_901_234_567n), '1.2346e16'],
    [numberCell(1_234_567n), '1,234,567'],
    [numberCell(0.001_234_56), '0.0012346'],
    [numberCell(null), '-'],
    [numberCell(undefined), '-'],
    [relativeCell(0.125), '+12.5'],
    [relativeCell(-0.000_01), '0.0'],
    [relativeCell(1e9), '+1.0e11'],
    [relativeCell(null), '-'],
    [fitted('validator_13_power_share_of_all', 20), 'validator..re_of_all'],
    [fitted('short', 20), 'short'],
  ])('%s', (text, expected) => {
    expect(text).toBe(expected);
  });
});
