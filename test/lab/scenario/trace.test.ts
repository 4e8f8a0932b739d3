import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { generateSample } from '../../../scenarios/data/generate.ts';
import { readCsv } from '../../../src/lab/scenario/csv.ts';
import { InvalidScenario } from '../../../src/lab/scenario/problem.ts';
import {
  gpuLoad,
  NODE_COLUMNS,
  POD_COLUMNS,
  readNodes,
  readPods,
  timeScaleFor,
  traceProviders,
} from '../../../src/lab/scenario/trace.ts';

const linesOf = (run: () => unknown): string[] => {
  try {
    run();
  } catch (error) {
    if (error instanceof InvalidScenario) return error.message.split('\n');
    throw error;
  }
  throw new Error('found no errors, expected some');
};

const rows = (text: string) =>
  [...readCsv('f.csv', text, ['a', 'b'])].map(({ line, fields, columns }) => [line, ...fields, ...columns]);

describe('comma-separated values', () => {
  it('are fields with their places', () => {
    expect(rows('a,b\n1,22\n,\n')).toEqual([
      [2, '1', '22', 1, 3],
      [3, '', '', 1, 2],
    ]);
  });

  it('end in LF or CRLF, the last in nothing if it likes', () => {
    expect(rows('a,b\r\n1,2\r\n3,4')).toEqual(rows('a,b\n1,2\n3,4\n'));
  });

  it('may be quoted, with commas, quotes and line ends inside', () => {
    expect(rows('a,b\n"x, ""y""","1\n2"\n3,4\n')).toEqual([
      [2, 'x, "y"', '1\n2', 1, 12],
      [4, '3', '4', 1, 3],
    ]);
    expect(rows('"a","b"\n"",""\n')).toEqual([[2, '', '', 1, 4]]);
  });

  it.each([
    ['another header', 'a,c\n1,2\n', 'f.csv:1:1: found the header "a,c", expected a,b'],
    ['nothing', '', 'f.csv:1:1: found an empty file, expected a,b'],
    ['a field too many', 'a,b\n1,2\n1,2,3\n', 'f.csv:3:1: found 3 fields, expected 2: a,b'],
    ['a field too few', 'a,b\n1\n', 'f.csv:2:1: found 1 fields, expected 2: a,b'],
    ['an empty line', 'a,b\n\n1,2\n', 'f.csv:2:1: found 1 fields, expected 2: a,b'],
    [
      'a quote within a field',
      'a,b\n1,2"3\n',
      'f.csv:2:4: found a quote within a field, expected the whole field in quotes',
    ],
    ['text behind a quote', 'a,b\n"1"2,3\n', 'f.csv:2:4: found "2", expected a comma or the end of the line'],
    ['an open quote', 'a,b\n1,"2\n3,4\n', 'f.csv:2:3: found a quote that is never closed, expected a closing quote'],
    ['a bare carriage return', 'a,b\n1,2\r3,4\n', 'f.csv:2:4: found "\\r", expected a comma or the end of the line'],
    [
      'a very long field',
      `a,b\n1,${'x'.repeat(10_001)}\n`,
      'f.csv:2:3: found a longer field, expected at most 10,000 characters',
    ],
  ])('%s is refused', (_, text, line) => {
    expect(linesOf(() => rows(text))).toEqual([line]);
  });
});

const nodes = (...lines: string[]) => readNodes('n.csv', `${[NODE_COLUMNS.join(), ...lines].join('\n')}\n`);
const pods = (...lines: string[]) => readPods('p.csv', `${[POD_COLUMNS.join(), ...lines].join('\n')}\n`);

