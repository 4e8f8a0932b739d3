import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ProgressMeter } from '../../../src/lab/experiment/progress.ts';
import { firstDifference, windowOfDifference } from '../../../src/lab/experiment/replay.ts';
import { summaryText } from '../../../src/lab/experiment/results.ts';
import { CsvFile, cellText } from '../../../src/lab/experiment/results-csv.ts';
import { OutputFolder, UnusableFolder } from '../../../src/lab/experiment/results-folder.ts';
import { NotResults, type RunRecord, readRecord } from '../../../src/lab/experiment/results-record.ts';
import { loadFromDisk, loadFromSource } from '../../../src/lab/experiment/results-source.ts';
import type { RunResult } from '../../../src/lab/experiment/types.ts';
import { BASE } from '../scenario/fixture.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'orrery-results-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('a CSV file', () => {
  it('has one way to write each cell', () => {
    const cells = [null, 'a,b', 'say "x"', 12n ** 20n, -0, 1e21, 0.1 + 0.2, 1e-7];
    const texts = ['', 'a,b', 'say "x"', '3833759992447475122176', '0', '1e+21', '0.30000000000000004', '1e-7'];
    expect(cells.map(cellText)).toEqual(texts);
    expect(() => cellText(Number.NaN)).toThrow('expected a finite number, found NaN');
    expect(() => cellText(Number.NEGATIVE_INFINITY)).toThrow('finite');
  });

  it('is complete after closing, with LF and quotes where need be', () => {
    const path = join(folder, 'x.csv');
    const file = new CsvFile(path, ['a', 'b']);
    for (let i = 0; i < 1_100; i++) file.row([i, i === 5 ? 'x,y' : null]);
    file.close();
    const text = readFileSync(path, 'utf8');
    expect(text.startsWith('a,b\n0,\n1,\n2,\n3,\n4,\n5,"x,y"\n6,\n')).toBe(true);
    expect(text.endsWith('\n1099,\n')).toBe(true);
    expect(text.split('\n')).toHaveLength(1_102);
    expect(file).toMatchObject({ rows: 1_100, bytes: Buffer.byteLength(text) });
    file.abandon();
  });

  it('refuses rows of another width and files that exist', () => {
    const path = join(folder, 'x.csv');
    const file = new CsvFile(path, ['a', 'b']);
    expect(() => file.row([1])).toThrow('a row of');
    file.abandon();
    expect(() => new CsvFile(path, ['a'])).toThrow('EEXIST');
  });
});

describe('an output folder', () => {
  it('appears at the commit, and not before', () => {
    const place = new OutputFolder(join(folder, 'deep', 'r'));
    writeFileSync(join(place.temporary, 'x'), 'new');
    expect(existsSync(join(folder, 'deep', 'r'))).toBe(false);
    place.commit();
    place.discard();
    expect(readdirSync(join(folder, 'deep'))).toEqual(['r']);
    expect(readFileSync(join(folder, 'deep', 'r', 'x'), 'utf8')).toBe('new');
  });

  it('takes away what it made when it is discarded, and only that', () => {
    mkdirSync(join(folder, 'mine'));
    new OutputFolder(join(folder, 'mine', 'deep', 'down', 'r')).discard();
    expect(readdirSync(join(folder, 'mine'))).toEqual([]);
    const place = new OutputFolder(join(folder, 'made', 'deep', 'r'));
    writeFileSync(join(folder, 'made', 'note.txt'), 'of somebody else');
    place.discard();
    expect(readdirSync(join(folder, 'made'))).toEqual(['note.txt']);
  });

  it('refuses what is not results: a file, a folder with something else, a run.json of another program', () => {
    writeFileSync(join(folder, 'file'), '');
    mkdirSync(join(folder, 'other'));
    writeFileSync(join(folder, 'other', 'run.json'), '{"kind": "something else"}');
    for (const name of ['file', 'other', 'file/r']) {
      expect(() => new OutputFolder(join(folder, name))).toThrow(UnusableFolder);
    }
    expect(readdirSync(folder).sort()).toEqual(['file', 'other']);
    mkdirSync(join(folder, 'empty'));
    new OutputFolder(join(folder, 'empty')).discard();
  });
});

describe('run.json', () => {
  it.each([
    [null, 'no run.json'],
    ['', 'no JSON'],
    ['{}', 'whose kind is'],
    ['{"kind": "orrery run"}', 'whose name is'],
  ])('that reads %s is refused', (text, words) => {
    if (text !== null) writeFileSync(join(folder, 'run.json'), text);
    expect(() => readRecord(folder)).toThrow(NotResults);
    expect(() => readRecord(folder)).toThrow(words);
  });
});

