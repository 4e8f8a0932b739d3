/** `orrery sdl`, and `validate` on SDL files: pages within 80 columns, a line of JSON per file, every problem at once. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { printable } from '../../src/cli/sdl-text.ts';
import { readRun } from '../../src/lab/experiment/results-record.ts';
import { cli, ROOT, useFolder } from './support.ts';

useFolder();

const OWN = join(ROOT, 'scenarios/sdl');
const DATA = join(ROOT, process.env.ORRERY_DATA ?? '../shared/data', 'sdl');
const BROKEN = 'version: "2.0"\nservices:\n  web: {image: 1}\n';

function own(name: string): string {
  return readFileSync(join(OWN, name), 'utf8');
}

/** A folder with good and bad files of every kind. */
function mixed(): void {
  mkdirSync('folder');
  writeFileSync('folder/good.yaml', own('web-service.yaml'));
  writeFileSync('folder/also good 日本.yml', own('name-server.yaml'));
  writeFileSync('folder/broken.yaml', BROKEN);
  writeFileSync('folder/empty.yaml', '');
  writeFileSync('folder/binary.yaml', new Uint8Array([0, 1, 0xff, 0xfe, 10, 0x80]));
  writeFileSync('folder/orrery.yaml', 'defaults: {}\n');
  writeFileSync('folder/readme.md', 'no SDL\n');
}

