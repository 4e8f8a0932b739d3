import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRecord, readRun } from '../../src/lab/experiment/results-record.ts';
import { parseExact } from '../../src/lab/report/json.ts';
import { SEEDS } from './fake-runner.ts';
import { cli, names, steady, useFolder } from './support.ts';

useFolder();

function read(...path: string[]): string {
  return readFileSync(join(...path), 'utf8');
}

describe('a run', () => {
  it('prints what came out, within 80 columns', async () => {
    const { code, out, err } = await cli(['run', 'small.yaml']);
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(Math.max(...out.split('\n').map(line => line.length))).toBeLessThanOrEqual(80);
    await expect(steady(out)).toMatchFileSnapshot('golden/run.txt');
  });

  it('writes a folder that explains itself and nothing beside it', async () => {
    await cli(['run', 'small.yaml', '--seed', '7']);
    expect(names('results')).toEqual(['small-7']);
    expect(names('results/small-7')).toEqual(['columns.md', 'picture.svg', 'run.json', 'series.csv', 'summary.csv']);
    const record = readRun('results/small-7');
    expect(record).toMatchObject({ name: 'small', seed: 7, events: 200_000, seconds: 172_800 });
    expect(record.summary.paid_uakt).toBe(12_345_678_901_234_567n);
    expect(record.summary.lease_time_mean_s).toBeNull();
    expect(record.scenario.files[0]!.text).toBe(read('small.yaml'));
    expect(record.files.map(file => file.name).sort()).toEqual(names('results/small-7').sort());
    const [header, row, end] = read('results/small-7/summary.csv').split('\n');
    const cells = Object.fromEntries(header!.split(',').map((name, i) => [name, row!.split(',')[i]]));
    expect(cells).toMatchObject({
      scenario: 'small',
      seed: '7',
      paid_uakt: '12345678901234567',
      lease_time_mean_s: '',
    });
    expect(end).toBe('');
    const columns = read('results/small-7/columns.md');
    for (const name of header!.split(',')) expect(columns).toContain(`| \`${name}\` |`);
  });

  it('takes overrides, which change the hash of the scenario and are kept', async () => {
    await cli(['run', 'small.yaml']);
    const plain = readRun('results/small-1');
    const { code } = await cli(['run', 'small.yaml', '--set', 'providers.cheap.count=5', '--set', 'horizon=3d']);
    const changed = readRun('results/small-1');
    expect(code).toBe(0);
    expect(changed.scenario.overrides).toEqual(['providers.cheap.count=5', 'horizon=3d']);
    expect(changed.seconds).toBe(3 * 86_400);
    expect(changed.scenarioHash).not.toBe(plain.scenarioHash);
  });

  it('prints JSON with all digits', async () => {
    const { out } = await cli(['run', 'small.yaml', '--json']);
    const { runs, failed } = parseExact(out) as { runs: Record<string, unknown>[]; failed: unknown[] };
    expect(failed).toEqual([]);
    expect(runs[0]).toMatchObject({
      seed: 1,
      folder: 'results/small-1',
      summary: { paid_uakt: 12_345_678_901_234_567n },
    });
  });

  it('fails when an expectation is violated, and keeps the results', async () => {
    const { code, out } = await cli(['run', 'small.yaml', '--seed', String(SEEDS.violates)]);
    expect(code).toBe(1);
    expect(out).toContain('violated match_share > 0.5');
    expect(readRun(`results/small-${SEEDS.violates}`).expectations[0]!.holds).toBe(false);
  });
});

describe('several runs', () => {
  it('share a folder with a summary of all', async () => {
    const { code, out } = await cli(['run', 'small.yaml', '--seeds', '1..3', '--workers', '2']);
    expect(code).toBe(0);
    await expect(steady(out)).toMatchFileSnapshot('golden/runs.txt');
    const folder = 'results/small-1..3';
    expect(names(folder)).toEqual(['columns.md', 'run.json', 'small-1', 'small-2', 'small-3', 'summary.csv']);
    expect(
      read(folder, 'summary.csv')
        .split('\n')
        .slice(1, -1)
        .map(line => line.split(',')[1]),
    ).toEqual(['1', '2', '3']);
    expect(readRecord(folder)).toMatchObject({ kind: 'orrery runs', failed: [] });
  });

  it('go on when one fails or its worker dies, which names the seed and the command', async () => {
    const override = 'providers.cheap.count=5';
    const { code, out, err } = await cli([
      'run',
      'small.yaml',
      '--seeds',
      '12..14',
      '--workers',
      '2',
      '--set',
      override,
    ]);
    expect(code).toBe(1);
    expect(out).toContain('12');
    expect(err).toContain('small, seed 13: the run failed: monitor supply: 1 uakt appeared from nowhere at height 7');
    expect(err).toContain(`npx orrery run small.yaml --seed 13 --set ${override}`);
    expect(err).toContain('small, seed 14: the worker died:');
    expect(err).toContain(`npx orrery run small.yaml --seed 14 --set ${override}`);
    expect(names('results/small-12..14')).toEqual(['columns.md', 'run.json', 'small-12', 'summary.csv']);
    const record = readRecord('results/small-12..14');
    expect(record.kind === 'orrery runs' && record.failed.map(one => one.seed)).toEqual([13, 14]);
  });

  it('of several scenarios have a folder for each, or one for all', async () => {
    writeFileSync('other.yaml', read('small.yaml').replace('name: small', 'name: other'));
    expect((await cli(['run', 'small.yaml', 'other.yaml'])).code).toBe(0);
    expect(names('results')).toEqual(['other-1', 'small-1']);
    expect((await cli(['run', 'small.yaml', 'other.yaml', '--out', 'both'])).code).toBe(0);
    expect(names('both')).toEqual(['columns.md', 'other-1', 'run.json', 'small-1', 'summary.csv']);
    const twice = await cli(['run', 'small.yaml', 'small.yaml']);
    expect(twice).toMatchObject({ code: 2, out: '' });
    expect(twice.err).toContain('two runs for this folder');
  });
});