describe('where a run came from', () => {
  it('loads again from its record, without the files', () => {
    const path = join(folder, 's.yaml');
    writeFileSync(join(folder, 'base.yaml'), BASE);
    writeFileSync(path, 'extends: base.yaml\nname: child\n');
    const first = loadFromDisk(path, ['horizon=1d']);
    rmSync(folder, { recursive: true });
    const again = loadFromSource(first.source);
    expect(again).toEqual(first);
    expect(first.source.files.map(file => file.path)).toEqual([path, join(folder, 'base.yaml')]);
    expect(loadFromSource({ ...first.source, overrides: [] }).hash).not.toBe(first.hash);
  });

  it('refuses data that changed since', () => {
    const nodes = join(folder, 'nodes.csv');
    const columns =
      'name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time';
    const trace = `workload: {format: openb, pods: pods.csv, nodes: nodes.csv, timeScale: 1}\n`;
    writeFileSync(
      join(folder, 's.yaml'),
      trace + BASE.replace('{poisson: {every: 10m}}', '{trace: openb}').replace('cpu: 1, memory: 2Gi, ', ''),
    );
    writeFileSync(join(folder, 'pods.csv'), `${columns}\np1,1000,1024,0,0,,LS,Running,0,100,0\n`);
    writeFileSync(nodes, 'sn,cpu_milli,memory_mib,gpu,model\nn1,64000,262144,0,\n');
    const first = loadFromDisk(join(folder, 's.yaml'), []);
    expect(first.data.map(file => file.path)).toEqual([nodes, join(folder, 'pods.csv')]);
    writeFileSync(nodes, 'sn,cpu_milli,memory_mib,gpu,model\nn1,32000,262144,0,\n');
    expect(() => loadFromSource(first.source)).toThrow(/nodes\.csv: found a file with SHA-256 [0-9a-f]{64}, expected /);
    expect(loadFromDisk(join(folder, 's.yaml'), []).hash).not.toBe(first.hash);
  });
});

describe('summary.csv', () => {
  it('joins the metrics of all runs', () => {
    const result = { world: 'simulated' as const, traceHash: 'ab', events: 5, seconds: 1.5 };
    const text = summaryText([
      { scenario: 'a', scenarioHash: 'h', result: { ...result, seed: 1, summary: { x: 1n, y: Number.NaN } } },
      { scenario: 'b', scenarioHash: 'i', result: { ...result, seed: 2, summary: { z: 0.5, x: 2n } } },
    ]);
    expect(text).toBe(
      'scenario,seed,world,scenario_hash,trace_hash,events,run_s,x,y,z\na,1,simulated,h,ab,5,1.5,1,,\nb,2,simulated,i,ab,5,1.5,2,,0.5\n',
    );
  });
});

describe('where two runs part', () => {
  function record(events: number, hashes: readonly string[]): RunRecord {
    const checkpoints = hashes.map((hash, i) => ({ events: (i + 1) * 65_536, hash }));
    return { traceHash: `${hashes.join('')}${events}`, events, checkpoints } as unknown as RunRecord;
  }

  it('is known to a stretch between checkpoints', () => {
    expect(windowOfDifference(record(9, []), record(9, []))).toBeNull();
    expect(windowOfDifference(record(9, []), record(8, []))).toEqual({ from: 0, to: 65_537 });
    const long = record(200_000, ['a', 'b', 'c']);
    expect(windowOfDifference(long, record(200_000, ['a', 'x', 'y']))).toEqual({ from: 65_536, to: 131_073 });
    expect(windowOfDifference(long, record(131_100, ['a', 'b']))).toEqual({ from: 131_072, to: 196_609 });
  });

  it('is found within the stretch, also where one run just ends', () => {
    const result = (texts: string): RunResult => {
      const window = [...texts].map((text, i) => ({ index: 100 + i, text }));
      return { window } as unknown as RunResult;
    };
    expect(firstDifference(result('abc'), result('abc'), 2)).toBeNull();
    expect(firstDifference(result('abcd'), result('abxd'), 1)).toEqual({
      index: 102,
      before: [{ index: 101, text: 'b' }],
      left: [
        { index: 102, text: 'c' },
        { index: 103, text: 'd' },
      ],
      right: [
        { index: 102, text: 'x' },
        { index: 103, text: 'd' },
      ],
    });
    expect(firstDifference(result('ab'), result('abc'), 3)).toMatchObject({
      index: 102,
      left: [],
      right: [{ text: 'c' }],
    });
  });
});

describe('progress', () => {
  it('adds up over jobs and tells the time left', () => {
    const meter = new ProgressMeter(2, 1_000);
    expect(meter.view(1_000)).toEqual({ done: 0, jobs: 2, share: 0, eventsPerSecond: 0, left: null });
    meter.update({ job: 0, share: 0.5, time: 0, events: 3_000 });
    expect(meter.view(4_000)).toEqual({ done: 0, jobs: 2, share: 0.25, eventsPerSecond: 1_000, left: 9 });
    meter.finish(0, 6_000);
    meter.update({ job: 1, share: 0.5, time: 0, events: 3_000 });
    expect(meter.view(10_000)).toMatchObject({ done: 1, share: 0.75, eventsPerSecond: 1_000, left: 3 });
  });
});