describe('sdl', () => {
  it('shows groups, price limits, connections and version', async () => {
    writeFileSync('edge-and-core.yaml', own('edge-and-core.yaml'));
    const { code, out, err } = await cli(['sdl', 'edge-and-core.yaml']);
    expect([code, err]).toEqual([0, '']);
    await expect(out).toMatchFileSnapshot('golden/sdl.txt');
  });

  it('stays within 80 columns for every file of the gallery', async () => {
    const { code, out } = await cli(['sdl', OWN]);
    expect(code).toBe(0);
    const lines = out.split('\n').filter(line => !line.includes(OWN));
    expect(lines.length).toBeGreaterThan(150);
    expect(lines.filter(line => line.length > 80)).toEqual([]);
    expect(out).toContain('11 files: 11 accepted, 0 refused\n');
  });

  it('says every problem of every file, and what is good of the others', async () => {
    mixed();
    const { code, out, err } = await cli(['sdl', 'folder', 'missing.yaml']);
    expect(code).toBe(2);
    expect(out).toContain('folder/good.yaml\n  accepted: SDL 2.0, 1 group, 1 service\n');
    expect(out).toContain('folder/also good 日本.yml\n');
    expect(out).toContain('6 files: 2 accepted, 4 refused\n');
    expect(err.split('\n')).toEqual([
      expect.stringMatching(/^folder\/binary\.yaml:1:1: found bytes that are not UTF-8/),
      expect.stringMatching(/^folder\/broken\.yaml:1:1: found no "profiles"/),
      expect.stringMatching(/^folder\/broken\.yaml:1:1: found no "deployment"/),
      expect.stringMatching(/^folder\/broken\.yaml:3:16: \/services\/web\/image: found the number 1, expected a text/),
      expect.stringMatching(/^folder\/empty\.yaml: found an empty file/),
      'missing.yaml: found no such file, expected an SDL file that can be read',
      '',
    ]);
  });

  it('prints one JSON object a file and line, in the order given', async () => {
    mixed();
    const { code, out, err } = await cli(['sdl', '--json', 'missing.yaml', 'folder']);
    expect([code, err]).toEqual([2, '']);
    const lines = out
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    const names = ['also good 日本.yml', 'binary.yaml', 'broken.yaml', 'empty.yaml', 'good.yaml'];
    expect(lines.map(one => one.file)).toEqual(['missing.yaml', ...names.map(name => `folder/${name}`)]);
    for (const one of lines) {
      if (!one.ok) {
        expect(one).toMatchObject({ version: null, manifest: null, groupSpecs: null });
        expect(['read', 'schema', 'validate']).toContain(one.stage);
        expect(one.errors.length).toBeGreaterThan(0);
        for (const error of one.errors) expect(Object.keys(error)).toEqual(['path', 'line', 'column', 'message']);
        continue;
      }
      expect(Object.keys(one)).toEqual(['file', 'ok', 'version', 'manifest', 'groupSpecs', 'errors']);
      expect(createHash('sha256').update(one.manifest).digest('hex')).toBe(one.version);
      expect(JSON.parse(one.groupSpecs)[0].name).toBe(JSON.parse(one.manifest)[0].name);
    }
    expect(lines[3].errors[2]).toEqual({
      path: '/services/web/image',
      line: 3,
      column: 16,
      message: 'found the number 1, expected a text in quotes',
    });
  });

  it('a folder without SDL files is a mistake', async () => {
    mkdirSync('none');
    const { code, err } = await cli(['sdl', 'none']);
    expect([code, err]).toEqual([
      2,
      'none: found a folder with no .yaml or .yml in it, expected a folder of SDL files\n',
    ]);
  });

  it('a file that is too large is refused unread', async () => {
    writeFileSync('large.yaml', '# '.padEnd(300_000, 'x'));
    const { code, err } = await cli(['sdl', 'large.yaml']);
    expect([code, err]).toEqual([
      2,
      'large.yaml: found 300,000 bytes, at most 262,144 are read, expected an SDL file that can be read\n',
    ]);
  });

  it('says what the market cannot hold of a good file', async () => {
    writeFileSync(
      'a.yaml',
      own('image-generation.yaml').replace('ram: 24Gi\n                  interface: pcie\n', 'ram: 24Gi\n'),
    );
    const { code, out } = await cli(['sdl', 'a.yaml']);
    expect(code).toBe(0);
    expect(out).toMatch(/ {4}no order of the market: its GPUs, rtx3090\/24Gi\/\* or/);
  });

  it('lets no file write to the terminal but text', () => {
    expect(printable('a\u001b[31mb\u202ec\u0007\nd\ud800é日')).toBe('a\\u{1b}[31mb\\u{202e}c\\u{7}\\u{a}d\\u{d800}é日');
  });

  const expected = join(DATA, 'expected.jsonl');
  it.skipIf(!existsSync(expected))('says what the official tool says of the public files of Akash', async () => {
    const verdicts = readFileSync(expected, 'utf8')
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line));
    const { code, out } = await cli(['sdl', join(DATA, 'awesome-akash'), '--json']);
    expect(code).toBe(2);
    const found = new Map(
      out
        .trimEnd()
        .split('\n')
        .map(line => [JSON.parse(line).file.split('/').at(-1), JSON.parse(line)]),
    );
    expect(found.size).toBe(verdicts.length);
    for (const { file, ok, version, manifest, groupSpecs } of verdicts) {
      expect(found.get(file)).toMatchObject(ok ? { ok, version, manifest, groupSpecs } : { ok });
    }
  });
});

