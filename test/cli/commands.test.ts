import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { galleryNames } from '../../src/cli/gallery.ts';
import { readRun } from '../../src/lab/experiment/results-record.ts';
import { SEEDS } from './fake-runner.ts';
import { cli, names, SCENARIO, useFolder } from './support.ts';

useFolder();

describe('help', () => {
  it('lists every command, and each shows examples, within 80 columns', async () => {
    const all = await cli(['--help']);
    expect(all.code).toBe(0);
    await expect(all.out).toMatchFileSnapshot('golden/help.txt');
    for (const { usage } of COMMANDS) {
      const name = usage.split(' ')[0]!;
      expect(all.out).toContain(`orrery ${name}`);
      const { code, out } = await cli([name, '--help']);
      expect(code).toBe(0);
      expect(out).toContain('Examples:');
      expect(Math.max(...out.split('\n').map(line => line.length))).toBeLessThanOrEqual(80);
    }
    await expect((await cli(['run', '--help'])).out).toMatchFileSnapshot('golden/run-help.txt');
  });

  it('is what no command at all gives', async () => {
    expect((await cli([])).out).toBe((await cli(['--help'])).out);
  });

  it('tells the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await cli(['--version'])).toEqual({ code: 0, out: `${version}\n`, err: '' });
  });
});

describe('new', () => {
  it('writes a scenario that is valid and runs, named after its file', async () => {
    const made = await cli(['new', 'My Market.yaml']);
    expect(made.code).toBe(0);
    expect(readFileSync('My Market.yaml', 'utf8')).toMatch(
      /^# yaml-language-server: \$schema=.*scenario\.schema\.json\n/,
    );
    const checked = await cli(['validate', 'My Market.yaml']);
    expect(checked).toMatchObject({ code: 0, err: '' });
    expect(checked.out).toBe('valid: My Market.yaml: my-market: 6 providers, 10 tenants, 2 days\n');
  });

  it('refuses to overwrite, and a name that is no YAML', async () => {
    expect((await cli(['new', 'small.yaml'])).code).toBe(2);
    expect(readFileSync('small.yaml', 'utf8')).toBe(SCENARIO);
    expect((await cli(['new', 'small.txt'])).code).toBe(2);
    expect((await cli(['new', 'no/such/folder.yaml'])).err).toContain('no/such/folder.yaml: found');
    expect(names('.')).toEqual(['small.yaml']);
  });
});

describe('validate', () => {
  it('says everything that is wrong with all files', async () => {
    writeFileSync('a.yaml', SCENARIO.replace('count: 4', 'count: -4').replace('lifetime: 1h', 'lifetime: long'));
    writeFileSync('b.yaml', SCENARIO.replace('name: small', 'name: Not A Name'));
    const { code, out, err } = await cli(['validate', 'a.yaml', 'small.yaml', 'b.yaml']);
    expect(code).toBe(2);
    expect(out).toContain('valid: small.yaml');
    expect(err.split('\n').map(line => line.split(':')[0])).toEqual(['a.yaml', 'a.yaml', 'b.yaml', '']);
    const json = JSON.parse((await cli(['validate', 'a.yaml', '--json'])).out) as { errors: { line: number }[] };
    expect(json.errors[0]).toMatchObject({ file: 'a.yaml', line: 7, path: 'providers.cheap.count', found: '-4' });
  });
});

describe('list', () => {
  it('shows each scenario of the gallery with its question', async () => {
    const { code, out } = await cli(['list', '--json']);
    expect(code).toBe(0);
    const entries = JSON.parse(out) as { name: string; question: string }[];
    expect(entries.map(entry => entry.name)).toEqual(galleryNames());
    expect(entries.length).toBeGreaterThan(0);
    const words = (await cli(['list'])).out.replace(/\s+/g, ' ');
    for (const { name, question } of entries) {
      expect(words).toContain(`${name} (`);
      expect(words).toContain(question);
    }
  });
});