describe('nodes', () => {
  it('are read into base units', () => {
    expect(nodes('n0,32000,262144,0,', 'n1,96000,1024,8,G2')).toEqual([
      { name: 'n0', cpu: 32_000, memory: 2 ** 38, gpu: 0, model: null },
      { name: 'n1', cpu: 96_000, memory: 2 ** 30, gpu: 8_000, model: 'G2' },
    ]);
  });

  it.each([
    [
      'a name twice',
      ['n0,1000,1024,0,', 'n0,1000,1024,0,'],
      'n.csv:3:1: sn: found "n0", expected a name that is not yet taken (it is, on line 2)',
    ],
    ['no name', [',1000,1024,0,'], 'n.csv:2:1: sn: found "", expected a name'],
    [
      'text for a number',
      ['n0,many,1024,0,'],
      'n.csv:2:4: cpu_milli: found "many", expected a whole number from 1 to 1,000,000,000',
    ],
    ['a fraction', ['n0,1000,10.5,0,'], 'n.csv:2:9: memory_mib: found "10.5", expected a whole number'],
    ['NaN', ['n0,NaN,1024,0,'], 'n.csv:2:4: cpu_milli: found "NaN", expected a whole number'],
    ['no cpu', ['n0,0,1024,0,'], 'n.csv:2:4: cpu_milli: found "0", expected a whole number from 1'],
    [
      'an overflow',
      ['n0,1000,99999999999999999999,0,'],
      'n.csv:2:9: memory_mib: found "99999999999999999999", expected a whole number',
    ],
    ['GPUs without a model', ['n0,1000,1024,2,'], 'n.csv:2:16: model: found "", expected the model of the GPUs'],
    [
      'a model without GPUs',
      ['n0,1000,1024,0,T4'],
      'n.csv:2:16: model: found "T4", expected nothing on a node without GPUs',
    ],
    ['no nodes', [], 'n.csv:1:1: found no rows, expected at least one behind the header'],
  ])('%s is refused', (_, lines, message) => {
    expect(linesOf(() => nodes(...lines))).toEqual([expect.stringContaining(message)]);
  });

  it('become providers by model, in groups', () => {
    const read = nodes('n0,1,1,2,T4', 'n1,1,1,0,', 'n2,1,1,2,T4', 'n3,1,1,1,A10', 'n4,1,1,4,T4');
    const grouped = traceProviders(read, 2).map(({ model, nodes: of }) => [model, ...of.map(({ name }) => name)]);
    expect(grouped).toEqual([
      ['T4', 'n0', 'n2'],
      ['T4', 'n4'],
      [null, 'n1'],
      ['A10', 'n3'],
    ]);
  });
});

describe('pods', () => {
  it('are read into base units, by arrival', () => {
    expect(
      pods(
        'late,12000,1024,1,460,,LS,Running,427061,427161,427061',
        'early,1000,0,0,0,,BE,Failed,5,5,5',
        'four,1000,1,4,1000,V100M16|V100M32,BE,Pending,5,3,',
        'stays,1000,1,1,1000,,BE,Running,6,,6.5',
      ),
    ).toEqual([
      { name: 'early', cpu: 1_000, memory: 0, gpu: 0, models: [], arrival: 5_000_000, lifetime: 1_000_000 },
      {
        name: 'four',
        cpu: 1_000,
        memory: 2 ** 20,
        gpu: 4_000,
        models: ['V100M16', 'V100M32'],
        arrival: 5_000_000,
        lifetime: 1_000_000,
      },
      { name: 'stays', cpu: 1_000, memory: 2 ** 20, gpu: 1_000, models: [], arrival: 6_000_000, lifetime: null },
      {
        name: 'late',
        cpu: 12_000,
        memory: 2 ** 30,
        gpu: 460,
        models: [],
        arrival: 427_061_000_000,
        lifetime: 100_000_000,
      },
    ]);
  });

  it.each([
    [
      'a share of no GPU',
      'p,1,1,0,500,,LS,Running,0,1,0',
      'p.csv:2:9: gpu_milli: found "500", expected 0 for a pod without GPUs',
    ],
    [
      'no share of a GPU',
      'p,1,1,1,0,,LS,Running,0,1,0',
      'p.csv:2:9: gpu_milli: found "0", expected a whole number from 1 to 1,000',
    ],
    [
      'more than a GPU',
      'p,1,1,1,1001,,LS,Running,0,1,0',
      'p.csv:2:9: gpu_milli: found "1001", expected a whole number from 0 to 1,000',
    ],
    ['shares of several GPUs', 'p,1,1,2,500,,LS,Running,0,1,0', 'p.csv:2:9: gpu_milli: found "500", expected 1000'],
    [
      'a time before the trace',
      'p,1,1,0,0,,LS,Running,-5,1,0',
      'p.csv:2:23: creation_time: found "-5", expected a whole number',
    ],
    ['no arrival', 'p,1,1,0,0,,LS,Running,,1,0', 'p.csv:2:23: creation_time: found "", expected a whole number'],
    [
      'an odd deletion',
      'p,1,1,0,0,,LS,Running,0,never,0',
      'p.csv:2:25: deletion_time: found "never", expected a whole number',
    ],
    ['an odd start', 'p,1,1,0,0,,LS,Running,0,1,soon', 'p.csv:2:27: scheduled_time: found "soon", expected seconds'],
    [
      'an empty model',
      'p,1,1,1,500,T4|,LS,Running,0,1,0',
      'p.csv:2:13: gpu_spec: found "T4|", expected models joined by |',
    ],
    ['no class', 'p,1,1,0,0,,,Running,0,1,0', 'p.csv:2:12: qos: found "", expected a word'],
    ['a field too few', 'p,1,1,0,0,,LS,Running,0,1', 'p.csv:2:1: found 10 fields, expected 11'],
  ])('%s is refused', (_, row, message) => {
    expect(linesOf(() => pods(row))).toEqual([expect.stringContaining(message)]);
  });

  it('are all judged, up to a hundred errors', () => {
    expect(
      linesOf(() => pods('p,x,1,0,0,,LS,Running,0,1,0', 'q,1,x,0,0,,LS,Running,0,1,0', 'p,1,1,0,0,,LS,Running,0,1,0')),
    ).toHaveLength(2 + 1);
    const odd = Array.from({ length: 500 }, (_, i) => `p${i},x,1,0,0,,LS,Running,0,1,0`);
    expect(linesOf(() => pods(...odd))).toHaveLength(100);
  });
});