describe('validate', () => {
  it('knows SDL files, terms and scenarios apart, also in a folder', async () => {
    mixed();
    writeFileSync('folder/orrery.yaml', 'files: {good.yaml: {collateral: 1}}\n');
    const { code, out, err } = await cli(['validate', 'folder', 'small.yaml']);
    expect(code).toBe(2);
    expect(out.split('\n')).toEqual([
      expect.stringMatching(/^valid: folder\/also good 日本\.yml: SDL 2\.1: 1 group, 1 service, version [0-9a-f]{64}$/),
      expect.stringMatching(/^valid: folder\/good\.yaml: SDL 2\.0: /),
      expect.stringMatching(/^valid: small\.yaml: small: /),
      '',
    ]);
    expect(err).toMatch(/^folder\/broken\.yaml:3:16: \/services\/web\/image: found the number 1/m);
    expect(err).toMatch(/^folder\/orrery\.yaml:1:33: files\.good\.yaml\.collateral: found 1, expected an amount/m);
    // Neither has a key that tells what it should have been; a scenario is what orrery is about.
    expect(err).toMatch(/^folder\/empty\.yaml:1:1: found an empty file, expected a map with name/m);
  });

  it('accepts the terms of the gallery', async () => {
    const { code, out } = await cli(['validate', join(OWN, 'orrery.yaml')]);
    expect([code, out]).toEqual([0, expect.stringMatching(/orrery\.yaml: terms: of \d SDL files\n$/)]);
  });

  it('tells a file with errors in its YAML by its keys', async () => {
    writeFileSync('a.yaml', 'version: "2.0"\nservices: {web: [\nprofiles:\n');
    const { code, err } = await cli(['validate', 'a.yaml']);
    expect(code).toBe(2);
    expect(err).toMatch(/^a\.yaml:\d+:\d+: found /);
    expect(err).not.toContain('question');
  });
});

describe('a run with SDL files', { timeout: 60_000 }, () => {
  /** The scenario of all tests here, with SDL files in place of what its tenants deploy. */
  function scenario(): void {
    const text = readFileSync('small.yaml', 'utf8')
      .replace(/- groups:\n.*\n/, 'sdl: {}\n')
      .replace('horizon: 2d', 'horizon: 1h')
      .replace('warmup: 6h', 'workload: {sdl: files}')
      .replace('{every: 1h}', '{every: 1h, files: [sdl]}');
    writeFileSync('small.yaml', text.replace(/^expect: .*$/m, 'expect: [sdl_refused == 1, sdl_matched == 1]'));
    mkdirSync('files');
    writeFileSync('files/good.yaml', own('web-service.yaml'));
    writeFileSync('files/broken.yaml', BROKEN);
  }

  it('names every file, in run.json and in sdl.csv, and is made again from its results', async () => {
    scenario();
    const { code, out, err } = await cli(['run', 'small.yaml', '--out', 'out', '--workers', '1'], null);
    expect([code, err]).toEqual([0, '']);
    expect(out).toContain('refused (`orrery sdl` says why): broken.yaml\n');
    const record = readRun('out');
    expect(record.scenario.data.map(one => one.path)).toEqual(['files/broken.yaml', 'files/good.yaml']);
    expect(record.notes.join('\n')).toContain('broken.yaml');
    const [head, broken, good] = readFileSync('out/sdl.csv', 'utf8').split('\n');
    expect(head).toMatch(/^file,verdict,stage,reason,version,same_as,/);
    expect(broken).toMatch(
      /^broken\.yaml,refused,schema,"line 1, column 1: found no ""profiles"".*; .*image: found the number 1/,
    );
    expect(good).toMatch(/^good\.yaml,deployed,,,[0-9a-f]{64},,1,/);
    // What has come into the folder since has no part in the run; what has changed cannot have.
    writeFileSync('files/another.yaml', own('name-server.yaml'));
    expect((await cli(['replay', 'out'], null)).code).toBe(0);
    writeFileSync('files/good.yaml', own('name-server.yaml'));
    const changed = await cli(['replay', 'out'], null);
    expect(changed.code).not.toBe(0);
    expect(changed.err).toContain('files/good.yaml: found a file with SHA-256');
  });

  it('is another scenario when a file changes, and the same one in another place', async () => {
    scenario();
    const hashOf = async (...set: string[]) => {
      await cli(['run', 'small.yaml', '--out', 'out', '--workers', '1', ...set], null);
      return readRun('out').scenarioHash;
    };
    const first = await hashOf();
    renameSync('files', 'elsewhere');
    expect(await hashOf('--set', 'workload.sdl=elsewhere')).toBe(first);
    writeFileSync('elsewhere/broken.yaml', `${BROKEN}\n`);
    expect(await hashOf('--set', 'workload.sdl=elsewhere')).not.toBe(first);
  });
});