describe('replay', () => {
  it('finds a run the same, and finds out when it is not', async () => {
    await cli(['run', 'small.yaml']);
    // The record is all that it takes.
    rmSync('small.yaml');
    const { code, out } = await cli(['replay', 'results/small-1']);
    expect(code).toBe(0);
    expect(out).toMatch(/^the same: small, seed 1: 200,000 events, trace [0-9a-f]{32}\n$/);
    const record = readFileSync('results/small-1/run.json', 'utf8');
    const { traceHash } = readRun('results/small-1');
    writeFileSync('results/small-1/run.json', record.replace(traceHash, 'f'.repeat(32)));
    const changed = await cli(['replay', 'results/small-1']);
    expect(changed.code).toBe(1);
    expect(changed.out).toContain('different');
    expect(changed.out).toContain(traceHash);
  });

  it('finds the first event in which two runs part', async () => {
    await cli(['run', 'small.yaml', '--out', 'a']);
    await cli(['run', 'small.yaml', '--out', 'b', '--seed', String(SEEDS.parts)]);
    const { code, out } = await cli(['replay', '--diff', 'a', 'b']);
    expect(code).toBe(1);
    await expect(out).toMatchFileSnapshot('golden/diff.txt');
    expect(await cli(['replay', '--diff', 'a', 'a'])).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^identical: /),
    });
  });

  it('refuses what is no results directory', async () => {
    for (const args of [
      ['replay', '.'],
      ['replay'],
      ['replay', 'a', '--diff', 'a', 'b'],
      ['explain', '--in', 'small.yaml'],
    ]) {
      const { code, out, err } = await cli(args);
      expect(code).toBe(2);
      expect(out).toBe('');
      expect(err).toMatch(/^error: .*expected/);
    }
  });

  it('names the folders of several runs', async () => {
    await cli(['run', 'small.yaml', '--seeds', '1..2', '--out', 'r']);
    const { code, err } = await cli(['replay', 'r']);
    expect(code).toBe(2);
    expect(err).toContain('r/small-1');
    expect(readRun('r/small-1').seed).toBe(1);
  });
});

describe('explain', () => {
  it('runs again for events that were not kept, and refuses when that is another run', async () => {
    await cli(['run', 'small.yaml', '--seed', '2']);
    const listed = await cli(['explain', '--in', 'results/small-2']);
    expect(listed.err).toContain('results/small-2 has no events.csv; running it again');
    expect(listed.out).toContain('web-0/0/0/0');
    const record = readFileSync('results/small-2/run.json', 'utf8');
    writeFileSync('results/small-2/run.json', record.replace(readRun('results/small-2').traceHash, 'e'.repeat(32)));
    const refused = await cli(['explain', 'expired:1', '--in', 'results/small-2']);
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`expected ${'e'.repeat(32)}`);
    expect(names('results/small-2')).not.toContain('events.csv');
  });

  it('takes the newest results when none are named, and says when there are none', async () => {
    const none = await cli(['explain']);
    expect(none.code).toBe(2);
    expect(none.err).toContain('found no results in results/');
    await cli(['run', 'small.yaml', '--set', 'observe.files=[events]']);
    const { code, out } = await cli(['explain', 'expired:1']);
    expect(code).toBe(0);
    expect(out).toContain('Order web-0/0/0/0');
    expect((await cli(['explain', 'expired:2'])).code).toBe(2);
  });
});

describe('doctor', () => {
  it('finds the pinned engine and says how to get what is missing', async () => {
    const { code, out } = await cli(['doctor', '--json']);
    const { checks } = JSON.parse(out) as { checks: { what: string; state: string; advice: string | null }[] };
    expect(code).toBe(0);
    expect(checks[0]).toMatchObject({ what: 'Node.js', state: 'fine' });
    for (const { state, advice } of checks) expect(advice === null).toBe(state === 'fine');
    expect((await cli(['doctor'])).out).toContain('Node.js');
  });
});