describe('what cannot be run', () => {
  it('is refused with every error and its place', async () => {
    const bad = read('small.yaml').replace('count: 4', 'count: many').replace('horizon: 2d', 'horizon: 2 fortnights');
    writeFileSync('bad.yaml', bad);
    const { code, out, err } = await cli(['run', 'bad.yaml']);
    expect(code).toBe(2);
    expect(out).toBe('');
    const lines = err.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/^bad\.yaml:3:\d+: horizon: found "2 fortnights", expected /);
    expect(lines[1]).toMatch(/^bad\.yaml:7:\d+: providers\.cheap\.count: found "many", expected /);
    expect(names('.')).toEqual(['bad.yaml', 'small.yaml']);
  });

  it.each([
    [['run'], /Not enough non-option arguments/],
    [['run', 'none.yaml'], /none\.yaml: found no such file, expected a scenario file, or a name/],
    [['run', 'spot-markt'], /"spot-market" perhaps/],
    [['run', 'small.yaml', '--seed', '-1'], /--seed/],
    [['run', 'small.yaml', '--seed', '1.5'], /--seed: found "1\.5", expected a whole number/],
    [['run', 'small.yaml', '--seeds', '5..1'], /--seeds: found "5\.\.1", expected a range such as 1\.\.10/],
    [['run', 'small.yaml', '--seeds', '1..9999999'], /at most 100000 seeds/],
    [['run', 'small.yaml', '--seed', '1', '--seeds', '1..2'], /mutually exclusive/],
    [['run', 'small.yaml', '--workers', '0'], /--workers: found "0", expected a whole number from 1/],
    [['run', 'small.yaml', '--set', 'nonsense'], /--set nonsense: found "nonsense", expected path=value/],
    [['run', 'small.yaml', '--sed', '1'], /Unknown argument: sed/],
    [['rum'], /found "rum", expected a command: "run" perhaps/],
    [['list', 'more'], /Unknown argument: more/],
    [['run', 'small.yaml', '--out', 'small.yaml'], /small\.yaml: found a file, expected no file/],
  ])('%j', async (args, message) => {
    const { code, out, err } = await cli(args);
    expect(err).toMatch(message);
    expect(out).toBe('');
    expect(code).toBe(2);
    expect(names('.')).toEqual(['small.yaml']);
  });

  it('never replaces a folder that is not its own', async () => {
    mkdirSync('mine');
    writeFileSync('mine/thesis.txt', 'years of work');
    const { code, err } = await cli(['run', 'small.yaml', '--out', 'mine']);
    expect(code).toBe(2);
    expect(err).toContain('mine: found a folder that is no results of orrery');
    expect(read('mine/thesis.txt')).toBe('years of work');
    expect(names('.')).toEqual(['mine', 'small.yaml']);
  });

  it('replaces results of its own, all of them', async () => {
    await cli(['run', 'small.yaml', '--out', 'r', '--seeds', '1..2']);
    await cli(['run', 'small.yaml', '--out', 'r']);
    expect(names('r')).toEqual(['columns.md', 'picture.svg', 'run.json', 'series.csv', 'summary.csv']);
    expect(names('.')).toEqual(['r', 'small.yaml']);
  });

  it('leaves nothing behind when the disk is full or the only run fails', async () => {
    const full = await cli(['run', 'small.yaml', '--seeds', '15..20', '--workers', '1']);
    expect(full).toMatchObject({ code: 1, out: '' });
    expect(full.err).toBe(
      'error: results/small-15..20: the results could not be written: no space left on the disk; nothing was left there\n',
    );
    const failed = await cli(['run', 'small.yaml', '--seed', String(SEEDS.throws), '--out', 'deep/down/here']);
    expect(failed.code).toBe(1);
    expect(existsSync('deep')).toBe(false);
    expect(names('.')).toEqual(['small.yaml']);
  });
});