describe('load and time scale', () => {
  const trace = {
    nodes: nodes('n0,1,1,2,T4', 'n1,1,1,2,T4'),
    pods: pods('a,1,1,1,500,,LS,R,0,100,0', 'b,1,1,2,1000,,LS,R,50,150,0', 'c,1,1,1,1000,,LS,R,200,,0'),
  };

  it('is GPU time asked for over GPU time there is', () => {
    // 500 x 100 s + 2,000 x 100 s; c is there from 200 s to the end of the trace, which is then.
    expect(gpuLoad(trace, 1)).toBeCloseTo(250 / (4 * 200), 12);
    expect(gpuLoad(trace, 2)).toBeCloseTo(2 * (250 / 800), 12);
  });

  it('is met by the scale computed for it', () => {
    for (const target of [0.05, 0.7, 3]) expect(gpuLoad(trace, timeScaleFor(trace, target))).toBeCloseTo(target, 12);
  });

  it('needs GPUs, demand, time and a target', () => {
    expect(() => timeScaleFor({ ...trace, nodes: nodes('n,1,1,0,') }, 0.7)).toThrow('found a trace without GPUs');
    expect(() => timeScaleFor({ ...trace, pods: trace.pods.slice(0, 1) }, 0.7)).toThrow('found a trace without GPUs');
    expect(() => timeScaleFor({ ...trace, pods: pods('a,1,1,0,0,,LS,R,0,1,0', 'b,1,1,0,0,,LS,R,5,6,0') }, 0.7)).toThrow(
      'found a trace without GPUs',
    );
    expect(() => timeScaleFor(trace, 0)).toThrow('found a target load of 0');
  });
});

describe('the sample', () => {
  const file = (kind: string) =>
    readFileSync(new URL(`../../../scenarios/data/openb-sample-${kind}.csv`, import.meta.url), 'utf8');

  it('is what its generator gives', () => {
    expect({ nodes: file('nodes'), pods: file('pods') }).toEqual(generateSample());
  });

  it('is read in full, and varied enough to be of use', () => {
    const read = { nodes: readNodes('n', file('nodes')), pods: readPods('p', file('pods')) };
    expect([read.nodes.length, read.pods.length]).toEqual([40, 250]);
    expect(new Set(read.nodes.map(({ model }) => model)).size).toBe(5);
    expect(read.pods.some(({ gpu }) => gpu === 0)).toBe(true);
    expect(read.pods.some(({ gpu }) => gpu > 0 && gpu < 1_000)).toBe(true);
    expect(read.pods.some(({ gpu }) => gpu > 1_000)).toBe(true);
    expect(read.pods.some(({ models }) => models.length > 1)).toBe(true);
  });
});

const data = join(process.env.ORRERY_DATA ?? '../shared/data', 'openb-gpu-2023');
describe.skipIf(!existsSync(data))('the openb trace (skipped where its folder is absent)', () => {
  it('is read in full: 1,523 nodes and 8,152 pods', () => {
    const read = {
      nodes: readNodes('nodes', readFileSync(join(data, 'openb_node_list_all_node.csv'), 'utf8')),
      pods: readPods('pods', readFileSync(join(data, 'openb_pod_list_default.csv'), 'utf8')),
    };
    expect([read.nodes.length, read.pods.length]).toEqual([1_523, 8_152]);
    expect(read.nodes.reduce((sum, { gpu }) => sum + gpu, 0)).toBe(6_212_000);
    expect(new Set(read.nodes.map(({ model }) => model)).size).toBe(8);
    expect(read.pods.every(({ lifetime }) => lifetime !== null && lifetime >= 1_000_000)).toBe(true);
    expect(gpuLoad(read, timeScaleFor(read, 0.7))).toBeCloseTo(0.7, 9);
  });
});
